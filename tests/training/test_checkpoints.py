"Real processes killed by SIGKILL, between two batches, during the write and between two fits: the same code run again ends at the same bits"
import os, pickle, random, signal, sys
from pathlib import Path

import pytest

torch = pytest.importorskip('torch')
import fastai.basics as fa
import fastai.callback.schedule  # noqa: F401  gives a Learner its fit_one_cycle
from fastai.callback.progress import ProgressCallback
from fastai.callback.training import GradientAccumulation

from course_labs.core.files import CourseError
from course_labs.core.machine import seed_everything
from course_labs.training.checkpoints import fastai as of_fastai
from course_labs.training.checkpoints.loop import resumable_range
from course_labs.training.checkpoints.resume import resumable
from course_labs.training.checkpoints.store import (Store, _own_generators, load_plain, plain, random_values,
    same)

torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))])  # the first one of a process loads parts of torch: better before the forks than in each

pytestmark = pytest.mark.skipif(not hasattr(os, 'fork'), reason='the trials are forked')

class Noisy:
    "Items that are different each time they are read"
    def __init__(self, x, y): self.x, self.y = x, y
    def __len__(self): return len(self.x)
    def __getitem__(self, i): return self.x[i] + .01*random.random() + .01*torch.rand(4), self.y[i]

class Note(fa.Callback):
    "A callback with a state of its own"
    order = 300
    def before_fit(self): self.seen = []
    def after_batch(self): self.seen.append(float(self.learn.loss.detach()))

def make_learner(n=160, width=8, seed=0, labels=0, cbs=(), opt_func=fa.Adam, bn=True):
    "Points of two classes; dropout, shuffling and noise on the items draw random numbers"
    seed_everything(seed)
    x = torch.randn(n, 4)
    y = ((x[:, 0] > x[:, 1]).long() + labels)%2
    dls = fa.DataLoaders.from_dsets(Noisy(x[:-32], y[:-32]), Noisy(x[-32:], y[-32:]), bs=16, num_workers=0, device='cpu')
    body = torch.nn.Sequential(torch.nn.Linear(4, width), torch.nn.BatchNorm1d(width) if bn else torch.nn.Identity(), torch.nn.ReLU(), torch.nn.Dropout(.2))
    return fa.Learner(dls, torch.nn.Sequential(body, torch.nn.Linear(width, 2)), loss_func=fa.CrossEntropyLossFlat(), metrics=fa.accuracy, opt_func=opt_func,
                      splitter=lambda m: fa.L(m[0], m[1]).map(fa.params), cbs=[Note(), *cbs])

HOW = dict(
    fit_one_cycle=lambda learn: learn.fit_one_cycle(4, 1e-2),
    fine_tune=lambda learn: learn.fine_tune(3, 1e-2, freeze_epochs=2),
    several=lambda learn: (learn.fit(1, 1e-2), learn.freeze(), learn.fit_one_cycle(2, 1e-2), learn.fit(1, 1e-3)))

def outcome(learn, rows):
    "All that has to be equal: weights, optimiser, table, what callbacks noted, and the numbers that would be drawn next"
    r = learn.recorder
    return plain(dict(weights=dict(learn.model.state_dict()), opt=of_fastai._numbers(learn.opt.state_dict()), grads=[p.grad for p in learn.model.parameters()], rows=rows, values=r.values, losses=r.losses, lrs=r.lrs,
                      iters=r.iters, hps=getattr(r, 'hps', {}), seen=learn.note.seen, random=random_values(), order=[g.getstate() for dl in learn.dls.loaders for g in _own_generators(dl)]))

def train(how, folder=None, every=0, **kwargs):
    "The cell of a lab; gives what it ends with"
    learn, rows = make_learner(**kwargs), []
    if folder: resumable(learn, folder, every=every)
    learn.logger = lambda row: rows.append(list(row)[:-1])  # the last column is the time
    learn.remove_cbs(ProgressCallback)
    HOW[how](learn)
    return outcome(learn, rows)

