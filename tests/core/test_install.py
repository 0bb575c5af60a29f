"Setting the course up: which build of torch, how much it says it will download, and what happens when a step fails"
import json, os, subprocess, sys

import pytest

from course_labs.cli import main
from course_labs.core import install as i
from course_labs.core.paths import checkout

pytestmark = pytest.mark.skipif(os.name != 'posix', reason='the stand-in for uv is a shell script')
UV = """#!/bin/sh
echo "$@" >> {log}
case "$2" in
compile)
  [ -e {broken} ] && exit 2
  while [ $# -gt 1 ]; do [ "$1" = -o ] && out="$2"; shift; done
  printf '[[packages]]\nname = "torch"\nwheels = [{{ url = "https://x.example/torch.whl", size = 190000000 }}]\n' > "$out";;
esac
"""

@pytest.fixture
def machine(tmp_path, monkeypatch):
    "A machine with a uv that only notes what it is asked, and an environment that is there; what pip is asked is noted too"
    (tmp_path/'bin').mkdir()
    venv = tmp_path/'venv'/'bin'
    venv.mkdir(parents=True)
    log, broken = tmp_path/'asked.txt', tmp_path/'broken'
    for path, text in ((tmp_path/'bin'/'uv', UV.format(log=log, broken=broken)), (venv/'python', f'#!/bin/sh\necho "python $@" >> {log}\n')):
        path.write_text(text)
        path.chmod(0o755)
    monkeypatch.setenv('PATH', f"{tmp_path/'bin'}:/usr/bin:/bin")
    monkeypatch.setattr(i, 'reachable', lambda url: True)
    monkeypatch.setattr(i, 'has_gpu', lambda: False)
    monkeypatch.setattr(sys, 'platform', 'linux')
    return tmp_path

def asked(machine): return (machine/'asked.txt').read_text().splitlines()

def test_without_a_card_the_small_build_is_taken(machine, capsys):
    i.install(machine/'venv')
    lock, packages, course = asked(machine)
    assert '--torch-backend cpu' in lock and '--extra dev' in lock
    assert f"-r {machine/'venv'/'pylock.toml'}" in packages and f'--no-deps -e {checkout()}' in course
    said = capsys.readouterr().out
    assert 'small build' in said and 'To be installed: 1 packages, 190 MB at most (torch 190).' in said

def test_with_a_card_uv_chooses(machine, monkeypatch):
    monkeypatch.setattr(i, 'has_gpu', lambda: True)
    i.install(machine/'venv')
    assert '--torch-backend auto' in asked(machine)[0]

def test_where_the_small_build_cannot_be_reached_the_ordinary_index_serves(machine, monkeypatch, capsys):
    monkeypatch.setattr(i, 'reachable', lambda url: False)
    i.install(machine/'venv')
    assert '--torch-backend' not in asked(machine)[0]
    assert 'cannot be reached from here' in capsys.readouterr().out

def test_where_uv_fails_pip_goes_on(machine, capsys):
    (machine/'broken').touch()
    i.install(machine/'venv', extra='local,offline')
    lock, pip = asked(machine)
    assert '--extra local --extra offline' in lock and pip == 'python -m pip install --disable-pip-version-check -e .[local,offline]'
    assert 'pip tries it now' in capsys.readouterr().out

def test_pip_as_asked(machine):
    i.main(['--venv', str(machine/'venv'), '--pip'])
    assert asked(machine) == ['python -m pip install --disable-pip-version-check -e .[dev]']

def test_where_pip_fails_too_one_sentence_says_so(machine):
    (machine/'venv'/'bin'/'python').write_text('#!/bin/sh\nexit 1\n')
    with pytest.raises(SystemExit, match='The installation failed'): i.install(machine/'venv', uv=False)

def test_an_old_python_is_told_so(monkeypatch):
    monkeypatch.setattr(sys, 'version_info', (3, 10, 4))
    with pytest.raises(SystemExit, match='needs Python 3.11 or newer'): i.install('nowhere')

def test_the_oldest_python_is_the_one_that_settings_say():
    from course_labs.publishing.repo import settings
    assert settings(checkout())['min_python'] == '.'.join(map(str, i.PYTHON))

def test_it_needs_nothing_that_is_installed(tmp_path):
    "A Python without packages runs it"
    done = subprocess.run([sys.executable, '-S', '-m', 'course_labs.core.install', '--help'], cwd=checkout(), capture_output=True, text=True)
    assert done.returncode == 0 and '--torch' in done.stdout, done.stderr

def test_make_setup_calls_it_and_decides_nothing():
    lines = [l for l in (checkout()/'Makefile').read_text().splitlines() if 'install' in l and l.startswith('\t$(BIN)')]
    assert lines[0] == '\t$(BIN)/python -m course_labs.core.install --venv $(VENV)'

def test_codespaces_and_binder_call_the_same_setup():
    box = json.loads((checkout()/'.devcontainer'/'devcontainer.json').read_text())
    assert box['postCreateCommand'] == 'make setup'
    assert tuple(map(int, box['image'].rsplit(':', 1)[1].split('.'))) >= i.PYTHON
    verb = box['postAttachCommand'].split()
    assert verb[0] == '.venv/bin/course-labs' and main([*verb[1:], '--print-command']) == 0
    assert box['forwardPorts'] == [8888]
    build = checkout()/'.binder'/'postBuild'
    lines = build.read_text().splitlines()
    assert lines[0].startswith('#!') and 'make setup' in lines and os.access(build, os.X_OK)
    assert tuple(map(int, (checkout()/'.binder'/'runtime.txt').read_text().strip().removeprefix('python-').split('.'))) >= i.PYTHON
    assert 'make' in (checkout()/'.binder'/'apt.txt').read_text().split()
