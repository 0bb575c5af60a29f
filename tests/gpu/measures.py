"""What the check of a GPU measures, a function a part: each returns `says`, one sentence, and `rows` of a table

`python measures.py FOLDER [BATCH]` is the training that `resume` kills."""
import json, os, signal, subprocess, sys, tempfile, time
from pathlib import Path

def _kind():
    from course_labs.core.machine import probe_device
    return probe_device().kind

def _wait():
    import torch
    if torch.cuda.is_available(): torch.cuda.synchronize()

def _leave_gb(gb:float) -> float: # What this process may take of the GPU's memory now
    "Limit this process to so much memory of the GPU"
    import torch
    total = torch.cuda.get_device_properties(0).total_memory/2**30
    torch.cuda.set_per_process_memory_fraction(min(1., gb/total), 0)
    return min(gb, total)

def lacking() -> list: # Names
    "What the pack took for granted, and is not here"
    from importlib.metadata import PackageNotFoundError, version
    def there(name):
        try: return bool(version(name))
        except PackageNotFoundError: return False
    lines = Path(__file__).with_name('has.txt').read_text(encoding='utf-8').splitlines()
    return [o for o in lines if o and not o.startswith('#') and not there(o)]

def _told(f, *args):
    "The rows of `f`, or why there are none: a part of the facts may be lacking, the device not"
    try: return list(f(*args))
    except Exception as e: return [(f'{f.__module__}.{f.__name__}', f'{type(e).__name__}: {e}')]

def _gpus():
    import torch
    for i in range(torch.cuda.device_count()):
        p = torch.cuda.get_device_properties(i)
        yield f'GPU {i}', f'{p.name}, {p.total_memory/2**30:.1f} GB, compute capability {p.major}.{p.minor}'
    yield 'CUDA', torch.version.cuda
    yield 'cuDNN', torch.backends.cudnn.version()
    yield 'NCCL', '.'.join(map(str, torch.cuda.nccl.version()))

def probe():
    "The facts of `course-labs doctor`, and those of the GPUs"
    from course_labs.core.machine import probe_device
    from course_labs.doctor import machine_rows, package_rows
    device = probe_device()
    rows = [*_told(machine_rows, device), ('cores', os.cpu_count()), *_told(package_rows)]
    if lacks := lacking(): rows.append(('lacks', ', '.join(lacks)))
    if device.kind == 'cuda': rows += _told(_gpus)
    return dict(says=f"{device.name}; {', '.join(device.precisions)} work", device=device.name, kind=device.kind,
                rows=[dict(what=k, found=str(v)) for k,v in rows])

def leaves(times:int=1 # So often is each of them there
          ) -> tuple:  # Files, labels
    "The drawn leaves of size tiny"
    from course_labs.data_sets.paddy import read_paddy
    from course_labs.data_sets.registry import get
    t = read_paddy(get('paddy', 'tiny')).train
    return list(t.path)*times, list(t.label)*times

def leaf_dls(size:int, bs:int, times:int, kind:str, tfms=None, every:int=1):
    "Loaders of every nth leaf from the image cache; one in four is held out, once"
    import numpy as np
    from course_labs.data_sets.image_cache import cache_images, cached_dls
    files, labels = (o[::every] for o in leaves())
    cache = cache_images(files, size, Path(tempfile.gettempdir())/'gpu_check_cache')
    rows = np.arange(len(files))
    train = np.tile(rows[rows%4 != 0], times)
    return cached_dls(cache, labels, rows[rows%4 == 0], train, bs=bs, batch_tfms=tfms, device=kind)

