#!/usr/bin/env python3
"""What the course does on this machine's GPU: every lab, and what only a GPU can show, in at most eight minutes.

    python check.py [--out DIR] [--limit S] [--only NAME] [--week N]

DIR (default: gpu_out) gets gpu.json, gpu.html, logs.zip, and the runs as run_tiny.zip and run_full.zip; a run that
was unpacked is a folder for `course-labs docs --from`. Parts run in processes of their own, side by side where
nothing is timed, each with its own time; what fails or takes too long is a line in the page and no more. Both files
are written anew after each part. Without a GPU the parts that need one say so, and the others take small settings.
Ends with status 0 when no part failed.
"""
import argparse, importlib, json, math, os, shutil, signal, subprocess, sys, tempfile, threading, time, traceback
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
GPU, CPU = 'needs a GPU', 'runs anywhere'
LIMIT, ALONE = 440, 110 # Seconds for all, and of them for the parts that are timed
BAD = 'failed', 'out of time'

@dataclass
class Part:
    "One part of the check, and what became of it"
    name:str
    title:str
    call:tuple              # Module, function, its arguments
    seconds:float           # That it may take
    needs:str=CPU
    alone:bool=False        # Is it timed, so that nothing may run beside it?
    state:str='not begun'   # Then 'passed', 'failed', 'no GPU' or 'out of time'
    took:float=0.
    says:str=''
    error:str|None=None
    rows:list=field(default_factory=list)
    lab:dict|None=None      # As `LabRun`
    size:str=''             # Of the lab

TIMED = (
    Part('precision', 'float32, float16 and bfloat16', ('measures', 'precision', ()), 70, alone=True),
    Part('feed', "The image feed and a training beside fastai's", ('measures', 'feed', ()), 60, alone=True))
SHOWN = (
    Part('out_of_memory', 'A real out-of-memory', ('measures', 'out_of_memory', ()), 70, GPU),
    Part('resume', 'Resume after SIGKILL', ('measures', 'resume', ()), 100),
    Part('launch', 'Several GPUs, with NCCL', ('measures', 'launched', ()), 80, GPU),
    Part('fits_15gb', 'A batch size for 15 GB', ('measures', 'fits_15gb', ()), 60, GPU),
    Part('finder', 'The learning-rate finder', ('measures', 'finder', ()), 60))

def lab_parts(work, weeks=None) -> list:
    "The labs, longest first: all at size tiny, then those at size full"
    import labs
    def part(week, size):
        call = 'labs', 'one_lab', (week, size, str(work/f'run_{size}'), 3600)
        return Part(f'week{week}_{size}', f'Week {week} at size {size}', call, 315, size=size)
    wanted = [(w, 'tiny') for w in labs.TINY] + [(w, 'full') for w in labs.FULL]
    return [part(w, size) for w,size in wanted if not weeks or w in weeks]

def plain(o):
    "What JSON holds: numbers of numpy as python's, and none that is not finite"
    if isinstance(o, dict): return {str(k): plain(v) for k,v in o.items()}
    if isinstance(o, (list, tuple)): return [plain(v) for v in o]
    if hasattr(o, 'item'): o = o.item()
    return None if isinstance(o, float) and not math.isfinite(o) else o

# What runs in the process of a part
def run_part(module, function, args, quick, file):
    "Call the function of a part and leave what it says in `file`"
    f = getattr(importlib.import_module(module), function)
    kwargs = dict(quick=True) if quick and 'quick' in f.__code__.co_varnames else {}
    try: res = f(*args, **kwargs)
    except Exception as e:
        line = (str(e).strip() or type(e).__name__).splitlines()[0][:500]
        res = dict(ok=False, error=f'{type(e).__name__}: {line}')
        traceback.print_exc()
    Path(file).write_text(json.dumps(plain(res), default=str), encoding='utf-8')

