"Every lab, executed at size tiny by the project's own runner, and the results that prove that the networks learnt"
import json, os, subprocess, sys
from pathlib import Path

import pytest

from course_labs import syllabus
from course_labs.core.paths import lab_notebooks
from course_labs.running.record import METRICS, read_run

# What a run must record, its bounds, and what must be below what stand in data/course/weekNN.toml
NOTEBOOKS = lab_notebooks(extras=True) # Labs by week; extras as '2 extra gpu'
LABS = [syllabus.week(w) for w in lab_notebooks()]
BOUNDED = [pytest.param(w.number, r, id=f'{w.number}-{r.name}') for w in LABS for r in w.results.values() if r.bounded]
ORDERS = [pytest.param(w.number, o, id=f'{w.number}-{o.smaller}-{o.larger}') for w in LABS for o in w.orders]
each_lab = pytest.mark.parametrize('name', NOTEBOOKS)

@pytest.fixture(scope='session')
def run(tmp_path_factory): # A `Run`, with its folder as `run.folder`
    "All labs, once"
    out = tmp_path_factory.mktemp('labs')
    env = {k:v for k,v in os.environ.items() if not k.startswith('COURSE_LABS_')}
    cmd = [Path(sys.executable).parent/'course-labs', 'run', '--size', 'tiny', '--out', out]
    done = subprocess.run(cmd, capture_output=True, text=True, env=dict(env, COURSE_LABS_OFFLINE='1', COLUMNS='160'))
    print(done.stdout, done.stderr)
    run = read_run(out)
    run.folder = out
    return run

def of(run, name): return next(o for o in run.labs if o.notebook == NOTEBOOKS[name].name)
def metrics(run, week): return {k: v for o in run.labs if o.week == week for k,v in o.metrics.items()} # Of a lab and its extras

@each_lab
def test_lab_runs(run, name): assert of(run, name).ok, of(run, name).error

@each_lab
def test_lab_shows_no_warning(run, name):
    cells = json.loads((run.folder/NOTEBOOKS[name].name).read_text())['cells']
    assert [''.join(o['text']) for c in cells for o in c.get('outputs', []) if o.get('name') == 'stderr'] == []

@pytest.mark.parametrize('week, result', BOUNDED)
def test_result(run, week, result):
    assert result.low <= metrics(run, week)[result.name] <= result.high

@pytest.mark.parametrize('week, order', ORDERS)
def test_order(run, week, order):
    m = metrics(run, week)
    assert m[order.smaller]*order.factor + order.by <= m[order.larger]

@each_lab
def test_claims_hold(run, name):
    "None is false, and the results are the course's own"
    assert [o['text'] for o in of(run, name).claims if not o['holds']] == []
    assert of(run, name).own == []

def test_every_required_result_is_bounded_or_only_reported():
    "Only reported is what depends on the machine; some are held by what they are below or above"
    unbounded = {(w.number, r.name) for w in LABS for r in w.results.values() if not r.bounded}
    ordered = {(w.number, name) for w in LABS for o in w.orders for name in (o.smaller, o.larger)}
    assert [(w, n) for w,n in unbounded - ordered if 'seconds' not in (n.split('_')[0], n.split('_')[-1])] == []

def test_the_contract_is_kept(run):
    "Names and kinds in metrics.json, for those who read it without this library"
    table = json.loads((run.folder/METRICS).read_text())
    assert (table['version'], table['size']) == (1, 'tiny') and sorted(o['notebook'] for o in table['labs']) == sorted(p.name for p in NOTEBOOKS.values())
    for w in LABS: assert set(w.results) <= {k for o in table['labs'] if o['week'] == w.number for k in o['metrics']}

def test_memory(run):
    assert {o.notebook: o.peak_mb for o in run.labs if o.peak_mb > 2500} == {}
