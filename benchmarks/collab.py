#!/usr/bin/env python3
"""Error and time of the recommenders of week 6 against fastai's `collab_learner`, scikit-surprise and myfm, in one run.

    python benchmarks/collab.py --data RATINGS [--splits N] [--repeats N] [--sizes N ...] [--out DIR] [--skip-peers] [--json]

Every model is trained on the same random 80/20 splits. `collab_learner` has the settings of fastai's book (50 factors,
5 epochs, 5e-3, weight decay 0.1, batches of 64); SVD and SVDpp of scikit-surprise have their defaults; myfm, a Bayesian
factorisation machine that averages 100 draws of a Gibbs sampler, has the rank 8 of its own example on MovieLens, once on who
and what alone and once with all that the user rated beside them, which is SVD++. All have one thread. Ratios of time are
taken split by split, with the lowest and the highest; --repeats trains ours several times a split and takes the median.
Processor seconds are given beside wall seconds: they are the steadier measure on a machine that is not idle.

Then the cost of growth: ratings drawn in the shapes of the MovieLens sets, in a fresh process for each size, trained by
the same lines with batches that grow with the tables. Memory is the peak of the process, without pages of files, minus what it had before
the first rating was drawn: ratings, tensors, order, model and optimiser all in. A plot goes to --out.
"""
import argparse, json, statistics, subprocess, sys, threading, time, warnings
from pathlib import Path

import numpy as np

SHAPES = {100_000: (943, 1_682), 1_000_000: (6_040, 3_706), 10_000_000: (69_878, 10_677)}  # users and items of MovieLens 100K, 1M, 10M

def timed(f):
    "Result, wall seconds, processor seconds"
    wall, cpu = time.perf_counter(), time.process_time()
    res = f()
    return res, time.perf_counter() - wall, time.process_time() - cpu

OURS = {  # Model of the training ratings, and how it is trained
    'dot + bias': ('DotBias', 50, dict(epochs=5, lr=5e-3, wd=0.4, bs=256)),
    'who rated it': ('RatersDot', 50, dict(epochs=4, lr=1.5e-2, wd=0.8, bs=2048)),
    'who rated it, quick': ('RatersDot', 30, dict(epochs=3, lr=2.5e-2, wd=0.8, bs=4096))}

def ours(name, train, valid, seed):
    "Train one of our models; its RMSE and seconds"
    from course_labs.teaching.recommenders.models import DotBias, RatersDot, fit_ratings, predict, rating_errors
    from course_labs.core.machine import seed_everything
    seed_everything(seed)
    kind, n_factors, how = OURS[name]
    def fit():
        model = RatersDot(train, n_factors) if kind == 'RatersDot' else DotBias(train.n_users, train.n_items, n_factors, train.y_range, train.typical)
        return fit_ratings(model, train, valid, **how)
    learn, wall, cpu = timed(fit)
    return rating_errors(predict(learn.model, valid), valid.values)['rmse'], wall, cpu

def fastai_peer(ratings, train_rows, valid_rows, seed):
    "`collab_learner` with the settings of the book"
    import pandas as pd
    from fastai.collab import TabularCollab, collab_learner
    from fastai.tabular.all import Categorify, TransformBlock
    from course_labs.core.machine import seed_everything
    seed_everything(seed)
    df = pd.DataFrame(dict(user=ratings.users, item=ratings.items, rating=ratings.values))
    to = TabularCollab(df, [Categorify], ['user', 'item'], y_names=['rating'], y_block=TransformBlock(), splits=(train_rows.tolist(), valid_rows.tolist()))
    dls = to.dataloaders(path='.', bs=64)
    learn = collab_learner(dls, n_factors=50, y_range=ratings.y_range)
    with learn.no_bar(), learn.no_logging(): _, wall, cpu = timed(lambda: learn.fit_one_cycle(5, 5e-3, wd=0.1))
    with learn.no_bar(): preds, y = learn.get_preds()
    return float(((preds.flatten() - y.flatten())**2).mean()**0.5), wall, cpu

