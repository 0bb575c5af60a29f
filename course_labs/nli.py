"Moved: what stood here is in `course_labs.data_sets.pairs`, `course_labs.teaching.inference`, `course_labs.training.batches`, `course_labs.training.disentangled`, `course_labs.training.language_models`, `course_labs.training.numerics`, `course_labs.training.pair_heads`, `course_labs.training.recurrent`, `course_labs.training.text_pairs`, `course_labs.training.tokenisers`, `course_labs.weeks.nli`"
# Written by `make sync`

from course_labs.data_sets.pairs import *  # noqa: F403
from course_labs.teaching.inference import *  # noqa: F403
from course_labs.training.batches import *  # noqa: F403
from course_labs.training.disentangled import *  # noqa: F403
from course_labs.training.language_models import *  # noqa: F403
from course_labs.training.numerics import *  # noqa: F403
from course_labs.training.pair_heads import *  # noqa: F403
from course_labs.training.recurrent import *  # noqa: F403
from course_labs.training.text_pairs import *  # noqa: F403
from course_labs.training.tokenisers import *  # noqa: F403
from course_labs.weeks.nli import *  # noqa: F403
