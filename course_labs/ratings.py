"Moved: what stood here is in `course_labs.data_sets.ratings`"
# Written by `make sync`

from course_labs.data_sets.ratings import *  # noqa: F403
