"explain.convolution and explain.mistakes in a browser: numbers, mouse, finger and keyboard, names, colours, widths"
import re

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F

from course_labs.teaching import explain
from course_labs.teaching.explain.convolution import KERNELS, named_kernel
from course_labs.teaching.explain.page import MOST_BYTES

from explained import USABLE, axe_faults, open_page, tab_path
from test_explain_kit import CONV, conv_cases, for_js, off
from test_pages_in_browser import CONTRAST, overflow

pytestmark = pytest.mark.browser

CLASSES = ['entailment', 'neutral', 'contradiction']
COUNTS = np.array([[4, 1, 0], [2, 5, 3], [0, 15, 2]])

def answers(counts):
    "Probabilities and labels whose confusion is `counts`; each item more sure than the last"
    cells = [c for c, n in np.ndenumerate(counts) for _ in range(n)]
    sure = np.linspace(0.5, 0.95, len(cells))
    p = np.full((len(cells), len(counts)), 0.)
    for row, (t, a), s in zip(p, cells, sure):
        row[:] = (1 - s)/(len(counts) - 1)
        row[a] = s
    return p, [t for t, _ in cells]

def pairs():
    p, labels = answers(COUNTS)
    table = pd.DataFrame(dict(premise=[f'Premise {i} <b>' for i in range(len(p))], hypothesis=[f'Hypothesis {i}' for i in range(len(p))], label=labels))
    return explain.mistakes(p, table, CLASSES)

def pictures():
    p, labels = answers(COUNTS)
    return explain.mistakes(p, (np.random.default_rng(0).random((len(p), 8, 8)), labels))

PARTS = dict(convolution=explain.convolution, pairs=pairs, pictures=pictures)
def part(name): return PARTS[name]()
each = pytest.mark.parametrize('name', PARTS)

# ---- Numbers ----

def test_convolution_is_that_of_torch_in_the_browser(browser_page):
    frame, cases = open_page(browser_page, explain.convolution()), conv_cases(150, seed=1)
    found = frame.evaluate(f'given => given.map({CONV})', [for_js(*o) for o in cases])
    assert max(map(off, cases, found)) < 1e-4

def plain(text): return float(text.replace('−', '-'))

def test_every_pixel_that_the_page_names_is_that_of_torch(browser_page):
    "Kernels, sizes, strides, paddings and dilations chosen in the page; whole numbers, so that the text is exact"
    image = np.random.default_rng(2).integers(0, 9, (7, 7))
    frame = open_page(browser_page, explain.convolution(image))
    for kernel, k, s, p, d in (('vertical edges', 3, 1, 0, 1), ('all edges', 3, 2, 1, 1), ('as it is', 2, 3, 2, 2), ('horizontal edges', 5, 1, 3, 2), ('vertical edges', 4, 4, 1, 1)):
        frame.locator('#preset').select_option(kernel)
        for id, v in dict(k=k, stride=s, padding=p, dilation=d).items(): frame.locator(f'#{id}').select_option(str(v))
        want = F.conv2d(torch.tensor(image)[None, None].float(), torch.tensor(named_kernel(kernel, k))[None, None], stride=s, padding=p, dilation=d)[0, 0]
        rows, cols = want.shape
        assert frame.locator('#output-size').text_content() == f'{rows} × {cols}'
        assert frame.locator('#formula b').text_content() == str(rows)
        frame.locator('#output').focus()
        for key in ('PageUp', 'Home'): browser_page.keyboard.press(key)
        for r in range(rows):
            for c in range(cols):
                assert f'Output row {r + 1}, column {c + 1}:' in frame.locator('#where').text_content()
                assert plain(frame.locator('#sum').text_content()) == want[r, c].item(), (kernel, k, s, p, d, r, c)
                products = [plain(o) for o in frame.locator('#products .cell > span').all_text_contents()]
                assert len(products) == k*k and sum(products) == want[r, c].item()
                if c < cols - 1: browser_page.keyboard.press('ArrowRight')
            browser_page.keyboard.press('ArrowDown')
            browser_page.keyboard.press('Home')

def test_a_kernel_that_fits_nowhere_is_one_line(browser_page):
    frame = open_page(browser_page, explain.convolution(np.ones((4, 4))))
    frame.locator('#k').select_option('5')
    assert frame.locator('#problem').text_content().startswith('The kernel covers 5 pixels and the padded image has 4')
    assert 'no output' in frame.locator('#formula').text_content()
    frame.locator('#padding').select_option('1')
    assert frame.locator('#problem').text_content() == '' and frame.locator('#output-size').text_content() == '2 × 2'

