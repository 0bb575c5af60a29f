"Moved: what stood here is in `course_labs.weeks.keras_nets`"
# Written by `make sync`

from course_labs.weeks.keras_nets import *  # noqa: F403
