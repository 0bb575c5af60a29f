"Moved: what stood here is in `course_labs.weeks.first_model`"
# Written by `make sync`

from course_labs.weeks.first_model import *  # noqa: F403
