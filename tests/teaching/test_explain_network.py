"The page of explain.network: its numbers beside torch's, by mouse and by keyboard, and layers that it does not know"
import numpy as np, pytest, torch
from torch import nn
from torch.nn import functional as F

from course_labs.teaching.explain.network import network, network_data
from course_labs.training import convnets

pytestmark = pytest.mark.browser

class Own(nn.Module):
    "What a student may write: functions in place of layers, a skip, odd kernels, groups, a gap in the kernel"
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(1, 6, (3, 5), padding=(1, 2), stride=(1, 2)), nn.Conv2d(6, 6, 3, padding=2, dilation=2, groups=3)
        self.norm, self.head = nn.GroupNorm(2, 6), nn.Linear(12, 4)
    def forward(self, x):
        x = F.gelu(self.a(x))
        x = x + F.silu(self.norm(self.b(x)))
        x = torch.cat([F.adaptive_max_pool2d(F.max_pool2d(x, 3, 2, ceil_mode=True), 1).flatten(1), x.mean((2, 3))], 1)
        return F.log_softmax(self.head(x), dim=-1)

class Many(nn.Module):
    "Each way of pooling, padding and squashing"
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding='same')
    def forward(self, x):
        x = self.conv(F.pad((x - 0.4)/0.2, (1, 2, 0, 1)))
        parts = F.leaky_relu(x, 0.2), F.elu(x), F.hardswish(x), torch.sigmoid(x), torch.tanh(x)
        x = torch.cat([F.avg_pool2d(o, 3, 2, 1) for o in parts], dim=1)
        x = torch.cat([F.avg_pool2d(x, 3, 2, 1, ceil_mode=True, count_include_pad=False), F.max_pool2d(x, 3, 2, 1, ceil_mode=True)], 1)
        return torch.cat([F.adaptive_avg_pool2d(x, 3).flatten(1), F.adaptive_max_pool2d(x, 2).flatten(1)], 1).softmax(-1)

def convnext():
    from course_labs.training.vision_models import vision_model
    return vision_model('project:convnext', 10)

def quick_convnext():
    from course_labs.training.vision_models import quick_depthwise
    return quick_depthwise(convnext())

NETS = {'lenet': (lambda: convnets.lenet(pad=2, size=28), (1, 28, 28)),
        'alexnet': (lambda: convnets.alexnet(1, 10, (8, 16, 16, 16, 16), 32, small=True), (1, 28, 28)),
        'resnet': (lambda: convnets.resnet((1, 1, 1), (8, 16, 32), ni=1, n_out=10, small=True), (1, 28, 28)),
        'bottlenecks': (lambda: convnets.resnet((1, 1), (4, 8), ni=3, n_out=5, bottleneck=True), (3, 32, 32)),
        'dense': (lambda: convnets.dense_net(8, 16), (1, 8, 8)),
        'conv_net': (lambda: convnets.conv_net(8), (1, 12, 9)),
        'convnext': (convnext, (3, 64, 64)), 'quick convnext': (quick_convnext, (3, 32, 32)),
        'own': (Own, (1, 13, 11)), 'many': (Many, (3, 14, 13))}

def made(name):
    "A network whose normalisations have seen something, and images"
    make, shape = NETS[name]
    torch.manual_seed(3)
    net = make()
    with torch.no_grad():
        for m in net.modules():
            if isinstance(m, nn.BatchNorm2d):
                for o in (m.weight, m.running_var): o.uniform_(.5, 1.5)
                for o in (m.bias, m.running_mean): o.normal_(0, .3)
    return net, torch.rand(3, *shape)

def opened(page, part):
    page.goto('about:blank') # a second document in the same page would meet the names of the first
    page.set_content(part.doc)
    page.locator('#scores > *').first.wait_for()
    return page

VALUES = '''image => {
    const known = Graph.forward(nodes, {shape: nodes[0].out, data: Float32Array.from(image)});
    return known.map(o => o && Array.from(o.data));
}'''

def worst(page, net, image, values):
    "The largest difference of a step's numbers, as a share of its largest number (or of 1)"
    got = page.evaluate(VALUES, image.flatten().tolist())
    assert len(got) == len(values)
    return max(float(np.abs(np.array(a) - b.detach().numpy().ravel()).max()/max(1, b.abs().max())) for a,b in zip(got, values))

