"A run under faults: labs that hang, die, flood, fill memory or disk or leave processes behind; runs that are killed, or meet in one folder"
import contextlib, json, os, signal, subprocess, sys, time
from pathlib import Path

import nbformat, psutil, pytest

from course_labs.running.progress import ended_like_ctrl_c
from course_labs.running.resume import finished, made_from

from toy_labs import lab, metrics, run  # noqa: F401  run is a fixture

# A lab that passes, without the seconds that torch takes to load
GOOD = """import json, os
names = 'questions terms exam_questions perceptron_accuracy digits_accuracy fashion_accuracy housing_rmse_sequential housing_rmse_wide_deep'
with open(os.environ['COURSE_LABS_RECORD'], 'w') as f: json.dump(dict(facts={}, config={}, metrics=dict.fromkeys(names.split(), 1)), f)
"""
linux = pytest.mark.skipif(sys.platform != 'linux', reason='looks into /proc')

def by_week(tmp_path): return {o['week']: o for o in metrics(tmp_path)['labs']}
def error(tmp_path, week): return by_week(tmp_path)[week]['error']

def lives(pid):
    try: return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error: return False

def until(f, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError, ValueError):
            if res := f(): return res
        time.sleep(0.1)
    raise AssertionError('it did not happen')

def pids(path): return until(lambda: [int(o) for o in path.read_text().split()])

DETACHED = '''import os, subprocess, sys, time
leave = "import os, subprocess; subprocess.Popen(['sleep', '600'], start_new_session=True)"  # its parent is gone at once
subprocess.run([sys.executable, '-c', leave])
p = [subprocess.Popen(['sleep', '600'], start_new_session=s) for s in (False, True)]
time.sleep(0.3)
open('pids', 'w').write(' '.join([str(o.pid) for o in p] + subprocess.check_output(['pgrep', '-x', 'sleep'], text=True).split()))'''

@linux
def test_each_fault_is_one_line_and_the_others_go_on(run, tmp_path):
    labs = tmp_path/'labs'
    lab(labs, 1, 'import time; time.sleep(600)')
    lab(labs, 2, 'import os; os.kill(os.getpid(), 9)')
    lab(labs, 3, "import time\nfor i in range(1000): print('x'*1_000_000); time.sleep(0.005)")
    lab(labs, 4, 'held = []\nwhile True: held.append(bytearray(b"x"*20_000_000)); import time; time.sleep(0.02)')
    lab(labs, 5, "import subprocess, sys, time\nsubprocess.run([sys.executable, '-c', 'x = b\"x\"*1_300_000_000; import time; time.sleep(600)'])")
    lab(labs, 6, "raise ValueError('first line\\n' + 'x'*10_000_000)")
    lab(labs, 7, '1')
    (labs/'week07_x.ipynb').write_text('{"cells": [')
    lab(labs, 8, GOOD, DETACHED, "'y'*50_000_000", "for i in range(50): print('z'*100_000)")
    res = run('--size', 'tiny', '--timeout', '12', '--memory', '1000', '--jobs', '4')
    assert res.returncode == 1 and 'Traceback' not in res.stderr, res.stderr
    got = by_week(tmp_path)
    says = {1: 'not finished after 12 s', 2: 'the kernel died', 3: 'printed more than 100 MB', 4: 'used more than 1000 MB', 5: 'used more than 1000 MB', 6: 'ValueError: first line', 7: 'it did not start'}
    for week, words in says.items(): assert words in got[week]['error'] and '\n' not in got[week]['error'] and len(got[week]['error']) < 700
    assert [w for w in got if got[w]['ok']] == [8], got[8]['error']
    page = (tmp_path/'out'/'report.html').read_text()
    for words in says.values(): assert words in page
    assert 'left behind and ended: sleep, sleep' in page and 'cell 5 printed more than 2,000,000 characters' in page
    sizes = {o.name: o.stat().st_size for o in (tmp_path/'out').glob('*')}
    assert max(sizes.values()) < 9_000_000, sizes
    mine = [p for p in pids(tmp_path/'out'/'work'/'week08_x'/'pids') if lives(p) and 'COURSE_LABS_MARK' in psutil.Process(p).environ()]
    assert not mine

