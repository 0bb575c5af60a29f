"Moved: what stood here is in `course_labs.cli`"
# Written by `make sync`

from course_labs.cli import *  # noqa: F403
