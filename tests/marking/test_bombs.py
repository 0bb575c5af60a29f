"Answers that make the marker work: each costs its own exercise, within limits on time and memory, and no more"
import pytest

from course_labs.marking import marks
from course_labs.marking import sandbox as isolation
from course_labs.marking.answers import Answer
from course_labs.marking.rights import Limits
from course_labs.teaching.exercises import EXERCISES, exercise, same

pytestmark = pytest.mark.skipif(bool(isolation.why_not()), reason=f'answers cannot be walled in: {isolation.why_not()}')

@pytest.fixture(scope='module')
def box():
    "A sandbox, with two exercises: one wants a number, one runs a network"
    import torch
    hints = 'What is asked for?', 'Return it.'
    @exercise('w3.a_number', concepts=('w3.1',), hints=hints)
    def _(answer, rng): same(answer(), 3, 'a_number()')
    @exercise('w3.a_network', concepts=('w3.1',), hints=hints)
    def _(answer, rng): same(tuple(answer()(torch.ones(1, 1, 64, 64)).shape), (1, 1, 64, 64), 'its output')
    with isolation.Sandbox(limits=Limits(seconds=4, memory=600)) as res: yield res
    for name in 'w3.a_number', 'w3.a_network': del EXERCISES[name]

@pytest.fixture
def marked(box, monkeypatch):
    "(state, message, is it marked again?) of an answer whose check has two seconds and 500 MB"
    monkeypatch.setattr(marks, 'CHECKING', 2)
    monkeypatch.setattr(marks, 'CHECK_MEMORY', 500)
    def mark(name, body, before=''):
        text = before + f'\ndef {name}():\n' + ''.join(f'    {l}\n' for l in body.strip('\n').split('\n'))
        res = marks.mark_answer(Answer(f'w3.{name}', name, [text]), None, box, [0])
        return res['state'], res['message'], 'again' in res
    return mark

TIME, MEMORY = 'It was not finished within the time limit.', 'It asked for more memory than the limit allows.'

# What no answer can build in its own seconds it can write: a reply of which all keys fall together
FORGED = '''
import json, struct, sys
keys = [[['int', hex(i*(2**61 - 1))], ['none']] for i in range(1, 80_000)]
text = json.dumps(['reply', [['tuple', [['KIND', KEYS], ['list', []], ['int', 0]]]]]).replace('"KEYS"', json.dumps(keys)).encode()
frame = sys._getframe()
while 'wire' not in frame.f_locals: frame = frame.f_back
frame.f_locals['wire'].sock.sendall(struct.pack('>II', len(text), 0) + text)'''.replace('KEYS]', '"KEYS"]')

@pytest.mark.parametrize('kind', ['dict', 'set', 'frozenset'])
def test_keys_that_all_collide_end_with_their_check(marked, kind):
    body = FORGED.replace('KIND', kind)
    if kind != 'dict': body = body.replace("[['int', hex(i*(2**61 - 1))], ['none']]", "['int', hex(i*(2**61 - 1))]")
    assert marked('a_number', body) == ('stopped', TIME, False)
    assert marked('a_number', 'return 3')[0] == 'right'

def test_a_shape_without_values_is_a_short_sentence(marked):
    state, message, _ = marked('a_number', 'import numpy as np; return np.empty((10**7, 0))')
    assert state == 'wrong' and 'array of shape (10000000, 0)' in message and len(message) < 200

def test_a_network_that_needs_too_much_memory_is_stopped(marked):
    assert marked('a_network', 'from torch import nn; return nn.Upsample(scale_factor=400)') == ('stopped', MEMORY, False)

def test_a_network_that_runs_for_too_long_is_stopped(marked):
    body = 'from torch import nn; return nn.Sequential(nn.Upsample(scale_factor=20), *[nn.Softplus() for _ in range(2000)])'
    assert marked('a_network', body) == ('stopped', TIME, False)
    assert marked('a_network', 'from torch import nn; return nn.Identity()')[0] == 'right'
