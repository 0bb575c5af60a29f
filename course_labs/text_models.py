"Moved: what stood here is in `course_labs.training.text_models`"
# Written by `make sync`

from course_labs.training.text_models import *  # noqa: F403
