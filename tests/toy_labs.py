"Labs of a test's own, and the command line on them"
import json, os, subprocess, sys
from pathlib import Path

import nbformat, pytest

START = "from course_labs.lab import start\nlab = start(8)\ncfg = lab.config(tiny=dict(epochs=1), full=dict(epochs=2))\n"
RECORD = "for o in ('questions', 'terms', 'exam_questions'): lab.record(o, cfg.epochs)"

def cli(*args, cwd=None, **kw):
    return subprocess.run([Path(sys.executable).parent/'course-labs', *map(str, args)], capture_output=True, text=True, cwd=cwd, **kw)

def lab(folder, week, *cells):
    folder.mkdir(parents=True, exist_ok=True)
    new = nbformat.v4
    nb = new.new_notebook(cells=[new.new_markdown_cell(f'# Week {week}: a lab')] + [new.new_code_cell(c) for c in cells])
    nbformat.write(nb, folder/f'week{week:02d}_x.ipynb')

@pytest.fixture
def run(tmp_path):
    "Run the command line on labs of the test's own"
    def _run(*args, **kw):
        code = f"import sys, pathlib, course_labs.core.paths as p; p.labs_dir = lambda: pathlib.Path({str(tmp_path/'labs')!r}); from course_labs.cli import main; sys.exit(main(sys.argv[1:]))"
        env = {k:v for k,v in os.environ.items() if not k.startswith('COURSE_LABS_')}
        cmd = [sys.executable, '-c', code, 'run', '--out', str(tmp_path/'out'), *map(str, args)]
        if kw.pop('background', False): return subprocess.Popen(cmd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
        return subprocess.run(cmd, capture_output=True, text=True, env=env, **kw)
    return _run

def metrics(tmp_path): return json.loads((tmp_path/'out'/'metrics.json').read_text())
