"Bad input of week 4: the competition's folder, the submission, and Kaggle's answers"
import json, os
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from course_labs.data_sets import kaggle as kaggle_client
from course_labs.weeks import paddy as lab
from course_labs.weeks.paddy import broken_image, check_submission, push, read_paddy, second_target, split_by_class, submit, write_submission
from course_labs.core.files import CourseError

@pytest.fixture
def folder(tmp_path):
    rng, rows = np.random.default_rng(0), []
    for l in ('blast', 'hispa', 'normal'):
        (tmp_path/'train_images'/l).mkdir(parents=True)
        for i in range(3):
            rows.append((f'{l}{i}.jpg', l, 'ADT45', 50+i))
            Image.fromarray(rng.integers(0, 255, (24, 16, 3), dtype=np.uint8)).save(tmp_path/'train_images'/l/f'{l}{i}.jpg')
    (tmp_path/'test_images').mkdir()
    for i in range(4): Image.fromarray(rng.integers(0, 255, (24, 16, 3), dtype=np.uint8)).save(tmp_path/'test_images'/f'{i}.jpg')
    pd.DataFrame(rows, columns=['image_id', 'label', 'variety', 'age']).to_csv(tmp_path/'train.csv', index=False)
    pd.DataFrame(dict(image_id=[f'{i}.jpg' for i in range(4)], label='')).to_csv(tmp_path/'sample_submission.csv', index=False)
    return tmp_path

def rewrite(csv, f): f(pd.read_csv(csv, dtype=str)).to_csv(csv, index=False)

def add(t, **row): return pd.concat([t, t.iloc[:1].assign(**row)])

def spoil(folder, how):
    "Break one thing"
    csv, sample, images = folder/'train.csv', folder/'sample_submission.csv', folder/'train_images'
    jpg = images/'blast'/'blast1.jpg'
    {'no csv': csv.unlink, 'empty csv': lambda: csv.write_text(''), 'binary csv': lambda: csv.write_bytes(bytes(range(256))), 'header only': lambda: rewrite(csv, lambda t: t[:0]),
     'no label column': lambda: rewrite(csv, lambda t: t.drop(columns='label')), 'no id column': lambda: rewrite(csv, lambda t: t.rename(columns=dict(image_id='id'))),
     'blank label': lambda: rewrite(csv, lambda t: t.assign(label=[None, *t.label[1:]])), 'blank id': lambda: rewrite(csv, lambda t: t.assign(image_id=[None, *t.image_id[1:]])),
     'label without folder': lambda: rewrite(csv, lambda t: add(t, image_id='x.jpg', label='rust')), 'no train_images': lambda: images.rename(folder/'other'),
     'not on disk': jpg.unlink, 'not in csv': lambda: rewrite(csv, lambda t: t[t.image_id != 'blast1.jpg']),
     'truncated': lambda: jpg.write_bytes(jpg.read_bytes()[:-200]), 'zero bytes': lambda: jpg.write_bytes(b''), 'no image': lambda: jpg.write_text('hello'),
     'one image': lambda: (rewrite(csv, lambda t: t[~t.image_id.isin(['blast0.jpg', 'blast1.jpg'])]), (images/'blast'/'blast0.jpg').unlink(), jpg.unlink()),
     'duplicate': lambda: rewrite(csv, lambda t: add(t)), 'age': lambda: rewrite(csv, lambda t: t.assign(age=['old', *t.age[1:]])),
     'no sample': sample.unlink, 'empty sample': lambda: sample.write_text(''), 'sample without ids': lambda: sample.write_text('label\na\n'), 'no test_images': lambda: (folder/'test_images').rename(folder/'other'),
     'test image missing': (folder/'test_images'/'2.jpg').unlink, 'test image extra': lambda: Image.new('RGB', (9, 9)).save(folder/'test_images'/'9.jpg'),
     'duplicate sample': lambda: rewrite(sample, lambda t: add(t)), 'broken test image': lambda: (folder/'test_images'/'2.jpg').write_bytes(b''),
    }[how]()

