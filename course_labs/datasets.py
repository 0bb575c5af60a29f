"Moved: what stood here is in `course_labs.core.files`, `course_labs.core.paths`, `course_labs.data_sets.images`, `course_labs.data_sets.kaggle`, `course_labs.data_sets.sources`, `course_labs.data_sets.registry`"
# Written by `make sync`

from course_labs.core.files import *  # noqa: F403
from course_labs.core.paths import *  # noqa: F403
from course_labs.data_sets.images import *  # noqa: F403
from course_labs.data_sets.kaggle import *  # noqa: F403
from course_labs.data_sets.sources import *  # noqa: F403
from course_labs.data_sets.registry import *  # noqa: F403
