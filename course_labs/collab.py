"Moved: what stood here is in `course_labs.training.batches`, `course_labs.training.tables`, `course_labs.teaching.homework`, `course_labs.teaching.recommenders.models`, `course_labs.teaching.recommenders.factors`, `course_labs.teaching.recommenders.newcomers`, `course_labs.teaching.recommenders.loops`, `course_labs.teaching.recommenders.phrases`, `course_labs.weeks.collab`"
# Written by `make sync`

from course_labs.training.batches import *  # noqa: F403
from course_labs.training.tables import *  # noqa: F403
from course_labs.teaching.homework import *  # noqa: F403
from course_labs.teaching.recommenders.models import *  # noqa: F403
from course_labs.teaching.recommenders.factors import *  # noqa: F403
from course_labs.teaching.recommenders.newcomers import *  # noqa: F403
from course_labs.teaching.recommenders.loops import *  # noqa: F403
from course_labs.teaching.recommenders.phrases import *  # noqa: F403
from course_labs.weeks.collab import *  # noqa: F403
