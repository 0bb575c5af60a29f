"Moved: what stood here is in `course_labs.training.checkpoints.store`"
# Written by `make sync`

from course_labs.training.checkpoints.store import *  # noqa: F403
