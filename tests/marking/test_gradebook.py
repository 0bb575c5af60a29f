"Marks over weeks: no run loses one of another week or what a person decided"
import time, hashlib, os, subprocess, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from course_labs.core.files import CourseError
from course_labs.marking.decisions import decide, shown
from course_labs.marking.gradebook import Gradebook, at_work

from handed_in import RIGHT, TARGET, WRONG, mark, notebook, put, table, week3, week6

def course_labs(*args): return subprocess.run([Path(sys.executable).parent/'course-labs', *map(str, args)], capture_output=True, text=True)

@pytest.fixture
def two_weeks(tmp_path):
    "A folder of results after week 3 and week 6"
    mark(put(tmp_path/'three', {'Ada.ipynb': week3(), 'Bob.ipynb': week3('def conv_size(*a): return 0')}), tmp_path/'out', week=3)
    mark(put(tmp_path/'six', {'Ada.ipynb': week6(), 'Bob.ipynb': week6(WRONG)}), tmp_path/'out', week=6)
    return tmp_path

def points(out): return {(r['student'], r['lab']): (r['w3.conv_size'] or r[TARGET]) for r in table(out/'grades.csv')}

def test_week_6_does_not_replace_week_3(two_weeks):
    assert points(two_weeks/'out') == {('Ada', 'week03_cnn'): '1', ('Bob', 'week03_cnn'): '0', ('Ada', 'week06_collab'): '1', ('Bob', 'week06_collab'): '0'}
    assert len(list((two_weeks/'out'/'feedback').glob('*.html'))) == 4

def test_a_mark_set_by_hand_survives_marking_again_and_changed_work(two_weeks):
    out = two_weeks/'out'
    decide(out, [('Bob', TARGET, 0.5, 'the idea is right')], [('Bob', TARGET, 'See me.')])
    put(two_weeks/'six', {'Bob.ipynb': week6(WRONG.replace('1 < 0', '0'))})
    mark(two_weeks/'six', out, week=6)
    assert points(out)['Bob', 'week06_collab'] == '0.5'
    page, = [p.read_text() for p in (out/'feedback').glob('Bob*.html') if '0.5 of' in p.read_text()]
    assert 'See me.' in page and 'the idea is right' not in page
    decide(out, [('Bob', TARGET, None, '')])
    assert points(out)['Bob', 'week06_collab'] == '0'

def test_a_mark_typed_into_the_table_is_taken_over_and_the_table_kept(two_weeks):
    out = two_weeks/'out'
    text = (out/'grades.csv').read_text()
    edited = text.replace('Bob,,week03_cnn', 'Bob,,week03_cnn').splitlines()
    head = edited[0].split(',')
    i = next(i for i,l in enumerate(edited) if l.startswith('Bob,,week06'))
    cells = edited[i].split(',')
    cells[head.index(TARGET)] = '0.75'
    edited[i] = ','.join(cells)
    (out/'grades.csv').write_text('\n'.join(edited) + '\n')
    _, lines = mark(two_weeks/'three', out, week=3)
    assert points(out)['Bob', 'week06_collab'] == '0.75'
    said = [l for l in lines if 'edited by hand' in l]
    assert len(said) == 1 and f'Bob {TARGET} 0.75' in said[0], lines
    assert (out/'grades.edited-1.csv').read_text().splitlines() == edited
    _, lines = mark(two_weeks/'three', out, week=3)
    assert not [l for l in lines if 'edited' in l]

def test_check_by_hand_has_a_way_to_enter_a_result(tmp_path):
    put(tmp_path/'in', {'Ada.ipynb': notebook('x = 1', "check('w6.n_learnt', gone)")})
    row, = mark(tmp_path/'in', tmp_path/'out', week=6)[0]
    assert row['state'] == 'check by hand'
    todo = [m['id'] for m in row['exercises']]
    decide(tmp_path/'out', [('Ada', id, 0., 'nothing there') for id in todo])
    r, = table(tmp_path/'out'/'grades.csv')
    assert (r['state'], r['total'], r[TARGET]) == ('marked', '0', '0')

def test_work_that_is_no_notebook_can_be_marked_by_hand(tmp_path):
    put(tmp_path/'in', {'Ada.pdf': '%PDF', 'Bob.ipynb': week6()})
    mark(tmp_path/'in', tmp_path/'out', week=6)
    decide(tmp_path/'out', [('Ada', TARGET, 1., 'on paper')])
    rows = {r['student']: r for r in table(tmp_path/'out'/'grades.csv')}
    assert (rows['Ada'][TARGET], rows['Ada']['state']) == ('1', 'no notebook')

def test_what_a_run_changed_is_said_and_in_a_file(two_weeks):
    out = two_weeks/'out'
    _, lines = mark(two_weeks/'six', out, week=6)
    assert lines == ['No mark that was there changed since the last run.'] and table(out/'changes.csv') == []
    put(two_weeks/'six', {'Bob.ipynb': week6()})
    _, lines = mark(two_weeks/'six', out, week=6)
    assert lines == ['Marks changed since the last run:', f'Bob {TARGET}: 0 -> 1, marked again']
    change, = table(out/'changes.csv')
    assert (change['student'], change['exercise'], change['before'], change['after']) == ('Bob', TARGET, '0', '1')

