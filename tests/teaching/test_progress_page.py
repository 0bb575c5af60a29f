"The page of a student's own progress, in a browser: it reads what the other pages kept, and carries it by a file"
import json

import pytest

from course_labs.core.paths import data_dir
from course_labs.publishing.site_finish import finished_page
from course_labs.syllabus import weeks
from course_labs.teaching.cards import cards_of, flashcards
from course_labs.teaching.predictions import ask, form_of, prediction, predictions, tell
from course_labs.teaching.progress import progress
from course_labs.teaching.quiz import quiz
from course_labs.teaching.self_test import self_test

pytestmark = pytest.mark.browser
SITE = 'http://course.test/'
QUIZZES = {w: quiz(weeks=w, n=10, seed=w) for w in weeks()}
TEST = self_test()
PAGE = progress([(w, q, f'quiz{w}.html') for w,q in QUIZZES.items()], (TEST, 'self_test.html'), 'cards.html', lambda w: f'lab{w}.html')
PAGES = {'cards.html': flashcards(), 'self_test.html': TEST, 'progress.html': PAGE} | {f'quiz{w}.html': q for w,q in QUIZZES.items()}

@pytest.fixture
def site(browser_page):
    "The pages on one site; a function that opens one"
    def answer(part): return lambda r: r.fulfill(body=part.doc, content_type='text/html; charset=utf-8')
    for name, part in PAGES.items(): browser_page.route(SITE + name, answer(part))
    def opened(name):
        browser_page.goto(SITE + name)
        browser_page.locator('#main > *').first.wait_for()
        browser_page.outside.clear()
        return browser_page
    return opened

def row(page, name): return [o.inner_text() for o in page.locator('tr', has=page.get_by_role('rowheader', name=name, exact=True)).locator('td').all()]

def some_work(site):
    "A quiz begun, a card known, a question of the self-test answered, a guess made"
    p = site('quiz3.html')
    for _ in range(2): p.locator('#next').click()
    while not p.locator('fieldset input[type=radio]').count(): p.locator('#next').click()
    p.locator('fieldset input').first.check()
    p.locator('#check').click()
    p = site('cards.html')
    p.locator('#week').select_option('5')
    p.locator('#turn').click()
    p.locator('#yes').click()
    p = site('self_test.html')
    while not p.locator('fieldset input[type=radio]').count(): p.locator('#next').click()
    p.locator('fieldset input').first.check()
    p.locator('#check').click()
    p.evaluate("localStorage.setItem('course_labs.prediction.w2.p1', '1'); localStorage.setItem('course_labs.outcome.w2.p1', 'true')")

def test_nothing_yet(site):
    p = site('progress.html')
    n = len(cards_of(3))
    assert row(p, 'Week 3') == ['10 to go', f'0 of {n} known', f'0 of {len(predictions(3))} made']

def test_what_the_pages_kept_is_shown_by_week(site):
    some_work(site)
    p = site('progress.html')
    assert '1 right, 9 to go' in row(p, 'Week 3')[0] and row(p, 'Week 4')[0] == '10 to go'
    assert row(p, 'Week 5')[1] == f'1 of {len(cards_of(5))} known'
    assert row(p, 'Week 2')[2] == f'1 of {len(predictions(2))} made, 1 as it came'
    assert row(p, 'Self-test')[0].startswith('1 of 8')

GUESSES = [next(id for id in predictions() if form_of(prediction(id)) == form) for form in ('number', 'choice')]

