#!/usr/bin/env python3
"""Every training that a lab keeps, twice: is it the same when nothing has changed, and another one when one thing has?

    python tests/resume.py [--week N] [--set key=value] [--out DIR]

The lab runs as in a session on a GPU, where every training is kept, but at size tiny. Then its notebook runs again in a new
process, with the changes of `CHANGES` in its cells. There each training begins with a look at what it is of: a training of a
changed cell must differ from the one that was kept, and every other must not. Then one thing after the other is changed in
the lab's own objects (`PROBES`), its rate, a weight, a number of its data, a transform, and each time the training must be
another one; all is put back. To see each training by itself, what was kept is taken in any case. Prints a table; ends with
status 0 only when all of it holds.
"""
import argparse, json, os, shutil, subprocess, sys, tempfile
from contextlib import contextmanager
from pathlib import Path

# Text of a cell, what takes its place, and texts of the cells whose trainings it changes, `|` between them
CHANGES = {
    2: [('learn.fit_one_cycle(freeze_epochs + epochs, lr)', 'learn.fit_one_cycle(freeze_epochs + epochs, lr*1.01)', 'transfer = compare('),
        ('faster*how.lr,', '1.01*faster*how.lr,', 'cures = compare(|fast = [')],
    3: [('wd=how.wd).fit_one_cycle(how.epochs, how.lr)', 'wd=how.wd).fit_one_cycle(how.epochs, how.lr*1.01)', "nets = {'dense'|archs = compare("),
        ('cfg.homework_lr)', 'cfg.homework_lr, pct_start=.3)', 'cfg.homework_lr'),
        ('SGD(net.parameters(), how.lr, 0.9)', 'SGD(net.parameters(), how.lr*1.01, 0.9)', 'drops = {o:|norms = {o:|deep = {')],
    4: [("nets.variant('one rate', cfg.arch, 'fit_one_cycle',", "nets.variant('one rate', cfg.arch, 'by depth',", 'cycles = compare_all(')],
    5: [('wd=.01, path=lab.out)', 'wd=.02, path=lab.out)', 'pair_learner('),
        ('cfg.steps_masked, cfg.mlm_lr)', 'cfg.steps_masked, cfg.mlm_lr*1.01)', 'cfg.steps_masked, cfg.mlm_lr'),
        ('bs=cfg.bs, lr=lr)', 'bs=cfg.bs, lr=lr*1.01)', 'tried = {}')],
    6: [('fit_ratings(m, c, **lab', "fit_ratings(m, c.take(slice(1, None)), **lab", 'lists = compare_lists(')],
    7: [('epochs=cfg.epochs_sequential,', 'epochs=cfg.epochs_sequential, class_weight={0: 2.},', 'epochs=cfg.epochs_sequential|for kind in (own, DenseNet)'),
        ('cfg.pairs_epochs, cfg.pairs_bs, cfg.lr,', 'cfg.pairs_epochs, cfg.pairs_bs, cfg.lr*1.01,', 'cfg.pairs_epochs')]}
WEEKS = sorted(CHANGES)
# What makes the longest labs shorter; each of their trainings is still there
SHORT = {4: ['epochs=1', 'small_epochs=1', 'seeds=2'],
         5: ['steps_autoregressive=20', 'steps_masked=20', 'steps_permuted=20', 'steps_nsp=20', 'n_train=600', 'n_valid=200', 'n_random=200', 'n_tune=300', 'head_epochs=2', 'epochs=1', 'seeds=2', 'find_steps=30']}

@contextmanager
def put(o, name, value):
    "An attribute, changed for the length of the block"
    was = getattr(o, name)
    setattr(o, name, value)
    try: yield
    finally: setattr(o, name, was)

@contextmanager
def one_number(t):
    "The last number of a tensor or array, changed for the length of the block"
    import torch
    with torch.no_grad():
        i = tuple(n - 1 for n in t.shape)
        was = t[i].clone() if hasattr(t, 'clone') else t[i].copy()
        t[i] = was + 1 if was.dtype not in (torch.bool,) else ~was
        try: yield
        finally: t[i] = was

