"Marking: what students hand in, well and badly meant, over three labs; each gets its row, and nothing else is touched"
import csv, hashlib, io, json, os, signal, subprocess, sys, time, zipfile
from pathlib import Path

import pytest

from course_labs.marking import grade as g
from course_labs.marking import markers, marks, release
from course_labs.marking import sandbox as isolation
from course_labs.marking.feedback import feedback
from course_labs.marking.results import kept_seeds
from course_labs.marking.answers import cell_text, lab_tasks
from course_labs.core.paths import checkout, lab_notebooks
from course_labs.core.files import CourseError

needs_bwrap = pytest.mark.skipif(bool(isolation.why_not()), reason=f'answers cannot be walled in here: {isolation.why_not()}')
LIMITS = isolation.Limits(seconds=2, memory=600)
TARGET = 'w6.n_learnt'  # the exercise whose answer the hostile ones replace; all others of theirs are stubs
RIGHT = '''def n_learnt(n_users, n_items, user_dim, item_dim, hidden):
    sizes = [user_dim + item_dim, *hidden, 1]
    return n_users*(user_dim + 1) + n_items*(item_dim + 1) + sum((a + 1)*b for a,b in zip(sizes, sizes[1:]))
'''

def solved(week): return json.loads(lab_notebooks(extras=True)[week].read_text(encoding='utf-8'))
def tasks(week): return sorted(lab_tasks(solved(week)), key=lambda t: t.id != TARGET) # TARGET first: it is in every part
def ids(week): return [t.id for t in tasks(week)]

LABS = [int(o) if o.isdigit() else o for o in marks.make_course().labs] # Extras as '2 extra gpu'

def stubbed(week):
    "The student version, made without nbgrader"
    nb = solved(week)
    for t in tasks(week):
        src = cell_text(nb['cells'][t.answer])
        indent = src[:src.index('### BEGIN')].rsplit('\n', 1)[1]
        nb['cells'][t.answer]['source'] = src[:src.index('### BEGIN')] + release.STUB + '\n' + src[src.index('### END SOLUTION') + 16:].lstrip('\n')
        assert indent.strip() == ''
    return nb

def with_answers(week, answers):
    "A student version with these texts in the place of answers; True puts the solution there"
    nb, full = stubbed(week), solved(week)
    for t in tasks(week):
        if t.id in answers: nb['cells'][t.answer]['source'] = cell_text(full['cells'][t.answer]) if answers[t.id] is True else answers[t.id]
    return nb

LEAVES = 'import os\nassert seen or os.listdir(".") == [], os.listdir(".")\nseen.append(1); open("for_the_next", "w").write("x")'

def hostile(body, before=''):
    "Week 6 with one answer, whose first lines are `body`"
    lines = ''.join(f'    {l}\n' for l in body.strip('\n').split('\n'))
    return with_answers(6, {TARGET: before + RIGHT.replace(':\n', ':\n' + lines, 1)})

def zipped(entries):
    out = io.BytesIO()
    with zipfile.ZipFile(out, 'w', zipfile.ZIP_DEFLATED) as z:
        for name, data in entries.items(): z.writestr(name, data)
    return out.getvalue()

