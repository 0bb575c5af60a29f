"One thing changed, and run again with what was kept: the new training is trained and gives what it gives without; nothing changed: nothing is trained"
import os

import pytest

torch = pytest.importorskip('torch')
os.environ.setdefault('KERAS_BACKEND', 'torch')
import fastai.vision.all as fv
import numpy as np

from course_labs.core.machine import seed_everything
from course_labs.training.checkpoints import keep
from course_labs.training.checkpoints.loop import epochs, keeper
from course_labs.training.checkpoints.store import plain, same

class Scale(fv.Transform):
    "A transform of one's own"
    order = 99
    def __init__(self, by): self.by = by
    def encodes(self, x: fv.TensorImage): return x*self.by

class Watch(fv.Callback):
    "A callback of one's own that changes the training"
    order = 70
    def __init__(self, by): self.by = by
    def after_loss(self): self.learn.loss_grad = self.learn.loss_grad*self.by

class Rows:
    "A data set of one's own"
    def __init__(self, x, y, shift=0.): self.x, self.y, self.shift = x, y, shift
    def __len__(self): return len(self.x)
    def __getitem__(self, i): return fv.TensorImage(self.x[i] + self.shift), fv.TensorCategory(self.y[i])

factor = 1.  # read by `own_loss`
def own_loss(pred, y): return factor*torch.nn.functional.cross_entropy(fv.TensorBase(pred), fv.TensorBase(y))
def other_loss(pred, y): return torch.nn.functional.cross_entropy(fv.TensorBase(pred), fv.TensorBase(y), label_smoothing=.1)

