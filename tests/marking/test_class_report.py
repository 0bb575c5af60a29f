"The page on a class finds what was planted in it, and nothing of what students sent becomes part of the page"
import re

import pytest
from bs4 import BeautifulSoup

from course_labs.marking.alike import ALIKE, alike, alike_pairs
from course_labs.marking.class_report import CLASS, class_report, write_class_report
from course_labs.marking.decisions import decide
from course_labs.marking.gradebook import Gradebook
from course_labs.teaching.concepts import concepts
from course_labs.teaching.exercises import get_exercise, load_week

from copies import WAYS, disguised, independent, measured

HOSTILE = '<script>alert(1)</script>"\'><img src=x onerror=alert(2)>'
EASY, WEAK, HARD, LONG = 'w3.a_easy', 'w3.b_weak', 'w3.c_hard', 'w3.d_long'
ANSWERS = independent()['merge_pair']

def mark(id, points, code='', message='Right.', **kw):
    state = 'right' if points == 1 else 'wrong'
    return dict(id=id, state=state, points=points, of=1., message=message, think='', note='', code=code,
                title=f'Task {id[5:]}', level='', link='') | kw

def row(name, week, marks, **kw):
    return dict(student=name, id='', file=f'{name}.ipynb', lab=f'week{week:02d}_x', week=week, state='marked', note='',
                exercises=marks, seconds=0., title=f'Lab {week}', link='', comment='') | kw

def made_class():
    "Twenty students: the later, the stronger; two weeks"
    rows = []
    for i in range(20):
        name = f'Student {i:02d}'
        told = f'f(2) should be 4, but it is {i}.'
        long = mark(LONG, 1., ANSWERS[i % len(ANSWERS)] if i < len(ANSWERS) else '')
        rows.append(row(name, 3, [
            mark(EASY, float(i > 3)),
            mark(WEAK, float(i % 2)),
            mark(HARD, float(i > 11), f'def f(x): # {name}\n    return x + 1', told) if i != 5 else
                mark(HARD, 0., 'def f(x): ...', 'The body is still the stub.', state='not attempted'), long]))
        if i != 17: rows.append(row(name, 4, [mark('w4.x', float(i != 18)), mark('w4.y', 1.)]))
    return rows

def part(page, id):
    "The text of a part of the page"
    head = BeautifulSoup(page, 'html.parser').find(id=id)
    texts = []
    for o in head.find_next_siblings():
        if o.name == 'h2': break
        texts.append(o.get_text(' ', strip=True))
    return re.sub(r'\s+', ' ', ' '.join(texts))

@pytest.fixture(scope='module')
def page(): return class_report(made_class(), given={})

def about(page, title):
    h4 = next(o for o in BeautifulSoup(page, 'html.parser').find_all('h4') if o.get_text() == title)
    return re.sub(r'\s+', ' ', h4.parent.get_text(' ', strip=True))

def test_an_exercise_says_how_many_were_right_and_how_many_did_not_try(page):
    assert '80% right, 0% not attempted, of 20' in about(page, 'Task easy')
    assert '40% right, 5% not attempted, of 20' in about(page, 'Task hard')

def test_the_exercise_that_does_not_tell_students_apart_is_named_and_no_other(page):
    found = {t: 'Look at this exercise' in about(page, f'Task {t}') for t in ('easy', 'weak', 'hard')}
    assert found == dict(easy=False, weak=True, hard=False)

def test_a_message_with_other_numbers_is_the_same_message(page):
    assert '11 students: f(2) should be 4' in about(page, 'Task hard')

def test_answers_behind_a_message_bear_no_name(page):
    text = part(page, 'exercises')
    assert 'return x + 1' in text and 'Student' not in text

def test_who_fell_behind_is_named_and_nobody_else(page):
    text = part(page, 'weeks')
    assert {*re.findall(r'Student \d\d', text)} == {'Student 17', 'Student 18'}

def test_a_class_of_independent_answers_has_no_pair(page):
    assert 'No two answers are so much alike' in part(page, 'alike')

