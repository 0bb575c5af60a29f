"Moved: what stood here is in `course_labs.weeks.playground`"
# Written by `make sync`

from course_labs.weeks.playground import *  # noqa: F403
