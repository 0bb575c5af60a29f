"Moved: what stood here is in `course_labs.training.lr_finder`, `course_labs.training.untouched`"
# Written by `make sync`

from course_labs.training.lr_finder import *  # noqa: F403
from course_labs.training.untouched import *  # noqa: F403