CASES = {'no csv': r'train\.csv is missing', 'empty csv': r'train\.csv is empty', 'binary csv': r'train\.csv (cannot be read|has no column)', 'header only': r'train\.csv has a header and no rows',
         'no label column': r"train\.csv has no column 'label'; it has: image_id", 'no id column': "no column 'image_id'", 'blank label': 'blast0.jpg has no label', 'blank id': 'row 2 has no image_id',
         'label without folder': 'label rust has no folder', 'no train_images': 'train_images is missing', 'not on disk': r'train\.csv lists .*blast1\.jpg, not on disk', 'not in csv': r'blast1\.jpg: on disk and not in',
         'truncated': r'blast1\.jpg: the file is cut short.*skip_broken', 'zero bytes': r'blast1\.jpg: the file is empty.*skip_broken', 'no image': r'blast1\.jpg: not an image', 'one image': 'class blast has one image',
         'duplicate': r'image_id blast0\.jpg stands twice', 'age': "age 'old' of blast0.jpg is no number", 'no sample': r'sample_submission\.csv is missing', 'empty sample': r'sample_submission\.csv is empty',
         'sample without ids': r"sample_submission\.csv has no column 'image_id'", 'no test_images': 'test_images is missing', 'test image missing': r'asks for 2\.jpg, not in', 'test image extra': r'holds 9\.jpg, which',
         'duplicate sample': r'image_id 0\.jpg stands twice', 'broken test image': r'2\.jpg: the file is empty'}

def test_a_good_folder(folder):
    p = read_paddy(folder)
    assert (len(p.train), len(p.test), p.labels) == (9, 4, ['blast', 'hispa', 'normal'])
    assert p.train.age.dtype.kind in 'if' and all(o.is_file() for o in [*p.train.path, *p.test.path])

@pytest.mark.parametrize('how', CASES)
def test_each_fault_is_one_line_that_names_it(folder, how):
    spoil(folder, how)
    with pytest.raises(CourseError, match=CASES[how]) as e: read_paddy(folder)
    assert '\n' not in str(e.value)

def test_no_such_folder(tmp_path):
    with pytest.raises(CourseError, match='no such folder'): read_paddy(tmp_path/'none')
    (tmp_path/'f').write_text('')
    with pytest.raises(CourseError, match='no such folder'): read_paddy(tmp_path/'f')

@pytest.mark.parametrize('how', ['truncated', 'zero bytes', 'no image'])
def test_broken_images_are_skipped_on_request(folder, how):
    spoil(folder, how)
    p = read_paddy(folder, skip_broken=True)
    assert len(p.train) == 8 and len(p.skipped) == 1 and 'blast1.jpg' in p.skipped[0][0]
    assert '1 broken training images left out' in repr(p)

def test_broken_test_image_keeps_its_row(folder):
    spoil(folder, 'broken test image')
    p = read_paddy(folder, skip_broken=True)
    assert len(p.test) == 4 and len(p.grey) == 1

def test_skipping_may_leave_a_class_with_one_image(folder):
    for i in range(2): (folder/'train_images'/'blast'/f'blast{i}.jpg').write_bytes(b'')
    with pytest.raises(CourseError, match='class blast has one image'): read_paddy(folder, skip_broken=True)

def test_all_broken(folder):
    for f in (folder/'train_images').rglob('*.jpg'): f.write_bytes(b'')
    with pytest.raises(CourseError, match='none of the 9'): read_paddy(folder, skip_broken=True)

def test_one_class(folder):
    rewrite(folder/'train.csv', lambda t: t[t.label == 'blast'])
    for l in ('hispa', 'normal'):
        for f in (folder/'train_images'/l).iterdir(): f.unlink()
    with pytest.raises(CourseError, match='one class, blast'): read_paddy(folder)

@pytest.mark.parametrize('drop', [['variety'], ['age'], ['variety', 'age']])
def test_variety_and_age_are_optional(folder, drop):
    rewrite(folder/'train.csv', lambda t: t.drop(columns=drop))
    t = read_paddy(folder).train
    assert not set(drop) & set(t)
    name, labels = second_target(t, np.random.default_rng(0).integers(0, 255, (9, 4, 4, 3), dtype=np.uint8))
    assert name == ('brightness' if 'age' in drop else 'age') and len(labels) == 9 and len(set(labels)) == 3

def test_a_column_with_blanks_is_no_target(folder):
    rewrite(folder/'train.csv', lambda t: t.assign(variety=[None, *t.variety[1:]]))
    assert 'variety' not in read_paddy(folder).train

