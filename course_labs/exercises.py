"Moved: what stood here is in `course_labs.teaching.exercises`"
# Written by `make sync`

from course_labs.teaching.exercises import *  # noqa: F403
