"Two CPU processes that train as one: the same losses and metrics, files written once, and nothing left over when something fails"
import os, signal, subprocess, sys, time
from pathlib import Path

import pytest

torch = pytest.importorskip('torch')
pytest.importorskip('accelerate')

from course_labs.training.multi_gpu import LaunchError, launch, n_processes, rank
from course_labs.training.checkpoints.store import same
from course_labs.core.files import CourseError

def make_learner(kind='items', n=150, cbs=(), dropout=0., **kwargs):
    import fastai.basics as fa
    import fastai.callback.schedule  # noqa: F401
    from fastai.callback.progress import ProgressCallback
    from fastai.metrics import F1Score
    from course_labs.core.machine import seed_everything
    seed_everything(0)
    x = torch.randn(n + 55, 4)
    ds = list(zip(x, (x[:, 0] > x[:, 1]).long()))
    if kind == 'batches':  # as in week 5: torch's loader with batches of its own making
        class Sampler:
            def __init__(self, n, bs): self.n, self.bs = n, bs
            def __len__(self): return -(-self.n//self.bs)
            def __iter__(self): yield from (o.tolist() for o in torch.randperm(self.n).split(self.bs))
        loaders = [torch.utils.data.DataLoader(d, batch_sampler=Sampler(len(d), 33)) for d in (ds[:n], ds[n:])]
    else: loaders = [fa.DataLoader(ds[:n], bs=33, shuffle=True, drop_last=kind == 'drop_last'), fa.DataLoader(ds[n:], bs=17)]
    net = torch.nn.Sequential(torch.nn.Linear(4, 16), torch.nn.ReLU(), torch.nn.Dropout(dropout), torch.nn.Linear(16, 2))
    if kind == 'unused': net[0].of_another_head = torch.nn.Parameter(torch.ones(3))  # as in the body of a pretrained ConvNeXt
    learn = fa.Learner(fa.DataLoaders(*loaders, device='cpu'), net, loss_func=fa.CrossEntropyLossFlat(), metrics=[fa.accuracy, F1Score()], splitter=lambda m: fa.L(m[:2], m[2:]).map(fa.params), cbs=cbs, **kwargs)
    learn.remove_cbs(ProgressCallback)
    return learn

def plain_result(learn, preds=None):
    return dict(values=torch.tensor([list(o) for o in learn.recorder.values]), losses=torch.stack(list(learn.recorder.losses)), weights=torch.cat([p.detach().flatten() for p in learn.model.parameters()]), preds=preds)

def train_all(folder):
    "Several kinds of loaders, both recipes, predictions and files"
    from fastai.callback.core import Callback
    from fastai.callback.progress import CSVLogger
    from fastai.callback.training import GradientAccumulation
    from course_labs.training.multi_gpu import distributed
    class Body(Callback):
        "Looks into the model, as callbacks do"
        def before_train(self): assert len(list(self.model[0].parameters())) == 2 and len(self.model) == 4
    res = {}
    folder.mkdir(exist_ok=True)
    for kind in ('items', 'drop_last', 'batches', 'accumulate', 'unused'):
        learn = make_learner(kind, cbs=[Body()]*(kind != 'unused') + [GradientAccumulation(66)]*(kind == 'accumulate'), path=folder)
        cbs = [CSVLogger(f'{kind}.csv')]
        with distributed(learn), learn.no_logging():
            if kind == 'items': learn.fine_tune(2, 5e-2, cbs=cbs)
            else: learn.fit_one_cycle(2, 5e-2, cbs=cbs)
            res[kind] = plain_result(learn)
            if kind != 'batches': res[kind]['preds'] = learn.get_preds()
        learn.save(kind)
    return res

def test_same_curve_as_one_process(tmp_path):
    one, two = train_all(tmp_path/'one'), launch(train_all, 2, [tmp_path/'two'])
    for kind, a in one.items():
        b = two[kind]
        assert len(a['losses']) == len(b['losses']) >= 8
        for k in ('values', 'losses', 'weights'): torch.testing.assert_close(a[k], b[k], rtol=1e-4, atol=1e-5, msg=lambda m: f'{kind} {k}: {m}')
        if a['preds']:
            for p,q in zip(a['preds'], b['preds']): torch.testing.assert_close(p, q, rtol=1e-4, atol=1e-5)
        assert (a['losses'][0] - a['losses'][-1]).abs() > .01  # it learns, so that the curve says something
        for o in ('one', 'two'):
            rows = (tmp_path/o/f'{kind}.csv').read_text().splitlines()
            assert len(rows) == 3 and rows[0].startswith('epoch')
            assert (tmp_path/o/'models'/f'{kind}.pth').exists()

def resume_all(folder):
    "Stopped in the second phase and run again, with dropout: each process has random numbers of its own"
    from fastai.callback.core import Callback
    from course_labs.training.multi_gpu import distributed
    from course_labs.training.checkpoints.resume import resumable
    class Stop(Callback):
        __about__ = None  # it only watches
        order = 2000
        def after_batch(self):
            if self.training and (self.n_epoch, self.epoch, self.iter) == (3, 1, 3): raise KeyboardInterrupt('now')
    def run(folder=None, cbs=()):
        learn = make_learner(dropout=.3)
        if folder: resumable(learn, folder)
        with distributed(learn), learn.no_logging(), learn.added_cbs(cbs):
            try: learn.fine_tune(3, 1e-2)
            except KeyboardInterrupt: return None
        return plain_result(learn)
    whole = run()
    assert run(folder, [Stop()]) is None
    return whole, run(folder), torch.rand(1).item()

def test_resume_on_several_processes(tmp_path):
    whole, again, _ = launch(resume_all, 2, [tmp_path])
    assert same(whole, again)
    assert sorted(p.name for p in tmp_path.iterdir()) == ['fit000_weights.pt', 'fit001_end.pt', 'fit001_epoch0002_batch000000.pt']
    with pytest.raises(CourseError, match='processes was 2 and is 1'): resume_all(tmp_path)

def train_trainer(folder):
    from transformers import BertConfig, BertForSequenceClassification, PrinterCallback, Trainer, TrainingArguments
    from course_labs.training.multi_gpu import n_processes
    from course_labs.core.machine import seed_everything
    seed_everything(0)
    cfg = BertConfig(vocab_size=30, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8, max_position_embeddings=16, hidden_dropout_prob=0., attention_probs_dropout_prob=0.)
    ds = [dict(input_ids=o, labels=int(7 in o)) for o in torch.randint(7, 15, (64, 6))]
    args = TrainingArguments(str(folder), per_device_train_batch_size=16//n_processes(), num_train_epochs=2, logging_steps=1, learning_rate=1e-3, report_to='none', save_strategy='no', use_cpu=True, disable_tqdm=True, average_tokens_across_devices=False)
    trainer = Trainer(BertForSequenceClassification(cfg), args, train_dataset=ds)
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    return torch.tensor([o['loss'] for o in trainer.state.log_history if 'loss' in o])

def test_trainer_on_several_processes(tmp_path):
    pytest.importorskip('transformers')
    one, two = train_trainer(tmp_path), launch(train_trainer, 2, [tmp_path])
    assert len(one) == len(two) == 8
    torch.testing.assert_close(one, two, rtol=1e-3, atol=1e-4)

def wait_then(what):
    "The second process fails while the first waits for it"
    import torch.distributed as dist
    from course_labs.core.files import CourseError
    if rank() == 1:
        if what == 'error': [].pop()
        if what == 'course': raise CourseError('choose another batch size')
        if what == 'killed': os.kill(os.getpid(), signal.SIGKILL)
    print('waiting', flush=True)
    dist.barrier()

def children():
    "Processes of ours that have been launched"
    found = []
    for p in Path('/proc').glob('[0-9]*'):
        try: line = (p/'cmdline').read_bytes()
        except OSError: continue
        if b'course_labs.training.multi_gpu import _worker' in line: found.append(int(p.name))
    return found

@pytest.mark.parametrize('what, error, words', [('error', LaunchError, 'process 2 of 2 failed.*IndexError: pop from empty list'), ('course', CourseError, '^choose another batch size$'),
                                                ('killed', LaunchError, 'process 2 of 2 was killed by signal 9')])
def test_a_failure_ends_all(what, error, words):
    import re
    before, start = set(children()), time.time()
    with pytest.raises(error) as e: launch(wait_then, 2, [what])
    assert re.search(words, str(e.value), re.DOTALL)
    assert not set(children()) - before
    assert time.time() - start < 60

def sleep(file):
    Path(file + str(rank())).write_text(str(os.getpid()))
    time.sleep(600)

@pytest.mark.skipif(not Path('/proc').exists(), reason='looks at /proc')
@pytest.mark.parametrize('sig', [signal.SIGKILL, signal.SIGINT])
def test_no_orphans(sig, tmp_path):
    "The parent is killed, or interrupted"
    code = f'import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import test_multi_gpu as t; t.launch(t.sleep, 2, [{str(tmp_path/"pid")!r}])'
    p = subprocess.Popen([sys.executable, '-c', code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    files = [tmp_path/'pid0', tmp_path/'pid1']
    def until(f, seconds=60):
        end = time.time() + seconds
        while not f() and time.time() < end: time.sleep(.1)
        return f()
    try:
        assert until(lambda: all(f.exists() and f.read_text() for f in files))
        pids = [int(f.read_text()) for f in files]
        p.send_signal(sig)
        p.wait(30)
        alive = lambda: [i for i in pids if Path(f'/proc/{i}').exists() and 'Z' not in Path(f'/proc/{i}/stat').read_text().rsplit(')', 1)[1][:3]]
        assert until(lambda: not alive(), 20), alive()
    finally:
        if p.poll() is None: p.kill()

def test_settings():
    with pytest.raises(CourseError, match='at least 1'): launch(rank, 0)
    with pytest.raises(CourseError, match='cannot be sent'): launch(lambda: lock, 2) if (lock := __import__('threading').Lock()) else None
    assert launch(lambda a: a, 1, ['here']) == 'here'

def test_inside_torchrun_the_function_is_called_here(monkeypatch):
    monkeypatch.setenv('WORLD_SIZE', '2')
    monkeypatch.setenv('RANK', '1')
    assert launch(lambda: (rank(), n_processes(), os.getpid()), 2) == (1, 2, os.getpid())

def test_more_processes_than_gpus(monkeypatch):
    monkeypatch.setattr('course_labs.training.multi_gpu.n_gpus', lambda: 1)
    with pytest.raises(CourseError, match='num_processes=2, but this machine has 1 GPU:'): launch(rank, 2)
