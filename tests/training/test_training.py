"Learning-rate finder, half precision, comparison, memory: what the notebooks do not show about themselves"
import math, os, random, subprocess, sys
from functools import partial
from importlib.util import find_spec
from unittest import mock

os.environ.setdefault('KERAS_BACKEND', 'torch')
import numpy as np
import pytest
import torch
from fastai.basics import (L, Callback, CrossEntropyLossFlat, DataLoaders, Learner, OptimWrapper, SGD, accuracy, nn, ranger, tensor)
from fastai.callback import schedule as fs
from fastai.callback.fp16 import MixedPrecision
from fastai.callback.schedule import ParamScheduler, SchedCos
from fastai.callback.training import GradientAccumulation, GradientClip
from hypothesis import given, settings as hyp, strategies as st
from hypothesis.extra.numpy import arrays

from course_labs.training import lr_finder as lf
from course_labs.training.comparison import compare
from course_labs.core.files import CourseError
from course_labs.core.machine import seed_everything
from course_labs.training.memory import fitting_batch_size, gpu_memory_advice
from course_labs.training.precision import half_precision, measure
from course_labs.training.lr_finder import lr_find
from course_labs.training.untouched import untouched

# ---- Importing ----

def test_imports_stay_light():
    "The finder and the comparison need neither torch nor fastai; nothing needs transformers or Keras before it meets one of theirs"
    code = """if True:
        import sys
        import course_labs.training.lr_finder, course_labs.training.comparison
        assert not {'torch', 'fastai', 'transformers', 'keras'} & set(sys.modules)
        from course_labs.training.lr_finder import lr_find
        from course_labs.training.comparison import compare
        from course_labs.training.precision import half_precision
        assert not {'transformers', 'keras', 'tensorflow', 'jax'} & set(sys.modules)"""
    subprocess.run([sys.executable, '-W', 'ignore', '-c', code], check=True)

# ---- Suggestions ----

curves = st.integers(16, 60).flatmap(lambda n: arrays(np.float32, n, elements=st.floats(0, 8, width=16)))

@hyp(deadline=None, max_examples=100)
@given(curves)
def test_suggestions_are_fastais(losses):
    lrs = np.geomspace(1e-7, 10, len(losses)).astype(np.float32)
    for name, f in lf.SUGGESTIONS.items():
        if name == 'steep': continue
        theirs = getattr(fs, name)(tensor(lrs), tensor(losses), 100)[0]
        # Where the losses fall at the very beginning alone, fastai counts from -1 and takes the highest rate
        if name == 'valley' and theirs >= lrs[-1]: theirs = lrs[0]
        assert f(lrs, losses) == pytest.approx(theirs, rel=1e-6), name
    slopes = np.diff(losses)/np.diff(np.log(lrs))  # equal slopes differ in the last digit, so any of the steepest will do
    assert slopes[np.argmin(abs(lrs - lf.suggest_steep(lrs, losses)))] == pytest.approx(slopes.min(), rel=1e-4, abs=1e-6)

def test_sweep_stops():
    for bad in (math.nan, math.inf):
        s = lf.LRSweep()
        assert not s.add(1.) and s.add(bad)
    s = lf.LRSweep(beta=0.)
    assert not s.add(1.) and not s.add(3.9) and s.add(4.1)
    s = lf.LRSweep(beta=0., stop_div=False, num_it=6)
    assert [s.add(10.**i) for i in range(6)] == [False]*5 + [True]

# ---- fastai: everything as it was ----

class Odd(nn.Module):
    "A layer with much to lose: a buffer that is not saved, one that is assigned anew, and plain attributes"
    def __init__(self):
        super().__init__()
        self.register_buffer('calls', torch.zeros(1), persistent=False)
        self.register_buffer('last', torch.full((1,), math.nan))
        self.hidden, self.log = None, []
    def forward(self, x):
        self.calls += 1
        self.last = x.detach().mean()[None]
        self.hidden = x.detach()
        self.log.append(len(x))
        return x + 0.01*torch.rand_like(x)*random.random()*np.random.rand()