def surprise_peer(name, train, valid, seed):
    "SVD or SVDpp of scikit-surprise with its defaults"
    import pandas as pd, surprise
    frame = lambda r: pd.DataFrame(dict(user=r.users, item=r.items, rating=r.values.astype(float)))
    data = surprise.Dataset.load_from_df(frame(train), surprise.Reader(rating_scale=train.scale)).build_full_trainset()
    algo, wall, cpu = timed(lambda: getattr(surprise, name)(random_state=seed).fit(data))
    return float(surprise.accuracy.rmse(algo.test(list(frame(valid).itertuples(index=False, name=None))), verbose=False)), wall, cpu

def myfm_peer(train, valid, seed, rank=8, n_iter=100, implicit=False):
    "Bayesian factorisation machine of myfm: one-hot user and item, and with `implicit` the set of all that the user rated"
    import myfm
    from scipy import sparse
    # A user's set, over the root of its size: the same rows for every rating of the user
    count = np.bincount(train.users, minlength=train.n_users)
    sets = sparse.csr_matrix((count[train.users]**-0.5, (train.users, train.items)), (train.n_users, train.n_items))
    def one_hot(numbers, n): return sparse.csr_matrix((np.ones(len(numbers)), (np.arange(len(numbers)), numbers)), (len(numbers), n))
    def features(r):
        parts = [one_hot(r.users, train.n_users), one_hot(r.items, train.n_items)]
        return sparse.hstack(parts + [sets[r.users]]*implicit).tocsr()
    groups = [train.n_users, train.n_items] + [train.n_items]*implicit
    fm = myfm.MyFMRegressor(rank=rank, random_seed=seed)
    _, wall, cpu = timed(lambda: fm.fit(features(train), train.values.astype(float), group_shapes=groups, n_iter=n_iter))
    guess = np.clip(fm.predict(features(valid)), *train.scale)
    return float(((guess - valid.values)**2).mean()**0.5), wall, cpu

def accuracy(data, n_splits, repeats, peers=True):
    "RMSE and seconds of every model on the same splits, and ratios of time"
    from course_labs.data_sets.ratings import read_ratings, split_random
    import torch
    torch.set_num_threads(1)  # for all: scikit-surprise has one thread, and batches this small gain nothing from more
    ratings = read_ratings(data)
    ours('dot + bias', *[ratings.take(r) for r in split_random(ratings, 0.2, seed=99)], 0)  # loads what torch loads at first use
    runs = {}
    for s in range(n_splits):
        rows = split_random(ratings, 0.2, seed=s)
        train, valid = (ratings.take(r) for r in rows)
        for name in OURS:
            res = [ours(name, train, valid, s) for _ in range(repeats)]
            runs.setdefault(name, []).append((res[0][0], *(statistics.median(r[i] for r in res) for i in (1, 2))))
        if not peers: continue
        runs.setdefault('Surprise SVD', []).append(surprise_peer('SVD', train, valid, s))
        runs.setdefault('Surprise SVDpp', []).append(surprise_peer('SVDpp', train, valid, s))
        runs.setdefault('myfm', []).append(myfm_peer(train, valid, s))
        runs.setdefault('myfm, who rated it', []).append(myfm_peer(train, valid, s, implicit=True))
        runs.setdefault('fastai collab_learner', []).append(fastai_peer(ratings, *rows, s))
        print(f'split {s + 1} of {n_splits}:', *(f'{k} {v[-1][0]:.4f} in {v[-1][2]:.2f} s;' for k,v in runs.items()), file=sys.stderr, flush=True)
    table = {n: dict(rmse=statistics.mean(r[0] for r in rs), rmses=[round(r[0], 4) for r in rs], wall=statistics.median(r[1] for r in rs), cpu=statistics.median(r[2] for r in rs)) for n,rs in runs.items()}
    ratios = {}
    for mine in OURS:
        for peer in set(runs) - set(OURS):
            for i, clock in ((1, 'wall'), (2, 'cpu')):
                xs = [b[i]/a[i] for a,b in zip(runs[mine], runs[peer])]
                ratios[f'{peer} / {mine}, {clock}'] = dict(median=statistics.median(xs), low=min(xs), high=max(xs))
    return dict(ratings=repr(ratings).splitlines()[0], table=table, ratios=ratios)

