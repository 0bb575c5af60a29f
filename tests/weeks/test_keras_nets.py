"Week 7: the helpers of the Keras lab, bad input, and the backends"
import importlib.util, os, subprocess, sys

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import assume, given, settings as hyp, strategies as st

from course_labs.weeks import keras_nets as kn
from course_labs.core.paths import data_dir
from course_labs.data_sets.images import write_images_csv
from course_labs.core.files import CourseError
import keras
from keras import layers

HOUSING_FILE = data_dir()/'housing'/'housing.csv.gz'

def one_line(e, *parts):
    "A CourseError of one line that says all of `parts`"
    text = str(e.value)
    assert '\n' not in text and all(p in text for p in parts), text

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

@hyp(max_examples=60, deadline=None)
@given(counts=st.lists(st.integers(2, 30), min_size=2, max_size=6), test=st.floats(.01, .95), seed=st.integers(0, 1000))
def test_split_is_a_partition_with_every_class_on_both_sides(counts, test, seed):
    y = np.repeat(np.arange(len(counts)), counts)
    a, b = kn.split_classes(y, test, seed)
    assert sorted([*a, *b]) == list(range(len(y)))
    assert set(y[a]) == set(y[b]) == set(range(len(counts)))
    assert all((x == z).all() for x,z in zip((a, b), kn.split_classes(y, test, seed)))

def test_images_with_any_labels(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (20, 4, 4))
    write_images_csv(tmp_path/'a.csv', images, np.repeat([3, 70], 10))
    X, y, names = kn.load_images(tmp_path/'a.csv')
    assert X.shape == (20, 4, 4, 1) and X.dtype == np.float32 and X.max() <= 1 and list(names) == [3, 70] and set(y) == {0, 1}

@pytest.mark.parametrize('labels,why', [([7]*20, 'class 7 only'), ([0]*17 + [1]*3, 'class 1 has 3 images')])
def test_images_that_cannot_be_learnt(tmp_path, labels, why):
    write_images_csv(tmp_path/'a.csv', np.zeros((20, 2, 2), int), labels)
    with pytest.raises(CourseError) as e: kn.load_images(tmp_path/'a.csv')
    one_line(e, why, 'a.csv')

@pytest.mark.parametrize('side', [1, 3, 8, 28])
def test_nets_take_any_side(side):
    for make in (kn.image_cnn, kn.image_mlp): assert kn.probabilities(make(side, 3), np.zeros((2, side, side, 1), np.float32)).shape == (2, 3)

def test_same_seed_same_weights():
    a, b, c = [kn.image_cnn(8, 3, seed=s).get_weights() for s in (1, 1, 2)]
    assert all((x == y).all() for x,y in zip(a, b)) and any((x != y).any() for x,y in zip(a, c))

@hyp(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000))
def test_pairs(seed):
    y = np.random.default_rng(seed).integers(0, 10, 200)
    left, right, same = kn.image_pairs(y, 400, seed)
    assert ((y[left] == y[right]) == (same > 0)).all() and .4 < same.mean() < .7

# ---- Files of models ----

def tiny_net():
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1)])
    model.compile('sgd', 'mse')
    return model

def test_save_and_load(tmp_path):
    model = tiny_net()
    kn.save_net(model, tmp_path/'deep'/'a.keras')
    again = kn.load_net(tmp_path/'deep'/'a.keras')
    assert all((a == b).all() for a,b in zip(model.get_weights(), again.get_weights()))
    assert [o.name for o in (tmp_path/'deep').iterdir()] == ['a.keras']

def test_a_failed_save_leaves_the_old_file(tmp_path, monkeypatch):
    path = kn.save_net(tiny_net(), tmp_path/'a.keras')
    before = path.read_bytes()
    model = tiny_net()
    def half(f, *args, **kwargs):
        open(f, 'wb').write(b'half')
        raise OSError('No space left on device')
    monkeypatch.setattr(model, 'save', half)
    with pytest.raises(OSError): kn.save_net(model, path)
    assert path.read_bytes() == before and len(list(tmp_path.iterdir())) == 1

