"Moved: what stood here is in `course_labs.syllabus`, `course_labs.teaching.concepts`, `course_labs.teaching.mathtext`, `course_labs.teaching.arithmetic`, `course_labs.teaching.kinds`, `course_labs.teaching.questions`, `course_labs.teaching.former`"
# Written by `make sync`

from course_labs.syllabus import *  # noqa: F403
from course_labs.teaching.concepts import *  # noqa: F403
from course_labs.teaching.mathtext import *  # noqa: F403
from course_labs.teaching.arithmetic import *  # noqa: F403
from course_labs.teaching.kinds import *  # noqa: F403
from course_labs.teaching.questions import *  # noqa: F403
from course_labs.teaching.former import *  # noqa: F403
