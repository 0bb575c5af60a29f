"Student versions: what they hold, what keeps a lab back, and that nbgrader takes them"
import copy, json, os, re, subprocess, sys
from pathlib import Path

import nbformat, pytest

from course_labs.marking import answers
from course_labs.teaching import exercises
from course_labs.marking import release as rel
from course_labs.marking.roster import Student
from course_labs.marking.variant_list import LIST, STUDENTS, VariantList, read_list
from course_labs.core.paths import addresses, lab_notebooks
from course_labs.core.notebooks import INSTALL
from course_labs.core.files import CourseError
from course_labs.running.record import LabRun, Run, write_run

pytest.importorskip('nbgrader', reason='nbgrader is not installed')

BIN = Path(sys.executable).parent
SOLUTION = '''    number_of_positions = size + 2*padding_on_each_side - kernel
    return number_of_positions//stride + 1'''
ANSWER = f'''def positions(size, kernel, stride=1, padding_on_each_side=0):
    "How many places a kernel has"
    ### BEGIN SOLUTION
{SOLUTION}
    ### END SOLUTION'''
CHECK = "check('w3.positions', positions)"

@pytest.fixture(autouse=True)
def own_exercise():
    "An exercise of the test's own"
    @exercises.exercise('w3.positions', concepts=('w3.1',), hints=('Draw it.', 'Count.'), points=3)
    def _(answer, rng):
        for s,k in rng.integers([9, 1], [30, 6], (5, 2)).tolist():
            want, call = (s + 2 - k)//2 + 1, f'positions({s}, {k}, 2, 1)'
            exercises.same(answer(s, k, 2, 1), want, call, 'Where does the kernel end?')
    yield
    del exercises.EXERCISES['w3.positions']

def lab(folder, *cells, week=3, outputs=()):
    "A lab with these code cells"
    new = nbformat.v4
    title, quiz = new.new_markdown_cell('# Week 3: a lab\n\n> About things'), new.new_markdown_cell('## Quiz')
    kernel = dict(name='python3', display_name='python3', language='python')
    cells = [title, *map(new.new_code_cell, cells), quiz]
    nb = new.new_notebook(cells=cells, metadata=dict(kernelspec=kernel))
    for c in nb.cells:
        if c.cell_type != 'code' or not outputs: continue
        c.outputs, c.execution_count = [new.new_output('stream', text=o) for o in outputs], 7
    path = folder/f'week{week:02d}_x.ipynb'
    nbformat.write(nb, path)
    return path

def released(folder, path, **kw):
    "(faults, the released notebook or None)"
    found = rel.release({3: path}, folder/'out', **kw)[3]
    out = folder/'out'/path.name
    return found, json.loads(out.read_text()) if out.exists() else None

def texts(nb): return [answers.cell_text(c) for c in nb['cells']]

def test_solutions_become_stubs_and_everything_else_stays(tmp_path):
    keep = ['import math\nX = 3', '# a comment that stays\nY = 4']
    imports = 'from course_labs.teaching.exercises import check'
    path = lab(tmp_path, keep[0], imports, ANSWER, CHECK, keep[1], outputs=['seen', SOLUTION])
    found, nb = released(tmp_path, path)
    assert found == []
    nbformat.validate(nbformat.from_dict(nb))
    assert all(o in texts(nb) for o in keep) and CHECK in texts(nb) and '## Quiz' in texts(nb)
    stub = next(t for t in texts(nb) if t.startswith('def positions'))
    assert stub == ANSWER.split('    ### BEGIN')[0] + '    raise NotImplementedError()'
    text = json.dumps(nb)
    assert 'number_of_positions' not in text and 'BEGIN SOLUTION' not in text and 'seen' not in text
    code = [c for c in nb['cells'] if c['cell_type'] == 'code']
    assert all(c['execution_count'] is None and c['outputs'] == [] for c in code)

