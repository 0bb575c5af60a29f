"Quizzes, flashcards and exam papers in a browser: every kind of question, by mouse and by keyboard"
import random, re

import pytest

from course_labs.teaching import questions as B
from course_labs.teaching.cards import flashcards
from course_labs.teaching.exams import exam
from course_labs.teaching.kinds import CLOSED, KINDS, kind_of
from course_labs.teaching.mathtext import to_html, to_text
from course_labs.teaching.quiz import page_question, quiz
from course_labs.teaching.variants import instance

pytestmark = pytest.mark.browser

# The first question of each kind, in one quiz
ONE_OF_EACH = [B.bank(kinds=[k])[0] for k in KINDS]
SEED = 3
SITE = 'http://course.test/part.html'

def open_frame(page, part):
    "Show a part as a notebook does; its frame"
    page.set_content('<body style="margin:0">' + part._repr_html_())
    page.frame_locator('iframe').locator('#main > *').first.wait_for()
    return page.frames[1]

def open_site(page, part):
    "Show a part as a page of a site, which may store things"
    page.route(SITE, lambda r: r.fulfill(body=part.doc, content_type='text/html; charset=utf-8'))
    page.goto(SITE)
    page.outside.clear()
    return page.main_frame

def fill(f, q, good):
    "Give an answer in the page, right or wrong"
    shown = page_question(q, SEED)
    match q['kind']:
        case 'single': f.locator('input').nth(next(i for i,o in enumerate(shown['options']) if o['right'] == good)).check()
        case 'multi':
            for i,o in enumerate(shown['options']):
                if o['right'] == good: f.locator('input').nth(i).check()
        case 'numeric': f.locator('[name=answer]').fill(str(q['answer'] if good else q['traps'][0]['value']))
        case 'order':
            if good:
                for place in range(len(q['items'])):  # bring each item up to its place
                    while (at := f.locator('.rows .what').all_text_contents().index(to_text(q['items'][place]['text']))) > place:
                        f.locator('.rows > li').nth(at).get_by_role('button', name='Move up').click()
        case 'match':
            for i,p in enumerate(shown['pairs']):
                f.locator('select[name=answer]').nth(i).select_option(str(p['answer'] if good else (p['answer'] + 1) % len(shown['pairs'])))
        case 'short' | 'essay':
            f.locator('textarea').fill('My own words.')
            f.locator('#check').click()
            if not good: return
            for i in range(f.locator('[name=point]').count()): f.locator('[name=point]').nth(i).check()
            for i,r in enumerate(q.get('rubric', [])): f.locator('[name=marks]').nth(i).select_option(str(r['marks']))

def overflow(f): return f.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')

@pytest.mark.parametrize('good', [True, False], ids=['right', 'wrong'])
@pytest.mark.parametrize('q', ONE_OF_EACH, ids=KINDS)
def test_every_kind(browser_page, q, good):
    f = open_frame(browser_page, quiz(questions=[q], seed=SEED))
    assert f.locator('fieldset legend').count() == 1
    fill(f, q, good)
    f.locator('#check').click()
    assert ('✓ Right.' if good else '✗ Not right.') in f.locator('.verdict').last.text_content()
    assert f.locator('#standing').text_content() == f'{int(good)} of 1 answered right, 0 to go'
    text = f.locator('#main').text_content()
    assert 'week 1, section' in text
    if q['kind'] == 'numeric' and not good: assert to_text(q['traps'][0]['feedback']) in text and 'The answer is' in text
    if 'options' in q:
        for o in q['options']: assert '$' in o['feedback'] or o['feedback'] in text, 'each option has its feedback'
    assert not f.locator('#main :is(input, textarea, select):enabled').count()
    browser_page.wait_for_timeout(80)
    assert f.locator('#live').text_content().startswith('Right' if good else 'Not right')
    f.locator('#next').click()
    assert f.locator('h2').first.text_content() == f'Score: {int(good)} of 1 ({100*good} %)'
    assert f.locator('#retry').count() == (not good)

