"Marks of essays and short answers join the gradebook, and stay there"
import csv, json, shutil

import pytest

from conftest import one_line
from course_labs import cli as command_line
from course_labs.core.files import CourseError
from course_labs.marking.decisions import decide
from course_labs.marking.essay_marks import join_essays
from course_labs.marking.essays import COLUMNS, criteria, read_answers, rubric_key
from course_labs.teaching.questions import bank

from handed_in import TARGET, WRONG, mark, put, table, week6

SHORT, ESSAY = bank(1, ['short'])[0], bank(1, ['essay'])[0]
FULL = len(criteria(SHORT))
FORMULA = '=HYPERLINK("http://x.test")'

def answered(path, rows):
    with open(path, 'w', encoding='utf-8', newline='') as f: csv.writer(f).writerows([COLUMNS, *rows])
    return path

def saved(path, answers, points, name, comment='', **kw):
    "A file as the page saves it; `points` are those of the first criterion, by student"
    read = read_answers(answers)
    marks = {o.id: dict(points=[points[o.student]] + [0]*(len(criteria(o.question)) - 1), comment=comment) for o in read if o.student in points}
    key = rubric_key({o.question['id']: o.question for o in read}.values())
    path.write_text(json.dumps(dict(version=1, key=key, marker=name, marks=marks, comments={}) | kw), encoding='utf-8')
    return path

@pytest.fixture(scope='module')
def marked(tmp_path_factory):
    "Submissions and results: two students of one name, one of another"
    tmp_path = tmp_path_factory.mktemp('marked')
    put(tmp_path/'in', {'Ana Lopez_17_assignsubmission_file_/w6.ipynb': week6(), 'Ana Lopez_18_assignsubmission_file_/w6.ipynb': week6(WRONG),
                        'Bo Li_19_assignsubmission_file_/w6.ipynb': week6()})
    mark(tmp_path/'in', tmp_path/'out', week=6)
    return tmp_path

@pytest.fixture
def out(marked, tmp_path):
    "A folder of results of the test's own"
    for name in ('in', 'out'): shutil.copytree(marked/name, tmp_path/name)
    return tmp_path/'out'

@pytest.fixture
def answers(tmp_path): return answered(tmp_path/'answers.csv', [('Ana Lopez#18', SHORT['id'], 'a'), ('Bo Li', SHORT['id'], 'b'), (FORMULA, SHORT['id'], 'c')])

def essays(out): return {(r['student'], r['id']): r for r in table(out/'grades.csv') if r['lab'] == 'essays'}
def points(out): return {k: r[SHORT['id']] for k,r in essays(out).items()}
def content(out): return {p.relative_to(out).as_posix(): p.read_bytes() for p in out.rglob('*') if p.is_file() and p.suffix in ('.csv', '.html')}

def test_marks_stand_beside_the_labs_and_stay_when_labs_are_marked_again(tmp_path, out, answers):
    join_essays(out, answers, [saved(tmp_path/'k.json', answers, {'Ana Lopez#18': 1, 'Bo Li': 0}, 'Kim')])
    want = {('Ana Lopez', '18'): '1', ('Bo Li', '19'): '0', ("'" + FORMULA, ''): ''}
    assert points(out) == want
    labs = {k: r for k,r in ((r['id'], r['total']) for r in table(out/'grades.csv') if r['lab'] != 'essays')}
    put(tmp_path/'in', {'Bo Li_19_assignsubmission_file_/w6.ipynb': week6(WRONG)})
    mark(tmp_path/'in', out, week=6)
    assert points(out) == want
    assert {r['id']: r['total'] for r in table(out/'grades.csv') if r['lab'] != 'essays'} == dict(labs, **{'19': '0'})

def test_two_markers_give_their_mean_and_their_agreement(tmp_path, out, answers):
    two = [saved(tmp_path/f'{n}.json', answers, p, n, f'So says {n}.') for n,p in (('Kim', {'Ana Lopez#18': 1, 'Bo Li': 0}), ('Lee', {'Ana Lopez#18': 0, 'Bo Li': 0}))]
    lines = join_essays(out, answers, two)
    assert points(out)['Ana Lopez', '18'] == '0.5'
    # 0 and 1 against 0 and 0: seen (0.5) is what chance gives (0.5), so kappa is 0
    assert f"{SHORT['id']}: Kim and Lee both marked 2, 50 % alike, weighted kappa 0.00" in lines
    assert f"not marked yet (1): {FORMULA} {SHORT['id']}" in lines
    page, = [p.read_text() for p in (out/'feedback').glob('Ana*') if 'So says' in p.read_text()]
    assert 'So says Kim.' in page and 'So says Lee.' in page and f'0.5 of {FULL} points' in page

def test_an_answer_without_marks_is_blank_and_not_zero_and_keeps_what_it_had(tmp_path, out, answers):
    join_essays(out, answers, [saved(tmp_path/'k.json', answers, {'Bo Li': 1}, 'Kim')])
    assert points(out) == {('Ana Lopez', '18'): '', ('Bo Li', '19'): '1', ("'" + FORMULA, ''): ''}
    assert essays(out)['Ana Lopez', '18']['state'] == 'check by hand' and essays(out)['Bo Li', '19']['state'] == 'marked'
    join_essays(out, answers, [saved(tmp_path/'k.json', answers, {'Ana Lopez#18': 1}, 'Kim')])
    assert points(out) == {('Ana Lopez', '18'): '1', ('Bo Li', '19'): '1', ("'" + FORMULA, ''): ''}

