"A network of keras with code of the student's own in it is marked as one without"
import pytest

from course_labs.marking.answers import Answer
from course_labs.marking.marks import make_course, mark_answer
from course_labs.marking.sandbox import Sandbox

IMPORTS = ['import os', "os.environ.setdefault('KERAS_BACKEND', 'torch')", 'import keras', 'from keras import layers, ops']
PLAIN = '''def triplet_net(n_inputs, hidden):
    three = [keras.Input((n_inputs,)) for _ in range(3)]
    tower = layers.Dense(hidden, activation='relu')
    a, p, n = map(tower, three)
    far, near = [ops.sum(ops.square(a - o), axis=-1, keepdims=True) for o in (n, p)]
    return keras.Model(three, far - near)'''
SUMS = 'far, near = [ops.sum(ops.square(a - o), axis=-1, keepdims=True) for o in (n, p)]'
LAMBDA = PLAIN.replace(SUMS, '''distance = layers.Lambda(lambda two: ops.sum(ops.square(two[0] - two[1]), axis=-1, keepdims=True))
    far, near = distance([a, n]), distance([a, p])''')
OWN = PLAIN.replace(SUMS, 'far, near = Distance()(a, n), Distance()(a, p)')
DISTANCE = '''class Distance(layers.Layer):
    def call(self, u, v): return ops.sum(ops.square(u - v), axis=-1, keepdims=True)'''
SUBCLASS = '''class Net(keras.Model):
    def __init__(self, hidden):
        super().__init__()
        self.tower = layers.Dense(hidden, activation='relu')
    def call(self, three):
        a, p, n = map(self.tower, three)
        return ops.sum((a - n)**2, axis=-1, keepdims=True) - ops.sum((a - p)**2, axis=-1, keepdims=True)'''
OF_SUBCLASS = '''def triplet_net(n_inputs, hidden):
    net = Net(hidden)
    net([ops.zeros((1, n_inputs))]*3)
    return net'''
THREE = ('tower = layers.Dense(hidden, activation=\'relu\')\n    a, p, n = map(tower, three)',
         'a, p, n = [layers.Dense(hidden, activation=\'relu\')(o) for o in three]')

@pytest.fixture(scope='module')
def verdict():
    module = make_course().labs['7']['module']
    with Sandbox(isolated=False) as sandbox: # these answers are ours
        yield lambda *code: mark_answer(Answer('w7.triplet_net', 'triplet_net', [*IMPORTS, *code]), module, sandbox, [0, 1])

RIGHT = {'layers of keras alone': [PLAIN], 'a Lambda': [LAMBDA], 'a layer of its own': [DISTANCE, OWN]}

@pytest.mark.parametrize('case', RIGHT)
def test_is_right(case, verdict):
    said = verdict(*RIGHT[case])
    assert said['state'] == 'right', said

WRONG = {'the mean in a Lambda': ([LAMBDA.replace('ops.sum', 'ops.mean')], 'mean'),
         'three towers before a layer of its own': ([DISTANCE, OWN.replace(*THREE)], 'Three towers'),
         'a model of its own class': ([SUBCLASS, OF_SUBCLASS], 'symbolic tensors')}

@pytest.mark.parametrize('case', WRONG)
def test_is_wrong_and_says_why(case, verdict):
    code, hint = WRONG[case]
    said = verdict(*code)
    assert said['state'] == 'wrong' and hint in said['think'], said
