"What the lab of week 3 cannot show in a cell: many random shapes, published networks, and bad input"
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings, strategies as st
from torch import nn

from course_labs.core.settings import Config
from course_labs.data_sets.images import read_images_csv
from course_labs.data_sets.registry import get
from course_labs.syllabus import week
from course_labs.training import convnets
from course_labs.training.by_hand import each_seed
from course_labs.training.small_images import evaluate, scattered, split_images
from course_labs.weeks import cnn

TINY = Config({k: s.tiny for k,s in week(3).settings.items()})

few, seeds = st.integers(1, 3), st.integers(0, 2**31)
many = settings(max_examples=60, deadline=None, derandomize=True, database=None)

def randn(seed, *shape): return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
def close(a, b, tol=1e-4): torch.testing.assert_close(a, b, rtol=tol, atol=tol)

@given(seeds, few, few, st.integers(1, 5), st.integers(1, 5), st.integers(0, 4), st.integers(0, 4))
@many
def test_conv_loops_equals_torch(seed, c_in, c_out, kh, kw, dh, dw):
    x, w = randn(seed, c_in, kh + dh, kw + dw), randn(seed + 1, c_out, c_in, kh, kw)
    close(cnn.conv_loops(x, w), F.conv2d(x[None], w)[0])

@given(seeds, few, few, few, st.integers(1, 5), st.integers(1, 5), st.integers(1, 9), st.integers(1, 9), st.integers(1, 4), st.integers(0, 3), st.booleans())
@many
def test_conv2d_equals_torch_with_gradients(seed, n, c_in, c_out, kh, kw, h, w, stride, pad, bias):
    h, w = max(h, kh - 2*pad, 1), max(w, kw - 2*pad, 1)
    x, k, b = randn(seed, n, c_in, h, w), randn(seed + 1, c_out, c_in, kh, kw), randn(seed + 2, c_out) if bias else None
    mine, theirs = [[t.clone().requires_grad_() for t in (x, k)] for _ in range(2)]
    a, e = cnn.conv2d(*mine, b, stride, pad), F.conv2d(*theirs, b, stride=stride, padding=pad)
    close(a, e)
    assert a.shape[2:] == (cnn.conv_out(h, kh, stride, pad), cnn.conv_out(w, kw, stride, pad))
    a.sin().sum().backward(); e.sin().sum().backward()
    for p, q in zip(mine, theirs): close(p.grad, q.grad, 1e-3)

@given(seeds, few, few, st.integers(1, 5), st.integers(0, 6), st.integers(1, 4), st.integers(0, 2), st.sampled_from(['max', 'avg']))
@many
def test_pool2d_equals_torch(seed, n, c, kernel, extra, stride, pad, mode):
    pad = min(pad, kernel//2)
    x = randn(seed, n, c, kernel + extra, kernel + extra//2)
    theirs = F.max_pool2d if mode == 'max' else F.avg_pool2d
    close(cnn.pool2d(x, kernel, stride, pad, mode), theirs(x, kernel, stride, pad))
    close(cnn.pool2d(x, kernel, mode=mode), theirs(x, kernel))

def test_pool2d_refuses_unknown_modes():
    with pytest.raises(ValueError, match='median'): cnn.pool2d(torch.zeros(1, 1, 2, 2), 2, mode='median')

@given(st.integers(1, 40), st.integers(1, 9), st.integers(1, 6), st.integers(0, 4))
@many
def test_conv_out_equals_torch_or_refuses(size, kernel, stride, pad):
    if size + 2*pad < kernel:
        with pytest.raises(ValueError, match='larger than the padded input'): cnn.conv_out(size, kernel, stride, pad)
    else: assert cnn.conv_out(size, kernel, stride, pad) == F.conv1d(torch.zeros(1, 1, size), torch.zeros(1, 1, kernel), stride=stride, padding=pad).shape[-1]

@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 3)), max_size=4))
@many
def test_receptive_field_equals_the_pixels_with_a_gradient(layers):
    field = cnn.receptive_field(layers)
    x = torch.ones(1, 1, field, dtype=torch.float64, requires_grad=True)
    out = x
    for k, s in layers: out = F.conv1d(out, torch.ones(1, 1, k, dtype=torch.float64), stride=s)
    assert out.shape[-1] == 1  # one pixel less and the stack would not fit
    out.sum().backward()
    assert x.grad[0, 0, 0] > 0 and x.grad[0, 0, -1] > 0

@given(seeds, st.integers(1, 6), st.integers(1, 8), st.sampled_from([1e-3, 1., 50., 1e4]))
@many
def test_softmax_and_cross_entropy_equal_torch(seed, n, c, scale):
    x, y = scale*randn(seed, n, c), torch.randint(c, (n,), generator=torch.Generator().manual_seed(seed))
    close(cnn.softmax(x), x.softmax(1), 1e-5)
    close(cnn.softmax(x, 0), x.softmax(0), 1e-5)
    close(cnn.cross_entropy(x, y), F.cross_entropy(x, y))