@pytest.mark.parametrize('id', GUESSES)
def test_a_guess_in_a_lab_is_kept_by_its_page_and_counts(site, browser_page, id):
    p, choice = prediction(id), form_of(prediction(id)) == 'choice'
    came = (p['options'][0].get('name') or p['options'][0]['below'] - 1) if choice else p['range'][0]
    page = finished_page('<html><head></head><body>' + ask(id)._repr_html_() + tell(id, came)._repr_html_() + '</body></html>')
    assert 'site_libs/keep.js' in page
    html = dict(content_type='text/html; charset=utf-8')
    browser_page.route(SITE + 'lab.html', lambda r: r.fulfill(body=page, **html))
    browser_page.route(SITE + 'site_libs/keep.js', lambda r: r.fulfill(path=data_dir()/'web'/'site'/'keep.js'))
    browser_page.route(SITE + 'site_libs/offline.js', lambda r: r.fulfill(body=''))
    browser_page.goto(SITE + 'lab.html')
    guess, result = (browser_page.frame_locator('iframe').nth(k) for k in (0, 1))
    guess.locator('#commit').wait_for()
    if choice: guess.locator('input').first.check()
    else: guess.locator('[name=answer]').fill(str(p['range'][0]))
    guess.locator('#commit').click()
    result.locator('.verdict.good').wait_for()
    browser_page.reload()
    guess.locator('#change').wait_for()
    own = site('progress.html')
    week = int(id[1])
    assert row(own, f'Week {week}')[2] == f'1 of {len(predictions(week))} made, 1 as it came'

def test_a_file_carries_it_to_another_browser(site, tmp_path):
    some_work(site)
    p = site('progress.html')
    before = p.locator('#main').inner_text()
    with p.expect_download() as got: p.locator('#save').click()
    saved = json.loads(got.value.path().read_text())
    assert saved['course'] == 'course_labs' and 'course_labs.cards' in saved['kept']
    file = tmp_path/'mine.json'
    file.write_text(json.dumps(saved))
    p.locator('#forget').click()
    assert p.locator('#main').inner_text() == before, 'one press forgets nothing'
    p.locator('#forget').click()
    assert p.locator('#main').inner_text() != before
    p.locator('#read').set_input_files(file)
    p.locator('#said', has_text='entries were read').wait_for()
    assert p.locator('#main').inner_text() == before

BAD = {'no JSON': ('{', 'holds no JSON'), 'another list': ('[1, 2]', 'no progress of this course'), 'a number': ('7', 'no progress of this course'),
       'of another page': (json.dumps(dict(course='course_labs', version=1, kept={'course_labs.cards': {}, 'theme': 1})), 'none of this course'),
       'of a newer version': (json.dumps(dict(course='course_labs', version=9, kept={})), 'newer version')}

@pytest.mark.parametrize('case', BAD)
def test_a_bad_file_is_one_sentence_and_nothing_is_lost(site, tmp_path, case):
    text, says = BAD[case]
    some_work(site)
    p = site('progress.html')
    before = p.locator('#main').inner_text()
    (tmp_path/'bad.json').write_text(text)
    p.locator('#read').set_input_files(tmp_path/'bad.json')
    p.locator('#said', has_text=says).wait_for()
    assert p.locator('#main').inner_text() == before

@pytest.mark.parametrize('junk', ['no json', '7', '[]', '{"answers": 3, "history": [[9999, 1], 4, null]}', '{"answers": [null], "history": {}}'])
def test_spoilt_storage_counts_as_none(site, junk):
    p = site('progress.html')
    p.evaluate('''junk => {
        const {quizzes, self_test, predictions} = JSON.parse(document.getElementById('data').textContent);
        for (const q of [...quizzes, self_test]) localStorage.setItem('course_labs.quiz.' + q.key, junk);
        localStorage.setItem('course_labs.cards', junk);
    }''', junk)
    p = site('progress.html')
    assert row(p, 'Week 3')[:2] == ['10 to go', f'0 of {len(cards_of(3))} known']

@pytest.mark.parametrize('width, scheme', [(1280, 'light'), (390, 'dark')])
def test_it_fits_and_has_no_serious_fault(site, browser_page, width, scheme):
    from axe_playwright_python.sync_playwright import Axe
    browser_page.set_viewport_size(dict(width=width, height=800))
    browser_page.emulate_media(color_scheme=scheme)
    p = site('progress.html')
    assert p.evaluate('document.documentElement.scrollWidth') <= width
    assert p.locator('.table').evaluate_all('boxes => boxes.filter(o => o.scrollWidth > o.clientWidth).length') == 0, 'a table is cut off'
    found = Axe().run(p).response['violations']
    assert [(v['id'], v['nodes'][0]['target']) for v in found if v['impact'] in ('serious', 'critical')] == []
