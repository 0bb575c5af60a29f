"Labs are lessons: what a reader meets stays inside a budget, and each prediction is answered"
import ast, builtins, json, re, sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from lesson import BUDGET, NEVER, before_summary, is_read, measure, over  # noqa: E402

from course_labs.core.paths import lab_notebooks
from course_labs.teaching.predictions import predictions

MEASURED = 1, 2, 3, 4, 5, 6, 7, 8 # Weeks whose lab is measured: all of them
EXEMPT = {8: {'first_training'}}
each_lesson = pytest.mark.parametrize('week', MEASURED)

NOTEBOOKS = lab_notebooks(extras=True)
EXTRAS = [k for k in NOTEBOOKS if isinstance(k, str)]
# An extra is shorter than a lab, and no less readable
OF_EXTRAS = 'longest_line', 'median_cell', 'longest_cell', 'asserts', 'words_per_code_line'

def lab_of(name): return json.loads(Path(NOTEBOOKS[name]).read_text(encoding='utf-8'))
def code_of(name): return [s for c,s in before_summary(lab_of(name)) if is_read(c, s)]
def names_of(week): return [k for k in NOTEBOOKS if int(str(k).split()[0]) == week] # A lab and its extras

@each_lesson
def test_budget(week):
    budget = {k: v for k,v in BUDGET.items() if k not in EXEMPT.get(week, ())}
    assert list(over(measure(lab_of(week)), budget)) == []

@pytest.mark.parametrize('name', EXTRAS)
def test_budget_of_an_extra(name):
    budget = {k: BUDGET[k] for k in OF_EXTRAS} | dict(predictions=(1, None), exercises=(1, None))
    assert list(over(measure(lab_of(name)), budget)) == []

@each_lesson
def test_every_prediction_is_asked_once_and_answered_later(week):
    cells = [s for name in names_of(week) for s in code_of(name)]
    def places(verb): return {m[1]: i for i,s in enumerate(cells) for m in re.finditer(rf"lab\.{verb}\('([\w.]+)'", s)}
    asked, answered = places('predict'), places('outcome')
    assert list(asked) == list(answered) == list(predictions(week))
    assert all(asked[k] < answered[k] for k in asked)

@pytest.mark.parametrize('name', [*MEASURED, *EXTRAS])
def test_every_check_stands_right_behind_its_answer(name):
    cells = code_of(name)
    behind = {m[1]: cells[i-1] for i,s in enumerate(cells) if (m := re.match(r"check\('w\d+\.(\w+)'", s))}
    assert [k for k,before in behind.items() if '### BEGIN SOLUTION' not in before] == []

@pytest.mark.parametrize('name', [*MEASURED, *EXTRAS])
def test_every_name_of_the_students_version_is_made_in_it(name):
    "What a hidden cell imports or defines is not there for the student"
    cells = [''.join(c['source']) for c in lab_of(name)['cells'] if c['cell_type'] == 'code']
    shown = [re.sub(r'^(\s*)[%!].*$', r'\1pass', s, flags=re.M) for s in cells if not re.match(r'#\s*\|\s*hide', s)]
    nodes = [n for s in shown for n in ast.walk(ast.parse(s))]
    made = {n.id for n in nodes if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}
    made |= {n.name for n in nodes if isinstance(n, (ast.FunctionDef, ast.ClassDef, ast.ExceptHandler))}
    made |= {n.arg for n in nodes if isinstance(n, ast.arg)}
    made |= {(a.asname or a.name).split('.')[0] for n in nodes if isinstance(n, (ast.Import, ast.ImportFrom)) for a in n.names}
    used = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    assert used - made - set(dir(builtins)) - {'__file__', 'get_ipython', 'display'} == set()

def cell(text, kind='code'): return dict(cell_type=kind, source=[text])

def test_what_is_measured():
    nb = dict(cells=[cell('# Week', 'markdown'), cell('#| default_exp weeks.x'), cell('#| hide\nassert 1'), cell('a = 1\n\nassert a'),
                     cell("lab.predict('w1.p1')"), cell('net = train(3)\nplt.plot(net)'), cell("check('w1.x', f)"),
                     cell('## Summary', 'markdown'), cell('x = 1')])
    found = measure(nb)
    assert found == dict(code_lines=6, visible_cells=4, median_cell=1.5, longest_cell=2, longest_line=len("lab.predict('w1.p1')"), first_picture=3,
                         first_training=3, predictions=1, exercises=1, first_exercise_share=1., asserts=1, words_per_code_line=round(2/6, 1))
    assert [o.split(':')[0] for o in over(found)] == ['predictions', 'exercises', 'first_exercise_share', 'asserts', 'words_per_code_line']
    assert measure(dict(cells=[]))['first_training'] == NEVER
