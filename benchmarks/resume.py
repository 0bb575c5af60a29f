#!/usr/bin/env python3
"""What `resumable` costs: epochs of week 4 with and without a checkpoint, in turn.

    python benchmarks/resume.py [--images N] [--size PIXELS] [--pairs N] [--arch NAME]

The learner is that of week 4 (the pretrained body of the tiny size under a small head, cached images, augmentation), on drawn
images. In one fit, a checkpoint with weights, optimiser and random states is forced to the disk after every second epoch; each
such epoch is compared with the one before it. `overhead` is the extra share of an epoch, the median over pairs. Beside it
stands the time of one write, and its share of the rest of the very epoch that it belongs to, which other work on the machine
hardly changes.
"""
import argparse, json, statistics, tempfile, time
from pathlib import Path

import numpy as np

def epochs_of(cache, labels, arch, epochs, folder):
    "Seconds of each epoch of one fit, and of each write; a checkpoint is written after every second epoch only"
    from fastai.vision.all import Callback, aug_transforms
    from course_labs.image_cache import cached_dls
    from course_labs.paddy import paddy_learner, quiet
    from course_labs.runtime import seed_everything
    from course_labs.training import resumable
    seed_everything(0)
    dls = cached_dls(cache, labels, np.arange(0, len(labels), 10), bs=32, batch_tfms=aug_transforms(flip_vert=True, max_rotate=15, max_zoom=1.1, max_warp=0, max_lighting=0.1))
    learn = paddy_learner(dls, arch, img_size=cache.shape[1])
    learn.unfreeze()
    cb, marks, writes = resumable(learn, folder), [], []
    write = cb.write
    def timed(epoch, *args, **kwargs):
        start = time.perf_counter()
        if epoch%2 == 0: write(epoch, *args, **kwargs); writes.append(time.perf_counter() - start)
        marks.append(time.perf_counter())
    vars(cb)['write'] = timed
    class Begin(Callback):
        def before_epoch(self):
            if not marks: marks.append(time.perf_counter())
    with quiet(learn): learn.fit_one_cycle(epochs, 1e-3, cbs=Begin())
    return np.diff(marks), writes

def measure(n:int=640, size:int=128, pairs:int=12, arch:str='tf_efficientnet_lite0') -> dict:
    "Seconds an epoch both ways, and the overhead"
    cache = np.random.default_rng(0).integers(0, 255, (n, size, size, 3), dtype=np.uint8)
    labels = ['abcdefghij'[i%10] for i in range(n)]
    with tempfile.TemporaryDirectory() as tmp:
        seconds, writes = epochs_of(cache, labels, arch, 2*pairs + 2, Path(tmp))
        megabytes = sum(p.stat().st_size for p in Path(tmp).iterdir())/2**20/len(list(Path(tmp).iterdir()))
    both = seconds[2:].reshape(-1, 2)  # the first pair warms up
    ratios, (plain, kept) = np.sort(both[:, 1]/both[:, 0]), np.median(both, axis=0)
    percent = lambda r: round(100*(float(r) - 1), 1)
    return dict(images=n, size=size, arch=arch, rounds=pairs, megabytes=round(megabytes, 1), plain=round(float(plain), 2), resumable=round(float(kept), 2), write=round(statistics.median(writes[1:]), 3),
                overhead=percent(np.median(ratios)), lowest=percent(ratios[0]), highest=percent(ratios[-1]),
                write_share=round(100*statistics.median(w/(b - w) for w,b in zip(writes[1:], both[:, 1])), 1))

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--images', type=int, default=640)
    parser.add_argument('--size', type=int, default=128)
    parser.add_argument('--pairs', type=int, default=12, help='of an epoch without and an epoch with a checkpoint')
    parser.add_argument('--arch', default='tf_efficientnet_lite0')
    parser.add_argument('--json', action='store_true', help='print the numbers as JSON')
    args = parser.parse_args()
    res = measure(args.images, args.size, args.pairs, args.arch)
    if args.json: return print(json.dumps(res))
    print(f"{res['arch']} on {res['images']} images of {res['size']} pixels, {res['rounds']} pairs of epochs; a checkpoint has {res['megabytes']} MB")
    print(f"an epoch   plain {res['plain']:>7} s   resumable {res['resumable']:>7} s   overhead {res['overhead']} % ({res['lowest']} to {res['highest']} %)")
    print(f"one write  {res['write']} s, {res['write_share']} % of the rest of its epoch")

if __name__ == '__main__': main()
