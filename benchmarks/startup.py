#!/usr/bin/env python3
"""Start-up: `import course_labs` and `course-labs --help` against an empty Python process and against `import torch`, in turn.

    python benchmarks/startup.py [--rounds N] [--json]
"""
import subprocess, sys, time
from pathlib import Path

from course_labs.publishing.bench_report import compared, script

def seconds(cmd):
    "Wall time of a process"
    start = time.perf_counter()
    subprocess.run(cmd, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start

def measure(rounds):
    "Each command once a round, in an order that turns; ratios within a round"
    python = sys.executable
    cmds = dict(empty=[python, '-c', ''], library=[python, '-c', 'import course_labs'],
                help=[Path(python).parent/'course-labs', '--help'], torch=[python, '-c', 'import torch'])
    for c in cmds.values(): seconds(c)
    times = {k: [] for k in cmds}
    for i in range(rounds):
        for k in (list(cmds) if i%2 else reversed(cmds)): times[k].append(seconds(cmds[k]))
    pairs = lambda a, b: list(zip(times[a], times[b]))
    return dict(about=f'wall time of processes, {rounds} rounds', rows=[
        compared('import course_labs', 'an empty process', pairs('library', 'empty'), 's', '<= 1.5', gain=False),
        compared('course-labs --help', 'an empty process', pairs('help', 'empty'), 's', '<= 5', gain=False),
        compared('course-labs --help', 'import torch', pairs('help', 'torch'), 's', '>= 2')])

if __name__ == '__main__': script(measure, 'startup', __doc__, dict(rounds=2), rounds=9)
