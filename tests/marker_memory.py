#!/usr/bin/env python3
"""Memory of one marker, and of the process that runs answers, over many submissions: right, wrong and hostile ones in turn.

    python tests/marker_memory.py [--n 500] [--every 50] [--json]

Each submission of week 6 answers one exercise; the hostile ones end their process, take all the memory they get, send an array of
40 MB, or go on without end. Told after each `--every` submissions: what the marker holds (RSS), and it and all below it (PSS).
"""
import argparse, json, os, time
from pathlib import Path

from course_labs.core.paths import lab_notebooks
from course_labs.marking.answers import cell_text, lab_tasks
from course_labs.marking.markers import Marker
from course_labs.marking.marks import make_course
from course_labs.marking.rights import Limits
from course_labs.marking.submissions import Submission

TASK = 'w6.n_learnt'
ANSWERS = (None, 'def n_learnt(*args): return 0', 'def n_learnt(*args): import os; os._exit(0)',
           'def n_learnt(*args): return bytearray(10**10)', 'import numpy as np\ndef n_learnt(*args): return np.ones(5*10**6)',
           'def n_learnt(*args):\n    while True: pass') # None: the solution

def submission(i):
    "Number `i`: what it answers goes round, the rest are stubs"
    nb = json.loads(lab_notebooks()[6].read_text(encoding='utf-8'))
    for t in lab_tasks(nb):
        src, text = cell_text(nb['cells'][t.answer]), ANSWERS[i % len(ANSWERS)]
        if t.id != TASK: text = src[:src.index('### BEGIN')] + 'raise NotImplementedError()'
        if text: nb['cells'][t.answer]['source'] = text
    return Submission(f'student{i}', f'{i}.ipynb', json.dumps(dict(nb, metadata=dict(i=i))).encode())

def memory(pid): # MB of a process, and of all below it
    parents = {}
    for p in filter(str.isdigit, os.listdir('/proc')):
        try: parents[int(p)] = int(Path(f'/proc/{p}/stat').read_text().rsplit(')', 1)[1].split()[1])
        except OSError: pass
    family = {pid}
    while new := {p for p, parent in parents.items() if parent in family} - family: family |= new
    pss = 0
    for p in family:
        try: lines = Path(f'/proc/{p}/smaps_rollup').read_text().splitlines()
        except OSError: continue
        pss += sum(int(l.split()[1]) for l in lines if l.startswith('Pss:'))
    rss = [l for l in Path(f'/proc/{pid}/status').read_text().splitlines() if l.startswith('VmRSS')]
    return round(int(rss[0].split()[1])/1024), round(pss/1024)

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--n', type=int, default=500, help='submissions (default 500)')
    parser.add_argument('--every', type=int, default=50)
    parser.add_argument('--json', action='store_true', help='print the numbers as JSON')
    args = parser.parse_args()
    marker, res, started = Marker(make_course(week=6, limits=Limits(seconds=1, memory=500))), [], time.time()
    try:
        for i in range(args.n):
            marker.mark(submission(i))
            if (i + 1) % args.every: continue
            mine, all_of_it = memory(marker.proc.pid)
            res.append(dict(after=i + 1, marker=mine, all=all_of_it, seconds=round(time.time() - started, 1)))
            if not args.json: print(f'after {i+1:>4}: marker {mine} MB, with what runs answers {all_of_it} MB', flush=True)
    finally: marker.close()
    if args.json: print(json.dumps(res))

if __name__ == '__main__': main()