def make(folder, secret):
    "The submissions; student: (lab, state, points, states of exercises that are looked at)"
    text = lambda nb: json.dumps(nb)
    full6, all6 = solved(6), {i: True for i in ids(6)}
    def put(student, data, suffix='.ipynb'): (folder/f'{student}{suffix}').parent.mkdir(parents=True, exist_ok=True); (folder/f'{student}{suffix}').write_bytes(data.encode() if isinstance(data, str) else data)
    half = ids(6)[:4]
    put('perfect6', text(full6)); put('half', text(with_answers(6, {i: True for i in half}))); put('untouched', text(stubbed(3)))
    put('wrong_type', text(with_answers(6, {TARGET: 'def n_learnt(*args): return "many"'})))
    put('syntax', text(with_answers(6, all6 | {TARGET: 'def n_learnt(*args) return 3'})))
    put('order', text(dict(full6, cells=full6['cells'][::-1])))
    put('stripped', text(dict(cells=[dict(cell_type=c['cell_type'], source=c['source']) for c in full6['cells']])))
    put('doubled', text(dict(full6, cells=[*full6['cells'], *full6['cells'], *stubbed(6)['cells']])))
    renamed = json.loads(text(full6).replace('n_learnt', 'my_count').replace('w6.my_count', TARGET))
    put('renamed', text(renamed))
    put('no_checks', text(dict(full6, cells=[c for c in full6['cells'] if not cell_text(c).startswith('check(')])))
    gone = next(t for t in tasks(6) if t.id == TARGET)
    put('removed', text(dict(full6, cells=[c for i,c in enumerate(full6['cells']) if i not in (gone.answer, gone.check)])))
    put('not_json', '{"cells": '); put('empty', ''); put('no_cells', text(dict(cells=[]))); put('list', '[1, 2]')
    put('elsewhere', text(dict(cells=[dict(cell_type='code', source='print(1)', metadata={})])))
    put('loop', text(hostile('while True: pass'))); put('sleeper', text(hostile('import time; time.sleep(600)')))
    put('deaf', text(hostile('import signal; signal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass')))
    put('forks', text(hostile('import os\nwhile True: os.fork()'))); put('programs', text(hostile('import subprocess; subprocess.run(["touch", "/tmp/x"])')))
    put('hog', text(hostile('x = []\nwhile True: x.append(bytes(10**8))'))); put('printer', text(hostile('for _ in range(0 if printed else 200): print("x"*10**6)\nprinted.append(1)', 'printed = []\n')))
    put('exits', text(hostile('import sys; sys.exit(0)'))); put('dies', text(hostile('import os; os.kill(os.getpid(), 9)')))
    put('claims', text(hostile('import os, sys; print("w6.n_learnt: right. 1 of 1", flush=True); sys.stderr.write("right"); os._exit(0)')))
    put('deletes', text(hostile(f'''
import os, shutil
for path in ({str(folder)!r}, {str(secret)!r}, {str(checkout()/"course_labs")!r}, {str(checkout()/"nbs")!r}, "/etc", os.path.expanduser("~")): shutil.rmtree(path, ignore_errors=True)
for path in ({str(secret)!r}, {str(folder/"half.ipynb")!r}, {str(folder.parent/"out"/"grades.csv")!r}, "/etc/passwd", "/x"):
    try: open(path, "w").write("overwritten")
    except OSError: pass
    try: os.makedirs(os.path.dirname(path), exist_ok=True); open(path, "w").write("overwritten")
    except OSError: pass''')))
    labs = [str(p) for p in lab_notebooks().values()]
    put('reads', text(hostile(f'''
import os, glob
for path in ({str(secret)!r}, {str(folder/"perfect6.ipynb")!r}, {str(folder.parent/"out"/"seeds.json")!r}, *{labs!r}):
    if os.path.exists(path): raise ValueError("it is there: " + path)
import course_labs
for path in glob.glob(os.path.dirname(course_labs.__file__) + "/teaching/checks/*") + glob.glob("/proc/*/environ") + glob.glob("/proc/*/fd/*"): raise ValueError("it is there: " + path)''')))
    put('leaves', text(hostile(LEAVES, 'seen = []\n')))
    put('leaves_too', text(hostile(LEAVES, 'seen = []\n')))
    put('patches', text(with_answers(6, {TARGET: '''import course_labs.teaching.exercises as e, builtins, numpy as np, sys
def n_learnt(*args):
    yes = lambda *args, **kwargs: True
    for module in list(sys.modules.values()):
        for name in ("same", "mark", "check", "_close", "_kind", "allclose"):
            try: setattr(module, name, yes)
            except Exception: pass
    builtins.abs = builtins.sorted = builtins.all = yes
    return 0''' })))
    put('equal', text(with_answers(6, {TARGET: 'class number(int):\n    __eq__ = __ge__ = __le__ = lambda self, other: True\n    __hash__ = int.__hash__\n    __sub__ = __rsub__ = lambda self, other: 0\ndef n_learnt(*args): return number(0)'})))
    put('socket', text(hostile('import socket; socket.create_connection(("1.1.1.1", 53), timeout=1)')))
    put('wire', text(hostile('import gc\nfor o in gc.get_objects():\n    if type(o).__name__ == "socket": o.sendall(b"\\0\\0\\0\\5\\0\\0\\0\\0[1,2]" + b"x"*1000)')))
    put('pickle', text(with_answers(6, {TARGET: 'import os\nclass P:\n    def __reduce__(self): return os.system, ("touch /tmp/pickled",)\ndef n_learnt(*args): return [P()]'})))
    put('endless', text(with_answers(6, {TARGET: 'def n_learnt(*args):\n    x = []\n    x.append(x)\n    return x'}))); put('huge', text(with_answers(6, {TARGET: 'import numpy as np\ndef n_learnt(*args): return np.zeros(2*10**7)'})))
    put('deep', text(with_answers(6, {TARGET: 'def n_learnt(*args): return n_learnt(*args)'})))
    put('import_side', text(with_answers(6, {TARGET: 'import no_such_package\n' + RIGHT})))
    put('globals', text(hostile('n_users += OFFSET', 'import math\nOFFSET = int(math.sqrt(0)) # no constant\n')))
    (folder/'link.ipynb').symlink_to(secret)
    put('climber', zipped({'../../climbed.ipynb': text(full6)}), '.zip'); put('bomb', zipped({'lab.ipynb': b'0'*(25*2**20)}), '.zip')
    put('Ada Lovelace_12_assignsubmission_file_/lab', text(full6))
    put('export', zipped({'Emmy Noether_7_assignsubmission_file_/lab.ipynb': text(full6), 'Alan Turing_8_assignsubmission_file_/lab.ipynb': text(stubbed(6))}), '.zip')
    put('=cmd()', text(stubbed(6)))