def test_nothing_chosen_is_not_marked(browser_page):
    f = open_frame(browser_page, quiz(questions=ONE_OF_EACH, seed=SEED))
    for k,q in enumerate(ONE_OF_EACH):
        if q['kind'] == 'order': f.locator('#next').click(); continue
        f.locator('#check').click()
        assert 'first' in f.locator('.problem').text_content(), q['kind']
        assert f.locator('.verdict').count() == 0
        f.locator('#next').click()
    assert f.locator('h2').first.text_content().startswith('Score: 0 of 7') and f.locator('#retry').count() == 0
    f.locator('#resume').click()
    assert 'Question 1 of 7' in f.locator('.meta').text_content()

def test_retry_asks_only_what_was_wrong(browser_page):
    qs = ONE_OF_EACH[:3]
    f = open_frame(browser_page, quiz(questions=qs, seed=SEED))
    for q,good in zip(qs, (True, False, False)):
        fill(f, q, good); f.locator('#check').click(); f.locator('#next').click()
    assert f.locator('h2').first.text_content() == 'Score: 1 of 3 (33 %)'
    assert f.get_by_text('Read again').is_visible()
    f.locator('#retry').click()
    assert f.locator('.meta').text_content().startswith('Question 1 of 2')
    for q in qs[1:]: fill(f, q, True); f.locator('#check').click(); f.locator('#next').click()
    assert f.locator('h2').first.text_content() == 'Score: 3 of 3 (100 %)'
    assert 'On the first try it was 1.' in f.locator('#main').text_content()
    f.locator('#again').click()
    assert f.locator('#standing').text_content() == '0 of 0 answered right, 3 to go'

def test_keyboard_alone(browser_page):
    "Tab, arrows, space, Enter and letters: from the first question to the result, every kind answered rightly"
    f, kb = open_frame(browser_page, quiz(questions=ONE_OF_EACH, seed=SEED)), browser_page.keyboard
    def focused(): return f.evaluate('(e => `${e.tagName} ${e.id} ${e.name || ""} ${e.value ?? ""} ${e.getAttribute("aria-label") || ""}`)(document.activeElement)')
    def tab_to(what, most=40):
        for _ in range(most):
            if re.search(what, focused()): return
            kb.press('Tab')
        raise AssertionError(f'{what} cannot be reached with Tab; focus is on {focused()}')
    for q in ONE_OF_EACH:
        shown = page_question(q, SEED)
        match q['kind']:
            case 'single':
                tab_to('INPUT')
                kb.press('Space')
                for _ in range(next(i for i,o in enumerate(shown['options']) if o['right'])): kb.press('ArrowDown')
                kb.press('Enter')
            case 'multi':
                for i,o in enumerate(shown['options']):
                    tab_to(f'INPUT .* {i} ')
                    if o['right']: kb.press('Space')
                kb.press('Enter')
            case 'numeric':
                tab_to('INPUT'); kb.type(str(q['answer'])); kb.press('Enter')
            case 'order':
                for place in range(len(q['items'])):
                    text = to_text(q['items'][place]['text'])
                    at = f.locator('.rows .what').all_text_contents().index(text)
                    if at == place: continue
                    f.evaluate('document.activeElement.blur()')
                    tab_to('Move up: ' + re.escape(text), most=60)
                    for _ in range(at - place): kb.press('Enter')
                tab_to('BUTTON check'); kb.press('Enter')
            case 'match':
                for i,p in enumerate(shown['pairs']):
                    tab_to('SELECT .*' + re.escape(p['text']))
                    for _ in range(p['answer'] + 1): kb.press('ArrowDown')
                    kb.press('Tab')
                tab_to('BUTTON check'); kb.press('Enter')
            case 'short':
                tab_to('TEXTAREA'); kb.type('It shifts the boundary.'); tab_to('BUTTON check'); kb.press('Enter')
                for i in range(len(q['points'])): tab_to(f'INPUT  point {i}'); kb.press('Space')
                kb.press('Enter')
            case 'essay':
                tab_to('TEXTAREA'); kb.type('First, second, third.'); tab_to('BUTTON check'); kb.press('Enter')
                for r in q['rubric']:
                    tab_to('SELECT .*Marks for ' + re.escape(r['criterion']))
                    for _ in range(r['marks']): kb.press('ArrowDown')
                    kb.press('Tab')
                tab_to('BUTTON check'); kb.press('Enter')
        assert '✓ Right.' in f.locator('.verdict').last.text_content(), q['kind']
        assert 'BUTTON next' in focused()
        kb.press('Enter')
    assert f.locator('h2').first.text_content() == 'Score: 7 of 7 (100 %)'
    assert f.evaluate('document.activeElement.tagName') == 'H2'

