"The tests that the library notebooks hold, each notebook in a process of its own"
import os, subprocess, sys

import pytest

from course_labs.core.paths import checkout

NOTEBOOKS = sorted((checkout()/'nbs'/'lib').rglob('*.ipynb'))

@pytest.mark.parametrize('path', NOTEBOOKS, ids=lambda p: p.relative_to(checkout()/'nbs'/'lib').with_suffix('').as_posix())
def test_notebook(path):
    env = {k:v for k,v in os.environ.items() if not k.startswith('COURSE_LABS_')}
    done = subprocess.run([sys.executable, '-c', 'from nbdev.test import nbdev_test; import sys; nbdev_test.__wrapped__(sys.argv[1], n_workers=0)', path],
                          capture_output=True, text=True, cwd=checkout(), env=dict(env, COURSE_LABS_OFFLINE='1'))
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
