"Essays and short answers: the marking page by keyboard alone, its file, and the rows that come of it"
import csv, json, random

import pytest

from conftest import one_line
from course_labs.core.files import CourseError
from course_labs.marking import essays as E
from course_labs.teaching.questions import bank

SHORT, ESSAY = bank(1, ['short'])[0], bank(1, ['essay'])[0]
HOSTILE = '</script><script>document.title = "owned"</script><b>bold</b>\n=HYPERLINK("http://x.test")'

def table(path, rows):
    with open(path, 'w', encoding='utf-8', newline='') as f: csv.writer(f).writerows([E.COLUMNS, *rows])
    return path

@pytest.fixture
def answers(tmp_path):
    rows = [(s, SHORT['id'], f'Words of number {i}.') for i,s in enumerate(('Ada', 'Bo', 'Cy'))]
    return E.read_answers(table(tmp_path/'answers.csv', [*rows, ('Ada', ESSAY['id'], HOSTILE)]))

@pytest.fixture
def opened(browser_page, tmp_path):
    "A function that opens the marking page of some answers as a file of one's own machine"
    def open_(answers, marker='Kim'):
        file = tmp_path/'marking.html'
        file.write_text(E.marking_page(answers, marker, 'Marking, week 1'), encoding='utf-8')
        browser_page.goto(file.as_uri())
        browser_page.outside.clear()
        return browser_page
    return open_

def press(page, *keys):
    for k in keys: page.keyboard.press(k)

def saved(page, path):
    "What Ctrl+S saves"
    with page.expect_download() as d: page.keyboard.press('Control+s')
    d.value.save_as(path)
    return path

pytestmark = pytest.mark.browser

def test_all_by_keyboard(opened, answers, tmp_path):
    page = opened(answers)
    most = [m for _,_,m in E.criteria(SHORT)]
    for i in range(3):
        assert page.locator('h2').text_content().startswith(f'Answer {i + 1} of 4')
        press(page, *['1']*len(most))
        if i == 0:
            press(page, '.')
            page.keyboard.type('Say what the weights do.')
            press(page, 'Escape')
        if i == 1: press(page, 'a')
        press(page, 'Enter')
    press(page, *(str(m) for _,_,m in E.criteria(ESSAY)))
    assert page.locator('#standing').text_content() == '4 of 4 answers marked'
    rows = E.marks_of(answers, saved(page, tmp_path/'kim.json'))
    assert [(r['points'], r['of'], r['marker']) for r in rows if r['question'] == SHORT['id']] == [(len(most), len(most), 'Kim')]*3
    assert [r['points'] for r in rows if r['question'] == ESSAY['id']] == [sum(m for _,_,m in E.criteria(ESSAY))]
    by = {r['student']: r['comment'] for r in rows if r['question'] == SHORT['id']}
    assert [by[o.student] for o in answers[:3]] == ['Say what the weights do.', 'Say what the weights do.', '']
    assert not E.unmarked(answers, rows)

def test_correcting_and_taking_back(opened, answers, tmp_path):
    page = opened(answers)
    press(page, '1', 'ArrowUp', '0', '1', 'ArrowUp', 'ArrowUp')
    assert page.locator('.criteria > li').first.get_attribute('class') == 'chosen'
    press(page, '7')
    assert '1 mark at most' in page.locator('#told').text_content()
    state = json.loads(saved(page, tmp_path/'k.json').read_text(encoding='utf-8'))
    points = state['marks'][answers[0].id]['points']
    assert points[:2] == [0, 1] and points[2:] == [None]*(len(points) - 2)
    press(page, 'ArrowRight', 'ArrowRight', 'ArrowLeft')
    assert page.locator('h2').text_content().startswith('Answer 2 of 4')

def test_page_names_no_student_and_shows_what_was_written(opened, answers):
    page = opened(answers)
    press(page, 'ArrowRight', 'ArrowRight', 'ArrowRight')
    assert page.locator('.answer').text_content() == HOSTILE
    assert page.title() == 'Marking, week 1' and not page.locator('.answer b').count()
    doc = E.marking_page(answers)
    assert not any(f'"{o.student}"' in doc for o in answers)

def test_marking_again_keeps_the_marks(opened, answers, tmp_path):
    page = opened(answers)
    press(page, '1', '1')
    first = saved(page, tmp_path/'first.json')
    page.reload()
    again = saved(page, tmp_path/'again.json')
    assert again.read_bytes() == first.read_bytes(), 'a page that was closed goes on'
    page.evaluate('localStorage.clear()')
    late = table(tmp_path/'more.csv', [*((o.student, o.question['id'], o.text) for o in answers), ('Di', SHORT['id'], 'Late words.')])
    more = E.read_answers(late)
    page = opened(more, '')
    page.locator('#load').set_input_files(first)
    page.locator('#told', has_text='Kim').wait_for()
    press(page, '1')
    state = json.loads(saved(page, tmp_path/'more.json').read_text(encoding='utf-8'))
    assert state['marks'][answers[0].id]['points'][:2] == [1, 1] and state['marker'] == 'Kim'