def test_bad_model_files(tmp_path):
    with pytest.raises(CourseError) as e: kn.save_net(tiny_net(), tmp_path/'a.h5')
    one_line(e, '.keras')
    path = kn.save_net(tiny_net(), tmp_path/'a.keras')
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(CourseError) as e: kn.load_net(path)
    one_line(e, 'a.keras', 'damaged')
    with pytest.raises(CourseError) as e: kn.load_net(tmp_path/'b.keras')
    one_line(e, 'no such file')

# ---- Housing ----

@pytest.fixture(scope='module')
def some(): return pd.read_csv(HOUSING_FILE).iloc[:300]

def write(tmp_path, table):
    table.to_csv(tmp_path/'h.csv', index=False)
    return tmp_path/'h.csv'

def test_census_file():
    t = kn.read_housing(HOUSING_FILE)
    assert t.shape == (20640, 10) and t.total_bedrooms.isna().sum() == 207
    assert '207 in total_bedrooms' in kn.blanks(t) and 'median of the training rows' in kn.blanks(t)

def test_blanks_everywhere(tmp_path, some):
    t, rng = some.astype(object), np.random.default_rng(0)
    t = t.mask(rng.random(t.shape) < .1)
    got = kn.read_housing(write(tmp_path, t))
    assert len(got) == t.median_house_value.notna().sum()
    f = kn.HousingFeatures(got.iloc[:200])
    assert np.isfinite(f(got)).all()
    assert 'in ocean_proximity' in kn.blanks(got)
    t['total_bedrooms'] = None
    got = kn.read_housing(write(tmp_path, t))
    assert np.isfinite(kn.HousingFeatures(got)(got)).all()

def change(col, value): return lambda t: t.assign(**{col: [*t[col][:7], value, *t[col][8:]]})

@pytest.mark.parametrize('spoil,parts', [
    (change('total_rooms', 'many'), ('line 9', 'total_rooms', "'many'")),
    (change('longitude', 'west'), ('line 9', 'longitude', "'west'")),
    (change('median_house_value', '1,5'), ('line 9', 'median_house_value')),
    (change('households', 0), ('line 9', 'households', 'above 0')),
    (change('population', -3), ('line 9', 'population', 'above 0')),
    (change('median_income', np.inf), ('line 9', 'median_income')),
    (change('ocean_proximity', 'MOON'), ('line 9', 'ocean_proximity', "'MOON'")),
    (lambda t: t.assign(garden=1), ('unknown column garden',)),
    (lambda t: t.drop(columns='households'), ('no column households',)),
    (lambda t: t.drop(columns='median_house_value'), ('no column median_house_value',)),
    (lambda t: t.iloc[:20], ('20 rows', 'at least 200')),
    (lambda t: t.iloc[:0], ('0 rows',)),
    (lambda t: t.assign(median_house_value=None), ('0 rows',))])
def test_bad_housing(tmp_path, some, spoil, parts):
    path = write(tmp_path, spoil(some.astype(object)))
    with pytest.raises(CourseError) as e: kn.read_housing(path)
    one_line(e, 'h.csv', *parts)

@pytest.mark.parametrize('content', [b'', b'\x89PNG\r\n\x1a\n\x00\xff\xfe', b'a,b\n1,2,3,4\n"', b'longitude\n1\n'])
def test_no_csv(tmp_path, content):
    (tmp_path/'h.csv').write_bytes(content)
    with pytest.raises(CourseError) as e: kn.read_housing(tmp_path/'h.csv')
    one_line(e, 'h.csv')

def test_no_file(tmp_path):
    for p in (tmp_path, tmp_path/'none.csv'):
        with pytest.raises(CourseError) as e: kn.read_housing(p)
        one_line(e, str(p))

def test_extra_cell_in_a_row(tmp_path, some):
    path = write(tmp_path, some)
    lines = path.read_text().splitlines()
    lines[5] += ',99'
    path.write_text('\n'.join(lines))
    with pytest.raises(CourseError) as e: kn.read_housing(path)
    one_line(e, 'h.csv')