def test_every_control_has_a_name(browser_page):
    f = open_frame(browser_page, quiz(questions=ONE_OF_EACH, seed=SEED))
    nameless = '''[...document.querySelectorAll("button, input, select, textarea")].filter(e =>
        !(e.getAttribute("aria-label") || e.textContent.trim() && e.tagName === "BUTTON" || e.closest("label") && e.closest("label").textContent.trim())).map(e => e.outerHTML)'''
    for q in ONE_OF_EACH:
        assert f.evaluate(nameless) == [], q['kind']
        fill(f, q, True)
        assert f.evaluate(nameless) == [], q['kind']
        f.locator('#check').click(); f.locator('#next').click()
    assert f.evaluate('document.documentElement.lang') == 'en' and f.locator('[role=status][aria-live=polite]').count() == 1
    assert browser_page.locator('iframe').get_attribute('title')

def test_mathematics_is_drawn(browser_page):
    q = next(q for q in B.bank(3) if q['id'] == 'w3.q25' or r'\lfloor' in q['text'])
    f = open_frame(browser_page, quiz(questions=[q], seed=SEED))
    box = f.locator('legend math').first.bounding_box()
    assert box['width'] > 60 and box['height'] > 10
    assert not f.locator('legend').text_content().count('\\')

@pytest.mark.parametrize('width', [320, 390])
def test_narrow(browser_page, width):
    browser_page.set_viewport_size(dict(width=width, height=700))
    qs = ONE_OF_EACH + B.draw(B.bank(kinds=CLOSED), 16, seed=1)
    f = open_frame(browser_page, quiz(questions=qs, seed=SEED))
    for q in qs:
        assert overflow(f) <= 0, q['id']
        fill(f, q, True)
        f.locator('#check').click()
        assert overflow(f) <= 0, (q['id'], 'checked')
        f.locator('#next').click()
    assert overflow(f) <= 0

CONTRAST = '''() => {
  const rgb = c => c.match(/[\\d.]+/g).map(Number);
  const lum = c => rgb(c).slice(0, 3).map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4).reduce((s, v, i) => s + v * [.2126, .7152, .0722][i], 0);
  const back = e => { while (e) { const c = getComputedStyle(e).backgroundColor; if (rgb(c)[3] !== 0 && c !== 'rgba(0, 0, 0, 0)') return c; e = e.parentElement; } return 'rgb(255, 255, 255)'; };
  const low = [];
  for (const e of document.querySelectorAll('body *')) {
    if (!e.offsetParent || e.matches(':disabled, .sr-only') || ![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
    const a = lum(getComputedStyle(e).color), b = lum(back(e)), ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) low.push(`${e.tagName} ${e.className} ${ratio.toFixed(2)} ${e.textContent.slice(0, 30)}`);
  }
  return low;
}'''

