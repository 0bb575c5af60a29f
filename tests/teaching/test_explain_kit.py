"What the explaining pages compute, in node: convolution as torch does it, half precision, colours, what a cell holds"
import base64, itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from course_labs.teaching.explain.page import packed
from course_labs.training import by_hand

from explained import runs_js

def conv_cases(n=300, seed=0):
    "Shapes at random: sizes, channels, groups, and stride, padding and dilation that differ along the axes"
    rng, cases = np.random.default_rng(seed), []
    while len(cases) < n:
        h, w = rng.integers(1, 15, 2).tolist()
        kh, kw, sy, sx, dy, dx = rng.integers(1, 5, 6).tolist()
        py, px = rng.integers(0, 4, 2).tolist()
        groups = int(rng.integers(1, 4))
        if h + 2*py < dy*(kh - 1) + 1 or w + 2*px < dx*(kw - 1) + 1: continue
        cin, cout = groups*int(rng.integers(1, 4)), groups*int(rng.integers(1, 4))
        x, k, b = (rng.normal(size=s).astype(np.float32) for s in ((cin, h, w), (cout, cin//groups, kh, kw), (cout,)))
        cases.append((x, k, b if rng.random() < 0.5 else None, dict(stride=[sy, sx], padding=[py, px], dilation=[dy, dx], groups=groups)))
    return cases

def for_js(x, k, b, how):
    def array(o): return dict(shape=list(o.shape), values=o.ravel().tolist())
    return [array(x), array(k), None if b is None else b.tolist(), how]

CONV = '([x, k, b, how]) => { const o = Conv.conv2d(x, k, b, how); return {shape: o.shape, values: [...o.values]}; }'

def off(case, found):
    "How far a convolution of the page is from torch's"
    x, k, b, how = case
    want = F.conv2d(torch.tensor(x)[None], torch.tensor(k), None if b is None else torch.tensor(b), **how)[0]
    assert found['shape'] == list(want.shape), (how, found['shape'], want.shape)
    return float(np.abs(np.array(found['values']).reshape(want.shape) - want.numpy()).max())

def test_convolution_is_that_of_torch():
    cases = conv_cases()
    found = runs_js(CONV, [for_js(*o) for o in cases], 'explain_conv')
    assert max(map(off, cases, found)) < 1e-4

@pytest.mark.parametrize('x, k, says', [((2, 5, 5), (1, 3, 2, 2), 'wants 3 channels'), ((1, 2, 2), (1, 1, 3, 3), 'larger than the padded map of 2 x 2')])
def test_convolution_that_does_not_fit_is_a_sentence(x, k, says):
    case = for_js(np.zeros(x), np.zeros(k), None, {})
    assert says in runs_js('g => { try { Conv.conv2d(...g); return "none"; } catch (e) { return e.message; } }', [case], 'explain_conv')[0]

def test_receptive_field_and_paths_are_those_of_a_network():
    stacks = [[(int(k), int(s)) for k, s in o] for n in (1, 2, 3) for o in itertools.islice(itertools.product(itertools.product((1, 2, 3, 5), (1, 2)), repeat=n), 0, None, 7)]
    given = [[dict(kernel=k, stride=s, dilation=1) for k, s in o] for o in stacks]
    found = runs_js('g => [Conv.receptive(g).at(-1).sees, Conv.paths(g)]', given, 'explain_conv')
    assert len(stacks) > 70
    for layers, (sees, paths) in zip(stacks, found, strict=True):
        assert sees == by_hand.receptive_field(layers) == len(paths), layers
        x = torch.zeros(1, 1, len(paths), requires_grad=True)
        y = x
        for k, s in layers: y = F.conv1d(y, torch.ones(1, 1, k), stride=s)
        y.sum().backward()
        assert x.grad[0, 0].tolist() == paths, layers

def test_half_precision_of_all_bits():
    bits = np.arange(1 << 16, dtype=np.uint16)
    want = bits.view(np.float16).astype(float)
    plain = np.isfinite(want)
    found = runs_js('Kit.half', bits[plain].tolist(), 'explain_kit')
    assert np.array_equal(found, want[plain])

@pytest.mark.parametrize('kind, values', [('f2', [[1, -0.25, 6e-8], [0, 65504, -2]]), ('f4', [0.1, -1e30]), ('u1', [[[0, 255], [7, 8]]])])
def test_arrays_arrive(kind, values):
    sent = packed(values, kind)
    found = runs_js('g => { const o = Kit.unpack(g); return [o.shape, [...o.values]]; }', [sent], 'explain_kit')[0]
    want = np.array(values).astype({'f2': np.float16, 'f4': np.float32, 'u1': np.uint8}[kind])
    assert found[0] == list(want.shape) and np.array_equal(found[1], want.ravel().astype(float))

def test_colours_keep_their_order_in_grey():
    "A higher value is lighter, so that greyscale tells the order; and text on any of them has contrast"
    for scale in ('Kit.scales.signed(1)', 'Kit.scales.grey(-1, 1)', 'Kit.scales.positive(1)'):
        steps = np.linspace(0 if 'positive' in scale else -1, 1, 41).tolist()
        found = runs_js(f'v => {{ const c = {scale}(v); return [Kit.lightness(c), Kit.lightness(Kit.inkOn(c) === "#000000" ? [0, 0, 0] : [255, 255, 255])]; }}', steps, 'explain_kit')
        light = [o for o, _ in found]
        assert all(b > a for a, b in zip(light, light[1:])), scale
        assert min((max(o) + 0.05)/(min(o) + 0.05) for o in found) >= 4.5, scale

@pytest.mark.parametrize('x, text', [(0, '0'), (-0.0004, '−4.00e−4'), (-1.5, '−1.5'), (0.12345, '0.123'), (1e-7, '1.00e−7'), (123456, '1.23e+5')])
def test_numbers_as_text(x, text): assert runs_js('x => Kit.number(x)', [x], 'explain_kit') == [text]

def test_what_a_cell_holds():
    items = [dict(i=i, t=t, a=a, p=p) for i, (t, a, p) in enumerate([(0, 0, .9), (0, 1, .6), (1, 0, .8), (0, 1, .7), (0, 1, .7)])]
    run = 'g => Mistakes.inOrder(Mistakes.chosen(g.items, g.cell), g.order).map(o => o.i)'
    given = [dict(items=items, cell=cell, order=order) for cell, order in (([0, 1], 'surest first'), ([0, 1], 'least sure first'), (None, 'surest first'), ([1, 1], 'surest first'))]
    assert runs_js(run, given, 'explain_mistakes') == [[3, 4, 1], [1, 3, 4], [2, 3, 4, 1], []]
    assert runs_js('g => Mistakes.count(...g)', [[[[5, 2], [3, 9]], [0, 1]], [[[5, 2], [3, 9]], None]], 'explain_mistakes') == [2, 5]