def forked(f):
    "Run `f` in a fork of this process; gives what it returned, or the number of the signal that ended it"
    r, w = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(r)
        try:
            sys.stdout = open(os.devnull, 'w')
            res = pickle.dumps(f())
            with os.fdopen(w, 'wb') as out: out.write(res)
            os._exit(0)
        except BaseException:
            import traceback
            traceback.print_exc()
        os._exit(1)
    os.close(w)
    with os.fdopen(r, 'rb') as src: data = src.read()
    status = os.waitpid(pid, 0)[1]
    if os.WIFSIGNALED(status): return os.WTERMSIG(status)
    assert os.WEXITSTATUS(status) == 0
    return pickle.loads(data)

def die(): os.kill(os.getpid(), signal.SIGKILL)

class Countdown:
    "Kill this process at the n-th call of one of the functions that are wrapped"
    def __init__(self, n): self.n = n
    def tick(self):
        self.n -= 1
        if self.n <= 0: die()
    def wrap(self, obj, name):
        f = getattr(obj, name)
        def g(*args, **kwargs):
            self.tick()
            return f(*args, **kwargs)
        setattr(obj, name, g)

class KillInTraining(fa.Callback):
    "Ticks at every event of the loop in which something changes"
    __about__ = None
    order = 2000
    def __init__(self, countdown): self.tick = countdown.tick
    def after_batch(self): self.tick()
    def after_epoch(self): self.tick()
    def after_fit(self): self.tick()

