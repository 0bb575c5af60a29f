"Moved: what stood here is in `course_labs.data_sets.sounds`, `course_labs.training.loaders`, `course_labs.training.timing`, `course_labs.weeks.first_model`"
# Written by `make sync`

from course_labs.data_sets.sounds import *  # noqa: F403
from course_labs.training.loaders import *  # noqa: F403
from course_labs.training.timing import *  # noqa: F403
from course_labs.weeks.first_model import *  # noqa: F403
