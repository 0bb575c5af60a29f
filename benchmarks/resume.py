#!/usr/bin/env python3
"""What `resumable` costs: epochs of week 4 with and without a checkpoint, in turn.

    python benchmarks/resume.py [--images N] [--size PIXELS] [--rounds N] [--json]

The learner is that of week 4 (the pretrained body of the tiny size under a small head, cached images, augmentation), on drawn
images. In one fit, a checkpoint with weights, optimiser and random states is forced to the disk after every second epoch; each
such epoch is compared with the one before it. Beside it stands one write and the rest of the very epoch that it belongs to,
which other work on the machine hardly changes. What grows is the time of a write with the size of the model; the size of the
data does not enter, so a longer epoch pays the less.
"""
import statistics, tempfile, time
from pathlib import Path

import numpy as np

from course_labs.publishing.bench_report import compared, script

ARCH, ARCHS = 'tf_efficientnet_lite0', ('test_resnet', 'resnet18', 'tf_efficientnet_lite0', 'resnet50')

def fit(cache, labels, arch, epochs, folder, every=2):
    "Seconds of each epoch of one fit, seconds of each write, and how many parameters were kept"
    from fastai.vision.all import Callback, aug_transforms
    from course_labs.data_sets.image_cache import cached_dls
    from course_labs.training.loaders import quiet
    from course_labs.weeks.paddy import paddy_learner
    from course_labs.core.machine import seed_everything
    from course_labs.training.checkpoints.resume import resumable
    seed_everything(0)
    dls = cached_dls(cache, labels, np.arange(0, len(labels), 10), bs=32, batch_tfms=aug_transforms(flip_vert=True, max_rotate=15, max_zoom=1.1, max_warp=0, max_lighting=0.1))
    learn = paddy_learner(dls, arch, pretrained=arch == ARCH, img_size=cache.shape[1])
    learn.unfreeze()
    cb, marks, writes = resumable(learn, folder), [], []
    write = cb.write
    def timed(epoch, *args, **kwargs):
        start = time.perf_counter()
        if epoch%every == 0: write(epoch, *args, **kwargs); writes.append(time.perf_counter() - start)
        marks.append(time.perf_counter())
    vars(cb)['write'] = timed
    class Begin(Callback):
        def before_epoch(self):
            if not marks: marks.append(time.perf_counter())
    with quiet(learn): learn.fit_one_cycle(epochs, 1e-3, cbs=Begin())
    return np.diff(marks), writes, sum(p.numel() for p in learn.model.parameters())

def measure(images, size, rounds):
    "Epochs both ways, and the time of a write for models of several sizes"
    cache = np.random.default_rng(0).integers(0, 255, (images, size, size, 3), dtype=np.uint8)
    labels = ['abcdefghij'[i%10] for i in range(images)]
    with tempfile.TemporaryDirectory() as tmp:
        seconds, writes, _ = fit(cache, labels, ARCH, 2*rounds + 2, Path(tmp, 'pairs'))
        both = seconds.reshape(-1, 2)[1:]  # the first pair warms up
        rows = [compared('an epoch that keeps a checkpoint', 'the same without', [(b, a) for a,b in both], 's', '<= 1.03', gain=False),
                compared('writing the checkpoint of an epoch', 'the rest of that epoch', [(w, b - w) for w,(_,b) in zip(writes[1:], both)], 's', '<= 0.03', gain=False)]
        few = min(images, 64)
        grown = [fit(cache[:few], labels[:few], arch, 4, Path(tmp, arch), every=1) for arch in ARCHS]
    xs, ys = zip(*sorted((n, 1000*statistics.median(w[1:])) for _,w,n in grown))
    return dict(about=f'{ARCH} on {images} images of {size} pixels; {rounds} pairs of epochs', rows=rows, growth=[dict(what='one write', x='parameters', xs=list(xs), ys=list(ys), unit='ms')])

if __name__ == '__main__': script(measure, 'resume', __doc__, dict(images=64, size=64, rounds=1), images=640, size=128, rounds=12)
