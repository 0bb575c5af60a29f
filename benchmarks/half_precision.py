#!/usr/bin/env python3
"""Half precision on the device at hand: time, memory and error of training in bfloat16 and float16 against float32, in turn.

    python benchmarks/half_precision.py [--images N] [--epochs N] [--rounds N] [--json]

A small ResNet on Fashion-MNIST's committed sample, the same seed for the three formats of a round. Memory is what the device
has allocated at most; on a CPU, what autograd keeps for the backward pass. Time and memory are measured in runs of their own,
since counting costs time. fastai's own `to_fp16` stands beside it: on a CPU it trains in float32 without a word. The cost of
growth is the time of an image over their number.
"""
import statistics, time

from course_labs.publishing.bench_report import compared, script

def measure(images, epochs, rounds, bs=32):
    "Ratios of each format that works here to float32"
    import pandas as pd, torch
    from course_labs.training.small_images import loaders, split_images
    from course_labs.weeks.cnn import resnet
    from course_labs.data_sets.registry import get
    from course_labs.core.machine import probe_device, seed_everything
    from course_labs.training.precision import half_precision, measure as cost
    from fastai.learner import Learner
    from torch import nn
    device, df = probe_device(), pd.read_csv(get('fashion', 'tiny'))
    pixels, labels = df.drop(columns='label').to_numpy('uint8').reshape(-1, 28, 28), df.label.to_numpy()
    def learner(fmt, n=images):
        split = split_images(pixels[:n + 300], labels[:n + 300], valid_pct=300/(n + 300), seed=0, device=device.kind)
        net = resnet((1, 1, 1), (8, 16, 32), ni=1, n_out=10, small=True).to(device.kind)
        learn = Learner(loaders(split, bs), net, loss_func=nn.CrossEntropyLoss())
        return learn.to_fp16() if fmt == 'to_fp16' else half_precision(learn, fmt)
    def sync():
        if device.kind == 'cuda': torch.cuda.synchronize()
    def fit(fmt, seed, n=images, epochs=epochs, score=True):
        seed_everything(seed)
        learn = learner(fmt, n)
        with learn.no_bar(), learn.no_logging():
            sync(); start = time.perf_counter()
            learn.fit_one_cycle(epochs, 1e-2)
            sync(); seconds = time.perf_counter() - start
            if not score: return 1000*seconds/(n*epochs), None
            preds, y = learn.get_preds(dl=learn.dls.valid)
        return 1000*seconds/(n*epochs), float((preds.argmax(1) != y).float().mean())
    def megabytes(fmt):
        seed_everything(0)
        learn = learner(fmt, bs*2)
        with learn.no_bar(), learn.no_logging(): return cost(lambda: learn.fit(1)).peak_mb
    formats = [o for o in ('bfloat16', 'float16') if o in device.precisions]
    order = ['float32', *formats]
    for f in order: fit(f, 0, bs*2, 1, False)
    runs = {f: [] for f in order}
    for r in range(rounds):
        for f in (order if r%2 else order[::-1]): runs[f].append(fit(f, r + 1))
    rows, plain = [], megabytes('float32')
    for f in formats:
        pairs = [list(zip(a, b)) for a,b in zip(runs[f], runs['float32'])]
        rows += [compared(f'{f}: time of an image', 'float32', [p[0] for p in pairs], 'ms', '>= 1.2' if device.kind == 'cuda' else ''),
                 compared(f'{f}: memory of a step', 'float32', [(megabytes(f), plain)], 'MB', '>= 1.5'),
                 compared(f'{f}: error', 'float32', [p[1] for p in pairs], '', gain=False)]
    rows.append(compared("fastai's to_fp16: memory of a step", 'float32', [(megabytes('to_fp16'), plain)], 'MB'))
    sizes = [images//4, images//2, images]
    growth = [dict(what=f, x='images', xs=sizes, ys=[statistics.median(fit(f, s, n, 1, False)[0] for s in range(3)) for n in sizes], unit='ms an image') for f in ['float32', *formats]]
    return dict(about=f'{device.name}: a ResNet of 3 blocks on {images} images of 28 x 28, {epochs} epochs, batches of {bs}, {rounds} seeds', rows=rows, growth=growth)

if __name__ == '__main__': script(measure, 'half_precision', __doc__, dict(images=128, epochs=1, rounds=1), images=320, epochs=4, rounds=3)
