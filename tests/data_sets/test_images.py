"Images from a table: classes, splits, and files from which nothing can be learnt"
import numpy as np
import pytest
from hypothesis import given, settings as hyp, strategies as st

from course_labs.core.files import CourseError
from course_labs.data_sets.images import load_images, read_images_csv, split_classes, write_images_csv

def one_line(e, *parts):
    "A CourseError of one line that says all of `parts`"
    text = str(e.value)
    assert '\n' not in text and all(p in text for p in parts), text

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
