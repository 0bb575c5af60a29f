"The images of Colab and Kaggle: the install cell changes no package of theirs and adds little"
import datetime, importlib.util, sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from course_labs.core.paths import checkout

sys.path.insert(0, str(checkout()/'tests'))
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
THROUGH_ANOTHER = {'pyarrow': 'read_parquet'} # What pandas calls it for

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
