"Moved: what stood here is in `course_labs.weeks.collab`"
# Written by `make sync`

from course_labs.weeks.collab import *  # noqa: F403
