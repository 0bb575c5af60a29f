"Moved: what stood here is in `course_labs.teaching.questions`"
# Written by `make sync`

from course_labs.teaching.questions import *  # noqa: F403
