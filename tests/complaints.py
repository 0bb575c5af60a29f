"The one line that bad input gets"
import pytest

from course_labs.core.files import CourseError

def complaint(f, *args, **kwargs):
    "The one line of the `CourseError` that `f` raises"
    with pytest.raises(CourseError) as e: f(*args, **kwargs)
    assert '\n' not in str(e.value)
    return str(e.value)
