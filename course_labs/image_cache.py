"Moved: what stood here is in `course_labs.data_sets.image_cache`"
# Written by `make sync`

from course_labs.data_sets.image_cache import *  # noqa: F403
