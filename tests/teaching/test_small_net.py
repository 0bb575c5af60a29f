"The small network of the comparisons: early stopping against fastai's"
import random

import numpy as np
import pytest
import torch

from course_labs.teaching.small_net import *
from course_labs.training.loaders import logits_of
from course_labs.training.mistakes import as_codes, scores

def test_early_stopping_ends_where_fastai_does_and_keeps_the_best():
    from fastai.vision.all import EarlyStoppingCallback
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 255, (40, 16, 16, 3), dtype=np.uint8), np.array(['a', 'b']*20)
    def run(cb):
        torch.manual_seed(0)
        random.seed(0)
        return train_small(images, labels, np.arange(20), np.arange(20, 40), 30, 2e-2, 10, cbs=cb)
    ours, fastais = run(StopEarly(3)), run(EarlyStoppingCallback(patience=3))
    assert len(ours.recorder.values) == len(fastais.recorder.values) < 30
    best = min(v[1] for v in ours.recorder.values)
    codes = as_codes(labels[20:], ['a', 'b'])
    assert scores(logits_of(ours.model, images[20:]), codes)['loss'] == pytest.approx(best, rel=1e-4)
