#!/usr/bin/env python3
"""The suite with the lowest versions that settings.ini admits, and with the newest, under every Python on this machine.

    python tests/versions.py [--python 3.11] [--set lowest] [--out DIR] [--week N] [--pytest ARGS]

For each Python and set a virtual environment is made in DIR, the library is installed into it from a wheel, and `course-labs run
--size tiny` runs the labs there without a network; --pytest adds tests. The versions are resolved by uv: `lowest` takes the lower
bound of each direct requirement, or the first later release that has a wheel for this Python. Those are listed, and under the
oldest Python they mean that the bound is too low. What was resolved is in DIR/lowest-3.11.txt and can be handed to pip with -c.

Ends with status 0 only when every lab passed everywhere. DIR (default: versions_out) takes about 6 GB an environment with a CUDA
build of torch; UV_TORCH_BACKEND=cpu takes the small one. Environments are removed after their run unless --keep is given.
"""
import argparse, json, os, re, shutil, subprocess, sys, time
from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROMISED = '3.11', '3.12', '3.13'
NEWER = tuple(f'3.{n}' for n in range(14, 20))  # tried where the machine has them
COMPILED = ('numpy scipy pandas pyarrow matplotlib contourpy kiwisolver pillow scikit-learn pyyaml tokenizers safetensors '
            'torch torchvision regex h5py ml-dtypes lxml aiohttp pyzmq tornado cffi rpds-py grpcio sentencepiece').split()  # Never built here: no wheel, no version

def interpreter(version):
    "A Python of this version on this machine, or None: on the path, of pyenv, of uv"
    found = [shutil.which(f'python{version}')] if shutil.which(f'python{version}') else []
    pyenv = Path(os.environ.get('PYENV_ROOT') or Path.home()/'.pyenv')/'versions'
    found += sorted((str(p) for p in pyenv.glob(f'{version}.*/bin/python')), reverse=True)
    found += [str(p) for p in sorted((Path.home()/'.local'/'share'/'uv'/'python').glob(f'cpython-{version}.*/bin/python{version}'), reverse=True)]
    def right(p): return subprocess.run([p, '-c', 'import sys, venv, ensurepip; print("%d.%d" % sys.version_info[:2])'], capture_output=True, text=True).stdout.strip() == version
    return next(filter(right, found), None)

def bounds(extras):
    "Name of each direct requirement: its lower bound, as written; and the requirements as text"
    cfg = ConfigParser(interpolation=None)
    cfg.read(ROOT/'settings.ini', encoding='utf-8')
    cfg, res = cfg['DEFAULT'], {}
    lines = [o.strip() for key in ('requirements', *(f'{e}_requirements' for e in extras)) for o in cfg[key].splitlines() if o.strip()]
    for l in lines:
        m = re.match(r'([\w.-]+)(?:\[[^]]*\])?\s*(?:>=|==)\s*([\d.]+)', l)
        if m: res[re.sub(r'[-_.]+', '-', m[1].lower())] = m[2]
    return res, lines

def same(a, b): # '2.4' and '2.4.0' are one version
    strip = lambda v: re.sub(r'(\.0)+$', '', v)
    return strip(a) == strip(b)

def call(cmd, log, env=None):
    "Run a command with its output in a file; its status"
    with open(log, 'a', encoding='utf-8') as f:
        f.write(f"$ {' '.join(map(str, cmd))}\n"); f.flush()
        return subprocess.run(list(map(str, cmd)), stdout=f, stderr=f, env=env).returncode

def tools(out):
    "uv, installed beside the environments where the machine has none"
    if found := shutil.which('uv'): return found
    uv = out/'tools'/('Scripts' if os.name == 'nt' else 'bin')/'uv'
    if not uv.exists():
        subprocess.run([sys.executable, '-m', 'venv', out/'tools'], check=True)
        subprocess.run([uv.with_name('python'), '-m', 'pip', 'install', '-q', 'uv'], check=True)
    return str(uv)

def wheel(out, uv, env):
    "A wheel of this checkout, built from a copy so that nothing is left behind in it"
    src = out/'source'
    shutil.rmtree(src, ignore_errors=True)
    files = subprocess.run(['git', 'ls-files', '-co', '--exclude-standard'], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    for f in files:
        if not (ROOT/f).is_file(): continue
        (src/f).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT/f, src/f)
    if call([uv, 'build', '-q', '--wheel', '--out-dir', out/'wheels', src], out/'wheel.log', env): raise SystemExit(f"the wheel cannot be built: see {out/'wheel.log'}")
    return max((out/'wheels').glob('*.whl'), key=lambda p: p.stat().st_mtime)

