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

OLD = """split_by_class leaf_augment paddy_learner METHODS fit error_of Schedule compare_all probe_right probe_error layer_norm depthwise pointwise
         convnext_block find_blocks patches attention_weights self_attention attention_map plot_schedules TwoHeads summed_loss"""

def test_notebooks_of_before_find_what_they_import():
    import course_labs.paddy as facade
    assert [o for o in OLD.split() if not hasattr(lab, o)] == [] == [o for o in OLD.split() if not hasattr(facade, o)]

def small_leaves(folder, **changed):
    "A folder of drawn leaves, and a run of week 4 on it"
    from types import SimpleNamespace
    from course_labs.core.settings import Config
    from course_labs.data_sets.synthetic_leaves import draw_paddy
    draw_paddy(folder/'leaves', n_train=4, n_test=6, seed=3)
    cfg = Config(dict(image_size=64, resize='squish', bs=8, valid_share=0.5, seeds=1, skip_broken=False, num_processes=1, tta=2, arch='project:convnext') | changed)
    device = SimpleNamespace(kind='cpu', precision='float32')
    return SimpleNamespace(cfg=cfg, data=lambda name: folder/'leaves', out=folder, seed=0, device=device, checkpoints=lambda *names: None)

def test_a_broken_leaf_stays_out_of_training_only_where_that_is_asked_for(tmp_path):
    from course_labs.teaching.leaves.trainings import Leaves
    run = small_leaves(tmp_path)
    cut = next((tmp_path/'leaves'/'train_images'/'blast').iterdir())
    cut.write_bytes(cut.read_bytes()[:500])
    with pytest.raises(CourseError, match=f'{cut.name}.*skip_broken'): Leaves(run)
    run.cfg['skip_broken'] = True
    assert len(Leaves(run).table) == 39

def test_photos_of_several_sizes_are_counted(tmp_path):
    from PIL import Image
    from course_labs.teaching.leaves.trainings import Leaves
    run = small_leaves(tmp_path)
    one = next((tmp_path/'leaves'/'train_images'/'blast').iterdir())
    size = Image.open(one).size
    Image.open(one).resize((50, 40)).save(one)
    assert Leaves(run).sizes() == f'39 of 40 images are {size[0]} x {size[1]} pixels (width x height)'

def test_processes_that_share_a_training_send_it_back(tmp_path):
    from course_labs.teaching.leaves.trainings import Leaves, Nets
    nets = Nets(Leaves(small_leaves(tmp_path, num_processes=2)))
    told = nets.train('one rate', 0, 'project:convnext', 'fit_one_cycle', epochs=1, lr=1e-3, freeze_epochs=0)
    notes = nets.kept['one rate', 0]['schedule'].table()
    assert len(notes) == 3 and 0 <= told['error'] <= 1