def draw(n, n_users, n_items, seed, block=100_000):
    "`n` ratings of two factors and biases, block by block so that drawing takes little memory"
    from course_labs.data_sets.ratings import Ratings
    truth, rng = np.random.default_rng(0), np.random.default_rng(seed)
    p, q = truth.normal(0, 0.7, (n_users, 2)).astype('f4'), truth.normal(0, 0.7, (n_items, 2)).astype('f4')
    bu, bi = truth.normal(0, 0.35, n_users).astype('f4'), truth.normal(0, 0.45, n_items).astype('f4')
    users, items, values = np.empty(n, 'i4'), np.empty(n, 'i4'), np.empty(n, 'f4')
    for i in range(0, n, block):
        m = min(block, n - i)
        u = (n_users*rng.random(m, dtype='f4')**1.5).astype('i4').clip(0, n_users - 1)
        j = (n_items*rng.random(m, dtype='f4')**2).astype('i4').clip(0, n_items - 1)
        users[i:i+m], items[i:i+m] = u, j
        values[i:i+m] = np.clip(np.round(3.4 + bu[u] + bi[j] + (p[u]*q[j]).sum(1) + rng.normal(0, 0.6, m)), 1, 5)
    return Ratings(users, items, values, None, np.arange(n_users), np.arange(n_items), [], (1., 5.))

class PeakMemory:
    "Largest memory of this process within a block, without pages of files, above that at its start; in bytes"
    def own(self):
        m = self.process.memory_info()
        return m.rss - getattr(m, 'shared', 0)
    def watch(self):
        while not self.stop.wait(0.02): self.peak = max(self.peak, self.own())
    def __enter__(self):
        import psutil
        self.process, self.stop = psutil.Process(), threading.Event()
        self.start = self.peak = self.own()
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()
        return self
    def __exit__(self, *args):
        self.stop.set(); self.thread.join()
        self.bytes = max(self.peak, self.own()) - self.start

