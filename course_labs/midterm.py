"Moved: what stood here is in `course_labs.teaching.questions`, `course_labs.teaching.exams`, `course_labs.teaching.guide`, `course_labs.teaching.former`, `course_labs.teaching.self_test`, `course_labs.teaching.course_mark`, `course_labs.weeks.midterm`"
# Written by `make sync`

from course_labs.teaching.questions import *  # noqa: F403
from course_labs.teaching.exams import *  # noqa: F403
from course_labs.teaching.guide import *  # noqa: F403
from course_labs.teaching.former import *  # noqa: F403
from course_labs.teaching.self_test import *  # noqa: F403
from course_labs.teaching.course_mark import *  # noqa: F403
from course_labs.weeks.midterm import *  # noqa: F403
