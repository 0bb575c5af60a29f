"Numeric questions with parameters: a thousand seeds each make a question that can be asked, the same one everywhere"
import copy, json, math, os, re, subprocess, sys

import pytest

from course_labs.core.files import CourseError
from course_labs.core.paths import repository
from course_labs.teaching import questions as B, variants as V
from course_labs.teaching.exams import exam
from course_labs.teaching.kinds import CLOSED, Numeric, kind_of
from course_labs.teaching.mathtext import to_html, to_text
from course_labs.teaching.quiz import page_question, quiz

NUMERIC = B.bank(kinds=['numeric'])
IDS = [q['id'] for q in NUMERIC]
SEEDS = range(1000)

@pytest.fixture(scope='module')
def instances():
    "A function from a question to its instances for all seeds, made once; each with the numbers that were chosen"
    made = {}
    def of(q):
        if q['id'] not in made:
            names = [V.chosen(q['template'], s) for s in SEEDS]
            made[q['id']] = [V.with_numbers(q['template'], o) | dict(chosen=o) for o in names]
        return made[q['id']]
    return of

def own_value(formula):
    "What Python itself makes of a formula"
    return eval(formula, {'__builtins__': {}}, dict(vars(math), abs=abs, min=min, max=max, round=round))

def said(q): return [q['text'], q['right'], q['wrong'], *(t['feedback'] for t in q['traps'])]

@pytest.mark.parametrize('q', NUMERIC, ids=IDS)
def test_each_has_parameters_and_instances_enough(q, instances):
    assert q['template']['parameters'] and 'seed' not in q
    for s in (0, 7, 999): assert V.instance(q, s) == {k: v for k,v in instances(q)[s].items() if k != 'chosen'} | dict(template=q['template'], week=q['week'], seed=s)
    texts = {i['text'] for i in instances(q)}
    assert len(texts) >= V.LEAST, f'{len(texts)} different'

@pytest.mark.parametrize('q', NUMERIC, ids=IDS)
def test_numbers_are_in_their_ranges(q, instances):
    for i in instances(q):
        for k,v in i['chosen'].items():
            p = q['template']['parameters'][k]
            steps = 0 if isinstance(p, list) else (v - p['from'])/p['step']
            assert v in p if isinstance(p, list) else p['from'] <= v <= p['to'] and math.isclose(steps, round(steps), abs_tol=1e-6), (k, v)
        assert all(map(math.isfinite, (i['answer'], i['tolerance'], *(t['value'] for t in i['traps'])))), i['text']
        if i['tolerance'] == 0: assert float(i['answer']).is_integer(), f"{i['text']} is no count: {i['answer']}"

@pytest.mark.parametrize('q', NUMERIC, ids=IDS)
def test_answer_and_traps_are_what_the_formulas_say(q, instances):
    for i in instances(q):
        assert math.isclose(own_value(i['formula']), i['answer'], rel_tol=1e-9, abs_tol=1e-12), i['text']
        for t in i['traps']: assert math.isclose(own_value(t['formula']), t['value'], rel_tol=1e-9, abs_tol=1e-12), i['text']

@pytest.mark.parametrize('q', NUMERIC, ids=IDS)
def test_mistakes_are_told_apart(q, instances):
    "No trap within the tolerance of the answer or of another trap: each mistake gets its own feedback"
    for i in instances(q):
        assert B.score(i, i['answer']) == 1
        rows = sorted([i['answer'], *(t['value'] for t in i['traps'])])
        assert all(b - a > i['tolerance'] for a,b in zip(rows, rows[1:])), (i['text'], rows)
        for t in i['traps']: assert B.score(i, t['value']) == 0 and B.feedback(i, t['value']) == [t['feedback']]

@pytest.mark.parametrize('q', NUMERIC, ids=IDS)
def test_the_answer_is_accepted_as_the_text_asks_for_it(q, instances):
    "Rounded to the decimals that are asked for; where none are, the answer has few enough to be written down"
    decimals = q['template'].get('decimals')
    for i in instances(q):
        if decimals is None:
            assert math.isclose(round(i['answer'], 5), i['answer'], rel_tol=1e-9), f"{i['text']} asks for no rounding, and gives {i['answer']}"
            typed = repr(i['answer'])
        else:
            assert i['text'].endswith(V.ASKS[decimals])
            typed = f"{i['answer']:.{decimals}f}"
        assert B.score(i, B.read_answer(i, typed)) == 1, (i['text'], typed)
        assert B.score(i, B.read_answer(i, kind_of(i).page()['shown'])) == 1, 'what the page shows as the answer'

BAD_TEXT = {'a place is left': r'\{\{|\}\}', 'a number of a binary fraction': r'\d\.\d*(0000|9999)\d', 'a plural of one': r'(?<![\d.,])\b1 (?!as |gives |tells |is |has )[a-z]+s\b',
            'two signs': r'[+-] ?[+-] ?\d|[+-] - ', 'a power of ten': r'\de[+-]?\d', 'minus nought': r'-0(?![.\d])'}

