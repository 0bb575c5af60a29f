"A solution that was changed in one place is refused by its check; `python tests/mutants.py` asks about all of them"
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
import mutants

@pytest.fixture(scope='module')
def found(): return mutants.solutions()

def test_every_equivalent_mutant_is_one_that_is_made(found):
    "An entry of the list whose solution has changed goes"
    made = {mutants.key(m) for id,s in found.items() for m in mutants.mutants(id, s.source)}
    assert not set(mutants.known()) - made

def test_a_sample_is_refused(found):
    some = {id: s for id,s in found.items() if id not in ('w8.train_loop', 'w6.n_axes')} # slow ones
    _, survivors = mutants.sweep(some, range(2), sample=1, tell=lambda s: None)
    known = mutants.known()
    assert not [(m.id, m.was, m.now) for m,_ in survivors if mutants.key(m) not in known]

def test_a_border_that_no_check_asks_about_is_a_survivor(tmp_path):
    "The sweep itself: a solution whose check does not look is found"
    s = mutants.solutions(1, ['w1.shrink'])['w1.shrink']
    all_ = mutants.mutants(s.id, s.source)
    at_border = next(m for m in all_ if 'size >= 0' in m.now)
    wrong = next(m for m in all_ if 'np.abs(w) + by' in m.now)
    took = mutants.warm_up(s)
    assert mutants.taken_as_right(s, at_border, range(3), took) == [0, 1, 2]
    assert mutants.taken_as_right(s, wrong, range(3), took) == []