@given(seeds, st.floats(1e-4, 0.5), st.sampled_from([0., 0.5, 0.9]), st.sampled_from([0., 0.01, 0.3]), st.booleans())
@many
def test_sgd_equals_torch_step_by_step(seed, lr, momentum, wd, nesterov):
    nesterov = nesterov and momentum > 0
    a, b = [[t.clone().requires_grad_() for t in (randn(seed, 3, 2), randn(seed + 1, 4), randn(seed + 2, 2))] for _ in range(2)]
    mine, theirs = cnn.SGD(a, lr, momentum, wd, nesterov), torch.optim.SGD(b, lr, momentum, weight_decay=wd, nesterov=nesterov)
    for _ in range(5):
        for ps, opt in ((a, mine), (b, theirs)):
            opt.zero_grad()
            (ps[0].sin().sum() + (ps[1]**2).sum()).backward()  # the third has no gradient
            opt.step()
        for p, q in zip(a, b): close(p, q, 1e-5)

@given(seeds, st.integers(2, 5), few, st.lists(st.integers(1, 4), max_size=2), st.floats(0.01, 1), few)
@many
def test_batch_norm_equals_torch(seed, n, c, space, momentum, batches):
    theirs = (nn.BatchNorm1d, nn.BatchNorm1d, nn.BatchNorm2d)[len(space)](c, momentum=momentum)
    mine = cnn.BatchNorm(c, momentum)
    for i, name in enumerate(('weight', 'bias')):
        for m in (mine, theirs): getattr(m, name).data.copy_(randn(seed + i, c))
    for i in range(batches):
        x = 3*randn(seed + i, n, c, *space) + i
        a, e = mine(x), theirs(x)
        close(a, e, 2e-3)
    a.sin().sum().backward(); e.sin().sum().backward()
    for p, q in zip(mine.parameters(), theirs.parameters()): close(p.grad, q.grad, 1e-2)
    close(mine.running_mean, theirs.running_mean)
    close(mine.running_var, theirs.running_var, 1e-3)
    mine.eval(); theirs.eval()
    close(mine(x), theirs(x), 2e-3)

@given(seeds, st.floats(0, 0.9), st.lists(st.integers(1, 6), min_size=1, max_size=4))
@many
def test_dropout_equals_torch(seed, p, shape):
    x = randn(seed, *shape)
    torch.manual_seed(seed); mine = cnn.dropout(x, p)
    torch.manual_seed(seed); theirs = F.dropout(x, p)
    close(mine, theirs)
    assert cnn.dropout(x, p, training=False) is x

# Published architectures: parameters and multiply-adds at the original image size
def counts(net, shape):
    t = cnn.layer_table(net, shape)
    return t.parameters.sum(), t.multiply_adds.sum()

def meta(name):
    with torch.device('meta'): return cnn.alexnet() if name == 'alexnet' else cnn.resnet(**cnn.RESNETS[int(name[6:])])

def test_lenet5_counts():
    assert counts(cnn.lenet(), (1, 32, 32)) == (61706, 117600 + 240000 + 48000 + 10080 + 840)
    assert list(cnn.layer_table(cnn.lenet(), (1, 32, 32)).parameters) == [156, 2416, 48120, 10164, 850]

@pytest.mark.parametrize('name,params,adds', [('alexnet', 61100840, 0.714), ('resnet18', 11689512, 1.814), ('resnet34', 21797672, 3.664), ('resnet50', 25557032, 4.089)])
def test_counts_are_the_published_ones(name, params, adds):
    import torchvision
    facts = torchvision.models.get_model_weights(name).IMAGENET1K_V1.meta
    assert facts['num_params'] == params and facts['_ops'] == adds
    ours = counts(meta(name), (3, 224, 224))
    assert ours[0] == params
    assert ours[1]/1e9 == pytest.approx(adds, abs=0.0006)

@pytest.mark.parametrize('name,size', [('alexnet', 224), ('resnet18', 224), ('resnet34', 64), ('resnet50', 64)])
def test_same_weights_give_the_outputs_of_torchvision(name, size):
    import torchvision
    torch.manual_seed(0)
    theirs = torchvision.models.get_model(name, weights=None)
    for m in theirs.modules():  # statistics that are not 0 and 1
        if isinstance(m, nn.BatchNorm2d): m.running_mean.normal_(std=0.1); m.running_var.uniform_(0.5, 2)
    mine = cnn.copy_weights(meta(name).to_empty(device='cpu'), theirs)
    x = torch.randn(1, 3, size, size)
    with torch.no_grad(): torch.testing.assert_close(mine.eval()(x), theirs.eval()(x), rtol=1e-3, atol=1e-4)

def test_copy_weights_refuses_other_shapes():
    with pytest.raises(ValueError, match='different tensors'): cnn.copy_weights(nn.Linear(2, 3), nn.Linear(3, 2))