def try_set(version, python, kind, args, uv, env, whl):
    "Resolve, install and run one set; lines that say what became of it, and whether all is well"
    where = args.out/f'{kind}-{version}'
    log, pins, venv, ran = args.out/f'{kind}-{version}.log', args.out/f'{kind}-{version}.txt', where/'env', where/'run'
    shutil.rmtree(where, ignore_errors=True); where.mkdir(parents=True)
    for old in (log, pins): old.unlink(missing_ok=True)  # uv would prefer what an older file of pins says
    extras = ('local', 'offline', 'docs', 'app', 'dev') if args.pytest else ('local', 'offline')
    low, lines = bounds(extras)
    (where/'requirements.in').write_text('\n'.join(lines) + '\n')
    only = [o for name in COMPILED for o in ('--only-binary', name)]
    resolution = 'lowest-direct' if kind == 'lowest' else 'highest'
    if call([uv, 'pip', 'compile', '-q', '--no-header', '--no-annotate', '--resolution', resolution, '--python-version', version, *only, where/'requirements.in', '-o', pins], log, env):
        return [f'{kind} {version}: cannot be resolved, see {log}'], False
    got = {re.sub(r'[-_.]+', '-', m[1].lower()): m[2] for m in re.finditer(r'^([\w.-]+)(?:\[[^]]*\])?==([^\s;]+)', pins.read_text(), re.M)}
    res = []
    higher = [f'{k} {got[k]} and not {v}' for k,v in low.items() if k in got and not same(got[k], v)] if kind == 'lowest' else []
    if higher: res.append(f"{kind} {version}: lower bounds that cannot be had here: {', '.join(higher)}")
    python_env = dict(env, COURSE_LABS_OFFLINE='1')
    for k in ('PYTHONPATH', 'PYTHONHOME', 'VIRTUAL_ENV'): python_env.pop(k, None)
    bin = venv/('Scripts' if os.name == 'nt' else 'bin')
    started = time.monotonic()
    for cmd in ([uv, 'venv', '-q', '--python', python, venv], [uv, 'pip', 'install', '-q', '--python', bin/'python', '-r', pins], [uv, 'pip', 'install', '-q', '--no-deps', '--python', bin/'python', whl]):
        if call(cmd, log, env): return res + [f'{kind} {version}: cannot be installed, see {log}'], False
    res.append(f"{kind} {version}: torch {got['torch']}, fastai {got['fastai']}, transformers {got['transformers']}, numpy {got['numpy']}, keras {got['keras']}; installed in {time.monotonic() - started:.0f} s")
    good = True
    if not args.no_run:
        weeks = [o for w in args.week or () for o in ('--week', str(w))]
        status = call([bin/'course-labs', 'run', '--size', 'tiny', '--out', ran, '--jobs', str(args.jobs), *weeks], log, python_env)
        labs = json.loads((ran/'metrics.json').read_text())['labs'] if (ran/'metrics.json').exists() else []
        res.append(f"{kind} {version}: {sum(o['ok'] for o in labs)} of {len(labs)} labs passed" + (f', the run ended with status {status}: see {log}' if status else ''))
        res += [f"{kind} {version}: week {o['week']}: {o['error']}" for o in labs if not o['ok']]
        good = good and not status
    if args.pytest:
        status = call([bin/'python', '-m', 'pytest', '-q', '-p', 'no:cacheprovider', *args.pytest.split()], log, dict(python_env, PYTHONPATH=str(ROOT)))
        res.append(f"{kind} {version}: pytest {'passed' if not status else f'failed, see {log}'}")
        good = good and not status
    if not args.keep: shutil.rmtree(venv, ignore_errors=True)
    return res, good

def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--python', action='append', choices=PROMISED + NEWER, help='only this version; repeatable')
    p.add_argument('--set', action='append', choices=('lowest', 'newest'), help='only this set; repeatable')
    p.add_argument('--out', type=Path, default=Path('versions_out'), metavar='DIR')
    p.add_argument('--week', type=int, action='append', metavar='N', help='only this lab; repeatable')
    p.add_argument('--jobs', type=int, default=2, metavar='N', help='labs at once (default 2)')
    p.add_argument('--pytest', default='', metavar='ARGS', help="run pytest with these arguments too, as in --pytest 'tests/test_library.py'")
    p.add_argument('--no-run', action='store_true', help='resolve and install only')
    p.add_argument('--keep', action='store_true', help='leave the environments')
    args = p.parse_args()
    args.out = args.out.resolve()
    args.out.mkdir(parents=True, exist_ok=True)
    env = dict(os.environ)
    if cert := env.get('PIP_CERT'): env.setdefault('SSL_CERT_FILE', cert)
    asked = args.python or PROMISED
    found = {v: interpreter(v) for v in args.python or PROMISED + NEWER}
    found = {v: p for v,p in found.items() if p or v in asked}
    for v, python in found.items(): print(f'Python {v}: ' + (subprocess.run([python, '-VV'], capture_output=True, text=True).stdout.strip() if python else 'missing on this machine'), flush=True)
    uv = tools(args.out)
    whl, all_good, lines = wheel(args.out, uv, env), True, []
    for version, python in found.items():
        for kind in args.set or ('lowest', 'newest') if python else ():
            said, good = try_set(version, python, kind, args, uv, env, whl)
            all_good, lines = all_good and good, lines + said
            for l in said: print(l, flush=True)
    (args.out/'summary.txt').write_text('\n'.join(lines) + '\n')
    return int(not all_good or not any(found.values()))

if __name__ == '__main__': sys.exit(main())
