"Trainings that a run keeps of its own accord: sessions that are lost by SIGKILL, other settings, and what is no training"
import os, signal, subprocess, sys

import pytest

import forked

pytestmark = pytest.mark.skipif(os.name != 'posix', reason='a session is lost by a signal')

HEAD = '''
import hashlib, os, sys
from course_labs.core.machine import seed_everything
from course_labs.lab import start
lab = start(week=4)
cfg = lab.config(epochs=int(os.environ.get('EPOCHS', 3)))
import numpy as np, torch
number, done = 0, []
def at(epoch):
    "LOST is training and epoch in which the session is lost"
    done.append((number, epoch))
    if f'{number} {epoch}' == os.environ.get('LOST'): os.kill(os.getpid(), 9)
def digest(arrays): return hashlib.sha256(b''.join(np.ascontiguousarray(o).tobytes() for o in arrays)).hexdigest()[:12]
def end(*models):
    weights = [v.detach().numpy() for m in models for v in m.state_dict().values()]
    print('END', digest(weights), torch.rand(1).item(), len(done))
'''

FASTAI = '''
from fastai.basics import *
from fastai.callback.schedule import *
from fastai.callback.tracker import EarlyStoppingCallback
from course_labs.training.lr_finder import lr_find
seed_everything(lab.seed)  # an import may draw numbers
class Lose(Callback):
    order = 2000
    def before_train(self):
        if not hasattr(self.learn, 'lr_finder'): at(self.epoch)
def learner(seed):
    ds = list(zip(torch.randn(64, 4), torch.randn(64, 1)))
    dls = DataLoaders.from_dsets(ds[:48], ds[48:], bs=16, num_workers=0, device='cpu')
    net = nn.Sequential(nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(.2)), nn.Linear(8, 1))
    return Learner(dls, net, loss_func=MSELossFlat(), splitter=lambda m: L(m[0], m[1]).map(params), cbs=Lose())
learners = [learner(0), learner(1)]
for number, learn in enumerate(learners, 1):
    with learn.no_bar(), learn.no_logging():
        lr_find(learn, num_it=20)
        learn.fine_tune(cfg.epochs, 1e-2)
    print(learn.recorder.values)
number = 3
learn.add_cb(EarlyStoppingCallback(patience=1, min_delta=10.))
with learn.no_bar(), learn.no_logging(): learn.fit(9, 1e-3)
end(*[o.model for o in learners])
'''

TRAINER = '''
import transformers
from transformers import BertConfig, BertForSequenceClassification, PrinterCallback, Trainer, TrainerCallback
from transformers import TrainingArguments
seed_everything(lab.seed)
class Lose(TrainerCallback):
    def on_epoch_begin(self, args, state, control, **kwargs): at(round(state.epoch))
def trainer():
    cfg_ = BertConfig(vocab_size=30, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8,
                      max_position_embeddings=16)
    ds = [dict(input_ids=o, labels=int(7 in o)) for o in torch.randint(7, 15, (40, 6))]
    args = TrainingArguments(str(lab.out/'unused'), num_train_epochs=cfg.epochs, report_to='none', save_strategy='no',
                             use_cpu=True, disable_tqdm=True, logging_steps=2)
    res = Trainer(BertForSequenceClassification(cfg_), args, train_dataset=ds, callbacks=[Lose()])
    res.remove_callback(PrinterCallback)
    return res
models = []
for number in (1, 2):
    models.append(trainer())
    models[-1].train()
end(*[o.model for o in models])
'''

KERAS = '''
os.environ['KERAS_BACKEND'] = 'torch'
import keras
class Lose(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None): at(epoch)
keras.utils.set_random_seed(0)
x = np.random.default_rng(0).normal(size=(96, 4)).astype('float32')
y = (x[:, 0] > x[:, 1]).astype('float32')[:, None]
models = []
for number in (1, 2):
    layers = [keras.layers.Dense(8, activation='relu'), keras.layers.Dropout(.3), keras.layers.Dense(1)]
    models.append(keras.Sequential([keras.Input((4,)), *layers]))
    models[-1].compile('adam', loss='mse', metrics=['mae'])
    h = models[-1].fit(x, y, validation_split=.25, epochs=cfg.epochs, batch_size=16, verbose=0, callbacks=[Lose()])
    print(h.history)
print('END', digest([w for m in models for w in m.get_weights()]), torch.rand(1).item(), len(done))
'''

LOOP = '''
from torch import nn
nets = []
for number in (1, 2):
    net = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(.2), nn.Linear(8, 1))
    opt, losses = torch.optim.AdamW(net.parameters(), 1e-2), []
    sched, x = torch.optim.lr_scheduler.OneCycleLR(opt, 1e-2, total_steps=cfg.epochs), torch.linspace(-1, 1, 64).view(16, 4)
    for epoch in lab.epochs(cfg.epochs, net, opt, sched, losses, data=(x,)):
        at(epoch)
        loss = net(x + torch.rand(16, 4)).pow(2).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
        losses.append(loss.item())
    nets.append(net)
    print(losses)
end(*nets)
'''

