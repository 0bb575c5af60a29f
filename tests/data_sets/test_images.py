"Images from a table: classes, splits, and files from which nothing can be learnt"
import numpy as np
import pytest
from hypothesis import given, settings as hyp, strategies as st

from conftest import one_line
from course_labs.core.files import CourseError
from course_labs.data_sets.images import load_images, read_images_csv, split_classes, write_images_csv

@hyp(max_examples=60, deadline=None)
@given(counts=st.lists(st.integers(2, 30), min_size=2, max_size=6), test=st.floats(.01, .95), seed=st.integers(0, 1000))
def test_split_is_a_partition_with_every_class_on_both_sides(counts, test, seed):
    y = np.repeat(np.arange(len(counts)), counts)
    a, b = split_classes(y, test, seed)
    assert sorted([*a, *b]) == list(range(len(y)))
    assert set(y[a]) == set(y[b]) == set(range(len(counts)))
    assert all((x == z).all() for x,z in zip((a, b), split_classes(y, test, seed)))

def test_images_with_any_labels(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (20, 4, 4))
    write_images_csv(tmp_path/'a.csv', images, np.repeat([3, 70], 10))
    X, y, names = load_images(tmp_path/'a.csv')
    assert X.shape == (20, 4, 4, 1) and X.dtype == np.float32 and X.max() <= 1 and list(names) == [3, 70] and set(y) == {0, 1}

@pytest.mark.parametrize('labels,why', [([7]*20, 'class 7 only'), ([0]*17 + [1]*3, 'class 1 has 3 images')])
def test_images_that_cannot_be_learnt(tmp_path, labels, why):
    write_images_csv(tmp_path/'a.csv', np.zeros((20, 2, 2), int), labels)
    with pytest.raises(CourseError) as e: load_images(tmp_path/'a.csv')
    one_line(e, why, 'a.csv')

@pytest.mark.parametrize('line,why', [('1,' + ','.join(['0']*63), '63 pixels'), ('1,' + ','.join(['0']*63 + ['x']), 'x'), ('1,' + ','.join(['0']*63 + ['256']), '256'), ('1,' + ','.join(['0']*63 + ['-1']), '-1')])
def test_bad_image_tables_are_refused_in_one_line(tmp_path, line, why):
    n = line.count(',')
    f = tmp_path/'d.csv'
    f.write_text('label,' + ','.join(f'pixel{i}' for i in range(n)) + f'\n{line}\n')
    with pytest.raises(CourseError, match=why) as e: read_images_csv(f)
    assert '\n' not in str(e.value)

def idx(path, numbers, zipped):
    import gzip
    raw = bytes([0, 0, 8, numbers.ndim]) + b''.join(n.to_bytes(4, 'big') for n in numbers.shape) + numbers.astype(np.uint8).tobytes()
    path.write_bytes(gzip.compress(raw) if zipped else raw)
    return path

@pytest.mark.parametrize('zipped', (False, True))
def test_idx_as_mnist_is_handed_out(tmp_path, zipped):
    rng, end = np.random.default_rng(0), '.gz'*zipped
    images, labels = rng.integers(0, 256, (30, 28, 28)), np.arange(30) % 10
    path = idx(tmp_path/f'train-images-idx3-ubyte{end}', images, zipped)
    with pytest.raises(CourseError, match=f'its labels are missing; expected train-labels-idx1-ubyte{end} beside it'): read_images_csv(path)
    assert read_images_csv(path, labelled=False)[1] is None
    beside = idx(tmp_path/f'train-labels-idx1-ubyte{end}', labels, zipped)
    got = read_images_csv(path)
    assert got[0].dtype == np.uint8 and (got[0] == images).all() and (got[1] == labels).all()
    with pytest.raises(CourseError, match='give the file of the images'): read_images_csv(beside)
    idx(beside, labels[:-1], zipped)
    with pytest.raises(CourseError, match='holds 29 values; expected 30 labels'): read_images_csv(path)
    raw = path.read_bytes()
    path.write_bytes(raw[:-40])
    with pytest.raises(CourseError, match='cut short') as e: read_images_csv(path)
    assert '\n' not in str(e.value)