def precision(quick:bool=False):
    "Week 4's table: one model that learns, in each number format"
    import numpy as np
    from course_labs.core.machine import probe_device, seed_everything
    from course_labs.training.loaders import quiet
    from course_labs.training.precision import half_precision, measure
    from course_labs.weeks.paddy import error_of, fit, leaf_augment, paddy_learner
    device = probe_device()
    size, times, bs, seeds, every = (64, 1, 16, 1, 5) if quick else (224, 6, 64, 3, 1)
    def learner(fmt, seed, times=times):
        seed_everything(seed)
        dls = leaf_dls(size, bs, times, device.kind, leaf_augment(), every)
        learn = paddy_learner(dls, 'tf_efficientnet_lite0', img_size=size)
        return learn.to_fp16() if fmt == 'to_fp16' else half_precision(learn, fmt)
    def once(fmt, seed):
        learn = learner(fmt, seed)
        _wait()
        start = time.perf_counter()
        fit(learn, 'fine_tune', 2, 1e-2, lr_mult=50)
        _wait()
        seconds = time.perf_counter() - start
        with quiet(learn): return error_of(*learn.get_preds(ds_idx=1)), seconds
    half = ('bfloat16',) if quick else ('float16', 'bfloat16')  # a CPU takes minutes for float16
    formats = ['float32', 'to_fp16', *(o for o in half if o in device.precisions)]
    for f in formats: fit(learner(f, 0, 1), 'fine_tune', 1, 1e-2)  # kernels are chosen and compiled
    runs = {f: [] for f in formats}
    for s in range(seeds):
        for f in formats if s%2 else formats[::-1]: runs[f].append(once(f, 42 + s))
    rows = []
    for f in formats:
        errors, seconds = zip(*runs[f])
        learn = learner(f, 0, 1)
        learn.unfreeze()
        with quiet(learn): mb = measure(lambda: learn.fit(1)).peak_mb
        rows.append(dict(format=f, error=np.mean(errors), spread=np.ptp(errors), seconds=np.median(seconds), peak_mb=mb))
    best = min(rows[2:] or rows, key=lambda o: o['seconds'])  # on a CPU `to_fp16` changes nothing
    times, memory = (best[o]/rows[0][o] for o in ('seconds', 'peak_mb'))
    where = f'{size} pixels, batches of {bs}, {seeds} seed{"s"*(seeds > 1)}'
    return dict(says=f"{best['format']} takes {times:.2f} times the time and {memory:.2f} times the memory of float32"
                     f' ({where})', rows=rows)

def _epoch(dls):
    "Images a second over one pass"
    _wait()
    start, n = time.perf_counter(), 0
    for x,_ in dls.train: n += len(x)
    _wait()
    return n/(time.perf_counter() - start)

def feed(quick:bool=False):
    "Images a second onto the device, and a training, against fastai's own loaders on the same images"
    import numpy as np
    from fastai.vision.all import ImageDataLoaders, Resize, ResizeMethod, aug_transforms
    from course_labs.core.machine import seed_everything
    from course_labs.training.loaders import quiet
    from course_labs.training.vision_models import image_learner
    size, bs, times, rounds, epochs, every = (64, 16, 1, 1, 1, 5) if quick else (224, 64, 4, 3, 2, 1)
    kind, (files, labels) = _kind(), (o[::every] for o in leaves())
    held = [i%4 == 0 for i in range(len(files))]
    def theirs(tfms):
        import pandas as pd
        t = pd.DataFrame(dict(file=files, label=labels, valid=held))
        t = pd.concat([t[~t.valid]]*times + [t[t.valid]])
        return ImageDataLoaders.from_df(t, path='/', valid_col='valid', bs=bs, device=kind, batch_tfms=tfms,
                                        item_tfms=Resize(size, ResizeMethod.Squish))
    def ours(tfms): return leaf_dls(size, bs, times, kind, tfms, every)
    rows = []
    for name, tfms in (('plain', lambda: None), ('augmented', lambda: aug_transforms(size=None))):
        a, b = ours(tfms()), theirs(tfms())
        _epoch(a), _epoch(b)
        pairs = [(_epoch(a), _epoch(b)) for _ in range(rounds)]
        x, y = np.median(pairs, axis=0)
        rows.append(dict(what=f'images a second, {name}', course=x, fastai=y, ratio=np.median([p/q for p,q in pairs])))
    def train(dls):
        seed_everything(42)
        learn = image_learner(dls, 'tf_efficientnet_lite0', img_size=size)
        _wait()
        start = time.perf_counter()
        with quiet(learn): learn.fine_tune(epochs, 1e-2)
        _wait()
        seconds = time.perf_counter() - start
        with quiet(learn): p, y = learn.get_preds()
        return seconds, float((p.argmax(1) != y).float().mean())
    (a, error_a), (b, error_b) = train(ours(aug_transforms())), train(theirs(aug_transforms()))
    rows += [dict(what='seconds of a training', course=a, fastai=b, ratio=b/a),
             dict(what='its error', course=error_a, fastai=error_b, ratio=None)]
    return dict(says=f"the feed is {rows[0]['ratio']:.1f} times as fast, {rows[1]['ratio']:.1f} times with augmentation, "
                     f"the training {b/a:.1f} times ({size} pixels, batches of {bs})", rows=rows)

