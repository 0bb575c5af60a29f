"""A seeded class that hands in by five platforms, with weak items, copies, late and double work and hostile students planted

    python tests/marking/class_of.py 200        # the whole of it, with two jobs: seconds a submission, and what was found

Its students are split among Moodle, Canvas, Gradescope, Blackboard and Classroom. Everybody hands in week 6 with the
course's own answers, which are no copies of each other; what is planted differs from them. `problems` says what a
marking did not find, in sentences."""
import argparse, csv, json, random, re, sys, time, zipfile
from dataclasses import dataclass, field
from pathlib import Path

from bs4 import BeautifulSoup

from copies import disguised, independent
from course_labs.core.paths import lab_notebooks
from course_labs.marking import grade as g
from course_labs.marking.answers import cell_text, lab_tasks
from course_labs.teaching.exercises import get_exercise

WEEK, WEAK, COPIED = 6, 'w6.n_learnt', 'w6.average_precision'
PLATFORMS = 'moodle', 'canvas', 'gradescope', 'blackboard', 'classroom'
FIRST, LAST = 'Ana Bo Cem Dee Eva Finn Gül Hana Ivo Jun Kim Lea Max Nia Oz Pia'.split(), 'Abel Berg Cruz Diaz Eder Fux Gast Hahn'.split()
HOSTILE_NAME = '=HYPERLINK("x") <script>alert(1)</script>'
HOSTILE_CODE = '''def n_learnt(*args):
    import os
    for path in ("/etc/passwd", os.path.expanduser("~/.ssh/id_rsa")):
        try: open(path).read()
        except OSError: pass
    raise ValueError('<img src=x onerror=alert(2)> \\u202e=1+1')
'''
WRONG = 'def n_learnt(n_users, n_items, user_dim, item_dim, hidden): return n_users + n_items\n'
LATE = 'per_day = 10\ngrace = 15\n[due]\n6 = 2026-11-20T12:00:00\n'
IN_TIME, TOO_LATE = '2026-11-19-10-00-00', '2026-11-21-18-00-00' # More than a day behind

@dataclass
class Student:
    name:str
    id:str
    answers:dict=field(default_factory=dict) # Id of an exercise: code, where it is not the course's own
    late:bool=False
    before:bool=False  # Has handed in once before, with WRONG
    file:str='ipynb'   # 'pdf', or '' for nothing

@dataclass
class Class:
    platform:str
    students:list
    pair:tuple    # Names of two whose answers are alike

def lab():
    "Id: (code of the course's own answer, of its check)"
    nb = json.loads(lab_notebooks()[WEEK].read_text(encoding='utf-8'))
    code = lambda i: cell_text(nb['cells'][i])
    return {t.id: (code(t.answer), code(t.check)) for t in lab_tasks(nb)}

def handed_in(tasks, answers):
    cell = lambda text: dict(cell_type='code', source=text, metadata={}, outputs=[], execution_count=None)
    own = [c for id,(answer,check) in tasks.items() for c in ('import math\nimport numpy as np', answers.get(id, answer), check)]
    return json.dumps(dict(cells=[cell(c) for c in own], metadata={}, nbformat=4, nbformat_minor=5))

