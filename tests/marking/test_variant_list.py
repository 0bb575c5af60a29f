"Numbers of one's own: the same from the same seed everywhere, in files that are safe, and whose variant came back"
import codecs, csv, io, json, os, subprocess, sys, tempfile, unicodedata
from pathlib import Path

import nbformat, pytest
from hypothesis import given, settings, strategies as st

from conftest import one_line
from course_labs import cli as command_line
from course_labs.core.files import CourseError
from course_labs.core.notebooks import cell_text
from course_labs.core.paths import addresses, lab_notebooks
from course_labs.marking import release as rel, variant_list as V
from course_labs.marking.class_report import class_report
from course_labs.marking.exam_papers import papers_of, write_exam
from course_labs.marking.roster import Roster
from course_labs.teaching import exercises
from course_labs.teaching.exams import exam
from course_labs.teaching.kinds import kind_of
from course_labs.teaching.own import own_numbers

from handed_in import WRONG, mark, put, table, week6

SEED = 'correct horse battery'
LAB = lab_notebooks()[6].stem
HEAD = 'Student', 'ID', 'SIS User ID', 'SIS Login ID', 'Section', 'Week 6 (991)'
CLASS = ('Lopez, Ana', '12'), ('Li, Bo', '13'), ('Lopez, Ana', '14')

def roster(path, people=CLASS, delimiter=',', encoding='utf-8', head=HEAD):
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows([head, *([n, i, f's{i}', f'login{i}', 'A', ''] for n,i in people)])
    path.write_bytes(text.getvalue().encode(encoding))
    return path

@pytest.fixture
def listed(tmp_path):
    "A list of three students, two of one name, to whom the lab of week 6 was handed out"
    v = V.variant_list(tmp_path/'rel', roster(tmp_path/'roster.csv'), SEED)
    v.save(tmp_path/'rel', [LAB], {s.one: v.file_name(s) for s in v.now})
    return V.read_list(tmp_path/'rel'/V.LIST)

def tags(v, what=LAB): return {s.one: v.tag(what, s) for s in v.students}

# ---- The same numbers everywhere

NAMES = st.text(st.characters(codec='utf-8', exclude_characters='\x00\r\n'), max_size=60)
PEOPLE = st.lists(st.tuples(NAMES, st.from_regex(r'[0-9]{1,9}', fullmatch=True)), min_size=1, max_size=8, unique_by=lambda o: o[1])

@settings(max_examples=30, deadline=None)
@given(PEOPLE, st.randoms(use_true_random=False), st.text(min_size=12, max_size=40).filter(lambda t: not any(map(lambda c: unicodedata.category(c) == 'Cs', t))))
def test_numbers_follow_from_seed_and_student_alone(people, rand, seed):
    "Not from the order of the roster, from who else is in it, or from how the file is written"
    people = [(n, i) for n,i in people if n.strip() != 'Student, Test']
    if not people: return
    other = people[:-1] + [('Somebody Else', '1234567890')]
    rand.shuffle(other)
    with tempfile.TemporaryDirectory() as d:
        d = Path(d)
        a = V.variant_list(d/'a', roster(d/'a.csv', people), seed)
        b = V.variant_list(d/'b', roster(d/'b.csv', other, ';', 'utf-8-sig'), seed)
    mine, others = tags(a), tags(b)
    assert {k: v for k,v in mine.items() if k in others} == {k: v for k,v in others.items() if k in mine}
    assert len({*mine.values()}) == len(mine)

@settings(max_examples=50, deadline=None)
@given(PEOPLE)
def test_file_names_are_safe_and_each_is_of_one_student(people):
    v = V.VariantList(SEED, 'canvas', [V.Student(0, n, i, {i}) for n,i in people])
    names = [v.file_name(s) for s in v.students]
    assert len({unicodedata.normalize('NFD', n).casefold() for n in names}) == len(names)
    for n in names:
        assert not set(n) & set('/\\:*?"<>|.') and len(n.encode()) < 200 and n.isprintable() and n[0] not in '- '

