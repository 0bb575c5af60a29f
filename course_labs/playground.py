"Moved: what stood here is in `course_labs.data_sets.plane`, `course_labs.teaching.playground.net`, `course_labs.teaching.playground.settings`, `course_labs.teaching.playground.run`, `course_labs.teaching.playground.pictures`, `course_labs.teaching.playground.page`, `course_labs.weeks.playground`"
# Written by `make sync`

from course_labs.data_sets.plane import *  # noqa: F403
from course_labs.teaching.playground.net import *  # noqa: F403
from course_labs.teaching.playground.settings import *  # noqa: F403
from course_labs.teaching.playground.run import *  # noqa: F403
from course_labs.teaching.playground.pictures import *  # noqa: F403
from course_labs.teaching.playground.page import *  # noqa: F403
from course_labs.weeks.playground import *  # noqa: F403
