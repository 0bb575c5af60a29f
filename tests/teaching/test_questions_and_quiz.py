"Concepts, question bank, exams and cards: what is shipped is right, and what is wrong is named"
import copy, html, json, math, os, re, subprocess, sys
from collections import Counter
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from course_labs.core.files import CourseError
from course_labs.core.paths import data_dir, repository
from course_labs.syllabus import weeks as course_weeks
from course_labs.teaching import questions as B
from course_labs.teaching.arithmetic import value
from course_labs.teaching.cards import Deck, RATINGS, cards_of, flashcards, to_anki
from course_labs.teaching.concepts import Concept, concepts, lab_file, read_concepts
from course_labs.teaching.exams import essay_sheet, exam
from course_labs.teaching.guide import Glossary, study_guide
from course_labs.teaching.kinds import CLOSED as CLOSED_KINDS, KINDS, kind_of, schema
from course_labs.teaching.mathtext import to_html, to_text
from course_labs.teaching.quiz import page_question, quiz

# Rows of the course's plan by week
ROWS = {1: 7, 2: 10, 3: 11, 4: 13, 5: 14, 6: 13, 7: 11, 8: 5}
QUESTIONS = B.bank()
CLOSED = B.bank(kinds=CLOSED_KINDS)
ALL = tuple(course_weeks())

def headings(week, extra=''):
    "The section headings of a lab, or of one of its extras; None while it is not there"
    f = lab_file(week)
    if f is None: return None
    if extra: f = f.with_name(f'week{week:02d}_extra_{extra}.ipynb')
    cells = json.loads(f.read_text(encoding='utf-8'))['cells']
    return [l[3:].strip() for c in cells if c['cell_type'] == 'markdown' for l in ''.join(c['source']).splitlines() if l.startswith('## ')]

# ---- the concept index

def test_every_row_is_indexed():
    want = {f'w{w}.{i}' for w,n in ROWS.items() for i in range(1, n + 1)}
    assert want - set(concepts()) == set()
    for c in concepts().values():
        if not c.see: assert c.id in want and c.id.startswith(f'w{c.lab}.')
    assert sum(bool(c.see) for c in concepts().values()) >= 40

@pytest.mark.parametrize('week', course_weeks())
def test_headings_exist(week):
    found = headings(week)
    if found is None: pytest.skip(f'the lab of week {week} is not there')
    here = [c for c in concepts().values() if c.lab == week]
    missing = {c.id: c.heading for c in here if c.heading not in (headings(week, c.extra) if c.extra else found)}
    assert not missing, f'week {week} has no such heading: {missing}; it has {found}'

def test_definitions_are_short():
    for c in concepts().values():
        assert 30 < len(c.definition) < 420, c.id
        assert c.definition.rstrip().endswith(('.', ')')), c.id

def section(c):
    "All that stands under the heading of a concept, prose and code"
    if (f := lab_file(c.lab, c.extra)) is None: return None
    here, res = '', []
    for cell in json.loads(f.read_text(encoding='utf-8'))['cells']:
        for l in ''.join(cell['source']).splitlines():
            if cell['cell_type'] == 'markdown' and l.startswith('## '): here = l[3:].strip()
            if here == c.heading: res.append(l)
    return '\n'.join(res)

@pytest.mark.parametrize('c', [c for c in concepts().values() if c.see], ids=lambda c: c.id)
def test_a_term_is_named_where_the_index_says(c):
    "One of its names (the one in brackets is another) stands in the section that the card sends to; words count by their stems"
    if (text := section(c)) is None: pytest.skip(f'the lab of week {c.lab} is not there')
    have = set(re.findall('[a-z0-9]+', text.lower()))
    def stems(o): return [re.sub('(ation|ing|ity|ed|es|e|s)$', '', w) for w in re.findall('[a-z0-9]{2,}', o.lower())]
    def there(o): return all(any(h.startswith(w) for h in have) for w in stems(o) if w not in ('and', 'at'))
    names = [re.sub(r'\(.*?\)', '', c.term), *re.findall(r'\((.*?)\)', c.term)]
    assert any(map(there, names)), f'week {c.lab}, section {c.heading!r}, does not say {" or ".join(names)}'

def test_links_are_to_installed_labs():
    for c in concepts().values(): assert bool(c.link) == bool(lab_file(c.lab))

