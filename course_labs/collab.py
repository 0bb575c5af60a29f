"Moved: what stood here is in `course_labs.training.batches`, `course_labs.training.tables`, `course_labs.teaching.homework`, `course_labs.weeks.collab`"
# Written by `make sync`

from course_labs.training.batches import *  # noqa: F403
from course_labs.training.tables import *  # noqa: F403
from course_labs.teaching.homework import *  # noqa: F403
from course_labs.weeks.collab import *  # noqa: F403
