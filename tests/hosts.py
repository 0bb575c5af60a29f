#!/usr/bin/env python3
"""The course on the images of Colab and Kaggle: what its install cell does to them, and whether the labs run there.

    python tests/hosts.py [--host colab] [--week N] [--plain] [--classic] [--resolve] [--newest] [--out DIR]

data/hosts/NAME.txt lists the packages of an image. For each host, all that the labs touch of its list is installed into a virtual
environment with the list's own versions, under its Python (or the nearest that this machine has, which is said). Then the library
is installed as the install cell does it, with the image's own pip from a git repository, and what that changed is printed: packages
changed (must be none), added, megabytes, seconds. Then the labs run at size `tiny`, through the runner and (--plain) as a student
runs them: by the image's own nbconvert and kernel, in a folder that must hold nothing but the notebook afterwards. --classic opens
the parts of a notebook in the classic notebook of the image, in Chromium.

--resolve asks the resolver only: may everything be had while each package of the list keeps its version? --newest takes the lists as
their owners publish them today. Both need a network; the check in `make test` (tests/core/test_hosts.py) needs none.

Ends with status 0 only when nothing changed and every lab passed. DIR (default: hosts_out) takes about 3 GB a host beside a CUDA build
of torch; environments are removed after their run unless --keep is given, and used again with --again.
"""
import argparse, json, os, re, resource, shutil, subprocess, sys, time, urllib.request
from configparser import ConfigParser
from importlib import metadata
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name as canon

from versions import call, interpreter, tools

ROOT = Path(__file__).resolve().parent.parent
LISTS = ROOT/'data'/'hosts'
HOSTS = tuple(sorted(p.stem for p in LISTS.glob('*.txt')))
MAX_SECONDS, MAX_MB = 30, 120
# Of an image, beside what the labs import: what runs a notebook, and what would complain when the install cell changed a package
STACK = ('pip setuptools ipykernel ipython jupyter-client jupyter-core jupyter-server jupyterlab nbclient nbconvert nbformat notebook '
         'nbclassic tornado traitlets pyzmq ipywidgets protobuf grpcio grpcio-status tensorboard gradio sentencepiece rich psutil').split()
GPU = re.compile(r'^(nvidia|cuda|triton|cupy)')  # A build of torch for GPUs brings these; other builds have none of them

def read_list(text):
    "The facts in the head of a list, and the version of each package"
    facts = dict(re.findall(r'^# (host|python|date): (\S+)', text, re.M))
    pins = re.findall(r'^([\w.-]+)\s*==\s*([^\s;#]+)', text, re.M)
    built = re.findall(r'^([\w.-]+) @ \S+/\1-([\d.]+)(?:%2B|-)', text, re.M)  # from an address, as Colab installs torch
    return facts, {canon(k): v for k,v in [*pins, *built]}

def host_list(name): return read_list((LISTS/f'{name}.txt').read_text(encoding='utf-8'))

def asked(extras=('offline',)):
    "The requirements of the install cell"
    cfg = ConfigParser(interpolation=None)
    cfg.read(ROOT/'settings.ini', encoding='utf-8')
    keys = 'requirements', *(f'{e}_requirements' for e in extras)
    return [Requirement(l.strip()) for k in keys for l in cfg['DEFAULT'][k].splitlines() if l.strip()]

def requires(name, extra='', python='3.13'):
    "What the installed package `name` asks for on a host, without extras or for one of them alone"
    env = dict(default_environment(), python_version=python, python_full_version=f'{python}.0', sys_platform='linux',
               platform_system='Linux', platform_machine='x86_64', os_name='posix')
    found = [Requirement(o) for o in metadata.requires(name) or ()]
    def wanted(r, extra): return not r.marker or r.marker.evaluate(dict(env, extra=extra))
    return [r for r in found if wanted(r, extra) and not (extra and wanted(r, ''))]

def install_plan(pins, python, reqs=None):
    """What pip would do to an image, from the metadata of the packages that are installed here: the names that it adds, and
    a line for each package that it would change"""
    todo, added, changed, seen = [(r, 'the course') for r in reqs or asked()], {}, [], set()
    while todo:
        r, by = todo.pop()
        name = canon(r.name)
        if (name, str(r)) in seen: continue
        seen.add((name, str(r)))
        if name in pins and not r.specifier.contains(pins[name], prereleases=True):
            changed.append(f'{by} asks for {r}, and the image has {name} {pins[name]}')
        elif name not in pins and name not in added:
            added[name] = by
            todo += [(o, name) for o in requires(name, python=python)]
        for e in r.extras: todo += [(o, f'{name}[{e}]') for o in requires(name, e, python)]
    return added, sorted(changed)