def test_numbers_as_labels_other_formats_and_foreign_files(folder):
    rng, rows = np.random.default_rng(0), []
    for l in ('0', '01'):
        (folder/'train_images'/l).mkdir()
        for i in range(2):
            rows.append((f'{l}_{i}.png', l))
            Image.fromarray(rng.integers(0, 255, (5, 7), dtype=np.uint8)).save(folder/'train_images'/l/rows[-1][0])
    (folder/'train_images'/'0'/'.DS_Store').write_text('x')
    (folder/'train_images'/'Thumbs.db').write_text('x')
    rewrite(folder/'train.csv', lambda t: pd.concat([t, pd.DataFrame(rows, columns=['image_id', 'label'])]))
    assert {'0', '01'} <= set(read_paddy(folder).labels)

def test_csv_of_a_spreadsheet(folder):
    text = (folder/'train.csv').read_text()
    (folder/'train.csv').write_bytes(b'\xef\xbb\xbf' + text.replace('\n', '\r\n').encode())
    assert len(read_paddy(folder).train) == 9

def test_bytes_after_the_end_of_a_jpeg_do_no_harm(folder):
    f = folder/'train_images'/'blast'/'blast1.jpg'
    f.write_bytes(f.read_bytes() + b'\0'*500)
    assert broken_image(f) == ''
    assert len(read_paddy(folder).train) == 9

@pytest.mark.parametrize('labels, share', [(list('aab'*5), 0.2), (['a']*2 + ['b']*30, 0.5), (list('abcdefgh'*2), 0.01), (list('ab'*2), 0.99)])
def test_split_has_every_class_on_both_sides(labels, share):
    valid = split_by_class(labels, share)
    inside, outside = set(np.array(labels)[valid]), set(np.delete(labels, valid))
    assert inside == outside == set(labels)
    assert (valid == split_by_class(labels, share)).all() and len(set(valid)) == len(valid)

@pytest.fixture
def sample(tmp_path):
    f = tmp_path/'sample.csv'
    f.write_text('image_id,label\n' + ''.join(f'{i}.jpg,\n' for i in range(5)))
    return f

GOOD = pd.DataFrame(dict(image_id=[f'{i}.jpg' for i in range(5)], label=list('aabab')))

def test_a_good_submission(sample, tmp_path):
    f = write_submission(tmp_path/'s.csv', GOOD.image_id, GOOD.label)
    assert check_submission(f, sample, ['a', 'b']) == 5 == check_submission(GOOD, sample, ['a', 'b'])

WRONG = {'missing': (lambda t: t[1:], r'no row for 0\.jpg: 4 rows, 5 expected'), 'extra': (lambda t: add(t, image_id='7.jpg'), r'has a row for 7\.jpg'), 'twice': (add, r'image_id 0\.jpg stands twice'),
         'reordered': (lambda t: t.iloc[[0, 2, 1, 3, 4]], r'row 3: 2\.jpg stands where the sample has 1\.jpg'), 'unknown': (lambda t: t.assign(label=list('aabaz')), r"4\.jpg the label 'z'; the labels are: a, b"),
         'blank': (lambda t: t.assign(label=['a', '', 'b', 'a', 'a']), r'no label for 1\.jpg'), 'columns': (lambda t: t.assign(more=1), 'has the columns image_id, label, more'),
         'no label column': (lambda t: t[['image_id']], "label")}

@pytest.mark.parametrize('how', WRONG)
@pytest.mark.parametrize('as_file', [True, False])
def test_wrong_submissions(sample, tmp_path, how, as_file):
    f, line = WRONG[how]
    t = f(GOOD)
    if as_file: t.to_csv(tmp_path/'s.csv', index=False)
    with pytest.raises(CourseError, match=line) as e: check_submission(tmp_path/'s.csv' if as_file else t, sample, ['a', 'b'])
    assert '\n' not in str(e.value)

def test_submission_file_missing_or_empty(sample, tmp_path):
    with pytest.raises(CourseError, match='is missing'): check_submission(tmp_path/'none.csv', sample, ['a'])
    (tmp_path/'s.csv').write_text('')
    with pytest.raises(CourseError, match='is empty'): check_submission(tmp_path/'s.csv', sample, ['a'])

def test_write_submission_of_unequal_length(tmp_path):
    with pytest.raises(ValueError, match='2 ids and 1 labels'): write_submission(tmp_path/'s.csv', ['1', '2'], ['a'])
    assert not (tmp_path/'s.csv').exists()

class Api:
    "Kaggle's client that answers with `what`"
    def __init__(self, what): self.what = what
    def competition_submit(self, *args):
        if isinstance(self.what, BaseException): raise self.what
        self.args = args
        return self.what

def http(status):
    e = Exception(f'{status} Client Error')
    e.response = SimpleNamespace(status_code=status)
    return e