def arrays_of(o, seen=None, depth=0):
    "Tensors and arrays that can be written to in a data set"
    import numpy as np
    import torch
    seen = set() if seen is None else seen
    if id(o) in seen or depth > 4: return
    seen.add(id(o))
    if isinstance(o, (torch.Tensor, np.ndarray)):
        if len(o.shape) and 0 not in o.shape and getattr(getattr(o, 'flags', None), 'writeable', True) and not getattr(o.dtype, 'hasobject', False): yield o
    elif isinstance(o, (list, tuple)):
        for v in o[-2:]: yield from arrays_of(v, seen, depth + 1)
    else:
        for v in (o.values() if isinstance(o, dict) else getattr(o, '__dict__', {}).values()): yield from arrays_of(v, seen, depth + 1)

def probes_of_net(net):
    yield 'a weight', lambda: one_number(next(net.parameters()).data)
    yield 'a layer that rests', lambda: put(next(net.parameters()), 'requires_grad', not next(net.parameters()).requires_grad)
    drops = [m for m in net.modules() if type(m).__name__ == 'Dropout']
    if drops: yield 'dropout', lambda: put(drops[-1], 'p', drops[-1].p/2 + .01)

def probes_of_data(ds, what='data'):
    found = list(arrays_of(ds))
    if found: yield f'a number of the {what}', lambda: one_number(found[-1])

def probes_learner(learn):
    from fastai.callback.training import GradientClip
    from fastai.basics import Pipeline
    dl = learn.dls.train
    yield from probes_of_net(learn.model)
    yield from probes_of_data(dl.dataset)
    yield 'epochs', lambda: put(learn, 'n_epoch', learn.n_epoch + 1)
    yield 'loss', lambda: put(learn, 'loss_func', lambda *a, f=learn.loss_func: 2*f(*a))
    if hasattr(dl, 'bs'): yield 'batch size', lambda: put(dl, 'bs', (dl.bs or 1) + 1)
    if hasattr(dl, 'after_batch'): yield 'transforms', lambda: put(dl, 'after_batch', Pipeline([*getattr(dl.after_batch, 'fs', []), lambda x: x]))
    yield 'clipping', lambda: learn.added_cbs([GradientClip(.1)])
    sched = next((cb for cb in learn.cbs if type(cb).__name__ == 'ParamScheduler'), None)
    if sched: yield 'rate', lambda: put(sched, 'scheds', {k: (lambda p, f=f: f(p)*1.01) if k == 'lr' else f for k,f in sched.scheds.items()})
    else: yield 'rate', lambda: put(learn.opt, 'hypers', [dict(h, lr=h['lr']*1.01) for h in learn.opt.hypers])

def probes_trainer(trainer):
    yield from probes_of_net(trainer.model)
    yield from probes_of_data(trainer.train_dataset)
    if trainer.eval_dataset is not None: yield from probes_of_data(trainer.eval_dataset, 'held-out data')
    for name, change in dict(learning_rate=lambda x: x*1.01, weight_decay=lambda x: x + .1, num_train_epochs=lambda x: x + 1, per_device_train_batch_size=lambda x: x + 1,
                             warmup_steps=lambda x: x + 3, seed=lambda x: x + 1, max_grad_norm=lambda x: x/2, lr_scheduler_type=lambda x: 'polynomial').items():
        yield name, lambda name=name, change=change: put(trainer.args, name, change(getattr(trainer.args, name)))
    yield 'collator', lambda: put(trainer, 'data_collator', lambda rows, f=trainer.data_collator: f(rows))

def probes_keras(cb):
    net = cb.net
    @contextmanager
    def assigned(v, by):
        import numpy as np
        was = np.array(v.numpy() if not hasattr(v, 'cpu') else v.cpu())
        v.assign(was + by)
        try: yield
        finally: v.assign(was)
    yield 'a weight', lambda: assigned(net.trainable_variables[0], .01)
    yield 'epochs', lambda: put(cb, 'params', dict(cb.params, epochs=cb.params['epochs'] + 1))
    yield 'batch size', lambda: put(cb, 'fit', dict(cb.fit, batch_size=(cb.fit.get('batch_size') or 32) + 1))
    yield 'weights of classes', lambda: put(cb, 'fit', dict(cb.fit, class_weight={0: 7.}))
    yield 'loss', lambda: put(net, 'loss', 'mae' if net.loss != 'mae' else 'mse')
    if isinstance(getattr(net.optimizer, '_learning_rate', None), float) or hasattr(net.optimizer._learning_rate, 'assign'):
        yield 'rate', lambda: assigned(net.optimizer._learning_rate, .01)
    else: yield 'rate', lambda: put(net.optimizer._learning_rate, 'initial_learning_rate', net.optimizer._learning_rate.initial_learning_rate*1.01)
    yield from probes_of_data(tuple(o for o in cb.data if o.flags.writeable) if isinstance(cb.data, tuple) else cb.data)
    drops = [o for o in net.layers if type(o).__name__ == 'Dropout']
    if drops: yield 'dropout', lambda: put(drops[0], 'rate', drops[0].rate/2 + .01)