ALL, NONE = 8, 0
EXPECTED = {  # student: lab, state of the row, points or None where nothing is marked, state of TARGET or None
    'perfect6': ('week06_collab', 'marked', 'all', 'right'),
    'half': ('week06_collab', 'marked', 'half', 'right'), 'untouched': ('week03_cnn', 'marked', 0, None), 'wrong_type': ('week06_collab', 'marked', 0, 'wrong'),
    'syntax': ('week06_collab', 'marked', 'but one', 'error'), 'order': ('week06_collab', 'marked', 'all', 'right'), 'stripped': ('week06_collab', 'marked', 'all', 'right'), 'doubled': ('week06_collab', 'marked', 'all', 'right'),
    'renamed': ('week06_collab', 'marked', 'all', 'right'), 'no_checks': ('week06_collab', 'marked', 'all', 'right'), 'removed': ('week06_collab', 'check by hand', 'but one', 'not found'),
    'not_json': ('', 'unreadable', None, None), 'empty': ('', 'empty', None, None), 'no_cells': ('', 'empty', None, None), 'list': ('', 'unreadable', None, None), 'elsewhere': ('', 'not of this course', None, None),
    'loop': ('week06_collab', 'stopped', 0, 'stopped'), 'sleeper': ('week06_collab', 'stopped', 0, 'stopped'), 'deaf': ('week06_collab', 'stopped', 0, 'stopped'), 'forks': ('week06_collab', 'marked', 0, 'error'), 'programs': ('week06_collab', 'marked', 0, 'error'),
    'hog': ('week06_collab', 'stopped', 0, 'stopped'), 'printer': ('week06_collab', 'marked', 'one', 'right'), 'exits': ('week06_collab', 'marked', 0, 'error'), 'dies': ('week06_collab', 'stopped', 0, 'stopped'),
    'claims': ('week06_collab', 'stopped', 0, 'stopped'), 'deletes': ('week06_collab', 'marked', 'one', 'right'), 'reads': ('week06_collab', 'marked', 'one', 'right'),
    'leaves': ('week06_collab', 'marked', 'one', 'right'), 'leaves_too': ('week06_collab', 'marked', 'one', 'right'), 'patches': ('week06_collab', 'marked', 0, 'wrong'), 'equal': ('week06_collab', 'marked', 0, 'wrong'),
    'socket': ('week06_collab', 'marked', 0, 'error'), 'wire': ('week06_collab', 'marked', 0, 'error'), 'pickle': ('week06_collab', 'marked', 0, 'wrong'), 'endless': ('week06_collab', 'marked', 0, 'error'), 'huge': ('week06_collab', 'marked', 0, 'error'),
    'deep': ('week06_collab', 'marked', 0, 'error'), 'import_side': ('week06_collab', 'marked', 'one', 'right'), 'globals': ('week06_collab', 'marked', 'one', 'right'),
    'link': ('', 'refused', None, None), 'climber': ('', 'refused', None, None), 'bomb': ('', 'refused', None, None), 'Ada Lovelace': ('week06_collab', 'marked', 'all', 'right'),
    'Emmy Noether': ('week06_collab', 'marked', 'all', 'right'), 'Alan Turing': ('week06_collab', 'marked', 0, 'not attempted'), "'=cmd()": ('week06_collab', 'marked', 0, 'not attempted')}

