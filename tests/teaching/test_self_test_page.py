"The self-test in a browser: sittings by mouse and by keyboard, what is kept, what can be carried on, and how it looks"
import re

import pytest

from test_pages_in_browser import CONTRAST, open_frame, open_site, overflow

from course_labs.teaching.concepts import concepts
from course_labs.teaching.kinds import CLOSED
from course_labs.teaching.mathtext import to_text
from course_labs.teaching.questions import bank, concept_of
from course_labs.teaching.self_test import SITTING, SelfTest, self_test

pytestmark = pytest.mark.browser

SEED, FEW = 5, 4 # Questions at a time, where the length of a sitting is not what is tested
PLAN = sum(not c.see for c in concepts().values())

def answer(f):
    "Give some answer to the question that is shown, check it, and go on"
    if f.locator('select[name=answer]').count():
        for i in range(f.locator('select[name=answer]').count()): f.locator('select[name=answer]').nth(i).select_option('0')
    elif f.locator('input[type=text]').count(): f.locator('input[type=text]').fill('1')
    elif f.locator('input[name=answer]').count(): f.locator('input[name=answer]').first.check()
    f.locator('#check').click()
    f.locator('#next').click()

def sitting(f, n=FEW):
    for _ in range(n): answer(f)

def line(f): return f.locator('#line').input_value()
def asked(f): return [w[:-1] for w in line(f).split()]

def test_a_sitting_ends_in_the_weakest_concepts(browser_page):
    f = open_frame(browser_page, self_test(SEED))
    assert f.locator('.meta').text_content().startswith(f'Question 1 of {SITTING}')
    assert f.locator('#standing').text_content() == f'0 of {PLAN} concepts asked, {SITTING} questions to go in this sitting'
    sitting(f, SITTING)
    assert re.match(r'This sitting: \d+ of 20 right', f.locator('h2').first.text_content())
    assert f.locator('#standing').text_content().startswith(f'{SITTING} of {PLAN} concepts asked')
    test = SelfTest.read(line(f), seed=SEED)
    weak = [r for r in test.results() if r['mean'] < 0.6][:10]
    assert f.locator('tbody th').all_text_contents() == [to_text(concepts()[r['concept']].term) for r in weak]
    links = f.locator('tbody a')
    assert links.count() == len(weak) and all('/nbs/labs/week' in a and '#' in a for a in links.evaluate_all('as => as.map(a => a.href)'))
    assert set(links.evaluate_all('as => as.map(a => a.target + a.rel)')) == {'_blanknoopener'}
    assert 'allow-popups' in browser_page.locator('iframe').get_attribute('sandbox')  # or no link would open

def test_the_next_sitting_asks_something_else(browser_page):
    f = open_frame(browser_page, self_test(SEED, sitting=FEW))
    sitting(f)
    first = asked(f)
    f.locator('#onward').click()
    sitting(f)
    assert len(asked(f)) == len(set(asked(f))) == 2*FEW and asked(f)[:FEW] == first
    by = {q['id']: concept_of(q) for q in bank(kinds=CLOSED)}
    assert len({by[i] for i in asked(f)}) == 2*FEW
    f.locator('#again').click()
    assert f.locator('#standing').text_content().startswith('0 of')

def test_open_questions_can_be_taken_up_again(browser_page):
    f = open_frame(browser_page, self_test(SEED, sitting=FEW))
    for _ in range(FEW): f.locator('#next').click()
    assert f'{FEW} questions of this sitting still open' in f.locator('#main').text_content()
    f.locator('#resume').click()
    assert f.locator('.meta').text_content().startswith(f'Question 1 of {FEW}')