def probes_loop(parts, data):
    import torch
    for o in parts.values():
        if isinstance(o, torch.nn.Module): yield from probes_of_net(o)
        elif isinstance(o, torch.optim.Optimizer): yield 'rate', lambda o=o: put(o, 'param_groups', [dict(g, lr=g['lr']*1.01) for g in o.param_groups])
        elif hasattr(o, 'lr'): yield 'rate', lambda o=o: put(o, 'lr', o.lr*1.01)
    yield from probes_of_data(data)

class Look:
    "Takes the place of the look at a checkpoint: notes what differs, tries the probes, and takes what was kept"
    def __init__(self): self.rows, self.cell = [], ''
    def training(self, name, old, about, describe, probes):
        from course_labs.training.checkpoints.store import differences
        missed = [why for why, change in probes if not self.noticed(about, describe, change, differences)]
        self.rows.append(dict(name=name, cell=self.cell, missed=missed, probes=len(probes), differs=differences(old, about) if old else 'nothing was kept'))

    def noticed(self, about, describe, change, differences):
        with change(): return bool(differences(about, describe()))

def describes(look):
    "Put `look` into the three libraries and the loop"
    from course_labs.training.checkpoints import fastai, keras, loop, store, trainer
    now = {}
    def begin(self, fit, about):
        found = self.read(fit)
        look.training(self.name, found and found[-1]['about'], about, *now['what'])
        return found
    store.PlaceStore.begin = begin
    def of_fastai(self, f=fastai.Resume.begin_fit):
        now['what'] = lambda: (setattr(self, 'about', None) if not self.mark else None, self.describe())[1], list(probes_learner(self.learn))
        def described():
            mark = loop.keeper.mark(fastai.get_model(self.learn.model).state_dict().values())
            self.about = None
            with put(self, 'mark', mark): return self.describe()
        now['what'] = described, list(probes_learner(self.learn))
        return f(self)
    fastai.Resume.begin_fit = of_fastai
    def of_keras(self, logs=None, f=keras.ResumeKeras.on_train_begin):
        now['what'] = lambda: keras._about(self.net, self.data, self.params, self.mark(), self.fit, self.others), list(probes_keras(self))
        return f(self, logs)
    keras.ResumeKeras.on_train_begin = of_keras
    def of_loop(store, n, every, data, parts, around, mark=None, f=loop._rounds):
        def described():
            weights = [v for m in loop._modules(parts).values() for v in m.state_dict().values()]
            return loop._about(n, data, parts, around, loop.keeper.mark(weights))
        now['what'] = described, list(probes_loop(parts, data))
        return f(store, n, every, data, parts, around, mark)
    loop._rounds = of_loop
    def last(self):
        found = next(iter(trainer._checkpoints(self.folder)[::-1]), None)
        def described(): return trainer._about(self.trainer, loop.keeper.mark(self.trainer.model.state_dict().values()))
        look.training(self.name, found and trainer._signed(found)['about'], self.about, described, list(probes_trainer(self.trainer)))
        return found
    trainer.ResumeTrainer.last = last

def session(path, record, again):
    "Run the cells of a notebook in this process"
    import matplotlib
    matplotlib.use('Agg')
    from IPython.core.interactiveshell import InteractiveShell
    from course_labs.training.checkpoints import fastai, keras, trainer  # noqa: F401  in both sessions: an import may draw numbers
    shell, look = InteractiveShell.instance(), Look()
    sys.modules['__main__'].__dict__.pop('__file__', None)
    shell.user_ns.update(__name__='__main__')
    if again: describes(look)
    failed = ''
    for cell in json.loads(Path(path).read_text(encoding='utf-8'))['cells']:
        if cell['cell_type'] != 'code': continue
        look.cell = ''.join(cell['source'])
        res = shell.run_cell(look.cell)
        if not res.success and not failed:
            failed = f'{type(res.error_in_exec or res.error_before_exec).__name__}: {res.error_in_exec or res.error_before_exec} in: {look.cell[:200]}'
            if not again: break
    Path(record).write_text(json.dumps(dict(rows=look.rows, failed=failed)), encoding='utf-8')

