"Right values in a container that a person would call the same are right in the notebook and behind the wall"
from collections import Counter, OrderedDict, defaultdict, namedtuple

import numpy as np
import pytest
import torch

from course_labs.marking.wire.codec import decode, encode
from course_labs.teaching.exercises import Wrong, same

Pair = namedtuple('Pair', 'low high')

class Kept:
    "What stays behind the wall has a number"
    def keep(self, x): return 0
    def stand_in(self, number, name, is_module): return type(name, (), {})()

def travelled(x):
    "As the other process gets it"
    _, (res,) = decode(*encode('reply', [x], Kept()), Kept())
    return res

def taken(got, want):
    try: same(got, want, 'f()')
    except Wrong: return False
    return True

RIGHT = {
    'a list for two numbers': ([1, 2.5], (1, 2.5)), 'a tuple for a list': ((1, 2, 3), [1, 2, 3]), 'two lists in a list': ([[1], [2]], ([1], [2])),
    'a named tuple': (Pair(1, 2.5), (1, 2.5)), 'an ordered dict': (OrderedDict(a=1, b=2), {'a': 1, 'b': 2}),
    'a dict with a default': (defaultdict(int, a=1), {'a': 1}), 'a counter': (Counter('aab'), {'a': 2, 'b': 1}),
    "numpy's text": (np.str_('cat'), 'cat'), "a list of numpy's texts": (list(np.array(['a', 'b'])), ['a', 'b']),
    "a list of numpy's numbers": (list(np.full(3, .5)), [.5, .5, .5]), 'a single number as an array': (np.array(3.), 3.),
    'a single count as an array': (np.array(3), 3), 'a single number as a tensor': (torch.tensor(3.), 3.), "numpy's truth": (np.bool_(True), True),
    'a single truth as an array': (np.array(True), True)}

@pytest.mark.parametrize('case', RIGHT)
def test_is_right_here_and_there(case):
    got, want = RIGHT[case]
    assert taken(got, want) and taken(travelled(got), want)

WRONG = {
    'other numbers': ([1, 2.4], (1, 2.5)), 'a named tuple of others': (Pair(1, 2), (1, 2.5)), 'a counter of others': (Counter('ab'), {'a': 2, 'b': 1}),
    'an array for a list': (np.array([1, 2]), [1, 2]), 'a truth for a number': (np.array(True), 1), 'an array of one for a number': (np.array([3.]), 3.),
    'another text': (np.str_('cut'), 'cat'), 'a generator for a list': ((i for i in range(3)), [0, 1, 2])}

@pytest.mark.parametrize('case', WRONG)
def test_is_wrong_here_and_there(case):
    got, want = WRONG[case]
    assert not taken(got, want) and not taken(travelled(got), want)

def test_a_dict_that_lies_about_its_items_travels_as_what_it_holds():
    class Liar(dict):
        def items(self): return {'a': 2}.items()
    assert travelled(Liar(a=1)) == {'a': 1}
