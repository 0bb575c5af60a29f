"Part of the points for part of the behaviour, and nothing for an answer that returns the same thing whatever it is asked"
import copy, math, sys, warnings
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
import mutants
from course_labs.core.files import CourseError
from course_labs.core.paths import lab_notebooks
from course_labs.teaching.checks.common import grouped, properties
from course_labs.teaching.exercises import (ERROR, EXERCISES, NOT_ATTEMPTED, PARTLY, RIGHT, WRONG, check, exercise, mark,
    over_seeds, same, week_of)
from course_labs.teaching.properties import Property

SEEDS = 3, 4, 5

def names(res): return [o['name'] for o in res.properties]
def held(res): return [o['name'] for o in res.properties if o['holds']]

def stub(*args, **kwargs): raise NotImplementedError()

@pytest.fixture(scope='module')
def in_parts(): # Id: solution of each exercise of the labs that gives part of the points
    warnings.simplefilter('ignore')
    def has(s): # by_cases asks before it says what there is to ask for
        with np.errstate(all='ignore'): return names(mark(s.id, lambda *a, **kw: None))
    return {id: s for id,s in mutants.solutions().items() if has(s)}

def test_each_week_has_two_exercises_that_give_part_of_the_points(in_parts):
    of = [week_of(id) for id in in_parts]
    assert {w: of.count(w) >= 2 for w in lab_notebooks()} == {w: True for w in lab_notebooks()}

def test_a_solution_has_every_property_at_every_seed(in_parts):
    for id,s in in_parts.items():
        res = over_seeds([mutants.verdict(id, s.function(), seed) for seed in SEEDS])
        assert (res.state, res.points) == (RIGHT, res.of), res
        assert names(res) and held(res) == names(res)

def test_properties_and_their_weights_are_the_same_at_every_seed(in_parts):
    for id,s in in_parts.items():
        answer = s.function()
        said = {tuple((o['name'], o['weight'], o['needs']) for o in mutants.verdict(id, answer, seed).properties) for seed in SEEDS}
        assert len(said) == 1 and len([*said][0]) > 1, (id, said)

CONSTANTS = {'True': True, 'False': False, '0': 0, '1': 1, '-1': -1, '0.': 0., '0.5': .5, 'None': None, 'a list': [], 'a text': '', 'a tuple': (),
    'a dict': {}, 'inf': math.inf, 'nan': math.nan, 'an empty array': np.array([]), '[0]': [0], '(0, 0)': (0, 0), '(None, None)': (None, None), '([], [])': ([], [])}
def same_always(value): return lambda *args, **kw: copy.copy(value)

def first(*args, **kw): return args[0] if args else None
def last(*args, **kw): return args[-1] if args else None
def alike(*args, **kw): return np.zeros_like(args[0]) if args and isinstance(args[0], np.ndarray) else type(args[0])() if args else None
def raising(*args, **kw): raise ValueError()
EMPTY = {**{k: same_always(v) for k,v in CONSTANTS.items()}, 'the first argument': first, 'the last argument': last,
         'zeros like the first argument': alike, 'an error': raising}

def test_what_is_returned_whatever_is_asked_has_no_points(in_parts):
    paid = []
    for id in in_parts:
        for name, answer in EMPTY.items():
            res = mark(id, answer, 1)
            if res.points or res.state not in (WRONG, ERROR): paid.append((id, name, res.state, held(res)))
    assert paid == []

def test_what_a_solution_returned_at_another_seed_has_no_points(in_parts):
    "w7.triplet_net gives a network, which computes anew"
    paid = []
    for id,s in in_parts.items():
        if id == 'w7.triplet_net': continue
        solution, said = s.function(), []
        def recorded(*args, **kw):
            said.append(copy.deepcopy(solution(*args, **kw)))
            return copy.deepcopy(said[-1])
        assert mutants.verdict(id, recorded, 7).state == RIGHT
        calls = iter(said)
        res = mutants.verdict(id, lambda *args, **kw: copy.deepcopy(next(calls, said[-1])), 10_001)
        if res.points: paid.append((id, res.points, held(res)))
    assert paid == []