def changed_notebook(path, changes, folder):
    "A copy of a notebook with the changes; a text that is not there once is an error"
    nb = json.loads(path.read_text(encoding='utf-8'))
    for old, new, _ in changes:
        cells = [c for c in nb['cells'] if c['cell_type'] == 'code' and old in ''.join(c['source'])]
        if len(cells) != 1: raise SystemExit(f'{path.name}: {len(cells)} cells have the text {old!r}; mend CHANGES')
        cells[0]['source'] = ''.join(cells[0]['source']).replace(old, new)
    out = Path(folder)/path.name
    out.write_text(json.dumps(nb), encoding='utf-8')
    return out

def run(week, path, record, out, args, again=False):
    env = {k: v for k,v in os.environ.items() if not k.startswith('COURSE_LABS_')}
    env |= dict(COURSE_LABS_KEEP='1', COURSE_LABS_SIZE='tiny', COURSE_LABS_OFFLINE='1', COURSE_LABS_OUT=str(out), KERAS_BACKEND='torch', COURSE_LABS_SET=';'.join([*SHORT.get(week, []), *args.set]))
    with open(f'{record}.txt', 'w', encoding='utf-8') as log:
        subprocess.run([sys.executable, __file__, '--session', str(path), str(record), *['--again']*again], env=env, cwd=out.parent, stdout=log, stderr=log)
    return json.loads(Path(record).read_text(encoding='utf-8'))

def is_in(cell, row): return any(o in row['cell'] for o in cell.split('|'))

def faults(week, rows, changes):
    "What must not be, a line each"
    for r in rows:
        of = [o for *o, cell in changes if is_in(cell, r)]
        if r['differs'] and not of: yield f"week {week}, {r['name']} differs where nothing has changed: {r['differs']}"
        for o in r['missed']: yield f"week {week}, {r['name']} is the same with another value of: {o}"
    for old, _, cell in changes:
        its = [r for r in rows if is_in(cell, r)]
        if not [r for r in its if r['differs']]: yield f'week {week}: {old!r} was changed, and none of {len(its)} trainings differs'

def look_at(week, args):
    "Both sessions of a week; its faults"
    from course_labs.core.paths import labs_dir
    path, out = next(labs_dir().glob(f'week{week:02d}_[!e]*.ipynb')), args.out/f'week{week:02d}'
    out.mkdir(parents=True, exist_ok=True)
    changes = CHANGES[week]
    first = out/'first.json'
    if not first.exists():
        res = run(week, path, first, out/'lab', args)
        if res['failed']:
            first.unlink()
            return [f"week {week} failed: {res['failed']}"]
        shutil.copytree(out/'lab'/'resume', out/'kept')
    shutil.rmtree(out/'lab'/'resume', ignore_errors=True)
    shutil.copytree(out/'kept', out/'lab'/'resume')
    res = run(week, changed_notebook(path, changes, out), out/'second.json', out/'lab', args, again=True)
    for r in res['rows']:
        cell = next((o for o in r['cell'].splitlines() if o.strip() and not o.startswith(('#', 'from', 'import'))), '')
        print(f"week {week}  {r['name']:<13}{r['probes']:>3} probes  {cell[:40]:<42}{r['differs'][:120] or 'the same'}")
    none = [] if res['rows'] else [f'week {week} kept no training']
    end = [f"week {week}, second session: {res['failed']}"] if res['failed'] else []
    return none + end + list(faults(week, res['rows'], changes))

def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument('--week', type=int, action='append', choices=WEEKS)
    p.add_argument('--set', action='append', default=[])
    p.add_argument('--out', type=Path)
    p.add_argument('--session', nargs=2)
    p.add_argument('--again', action='store_true')
    args = p.parse_args()
    if args.session: return session(*args.session, args.again)
    args.out = (args.out or Path(tempfile.mkdtemp())).absolute()
    found = [o for week in args.week or WEEKS for o in look_at(week, args)]
    print(*found, sep='\n')
    print(f'{len(found)} faults; what was said lies in {args.out}')
    return bool(found)

if __name__ == '__main__': sys.exit(main())