@linux
def test_sigterm_ends_the_kernels_and_keeps_what_finished(run, tmp_path):
    lab(tmp_path/'labs', 1, "import os, subprocess\np = subprocess.Popen(['sleep', '600'], start_new_session=True)\nopen('pids', 'w').write(f'{os.getpid()} {p.pid}')\nimport time; time.sleep(600)")
    lab(tmp_path/'labs', 8, GOOD)
    proc = run('--size', 'tiny', '--jobs', '2', background=True)
    until(lambda: by_week(tmp_path)[8]['ok'] if by_week(tmp_path) else None)
    started = pids(tmp_path/'out'/'work'/'week01_x'/'pids')
    proc.send_signal(signal.SIGTERM)
    out, err = proc.communicate(timeout=30)
    assert proc.returncode == 143, out + err
    assert 'Finished and kept: week 8' in out and 'Traceback' not in err and not any(map(lives, started))
    assert list(by_week(tmp_path)) == [8] and 'Interrupted' in (tmp_path/'out'/'report.html').read_text()

@linux
def test_a_killed_run_goes_on(run, tmp_path):
    labs, count = tmp_path/'labs', tmp_path/'count'
    lab(labs, 2, f"open({str(count)!r}, 'a').write('2')\nraise ValueError('fails')")
    lab(labs, 7, GOOD + f"\nopen({str(count)!r}, 'a').write('7')")
    lab(labs, 8, f"import os, time\nopen('pids', 'w').write(str(os.getpid()))\nif not os.path.exists({str(tmp_path/'go')!r}): time.sleep(600)", GOOD + f"\nopen({str(count)!r}, 'a').write('8')")
    proc = run('--size', 'tiny', background=True)
    kernel = pids(tmp_path/'out'/'work'/'week08_x'/'pids')
    proc.kill()
    proc.communicate()
    assert {w: o['ok'] for w,o in by_week(tmp_path).items()} == {2: False, 7: True} and count.read_text() == '27'
    (tmp_path/'go').touch()
    res = run('--size', 'tiny', '--resume')
    assert 'week 7  kept' in res.stdout and 'week 2  runs: it had failed' in res.stdout and 'week 8  runs: it had not finished' in res.stdout, res.stdout + res.stderr
    assert {w: o['ok'] for w,o in by_week(tmp_path).items()} == {2: False, 7: True, 8: True} and count.read_text() == '2728'
    assert not any(map(lives, kernel)), 'the kernel of the killed run was left'
    assert 'perceptron_accuracy' in (tmp_path/'out'/'report.html').read_text()
    # a result stands for what it was made from, and no longer
    path, out = labs/'week07_x.ipynb', tmp_path/'out'
    why = lambda size='tiny', **env: finished(path, out, made_from(path, size, env))[1]
    assert why() == '' and why('full') == 'other size' and why(COURSE_LABS_SEED='7') == 'other seed' and why(COURSE_LABS_SET='epochs=3') == 'other settings'
    nb = nbformat.read(path, 4)
    nb.cells[1].source += '\n# changed'
    nbformat.write(nb, path)
    assert why() == 'other notebook'
    # nothing that an earlier run left can break the next
    (out/'week08_x.ipynb').write_text('{"cells": [')
    assert finished(labs/'week08_x.ipynb', out, {}) == (None, 'its result cannot be read')
    (out/'metrics.json').write_text('{"labs": [{"notebook": "week08_x.ipynb", "ok": tr')
    assert finished(labs/'week08_x.ipynb', out, {}) == (None, 'its result cannot be read')

def test_hanging_up_counts_as_ctrl_c():
    with ended_like_ctrl_c() as came, pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGHUP)
        time.sleep(5)
    assert came == [signal.SIGHUP] and signal.getsignal(signal.SIGHUP) == signal.SIG_DFL

def test_changed_data_count_as_other_data(tmp_path):
    lab(tmp_path, 8, GOOD)
    (tmp_path/'d').mkdir()
    made = lambda **env: made_from(tmp_path/'week08_x.ipynb', 'tiny', dict(COURSE_LABS_DATA=f"photos={tmp_path/'d'}", **env))
    first = made()
    assert made() == first and made(COURSE_LABS_SEED='42') == first
    (tmp_path/'d'/'a.jpg').write_text('x')
    assert {k for k,v in made().items() if v != first[k]} == {'data'}
    assert made_from(tmp_path/'week08_x.ipynb', 'full', {})['size'] != first['size']

