"Every lab at size full fits a T4 and the minutes that the site promises, and what is counted is what is trained"
from functools import lru_cache

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoModelForMaskedLM

from course_labs.arms import budget, week04, week05
from course_labs.core.settings import Config
from course_labs.syllabus import week, weeks
from course_labs.training import transfer, vision_models
from course_labs.training.budget import DISK, RAM, T4, _conv_backward, promise, table
from course_labs.training.text_pairs import pair_trainer
from course_labs.weeks import nli

MOST_MINUTES = 60
RECOMPUTED = 0.05 # Fused attention computes its scores once more on the way back; on the device meta it is not fused
LIBRARIES = 3e9 # Bytes of memory that Python takes with torch and fastai before it does anything

works_of = lru_cache(budget.works_of)
tiny = {n: Config({k: s.tiny for k, s in week(n).settings.items()}) for n in (4, 5)}

# Promises

@pytest.mark.parametrize('n', weeks())
def test_the_site_promises_what_the_settings_take(n):
    assert week(n).minutes_t4 == promise(works_of(n)), f'data/course/week{n:02d}.toml, minutes, t4; ' + table(works_of(n))

@pytest.mark.parametrize('n', weeks())
def test_no_lab_takes_longer_than_an_hour(n):
    assert sum(o.seconds for o in works_of(n)) <= 60*MOST_MINUTES, table(works_of(n))

@pytest.mark.parametrize('n', weeks())
def test_nothing_is_larger_than_the_card(n):
    # half of it, since allocators leave gaps and cuDNN wants room of its own
    assert max((o.card for o in works_of(n)), default=0) <= T4.memory/2, table(works_of(n))

@pytest.mark.parametrize('n', weeks())
def test_memory_of_the_machine_suffices(n):
    assert LIBRARIES + sum(o.ram for o in works_of(n)) <= RAM

@pytest.mark.parametrize('n', weeks())
def test_disk_suffices(n):
    # a training that goes on keeps its optimiser, twice the weights, until it has ended
    going_on = 2*max((o.card for o in works_of(n)), default=0)
    assert sum(o.disk for o in works_of(n)) + going_on <= DISK

@pytest.mark.parametrize('n', weeks())
def test_preflight_asks_for_what_is_counted(n):
    "Gigabytes; with less a lab would end on its way, and with more a machine on which it runs would be refused"
    works, asks = works_of(n), week(n).preflight
    disk, card = sum(o.disk for o in works)/2**30, max((o.card for o in works), default=0)/2**30
    memory = (LIBRARIES + sum(o.ram for o in works))/2**30
    assert disk <= asks.disk_gb <= disk + 2*card + 1, f'data/course/week{n:02d}.toml, disk_gb'
    assert memory <= asks.memory_gb <= memory + 2, f'data/course/week{n:02d}.toml, memory_gb'

# A changed setting changes the budget

@pytest.mark.parametrize('n, key, value', [
    (2, 'epochs', 40), (3, 'archs_epochs', 50), (6, 'epochs', 50), (7, 'fashion_epochs', 100), (5, 'steps_masked', 60_000),
    (4, 'epochs', 50), (4, 'arch', 'convnext_small.fb_in22k')])
def test_a_longer_training_is_a_longer_lab(n, key, value):
    cfg = budget.full_settings(n)
    cfg[key] = value
    assert sum(o.seconds for o in budget.works_of(n, cfg)) > 1.3*sum(o.seconds for o in works_of(n))

def test_more_images_at_once_need_more_of_the_card():
    cfg = budget.full_settings(4)
    assert week04.net_step(cfg, cfg.arch, 64).kept > 1.9*week04.net_step(cfg, cfg.arch, 32).kept

# What is counted is what is trained

def flop_of(f):
    "What torch counts while the lab's own code trains, with the right formula for grouped convolutions"
    with FlopCounterMode(display=False, custom_mapping={torch.ops.aten.convolution_backward: _conv_backward}) as flops: f()
    return flops.get_total_flops()