class Remember(Callback):
    "A callback with a state of its own"
    order = 70
    def __init__(self): self.seen, self.total, self.rng = [], torch.zeros(1), random.Random(1)
    def after_batch(self):
        self.seen.append(float(self.learn.loss)); self.total += 1; self.rng.random()

def net():
    return nn.Sequential(nn.utils.parametrizations.spectral_norm(nn.Linear(4, 16)), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(.2), Odd(), nn.Linear(16, 2))

def learner(cbs=(), model=None, n=160, bs=16, **kwargs):
    seed_everything(3)
    x = torch.randn(n, 4)
    ds = list(zip(x, (x[:, 0] > x[:, 1]).long()))
    dls = DataLoaders.from_dsets(ds[:-32], ds[-32:], bs=bs, num_workers=0, device='cpu')
    return Learner(dls, model or net(), loss_func=CrossEntropyLossFlat(), metrics=accuracy, cbs=[Remember(), *L(cbs)], **kwargs)

def quiet(f, learn, *args, **kwargs):
    with learn.no_bar(), learn.no_logging(): f(*args, **kwargs)
    return learn

def frozen(v):
    "A value that can be compared bit by bit: tensors as bytes, containers by their contents"
    if isinstance(v, torch.Tensor): return v.dtype, tuple(v.shape), v.requires_grad, v.detach().clone().contiguous().flatten().view(torch.uint8).numpy().tobytes()
    if isinstance(v, dict): return {k if isinstance(k, str) else id(k): frozen(o) for k,o in v.items()}
    if isinstance(v, (list, tuple, L)): return [frozen(o) for o in v]
    if isinstance(v, np.ndarray): return v.tobytes()
    if isinstance(v, random.Random): return v.getstate()
    return v if isinstance(v, (int, float, str, bool, type(None))) else id(v)

def depth(): torch.autocast_increment_nesting(); return torch.autocast_decrement_nesting()

def global_state():
    return dict(python=random.getstate(), numpy=repr(np.random.get_state()), torch=frozen(torch.get_rng_state()),
                autocast=(torch.is_autocast_enabled('cpu'), torch.get_autocast_dtype('cpu'), depth()), grad=torch.is_grad_enabled())

def model_state(model):
    return dict(params={k: (id(p), frozen(p), frozen(p.grad)) for k,p in model.named_parameters()}, buffers={k: (id(b), frozen(b)) for k,b in model.named_buffers()},
                modules=[{k: frozen(v) for k,v in vars(m).items() if k[0] != '_'} for m in model.modules()])

def state(learn):
    "All that a sweep might move, read without the help of the code under test"
    opt = learn.opt and dict(id=id(learn.opt), hypers=frozen(list(map(dict, learn.opt.hypers))), frozen_idx=learn.opt.frozen_idx,
                             state=[frozen(dict(learn.opt.state[p])) for p,*_ in learn.opt.all_params()])
    return dict(model=model_state(learn.model), opt=opt, attributes={k: frozen(v) for k,v in vars(learn).items() if k not in ('opt', '_metrics', 'cbs')},
                cbs=[(id(cb), {k: frozen(v) for k,v in vars(cb).items() if k != 'learn'}) for cb in learn.cbs],
                recorder=[frozen(vars(o)) for o in (learn.recorder.loss, learn.recorder.smooth_loss)], metrics=[(id(m), frozen(vars(m))) for m in learn.metrics],
                loaders=[{k: frozen(v) for k,v in vars(dl).items()} for dl in learn.dls.loaders], files=sorted(learn.path.rglob('*')), **global_state())