def snapshot(folder): # Path: hash, time and mode
    return {str(p): (hashlib.sha256(p.read_bytes()).hexdigest() if p.is_file() and not p.is_symlink() else '', p.lstat().st_mtime_ns, p.lstat().st_mode) for p in sorted(folder.rglob('*')) if '__pycache__' not in p.parts and not any(o.endswith('_out') for o in p.parts)}

@pytest.fixture(scope='module')
def marked(tmp_path_factory):
    "(rows of grades.csv by student, folder) of one marking of all submissions with two jobs"
    folder = tmp_path_factory.mktemp('grade')
    secret = folder/'secret.ipynb'
    secret.write_text('{"cells": []}')
    (folder/'in').mkdir()
    make(folder/'in', secret)
    watched = [folder/'in', checkout()/'nbs', checkout()/'course_labs']
    before = [snapshot(o) for o in watched], secret.read_text()
    g.grade(folder/'in', folder/'out', jobs=2, limits=LIMITS)
    assert [snapshot(o) for o in watched] == before[0] and secret.read_text() == before[1], 'a file outside of the scratch folder changed'
    assert not {'for_the_next', 'pickled', 'x'} & set(os.listdir('/tmp')) and sorted(os.listdir(folder)) == ['in', 'out', 'secret.ipynb']
    with open(folder/'out'/'grades.csv', encoding='utf-8') as f: return {r['student']: r for r in csv.DictReader(f)}, folder

@needs_bwrap
def test_every_student_has_one_row(marked):
    rows, folder = marked
    assert sorted(rows) == sorted(EXPECTED)
    with open(folder/'out'/'grades.csv', encoding='utf-8') as f: assert sum(1 for _ in csv.DictReader(f)) == len(EXPECTED) == 47

def points(week): return {t.id: marks.get_exercise(t.id).points for t in tasks(week)}

@needs_bwrap
@pytest.mark.parametrize('student', EXPECTED)
def test_row(marked, student):
    rows, folder = marked
    r, (lab, state, reached, target) = rows[student], EXPECTED[student]
    assert (r['lab'], r['state']) == (lab, state), r
    if reached is None: assert r['total'] == '' and not any(v for k,v in r.items() if k.startswith('w')) and r['note']; return
    of = points(int(lab[4:6]))
    want = dict(all=sum(of.values()), half=sum(of[i] for i in list(of)[:4]), one=of.get(TARGET)) | {'but one': sum(of.values()) - of.get(TARGET, 0)}
    assert float(r['total']) == want.get(reached, reached) and float(r['of']) == sum(of.values()), r
    if target: assert (r[TARGET] == '') == (target == 'not found')
    result = next(o for p in (folder/'out'/'results').glob('*.json') if (o := json.loads(p.read_text()))['student'] == student.strip("'"))
    assert target in (None, next((m['state'] for m in result['exercises'] if m['id'] == TARGET), None)), result['exercises']

@needs_bwrap
def test_the_solutions_of_every_lab_get_full_marks(tmp_path):
    "Networks that are returned and trained by the check, layers that are passed, and all that else the labs ask for"
    (tmp_path/'in').mkdir()
    for week in LABS: (tmp_path/'in'/f'week{week}.ipynb').write_text(json.dumps(solved(week)))
    for r in g.grade(tmp_path/'in', tmp_path/'out', jobs=2): assert r['state'] == 'marked' and [m for m in r['exercises'] if m['state'] != 'right'] == [], r

OLD = ['#| default_exp cnn', 'from course_labs.runtime import start, CourseError', 'from course_labs.cnn import *',
       'from course_labs.exercises import check\nfrom course_labs.cnn import conv_out as out',
       'def conv_size(size, kernel, stride=1, pad=0, dilation=1):\n'
       '    if size < 0: raise CourseError("no size")\n'
       '    assert out(28, 5) == conv_out(28, 5)\n'
       '    return conv_out(size, dilation*(kernel - 1) + 1, stride, pad)', "check('w3.conv_size', conv_size)"]

@needs_bwrap
def test_a_notebook_that_names_modules_where_they_stood_before_is_marked(tmp_path):
    "Hand-outs of earlier terms are in students' hands"
    (tmp_path/'in').mkdir()
    nb = dict(cells=[dict(cell_type='code', source=c, metadata={}) for c in OLD])
    (tmp_path/'in'/'ada.ipynb').write_text(json.dumps(nb))
    r, = g.grade(tmp_path/'in', tmp_path/'out')
    of = {m['id']: m for m in r['exercises']}
    assert r['lab'] == 'week03_cnn' and of['w3.conv_size']['state'] == 'right', of['w3.conv_size']

