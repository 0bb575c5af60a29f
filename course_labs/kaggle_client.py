"Moved: what stood here is in `course_labs.data_sets.kaggle`"
# Written by `make sync`

from course_labs.data_sets.kaggle import *  # noqa: F403
