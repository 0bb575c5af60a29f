"""Code in a process of its own that begins with the large packages loaded

The first call starts a process that imports them once; each call is a fork of that process. Where the system
cannot fork, each begins from nothing, with the same result."""
import atexit, importlib, json, os, subprocess, sys, tempfile, threading, traceback, types
from functools import cache
from pathlib import Path
from subprocess import CompletedProcess

os.environ.setdefault('KERAS_BACKEND', 'torch')
LARGE = ['course_labs.lab', 'nbdev.test', 'fastai.vision.all', 'transformers.trainer', 'timm', 'keras', 'pandas',
         'scipy.stats', 'sklearn.metrics']

def _become(job):
    "In a fork: what `python -c` would be; never returns"
    for stream, name in enumerate((os.devnull, job['stdout'], job['stderr'])):
        os.dup2(os.open(name, os.O_RDWR), stream)
    sys.stdin, sys.argv = open(0, closefd=False), ['-c']
    os.environ.clear()
    os.environ.update(job['env'])
    os.chdir(job['cwd'])
    sys.modules['__main__'] = main = types.ModuleType('__main__')
    status = 0
    try: exec(compile(job['code'], '<string>', 'exec'), main.__dict__)
    except SystemExit as e: status = e.code if isinstance(e.code, int) else int(bool(e.code))
    except BaseException:
        traceback.print_exc()
        status = 1
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)

def serve():
    "Fork for each line of the standard input, and say how the fork ended"
    for name in LARGE: importlib.import_module(name)
    for line in sys.stdin:
        if not (pid := os.fork()): _become(json.loads(line))
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)

@cache
def _server():
    pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return subprocess.Popen([sys.executable, '-c', 'import forked; forked.serve()'], **pipes,
                            env=dict(os.environ, PYTHONPATH=os.pathsep.join([str(Path(__file__).parent), *sys.path])))

def python(code, env=None, cwd='.'): # A CompletedProcess with text
    "What `subprocess.run([sys.executable, '-c', code])` would give, sooner"
    env, cwd = dict(os.environ if env is None else env), str(Path(cwd).resolve())
    if not hasattr(os, 'fork'):
        return subprocess.run([sys.executable, '-c', code], env=env, cwd=cwd, capture_output=True, text=True)
    with tempfile.TemporaryDirectory() as folder:
        said = [Path(folder)/name for name in ('stdout', 'stderr')]
        for p in said: p.touch()
        job = dict(code=code, env=env, cwd=cwd, stdout=str(said[0]), stderr=str(said[1]))
        print(json.dumps(job), file=_server().stdin, flush=True)
        status = _server().stdout.readline()
        if not status: raise RuntimeError('the process that forks has ended')
        return CompletedProcess(code, int(status), *[p.read_text(errors='replace') for p in said])