class Net(torch.nn.Module):
    "Dropout called as a function: no layer says its rate"
    def __init__(self, p, act, width, head):
        super().__init__()
        self.body = torch.nn.Sequential(torch.nn.Conv2d(3, width, 3), act(), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
        self.p, self.head = p, head(width)
    def forward(self, x): return self.head(torch.nn.functional.dropout(self.body(x), self.p, self.training))

def linear(n): return torch.nn.Linear(n, 2)
def normed(n): return torch.nn.Sequential(torch.nn.LayerNorm(n), torch.nn.Linear(n, 2))
def turned(x): return torch.stack([x[0], x[1]*2, *x[2:]])

def learner_run(seed=0, bs=4, lr=1e-2, p=.1, act=torch.nn.ReLU, width=4, head=linear, loss=None, opt=fv.Adam, wd=.01, tfms=(), item=(), split=None,
                pixel=None, label=None, shift=0., drop_last=False, shuffle=True, cbs=(), pct=.25, moms=(.95, .85, .95), freeze=0, freeze_bn=True,
                n=2, rows=slice(None), weights=None, fp16=False):
    "A Learner, trained; gives its end"
    seed_everything(seed)
    x, y = torch.rand(24, 3, 6, 6), torch.arange(24)%2
    if pixel: x = pixel(x)
    if label: y[7] = 1 - y[7]  # not among the items that are looked at one by one
    ds = Rows(x[rows], y[rows], shift)
    dls = fv.DataLoaders(fv.TfmdDL(ds, bs=bs, shuffle=shuffle, drop_last=drop_last, after_item=[*item], after_batch=[*tfms], num_workers=0),
                         fv.TfmdDL(Rows(x[:8], y[:8]), bs=8, num_workers=0), device='cpu')
    net = Net(p, act, width, head)
    if weights: torch.nn.init.constant_(net.head.weight, weights)
    learn = fv.Learner(dls, net, loss_func=loss or fv.CrossEntropyLossFlat(), opt_func=opt, wd=wd, train_bn=freeze_bn, cbs=list(cbs), moms=moms,
                       splitter=split or fv.trainable_params)
    if freeze: learn.freeze_to(freeze)
    with learn.no_bar(), learn.no_logging(): learn.fit_one_cycle(n, lr, pct_start=pct)
    return plain(dict(weights=dict(net.state_dict()), losses=[o[0] for o in learn.recorder.values]))

def halves(m): return [list(m.body.parameters()), list(m.head.parameters())]

FASTAI = {
    'rate': dict(lr=2e-2), 'rates by depth': dict(lr=slice(1e-3, 1e-2), split=halves), 'batch size': dict(bs=6), 'dropout': dict(p=.2), 'activation': dict(act=torch.nn.GELU),
    'width': dict(width=5), 'head': dict(head=normed), 'loss': dict(loss=fv.LabelSmoothingCrossEntropy()), 'loss, a setting': dict(loss=fv.CrossEntropyLossFlat(weight=torch.tensor([1., 2.]))),
    'loss of one\'s own': dict(loss=own_loss), 'optimiser': dict(opt=fv.RAdam), 'optimiser, a setting': dict(opt=fv.partial(fv.Adam, sqr_mom=.9)), 'decay': dict(wd=.1),
    'batch transform': dict(tfms=[fv.Brightness(.3, p=1.)]), 'own transform': dict(tfms=[Scale(2.)]), 'item transform': dict(item=[fv.RandomErasing(p=1.)]),
    'a pixel': dict(pixel=lambda x: x + (torch.arange(x.numel()).view(x.shape) == 900)*.5), 'a picture': dict(pixel=turned), 'a label': dict(label=True), 'fewer rows': dict(rows=slice(0, 20)),
    'what the data set does': dict(shift=.5), 'last batch': dict(drop_last=True, bs=7), 'order': dict(shuffle=False), 'callback': dict(cbs=[Watch(2.)]), 'clipping': dict(cbs=[fv.GradientClip(.01)]),
    'mixup': dict(cbs=[fv.MixUp(.4)]), 'where the peak is': dict(pct=.5), 'momentum': dict(moms=(.9, .8, .9)), 'frozen': dict(split=halves, freeze=1), 'epochs': dict(n=3),
    'seed': dict(seed=1), 'first weights': dict(weights=.2)}
# Of a setting that is changed from one value to another
FASTAI_PAIRS = {
    'brightness': [dict(tfms=[fv.Brightness(o, p=1.)]) for o in (.3, .5)], 'angle': [dict(tfms=[fv.Rotate(o, p=1.)]) for o in (10, 40)], 'probability': [dict(tfms=[fv.Flip(o)]) for o in (.4, .9)],
    'statistics': [dict(tfms=[fv.Normalize.from_stats([o]*3, [.2]*3, cuda=False)]) for o in (.5, .4)], 'own transform': [dict(tfms=[Scale(o)]) for o in (2., 3.)],
    'order of transforms': [dict(tfms=[a(), b()]) for a,b in ((fv.partial(Scale, 2.), fv.partial(fv.Flip, .9)), (fv.partial(fv.Flip, .9), fv.partial(Scale, 2.001)))],
    'mixup': [dict(cbs=[fv.MixUp(o)]) for o in (.4, .8)], 'clipping': [dict(cbs=[fv.GradientClip(o)]) for o in (.01, .1)], 'own callback': [dict(cbs=[Watch(o)]) for o in (2., 3.)],
    'loss of one\'s own': [dict(loss=o) for o in (own_loss, other_loss)], 'weights of classes': [dict(loss=fv.CrossEntropyLossFlat(weight=torch.tensor([1., o]))) for o in (2., 3.)]}

def collate(rows): return dict(x=torch.stack([r['x'] for r in rows]), labels=torch.tensor([r['labels'] for r in rows]))

class Noise:
    "A collator with a setting"
    def __init__(self, by): self.by = by
    def __call__(self, rows):
        b = collate(rows)
        return dict(b, x=b['x'] + self.by*torch.randn_like(b['x']))

class Small(torch.nn.Module):
    def __init__(self, p=.1, width=8):
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Linear(6, width), torch.nn.Tanh(), torch.nn.Dropout(p), torch.nn.Linear(width, 2))
    def forward(self, x, labels=None):
        logits = self.layers(x)
        return dict(logits=logits, **({} if labels is None else dict(loss=torch.nn.functional.cross_entropy(logits, labels))))