def test_python_and_page_know_the_same_kernels(browser_page):
    frame = open_page(browser_page, explain.convolution())
    assert frame.locator('#preset option').all_text_contents() == [*KERNELS, 'your own']
    for k in (2, 3, 5):
        frame.locator('#k').select_option(str(k))
        for name in KERNELS:
            frame.locator('#preset').select_option(name)
            shown = [float(o) for o in frame.locator('#kernel input').evaluate_all('es => es.map(e => e.value)')]
            assert np.allclose(shown, named_kernel(name, k).ravel(), atol=6e-4), (name, k)

# ---- Hands ----

def test_drawing_by_mouse_and_by_keyboard(browser_page):
    frame = open_page(browser_page, explain.convolution(np.zeros((4, 4)) + np.eye(4)*9, kernel='as it is', k=1))
    box = frame.locator('#image').bounding_box()
    def at(r, c): return box['x'] + (c + 0.5)*box['width']/4, box['y'] + (r + 0.5)*box['height']/4
    def value(r, c):
        frame.locator('#output').focus()
        for key in ('PageUp', 'Home', *['ArrowDown']*r, *['ArrowRight']*c): browser_page.keyboard.press(key)
        return plain(frame.locator('#sum').text_content())
    assert [value(0, c) for c in range(4)] == [9, 0, 0, 0]
    mouse = browser_page.mouse
    mouse.move(*at(0, 1)); mouse.down(); mouse.move(*at(0, 3), steps=8); mouse.up()
    assert [value(0, c) for c in range(4)] == [9, 9, 9, 9]
    mouse.click(*at(0, 0))  # a pixel that has the value already is taken away
    assert value(0, 0) == 0
    frame.locator('#image').focus()
    for key in ('PageUp', 'Home', 'ArrowDown', 'ArrowDown', 'Space'): browser_page.keyboard.press(key)
    browser_page.wait_for_timeout(200)
    assert frame.locator('#live').text_content() == 'Row 3, column 1: 9'
    assert value(2, 0) == 9
    frame.locator('#back').click()
    assert [value(0, c) for c in range(4)] == [9, 0, 0, 0]
    frame.locator('#clear').click()
    assert value(0, 0) == 0

def test_drawing_with_a_finger(browser):
    context = browser.new_context(viewport=dict(width=390, height=2400), has_touch=True)
    page = context.new_page()
    frame = open_page(page, explain.convolution(np.zeros((4, 4)) + np.eye(4)*9, kernel='as it is', k=1))
    box = frame.locator('#image').bounding_box()
    page.touchscreen.tap(box['x'] + 0.4*box['width'], box['y'] + 0.1*box['height'])
    box = frame.locator('#output').bounding_box()
    page.touchscreen.tap(box['x'] + 0.4*box['width'], box['y'] + 0.1*box['height'])
    assert frame.locator('#where').text_content() == 'Output row 1, column 2: 9'
    context.close()

def test_own_weights(browser_page):
    frame = open_page(browser_page, explain.convolution(np.ones((3, 3)), kernel='blur'))
    assert plain(frame.locator('#sum').text_content()) == 1
    frame.get_by_label('Weight in row 2, column 3').fill('10')
    browser_page.keyboard.press('Enter')
    assert plain(frame.locator('#sum').text_content()) == pytest.approx(8/9 + 10, abs=1e-3)
    assert frame.locator('#preset').input_value() == 'your own'

def test_a_stack_grows_and_says_what_it_sees(browser_page):
    frame = open_page(browser_page, explain.convolution(layers=[(3, 2)]*3))
    assert 'sees 15 pixels' in frame.locator('#sees').text_content()
    assert frame.locator('#layers .n').all_text_contents()[-1] == 'r = 7 + (3 − 1) · 4 = 15, j = 8'
    frame.locator('#paths').focus()
    browser_page.keyboard.press('ArrowDown')
    assert re.match(r'Pixel \d+ of layer 2 sees 7 pixels', frame.locator('#sees').text_content())
    first = frame.locator('#sees').text_content()
    browser_page.keyboard.press('ArrowRight')
    assert frame.locator('#sees').text_content() != first
    frame.locator('#add').click()
    frame.get_by_label('Layer 4', exact=True).locator('select').nth(0).select_option('5')
    assert frame.locator('#layers .n').last.text_content() == 'r = 15 + (5 − 1) · 8 = 47, j = 8'
    frame.get_by_label('Layer 4', exact=True).locator('select').nth(2).select_option('4')
    assert 'sees 143 pixels: more than can be drawn' in frame.locator('#too-wide').text_content() and frame.locator('#paths').is_hidden()
    frame.get_by_label('Remove layer 4').click()
    assert 'sees 15 pixels' in frame.locator('#sees').text_content()

