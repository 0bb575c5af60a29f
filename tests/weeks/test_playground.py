"Week 1: the playground in Python and in the page, and that the two agree"
import json, re
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings as hyp, strategies as st

from course_labs.core.paths import data_dir, lab_notebooks
from course_labs.data_sets import plane
from course_labs.teaching.embed import page as html_page
from course_labs.teaching.playground import net, page as paged, pictures, run as running, settings as ruled
from course_labs.core.files import CourseError, write_whole

pg = SimpleNamespace(**{k: v for m in (plane, net, ruled, running, pictures, paged) for k,v in vars(m).items()})
ACTIVATIONS, REGULARISATIONS, STEPS = list(pg.ACTIVATIONS), ('none', 'L1', 'L2'), 200

# ---- Settings, in Python ----

BAD = [("noise=70", 'noise=70: a whole number from 0 to 50'), ("noise=-1", 'noise=-1: a whole number from 0 to 50'),
       ("noise=2.5", 'noise=2.5: a whole number from 0 to 50'), ("noise=True", 'noise=True: a whole number from 0 to 50'),
       ("train_ratio=95", 'train_ratio=95: a whole number from 10 to 90'), ("batch_size=0", 'batch_size=0: a whole number from 1 to 100'),
       ("seed=1000000", 'seed=1000000: a whole number from 0 to 999,999'), ("lr=0", 'lr=0: a number from 1e-05 to 10'),
       ("lr='fast'", "lr='fast': a number from 1e-05 to 10"), ("lr=1e9", None), ("reg_rate=-0.1", 'reg_rate=-0.1: a number from 0 to 10'),
       ("hidden=[9]", 'hidden=[9]: a list of 0 to 6 layers of 1 to 8 neurons each'), ("hidden=[1, 2, 3, 4, 5, 6, 7]", 'hidden=[1, 2, 3, 4, 5, 6, 7]: a list of 0 to 6'),
       ("hidden=[0]", 'hidden=[0]: a list'), ("hidden=4", 'hidden=4: a list'), ("features=[]", 'features=[]: a list of one or more of x1, x2, x1^2'),
       ("features=['x3']", "features=['x3']: a list of one or more"), ("features=['x1', 'x1']", 'each once'),
       ("activation='softmax'", "activation='softmax': choose one of tanh, relu, sigmoid, linear"), ("dataset='moons'", "dataset='moons': choose one of circle"),
       ("regularisation=None", 'regularisation=None: choose one of none, L1, L2'), ("discretise=1", 'discretise=1: True or False'),
       ("points=[[1, 2]]", 'points=[[1, 2]]: a list of at most 1,000 points [x1, x2, class], coordinates from -6 to 6'), ("points=[[7, 2, 0]]", 'points=[[7, 2, 0]]: a list'),
       ("points=[[1, 2, 6]]", 'points=[[1, 2, 6]]: a list'), ("points=[[1, 2, 0.5]]", 'points=[[1, 2, 0.5]]: a list'), ("points=['ab']", "points=['ab']: a list"),
       ("points=3", 'points=3: a list'), ("neurons=3", 'there is no setting neurons; there are: dataset, noise')]

@pytest.mark.parametrize('text,why', BAD)
def test_bad_setting(text, why):
    for f in (pg.check_settings, pg.show, pg.Run):
        with pytest.raises(CourseError) as e: eval(f'f({text})', dict(f=f))
        assert '\n' not in str(e.value) and (why is None or why in str(e.value))

@pytest.mark.parametrize('v', [float('nan'), float('inf'), -float('inf'), np.bool_(True), [1], None, '3'])
@pytest.mark.parametrize('name', ['lr', 'noise', 'hidden', 'seed'])
def test_odd_values(name, v):
    if (name, v) == ('hidden', [1]): return
    with pytest.raises(CourseError, match=name): pg.check_settings(**{name: v})

a_setting = st.fixed_dictionaries({}, optional=dict(
    dataset=st.sampled_from(list(pg.DATASETS)), noise=st.integers(0, 50), train_ratio=st.integers(10, 90), batch_size=st.integers(1, 100), seed=st.integers(0, 999_999),
    features=st.lists(st.sampled_from(list(pg.FEATURES)), min_size=1, max_size=7, unique=True), hidden=st.lists(st.integers(1, 8), max_size=6),
    activation=st.sampled_from(ACTIVATIONS), regularisation=st.sampled_from(REGULARISATIONS), reg_rate=st.floats(0, 10), lr=st.floats(1e-5, 10),
    show_test=st.booleans(), discretise=st.booleans()))

