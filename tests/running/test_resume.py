"A run that goes on: a lab runs again when something that its result follows from has changed, and only then"
import os, shutil, subprocess, sys
from pathlib import Path

import pytest

import course_labs
from course_labs.core.paths import data_dir

from toy_labs import lab

PASSES = """import json, os
names = '{names}'.split()
with open(os.environ['COURSE_LABS_RECORD'], 'w') as f: json.dump(dict(metrics=dict.fromkeys(names, 1)), f)
"""
WEEK_1 = PASSES.format(names='circle_accuracy xor_accuracy spiral_accuracy') + 'from course_labs.teaching.quiz import quiz'
WEEK_8 = PASSES.format(names='questions terms exam_questions') + 'from course_labs.weeks.cnn import conv_out'
MAIN = """import sys, pathlib, course_labs.core.paths as p
p.labs_dir = lambda: pathlib.Path('labs')
from course_labs.cli import main
sys.exit(main(['run', '--size', 'tiny', '--resume', '--out', 'out', *sys.argv[1:]]))"""

@pytest.fixture(scope='module')
def project(tmp_path_factory):
    "A copy of the library with two labs of its own, which have passed once"
    root = tmp_path_factory.mktemp('project')
    ignore = shutil.ignore_patterns('__pycache__')
    shutil.copytree(Path(course_labs.__file__).parent, root/'course_labs', ignore=ignore)
    shutil.copytree(data_dir(), root/'data', ignore=ignore)
    lab(root/'labs', 1, WEEK_1)
    lab(root/'labs', 8, WEEK_8)
    says = go_on(root)
    assert says == {1: 'runs: it had not finished', 8: 'runs: it had not finished'}
    return root

def go_on(root, *args):
    "Run again with --resume; what it says of each week"
    env = {k: v for k,v in os.environ.items() if not k.startswith('COURSE_LABS_')}
    env = dict(env, COURSE_LABS_OFFLINE='1', PYTHONPATH=str(root), PYTHONDONTWRITEBYTECODE='1')
    done = subprocess.run([sys.executable, '-c', MAIN, *args], cwd=root, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    said = [o.split(maxsplit=2) for o in done.stdout.splitlines() if o.startswith('week ')]
    return {int(o[1]): o[2] for o in said if o[2].startswith(('runs:', 'kept'))}

def change(path, text='\n# changed\n'): path.write_text(path.read_text(encoding='utf-8') + text, encoding='utf-8')

def kept(says): return [week for week, what in says.items() if what.startswith('kept')]

def test_nothing_changed(project): assert kept(go_on(project)) == [1, 8]

@pytest.mark.parametrize('file, week, why', [
    ('course_labs/weeks/cnn.py', 8, 'runs: other module weeks.cnn'),            # imported by week 8 alone
    ('course_labs/teaching/embed.py', 1, 'runs: other module teaching.embed'),  # through another module, by week 1 alone
    ('data/course/week08.toml', 8, 'runs: other settings'),
    ('data/questions/week3.json', 1, 'runs: other data/questions')])
def test_what_changed_runs_again_and_the_rest_is_kept(project, file, week, why):
    text = '\nadded = {tiny = 1, full = 2, says = "a setting more"}\n' if file.endswith('.toml') else '\n'
    change(project/file, text)
    says = go_on(project)
    assert says.pop(week) == why and kept(says) == [9 - week]
    assert kept(go_on(project)) == [1, 8]  # its new result holds

def test_what_no_lab_follows_from_runs_none(project):
    for name in ('weeks/paddy.py', 'running/runner.py', 'cli.py'): change(project/'course_labs'/name)
    change(project/'data'/'course'/'week03.toml')
    assert kept(go_on(project)) == [1, 8]

def test_a_bound_that_is_moved_runs_none(project):
    path = project/'data'/'course'/'week08.toml'
    text = path.read_text(encoding='utf-8')
    assert 'exam_questions = {low = 10,' in text
    path.write_text(text.replace('exam_questions = {low = 10,', 'exam_questions = {low = 9,'), encoding='utf-8')
    assert kept(go_on(project)) == [1, 8]

def test_seed_settings_and_data_count_for_every_lab(project):
    assert set(go_on(project, '--seed', '7').values()) == {'runs: other seed'}
    assert set(go_on(project, '--seed', '7', '--data', f"photos={project/'data'/'photos'}").values()) == {'runs: other data'}