def test_scikit_learns_columns(tmp_path, some):
    t = some.dropna()
    theirs = pd.DataFrame(dict(MedInc=t.median_income, HouseAge=t.housing_median_age, AveRooms=t.total_rooms/t.households, AveBedrms=t.total_bedrooms/t.households,
                               Population=t.population, AveOccup=t.population/t.households, Latitude=t.latitude, Longitude=t.longitude, MedHouseVal=t.median_house_value/1e5))
    got = kn.read_housing(write(tmp_path, theirs))
    for col in kn.HOUSING: np.testing.assert_allclose(got[col], t[col], rtol=1e-6)
    a, b = [kn.HousingFeatures(o.reset_index(drop=True)) for o in (got, t)]
    np.testing.assert_allclose(a.numbers(got), b.numbers(t), atol=1e-3)

def test_statistics_come_from_training_rows_and_bound_outliers(some):
    t = some.dropna().reset_index(drop=True)
    train, test = t.iloc[:200], t.iloc[200:].copy()
    f = kn.HousingFeatures(train)
    before = f(train)
    test.loc[:, 'population'] = 1e12
    assert np.isfinite(f(test)).all() and abs(f.numbers(test)).max() <= abs(f.numbers(train)).max() + 5
    assert (f(train) == before).all()
    np.testing.assert_allclose(f.numbers(train).std(0), 1, atol=.01)
    assert f(test).shape[1] == f.numbers(test).shape[1] + f.place(test).shape[1]

# ---- Wide and deep ----

def test_wide_and_deep_shapes():
    X, W = np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32), np.ones((6, 3), np.float32)
    assert kn.probabilities(kn.wide_and_deep(5), X).shape == (6, 1)
    assert kn.probabilities(kn.wide_and_deep(5, 3), [W, X]).shape == (6, 1)
    out, aux = kn.probabilities(kn.wide_and_deep(5, 3, aux=True), [W, X])
    assert out.shape == aux.shape == (6, 1)
    assert abs(kn.rmse([out, aux], out[:, 0])) == 0

def test_the_wide_path_is_linear():
    rng = np.random.default_rng(0)
    W = rng.normal(size=(400, 3)).astype(np.float32)
    y = W@np.array([1., -2., .5], np.float32)
    model = kn.wide_and_deep(1, 3, (4,))
    kn.train_net(model, [W, np.zeros((400, 1), np.float32)], y, 30, 50, .1, loss='mse', metrics=())
    assert kn.rmse(kn.probabilities(model, [W, np.zeros((400, 1), np.float32)]), y) < .1

# ---- From Keras to PyTorch ----

@hyp(max_examples=12, deadline=None)
@given(seed=st.integers(0, 1000), side=st.integers(2, 9), channels=st.integers(1, 3), filters=st.lists(st.integers(1, 5), min_size=1, max_size=2),
       kernel=st.integers(1, 4), act=st.sampled_from(['relu', 'tanh', 'sigmoid', 'linear']), pad=st.sampled_from(['same', 'valid']))
def test_twin_gives_the_same(seed, side, channels, filters, kernel, act, pad):
    assume(pad == 'same' or side >= 2**len(filters))
    keras.utils.set_random_seed(seed)
    body = sum([[layers.Conv2D(n, kernel, padding='same', activation=act), layers.MaxPooling2D(2, padding=pad)] for n in filters], [])
    model = keras.Sequential([keras.Input((side, side, channels)), *body, layers.Flatten(), layers.Dropout(.5), layers.Dense(4, activation='softmax', use_bias=False)])
    X = np.random.default_rng(seed).normal(size=(5, side, side, channels)).astype(np.float32)
    with torch.no_grad(): theirs = kn.keras_to_torch(model)(torch.from_numpy(X).permute(0, 3, 1, 2)).numpy()
    np.testing.assert_allclose(theirs, kn.probabilities(model, X), atol=1e-5)

@pytest.mark.parametrize('layer,why', [(layers.LayerNormalization(), 'LayerNormalization'), (layers.BatchNormalization(axis=1), 'BatchNormalization'), (layers.ReLU(max_value=6), 'ReLU'), (layers.Conv2D(2, 3, strides=2, padding='same'), 'Conv2D'), (layers.Conv2D(2, 3), 'Conv2D'),
                                       (layers.Dense(3, activation='gelu'), 'gelu'), (layers.MaxPooling2D(3), 'MaxPooling2D')])
def test_twin_says_what_it_does_not_know(layer, why):
    with pytest.raises(CourseError) as e: kn.keras_to_torch(keras.Sequential([keras.Input((8, 8, 1)), layer]))
    one_line(e, why)