@pytest.mark.parametrize('size', [8, 12, 28, 32])
def test_small_versions_take_small_images(size):
    x = torch.zeros(2, 1, size, size)
    for net in (cnn.dense_net(size, 8, 7), cnn.conv_net(4, 7), cnn.lenet(1, 7, size, pad=2), cnn.alexnet(1, 7, (4, 4, 4, 4, 4), 8, small=True), cnn.resnet((1, 1), (4, 8), 1, 7, small=True)):
        assert net(x).shape == (2, 7)

def test_plain_and_residual_blocks_have_the_same_weights():
    residual, plain = cnn.ResBlock(4, 4, gamma=0.7), cnn.ResBlock(4, 4, skip=False)
    assert cnn.n_params(residual) == cnn.n_params(plain)
    cnn.copy_weights(plain, residual)
    x = randn(0, 2, 4, 5, 5)
    close(residual.eval()(x), F.relu(x + residual.convs(x)))
    close(plain.eval()(x), F.relu(residual.convs(x)))

@pytest.mark.parametrize('ni,nf,stride', [(4, 4, 1), (4, 8, 2), (4, 8, 1)])
def test_a_residual_block_begins_with_its_skip_connection(ni, nf, stride):
    x = randn(0, 3, ni, 6, 6).relu()
    lab, library = cnn.Residual(ni, nf, stride), cnn.ResBlock(ni, nf, stride)
    close(lab(x), lab.skip(x).relu())
    close(library(x), library.shortcut(x).relu())
    if ni == nf: close(lab(x), x)

def test_a_plain_block_has_nothing_to_pass_on_but_its_change():
    assert cnn.ResBlock(4, 4, skip=False)(randn(0, 3, 4, 6, 6)).abs().sum() > 0

@pytest.mark.parametrize('size,n_out', [(14, 10), (12, 3), (44, 10)])
def test_the_four_architectures_have_like_numbers_of_parameters(size, n_out):
    nets = {name: make() for name,make in cnn.small_nets(TINY, size, n_out).items()}
    sizes = {name: cnn.n_params(net) for name,net in nets.items()}
    assert max(sizes.values()) < 1.15*min(sizes.values()), sizes
    for net in nets.values(): assert net(torch.zeros(2, 1, size, size)).shape == (2, n_out)

def test_variants_of_one_shape_begin_with_the_same_weights():
    makers = {k: lambda k=k: convnets.wide_net(4, 3, k) for k in (0., 0.5)}
    plain, dropped = each_seed(makers, lambda net: [p.detach() for p in net.parameters()], (7, 8)).values()
    assert all(torch.equal(a, b) for a,b in zip(plain[0], dropped[0])) and not torch.equal(plain[0][0], plain[1][0])

def test_scattered_digits_are_whole_and_reach_every_side():
    digits = read_images_csv(get('digits'))[0][:300]
    places = scattered(digits, 3, 0)
    assert (places.sum((1, 2), dtype=int) == digits.sum((1, 2), dtype=int)).all()
    assert (scattered(digits, 0, 0) == digits).all()
    corners = {(tuple(rows[[0, -1]]), tuple(cols[[0, -1]])) for o in scattered(digits*0 + 1, 3, 0) for rows,cols in [o.nonzero()]}
    assert len(corners) == 49

def test_the_counter_leaves_the_network_alone():
    net = cnn.lenet()
    before = {k: v.clone() for k, v in net.state_dict().items()}
    cnn.layer_table(net, (1, 32, 32))
    assert net.training and not any(m._forward_hooks for m in net.modules())
    for k, v in net.state_dict().items(): assert torch.equal(v, before[k])

# Training
@pytest.fixture(scope='module')
def digits(): return read_images_csv(get('digits'))

def test_fit_reports_each_epoch_and_learns(digits):
    split = split_images(*digits, 0.5)
    X, y = (t[:200] for t in split.train.tensors)
    torch.manual_seed(0)
    net = cnn.dense_net(8, 32)
    run = cnn.fit(net, cnn.SGD(net.parameters(), 0.05, 0.9), X, y, 5, 20, lambda net: dict(acc=evaluate(net, X, y)[1]))
    assert list(run.columns) == ['loss', 'seconds', 'acc'] and list(run.index) == [1, 2, 3, 4, 5]
    assert run.seconds.is_monotonic_increasing and run.acc.iloc[-1] > 0.9

def test_sweep_leaves_the_network_alone_and_stops_on_divergence():
    torch.manual_seed(0)
    net, batch = cnn.dense_net(4, 8, 3), (torch.randn(16, 1, 4, 4), torch.randint(3, (16,)))
    before = [p.clone() for p in net.parameters()]
    rates, losses = cnn.lr_sweep(net, [batch], start_lr=1e-3, end_lr=1e6, num_it=200, beta=0.5)
    assert all(torch.equal(p, q) for p, q in zip(net.parameters(), before))
    assert len(rates) == len(losses) < 200
    assert rates[1]/rates[0] == pytest.approx(1e9**(1/200))
