#!/usr/bin/env python3
"""The labs on a GPU that is made up (tests/fake_gpu.py): does a cell mix devices?

    python tests/lab_on_gpu.py [--week N] [--set key=value] [--out DIR]

The code cells of a lab run at size tiny, one after the other, each week in a process of its own. An error is told
and the next cell goes on, so that one run shows them all; what follows from an earlier one is a name that is not
there. Half precision, memory and speed are not made up, and results are the CPU's. Ends with status 0 only when no
cell failed.
"""
import argparse, json, os, subprocess, sys, tempfile, traceback, warnings
from pathlib import Path

from own_data import FEW, W2, W3, W4, W5, W6, W7

ROOT = Path(__file__).resolve().parent.parent
# Short trainings: what counts is which operations meet, and not what is learnt
SHORT = {1: (), 2: (*FEW, *W2), 3: (*FEW, *W3), 4: (*FEW, *W4), 5: (*FEW, *W5, 'n_train=300', 'n_valid=100'), 6: (*FEW, *W6),
         7: ('seeds=1', *W7), 8: ()}

def where(e):
    "The frames of an error that are a cell's or ours"
    frames = [o for o in traceback.extract_tb(e.__traceback__) if o.filename.startswith('cell ') or 'course_labs' in o.filename]
    return ' > '.join(f'{Path(o.filename).name}:{o.lineno}' for o in frames[-5:])

def cells_of(path):
    "(number, text) of the code cells that a student runs"
    for i,c in enumerate(json.loads(Path(path).read_text(encoding='utf-8'))['cells']):
        text = ''.join(c['source'])
        if c['cell_type'] == 'code' and c['id'] != 'install' and 'default_exp' not in text: yield i, text

def run_cells(path):
    "Run a lab in this process; a line for each cell that failed"
    import matplotlib
    matplotlib.use('Agg')
    import matplotlib.pyplot as plt
    from IPython.core.interactiveshell import InteractiveShell
    from course_labs import lab
    from course_labs.core.machine import Device
    from fake_gpu import fake_gpu
    warnings.filterwarnings('ignore')
    lab.probe_device = lambda: Device('cuda', 'made up', ('float32', 'float16'))
    shell, faults = InteractiveShell.instance(), []
    names = shell.user_ns
    names.update(__name__='__main__', display=lambda *args, **kw: None)
    with fake_gpu():
        for i,text in cells_of(path):
            try: exec(compile(shell.transform_cell(text), f'cell {i}', 'exec'), names)
            except SystemExit: pass
            except Exception as e: faults.append(f'cell {i}: {type(e).__name__}: {" ".join(str(e).split())[:300]} ({where(e)})')
            plt.close('all')
    return faults

def try_week(week, out, settings):
    "Run a lab in a process of its own; its faults"
    path, here = next((ROOT/'nbs'/'labs').glob(f'week{week:02d}_[!e]*.ipynb')), out/f'week{week:02d}'
    here.mkdir(parents=True, exist_ok=True)
    env = {k: v for k,v in os.environ.items() if not k.startswith('COURSE_LABS_')}
    env |= dict(COURSE_LABS_SIZE='tiny', COURSE_LABS_OFFLINE='1', COURSE_LABS_OUT=str(here), KERAS_BACKEND='torch',
                COURSE_LABS_SET=';'.join([*SHORT[week], *settings]))
    with open(here/'log.txt', 'w', encoding='utf-8') as log:
        done = subprocess.run([sys.executable, __file__, '--cells', str(path), str(here/'faults.json')], env=env, cwd=here, stdout=log, stderr=log)
    if done.returncode: return [f'it ended with status {done.returncode}: see {here}/log.txt']
    return json.loads((here/'faults.json').read_text(encoding='utf-8'))

def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--week', type=int, action='append', choices=sorted(SHORT), metavar='N')
    p.add_argument('--set', action='append', default=[], metavar='KEY=VALUE')
    p.add_argument('--out', type=Path, default=None, metavar='DIR')
    p.add_argument('--cells', nargs=2, help=argparse.SUPPRESS)
    args = p.parse_args()
    if args.cells:
        Path(args.cells[1]).write_text(json.dumps(run_cells(args.cells[0])), encoding='utf-8')
        return 0
    out, faults = (args.out or Path(tempfile.mkdtemp())).absolute(), []
    for week in args.week or SHORT:
        found = try_week(week, out, args.set)
        print(f'week {week}: {len(found)} cells failed', *found, sep='\n    ', flush=True)
        faults += found
    return int(bool(faults))

if __name__ == '__main__': sys.exit(main())
