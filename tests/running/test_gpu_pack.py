"The pack for a machine with a GPU and the check that runs there, as far as a machine without one can show them"
import _thread, ast, importlib.util, json, subprocess, sys, threading, time
from pathlib import Path
from zipfile import ZipFile

import psutil
import pytest

from course_labs import syllabus
from course_labs.core.paths import checkout
from course_labs.core.settings import coerce
from course_labs.running.record import read_run

GPU = checkout()/'tests'/'gpu'
sys.path.insert(0, str(GPU))
import check, labs, pack  # noqa: E402

ALL = {'fastai 2.8': ['torch', 'fastcore>=2', 'spacy', 'old; python_version<"3"', 'plot; extra == "dev"'],
       'fastcore 2.1': ['small'], 'fastcore 2.5': ['small'], 'small 1.0': [], 'keras 3.1': ['fastcore>=2.3', 'numpy'],
       'plot 1.0': [], 'stale 1.0': []}

def wheel(folder, name, version, requires):
    "A wheel that holds nothing but what it requires"
    with ZipFile(folder/f'{name}-{version}-py3-none-any.whl', 'w') as z:
        head = [f'Name: {name}', f'Version: {version}', *(f'Requires-Dist: {o}' for o in requires)]
        z.writestr(f'{name}-{version}.dist-info/METADATA', '\n'.join(['Metadata-Version: 2.1', *head, '', '']))

def registry(asked, folder):
    "As `pack.download`: the oldest release that fits, so that a later bound has to fetch another"
    for name, spec in asked.items():
        found = [(v, r) for (n, v), r in ((k.split(), r) for k,r in ALL.items()) if n == name and spec.contains(v)]
        if found: wheel(folder, name, *found[0])

def collected(tmp_path, *wanted, has=('torch', 'numpy')):
    res = pack.collect([pack.Requirement(o) for o in wanted], has, tmp_path, registry)
    return sorted(p.name.split('-py3')[0] for p in res.values())

def test_requirements_are_followed_up_to_what_the_machine_has(tmp_path):
    assert collected(tmp_path, 'fastai>=2') == ['fastai-2.8', 'fastcore-2.1', 'small-1.0']

def test_a_later_bound_fetches_another_release(tmp_path):
    assert collected(tmp_path, 'fastai>=2', 'keras') == ['fastai-2.8', 'fastcore-2.5', 'keras-3.1', 'small-1.0']

def test_an_extra_that_is_asked_for_brings_what_it_needs(tmp_path):
    assert 'plot-1.0' in collected(tmp_path, 'fastai[dev]')

def test_an_earlier_pack_is_gone_through_anew(tmp_path):
    "A wheel that is there already is followed too, and one that nobody asks for goes"
    wheel(tmp_path, 'fastai', '2.8', ALL['fastai 2.8'])
    wheel(tmp_path, 'stale', '1.0', [])
    assert collected(tmp_path, 'fastai') == ['fastai-2.8', 'fastcore-2.1', 'small-1.0']

def test_a_package_without_a_wheel_is_named(tmp_path):
    with pytest.raises(SystemExit, match='no wheel came for missing'): collected(tmp_path, 'missing')

def test_the_roots_are_requirements_runner_and_weights():
    text = (checkout()/'settings.ini').read_text(encoding='utf-8')
    found = {pack.canonicalize_name(r.name): r for r in pack.roots(text)}
    assert {'fastai', 'keras', *pack.RUNNER, *pack.WEIGHTS} <= set(found)
    assert str(found['fastai'].specifier)

def test_every_script_is_there():
    assert [o for o in pack.SCRIPTS if not (GPU/o).stat().st_size] == []

def test_every_lab_is_checked():
    assert sorted(labs.TINY) == sorted(syllabus.weeks())
    assert set(labs.FULL) == {2, 3, 4, 6, 7}

@pytest.mark.parametrize('week,size', [(w, s) for s,o in (('tiny', labs.OWN_TINY), ('full', labs.FULL)) for w in o])
def test_what_is_set_is_a_setting_of_the_week(week, size):
    known = syllabus.week(week).settings
    for k,v in labs.settings(week, size).items():
        assert k in known, f'week {week} has no setting {k}'
        coerce(k, str(v), known[k].full)

def test_a_lab_at_size_full_gets_the_tiny_data():
    env = labs.environment(3, 'full')
    assert 'digits=' in env['COURSE_LABS_DATA'] and 'seeds=2' in env['COURSE_LABS_SET']

@pytest.mark.parametrize('script', ['check.py', 'labs.py', 'measures.py'])
def test_what_the_scripts_import_is_in_the_library(script):
    "They import where they use, and half of it is used on a GPU alone"
    tree = ast.parse((GPU/script).read_text(encoding='utf-8'))
    found = [(n.module, o.name) for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module.startswith('course_labs') for o in n.names]
    lacks = [f'{m}.{name}' for m,name in found if not hasattr(importlib.import_module(m), name) and not importlib.util.find_spec(f'{m}.{name}')]
    assert found and not lacks, lacks

