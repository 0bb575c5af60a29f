"Keras for the course: files of models, logs, and each backend in a process of its own"
import importlib.util, os, re, subprocess, sys
from pathlib import Path

import numpy as np
import pytest

import course_labs
from conftest import one_line
from course_labs.core.files import CourseError
from course_labs.training import keras_tools as kt
import keras
from keras import layers

# ---- Files of models ----

def tiny_net():
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1)])
    model.compile('sgd', 'mse')
    return model

def test_save_and_load(tmp_path):
    model = tiny_net()
    kt.save_net(model, tmp_path/'deep'/'a.keras')
    again = kt.load_net(tmp_path/'deep'/'a.keras')
    assert all((a == b).all() for a,b in zip(model.get_weights(), again.get_weights()))
    assert [o.name for o in (tmp_path/'deep').iterdir()] == ['a.keras']

def test_a_failed_save_leaves_the_old_file(tmp_path, monkeypatch):
    path = kt.save_net(tiny_net(), tmp_path/'a.keras')
    before = path.read_bytes()
    model = tiny_net()
    def half(f, *args, **kwargs):
        open(f, 'wb').write(b'half')
        raise OSError('No space left on device')
    monkeypatch.setattr(model, 'save', half)
    with pytest.raises(OSError): kt.save_net(model, path)
    assert path.read_bytes() == before and len(list(tmp_path.iterdir())) == 1

def test_bad_model_files(tmp_path):
    with pytest.raises(CourseError) as e: kt.save_net(tiny_net(), tmp_path/'a.h5')
    one_line(e, '.keras')
    path = kt.save_net(tiny_net(), tmp_path/'a.keras')
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(CourseError) as e: kt.load_net(path)
    one_line(e, 'a.keras', 'damaged')
    with pytest.raises(CourseError) as e: kt.load_net(tmp_path/'b.keras')
    one_line(e, 'no such file')

# ---- Logs ----

def test_scalars_of_a_run(tmp_path):
    model, X = tiny_net(), np.ones((8, 2), np.float32)
    history = model.fit(X, X[:, :1], epochs=3, verbose=0, callbacks=[kt.TensorBoardLog(tmp_path/'a'/'b')]).history
    t = kt.read_scalars(tmp_path)
    assert set(t.run) == {'a/b'} and set(t.tag) == {'loss', 'learning_rate'}
    np.testing.assert_allclose(t[t.tag == 'loss'].value, history['loss'], rtol=1e-5)
    assert list(t[t.tag == 'loss'].step) == [1, 2, 3]

def test_no_scalars(tmp_path):
    for p in (tmp_path, tmp_path/'none'):
        with pytest.raises(CourseError) as e: kt.read_scalars(p)
        one_line(e, 'no TensorBoard scalars')

# ---- Backends ----

WORK = """
import numpy as np
from course_labs.weeks.keras_nets import image_cnn, keras_to_torch
from course_labs.training.keras_tools import probabilities, train_net
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

@pytest.mark.parametrize('name', kt.BACKENDS)
def test_backend_works(name):
    if importlib.util.find_spec(name) is None: pytest.skip(f'{name} is not installed')
    done = in_process(WORK, KERAS_BACKEND=name)
    assert done.stdout.split() == [name, 'True', 'True'], done.stderr[-2000:]

PACKAGE = Path(course_labs.__file__).parent
KERAS_USERS = [p.relative_to(PACKAGE.parent).with_suffix('').as_posix().replace('/', '.') for p in sorted(PACKAGE.rglob('*.py'))
               if re.search('^(import|from) keras', p.read_text(encoding='utf-8'), re.M)]

@pytest.mark.parametrize('module', KERAS_USERS)
def test_each_module_that_uses_keras_chooses_the_backend_itself(module, tmp_path):
    "Without a word from the one who imports it, and without settings of Keras from elsewhere"
    done = in_process(f'import {module}, keras; print(keras.backend.backend())', KERAS_HOME=str(tmp_path))
    assert done.stdout.strip() == 'torch', done.stderr[-2000:]

def test_default_and_unknown_backend():
    done = in_process('import course_labs.weeks.keras_nets, keras; print(keras.backend.backend())', KERAS_BACKEND='')
    assert done.stdout.strip() == 'torch', done.stderr[-2000:]
    done = in_process('import course_labs.weeks.keras_nets', KERAS_BACKEND='theano')
    assert done.returncode and done.stderr.strip().splitlines()[-1].endswith('KERAS_BACKEND=theano: no such backend; choose one of torch, jax, tensorflow')

def test_backend_that_is_not_installed(monkeypatch):
    monkeypatch.setenv('KERAS_BACKEND', 'jax')
    monkeypatch.delitem(sys.modules, 'keras')
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: None)
    with pytest.raises(CourseError) as e: kt.choose_backend()
    one_line(e, 'jax', 'not installed', 'KERAS_BACKEND=torch')