def test_file_of_another_paper(opened, answers, tmp_path):
    other = E.read_answers(table(tmp_path/'other.csv', [('Ada', bank(2, ['short'])[0]['id'], 'words')]))
    page = opened(other)
    file = saved(page, tmp_path/'other.json')
    with pytest.raises(CourseError) as e: E.marks_of(answers, file)
    one_line(e, 'other.json', 'another paper')
    page = opened(answers)
    before = page.locator('#standing').text_content()
    page.locator('#load').set_input_files(file)
    page.locator('#told', has_text='another paper').wait_for()
    assert page.locator('#standing').text_content() == before
    page.locator('#load').set_input_files(tmp_path/'answers.csv')
    page.locator('#told', has_text='no file of marks').wait_for()

def test_without_a_name_nothing_is_saved(opened, answers, tmp_path):
    page = opened(answers, '')
    press(page, '1', 'Control+s')
    assert page.locator('#told').text_content() == 'Say who marks first.'
    page.keyboard.type('Lee')
    assert json.loads(saved(page, tmp_path/'lee.json').read_text(encoding='utf-8'))['marker'] == 'Lee'

@pytest.mark.parametrize('width', [1280, 390])
def test_nothing_sticks_out(opened, answers, width):
    page = opened(answers)
    page.set_viewport_size(dict(width=width, height=844))
    press(page, 'ArrowRight', 'ArrowRight', 'ArrowRight', '2', '.')
    page.keyboard.type('A comment that is longer than a phone is wide, and was given before to others as well.')
    press(page, 'Escape')
    assert page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth') == 0
    assert page.locator('#again button').count() == 1

def test_accessible(opened, answers):
    axe = pytest.importorskip('axe_playwright_python.sync_playwright', reason='axe-playwright-python is not installed')
    found = axe.Axe().run(opened(answers))
    assert found.violations_count == 0, found.generate_report()

# ---- rows

def marks(tmp_path, name, answers, points, **kw):
    file = dict(version=1, key=E.rubric_key({o.question['id']: o.question for o in answers}.values()), marker=name, marks=points, comments={}) | kw
    path = tmp_path/f'{name}.json'
    path.write_text(json.dumps(file), encoding='utf-8')
    return path

@pytest.mark.parametrize('seed', range(5))
def test_kappa_is_that_of_the_formula(tmp_path, seed):
    rand = random.Random(seed)
    answers = E.read_answers(table(tmp_path/'a.csv', [(f's{i}', ESSAY['id'], 'words') for i in range(25)]))
    most = [m for _,_,m in E.criteria(ESSAY)]
    files = [marks(tmp_path, n, answers, {o.id: dict(points=[rand.randint(0, m) for m in most], comment='') for o in answers}) for n in ('Kim', 'Lee')]
    rows = E.marks_of(answers, *files)
    x, y = ([r['points'] for r in rows if r['marker'] == n] for n in ('Kim', 'Lee'))
    seen = sum((a - b)**2 for a,b in zip(x, y))/len(x)
    chance = sum((a - b)**2 for a in x for b in y)/len(x)/len(y)
    (found,) = E.agreement(rows)
    assert found['kappa'] == pytest.approx(1 - seen/chance) and found['answers'] == 25
    assert found['same'] == sum(a == b for a,b in zip(x, y))/25

@pytest.mark.parametrize('change,word', [
    (lambda o: dict(key='0'), 'another paper'), (lambda o: dict(version=2), 'no file of marks'), (lambda o: dict(marker=' '), 'who marked'),
    (lambda o: dict(marks={'x': dict(points=[], comment='')}), 'not in the table'), (lambda o: dict(marks={o.id: dict(points=[1], comment='')}), 'do not fit'),
    (lambda o: dict(marks={o.id: dict(points=['=1+1']*3, comment='')}), 'do not fit'), (lambda o: dict(marks={o.id: dict(points=[True]*3, comment='')}), 'do not fit'),
    (lambda o: dict(marks=[]), 'no file of marks'), (lambda o: dict(marks={o.id: 3}), 'do not fit')])
def test_a_file_that_is_none_of_this_paper(answers, tmp_path, change, word):
    with pytest.raises(CourseError) as e: E.marks_of(answers, marks(tmp_path, 'bad', answers, {}, **change(answers[0])))
    one_line(e, 'bad', word)

@pytest.mark.parametrize('data,word', [(b'student,answer\nAda,x', "no column 'question'"), ('student,question,answer\nJos\u00e9,w1.q21,x'.encode('latin-1'), 'UTF-8'),
                                       (b'student,question,answer\nAda,week one,x', 'is no question'), (b'student,question,answer\nAda,w99.q01,x', '99'), (b'', 'no column')])
def test_a_table_of_answers_that_is_none(tmp_path, data, word):
    (tmp_path/'a.csv').write_bytes(data)
    with pytest.raises(CourseError) as e: E.read_answers(tmp_path/'a.csv')
    one_line(e, word)

def test_two_students_of_similar_names_stay_two(tmp_path):
    answers = E.read_answers(table(tmp_path/'a.csv', [('Ada', SHORT['id'], 'a'), ('ada', SHORT['id'], 'b')]))
    assert len({o.id for o in answers}) == 2
