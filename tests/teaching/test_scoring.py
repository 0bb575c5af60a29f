"Marking in Python and in the page, from one table of cases; a new kind is one class, one object and one partial"
import json, math, random, shutil, subprocess

import pytest

from course_labs.core.paths import data_dir
from course_labs.teaching import embed, exams, questions
from course_labs.teaching.arithmetic import ask_back, number, read_number
from course_labs.teaching.kinds import CLOSED, KINDS, REGISTRY, TEXT, Kind, kind_of, register
from course_labs.teaching.quiz import as_list, page_question, quiz
from scoring_cases import CASES

SEEDS = 0, 3

def in_python(q, answer):
    "The score, or None where what was typed is no number"
    given = kind_of(q).read(answer) if q['kind'] == 'numeric' else answer
    return None if given is None else kind_of(q).score(given)

def for_page(q, answer, seed):
    "Question and answer as the page holds them"
    return [page_question(q, seed), kind_of(q).as_shown(answer, seed)]

# What the page does with an answer, over a list of [question, answer]
MARK = '''cases => cases.map(([q, given]) => {
  if (q.kind === 'numeric') given = readNumber(given, ...KINDS.numeric.howRead(q));
  return given === null ? null : KINDS[q.kind].mark(q, given);
})'''

def agrees(got, want): return got is want if None in (got, want) else math.isclose(got, want, abs_tol=1e-9)

@pytest.fixture(scope='module')
def page_runs(request):
    "A function from a script's function and cases to what it gives in the page; in node, or in a browser where there is no node"
    if node := shutil.which('node'):
        web = data_dir()/'web'
        code = ''.join((web/f'{name}.js').read_text(encoding='utf-8') for name in ('numbers', 'quiz_kinds'))
        def runs(function, cases):
            run = f'{code}\nconst cases = JSON.parse(require("fs").readFileSync(0, "utf8"));\nconsole.log(JSON.stringify(({function})(cases)));'
            return json.loads(subprocess.run([node, '-e', run], input=json.dumps(cases), capture_output=True, text=True, check=True).stdout)
        return runs
    page = request.getfixturevalue('browser').new_page()
    request.addfinalizer(page.close)
    page.set_content(quiz(n=1).doc)
    return page.evaluate

@pytest.fixture
def page_marks(page_runs): return lambda cases: page_runs(MARK, cases)

@pytest.mark.parametrize('q,answer,want', CASES, ids=[f"{i}-{q['kind']}-{str(a)[:12]!r}" for i,(q,a,_) in enumerate(CASES)])
def test_python_marks(q, answer, want): assert agrees(in_python(q, answer), want)

def test_page_marks(page_marks):
    got = page_marks([for_page(q, a, s) for s in SEEDS for q,a,_ in CASES])
    wrong = [(q['kind'], a, g, w) for g,(q,a,w) in zip(got, CASES*len(SEEDS), strict=True) if not agrees(g, w)]
    assert not wrong

def test_every_kind_has_cases():
    for k in KINDS:
        scores = {w for q,_,w in CASES if q['kind'] == k}
        assert {0, 1} <= scores, k
        assert problem_free(next(q for q,_,_ in CASES if q['kind'] == k)), k

def problem_free(q): return questions.problem({k: v for k,v in q.items() if k != 'week'}) is None

def test_page_marks_what_is_typed_as_python_does(page_marks):
    "Texts of digits and signs in any order: the same number, or none, on both sides"
    rand, q = random.Random(1), CASES[-1][0]
    texts = [''.join(rand.choice("0123456789,,.. //-+e%") for _ in range(rand.randint(1, 9))) for _ in range(4000)]
    for unit, tolerance in (('', 0), ('', 1e-9), ('%', 0), ('%', 1e-9)):
        wide = dict(q, answer=0, tolerance=tolerance, unit=unit)
        read = {t: kind_of(wide).read(t) for t in texts}
        seen = page_marks([[dict(page_question(wide), answer=read[t] or 0), t] for t in texts])
        for t,got in zip(texts, seen): assert got == (None if read[t] is None else 1), (t, unit, tolerance)

ASK = "cases => cases.map(([text, whole, percent]) => askBack(text, whole, percent))"

def test_page_asks_back_as_python_does(page_runs):
    "A text that is no number, or can be read in two ways: the same sentence on both sides, and none where it was read"
    texts = ['25%', '25 %', '1,250', '-1,250', '1,250 %', '0,125', '2 1/2', '50,5 %', '1/4 %', '3,000/4', '\u22121,250', '', 'abc', '%', '1,000,000', '1.250', '1 250']
    cases = [[t, w, p] for t in texts for w in (True, False) for p in (True, False)]
    assert page_runs(ASK, cases) == [ask_back(*c) for c in cases]
    assert ask_back('25%', False, False) == '25% is 0.25: enter it like this, without the percent sign.'
    assert ask_back('1,250', False) == '1,250 can be read as 1250 and as 1.250: enter the one that you mean.'

@pytest.mark.parametrize('x', [0, 0.125, -0.25, 17, 1000, 1234567, 1e12, 2e-7, 0.83049, -12345])
def test_numbers_survive_being_shown(x): assert math.isclose(read_number(number(x)), x, rel_tol=1e-4)

# ---- a kind of one's own

