"A GPU that is full, played by a callback or a module: the training goes on in pieces and ends where it would have ended"
import pytest

torch = pytest.importorskip('torch')
import fastai.basics as fa
import fastai.callback.schedule  # noqa: F401
from fastai.callback.mixup import MixUp
from fastai.callback.progress import ProgressCallback
from fastai.callback.training import GradientAccumulation

from course_labs.core.files import CourseError
from course_labs.core.machine import seed_everything
from course_labs.training.checkpoints.resume import resumable
from course_labs.training.memory import within_memory

class Full(fa.Callback):
    "Raise at an event when the batch has more than `room` items; `times` limits how often"
    order = 1000
    def __init__(self, event, room, times=10**6, text=('CUDA out of memory.',)): self.room, self.times, self.text, self.raised = room, times, text, 0; setattr(self, event, self.check)
    def check(self):
        if self.raised >= self.times or len(self.learn.yb[0]) <= self.room: return
        self.raised += 1
        raise torch.cuda.OutOfMemoryError(*self.text)

def fit(full=None, cbs=(), opt_func=fa.Adam, resume=None):
    seed_everything(0)
    x = torch.randn(200, 4)
    ds = list(zip(x, (x[:, 0] > x[:, 1]).long()))
    dls = fa.DataLoaders(fa.DataLoader(ds[:150], bs=32, shuffle=True), fa.DataLoader(ds[150:], bs=50), device='cpu')
    learn = fa.Learner(dls, torch.nn.Sequential(torch.nn.Linear(4, 16), torch.nn.ReLU(), torch.nn.Linear(16, 2)), loss_func=fa.CrossEntropyLossFlat(), metrics=fa.accuracy, opt_func=opt_func, cbs=cbs)
    learn.remove_cbs(ProgressCallback)
    if full: within_memory(learn).add_cb(full)
    if resume: resumable(learn, resume)
    with learn.no_logging(): learn.fit_one_cycle(3, 1e-2)
    return learn

def close(a, b):
    for x,y in zip(a.model.parameters(), b.model.parameters()): torch.testing.assert_close(x, y, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(torch.tensor([list(o) for o in a.recorder.values]), torch.tensor([list(o) for o in b.recorder.values]), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(torch.stack(list(a.recorder.losses)), torch.stack(list(b.recorder.losses)), rtol=1e-4, atol=1e-5)
    assert list(a.recorder.lrs) == list(b.recorder.lrs) and a.train_iter == b.train_iter

@pytest.mark.parametrize('event', ['before_batch', 'after_pred', 'after_loss', 'before_backward', 'after_backward'])
@pytest.mark.parametrize('room', [16, 5])
def test_same_result_in_pieces(event, room, capsys):
    close(fit(), fit(Full(event, room)))
    said = [o for o in capsys.readouterr().out.splitlines() if 'does not fit' in o]
    assert len([o for o in said if o.startswith('training')]) == 1 and len(said) <= 2, said

@pytest.mark.parametrize('kwargs', [dict(cbs=[GradientAccumulation(64)]), dict(opt_func=fa.SGD)], ids=['accumulation', 'sgd'])
def test_with_accumulation_and_other_optimisers(kwargs): close(fit(**kwargs), fit(Full('after_backward', 8), **kwargs))

def test_once_and_without_a_text():
    "It happens once, in the middle of an accumulated step, and the exception has no text"
    class Late(Full):
        def check(self):
            if self.learn.train_iter == 3: super().check()
    for full in (Full('after_backward', 0, times=1, text=()), Late('after_backward', 20)):
        close(fit(cbs=[GradientAccumulation(64)]), fit(full, cbs=[GradientAccumulation(64)]))
        assert full.raised == 1

def test_goes_with_mixup_and_checkpoints(tmp_path):
    learn = fit(Full('after_pred', 8), cbs=[MixUp(.4)], resume=tmp_path)
    assert all(p.isfinite().all() for p in learn.model.parameters()) and len(learn.recorder.losses) == 15
    close(fit(), fit(Full('after_pred', 8), resume=tmp_path/'b'))

def test_nothing_fits():
    with pytest.raises(CourseError, match='out of memory with a single item of a batch of 32: choose a smaller model'): fit(Full('after_pred', 0))

def test_other_errors_pass():
    class Broken(fa.Callback):
        def after_pred(self): raise ValueError('something else')
    with pytest.raises(ValueError, match='something else'): fit(Full('after_pred', 8), cbs=[Broken()])

class Crowded(torch.nn.Module):
    "A classifier that raises, in its backward pass, for more than `room` items"
    def __init__(self, room=10**6):
        super().__init__()
        self.net, self.room = torch.nn.Sequential(torch.nn.Linear(4, 16), torch.nn.ReLU(), torch.nn.Linear(16, 2)), room
    def forward(self, x, labels):
        class Full(torch.autograd.Function):
            @staticmethod
            def forward(ctx, o): return o.clone()
            @staticmethod
            def backward(ctx, g):
                if len(g) > self.room: raise torch.cuda.OutOfMemoryError('CUDA out of memory.')
                return g
        logits = self.net[2](Full.apply(self.net[1](self.net[0](x))))  # the last layer has its gradient when it happens
        return dict(loss=torch.nn.functional.cross_entropy(logits, labels), logits=logits)

def train(tmp_path, room=None, resume=None, hidden=(), **kwargs):
    from transformers import Trainer, TrainingArguments
    seed_everything(0)
    x = torch.randn(150, 4)
    rows = [dict(x=a, labels=-100 if i in hidden else int(a[0] > a[1])) for i,a in enumerate(x)]
    args = TrainingArguments(str(tmp_path), num_train_epochs=3, per_device_train_batch_size=32, learning_rate=1e-2, report_to='none', save_strategy='no', logging_strategy='epoch', disable_tqdm=True, use_cpu=True, **kwargs)
    trainer = Trainer(Crowded(room or 10**6), args, train_dataset=rows)
    if room is not None: within_memory(trainer)
    if resume: resumable(trainer, resume)
    trainer.train()
    return trainer

def agree(a, b):
    for x,y in zip(a.model.parameters(), b.model.parameters()): torch.testing.assert_close(x, y, rtol=1e-4, atol=1e-5)
    for x,y in zip(a.state.log_history[:-1], b.state.log_history[:-1]): assert x['loss'] == pytest.approx(y['loss'], rel=1e-3) and x['learning_rate'] == y['learning_rate']

@pytest.mark.parametrize('kwargs', [{}, dict(gradient_accumulation_steps=2), dict(hidden=range(0, 150, 3))], ids=['plain', 'accumulation', 'unlabelled'])
def test_trainer_in_pieces(kwargs, tmp_path, capsys):
    whole = train(tmp_path, **kwargs)
    capsys.readouterr()
    agree(whole, train(tmp_path, 10, **kwargs))
    said = [o for o in capsys.readouterr().out.splitlines() if 'does not fit' in o]
    assert said == ['training: a batch of 32 does not fit into the memory; it goes through in 4 pieces of 8, and their gradients are accumulated']

def test_trainer_with_checkpoints_and_without_room(tmp_path):
    agree(train(tmp_path/'a'), train(tmp_path/'b', 10, resume=tmp_path/'c'))
    with pytest.raises(CourseError, match='out of memory with a single item of a batch of 32: choose a smaller model'): train(tmp_path/'d', .5)

def test_what_cannot_be_cut():
    with pytest.raises(CourseError, match='takes a fastai Learner or a transformers Trainer, not a Linear'): within_memory(torch.nn.Linear(1, 1))
