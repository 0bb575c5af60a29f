"Predictions in a browser: a guess in one frame and the result in another, side by side and each inside a frame of its own"
import html

import pytest

from course_labs.teaching import predictions as P
from course_labs.teaching.concepts import concepts
from course_labs.teaching.predictions import ask, predictions, tell

pytestmark = pytest.mark.browser

NUMBER = dict(id='w1.p98', text='Which share?', concepts=['w1.1'], unit='', range=[0, 1], near=0.1,
              says=[dict(below=0.5, feedback='Fewer than half of them.'), dict(below=None, feedback='Half of them or more.')])
CHOICE = dict(id='w1.p99', text='Which net?', concepts=['w1.1'],
              options=[dict(text='the dense one', name='dense', feedback='It has more weights to learn.'),
                       dict(text='the convolution', name='conv', feedback='It knows that the image may move.')])

@pytest.fixture(autouse=True)
def bank(monkeypatch): monkeypatch.setattr(P, 'predictions', lambda weeks=None: {p['id']: p for p in (NUMBER, CHOICE)})

def deep(doc): return f'<iframe sandbox="allow-scripts" srcdoc="{html.escape(doc)}" height="400" width="700"></iframe>'

def show(page, id, came, wrapped=False):
    "The frames of a question and of its result, as a notebook shows them; `wrapped` as where each output has a frame of its own"
    parts = [o._repr_html_() for o in (ask(id), tell(id, came))]
    page.set_content(''.join(map(deep, parts)) if wrapped else ''.join(parts))
    for _ in range(100):
        frames = [f for f in page.frames if f.query_selector('#main h2')]
        if len(frames) == 2: return frames if 'Predict' in frames[0].text_content('h2') else frames[::-1]
        page.wait_for_timeout(50)
    raise AssertionError('two frames are expected')

@pytest.mark.parametrize('wrapped', [False, True], ids=['side by side', 'each in a frame'])
def test_a_guess_reaches_the_result(browser_page, wrapped):
    question, result = show(browser_page, 'w1.p98', 0.25, wrapped)
    assert 'came out' not in result.text_content('#main'), 'the result waits for the guess'
    question.fill('[name=answer]', '0,7')
    question.click('#commit')
    result.locator('.verdict').wait_for()
    said = result.text_content('.verdict')
    assert 'You said 0.7, it came out at 0.25: 0.45 too high.' in said and 'Fewer than half of them.' in said
    assert 'bad' in result.get_attribute('.verdict', 'class') and result.locator('svg circle').count() == 2

def test_a_result_that_comes_later_finds_the_guess(browser_page):
    page = browser_page
    page.set_content(ask('w1.p98')._repr_html_())
    question = page.frame_locator('iframe')
    question.locator('[name=answer]').fill('0.3')
    question.locator('[name=answer]').press('Enter')
    question.locator('#change').wait_for()
    page.evaluate('html => document.body.insertAdjacentHTML("beforeend", html)', tell('w1.p98', 0.25)._repr_html_())
    result = page.frame_locator('iframe >> nth=1')
    result.locator('.verdict.good').wait_for()
    assert 'it came out at 0.25: near enough.' in result.locator('.verdict').text_content()

@pytest.mark.parametrize('place, good, says', [(1, True, 'As you said'), (0, False, 'You said otherwise')])
def test_a_choice(browser_page, place, good, says):
    question, result = show(browser_page, 'w1.p99', 'conv')
    question.locator('input').nth(place).check()
    question.click('#commit')
    result.locator('.verdict').wait_for()
    said = result.text_content('.verdict')
    assert says in said and 'the convolution' in said and 'the image may move' in said
    assert ('good' if good else 'bad') in result.get_attribute('.verdict', 'class')

def test_a_guess_can_be_changed_and_nothing_else_is_one(browser_page):
    question, result = show(browser_page, 'w1.p98', 0.25)
    for text, says in (('', 'Enter a number first'), ('many', 'Enter a number first'), ('3', 'a number from 0 to 1'),
                       ('25%', '25% is 0.25'), ('1,250', '1,250 can be read as 1250 and as 1.250')):
        question.fill('[name=answer]', text)
        question.click('#commit')
        assert says in question.text_content('.problem')
    question.fill('[name=answer]', '0.9')
    question.click('#commit')
    question.click('#change')
    question.fill('[name=answer]', '0.2')
    question.click('#commit')
    browser_page.wait_for_timeout(100)
    assert 'You said 0.2' in result.text_content('.verdict')

def test_without_a_guess_the_result_is_shown_when_asked(browser_page):
    _, result = show(browser_page, 'w1.p98', 0.75)
    result.click('#show')
    assert 'It came out at 0.75' in result.text_content('.verdict') and 'Half of them or more.' in result.text_content('.verdict')

def test_messages_of_others_are_no_guess(browser_page):
    question, result = show(browser_page, 'w1.p99', 'conv')
    for bad in (dict(guess=7), dict(guess='0'), dict(guess=None), dict(guess=[0]), 'text', None):
        message = dict(course_labs='w1.p99', **bad) if isinstance(bad, dict) else bad
        browser_page.evaluate('m => [...document.querySelectorAll("iframe")].forEach(f => f.contentWindow.postMessage(m, "*"))', message)
    browser_page.wait_for_timeout(100)
    assert not result.locator('.verdict').count()

LONG = dict(NUMBER, id='w1.p97', text=' '.join(['A question that goes on for a while.']*9),
            says=[dict(below=None, feedback=' '.join(['And so does the answer to it.']*9))])
MANY = dict(CHOICE, id='w1.p96', options=[dict(o, text=f'{i} {o["text"]}', name=str(i)) for i in range(3) for o in CHOICE['options'][:1]])

@pytest.mark.parametrize('width', [320, 500, 700, 1280])
@pytest.mark.parametrize('p, came', [(NUMBER, 0.25), (LONG, 0.25), (CHOICE, 'conv'), (MANY, '1')], ids=lambda o: o['id'] if isinstance(o, dict) else '')
def test_nothing_is_cut_off(browser_page, monkeypatch, width, p, came):
    monkeypatch.setattr(P, 'predictions', lambda weeks=None: {p['id']: p})
    browser_page.set_viewport_size(dict(width=width, height=900))
    question, result = show(browser_page, p['id'], came)
    if p in (NUMBER, LONG): question.fill('[name=answer]', '0.9')
    else: question.locator('input').nth(0).check()
    question.click('#commit')
    result.locator('.verdict').wait_for()
    for f in (question, result):
        assert f.evaluate('document.documentElement.scrollWidth <= document.documentElement.clientWidth')
        assert f.evaluate('document.documentElement.scrollHeight <= document.documentElement.clientHeight'), f.text_content('h2')

def test_where_scripts_and_frames_are_stripped():
    assert 'Which net?' in ask('w1.p99').fallback and 'the dense one' in ask('w1.p99').fallback
    assert '<details>' in tell('w1.p98', 0.25).fallback and 'It came out at 0.25. Fewer' in tell('w1.p98', 0.25).fallback

def test_the_course_s_own(monkeypatch):
    monkeypatch.undo()
    have = predictions()
    assert have and all(c in concepts() for p in have.values() for c in p['concepts'])