@pytest.mark.parametrize('scheme', ['light', 'dark'])
def test_colours(browser_page, scheme):
    browser_page.emulate_media(color_scheme=scheme)
    f = open_frame(browser_page, quiz(questions=ONE_OF_EACH, seed=SEED))
    dark = f.evaluate('getComputedStyle(document.body).backgroundColor') == 'rgb(21, 24, 28)'
    assert dark == (scheme == 'dark')
    for q in ONE_OF_EACH:
        fill(f, q, False); f.locator('#check').click()
        assert f.evaluate(CONTRAST) == [], q['kind']
        f.locator('#next').click()
    f.locator('#theme').select_option('light' if scheme == 'dark' else 'dark')
    assert (f.evaluate('getComputedStyle(document.body).backgroundColor') == 'rgb(21, 24, 28)') != dark
    assert f.evaluate(CONTRAST) == []

def test_reload_keeps_progress(browser_page):
    part = quiz(questions=ONE_OF_EACH, seed=SEED)
    f = open_site(browser_page, part)
    assert 'kept in this browser' in f.locator('#kept').text_content()
    fill(f, ONE_OF_EACH[0], True); f.locator('#check').click(); f.locator('#next').click()
    fill(f, ONE_OF_EACH[1], False); f.locator('#check').click(); f.locator('#next').click()
    f.locator('[name=answer]').fill('12.5')  # typed, not checked
    browser_page.reload()
    assert f.locator('#standing').text_content() == '1 of 2 answered right, 5 to go'
    assert f.locator('.meta').text_content().startswith('Question 3 of 7') and f.locator('[name=answer]').input_value() == '12.5'
    f.locator('#dots button').nth(1).click()
    assert '✗ Not right.' in f.locator('.verdict').text_content()
    assert f.locator('#dots button').nth(0).get_attribute('aria-label') == 'Question 1, right'
    # another quiz begins fresh
    browser_page.unroute(SITE)
    f = open_site(browser_page, quiz(questions=ONE_OF_EACH[:3], seed=SEED))
    assert f.locator('#standing').text_content() == '0 of 0 answered right, 3 to go'
    browser_page.outside.clear()

@pytest.mark.parametrize('junk', ['no json', '7', '[]', '{"answers": [], "round": [0], "at": 0}', '{"answers": [{},{},{},{},{},{},{}], "round": [99], "at": 0}'])
def test_spoilt_storage_begins_anew(browser_page, junk):
    part = quiz(questions=ONE_OF_EACH, seed=SEED)
    f = open_site(browser_page, part)
    key = re.search(r'"key": "(\w+)"', part.doc)[1]
    f.evaluate('([k, v]) => localStorage.setItem(k, v)', ['course_labs.quiz.' + key, junk])
    browser_page.reload()
    browser_page.outside.clear()
    assert f.locator('.meta').text_content().startswith('Question 1 of 7')

def test_frame_has_no_storage_and_says_so(browser_page):
    f = open_frame(browser_page, quiz(questions=ONE_OF_EACH, seed=SEED))
    assert 'until this page is closed' in f.locator('#kept').text_content()
    fill(f, ONE_OF_EACH[0], True); f.locator('#check').click()
    assert f.locator('#standing').text_content().startswith('1 of 1')

def test_page_marks_as_python_does(browser_page):
    "Random answers to every question of the bank: the same score and, for numbers, the same feedback"
    qs, rand = [instance(q, 4) for q in B.bank()], random.Random(1)
    f = open_frame(browser_page, quiz(questions=qs, seed=SEED))
    calls, want = [], []
    for i,q in enumerate(qs):
        kind, answers = kind_of(q), [B.key(q), *(B.guess(q, rand) for _ in range(3))]
        if q['kind'] == 'numeric': answers += [q['answer'] + q['tolerance']*0.9, q['answer'] - q['tolerance']*1.2 - 1e-6]
        for a in answers:
            calls.append([i, kind.as_shown(a, SEED)])
            want.append([B.score(q, a), [to_html(o) for o in B.feedback(q, a)] if q['kind'] == 'numeric' else None])
    got = f.evaluate("""calls => calls.map(([i, a]) => {
        const q = questions[i], kind = KINDS[q.kind];
        return [kind.mark(q, a), kind.feedback ? kind.feedback(q, a) : null];
    })""", calls)
    assert len(got) == len(want)
    for (i,a),g,w in zip(calls, got, want): assert abs(g[0] - w[0]) < 1e-9 and g[1] == w[1], (qs[i]['id'], a, g, w)

