"Moved: what stood here is in `course_labs.data_sets.housing`, `course_labs.data_sets.images`, `course_labs.training.keras_backend`, `course_labs.training.keras_tools`, `course_labs.weeks.keras_nets`"
# Written by `make sync`

from course_labs.data_sets.housing import *  # noqa: F403
from course_labs.data_sets.images import *  # noqa: F403
from course_labs.training.keras_backend import *  # noqa: F403
from course_labs.training.keras_tools import *  # noqa: F403
from course_labs.weeks.keras_nets import *  # noqa: F403