@needs_bwrap
@pytest.mark.parametrize('student, says', [('loop', 'not finished within the time limit'), ('sleeper', 'not finished within the time limit'), ('hog', 'more memory than the limit'), ('dies', 'process ended'), ('forks', 'PermissionError'), ('socket', 'PermissionError'),
    ('exits', 'SystemExit'), ('deep', 'RecursionError'), ('syntax', 'SyntaxError'), ('wrong_type', 'should be of kind number'), ('removed', 'No answer to this exercise was found'), ('half', 'still the stub'), ('link', 'not followed'), ('bomb', 'larger than 20 MB'), ('climber', 'leads out of the archive')])
def test_feedback_says_what_happened(marked, student, says):
    pages = [p.read_text() for p in (marked[1]/'out'/'feedback').glob('*.html') if p.name.startswith(student)]
    assert len(pages) == 1 and says in pages[0] and '<script' not in pages[0]

@needs_bwrap
def test_feedback_shows_no_solution_and_escapes_what_students_write(marked):
    "A student sees their own code, and the solution only where they wrote it"
    pages = [p.read_text() for p in (marked[1]/'out'/'feedback').glob('*.html')]
    mine, = (p for p in pages if 'Alan Turing' in p)
    for t in tasks(6): assert t.solution.strip().splitlines()[-1].strip() not in mine
    page = feedback(dict(student='<b>x</b>', file='f', lab='', week=None, state='failed', note='<script>', exercises=[], seconds=1.))
    assert '<b>' not in page and '<script>' not in page

@needs_bwrap
def test_a_second_call_marks_a_changed_submission_and_what_a_busy_machine_may_have_stopped(marked, monkeypatch):
    folder, again = marked[1], {'dies', 'deaf', 'sleeper', 'loop'} # killed, or waited for in vain
    said = []
    g.grade(folder/'in', folder/'out', jobs=2, limits=LIMITS, progress=lambda n, total, r: said.append(r['student']))
    assert set(said) <= again
    nb = json.loads((folder/'in'/'half.ipynb').read_text())
    said.clear()
    (folder/'in'/'half.ipynb').write_text(json.dumps(dict(nb, metadata=dict(a=1))))
    g.grade(folder/'in', folder/'out', jobs=2, limits=LIMITS, progress=lambda n, total, r: said.append(r['student']))
    assert 'half' in said and set(said) <= again | {'half'}

def few(folder, n, week=6):
    folder.mkdir()
    for i in range(n): (folder/f's{i}.ipynb').write_text(json.dumps(dict(with_answers(week, {t: True for t in ids(week)[:i % 3 + 1]}), metadata=dict(i=i))))
    of = list(points(week).values())
    return {f's{i}': sum(of[:i % 3 + 1]) for i in range(n)}

def totals(out):
    with open(out/'grades.csv', encoding='utf-8') as f: rows = list(csv.DictReader(f))
    assert len({r['student'] for r in rows}) == len(rows)
    return {r['student']: float(r['total']) for r in rows}

@needs_bwrap
def test_where_namespaces_do_not_nest_each_answer_has_a_bubblewrap_of_its_own(tmp_path):
    want = few(tmp_path/'in', 2)
    secret = tmp_path/'in'/'s0.ipynb'
    for name, body in (('reads', f'import os\nif os.path.exists({str(secret)!r}) or len([o for o in os.listdir("/proc") if o.isdigit()]) > 3: raise ValueError("it is there")'), ('forks', 'import os; os.fork()'), ('loop', 'while True: pass')):
        (tmp_path/'in'/f'{name}.ipynb').write_text(json.dumps(hostile(body)))
    found = {r['student']: (r['state'], next(m['state'] for m in r['exercises'] if m['id'] == TARGET)) for r in g.grade(tmp_path/'in', tmp_path/'out', limits=LIMITS, spaces=False)}
    assert found == dict(s0=('marked', 'right'), s1=('marked', 'right'), reads=('marked', 'right'), forks=('marked', 'error'), loop=('stopped', 'stopped'))
    assert {k: v for k,v in totals(tmp_path/'out').items() if k in want} == want

