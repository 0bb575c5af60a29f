"Moved: what stood here is in `course_labs.weeks.cnn`, `course_labs.training.by_hand`, `course_labs.training.convnets`, `course_labs.training.loaders`, `course_labs.training.small_images`, `course_labs.data_sets.submission`"
# Written by `make sync`

from course_labs.weeks.cnn import *  # noqa: F403
from course_labs.training.by_hand import *  # noqa: F403
from course_labs.training.convnets import *  # noqa: F403
from course_labs.training.loaders import *  # noqa: F403
from course_labs.training.small_images import *  # noqa: F403
from course_labs.data_sets.submission import *  # noqa: F403
