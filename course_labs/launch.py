"Moved: what stood here is in `course_labs.training.multi_gpu`"
# Written by `make sync`

from course_labs.training.multi_gpu import *  # noqa: F403
