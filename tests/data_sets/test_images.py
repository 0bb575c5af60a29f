"Tables of images: each fault is one line that names it"
import pytest

from course_labs.core.files import CourseError
from course_labs.data_sets.images import read_images_csv

@pytest.mark.parametrize('line,why', [('1,' + ','.join(['0']*63), '63 pixels'), ('1,' + ','.join(['0']*63 + ['x']), 'x'), ('1,' + ','.join(['0']*63 + ['256']), '256'), ('1,' + ','.join(['0']*63 + ['-1']), '-1')])
def test_bad_image_tables_are_refused_in_one_line(tmp_path, line, why):
    n = line.count(',')
    f = tmp_path/'d.csv'
    f.write_text('label,' + ','.join(f'pixel{i}' for i in range(n)) + f'\n{line}\n')
    with pytest.raises(CourseError, match=why) as e: read_images_csv(f)
    assert '\n' not in str(e.value)