@pytest.mark.parametrize('change,why', [
    (lambda o: o.pop('definition'), "entry w1.1: missing 1 required positional argument: 'definition'"),
    (lambda o: o.update(definition='  '), 'entry w1.1, field definition: is empty'),
    (lambda o: o.update(heading=''), 'entry w1.1, field heading: is empty'),
    (lambda o: o.update(lab=90), 'entry w1.1, field lab: 90 is no week; the course has 1, 2'),
    (lambda o: o.update(card='no'), 'entry w1.1, field card: is neither true nor false'),
    (lambda o: o.update(see='nowhere'), "entry w1.1, field see: there is no concept 'nowhere'"),
    (lambda o: o.update(colour='red'), "unexpected keyword argument 'colour'")])
def test_bad_concept(tmp_path, change, why):
    o = dict(id='w1.1', term='Neuron', definition='It adds up.', lab=1, heading='A neuron')
    change(o)
    (f := tmp_path/'concepts.json').write_text(json.dumps([o]))
    with pytest.raises(CourseError) as e: read_concepts(f)
    assert 'concepts.json' in str(e.value) and why in str(e.value)

# ---- the bank

def test_size_and_kinds():
    assert len(QUESTIONS) >= 160
    for w in course_weeks():
        mine = [q for q in QUESTIONS if q['week'] == w]
        kinds = Counter(q['kind'] for q in mine)
        assert len(mine) >= 20 and kinds['essay'] >= 2 and kinds['short'] >= 1 and kinds['numeric'] >= 4, (w, kinds)
        assert set(Counter(q['difficulty'] for q in mine)) == {1, 2, 3}
    assert set(Counter(q['kind'] for q in QUESTIONS)) == set(KINDS)

def test_every_concept_is_asked():
    asked = {c for q in QUESTIONS for c in q['concepts']}
    assert {c.id for c in concepts().values() if not c.see} - asked == set()

def test_ids_and_texts_are_unique():
    assert len({q['id'] for q in QUESTIONS}) == len(QUESTIONS)
    assert len({q['text'] for q in QUESTIONS}) == len(QUESTIONS)

def test_a_question_stands_alone():
    "A draw may bring it without its neighbours: 'that head' or 'such a loop' has been named in the question itself"
    named = {w for c in concepts().values() for w in re.findall('[a-z]{4,}', c.term.lower())} | {'net', 'model', 'set', 'question'}
    named -= {'mean', 'start', 'what'}  # verbs and conjunctions as well
    for q in QUESTIONS:
        for m in re.finditer(r'\b(?:that|those|such an?) ([a-z]+)', text := q['text'].lower()):
            assert m[1] not in named or m[1] in text[:m.start()], f"{q['id']} speaks of {m[0]!r}, which it has not named"

@pytest.mark.parametrize('q', [q for q in QUESTIONS if q['kind'] == 'numeric'], ids=lambda q: q['id'])
def test_numbers(q):
    "The answer is what its formula gives, computed here by Python itself, and no trap is marked right"
    def compute(f): return eval(f, {'__builtins__': {}}, dict(vars(math), abs=abs, min=min, max=max, round=round))
    assert math.isclose(compute(q['formula']), q['answer'], rel_tol=1e-8, abs_tol=1e-9)
    assert B.score(q, q['answer']) == 1 and len(q['traps']) >= 1
    for t in q['traps']:
        assert math.isclose(compute(t['formula']), t['value'], rel_tol=1e-8, abs_tol=1e-9)
        assert B.score(q, t['value']) == 0 and B.feedback(q, t['value']) == [t['feedback']]

def test_feedback_of_each_option_is_its_own():
    for q in QUESTIONS:
        for rows in (q.get('options', []), q.get('items', []), q.get('pairs', [])):
            assert len({o['feedback'] for o in rows}) == len(rows), q['id']

