"A Keras net and its twin in PyTorch: the same answers for any such net, and a line for what the twin does not know"
import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings as hyp, strategies as st

from conftest import one_line
from course_labs.core.files import CourseError
from course_labs.training.keras_tools import probabilities, train_net
from course_labs.training.keras_twin import channels_first, keras_to_torch, twin_outputs, weight_gap
import keras
from keras import layers

def images(n, side, channels=1, seed=0): return np.random.default_rng(seed).normal(2, 3, (n, side, side, channels)).astype(np.float32)

@hyp(max_examples=12, deadline=None)
@given(seed=st.integers(0, 1000), side=st.integers(2, 9), channels=st.integers(1, 3), filters=st.lists(st.integers(1, 5), min_size=1, max_size=2),
       kernel=st.integers(1, 4), act=st.sampled_from(['relu', 'tanh', 'sigmoid', 'linear']), pad=st.sampled_from(['same', 'valid']))
def test_twin_gives_the_same(seed, side, channels, filters, kernel, act, pad):
    assume(pad == 'same' or side >= 2**len(filters))
    keras.utils.set_random_seed(seed)
    body = sum([[layers.Conv2D(n, kernel, padding='same', activation=act), layers.MaxPooling2D(2, padding=pad)] for n in filters], [])
    model = keras.Sequential([keras.Input((side, side, channels)), *body, layers.Flatten(), layers.Dropout(.5),
                              layers.Dense(4, activation='softmax', use_bias=False)])
    X = images(5, side, channels, seed)
    np.testing.assert_allclose(twin_outputs(keras_to_torch(model), X), probabilities(model, X), atol=1e-5)

UNKNOWN = [(layers.LayerNormalization(), 'LayerNormalization'), (layers.BatchNormalization(axis=1), 'BatchNormalization'),
           (layers.BatchNormalization(center=False), 'BatchNormalization'), (layers.ReLU(max_value=6), 'ReLU'),
           (layers.Conv2D(2, 3, strides=2, padding='same'), 'Conv2D'), (layers.Conv2D(2, 3), 'Conv2D'),
           (layers.Conv2D(2, 3, padding='same', dilation_rate=2), 'Conv2D'), (layers.Dense(3, activation='gelu'), 'gelu'),
           (layers.MaxPooling2D(3), 'MaxPooling2D')]

@pytest.mark.parametrize('layer,why', UNKNOWN, ids=[f'{i}-{why}' for i,(_, why) in enumerate(UNKNOWN)])
def test_twin_says_what_it_does_not_know(layer, why):
    with pytest.raises(CourseError) as e: keras_to_torch(keras.Sequential([keras.Input((8, 8, 1)), layer]))
    one_line(e, why)

def test_twin_takes_lists_only():
    x = keras.Input((3,))
    with pytest.raises(CourseError) as e: keras_to_torch(keras.Model(x, layers.Dense(2)(x)))
    one_line(e, 'Sequential')

def test_twin_of_batch_normalisation():
    "After a training that moved the running mean and variance: of images, and of rows"
    X, y = images(64, 8), np.arange(64) % 3
    model = keras.Sequential([keras.Input((8, 8, 1)), layers.Conv2D(4, 3, padding='same', use_bias=False), layers.BatchNormalization(momentum=.8, epsilon=.01),
                              layers.ReLU(), layers.Flatten(), layers.Dense(5), layers.BatchNormalization(), layers.Dense(3, activation='softmax')])
    train_net(model, X, y, 2, 16, 1e-2)
    twin = keras_to_torch(model)
    np.testing.assert_allclose(twin_outputs(twin, X), probabilities(model, X), atol=1e-5)
    norm = next(m for m in twin if isinstance(m, torch.nn.BatchNorm2d))
    assert norm.eps == .01 and abs(norm.momentum - .2) < 1e-9

def test_a_step_of_both_moves_the_same_weights():
    "One step of plain gradient descent: the gap stays rounding, whatever the layout"
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((6, 6, 2)), layers.Conv2D(3, 3, padding='same', activation='tanh'), layers.Flatten(), layers.Dense(4)])
    twin, before = keras_to_torch(model).train(), keras_to_torch(model)
    X, y = images(20, 6, 2)/5, np.arange(20) % 4
    model.compile(keras.optimizers.SGD(.5), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.train_on_batch(X, y)
    assert weight_gap(model, twin) > 1e-3
    torch.nn.functional.cross_entropy(twin(channels_first(X)), torch.from_numpy(y)).backward()
    torch.optim.SGD(twin.parameters(), .5).step()
    assert weight_gap(model, twin) < 1e-6 < 1e-3 < weight_gap(model, before)
