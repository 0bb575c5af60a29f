"From what a learning platform exports to what it takes back, without a name typed by hand"
import subprocess, sys, zipfile
from pathlib import Path

import pytest

from course_labs.core.files import CourseError

from handed_in import WRONG, full6, mark, put, table, week6, zipped

ANA, OTHER_ANA = 'Ana Lopez_17_assignsubmission_file_', 'Ana Lopez_18_assignsubmission_file_'
SHEET = ('Identifier,"Full name",Status,Grade,"Maximum grade","Last modified (submission)"\r\n'
         'Participant 17,"Ana Lopez","Submitted for grading - 1 day 3 hours late",,100.00,-\r\n'
         'Participant 18,"Ana Lopez","Submitted for grading",-,100.00,-\r\nParticipant 19,"Zoé Ünal","No submission",,100.00,-\r\n')
CANVAS = ('Student,ID,SIS User ID,SIS Login ID,Section,Week 6 (991),Current Score\n    Points Possible,,,,,1.00,(read only)\n'
          '"Lopez, Ana",12,S1,al,A,,\n"Li, Bo",13,S2,bl,A,"",\n"Student, Test",9,,,A,,\n')

def test_moodle_goes_out_and_back(tmp_path):
    "Two students of one name, folders around, a worksheet in latin-1 with a late submission"
    archive = zipped(tmp_path/'moodle.zip', {f'x/y/{ANA}/w6.ipynb': full6(), f'x/y/{OTHER_ANA}/w6.ipynb': full6(WRONG)})
    (tmp_path/'sheet.csv').write_bytes(SHEET.encode('latin-1'))
    (tmp_path/'late.toml').write_text('per_day = 10\n')
    rows, lines = mark(archive, tmp_path/'out', week=6, roster=tmp_path/'sheet.csv', late=tmp_path/'late.toml')
    assert [(r['student'], r['id']) for r in rows] == [('Ana Lopez', '17'), ('Ana Lopez', '18')]
    of = {r['id']: r for r in table(tmp_path/'out'/'grades.csv')}
    full = float(of['17']['of'])
    assert of['17']['late'] == 'Handed in 1 day 3 hours late' and float(of['17']['deduction']) == pytest.approx(0.2*full)
    other = f"{float(of['18']['mark'])*100/full:.4f}".rstrip('0').rstrip('.')
    want = SHEET.replace('3 hours late",,', '3 hours late",80,').replace('grading",-,', f'grading",{other},').encode('latin-1')
    assert (tmp_path/'out'/'lms'/'sheet.csv').read_bytes() == want
    assert any('handed in nothing (1): Zoé Ünal' in l for l in lines), lines
    with zipfile.ZipFile(tmp_path/'out'/'lms'/'feedback_moodle.zip') as z:
        assert z.namelist() == [f'{ANA}/feedback.html', f'{OTHER_ANA}/feedback.html']

def test_canvas_goes_out_and_back(tmp_path):
    put(tmp_path/'in', {'lopezana_LATE_12_9001_w6-1.ipynb': full6(), 'lopezana_12_9000_w6.ipynb': full6(WRONG), 'xuda_77_9003_w6.ipynb': full6()})
    (tmp_path/'canvas.csv').write_text(CANVAS, encoding='utf-8-sig')
    for _ in range(2): # again: the same bytes
        rows, lines = mark(tmp_path/'in', tmp_path/'out', week=6, roster=tmp_path/'canvas.csv')
        data = [(tmp_path/'out'/'lms'/o).read_bytes() for o in ('canvas.csv', 'feedback_canvas.zip')]
        first = locals().get('first', data)
    assert data == first
    assert data[0].decode('utf-8-sig') == CANVAS.replace('S1,al,A,,', 'S1,al,A,1,')
    assert any('xuda (77) handed in, and is not in canvas.csv' in l for l in lines) and any('handed in nothing (1): Bo Li' in l for l in lines)
    with zipfile.ZipFile(tmp_path/'out'/'lms'/'feedback_canvas.zip') as z:
        assert z.namelist() == ['lopezana_LATE_12_9001_w6-1.html', 'xuda_77_9003_w6.html'] and b'Ana Lopez' in z.read(z.namelist()[0])

BAD = {'of another course': (CANVAS.replace(',12,', ',92,').replace(',13,', ',93,'), 'Is it the table of another course'),
       'missing column': (CANVAS.replace('Section', 'Class'), "lacks the column 'section'"), 'no column of the week': (CANVAS.replace('Week 6', 'Essay'), 'no column for week 6; say --column'),
       'twice': (CANVAS.replace('13,S2', '12,S1'), 'Bo'), 'no export': ('name;points\nAda;3\n', 'no table of grades'), 'a notebook': (week6(), 'sheet'), 'empty': ('', 'no table of grades')}

@pytest.mark.parametrize('case', BAD)
def test_a_table_that_cannot_be_is_one_clear_line_before_anything_is_marked(tmp_path, case):
    text, says = BAD[case]
    (tmp_path/'sheet.csv').write_text(text)
    put(tmp_path/'in', {'lopezana_12_9000_w6.ipynb': week6()})
    cmd = [Path(sys.executable).parent/'course-labs', 'grade', tmp_path/'in', '--out', tmp_path/'out', '--week', '6', '--trust', '--roster', tmp_path/'sheet.csv']
    done = subprocess.run([str(o) for o in cmd], capture_output=True, text=True)
    lines = [l for l in done.stderr.splitlines() if 'Warning' not in l]
    assert done.returncode == 1 and len(lines) == 1 and says in lines[0] and 'sheet.csv' in lines[0], done.stderr
    assert not (tmp_path/'out'/'grades.csv').exists() and not (tmp_path/'out'/'lms').exists()

def test_rules_that_cannot_be_are_one_clear_line(tmp_path):
    (tmp_path/'late.toml').write_text('per_day = "ten"')
    with pytest.raises(CourseError, match="late.toml: per_day is 'ten'"): mark(put(tmp_path/'in', {'a.ipynb': week6()}), tmp_path/'out', late=tmp_path/'late.toml')
    assert not (tmp_path/'out').exists()