@needs_bwrap
def test_killed_half_way_it_goes_on(tmp_path):
    want, out = few(tmp_path/'in', 6), tmp_path/'out'
    cmd = [Path(sys.executable).parent/'course-labs', 'grade', tmp_path/'in', '--out', out]
    p = subprocess.Popen(cmd, stdout=subprocess.DEVNULL, start_new_session=True)
    late = time.monotonic() + 60
    while len(list((out/'results').glob('*.json'))) < 2 and time.monotonic() < late: time.sleep(0.02)
    os.kill(p.pid, signal.SIGKILL); p.wait()
    first = {q: q.stat().st_mtime_ns for q in (out/'results').glob('*.json')}
    assert 2 <= len(first) < 6
    done = subprocess.run(cmd, capture_output=True, text=True)
    assert done.returncode == 0 and '6 marked' in done.stdout, done.stdout + done.stderr
    assert totals(out) == want and all(q.stat().st_mtime_ns == t for q,t in first.items())

@needs_bwrap
def test_a_marker_that_dies_costs_no_row(tmp_path, monkeypatch):
    want = few(tmp_path/'in', 3)
    killed = []
    def progress(n, total, r):
        if not killed: killed.append([os.kill(m.proc.pid, signal.SIGKILL) for m in made])
    made, make_marker = [], markers.Marker
    monkeypatch.setattr(markers, 'Marker', lambda course: made.append(m := make_marker(course)) or m)
    g.grade(tmp_path/'in', tmp_path/'out', progress=progress)
    assert killed and totals(tmp_path/'out') == want

@needs_bwrap
def test_a_cluster_marks_the_same_with_a_worker_killed_in_the_middle(tmp_path):
    distributed = pytest.importorskip('distributed', reason='Dask is not installed')
    want = few(tmp_path/'in', 8)
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, distributed.Client(cluster) as client:
        pids, killed = client.run(os.getpid), []
        def progress(n, total, r):
            if not killed: killed.append(os.kill(next(iter(pids.values())), signal.SIGKILL))
        g.grade(tmp_path/'in', tmp_path/'out', scheduler=cluster.scheduler_address, progress=progress)
    assert killed and totals(tmp_path/'out') == want

def test_without_bubblewrap_it_stops_and_says_how_to_get_it(tmp_path, monkeypatch):
    few(tmp_path/'in', 1)
    monkeypatch.setattr(isolation, '_found', {})
    monkeypatch.setattr(isolation.shutil, 'which', lambda name: None)
    with pytest.raises(CourseError, match='bwrap.* is not installed; install it: apt-get install bubblewrap.*--trust'): g.grade(tmp_path/'in', tmp_path/'out')
    monkeypatch.setattr(isolation, '_found', {})
    monkeypatch.setattr(isolation.shutil, 'which', lambda name: '/bin/false')
    monkeypatch.setattr(isolation, 'bwrap_command', lambda *args: ['/bin/false'])
    with pytest.raises(CourseError, match='a trial run of bubblewrap failed'): g.grade(tmp_path/'in', tmp_path/'out')
    assert not (tmp_path/'out').exists()

def test_trust_marks_without_bubblewrap(tmp_path):
    want = few(tmp_path/'in', 2)
    env = dict(os.environ, PATH='/nowhere')
    cmd = [Path(sys.executable).parent/'course-labs', 'grade', tmp_path/'in', '--out', tmp_path/'out', '--trust']
    done = subprocess.run(cmd, capture_output=True, text=True, env=env)
    assert done.returncode == 0 and 'Warning: --trust' in done.stderr, done.stderr
    assert totals(tmp_path/'out') == want

@needs_bwrap
def test_an_extra_is_marked_as_part_of_its_week(tmp_path):
    "One submission of each, one row each, and columns for the exercises of both"
    (tmp_path/'in').mkdir()
    for student,name in (('ann', '2 extra gpu'), ('bob', 2)):
        (tmp_path/'in'/f'{student}.ipynb').write_text(json.dumps(with_answers(name, dict.fromkeys(ids(name)[:1], True))))
    ann, bob = sorted(g.grade(tmp_path/'in', tmp_path/'out', week=2), key=lambda r: r['student'])
    assert [(r['lab'], r['week'], r['state']) for r in (ann, bob)] == [('week02_extra_gpu', 2, 'marked'), ('week02_first_model', 2, 'marked')]
    assert [m['state'] for m in ann['exercises']] == ['right'] and [m['state'] for m in bob['exercises']][:2] == ['right', 'not attempted']
    head = (tmp_path/'out'/'grades.csv').read_text().splitlines()[0].split(',')
    assert {*ids('2 extra gpu'), *ids('2 extra sound_and_series'), *ids(2)} <= set(head) and len(set(head)) == len(head)