def test_latin_1_with_semicolons_is_the_same_roster(tmp_path):
    people = [('Ünal, Zoé', '7'), ('Li, Bo', '8')]
    found = [tags(V.variant_list(tmp_path/str(i), roster(tmp_path/f'{i}.csv', people, *how), SEED))
             for i,how in enumerate(((',', 'utf-8'), (';', 'latin-1'), ('\t', 'utf-16'), (',', 'utf-8-sig')))]
    assert found == found[:1]*4

def test_another_seed_lab_or_student_is_another_variant(listed):
    other = V.VariantList('another long seed', listed.kind, listed.students)
    every = [*tags(listed).values(), *tags(listed, 'exam 7').values(), *tags(other).values()]
    assert len({*every}) == 9

def test_papers_of_another_process_are_the_same_bytes(tmp_path):
    write_exam([1, 2], '7.2', 30, 0, out=tmp_path/'a', roster=roster(tmp_path/'a.csv'), seed=SEED)
    cmd = ['exam', '--week', '1', '--week', '2', '--paper', '7.2', '--minutes', '30', '--essays', '0', '--out', tmp_path/'b', '--seed', SEED]
    cmd += ['--roster', roster(tmp_path/'b.csv', CLASS[::-1], ';', 'latin-1')]
    done = subprocess.run([str(o) for o in (Path(sys.executable).parent/'course-labs', *cmd)], capture_output=True, text=True,
                          env=dict(os.environ, PYTHONHASHSEED='7'))
    assert done.returncode == 0, done.stderr
    read = lambda d: {p.name: p.read_bytes() for p in (tmp_path/d/'papers').iterdir()}
    assert read('a') == read('b') and len(read('a')) == 3

# ---- Exam papers

def written(paper): # What somebody writes on a paper who knows everything
    def answer(q):
        kind = kind_of(q)
        key = kind.as_shown(kind.key(), paper.rows_seed)
        return str(key) if q['kind'] == 'numeric' else ' '.join('ABCDEFGH'[k] for k in ([key] if isinstance(key, int) else key))
    return {q['id']: answer(q) for q in paper.questions if kind_of(q).closed}

def test_a_paper_is_marked_with_its_own_numbers(listed):
    papers = papers_of(exam(seed=7), listed)
    full = [sum(p.marked(written(p)).values()) for p in papers]
    assert full == [sum(kind_of(q).marks for q in p.questions if kind_of(q).closed) for p in papers]
    assert all(sum(p.marked(written(o)).values()) < f for p,f in zip(papers, full) for o in papers if o is not p)

def test_papers_hold_neither_answers_nor_what_gives_numbers_away(tmp_path):
    write_exam(number='7', out=tmp_path, roster=roster(tmp_path/'r.csv'), seed=SEED)
    v = V.read_list(tmp_path/V.LIST)
    secrets = [SEED, *tags(v, 'exam 7').values()]
    key = (tmp_path/'exam7_key.html').read_text(encoding='utf-8')
    for s, p in zip(v.students, papers_of(exam(seed=7), v)):
        text = (tmp_path/'papers'/f'exam7_{v.file_name(s)}.html').read_text(encoding='utf-8')
        assert not [o for o in secrets if o in text] and 'class="fb"' not in text and 'class="right"' not in text and '✓' not in text
        assert f'Name: {s.name}' in text and f'Number: {s.one}' in text
        assert not [q['id'] for q in p.questions if q['kind'] == 'numeric' and q['right'] in text]
        assert f'{s.name} ({s.one})</h2>' in key

