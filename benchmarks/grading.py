#!/usr/bin/env python3
"""Marking: submissions of week 3 with one job and with two, and over a Dask cluster of two local workers
of which one is killed in the middle.

    python benchmarks/grading.py [--n 60] [--week 3] [--json]

A third of the submissions solve everything, a third half of it, a third nothing. Every row must be there
once and right, or the benchmark fails.
"""
import argparse, csv, json, os, signal, tempfile, time
from pathlib import Path

from course_labs.marking.answers import cell_text, lab_tasks
from course_labs.teaching.exercises import get_exercise
from course_labs.marking.grade import grade
from course_labs.core.paths import lab_notebooks

STUB = 'raise NotImplementedError()'

def submissions(folder, n:int, week:int) -> dict: # Student: points
    "Write `n` notebooks, each with other content"
    nb = json.loads(lab_notebooks()[week].read_text(encoding='utf-8'))
    tasks, want = lab_tasks(nb), {}
    folder.mkdir(parents=True)
    for i in range(n):
        keep = tasks[:(len(tasks), len(tasks)//2, 0)[i % 3]]
        cells = [dict(c) for c in nb['cells']]
        for t in tasks:
            src = cell_text(cells[t.answer])
            if t not in keep: cells[t.answer]['source'] = src[:src.index('### BEGIN')] + STUB
        name = f'student{i:03d}'
        text = json.dumps(dict(nb, cells=cells, metadata=dict(n=i)))
        (folder/f'{name}.ipynb').write_text(text, encoding='utf-8')
        want[name] = sum(get_exercise(t.id).points for t in keep)
    return want

def rows(out) -> dict: # Student: points
    with open(out/'grades.csv', encoding='utf-8') as f: table = list(csv.DictReader(f))
    found = [(r['student'], float(r['total'])) for r in table]
    assert len(found) == len(dict(found)), 'a row is there twice'
    return dict(found)

def timed(folder, out, want, **kw) -> float: # Seconds
    started = time.perf_counter()
    grade(folder, out, **kw)
    seconds = time.perf_counter() - started
    assert rows(out) == want, {k: (rows(out).get(k), v) for k,v in want.items() if rows(out).get(k) != v}
    return seconds

def main():
    as_written = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=as_written)
    parser.add_argument('--n', type=int, default=60, help='submissions (default 60)')
    parser.add_argument('--week', type=int, default=3)
    parser.add_argument('--json', action='store_true', help='print the numbers as JSON')
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as tmp:
        tmp = Path(tmp)
        want = submissions(tmp/'in', args.n, args.week)
        res = {f'{jobs} jobs': timed(tmp/'in', tmp/f'out{jobs}', want, jobs=jobs) for jobs in (1, 2)}
        from distributed import Client, LocalCluster
        local = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
        with local as cluster, Client(cluster) as client:
            pids, killed = list(client.run(os.getpid).values()), []
            def progress(n, total, r):
                if n < total//2 or killed: return
                killed.append(pids[0])
                os.kill(pids[0], signal.SIGKILL)
            res['cluster, a worker killed'] = timed(
                tmp/'in', tmp/'out_cluster', want, scheduler=cluster.scheduler_address, progress=progress)
            assert killed
    if args.json:
        table = {k: dict(seconds=round(v, 1), each=round(v/args.n, 2)) for k,v in res.items()}
        return print(json.dumps(table))
    print(f'{args.n} submissions of week {args.week}')
    for k,v in res.items():
        print(f'{k:<26} {v:>7.1f} s   {v/args.n:>5.2f} s each   {res["1 jobs"]/v:>5.2f} times one job')

if __name__ == '__main__': main()