@needs_bwrap
def test_another_lab_is_told_apart_when_a_week_is_asked_for(tmp_path):
    few(tmp_path/'in', 1)
    r, = g.grade(tmp_path/'in', tmp_path/'out', week=3)
    assert r['state'] == 'other lab' and r['exercises'] == [] and 'week 6' in r['note']

@pytest.mark.parametrize('args, says', [(['/nowhere'], 'there is no /nowhere'), (['.', '--week', '77'], 'week 77 has no exercises'), (['{empty}'], 'holds no notebooks'), (['{file}'], 'neither a folder'), (['.', '--jobs', '0'], 'not a whole number above 0')])
def test_bad_use_is_one_clear_line(tmp_path, args, says):
    (tmp_path/'empty').mkdir(); (tmp_path/'x.txt').write_text(''); (tmp_path/'some').mkdir()
    (tmp_path/'some'/'a.ipynb').write_text('{}')
    args = [str(tmp_path/'some') if a == '.' else a.format(empty=tmp_path/'empty', file=tmp_path/'x.txt') for a in args]
    done = subprocess.run([Path(sys.executable).parent/'course-labs', 'grade', *args, '--out', str(tmp_path/'out'), *([] if not isolation.why_not() else ['--trust'])], capture_output=True, text=True)
    assert done.returncode != 0 and says in done.stderr and len([l for l in done.stderr.strip().splitlines() if 'Warning' not in l]) == 1, done.stderr

def test_no_scheduler_is_one_clear_line(tmp_path):
    pytest.importorskip('distributed', reason='Dask is not installed')
    few(tmp_path/'in', 1)
    with pytest.raises(CourseError, match='there is no scheduler|no scheduler answers'): g.grade(tmp_path/'in', tmp_path/'out', scheduler='nowhere at all')

# ---- nothing of a check reaches an answer but its arguments
REPLAY = '''import random, numpy as np
def n_learnt(*args):
    raise ValueError(f"{random.random()} {np.random.rand()}")'''

def says(folder, seeds, answers):
    (folder/'in').mkdir(parents=True); (folder/'out').mkdir()
    (folder/'in'/'one.ipynb').write_text(json.dumps(with_answers(6, {TARGET: REPLAY})))
    (folder/'out'/'seeds.json').write_text(json.dumps(dict(seeds=seeds, answers=answers)))
    row, = g.grade(folder/'in', folder/'out', limits=LIMITS)
    return next(m['message'] for m in row['exercises'] if m['id'] == TARGET)

@needs_bwrap
def test_the_seed_of_a_check_does_not_reach_an_answer(tmp_path):
    one, other, own = [says(tmp_path/n, s, a) for n,s,a in (('one', [1, 2], 7), ('other', [3, 4], 7), ('own', [1, 2], 8))]
    assert one == other, 'random numbers of an answer change with the seed of the check'
    assert one != own, 'random numbers of an answer do not change with its own seed'

def test_seeds_are_drawn_apart(tmp_path):
    drawn = [kept_seeds(tmp_path/str(i)) for i in range(20) if not (tmp_path/str(i)).mkdir()]
    assert len({s for d in drawn for s in (*d['seeds'], d['answers'])}) == 60

@needs_bwrap
def test_torch_in_the_check_is_not_sent(tmp_path):
    "An answer that imports nothing is right after one for which the check loaded PyTorch"
    (tmp_path/'in').mkdir()
    answers = {'w3.shift_proof': 'def shift_proof(): return 0', 'w3.conv_size': True}
    for name in 'ab': (tmp_path/'in'/f'{name}.ipynb').write_text(json.dumps(with_answers(3, answers)))
    rows = g.grade(tmp_path/'in', tmp_path/'out', limits=isolation.Limits(seconds=10, memory=300))
    states = [{m['id']: m['state'] for m in r['exercises'] if m['id'] in answers} for r in rows]
    assert states == [{'w3.shift_proof': 'wrong', 'w3.conv_size': 'right'}]*2