def trainer_run(seed=0, collator=collate, p=.1, width=8, n=24, pixel=0., label=False, kind=None, valid=8, loss=None, optimiser=None, **settings):
    "A Trainer, trained; gives its end"
    from transformers import PrinterCallback, Trainer, TrainingArguments
    seed_everything(seed)
    x, y = torch.rand(n, 6), torch.arange(n)%2
    x[7, 3] += pixel
    if label: y[7] = 1 - y[7]
    rows = [dict(x=a, labels=int(b)) for a,b in zip(x, y)]
    args = TrainingArguments('unused', **{**dict(per_device_train_batch_size=4, num_train_epochs=2, learning_rate=1e-2, report_to='none', save_strategy='no', use_cpu=True, disable_tqdm=True,
                             eval_strategy='epoch', logging_strategy='epoch', remove_unused_columns=False), **settings})
    net = Small(p, width)
    more = dict(optimizers=(optimiser(net.parameters()), None)) if optimiser else {}
    trainer = (kind or Trainer)(net, args, train_dataset=rows, eval_dataset=rows[:valid], data_collator=collator, compute_loss_func=loss, **more)
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    losses = [o.get('loss', o.get('eval_loss')) for o in trainer.state.log_history[:-1]]
    return plain(dict(weights=dict(net.state_dict()), losses=losses))

def double(outputs, labels, num_items_in_batch=None): return 2*torch.nn.functional.cross_entropy(outputs['logits'], labels)

def own_trainer():
    from transformers import Trainer
    class Own(Trainer):
        def compute_loss(self, model, inputs, return_outputs=False, **kwargs):
            out = model(**inputs)
            return (out['loss']*3, out) if return_outputs else out['loss']*3
    return Own

TRAINER = {
    'rate': dict(learning_rate=2e-2), 'batch size': dict(per_device_train_batch_size=6), 'epochs': dict(num_train_epochs=3), 'steps': dict(max_steps=5), 'schedule': dict(lr_scheduler_type='cosine'),
    'warm-up': dict(warmup_steps=3), 'decay': dict(weight_decay=.1), 'optimiser': dict(optim='sgd'), 'momentum': dict(adam_beta1=.5), 'clipping': dict(max_grad_norm=.01), 'accumulation': dict(gradient_accumulation_steps=2),
    'seed': dict(seed=7), 'order': dict(data_seed=3), 'last batch': dict(dataloader_drop_last=True, per_device_train_batch_size=7), 'dropout': dict(p=.3), 'width': dict(width=9), 'collator': dict(collator=Noise(.1)),
    'a number': dict(pixel=.5), 'a label': dict(label=True), 'rows': dict(n=28), 'held-out rows': dict(valid=6), 'loss': dict(loss=double), 'own optimiser': dict(optimiser=lambda p: torch.optim.SGD(p, .1)),
    'first weights and all random numbers': dict(seed=1)}
TRAINER_PAIRS = {'collator': [dict(collator=Noise(o)) for o in (.1, .2)], 'own optimiser': [dict(optimiser=lambda p, o=o: torch.optim.SGD(p, o)) for o in (.1, .2)]}

def keras_run(seed=0, rate=.01, opt=None, units=6, act='relu', p=.1, noise=None, loss='binary_crossentropy', pixel=0., label=False, cbs=(), own=None, wide=False, **fit):
    "A Keras model, fitted; gives its end"
    import keras
    keras.utils.set_random_seed(seed)
    x = np.random.default_rng(0).normal(size=(32, 4)).astype('float32')
    y = (x[:, :1] > 0).astype('float32')
    x[7, 3] += pixel
    if label: y[7] = 1 - y[7]
    i = keras.Input((4,))
    h = keras.layers.Dense(units, act, kernel_regularizer=own)(keras.layers.GaussianNoise(noise)(i) if noise else i)
    h = keras.layers.Dropout(p)(h)
    h = keras.layers.Concatenate()([h, i] if wide else [i, h])
    model = keras.Model(i, keras.layers.Dense(1, 'sigmoid')(h))
    model.compile(opt() if opt else keras.optimizers.Adam(rate), loss=loss, metrics=['accuracy'])
    h = model.fit(x, y, **{**dict(epochs=2, batch_size=8, verbose=0, callbacks=list(cbs)), **fit})
    return plain(dict(weights=[torch.tensor(w) for w in model.get_weights()], losses=list(map(list, h.history.values()))))

def hinge(y, p): return 1.5*(y - p)**2

def by_epoch(epoch, lr): return lr*.5

