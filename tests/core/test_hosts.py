"The images of Colab and Kaggle: the install cell changes no package of theirs and adds little"
import ast, datetime, json, re, subprocess, sys, urllib.error
from importlib import metadata

import pytest
from packaging.requirements import Requirement

from course_labs.core.paths import checkout
from course_labs.publishing.kaggle_push import wanted_wheels

import hosts

@pytest.fixture(params=hosts.HOSTS)
def image(request): return hosts.host_list(request.param)

def test_both_hosts_have_a_list(): assert set(hosts.HOSTS) >= {'colab', 'kaggle'}

def test_a_list_says_what_it_is(image):
    facts, pins = image
    assert set(facts) == {'host', 'python', 'date'}
    datetime.date.fromisoformat(facts['date'])
    assert len(pins) > 500, 'the whole list, and not a choice of ours'
    for name in ('torch', 'fastai', 'ipykernel', 'jupyter-client', 'nbconvert', 'protobuf', 'tensorboard', 'numpy'): assert name in pins

def test_install_cell_changes_nothing(image):
    facts, pins = image
    _, changed = hosts.install_plan(pins, facts['python'])
    assert changed == []

def test_install_cell_adds_little(image):
    facts, pins = image
    added, _ = hosts.install_plan(pins, facts['python'])
    mb = {name: hosts.installed_mb(name) for name in added}
    assert sum(mb.values()) < hosts.MAX_MB, mb
    assert len(added) <= 12, added

def test_wheels_for_kaggle_without_a_network_are_what_its_image_lacks():
    facts, pins = hosts.host_list('kaggle')
    added, _ = hosts.install_plan(pins, facts['python'])
    sent = {hosts.canon(Requirement(o).name) for o in wanted_wheels(checkout())}
    assert sent == set(added)

@pytest.mark.parametrize('line, says', [
    ('ipykernel>=7', 'the course asks for ipykernel>=7, and the image has ipykernel'),
    ('tensorboard>=2.21', 'the course asks for tensorboard>=2.21, and the image has tensorboard 2.20.0'),
    ('nbclient>=0.11', 'the image has nbclient'),
    ('transformers[torch]<5', 'the image has transformers 5')], ids=lambda o: o.split('>')[0])
def test_a_bound_that_is_too_high_is_named(image, line, says):
    facts, pins = image
    _, changed = hosts.install_plan(pins, facts['python'], [Requirement(line)])
    assert any(says in o for o in changed), changed

def test_a_package_that_is_added_is_looked_into(image, monkeypatch):
    "A small package that is not on the list may ask for one that is, at a higher version"
    facts, pins = image
    asked = {'genanki': ['protobuf>=7; python_version >= "3.11"', 'numpy>=99; python_version < "3.0"', 'tornado>=99; extra == "fast"']}
    monkeypatch.setattr(metadata, 'requires', lambda name: asked.get(name, []))
    _, changed = hosts.install_plan(pins, facts['python'], [Requirement('genanki')])
    assert changed == [f"genanki asks for protobuf>=7; python_version >= \"3.11\", and the image has protobuf {pins['protobuf']}"]

def test_a_list_as_colab_writes_it():
    facts, pins = hosts.read_list('# Do not modify\ntorch @ https://x.org/whl/cpu/torch-2.11.0%2Bcpu-cp313-cp313-linux_x86_64.whl\n'
                                  'google-colab @ file:///dist/google_colab-1.0.0.tar.gz\nPyYAML==6.0.3\ntorchaudio==2.11.0+cu128\n')
    assert facts == {} and pins == {'torch': '2.11.0', 'pyyaml': '6.0.3', 'torchaudio': '2.11.0+cu128'}

# Names under which packages are imported, where they differ from their own
IMPORTED_AS = {'scikit-learn': 'sklearn', 'pillow': 'PIL'}
# What another package loads for a module of ours
THROUGH_ANOTHER = {'pyarrow': 'read_parquet', 'sentencepiece': "sentencepiece='sentencepiece'", 'protobuf': 'google.protobuf'}