@pytest.mark.parametrize('text,value', [('0.25', 0.25), (' 1 000 ', 1000), ('1,000', 1000), ('12,345.5', 12345.5), ('0,25', 0.25), ('1/4', 0.25), ('-3e-2', -0.03), ('−2', -2), ('6.3 %', 6.3), ('.5', 0.5),
                                        ('', None), ('abc', None), ('1/0', None), ('1/2/3', None), ('--1', None), ('1e999', None), ('0x10', None)])
def test_numbers_are_read(browser_page, text, value):
    f = open_frame(browser_page, quiz(questions=[ONE_OF_EACH[2]], seed=SEED))
    assert f.evaluate('readNumber', text) == value

@pytest.mark.parametrize('typed,read', [('1,234,000', '1234000'), ('0,999', '0.999'), ('7 1/2', '7.5'), ('1.234', '1.234'), ('1234', None)])
def test_a_wrong_number_says_how_it_was_read(browser_page, typed, read):
    f = open_frame(browser_page, quiz(questions=[ONE_OF_EACH[2]], seed=SEED))
    f.locator('[name=answer]').fill(typed)
    f.locator('#check').click()
    said = f.locator('.verdict').last.text_content()
    assert '✗ Not right.' in said and (f'Your answer was read as {read}.' in said if read else 'was read as' not in said)

@pytest.mark.parametrize('typed,says', [('25%', '25% is 0.25'), ('1,234', '1,234 can be read as 1234 and as 1.234'), ('a lot', 'Enter a number first')])
def test_what_can_be_read_in_two_ways_is_asked_back(browser_page, typed, says):
    f = open_frame(browser_page, quiz(questions=[ONE_OF_EACH[2]], seed=SEED))
    f.locator('[name=answer]').fill(typed)
    f.locator('#check').click()
    assert says in f.locator('.problem').text_content()
    assert not f.locator('.verdict').count() and f.locator('[name=answer]').is_enabled() and 'answered right, 1 to go' in f.locator('#standing').text_content()

def test_a_question_can_be_told_to_be_wrong(browser_page):
    "Its id is seen, and a click opens the project's form for an issue, in which id and seed stand, in a tab of its own"
    q = instance(ONE_OF_EACH[2], 7)
    f = open_frame(browser_page, quiz(questions=[q, ONE_OF_EACH[0]], seed=SEED))
    seen = []
    browser_page.context.route('**/issues/new**', lambda r: (seen.append(r.request.url), r.fulfill(body='a form')))
    for o in (q, ONE_OF_EACH[0]):
        link = f.locator('#report')
        assert o['id'] in f.locator('.report').text_content() and link.get_attribute('href') == B.issue_link(o)
        with browser_page.context.expect_page() as opened: link.click()
        opened.value.wait_for_load_state()
        assert seen[-1] == B.issue_link(o) and opened.value.url == seen[-1]
        opened.value.close()
        f.locator('#next').click()
    assert f.locator('h2').first.is_visible(), 'the quiz is still there'

def test_fallback_without_frames(browser_page):
    "A front end that strips frames and scripts still shows the questions, the answers folded away"
    part = quiz(questions=ONE_OF_EACH, seed=SEED)
    browser_page.set_content(re.sub(r'<iframe.*?</iframe>|<style.*?</style>', '', part._repr_html_(), flags=re.S))
    assert browser_page.locator('li > p').first.is_visible() and browser_page.locator('details').count() == 7
    assert not browser_page.locator('details p').first.is_visible()
    browser_page.locator('summary').first.click()
    assert browser_page.locator('details p').first.is_visible()

# ---- flashcards