@pytest.mark.parametrize('arch', ['project:convnext', 'project:vit', 'tf_efficientnet_lite0'])
def test_images_count_as_the_lab_trains_them(arch, monkeypatch):
    from course_labs.data_sets.image_cache import cached_dls
    # on a CPU small depthwise convolutions are computed in another way
    monkeypatch.setattr(vision_models, 'quick_depthwise', lambda net: net)
    cfg = Config(tiny[4] | dict(bs=4))
    images = np.random.default_rng(0).integers(0, 256, (12, cfg.image_size, cfg.image_size, 3), dtype=np.uint8)
    dls = cached_dls(images, list('ab'*6), np.arange(8, 12), bs=cfg.bs)
    learn = transfer.paddy_learner(dls, arch, pretrained=False, img_size=cfg.image_size)
    step = week04.net_step(cfg, arch, cfg.bs, n_out=2)
    monkeypatch.setattr(transfer, 'renew_norms', lambda learn: learn) # it looks at the images once more
    assert flop_of(lambda: transfer.fit(learn, 'fit_one_cycle', 1, 1e-3, freeze_epochs=0)) == pytest.approx(2*step.flop, rel=RECOMPUTED if 'vit' in arch else 1e-3)

def test_a_frozen_body_goes_forward_only():
    from course_labs.data_sets.image_cache import cached_dls
    cfg = Config(tiny[4] | dict(bs=4))
    images = np.zeros((8, cfg.image_size, cfg.image_size, 3), np.uint8)
    learn = transfer.paddy_learner(cached_dls(images, list('ab'*4), np.arange(4, 8), bs=cfg.bs), 'project:vit', img_size=cfg.image_size)
    x, y = learn.dls.train.one_batch()
    learn.create_opt()
    third = week04.net_step(cfg, 'project:vit', cfg.bs, n_out=2).flop/3
    assert flop_of(lambda: learn.loss_func(learn.model.train()(x), y).backward()) == pytest.approx(third, rel=RECOMPUTED)

def masked_model(cfg, n_vocab): return AutoModelForMaskedLM.from_config(week05.config_of(cfg.model))

def lm_batches(cfg):
    sentences, own = torch.randint(5, cfg.vocab, (cfg.mlm_bs, 28)), torch.ones(cfg.mlm_bs, 28, dtype=torch.long)
    blocks = torch.randint(5, cfg.vocab, (cfg.lm_bs, cfg.lm_block))
    rows = torch.randint(5, cfg.vocab, (50, cfg.nsp_len))
    return dict(autoregressive=(nli.small_gpt, lambda: nli.causal_batch(blocks)),
                masked=(masked_model, lambda: nli.masked_batch(sentences, 4, cfg.vocab) | dict(attention_mask=own)),
                permuted=(nli.small_xlnet, lambda: nli.permuted_batch(blocks)),
                nsp=(nli.sentence_bert, lambda: nli.next_sentence_batch(rows, cfg.lm_bs)))

@pytest.mark.parametrize('name', ['autoregressive', 'masked', 'permuted', 'nsp'])
def test_language_models_count_as_the_lab_trains_them(name):
    cfg = tiny[5]
    make, batch = lm_batches(cfg)[name]
    model = make(cfg, cfg.vocab)
    found = flop_of(lambda: nli.train_steps(model, batch, 2, 1e-3))
    assert found == pytest.approx(2*week05.lm_steps(cfg)[name].flop, rel=RECOMPUTED)

def test_pairs_count_as_the_lab_trains_them(tmp_path):
    cfg = tiny[5]
    make, tok = nli.pair_model('random:' + cfg.model)
    rows = [dict(input_ids=[5]*28, attention_mask=[1]*28, token_type_ids=[0]*28, labels=i % 3) for i in range(2*cfg.bs)]
    trainer = pair_trainer(make(), tok, rows, tmp_path, bs=cfg.bs)
    assert flop_of(trainer.train) == pytest.approx(2*week05.pairs_step(cfg, cfg.bs).flop, rel=RECOMPUTED)
