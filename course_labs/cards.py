"Moved: what stood here is in `course_labs.teaching.concepts`, `course_labs.teaching.guide`, `course_labs.teaching.cards`"
# Written by `make sync`

from course_labs.teaching.concepts import *  # noqa: F403
from course_labs.teaching.guide import *  # noqa: F403
from course_labs.teaching.cards import *  # noqa: F403