def installed_mb(name): return sum(f.locate().stat().st_size for f in metadata.files(name) or () if f.locate().is_file())/1e6

# What follows needs a network

NEWEST = dict(colab='https://raw.githubusercontent.com/googlecolab/backend-info/main/pip-freeze.gpu.txt',
              colab_os='https://raw.githubusercontent.com/googlecolab/backend-info/main/os-info-gpu.txt',
              kaggle='https://raw.githubusercontent.com/Kaggle/docker-python/main/kaggle_requirements.txt')

def fetch(url):
    try:
        with urllib.request.urlopen(url, timeout=60) as reply: return reply.read().decode('utf-8')
    except OSError as e:
        raise SystemExit(f'{url} cannot be had ({getattr(e, "reason", e)}): --newest needs a network; without it the lists of data/hosts are taken') from None

def newest_list(name):
    "The list of a host as its owner publishes it today; Kaggle publishes its pins, which are laid over the list that is committed"
    if name == 'colab':
        python = re.search(r'^Python (3\.\d+)', fetch(NEWEST['colab_os']), re.M)[1]
        return dict(host=name, python=python, date='today'), read_list(fetch(NEWEST['colab']))[1]
    facts, pins = host_list(name)
    lines = [l.split('#')[0].strip() for l in fetch(NEWEST['kaggle']).splitlines()]
    for r in [Requirement(l) for l in lines if re.match(r'[\w.-]+(\[.*\])?\s*[<>=!~]', l)]:
        exact = [s.version for s in r.specifier if s.operator == '==']
        if exact: pins[canon(r.name)] = exact[0]
        elif (v := pins.get(canon(r.name))) and not r.specifier.contains(v, prereleases=True):
            print(f'{name}: its image now asks for {r}, and data/hosts/{name}.txt says {v}', flush=True)
    return dict(facts, date='today'), pins

def plain_version(v): return v.split('+')[0]  # 2.11.0+cu128 is 2.11.0 on PyPI

def pins_of(text): return {canon(k): v for k,v in re.findall(r'^([\w.-]+)(?:\[[^]]*\])?==([^\s;#]+)', text, re.M)}

def resolve(uv, lines, pins, python, where, env):
    "The versions that satisfy `lines` while every package of the image keeps its own, or the resolver's words for why there are none"
    where.mkdir(parents=True, exist_ok=True)
    (where/'asked.in').write_text('\n'.join(map(str, lines)) + '\n', encoding='utf-8')
    # PyPI's build of torch is for another CUDA than the image's, and brings packages of its own
    fixed = {k: plain_version(v) for k,v in pins.items() if not GPU.match(k)}
    (where/'image.txt').write_text(''.join(f'{k}=={v}\n' for k,v in fixed.items()), encoding='utf-8')
    cmd = [uv, 'pip', 'compile', '-q', '--no-header', '--no-annotate', '--python-version', python, '-c', where/'image.txt', where/'asked.in']
    done = subprocess.run(list(map(str, cmd)), capture_output=True, text=True, env=env)
    return pins_of(done.stdout), done.stderr.strip() if done.returncode else ''

def repository(out, log):
    "A git repository with the files of this checkout as they are, for the install cell to take"
    src = out/'source'
    shutil.rmtree(src, ignore_errors=True)
    listed = subprocess.run(['git', 'ls-files', '-co', '--exclude-standard'], cwd=ROOT, capture_output=True, text=True, check=True)
    for f in listed.stdout.splitlines():
        if not (ROOT/f).is_file(): continue
        (src/f).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT/f, src/f)
    git = ['git', '-C', src, '-c', 'user.name=course_labs', '-c', 'user.email=labs@localhost']
    for cmd in (['init', '-q'], ['add', '-A'], ['commit', '-q', '-m', 'as it stands']):
        if call([*git, *cmd], log): raise SystemExit(f'{src} cannot be made a git repository: see {log}')
    return src