def sending(sample, tmp_path, what):
    f, api = write_submission(tmp_path/'s.csv', GOOD.image_id, GOOD.label), Api(what)
    with mock.patch.object(kaggle_client, 'kaggle_credentials', lambda: 'here'), mock.patch('fastkaggle.import_kaggle', lambda: api):
        return submit(f, 'first', sample, ['a', 'b']), api

def test_submit_sends_the_file(sample, tmp_path):
    said, api = sending(sample, tmp_path, 'ok')
    assert 'sent' in said and api.args[0].endswith('s.csv') and api.args[1:] == ('first', 'paddy-disease-classification')

@pytest.mark.parametrize('what, line', [(http(401), 'kaggle.com/settings'), (http(403), 'competitions/paddy-disease-classification/rules'), (SystemExit(1), 'kaggle.com/settings'), (OSError('no route\nto host'), 'submitting failed: no route')])
def test_submit_says_which_page_to_visit(sample, tmp_path, what, line):
    with pytest.raises(CourseError, match=line) as e: sending(sample, tmp_path, what)
    assert '\n' not in str(e.value)

def test_submit_without_credentials_and_with_a_wrong_file(sample, tmp_path):
    f = write_submission(tmp_path/'s.csv', GOOD.image_id, GOOD.label)
    with mock.patch.object(kaggle_client, 'kaggle_credentials', lambda: ''):
        with pytest.raises(CourseError, match='needs Kaggle credentials.*kaggle.com/settings'): submit(f, 'x', sample, ['a', 'b'])
        with pytest.raises(CourseError, match='label'): submit(f, 'x', sample, ['a'])
    assert '5 rows' in submit(f, 'x', sample, ['a', 'b'], dry_run=True)

def test_push(tmp_path):
    nb = tmp_path/'n.ipynb'
    nb.write_text('{}')
    meta = json.loads((push(nb, 'me', 'My First Entry!', tmp_path/'out', dry_run=True)/'kernel-metadata.json').read_text())
    assert meta['id'] == 'me/my-first-entry' and meta['machine_shape'] == 'NvidiaTeslaT4' and meta['enable_gpu'] and meta['is_private'] and meta['competition_sources']
    with pytest.raises(CourseError, match='no such notebook'): push(tmp_path/'none.ipynb', 'me', 'My First Entry', tmp_path/'out')
    with pytest.raises(CourseError, match='5 to 50'): push(nb, 'me', 'Hi', tmp_path/'out')
    with mock.patch.object(kaggle_client, 'kaggle_credentials', lambda: ''), pytest.raises(CourseError, match='needs Kaggle credentials'): push(nb, 'me', 'My First Entry', tmp_path/'out')
    with mock.patch.object(kaggle_client, 'kaggle_credentials', lambda: 'x'), mock.patch('fastkaggle.import_kaggle', lambda: mock.Mock(kernels_push=mock.Mock(side_effect=http(403)))), pytest.raises(CourseError, match='rules'): push(nb, 'me', 'My First Entry', tmp_path/'out')

def test_out_of_memory_says_which_batch_fits():
    import torch
    import torch.nn.functional as F
    from course_labs.data_sets.image_cache import cached_dls
    from course_labs.training.precision import gpu_memory_advice
    images = np.random.default_rng(0).integers(0, 255, (40, 32, 32, 3), dtype=np.uint8)
    def loss(p, t):
        if len(t) > 4: raise torch.OutOfMemoryError('CUDA out of memory. Tried to allocate 20.00 MiB')
        return F.cross_entropy(p.as_subclass(torch.Tensor), t.as_subclass(torch.Tensor))
    learn = lab.paddy_learner(cached_dls(images, list('ab')*20, range(8), bs=16), 'test_vit', img_size=32, loss_func=loss)
    with pytest.raises(CourseError, match='batch size of 16: a batch of 4 fits; accumulate 4 batches'):
        with gpu_memory_advice(learn): lab.fit(learn, 'fit_one_cycle', 1, 1e-3)

def test_missing_models_are_listed_with_their_settings():
    with mock.patch.dict(os.environ, COURSE_LABS_OFFLINE='1', HF_HUB_OFFLINE='1'), pytest.raises(CourseError) as e:
        lab.need_models(64, arch='test_vit', arch_vit='vit_tin', archs=('test_convnext', '/no/folder'))
    said = str(e.value)
    assert '2 of the lab' in said and 'arch_vit: vit_tin' in said and 'archs: /no/folder' in said and '\n' not in said
