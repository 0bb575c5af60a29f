"Hosts, devices and settings that this machine does not have, simulated"
import json, os, subprocess, sys, time, types
from pathlib import Path

import pytest

from course_labs import lab as runtime
from course_labs.core.files import CourseError
from course_labs.lab import start

VARIABLES = 'SIZE', 'SET', 'DATA', 'SEED', 'OUT', 'RECORD'

@pytest.fixture(autouse=True)
def clean_env(monkeypatch, tmp_path):
    for o in VARIABLES: monkeypatch.delenv(f'COURSE_LABS_{o}', raising=False)
    monkeypatch.delenv('KAGGLE_KERNEL_RUN_TYPE', raising=False)
    monkeypatch.setenv('COURSE_LABS_OFFLINE', '1')
    monkeypatch.chdir(tmp_path)

def test_local_cpu_is_tiny():
    lab = start(4)
    assert (lab.host, lab.size, lab.online) == ('local', 'tiny', False)

@pytest.mark.parametrize('where', ['local', 'colab', 'kaggle'])
def test_the_notebooks_own_folder_stays_as_it_is(monkeypatch, tmp_path, capsys, where):
    "On Colab and Kaggle it is what the student looks at, and on Kaggle it is published with the notebook"
    if where == 'kaggle': monkeypatch.setenv('KAGGLE_KERNEL_RUN_TYPE', 'Interactive')
    if where == 'colab': monkeypatch.setitem(sys.modules, 'google.colab', types.ModuleType('google.colab'))
    beside = tmp_path/'content'
    beside.mkdir()
    monkeypatch.chdir(beside)
    monkeypatch.setenv('COURSE_LABS_CACHE', str(tmp_path/'cache'))
    monkeypatch.setenv('COURSE_LABS_KEEP', '1')
    lab = start(4)
    assert lab.host == where and lab.here == beside
    for _ in lab.epochs(2, [0]): (lab.out/'cache').mkdir(exist_ok=True)
    assert (lab.out/'resume').is_dir() and tmp_path/'cache' in lab.out.parents
    assert str(lab.out) in capsys.readouterr().out, 'the table says where the files are'
    assert list(beside.iterdir()) == []

def test_a_folder_that_is_asked_for_takes_all(monkeypatch, tmp_path):
    monkeypatch.setenv('COURSE_LABS_OUT', str(tmp_path/'mine'))
    lab = start(4)
    assert lab.out == lab.here == tmp_path/'mine'

def test_colab(monkeypatch):
    monkeypatch.setitem(sys.modules, 'google.colab', types.ModuleType('google.colab'))
    assert start(1).host == 'colab'

def test_a_cuda_that_lies_falls_back_with_one_line(monkeypatch, capsys):
    import torch
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 1)
    monkeypatch.setattr(torch.cuda, 'get_device_name', lambda i: 'Tesla P100')
    lab = start(4)
    assert lab.device.kind == 'cpu' and lab.size == 'tiny'
    notes = [o for o in capsys.readouterr().out.splitlines() if o.startswith('note')]
    assert len(notes) == 1 and 'failed on a real operation' in notes[0]
    assert not torch.cuda.is_available(), 'the libraries must not be offered a GPU that cannot compute'

def test_a_cuda_that_works_is_full_and_half(monkeypatch):
    device = runtime.Device('cuda', 'Tesla T4', ('float32', 'float16'))
    monkeypatch.setattr(runtime, 'probe_device', lambda: device)
    lab = start(4)
    assert lab.size == 'full' and lab.device.precision == 'float16'

def test_no_network_answers_in_time(monkeypatch):
    def hang():
        time.sleep(3)
        raise OSError('nobody waits for this')
    monkeypatch.delenv('COURSE_LABS_OFFLINE')
    monkeypatch.delenv('HF_HUB_OFFLINE', raising=False)
    monkeypatch.setattr('socket.create_connection', lambda *a, **k: hang())
    began = time.monotonic()
    assert not runtime.online(timeout=0.3)
    assert time.monotonic() - began < 5