def test_cards_come_and_go(browser_page):
    f = open_frame(browser_page, flashcards(weeks=1))
    first = f.locator('#term').text_content()
    assert f.locator('#back').count() == 0
    f.locator('#turn').click()
    assert f.locator('#back').is_visible() and 'week 1, section' in f.locator('#main').text_content()
    f.locator('#no').click()
    seen = []
    for _ in range(4):
        seen.append(f.locator('#term').text_content())
        f.locator('#turn').click(); f.locator('#yes').click()
    assert first not in seen and f.locator('#term').text_content() == first, 'a missed card comes back after four others'
    assert '4 known' in f.locator('#counts').text_content()

def test_cards_by_keyboard_and_filters(browser_page):
    f, kb = open_frame(browser_page, flashcards(weeks=[1, 2])), browser_page.keyboard
    total = f.evaluate('data.cards.length')
    f.locator('#turn').focus()
    for key in '2212': kb.press('Enter'); kb.press(key)
    assert f'{total - 3} not known yet · 3 known' in f.locator('#counts').text_content()
    f.locator('#which').select_option('unknown')
    assert f'{total - 3} in this round' in f.locator('#counts').text_content()
    f.locator('#week').select_option('2')
    assert 'Week 2' in f.locator('.meta').first.text_content() and '0 known' in f.locator('#counts').text_content()
    f.locator('#which').select_option('all')
    n2 = f.evaluate('data.cards.filter(c => c.week === 2).length')
    assert f'{n2} in this round' in f.locator('#counts').text_content()
    f.locator('#forget').click()
    assert '3 known' not in f.locator('#counts').text_content()
    f.locator('#week').select_option('')
    assert '3 known' in f.locator('#counts').text_content(), 'one press forgets nothing'
    f.locator('#forget').click(); f.locator('#forget').click()
    assert '· 0 known' in f.locator('#counts').text_content()

def test_known_cards_come_back_later(browser_page):
    "The gaps grow: 1 day, then 3, then 7; progress is there after a reload"
    f = open_site(browser_page, flashcards(weeks=1))
    id_ = f.evaluate('queue[0].id')
    gaps = []
    for _ in range(4):
        f.evaluate('id => { if (progress[id]) { progress[id].due = Date.now() - 1; store.write(progress); } fill(); }', id_)
        assert f.evaluate('queue[0].id') == id_, 'what was due longest comes first'
        f.locator('#turn').click(); f.locator('#yes').click()
        gaps.append(round(f.evaluate('id => (progress[id].due - Date.now())/DAY', id_), 2))
        browser_page.reload()
        browser_page.outside.clear()
    assert gaps == [1, 3, 7, 16]
    assert '1 known' in f.locator('#counts').text_content() and id_ not in f.evaluate('queue.map(c => c.id)')

@pytest.mark.parametrize('scheme,width', [('light', 1280), ('dark', 320)])
def test_cards_look(browser_page, scheme, width):
    browser_page.emulate_media(color_scheme=scheme)
    browser_page.set_viewport_size(dict(width=width, height=600))
    f = open_frame(browser_page, flashcards())
    for _ in range(12):
        assert overflow(f) <= 0 and f.evaluate(CONTRAST) == []
        f.locator('#turn').click()
        assert overflow(f) <= 0 and f.evaluate(CONTRAST) == []
        f.locator('#yes').click()

# ---- exam papers

@pytest.mark.parametrize('which', ['paper', 'key'])
def test_exam_prints(browser_page, which):
    doc = getattr(exam(seed=7), which)()
    browser_page.set_viewport_size(dict(width=700, height=900))
    browser_page.set_content(doc)
    assert browser_page.locator('math').first.bounding_box()['width'] > 3
    browser_page.emulate_media(media='print')
    assert browser_page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth') <= 0
    pdf = browser_page.pdf(prefer_css_page_size=True)
    pages = len(re.findall(rb'/Type\s*/Page\b', pdf))
    assert 4 <= pages <= 14, pages
