"Small submissions of week 6 for the tests of what stands around marking"
import csv, json, zipfile

from course_labs.core.paths import lab_notebooks
from course_labs.marking import grade as g
from course_labs.marking.answers import lab_tasks

TARGET = 'w6.n_learnt'
RIGHT = '''def n_learnt(n_users, n_items, user_dim, item_dim, hidden):
    sizes = [user_dim + item_dim, *hidden, 1]
    return n_users*(user_dim + 1) + n_items*(item_dim + 1) + sum((a + 1)*b for a,b in zip(sizes, sizes[1:]))
'''
WRONG = 'def n_learnt(*args): return 1 < 0'
SIZE_RIGHT = 'def conv_size(size, kernel, stride=1, pad=0, dilation=1):\n    return (size + 2*pad - dilation*(kernel - 1) - 1)//stride + 1\n'

def notebook(*cells): return json.dumps(dict(cells=[dict(cell_type='code', source=c, metadata={}, outputs=[], execution_count=None) for c in cells], metadata={}, nbformat=4, nbformat_minor=5))
def week6(answer=RIGHT): return notebook(answer, f"check('{TARGET}', n_learnt)")
def week3(answer=SIZE_RIGHT): return notebook(answer, "check('w3.conv_size', conv_size)")

def put(folder, files):
    for name, text in files.items():
        (folder/name).parent.mkdir(parents=True, exist_ok=True)
        (folder/name).write_text(text, encoding='utf-8')
    return folder

def zipped(path, files):
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, 'w') as z:
        for name, text in files.items(): z.writestr(name, text)
    return path

def mark(folder, out, **kw):
    "(rows, lines) of a marking without a sandbox: these answers are ours"
    lines = []
    return g.grade(folder, out, trust=True, say=lines.append, **kw), lines

def table(path):
    with open(path, encoding='utf-8', newline='') as f: return list(csv.DictReader(f))

def full6(answer=None):
    "The lab itself, with another answer to one exercise: all of it can be marked"
    nb = json.loads(lab_notebooks()[6].read_text(encoding='utf-8'))
    cell = next(t.answer for t in lab_tasks(nb) if t.id == TARGET)
    if answer: nb['cells'][cell]['source'] = answer
    return json.dumps(nb)