def half_written(n):
    "Kill at the n-th write, in the middle of the file"
    save, count = torch.save, Countdown(n)
    def killing(state, path, **kwargs):
        save(state, path, **kwargs)
        if not isinstance(path, Path): return  # a pickle in memory
        count.n -= 1
        if count.n <= 0: os.truncate(path, os.path.getsize(path)//2); die()
    torch.save = killing

def victim(rng, how, folder, every):
    "A training with one of four deaths"
    kind = rng.choice(['batch', 'write', 'replace', 'unlink'])
    def f():
        if kind == 'batch':
            count = Countdown(rng.randint(1, 40))
            return train(how, folder, every, cbs=[KillInTraining(count)])
        if kind == 'write': half_written(rng.randint(1, 4))
        else: Countdown(rng.randint(1, 4)).wrap(*dict(replace=(os, 'replace'), unlink=(Path, 'unlink'))[kind])
        return train(how, folder, every)
    return f

@pytest.fixture(scope='module')
def wholes(): return {how: forked(lambda: train(how)) for how in HOW}

@pytest.mark.parametrize('trial', range(20))
def test_killed_at_a_random_point(trial, wholes, tmp_path):
    "Killed up to three times, at points drawn from a seed; what is left at any time is whole"
    rng = random.Random(trial)
    how, every = list(HOW)[trial%3], rng.choice([0, 0, 3])
    killed = 0
    for _ in range(3):
        killed += forked(victim(rng, how, tmp_path/'ckpt', every)) == signal.SIGKILL
        for *_, path in Store(tmp_path/'ckpt').files(): assert load_plain(path)['model']
    assert killed
    assert same(forked(lambda: train(how, tmp_path/'ckpt', every)), wholes[how])
    assert not [p for p in (tmp_path/'ckpt').iterdir() if 'part' in p.name], 'a scrap was left'
    assert len([o for o in Store(tmp_path/'ckpt').files() if not o[-1].name.endswith('_weights.pt')]) <= 2

def test_nothing_is_lost_but_the_epoch(tmp_path):
    "The epochs that are done are not done again, in either phase of fine_tune"
    def part(n):
        epochs = []
        class Count(fa.Callback):
            def before_train(self): epochs.append((self.n_epoch, self.epoch))
        class Kill(fa.Callback):
            __about__ = None  # it only watches
            order = 2000
            def before_train(self):
                if len(epochs) == n: die()
        def f():
            train('fine_tune', tmp_path, cbs=[Count(), Kill()])
            return epochs
        return f
    assert forked(part(4)) == signal.SIGKILL  # in the second of three epochs of the second phase
    assert forked(part(99)) == [(3, 1), (3, 2)]
    assert forked(part(99)) == []

@pytest.mark.parametrize('case', ['accumulate', 'sgd', 'adamw', 'fused', 'half', 'lookahead'])
def test_optimisers_and_callbacks(case, tmp_path):
    "Gradients half accumulated at the end of an epoch, torch's own optimisers, a loss scale"
    from course_labs.training.precision import half_precision
    from course_labs.training.optimisers import FusedAdam
    kwargs = dict(accumulate=dict(cbs=[GradientAccumulation(40)]), sgd=dict(opt_func=fa.partial(fa.SGD, mom=.9)), adamw=dict(opt_func=fa.partial(fa.OptimWrapper, opt=torch.optim.AdamW)), fused=dict(opt_func=FusedAdam), half={}, lookahead=dict(opt_func=fa.ranger))[case]
    class Kill(fa.Callback):
        __about__ = None  # it only watches
        order = 2000
        def after_batch(self):
            if self.training and (self.epoch, self.iter) == (2, 4): die()
    def run(folder=None, cbs=()):
        learn = make_learner(**{**kwargs, 'cbs': [*kwargs.get('cbs', ()), *cbs]})
        if case == 'half': half_precision(learn, 'float16', init_scale=2.**20)
        if folder: resumable(learn, folder, every=3)
        with learn.no_bar(), learn.no_logging(): learn.fit_one_cycle(4, 1e-2)
        return outcome(learn, [])
    whole = forked(run)
    assert forked(lambda: run(tmp_path, [Kill()])) == signal.SIGKILL
    assert same(forked(lambda: run(tmp_path)), whole)

def test_early_stopping_has_ended(tmp_path):
    from fastai.callback.tracker import EarlyStoppingCallback
    def run(folder=None):
        learn = make_learner(cbs=[EarlyStoppingCallback(patience=1, min_delta=10.)])
        if folder: resumable(learn, folder)
        with learn.no_bar(), learn.no_logging(): learn.fit(9, 1e-3)
        return outcome(learn, [])
    whole = run()
    assert len(whole['values']) < 9
    assert same(run(tmp_path), whole) and same(run(tmp_path), whole)

def test_workers(tmp_path):
    "Items from worker processes, with random numbers of their own"
    def run(folder=None, kill=False):
        learn = make_learner()
        learn.dls.train.fake_l.num_workers = 2
        if folder: resumable(learn, folder, every=3)
        class Kill(fa.Callback):
            __about__ = None  # it only watches
            order = 2000
            def after_batch(self):
                if kill and self.training and (self.epoch, self.iter) == (1, 5): raise KeyboardInterrupt('now')
        with learn.no_bar(), learn.no_logging(), learn.added_cbs(Kill()):
            try: learn.fit_one_cycle(2, 1e-2)
            except KeyboardInterrupt: return
        return outcome(learn, [])
    whole = run()
    run(tmp_path, kill=True)
    assert same(run(tmp_path), whole)

@pytest.mark.parametrize('what, kwargs, how', [
    ('model', dict(width=9), 'fine_tune'), ('model', dict(bn=False), 'fine_tune'), ('training items', dict(n=176), 'fine_tune'), ('digest', dict(labels=1), 'fine_tune'), ('schedule epochs', {}, 'fit_one_cycle')])
def test_another_training_is_refused(what, kwargs, how, tmp_path):
    train('fine_tune', tmp_path)
    before = [(p.name, p.stat().st_mtime_ns) for p in sorted(tmp_path.iterdir())]
    with pytest.raises(CourseError, match=f'are of another training: .*{what}.*Delete that folder to train anew, or name another one'): train(how, tmp_path, **kwargs)
    assert [(p.name, p.stat().st_mtime_ns) for p in sorted(tmp_path.iterdir())] == before

def test_another_version_is_refused(tmp_path, monkeypatch):
    train('fit_one_cycle', tmp_path)
    monkeypatch.setattr(of_fastai, 'versions', lambda *p: dict(course_labs='99', torch='2', fastai='2'))
    with pytest.raises(CourseError, match='versions course_labs was . and is 99'): train('fit_one_cycle', tmp_path)

def test_spoilt_checkpoints(tmp_path, capsys):
    "The newest cannot be read: the one before serves. None can: a line says so"
    whole = train('fit_one_cycle')
    train('fit_one_cycle', tmp_path)
    files = [o[-1] for o in Store(tmp_path).files()]
    assert len(files) == 2
    files[-1].write_bytes(files[-1].read_bytes()[:1000])
    assert same(train('fit_one_cycle', tmp_path), whole)
    assert 'cannot be read' in capsys.readouterr().out
    for o in Store(tmp_path).files(): o[-1].write_bytes(b'')
    with pytest.raises(CourseError, match='none of the checkpoints in .* can be read'): train('fit_one_cycle', tmp_path)

def test_a_pickle_from_a_stranger_does_not_run(tmp_path):
    class Bomb:
        def __reduce__(self): return (os.mkdir, (str(tmp_path/'burst'),))
    train('fit_one_cycle', tmp_path/'c')
    for o in Store(tmp_path/'c').files(): torch.save(dict(model=Bomb()), o[-1])
    with pytest.raises(CourseError): train('fit_one_cycle', tmp_path/'c')
    assert not (tmp_path/'burst').exists()

def test_finish_keeps_the_weights(tmp_path):
    learn = make_learner()
    cb = resumable(learn, tmp_path)
    with learn.no_bar(), learn.no_logging(): learn.fine_tune(2, 1e-2)
    cb.finish()
    assert sorted(p.name for p in tmp_path.iterdir()) == ['fit000_weights.pt', 'fit001_weights.pt']
    again = make_learner()
    resumable(again, tmp_path)
    with again.no_bar(), again.no_logging(): again.fine_tune(2, 1e-2)
    for a,b in zip(learn.model.state_dict().values(), again.model.state_dict().values()): assert torch.equal(a, b)
    assert again.recorder.values == learn.recorder.values

def test_finder_prediction_and_tta_are_no_fits(tmp_path):
    "What only looks at a Learner is not counted and not written"
    from course_labs.training.lr_finder import lr_find
    learn = make_learner()
    cb = resumable(learn, tmp_path)
    with learn.no_bar(), learn.no_logging():
        lr_find(learn, num_it=20)
        learn.validate()
        learn.get_preds()
        assert cb.fits == 0 and not list(tmp_path.iterdir())
        learn.fit(1)
        learn.validate()
    assert cb.fits == 1

def trainer_cell(folder=None, every=0, grouped=False):
    "A small BERT in a Trainer; gives weights, log and the numbers that would be drawn next"
    import transformers
    from transformers import BertConfig, BertForSequenceClassification, PrinterCallback, Trainer, TrainingArguments
    seed_everything(0)
    cfg = BertConfig(vocab_size=30, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8, max_position_embeddings=16)
    ds = [dict(input_ids=o[:4 + i%3] if grouped else o, labels=int(7 in o)) for i,o in enumerate(torch.randint(7, 15, (40, 6)))]
    strategy = dict(train_sampling_strategy='group_by_length') if grouped else {}
    args = TrainingArguments('unused', per_device_train_batch_size=1 if grouped else 8, gradient_accumulation_steps=8 if grouped else 1, num_train_epochs=3, logging_steps=2, report_to='none', save_strategy='no', use_cpu=True, disable_tqdm=True, **strategy)
    trainer = Trainer(BertForSequenceClassification(cfg), args, train_dataset=ds)
    trainer.remove_callback(PrinterCallback)
    if folder: resumable(trainer, folder, every=every)
    trainer.train()
    log = [{k: v for k,v in o.items() if k in ('loss', 'learning_rate', 'step', 'grad_norm')} for o in trainer.state.log_history[:-1]]
    return plain(dict(weights=dict(trainer.model.state_dict()), log=log, random=random_values()))

@pytest.fixture(scope='module')
def trainer_wholes():
    "Also loads in this process what each fork would have to load otherwise"
    pytest.importorskip('transformers')
    return {grouped: trainer_cell(None, 0, grouped) for grouped in (False, True)}

@pytest.mark.parametrize('every, grouped, function, n', [(0, False, (os, 'fsync'), 9), (0, True, (os, 'replace'), 2), (2, False, (os, 'fsync'), 17), (2, False, (torch, 'save'), 8), (2, False, (os, 'rmdir'), 1)])
def test_trainer_killed_while_it_writes(every, grouped, function, n, trainer_wholes, tmp_path):
    "Before a file of the checkpoint, within its files, and while an older one is removed"
    def victim():
        Countdown(n).wrap(*function)
        trainer_cell(tmp_path/'c', every, grouped)
    assert forked(victim) == signal.SIGKILL
    assert same(forked(lambda: trainer_cell(tmp_path/'c', every, grouped)), trainer_wholes[grouped])
    assert len(list((tmp_path/'c'/'resumable').glob('checkpoint-*'))) == 2
    from course_labs.training.checkpoints.trainer import _signed
    assert all(_signed(p) for p in (tmp_path/'c'/'resumable').glob('checkpoint-*'))

def test_trainer_finish(trainer_wholes, tmp_path):
    from course_labs.training.checkpoints.trainer import _checkpoints
    whole = trainer_cell(tmp_path)
    last = _checkpoints(tmp_path/"resumable")[-1]
    import transformers
    from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments
    cfg = BertConfig(vocab_size=30, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8, max_position_embeddings=16)
    cb = resumable(Trainer(BertForSequenceClassification(cfg), TrainingArguments('unused', use_cpu=True, report_to='none')), tmp_path)
    cb.finish()
    assert _checkpoints(tmp_path/"resumable") == [last] and not (last/'optimizer.pt').exists()
    again = trainer_cell(tmp_path)
    assert same(again['weights'], whole['weights']) and same(again['log'], whole['log'])

def loop_cell(folder=None):
    "A loop written by hand, killed in round AT; gives weights, losses and the numbers that would be drawn next"
    seed_everything(0)
    net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.BatchNorm1d(8), torch.nn.Dropout(.2), torch.nn.Linear(8, 1))
    opt = torch.optim.SGD(net.parameters(), .1, momentum=.9)
    sched, x, losses = torch.optim.lr_scheduler.OneCycleLR(opt, .1, total_steps=12), torch.linspace(-1, 1, 64).view(16, 4), []
    for i in resumable_range(12, folder, every=2, data=(x,), net=net, opt=opt, sched=sched, losses=losses):
        loss = (net(x + random.random() + torch.rand(16, 4)) - 1).pow(2).mean()
        opt.zero_grad(); loss.backward()
        if os.environ.get('AT') == str(i): die()  # what is read from outside is no setting of the loop
        opt.step(); sched.step()
        losses.append(loss.item())
    return plain(dict(weights=dict(net.state_dict()), losses=losses, random=random_values()))

