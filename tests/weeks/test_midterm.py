"What the week 8 lab rests on: what is needed for a mark, and a test of oneself in sittings, in Python and in the page"
import json, random, re, shutil, subprocess

import pytest

from course_labs.core.files import CourseError
from course_labs.core.paths import data_dir
from course_labs.teaching import questions as B
from course_labs.teaching.concepts import concepts
from course_labs.teaching.exams import exam
from course_labs.teaching.kinds import CLOSED as CLOSED_KINDS, LETTERS, kind_of
from course_labs.teaching.self_test import SITTING, page_data, self_test
from course_labs.weeks.midterm import SelfTest, needed

CLOSED = B.bank(kinds=CLOSED_KINDS)
PLAN = {c.id for c in concepts().values() if not c.see}

@pytest.mark.parametrize('have,weights,why', [
    (dict(midterm=50), dict(midterm=0.5), 'not to 1'), (dict(quiz=50), None, "there is no part 'quiz'"),
    (dict(midterm=50), dict(midterm=1.), 'no part is left')])
def test_needed_names_what_is_wrong(have, weights, why):
    with pytest.raises(CourseError, match=why): needed(80, have, weights)

# ---- what is asked

def answers(kind, seed):
    "A function that answers a question: always right, never, by guessing, or right in six of ten"
    rand = random.Random(f'{kind} {seed}')
    def answer(q):
        if kind == 'mixed': return B.key(q) if rand.random() < 0.6 else B.guess(q, rand)
        if kind == 'right': return B.key(q)
        given = B.guess(q, rand)
        while kind == 'wrong' and B.score(q, given): given = B.guess(q, rand)
        return given
    return answer

def take(test, sittings, answer):
    "Answer some sittings; the questions of each"
    asked = []
    for _ in range(sittings):
        asked.append(test.next())
        for q in asked[-1]: test.answer(q['id'], answer(q))
    return asked

@pytest.mark.parametrize('kind', ['right', 'wrong', 'guess', 'mixed'])
@pytest.mark.parametrize('seed', [0, 42])
def test_five_sittings_ask_about_every_concept(kind, seed):
    test = SelfTest(seed=seed)
    asked = take(test, 5, answers(kind, seed))
    assert {B.concept_of(q) for s in asked for q in s} == PLAN == set(test.of)
    assert all(len({B.concept_of(q) for q in s}) == len(s) == SITTING for s in asked)
    assert len({B.concept_of(q) for s in asked[:4] for q in s}) == 4*SITTING  # what was never asked comes first

def test_then_what_is_known_least_comes_again():
    test = SelfTest(seed=3)
    bad = set(random.Random(3).sample(sorted(PLAN), 10))
    right, wrong = answers('right', 0), answers('wrong', 0)
    take(test, 5, lambda q: (wrong if B.concept_of(q) in bad else right)(q))
    assert bad <= {B.concept_of(q) for q in test.next()}
    take(test, 4, right)  # all is known by now, so those that went wrong give way
    assert not bad & {r['concept'] for r in test.results() if r['mean'] < 0.5}

def test_a_question_asked_least_is_taken_of_a_concept():
    one = [q for q in CLOSED if B.concept_of(q) == 'w1.3']
    test = SelfTest(one)
    order = [q['id'] for s in take(test, 2*len(one), answers('wrong', 1)) for q in s]
    assert set(order[:len(one)]) == set(order[len(one):]) == {q['id'] for q in one}

def test_the_latest_answer_counts():
    test = SelfTest(CLOSED[:1])
    q, = test.next()
    test.answer(q['id'], answers('wrong', 0)(q))
    test.answer(q['id'], B.key(q))
    assert test.results()[0]['right'] == test.results()[0]['asked'] == 1

