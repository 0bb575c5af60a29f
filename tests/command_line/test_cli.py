"The command line and the runner, under good and bad use"
import inspect, json, os, re, signal, subprocess, sys, time
from pathlib import Path

import nbformat, pytest

from course_labs import cli as command_line

from toy_labs import RECORD, START, cli, lab, metrics, run  # noqa: F401  run is a fixture

VERBS = 'run', 'doctor', 'lab', 'docs', 'release', 'grade', 'gradebook', 'update', 'exam', 'questions', 'push', 'bench', 'pretrain', 'recipes', 'sync'

def test_help_lists_every_verb():
    text = cli('--help').stdout
    assert [v for v in VERBS if not re.search(rf'^    {v}\s', text, re.M)] == []
    assert {v.__name__ for v in command_line.VERBS} == set(VERBS)

@pytest.mark.parametrize('verb', VERBS)
def test_help_of_a_verb(verb):
    done = cli(verb, '--help')
    assert done.returncode == 0 and f'course-labs {verb}' in done.stdout

@pytest.mark.parametrize('verb', VERBS)
def test_each_flag_fills_a_parameter_of_its_verb(verb):
    fn = next(v for v in command_line.VERBS if v.__name__ == verb)
    given = vars(command_line.parser().parse_args([verb, *dict(grade=['x'], update=['x'], questions=['--to', 'gift']).get(verb, [])]))
    assert set(given) - {'verb', 'fn', 'debug'} <= set(inspect.signature(fn).parameters)

@pytest.mark.parametrize('args, says', [
    (['run', '--week', '77'], 'no lab for week 77'),
    (['run', '--size', 'huge'], 'invalid choice'),
    (['run', '--set', 'epochs'], 'expected key=value'),
    (['run', '--data', 'cats=x'], "no data set 'cats'"),
    (['run', '--data', 'paddy=/nowhere/at/all'], 'no such file or folder'),
    (['run', '--jobs', '0'], 'not a whole number above 0'),
    (['run', '--out', '/dev/null/x'], 'cannot make the folder'),
    (['bench', 'nothing'], "no benchmark 'nothing'"), (['pretrain', 'bert'], "no model 'bert'; there are: convnext"), (['docs', '--from', '/nowhere'], 'no metrics.json'),
    (['fly'], 'invalid choice'), (['run', '--wek', '3'], 'unrecognized arguments')])
def test_bad_use_is_one_clear_line(args, says):
    res = cli(*args)
    assert res.returncode != 0
    assert says in res.stderr and len(res.stderr.strip().splitlines()) == 1 and 'Traceback' not in res.stderr

def test_debug_shows_the_traceback():
    assert 'Traceback' in cli('run', '--week', '77', '--debug').stderr

def test_a_run_writes_contract_report_and_notebook(run, tmp_path):
    lab(tmp_path/'labs', 8, START + RECORD, "import matplotlib.pyplot as plt; plt.plot([1, 2]); plt.title('A line');")
    res = run('--size', 'tiny')
    assert res.returncode == 0, res.stdout + res.stderr
    got = metrics(tmp_path)
    assert set(got) == {'version', 'size', 'seconds', 'labs'} and got['version'] == 1 and got['size'] == 'tiny'
    assert set(got['labs'][0]) == {'week', 'notebook', 'ok', 'seconds', 'peak_mb', 'error', 'metrics', 'claims'}
    assert got['labs'][0]['ok'] and got['labs'][0]['error'] is None and got['labs'][0]['peak_mb'] > 20
    report = tmp_path/'out'/'report.html'
    assert str(report) in res.stdout and 'data:image/png' in report.read_text()
    assert nbformat.read(tmp_path/'out'/'week08_x.ipynb', 4).cells[2].outputs

def test_set_and_seed_reach_the_lab(run, tmp_path):
    lab(tmp_path/'labs', 8, START + RECORD + "\nlab.record('seed', lab.seed)")
    assert run('--set', 'epochs=5', '--seed', '9').returncode == 0
    assert metrics(tmp_path)['labs'][0]['metrics'] == dict(questions=5, terms=5, exam_questions=5, seed=9)

def test_unknown_setting_fails_the_lab_with_the_list(run, tmp_path):
    lab(tmp_path/'labs', 8, START)
    res = run('--set', 'epoch=5')
    assert res.returncode == 1 and "no setting 'epoch'; it has: epochs" in metrics(tmp_path)['labs'][0]['error']

def test_a_lab_that_fails_or_dies_leaves_the_others_alone(run, tmp_path):
    lab(tmp_path/'labs', 1, START, '1/0  # the culprit')
    lab(tmp_path/'labs', 2, "import os; os.kill(os.getpid(), 9)")
    lab(tmp_path/'labs', 8, START + RECORD)
    res = run('--size', 'tiny', '--jobs', '2')
    labs = {o['week']: o for o in metrics(tmp_path)['labs']}
    assert res.returncode == 1 and [labs[w]['ok'] for w in (1, 2, 8)] == [False, False, True]
    assert 'ZeroDivisionError' in labs[1]['error'] and 'kernel died' in labs[2]['error']
    assert '1/0  # the culprit' in (tmp_path/'out'/'report.html').read_text()

def test_a_lab_has_its_own_timeout(run, tmp_path):
    lab(tmp_path/'labs', 8, 'import time; time.sleep(600)')
    res = run('--timeout', '8')
    assert res.returncode == 1 and 'not finished after 8 s' in metrics(tmp_path)['labs'][0]['error']

def test_a_flood_of_output_is_cut(run, tmp_path):
    lab(tmp_path/'labs', 8, START + RECORD, "for i in range(60): print('x'*100_000)")
    assert run().returncode == 0
    assert (tmp_path/'out'/'week08_x.ipynb').stat().st_size < 3_500_000

def test_ctrl_c_keeps_and_lists_what_finished(run, tmp_path):
    lab(tmp_path/'labs', 1, 'import time; time.sleep(600)')
    lab(tmp_path/'labs', 8, START + RECORD)
    proc = run('--jobs', '2', background=True)
    until = time.monotonic() + 90
    done = lambda: (tmp_path/'out'/'metrics.json').exists() and any(o['week'] == 8 for o in metrics(tmp_path)['labs'])
    while not done() and time.monotonic() < until: time.sleep(0.3)
    assert done()
    proc.send_signal(signal.SIGINT)
    out, err = proc.communicate(timeout=60)
    assert proc.returncode == 130, out + err
    assert 'Finished and kept: week 8' in out and 'Traceback' not in err
    assert metrics(tmp_path)['labs'][0]['ok'] and 'Interrupted' in (tmp_path/'out'/'report.html').read_text()

def test_doctor_names_device_and_needs():
    res = cli('doctor', env=dict(os.environ, COURSE_LABS_OFFLINE='1', COLUMNS='150'))
    assert res.returncode == 0, res.stderr
    for word in ('CPU', 'torch', 'network', 'Kaggle', 'paddy'): assert word in res.stdout

def test_doctor_never_shows_a_secret():
    res = cli('doctor', env=dict(os.environ, COURSE_LABS_OFFLINE='1', KAGGLE_USERNAME='ann', KAGGLE_KEY='s3cret'))
    assert 's3cret' not in res.stdout and 'KAGGLE_USERNAME and KAGGLE_KEY' in res.stdout

def test_lab_opens_jupyter_on_the_notebooks():
    res = cli('lab', '--print-command', '--no-browser')
    assert res.returncode == 0 and 'jupyterlab' in res.stdout and 'nbs/labs' in res.stdout