@given(st.integers(0, 10**6), st.sampled_from(CLOSED))
@settings(max_examples=200, deadline=None)
def test_shuffling_keeps_every_row(seed, q):
    if q['kind'] == 'numeric': return
    order = B.shuffled(q, seed)
    assert sorted(order) == list(range(len(order))) and order == B.shuffled(q, seed)
    if q['kind'] == 'order': assert order != sorted(order)
    shown = page_question(q, seed)
    if q['kind'] == 'match': assert all(shown['rights'][p['answer']] == to_text(q['pairs'][i]['right']) for i,p in enumerate(shown['pairs']))
    if q['kind'] == 'order': assert [o['place'] for o in shown['items']] == order
    if 'options' in shown: assert [o['right'] for o in shown['options']] == [q['options'][k]['right'] for k in order]

SINGLE = next(q for q in QUESTIONS if q['kind'] == 'single')
NUMERIC = next(q for q in QUESTIONS if q['kind'] == 'numeric')
MULTI = next(q for q in QUESTIONS if q['kind'] == 'multi')
ORDER = next(q for q in QUESTIONS if q['kind'] == 'order')
ESSAY = next(q for q in QUESTIONS if q['kind'] == 'essay')

@pytest.mark.parametrize('q,change,field,why', [
    (SINGLE, lambda q: [o.update(right=False) for o in q['options']], 'options', '0 are right where exactly one'),
    (SINGLE, lambda q: [o.update(right=True) for o in q['options'][:2]], 'options', '2 are right where exactly one'),
    (MULTI, lambda q: [o.update(right=False) for o in q['options']], 'options', 'none is right'),
    (SINGLE, lambda q: q.update(concepts=['w3.99']), 'concepts', "there is no concept 'w3.99'"),
    (SINGLE, lambda q: q['options'][2].pop('feedback'), 'options[3].feedback', 'is missing'),
    (SINGLE, lambda q: q['options'][1].update(text=q['options'][0]['text']), 'options', 'two are the same'),
    (SINGLE, lambda q: q.update(kind='poll'), 'kind', "'poll' is none of"),
    (SINGLE, lambda q: q.update(difficulty=4), 'difficulty', 'smaller than or equal to 3'),
    (SINGLE, lambda q: q.update(hint='think'), 'question', 'hint'),
    (NUMERIC, lambda q: q.pop('answer'), 'answer', 'is missing'),
    (NUMERIC, lambda q: q.update(answer=q['answer'] + 1), 'answer', 'gives -0.25'),
    (NUMERIC, lambda q: q.update(formula='__import__("os").system("true")'), 'formula', 'is not arithmetic'),
    (NUMERIC, lambda q: q.update(formula='1 +'), 'formula', 'invalid syntax'),
    (NUMERIC, lambda q: q['traps'].append(dict(formula=q['formula'], value=q['answer'], feedback='This is the answer itself.')), 'traps[4].value', 'would be marked right'),
    (NUMERIC, lambda q: q.update(tolerance=-1), 'tolerance', '0'),
    (SINGLE, lambda q: q.update(text=r'What is $\frac{1}{2$?'), 'text', 'braces do not pair'),
    (SINGLE, lambda q: q['options'][1].update(feedback=r'It is $\qquux x$, as a rule.'), 'options[2].feedback', 'no known command'),
    (SINGLE, lambda q: q['options'][0].update(text='it costs $5'), 'options[1].text', 'dollar'),
    (SINGLE, lambda q: q.update(text=r'See $x^$ here'), 'text', 'cannot be read'),
    (ORDER, lambda q: q.update(items=q['items'][:2]), 'items', 'at least 3'),
    (ESSAY, lambda q: q['rubric'][0].update(marks='two'), 'rubric[1].marks', 'integer')])
def test_bad_question(tmp_path, q, change, field, why):
    good = {k: v for k,v in copy.deepcopy(q).items() if k not in ('week', 'template')}
    bad = copy.deepcopy(good)
    change(bad)
    bad['id'] = 'w3.q02'; good['id'] = 'w3.q01'
    (f := tmp_path/'week3.json').write_text(json.dumps([good, bad]))
    with pytest.raises(CourseError) as e: B.load(f)
    assert str(e.value).startswith(f'week3.json, question w3.q02, field {field}: ') and why in str(e.value), str(e.value)
    assert '\n' not in str(e.value)

