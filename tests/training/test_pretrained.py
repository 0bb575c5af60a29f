"The models that come with the course: whole, small, and loaded by name wherever a name of a model is taken"
import pytest, torch

from conftest import one_line
from course_labs.core.files import CourseError
from course_labs.core.paths import data_dir
from course_labs.training.pretrained.weights import MAKERS, SUMS, project_folder, project_models, read_sums
from course_labs.training.text_models import text_model
from course_labs.training.vision_models import image_learner, vision_model

WEIGHTS = data_dir()/'weights'
IMAGES = [k for k,v in MAKERS.items() if v == 'image']

def test_each_has_weights_a_card_and_a_sum_of_every_file_that_is_loaded():
    assert project_models() == MAKERS
    there = {p.relative_to(WEIGHTS).as_posix() for p in WEIGHTS.glob('*/*') if p.suffix != '.md'}
    assert there == set(read_sums(WEIGHTS))
    for name, kind in MAKERS.items():
        assert project_folder(f'project:{name}', kind) == WEIGHTS/name
        card = (WEIGHTS/name/'README.md').read_text(encoding='utf-8')
        assert 'license: apache-2.0' in card and f'course-labs pretrain {name}' in card and '## Figures' in card

def test_all_together_stay_under_six_megabytes():
    assert sum(p.stat().st_size for p in WEIGHTS.rglob('*')) < 6e6

@pytest.mark.parametrize('name', IMAGES)
@pytest.mark.parametrize('size', [64, (64, 96)])
def test_images(name, size):
    x = torch.rand(2, 3, *((size, size) if isinstance(size, int) else size))
    model, same, fresh = (vision_model(o, 3, img_size=size).eval() for o in (f'project:{name}', f'project:{name}', f'random:project:{name}'))
    assert (model.weights_from, fresh.weights_from) == ('folder', 'random')
    assert model(x).shape == fresh(x).shape == (2, 3)
    features = [o.forward_features(x) for o in (model, same, fresh)]
    assert torch.equal(*features[:2]) and not torch.allclose(features[0], features[2], atol=1e-2)

@pytest.mark.parametrize('name', IMAGES)
def test_a_learner_for_transfer_begins_frozen(name):
    from fastai.vision.all import CrossEntropyLossFlat, DataLoaders
    rows = list(zip(torch.rand(8, 3, 64, 64), torch.arange(8) % 2))
    dls = DataLoaders.from_dsets(rows, rows, bs=4, num_workers=0)
    dls.c = 2
    learn = image_learner(dls, f'project:{name}', img_size=64, loss_func=CrossEntropyLossFlat())
    assert learn.weights_from == 'folder' and learn.opt.frozen_idx == 1

def test_text():
    model, tok = text_model('project:deberta')
    batch = tok(['A man plays a guitar.'], ['Somebody makes music.'], return_tensors='pt')
    assert model(**batch).last_hidden_state.shape[:2] == batch['input_ids'].shape
    assert next(model.parameters()).dtype == torch.float32 and len(tok) == model.config.vocab_size

def test_a_name_of_the_other_kind_or_of_none_is_one_line():
    with pytest.raises(CourseError) as e: vision_model('project:deberta', 3)
    one_line(e, 'is a model for texts', 'project:convnext')
    with pytest.raises(CourseError) as e: text_model('project:vit')
    one_line(e, 'is a model for images', 'project:deberta')
    with pytest.raises(CourseError) as e: vision_model('project:resnet', 3)
    one_line(e, 'no model project:resnet', 'project:vit')

def test_the_sums_are_those_of_sha256sum():
    line = (WEIGHTS/SUMS).read_text().splitlines()[0]
    assert len(line.split('  ')[0]) == 64 and '/' in line.split('  ')[1]