def test_students_of_one_name_have_two_papers_and_hostile_names_stay_text(tmp_path):
    people = [*CLASS, ('=HYPERLINK("http://x.test")', '15'), ('</h2><script>alert(1)</script>', '16'), ('../../x', '17'), ('', '18')]
    write_exam([1], '3', 20, 0, out=tmp_path/'out', roster=roster(tmp_path/'r.csv', people), seed=SEED)
    files = sorted(p.relative_to(tmp_path/'out').as_posix() for p in (tmp_path/'out').rglob('*') if p.is_file())
    assert len(files) == len(people) + 3 and all(f.startswith('papers/') or '/' not in f for f in files)
    assert not [f for f in files if f.endswith('.html') and '<script' in (tmp_path/'out'/f).read_text(encoding='utf-8')]
    rows = table(tmp_path/'out'/V.STUDENTS)
    assert {r['file'] for r in rows} == {f for f in files if f.startswith('papers/')}
    assert [r['student'][0] for r in rows if r['id'] == '15'] == ["'"]

# ---- Labs

def test_a_students_version_differs_in_its_cell_and_tag_alone():
    lab = json.loads(lab_notebooks()[6].read_text(encoding='utf-8'))
    plain = rel.student_version(lab, 'x.ipynb', addresses(), rel.student_addresses())
    before = json.dumps(plain)
    own = rel.own_version(plain, '00112233aabbccdd')
    nbformat.validate(nbformat.from_dict(own))
    assert json.dumps(plain) == before, 'everybody\'s version stays as it was'
    assert [c for c in own['cells'] if c['id'] != 'own-numbers'] == [c for c in plain['cells'] if c['id'] != 'badges']
    assert own['metadata'] == dict(plain['metadata'], course_labs=dict(plain['metadata']['course_labs'], variant='00112233aabbccdd'))

def test_checks_of_a_students_version_try_inputs_of_its_own(listed):
    "What a wrong answer is told of the inputs that a check draws"
    @exercises.exercise('w6.made_up', concepts=('w6.1',), hints=('Draw it.', 'Count.'))
    def _(answer, rng):
        for x in rng.integers(10**6, size=3).tolist(): exercises.same(answer(x), 2*x, f'double({x})')
    def told(): return exercises.check('w6.made_up', lambda x: x).message
    def tried(tag):
        "The message on a wrong answer, after the cell of the notebook has run"
        nb = rel.own_version(dict(cells=[], metadata=dict(course_labs={})), tag)
        try:
            exec(cell_text(nb['cells'][0]), {})
            return told()
        finally: own_numbers()
    everybody = told()
    found = [tried(t) for t in tags(listed).values()]
    assert found == [tried(t) for t in tags(listed).values()], 'the same at each call'
    assert len({everybody, *found}) == 4
    assert told() == everybody
    del exercises.EXERCISES['w6.made_up']

# ---- Whose variant came back

def tagged(tag, answer=None):
    nb = json.loads(week6(answer) if answer else week6())
    if tag: nb['metadata'] = dict(course_labs=dict(student=True, week=6, variant=tag))
    return json.dumps(nb)

def test_a_classmates_variant_is_named_and_nobody_is_judged(tmp_path, listed):
    t = tags(listed)
    files = {'lopezana_12_9001_w6.ipynb': tagged(t['12']), 'libo_13_9002_w6.ipynb': tagged(t['14'], WRONG), 'lopezana_14_9003_w6.ipynb': tagged('')}
    put(tmp_path/'in', files)
    for _ in range(2): # again: the same
        rows, lines = mark(tmp_path/'in', tmp_path/'out', week=6, roster=tmp_path/'roster.csv', variants=tmp_path/'rel'/V.LIST)
        page = (tmp_path/'out'/'class.html').read_bytes()
        first = locals().get('first', page)
    assert page == first
    looks = {r['id']: r['look'] for r in rows}
    assert looks == {'12': '', '13': f'carries the variant of Ana Lopez (14): {V.LOOK_AT}', '14': 'carries no variant'}
    notes = {r['id']: r['note'] for r in table(tmp_path/'out'/'grades.csv')}
    assert looks['13'] in notes['13'] and looks['14'] in notes['14'] and 'variant' not in notes['12']
    assert 'carries the variant of Ana Lopez (14)' in page.decode() and 'Ask before you conclude' in page.decode()
    assert [l for l in lines if 'variant' in l.split('/')[0]] == [f"Bo Li (13) {looks['13']}", 'carry no variant (1): Ana Lopez (14)']
    for p in (tmp_path/'out'/'feedback').glob('*.html'): assert 'variant' not in p.read_text(encoding='utf-8'), p.name
    plain, _ = mark(tmp_path/'in', tmp_path/'without', week=6)
    points = lambda rows: {r['id']: [(m['state'], m['points']) for m in r['exercises']] for r in rows}
    assert points(plain) == points(rows), 'a variant changes no mark'

