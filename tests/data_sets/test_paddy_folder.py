"A folder in the layout of the paddy competition: each fault is one line that names it"
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from course_labs.core.files import CourseError
from course_labs.data_sets.paddy import broken_image, read_paddy, second_target

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
         'no label column': r"train\.csv has no column 'label'; it has: image_id", 'no id column': "no column 'image_id'", 'blank label': 'blast0.jpg has no label', 'blank id': 'line 2 has no image_id',
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
