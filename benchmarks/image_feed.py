#!/usr/bin/env python3
"""Images a second into a training loop: fastai's `ImageDataLoaders` against the image cache, in one run.

    python benchmarks/image_feed.py [--images N] [--size PIXELS] [--rounds N]

480 x 640 JPEGs, squished to --size. Rounds alternate between the two, and both loaders have had one epoch before.
`plain` stops at the batch of numbers from 0 to 1, which is what the two have to do differently. `augmented` adds the same
fastai batch transforms to both. The pixels of the two are compared as well, before augmentation.
"""
import argparse, json, statistics, tempfile, time
from pathlib import Path

import numpy as np
from PIL import Image

def photos(folder, n, seed=0):
    "Write `n` smooth noisy 480 x 640 JPEGs of about 60 KB, as a camera makes them of leaves"
    rng, files = np.random.default_rng(seed), []
    for i in range(n):
        coarse = Image.fromarray(rng.integers(0, 255, (15, 20, 3), dtype=np.uint8)).resize((640, 480), Image.BICUBIC)
        fine = rng.normal(0, 8, (480, 640, 1))
        files.append(folder/f'{i:05d}.jpg')
        Image.fromarray((np.asarray(coarse) + fine).clip(0, 255).astype(np.uint8)).save(files[-1], quality=88)
    return files

def epoch(dls):
    "Images a second over one pass"
    start, n = time.perf_counter(), 0
    for x,_ in dls.train: n += len(x)
    return n/(time.perf_counter()-start)

def measure(n:int=384, size:int=128, rounds:int=3, bs:int=64) -> dict:
    "Rates of both feeds, their ratios and the largest difference in grey levels"
    from fastai.vision.all import ImageDataLoaders, Resize, ResizeMethod, aug_transforms
    from course_labs.image_cache import cache_images, cached_dls
    with tempfile.TemporaryDirectory() as tmp:
        tmp = Path(tmp)
        files, labels = photos(tmp, n), ['ab'[i%2] for i in range(n)]
        valid = list(range(n - n//5, n))
        def fastai_dls(tfms):
            # `from_lists` splits at random; the same share is enough for a rate
            return ImageDataLoaders.from_lists(tmp, files, labels, valid_pct=0.2, bs=bs, item_tfms=Resize(size, ResizeMethod.Squish), batch_tfms=tfms)
        start = time.perf_counter()
        cache = cache_images(files, size, tmp/'cache')
        res = dict(images=n, size=size, kilobytes=round(statistics.mean(o.stat().st_size for o in files)/1000), cache_seconds=round(time.perf_counter()-start, 2))
        for name, tfms in (('plain', lambda: None), ('augmented', aug_transforms)):
            theirs, ours = fastai_dls(tfms()), cached_dls(cache, labels, valid, bs=bs, batch_tfms=tfms())
            epoch(theirs), epoch(ours)
            pairs = [(epoch(theirs), epoch(ours)) for _ in range(rounds)]
            a, b = (statistics.median(o) for o in zip(*pairs))
            res[name] = dict(fastai=round(a), cached=round(b), ratio=round(statistics.median(o/t for t,o in pairs), 1))
        raw = ImageDataLoaders.from_lists(tmp, files, labels, valid_pct=0.2, bs=bs, item_tfms=Resize(size, ResizeMethod.Squish), num_workers=0)
        at = {f:i for i,f in enumerate(files)}
        x = np.concatenate([b[0].numpy() for b in raw.valid])*255
        y = cache.images[[at[Path(f)] for f,_ in raw.valid_ds.items]].transpose(0, 3, 1, 2)
        res['largest_difference'] = round(float(abs(x - y).max()), 3)
    return res

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--images', type=int, default=384)
    parser.add_argument('--size', type=int, default=128)
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--json', action='store_true', help='print the numbers as JSON')
    args = parser.parse_args()
    res = measure(args.images, args.size, args.rounds)
    if args.json: return print(json.dumps(res))
    print(f"{res['images']} JPEGs of 480 x 640 ({res['kilobytes']} KB each) at {res['size']} pixels; the cache took {res['cache_seconds']} s once")
    for name in ('plain', 'augmented'):
        r = res[name]
        print(f"{name:<10} ImageDataLoaders {r['fastai']:>6} images/s   cached {r['cached']:>6} images/s   ratio {r['ratio']:>6}")
    print(f"largest difference before augmentation: {res['largest_difference']} grey levels")

if __name__ == '__main__': main()
