"The repository is in step with itself: exports, README, badges, clean notebooks, the wheel"
import ast, json, re, subprocess, sys, zipfile
from pathlib import Path

import pytest

from course_labs.publishing import repo as project

ROOT = project.checkout()
NOTEBOOKS = sorted(p for folder in ('lib', 'labs') for p in (ROOT/'nbs'/folder).rglob('*.ipynb') if '_out' not in str(p) and '.ipynb_checkpoints' not in p.parts) + [ROOT/'nbs'/'index.ipynb']
MODULES = sorted((ROOT/'course_labs').rglob('[a-z]*.py'))
ids = lambda p: p.name
SUITE = {'suite', 'pictures'}  # the layer above the labs: the command line, and the photographs of a lab that it takes

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
    assert set(fresh) == set(committed)
    assert [n for n,text in fresh.items() if committed[n] != text] == [], 'call make sync'

@pytest.mark.parametrize('path', NOTEBOOKS, ids=ids)
def test_notebook_is_clean(path):
    nb = json.loads(path.read_text())
    code = [c for c in nb['cells'] if c['cell_type'] == 'code']
    assert not [c for c in code if c['outputs'] or c['execution_count']], 'outputs are not committed: call nbdev-clean'
    assert set(nb['metadata']) == {'kernelspec'}
    assert all(set(c['metadata']) <= {'tags', 'nbgrader'} for c in nb['cells'])
    assert len({c['id'] for c in nb['cells']}) == len(nb['cells'])

def imports(module):
    "Modules of the library that a module imports, by their name inside it"
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level: yield node.module or ''; yield from (o.name for o in node.names if not node.module)
        elif isinstance(node, ast.ImportFrom) and (node.module or '').startswith('course_labs.'): yield node.module.removeprefix('course_labs.')
        elif isinstance(node, ast.ImportFrom) and node.module == 'course_labs': yield from (o.name for o in node.names)
        elif isinstance(node, ast.Import): yield from (o.name.removeprefix('course_labs.') for o in node.names if o.name.startswith('course_labs.'))

def test_imports_are_seen():
    assert 'runtime' in graph()['datasets'] and 'runner' in graph()['suite']

def graph(): return {m.stem: set(imports(m)) & {o.stem for o in MODULES} for m in MODULES}

def lab_modules(): return {m[1] for p in (ROOT/'nbs'/'labs').glob('*.ipynb') if (m := re.search(r'default_exp (\w+)', p.read_text()))}

def test_imports_have_no_circle():
    g, seen, path = graph(), set(), []
    def visit(m):
        assert m not in path, f"circle: {' -> '.join(path + [m])}"
        if m in seen: return
        path.append(m)
        for o in g[m]: visit(o)
        seen.add(path.pop())
    for m in g: visit(m)

@pytest.mark.parametrize('name', sorted(lab_modules()))
def test_no_lab_imports_another_and_the_library_imports_no_lab(name):
    users = {m for m,used in graph().items() if name in used}
    assert users <= SUITE, f'{users - SUITE} import the lab {name}'

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
    code = ("import course_labs.data_sets.registry as d, course_labs.publishing.repo as p, course_labs\nassert not p.checkout(), course_labs.__file__\n"
            "assert 4 in p.lab_notebooks()\nprint([n for n in d.REGISTRY if not d.get(n, 'tiny').exists()])")
    done = subprocess.run([sys.executable, '-c', code], cwd=tmp_path, env={'PYTHONPATH': str(tmp_path/'site'), 'PATH': '/usr/bin:/bin'}, capture_output=True, text=True)
    assert done.stdout.strip() == '[]', done.stdout + done.stderr

def test_version_stands_once():
    import course_labs
    assert course_labs.__version__ == project.settings()['version']
