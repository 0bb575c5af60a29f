"What a solution returned at one seed, given again call by call, is refused at every other"
import copy, sys, warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
import mutants
from course_labs.teaching.exercises import RIGHT

SEEDS = 10_001, 10_002 # `python tests/teaching/test_replay.py 10` asks about ten
# A network of the shape that is asked for is right at every seed: what it gives is computed anew
TAKEN = 'w7.triplet_net',
SLOW = 'w8.train_loop', 'w6.n_axes'

def recorded(s, seed): # What the solution returns, call by call
    solution, said = s.function(), []
    def answer(*args, **kw):
        res = solution(*args, **kw)
        try: said.append(copy.deepcopy(res))
        except Exception: said.append(res) # a tensor with a gradient, a generator
        return res
    assert mutants.verdict(s.id, answer, seed).state == RIGHT
    return said

def replayed(s, seeds, first=7): # Seeds at which the record is taken as right; None where it cannot be made
    if s.source.startswith('class'): return None
    said, right = recorded(s, first), []
    for seed in seeds:
        calls = iter(said)
        def answer(*args, **kw): return copy.copy(next(calls, said[-1]))
        if mutants.verdict(s.id, answer, seed).state == RIGHT: right.append(seed)
    return right

def found(seeds, only=()):
    warnings.simplefilter('ignore')
    res = {}
    for id,s in mutants.solutions(None, only).items():
        if id in SLOW: continue
        try: res[id] = replayed(s, seeds)
        except AssertionError: raise
        except Exception as e: res[id] = f'{type(e).__name__}: {e}'[:100]
        print(id, res[id], flush=True)
    return res

def test_a_record_of_one_seed_is_wrong_at_others():
    res = found(SEEDS)
    assert {k: v for k,v in res.items() if v and k not in TAKEN} == {}

if __name__ == '__main__':
    found(range(10_001, 10_001 + int(sys.argv[1])))