def test_two_runs_in_one_folder_do_not_mix(run, tmp_path):
    lab(tmp_path/'labs', 8, f"import time, os\nopen('begun', 'w').write('1')\nwhile not os.path.exists({str(tmp_path/'go')!r}): time.sleep(0.05)", GOOD)
    first = run('--size', 'tiny', background=True)
    until(lambda: (tmp_path/'out'/'work'/'week08_x'/'begun').exists())
    before = (tmp_path/'out'/'metrics.json').read_text()
    second = run('--size', 'tiny', timeout=30)
    assert second.returncode == 1 and len(second.stderr.strip().splitlines()) == 1
    assert f'another run is at work in {tmp_path/"out"} (process {first.pid} since ' in second.stderr and 'week 8' in second.stderr and '--out' in second.stderr
    assert (tmp_path/'out'/'metrics.json').read_text() == before
    (tmp_path/'go').touch()
    out, err = first.communicate(timeout=60)
    assert first.returncode == 0 and by_week(tmp_path)[8]['ok'], out + err
    assert run('--size', 'tiny', '--resume').returncode == 0  # the lock fell with its run

@pytest.fixture
def small_disk(tmp_path):
    "A disk of 12 MB for `--out`"
    if sys.platform != 'linux' or os.geteuid(): pytest.skip('mounting a small disk needs root on Linux')
    (tmp_path/'out').mkdir()
    if subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', str(tmp_path/'out')], capture_output=True).returncode: pytest.skip('mount is not allowed here')
    yield tmp_path/'out'
    subprocess.run(['umount', str(tmp_path/'out')], check=True)

def test_a_full_disk(run, tmp_path, small_disk):
    lab(tmp_path/'labs', 1, "import os\nwith open('big', 'wb') as f: f.write(bytes(500_000))\nraise OSError(28, os.strerror(28))")  # as where a cache elsewhere is full
    lab(tmp_path/'labs', 2, "import time\nf = open('big', 'wb')\nwhile True: f.write(bytes(100_000)); f.flush(); time.sleep(0.03)")
    lab(tmp_path/'labs', 7, GOOD, "from IPython.display import HTML\nHTML('x'*14_000_000)")  # its executed copy does not fit
    lab(tmp_path/'labs', 8, GOOD)
    res = run('--size', 'tiny', '--jobs', '1')
    assert res.returncode == 1 and 'Traceback' not in res.stderr, res.stdout + res.stderr
    got = by_week(tmp_path)
    assert 'No space left on device' in got[1]['error'] and 'are removed' in got[1]['error']
    # the watcher sees it coming, or on a busy machine the lab is there first
    assert ('filled the disk with' in got[2]['error'] or 'No space left on device' in got[2]['error']) and 'are removed' in got[2]['error']
    assert 'its executed copy could not be written: No space left on device' in got[7]['error']
    assert all('\n' not in got[w]['error'] for w in (1, 2, 7)) and got[8]['ok'], got[8]
    assert got[1]['error'] in (small_disk/'report.html').read_text().replace('&#39;', "'")
    assert not list(small_disk.glob('.*.part*')) and not (small_disk/'work'/'week01_x'/'big').exists()

def test_a_disk_that_is_full_before_the_run(run, tmp_path, small_disk):
    lab(tmp_path/'labs', 8, GOOD)
    with contextlib.suppress(OSError), open(small_disk/'theirs', 'wb') as f:
        while True: f.write(bytes(4096)); f.flush()
    res = run('--size', 'tiny')
    assert res.returncode == 1 and len(res.stderr.strip().splitlines()) == 1 and 'No space left on device' in res.stderr, res.stderr

def test_two_notebooks_of_one_week_are_one_line(run, tmp_path):
    lab(tmp_path/'labs', 8, GOOD)
    (tmp_path/'labs'/'week08_copy.ipynb').write_text((tmp_path/'labs'/'week08_x.ipynb').read_text())
    res = run('--size', 'tiny')
    assert res.returncode == 1 and len(res.stderr.strip().splitlines()) == 1, res.stderr
    assert 'week08_copy.ipynb and week08_x.ipynb are both labs of week 8' in res.stderr