def test_a_run_again_writes_the_same_bytes(two_weeks):
    out = two_weeks/'out'
    sums = lambda: {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in [out/'grades.csv', *(out/'feedback').iterdir()]}
    before = sums()
    mark(two_weeks/'six', out, week=6)
    assert sums() == before

def test_every_result_of_every_run_is_kept(two_weeks):
    with Gradebook(two_weeks/'out') as book:
        assert book.db.execute('select week from runs order by run').fetchall() == [(3,), (6,)]
        assert book.db.execute('select count(*) from results').fetchone() == (4,)
    put(two_weeks/'six', {'Bob.ipynb': week6()})
    mark(two_weeks/'six', two_weeks/'out', week=6)
    with Gradebook(two_weeks/'out') as book:
        assert book.db.execute('select count(*) from results').fetchone() == (5,)
        assert book.db.execute('select count(*) from seen where run = 3').fetchone() == (2,)

def test_the_newest_submission_counts_and_the_older_are_named(tmp_path):
    put(tmp_path/'in', {'lopezana_1_6789_w6.ipynb': week6(), 'lopezana_1_6790_w6-1.ipynb': week6(WRONG)})
    row, = mark(tmp_path/'in', tmp_path/'out', week=6)[0]
    assert row['others'] == ['lopezana_1_6789_w6.ipynb']
    r, = table(tmp_path/'out'/'grades.csv')
    assert r[TARGET] == '0' and 'older, not counted: lopezana_1_6789_w6.ipynb' in r['note']

def test_two_calls_at_once_are_one_clear_line(two_weeks):
    out = two_weeks/'out'
    before = (out/'grades.csv').read_bytes()
    with at_work(out):
        for verb in (['grade', two_weeks/'six', '--out', out, '--trust'], ['gradebook', out, '--unset', 'Ada', TARGET]):
            done = course_labs(*verb)
            assert done.returncode == 1 and 'another call is at work' in done.stderr.splitlines()[-1], done.stderr
    assert (out/'grades.csv').read_bytes() == before

def test_decisions_at_once_are_all_there(two_weeks):
    "Each waits its turn or is refused in a line; none is lost and none stands in part"
    out = two_weeks/'out'
    def one(i):
        until = time.monotonic() + 120
        while time.monotonic() < until:
            try: return decide(out, [], [('Ada', f'week {i}', f'comment {i}')])
            except CourseError as e: assert 'another call' in str(e)
            time.sleep(.01)
        raise AssertionError(f'comment {i} never had its turn')
    with ThreadPoolExecutor(4) as pool: list(pool.map(one, range(1, 9)))
    with Gradebook(out) as book: assert book.db.execute('select count(*) from comments').fetchone() == (8,)

@pytest.mark.parametrize('args, says', [
    (['--set', 'Cem', TARGET, '1', '--why', 'x'], "no student 'Cem'"), (['--set', 'Ada', TARGET, '9', '--why', 'x'], 'gives 0 to 1 points, not 9'),
    (['--set', 'Ada', TARGET, '1'], 'say why Ada gets 1'), (['--set', 'Ada', 'w6.nothing', '1', '--why', 'x'], "no exercise 'w6.nothing'"),
    (['--set', 'Ada', TARGET, 'one', '--why', 'x'], "'one' is no number"), (['--set', 'Ada', TARGET, 'nan', '--why', 'x'], 'gives 0 to 1 points, not nan'),
    (['--csv', 'no.csv'], 'no.csv cannot be read')])
def test_a_decision_that_cannot_be_is_one_clear_line(two_weeks, args, says):
    before = (two_weeks/'out'/'grades.csv').read_bytes()
    done = course_labs('gradebook', two_weeks/'out', *args)
    assert done.returncode == 1 and says in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr
    assert (two_weeks/'out'/'grades.csv').read_bytes() == before

def test_the_verb_shows_and_decides(two_weeks):
    out = two_weeks/'out'
    (two_weeks/'many.csv').write_text(f'student;exercise;points;why\nBob;{TARGET};0,5;partly\nAda;w3.conv_size;0;copied\n')
    done = course_labs('gradebook', out, '--csv', two_weeks/'many.csv')
    assert done.returncode == 0 and f'Bob {TARGET}: 0 -> 0.5, by hand: partly' in done.stdout, done.stdout + done.stderr
    done = course_labs('gradebook', out, '--show', 'Bob')
    assert f'{TARGET}  0.5 of 1  set by hand  by hand, not 0: partly' in done.stdout and 'Ada' not in done.stdout
    assert len(shown(out)) == 4 and '--unset' in course_labs('gradebook', '--help').stdout

def test_a_folder_of_an_earlier_version_keeps_its_table(tmp_path):
    put(tmp_path/'out', {'grades.csv': 'student,lab\nAda,week03_cnn\n'})
    _, lines = mark(put(tmp_path/'in', {'Ada.ipynb': week6()}), tmp_path/'out')
    assert 'older than the gradebook' in lines[0] and (tmp_path/'out'/'grades.edited-1.csv').exists()

def test_a_file_that_is_no_gradebook_is_one_clear_line(tmp_path):
    put(tmp_path/'out', {'gradebook.sqlite': 'no database'*100})
    with pytest.raises(CourseError, match='cannot be read as a gradebook'): mark(put(tmp_path/'in', {'Ada.ipynb': week6()}), tmp_path/'out')
    assert not (tmp_path/'out'/'grades.csv').exists()
