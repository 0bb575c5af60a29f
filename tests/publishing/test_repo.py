"The repository is in step with itself: exports, README, badges, clean notebooks, the wheel"
import json, subprocess, sys, zipfile
from pathlib import Path

import pytest

from course_labs.publishing import repo as project

ROOT = project.checkout()
NOTEBOOKS = sorted(p for folder in ('lib', 'labs') for p in (ROOT/'nbs'/folder).rglob('*.ipynb') if '_out' not in str(p) and '.ipynb_checkpoints' not in p.parts) + [ROOT/'nbs'/'index.ipynb']
ids = lambda p: p.name

def test_derived_files_are_in_step():
    assert not project.stale(), f'call make sync: {[p.name for p in project.stale()]}'

def test_modules_are_in_step_with_the_notebooks(tmp_path):
    "Export into an empty folder and compare with what is committed"
    import shutil
    for name in ('settings.ini', 'pyproject.toml', 'setup.py', 'README.md'): shutil.copy(ROOT/name, tmp_path/name)
    shutil.copytree(ROOT/'nbs', tmp_path/'nbs', ignore=shutil.ignore_patterns('*_out', '.ipynb_checkpoints'))
    (tmp_path/'course_labs').mkdir()
    shutil.copy(ROOT/'course_labs'/'__init__.py', tmp_path/'course_labs'/'__init__.py')
    code = 'from nbdev.doclinks import nbdev_export; nbdev_export.__wrapped__()'
    done = subprocess.run([sys.executable, '-c', code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    modules = lambda root: {p.relative_to(root).as_posix(): p.read_text() for p in (root/'course_labs').rglob('*.py')}
    fresh, committed = modules(tmp_path), modules(ROOT)
    written = {p.relative_to(ROOT).as_posix() for p in project.derived(ROOT)}  # held by the test above
    assert set(fresh) <= set(committed)
    assert {n for n in set(committed) - set(fresh) - written if committed[n].strip()} == set(), 'no notebook makes these'
    assert [n for n,text in fresh.items() if committed[n] != text and n not in written] == [], 'call make sync'

@pytest.mark.parametrize('path', NOTEBOOKS, ids=ids)
def test_notebook_is_clean(path):
    nb = json.loads(path.read_text())
    code = [c for c in nb['cells'] if c['cell_type'] == 'code']
    assert not [c for c in code if c['outputs'] or c['execution_count']], 'outputs are not committed: call nbdev-clean'
    assert set(nb['metadata']) == {'kernelspec'}
    assert all(set(c['metadata']) <= {'tags', 'nbgrader'} for c in nb['cells'])
    assert len({c['id'] for c in nb['cells']}) == len(nb['cells'])

@pytest.fixture(scope='module')
def wheel(tmp_path_factory):
    "Built from a copy of what git tracks, so that nothing else gets in"
    import shutil
    out, src = tmp_path_factory.mktemp('wheel'), tmp_path_factory.mktemp('src')
    for name in filter(None, subprocess.run(['git', 'ls-files'], cwd=ROOT, capture_output=True, text=True).stdout.split('\n')):
        if not (ROOT/name).exists(): continue
        (src/name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT/name, src/name)
    done = subprocess.run([sys.executable, '-m', 'pip', 'wheel', '-q', '--no-deps', '--no-build-isolation', '-w', out, src], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return next(out.glob('*.whl'))

def test_wheel_is_small_and_holds_the_data(wheel):
    assert wheel.stat().st_size < 15e6
    names = set(zipfile.ZipFile(wheel).namelist())
    tracked = subprocess.run(['git', 'ls-files', 'data'], cwd=ROOT, capture_output=True, text=True).stdout.split('\n')
    assert [o for o in tracked if o and f'course_labs/{o}' not in names] == []
    assert 'course_labs/labs/week04_paddy.ipynb' in names

def test_wheel_works_where_it_is_unpacked(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path/'site')
    code = ("import course_labs.core.paths as p, course_labs.data_sets.registry as d, course_labs\nassert not p.checkout(), course_labs.__file__\n"
            "assert 4 in p.lab_notebooks()\nprint([n for n in d.REGISTRY if not d.get(n, 'tiny').exists()])")
    done = subprocess.run([sys.executable, '-c', code], cwd=tmp_path, env={'PYTHONPATH': str(tmp_path/'site'), 'PATH': '/usr/bin:/bin'}, capture_output=True, text=True)
    assert done.stdout.strip() == '[]', done.stdout + done.stderr

def test_version_stands_once():
    import course_labs
    assert course_labs.__version__ == project.settings()['version']

def test_a_tag_in_the_place_of_the_branch_pins_badges_and_install_cells():
    from course_labs.core.notebooks import with_head
    from course_labs.core.paths import Addresses
    nb = dict(cells=[dict(cell_type='markdown', source=['# A lab'], metadata={})])
    head = json.dumps(with_head(nb, 'nbs/labs/week03_cnn.ipynb', Addresses('https://github.com/ann/course_labs', 'spring-2027')))
    for text in ('/blob/spring-2027/nbs/labs/week03_cnn.ipynb', '/ann/course_labs/spring-2027/nbs/labs/week03_cnn.ipynb', 'git+https://github.com/ann/course_labs@spring-2027'):
        assert text in head, text
    assert 'main' not in head

def test_every_picture_of_the_readme_is_there():
    import re
    shown = re.findall(r'(?:src="|\]\()(nbs/images/[^")]+)', (ROOT/'README.md').read_text(encoding='utf-8'))
    assert len(shown) > 8 and [o for o in shown if not (ROOT/o).is_file()] == []
