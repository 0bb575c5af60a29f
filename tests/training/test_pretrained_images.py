"The image models that come with the course: whole, small, loadable, and described by their cards"
import json

import pytest

from course_labs.core.paths import data_dir

NAMES = [o for o in ('convnext', 'vit') if (data_dir()/'weights'/o).is_dir()]

def folder(name): return data_dir()/'weights'/name

@pytest.mark.parametrize('name', NAMES)
def test_weights_are_small_halves_and_finite(name):
    from safetensors import safe_open
    import torch
    path = folder(name)/'model.safetensors'
    assert path.stat().st_size < 1.75*2**20
    with safe_open(path, 'pt') as f:
        for k in f.keys():
            assert f.get_tensor(k).dtype == torch.float16, k
            assert f.get_tensor(k).isfinite().all(), k

@pytest.mark.parametrize('name', NAMES)
def test_the_folder_is_what_the_recipe_makes(name):
    from course_labs.training.pretrained.images import RECIPES
    config, recipe = json.loads((folder(name)/'config.json').read_text()), RECIPES[name]
    assert config['architecture'] == recipe.arch
    assert {k: config.get('model_args', {}).get(k) for k in recipe.args} == recipe.args
    assert config['pretrained_cfg']['input_size'] == [3, recipe.side, recipe.side]
    card = (folder(name)/'README.md').read_text()
    assert f'{recipe.epochs} epochs' in card and f'{recipe.pictures:,} pictures' in card
    assert f'up to {recipe.lr:g}' in card and f'batches of {recipe.bs}' in card

@pytest.mark.parametrize('name', NAMES)
def test_timm_and_the_course_load_the_same_model(name):
    import timm, torch
    from course_labs.training.vision_models import vision_model
    theirs = timm.create_model(f'local-dir:{folder(name)}', pretrained=True, num_classes=0).eval()
    ours = vision_model(folder(name), 0, img_size=64).eval()
    x = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad(): assert torch.equal(theirs(x), ours(x))
    assert ours.weights_from == 'folder'

@pytest.mark.parametrize('name', NAMES)
def test_the_card_says_what_the_model_is(name):
    card = (folder(name)/'README.md').read_text()
    for part in ('license: apache-2.0', '- Trained on:', '- Time:', '- Loss:', 'Made by', 'Limits:',
                 '## Figures', 'benchmarks/pretrained.py', 'seed'):
        assert part in card, part

@pytest.mark.parametrize('name', NAMES)
def test_the_shipped_model_sees_drawn_pictures(name):
    "Features of unseen pictures tell bodies apart, by a linear probe, far better than chance"
    import torch
    from sklearn.linear_model import LogisticRegression
    from course_labs.training.pretrained.drawings import HEADS, draw_pictures
    from course_labs.training.pretrained.images import as_input
    from course_labs.training.vision_models import vision_model
    pics = draw_pictures(600, seed=2026)
    net = vision_model(folder(name), 0, img_size=64).eval()
    with torch.no_grad(): f = net(as_input(torch.from_numpy(pics.images))).numpy()
    y = pics.labels['body']
    score = LogisticRegression(max_iter=500).fit(f[:400], y[:400]).score(f[400:], y[400:])
    assert score > 2/len(HEADS['body'])

def test_a_model_is_there(): assert 'convnext' in NAMES

def test_no_class_of_a_lab_is_drawn():
    from course_labs.data_sets.synthetic_leaves import DISEASES
    from course_labs.training.pretrained.drawings import HEADS
    drawn = {str(o) for answers in HEADS.values() for o in answers}
    assert not drawn & {*DISEASES, 'cat', 'dog', 'leaf', *map(str, range(10))} - {str(o) for o in HEADS['count']}