def out_of_memory():
    "A batch that does not fit, on a GPU of which this process may use little: the same losses as with all of it"
    import timm, torch
    from fastai.vision.all import CrossEntropyLossFlat, Learner
    from course_labs.core.machine import seed_everything
    from course_labs.training.loaders import quiet
    from course_labs.training.memory import WithinMemory, within_memory
    def train(limited):
        _leave_gb(3 if limited else 10**6)
        seed_everything(42)
        dls = leaf_dls(224, 128, 4, 'cuda')
        net = timm.create_model('convnext_tiny', num_classes=dls.c)  # no batch normalisation: pieces change nothing
        learn = Learner(dls, net, loss_func=CrossEntropyLossFlat())
        if limited: within_memory(learn)
        torch.cuda.reset_peak_memory_stats()
        with quiet(learn): learn.fit_one_cycle(2, 1e-4)
        pieces = learn._grab_cbs(WithinMemory)[0].pieces if limited else {True: 1, False: 1}
        losses = [float(o) for o in learn.recorder.losses]
        res = dict(memory='3 GB' if limited else 'all', pieces=pieces[True], pieces_valid=pieces[False],
                   peak_gb=torch.cuda.max_memory_allocated()/2**30, last_loss=losses[-1])
        del learn, net
        torch.cuda.empty_cache()
        return res, losses
    (a, la), (b, lb) = train(True), train(False)
    apart = max(abs(x - y)/abs(y) for x,y in zip(la, lb))
    return dict(ok=a['pieces'] > 1 and apart < .02, rows=[a, b],
                says=f"a batch of 128 went through in {a['pieces']} pieces; the losses of all steps are within "
                     f'{apart:.2%} of those with all memory')

def _largest_batch(dtype):
    "The largest batch of convnext_small at 256 x 192 in one number format, and what it costs"
    import timm, torch
    from course_labs.training.memory import fitting_batch_size
    net, peak = timm.create_model('convnext_small', num_classes=10).cuda(), {}
    own = 2*sum(p.numel()*p.element_size() for p in net.parameters())/2**30  # with the gradients
    def step(bs):
        torch.cuda.reset_peak_memory_stats()
        x = torch.rand(bs, 3, 256, 192, device='cuda')
        with torch.autocast('cuda', dtype=dtype, enabled=dtype is not None): loss = net(x).float().pow(2).mean()
        loss.backward()
        _wait()
        peak[bs] = torch.cuda.max_memory_allocated()/2**30
    bs = fitting_batch_size(step, 512)
    if not bs: raise RuntimeError(f'not one image fits in {dtype}')
    start = time.perf_counter()
    step(bs)
    return dict(format=str(dtype or 'float32').split('.')[-1], batch=bs, peak_gb=peak[bs],
                mb_an_image=1024*(peak[bs] - own)/bs, seconds_a_step=time.perf_counter() - start)

def fits_15gb():
    "The largest batch of week 4's full size that a card of 15 GB takes"
    import torch
    gb, rows = _leave_gb(14.6), []  # a T4 has 15 GB, and its context takes some of them
    for dtype in (None, torch.float16, torch.bfloat16):
        rows.append(_largest_batch(dtype))
        torch.cuda.empty_cache()
    found = ', '.join(f"{o['batch']} in {o['format']}" for o in rows)
    return dict(says=f'convnext_small at 256 x 192 with {gb:.1f} GB: {found}', rows=rows)

def _small_learner(kind):
    "A residual network on the committed garments"
    import pandas as pd
    from fastai.learner import Learner
    from torch import nn
    from course_labs.core.machine import seed_everything
    from course_labs.data_sets.registry import get
    from course_labs.training.small_images import loaders, split_images
    from course_labs.weeks.cnn import resnet
    df = pd.read_csv(get('fashion', 'tiny'))
    pixels, labels = df.drop(columns='label').to_numpy('uint8').reshape(-1, 28, 28), df.label.to_numpy()
    split = split_images(pixels, labels, valid_pct=.2, seed=0, device=kind)
    seed_everything(42)
    net = resnet((1, 1, 1), (8, 16, 32), ni=1, n_out=10, small=True).to(kind)
    return Learner(loaders(split, 64), net, loss_func=nn.CrossEntropyLoss())

def _trained(folder, die_at=None):
    "Train with checkpoints in `folder`; at batch `die_at` the process kills itself"
    from fastai.callback.core import Callback
    from course_labs.training.checkpoints.resume import resumable
    from course_labs.training.loaders import quiet
    class Die(Callback):
        order, seen, __about__ = 200, 0, None  # it only watches
        def after_batch(self):
            self.seen += self.training
            if self.seen == die_at: os.kill(os.getpid(), signal.SIGKILL)
    learn = _small_learner(_kind())
    resumable(learn, folder, every=5)
    batches = []
    class Count(Callback):
        __about__ = None
        def after_batch(self):
            if self.training: batches.append(1)
    with quiet(learn): learn.fit_one_cycle(4, 1e-2, cbs=[Count(), *([Die()] if die_at else [])])
    weights = [float(p.detach().double().sum()) for p in learn.model.parameters()]
    return dict(batches=len(batches), loss=float(learn.recorder.values[-1][1]), weights=weights)

