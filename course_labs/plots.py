"Moved: what stood here is in `course_labs.training.plots`"
# Written by `make sync`

from course_labs.training.plots import *  # noqa: F403
