"Moved: what stood here is in `course_labs.training.checkpoints.store`, `course_labs.training.checkpoints.loop`, `course_labs.training.checkpoints.resume`"
# Written by `make sync`

from course_labs.training.checkpoints.store import *  # noqa: F403
from course_labs.training.checkpoints.loop import *  # noqa: F403
from course_labs.training.checkpoints.resume import *  # noqa: F403
