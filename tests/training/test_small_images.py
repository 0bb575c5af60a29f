"Small images in memory: every image once, the right scale, and a set that is too small"
import numpy as np
import pytest
import torch
from torch import nn

from course_labs.core.files import CourseError
from course_labs.data_sets.images import read_images_csv
from course_labs.data_sets.registry import get
from course_labs.training.small_images import evaluate, loaders, n_classes, new_learner, split_images

def dense(size, hidden, n_out):
    return nn.Sequential(nn.Flatten(), nn.Linear(size*size, hidden), nn.ReLU(), nn.Linear(hidden, n_out))

@pytest.fixture(scope='module')
def digits(): return read_images_csv(get('digits'))

def test_split_keeps_every_image_once_and_scales_by_the_training_part(digits):
    images, labels = digits
    split = split_images(images, labels, 0.3, seed=1)
    (X, y), (Xv, yv) = split.train.tensors, split.valid.tensors
    assert len(y) + len(yv) == len(labels) and len(yv) == round(0.3*len(labels))
    assert X.std().item() == pytest.approx(1, abs=1e-4)
    back = (torch.cat([X, Xv])*split.scale*255).round().to(torch.uint8).flatten(1).numpy()
    assert sorted(map(bytes, back)) == sorted(map(bytes, images.reshape(len(images), -1)))
    assert not torch.equal(split_images(images, labels, 0.3, seed=2).valid.tensors[1], yv)

def test_bad_shares_and_labels_are_refused(digits):
    images, labels = digits
    for share in (0., 1., 0.0001):
        with pytest.raises(CourseError, match='leaves one part empty'): split_images(images, labels, share)
    with pytest.raises(CourseError, match='one class only'): n_classes(np.full(5, 3), 'd.csv')
    with pytest.raises(CourseError, match='label 100000'): n_classes(np.array([0, 100000]), 'd.csv')
    assert n_classes(labels, 'd.csv') == 10

def test_loaders_hold_all_images_and_a_small_set_still_trains(digits):
    images, labels = digits
    split = split_images(images[:20], labels[:20], 0.5)
    dls = loaders(split, 64)
    assert sorted(dls.train.one_batch()[1].tolist()) == sorted(split.train.tensors[1].tolist())
    torch.manual_seed(0)
    learn = new_learner(dense(8, 16, 10), split, 64)
    learn.fit(2)
    assert len(learn.recorder.losses) == 2

def test_evaluate_puts_the_mode_back():
    net = dense(4, 3, 2).train()
    loss, acc = evaluate(net, torch.zeros(5, 1, 4, 4), torch.zeros(5, dtype=torch.int64), bs=2)
    assert net.training and 0 <= acc <= 1 and loss > 0