@pytest.mark.parametrize('name', NETS)
def test_the_page_computes_what_torch_computes(browser_page, name):
    "Every step of the network, on an image that the page has not got"
    net, images = made(name)
    unseen = images[2:]*.8 + .1
    data, (values,) = network_data(net, unseen)
    assert 'unknown' not in [o['op'] for o in data['nodes']]
    off = {half: worst(opened(browser_page, network(net, images[:1], half=half)), net, unseen, values) for half in (False, True)}
    print(name, off)
    assert off[False] < 1e-4, 'weights in single precision'
    assert off[True] < 1e-3, 'weights in half precision'

@pytest.mark.parametrize('name', ['resnet', 'own', 'many', 'convnext'])
def test_every_number_is_made_of_its_terms(browser_page, name):
    "For numbers of every step: products and what is added give the number, and what it sees is what changes it"
    net, images = made(name)
    page = opened(browser_page, network(net, images[:1], half=False))
    wrong = page.evaluate('''() => {
        const wrong = [], v = state.values;
        nodes.forEach((n, id) => {
            for (let k = 0; k < 5; k++) {
                const index = Math.floor(k * 0.2371 * Graph.count(n.out)), {terms, rest} = Graph.sources(nodes, v, id, index), value = v[id].data[index];
                if (terms.length && terms[0].product !== undefined) {
                    const sum = terms.reduce((s, t) => s + t.product, rest || 0);
                    if (Math.abs(sum - value) > 1e-4 * Math.max(1, Math.abs(value))) wrong.push([n.name, value, sum]);
                }
                if (n.op === 'max_pool' && Math.max(...terms.map(t => t.value)) !== value) wrong.push([n.name, 'max']);
                for (const t of terms) if (v[n.inputs[t.input]].data[t.index] !== t.value) wrong.push([n.name, 'value']);
                const path = Graph.path(nodes, v, id, index);
                if (n.op !== 'constant' && terms.length && !['input', 'constant', 'pad'].includes(nodes[path[path.length - 1].id].op)) wrong.push([n.name, 'path']);
            }
        });
        return wrong;
    }''')
    assert wrong == []

@pytest.mark.parametrize('name', ['lenet', 'resnet', 'own'])
def test_what_a_number_sees_is_what_changes_it(browser_page, name):
    "Pixels outside the box of a number leave it as it is, and a pixel at each border of the box can change it"
    net, images = made(name)
    page = opened(browser_page, network(net, images[:1], half=False))
    unmoved = page.evaluate('''() => {
        const wrong = [], base = state.image, values = state.values;
        nodes.forEach((n, id) => {
            if (n.out.length !== 4 || n.op === 'input' || n.op === 'group_norm') return;
            const index = Math.floor(Graph.count(n.out) / 2), [, , [top, bottom], [left, right]] = Graph.boxes(nodes, id, index)[0];
            const outside = base.map((p, i) => { const y = Math.floor(i / width) % height, x = i % width; return y < top || y > bottom || x < left || x > right ? p + 1 : p; });
            const again = Graph.forward(nodes, {shape: nodes[0].out, data: outside})[id].data[index];
            if (again !== values[id].data[index]) wrong.push([n.name, 'seen outside']);
        });
        return wrong;
    }''')
    assert unmoved == []

def test_the_first_convolution_sees_its_window(browser_page):
    net = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(1, 1, 3), nn.Flatten(), nn.Linear(4, 2))
    page = opened(browser_page, network(net, torch.rand(1, 8, 8)))
    assert page.evaluate('Graph.boxes(nodes, 4, 0)[0].slice(2)') == [[0, 6], [0, 6]]
    assert page.evaluate('Graph.boxes(nodes, 1, 0)[0].slice(2)') == [[0, 1], [0, 1]]
    page.evaluate('choose(4, 0)')
    assert page.locator('#sees-says').text_content() == 'rows 0 to 6, columns 0 to 6 of 8 x 8 pixels'

class Twisted(nn.Module):
    def forward(self, x): return x.sort(-1).values