@hyp(deadline=None, max_examples=50)
@given(a_setting)
def test_good_settings(given_settings):
    s = pg.check_settings(**given_settings)
    assert set(s) == set(pg.SETTINGS) and pg.check_settings(**s) == s == json.loads(json.dumps(s))

def test_defaults_are_not_shared():
    pg.check_settings()['hidden'].append(3)
    assert pg.check_settings()['hidden'] == [4, 2]

@pytest.mark.parametrize('spoil', [lambda s: s.pop('weights'), lambda s: s['weights'][0].pop(), lambda s: s['biases'].pop(), lambda s: s['train']['X'].append([1]),
                                   lambda s: s['train']['y'].pop(), lambda s: s.update(settings=dict(noise=99)), lambda s: s['test'].update(X=[[1, float('nan')]]*250),
                                   lambda s: s.update(train=None)])
def test_bad_state(spoil):
    s = pg.Run().state()
    spoil(s)
    with pytest.raises(CourseError) as e: pg.load_state(s)
    assert '\n' not in str(e.value)

def test_state_round_trip():
    run = pg.train(3, dataset='multi gauss', hidden=[5], activation='relu', regularisation='L1', reg_rate=.003, lr=.1)
    again = pg.load_state(json.loads(json.dumps(run.state())))
    assert again.loss(again.test) == run.loss(run.test)

def test_every_batch_once(monkeypatch):
    run, seen = pg.Run(batch_size=60), []
    monkeypatch.setattr(running, 'sgd_step', lambda net, X, y, *a: seen.append(len(y)))
    run.epochs(2)
    assert seen == [60, 60, 60, 60, 10]*2 and len(run.losses) == 3

OWN = [[round(4*x + .3*k, 2), round(3*y - .2*k, 2), i] for k in range(8) for i,(x,y) in enumerate([(0, 1), (-1, 0), (0, -1), (.5, 0)])]

# ---- The page ----

def until(frame, expression, seconds=60):
    "Wait until an expression of the page is true; the page's policy forbids what Playwright's own wait does"
    end = time.monotonic() + seconds
    while not frame.evaluate(expression):
        assert time.monotonic() < end, expression
        frame.page.wait_for_timeout(50)

def opened(page, **settings):
    "The frame of `show(**settings)` within a page, ready"
    page.set_content('<!doctype html><meta charset="utf-8"><body style="margin:0">' + pg.show(**settings)._repr_html_())
    frame = page.frames[1]
    until(frame, 'window.playground')
    return frame

def worst(a, b):
    "Largest difference of two states' weights and biases"
    return max(float((torch.tensor(x, dtype=torch.float64) - torch.tensor(y, dtype=torch.float64)).abs().max())
               for k in ('weights', 'biases') for x,y in zip(a[k], b[k], strict=True))

@pytest.mark.browser
@pytest.mark.parametrize('dataset,lr', [('spiral', .01), ('multi gauss', .001), ('pinwheel', .01), ('own', .01)])
def test_agreement(browser_page, dataset, lr):
    "The same start, exchanged as JSON: 200 steps later the weights are the same, for every activation and regularisation"
    frame, found = opened(browser_page), {}
    for activation in ACTIVATIONS:
        for regularisation in REGULARISATIONS:
            run = pg.Run(dataset=dataset, noise=10, seed=7, features=list(pg.FEATURES), hidden=[5, 4, 3], activation=activation,
                         regularisation=regularisation, reg_rate=.01, lr=lr, batch_size=16, points=OWN)
            start = run.state()
            assert frame.evaluate('s => playground.load(s)', start)
            frame.evaluate('n => playground.step(n)', STEPS)
            for _ in range(STEPS): run.step()
            theirs = frame.evaluate('playground.state()')
            assert theirs['steps'] == STEPS and worst(start, theirs) > 1e-3
            found[activation, regularisation] = worst(run.state(), theirs)
            back = pg.load_state(theirs)
            assert abs(back.loss(back.test) - run.loss(run.test)) < 1e-8
    print(dataset, {k: f'{v:.0e}' for k,v in found.items()})
    assert len(found) == 12 and max(found.values()) < 1e-5, found