TRUE_FALSE = """
KINDS.true_false = {
  how: 'True or false?',
  draw: (q, a, locked) => [make('label', {}, make('input', {type: 'checkbox', name: 'answer', checked: a.given, disabled: locked}), 'true')],
  read: form => fields(form, 'answer')[0].checked,
  mark: (q, given) => given === q.holds ? 1 : 0,
  keep(form, a) { a.given = fields(form, 'answer')[0].checked; },
  verdict: q => [make('p', {}, q.because)],
};
"""

@pytest.fixture
def true_false(monkeypatch, tmp_path):
    "A kind that is not the course's: one class, and a partial in a copy of the pages"
    @register
    class TrueFalse(Kind):
        "Say whether a sentence is true; an answer is a bool"
        name, says, guide = 'true_false', 'Is it true?', '1 mark for the right verdict.'
        fields = dict(holds=dict(type='boolean'), because=TEXT)
        marks = 1
        def key(self): return self.q['holds']
        def score(self, answer): return float(answer is self.q['holds'])
        def feedback(self, answer): return [self.q['because']]
        def guess(self, rand): return rand.random() < 0.5
        def labels(self, seed=0): return []
        def solution(self): return 'true' if self.q['holds'] else 'false'
        def page(self, seed=0): return dict(holds=self.q['holds'], because=self.q['because'])
    shutil.copytree(data_dir(), tmp_path/'data', ignore=shutil.ignore_patterns('paddy', 'photos'))
    (tmp_path/'data'/'web'/'kinds'/'true_false.html').write_text(
        '{% macro paper(q) %}<p class="tf">true or false</p>{% endmacro %}\n'
        '{% macro key(q) %}<p class="tf">{{ q.holds }}: {{ q.because|h }}</p>{% endmacro %}\n')
    with (tmp_path/'data'/'web'/'quiz_kinds.js').open('a', encoding='utf-8') as f: f.write(TRUE_FALSE)
    rows = json.loads((data_dir()/'questions'/'week1.json').read_text(encoding='utf-8'))
    rows += [dict(id=f'w1.q{80 + i}', kind='true_false', concepts=['w1.1'], difficulty=1 + i%3, text=f'Is {i} even?', holds=i%2 == 0,
                  because=f'{i} divided by two leaves {i%2}.') for i in range(6)]
    (tmp_path/'data'/'questions'/'week1.json').write_text(json.dumps(rows))
    for module in (questions, exams, embed): monkeypatch.setattr(module, 'data_dir', lambda: tmp_path/'data')
    yield TrueFalse
    del REGISTRY['true_false']

def test_a_kind_of_ones_own(true_false):
    "It is read, checked, drawn, marked, listed and printed without a change to anything else"
    assert 'true_false' in KINDS and 'true_false' in CLOSED
    mine = questions.bank(1, ['true_false'])
    assert len(mine) == 6 and questions.key(mine[0]) is True
    assert [questions.score(mine[0], a) for a in (True, False)] == [1, 0]
    assert questions.feedback(mine[1], True) == ['1 divided by two leaves 1.']
    assert questions.problem(dict(id='w1.q80', kind='true_false', concepts=['w1.1'], difficulty=1, text='Is it?', because='So.')) == ('holds', 'is missing')
    part = quiz(weeks=1, n=3, kinds=['true_false'], seed=1)
    assert '"kind": "true_false"' in part.doc and 'true' in as_list(mine)
    paper = next(e for e in (exams.exam(weeks=1, minutes=40, seed=s) for s in range(20)) if any(q['kind'] == 'true_false' for q in e.questions))
    assert '<p class="tf">true or false</p>' in paper.paper() and 'divided by two' not in paper.paper()
    assert 'divided by two' in paper.key() and '1 mark for the right verdict.' in paper.key()

@pytest.mark.browser
def test_a_kind_of_ones_own_in_the_page(true_false, browser_page):
    mine = questions.bank(1, ['true_false'])[:2]
    browser_page.set_content(quiz(questions=mine)._repr_html_())
    browser_page.frame_locator('iframe').locator('#main > *').first.wait_for()
    f = browser_page.frames[1]
    for q in mine:
        assert f.locator('legend').text_content() == q['text'] and 'True or false?' in f.locator('.how').text_content()
        if q['holds']: f.locator('input').check()
        f.locator('#check').click()
        assert '✓ Right.' in f.locator('.verdict').text_content() and q['because'] in f.locator('.verdict').text_content()
        f.locator('#next').click()
    assert f.locator('h2').first.text_content() == 'Score: 2 of 2 (100 %)'

def test_without_the_kind_its_questions_are_refused():
    q = dict(id='w1.q80', kind='true_false', concepts=['w1.1'], difficulty=1, text='Is it?', holds=True, because='So it is.')
    assert questions.problem(q) == ('kind', f"'true_false' is none of {', '.join(KINDS)}")

@pytest.mark.parametrize('bad', [dict(name='', fields=dict(x=TEXT)), dict(name='x', fields={})])
def test_a_kind_needs_a_name_and_fields(bad):
    with pytest.raises(ValueError, match='needs a name and fields'): register(type('Bad', (Kind,), bad))
    assert 'x' not in REGISTRY

def test_every_kind_has_its_partial_and_its_object():
    script = (data_dir()/'web'/'quiz_kinds.js').read_text(encoding='utf-8')
    table = script[script.index('const KINDS = {'):].split('{')[1].split('}')[0]
    assert {o.strip() for o in table.split(',')} == set(KINDS)
    for k in KINDS: assert (data_dir()/'web'/'kinds'/f'{k}.html').exists(), k