def differing(a, b, path=''):
    if isinstance(a, dict) and isinstance(b, dict) and set(a) == set(b): return [d for k in a for d in differing(a[k], b[k], f'{path}.{k}')]
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)) and len(a) == len(b): return [d for i,(x,y) in enumerate(zip(a, b)) for d in differing(x, y, f'{path}[{i}]')]
    return [] if a == b else [path]

def two_groups(m): return [list(m[:2].parameters()), list(m[2:].parameters())]

LEARNERS = dict(fresh=dict(), sgd=dict(opt_func=partial(SGD, mom=.9)), groups=dict(splitter=two_groups), torch_opt=dict(opt_func=partial(OptimWrapper, opt=torch.optim.AdamW)),
                lookahead=dict(opt_func=ranger), accumulation=dict(cbs=[GradientAccumulation(48), GradientClip(1.)]), scheduled=dict(cbs=[ParamScheduler({'lr': SchedCos(1e-3, 1e-4)})]),
                train_metrics=dict())

@pytest.mark.parametrize('trained', [False, True], ids=['fresh', 'trained'])
@pytest.mark.parametrize('name', LEARNERS)
def test_learner_untouched(name, trained, tmp_path):
    learn = learner(**LEARNERS[name], path=tmp_path)
    if name == 'train_metrics': learn.recorder.train_metrics = True
    if name == 'groups': learn.freeze()
    if trained: quiet(learn.fit, learn, 1, 1e-2)
    before = state(learn)
    sweep = lr_find(learn, num_it=20)
    assert differing(before, state(learn)) == []
    assert len(sweep.lrs) >= 6 and all(map(math.isfinite, sweep.losses))
    with pytest.raises(AssertionError):  # the comparison can fail
        quiet(learn.fit, learn, 1, 1e-2)
        assert differing(before, state(learn)) == []

@pytest.mark.parametrize('precision', ['float16', 'bfloat16'])
@pytest.mark.parametrize('acc', [(), [GradientAccumulation(32), GradientClip(1.)]], ids=['plain', 'accumulating'])
def test_learner_half_precision(precision, acc):
    learn = quiet((l := half_precision(learner(acc), precision)).fit, l, 1, 1e-2)
    before = state(learn)
    sweep = lr_find(learn, num_it=20)
    assert differing(before, state(learn)) == []
    assert len(sweep.lrs) == 20 and all(map(math.isfinite, sweep.losses))

class Fails(nn.Module):
    "Raises in the forward pass of step `at`"
    def __init__(self, error, at): super().__init__(); self.error, self.at, self.n = error, at, [0]
    def forward(self, x):
        self.n[0] += 1
        if self.n[0] == self.at: raise self.error
        return x

@pytest.mark.parametrize('error', [RuntimeError('broken'), KeyboardInterrupt(), torch.cuda.OutOfMemoryError('CUDA out of memory')])
@pytest.mark.parametrize('precision', ['float32', 'bfloat16'])
def test_learner_that_raises(error, precision):
    learn = half_precision(learner(model=nn.Sequential(net(), Fails(error, 17))), precision)
    quiet(learn.fit, learn, 1, 1e-2)  # 8 training and 2 validation batches
    before = state(learn)
    with pytest.raises(type(error)): lr_find(learn, num_it=20)
    assert differing(before, state(learn)) == []

def test_learner_whose_callback_raises():
    class Bad(Callback):
        def after_step(self): raise ValueError('no')
    learn = learner(Bad())
    before = state(learn)
    with pytest.raises(ValueError): lr_find(learn)
    assert differing(before, state(learn)) == []

def test_learner_that_diverges():
    learn = learner(opt_func=SGD)
    learn.model = nn.Linear(4, 2)
    before = state(learn)
    sweep = lr_find(learn, start_lr=1e-3, end_lr=1e6)
    assert len(sweep.lrs) < 100 and differing(before, state(learn)) == []
    assert not sweep.smoothed[-1] <= 4*min(sweep.smoothed) and all(s <= 4*min(sweep.smoothed[:i + 1]) for i,s in enumerate(sweep.smoothed[:-1]))