@pytest.mark.browser
def test_l1_zeros_agree(browser_page):
    "L1 brings the same weights to exactly 0"
    frame = opened(browser_page)
    run = pg.Run(dataset='gauss', features=list(pg.FEATURES), hidden=[6], regularisation='L1', reg_rate=.1, lr=.03)
    frame.evaluate('s => playground.load(s)', run.state())
    frame.evaluate('playground.step(200)')
    for _ in range(200): run.step()
    ours, theirs = (torch.tensor(w['weights'][0]) == 0 for w in (run.state(), frame.evaluate('playground.state()')))
    assert ours.sum() > 5 and torch.equal(ours, theirs)

@pytest.mark.browser
def test_same_seed(browser_page):
    "A seed alone gives the same points and the same initial weights on both sides"
    frame = opened(browser_page)
    for dataset in [*pg.DATASETS, 'own']:
        s = dict(dataset=dataset, points=OWN, noise=20, seed=123456, features=list(pg.FEATURES), hidden=[3, 8], train_ratio=33)
        frame.evaluate('s => playground.set(s)', s)
        ours, theirs = pg.Run(**s).state(), frame.evaluate('playground.state()')
        assert worst(ours, theirs) < 1e-15 and ours['settings'] == theirs['settings']
        for part in ('train', 'test'):
            for k in 'Xy': assert np.allclose(ours[part][k], theirs[part][k], rtol=0, atol=1e-12) and len(ours[part][k])

@pytest.mark.browser
def test_play_pause_step_reset(browser_page):
    frame = opened(browser_page, dataset='circle')
    state = lambda: frame.evaluate('playground.state()')
    start = state()
    play = frame.get_by_role('button', name='Play')
    play.click()
    until(frame, 'playground.history().length > 5')
    assert frame.evaluate('playground.playing()')
    frame.get_by_role('button', name='Pause').click()
    assert not frame.evaluate('playground.playing()')
    trained = state()
    browser_page.wait_for_timeout(150)
    assert state() == trained and worst(start, trained) > 1e-3
    losses = frame.evaluate('playground.history()')
    assert losses[-1][1] < losses[0][1]
    assert 'train loss' in frame.locator('#status').text_content()
    frame.get_by_role('button', name='Step').click()
    assert state()['steps'] == trained['steps'] + 1
    frame.get_by_role('button', name='Reset').click()
    assert state() == start and frame.locator('#epochs').text_content() == '0'
    frame.get_by_role('button', name='Epoch').click()
    assert state()['steps'] == 25 and frame.locator('#epochs').text_content() == '1'

@pytest.mark.browser
def test_keyboard(browser_page):
    frame = opened(browser_page)
    frame.locator('h2').first.click()
    for key, steps in (('s', 1), ('s', 2), ('e', 25), ('r', 0)):
        browser_page.keyboard.press(key)
        assert frame.evaluate('playground.state().steps') == steps
    browser_page.keyboard.press('Space')
    assert frame.evaluate('playground.playing()')
    browser_page.keyboard.press('Space')
    assert not frame.evaluate('playground.playing()')
    # Every control can be reached with the Tab key and has a name
    browser_page.keyboard.press('r')
    reached = set()
    for _ in range(90):
        browser_page.keyboard.press('Tab')
        reached.add(frame.evaluate('document.activeElement.id || document.activeElement.name || document.activeElement.getAttribute("aria-label")'))
    assert {'play', 'step', 'epoch', 'reset', 'lr', 'activation', 'regularisation', 'theme', 'dataset', 'noise', 'train_ratio', 'batch_size', 'seed', 'reseed', 'show_test',
            'discretise', 'line', 'copy', 'use', 'less-layers', 'more-layers', 'Feature sin(x2)', 'Neuron 4 of layer 1', 'Output neuron', 'Add a neuron to layer 2'} <= reached
    assert frame.evaluate('''[...document.querySelectorAll("button, input, select")].filter(e => !(e.textContent.trim() && e.tagName === "BUTTON") &&
        !e.getAttribute("aria-label") && !e.labels?.length).map(e => e.outerHTML)''') == []