def test_a_layer_that_is_not_known(browser_page):
    net = nn.Sequential(nn.Conv2d(1, 3, 3), Twisted(), nn.ReLU(), nn.Flatten(), nn.Linear(108, 4)).eval()
    images = torch.rand(2, 1, 8, 8)
    page = opened(browser_page, network(net, images, half=False))
    said = page.locator('#unknown .problem')
    assert said.count() == 1 and 'does not know 1 sort' in said.text_content()
    for k in (0, 1): # for the images at hand what follows is computed from what torch recorded
        page.locator('#images button').nth(k).click()
        got = page.evaluate('Array.from(state.values[nodes.length - 1].data)')
        assert np.allclose(got, net(images[k:k+1]).detach().numpy()[0], atol=1e-4)
    before = page.evaluate('Array.from(state.values[1].data)')
    page.get_by_label('Move right').click()
    assert page.evaluate('state.values.map(v => v === null)') == [False, False, True, True, True, True]
    assert page.evaluate('Array.from(state.values[1].data)') != before
    assert 'Not computed' in page.locator('#scores').text_content()
    page.evaluate('choose(3, 0)')
    assert 'not known to this page' in page.locator('#how').text_content()
    page.locator('#again').click()
    assert page.locator('.score').count() == 4

def test_a_change_of_the_image_moves_the_scores(browser_page):
    net, images = made('resnet')
    page = opened(browser_page, network(net, images))
    def scores(): return page.locator('#scores').text_content()
    seen = [scores()]
    for change in (lambda: page.get_by_label('Move down').click(), lambda: page.locator('#images button').nth(1).click(),
                   lambda: page.locator('#image').click(position=dict(x=90, y=90)), lambda: page.locator('#clear').click()):
        change()
        seen.append(scores())
    assert len(set(seen)) == len(seen)
    page.locator('#images button').nth(0).click()
    assert scores() == seen[0]

def test_keyboard_alone(browser_page):
    "A pixel drawn, a map chosen, a number chosen, a term followed: Tab, arrows, space and Enter"
    net, images = made('lenet')
    page = opened(browser_page, network(net, images))
    def tab_to(script, most=80):
        for _ in range(most):
            page.keyboard.press('Tab')
            if page.evaluate(f'(e => {script})(document.activeElement)'): return
        raise AssertionError(f'{script} cannot be reached with Tab')
    tab_to('e.id === "image"')
    for key in ('ArrowRight', 'ArrowDown', 'ArrowDown'): page.keyboard.press(key)
    page.keyboard.press('Space')
    assert page.evaluate('state.image[2*width + 1] === data.high && state.changed')
    tab_to('e.closest(".column")?.querySelector("h3").textContent === "1.0 Conv2d"')
    for key in ('ArrowDown', 'ArrowDown', 'Enter'): page.keyboard.press(key)
    assert page.locator('#map-name').text_content() == '1.0 Conv2d, map 4'
    tab_to('e.id === "map"')
    page.keyboard.press('ArrowLeft')
    said = page.locator('#map-says').text_content()
    assert said.startswith('1.0 Conv2d, map 4 (row')
    tab_to('e.closest("#terms table")')
    page.keyboard.press('Enter')
    assert page.locator('#map-name').text_content().startswith('0.2 AvgPool2d, map')

@pytest.mark.parametrize('width', [390, 1280])
@pytest.mark.parametrize('scheme', ['light', 'dark'])
def test_axe_finds_no_serious_fault(browser_page, scheme, width):
    axe = pytest.importorskip('axe_playwright_python.base', reason='axe-playwright-python is not installed').AXE_FILE_PATH.read_text(encoding='utf-8')
    browser_page.emulate_media(color_scheme=scheme)
    browser_page.set_viewport_size(dict(width=width, height=900))
    net, images = made('resnet')
    page = opened(browser_page, network(net, images))
    assert page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth') <= 0
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")['violations']
    assert [f"{v['id']}: {v['nodes'][0]['html'][:120]}" for v in found if v['impact'] in ('serious', 'critical')] == []

def test_the_model_is_left_as_it_was():
    net, images = made('resnet')
    net.train()
    net[1].eval()
    before = {k: v.clone() for k,v in net.state_dict().items()}
    network(net, images)
    assert net.training and not net[1].training and net[2].training
    assert all(torch.equal(v, before[k]) for k,v in net.state_dict().items())