def image_packages(uv, facts, pins, where, env):
    "Of an image, the packages that the labs touch with their versions, and what a build of torch for GPUs brings"
    full, why = resolve(uv, asked(), pins, facts['python'], where/'asked', env)
    if why: raise SystemExit(f"{facts['host']}: the course does not fit the image:\n{why}")
    names = sorted(o for o in {*full, *map(canon, STACK)} if o in pins and not GPU.match(o))
    lines = [f'{o}=={plain_version(pins[o])}' for o in names]
    alone, why = resolve(uv, lines, pins, facts['python'], where/'alone', env)
    if why: raise SystemExit(f"{facts['host']}: its own packages cannot be had together:\n{why}")
    return {k: v for k,v in alone.items() if k in pins or GPU.match(k)}

def freeze(python):
    code = 'import json, importlib.metadata as m; print(json.dumps({d.metadata["Name"]: d.version for d in m.distributions()}))'
    done = subprocess.run([python, '-c', code], capture_output=True, text=True, check=True)
    return {canon(k): v for k,v in json.loads(done.stdout).items()}

def complaints(python): # Of pip check, as a set of lines
    return set(subprocess.run([python, '-m', 'pip', 'check'], capture_output=True, text=True).stdout.splitlines())

def folder_mb(folder): return sum(f.stat().st_size for f in Path(folder).rglob('*') if f.is_file() and not f.is_symlink())/1e6

def build(uv, facts, pins, where, env, log):
    "The environment of an image; its Python, and the versions in it"
    exe = interpreter(facts['python']) or sys.executable
    packages = image_packages(uv, facts, pins, where, env)
    (where/'packages.txt').write_text(''.join(f'{k}=={v}\n' for k,v in sorted(packages.items())), encoding='utf-8')
    python = where/'env'/'bin'/'python'
    shutil.rmtree(where/'env', ignore_errors=True)
    install = [uv, 'pip', 'install', '-q', '--no-deps', '--python', python, '-r', where/'packages.txt']
    for cmd in ([uv, 'venv', '-q', '--python', exe, where/'env'], install):
        if call(cmd, log, env): raise SystemExit(f"{facts['host']}: its packages cannot be installed: see {log}")
    if facts['host'] == 'colab':  # by this module the library knows where it is
        site = next((where/'env'/'lib').glob('python3*'))/'site-packages'
        (site/'google'/'colab').mkdir(parents=True, exist_ok=True)
        (site/'google'/'colab'/'__init__.py').touch()
    return python

def install_cell(python, source, env, log):
    """Install the library as the install cell does

    Comes back with the packages changed, those added, the MB of those and of the library, the seconds by the clock and of the
    processor, and what pip check says that it did not say before."""
    site = next((python.parent.parent/'lib').glob('python3*'))/'site-packages'
    before, mb, said = freeze(python), folder_mb(site), complaints(python)
    started, worked = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    cmd = [python, '-m', 'pip', 'install', '-q', '--disable-pip-version-check', f'course_labs[offline] @ git+file://{source}']
    if call(cmd, log, env): raise SystemExit(f'the install cell failed: see {log}')
    seconds, now = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu, after = now.ru_utime + now.ru_stime - worked.ru_utime - worked.ru_stime, freeze(python)
    changed = {k: f'{v} to {after.get(k)}' for k,v in before.items() if after.get(k) != v}
    added = {k: v for k,v in after.items() if k not in before}
    own = folder_mb(site/'course_labs')
    return changed, added, (folder_mb(site) - mb - own, own), (seconds, cpu), complaints(python) - said