@pytest.mark.parametrize('function, n', [(None, 0), (None, 7), (None, 11), ((os, 'replace'), 1), ((torch, 'save'), 2), ((os, 'fsync'), 6), ((Path, 'unlink'), 1), ((Path, 'unlink'), 5), ('half', 3), ('half', 7)])
def test_loop_killed_while_it_trains_and_while_it_writes(function, n, tmp_path):
    def victim():
        if function == 'half': half_written(n)
        elif function: Countdown(n).wrap(*function)
        if function is None: os.environ['AT'] = str(n)
        loop_cell(tmp_path/'c')
    assert forked(victim) == signal.SIGKILL
    whole = forked(loop_cell)
    for _ in range(2): assert same(forked(lambda: loop_cell(tmp_path/'c')), whole)  # the second time it had ended
    assert [p.name for p in (tmp_path/'c').iterdir()] == ['fit000_weights.pt']

def keras_cell(folder=None):
    import keras, numpy as np
    keras.utils.set_random_seed(0)
    x = np.random.default_rng(0).normal(size=(96, 4)).astype('float32')
    y = (x[:, 0] > x[:, 1]).astype('float32')[:, None]
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, activation='relu'), keras.layers.Dropout(.3), keras.layers.Dense(1, activation='sigmoid')])
    model.compile('adam', loss='binary_crossentropy', metrics=['accuracy'])
    stop = keras.callbacks.EarlyStopping(monitor='val_loss', patience=3, min_delta=.05, restore_best_weights=True)
    h = model.fit(x, y, validation_split=.25, epochs=8, batch_size=16, verbose=0, callbacks=[stop] + ([resumable(model, folder, data=(x, y), others=[stop])] if folder else []))
    return plain(dict(weights=[torch.tensor(w) for w in model.get_weights()], history=h.history, epoch=h.epoch, stopped=stop.stopped_epoch, random=random_values()))

