"What the lab of week 4 cannot show in a cell: splits of odd sets, and a GPU that is too small"
import numpy as np
import pytest

from course_labs.core.files import CourseError
from course_labs.weeks import paddy as lab
from course_labs.weeks.paddy import split_by_class

@pytest.mark.parametrize('labels, share', [(list('aab'*5), 0.2), (['a']*2 + ['b']*30, 0.5), (list('abcdefgh'*2), 0.01), (list('ab'*2), 0.99)])
def test_split_has_every_class_on_both_sides(labels, share):
    valid = split_by_class(labels, share)
    inside, outside = set(np.array(labels)[valid]), set(np.delete(labels, valid))
    assert inside == outside == set(labels)
    assert (valid == split_by_class(labels, share)).all() and len(set(valid)) == len(valid)

def test_out_of_memory_says_which_batch_fits():
    import torch
    import torch.nn.functional as F
    from course_labs.data_sets.image_cache import cached_dls
    from course_labs.training.memory import gpu_memory_advice
    images = np.random.default_rng(0).integers(0, 255, (40, 32, 32, 3), dtype=np.uint8)
    def loss(p, t):
        if len(t) > 4: raise torch.OutOfMemoryError('CUDA out of memory. Tried to allocate 20.00 MiB')
        return F.cross_entropy(p.as_subclass(torch.Tensor), t.as_subclass(torch.Tensor))
    learn = lab.paddy_learner(cached_dls(images, list('ab')*20, range(8), bs=16), 'test_vit', img_size=32, loss_func=loss)
    with pytest.raises(CourseError, match='batch size of 16: a batch of 4 fits; accumulate 4 batches'):
        with gpu_memory_advice(learn): lab.fit(learn, 'fit_one_cycle', 1, 1e-3)

def toy_dls():
    from course_labs.data_sets.image_cache import cached_dls
    images = np.random.default_rng(0).integers(0, 255, (40, 32, 32, 3), dtype=np.uint8)
    return cached_dls(images, list('ab')*20, range(8), bs=16)

@pytest.mark.parametrize('method, ratio', [('by depth', 50), ('fit_one_cycle', 1)])
def test_rates_of_body_and_head(method, ratio):
    "One thing differs between the two ways to train in one cycle"
    notes = lab.Schedule()
    learn = lab.paddy_learner(toy_dls(), 'project:convnext', cbs=[notes])
    lab.fit(learn, method, 1, 1e-3, freeze_epochs=1, lr_mult=50)
    t = notes.table()
    assert len(t) == 2*len(learn.dls.train) and not t.frozen.any()
    assert np.allclose(t['head']/t['body'], ratio)

def test_unknown_way_to_train():
    with pytest.raises(ValueError, match="'slowly': choose one of fine_tune, fit_one_cycle, by depth"):
        lab.fit(None, 'slowly', 1, 1e-3)

def test_a_body_from_random_weights_gets_fresh_averages():
    "After two batches moving averages would still be near 0; a pretrained body keeps its own"
    import torch
    def averages(learn): return torch.cat([m.running_mean for m in learn.model[0].modules() if isinstance(m, torch.nn.BatchNorm2d)])
    lite0, dls = 'tf_efficientnet_lite0', toy_dls()
    kept, new = (lab.paddy_learner(dls, lite0, pretrained) for pretrained in (True, False))
    before = averages(kept)
    for learn in (kept, new): lab.fit(learn, 'fit_one_cycle', 1, 1e-9, freeze_epochs=0)
    assert torch.equal(before, averages(kept))
    first = next(m for m in new.model.modules() if isinstance(m, torch.nn.BatchNorm2d))
    seen = []
    hook = first.register_forward_pre_hook(lambda m, args: seen.append(args[0].mean((0, 2, 3))))
    with torch.no_grad():
        for x,_ in dls.train: new.model(x)
    hook.remove()
    assert torch.allclose(first.running_mean, torch.stack(seen).mean(0), atol=2e-2)
