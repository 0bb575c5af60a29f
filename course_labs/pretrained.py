"Moved: what stood here is in `course_labs.training.vision_models`"
# Written by `make sync`

from course_labs.training.vision_models import *  # noqa: F403