def test_one_rate_per_step():
    "With accumulation the rate moves once per optimiser step, and the loss is the mean over its batches"
    class Log(Callback):
        order = 200
        def before_fit(self): rates.clear(); losses.clear()
        def after_loss(self): rates.append(self.opt.hypers[-1]['lr']); losses.append(float(self.learn.loss))
    rates, losses = [], []
    sweep = lr_find(learner([GradientAccumulation(48), Log()]), num_it=10)
    assert rates == [r for r in sweep.lrs for _ in range(3)]
    np.testing.assert_allclose(np.reshape(losses, (10, 3)).mean(1), sweep.losses)

def test_workers_and_torch_loaders():
    seed_everything(0)
    ds = torch.utils.data.TensorDataset(torch.randn(64, 4), torch.randint(0, 2, (64,)))
    gen = torch.Generator().manual_seed(5)
    dl = torch.utils.data.DataLoader(ds, 16, shuffle=True, generator=gen)
    learn = Learner(DataLoaders(dl, dl), nn.Linear(4, 2), loss_func=CrossEntropyLossFlat())
    before, at = frozen(gen.get_state()), global_state()
    lr_find(learn, num_it=10)
    assert frozen(gen.get_state()) == before and differing(at, global_state()) == []

def test_too_little_data():
    learn = learner(n=40, bs=16)  # 8 training items, and incomplete batches are dropped
    with pytest.raises(CourseError, match='8 items, less than one batch of 16'): lr_find(learn)

# ---- transformers ----

@pytest.fixture(scope='module')
def trainers():
    transformers = pytest.importorskip('transformers')
    cfg = transformers.BertConfig(vocab_size=20, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, max_position_embeddings=8)
    def make(out, optimizers=(None, None), model=None, callbacks=None, **kwargs):
        seed_everything(0)
        ds = [dict(input_ids=o, labels=int(o[0] > 9)) for o in torch.randint(0, 20, (48, 4))]
        args = transformers.TrainingArguments(str(out), per_device_train_batch_size=8, num_train_epochs=1, report_to='none', use_cpu=True, disable_tqdm=True, **(dict(save_strategy='no') | kwargs))
        model = model or transformers.BertForSequenceClassification(cfg)
        t = transformers.Trainer(model, args, train_dataset=ds, eval_dataset=ds[:8], callbacks=callbacks, optimizers=optimizers(model) if callable(optimizers) else optimizers)
        t.remove_callback(transformers.PrinterCallback)
        return t
    return make

def trainer_state(t):
    opt = getattr(t.optimizer, 'optimizer', t.optimizer)
    return dict(model=model_state(t.model), attributes={k: frozen(v) for k,v in vars(t).items()}, args=frozen(vars(t.args)), state=frozen(vars(t.state)), control=frozen(vars(t.control)),
                opt=opt and [frozen(opt.state_dict()['state']), [{k: v for k,v in g.items() if k != 'params'} for g in opt.param_groups]], schedule=t.lr_scheduler and frozen(t.lr_scheduler.state_dict()),
                handler={k: frozen(v) for k,v in vars(t.callback_handler).items()}, accelerator={k: frozen(v) for k,v in vars(t.accelerator).items()}, **global_state())

def with_schedule(model):
    opt = torch.optim.SGD(model.parameters(), lr=.1, momentum=.9)
    return opt, torch.optim.lr_scheduler.StepLR(opt, 2)

TRAINERS = dict(plain=dict(), accumulating=dict(gradient_accumulation_steps=2), bf16=dict(bf16=True), both=dict(gradient_accumulation_steps=3, bf16=True), own_optimiser=dict(optimizers=with_schedule),
                saving=dict(eval_strategy='steps', eval_steps=3, save_strategy='steps', save_steps=3, save_total_limit=1, load_best_model_at_end=True, logging_steps=1))

