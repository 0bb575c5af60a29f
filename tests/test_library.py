"The tests that the library notebooks hold, each notebook in a process of its own"
import os, subprocess, sys

import pytest

from course_labs.core.paths import checkout

import forked

LIB = checkout()/'nbs'/'lib'
NOTEBOOKS = sorted(LIB.rglob('*.ipynb'))

@pytest.mark.parametrize('path', NOTEBOOKS, ids=lambda p: p.relative_to(LIB).with_suffix('').as_posix())
def test_notebook(path):
    env = {k:v for k,v in os.environ.items() if not k.startswith('COURSE_LABS_')}
    code = f'from nbdev.test import nbdev_test\nnbdev_test.__wrapped__({str(path)!r}, n_workers=0)'
    env['COURSE_LABS_OFFLINE'] = '1'
    # what walls processes in watches what a process holds: it begins with nothing
    if path.parent.name == 'marking': done = subprocess.run([sys.executable, '-c', code], env=env, cwd=checkout(), capture_output=True, text=True)
    else: done = forked.python(code, env, checkout())
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