@pytest.mark.browser
def test_every_control(browser_page):
    frame = opened(browser_page)
    settings = lambda k: frame.evaluate('playground.settings()')[k]
    for name in pg.DATASETS:
        frame.locator(f'#datasets label:has(input[value="{name}"])').click()
        assert settings('dataset') == name
    for id, values in dict(lr=['10', '0.00001', '0.1'], activation=ACTIVATIONS[::-1], regularisation=['L1', 'L2'], reg_rate=['10', '0.003']).items():
        for v in values:
            frame.locator(f'#{id}').select_option(v)
            assert settings(id) == (float(v) if id in ('lr', 'reg_rate') else v)
    for id in ('noise', 'train_ratio', 'batch_size'):
        for key, edge in (('Home', 'low'), ('End', 'high')):
            frame.locator(f'#{id}').press(key)
            assert settings(id) == pg.SETTINGS[id][edge]
            frame.evaluate('playground.step(3)')
    frame.locator('#seed').fill('77')
    frame.locator('#seed').press('Enter')
    frame.locator('#reseed').click()
    assert settings('seed') == 78
    for id in ('show_test', 'discretise'):
        frame.locator(f'#{id}').check()
        assert settings(id)
    for f in pg.FEATURES:
        if f not in ('x1', 'x2'): frame.get_by_label(f'Feature {f}', exact=True).click()
    assert settings('features') == list(pg.FEATURES)
    for f in list(pg.FEATURES)[1:]: frame.get_by_label(f'Feature {f}', exact=True).click()
    assert settings('features') == ['x1']
    frame.get_by_label('Feature x1', exact=True).click()
    assert settings('features') == ['x1'] and 'one or more' in frame.locator('#message').text_content()
    for n in range(3, 7):
        frame.locator('#more-layers').click()
        assert len(settings('hidden')) == n
    assert frame.locator('#more-layers').is_disabled()
    for l in range(1, 7):
        while frame.get_by_label(f'Add a neuron to layer {l}').is_enabled(): frame.get_by_label(f'Add a neuron to layer {l}').click()
    assert settings('hidden') == [8]*6
    frame.evaluate('playground.epochs(1)')
    for l in range(1, 7): frame.get_by_label(f'Remove a neuron from layer {l}').click()
    assert settings('hidden') == [7]*6
    for _ in range(6): frame.locator('#less-layers').click()
    assert settings('hidden') == [] and frame.locator('#less-layers').is_disabled()
    frame.evaluate('playground.epochs(1)')
    for theme in ('dark', 'light'):
        frame.locator('#theme').select_option(theme)
        assert frame.evaluate('getComputedStyle(document.body).backgroundColor') == dict(dark='rgb(21, 24, 28)', light='rgb(255, 255, 255)')[theme]

def digest(frame, id): # [number of pixels that are not empty, a sum that depends on all of them]
    return frame.evaluate(f'(() => {{ const c = document.getElementById("{id}"), d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data; let n = 0, s = 0; for (let k = 0; k < d.length; k++) {{ s = (31 * s + d[k]) % 1000003; n += k % 4 === 3 && d[k] > 0; }} return [n, s]; }})()')
def pixels(frame, id): return frame.evaluate(f'(() => {{ const c = document.getElementById("{id}"); return Array.from(c.getContext("2d").getImageData(0, 0, c.width, c.height).data); }})()')

@pytest.mark.browser
def test_drawn(browser_page):
    "The surface on the canvas is the network's: the sign of its colour is that of PlaygroundNet at the same places"
    frame = opened(browser_page, dataset='xor', lr=.1, hidden=[6])
    frame.evaluate('playground.epochs(60)')
    run = pg.load_state(frame.evaluate('playground.state()'))
    ours = pg.surfaces(run.net, 100)[-1][0].flip(0)
    rgba = torch.tensor(pixels(frame, 'surface')).view(100, 100, 4)
    blue = rgba[...,2] > rgba[...,0]
    clear = ours.abs() > .05
    assert clear.float().mean() > .8 and torch.equal(blue[clear], (ours > 0)[clear])
    before = digest(frame, 'points')
    frame.locator('#show_test').check()
    assert digest(frame, 'points') != before
    frame.locator('#discretise').check()
    assert len({tuple(p) for p in torch.tensor(pixels(frame, 'surface')).view(-1, 4).tolist()}) == 2
    for id in ('links', 'curve'): assert digest(frame, id)[0] > 100
    thumbs = frame.evaluate('[...document.querySelectorAll(".neuron canvas")].map(c => new Set(new Uint32Array(c.getContext("2d").getImageData(0, 0, 25, 25).data.buffer)).size)')
    assert len(thumbs) == 7 + 6 + 1 and min(thumbs) >= 2

