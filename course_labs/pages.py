"Moved: what stood here is in `course_labs.teaching.embed`"
# Written by `make sync`

from course_labs.teaching.embed import *  # noqa: F403