def test_seeds_repeat():
    import numpy as np, random, torch
    def draw():
        start(1)
        return random.random(), np.random.rand(), torch.rand(1).item()
    assert draw() == draw()

@pytest.mark.parametrize('variable, value, says', [
    ('SIZE', 'huge', 'choose one of tiny, full'), ('SEED', 'x', 'a seed is a whole number'), ('SET', 'epochs', 'not of the form key=value'),
    ('SET', 'epoch=3', "no setting 'epoch'; it has: epochs, arch"), ('SET', 'epochs=many', 'expected a value like 2')])
def test_bad_setting_is_one_line(monkeypatch, variable, value, says):
    monkeypatch.setenv(f'COURSE_LABS_{variable}', value)
    with pytest.raises(CourseError) as e: start(4).config(tiny=dict(epochs=2, arch='a'), full=dict(epochs=12, arch='b'))
    assert says in str(e.value) and '\n' not in str(e.value)

def test_unknown_week():
    with pytest.raises(CourseError, match='there is no week 77: the course has weeks 1, 2'): start(77)

def test_configs_must_have_the_same_keys():
    with pytest.raises(ValueError, match='epochs'): start(4).config(tiny=dict(epochs=2), full=dict())

def test_data_override(monkeypatch, tmp_path):
    monkeypatch.setenv('COURSE_LABS_DATA', f'paddy={tmp_path}')
    assert start(4).data('paddy') == tmp_path.resolve()
    monkeypatch.setenv('COURSE_LABS_DATA', f'paddy={tmp_path}/nowhere')
    with pytest.raises(CourseError, match='no such file or folder'): start(4).data('paddy')

def test_record_survives_a_kill(monkeypatch, tmp_path):
    code = "from course_labs.lab import start; import os; lab = start(4); lab.record('rmse', 0.5); os.kill(os.getpid(), 9)"
    env = dict(os.environ, COURSE_LABS_RECORD=str(tmp_path/'r.json'))
    assert subprocess.run([sys.executable, '-c', code], env=env, capture_output=True).returncode == -9
    assert json.loads((tmp_path/'r.json').read_text())['metrics'] == dict(rmse=0.5)

def test_importing_the_library_imports_no_framework():
    code = "import sys, course_labs, course_labs.cli; print([o for o in ('torch', 'fastai', 'numpy', 'pandas', 'IPython') if o in sys.modules])"
    assert subprocess.run([sys.executable, '-c', code], capture_output=True, text=True).stdout.strip() == '[]'

def test_the_folder_of_a_lab_stays_where_it_was_made(tmp_path, monkeypatch):
    "A change of directory moves neither the folder of what a lab writes nor that of the notebook"
    monkeypatch.setenv('COURSE_LABS_OUT', 'mine')
    lab = start(6)
    (tmp_path/'elsewhere').mkdir()
    monkeypatch.chdir(tmp_path/'elsewhere')
    assert lab.out == lab.here == tmp_path/'mine' and lab.out.is_dir()
    monkeypatch.delenv('COURSE_LABS_OUT')
    lab = start(6)
    monkeypatch.chdir(tmp_path)
    assert lab.here == tmp_path/'elsewhere'

@pytest.mark.parametrize('on', (True, False))
def test_checkpoints_lie_in_the_labs_folder_where_resume_is_on(tmp_path, monkeypatch, on):
    monkeypatch.setenv('COURSE_LABS_CACHE', str(tmp_path))
    lab = start(6)
    lab.config(tiny=dict(resume=on), full=dict(resume=on))
    assert lab.checkpoints('dot', 42) == (lab.out/'resume'/'dot_42' if on else None)

def test_importing_fastai_after_the_library_says_nothing():
    done = subprocess.run([sys.executable, '-c', 'import course_labs.lab; import fastai.vision.all'], capture_output=True, text=True)
    assert done.returncode == 0 and 'jit' not in done.stderr, done.stderr