def test_badges_open_the_released_notebook_and_install_from_main(tmp_path):
    _, nb = released(tmp_path, lab(tmp_path, ANSWER, CHECK))
    at, there = addresses(), rel.student_addresses()
    badges = next(t for t in texts(nb) if t.startswith('<!-- badges -->'))
    links = re.findall(r'\]\((https://[^)]*)\)', badges)
    targets = [l for l in links if 'svg' not in l]
    assert there.branch != at.branch
    assert targets == [there.colab('week03_x.ipynb'), there.kaggle('week03_x.ipynb')]
    assert all(f'/{there.branch}/week03_x.ipynb' in l for l in targets)
    assert next(t for t in texts(nb) if t.startswith(INSTALL)).count(at.requirement) == 1
    assert nb['metadata']['course_labs'] == dict(student=True, week=3)

FAILS = ANSWER.replace('//stride', '/stride')
SOLVED = '''    if kernel: return (size + 2*padding_on_each_side - kernel)//stride + 1
    ### BEGIN SOLUTION
'''
TWIN = f'def hidden_copy(size, kernel, stride, padding_on_each_side):\n{SOLUTION}'
COMMENT = 'x = 1 # number_of_positions=size+2*padding_on_each_side-kernel'

@pytest.mark.parametrize('cells, says', [
    ([FAILS, CHECK], 'the solution of w3.positions fails its check: wrong'),
    ([ANSWER.replace('number_of_positions//', 'missing//'), CHECK], 'fails its check: error'),
    ([ANSWER.replace('    ### BEGIN SOLUTION\n', SOLVED), CHECK], "the stub of w3.positions is 'right'"),
    ([ANSWER, CHECK, TWIN], 'the solution of w3.positions is in cell 6'),
    ([ANSWER, CHECK, COMMENT], 'the solution of w3.positions is in cell 6'),
    (["raise ValueError('no data')", ANSWER, CHECK],
     "does not run up to its first exercise: cell 4, section 'start': ValueError: no data"),
    ([ANSWER], 'no check follows'),
    ([ANSWER, CHECK, CHECK], 'checked twice'),
    ([ANSWER + '\nY = 1', CHECK], 'one function or class and nothing else'),
    ([ANSWER.replace('### END SOLUTION', ''), CHECK], 'stands between one'),
    (["check('w3.unknown', positions)"], 'stands after no answer cell')])
def test_a_lab_that_does_not_hold_is_not_released(tmp_path, cells, says):
    found, nb = released(tmp_path, lab(tmp_path, *cells))
    assert nb is None and len(found) >= 1 and says in found[0], found

def test_metadata_and_attachments_are_searched_too(tmp_path):
    lab_nb = json.loads(lab(tmp_path, ANSWER, CHECK).read_text())
    student = rel.student_version(lab_nb, 'week03_x.ipynb', addresses(), rel.student_addresses())
    assert rel.leaks(student, rel.lab_tasks(lab_nb)) == []
    attached = {'x.txt': {'text/plain': SOLUTION}}
    printed = [dict(output_type='stream', text=SOLUTION.splitlines(True))]
    for where, place, change in [('the metadata', lambda nb: nb['metadata'], dict(extra=dict(a=[SOLUTION]))),
                                 ('cell 1', lambda nb: nb['cells'][0], dict(attachments=attached)),
                                 ('cell 5', lambda nb: nb['cells'][4], dict(outputs=printed))]:
        nb = copy.deepcopy(student)
        place(nb).update(change)
        assert rel.leaks(nb, rel.lab_tasks(lab_nb)) == [f'the solution of w3.positions is in {where}']

def test_an_older_release_stays_where_the_new_one_does_not_hold(tmp_path):
    (tmp_path/'out').mkdir()
    (tmp_path/'out'/'week03_x.ipynb').write_text('the old one')
    rel.release({3: lab(tmp_path, ANSWER)}, tmp_path/'out')
    assert (tmp_path/'out'/'week03_x.ipynb').read_text() == 'the old one'

