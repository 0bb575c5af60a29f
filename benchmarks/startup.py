#!/usr/bin/env python3
"""Start-up: `import course_labs` and `course-labs --help` against an empty Python process and against `import torch`, in one run.

    python benchmarks/startup.py [--rounds N] [--json]
"""
import argparse, json, statistics, subprocess, sys, time
from pathlib import Path

def seconds(cmd):
    "Wall time of a process"
    start = time.perf_counter()
    subprocess.run(cmd, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start

def measure(rounds:int=7) -> dict:
    "Median seconds of each command and its ratio to the empty process, round by round"
    python = sys.executable
    cmds = dict(empty=[python, '-c', ''], import_course_labs=[python, '-c', 'import course_labs'],
                help=[Path(python).parent/'course-labs', '--help'], import_torch=[python, '-c', 'import torch'])
    for c in cmds.values(): seconds(c)
    times = {k: [] for k in cmds}
    for _ in range(rounds):
        for k,c in cmds.items(): times[k].append(seconds(c))
    return {k: dict(seconds=round(statistics.median(t), 3), ratio=round(statistics.median(a/b for a,b in zip(t, times['empty'])), 2)) for k,t in times.items()}

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--rounds', type=int, default=7)
    parser.add_argument('--json', action='store_true', help='print the numbers as JSON')
    args = parser.parse_args()
    res = measure(args.rounds)
    if args.json: return print(json.dumps(res))
    for k,r in res.items(): print(f"{k:<20} {r['seconds']:>7.3f} s   {r['ratio']:>6.2f} times an empty process")

if __name__ == '__main__': main()