def test_bad_files(tmp_path):
    f = tmp_path/'week1.json'
    with pytest.raises(CourseError, match='no such file'): B.load(f)
    f.write_text('[{"id": ')
    with pytest.raises(CourseError, match='week1.json is not JSON'): B.load(f)
    f.write_text('{}')
    with pytest.raises(CourseError, match='expected a list'): B.load(f)
    f.write_text('[7]')
    with pytest.raises(CourseError, match='question number 1'): B.load(f)
    q = {k: v for k,v in SINGLE.items() if k != 'week'}
    f.write_text(json.dumps([q, q]))
    with pytest.raises(CourseError, match='appears twice'): B.load(f)
    (g := tmp_path/'week2.json').write_text(json.dumps([q]))
    with pytest.raises(CourseError, match=r"week2.json, question w1.q\d\d, field id: is of week 1"): B.load(g)

@given(st.text(max_size=40))
@settings(max_examples=300, deadline=None)
def test_value_runs_nothing(text):
    "Any text is either arithmetic or a ValueError"
    try: assert math.isfinite(value(text))
    except ValueError: pass

@given(st.lists(st.one_of(st.text(max_size=20), st.sampled_from(['$', '`', '$x_1$', '<b>', '&', r'$\frac{a}{b}$'])), max_size=8))
@settings(max_examples=300, deadline=None)
def test_text_never_becomes_markup(parts):
    try: res = to_html(''.join(parts))
    except ValueError: return
    assert '<b>' not in res and '<script' not in res

def test_schema_describes_the_shipped_files():
    import fastjsonschema
    check = fastjsonschema.compile(schema())
    for w in course_weeks(): check(json.loads((data_dir()/'questions'/f'week{w}.json').read_text()))

# ---- drawing

@pytest.mark.parametrize('weeks,n', [(ALL, len(ALL)), (ALL, 30), ([3], 10), ([2, 5, 7], 20), (ALL, 13)])
def test_draw_is_balanced(weeks, n):
    pool = B.bank(weeks, CLOSED_KINDS)
    seen = set()
    for seed in range(15):
        got = B.draw(pool, n, seed)
        count = Counter(q['week'] for q in got)
        assert len({q['id'] for q in got}) == n and max(count.values()) - min(count.values()) <= 1 and len(count) == min(n, len(list(weeks)))
        assert got == B.draw(pool, n, seed)
        if n >= 12: assert min(Counter(q['difficulty'] for q in got).values()) >= n//6
        seen.add(tuple(q['id'] for q in got))
    assert len(seen) > 10

def test_draw_does_not_hang_on_the_order_of_the_bank():
    assert {q['id'] for q in B.draw(CLOSED, 12, 3)} == {q['id'] for q in B.draw(CLOSED[::-1], 12, 3)}

def test_same_draw_in_another_process():
    "String hashing differs between processes; draws must not"
    code = 'from course_labs.teaching.exams import exam; from course_labs.teaching.questions import *; print([q["id"] for q in exam(seed=5).questions], [shuffled(q, 5) for q in bank(kinds=["single"])[:9]])'
    out = {subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True, env=dict(os.environ, PYTHONHASHSEED=h)).stdout for h in '12'}
    assert len(out) == 1

@pytest.mark.parametrize('call,why', [
    (lambda: quiz(weeks=0), 'give one or several of 1, 2'), (lambda: quiz(weeks=[]), 'give one or several of 1, 2'), (lambda: quiz(n=0), '0 questions'), (lambda: quiz(n=10**4), 'to draw from'),
    (lambda: quiz(kinds=['oral']), "no kind 'oral'"), (lambda: quiz(questions=[]), 'at least one'),
    (lambda: exam(minutes=10), '20 to 240'), (lambda: exam(minutes=90, essays=6), 'do not fit'), (lambda: exam(weeks=8, minutes=200), 'too few questions'),
    (lambda: Glossary(11), 'give one or several of 1, 2'), (lambda: flashcards([0]), 'give one or several of 1, 2'), (lambda: study_guide(0), 'give one or several of 1, 2')])
def test_bad_calls(call, why):
    with pytest.raises(CourseError, match=why): call()

# ---- exam

@pytest.mark.parametrize('minutes,weeks', [(90, ALL), (60, ALL), (120, ALL), (45, [1, 2, 3]), (30, [5])])
def test_exam_is_balanced(minutes, weeks):
    for seed in range(8):
        e = exam(weeks, minutes, seed)
        assert e == exam(weeks, minutes, seed) and e.marks == int(minutes/1.5)
        by = Counter()
        for q in e.questions: by[q['week']] += B.marks(q)
        assert set(by) == set(weeks) and max(by.values()) - min(by.values()) <= 2, (seed, by)
        ids = [q['id'] for q in e.questions + e.essays]
        assert len(set(ids)) == len(ids) and len(e.essays) >= e.choose