def test_a_lab_that_names_its_module_where_it_stood_before_is_released(tmp_path):
    "Its answers use a name that only that module has"
    call = 'conv_out(size + 2*padding_on_each_side, kernel, stride)'
    path = lab(tmp_path, '#| default_exp cnn', ANSWER.replace('number_of_positions//stride + 1', call), CHECK)
    assert rel.lab_module(json.loads(path.read_text())) == 'course_labs.weeks.cnn'
    assert released(tmp_path, path)[0] == []

def test_each_student_gets_a_version_of_a_lab_that_holds_and_none_of_one_that_does_not(tmp_path):
    class_ = VariantList('a long enough seed', 'canvas', [Student(i, 'Ana Lopez', str(i), {str(i)}) for i in (1, 2)])
    (tmp_path/'bad').mkdir()
    bad, good = lab(tmp_path/'bad', ANSWER, week=4), lab(tmp_path, ANSWER, CHECK)
    found = rel.release({3: good, 4: bad}, tmp_path/'out', execute=False, variants=class_)
    assert found[3] == [] and 'no check follows' in found[4][0]
    files = {s.one: tmp_path/'out'/rel.folder_of(class_, s)/good.name for s in class_.students}
    there = {p for p in (tmp_path/'out').rglob('*') if p.is_file()}
    assert there == {*files.values(), tmp_path/'out'/LIST, tmp_path/'out'/STUDENTS}
    assert read_list(tmp_path/'out'/LIST).made == ['week03_x']
    for s in class_.students:
        nb = json.loads(files[s.one].read_text())
        nbformat.validate(nbformat.from_dict(nb))
        assert answers.variants_of(nb) == [class_.tag('week03_x', s)] and nb['metadata']['course_labs']['variant'] == class_.tag('week03_x', s)
        assert class_.seed not in json.dumps(nb) and 'number_of_positions' not in json.dumps(nb)

def test_where_no_lab_holds_no_list_is_written(tmp_path):
    class_ = VariantList('a long enough seed', 'canvas', [Student(1, 'Ana Lopez', '1', {'1'})])
    rel.release({3: lab(tmp_path, ANSWER)}, tmp_path/'out', execute=False, variants=class_)
    assert not (tmp_path/'out').exists()

def finished_run(folder, path, ok=True):
    folder.mkdir()
    (folder/path.name).write_text(path.read_text())
    write_run(folder, Run('tiny', labs=[LabRun(3, path.name, ok=ok)]))
    return folder

def test_a_finished_run_is_the_proof_where_its_cells_are_the_same(tmp_path, monkeypatch):
    path = lab(tmp_path, 'X = 3', ANSWER, CHECK)
    monkeypatch.setattr(rel, 'runs', lambda *args, **kw: 'it was run')
    assert 'it was run' in released(tmp_path, path)[0][0]
    assert released(tmp_path, path, run_dir=finished_run(tmp_path/'run', path))[0] == []
    failed = finished_run(tmp_path/'failed', path, ok=False)
    assert 'it was run' in released(tmp_path, path, run_dir=failed)[0][0]
    run = finished_run(tmp_path/'other', path)
    path = lab(tmp_path, 'X = 4', ANSWER, CHECK)
    assert 'it was run' in released(tmp_path, path, run_dir=run)[0][0]
    assert 'a run of other cells' in released(tmp_path, path, run_dir=run, execute=False)[0][0]
    write_run(run, Run('tiny'))
    assert released(tmp_path, path, run_dir=run, execute=False)[0] == []