@pytest.mark.browser
def test_edit_weights(browser_page):
    frame = opened(browser_page)
    frame.get_by_label('Neuron 2 of layer 1').click()
    fields = frame.locator('#editor input')
    assert fields.count() == 3
    for k, v in enumerate(('1.25', '-2', '0.5')):
        fields.nth(k).fill(v)
        fields.nth(k).press('Tab')
    state = frame.evaluate('playground.state()')
    assert state['biases'][0][1] == 1.25 and state['weights'][0][1] == [-2, .5]
    assert 'neuron 2 of layer 1' in frame.locator('#shown').text_content()
    fields.first.fill('')
    fields.first.press('Tab')
    assert 'expected a number' in frame.locator('#message').text_content()
    assert frame.evaluate('playground.state().biases[0][1]') == 1.25
    # A line under the mouse names its weight
    box = frame.locator('#net').bounding_box()
    first, second = (frame.get_by_label(n, exact=True).bounding_box() for n in ('Feature x1', 'Neuron 1 of layer 1'))
    browser_page.mouse.move((first['x'] + first['width'] + second['x'])/2, first['y'] + first['height']/2)
    assert 'Weight from x1 to neuron 1 of layer 1' in frame.locator('#hover').text_content() and box
    browser_page.mouse.down(); browser_page.mouse.up()
    assert frame.evaluate('document.activeElement.parentElement.textContent') == 'x1'

@pytest.mark.browser
def test_share_settings(browser_page):
    "The line that the page shows is the Python that opens it again"
    s = dict(dataset='multi gauss', noise=15, train_ratio=70, batch_size=32, seed=9, features=['x1', 'sin(x2)'], hidden=[8, 3, 1], activation='sigmoid',
             regularisation='L2', reg_rate=.0125, lr=.7, show_test=True, discretise=True)
    frame = opened(browser_page, **s)
    line = frame.locator('#line').input_value()
    seen = []
    eval(line, dict(show=lambda **kw: seen.append(pg.check_settings(**kw))))
    assert seen == [pg.check_settings(**s)] == [frame.evaluate('playground.settings()')]
    frame.locator('#line').fill('playground.show()')
    frame.locator('#line').press('Enter')
    assert frame.evaluate('playground.settings()') == pg.check_settings()
    frame.locator('#line').fill(f'  playground . show ( {line[5:-1]} , ) ;')
    frame.locator('#use').click()
    assert frame.evaluate('playground.settings()') == pg.check_settings(**s)
    frame.locator('#copy').click()
    frame.get_by_text('The line is copied.').wait_for()
    frame.locator('#line').fill('')
    frame.locator('#line').press('Control+v')
    assert frame.locator('#line').input_value() == line
    frame.locator('#copy-weights').click()
    frame.get_by_text('weights are copied.').wait_for()

@pytest.mark.browser
@pytest.mark.parametrize('line', ["train(40, dataset='xor', hidden=[3])", "mine = train(40,dataset='xor', hidden=[3],)", "train(epochs=40, dataset='xor', hidden=[3])",
                                  "playground.show(dataset='xor', hidden=[3])"])
def test_lines_of_a_notebook(browser_page, line):
    "A line that trains in a notebook, or that an earlier page wrote, can be pasted into the page"
    frame = opened(browser_page)
    frame.locator('#line').fill(line)
    frame.locator('#use').click()
    assert frame.evaluate('playground.settings()') == pg.check_settings(dataset='xor', hidden=[3])

def test_lesson_has_what_the_page_writes():
    "The page's line is `show(...)`, and the lesson tells of pasting one: both names stand in the notebook without a module before them"
    names = {}
    exec('from course_labs.teaching.playground.page import show\nfrom course_labs.teaching.playground.run import train', names)
    cells = [''.join(c['source']) for c in json.loads(Path(lab_notebooks()[1]).read_text(encoding='utf-8'))['cells']]
    shown = [re.search(r"`(show\(.*\))`", s)[1] for s in cells if re.search(r"^`show\(", s, re.M)]
    assert len(shown) == 1 and eval(shown[0], names).doc
    assert any('import show' in s for s in cells) and any('import accuracy, train' in s for s in cells)

