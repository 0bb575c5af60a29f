#!/usr/bin/env python3
"""Reading the large tables of the course: processor time and memory against pandas' `read_csv` alone, in processes of their own.

    python benchmarks/reading.py [--images N] [--ratings N] [--rounds N] [--json]

`read_csv` guesses: 0123 becomes 123, and a field too many in every row moves all columns by one. Our readers do not, and check every
cell. Images: a csv of 28 x 28 pixels with about as many zeros as MNIST has. Ratings: once with numbers for ids, once with text (U000123).
Rounds alternate between the two. Memory is the peak of the process above what it had before the first byte is read.
"""
import json, subprocess, sys, tempfile, time
from pathlib import Path

import numpy as np

from course_labs.publishing.bench_report import compared, script

def write_images(path, n, seed=0):
    "`n` images of which four fifths are black"
    from course_labs.data_sets.images import write_images_csv
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (n, 28, 28), dtype=np.uint8)*(rng.random((n, 28, 28)) < 0.2)
    return write_images_csv(path, images, rng.integers(0, 10, n))

def write_ratings(path, n, text, seed=0):
    "`n` ratings with ids as numbers or as text"
    rng = np.random.default_rng(seed)
    users, items = (n**0.7*rng.random(n)**1.5).astype(int) + 1, (2*n**0.6*rng.random(n)**2).astype(int) + 1
    row = 'U{:06d},B{:07d},{:g},{}\n' if text else '{},{},{:g},{}\n'
    rows = zip(users.tolist(), items.tolist(), (rng.integers(1, 11, n)/2).tolist(), rng.integers(8e8, 15e8, n).tolist())
    with path.open('w', encoding='utf-8') as f:
        f.write('userId,movieId,rating,timestamp\n')
        f.writelines(row.format(*o) for o in rows)
    return path

OURS = dict(images='from course_labs.data_sets.images import read_images_csv as read', ratings='from course_labs.data_sets.ratings import read_ratings as read')
PEER = 'from pandas import read_csv as read'
STEP = '''
import json, sys, threading, time
import pandas, psutil, pyarrow.csv
{load}
process, done = psutil.Process(), threading.Event()
start = peak = process.memory_info().rss
def watch():
    global peak
    while not done.wait(0.01): peak = max(peak, process.memory_info().rss)
watcher = threading.Thread(target=watch, daemon=True)
watcher.start()
clock = time.process_time()
res = read(sys.argv[1])
seconds = time.process_time() - clock
done.set(); watcher.join()
print(json.dumps(dict(s=seconds, mb=(max(peak, process.memory_info().rss) - start)/2**20)))
'''

def step(load, path):
    "Seconds and MB of reading a file in a fresh process"
    out = subprocess.run([sys.executable, '-c', STEP.format(load=load), path], capture_output=True, text=True, check=True).stdout
    return json.loads(out.splitlines()[-1])

def rows_of(what, kind, path, rounds, time_aim, memory_aim):
    "Two rows: time and memory of reading a file"
    runs = []
    for i in range(rounds):
        both = {load: step(load, path) for load in ((PEER, OURS[kind]) if i%2 else (OURS[kind], PEER))}
        runs.append((both[OURS[kind]], both[PEER]))
    pairs = lambda k: [(max(a[k], 1e-3), max(b[k], 1e-3)) for a,b in runs]
    return [compared(f'{what}: time', 'pandas.read_csv', pairs('s'), 's', time_aim, gain=False),
            compared(f'{what}: memory', 'pandas.read_csv', pairs('mb'), 'MB', memory_aim, gain=False)]

def measure(images, ratings, rounds):
    "Both readers on files that are written here"
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as d:
        d = Path(d)
        made = dict(images=write_images(d/'images.csv', images), numbers=write_ratings(d/'numbers.csv', ratings, False), text=write_ratings(d/'text.csv', ratings, True))
        rows = rows_of(f'{images:,} images as csv', 'images', made['images'], rounds, '<= 1.5', '<= 0.7')
        rows += rows_of(f'{ratings:,} ratings, ids as numbers', 'ratings', made['numbers'], rounds, '<= 5', '<= 4')
        rows += rows_of(f'{ratings:,} ratings, ids as text', 'ratings', made['text'], rounds, '<= 7', '<= 2')
    return dict(about=f'reading tables, {time.perf_counter() - start:.0f} s in all', rows=rows)

if __name__ == '__main__': script(measure, 'reading', __doc__, dict(images=300, ratings=3000, rounds=1), images=20_000, ratings=1_000_000, rounds=3)
