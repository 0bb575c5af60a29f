"A small class through each platform and back: all that was planted is found, and a second call changes nothing"
import pytest

import class_of
from course_labs.marking.sandbox import why_not

TASKS, CLASSES = class_of.lab(), {c.platform: c for c in class_of.made(40)}
pytestmark = pytest.mark.skipif(bool(why_not()), reason=f'answers cannot be walled in: {why_not()}')

@pytest.mark.parametrize('platform', class_of.PLATFORMS)
def test_what_was_planted_is_found_and_stays(platform, tmp_path):
    rows, lines = class_of.grade(tmp_path, CLASSES[platform], TASKS)
    assert class_of.problems(tmp_path, CLASSES[platform], rows, lines) == []
    first = class_of.files(tmp_path/'out')
    class_of.grade(tmp_path, CLASSES[platform], TASKS)
    assert class_of.files(tmp_path/'out') == first

def test_what_is_not_found_is_said(tmp_path):
    "The comparison itself: a mark that is another, and a student without a row"
    c = CLASSES['classroom']
    rows, lines = class_of.grade(tmp_path, c, TASKS)
    next(m for r in rows for m in r['exercises'] if m['id'] == class_of.WEAK)['points'] = 0.5
    assert len(class_of.problems(tmp_path, c, rows, lines)) == 1
    assert 'has 0 rows' in str(class_of.problems(tmp_path, c, rows[1:], lines))