FAKES = """
import os, signal, time
def good(a, quick=False): return dict(says=f'said {a}', rows=[dict(x=float('nan'), y=quick)])
def bad(): raise ValueError('no such thing')
def worse(): return dict(says='it came out wrong', ok=False)
def dies(): os.kill(os.getpid(), signal.SIGKILL)
def hangs(): time.sleep(600)
"""

@pytest.fixture
def run(tmp_path, monkeypatch):
    "A check with parts of its own"
    (tmp_path/'fakes.py').write_text(FAKES, encoding='utf-8')
    monkeypatch.setenv('PYTHONPATH', f'{tmp_path}:{checkout()}')
    (tmp_path/'work'/'parts').mkdir(parents=True)
    (tmp_path/'out').mkdir()
    c = check.Check(tmp_path/'out', tmp_path/'work', 60)
    def with_parts(**seconds):
        c.parts = [check.Part(f, f'The part {f}', ('fakes', f, ('A',) if f == 'good' else ()), s) for f,s in seconds.items()]
        return c
    return with_parts

def test_a_part_that_fails_is_a_line(run):
    c = run(bad=30, worse=30, dies=30, good=30)
    for o in c.parts: c.run(o)
    c.finish()
    assert [o.state for o in c.parts] == ['failed', 'failed', 'failed', 'passed']
    assert [o.error for o in c.parts] == ['ValueError: no such thing', None, 'its process ended with status -9: no message', None]
    table, page = (json.loads((c.out/'gpu.json').read_text(encoding='utf-8')), (c.out/'gpu.html').read_text(encoding='utf-8'))
    assert table['parts'][3]['rows'] == [dict(x=None, y=True)] and table['parts'][3]['says'] == 'said A'
    assert 'no such thing' in page and 'it came out wrong' in page and '3 failed or ran out of time' in page

def test_a_part_that_hangs_is_ended_in_its_time(run):
    c = run(hangs=11)
    c.device = 'a GPU'
    c.gpu = True
    started = time.monotonic()
    c.run(c.parts[0])
    assert c.parts[0].state == 'out of time' and time.monotonic() - started < 30

def test_a_check_that_is_stopped_ends_what_runs_and_keeps_the_rest(run):
    c = run(good=30, hangs=300)
    c.run(c.parts[0])
    threading.Timer(2, c.stop.set).start()
    started = time.monotonic()
    c.run(c.parts[1])
    c.finish()
    assert time.monotonic() - started < 30 and [o.state for o in c.parts] == ['passed', 'out of time']
    assert (c.out/'logs.zip').exists()

def test_ctrl_c_in_a_timed_part_ends_its_process(run):
    c, started = run(hangs=300), time.monotonic()
    threading.Timer(2, _thread.interrupt_main).start()
    with pytest.raises(KeyboardInterrupt): c.run(c.parts[0])
    assert c.parts[0].state == 'out of time' and time.monotonic() - started < 30
    assert not any('"fakes", "hangs"' in ' '.join(p.info['cmdline'] or ()) for p in psutil.process_iter(['cmdline']))

def test_a_run_that_cannot_be_written_is_a_line(run):
    c = run(good=30)
    c.parts[0].lab, c.parts[0].size = dict(seconds=1., peak_mb=1., nothing='like a lab'), 'tiny'
    c.finish()
    assert c.parts[-1].state == 'failed' and 'TypeError' in c.parts[-1].error

def test_no_part_begins_when_the_time_is_over(run):
    c = run(good=30)
    c.limit = 5
    c.run(c.parts[0])
    assert c.parts[0].state == 'out of time' and not c.parts[0].took

def test_without_a_gpu_a_part_that_needs_one_says_so(run):
    c = run(good=30)
    c.parts[0].needs = check.GPU
    c.run(c.parts[0])
    assert c.parts[0].state == 'no GPU'

def test_single_labs_become_a_run(tmp_path):
    "What `course-labs docs --from` reads"
    from dataclasses import asdict
    from course_labs.running.record import LabRun
    lab = asdict(LabRun(6, 'week06_collab.ipynb', ok=True, seconds=3., metrics=dict(rmse=.7), claims=[dict(text='a', holds=True)]))
    labs.collect(tmp_path, 'tiny', [json.loads(json.dumps(lab))], 3.)
    run = read_run(tmp_path)
    assert run.ok and run.lab(6).metrics == dict(rmse=.7)

def test_the_page_shows_results_and_claims_of_a_lab():
    lab = dict(peak_mb=1., metrics=dict(rmse=.7), claims=[dict(text='dots < crosses', holds=False)])
    part = dict(name='week6_tiny', title='Week 6', state='failed', took=3., says='', error='<b>', rows=[], lab=lab, size='tiny')
    html = check.page(dict(when='', device='a <GPU>', limit=450, seconds=3., parts=[part]))
    assert 'Does not hold: dots &lt; crosses' in html and '<td class="n">0.7</td>' in html and 'a &lt;GPU&gt;' in html and '<b>' not in html
    assert 'src=' not in html and 'href=' not in html, 'it is a file of its own'

def test_run_sh_says_that_there_is_no_pack(tmp_path):
    done = subprocess.run(['bash', GPU/'run.sh'], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2 and 'There is no pack in gpu_pack' in done.stderr
