"The interactive parts in the front ends that run here: a notebook that holds them, a server for it, and what is seen of each"
import json, os, socket, subprocess, time, urllib.request
from contextlib import contextmanager
from pathlib import Path

import nbformat
from nbformat.sign import NotebookNotary

# What each part shows when its script runs, and a sentence of what stands there where it does not
SEEN = dict(quiz=('#main fieldset', 'How much does it add to the loss?'), cards=('#main > *', 'The non-linear function that a neuron applies'),
            prediction=('#main > *', 'One output neuron looks at'), playground=('canvas', 'The playground is a page with JavaScript'))

def parts():
    "One of each kind of part, by name"
    from course_labs.teaching.cards import flashcards
    from course_labs.teaching.predictions import ask
    from course_labs.teaching.quiz import quiz
    from course_labs.weeks.playground import show
    return dict(quiz=quiz(1, seed=3), cards=flashcards(1), prediction=ask('w1.p1'), playground=show())

def parts_notebook(path, names):
    "A notebook as it is saved after a run, with these parts as outputs; cells without outputs where the part is to be run"
    new, shown = nbformat.v4, parts()
    cells = []
    for n in names:
        data = {'text/html': shown[n]._repr_html_(), 'text/plain': repr(shown[n])}
        cells.append(new.new_code_cell(f'parts[{n!r}]', outputs=[new.new_output('execute_result', data, execution_count=1)], execution_count=1))
    kernel = dict(display_name='Python 3', language='python', name='python3')
    nb = new.new_notebook(cells=cells, metadata=dict(kernelspec=kernel))
    nbformat.write(nb, path)
    return path

def trust(path, data_dir):
    "Sign a notebook as `jupyter trust` does, for a server whose data lie in `data_dir`"
    notary = NotebookNotary(data_dir=str(data_dir))
    notary.sign(nbformat.read(path, as_version=4))
    notary.store.close()

@contextmanager
def server(python, module, folder, own, env=None):
    "A notebook server on `folder` with its settings in `own`; its address"
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        port = s.getsockname()[1]
    own = Path(own)
    own.mkdir(parents=True, exist_ok=True)
    app = 'NotebookApp' if module == 'notebook' else 'ServerApp'
    cmd = [python, '-m', module, '--no-browser', f'--port={port}', '--allow-root', f'--{app}.token=', f'--{app}.password=',
           f'--notebook-dir={folder}', f'--{app}.ip=127.0.0.1']
    env = dict(env or os.environ, JUPYTER_DATA_DIR=str(own/'data'), JUPYTER_CONFIG_DIR=str(own/'config'), JUPYTER_RUNTIME_DIR=str(own/'run'),
               IPYTHONDIR=str(own/'ipython'), JUPYTER_PLATFORM_DIRS='1')
    with open(own/'log.txt', 'w', encoding='utf-8') as log, subprocess.Popen(list(map(str, cmd)), stdout=log, stderr=log, env=env) as p:
        try:
            url, until = f'http://127.0.0.1:{port}', time.monotonic() + 90
            while True:
                try:
                    with urllib.request.urlopen(f'{url}/api', timeout=5) as reply: json.load(reply)
                    break
                except OSError:
                    if p.poll() is not None or time.monotonic() > until:
                        raise RuntimeError((own/'log.txt').read_text(encoding='utf-8')[-2000:]) from None
                    time.sleep(.3)
            yield url
        finally:
            p.terminate()
            try: p.wait(10)
            except subprocess.TimeoutExpired: p.kill()

def seen(page, output, name, seconds=60):
    "Of the part `name` in the element `output`: 'script', 'fall-back', 'both' or 'nothing'"
    inside, says = SEEN[name]
    until = time.monotonic() + seconds
    while True:
        frames = output.locator('iframe')
        runs = any(frames.nth(i).content_frame.locator(inside).count() for i in range(frames.count()))
        texts = output.get_by_text(says, exact=False)
        instead = any(texts.nth(i).is_visible() for i in range(texts.count()))
        if runs or instead or time.monotonic() > until: break
        page.wait_for_timeout(200)
    return {(True, False): 'script', (False, True): 'fall-back', (True, True): 'both'}.get((runs, instead), 'nothing')
