#!/usr/bin/env python3
"""What `resumable` costs: an epoch of week 4 with and without it, in one run.

    python benchmarks/resume.py [--images N] [--size PIXELS] [--rounds N] [--arch NAME]

Both learners are those of week 4 (the pretrained body of the tiny size under a small head, cached images, augmentation), on
drawn images. Rounds alternate between the two; each is a fit of several epochs, and a checkpoint with weights, optimiser and
random states is forced to the disk after every epoch. `overhead` is the extra share of an epoch, the median over rounds; it
says something on an idle machine only. Beside it stands the time of one write, and its share of the rest of the very epoch
that it belongs to, which other work on the machine hardly changes.
"""
import argparse, json, statistics, tempfile, time
from pathlib import Path

import numpy as np

def fit_seconds(cache, labels, arch, epochs, folder=None):
    "Seconds of one fit, and the seconds that writing took in it"
    from fastai.vision.all import aug_transforms
    from course_labs.image_cache import cached_dls
    from course_labs.paddy import paddy_learner, quiet
    from course_labs.runtime import seed_everything
    from course_labs.training import resumable
    seed_everything(0)
    dls = cached_dls(cache, labels, np.arange(0, len(labels), 10), bs=32, batch_tfms=aug_transforms(flip_vert=True, max_rotate=15, max_zoom=1.1, max_warp=0, max_lighting=0.1))
    learn, writing = paddy_learner(dls, arch, img_size=cache.shape[1]), [0.]
    learn.unfreeze()
    if folder:
        cb = resumable(learn, folder)
        write = cb.write
        def timed(*args, **kwargs):
            start = time.perf_counter()
            write(*args, **kwargs)
            writing[0] += time.perf_counter() - start
        vars(cb)['write'] = timed
    start = time.perf_counter()
    with quiet(learn): learn.fit_one_cycle(epochs, 1e-3)
    return time.perf_counter() - start, writing[0]

def measure(n:int=640, size:int=128, rounds:int=5, epochs:int=2, arch:str='tf_efficientnet_lite0') -> dict:
    "Seconds an epoch both ways, and the overhead"
    cache = np.random.default_rng(0).integers(0, 255, (n, size, size, 3), dtype=np.uint8)
    labels = ['abcdefghij'[i%10] for i in range(n)]
    fit_seconds(cache[:64], labels[:64], arch, 1)
    pairs, writes = [], []
    for i in range(rounds):
        with tempfile.TemporaryDirectory() as tmp:
            both = [lambda: fit_seconds(cache, labels, arch, epochs), lambda: fit_seconds(cache, labels, arch, epochs, Path(tmp))]
            res = [f() for f in (both if i%2 == 0 else both[::-1])][::1 if i%2 == 0 else -1]
            megabytes = sum(p.stat().st_size for p in Path(tmp).iterdir())/2**20/len(list(Path(tmp).iterdir()))
        pairs.append((res[0][0]/epochs, res[1][0]/epochs))
        writes.append(res[1][1]/epochs)
    plain, kept = (statistics.median(o) for o in zip(*pairs))
    ratios = sorted(b/a for a,b in pairs)
    return dict(images=n, size=size, arch=arch, rounds=rounds, megabytes=round(megabytes, 1), plain=round(plain, 2), resumable=round(kept, 2), write=round(statistics.median(writes), 3),
                overhead=round(100*(statistics.median(ratios) - 1), 1), lowest=round(100*(ratios[0] - 1), 1), highest=round(100*(ratios[-1] - 1), 1),
                write_share=round(100*statistics.median(w/(b - w) for w,(_,b) in zip(writes, pairs)), 1))

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--images', type=int, default=640)
    parser.add_argument('--size', type=int, default=128)
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--epochs', type=int, default=2)
    parser.add_argument('--arch', default='tf_efficientnet_lite0')
    parser.add_argument('--json', action='store_true', help='print the numbers as JSON')
    args = parser.parse_args()
    res = measure(args.images, args.size, args.rounds, args.epochs, args.arch)
    if args.json: return print(json.dumps(res))
    print(f"{res['arch']} on {res['images']} images of {res['size']} pixels, {res['rounds']} rounds; a checkpoint has {res['megabytes']} MB")
    print(f"an epoch   plain {res['plain']:>7} s   resumable {res['resumable']:>7} s   overhead {res['overhead']} % ({res['lowest']} to {res['highest']} %)")
    print(f"one write  {res['write']} s, {res['write_share']} % of the rest of its epoch")

if __name__ == '__main__': main()