@pytest.mark.parametrize('said, says', [('feedfeedfeedfeed', 'was not handed out'), (['x'], 'was not handed out'), (None, 'was not handed out'), ('own cell', 'carries the variant of Bo Li')])
def test_an_unknown_tag_and_a_cell_of_somebody_else_are_said(tmp_path, listed, said, says):
    nb = json.loads(tagged('feedfeedfeedfeed'))
    nb['metadata']['course_labs']['variant'] = said
    if said == 'own cell': # the metadata are one's own, the cell came from somebody
        nb['metadata']['course_labs']['variant'] = tags(listed)['12']
        nb['cells'].insert(0, dict(nb['cells'][0], source=f"own_numbers('{tags(listed)['13']}')"))
    put(tmp_path/'in', {'lopezana_12_9001_w6.ipynb': json.dumps(nb)})
    rows, _ = mark(tmp_path/'in', tmp_path/'out', week=6, variants=tmp_path/'rel'/V.LIST)
    assert says in rows[0]['look']

def test_of_labs_without_variants_nothing_is_said(tmp_path, listed):
    put(tmp_path/'in', {'lopezana_12_9001_w6.ipynb': tagged('')})
    rows, lines = mark(tmp_path/'in', tmp_path/'out', week=6)
    assert not any('variant' in l.split('/')[0] for l in lines) and 'look' not in rows[0]
    listed.made = []
    listed.save(tmp_path/'rel', ['week03_cnn'], {s.one: '' for s in listed.now})
    rows, lines = mark(tmp_path/'in', tmp_path/'out', week=6, variants=tmp_path/'rel'/V.LIST)
    assert rows[0]['look'] == '' and not any('variant' in l.split('/')[0] for l in lines)

def test_tags_without_a_list_are_pointed_out(tmp_path, listed):
    put(tmp_path/'in', {'lopezana_12_9001_w6.ipynb': tagged(tags(listed)['12'])})
    _, lines = mark(tmp_path/'in', tmp_path/'out', week=6)
    assert [l for l in lines if 'variant' in l.split('/')[0]] == ['1 notebooks carry a variant: --variants FILE, written by release --roster, says whose']

def test_two_of_one_name_are_told_apart_by_what_both_tables_of_moodle_have(tmp_path):
    "Variants from the gradebook, which knows addresses; marks for a worksheet, which knows participants too"
    (tmp_path/'book.csv').write_text('First name,Last name,Email address\nAna,Lopez,a@x.test\nAna,Lopez,b@x.test\n')
    (tmp_path/'sheet.csv').write_text('Identifier,Full name,Email address,Status,Grade,Maximum grade\n'
                                      'Participant 17,Ana Lopez,a@x.test,,,\nParticipant 18,Ana Lopez,b@x.test,,,\n')
    v, sheet = V.variant_list(tmp_path/'rel', tmp_path/'book.csv', SEED), Roster(tmp_path/'sheet.csv')
    v.made = [LAB]
    a, b = v.students
    row = dict(student='Ana Lopez', id='17', platform='moodle', lab=LAB, exercises=[1])
    says = lambda tag, *student: V.looks(v, dict(row, variants=[tag]), *student)
    assert says(v.tag(LAB, a), sheet.students[0]) == '' and 'Ana Lopez (b@x.test)' in says(v.tag(LAB, b), sheet.students[0])
    assert says(v.tag(LAB, a)) == says(v.tag(LAB, b)) == '', 'by name alone nobody is named'

