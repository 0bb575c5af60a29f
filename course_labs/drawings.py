"Moved: what stood here is in `course_labs.data_sets.synthetic`, `course_labs.data_sets.synthetic_leaves`, `course_labs.data_sets.synthetic_photos`"
# Written by `make sync`

from course_labs.data_sets.synthetic import *  # noqa: F403
from course_labs.data_sets.synthetic_leaves import *  # noqa: F403
from course_labs.data_sets.synthetic_photos import *  # noqa: F403