def run_plain(python, notebook, where, env, log):
    "A lab as a student runs it: from its own folder, by the image's nbconvert and kernel; a line, and whether all is well"
    here = where/'plain'/notebook.stem
    shutil.rmtree(here, ignore_errors=True)
    (here/'content').mkdir(parents=True)
    shutil.copy(notebook, here/'content')
    record = here/'record.json'
    env = dict(env, COURSE_LABS_RECORD=str(record), COURSE_LABS_CACHE=str(here/'cache'), TMPDIR=str(here/'tmp'))
    (here/'tmp').mkdir()
    started = time.monotonic()
    cmd = [python, '-m', 'nbconvert', '--to', 'notebook', '--execute', '--ExecutePreprocessor.timeout=-1', '--output-dir', here,
           here/'content'/notebook.name]
    with open(log, 'a', encoding='utf-8') as f:
        status = subprocess.run(list(map(str, cmd)), stdout=f, stderr=f, env=env, cwd=here/'content').returncode
    left = sorted(str(p.relative_to(here/'content')) for p in (here/'content').rglob('*') if p.name != notebook.name)
    asked_for = [o for o in left if o in ASKED_FOR.get(notebook.name[:6], ())]
    odd = [o for o in left if o not in asked_for]
    claims = json.loads(record.read_text(encoding='utf-8'))['claims'] if record.exists() else []
    lost = [o['text'] for o in claims if not o['holds']]
    warned = warnings_in(here/notebook.name)
    says = [f'{time.monotonic() - started:.0f} s', 'from first to last cell' if not status else f'failed: see {log}']
    if lost: says.append(f'{len(lost)} of {len(claims)} claims do not hold: {lost[0]}')
    if asked_for: says.append(f"left beside the notebook, as asked for: {', '.join(asked_for)}")
    if odd: says.append(f"left beside the notebook: {', '.join(odd[:8])}")
    if warned: says.append(f'a student sees a warning: {warned[0][:200]}')
    return f"{notebook.stem}, plain: {'; '.join(says)}", not (status or lost or odd or warned)

def warnings_in(executed):
    "What the cells of an executed notebook wrote to stderr, a line each; a lab writes nothing there"
    nb = json.loads(executed.read_text(encoding='utf-8')) if executed.exists() else dict(cells=[])
    outputs = [(i, o) for i,c in enumerate(nb['cells']) for o in c.get('outputs', ()) if o.get('name') == 'stderr']
    return [f"cell {i}: {' '.join(''.join(o['text']).split())}" for i,o in outputs]

# What the cells of a lab write beside the notebook, for the student to take along
ASKED_FOR = dict(week02=('recogniser.pkl',), week03=('submission.csv',), week04=('submission.csv',))

def try_host(name, args, uv, env):
    facts, pins = newest_list(name) if args.newest else host_list(name)
    where, good = args.out/name, True
    where.mkdir(parents=True, exist_ok=True)
    log, python = where/'log.txt', where/'env'/'bin'/'python'
    def say(text): print(f'{name}: {text}', flush=True)
    say(f"Python {facts['python']}, {len(pins)} packages of {facts['date']}")
    if args.resolve:
        full, why = resolve(uv, asked(), pins, facts['python'], where/'asked', env)
        if why: say(f'the install cell would change the image:\n{why}')
        else: say(f"0 packages would change; added: {', '.join(sorted(k for k in full if k not in pins and not GPU.match(k)))}")
        return not why
    if not (args.again and python.exists()):
        log.unlink(missing_ok=True)
        build(uv, facts, pins, where, env, log)
        used = subprocess.run([python, '-V'], capture_output=True, text=True).stdout.strip()
        odd = '' if facts['python'] in used else f", and not {facts['python']}: this machine has none"
        say(f'{used} with {len(freeze(python))} of its packages{odd}')
        changed, added, (mb, own), (seconds, cpu), said = install_cell(python, repository(args.out, log), env, log)
        added.pop('course-labs', None)
        say(f'the install cell changed {len(changed)} packages and added {len(added)} ({mb:.0f} MB) and the library ({own:.0f} MB) in '
            f'{seconds:.0f} s ({cpu:.0f} of the processor): ' + ', '.join(f'{k} {v}' for k,v in sorted(added.items())))
        for k,v in changed.items(): say(f'changed: {k} {v}')
        for o in sorted(said): say(f'pip check: {o}')
        if seconds > MAX_SECONDS or mb > MAX_MB: say(f'asked for: at most {MAX_SECONDS} s and {MAX_MB} MB')
        good = not changed and not said and mb <= MAX_MB
    run_env = {k: v for k,v in env.items() if not k.startswith(('COURSE_LABS', 'PYTHON', 'VIRTUAL_ENV', 'PIP_'))}
    run_env |= dict(COURSE_LABS_OFFLINE='1', PATH=f'{python.parent}{os.pathsep}{env["PATH"]}', JUPYTER_PLATFORM_DIRS='1')
    if name == 'kaggle': run_env['KAGGLE_KERNEL_RUN_TYPE'] = 'Interactive'
    labs = [p for p in sorted((ROOT/'nbs'/'labs').glob('week??_*.ipynb')) if not args.week or int(p.name[4:6]) in args.week]
    if not args.plain_only and not args.no_run: good = run_runner(python, where, args, run_env, log, say) and good
    for p in labs if args.plain or args.plain_only else ():
        line, well = run_plain(python, p, where, run_env, log)
        say(line)
        good = good and well
    if args.classic:
        line, well = open_classic(python, where, run_env)
        say(line)
        good = good and well
    if not args.keep: shutil.rmtree(where/'env', ignore_errors=True)
    return good