def test_names_in_what_is_said_of_variants_stay_text():
    hostile = '<script>alert(1)</script>'
    row = dict(student=hostile, id='', file='a.ipynb', lab=LAB, week=6, state='marked', note='', exercises=[], look=f'carries the variant of {hostile}')
    assert '<script' not in class_report([row], given={}) and class_report([row], given={}).count('&lt;script&gt;') == 2
    assert 'id="variants"' not in class_report([dict(row, look='')], given={})

# ---- Bad input

BAD = {'missing column': (dict(head=(*HEAD[:4], 'Class', 'Week 6')), "lacks the column 'section'"),
       'two rows of one student': (dict(people=[*CLASS, ('Li, B.', '13')]), 'stands in it twice'),
       'of another course': (dict(people=[('Other, One', '99')]), 'Is it the table of another course'),
       'no students': (dict(people=[]), 'holds no students')}

@pytest.mark.parametrize('case', BAD)
@pytest.mark.parametrize('how', [dict(), dict(delimiter=';', encoding='latin-1')], ids=['commas', 'latin-1, semicolons'])
def test_a_roster_that_cannot_be_is_one_line_and_nothing_is_written(tmp_path, listed, case, how):
    "Where variants were handed out before, so that a roster of another course can be told"
    kw, says = BAD[case]
    bad, before = roster(tmp_path/'bad.csv', **kw, **how), (tmp_path/'rel'/V.LIST).read_bytes()
    with pytest.raises(CourseError) as e: write_exam(number='7', out=tmp_path/'rel', roster=bad)
    one_line(e, says, 'bad.csv')
    assert (tmp_path/'rel'/V.LIST).read_bytes() == before and sorted(p.name for p in (tmp_path/'rel').iterdir()) == [V.STUDENTS, V.LIST]

@pytest.mark.parametrize('args, says', [
    (['release', '--roster', 'none.csv'], 'none.csv cannot be read'), (['release', '--seed', SEED], 'say both'),
    (['release', '--push', '--roster', 'roster.csv'], 'leave out --roster'), (['release', '--roster', 'roster.csv', '--seed', '7'], 'can be guessed'),
    (['exam', '--roster', 'roster.csv', '--seed', 'short'], 'can be guessed'), (['exam', '--paper', 'seven', '--roster', 'roster.csv'], 'is no paper'),
    (['exam', '--week', '99'], '99'), (['exam', '--minutes', '5'], '20 to 240'),
    (['grade', 'in', '--trust', '--variants', 'roster.csv'], 'roster.csv is no list of variants'), (['grade', 'in', '--trust', '--variants', 'none.json'], 'cannot be read')])
def test_bad_use_is_one_clear_line(tmp_path, monkeypatch, capsys, args, says):
    roster(tmp_path/'roster.csv')
    put(tmp_path/'in', {'a_1_9005_w6.ipynb': week6()})
    monkeypatch.chdir(tmp_path)
    status = command_line.main(args)
    lines = [l for l in capsys.readouterr().err.splitlines() if 'Warning' not in l]
    assert status == 1 and len(lines) == 1 and says in lines[0], lines
    assert sorted(p.name for p in tmp_path.iterdir()) == ['in', 'roster.csv']

def test_a_list_of_another_course_is_refused_before_anything_is_marked(tmp_path, listed):
    put(tmp_path/'in', {'xuda_77_9004_w6.ipynb': week6()})
    with pytest.raises(CourseError) as e: mark(tmp_path/'in', tmp_path/'out', week=6, variants=tmp_path/'rel'/V.LIST)
    one_line(e, 'variants.json', 'another course')
    assert not (tmp_path/'out').exists()

@pytest.mark.parametrize('data', [b'', b'[]', b'{}', b'['*100_000, '{"version": 1}'.encode('utf-16'), codecs.BOM_UTF8 + b'{"version": 2}', b'{"version": 1, "seed": 3, "kind": "", "made": [], "students": []}'])
def test_a_list_that_is_none(tmp_path, data):
    (tmp_path/'v.json').write_bytes(data)
    with pytest.raises(CourseError) as e: V.read_list(tmp_path/'v.json')
    one_line(e, 'v.json is no list of variants')