def session(code, out, fresh=False, **env):
    """One session of a lab: its last words, and the lines about what was kept; None where it was lost
    `fresh` begins with nothing imported, as a notebook does"""
    env = {'COURSE_LABS_KEEP': '1', 'COURSE_LABS_OUT': str(out), 'COURSE_LABS_OFFLINE': '1', **env}
    env = {**os.environ, 'COURSE_LABS_SIZE': 'tiny', 'OMP_NUM_THREADS': '1', **env}
    if fresh: res = subprocess.run([sys.executable, '-c', HEAD + code], capture_output=True, text=True, env=env)
    else: res = forked.python(HEAD + code, env)
    if 'LOST' in env:
        assert res.returncode == -signal.SIGKILL, res.stderr
        return None
    assert not res.returncode, res.stderr
    lines = res.stdout.splitlines()
    said = [o for o in lines if o.startswith('training ')]
    body = [o for o in lines if o.startswith(('[', '{', 'END'))]
    *_, weights, drawn, epochs = body[-1].split()
    return body[:-1] + [weights, drawn], int(epochs), said

CASES = {name: (code, '1 2', '2 1') for name, code in dict(fastai=FASTAI, trainer=TRAINER, keras=KERAS, loop=LOOP).items()}

@pytest.mark.parametrize('case', CASES)
def test_a_lost_session_goes_on(case, tmp_path):
    "Lost in both of its trainings, it ends as one that was never lost; the same once more trains nothing"
    code, *losses = CASES[case]
    whole, epochs, said = session(code, tmp_path/'off', COURSE_LABS_KEEP='0')
    assert not said and not (tmp_path/'off'/'resume').exists()
    for lost in losses: session(code, tmp_path/'on', LOST=lost)
    again, fewer, said = session(code, tmp_path/'on', fresh=True)
    assert again == whole and 0 < fewer < epochs and said
    last, none, said = session(code, tmp_path/'on')
    assert last == whole and none == 0 and all(o.endswith('had ended') for o in said)

@pytest.mark.parametrize('case', CASES)
def test_another_setting_begins_anew(case, tmp_path):
    code = CASES[case][0]
    session(code, tmp_path/'on')
    whole, epochs, _ = session(code, tmp_path/'off', COURSE_LABS_KEEP='0', EPOCHS='2')
    other, done, said = session(code, tmp_path/'on', EPOCHS='2')
    assert (other, done) == (whole, epochs)
    n = len(list((tmp_path/'on'/'resume').glob('training*_before')))
    assert n and len(said) == n and all('begins anew' in o and 'epochs was 3 and is 2' in o for o in said)

def test_nothing_is_kept_at_size_tiny_and_nothing_is_loaded(tmp_path):
    code = '''
print(lab.out.exists() and [o.name for o in lab.out.iterdir()])
print('END', sorted({'fastai', 'transformers', 'keras'} & set(sys.modules)), 0, 0)
'''
    (said, *_) , _, _ = session(code, tmp_path, fresh=True, COURSE_LABS_KEEP='')
    assert said == '[]'

def test_a_training_that_ends_with_an_error_gives_its_number_back(tmp_path):
    code = '''
from torch import nn
net = nn.Linear(1, 1)
from fastai.basics import *
from fastai.callback.progress import *  # gives a Learner its no_bar
class Fail(Callback):
    def after_batch(self): raise ValueError('no')
def learn(*cbs):
    ds = list(zip(torch.ones(8, 1), torch.ones(8, 1)))
    res = Learner(DataLoaders.from_dsets(ds, ds, bs=4, num_workers=0, device='cpu'), nn.Linear(1, 1), loss_func=MSELossFlat(), cbs=cbs)
    with res.no_bar(), res.no_logging(): res.fit(1)
    assert '_do_fit' not in vars(res) and not hasattr(res, 'resume')
try: learn(Fail())
except ValueError: pass
learn()
pid = os.fork()
if not pid:
    learn()  # a child
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
print('END', sorted(o.name for o in (lab.out/'resume').iterdir()), 0, 0)
'''
    body, *_ = session(code, tmp_path)
    assert body[-2] == "['training001']"

def test_a_training_that_a_notebook_keeps_itself_is_kept_once(tmp_path):
    code = '''
from torch import nn
from course_labs.training.checkpoints.resume import resuming
from fastai.basics import *
from fastai.callback.progress import *  # gives a Learner its no_bar
ds = list(zip(torch.ones(8, 1), torch.ones(8, 1)))
learn = Learner(DataLoaders.from_dsets(ds, ds, bs=4, num_workers=0, device='cpu'), nn.Linear(1, 1), loss_func=MSELossFlat())
with learn.no_bar(), learn.no_logging(), resuming(learn, lab.out/'resume'/'own'): learn.fit(1)
print('END', sorted(o.name for o in (lab.out/'resume').iterdir()), 0, 0)
'''
    body, *_ = session(code, tmp_path)
    assert body[-2] == "['own']"
