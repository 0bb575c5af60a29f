"Moved: what stood here is in `course_labs.data_sets.synthetic`"
# Written by `make sync`

from course_labs.data_sets.synthetic import *  # noqa: F403
