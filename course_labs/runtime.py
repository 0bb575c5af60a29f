"Moved: what stood here is in `course_labs.core.files`, `course_labs.core.machine`, `course_labs.core.settings`, `course_labs.lab`"
# Written by `make sync`

from course_labs.core.files import *  # noqa: F403
from course_labs.core.machine import *  # noqa: F403
from course_labs.core.settings import *  # noqa: F403
from course_labs.lab import *  # noqa: F403
