"Moved: what stood here is in `course_labs.training.ranking`"
# Written by `make sync`

from course_labs.training.ranking import *  # noqa: F403