# --- answers whose edge is wrong: exercise, answer, what does not hold, share of the points
def conv_without_pad(size, kernel, stride=1, pad=0, dilation=1): return (size - dilation*(kernel - 1) - 1)//stride + 1
def conv_no_defaults(size, kernel, stride=2, pad=0, dilation=2): return (size + 2*pad - dilation*(kernel - 1) - 1)//stride + 1

def softmax_that_overflows(logits):
    e = np.exp(logits)
    return e/e.sum(1, keepdims=True)

def pool_of_full_maps(x, k, mode):
    blocks = x.reshape(x.shape[0]//k, k, x.shape[1]//k, k) # raises where something is left over
    return blocks.max((1, 3)) if mode == 'max' else blocks.mean((1, 3))

def average_precision(ranked, relevant, k): # raises where nothing is relevant
    hits = [p for p,o in enumerate(ranked[:k], 1) if o in relevant]
    return sum(i/p for i,p in enumerate(hits, 1))/len(relevant)

def stop_at_the_later(valid, patience):
    best = epoch = 0
    for epoch in range(1, len(valid)):
        if valid[epoch] <= valid[best]: best = epoch
        if epoch - best >= patience: break
    return best, epoch

def loss_alone(probs, codes): return float(-np.log(probs[np.arange(len(codes)), codes]).mean()), 0.

def rise_alone(done, lr): return lr/25 + (lr - lr/25)*(1 - math.cos(math.pi*done/0.25))/2 if done <= 0.25 else lr

def order_of_any_mask(hidden): return np.argsort(-hidden.sum(1), kind='stable').tolist()

def at_0_is_right_for_minus_1(X, y, w, b):
    n = 0
    for x,t in zip(X, y):
        if t*(w@x + b) > 0 or (t < 0 and w@x + b == 0): continue
        w, b, n = w + t*x, b + t, n + 1
    return w, b, n

def epoch_alone(train, valid): return 'stands', valid.index(min(valid)) + 1

IN_PART = [('w1.stop_when', stop_at_the_later, {'where losses are equal'}, 3/4),
    ('w2.loss_and_error', loss_alone, {'the error'}, 1/2),
    ('w3.conv_size', conv_without_pad, {'with padding as well'}, 3/4),
    ('w3.conv_size', conv_no_defaults, {'without any of them'}, 3/4),
    ('w3.pool', pool_of_full_maps, {'pixels left over at the end'}, 3/4),
    ('w3.softmax', softmax_that_overflows, {'logits of thousands'}, 1/2),
    ('w4.one_cycle_at', rise_alone, {'the fall after it'}, 1/2),
    ('w5.order_behind', order_of_any_mask, {'masks without an order'}, 3/4),
    ('w6.average_precision', average_precision, {'without a hit, or anything relevant'}, 3/4),
    ('w7.perceptron_pass', at_0_is_right_for_minus_1, {'a sum of 0 for class -1'}, 3/4),
    ('w8.read_curve', epoch_alone, {'the verdict'}, 1/4)]

@pytest.mark.parametrize('id, answer, lacks, share', IN_PART, ids=[f'{o[0]}, {o[1].__name__}' for o in IN_PART])
def test_a_wrong_edge_costs_its_part(id, answer, lacks, share):
    for seed in SEEDS:
        with np.errstate(all='ignore'): res = mark(id, answer, seed)
        assert (res.state, set(names(res)) - set(held(res))) == (PARTLY, lacks), res
        assert res.points == round(res.of*share, 4)
        assert res.message and res.message != 'Every input gave what was expected.'

def test_part_marks_are_seen_in_a_notebook():
    res = check('w3.conv_size', conv_without_pad)
    for shown in (repr(res), res._repr_html_()):
        assert 'in part, 0.75 of 1 points' in shown and 'The padding seems to have no effect' in shown
        assert '✗ does not hold: with padding as well' in shown and '✓ holds: without any of them' in shown

@pytest.mark.parametrize('variable', ['COURSE_LABS_STRICT', 'NBGRADER_EXECUTION'])
def test_where_an_answer_must_be_right_a_part_is_an_error(monkeypatch, variable):
    monkeypatch.setenv(variable, '1')
    with pytest.raises(AssertionError, match='in part'): check('w3.conv_size', conv_without_pad)

# --- the machinery
@pytest.fixture
def made(request): # Registers a check for one test
    def register(f):
        exercise('w3.made', (), ('a', 'b'))(f)
        return lambda answer, seed=0: mark('w3.made', answer, seed)
    yield register
    EXERCISES.pop('w3.made', None)

def test_the_sentence_is_of_the_first_property_that_does_not_hold(made):
    ask = made(lambda answer, rng: [Property(str(i), 1, lambda i=i: same(answer(i), 0, f'f({i})')) for i in range(4)])
    res = ask(lambda i: i if i in (1, 3) else 0)
    assert (res.message, held(res), res.points) == ('f(1) should be 0, but it is 1.', ['0', '2'], 0.5)

def test_a_property_that_raises_does_not_hide_those_after_it(made):
    ask = made(lambda answer, rng: [Property(str(i), 1, lambda i=i: same(answer(i), 1., f'f({i})')) for i in (0, 1)])
    res = ask(lambda i: 1/i)
    assert (held(res), res.state, res.points) == (['1'], PARTLY, 0.5)
    assert 'ZeroDivisionError' in res.message

def test_the_stub_is_not_attempted_and_an_open_part_is_not_the_stub(made):
    ask = made(lambda answer, rng: [Property(str(i), 1, lambda i=i: same(answer(i), i, f'f({i})')) for i in (0, 1)])
    assert (ask(stub).state, ask(stub).properties) == (NOT_ATTEMPTED, [])
    res = ask(lambda i: i if not i else stub())
    assert (res.state, res.points) == (PARTLY, 0.5)
    assert 'NotImplementedError' in res.message and 'still the stub' not in res.message

def test_what_the_check_itself_raises_leaves_nothing(made):
    def f(answer, rng):
        yield 'a', 1, lambda: None
        same(answer(), 1, 'f()')
    res = made(f)(lambda: 2)
    assert (res.state, res.points, res.properties) == (WRONG, 0., [])

BAD = {'two of one name': [('a', 1, stub), ('a', 1, stub)], 'no weight': [('a', 0, stub)], 'a need that comes later': [('a', 1, stub, 'b'), ('b', 1, stub)], 'nothing': []}

@pytest.mark.parametrize('case', BAD)
def test_a_check_that_cannot_be_counted_is_an_error_of_its_author(made, case):
    with pytest.raises(CourseError): made(lambda answer, rng: [tuple([*o[:2], lambda: None, *o[3:]]) for o in BAD[case]])(abs)

def test_groups_after_the_first_count_only_with_it(made):
    def f(answer, rng): return properties(lambda x: same(answer(x), abs(x), f'f({x})'), {'numbers': [(3,), (-2,)], 'nothing': [(0,)]})
    ask = made(f)
    res = ask(lambda x: 0)
    assert (held(res), res.points, res.state) == (['nothing'], 0., WRONG)
    assert 'holds, but counts only together with "numbers": nothing' in repr(res)
    assert ask(lambda x: abs(x) or None).points == 0.5

def test_a_group_without_cases_is_an_error():
    with pytest.raises(ValueError, match='too few cases'): grouped([(1,), (2,), (3,)], 'usual', {'even': lambda n: n % 2 == 0, 'above 5': lambda n: n > 5})
