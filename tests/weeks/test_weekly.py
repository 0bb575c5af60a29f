"What runs every week (tests/resume.py, own_data.py, lab_on_gpu.py) fits the labs as they are: a lab that is told anew takes them along"
import json

import pytest

import lab_on_gpu, own_data, resume
from course_labs import syllabus
from course_labs.core.paths import lab_notebooks
from course_labs.core.settings import coerce

SETTINGS = [pytest.param(week, sets, id=f'{what}, week {week}') for what,found in (
    ('resume', resume.SHORT.items()),
    ('made-up GPU', lab_on_gpu.SHORT.items()),
    ('own data', [(c.week, c.set) for c in own_data.CASES])) for week,sets in found if sets]

@pytest.mark.parametrize('week, sets', SETTINGS)
def test_a_lab_has_the_settings(week, sets):
    known = syllabus.week(week).settings
    for key,_,value in (o.partition('=') for o in sets):
        assert key in known, f'week {week} has no setting {key}'
        full = known[key].full
        assert type(coerce(key, value, full)) is type(full), key

@pytest.mark.parametrize('week', resume.WEEKS)
def test_a_text_that_is_changed_stands_once_in_the_lab(week):
    "And the cell whose trainings it changes is there"
    cells = [''.join(c['source']) for c in json.loads(lab_notebooks()[week].read_text(encoding='utf-8'))['cells'] if c['cell_type'] == 'code']
    for old,new,cell in resume.CHANGES[week]:
        assert sum(old in o for o in cells) == 1, f'{old!r} stands in {sum(old in o for o in cells)} cells'
        for part in cell.split('|'): assert old != new and any(part in o for o in cells), f'no cell has {part!r}'