def growth_step(n, epochs):
    "One size, in a process of its own: seconds per rating per epoch and peak bytes per rating"
    import torch
    from course_labs.teaching.recommenders.models import DotBias, fit_ratings, predict, rating_errors
    n_users, n_items = SHAPES.get(n) or (int(0.7*n**0.72), int(3*n**0.51))
    warm = draw(5_000, 50, 50, 1)
    fit_ratings(DotBias(50, 50, 8, warm.y_range, 3.4), warm, warm, epochs=1)
    bs = max(64, (n_users + n_items)//5)
    with PeakMemory() as memory:
        train, valid = draw(n, n_users, n_items, 1), draw(min(n//5, 200_000), n_users, n_items, 2)
        torch.manual_seed(0)
        model = DotBias(n_users, n_items, 20, train.y_range, train.typical)
        learn, wall, cpu = timed(lambda: fit_ratings(model, train, valid, epochs=epochs, lr=1e-2, wd=0.1, bs=bs))
    return dict(n=n, users=n_users, items=n_items, bs=bs, epochs=epochs, wall=wall/epochs/n, cpu=cpu/epochs/n, bytes=memory.bytes/n, peak=memory.bytes,
                rmse=rating_errors(predict(model, valid), valid.values)['rmse'], mean=rating_errors(np.full(len(valid), train.values.mean()), valid.values)['rmse'])

def growth(sizes, repeats):
    "All sizes, the sizes in turn within each repeat; medians"
    runs = {n: [] for n in sizes}
    for _ in range(repeats):
        for n in sizes:
            epochs = max(1, min(5, round(4_000_000/n)))
            out = subprocess.run([sys.executable, __file__, '--step', str(n), '--epochs', str(epochs)], capture_output=True, text=True, check=True).stdout
            runs[n].append(json.loads(out.splitlines()[-1]))
    steps = [{**rs[0], **{k: statistics.median(r[k] for r in rs) for k in ('wall', 'cpu', 'bytes', 'peak')}} for rs in runs.values()]
    a, b = steps[0], steps[-1]
    ratio = [y['cpu']/x['cpu'] for x,y in zip(runs[sizes[0]], runs[sizes[-1]])]
    return dict(steps=steps, time=dict(median=statistics.median(ratio), low=min(ratio), high=max(ratio)), bytes=max(s['bytes'] for s in steps),
                bytes_added=(b['peak'] - a['peak'])/(b['n'] - a['n']) if b is not a else b['bytes'])

def plot(res, path):
    "Seconds and bytes a rating over the number of ratings"
    import matplotlib
    matplotlib.use('agg')
    import matplotlib.pyplot as plt
    from course_labs.training.plots import use_style
    use_style()
    n = [s['n'] for s in res['steps']]
    fig,(ax,bx) = plt.subplots(1, 2, figsize=(10, 3.8))
    ax.plot(n, [1e6*s['cpu'] for s in res['steps']], marker='o', label='processor'); ax.plot(n, [1e6*s['wall'] for s in res['steps']], marker='s', label='wall')
    ax.set(xscale='log', xlabel='ratings', ylabel='microseconds a rating and epoch', ylim=(0, None), title=f"At {n[-1]:,} a rating takes {res['time']['median']:.2f} times\nas long as at {n[0]:,}"); ax.legend()
    bx.plot(n, [s['bytes'] for s in res['steps']], marker='o'); bx.axhline(100, color='0.5', ls=':')
    bx.set(xscale='log', xlabel='ratings', ylabel='peak bytes a rating, all in', ylim=(0, None), title=f"{res['steps'][-1]['bytes']:.0f} bytes a rating at {n[-1]:,},\nat most {res['bytes']:.0f}")
    fig.savefig(path)

def main():
    warnings.filterwarnings('ignore')
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    from course_labs.core.settings import data_overrides
    parser.add_argument('--data', type=Path, default=data_overrides().get('ratings'), help='file of ratings (default: what COURSE_LABS_DATA names); without one only the cost of growth is measured')
    parser.add_argument('--splits', type=int, default=3)
    parser.add_argument('--repeats', type=int, default=3)
    parser.add_argument('--sizes', type=int, nargs='*', default=list(SHAPES))
    parser.add_argument('--out', type=Path, default=Path('.'))
    parser.add_argument('--skip-peers', action='store_true')
    parser.add_argument('--json', action='store_true', help='print the numbers as JSON')
    parser.add_argument('--step', type=int, help=argparse.SUPPRESS)
    parser.add_argument('--epochs', type=int, default=1, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.step: return print(json.dumps(growth_step(args.step, args.epochs)))
    res = {}
    if args.data: res['accuracy'] = accuracy(args.data, args.splits, args.repeats, not args.skip_peers)
    if args.sizes:
        args.out.mkdir(parents=True, exist_ok=True)
        res['growth'] = growth(args.sizes, args.repeats)
        plot(res['growth'], args.out/'collab_growth.png')
    if args.json: return print(json.dumps(res))
    if a := res.get('accuracy'):
        print(a['ratings'])
        for name, r in a['table'].items(): print(f"{name:<22} RMSE {r['rmse']:.4f} {r['rmses']}  {r['wall']:7.2f} s wall  {r['cpu']:7.2f} s processor")
        for name, r in sorted(a['ratios'].items()): print(f"{name:<45} {r['median']:6.1f} times the time ({r['low']:.1f} to {r['high']:.1f})")
    if g := res.get('growth'):
        for s in g['steps']: print(f"{s['n']:>10,} ratings, {s['users']:,} x {s['items']:,}, batches of {s['bs']:,}: {1e6*s['cpu']:.2f} us processor, {1e6*s['wall']:.2f} us wall a rating and epoch; {s['bytes']:.0f} bytes a rating; RMSE {s['rmse']:.3f} (mean: {s['mean']:.3f})")
        t = g['time']
        print(f"time a rating, largest to smallest: {t['median']:.2f} ({t['low']:.2f} to {t['high']:.2f}); bytes a rating: at most {g['bytes']:.0f}, {g['bytes_added']:.0f} for each rating added")

if __name__ == '__main__': main()