# ---- what stood when a check ran
SIZE = 'def n_learnt(n_users, n_items, user_dim, item_dim, hidden):\n    return ONE*(n_users*(user_dim + 1) + n_items*(item_dim + 1)) + sum((a + ONE)*b for a,b in zip([user_dim + item_dim, *hidden], [*hidden, 1]))'
NAMED = {  # cells before the answer, cells behind the check, what comes of it
    'once': (['ONE = 1'], [], 'right'), 'twice': (['ONE = 0', 'ONE = ONE + 1'], [], 'right'), 'augmented': (['ONE = 0\nONE += 1'], [], 'right'),
    'loop': (['ONE = 0\nfor i in range(1): ONE += 1'], [], 'right'), 'tried': (['try: from no_such import ONE\nexcept ImportError: ONE = 1'], [], 'right'),
    'scratch': (['ONE = 1'], ['ONE = 3', 'def n_learnt(*args): return 0'], 'right'), 'too few': (['ONE = 2'], ['ONE = 1'], 'wrong'),
    'in doubt': (['ONE = np.array(2)', 'fix(ONE)'], [], 'check by hand')}

@pytest.mark.parametrize('case', NAMED)
def test_what_stood_when_its_check_ran_is_marked(tmp_path, case):
    before, behind, state = NAMED[case]
    cell = lambda s: dict(cell_type='code', source=s, metadata={}, outputs=[], execution_count=None)
    cells = [*map(cell, ['import numpy as np', *before]), cell(SIZE), cell(f"check('{TARGET}', n_learnt)"), *map(cell, behind)]
    (tmp_path/'in').mkdir()
    (tmp_path/'in'/'one.ipynb').write_text(json.dumps(dict(cells=cells, metadata={}, nbformat=4, nbformat_minor=5)))
    row, = g.grade(tmp_path/'in', tmp_path/'out', week=6, trust=True)
    found, = [m for m in row['exercises'] if m['id'] == TARGET]
    assert found['state'] == state, found
    if state == 'check by hand': assert row['state'] == 'check by hand' and 'ONE was given to a function' in found['message']

# ---- what holds a marker up, and who has a row
def one_cell(folder, *sources):
    (folder/'in').mkdir()
    cells = [dict(cell_type='code', source=s, metadata={}, outputs=[], execution_count=None) for s in sources]
    (folder/'in'/'one.ipynb').write_text(json.dumps(dict(cells=cells, metadata={}, nbformat=4, nbformat_minor=5)))
    row, = g.grade(folder/'in', folder/'out', week=6, trust=True)
    return row, next(m for m in row['exercises'] if m['id'] == TARGET)

LONG = {'blank lines': 'def broken(:' + '\n'*20_000, 'assignments': '\n'.join(f'x{i} = {i}' for i in range(20_000)), 'a long sum': 'q = 1; y = ' + '1+'*600 + '1',
        'one name': 'x = 0\n' + '\n'.join(['x = x + 1']*20_000)}

@pytest.mark.parametrize('kind', LONG)
def test_a_long_cell_beside_an_answer_costs_no_marks(tmp_path, kind):
    row, found = one_cell(tmp_path, LONG[kind], RIGHT, f"check('{TARGET}', n_learnt)")
    assert found['state'] == 'right', (row['note'], found['message'])

def test_what_an_error_says_is_short_and_moves_no_cursor(tmp_path):
    says = r'def n_learnt(*args): raise ValueError("\x1b[2J\u202e" + "x"*190 + "\x00")'
    row, found = one_cell(tmp_path, says, f"check('{TARGET}', n_learnt)")
    assert found['state'] == 'error' and 'xxx' in found['message']
    assert len(found['message']) <= 2000 and not [c for c in found['message'] if ord(c) < 32 or c == '\u202e']

def test_who_handed_in_anything_has_a_row(tmp_path):
    (tmp_path/'in').mkdir()
    for name, data in dict([('Ada.py', b'x = 1'), ('Bob.pdf', b'%PDF'), ('Cem.ipynb.txt', json.dumps(stubbed(6)).encode()), ('Dia.tar.gz', b'\x1f\x8b'), ('Eve.ipynb', json.dumps(stubbed(6)).encode('utf-16'))]).items():
        (tmp_path/'in'/name).write_bytes(data)
    rows = {r['student']: (r['state'], r['lab']) for r in g.grade(tmp_path/'in', tmp_path/'out', trust=True)}
    marked, none = ('marked', 'week06_collab'), ('no notebook', '')
    assert list(rows.values()) == [none, none, marked, none, marked], rows
