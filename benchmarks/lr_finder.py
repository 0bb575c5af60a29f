#!/usr/bin/env python3
"""What a step of `lr_find` costs beside a plain training step and a step of fastai's own finder, and how good its rate is.

    python benchmarks/lr_finder.py [--steps N] [--width N] [--rounds N] [--week N] [--json]

A small ResNet on Fashion-MNIST's committed sample. A sweep takes --steps optimiser steps and puts back weights, optimiser and
random states; a plain fit takes as many steps, without validation. Neither is cut short. On a CPU processor time on one thread
is measured, which other work on the machine changes least. The cost of growth is the same ratio
over the size of the net, since what a sweep adds is keeping and putting back its parameters; the size of the data does not enter.

How good: `data/recipes.json` holds the best rate of every model that a lab compares, by a search over a row of rates. Each of
them is built as for that search, with two of its seeds, and swept at the moment at which it would train. Counted is how often the
suggestion is within a factor of three of the best rate; fastai's rules look at the same sweep as fastai smooths it.
"""
import importlib, math, os, tempfile, time, statistics
from contextlib import ExitStack
from unittest.mock import patch

os.environ.setdefault('KERAS_BACKEND', 'torch')

from course_labs.publishing.bench_report import compared, paired, script

class Swept(BaseException):
    "Ends a training before it begins, with the sweep that took its place"

def sweep_of(arm, setting, seed, steps):
    "The sweep of the first model that an arm trains; None where what trains it has no sweep"
    import keras
    from fastai.learner import Learner
    from transformers import Trainer
    import fastai.callback.schedule  # noqa: F401  gives Learner fit_one_cycle and fine_tune
    from course_labs.training.lr_finder import lr_find
    with ExitStack() as patches:
        def instead(model, x=None, y=None, batch_size=None, **kwargs):
            patches.close()  # a sweep trains too
            if not isinstance(model, keras.Model): raise Swept(lr_find(model, num_it=steps))
            data, how = ([x], {}) if y is None else ([x, y], dict(batch_size=batch_size or 32))
            raise Swept(lr_find(model, *data, num_it=steps, **how))
        for c,name in ((Learner, 'fit_one_cycle'), (Learner, 'fine_tune'), (Learner, 'fit'), (Trainer, 'train'), (keras.Model, 'fit')):
            patches.enter_context(patch.object(c, name, lambda self, *args, **kwargs: instead(self, *args[:2], **kwargs)
                                               if isinstance(self, keras.Model) else instead(self)))
        try: arm.train(arm.fixed | setting, seed)
        except Swept as e: return e.args[0]

# Two stop by a validation loss, which a sweep has not; then: the rate is the top of a row of rates; the training is a loop of its own
NO_SWEEP = 'w2.early_stopping', 'w2.all_four', 'w4.by_depth', 'w5.both', 'w5.hypothesis', 'w5.matched', 'w5.matched_middle', 'w5.random_encoder'

def near_best(weeks, steps, seeds=2):
    "For each seed: shares of sweeps whose suggestion is within a factor of three of the best rate, and how many sweeps"
    from course_labs.training.lr_finder import SUGGESTIONS
    from course_labs.training.recipes import read_recipes
    found = {}
    for week in weeks:
        for arm in importlib.import_module(f'course_labs.arms.week{week:02}').ARMS:
            if 'lr' not in arm.grid or arm.name in NO_SWEEP: continue
            best = read_recipes()[arm.name]['best']
            for i,seed in enumerate(list(arm.seeds)[:seeds]):
                sweep = sweep_of(arm, best, seed, steps)
                if sweep is None: break
                rates = dict(ours=sweep.suggested) | {rule: SUGGESTIONS[rule](*sweep.points()) for rule in ('valley', 'minimum')}
                for who,lr in rates.items(): found.setdefault(who, [[] for _ in range(seeds)])[i].append(abs(math.log(lr/best['lr'])) <= math.log(3.01))
    return {who: [statistics.mean(o) for o in rounds] for who,rounds in found.items()}, sum(map(len, found['ours']))

def measure(steps, width, rounds, week, bs=64):
    "Milliseconds a step: ours against plain training and against fastai's finder; shares of rates near the best one"
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
    near, n = near_best([week] if week else range(2, 8), 100)
    def against(rule): return list(zip(near['ours'], near[rule]))
    what = f'rates within a factor of three of the best, {n} sweeps'
    rows += [compared(what, "fastai's default, the valley", against('valley'), 'share', '>= 1', gain=False),
             compared(what, "fastai's minimum", against('minimum'), 'share', '>= 1', gain=False)]
    return dict(about=('processor time on one thread' if device.kind == 'cpu' else device.name) + f': a ResNet of 3 blocks on 28 x 28 pixels, {steps} steps, batches of {bs}, {rounds} rounds', rows=rows,
                growth=[dict(what='lr_find over training', x='parameters', xs=xs, ys=ys, unit='ratio of the time of a step')])

if __name__ == '__main__': script(measure, 'lr_finder', __doc__, dict(steps=8, width=4, rounds=1, week=6), steps=100, width=16, rounds=5, week=0)