def resume():
    "A training that is killed in its third epoch, and the same code again"
    def run(folder, *args):
        done = subprocess.run([sys.executable, __file__, folder, *map(str, args)], capture_output=True, text=True)
        return done, json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else None
    with tempfile.TemporaryDirectory() as tmp:
        _, whole = run(f'{tmp}/whole')
        dead, _ = run(f'{tmp}/killed', 2*(whole['batches']//4) + 7)
        said, rest = run(f'{tmp}/killed')
        if rest is None: raise RuntimeError(said.stderr.strip().splitlines()[-1])
    apart = max(abs(a - b) for a,b in zip(whole['weights'], rest['weights']))
    rows = [dict(run=k, batches=o['batches'], valid_loss=o['loss']) for k,o in (('whole', whole), ('went on', rest))]
    killed = dead.returncode == -signal.SIGKILL
    on = rest['batches'] < whole['batches']
    return dict(ok=killed and on and abs(whole['loss'] - rest['loss']) < .02, rows=rows,
                says=f"killed: {killed}; the second process trained {rest['batches']} of {whole['batches']} batches; "
                     f'sums of weights differ by {apart:.1e}, the loss by {abs(whole["loss"] - rest["loss"]):.1e}')

def _shared():
    "What each process of `launch` does: a sum over all, and a shared training"
    import torch
    import torch.distributed as dist
    from course_labs.training.loaders import quiet
    from course_labs.training.multi_gpu import distributed, n_processes, rank
    one = torch.ones(1, device='cuda')
    joined = dist.is_initialized()
    if joined: dist.all_reduce(one)
    learn = _small_learner('cuda')
    with quiet(learn), distributed(learn): learn.fit_one_cycle(2, 1e-2)
    return dict(processes=n_processes(), rank=rank(), backend=dist.get_backend() if joined else 'none', sum=float(one),
                valid_loss=float(learn.recorder.values[-1][1]))

def launched():
    "`launch` on all GPUs; with one, its worker alone, so that NCCL is asked all the same"
    import pickle
    import torch
    from course_labs.training import multi_gpu as m
    n, alone = torch.cuda.device_count(), _shared()
    if n > 1: many = m.launch(_shared)
    else:
        with tempfile.TemporaryDirectory() as tmp:
            folder = Path(tmp)
            (folder/'job').write_bytes(m._dumps((_shared, ())))
            with open(folder/'output0', 'wb') as f: p = m._start(folder, 0, 1, m._free_port(), 1, f)
            if p.wait(): raise m._failure(folder, [p.returncode])
            many = pickle.loads((folder/'result').read_bytes())
            p.stdin.close()
    apart = abs(alone['valid_loss'] - many['valid_loss'])
    return dict(ok=many['backend'] == 'nccl' and many['sum'] == n and apart < .05, rows=[alone, many],
                says=f"{n} GPU{'s'*(n > 1)}, {many['backend']}: the sum over the processes is {many['sum']:g}, the loss of the "
                     f'shared training is {apart:.1e} from that of one process')

def finder():
    "The rate finder on the device and on the CPU: near each other, and nothing is left of the sweep"
    import torch
    from course_labs.training.loaders import quiet
    from course_labs.training.lr_finder import lr_find
    rows, kind = [], _kind()
    for where in dict.fromkeys(('cpu', kind)):
        learn = _small_learner(where)
        before = [p.detach().clone() for p in learn.model.parameters()]
        start = time.perf_counter()
        with quiet(learn): found = lr_find(learn, num_it=100)
        same = all(torch.equal(a, b.detach()) for a,b in zip(before, learn.model.parameters()))
        rows.append(dict(device=where, seconds=time.perf_counter() - start, undone=same, **found.suggestions()))
    apart = max(rows[0]['valley'], rows[-1]['valley'])/min(rows[0]['valley'], rows[-1]['valley'])
    return dict(ok=all(o['undone'] for o in rows) and apart < 4, rows=rows,
                says=f"valley {rows[-1]['valley']:.2g} on {kind}, {rows[0]['valley']:.2g} on the CPU; the weights are as before")

if __name__ == '__main__':
    folder, *at = sys.argv[1:]
    print(json.dumps(_trained(folder, *map(int, at))))