@pytest.mark.parametrize('q', NUMERIC, ids=IDS)
def test_texts_read_well(q, instances):
    for i in instances(q):
        for text in map(to_text, said(i)):
            for what, pattern in BAD_TEXT.items(): assert not re.search(pattern, text), f'{what}: {text}'
    for i in instances(q)[:20]:
        for text in said(i): to_html(text)

@pytest.mark.parametrize('q', NUMERIC, ids=IDS)
def test_feedback_names_the_right_numbers(q, instances):
    "An instance is a question as anybody may write one: the loader takes it, and finds nothing wrong"
    for i in instances(q)[:100]:
        assert B.problem({k: v for k,v in i.items() if k not in ('week', 'chosen')}) is None, i['text']

def test_shares_lie_between_0_and_1():
    for q in NUMERIC:
        if not re.search(r'\b(probability|share|recall|accuracy|error rate|chance|similarity|NDCG)\b[^.]*\?', q['text']): continue
        for s in range(200):
            i = V.instance(q, s)
            if 'How many' not in i['text'] and 'error of' not in i['text'] and 'loss' not in i['text']: assert 0 < i['answer'] < 1, (i['text'], i['answer'])

# ---- the same everywhere

def test_same_numbers_in_other_processes():
    code = ('from course_labs.teaching.variants import instance; from course_labs.teaching.questions import bank, draw; from course_labs.teaching.kinds import CLOSED; '
            'print([instance(q, 11)["text"] for q in bank(kinds=["numeric"])], [q["text"] for q in draw(bank(kinds=CLOSED), 12, 3)])')
    out = {subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True, env=dict(os.environ, PYTHONHASHSEED=h)).stdout for h in '12'}
    assert len(out) == 1
    assert str([V.instance(q, 11)['text'] for q in NUMERIC]) in out.pop()

def test_numbers_do_not_hang_on_what_else_is_drawn():
    few, many = B.draw(NUMERIC[:20], 10, 5), B.draw(NUMERIC, len(NUMERIC), 5)
    same = {q['id']: q['text'] for q in many}
    assert all(same[q['id']] == q['text'] == V.instance(q, 5)['text'] for q in few)

def test_the_draw_in_page_text_and_fallback_is_one():
    "What a page asks, and what it takes for right, is what Python marks"
    for q in B.draw(NUMERIC, 20, 9):
        shown = page_question(q, 9)
        assert (shown['html'], shown['answer'], shown['tolerance']) == (to_html(q['text']), q['answer'], q['tolerance'])
        assert [t['value'] for t in shown['traps']] == [t['value'] for t in q['traps']]
        part = quiz(questions=[q], seed=9)
        assert to_text(q['text'])[:30] in part.fallback.replace('&quot;', '"').replace('&#x27;', "'") and to_text(q['text']) in B.show_question(q, 9)
    part = quiz(weeks=6, n=10, seed=2)
    asked = [q for q in B.draw([q for q in B.bank(6, CLOSED)], 10, 2) if q['kind'] == 'numeric']
    assert asked and '{{' not in part.doc.split('id="data"')[1].split('</script>')[0] + part.fallback

def test_paper_and_key_have_the_same_numbers_and_another_paper_others():
    pairs, texts = [], {}
    for seed in range(3, 9):
        e, beside = exam(seed=seed), exam(seed=seed, variant=2)
        assert [q['id'] for q in beside.questions] == [q['id'] for q in e.questions]
        pairs += [(a, b) for a,b in zip(e.questions, beside.questions) if a['kind'] == 'numeric']
        for q in e.questions:
            if q['kind'] == 'numeric': texts.setdefault(q['id'], []).append(q['text'])
    assert len(pairs) > 15 and sum(a['text'] != b['text'] for a,b in pairs) >= 0.8*len(pairs), 'two variants'
    twice = [o for o in texts.values() if len(o) > 1]
    assert twice and sum(len(set(o)) > 1 for o in twice) >= 0.7*len(twice), 'two papers that ask the same'
    e, beside = exam(seed=3), exam(seed=3, variant=2)
    paper, key = e.paper(), e.key()
    for q in e.questions:
        if q['kind'] != 'numeric': continue
        assert q['seed'] == 3 and q['text'] == V.instance(q, 3)['text']
        assert to_html(q['text']) in paper and to_html(q['text']) in key and f"<span class=\"right\">{kind_of(q).solution()}</span>" in key
    assert '{{' not in paper + key
    singles = [(q, beside.number) for q in e.questions if q['kind'] in ('single', 'multi')]
    assert sum(B.shuffled(q, 3) != B.shuffled(q, n) for q,n in singles) > len(singles)/2, 'options in another order, too'
    assert 'Paper 3.2' in beside.paper() and 'Paper 3.2' in beside.key()

