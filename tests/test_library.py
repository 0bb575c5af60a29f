"The tests that the library notebooks hold, each notebook in a process of its own"
import os

import pytest

from course_labs.core.paths import checkout

import forked

LIB = checkout()/'nbs'/'lib'
NOTEBOOKS = sorted(LIB.rglob('*.ipynb'))

@pytest.mark.parametrize('path', NOTEBOOKS, ids=lambda p: p.relative_to(LIB).with_suffix('').as_posix())
def test_notebook(path):
    env = {k:v for k,v in os.environ.items() if not k.startswith('COURSE_LABS_')}
    code = f'from nbdev.test import nbdev_test\nnbdev_test.__wrapped__({str(path)!r}, n_workers=0)'
    done = forked.python(code, dict(env, COURSE_LABS_OFFLINE='1'), checkout())
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