@pytest.mark.parametrize('function, n', [((os, 'replace'), 1), ((os, 'replace'), 3), ((torch, 'save'), 2), ((Path, 'unlink'), 4)])
def test_keras_killed_while_it_writes(function, n, tmp_path):
    os.environ.setdefault('KERAS_BACKEND', 'torch')
    pytest.importorskip('keras')
    import keras  # noqa: F401  loaded once, and not in each fork
    whole = forked(keras_cell)
    assert 3 <= len(whole['epoch']) < 8
    def victim():
        Countdown(n).wrap(*function)
        keras_cell(tmp_path/'c')
    assert forked(victim) == signal.SIGKILL
    assert same(forked(lambda: keras_cell(tmp_path/'c')), whole)
    assert same(forked(lambda: keras_cell(tmp_path/'c')), whole)  # it had ended
    assert len(list((tmp_path/'c').iterdir())) <= 2

class Loses(torch.nn.Module):
    "A model whose session is lost after some training steps"
    def __init__(self, left):
        super().__init__()
        self.layer = torch.nn.Linear(4, 2)
        Loses._left = left  # not of the model, which is the same in each session
    def forward(self, x, labels=None):
        Loses._left -= self.training
        if Loses._left < 0: raise KeyboardInterrupt
        z = self.layer(x)
        return dict(loss=torch.nn.functional.cross_entropy(z, labels), logits=z)

