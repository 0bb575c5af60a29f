#!/usr/bin/env python3
"""What a step of `lr_find` costs beside a plain training step, and beside a step of fastai's own finder, in turn.

    python benchmarks/lr_finder.py [--steps N] [--width N] [--rounds N] [--json]

A small ResNet on Fashion-MNIST's committed sample. A sweep takes --steps optimiser steps and puts back weights, optimiser and
random states; a plain fit takes as many steps, without validation. Neither is cut short. On a CPU processor time on one thread
is measured, which other work on the machine changes least. The cost of growth is the same ratio
over the size of the net, since what a sweep adds is keeping and putting back its parameters; the size of the data does not enter.
"""
import tempfile, time, statistics

from course_labs.publishing.bench_report import compared, paired, script

def measure(steps, width, rounds, bs=64):
    "Milliseconds a step: ours against plain training and against fastai's finder"
    import pandas as pd, torch
    from course_labs.training.loaders import NoValidation
    from course_labs.training.small_images import loaders, split_images
    from course_labs.weeks.cnn import n_params, resnet
    from course_labs.data_sets.registry import get
    from course_labs.core.machine import probe_device, seed_everything
    from course_labs.training.lr_finder import lr_find
    from fastai.callback.core import Callback, CancelFitException
    from fastai.learner import Learner
    import fastai.callback.schedule  # noqa: F401  gives Learner its own lr_find
    from torch import nn
    device, df = probe_device(), pd.read_csv(get('fashion', 'tiny'))
    clock = time.perf_counter if device.kind == 'cuda' else time.process_time
    torch.set_num_threads(1)
    split = split_images(df.drop(columns='label').to_numpy('uint8').reshape(-1, 28, 28), df.label.to_numpy(), valid_pct=0.2, seed=0, device=device.kind)
    class Stop(Callback):
        order = 90
        def after_batch(self):
            if self.train_iter >= steps: raise CancelFitException()
    def learner(width):
        seed_everything(0)
        return Learner(loaders(split, bs), resnet((1, 1, 1), (width, 2*width, 4*width), ni=1, n_out=10, small=True).to(device.kind), loss_func=nn.CrossEntropyLoss(), path=tmp)
    def timed(f):
        start = clock()
        n = f()
        if device.kind == 'cuda': torch.cuda.synchronize()
        return 1000*(clock() - start)/n
    def ways(width):
        learn, fresh = learner(width), learner(width)
        def sweep(): return len(lr_find(learn, num_it=steps, stop_div=False).lrs)
        def theirs():
            fresh.lr_find(num_it=steps, stop_div=False, show_plot=False)
            return len(fresh.recorder.lrs)
        def plain(): fresh.fit(-(-steps//len(fresh.dls.train)), 1e-3, cbs=[Stop(), NoValidation()]); return steps
        def quiet(f, l):
            def run():
                with l.no_bar(), l.no_logging(): return timed(f)
            return run
        return quiet(sweep, learn), quiet(plain, fresh), quiet(theirs, fresh), n_params(learn.model)
    with tempfile.TemporaryDirectory() as tmp:
        ours, plain, theirs, _ = ways(width)
        for f in (ours, plain, theirs): f()
        rows = [compared('a step of lr_find', 'a step of training', paired(ours, plain, rounds), 'ms', '<= 1.15', gain=False),
                compared('a step of lr_find', "a step of fastai's lr_find", paired(ours, theirs, rounds), 'ms', '>= 0.9')]
        xs, ys = [], []
        for w in (width//4, width//2, width):
            ours, plain, _, n = ways(w)
            ours(), plain()
            xs.append(n); ys.append(statistics.median(a/b for a,b in paired(ours, plain, min(rounds, 3))))
    return dict(about=('processor time on one thread' if device.kind == 'cpu' else device.name) + f': a ResNet of 3 blocks on 28 x 28 pixels, {steps} steps, batches of {bs}, {rounds} rounds', rows=rows,
                growth=[dict(what='lr_find over training', x='parameters', xs=xs, ys=ys, unit='ratio of the time of a step')])

if __name__ == '__main__': script(measure, 'lr_finder', __doc__, dict(steps=8, width=4, rounds=1), steps=100, width=16, rounds=5)
