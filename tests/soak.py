#!/usr/bin/env python3
"""The labs again and again in one go: does one fail, does a result leave its bounds, does a claim not hold, does the disk fill?

    python tests/soak.py [--times 10] [--jobs 2] [--week N] [--out DIR]

Each round is `course-labs run --size tiny` with another seed, so the spread that is printed at the end is what the bounds in
data/course/weekNN.toml have to allow, and a claim belongs into a lab when it held in every round. What was measured is kept
in DIR/soak.json after each round, and a second call goes on there. Ends with status 0 only when every lab passed every time,
inside the bounds, and neither DIR nor the caches kept growing.
"""
import argparse, json, os, statistics, subprocess, sys
from dataclasses import asdict
from pathlib import Path

from course_labs import syllabus
from course_labs.core.files import write_whole
from course_labs.core.paths import cache_root, extra_name
from course_labs.running.record import read_run
from course_labs.running.watch import folder_mb

KEPT = 'week', 'notebook', 'ok', 'seconds', 'peak_mb', 'error', 'metrics', 'claims' # Of each lab, in soak.json

def one_round(i, args):
    "Run the labs; what came out"
    env = {k: v for k,v in os.environ.items() if not k.startswith('COURSE_LABS_')}
    cmd = [Path(sys.executable).parent/'course-labs', 'run', '--size', 'tiny', '--seed', str(42 + i), '--jobs', str(args.jobs),
           '--out', args.out/'run', *(o for w in args.week or () for o in ('--week', str(w)))]
    subprocess.run(cmd, env=dict(env, COURSE_LABS_OFFLINE='1'), stdout=subprocess.DEVNULL)
    res = read_run(args.out/'run')
    labs = [{k: v for k,v in asdict(o).items() if k in KEPT} for o in res.labs]
    return dict(seed=42 + i, seconds=res.seconds, labs=labs, run_mb=folder_mb(args.out/'run'), cache_mb=folder_mb(cache_root()))

def bounds(week, name): # `Result`, or None where it has none
    known = syllabus.weeks().get(week)
    found = known.results.get(name) if known else None
    return found if found and found.bounded else None

def ended_without(r, weeks):
    "The weeks that a round should have and has not, as where its run was stopped"
    return sorted(set(weeks) - {lab['week'] for lab in r['labs']})

def faults(rounds, weeks):
    "What must not be, a line each"
    for r in rounds:
        if absent := ended_without(r, weeks): yield f"seed {r['seed']}: the run ended without weeks {absent}"
        for lab in r['labs']:
            who = f"seed {r['seed']}: week {lab['week']}" + (f' extra {name}' if (name := extra_name(lab['notebook'])) else '')
            if not lab['ok']: yield f"{who} failed: {lab['error']}"
            for name, value in lab['metrics'].items():
                b = bounds(lab['week'], name)
                if b and not b.low <= value <= b.high: yield f'{who}, {name} is {value:.4g}, outside {b.low} to {b.high}'
            yield from (f'{who}, {o}' for o in out_of_order(lab))
    for key, what in (('run_mb', 'the folder of the run'), ('cache_mb', 'the cache')):
        if len(rounds) > 2 and rounds[-1][key] > 1.05*rounds[1][key] + 5:
            yield f'{what} grew from {rounds[1][key]:.0f} MB after the second round to {rounds[-1][key]:.0f} MB'

def out_of_order(lab):
    "Results of a lab that are not below those that they must be below"
    week, m = syllabus.weeks().get(lab['week']), lab['metrics']
    for o in week.orders if week else ():
        if o.smaller not in m or o.larger not in m or m[o.smaller]*o.factor + o.by <= m[o.larger]: continue
        yield f'{o.smaller} is {m[o.smaller]:.4g} and {o.larger} {m[o.larger]:.4g}, too near'

def spread(rounds):
    "A line for each result: its range over the rounds, and its bounds"
    values = {}
    for r in rounds:
        for lab in r['labs']:
            for name, value in lab['metrics'].items(): values.setdefault((lab['week'], name), []).append(value)
    for (week, name), v in sorted(values.items()):
        b = bounds(week, name)
        allowed = f'   bounds {b.low} to {b.high}' if b else ''
        yield f'week {week}  {name:<28} {min(v):10.4f} to {max(v):10.4f}, median {statistics.median(v):10.4f}{allowed}'

def claims(rounds):
    "A line for each claim: in how many of the rounds that stated it it held; its numbers may be others in each round"
    held = {}
    for r in rounds:
        for lab in r['labs']:
            for i,o in enumerate(lab.get('claims', ())): held.setdefault((lab['week'], lab['notebook'], i), []).append((o['text'], o['holds']))
    for (week, notebook, i), said in sorted(held.items()):
        extra = f' extra {name}' if (name := extra_name(notebook)) else ''
        times = sum(holds for _,holds in said)
        text = next((text for text,holds in said if not holds), said[0][0])
        yield f"week {week}{extra}  claim {i + 1:>2} held {times} of {len(said)} times{'' if times == len(said) else ', NOT ALWAYS'}: {text}"

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--times', type=int, default=10)
    parser.add_argument('--jobs', type=int, default=2)
    parser.add_argument('--week', type=int, action='append')
    parser.add_argument('--out', type=Path, default=Path('soak_out'))
    args = parser.parse_args()
    kept = args.out/'soak.json'
    weeks = args.week or list(syllabus.weeks())
    rounds = json.loads(kept.read_text()) if kept.exists() else []
    done = {r['seed']: r for r in rounds if not ended_without(r, weeks)}  # a round that was stopped is done again
    for i in range(args.times):
        if 42 + i in done: continue
        done[42 + i] = r = one_round(i, args)
        write_whole(kept, json.dumps(list(done.values()), indent=1))
        passed = f"{sum(o['ok'] for o in r['labs'])} of {len(r['labs'])} passed"
        sizes = f"run {r['run_mb']:.0f} MB, cache {r['cache_mb']:.0f} MB"
        print(f"round {i + 1} of {args.times}: {r['seconds']:.0f} s, {passed}, {sizes}", flush=True)
    rounds = list(done.values())
    for line in (*spread(rounds), *claims(rounds)): print(line)
    found = list(faults(rounds, weeks))
    for line in found: print(line, file=sys.stderr)
    print(f'{len(rounds)} rounds: ' + (f'{len(found)} faults' if found else 'no fault'))
    return int(bool(found))

if __name__ == '__main__': sys.exit(main())