class Check:
    "The parts as they come in, on disk after each"
    def __init__(self, out:Path, work:Path, limit:float):
        self.out, self.work, self.limit, self.parts = out, work, limit, []
        self.started, self.lock, self.gpu, self.device = time.monotonic(), threading.Lock(), False, ''
        self.when, self.stop = f'{datetime.now():%Y-%m-%d %H:%M}', threading.Event()
    def left(self): return self.limit - (time.monotonic() - self.started)

    def run(self, part:Part, until:float=0.):
        "Run one part in a process of its own, to its end or to its time; `until` seconds of the limit stay for others"
        # Without a GPU this is a trial of the check itself, and `--limit` says how long it may take
        seconds = min(part.seconds*(1 if self.gpu or not self.device else 10), self.left() - until)
        if part.needs == GPU and not self.gpu: part.state = 'no GPU'
        elif seconds < 10 or self.stop.is_set(): part.state = 'out of time'
        else:
            try: self._process(part, seconds)
            except Exception as e: part.state, part.error = 'failed', f'it could not be run: {type(e).__name__}: {e}'
        self.save()

    def _process(self, part, seconds):
        from course_labs.running.watch import end_all, marked
        files = self.work/'parts'
        file, log, mark = files/f'{part.name}.json', files/f'{part.name}.log', f'gpu_check.{os.getpid()}.{part.name}'
        args = list(part.call[2])
        if part.size: args[-1] = min(args[-1], seconds - 15)  # the lab's own clock ends it with its results
        job = json.dumps([part.call[0], part.call[1], args, not self.gpu, str(file)])
        started = time.monotonic()
        with open(log, 'w', encoding='utf-8') as f:
            p = subprocess.Popen([sys.executable, __file__, '--part', job], stdout=f, stderr=f, start_new_session=True,
                                 env=dict(os.environ, COURSE_LABS_MARK=mark))
            try:
                while p.poll() is None and time.monotonic() < started + seconds and not self.stop.wait(.1): pass
            finally:  # also when Ctrl-C comes here
                if late := p.poll() is None: os.killpg(p.pid, signal.SIGKILL)
                end_all(lambda: marked(mark))
                p.wait()
                part.took = time.monotonic() - started
                if late: part.state, part.error = 'out of time', f'it was ended after {part.took:.0f} s'
        if not late: self._read(part, file, log, p.returncode)

    def _read(self, part, file, log, status):
        if not file.exists():
            said = log.read_text(encoding='utf-8', errors='replace').strip().splitlines() or ['no message']
            part.state, part.error = 'failed', f'its process ended with status {status}: {said[-1][:500]}'
            return
        res = json.loads(file.read_text(encoding='utf-8'))
        for k in ('says', 'error', 'rows', 'lab'): setattr(part, k, res.get(k, getattr(part, k)))
        part.state = 'passed' if res.get('ok', True) else 'failed'
        if 'kind' in res: self.gpu, self.device = res['kind'] == 'cuda', res['device']

    def table(self) -> dict:
        "All of it, as gpu.json has it"
        parts = [{k: v for k,v in asdict(o).items() if k not in ('call', 'needs', 'alone')} for o in self.parts]
        return dict(version=1, when=self.when, device=self.device, limit=self.limit,
                    seconds=round(time.monotonic() - self.started, 1), parts=parts)

    def save(self):
        "Write the table and the page; whole, and one writer at a time"
        from course_labs.core.files import write_whole
        from course_labs.core.places import own_places, shortened
        with self.lock:
            table = shortened(self.table(), own_places(self.work))  # it goes into the repository
            write_whole(self.out/'gpu.json', json.dumps(table, indent=1))
            try: write_whole(self.out/'gpu.html', page(table))
            except Exception as e: print(f'gpu.html could not be written: {type(e).__name__}: {e}', file=sys.stderr)

    def finish(self):
        "Make of the labs of each size one run, and pack it; and the logs"
        try: self._runs()
        except Exception as e:
            line = f'{type(e).__name__}: {str(e).strip().splitlines()[0] if str(e).strip() else ""}'
            self.parts.append(Part('runs', 'The runs as folders', (), 0, state='failed', error=line))
        shutil.make_archive(str(self.out/'logs'), 'zip', self.work/'parts')
        self.save()

    def _runs(self):
        import labs
        from course_labs.running.report import make_report
        for size in ('tiny', 'full'):
            there, run = [o.lab for o in self.parts if o.lab and o.size == size], self.work/f'run_{size}'
            if not there: continue
            labs.collect(run, size, there, sum(o['seconds'] for o in there))
            make_report(run)
            shutil.rmtree(run/'work', ignore_errors=True)  # what the labs wrote: models, logs, checkpoints
            shutil.make_archive(str(self.out/run.name), 'zip', run)