def test_a_decision_goes_before_the_markers(tmp_path, out, answers):
    file = saved(tmp_path/'k.json', answers, {'Bo Li': 1}, 'Kim')
    join_essays(out, answers, [file])
    decide(out, [('Bo Li', SHORT['id'], 2., 'looked at it again')])
    join_essays(out, answers, [file])
    assert points(out)['Bo Li', '19'] == '2'
    decide(out, [(FORMULA, SHORT['id'], 1., 'told me')])
    assert points(out)["'" + FORMULA, ''] == '1', 'whoever handed in no lab can be decided about'

def test_a_mark_of_an_essay_typed_into_the_table_is_taken_over(tmp_path, out, answers):
    join_essays(out, answers, [saved(tmp_path/'k.json', answers, {'Bo Li': 1}, 'Kim')])
    rows = table(out/'grades.csv')
    for r in rows:
        if (r['id'], r['lab']) == ('18', 'essays'): r[SHORT['id']] = '1.5'
    with open(out/'grades.csv', 'w', encoding='utf-8', newline='') as f:
        w = csv.DictWriter(f, rows[0])
        w.writeheader()
        w.writerows(rows)
    decide(out, [])
    assert points(out) == {('Ana Lopez', '18'): '1.5', ('Bo Li', '19'): '1', ("'" + FORMULA, ''): ''}

def test_essays_that_came_before_the_lab_find_their_student(tmp_path, out):
    answers = answered(tmp_path/'a.csv', [('Zoe', SHORT['id'], 'a')])
    lines = join_essays(out, answers, [saved(tmp_path/'k.json', answers, {'Zoe': 1}, 'Kim')])
    assert 'in no lab under this name, so with a row of their own (1): Zoe' in lines and ('Zoe', '') in points(out)
    put(tmp_path/'in', {'Zoe_20_assignsubmission_file_/w6.ipynb': week6()})
    mark(tmp_path/'in', out, week=6)
    assert points(out) == {('Zoe', '20'): '1'}

def test_full_marks_of_the_labs_in_the_platform_are_as_before(tmp_path, out, answers):
    sheet = tmp_path/'s.csv'
    sheet.write_text('Identifier,"Full name",Status,Grade,"Maximum grade"\n' + ''.join(f'Participant {i},"{n}",x,,\n' for i,n in ((17, 'Ana Lopez'), (18, 'Ana Lopez'), (19, 'Bo Li'))))
    mark(tmp_path/'in', out, week=6, roster=sheet)
    before = (out/'lms'/'s.csv').read_bytes()
    join_essays(out, answers, [saved(tmp_path/'k.json', answers, {'Bo Li': 1}, 'Kim')])
    mark(tmp_path/'in', out, week=6, roster=sheet)
    assert (out/'lms'/'s.csv').read_bytes() == before

@pytest.mark.parametrize('kw, says', [(dict(key='0'), 'another paper'), (dict(version=2), 'no file of marks'), (dict(marker=''), 'who marked'),
                                      (dict(marks={'x': 3}), 'not in the table'), (dict(marks=[]), 'no file of marks')])
def test_a_file_that_does_not_fit_changes_nothing(tmp_path, out, answers, kw, says):
    before, good = content(out), saved(tmp_path/'good.json', answers, {'Bo Li': 1}, 'Lee')
    with pytest.raises(CourseError) as e: join_essays(out, answers, [good, saved(tmp_path/'bad.json', answers, {}, 'Kim', **kw)])
    one_line(e, 'bad.json', says)
    assert content(out) == before

@pytest.mark.parametrize('data, says', [(b'[' * 100_000, 'no file of marks'), (b'\xff\xfe', 'no file of marks'), (b'student,question,answer', 'no file of marks')])
def test_a_file_that_is_none_is_one_line(tmp_path, out, answers, data, says):
    (tmp_path/'bad.json').write_bytes(data)
    before = content(out)
    with pytest.raises(CourseError) as e: join_essays(out, answers, [tmp_path/'bad.json'])
    one_line(e, 'bad.json', says)
    assert content(out) == before

def test_a_name_that_two_have_is_asked_back(tmp_path, out):
    answers, before = answered(tmp_path/'a.csv', [('Bo Li', SHORT['id'], 'a'), ('Ana Lopez', SHORT['id'], 'b')]), content(out)
    with pytest.raises(CourseError) as e: join_essays(out, answers, [saved(tmp_path/'k.json', answers, {'Bo Li': 1}, 'Kim')])
    one_line(e, 'Ana Lopez#17 or Ana Lopez#18')
    assert content(out) == before

@pytest.mark.parametrize('args, says', [(['gradebook', 'out', '--essays', 'k.json'], 'say both'), (['gradebook', 'out', '--answers', 'answers.csv'], 'say both'),
                                        (['gradebook', 'none', '--answers', 'answers.csv', '--essays', 'k.json'], 'no gradebook in none'),
                                        (['gradebook', 'out', '--answers', 'k.json', '--essays', 'k.json'], 'no column')])
def test_bad_use_is_one_clear_line(tmp_path, monkeypatch, capsys, out, answers, args, says):
    saved(tmp_path/'k.json', answers, {'Bo Li': 1}, 'Kim')
    monkeypatch.chdir(tmp_path)
    assert command_line.main(args) == 1
    err = capsys.readouterr().err
    assert says in err and len(err.splitlines()) == 1 and not (tmp_path/'none').exists()

def test_the_verb_says_what_it_did(tmp_path, monkeypatch, capsys, out, answers):
    saved(tmp_path/'k.json', answers, {'Bo Li': 1}, 'Kim')
    monkeypatch.chdir(tmp_path)
    assert command_line.main(['gradebook', 'out', '--answers', 'answers.csv', '--essays', 'k.json']) == 0
    assert '1 of 3 answers have their marks in grades.csv' in capsys.readouterr().out
    assert TARGET in (out/'grades.csv').read_text().splitlines()[0]