# ---- Mistakes ----

def ids(frame): return [int(re.search(r'\d+', o)[0]) for o in frame.locator('#items .number').all_text_contents()]

@pytest.mark.parametrize('name', ['pairs', 'pictures'])
def test_cells_open_what_lies_in_them(browser_page, name):
    frame, (p, labels) = open_page(browser_page, part(name)), answers(COUNTS)
    wrong = [i for i in np.argsort(-p.max(1)) if p[i].argmax() != labels[i]]
    step = 12 if name == 'pairs' else 24
    assert frame.locator('#h-items').text_content() == f'All mistakes: {len(wrong)}'
    assert ids(frame) == wrong[:step]
    if len(wrong) > step:
        frame.locator('#more').click()
        assert ids(frame) == wrong[:2*step]
    for t, a in ((2, 1), (1, 1), (0, 2)):
        frame.locator(f'#matrix tbody tr:nth-child({t + 1}) td:nth-child({a + 2}) button').click()
        assert frame.locator('#h-items').text_content().endswith(f': {COUNTS[t, a]}')
        here = [i for i in range(len(p)) if labels[i] == t and p[i].argmax() == a]
        assert ids(frame) == here[::-1][:step]
        frame.locator('#order').select_option('least sure first')
        assert ids(frame) == here[:step]
        frame.locator('#order').select_option('surest first')
    assert frame.locator('#left').text_content() == 'Nothing lies here.'
    frame.locator('#all').click()
    assert ids(frame) == wrong[:step]

def test_sentences_stand_there_as_text(browser_page):
    frame = open_page(browser_page, pairs())
    text = frame.locator('#items li').first.text_content()
    assert text.startswith('premise: Premise 29 <b>hypothesis: Hypothesis 29neutral') and 'is contradiction' in text

def test_images_are_those_of_the_data(browser_page):
    frame = open_page(browser_page, pictures())
    first = ids(frame)[0]
    image = np.random.default_rng(0).random((len(answers(COUNTS)[0]), 8, 8))[first]
    seen = frame.locator('#items canvas').first.evaluate('c => [...c.getContext("2d").getImageData(0, 0, 8, 8).data].filter((_, i) => i % 4 === 0)')
    assert np.abs(np.array(seen) - image.ravel()*255).max() <= 1

def test_the_page_says_when_it_holds_only_the_surest(browser_page):
    p, labels = answers(COUNTS)
    frame = open_page(browser_page, explain.mistakes(p, ([f'Text {i}' for i in range(len(p))], labels), CLASSES, most=4))
    frame.locator('#matrix button', has_text='15').click()
    assert frame.locator('#left').text_content() == 'The page holds the 4 surest of these 15.'

def test_the_matrix_by_keyboard(browser_page):
    frame, keyboard = open_page(browser_page, pairs()), browser_page.keyboard
    frame.evaluate('document.body.tabIndex = -1; document.body.focus()')
    for key in ('Tab', 'ArrowDown', 'ArrowDown', 'ArrowRight', 'Enter'): keyboard.press(key)
    assert frame.locator('#h-items').text_content() == 'contradiction, taken for neutral: 15'
    browser_page.wait_for_timeout(200)
    assert frame.locator('#live').text_content() == 'contradiction, taken for neutral: 15'

# ---- All pages ----

@each
def test_tab_reaches_every_control(browser_page, name):
    frame = open_page(browser_page, part(name))
    assert sorted(set(tab_path(browser_page, frame))) == sorted(set(frame.evaluate(USABLE)))

@each
@pytest.mark.parametrize('scheme', ['light', 'dark'])
def test_axe_finds_no_serious_fault(browser_page, name, scheme):
    browser_page.emulate_media(color_scheme=scheme)
    frame = open_page(browser_page, part(name))
    assert axe_faults(frame) == [] and frame.evaluate(CONTRAST) == []

@each
@pytest.mark.parametrize('width', [320, 390, 1280])
def test_nothing_is_wider_than_the_page(browser_page, name, width):
    browser_page.set_viewport_size(dict(width=width, height=800))
    assert overflow(open_page(browser_page, part(name))) <= 0

@each
def test_small_and_with_a_picture_where_frames_are_stripped(browser_page, name):
    shown = part(name)
    assert len(shown.doc.encode()) < MOST_BYTES
    browser_page.set_content(re.sub(r'<(iframe|style)\b.*?</\1>', '', shown._repr_html_(), flags=re.S))
    assert browser_page.locator('.cl-fallback img').first.evaluate('i => i.naturalWidth') > 200