@pytest.mark.parametrize('trained', [False, True], ids=['fresh', 'trained'])
@pytest.mark.parametrize('name', TRAINERS)
def test_trainer_untouched(name, trained, trainers, tmp_path):
    t = trainers(tmp_path/'out', **TRAINERS[name])
    if trained: t.train()
    before = trainer_state(t)
    files = sorted(tmp_path.rglob('*'))
    sweep = lr_find(t, num_it=8)
    assert differing(before, trainer_state(t)) == []
    assert len(sweep.lrs) == 8 and sorted(tmp_path.rglob('*')) == files

def test_trainer_that_raises(trainers, tmp_path):
    t = trainers(tmp_path/'out', bf16=True)
    t.model.classifier = nn.Sequential(t.model.classifier, Fails(RuntimeError('broken'), 3))
    before = trainer_state(t)
    with pytest.raises(RuntimeError, match='broken'): lr_find(t)
    assert differing(before, trainer_state(t)) == []

def test_trainer_callbacks_stay_quiet(trainers, tmp_path):
    from transformers import TrainerCallback
    class Loud(TrainerCallback):
        def on_step_end(self, *args, **kwargs): raise AssertionError('called during the sweep')
    t = trainers(tmp_path/'out', callbacks=[Loud()])
    lr_find(t, num_it=6)
    assert any(isinstance(c, Loud) for c in t.callback_handler.callbacks)

def test_pretrained_transformer_is_doubted(trainers, tmp_path):
    t = trainers(tmp_path/'out')
    assert not any('too high' in o for o in lr_find(t, num_it=8).caveats())
    t.model.config._name_or_path = 'some/encoder'
    assert any('tend to be too high' in o for o in lr_find(t, num_it=8).caveats())

# ---- Keras ----

KERAS = """if True:
    import os, sys
    os.environ['KERAS_BACKEND'] = sys.argv[1]
    import numpy as np, keras
    from course_labs.core.files import CourseError
    from course_labs.training.lr_finder import lr_find
    x = np.random.default_rng(0).normal(size=(96, 4)).astype('float32')
    y = (x[:, :1] > 0).astype('float32')
    L, O = keras.layers, keras.optimizers

    class Batches(keras.utils.PyDataset):
        def __len__(self): return 6
        def __getitem__(self, i): return x[16*i:16*i + 16], y[16*i:16*i + 16]

    def model(optimizer, policy='float32', build=True):
        keras.utils.set_random_seed(1)
        layers = [L.Dense(8, dtype=policy), L.BatchNormalization(dtype=policy), L.Dropout(.3, dtype=policy), L.Dense(1, activation='sigmoid', dtype='float32')]
        m = keras.Sequential([keras.Input((4,))]*build + layers)
        m.compile(optimizer, loss='binary_crossentropy', metrics=['accuracy'])
        return m

    def state(m):
        res = [keras.ops.convert_to_numpy(v).tobytes() for v in m.variables + m.optimizer.variables + m.metrics_variables]
        inner = getattr(m.optimizer, 'inner_optimizer', m.optimizer)
        return res, [keras.ops.convert_to_numpy(v).tobytes() for v in inner.variables], m.built, m.optimizer.built, id(inner._learning_rate), id(m.train_function)

    CASES = dict(adam=lambda: O.Adam(1e-3), schedule=lambda: O.SGD(O.schedules.CosineDecay(1e-2, 50), momentum=.9), function=lambda: O.SGD(lambda: 1e-3),
                 accumulate=lambda: O.Adam(1e-3, gradient_accumulation_steps=2), ema=lambda: O.Adam(1e-3, use_ema=True))
    for name, opt in CASES.items():
        for trained in (False, True):
            if (name, trained, sys.argv[1]) == ('ema', True, 'jax'): continue  # fit leaves weights and averages in one buffer, and no training can go on from there
            m = model(opt())
            if trained: m.fit(x, y, batch_size=16, epochs=1, verbose=0)
            before = state(m)
            sweep = lr_find(m, *([Batches()] if trained else [x, y]), num_it=8)
            assert state(m) == before, (name, trained)
            assert len(sweep.lrs) == 8 and np.isfinite(sweep.losses).all()

    def trained(find, **kwargs):
        m = model(O.Adam(1e-2), **kwargs)
        if find: lr_find(m, x, y, num_it=8)
        m.fit(x, y, batch_size=16, epochs=1, verbose=0)
        return [w.tobytes() for w in m.get_weights()]
    for kwargs in (dict(), dict(build=False), dict(policy='mixed_bfloat16'), dict(policy='mixed_float16')): assert trained(False, **kwargs) == trained(True, **kwargs), kwargs

    class Breaks(keras.losses.Loss):
        n = 0
        def call(self, y, p):
            Breaks.n += 1
            if Breaks.n == 4: raise RuntimeError('broken')
            return keras.ops.mean((y - p)**2, axis=-1)
    m = model(O.Adam(1e-3))
    m.compile(O.Adam(1e-3), loss=Breaks(), run_eagerly=sys.argv[1] != 'torch')
    before = state(m)
    try: lr_find(m, x, y); assert False
    except RuntimeError as e: assert 'broken' in str(e)
    assert state(m) == before

    big = lr_find(model(O.SGD(.1)), x, y, start_lr=1e-2, end_lr=1e8, num_it=60)
    assert len(big.lrs) <= 60
    for args, text in (((iter([(x, y)]),), 'used up'), ((x[:0], y[:0]), 'empty'), (([],), 'no batch')):
        try: lr_find(model(O.SGD(.1)), *args); assert False, text
        except CourseError as e: assert text in str(e), e
"""

