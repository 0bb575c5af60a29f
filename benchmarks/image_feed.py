#!/usr/bin/env python3
"""Images a second into a training loop: fastai's `ImageDataLoaders` against the image cache, in turn.

    python benchmarks/image_feed.py [--images N] [--size PIXELS] [--rounds N] [--json]

480 x 640 JPEGs, squished to --size. Rounds alternate between the two, and both loaders have had one epoch before.
`plain` stops at the batch of numbers from 0 to 1, which is what the two have to do differently. `augmented` adds the same
fastai batch transforms to both. The pixels of the two are compared as well, before augmentation: a difference of more than
one grey level fails the benchmark. The cost of growth is the time of an image, in a feed of a quarter, a half and all images.
"""
import statistics, tempfile, time
from pathlib import Path

import numpy as np
from PIL import Image

from course_labs.publishing.bench_report import compared, paired, script

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
    "Milliseconds an image over one pass"
    start, n = time.perf_counter(), 0
    for x,_ in dls.train: n += len(x)
    return 1000*(time.perf_counter()-start)/n

def measure(images, size, rounds, bs=64):
    "Times of both feeds, their ratios, the largest difference in grey levels, and the time of an image over their number"
    from fastai.vision.all import ImageDataLoaders, Resize, ResizeMethod, aug_transforms
    from course_labs.data_sets.image_cache import cache_images, cached_dls
    with tempfile.TemporaryDirectory() as tmp:
        tmp = Path(tmp)
        files, rows = photos(tmp, images), []
        labels = ['ab'[i%2] for i in range(images)]
        def fastai_dls(tfms, n=images, **kwargs):
            # `from_lists` splits at random; the same share is enough for a rate
            return ImageDataLoaders.from_lists(tmp, files[:n], labels[:n], valid_pct=0.2, bs=min(bs, n//4), item_tfms=Resize(size, ResizeMethod.Squish), batch_tfms=tfms, **kwargs)
        start = time.perf_counter()
        cache = cache_images(files, size, tmp/'cache')
        seconds = time.perf_counter() - start
        def cached(tfms, n=images): return cached_dls(cache.images[:n], labels[:n], list(range(n - n//5, n)), bs=min(bs, n//4), batch_tfms=tfms)
        for name, tfms, aim in (('plain', lambda: None, '>= 10'), ('augmented', aug_transforms, '>= 2')):
            theirs, ours = fastai_dls(tfms()), cached(tfms())
            epoch(theirs), epoch(ours)
            rows.append(compared(f'an image, {name}', 'ImageDataLoaders', paired(lambda: epoch(ours), lambda: epoch(theirs), rounds), 'ms', aim))
        raw = fastai_dls(None, num_workers=0)
        at = {f:i for i,f in enumerate(files)}
        x = np.concatenate([b[0].numpy() for b in raw.valid])*255
        y = cache.images[[at[Path(f)] for f,_ in raw.valid_ds.items]].transpose(0, 3, 1, 2)
        assert (worst := float(abs(x - y).max())) <= 1, f'the pixels differ by {worst:.2f} grey levels'
        sizes = [images//4, images//2, images]
        feeds = {n: cached(None, n) for n in sizes}
        runs = {n: [epoch(feeds[n])] for n in sizes}
        for _ in range(rounds):
            for n in sizes: runs[n].append(epoch(feeds[n]))
        kb = statistics.mean(o.stat().st_size for o in files)/1000
    return dict(about=f'{images} JPEGs of 480 x 640 ({kb:.0f} KB each) at {size} pixels, batches of {bs}; the cache took {seconds:.1f} s once; largest difference {worst:.2f} grey levels',
                rows=rows, growth=[dict(what='cached feed', x='images', xs=sizes, ys=[statistics.median(runs[n][1:]) for n in sizes], unit='ms an image')])

if __name__ == '__main__': script(measure, 'image_feed', __doc__, dict(images=64, size=64, rounds=1), images=384, size=128, rounds=5)
