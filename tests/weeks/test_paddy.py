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
