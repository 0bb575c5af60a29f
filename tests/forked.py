"""Code in a process of its own that begins with the large packages loaded

The first call starts a process that imports them once; each call after it is a fork of that process. Where the
system cannot fork, each begins from nothing, with the same result."""
import multiprocessing, os, tempfile
from functools import cache
from pathlib import Path
from subprocess import CompletedProcess

os.environ.setdefault('KERAS_BACKEND', 'torch')
LARGE = ['course_labs.lab', 'nbdev.test', 'fastai.vision.all', 'transformers.trainer', 'timm', 'keras', 'pandas',
         'scipy.stats', 'sklearn.metrics']

@cache
def _context():
    kind = 'forkserver' if 'forkserver' in multiprocessing.get_all_start_methods() else 'spawn'
    context = multiprocessing.get_context(kind)
    context.set_forkserver_preload(LARGE)
    return context

def _child(code, env, cwd, folder):
    for stream, name in ((1, 'stdout'), (2, 'stderr')): os.dup2(os.open(Path(folder)/name, os.O_WRONLY), stream)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    exec(compile(code, '<code>', 'exec'), dict(__name__='__main__'))

def python(code, env=None, cwd='.'): # A CompletedProcess with text
    "What `subprocess.run([sys.executable, '-c', code])` would give, sooner"
    with tempfile.TemporaryDirectory() as folder:
        said = [Path(folder)/name for name in ('stdout', 'stderr')]
        for p in said: p.touch()
        process = _context().Process(target=_child, args=(code, dict(os.environ if env is None else env), str(cwd), folder))
        process.start()
        process.join()
        return CompletedProcess(code, process.exitcode, *[p.read_text(errors='replace') for p in said])