def test_progress_is_kept_over_sittings(browser_page):
    part = self_test(SEED, sitting=FEW)
    f = open_site(browser_page, part)
    assert 'kept in this browser' in f.locator('#kept').text_content()
    sitting(f)
    f.locator('#onward').click()
    answer(f)
    browser_page.reload()
    browser_page.outside.clear()
    assert f.locator('#standing').text_content() == f'{FEW + 1} of {PLAN} concepts asked, {FEW - 1} questions to go in this sitting'
    assert f.locator('.meta').text_content().startswith(f'Question 2 of {FEW}')
    for _ in range(FEW - 1): answer(f)
    assert len(asked(f)) == 2*FEW

@pytest.mark.parametrize('junk', ['7', '{"history": [[0, 5]]}', '{"answers": [], "round": [0], "at": 0, "history": "no"}'])
def test_spoilt_storage_begins_anew(browser_page, junk):
    part = self_test(SEED, sitting=FEW)
    f = open_site(browser_page, part)
    key = re.search(r'"key": "(\w+)"', part.doc)[1]
    f.evaluate('([k, v]) => localStorage.setItem(k, v)', ['course_labs.quiz.' + key, junk])
    browser_page.reload()
    browser_page.outside.clear()
    assert f.locator('.meta').text_content().startswith(f'Question 1 of {FEW}')

def test_a_line_carries_the_answers_on(browser_page):
    "From a page to Python and to another page; all three ask the same next"
    f = open_frame(browser_page, self_test(SEED, sitting=FEW))
    sitting(f)
    text = line(f)
    want = [q['id'] for q in SelfTest.read(text, seed=SEED).next(FEW)]
    f = open_frame(browser_page, self_test(SEED, sitting=FEW))
    for _ in range(FEW): f.locator('#next').click()
    f.locator('details summary').click()
    f.locator('#line').fill('w1.q01')
    f.locator('#take').click()
    assert 'w1.q01 is no answer of this test' in f.locator('.problem').text_content()
    f.locator('#line').fill(text)
    f.locator('#take').click()
    sitting(f)
    assert asked(f)[FEW:] == want

def test_keyboard_alone(browser_page):
    "Tab, space and Enter: a sitting to its end, and into the next"
    questions = [q for q in bank(kinds=['single']) if concept_of(q) in ('w1.2', 'w3.1')]
    f, kb = open_frame(browser_page, self_test(SEED, questions=questions, sitting=2)), browser_page.keyboard
    def focused(): return f.evaluate('document.activeElement.id || document.activeElement.name || document.activeElement.tagName')
    def tab_to(what, most=30):
        for _ in range(most):
            if focused() == what: return
            kb.press('Tab')
        raise AssertionError(f'{what} cannot be reached with Tab; focus is on {focused()}')
    for _ in range(2):
        tab_to('answer')
        kb.press('Space')
        kb.press('Enter')
        assert focused() == 'next'
        kb.press('Enter')
    assert focused() == 'H2'
    tab_to('onward')
    kb.press('Enter')
    assert f.locator('.meta').text_content().startswith('Question 1 of 2')

@pytest.mark.parametrize('scheme', ['light', 'dark'])
@pytest.mark.parametrize('width', [320, 1280])
def test_look(browser_page, scheme, width):
    browser_page.set_viewport_size(dict(width=width, height=800))
    browser_page.emulate_media(color_scheme=scheme)
    f = open_frame(browser_page, self_test(SEED, sitting=FEW))
    for _ in range(FEW):
        assert f.evaluate(CONTRAST) == [] and overflow(f) <= 0
        answer(f)
    f.locator('details summary').click()
    assert f.evaluate(CONTRAST) == [] and overflow(f) <= 0
    nameless = '[...document.querySelectorAll("button, input, select, textarea")].filter(e => !(e.getAttribute("aria-label") || e.textContent.trim() || e.closest("label"))).length'
    assert f.evaluate(nameless) == 0

def test_where_frames_are_stripped_a_sitting_stands_as_a_list(browser_page):
    part = self_test(SEED)
    browser_page.set_content(re.sub(r'<(iframe|style)\b.*?</\1>', '', part._repr_html_(), flags=re.S))
    assert browser_page.locator('.cl-fallback > ol > li').count() == SITTING
