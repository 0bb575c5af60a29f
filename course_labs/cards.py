"Moved: what stood here is in `course_labs.teaching.cards`"
# Written by `make sync`

from course_labs.teaching.cards import *  # noqa: F403
