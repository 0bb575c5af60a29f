"A ninth week is four new files and no changed one: in a copy of the project every verb knows it"
import json, os, shutil, subprocess, sys
from pathlib import Path

import nbformat, pytest

from course_labs.core.paths import checkout

WEEK = '''
title = "counting to nine"
short = "Counting to nine"
summary = "One number after another, as far as nine"
needs = "week 8"
abilities = ["count to nine"]
minutes = {cpu = 0.1, t4 = 0.1}
bounds_seeds = [42]
[results]
nine = {low = 9, high = 9}
[settings]
steps = {tiny = 9, full = 9, says = "how far to count", dial = true}
'''

CHECK = '''
@exercise('w9.after', concepts=('w1.1',), hints=('What comes after 1?', 'Add one.'))
def check_after(answer, rng):
    for n in rng.integers(0, 100, 5).tolist(): like(answer(n), n + 1, f'after({n})', think='Count one further.')
'''

ANSWER = '''def after(n # A whole number
         ):  # The next one
    "The number after `n`"
    ### BEGIN SOLUTION
    return n + 1
    ### END SOLUTION'''

def question(i):
    options = [dict(text=f'{k} and {i}', right=k == 0, feedback=f'Number {k} of three it is.') for k in range(3)]
    return dict(id=f'w9.q{i:02d}', kind='single', concepts=['w1.1'], difficulty=1, text=f'Which is number {i}?', options=options)

def cell(source): return nbformat.v4.new_markdown_cell(source) if source.startswith(('#', '>')) and not source.startswith('#|') else nbformat.v4.new_code_cell(source)

def notebook(*sources):
    nb = nbformat.v4.new_notebook(cells=[cell(o) for o in sources])
    nb.metadata['kernelspec'] = dict(display_name='python3', language='python', name='python3')
    return nb

@pytest.fixture(scope='module')
def copy(tmp_path_factory):
    "A copy of what git tracks, with a week more"
    root, there = checkout(), tmp_path_factory.mktemp('nine')/'project'
    if root is None: pytest.skip('a checkout is copied')
    names = subprocess.run(['git', 'ls-files'], cwd=root, capture_output=True, text=True).stdout.split('\n')
    for name in filter(None, names):
        if not (root/name).exists(): continue
        (there/name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root/name, there/name)
    before = {p: p.read_bytes() for p in there.rglob('*') if p.is_file() and 'course_labs' not in p.relative_to(there).parts}
    (there/'data/course/week09.toml').write_text(WEEK)
    (there/'data/questions/week9.json').write_text(json.dumps([question(i) for i in range(1, 21)]))
    nbformat.write(notebook('#| default_exp teaching.checks.week09', '# week09\n\n> What an answer to each exercise of week 9 must do',
        '#| export\nfrom course_labs.teaching.checks.common import like\nfrom course_labs.teaching.exercises import exercise', '#| export' + CHECK),
        there/'nbs/lib/teaching/checks/week09.ipynb')
    nbformat.write(notebook('# Week 9: counting to nine\n\n> One number after another, as far as nine', 'from course_labs.lab import start\nlab = start(week=9)',
        'cfg = lab.config()\ncfg', '## Counting', "lab.record('nine', max(range(cfg.steps + 1)))\nlab.claim('the last number is nine', lab.metrics['nine'] == 9)",
        '### Exercise 1: the next number', 'from course_labs.teaching.exercises import check', ANSWER, "check('w9.after', after)", '## Summary',
        'lab.summary()', 'from course_labs.teaching.quiz import quiz\nquiz(weeks=9, n=5)'), there/'nbs/labs/week09_nine.ipynb')
    cli((there, before), 'sync')
    return there, before

def says(root, *args, **kw):
    env = {k: v for k,v in os.environ.items() if not k.startswith('COURSE_LABS_')}
    return subprocess.run([sys.executable, *map(str, args)], cwd=root, capture_output=True, text=True,
                          env=dict(env, PYTHONPATH=str(root), COURSE_LABS_OFFLINE='1', COLUMNS='200'), **kw)

def cli(copy, *args):
    done = says(copy[0], Path(sys.executable).parent/'course-labs', *args)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout

@pytest.fixture(scope='module')
def ran(copy):
    cli(copy, 'run', '--week', 9, '--size', 'tiny', '--out', 'out')
    return copy[0]/'out'

def test_nothing_else_changed_but_what_is_derived(copy):
    there, before = copy
    derived = {'README.md', 'nbs/index.ipynb'}
    assert {p.relative_to(there).as_posix() for p,text in before.items() if p.read_bytes() != text} <= derived

def test_run_knows_it(ran):
    lab = json.loads((ran/'metrics.json').read_text())['labs'][0]
    assert (lab['week'], lab['ok'], lab['metrics']) == (9, True, dict(nine=9.))

def test_docs_know_it(copy, ran):
    pytest.importorskip('smalldocs', reason='the site is rendered with smalldocs here')
    cli(copy, 'docs', '--from', 'out', '--out', 'site')
    assert 'counting to nine' in (copy[0]/'site/labs/week09_nine.html').read_text()
    assert 'Counting to nine' in (copy[0]/'site/review/study_guide.html').read_text()

def test_release_and_grade_know_it(copy, ran):
    cli(copy, 'release', '--week', 9, '--from', 'out', '--out', 'handed_out')
    student = nbformat.read(copy[0]/'handed_out/week09_nine.ipynb', as_version=4)
    assert not any('n + 1' in c.source for c in student.cells)
    folder = copy[0]/'submissions'
    folder.mkdir()
    nbformat.write(student, folder/'Ann_week09_nine.ipynb')
    solved = nbformat.read(copy[0]/'nbs/labs/week09_nine.ipynb', as_version=4)
    nbformat.write(solved, folder/'Bob_week09_nine.ipynb')
    cli(copy, 'grade', 'submissions', '--trust', '--out', 'marked')
    rows = (copy[0]/'marked/grades.csv').read_text()
    assert 'w9.after' in rows and 'Ann' in rows and 'Bob' in rows

def test_quiz_and_exam_know_it(copy):
    code = ('from course_labs.teaching.exams import exam\nfrom course_labs.teaching.quiz import quiz\nfrom course_labs.teaching.questions import bank\nprint(len(bank(9)))\n'
            "print('w9.q' in quiz(weeks=9, n=5)._repr_html_())\nprint({q['week'] for q in exam(weeks=[8, 9], minutes=60, seed=1).questions})")
    done = says(copy[0], '-c', code)
    assert done.stdout.split('\n')[:2] == ['20', 'True'], done.stdout + done.stderr
    assert '9' in done.stdout.split('\n')[2]

def test_doctor_knows_it(copy): assert '│ 9' in cli(copy, 'doctor')