def test_twin_takes_lists_only():
    with pytest.raises(CourseError) as e: kn.keras_to_torch(kn.wide_and_deep(3))
    one_line(e, 'Sequential')

# ---- Logs and search ----

def test_scalars_of_a_run(tmp_path):
    model, X = tiny_net(), np.ones((8, 2), np.float32)
    history = model.fit(X, X[:, :1], epochs=3, verbose=0, callbacks=[kn.TensorBoardLog(tmp_path/'a'/'b')]).history
    t = kn.read_scalars(tmp_path)
    assert set(t.run) == {'a/b'} and set(t.tag) == {'loss', 'learning_rate'}
    np.testing.assert_allclose(t[t.tag == 'loss'].value, history['loss'], rtol=1e-5)
    assert list(t[t.tag == 'loss'].step) == [1, 2, 3]

def test_no_scalars(tmp_path):
    for p in (tmp_path, tmp_path/'none'):
        with pytest.raises(CourseError) as e: kn.read_scalars(p)
        one_line(e, 'no TensorBoard scalars')

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

# ---- Backends ----

WORK = """
import numpy as np
from course_labs.weeks.keras_nets import *
import keras
X = np.random.default_rng(0).random((64, 4, 4, 1)).astype(np.float32)
y = (X.mean((1, 2, 3)) > .5).astype(int)
model = image_cnn(4, 2, (4,))
h = train_net(model, X, y, 3, 16, 1e-2, valid=(X, y))
twin = keras_to_torch(model)
import torch
with torch.no_grad(): p = twin(torch.from_numpy(X).permute(0, 3, 1, 2)).numpy()
assert np.abs(p - probabilities(model, X)).max() < 1e-5
from course_labs.training.lr_finder import lr_find
before = model.get_weights()
print(keras.backend.backend(), len(lr_find(model, X, y, num_it=12).lrs) > 5, all((a == b).all() for a,b in zip(before, model.get_weights())))
"""

def in_process(code, **env):
    env = {**{k: v for k,v in os.environ.items() if k != 'KERAS_BACKEND'}, **env}
    return subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, env=env)

@pytest.mark.parametrize('name', kn.BACKENDS)
def test_backend_works(name):
    if importlib.util.find_spec(name) is None: pytest.skip(f'{name} is not installed')
    done = in_process(WORK, KERAS_BACKEND=name)
    assert done.stdout.split() == [name, 'True', 'True'], done.stderr[-2000:]

def test_default_and_unknown_backend():
    done = in_process('import course_labs.weeks.keras_nets, keras; print(keras.backend.backend())', KERAS_BACKEND='')
    assert done.stdout.strip() == 'torch', done.stderr[-2000:]
    done = in_process('import course_labs.weeks.keras_nets', KERAS_BACKEND='theano')
    assert done.returncode and done.stderr.strip().splitlines()[-1].endswith('KERAS_BACKEND=theano: no such backend; choose one of torch, jax, tensorflow')

def test_backend_that_is_not_installed(monkeypatch):
    monkeypatch.setenv('KERAS_BACKEND', 'jax')
    monkeypatch.delitem(sys.modules, 'keras')
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: None)
    with pytest.raises(CourseError) as e: kn.choose_backend()
    one_line(e, 'jax', 'not installed', 'KERAS_BACKEND=torch')

def test_twin_of_batch_normalisation():
    X, y = np.random.default_rng(0).normal(2, 3, (64, 8, 8, 1)).astype(np.float32), np.arange(64) % 3
    model = kn.image_cnn(8, 3, (4, 5))
    kn.train_net(model, X, y, 2, 16, 1e-2)  # moves the running mean and variance
    dense = keras.Sequential([keras.Input((7,)), layers.Dense(5), layers.BatchNormalization(), layers.ReLU()])
    for m, x, t in ((model, X, torch.from_numpy(X).permute(0, 3, 1, 2)), (dense, X[:, 0, :7, 0], torch.from_numpy(X[:, 0, :7, 0]))):
        with torch.no_grad(): np.testing.assert_allclose(kn.keras_to_torch(m)(t).numpy(), kn.probabilities(m, x), atol=1e-5)