def open_classic(python, where, env):
    "The interactive parts in the image's classic notebook, run there and as a stranger saved them; lines, and whether all is well"
    from playwright.sync_api import sync_playwright
    from conftest import launch
    from front_ends import SEEN, parts_notebook, seen, server
    nbs, own, res, good = where/'classic'/'notebooks', where/'classic'/'server', [], True
    shutil.rmtree(where/'classic', ignore_errors=True)
    nbs.mkdir(parents=True)
    for n in SEEN: parts_notebook(nbs/f'{n}.ipynb', [n])
    with server(python, 'notebook', nbs, own, env) as url, sync_playwright() as p, launch(p) as b:
        for n in SEEN:
            page = b.new_page(viewport=dict(width=1280, height=1100))
            page.goto(f'{url}/notebooks/{n}.ipynb')
            output = page.locator('.output_wrapper').first
            page.locator('.output_area').first.wait_for(timeout=90_000)
            saved = seen(page, output, n, 20)
            page.evaluate("""code => { const c = Jupyter.notebook.get_cell(0); c.set_text(code); c.clear_output(); }""",
                          f"import sys; sys.path.insert(0, {str(ROOT/'tests')!r})\nfrom front_ends import parts\nparts()[{n!r}]")
            page.wait_for_function('Jupyter.notebook.kernel && Jupyter.notebook.kernel.is_connected()', timeout=90_000)
            page.evaluate('Jupyter.notebook.get_cell(0).execute()')
            page.locator('.output_area iframe').first.wait_for(timeout=180_000)
            ran = seen(page, output, n)
            res.append(f"{n} {'runs' if ran == 'script' else ran}, saved by a stranger: {saved}")
            good = good and ran == 'script' and saved in ('fall-back', 'both')
            page.close()
    version = freeze(python).get('notebook')
    return f"classic notebook {version}: {'; '.join(res)}", good

def run_runner(python, where, args, env, log, say):
    "The labs through the runner; whether all passed"
    weeks = [o for w in args.week or () for o in ('--week', str(w))]
    status = call([python.with_name('course-labs'), 'run', '--size', 'tiny', '--out', where/'run', '--jobs', '1', *weeks], log, env)
    found = where/'run'/'metrics.json'
    labs = json.loads(found.read_text(encoding='utf-8'))['labs'] if found.exists() else []
    for o in labs: say(f"week {o['week']}, runner: {o['seconds']:.0f} s, " + ('passed' if o['ok'] else f"failed: {o['error']}"))
    if not labs: say(f'the runner ended with status {status}: see {log}')
    return not status and bool(labs)

def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--host', action='append', choices=HOSTS, help='only this one; repeatable')
    p.add_argument('--week', type=int, action='append', metavar='N', help='only this lab; repeatable')
    p.add_argument('--plain', action='store_true', help='also as plain notebooks')
    p.add_argument('--plain-only', action='store_true', help='as plain notebooks and not through the runner')
    p.add_argument('--classic', action='store_true', help="open a notebook's parts in the image's classic notebook, in Chromium")
    p.add_argument('--resolve', action='store_true', help='ask the resolver only')
    p.add_argument('--newest', action='store_true', help='with the lists that the hosts publish today')
    p.add_argument('--no-run', action='store_true', help='build and install only')
    p.add_argument('--out', type=Path, default=Path('hosts_out'), metavar='DIR')
    p.add_argument('--keep', action='store_true', help='leave the environments')
    p.add_argument('--again', action='store_true', help='use the environment that an earlier call with --keep left')
    args = p.parse_args()
    args.out = args.out.resolve()
    args.out.mkdir(parents=True, exist_ok=True)
    env = dict(os.environ)
    if cert := env.get('PIP_CERT'): env.setdefault('SSL_CERT_FILE', cert)
    uv = tools(args.out)
    return int(not all([try_host(name, args, uv, env) for name in args.host or HOSTS]))

if __name__ == '__main__': sys.exit(main())