def made(n:int, seed:int=0) -> list: # Of `Class`
    "A class of `n` students, at least 8 for each platform"
    rng, alike = random.Random(seed), independent()['average_precision']
    names = [f'{a} {b}' for a in FIRST for b in LAST]
    names = rng.sample(names + [f'{o} II' for o in names], n)
    res = []
    for k,platform in enumerate(PLATFORMS):
        ids = rng.sample(range(1000, 9999), n//len(PLATFORMS))
        some = [Student(names.pop(), str(i)) for i in ids]
        for i,s in enumerate(some):
            if i % 3: s.answers[WEAK] = WRONG # two thirds do not know it
        a, b = some[0], some[3]
        a.answers[COPIED] = alike[k]
        b.answers[COPIED] = disguised(alike[k], 'renamed')
        some[1].late, some[2].before, some[4].file, some[5].file = True, True, 'pdf', ''
        some[2].answers = {}
        some[6].answers[WEAK] = HOSTILE_CODE
        if platform in ('moodle', 'gradescope'): some[6].name = HOSTILE_NAME.replace('/', '') if platform == 'moodle' else HOSTILE_NAME
        if platform == 'moodle': some[7].name = some[3].name # two students of one name
        res.append(Class(platform, some, (a.name, b.name)))
    return res

# --- what the platforms give out ------------------------------------------------------------------------------------
def login(s): return re.sub('[^a-z]', '', s.name.lower().replace('ü', 'u')) or 'x'

def place(platform, s, before=False):
    "Where a hand-in lies in the platform's export"
    name = f'week06_collab.{s.file}'
    when = IN_TIME.replace('10-', '09-', 1) if before else TOO_LATE if s.late else IN_TIME
    late = 'LATE_' if s.late else ''
    match platform:
        case 'moodle': return f'{s.name}_{s.id}_assignsubmission_file_/' + ('older/' if before else '') + name
        case 'canvas': return f'{login(s)}_{late}{s.id}_{90000 + 2*int(s.id) - before}_week06_collab{"" if before else "-1"}.{s.file}'
        case 'gradescope': return f'submission_{2*int(s.id) - before}/{name}'
        case 'blackboard': return f'week06_{login(s)}{s.id}_attempt_{when}_{name}'
        case 'classroom': return f'{s.name} - week06_collab{"" if before else " (1)"}.{s.file}'

def moment(s, before): return f'2026-11-{21 if s.late else 19}T{18 if s.late else 10 - before:02d}:00:00'

def metadata(students): # Of Gradescope
    lines = []
    for s in students:
        for before in [False] + [True]*s.before if s.file else ():
            lines += [f'submission_{2*int(s.id) - before}:', '  :submitters:', f'  - :name: {json.dumps(s.name)}', f'    :sid: "{s.id}"',
                      f'  :created_at: "{moment(s, before)}"']
    return '\n'.join(lines) + '\n'

def roster(platform, students):
    "The gradebook export of a platform that has one which we fill"
    quoted = lambda t: '"' + t.replace('"', '""') + '"'
    if platform == 'moodle':
        status = lambda s: 'No submission' if not s.file else 'Submitted for grading' + ' - 1 day 6 hours late'*s.late
        return ('Identifier,"Full name",Status,Grade,"Maximum grade","Last modified (submission)"\r\n'
                + ''.join(f'Participant {s.id},{quoted(s.name)},"{status(s)}",,100.00,-\r\n' for s in students))
    if platform == 'canvas':
        return ('Student,ID,SIS User ID,SIS Login ID,Section,Week 6 (991),Current Score\n    Points Possible,,,,,11.00,(read only)\n'
                + ''.join(f'{quoted(s.name)},{s.id},S{s.id},{login(s)},A,,\n' for s in students))

def write(folder, c, tasks, stamp=(2026, 11, 19, 10, 0, 0)):
    "The export as a zip, and the platform's table; (path of the zip, of the table or None)"
    folder.mkdir(parents=True, exist_ok=True)
    export = folder/f'{c.platform}.zip'
    with zipfile.ZipFile(export, 'w') as z:
        def add(name, data, hour=10): z.writestr(zipfile.ZipInfo(f'export/{name}', (2026, 11, 19, hour, 0, 0)), data)
        for s in c.students:
            if s.before: add(place(c.platform, s, True), handed_in(tasks, {WEAK: WRONG}), 9)
            if s.file: add(place(c.platform, s), handed_in(tasks, s.answers) if s.file == 'ipynb' else b'%PDF-1.7 my answers')
        if c.platform == 'gradescope': add('submission_metadata.yml', metadata(c.students))
    table = roster(c.platform, c.students)
    if table: (folder/f'{c.platform}.csv').write_text(table, encoding='utf-8', newline='')
    return export, folder/f'{c.platform}.csv' if table else None

def grade(folder, c, tasks, jobs=2, **kw):
    "(rows, lines) of marking a class; results are in `folder/out`"
    export, table = write(folder, c, tasks)
    (folder/'late.toml').write_text(LATE)
    lines = []
    rows = g.grade(export, folder/'out', week=WEEK, jobs=jobs, roster=table, late=folder/'late.toml', say=lines.append, **kw)
    return rows, lines

# --- what was planted -----------------------------------------------------------------------------------------------
def row_of(rows, s, platform): # By what the platform says of the student
    of = dict(moodle=lambda r: r['id'] == s.id, canvas=lambda r: r['id'] == s.id, gradescope=lambda r: r['id'] == s.id,
              blackboard=lambda r: r['student'] == login(s) + s.id, classroom=lambda r: r['student'] == s.name)[platform]
    return [r for r in rows if of(r)]

def part(page, id): # The text below a heading
    res = []
    for o in page.find(id=id).find_next_siblings():
        if o.name == 'h2': break
        res.append(o.get_text(' ', strip=True))
    return re.sub(r'\s+', ' ', ' '.join(res))

def problems(folder, c, rows, lines):
    "What the marking of a class did not find, or found where nothing is: sentences"
    res, table, handed = [], list(csv.DictReader(open(folder/'out'/'grades.csv', encoding='utf-8', newline=''))), [s for s in c.students if s.file]
    def expect(holds, what): res.extend([] if holds else [f'{c.platform}: {what}'])
    expect(len(rows) == len(handed), f'{len(rows)} rows for {len(handed)} who handed in')
    for s in handed:
        found = row_of(rows, s, c.platform)
        expect(len(found) == 1, f'{s.name} has {len(found)} rows')
        if len(found) != 1: continue
        r, points = found[0], {m['id']: m['points'] for m in found[0]['exercises']}
        if s.file == 'pdf':
            expect(r['state'] != 'marked' and not points, f'{s.name} handed in a PDF, and is {r["state"]}')
            continue
        expect(points.get(WEAK) == float(WEAK not in s.answers), f'{s.name} has {points.get(WEAK)} for {WEAK}')
        others = [id for id,p in points.items() if p < get_exercise(id).points and id not in (WEAK, *s.answers)]
        expect(not others, f'{s.name} lost points for {others}: {[m["message"] for m in r["exercises"] if m["id"] in others]}')
        expect(bool(r.get('others')) == s.before, f"{s.name}: older ones {r.get('others')}")
        known = c.platform != 'classroom' # whose names hold no time
        if known: expect(('late' in r['lateness'].lower()) == s.late, f"{s.name} is {r['lateness']!r}")
    if c.platform in ('moodle', 'canvas'):
        nothing = next(s.name for s in c.students if not s.file)
        expect(any('handed in nothing (1)' in l and nothing in l for l in lines), 'who handed in nothing is not named')
        expect((folder/'out'/'lms'/f'feedback_{c.platform}.zip').exists(), 'no feedback for the bulk upload')
        before, after = ((p/f'{c.platform}.csv').read_text(encoding='utf-8') for p in (folder, folder/'out'/'lms'))
        expect(len(before.splitlines()) == len(after.splitlines()) and before != after, 'the table of the platform was not filled')
    page = BeautifulSoup((folder/'out'/'class.html').read_text(encoding='utf-8'), 'html.parser')
    alike = part(page, 'alike')
    pairs = re.findall(r': ([^:]+?) and ([^,]+?), \d+% in common', alike)
    shown = {login(s) + s.id if c.platform == 'blackboard' else s.name for s in (c.students[0], c.students[3])}
    called = lambda name: re.sub(r' \(\d+\)$', '', name) # of two students of one name the number is said
    expect([{*map(called, o)} for o in pairs] == [shown], f'of alike answers {pairs} are named, and {shown} were planted')
    for p in (folder/'out').rglob('*.html'):
        text = p.read_text(encoding='utf-8')
        expect('<script>alert' not in text and '<img src=x' not in text and '\u202e' not in text, f'{p.name} holds what a student sent')
    cells = [v for r in table for v in r.values() if v]
    expect(not [v for v in cells if v[0] in '=+@\t\r' or v[0] == '-' and not re.fullmatch(r'-?[\d.]+', v)], 'a cell of grades.csv is a formula')
    return res

def files(out): return {p.relative_to(out).as_posix(): p.read_bytes() for p in sorted(out.rglob('*')) if p.suffix in ('.csv', '.html', '.zip') and p.name != 'changes.csv'}

def main():
    import tempfile
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('students', type=int, nargs='?', default=200)
    p.add_argument('--jobs', type=int, default=2)
    p.add_argument('--keep', help='a folder for all that is written')
    args = p.parse_args()
    folder, tasks, bad, seconds, n = Path(args.keep or tempfile.mkdtemp()), lab(), [], 0, 0
    for c in made(args.students):
        start = time.perf_counter()
        rows, lines = grade(folder/c.platform, c, tasks, args.jobs)
        took = time.perf_counter() - start
        seconds, n = seconds + took, n + len(rows)
        found = problems(folder/c.platform, c, rows, lines)
        first = files(folder/c.platform/'out')
        grade(folder/c.platform, c, tasks, args.jobs)
        if files(folder/c.platform/'out') != first: found.append(f'{c.platform}: a second call gave other bytes')
        print(f'{c.platform}: {len(rows)} rows, {took/len(rows):.2f} s each', *found, sep='\n  ', flush=True)
        bad += found
    print(f'{n} submissions, {seconds/n:.2f} s each with {args.jobs} jobs; {len(bad)} problems')
    return bool(bad)

if __name__ == '__main__': sys.exit(main())
