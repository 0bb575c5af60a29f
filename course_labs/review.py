"Moved: what stood here is in `course_labs.teaching.arithmetic`, `course_labs.teaching.quiz`, `course_labs.teaching.exams`, `course_labs.teaching.former`"
# Written by `make sync`

from course_labs.teaching.arithmetic import *  # noqa: F403
from course_labs.teaching.quiz import *  # noqa: F403
from course_labs.teaching.exams import *  # noqa: F403
from course_labs.teaching.former import *  # noqa: F403
