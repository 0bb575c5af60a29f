"Week 7: the helpers of the Keras lab, and bad input"
import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings as hyp, strategies as st

from conftest import one_line
from course_labs.weeks import keras_nets as kn
from course_labs.training.keras_tools import probabilities, train_net
from course_labs.core.files import CourseError
import keras
from keras import layers

# ---- Perceptron and backpropagation ----

@hyp(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), d=st.integers(1, 5), n=st.integers(2, 60))
def test_perceptron_keeps_novikoffs_bound(seed, d, n):
    rng = np.random.default_rng(seed)
    A, u = np.c_[rng.normal(size=(n, d)), np.ones(n)], rng.normal(size=d + 1)
    u /= np.linalg.norm(u)
    far = abs(A@u) > 0.1
    assume(far.any())
    A, y = A[far], np.sign(A[far]@u)
    bound = (A**2).sum(1).max()/abs(A@u).min()**2
    w, mistakes = kn.perceptron(A[:, :-1], y, epochs=int(bound) + 1, seed=seed)
    assert sum(mistakes) <= bound and mistakes[-1] == 0
    assert (kn.perceptron_answer(w, A[:, :-1]) == y).all()

def test_perceptron_wants_two_signs():
    with pytest.raises(CourseError) as e: kn.perceptron(np.eye(2), np.array([0, 1]))
    one_line(e, '1 and -1')

@hyp(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(1, 9), i=st.integers(1, 6), h=st.integers(1, 6), k=st.integers(2, 5), scale=st.sampled_from([.1, 1, 10]))
def test_backpropagation_is_autograd(seed, n, i, h, k, scale):
    rng = np.random.default_rng(seed)
    params = [scale*rng.normal(size=s) for s in ((i, h), (h,), (h, k), (k,))]
    X, y = rng.normal(size=(n, i)), rng.integers(0, k, n)
    ts = [torch.tensor(p, requires_grad=True) for p in params]
    theirs = torch.nn.functional.cross_entropy(torch.tanh(torch.tensor(X)@ts[0] + ts[1])@ts[2] + ts[3], torch.tensor(y))
    theirs.backward()
    loss, grads = kn.forward_backward(params, X, y)
    np.testing.assert_allclose(loss, theirs.item(), rtol=1e-9, atol=1e-12)
    for g, t in zip(grads, ts): np.testing.assert_allclose(g, t.grad.numpy(), rtol=1e-8, atol=1e-12)

# ---- Images ----

@pytest.mark.parametrize('side', [1, 3, 8, 28])
def test_nets_take_any_side(side):
    for make in (kn.image_cnn, kn.image_mlp): assert probabilities(make(side, 3), np.zeros((2, side, side, 1), np.float32)).shape == (2, 3)

def test_same_seed_same_weights():
    a, b, c = [kn.image_cnn(8, 3, seed=s).get_weights() for s in (1, 1, 2)]
    assert all((x == y).all() for x,y in zip(a, b)) and any((x != y).any() for x,y in zip(a, c))

@hyp(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000))
def test_pairs(seed):
    y = np.random.default_rng(seed).integers(0, 10, 200)
    left, right, same = kn.image_pairs(y, 400, seed)
    assert ((y[left] == y[right]) == (same > 0)).all() and .4 < same.mean() < .7

# ---- Wide and deep ----

def test_wide_and_deep_shapes():
    X, W = np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32), np.ones((6, 3), np.float32)
    assert probabilities(kn.wide_and_deep(5), X).shape == (6, 1)
    assert probabilities(kn.wide_and_deep(5, 3), [W, X]).shape == (6, 1)
    out, aux = probabilities(kn.wide_and_deep(5, 3, aux=True), [W, X])
    assert out.shape == aux.shape == (6, 1)
    assert abs(kn.rmse([out, aux], out[:, 0])) == 0

def test_the_wide_path_is_linear():
    rng = np.random.default_rng(0)
    W = rng.normal(size=(400, 3)).astype(np.float32)
    y = W@np.array([1., -2., .5], np.float32)
    model = kn.wide_and_deep(1, 3, (4,))
    train_net(model, [W, np.zeros((400, 1), np.float32)], y, 30, 50, .1, loss='mse', metrics=())
    assert kn.rmse(probabilities(model, [W, np.zeros((400, 1), np.float32)]), y) < .1

# ---- A class of its own ----

@pytest.mark.parametrize('seed', range(3))
def test_a_step_by_hand_trains_as_keras_does(seed):
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(60, 4, 4, 1)).astype(np.float32), rng.integers(0, 3, 60)
    after = []
    for kind in (kn.OwnStep, kn.DenseNet):
        keras.utils.set_random_seed(seed)
        net = kind(5, 3)
        net.compile(keras.optimizers.Adam(0.01), 'sparse_categorical_crossentropy')
        net.fit(X, y, batch_size=16, epochs=2, shuffle=False, verbose=0)
        after.append(net.get_weights())
    for a, b in zip(*after): np.testing.assert_allclose(a, b, atol=1e-5)

def test_rates_are_noted():
    net, noted = keras.Sequential([keras.Input((1,)), layers.Dense(1)]), kn.NoteRates()
    net.compile(keras.optimizers.SGD(0.1), 'mse')
    half = keras.callbacks.LearningRateScheduler(lambda epoch, lr: lr/2 if epoch else lr)
    net.fit(np.ones((4, 1)), np.ones(4), epochs=3, verbose=0, callbacks=[half, noted])
    assert noted.rates == pytest.approx([0.1, 0.05, 0.025])

# ---- One strange row ----

def test_ten_blocks_hide_what_all_others_say():
    "The figure of the lab, on the table that it reads"
    from course_labs.data_sets.housing import read_housing
    from course_labs.data_sets.registry import get
    rows, _ = kn.split_housing(read_housing(get('housing', 'tiny')), 0.2, 0)
    people, value = (rows.population/rows.households).to_numpy(), kn.value(rows)
    usual = np.argsort(people)[:-10]
    assert abs(np.corrcoef(people, value)[0, 1]) < 0.05 and np.corrcoef(people[usual], value[usual])[0, 1] < -0.2

# ---- Search ----

def test_search_keeps_the_budget():
    tried = []
    def train(s): tried.append(s); return (s['a'] - 3)**2
    t = kn.random_search(train, dict(a=lambda r: int(r.integers(0, 9))), 7, dict(a=0), seed=1)
    assert len(tried) == len(t) == 7 and tried[0] == dict(a=0) and t.valid.min() <= 9
    assert t.equals(kn.random_search(train, dict(a=lambda r: int(r.integers(0, 9))), 7, dict(a=0), seed=1))

@pytest.mark.parametrize('kwargs,why', [(dict(budget=0), 'budget=0'), (dict(default=dict(b=1)), 'a, b')])
def test_bad_search(kwargs, why):
    with pytest.raises(CourseError) as e: kn.random_search(lambda s: 0, **{**dict(space=dict(a=lambda r: 1), budget=1, default=dict(a=1)), **kwargs})
    one_line(e, why)
