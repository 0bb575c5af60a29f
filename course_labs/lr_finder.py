"Moved: what stood here is in `course_labs.training.lr_finder`"
# Written by `make sync`

from course_labs.training.lr_finder import *  # noqa: F403