@pytest.mark.parametrize('backend', ['torch', 'jax', 'tensorflow'])
def test_keras(backend):
    for package in {'keras', backend}:
        if find_spec(package) is None: pytest.skip(f'{package} is not installed')
    done = subprocess.run([sys.executable, '-W', 'ignore', '-c', KERAS, backend], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]

# ---- Half precision ----

def test_half_precision_matches_float32_on_easy_data():
    accs = {}
    for p in ('float32', 'float16', 'bfloat16'):
        learn = half_precision(learner(model=nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2)), n=544), p)
        quiet(learn.fit_one_cycle, learn, 4, 1e-2)
        accs[p] = learn.validate()[1]
        assert all(o.dtype == torch.float32 for o in learn.model.parameters())
    assert min(accs.values()) > .8, accs

def test_half_precision_leaves_autocast_after_an_error():
    learn = half_precision(learner(model=nn.Sequential(nn.Linear(4, 2), Fails(RuntimeError('broken'), 3))), 'bfloat16')
    with pytest.raises(RuntimeError, match='broken'): quiet(learn.fit, learn, 1)
    learn.model[1].at = None
    quiet(learn.fit, learn, 1)
    assert not torch.is_autocast_enabled('cpu') and depth() == 0

@pytest.mark.parametrize('how', ['lr_find', 'compare', 'advice', 'fit'])
def test_training_after_an_error_in_half_precision(how):
    "An error inside autocast must not leave old half-precision weights in its cache"
    def trained():
        seed_everything(0)
        learn = half_precision(learner(model=nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2))), 'bfloat16')
        return frozen([p for p in quiet(learn.fit, learn, 2, 1e-2).model.parameters()])
    whole = trained()
    broken = half_precision(learner(model=nn.Sequential(nn.Linear(4, 2), Fails(torch.cuda.OutOfMemoryError('CUDA out of memory'), 3))), 'bfloat16')
    fit = partial(quiet, broken.fit, broken, 1)
    if how == 'compare': compare(dict(a=lambda seed: fit(), b=float), 1, progress=False)
    else:
        with pytest.raises((torch.cuda.OutOfMemoryError, CourseError)):
            if how == 'lr_find': lr_find(broken)
            elif how == 'fit': fit()
            else:
                with gpu_memory_advice(16): fit()
    if how == 'fit':  # the next training with the same learner puts it right
        broken.model[1].at = None
        fit()
    assert depth() == 0 and trained() == whole

