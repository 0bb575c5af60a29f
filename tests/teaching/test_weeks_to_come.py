"A ninth week, in a copy of the course's data: one file of the syllabus, one of questions; quiz, exam and guide know it"
import json, os, shutil, subprocess, sys

import pytest

from course_labs.core.paths import data_dir

# Runs where the library finds its data in a folder of the test's own
AT = '''import pathlib, course_labs.core.paths as p
p.data_dir = lambda: pathlib.Path({!r})
'''

@pytest.fixture
def ask(tmp_path):
    "A function that runs code on the copy; it returns what was printed"
    data = tmp_path/'data'
    shutil.copytree(data_dir(), data, ignore=shutil.ignore_patterns('paddy', 'photos', 'fashion', 'ratings', 'housing'))
    eighth = (data/'course'/'week08.toml').read_text(encoding='utf-8')
    ninth = eighth.replace('title = "midterm review"', 'title = "diffusion"').replace('short = "Midterm review"', 'short = "Diffusion"')
    (data/'course'/'week09.toml').write_text(ninth, encoding='utf-8')
    def run(code):
        env = dict(os.environ, COURSE_LABS_OFFLINE='1')
        done = subprocess.run([sys.executable, '-c', AT.format(str(data)) + code], capture_output=True, text=True, env=env)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout
    run.data = data
    return run

def with_questions(data):
    "Questions of week 3 under ids of week 9: their concepts are those of week 3"
    rows = json.loads((data/'questions'/'week3.json').read_text(encoding='utf-8'))
    for i,q in enumerate(rows): q.update(id=f"w9.q{i + 1:02d}", text=f"{q['text']} (again)")
    (data/'questions'/'week9.json').write_text(json.dumps(rows), encoding='utf-8')

def test_quiz_exam_and_guide_know_it(ask):
    with_questions(ask.data)
    out = ask('''
from collections import Counter
from course_labs.teaching.questions import bank, draw, marks
from course_labs.teaching.quiz import quiz
from course_labs.teaching.exams import exam
from course_labs.teaching.guide import study_guide, study_guide_markdown
print(sorted({q['week'] for q in bank()}), {q['week'] for q in bank(9)})
print(quiz(weeks=9, n=5).title, '|', quiz(n=9).title, '|', '"week": 9' in quiz(n=9).doc)
print(sorted(Counter(q['week'] for q in draw(bank(kinds=['single', 'numeric']), 18, seed=2)).items()))
e = exam(seed=4)
by = Counter()
for q in e.questions: by[q['week']] += marks(q)
print(sorted(by), e.marks, [r['week'] for r in e.table()], 'Weeks 1 to 9.' in e.paper(), 'w9.q' in e.key())
print('Week 9: Diffusion' in study_guide(), 'Week 9: Diffusion' in study_guide_markdown(lambda c: ''))
''').splitlines()
    assert out[0] == '[1, 2, 3, 4, 5, 6, 7, 8, 9] {9}'
    assert out[1] == 'Quiz, week 9 | Quiz, weeks 1 to 9 | True'
    assert out[2] == str([(w, 2) for w in range(1, 10)])
    assert out[3] == f'{list(range(1, 10))} 60 {list(range(1, 10))} True True'
    assert out[4] == 'True True'

def test_a_week_without_questions_says_so(ask):
    out = ask('''
from course_labs.core.files import CourseError
from course_labs.teaching.questions import bank
from course_labs.teaching.quiz import quiz
from course_labs.teaching.exams import exam
from course_labs.teaching.cards import flashcards
print(sorted({q['week'] for q in bank()}), exam(seed=1).weeks)
for f in (lambda: bank(9), lambda: quiz(weeks=[3, 9]), lambda: exam(weeks=9), lambda: flashcards(9), lambda: quiz(weeks=10)):
    try: f()
    except CourseError as e: print(e)
''').splitlines()
    assert out[0] == '[1, 2, 3, 4, 5, 6, 7, 8] (1, 2, 3, 4, 5, 6, 7, 8)'
    assert out[1:4] == ['week 9 has no questions: there is no data/questions/week9.json']*3
    assert out[4] == 'weeks=9: the concept index has no cards of these weeks'
    assert out[5] == 'weeks=10: give one or several of 1, 2, 3, 4, 5, 6, 7, 8, 9'

def test_two_digits(ask):
    "A tenth week is read as 10, not as 1"
    (ask.data/'course'/'week09.toml').rename(ask.data/'course'/'week10.toml')
    with_questions(ask.data)
    (ask.data/'questions'/'week9.json').rename(ask.data/'questions'/'week10.json')
    f = ask.data/'questions'/'week10.json'
    f.write_text(f.read_text(encoding='utf-8').replace('"w9.q', '"w10.q'), encoding='utf-8')
    out = ask('''
from course_labs.teaching.questions import bank
from course_labs.teaching.quiz import quiz
print({q['week'] for q in bank(10)}, len(bank(10)) == len(bank(3)), quiz(weeks=10, n=3).title)
''')
    assert out.strip() == '{10} True Quiz, week 10'