def test_paper_keeps_the_answers_to_itself():
    e = exam(seed=11)
    paper, key = e.paper(), e.key()
    for q in e.questions:
        assert to_html(q['text']) in paper and to_html(q['text']) in key
        secret = {k: v for k,v in q.items() if k in ('right', 'wrong', 'traps', 'model', 'points')}
        for field, t in B.texts(secret):  # the formula of a trap, '1.0', may be a number of another question
            assert field.endswith('formula') or to_html(t) not in paper
        for o in q.get('options', []) + q.get('items', []) + q.get('pairs', []): assert to_html(o['feedback']) not in paper and to_html(o['feedback']) in key
    for q in e.essays:
        for r in q['rubric']: assert to_html(r['full']) in key and to_html(r['full']) not in paper
    assert '<script' not in paper + key and 'src=' not in paper + key and 'href=' not in paper
    assert key.count('href=') == key.count(f'href="{repository()}/issues/new?'), 'the only links of the key go to the project'

def test_letters_of_the_key_fit_the_paper():
    "The letter that the key marks stands beside the right option in the paper"
    e = exam(seed=4)
    q = next(q for q in e.questions if q['kind'] == 'single')
    right = to_html(next(o['text'] for o in q['options'] if o['right']))
    letter = re.search(r'class="box">(\w)</span></span><span>' + re.escape(right), e.paper())[1]
    assert re.search(rf'{letter} ✓</span><span class="right">' + re.escape(right), e.key())

# ---- quiz

def test_quiz_is_small_and_whole():
    for seed in range(5):
        q = quiz(n=30, seed=seed)
        assert len(q._repr_html_().encode()) < 400_000
        assert q.doc.count('://') == q.doc.count(f'"{repository()}/issues/new?') == 30, 'the only addresses are those for telling that a question is wrong'
    everything = quiz(questions=QUESTIONS)
    assert '<math' in everything.fallback + everything.doc.replace('\\u003c', '<')
    for q in QUESTIONS[:40]: assert html.escape(to_text(kind_of(q).solution())) in everything.fallback

# ---- cards

def test_cards_are_ideas_of_the_field():
    "No homework, no competition, none of the course's own tools, and no name of a function: what one looks up, one does not learn by heart"
    none = {c.id for c in concepts().values() if not c.card}
    assert {c.id for c in cards_of()} == set(concepts()) - none
    assert none >= {c.id for c in concepts().values() if c.lab == 8}
    for c in cards_of(): assert not re.search(r'homework|competition|playground|quiz|flashcard|exam\b|[_`]|\(\)', c.term, re.I), c.id
    with pytest.raises(CourseError, match='weeks=8: the concept index has no cards'): flashcards(8)
    assert all(html.escape(concepts()[o].term) not in flashcards().fallback for o in none)

def test_deck_survives_a_crash(tmp_path, monkeypatch):
    "An answer that cannot be saved leaves the old file as it was"
    deck = Deck(tmp_path/'mine.json', weeks=1)
    deck.answer('w1.1', 'good')
    before = (tmp_path/'mine.json').read_text()
    monkeypatch.setattr(os, 'replace', lambda *a: (_ for _ in ()).throw(OSError('disk full')))
    with pytest.raises(OSError): deck.answer('w1.2', 'good')
    assert (tmp_path/'mine.json').read_text() == before and [o.name for o in tmp_path.iterdir()] == ['mine.json']

def test_deck_filters(tmp_path):
    now = datetime(2026, 3, 2, 12, tzinfo=timezone.utc)
    deck = Deck(tmp_path/'mine.json', weeks=[2, 3])
    deck.answer('w2.1', 'easy', now); deck.answer('w3.1', 'again', now)
    assert {c.lab for c in deck.due(now)} == {2, 3}
    assert concepts()['w2.1'] not in deck.unknown() and concepts()['w3.1'] in deck.unknown()
    later = deck.due(now + timedelta(minutes=30))
    assert later[0].id == 'w3.1' and concepts()['w2.1'] not in later
    one = Deck(tmp_path/'mine.json', weeks=3)
    assert {c.lab for c in one.due()} == {3} and 'w2.1' in one.cards
    one.answer('w3.2', 'good', now)
    assert 'w2.1' in json.loads((tmp_path/'mine.json').read_text())['cards'], 'an answer in one week forgot another week'

