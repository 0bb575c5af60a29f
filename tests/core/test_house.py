"The house is easy to see: imports go one way, code can be read, each module holds one idea"
import ast, re, subprocess, sys
from pathlib import Path

import pytest

from course_labs.core.paths import checkout
from course_labs.publishing.repo import FACADES

ROOT = checkout()
HAND_WRITTEN = sorted(p for p in (ROOT/'course_labs').rglob('*.py') if p.name not in ('_modidx.py', '__init__.py') and p.stem not in FACADES)
MOST_LINES = 400
BIN = Path(sys.executable).parent

def says(*cmd): return subprocess.run([str(o) for o in cmd], cwd=ROOT, capture_output=True, text=True)

def test_imports_go_one_way():
    done = says(BIN/'lint-imports', '--no-cache')
    assert done.returncode == 0, done.stdout + done.stderr

def test_no_import_is_hidden_in_a_string():
    "A name that is data may be imported: the checks and the arms that a week brings, the lab of an answer, what a child process shall call, what a fork found that it needs"
    allowed = {'arms/find.py', 'teaching/exercises.py', 'marking/statements.py', 'marking/sandbox.py', 'marking/apart.py', 'training/multi_gpu.py'}
    found = {}
    for p in HAND_WRITTEN:
        for n in ast.walk(ast.parse(p.read_text())):
            if isinstance(n, ast.Call) and getattr(n.func, 'attr', getattr(n.func, 'id', '')) in ('import_module', '__import__'):
                found.setdefault(p.relative_to(ROOT/'course_labs').as_posix(), []).append(ast.unparse(n))
    assert set(found) <= allowed, found
    assert [o for calls in found.values() for o in calls if 'course_labs' in o] == []

def test_library_can_be_read():
    done = says(BIN/'ruff', 'check', '--no-cache', '--output-format', 'concise', 'course_labs', 'nbs/lib')
    assert done.returncode == 0, done.stdout

def test_labs_can_be_read():
    done = says(BIN/'ruff', 'check', '--no-cache', '--output-format', 'concise', '--line-length', '100', 'nbs/labs')
    assert done.returncode == 0, done.stdout

@pytest.mark.parametrize('path', HAND_WRITTEN, ids=lambda p: p.relative_to(ROOT/'course_labs').as_posix())
def test_module_holds_one_idea(path):
    lines = sum(bool(l.strip()) for l in path.read_text().splitlines())
    assert lines <= MOST_LINES, f'{lines} lines: split it'

def test_top_level_is_fixed():
    there = {p.name for p in ROOT.iterdir() if not p.name.startswith('.')}
    assert {'nbs', 'course_labs', 'settings.ini', 'setup.py', 'data', 'tests', 'README.md'} <= there

def test_importing_the_library_loads_nothing_heavy():
    code = "import sys, course_labs, course_labs.cli, course_labs.syllabus; print([o for o in ('torch', 'fastai', 'numpy', 'pandas') if o in sys.modules])"
    assert says(sys.executable, '-c', code).stdout.strip() == '[]'

def defaults(tree):
    "The default values of all functions, as written"
    for n in ast.walk(tree):
        if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            yield from ((d.lineno, ast.unparse(d)) for d in [*n.args.defaults, *n.args.kw_defaults] if d is not None)

@pytest.mark.parametrize('path', HAND_WRITTEN, ids=lambda p: p.relative_to(ROOT/'course_labs').as_posix())
def test_no_default_value_is_of_this_machine_or_an_array(path):
    "The site prints defaults as they are: an environment names folders of the machine, an array cannot be compared"
    of_here = re.compile(r'\benviron\b|getcwd|\bcwd\(|\bhome\(|\bsys\.(path|executable|argv|prefix)|\btempfile\.|\bcheckout\(|__file__|'
                         r'\b(np|torch)\.(array|as_tensor|tensor|zeros|ones|arange|linspace|eye)\(')
    assert [o for o in defaults(ast.parse(path.read_text(encoding='utf-8'))) if of_here.search(o[1])] == []

def text_without_encoding(tree):
    "Lines that read or write text in the machine's own encoding, which is not UTF-8 everywhere"
    for n in ast.walk(tree):
        if not isinstance(n, ast.Call) or any(k.arg == 'encoding' for k in n.keywords): continue
        name = n.func.attr if isinstance(n.func, ast.Attribute) else getattr(n.func, 'id', '')
        text = ast.unparse(n)
        if '/proc/' in text or '/sys/' in text: continue
        if name in ('read_text', 'write_text'): yield f'{n.lineno}: {text}'
        if isinstance(n.func, ast.Name) and name == 'open' and not re.search(r"['\"][rwax]\+?b", text): yield f'{n.lineno}: {text}'

def test_no_text_in_the_encoding_of_the_machine():
    found = {p.name: list(text_without_encoding(ast.parse(p.read_text(encoding='utf-8')))) for p in HAND_WRITTEN}
    assert {k: v for k, v in found.items() if v} == {}