def test_half_precision_replaces():
    learn = learner()
    for p in ('float16', 'bfloat16', 'auto'): half_precision(learn, p)
    assert len(learn._grab_cbs(MixedPrecision)) == 1
    assert len(half_precision(learn, 'float32')._grab_cbs(MixedPrecision)) == 0

# ---- Memory ----

def test_memory_advice_for_the_cpu_allocator():
    def full(): raise RuntimeError('[enforce fail at alloc_cpu.cpp:127] . DefaultCPUAllocator: can\'t allocate memory: you tried to allocate 4000000000000 bytes.')
    with pytest.raises(CourseError, match='batch size of 8: try 4') as e:
        with gpu_memory_advice(8): full()
    assert '\n' not in str(e.value) and e.value.__cause__ is None
    with pytest.raises(ZeroDivisionError):
        with gpu_memory_advice(8): 1/0
    with gpu_memory_advice(8): pass

@hyp(deadline=None, max_examples=50)
@given(st.integers(1, 512), st.integers(0, 512))
def test_fitting_batch_size(bs, room):
    def step(n):
        if n > room: raise MemoryError
    with mock.patch('gc.collect'): fits = fitting_batch_size(step, bs)  # which takes a quarter of a second here
    assert fits <= room and (fits == bs or 2*fits + 1 > room) and (fits > 0 or room == 0 or bs == 0)

def test_probing_leaves_the_learner_alone():
    class Small(nn.Module):
        def __init__(self): super().__init__(); self.body = net()
        def forward(self, x):
            if len(x) > 5: raise torch.cuda.OutOfMemoryError('CUDA out of memory')
            return self.body(x)
    learn = learner(model=Small())
    try: quiet(learn.fit, learn, 1)
    except torch.cuda.OutOfMemoryError: pass
    before = state(learn)
    with pytest.raises(CourseError, match='batch of 4 fits; accumulate 4 batches'):
        with gpu_memory_advice(learn): raise torch.cuda.OutOfMemoryError('CUDA out of memory')
    assert differing(before, state(learn)) == []

def test_measure_counts_what_is_kept():
    layer = nn.Linear(100, 100, bias=False)
    x = torch.randn(50, 100)
    assert measure(lambda: layer(x).sum().backward()).peak_mb == pytest.approx(50*100*4/2**20)
    assert measure(lambda: [layer(x).sum().backward() for _ in range(5)]).peak_mb == pytest.approx(50*100*4/2**20)  # freed in between
    with torch.no_grad(): assert measure(lambda: layer(x)).peak_mb == 0

def fed(losses):
    s = lf.LRSweep()
    for n, loss in enumerate(losses, 1):
        if s.add(loss): break
    return s, n

def test_losses_below_zero_do_not_end_a_sweep():
    "Cosine similarity and likelihoods are below zero: four times the best loss is then a better one"
    assert fed(-0.5 - 0.4*i/100 for i in range(100))[1] == 100
    assert fed([-0.9]*100)[1] == 100 and fed([0.]*100)[1] == 100
    s, n = fed([-3.]*30 + [-3.]*20 + [1e6]*50)
    assert 50 < n < 55, 'a likelihood that explodes ends it'
    s, n = fed([2.]*50 + [1e6]*50)
    assert n == 51 and s.limit == pytest.approx(8)

@pytest.mark.parametrize('at', (10, 11, 12, 50))
def test_a_dip_at_one_step_is_not_the_highest_rate(at):
    s, _ = fed([2.3]*at + [2.2] + [2.31 + .01*i for i in range(99 - at)])
    lrs, _ = s.falling()
    assert lrs[0] <= s.valley <= lrs[-1] < s.lrs[-1]