def keras_changes():
    import keras
    k = keras
    return {'rate': dict(rate=.02), 'optimiser': dict(opt=lambda: k.optimizers.SGD(.01)), 'momentum': dict(opt=lambda: k.optimizers.Adam(.01, beta_1=.5)), 'clipping': dict(opt=lambda: k.optimizers.Adam(.01, clipnorm=.01)),
            'schedule': dict(opt=lambda: k.optimizers.Adam(k.optimizers.schedules.CosineDecay(.01, 8))), 'units': dict(units=7), 'activation': dict(act='tanh'), 'dropout': dict(p=.3), 'augmentation': dict(noise=.1),
            'loss': dict(loss='mse'), 'loss of one\'s own': dict(loss=hinge), 'a number': dict(pixel=.5), 'a label': dict(label=True), 'batch size': dict(batch_size=4), 'epochs': dict(epochs=3), 'order': dict(shuffle=False),
            'weights of classes': dict(class_weight={0: 1., 1: 3.}), 'weights of rows': dict(sample_weight=np.linspace(0, 1, 32)), 'held-out share': dict(validation_split=.25), 'penalty': dict(own='l2'),
            'callback': dict(cbs=[k.callbacks.LearningRateScheduler(by_epoch)]), 'seed': dict(seed=1), 'wiring': dict(wide=True), 'steps': dict(steps_per_epoch=3)}

def loop_run(seed=0, lr=1e-2, opt=torch.optim.AdamW, p=.1, steps=4, shift=0., batch=lambda x: x, clip=1., noise=0., sched=None, wd=.01):
    "A loop by hand; gives its end"
    seed_everything(seed)
    net = torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.Dropout(p), torch.nn.Linear(6, 1))
    o, x, losses = opt(net.parameters(), lr, weight_decay=wd), torch.rand(8, 4), []
    x[5, 2] += shift
    s = torch.optim.lr_scheduler.LambdaLR(o, sched or (lambda i: .9**i))
    for _ in epochs(steps, net, o, s, losses):
        loss = (net(batch(x) + noise) - 1).pow(2).mean()
        o.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), clip)
        o.step()
        s.step()
        losses.append(loss.item())
    return plain(dict(weights=dict(net.state_dict()), losses=losses))

table = torch.ones(4)
def of_table(x): return x*table
LOOP = {'rate': dict(lr=2e-2), 'optimiser': dict(opt=torch.optim.NAdam), 'optimiser, a setting': dict(opt=fv.partial(torch.optim.AdamW, betas=(.5, .9))), 'decay': dict(wd=.1), 'dropout': dict(p=.3), 'steps': dict(steps=5),
        'data': dict(shift=.5), 'what makes a batch': dict(batch=lambda x: x*2), 'a number in the loop': dict(clip=.01), 'another': dict(noise=.1), 'schedule': dict(sched=lambda i: .5**i), 'seed': dict(seed=1)}

RUNS = dict(fastai=(learner_run, FASTAI, FASTAI_PAIRS), trainer=(trainer_run, TRAINER, TRAINER_PAIRS), keras=(keras_run, keras_changes, {}), loop=(loop_run, LOOP, {}))

@pytest.fixture(scope='module', autouse=True)
def replaced():
    "The three libraries ask `keeper` in this module"
    import keras.models  # noqa: F401
    import transformers.trainer  # noqa: F401
    keep.keep_trainings('unused')
    keeper.stop()
    yield
    keeper.stop()

def kept(folder, run, change):
    keeper.begin(folder)
    try: return run(**change)
    finally: keeper.stop()

def changes(name):
    run, all_of_them, pairs = RUNS[name]
    ones = all_of_them() if callable(all_of_them) else all_of_them
    return run, [({}, {})] + [({}, o) for o in ones.values()] + list(map(tuple, pairs.values())), ['nothing', *ones, *(f'from one {k} to another' for k in pairs)]

CASES = [(name, i) for name in RUNS for i in range({'keras': 25, 'loop': 13}.get(name) or 1 + len(RUNS[name][1]) + len(RUNS[name][2]))]