@pytest.mark.browser
def test_bad_paste(browser_page):
    "What Python refuses the page refuses in the same words, and keeps its state"
    frame = opened(browser_page, hidden=[3])
    frame.evaluate('playground.step(5)')
    before = frame.evaluate('playground.state()')
    for text, why in BAD:
        try: eval(f'f({text})', dict(f=pg.check_settings))
        except CourseError as e: ours = str(e)
        assert not frame.evaluate('t => playground.paste(t)', f'playground.show({text})')
        theirs = frame.locator('#message').text_content()
        assert theirs.split(': ', 1)[1] == ours.split(': ', 1)[1] and theirs.split('=')[0] == ours.split('=')[0], (theirs, ours)
    for text in ('', 'hello', 'playground.show(', 'show(noise)', 'show(noise=)', 'show(noise=10 lr=1)', 'show(10)', 'show(noise=10, noise=20)', "show(dataset='circle)", 'show(hidden=[4, 2)',
                 'show(noise=10))', 'show(lr=1e)', 'train(noise=10)', 'train(4.5, noise=10)', 'train(40 noise=10)', 'show(noise=__import__("os"))', 'alert(1)', 'show(<script>)', 'show(hidden=[[4]])', 'show(constructor=1)', 'show(__proto__=1)', 'show(lr=1e999)'):
        frame.locator('#line').fill(text)
        frame.locator('#use').click()
        message = frame.locator('#message')
        assert message.text_content().strip() and '\n' not in message.text_content() and message.get_attribute('class') == 'bad', text
    assert frame.evaluate('playground.state()') == before

@pytest.mark.browser
def test_bad_state_in_page(browser_page):
    frame = opened(browser_page)
    before, good = frame.evaluate('playground.state()'), pg.Run(hidden=[3]).state()
    for bad in (dict(), dict(good, weights=[]), dict(good, biases=[[1]]), dict(good, train=dict(X=[[1]], y=[1])), dict(good, settings=dict(noise=99)), dict(good, test=None)):
        assert not frame.evaluate('s => playground.load(s)', bad)
        assert frame.locator('#message').text_content()
    assert frame.evaluate('playground.state()') == before

@pytest.mark.browser
def test_runs_away(browser_page):
    "A learning rate that blows up is said in one line and leaves a page that works"
    frame = opened(browser_page, dataset='plane', activation='linear', lr=10, features=['x1^2', 'x2^2'])
    frame.evaluate('playground.epochs(50)')
    assert 'learning rate of 10 is too large' in frame.locator('#message').text_content()
    assert frame.evaluate('playground.state().steps') == 0
    frame.evaluate('playground.play()')
    until(frame, 'document.getElementById("message").textContent.includes("too large")')
    assert not frame.evaluate('playground.playing()')

@pytest.mark.browser
@pytest.mark.parametrize('width', [1280, 1201, 1200, 1000, 958, 941, 940, 800, 701, 700, 620, 390, 340])
@pytest.mark.parametrize('dataset', ['circle', 'own'])
def test_widths(browser_page, width, dataset):
    "Nothing is cut off or scrolls sideways, and the frame is high enough, even at the largest network with a neuron open"
    browser_page.set_viewport_size(dict(width=width, height=900))
    frame = opened(browser_page, dataset=dataset, hidden=[8]*6, features=list(pg.FEATURES))
    frame.get_by_label('Neuron 1 of layer 2').click()
    sizes = frame.evaluate('({w: document.documentElement.scrollWidth, h: document.documentElement.scrollHeight, iw: innerWidth, ih: innerHeight})')
    assert sizes['w'] <= sizes['iw'] <= width and sizes['h'] <= sizes['ih'] + 1, sizes
    assert frame.evaluate('document.getElementById("line").getBoundingClientRect().bottom <= innerHeight')
    buttons = frame.evaluate('[...document.querySelectorAll("button, select, #line, .neuron")].filter(e => e.offsetParent).map(e => { const r = e.getBoundingClientRect(); return [e.id || e.title, r.left, r.right, r.height]; })')
    assert all(left >= 0 and right <= sizes['iw'] and height >= 24 for _, left, right, height in buttons), buttons
    assert frame.evaluate('document.getElementById("surface").getBoundingClientRect().width') > 200

@pytest.mark.browser
def test_touch(browser):
    context = browser.new_context(viewport=dict(width=390, height=800), has_touch=True, is_mobile=True)
    frame = opened(context.new_page())
    frame.get_by_role('button', name='Step').tap()
    frame.get_by_label('Feature x1^2', exact=True).tap()
    frame.get_by_label('Neuron 1 of layer 1').tap()
    assert frame.evaluate('playground.settings().features') == ['x1', 'x2', 'x1^2'] and frame.locator('#editor').is_visible()
    assert frame.locator('#play').bounding_box()['height'] >= 44
    context.close()

@pytest.mark.browser
@pytest.mark.parametrize('scheme,colour', [('light', 'rgb(255, 255, 255)'), ('dark', 'rgb(21, 24, 28)')])
def test_light_and_dark(browser, scheme, colour):
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    page.set_content(html_page('playground', dict(table=pg.SETTINGS, settings=pg.check_settings())))
    assert page.evaluate('getComputedStyle(document.body).backgroundColor') == colour
    context.close()

