"Submissions and homeworks of Kaggle competitions, what is wrong with them, and Kaggle's answers"
import json
from types import SimpleNamespace
from unittest import mock

import numpy as np
import pandas as pd
import pytest

from course_labs.core.files import CourseError
from course_labs.data_sets import kaggle as kaggle_client
from course_labs.data_sets.images import read_images_csv
from course_labs.data_sets.registry import get
from course_labs.data_sets.submission import check_submission, homework_files, push, submit, write_submission

def add(t, **row): return pd.concat([t, t.iloc[:1].assign(**row)])

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
         'reordered': (lambda t: t.iloc[[0, 2, 1, 3, 4]], r'line 3: 2\.jpg stands where the sample has 1\.jpg'), 'unknown': (lambda t: t.assign(label=list('aabaz')), r"line 6 gives 4\.jpg the label 'z'; the labels are: a, b"),
         'blank': (lambda t: t.assign(label=['a', '', 'b', 'a', 'a']), r'line 3: there is no label for 1\.jpg'), 'columns': (lambda t: t.assign(more=1), 'has the columns image_id, label, more'),
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

def test_the_columns_are_those_of_the_sample(tmp_path):
    f, sample = tmp_path/'s.csv', tmp_path/'sample.csv'
    sample.write_text('Id,Category\n7,0\n3,0\n')
    write_submission(f, [7, 3], [1, 0], columns=('Id', 'Category'))
    assert check_submission(f, sample, 2) == 2
    write_submission(f, [7, 3], [1, 0])
    with pytest.raises(CourseError, match="no column 'Id'; it has: image_id, label"): check_submission(f, sample, 2)

# The homework: images that are counted
@pytest.fixture(scope='module')
def digits(): return read_images_csv(get('digits'))

@pytest.mark.parametrize('text,why', [
    ('', 'is empty'),
    ('id,Label\n1,2\n2,3\n', "no column 'ImageId'; it has: id, Label"),
    ('ImageId,Label,x\n1,2,3\n2,3,4\n', 'expected ImageId, Label'),
    ('ImageId,Label\n1,2,9\n2,3,9\n', 'line 2 has more values'),
    ('ImageId,Label\n', 'a header and no rows'),
    ('ImageId,Label\n1,2\n', 'no row for 2: 1 rows, 2 expected'),
    ('ImageId,Label\n1,2\n2,3\n3,4\n', 'a row for 3, which'),
    ('ImageId,Label\n0,2\n1,3\n', 'no row for 2'),
    ('ImageId,Label\n1,2\n1,3\n', 'ImageId 1 stands twice'),
    ('ImageId,Label\n2,2\n1,3\n', 'line 2: 2 stands where the sample has 1'),
    ('ImageId,Label\n1,2\n2,10\n', "line 3 gives 2 the label '10'; the labels are: 0, 1, 2"),
    ('ImageId,Label\n1,-1\n2,1\n', "line 2 gives 1 the label '-1'"),
    ('ImageId,Label\n1,1.0\n2,1\n', "line 2 gives 1 the label '1.0'"),
    ('ImageId,Label\n1,\n2,1\n', 'line 2: there is no label for 1'),
    ('ImageId,Label\n1,nan\n2,1\n', "line 2 gives 1 the label 'nan'; the labels are: 0, 1, 2"),
    ('ImageId,Label\n1,seven\n2,1\n', "line 2 gives 1 the label 'seven'")])
def test_bad_submissions_are_refused_in_one_line(tmp_path, text, why):
    f = tmp_path/'s.csv'
    f.write_text(text)
    with pytest.raises(CourseError, match=why) as e: check_submission(f, 2)
    assert '\n' not in str(e.value)

def test_what_is_no_csv_is_refused(tmp_path):
    f = tmp_path/'s.csv'
    f.write_bytes(b'\xff\xfe\x00\x81'*20)
    for path in (f, tmp_path/'none.csv', tmp_path):
        with pytest.raises(CourseError): check_submission(path, 2)

def test_a_good_submission_passes(tmp_path):
    f = write_submission(tmp_path/'s.csv', np.array([3, 0, 9]))
    assert f.read_text() == 'ImageId,Label\n1,3\n2,0\n3,9\n'
    assert check_submission(f, 3) == 3

def test_a_share_that_leaves_a_file_empty_is_refused(tmp_path, digits):
    for share in (0., 1., 0.0001):
        with pytest.raises(CourseError, match='leaves one file empty'): homework_files(*digits, tmp_path, share)

def test_homework_files_have_the_format_of_the_competition(tmp_path, digits):
    images, labels = digits
    train, test, truth = homework_files(images, labels, tmp_path, 0.25, seed=3)
    a, b = pd.read_csv(train), pd.read_csv(test)
    assert list(a.columns[:2]) == ['label', 'pixel0'] and list(b.columns[:2]) == ['pixel0', 'pixel1']
    assert len(a) + len(b) == len(labels) and len(b) == len(truth)
    X, none = read_images_csv(test, labelled=False)
    assert none is None and X.shape[1:] == images.shape[1:]
    assert (np.bincount(np.concatenate([read_images_csv(train)[1], truth])) == np.bincount(labels)).all()

@pytest.mark.parametrize('label', ('None', 'NA', 'null', 'nan', ''))
def test_a_class_may_be_called_none(tmp_path, label):
    "Only an empty field is a blank"
    (tmp_path/'t.csv').write_text(f'image_id,label\n1.jpg,{label}\n2.jpg,b\n')
    from course_labs.data_sets.submission import text_table
    t = text_table(tmp_path/'t.csv', ('image_id', 'label'))
    assert t.label.isna().tolist() == [label == '', False] and (not label or t.label[0] == label)