@pytest.mark.parametrize('name, i', CASES)
def test_a_change_trains_anew(name, i, tmp_path, capsys):
    run, cases, names = changes(name)
    before, after = cases[i]
    kept(tmp_path, run, before)
    capsys.readouterr()
    got, said = kept(tmp_path, run, after), capsys.readouterr().out.strip().splitlines()
    assert same(got, run(**after)), names[i]
    if not i:
        assert len(said) == 1 and said[0].endswith('had ended'), f'trained again: {said}'
        return
    assert [o for o in said if 'begins anew' in o], f'{names[i]}: {said}'
    again = kept(tmp_path, run, before), capsys.readouterr().out
    assert 'is again the one that was set aside' in again[1] and same(again[0], run(**before)), names[i]

def test_every_case_is_there():
    for name in RUNS: assert len(changes(name)[1]) == sum(n == name for n,_ in CASES), name

def test_what_a_function_reads_around_it_counts(tmp_path, capsys, monkeypatch):
    kept(tmp_path, learner_run, dict(loss=own_loss))
    monkeypatch.setitem(globals(), 'factor', 3.)
    kept(tmp_path, learner_run, dict(loss=own_loss))
    assert 'loss factor was 1.0 and is 3.0' in capsys.readouterr().out
    kept(tmp_path, loop_run, dict(batch=of_table))
    table[2] = 5.
    assert same(kept(tmp_path, loop_run, dict(batch=of_table)), loop_run(batch=of_table))
    assert 'loop batch table was' in capsys.readouterr().out

def test_used_transforms_and_callbacks_are_the_same_ones(tmp_path, capsys):
    "A list of transforms that several trainings share is changed by them, in itself only"
    seed_everything(0)
    def several(**_):
        shared, res = [fv.Brightness(.3, p=1.), fv.Rotate(20)], []
        for seed in range(3): res.append(learner_run(seed=seed, tfms=shared, cbs=[fv.MixUp(.4)]))
        return res
    first = kept(tmp_path, several, {})
    capsys.readouterr()
    assert same(kept(tmp_path, several, {}), first)
    assert capsys.readouterr().out.splitlines() == [f'training {n} had ended' for n in (1, 2, 3)]

def test_a_longer_second_phase_begins_with_the_optimiser_of_the_first(tmp_path):
    "`fine_tune` is two trainings of one optimiser; others were trained after it"
    def cell(n, **_):
        seed_everything(0)
        x, y = torch.rand(16, 4), torch.arange(16)%2
        ds = list(zip(x, y))
        def learner(): return fv.Learner(fv.DataLoaders.from_dsets(ds, ds, bs=4, num_workers=0, device='cpu'), torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Linear(4, 2)),
                                         loss_func=fv.CrossEntropyLossFlat(), splitter=lambda m: [list(o.parameters()) for o in m])
        for m in (n, 1):
            learn = learner()
            with learn.no_bar(), learn.no_logging(): learn.fine_tune(m, 1e-2, freeze_epochs=2)
            if m == n: res = plain(dict(learn.model.state_dict()))
        return res
    kept(tmp_path, cell, dict(n=1))
    assert same(kept(tmp_path, cell, dict(n=3)), cell(3))
    files = {p.parent.name: torch.load(p, weights_only=False) for p in tmp_path.glob('training00[1-4]/*.pt')}
    assert set(files['training001']['model']) == {'1.weight', '1.bias'}, 'a frozen body is not written'
    assert files['training001']['opt'] and not files['training002']['opt'] and files['training003']['opt']

def test_a_description_is_the_same_in_another_process():
    "Python begins each process with another seed for the hashes of text; models of transformers keep such a hash"
    import subprocess
    import sys
    code = """
import torch
from transformers import GPT2Config, GPT2LMHeadModel
from course_labs.training.checkpoints.fingerprint import digest_of, made_of
torch.manual_seed(0)
net = GPT2LMHeadModel(GPT2Config(vocab_size=9, n_embd=4, n_layer=1, n_head=1))
print(sorted(made_of(net).items()), digest_of({'b', 'a', 'c'}), digest_of([torch.nn.CrossEntropyLoss(), torch.optim.Adam, {'x': {1, 2}}]))
"""
    said = {subprocess.run([sys.executable, '-c', code], env=dict(os.environ, PYTHONHASHSEED=seed), capture_output=True, text=True, check=True).stdout for seed in '12'}
    assert len(said) == 1