@pytest.mark.parametrize('way', WAYS)
def test_a_disguised_copy_stands_beside_its_original(way):
    rows = made_class()
    rows.append(row('Copy', 3, [mark(LONG, 1., disguised(ANSWERS[7], way))]))
    text = part(class_report(rows, given={}), 'alike')
    assert re.findall(r'Task long: (\w[\w ]*) and ([\w ]*),', text) == [('Copy', 'Student 07')]

def test_the_reference_and_the_stub_make_no_pair():
    rows = made_class()
    rows.append(row('Copy', 3, [mark(LONG, 1., disguised(ANSWERS[7], 'renamed'))]))
    assert 'No two answers' in part(class_report(rows, given={LONG: [ANSWERS[7]]}), 'alike')

def test_what_many_wrote_makes_no_pair():
    assert alike_pairs({f's{i}': ANSWERS[0] for i in range(30)}) == []

def test_no_verdict_is_spoken(page):
    text = part(page, 'alike')
    assert 'not a verdict' in text
    for word in ('cheat', 'plagiar', 'guilty', 'copied'): assert word not in text.lower(), word

def test_at_most_one_independent_pair_in_a_hundred_is_alike_and_every_copy_is():
    apart, pairs = measured(alike)
    assert sum(s >= ALIKE for s in apart) <= 0.01*len(apart)
    assert {way: sum(s < ALIKE for s in of) for way,of in pairs.items()} == dict.fromkeys(WAYS, 0)

def test_a_concept_that_the_class_lacks_leads_to_its_section():
    id = next(k for k,e in load_week(3).items() if e.concepts)
    rows = [row(f'S{i}', 3, [mark(id, 0.)]) for i in range(4)]
    shown = BeautifulSoup(class_report(rows, given={}), 'html.parser').find('table', class_='concepts')
    links = {a.get_text(): a['href'] for a in shown.find_all('a')}
    wanted = {concepts()[c].term for c in get_exercise(id).concepts}
    assert {*links} == wanted and all('/labs/week' in o and '#' in o for o in links.values())

def test_nothing_hostile_becomes_part_of_the_page(page):
    rows = [row(f'{HOSTILE}{i}', w, [mark(LONG, float(w == 1), f'{ANSWERS[3]}# {HOSTILE}\nx = """{HOSTILE}"""',
                                          f'{HOSTILE} came', title=HOSTILE)], title=HOSTILE) for i in range(4) for w in (1, 2)]
    body = BeautifulSoup(class_report(rows, given={}), 'html.parser')
    there = {t.name for t in BeautifulSoup(page, 'html.parser').find_all()} | {'pre', 'code', 'div', 'strong'}
    assert {t.name for t in body.find_all()} <= there
    assert not [a for t in body.find_all() for a in t.attrs if a.startswith('on')]
    assert HOSTILE in body.get_text()

@pytest.mark.parametrize('code', ['('*1500, '-'*1900 + '1', 'def f(:\n  """', '\x00', 'x = 1\n\ty = 2\n z', '\\', 'if 1:\n' + ' '*1900])
def test_code_that_cannot_be_read_is_no_error(code):
    class_report([row(n, 3, [mark(LONG, 0., code, 'No.')]) for n in 'AB'], given={})

def test_the_same_rows_give_the_same_bytes(page):
    assert class_report(made_class(), given={}) == page

def test_two_students_of_one_name_are_told_apart():
    rows = [row('Ana', 3, [mark(LONG, 1., ANSWERS[0])], id=str(i)) for i in (1, 2)]
    assert 'Ana (1) and Ana (2)' in part(class_report(rows, given={}), 'alike')

def test_a_mark_set_by_hand_reaches_the_page(tmp_path):
    with Gradebook(tmp_path) as book:
        book.add_run([row('Ana', 3, [mark(EASY, 0.)])], 3, [(EASY, 'week03_x', 1.)])
        write_class_report(tmp_path, book.rows())
    assert '0% right, 0% not' in (tmp_path/CLASS).read_text()
    decide(tmp_path, [('Ana', EASY, 1., 'right idea')])
    assert '100% right, 0% not' in (tmp_path/CLASS).read_text()