def page(table:dict) -> str: # HTML, with all that it shows
    "The table as a page"
    from jinja2 import Environment
    env = Environment(autoescape=True)
    bad = [o for o in table['parts'] if o['state'] in BAD]
    return env.from_string((HERE/'page.html').read_text(encoding='utf-8')).render(**table, bad=bad, left_out=left_out())

def left_out() -> dict: # Package: why the pack does not bring it
    file = HERE/'left_out.json'
    return json.loads(file.read_text(encoding='utf-8')) if file.exists() else {}

def slots(gpu:bool) -> int: # Parts side by side
    "As many as there are cores, and 3 GB of the GPU's memory for each"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1
    if not gpu: return max(1, cores - 1)
    import torch
    return int(max(1, min(cores, torch.cuda.mem_get_info()[0]/2**30//3)))

def check(out:Path,
          work:Path, # Empty folder for what does not come back
          limit:float, only=(), weeks=None) -> Check:
    "Run all parts in the order of their importance"
    for p in (out, work/'parts'): p.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault('OMP_NUM_THREADS', '1')
    c = Check(out, work, limit)
    first = Part('probe', 'The machine', ('measures', 'probe', ()), 90)
    c.parts = [first]
    c.run(first)
    beside, timed = [*lab_parts(work, weeks), *SHOWN], list(TIMED)
    def wanted(o): return not only or any(o.name.startswith(n) for n in only)
    beside, timed = [o for o in beside if wanted(o)], [o for o in timed if wanted(o)]
    c.parts += beside + timed
    stay = min(ALONE, limit/3) if timed else 0.
    # The labs begin in their order; what takes no time of the GPU's stands between the two sizes
    order = sorted(beside, key=lambda o: (o.size == 'full', not o.size))
    try:
        with ThreadPoolExecutor(slots(c.gpu)) as pool:
            try: wait([pool.submit(c.run, o, stay) for o in order])
            except KeyboardInterrupt: c.stop.set()
        if c.gpu: os.environ.pop('OMP_NUM_THREADS')
        for i, o in enumerate(timed): c.run(o, 0. if i + 1 == len(timed) else stay*.4)
    except KeyboardInterrupt: c.stop.set()
    c.finish()
    return c

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--out', type=Path, default=Path('gpu_out'), metavar='DIR', help='where results go (default: gpu_out)')
    parser.add_argument('--limit', type=float, default=LIMIT, metavar='S', help=f'seconds for all (default {LIMIT})')
    parser.add_argument('--only', action='append', metavar='NAME', help='parts whose name begins so; repeatable')
    parser.add_argument('--week', type=int, action='append', metavar='N', help='labs of this week alone; repeatable')
    parser.add_argument('--part', help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.part:
        run_part(*json.loads(args.part))
        return 0
    os.environ['COURSE_LABS_OFFLINE'] = '1'
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: what came in by then is kept
    with tempfile.TemporaryDirectory(prefix='gpu_check-') as tmp:
        c = check(args.out.resolve(), Path(tmp), args.limit, args.only or (), args.week)
    for o in c.parts: print(f'{o.state:<12} {o.took:5.0f} s  {o.title}: {o.error or o.says}')
    print(f"{c.table()['seconds']:.0f} s. Open {c.out/'gpu.html'}")
    return int(any(o.state in BAD for o in c.parts))

if __name__ == '__main__': sys.exit(main())