def test_progress_is_kept_apart_for_other_numbers():
    keys = {re.search(r'"key": "(\w+)"', quiz(questions=[V.instance(NUMERIC[0], s)]).doc)[1] for s in (1, 2)}
    assert len(keys) == 2

def test_variants_are_saved_side_by_side(tmp_path):
    names = {p.name for v in (0, 1) for p in exam(weeks=[3], minutes=30, seed=3, variant=v).save(tmp_path)}
    assert names == {'exam3_paper.html', 'exam3_key.html', 'exam3.1_paper.html', 'exam3.1_key.html'}

# ---- what is wrong is named

GOOD = next(q['template'] for q in NUMERIC if q['id'] == 'w1.q10')

@pytest.mark.parametrize('change,field,why', [
    (lambda q: q.pop('example'), 'example', 'is missing'),
    (lambda q: q['example'].pop('b'), 'parameters', 'the example gives n; there are n, b'),
    (lambda q: q['example'].update(b=31), 'parameters', 'b is 31 in the example, not in its range'),
    (lambda q: q.update(answer=18), 'answer', 'is 18, but ceil(500/30) gives 17'),
    (lambda q: q['traps'][1].update(value=7), 'traps[2].value', 'is 7, but 500 gives 500'),
    (lambda q: q.update(formula='ceil(n/k)'), 'formula', "'k' is not arithmetic"),
    (lambda q: q.update(where='n'), 'formula', "'n' is no condition"),
    (lambda q: q.update(where='n < b'), 'where', 'does not hold for the example'),
    (lambda q: q.update(text='An epoch of {{m}} points?'), 'text', "'m' is not arithmetic"),
    (lambda q: q.update(text='An epoch of {{n points?'), 'text', 'cannot be filled'),
    (lambda q: q.update(right='Yes: {{n:x}} updates.'), 'text', 'cannot be filled'),
    (lambda q: q.update(parameters=dict(n=[500, 600], b=[30, 32])), 'parameters', 'give 4 instances, and 10 are wanted'),
    (lambda q: q['parameters'].update(e=[1, 2]) or q['example'].update(e=1), 'parameters', "'e' cannot be the name"),
    (lambda q: q['parameters']['n'].update(step=0), 'parameters.n', 'must be valid'),
    (lambda q: q.update(decimals=2, tolerance=0.004), 'tolerance', 'is smaller than what rounding to 2 decimals takes away'),
    (lambda q: q.update(tolerance='n - 900'), 'tolerance', 'is below 0'),
    (lambda q: q.pop('parameters'), 'where', 'needs parameters')])
def test_what_is_wrong_is_named(tmp_path, change, field, why):
    q = copy.deepcopy(GOOD)
    change(q)
    (f := tmp_path/'week1.json').write_text(json.dumps([q]))
    with pytest.raises(CourseError) as err: B.load(f)
    text = str(err.value)
    assert text.startswith(f'week1.json, question w1.q10, field {field}') and why in text and '\n' not in text, text

def test_a_question_without_parameters_stays_one():
    q = dict(GOOD, text='How many?', formula='500//30', answer=16, traps=[], right='Yes, sixteen of them.')
    for k in V.OWN: q.pop(k, None)
    assert B.problem(q) is None and V.instance(q, 3) == q and Numeric(q).problem() is None

# ---- it can be told that one is wrong

def test_issue_links_name_question_and_numbers():
    from urllib.parse import parse_qs, urlparse
    q = V.instance(NUMERIC[0], 12)
    for link, seed in ((B.issue_link(q), True), (page_question(q)['report'], True), (B.issue_link(NUMERIC[0]), False)):
        assert link.startswith(f'{repository()}/issues/new?')
        given = parse_qs(urlparse(link).query)
        assert given['title'][0].startswith(f"Question {q['id']}") and q['id'] in given['body'][0]
        assert ('numbers of seed 12' in given['body'][0]) == seed
    e = exam(seed=3)
    paper, key = e.paper(), e.key()
    for o in e.questions + e.essays: assert f'>{o["id"]}</a>' in key and o['id'] not in paper
    assert 'numbers of seed 3' in key and f'{repository()}/issues' in key
    part = quiz(weeks=3, n=5, seed=1)
    assert part.fallback.count('/issues/new?') == 5 and 'allow-popups' in part._repr_html_()

def test_an_installed_package_knows_the_address(monkeypatch):
    from email.message import Message
    from course_labs.core import paths
    m = Message()
    m['Project-URL'] = 'Documentation, https://elsewhere.test/'
    m['Project-URL'] = 'Repository, https://forge.test/ann/labs/'
    monkeypatch.setattr(paths, 'checkout', lambda: None)
    monkeypatch.setattr(paths, 'metadata', lambda name: m)
    assert paths.repository() == 'https://forge.test/ann/labs'
