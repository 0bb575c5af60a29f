"An answer that is right in part, from its submission to the table, the page of its student, the class report and back"
import json, re, shutil

import pytest
from bs4 import BeautifulSoup

from course_labs.marking.decisions import decide, shown
from course_labs.marking.gradebook import Gradebook

from handed_in import mark, notebook, put, table, week3

NO_PAD = 'def conv_size(size, kernel, stride=1, pad=0, dilation=1):\n    return (size - dilation*(kernel - 1) - 1)//stride + 1\n'
WITHOUT = 'def conv_size(size, kernel, stride, pad, dilation):\n    return (size + 2*pad - dilation*(kernel - 1) - 1)//stride + 1\n' # no defaults: raises
ALWAYS = 'def conv_size(*args, **kw): return 0\n'
# wrong with padding of 3 alone, which only some inputs have
SELDOM = 'def conv_size(size, kernel, stride=1, pad=0, dilation=1):\n    return (size + 2*pad*(pad < 3) - dilation*(kernel - 1) - 1)//stride + 1\n'
OPEN = 'def conv_size(size, kernel, stride=1, pad=0, dilation=1): raise NotImplementedError()\n'
POINTS = {'Ada': '1', 'Bob': '0.75', 'Cem': '0.75', 'Dia': '0', 'Eva': '0.75', 'Fay': '0'}
WORK = dict(Ada=week3(), Bob=week3(NO_PAD), Cem=week3(WITHOUT), Dia=week3(ALWAYS), Eva=week3(SELDOM), Fay=week3(OPEN))

@pytest.fixture(scope='module')
def graded(tmp_path_factory):
    folder = tmp_path_factory.mktemp('class')
    put(folder/'in', {f'{k}.ipynb': v for k,v in WORK.items()})
    rows, _ = mark(folder/'in', folder/'out', week=3)
    return folder, {r['student']: next(m for m in r['exercises'] if m['id'] == 'w3.conv_size') for r in rows}

def page(out, student): return next((out/'feedback').glob(f'{student}*.html')).read_text(encoding='utf-8')

def about(out, student): # The part of a page on the exercise
    section = next(o for o in BeautifulSoup(page(out, student), 'html.parser').find_all('section') if o.h2.text == 'A kernel with gaps')
    return re.sub(r'\s+', ' ', section.get_text(' ', strip=True))

def test_the_table_has_the_part_as_a_number(graded):
    folder, _ = graded
    rows = {r['student']: r for r in table(folder/'out'/'grades.csv')}
    assert {k: r['w3.conv_size'] for k,r in rows.items()} == POINTS
    assert {k: r['total'] for k,r in rows.items()} == POINTS
    assert all(r['mark'] == r['total'] for r in rows.values())

def test_a_result_says_its_state_and_what_holds(graded):
    of = graded[1]
    assert {k: m['state'] for k,m in of.items()} == {'Ada': 'right', 'Bob': 'in part', 'Cem': 'in part', 'Dia': 'wrong', 'Eva': 'in part', 'Fay': 'not attempted'}
    lacks = {k: [o['name'] for o in m['properties'] if not o['holds']] for k,m in of.items()}
    assert lacks['Bob'] == lacks['Eva'] == ['with padding as well'] and lacks['Cem'] == ['without any of them']
    assert lacks['Ada'] == [] and of['Ada']['properties'] and of['Fay']['properties'] == []
    assert 'The padding seems to have no effect' in of['Bob']['think'] and 'TypeError' in of['Cem']['message']

def test_feedback_lists_what_holds_in_words(graded):
    out = graded[0]/'out'
    bob, ada = about(out, 'Bob'), about(out, 'Ada')
    assert '◐ right in part, 0.75 of 1 points' in bob and 'The padding seems to have no effect' in bob
    for line in ('✓ holds: with a stride and a dilation', '✗ does not hold: with padding as well', '✓ holds: without any of them'): assert line in bob, bob
    assert 'does not hold' not in ada and 'holds: with padding as well' in ada
    assert 'holds' not in about(out, 'Fay')

def test_the_class_report_counts_shares_and_says_which_property_is_lacking(graded):
    html = (graded[0]/'out'/'class.html').read_text(encoding='utf-8')
    h4 = next(o for o in BeautifulSoup(html, 'html.parser').find_all('h4') if o.text == 'A kernel with gaps')
    said = re.sub(r'\s+', ' ', h4.parent.get_text(' ', strip=True))
    assert '17% right, 17% not attempted, of 6. Difficulty 0.54' in said # (1 + 3*0.75)/6
    assert 'with padding as well: holds in 40% of 5 answers' in said and 'with a stride and a dilation: holds in 80% of 5 answers' in said

def test_marked_anew_with_the_same_seeds_every_byte_is_the_same(graded, tmp_path):
    out, again = graded[0]/'out', tmp_path/'again'
    again.mkdir()
    shutil.copy(out/'seeds.json', again)
    mark(graded[0]/'in', again, week=3)
    for name in ('grades.csv', 'class.html', *(f'feedback/{p.name}' for p in (out/'feedback').iterdir())):
        assert (again/name).read_bytes() == (out/name).read_bytes(), name

def test_a_second_call_marks_nothing_and_changes_no_mark(graded):
    out = graded[0]/'out'
    before = {p: p.read_bytes() for p in (out/'grades.csv', out/'class.html', *(out/'feedback').iterdir())}
    _, lines = mark(graded[0]/'in', out, week=3)
    assert lines == ['No mark that was there changed since the last run.']
    assert {p: p.read_bytes() for p in before} == before

def test_a_person_decides_over_a_part_and_takes_it_back(graded, tmp_path):
    out = tmp_path/'out'
    shutil.copytree(graded[0]/'out', out)
    assert any('w3.conv_size  0.75 of 1  in part' in l for l in shown(out, 'Bob'))
    decide(out, [('Bob', 'w3.conv_size', 1., 'said so in class')])
    assert '1 of 1 points' in about(out, 'Bob') and 'does not hold' not in about(out, 'Bob')
    assert any('not 0.75: said so in class' in l for l in shown(out, 'Bob'))
    decide(out, [('Bob', 'w3.conv_size', None, '')])
    with Gradebook(out) as book: kept = {r['student']: r['exercises'] for r in book.rows()}
    assert [m['points'] for m in kept['Bob'] if m['id'] == 'w3.conv_size'] == [0.75]

def test_results_of_an_age_without_properties_have_pages(graded, tmp_path):
    "A gradebook of last term"
    from course_labs.marking.class_report import class_report
    from course_labs.marking.feedback import feedback
    with Gradebook(graded[0]/'out') as book: rows = book.rows()
    old = json.loads(json.dumps(rows))
    for r in old:
        for m in r['exercises']: m.pop('properties', None)
    assert 'holds' not in ''.join(map(feedback, old)) and 'holds in' not in class_report(old, given={})