def test_base_requirements_are_imported_by_labs():
    "What no lab and no module that a lab uses imports does not belong to what a student installs"
    root = checkout()
    used = [p for p in (root/'course_labs').rglob('*.py')] + list((root/'nbs'/'labs').glob('*.ipynb'))
    text = '\n'.join(p.read_text(encoding='utf-8') for p in used)
    unused = []
    for r in hosts.asked(()):
        name = IMPORTED_AS.get(r.name, r.name.replace('-', '_'))
        there = f'import {name}', f'from {name}', f', {name}', THROUGH_ANOTHER.get(r.name, '\0')
        if not any(o in text for o in there): unused.append(r.name)
    assert unused == [], unused

# What comes along with a requirement, what every notebook kernel brings, and what is of the extra `app`
BROUGHT = dict(fastcore='fastai', cloudpickle='fastai', accelerate='transformers', requests='fastai', kaggle='fastkaggle', cycler='matplotlib',
               dateutil='pandas', IPython='a kernel', gradio='app', gradio_client='app', google='Colab')
# Packages of the library that run and publish labs; a lab uses none of them
NOT_OF_A_LAB = 'running', 'marking', 'publishing', 'cli.py', 'doctor.py', 'arms'

def imported(code):
    "Top-level names of all imports, also of those inside functions"
    for n in ast.walk(ast.parse(code)):
        if isinstance(n, ast.Import): yield from (a.name.split('.')[0] for a in n.names)
        elif isinstance(n, ast.ImportFrom) and not n.level: yield n.module.split('.')[0]

def test_what_a_lab_imports_is_a_base_requirement():
    root = checkout()
    package = root/'course_labs'
    texts = [p.read_text(encoding='utf-8') for p in package.rglob('*.py') if p.relative_to(package).parts[0] not in NOT_OF_A_LAB]
    for p in (root/'nbs'/'labs').glob('*.ipynb'):
        cells = [''.join(c['source']) for c in json.loads(p.read_text(encoding='utf-8'))['cells'] if c['cell_type'] == 'code']
        texts += [re.sub(r'^( *)[%!].*', r'\1pass', c, flags=re.M) for c in cells]
    names = {n for t in texts for n in imported(t)} - set(sys.stdlib_module_names) - {'course_labs'}
    offered = {IMPORTED_AS.get(r.name, r.name.replace('-', '_')) for r in hosts.asked()}
    assert names - offered - set(BROUGHT) == set()

@pytest.mark.parametrize('verb', [['run', '--week', '8'], ['release', '--week', '8']], ids=lambda o: o[0])
def test_a_verb_names_the_extra_that_it_lacks(verb, tmp_path):
    "Where only the base requirements are installed and the image has no runner"
    code = f"import sys; sys.modules.update(nbclient=None, nbformat=None); from course_labs.cli import main; sys.exit(main({verb!r}))"
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
    assert f'course-labs {verb[0]}: nb' in done.stderr and "is not installed: pip install 'course_labs[local]'" in done.stderr

def test_the_newest_lists_need_a_network(monkeypatch):
    def nowhere(*args, **kw): raise urllib.error.URLError('no route')
    monkeypatch.setattr(hosts.urllib.request, 'urlopen', nowhere)
    with pytest.raises(SystemExit, match=r'^https://\S+ cannot be had \(no route\): --newest needs a network'): hosts.newest_list('kaggle')

def test_a_warning_that_a_student_sees_is_found(tmp_path):
    outputs = [dict(output_type='stream', name='stdout', text='fine'), dict(output_type='stream', name='stderr', text=['x.py:3:\n', '  UserWarning: beta'])]
    (tmp_path/'x.ipynb').write_text(json.dumps(dict(cells=[dict(cell_type='markdown'), dict(cell_type='code', outputs=outputs)])))
    assert hosts.warnings_in(tmp_path/'x.ipynb') == ['cell 1: x.py:3: UserWarning: beta']
    assert hosts.warnings_in(tmp_path/'none.ipynb') == []