@pytest.mark.browser
def test_frame_time(browser_page):
    "Work in a frame at 6 layers of 8 neurons; the fastest tenth of the frames, as the machine may be busy with other things"
    frame = opened(browser_page, hidden=[8]*6, features=list(pg.FEATURES), dataset='spiral', lr=.01)
    frame.evaluate('playground.play()')
    until(frame, 'playground.timing.work.length >= 120')
    frame.evaluate('playground.pause()')
    work, gaps = (sorted(v) for v in frame.evaluate('[playground.timing.work, playground.timing.gaps]'))
    print(f'work in a frame: median {work[len(work)//2]:.1f} ms, fastest tenth {work[len(work)//10]:.1f} ms; between frames: median {gaps[len(gaps)//2]:.1f} ms (60 a second: 16.7 ms), drawn in software')
    assert work[len(work)//10] < 16.7

# ---- Own points, and more than two classes ----

CSV = {'two of them': '\n'.join(f'{k},{k % 4},{"ab"[k % 2]}' for k in range(-5, 6)),
       'headings, semicolons, five classes': 'left;right;kind\n' + '\n'.join(f'{k/2};{k % 7};"class {k % 5}"' for k in range(30)),
       'far away, classes by number, a mark at the start': '\ufeff' + '\r\n'.join(f'{100 + k*7}\t{k**2/3}\t{(10, 9, -1)[k % 3]}' for k in range(40)) + '\r\n\r\n',
       'a line that is too short': '1,2,a\n'*12 + '1,2', 'no number': '1,2,a\n'*12 + '1,x,b', 'no class': '1,2,a\n'*12 + '1,2,',
       'too few': '1,2,a\n3,4,b', 'one class': '1,2,a\n'*12, 'seven classes': '\n'.join(f'{k},{k},{k % 7}' for k in range(20)), 'too many': '1,2,a\n3,4,b\n'*501, 'empty': ''}

@pytest.mark.browser
def test_csv_is_read_alike(browser_page):
    "The page and Python read the same points and classes from a csv, or refuse it in the same words"
    frame, read = opened(browser_page), 0
    for name, text in CSV.items():
        theirs = frame.evaluate('t => { try { const o = playground.parsePoints(t); return [o.points, o.names]; } catch (e) { return e.message; } }', text)
        try: ours = list(pg.parse_points(text))
        except CourseError as e: ours = str(e)
        assert ours == theirs, name
        read += not isinstance(ours, str)
    assert read == 3

@pytest.mark.browser
def test_csv_in_page(browser_page, tmp_path):
    "A csv that is chosen in the page trains with as many outputs as it has classes; a bad one is refused in a line that names it"
    frame = opened(browser_page, lr=.1, hidden=[5])
    frame.locator('#datasets label:has(input[value="own"])').click()
    file, bad = tmp_path/'mine.csv', tmp_path/'bad.csv'
    file.write_text(CSV['headings, semicolons, five classes'])
    bad.write_text(CSV['no number'])
    frame.locator('#csv').set_input_files(file)
    until(frame, 'document.getElementById("message").textContent.includes("30 points of 5 classes: 0 is class 0")')
    frame.evaluate('playground.epochs(5)')
    state = frame.evaluate('playground.state()')
    assert state['settings']['points'] == pg.own_points(file)['points'] and len(state['biases'][-1]) == 5
    run = pg.Run(**state['settings']).epochs(5)
    assert worst(run.state(), state) < 1e-9
    frame.locator('#csv').set_input_files(bad)
    until(frame, 'document.getElementById("message").textContent.includes("bad.csv, line 13: expected two numbers and a class")')
    assert frame.evaluate('playground.state()') == state

@pytest.mark.browser
def test_drawn_points(browser_page):
    "Points drawn with the mouse are what Python gets from the line; there is no training before there is something to learn"
    browser_page.set_viewport_size(dict(width=1280, height=1200))
    frame = opened(browser_page, dataset='own', hidden=[4], lr=.1)
    frame.get_by_role('button', name='Play').click()
    assert not frame.evaluate('playground.playing()') and 'at least 10 points of two or more classes' in frame.locator('#message').text_content()
    assert frame.locator('#plane #first').is_visible() and [frame.locator(f'#{k}').text_content() for k in ('train-loss', 'test-acc')] == ['—']*2
    colours = frame.evaluate('[...document.querySelectorAll("#own_class option")].map(o => o.style.color)')
    assert len(set(colours)) == 6 and all(colours)
    box, drawn = frame.locator('#plane').bounding_box(), []
    for c in range(3):
        frame.locator('#own_class').select_option(str(c))
        for k in range(4):
            x, y = .2 + .3*c + .03*k, .2 + .2*((2*c + k) % 3)
            browser_page.mouse.click(box['x'] + x*box['width'], box['y'] + y*box['height'])
            drawn.append([12*x - 6, 6 - 12*y, c])
    points = frame.evaluate('playground.settings().points')
    assert np.allclose(points, drawn, atol=.06) and frame.locator('#classes span').count() == 3
    assert not frame.locator('#first').is_visible() and frame.locator('#drawn').text_content() == '12 points, 6 of them for testing'
    frame.evaluate('playground.epochs(3)')
    state, line = frame.evaluate('playground.state()'), frame.locator('#line').input_value()
    seen = []
    eval(line, dict(show=lambda **kw: seen.append(pg.check_settings(**kw))))
    assert seen == [state['settings']] and worst(pg.Run(**seen[0]).epochs(3).state(), state) < 1e-9
    frame.locator('#undo').click()
    assert frame.evaluate('playground.settings().points') == points[:-1]
    frame.locator('#clear').click()
    assert frame.evaluate('playground.settings().points') == [] and frame.locator('#undo').is_disabled()
    browser_page.mouse.move(box['x'] + 40, box['y'] + 40)
    browser_page.mouse.down()
    browser_page.mouse.move(box['x'] + 140, box['y'] + 40, steps=20)
    browser_page.mouse.up()
    assert 4 <= frame.evaluate('playground.settings().points.length') <= 8

@pytest.mark.browser
def test_classes_are_drawn(browser_page):
    "The colour of a place is that of the class that PlaygroundNet finds likeliest there"
    frame = opened(browser_page, dataset='pinwheel', lr=.3, hidden=[8])
    frame.evaluate('playground.epochs(40)')
    frame.locator('#discretise').check()
    run = pg.load_state(frame.evaluate('playground.state()'))
    assert run.accuracy > .9
    best = pg.surfaces(run.net, 100)[-1].flip(1).topk(2, 0)
    clear, rgba = best.values[0] - best.values[1] > .05, torch.tensor(pixels(frame, 'surface')).view(100, 100, 4)
    colours = [rgba[clear & (best.indices[0] == k)].unique(dim=0) for k in range(3)]
    assert [len(c) for c in colours] == [1, 1, 1] and len(torch.cat(colours).unique(dim=0)) == 3
    assert frame.locator('[data-neuron^="2."]').count() == 3
    frame.get_by_label('Output neuron of class 1').click()
    assert 'the probability of class 1' in frame.locator('#shown').text_content()

# ---- What the page reached, for the notebook to compare with ----

REFERENCE = data_dir()/'web'/'playground_check.json'

def reached(frame):
    "States of the page after 200 steps from a seed, for every activation and regularisation, and for three classes"
    kinds = [('circle', o) for o in REGULARISATIONS] + [('pinwheel', 'L2')]
    for activation in ACTIVATIONS:
        for dataset, regularisation in kinds:
            s = pg.check_settings(dataset=dataset, noise=10, seed=11, features=['x1', 'x2', 'x1*x2'], hidden=[4, 3], activation=activation,
                                  regularisation=regularisation, reg_rate=.01, lr=.02, batch_size=16)
            frame.evaluate('s => playground.set(s)', s)
            frame.evaluate('n => { playground.reset(); playground.step(n); }', STEPS)
            state = frame.evaluate('playground.state()')
            yield {k: state[k] for k in ('settings', 'steps', 'weights', 'biases')}

@pytest.mark.browser
def test_reference(browser_page):
    "The file that the notebook compares with is what the page computes; `python tests/weeks/test_playground.py` writes it anew"
    theirs, kept = list(reached(opened(browser_page))), json.loads(REFERENCE.read_text())
    assert len(kept) == 16
    for a,b in zip(theirs, kept, strict=True): assert a['settings'] == b['settings'] and a['steps'] == b['steps'] == STEPS and worst(a, b) < 1e-9

if __name__ == '__main__':
    from playwright.sync_api import sync_playwright
    import sys
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from conftest import launch
    with sync_playwright() as p, launch(p) as b: write_whole(REFERENCE, json.dumps(list(reached(opened(b.new_page()))), indent=1) + '\n')