@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 30)), min_size=1, max_size=12))
@settings(max_examples=40, deadline=None)
def test_deck_reads_what_it_wrote(tmp_path_factory, answers):
    f = tmp_path_factory.mktemp('deck')/'d.json'
    deck, now = Deck(f, weeks=1), datetime(2026, 3, 2, tzinfo=timezone.utc)
    for r,days in answers:
        now += timedelta(days=days)
        due = deck.answer('w1.1', RATINGS[r], now)
        assert due > now
    assert Deck(f, weeks=1).cards == deck.cards

@pytest.mark.parametrize('text', ['', '[]', '{}', '{"cards": {"w1.1": 3}}', '{"cards": {"w1.1": {"card": {}, "last": "good", "reviews": 1}}}', '\x00'])
def test_deck_names_a_bad_file(tmp_path, text):
    (f := tmp_path/'mine.json').write_text(text)
    with pytest.raises(CourseError, match='mine.json holds no progress'): Deck(f)

def test_anki_ids_are_stable(tmp_path, monkeypatch):
    "A definition that changed updates the note that is there: same id, same deck"
    import sqlite3, zipfile
    def notes(f):
        with zipfile.ZipFile(f) as z: z.extract('collection.anki2', tmp_path)
        db = sqlite3.connect(tmp_path/'collection.anki2')
        res = dict(db.execute('select guid, flds from notes')), db.execute('select decks from col').fetchone()[0]
        db.close()
        return res
    old, deck = notes(to_anki(tmp_path/'a.apkg'))
    changed = {k: (Concept(**dict(vars(c), definition='Another text for this card.')) if k == 'w3.1' else c) for k,c in concepts().items()}
    monkeypatch.setattr('course_labs.teaching.concepts.concepts', lambda: changed)
    new, deck2 = notes(to_anki(tmp_path/'a.apkg'))
    assert set(old) == set(new) and len(old) == len(cards_of()) and sum(old[k] != new[k] for k in old) == 1
    assert '1789204417' in deck and '1789204417' in deck2

# ---- typed answers, essays

def test_typed_answers():
    for q in CLOSED:
        k = B.key(q)
        if q['kind'] == 'numeric': typed = repr(q['answer'])
        else:
            order = B.shuffled(q, 2)
            typed = ' '.join('ABCDEFG'[order.index(i)].lower() for i in ([k] if q['kind'] == 'single' else k))
        assert B.score(q, B.read_answer(q, typed, 2)) == 1, q['id']
        if q['kind'] != 'numeric':
            for bad in ('', 'Z', 'A A', '1', 'ABC', '?'): assert B.read_answer(q, bad, 2) is None, (q['id'], bad)

def test_essays_have_ten_marks():
    for q in B.bank(kinds=['essay']): assert B.marks(q) == 10, q['id']
    assert '<script' not in essay_sheet()

def test_a_deck_takes_every_time_zone(tmp_path):
    from zoneinfo import ZoneInfo
    from course_labs.teaching.concepts import terms
    id, moment = terms(1)[0].id, datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
    zones = timezone.utc, ZoneInfo('UTC'), ZoneInfo('Europe/Berlin'), timezone(timedelta(hours=5, minutes=30))
    due = {str(z): Deck(tmp_path/f'{i}.json', 1).answer(id, 'good', now=moment.astimezone(z)) for i, z in enumerate(zones)}
    assert len(set(due.values())) == 1
    deck = Deck(tmp_path/'0.json', 1)
    assert [len(deck.due((moment + timedelta(days=400)).astimezone(z))) for z in zones] == [len(deck)]*4
    for ask in (lambda: deck.answer(id, 'good', now=datetime(2026, 3, 1)), lambda: deck.due(datetime(2026, 3, 1))):
        with pytest.raises(CourseError, match=r'2026-03-01 00:00:00 has no time zone: give datetime.now\(\).astimezone'): ask()
