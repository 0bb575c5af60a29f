#!/usr/bin/env python3
"""What pretraining on drawn pictures is worth: errors of the course's two image models on `paddy`, against random weights.

    python benchmarks/pretrained.py [--seeds N] [--tries N] [--json]

Week 4's learner and week 4's images (`paddy` at size tiny, half of each class held out, 64 pixels). Three arms a model: its
pretrained weights; random weights as timm draws them; random weights as the pretraining begins with them, which shows what of
the gain is the beginning alone. Each arm gets its recipe from the same grid of rates and epochs with the same number of
tries, on another set of drawn leaves that takes no part in the report. A seed draws the split, the weights and the batches.
"""
import tempfile
from pathlib import Path

from course_labs.publishing.bench_report import compared, script

RATES, EPOCHS, NAMES = (5e-4, 1e-3, 2e-3, 4e-3, 8e-3), (6, 12, 20), ('convnext', 'vit')
PEERS = dict(random='random weights', begun='random weights as the pretraining begins')

def measure(seeds, tries, rates=len(RATES), lengths=len(EPOCHS)):
    "Errors of each arm at its searched recipe"
    import torch
    from course_labs.core.machine import seed_everything
    from course_labs.core.paths import data_dir
    from course_labs.data_sets.image_cache import cache_images, cached_dls
    from course_labs.data_sets.paddy import read_paddy
    from course_labs.data_sets.registry import get
    from course_labs.data_sets.synthetic_leaves import draw_paddy
    from course_labs.training.loaders import quiet
    from course_labs.training.pretrained.images import begin
    from course_labs.weeks.paddy import error_of, fit, paddy_learner, split_by_class
    from fastai.vision.all import aug_transforms
    torch.set_num_threads(1)
    augment = aug_transforms(flip_vert=True, max_rotate=15, max_zoom=1.1, max_warp=0, max_lighting=0.1)
    def images(folder, out):
        table = read_paddy(folder).train
        return cache_images(table.path, 64, out), table.label
    def error(data, name, arm, seed, lr, epochs):
        seed_everything(seed)
        cache, labels = data
        dls = cached_dls(cache, labels, split_by_class(labels, 0.5, seed), bs=16, batch_tfms=augment)
        learn = paddy_learner(dls, data_dir()/'weights'/name, arm == 'pretrained', img_size=64)
        if arm == 'begun': begin(learn.model[0])
        fit(learn, 'fit_one_cycle', epochs, lr, freeze_epochs=0)
        with quiet(learn): return error_of(*learn.get_preds(ds_idx=1))
    grid = [(lr, n) for n in EPOCHS[-lengths:] for lr in RATES[:rates]]
    rows, found = [], []
    with tempfile.TemporaryDirectory() as d:
        draw_paddy(Path(d)/'other', n_train=32, n_test=1, seed=1)
        other, paddy = images(Path(d)/'other', Path(d)/'a'), images(get('paddy', 'tiny'), Path(d)/'b')
        for name in (o for o in NAMES if (data_dir()/'weights'/o).is_dir()):
            errors = {}
            for arm in ('pretrained', *PEERS):
                searched = {g: sum(error(other, name, arm, 100 + s, *g) for s in range(tries))/tries for g in grid}
                lr, epochs = min(searched, key=searched.get)
                errors[arm] = [error(paddy, name, arm, s, lr, epochs) for s in range(seeds)]
                each = ', '.join(f'{o:.3f}' for o in errors[arm])
                found.append(f'{name} {arm}: {epochs} epochs at {lr:g}, {searched[lr, epochs]:.3f} when searched; errors {each}')
            for arm, peer in PEERS.items():
                pairs = list(zip(errors['pretrained'], errors[arm]))
                rows.append(compared(f'project:{name}: error on paddy', peer, pairs, '', '<= 0.67' if arm == 'random' else '', gain=False))
    how = f'{len(grid)} recipes an arm, {tries} seeds each, searched on another drawn set; {seeds} seeds for the report'
    return dict(about='; '.join(['paddy at size tiny, 160 images to train on and 160 held out', how, *found]), rows=rows)

if __name__ == '__main__': script(measure, 'pretrained', __doc__, dict(seeds=1, tries=1, rates=1, lengths=1), seeds=5, tries=2, rates=len(RATES), lengths=len(EPOCHS))