def test_push_sends_one_commit_with_the_released_notebooks_only(tmp_path):
    def git(*args, cwd):
        return subprocess.run(['git', *args], cwd=cwd, capture_output=True, text=True, check=True).stdout
    root, bare = tmp_path/'root', tmp_path/'bare.git'
    root.mkdir()
    git('init', '-q', '--bare', str(bare), cwd=tmp_path)
    git('init', '-q', cwd=root)
    git('remote', 'add', 'origin', str(bare), cwd=root)
    (root/'settings.ini').write_text('[DEFAULT]\nstudent_branch = student\nrepo_url = x\nbranch = main\n')
    path = lab(tmp_path, ANSWER, CHECK)
    released(tmp_path, path)
    for _ in range(2): rel.push_branch(tmp_path/'out', root)
    assert git('ls-tree', '--name-only', 'student', cwd=bare).split() == ['week03_x.ipynb']
    assert git('rev-list', '--count', 'student', cwd=bare).strip() == '1'
    assert git('status', '--short', cwd=root).split() == ['??', 'settings.ini']
    with pytest.raises(CourseError, match='holds no released notebooks'): rel.push_branch(root, root)

def test_nbgrader_takes_and_marks_a_released_notebook(tmp_path):
    "Two of three answers are right: nbgrader's own autograde gives their points"
    path, name = lab_notebooks()[6], 'week06_collab'
    lab_nb = json.loads(path.read_text())
    tasks = answers.lab_tasks(lab_nb)[:3]
    nb = rel.student_version(lab_nb, path.name, addresses(), rel.student_addresses())
    keep = {name(t.id) for t in tasks for name in (answers.answer_id, answers.grade_id)}
    imports = 'import numpy as np\nfrom course_labs.teaching.exercises import check'
    cells = [nbformat.v4.new_code_cell(imports)]
    cells += [c for c in nb['cells'] if c['metadata'].get('nbgrader', {}).get('grade_id') in keep]
    assert len(cells) == 1 + len(keep)
    def put(folder, cells):
        (tmp_path/folder/name).mkdir(parents=True)
        (tmp_path/folder/name/f'{name}.ipynb').write_text(json.dumps(dict(nb, cells=cells)))
    put('source', cells)
    cells = copy.deepcopy(cells)
    solved = {answers.answer_id(t.id): answers.cell_text(lab_nb['cells'][t.answer]) for t in tasks[:2]}
    for c in cells: c['source'] = solved.get(c['metadata'].get('nbgrader', {}).get('grade_id'), c['source'])
    put('submitted/ada', cells)
    names = 'LockCells', 'CheckCellMetadata', 'ComputeChecksums', 'SaveCells'
    steps = [f'nbgrader.preprocessors.{o}' for o in names]
    config = f'c = get_config()\nc.GenerateAssignment.preprocessors = {steps}\n'
    (tmp_path/'nbgrader_config.py').write_text(config)
    env = dict(os.environ, PATH=f"{BIN}{os.pathsep}{os.environ['PATH']}") # it calls alembic
    for verb in ('generate_assignment', 'autograde'):
        cmd = [BIN/'nbgrader', verb, name]
        done = subprocess.run(cmd, cwd=tmp_path, capture_output=True, text=True, env=env)
        assert done.returncode == 0, done.stderr[-2000:]
    from nbgrader.api import Gradebook
    with Gradebook(f'sqlite:///{tmp_path}/gradebook.db') as book:
        found = book.find_submission(name, 'ada')
        points = [exercises.get_exercise(t.id).points for t in tasks]
        assert (found.score, found.max_score) == (sum(points[:2]), sum(points))
        want = {answers.grade_id(t.id): p for t,p in zip(tasks, [*points[:2], 0])}
        assert {g.name: g.auto_score for n in found.notebooks for g in n.grades} == want

@pytest.mark.parametrize('week, path', lab_notebooks(extras=True).items(), ids=lambda o: getattr(o, 'stem', str(o)))
def test_no_solution_of_the_labs_survives_and_no_stub_counts(week, path):
    lab_nb = json.loads(path.read_text())
    tasks = answers.lab_tasks(lab_nb, path.name)
    if not tasks: pytest.skip(f'week {week} has no exercises yet')
    student = rel.student_version(lab_nb, path.name, addresses(), rel.student_addresses())
    assert rel.leaks(student, tasks) == [] and len(rel.leaks(lab_nb, tasks)) >= len(tasks)
    found, _ = answers.statements(student)
    assert all(answers.needed(found, t.name)[0][-1].stub for t in tasks)
