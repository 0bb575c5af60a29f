"Moved: what stood here is in `course_labs.weeks.paddy`, `course_labs.training.loaders`, `course_labs.training.timm_parts`, `course_labs.training.transfer`, `course_labs.teaching.leaves.pictures`, `course_labs.data_sets.paddy`, `course_labs.data_sets.submission`"
# Written by `make sync`

from course_labs.weeks.paddy import *  # noqa: F403
from course_labs.training.loaders import *  # noqa: F403
from course_labs.training.timm_parts import *  # noqa: F403
from course_labs.training.transfer import *  # noqa: F403
from course_labs.teaching.leaves.pictures import *  # noqa: F403
from course_labs.data_sets.paddy import *  # noqa: F403
from course_labs.data_sets.submission import *  # noqa: F403
