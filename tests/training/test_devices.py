"What trains on a GPU: nothing of the library mixes devices. The GPU is made up (tests/fake_gpu.py), the rules are CUDA's"
import copy, os, subprocess, sys

import numpy as np, pytest, torch
from torch import nn

sys.path.insert(0, os.path.dirname(os.path.dirname(__file__)))
from fake_gpu import fake_gpu  # noqa: E402

RNG = np.random.default_rng(0)
PHOTOS = RNG.integers(0, 255, (24, 32, 32, 3)).astype(np.uint8)
NAMES = np.array(['a', 'b', 'c']*8)

@pytest.fixture
def gpu():
    with fake_gpu() as device: yield device

# ---- The made up GPU ----

REFUSED = {
    'two devices in a sum': lambda x: x + torch.ones(3),
    'a net and a batch': lambda x: nn.Linear(3, 2).to('cuda')(torch.ones(4, 3)),
    'logits and labels': lambda x: nn.functional.cross_entropy(x, torch.zeros(4).long()),
    'rows of the CPU by numbers of the GPU': lambda x: torch.ones(4)[x[:, 0] > 0],
    'a stack of single numbers': lambda x: torch.stack([x.sum(), torch.tensor(1.)]),
    'numpy': lambda x: x.numpy(),
    'asarray': lambda x: np.asarray(x),
    'a generator of the CPU': lambda x: torch.randn(3, device='cuda', generator=torch.Generator()),
    'the gradient': lambda x: nn.functional.mse_loss(x, torch.zeros(4, 3))}

@pytest.mark.parametrize('what', REFUSED)
def test_it_refuses_what_cuda_refuses(gpu, what):
    x = torch.randn(4, 3, device='cuda')
    with pytest.raises((RuntimeError, TypeError), match='same device|numpy|generator'): REFUSED[what](x)

def test_it_allows_what_cuda_allows(gpu):
    x = torch.randn(4, 3, device='cuda')
    net = nn.Linear(3, 2).to(gpu)
    net(x).sum().backward()
    for o in (x + torch.tensor(2.), x[torch.tensor([0, 1])], x[[2, 0]], copy.deepcopy(net).weight, net.weight.grad,
              torch.zeros_like(x), x.new_tensor([1.]), torch.as_tensor([1], device=x.device), torch.ones(2).to(x)):
        assert o.device.type == 'cuda'
    for o in (x.cpu(), x.to('cpu'), torch.zeros_like(x, device='cpu'), torch.zeros(3)): assert o.device.type == 'cpu'
    assert x.cpu().numpy().shape == (4, 3)

# ---- The library on it ----

def test_small_images(gpu):
    from course_labs.training.small_images import classify, evaluate, new_learner, split_images
    images, labels = RNG.integers(0, 255, (60, 8, 8)).astype(np.uint8), np.arange(60)%3
    split = split_images(images, labels, 0.3, 0, 'cuda')
    learn = new_learner(nn.Sequential(nn.Flatten(), nn.Linear(64, 3)).to('cuda'), split, 8)
    with learn.no_bar(): learn.fit_one_cycle(1, 1e-3)
    loss, accuracy = evaluate(learn.model, *split.valid.tensors)
    assert np.isfinite(loss) and 0 <= accuracy <= 1
    assert classify(learn.model, images, split.scale).shape == (60,)

def test_photos_with_augmentation(gpu):
    from fastai.vision.all import aug_transforms, error_rate
    from course_labs.data_sets.image_cache import cached_dls
    from course_labs.training.loaders import features, logits_of, quiet
    from course_labs.training.vision_models import image_learner
    dls = cached_dls(PHOTOS, NAMES, np.arange(6), bs=6, device='cuda', batch_tfms=aug_transforms())
    learn = image_learner(dls, 'test_convnext', metrics=error_rate, keep_bn=True)
    with quiet(learn): learn.fit_one_cycle(1, 1e-3)
    assert next(learn.model.parameters()).device.type == 'cuda'
    assert logits_of(learn.model, PHOTOS).device.type == 'cpu'
    assert features(PHOTOS, 'test_convnext', device='cuda').shape[0] == len(PHOTOS)

def test_texts(gpu):
    from course_labs.training.text_models import embed, text_model
    model, tok = text_model('project:deberta')
    assert embed(['a cat', 'a dog sits'], model.to('cuda'), tok).device.type == 'cpu'

def test_rate_finder(gpu):
    from course_labs.training.lr_finder import lr_find
    from course_labs.training.small_images import new_learner, split_images
    split = split_images(RNG.integers(0, 255, (60, 8, 8)).astype(np.uint8), np.arange(60)%3, 0.3, 0, 'cuda')
    found = lr_find(new_learner(nn.Sequential(nn.Flatten(), nn.Linear(64, 3)).to('cuda'), split, 8), num_it=8)
    assert len(found.lrs) > 1

# ---- Which devices are offered ----

def test_what_apples_gpu_lacks_is_computed_on_the_cpu():
    "torch reads the variable when it is imported"
    code = "import os, sys, course_labs.lab; assert 'torch' not in sys.modules; print(os.environ['PYTORCH_ENABLE_MPS_FALLBACK'])"
    env = {k: v for k,v in os.environ.items() if k != 'PYTORCH_ENABLE_MPS_FALLBACK'}
    assert subprocess.run([sys.executable, '-c', code], env=env, capture_output=True, text=True, check=True).stdout.strip() == '1'

def test_trainer_takes_one_of_two(gpu, monkeypatch, tmp_path):
    "As it would a batch of 64 for one of 32"
    from transformers import TrainingArguments
    from course_labs.core.machine import Device, n_gpus, offer_gpus
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 2)
    assert TrainingArguments(str(tmp_path), per_device_train_batch_size=32, report_to=[]).train_batch_size == 64
    offer_gpus(Device('cuda', 'Tesla T4', ('float32',)))
    assert TrainingArguments(str(tmp_path), per_device_train_batch_size=32, report_to=[]).train_batch_size == 32
    assert n_gpus() == 2  # for `launch`

def test_sums_over_sets(gpu):
    "Forwards and backwards"
    from course_labs.training.tables import sets_of, sum_sets
    sets, members = np.array([1, 0, 0]), np.array([2, 2, 0])
    table = torch.ones(3, 2, device='cuda', requires_grad=True)
    sums = sum_sets(table, *(o.to('cuda') for o in (*sets_of(sets, members, 3), *sets_of(members, sets, 3))))
    sums.sum().backward()
    assert sums.device.type == table.grad.device.type == 'cuda' and table.grad[:, 0].tolist() == [1, 0, 2]
