#!/usr/bin/env python3
"""The labs again and again in one go: does one fail, does a result leave its bounds, does the disk fill?

    python tests/soak.py [--times 10] [--jobs 2] [--week N] [--out DIR]

Each round is `course-labs run --size tiny` with another seed, so the spread that is printed at the end is what the bounds in
tests/test_labs.py have to allow. What was measured is kept in DIR/soak.json after each round, and a second call goes on there.
Ends with status 0 only when every lab passed every time, inside the bounds, and neither DIR nor the caches kept growing.
"""
import argparse, json, os, statistics, subprocess, sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from test_labs import BOUNDS

from course_labs.core.paths import cache_root
from course_labs.running.runner import folder_mb
from course_labs.core.files import write_whole

def one_round(i, args):
    "Run the labs; what came out"
    env = {k: v for k,v in os.environ.items() if not k.startswith('COURSE_LABS_')}
    cmd = [Path(sys.executable).parent/'course-labs', 'run', '--size', 'tiny', '--seed', str(42 + i), '--jobs', str(args.jobs), '--out', args.out/'run', *(o for w in args.week or () for o in ('--week', str(w)))]
    subprocess.run(cmd, env=dict(env, COURSE_LABS_OFFLINE='1'), stdout=subprocess.DEVNULL)
    res = json.loads((args.out/'run'/'metrics.json').read_text())
    return dict(seed=42 + i, seconds=res['seconds'], labs=res['labs'], run_mb=folder_mb(args.out/'run'), cache_mb=folder_mb(cache_root()))

def faults(rounds):
    "What must not be, a line each"
    for r in rounds:
        for lab in r['labs']:
            if not lab['ok']: yield f"seed {r['seed']}: week {lab['week']} failed: {lab['error']}"
            for name, value in lab['metrics'].items():
                low, high = BOUNDS.get((lab['week'], name), (value, value))
                if not low <= value <= high: yield f"seed {r['seed']}: week {lab['week']}, {name} is {value:.4g}, outside {low} to {high}"
    for key, what in (('run_mb', 'the folder of the run'), ('cache_mb', 'the cache')):
        if len(rounds) > 2 and rounds[-1][key] > 1.05*rounds[1][key] + 5: yield f'{what} grew from {rounds[1][key]:.0f} MB after the second round to {rounds[-1][key]:.0f} MB'

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--times', type=int, default=10)
    parser.add_argument('--jobs', type=int, default=2)
    parser.add_argument('--week', type=int, action='append')
    parser.add_argument('--out', type=Path, default=Path('soak_out'))
    args = parser.parse_args()
    kept = args.out/'soak.json'
    rounds = json.loads(kept.read_text()) if kept.exists() else []
    for i in range(len(rounds), args.times):
        rounds.append(one_round(i, args))
        write_whole(kept, json.dumps(rounds, indent=1))
        print(f"round {i + 1} of {args.times}: {rounds[-1]['seconds']:.0f} s, {sum(o['ok'] for o in rounds[-1]['labs'])} of {len(rounds[-1]['labs'])} passed, run {rounds[-1]['run_mb']:.0f} MB, cache {rounds[-1]['cache_mb']:.0f} MB", flush=True)
    values = {}
    for r in rounds:
        for lab in r['labs']:
            for name, value in lab['metrics'].items(): values.setdefault((lab['week'], name), []).append(value)
    for (week, name), v in sorted(values.items()):
        print(f"week {week}  {name:<28} {min(v):10.4f} to {max(v):10.4f}, median {statistics.median(v):10.4f}" + (f'   bounds {BOUNDS[week, name]}' if (week, name) in BOUNDS else ''))
    found = list(faults(rounds))
    for line in found: print(line, file=sys.stderr)
    print(f'{len(rounds)} rounds: ' + (f'{len(found)} faults' if found else 'no fault'))
    return int(bool(found))

if __name__ == '__main__': sys.exit(main())