def test_self_test_ranks_what_was_wrong():
    t, wrong = SelfTest(CLOSED), answers('wrong', 0)
    for q in t.questions.values(): t.answer(q['id'], wrong(q) if B.concept_of(q) == 'w6.1' else B.key(q))
    r = t.results()
    assert r[0]['concept'] == 'w6.1' and all(o['low'] < o['mean'] < o['high'] for o in r)
    with pytest.raises(CourseError, match='no question'): t.answer('w9.q1', 0)

def test_self_test_asks_until_q():
    "Right answers typed with letters or as a number; what cannot be read is asked again"
    some = []
    for k in CLOSED_KINDS: some.append(next(q for q in CLOSED if q['kind'] == k and B.concept_of(q) not in map(B.concept_of, some)))
    t, said = SelfTest(some, seed=2), []
    for q in t.next():
        shown = kind_of(q).as_shown(B.key(q), 2)
        rows = [] if q['kind'] == 'numeric' else [shown] if isinstance(shown, int) else shown
        said += ['what?', ' '.join(LETTERS[k] for k in rows) or repr(q['answer'])]
    given = iter(said)
    assert t.ask(lambda text: next(given)) is t
    assert set(t.scores.values()) == {1.} and len(t.scores) == len(some)
    again = SelfTest(some)
    again.ask(lambda text: 'q')
    assert again.scores == {}

@pytest.mark.parametrize('line', ['w1.q01', 'w99.q01+', 'w1.q02 +', '+'])
def test_a_line_that_cannot_be_read(line):
    with pytest.raises(CourseError, match='is no answer of this test') as e: SelfTest.read(line)
    assert '\n' not in str(e.value)

# ---- the review asks for deep learning, not for how quizzes work

def test_every_question_of_week_8_uses_other_weeks():
    own = [q['id'] for q in B.bank(8) if not any(concepts()[c].lab < 8 for c in q['concepts'])]
    assert own in ([], ['w8.q10']), own

@pytest.mark.parametrize('seed', range(10))
def test_no_exam_gives_marks_for_how_the_course_works(seed):
    words = re.compile(r'flashcard|answer key|midterm|scheduler|distractor', re.I)
    assert [q['id'] for q in exam(seed=seed).questions if words.search(q['text'])] == []

# ---- the page chooses as Python does

CHOOSE = '''([data, histories]) => histories.map(h => chooseSitting(data, h, data.sitting).map(i => data.questions[i].id))'''

@pytest.fixture(scope='module')
def page_chooses(request):
    "A function from page data and histories to what the page would ask; in node, or in a browser where there is no node"
    if node := shutil.which('node'):
        code = (data_dir()/'web'/'self_test.js').read_text(encoding='utf-8')
        def choose(*given):
            run = f'{code}\nconst given = JSON.parse(require("fs").readFileSync(0, "utf8"));\nconsole.log(JSON.stringify(({CHOOSE})(given)));'
            return json.loads(subprocess.run([node, '-e', run], input=json.dumps(given), capture_output=True, text=True, check=True).stdout)
        return choose
    page = request.getfixturevalue('browser').new_page()
    request.addfinalizer(page.close)
    page.set_content(self_test().doc)
    return lambda *given: page.evaluate(CHOOSE, list(given))

@pytest.mark.parametrize('kind', ['wrong', 'guess', 'mixed'])
@pytest.mark.parametrize('seed', [0, 7])
def test_page_and_python_choose_alike(page_chooses, kind, seed):
    test, answer, histories, want = SelfTest(seed=seed), answers(kind, seed), [], []
    data = page_data(CLOSED, seed, SITTING, lambda c: '')
    at = {q['id']: i for i,q in enumerate(data['questions'])}
    for _ in range(9):
        histories.append([[at[i], s] for i,s in test.history])
        want += [[q['id'] for q in test.next()]]
        take(test, 1, answer)
    assert page_chooses(data, histories) == want

def test_page_is_not_too_large():
    part = self_test(seed=1)
    assert len(part._repr_html_().encode()) < 450_000
