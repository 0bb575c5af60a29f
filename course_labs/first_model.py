"Moved: what stood here is in `course_labs.data_sets.photos`, `course_labs.data_sets.signals`, `course_labs.data_sets.sounds`, `course_labs.teaching.patrols`, `course_labs.teaching.recogniser`, `course_labs.teaching.small_net`, `course_labs.training.loaders`, `course_labs.training.mistakes`, `course_labs.training.timing`, `course_labs.weeks.first_model`"
# Written by `make sync`

from course_labs.data_sets.photos import *  # noqa: F403
from course_labs.data_sets.signals import *  # noqa: F403
from course_labs.data_sets.sounds import *  # noqa: F403
from course_labs.teaching.patrols import *  # noqa: F403
from course_labs.teaching.recogniser import *  # noqa: F403
from course_labs.teaching.small_net import *  # noqa: F403
from course_labs.training.loaders import *  # noqa: F403
from course_labs.training.mistakes import *  # noqa: F403
from course_labs.training.timing import *  # noqa: F403
from course_labs.weeks.first_model import *  # noqa: F403