def named(tmp_path): return {o['notebook']: o for o in metrics(tmp_path)['labs']}

def test_extras_run_with_their_week_and_record_their_own_results(run, tmp_path):
    "Results stand in the syllabus as those of the lab, or of an extra; each fails for its own"
    def recording(names): return GOOD.replace("names = '", f"names = '{names} ")
    lab(tmp_path/'labs', 8, GOOD)
    lab(tmp_path/'labs', 2, recording('error_rate error_rate_scratch'))
    labs = tmp_path/'labs'
    for name,what in (('gpu', 'other'), ('sound_and_series', 'spectrogram_accuracy')):
        lab(tmp_path/'made', 2, recording(what))
        (tmp_path/'made'/'week02_x.ipynb').rename(labs/f'week02_extra_{name}.ipynb')
    res = run('--size', 'tiny', '--week', '2')
    got = named(tmp_path)
    assert sorted(got) == ['week02_extra_gpu.ipynb', 'week02_extra_sound_and_series.ipynb', 'week02_x.ipynb'], res.stderr
    assert res.returncode == 1 and {o['week'] for o in got.values()} == {2}
    assert got['week02_x.ipynb']['ok'] and got['week02_extra_gpu.ipynb']['ok']
    assert got['week02_extra_sound_and_series.ipynb']['error'] == 'it ran, but did not record gadf_accuracy'
    assert 'week 2 extra gpu' in res.stdout and 'FAILED' in res.stdout
    res = run('--size', 'tiny', '--week', '2', '--resume')
    assert 'week 2 extra gpu  kept' in res.stdout and 'week 2 extra sound_and_series  runs: it had failed' in res.stdout

def test_an_extra_that_the_syllabus_does_not_know_is_one_line(run, tmp_path):
    lab(tmp_path/'labs', 8, GOOD)
    (tmp_path/'labs'/'week08_extra_cubes.ipynb').write_text((tmp_path/'labs'/'week08_x.ipynb').read_text())
    assert run('--size', 'tiny').returncode == 1
    got = named(tmp_path)
    assert got['week08_x.ipynb']['ok']
    assert got['week08_extra_cubes.ipynb']['error'] == ("it did not start: week 8 has no extra 'cubes'; there are: marking. "
                                                        'An extra has a table [extras.cubes] in data/course/week08.toml')

CLAIM = GOOD + """
with open(os.environ['COURSE_LABS_RECORD']) as f: said = json.load(f)
said.update(claims=[dict(text='two < one', holds=False)], own=OWN)
with open(os.environ['COURSE_LABS_RECORD'], 'w') as f: json.dump(said, f)
"""

def test_a_claim_that_does_not_hold(run, tmp_path):
    "It fails a lab on the course's own settings, and stands in the report; with a setting of one's own it is a note"
    lab(tmp_path/'labs', 7, CLAIM.replace('OWN', '[]'))
    lab(tmp_path/'labs', 8, CLAIM.replace('OWN', "['the setting epochs']"))
    res = run('--size', 'tiny')
    got = by_week(tmp_path)
    assert res.returncode == 1 and got[7]['error'] == 'this does not hold: two < one' and got[8]['ok'], res.stdout + res.stderr
    assert got[8]['claims'] == [dict(text='two < one', holds=False)]
    assert 'this does not hold with the setting epochs: two < one' in res.stdout
    assert 'Does not hold:</span> two &lt; one' in (tmp_path/'out'/'report.html').read_text()

def test_a_result_that_own_data_did_not_give_is_noted_and_not_an_error(tmp_path):
    "A training on own settings may run away; on the course's own, a result that is missing fails the lab"
    from course_labs.running.runner import Ending, Job, judge
    job = Job(Path('week06_collab.ipynb'), tmp_path, {}, '', None, {}, ('rmse', 'fit_seconds'))
    def judged(own):
        job.record.parent.mkdir(parents=True, exist_ok=True)
        job.record.write_text(json.dumps(dict(metrics=dict(fit_seconds=1.), claims=[], own=own)))
        return judge(job, Ending())
    assert judged([]).error == 'it ran, but did not record rmse'
    mine = judged(['the setting lr'])
    assert mine.ran and mine.error is None and mine.notes == ['there is no rmse with the setting lr']