def lost_trainer(folder, left=999, early=False, mine=True, **settings):
    "Steps that a Trainer has done in the end"
    from transformers import EarlyStoppingCallback, Trainer, TrainingArguments
    seed_everything(0)
    rows = [dict(x=o, labels=torch.tensor(i % 2)) for i, o in enumerate(torch.randn(32, 4))]
    stop = dict(eval_strategy='epoch', metric_for_best_model='eval_loss', greater_is_better=False) if early else {}
    args = TrainingArguments(str(folder), report_to='none', disable_tqdm=True, use_cpu=True, save_strategy='epoch',
                             **{**dict(per_device_train_batch_size=8, num_train_epochs=12 if early else 3, learning_rate=5e-2), **stop, **settings})
    trainer = Trainer(Loses(left), args, train_dataset=rows, eval_dataset=[dict(o, labels=1 - o['labels']) for o in rows],
                      callbacks=[EarlyStoppingCallback(3)] if early else None)
    if mine: resumable(trainer, folder)
    try: trainer.train()
    except KeyboardInterrupt: pass
    return trainer.state.global_step

def test_trainer_stops_early_where_it_would_have(tmp_path):
    whole = lost_trainer(tmp_path/'a', early=True)
    assert 12 < whole < 48
    assert lost_trainer(tmp_path/'b', 13, early=True) < whole
    assert lost_trainer(tmp_path/'b', early=True) == whole, 'patience goes on'
    assert lost_trainer(tmp_path/'a', early=True) == whole, 'one that had stopped has ended'

def test_trainer_leaves_checkpoints_of_others(tmp_path):
    lost_trainer(tmp_path, mine=False)
    theirs = sorted(tmp_path.glob('checkpoint-*'))
    for p in theirs: (p/'mine.txt').write_text('an hour of work')
    assert lost_trainer(tmp_path) == 12
    assert len(theirs) == 3 and all((p/'mine.txt').exists() for p in theirs)

@pytest.mark.parametrize('change', [dict(lr_scheduler_type='cosine'), dict(optim='sgd'), dict(max_grad_norm=.1), dict(adam_beta1=.5), dict(learning_rate=1.),
                                    dict(weight_decay=.1), dict(num_train_epochs=4), dict(per_device_train_batch_size=4), dict(seed=7)])
def test_trainer_with_other_settings_does_not_go_on(tmp_path, change):
    assert lost_trainer(tmp_path, 5) == 5
    with pytest.raises(CourseError, match='are of another'): lost_trainer(tmp_path, **change)

def test_trainer_goes_on_where_only_the_place_is_another(tmp_path):
    assert lost_trainer(tmp_path, 5) == 5
    assert lost_trainer(tmp_path, logging_steps=1, dataloader_pin_memory=False, save_total_limit=5) == 12
