"Every arm of a comparison was searched, alike, and its best value lies inside its grid"
import json, re

import pytest

from course_labs import syllabus
from course_labs.arms.find import arms_of, find_arms, weeks_with_arms
from course_labs.cli import main
from course_labs.core.files import CourseError
from course_labs.core.paths import lab_notebooks
from course_labs.lab import Lab
from course_labs.core.machine import probe_device
from course_labs.training.recipes import Arm, at_edge, plan_of, points, read_recipes, recipe, search

ENTRIES = read_recipes()
ARMS = {a.name: a for a in find_arms()}
NOT_ARMS = re.compile(r"\b(check|hint|predict|outcome)\(\s*'w\d+\.\w+'")
NAME = re.compile(r"'(w\d+\.\w*)")

def asked(week):
    "What a lab asks for by name: 'w6.neural', or 'w3.' where the rest of the name is computed"
    paths = [p for k,p in lab_notebooks(extras=True).items() if int(str(k).split()[0]) == week]
    cells = [c for p in paths for c in json.loads(p.read_text())['cells']]
    code = '\n'.join(''.join(c['source']) for c in cells if c['cell_type'] == 'code')
    return set(NAME.findall(NOT_ARMS.sub('', code))) if 'recipe' in code else set()

@pytest.mark.parametrize('week', syllabus.weeks())
def test_labs_ask_for_arms_that_were_searched(week):
    names = asked(week)
    for name in names:
        there = [k for k in ENTRIES if k.startswith(name)] if name.endswith('.') else [k for k in ENTRIES if k == name]
        assert there, f'week {week} asks for {name}: search it with course-labs recipes'
    computed = any(o.endswith('.') for o in names)
    mine = {k for k in ARMS if k.startswith(f'w{week}.')}
    assert bool(names) == bool(mine)
    if not computed: assert mine == names, 'an arm that no lab asks for'

@pytest.mark.parametrize('week', syllabus.weeks())
def test_searched_settings_have_arms(week):
    "A setting that says 'searched' would stay a word without a search"
    searched = [s.name for s in syllabus.week(week).settings.values() if s.searched]
    assert bool(searched) == (week in weeks_with_arms())

@pytest.mark.parametrize('name', ARMS)
def test_arm_was_searched_as_it_stands(name):
    assert name in ENTRIES, f'search it with course-labs recipes {name}'
    entry, arm = ENTRIES[name], ARMS[name]
    assert {k: entry[k] for k in plan_of(arm)} == plan_of(arm), 'the search is older than its plan: search again'
    assert [o['recipe'] for o in entry['tries']] == points(arm.grid)
    assert all(len(o['scores']) == len(arm.seeds) > 1 for o in entry['tries'])
    assert at_edge(entry) == [], f"widen the grid of {name}: the best is {entry['best']}"

def test_arms_of_a_comparison_are_searched_alike():
    for comparison in {a.comparison for a in ARMS.values()}:
        arms = [ENTRIES[k] for k,a in ARMS.items() if a.comparison == comparison]
        assert len({(e['n_tries'], len(e['seeds']), e['metric']) for e in arms}) == 1, comparison
        for key in {k for e in arms for k in e['grid']}:
            rows = {json.dumps(e['grid'][key]) for e in arms if key in e['grid']}
            assert len(rows) == 1, f'{comparison}: two grids of {key}'

def test_nothing_in_the_file_without_an_arm(): assert set(ENTRIES) == set(ARMS)

def lab_of(week, size='tiny', **changed):
    lab = Lab(week, probe_device(), size, 42, 'local', False, '.')
    lab.config(**changed)
    return lab

def test_lab_reads_a_recipe(monkeypatch):
    monkeypatch.delenv('COURSE_LABS_SET', raising=False)
    monkeypatch.setenv('COURSE_LABS_PREFLIGHT', '0')  # size full asks for data that are not here
    found = recipe('w6.neural')
    assert lab_of(6).recipe('w6.neural') == found
    assert lab_of(6).recipe('w6.neural').epochs == lab_of(6).cfg.epochs
    assert lab_of(6, lr=0.5).recipe('w6.neural') == {**found, 'lr': 0.5}
    assert lab_of(6, lr=0.5).recipe('w6.raters').lr == recipe('w6.raters').lr, 'raters have a setting of their own'
    assert lab_of(6, epochs=1).recipe('w6.neural') == {**found, 'epochs': 1}
    full = lab_of(6, 'full')
    assert full.recipe('w6.raters') == dict(epochs=full.cfg.epochs, bs=full.cfg.raters_bs, lr=full.cfg.raters_lr, wd=full.cfg.raters_wd)
    monkeypatch.setenv('COURSE_LABS_SET', 'lr=0.25')
    assert lab_of(6).recipe('w6.neural').lr == 0.25
    monkeypatch.setenv('COURSE_LABS_SET', 'lr=fast')
    with pytest.raises(CourseError, match='--set lr=fast: expected a value like'): lab_of(6)

def test_no_lab_keeps_the_word():
    "At size full every setting has a value of its own"
    for week in syllabus.weeks():
        for s in syllabus.week(week).settings.values(): assert s.full != syllabus.SEARCHED, (week, s.name)

def test_bad_input(tmp_path, capsys):
    with pytest.raises(CourseError, match=r"recipes.json has no arm 'w6.other': search it with course-labs recipes w6.other"): recipe('w6.other')
    with pytest.raises(CourseError, match='is missing: make it with course-labs recipes'): read_recipes(tmp_path/'none.json')
    (tmp_path/'cut.json').write_text(json.dumps(dict(version=1, arms=ENTRIES))[:500])
    with pytest.raises(CourseError, match='cut.json is damaged'): recipe('w6.neural', tmp_path/'cut.json')
    for grid in ({}, dict(lr=())):
        with pytest.raises(CourseError, match='w9.x: the grid has no point to try'):
            search(Arm('w9.x', 'w9.y', lambda r, s: 0, grid, (0,)), tmp_path/'r.json')
    with pytest.raises(CourseError, match='w9.x: there is no seed'): search(Arm('w9.x', 'w9.y', lambda r, s: 0, dict(lr=(1,)), ()), tmp_path/'r.json')
    assert not (tmp_path/'r.json').exists()
    for arm, says in (('w6.other', 'there is no arm w6.other'), ('w99', 'w99 is no arm and no week'), ('six', 'six is no arm')):
        assert main(['recipes', arm]) == 1
        said = capsys.readouterr().err
        assert says in said and said.count('\n') == 1 and 'Traceback' not in said

def test_a_search_again_gives_the_same(tmp_path):
    "Every score follows from recipe and seed, on this machine at least: the first try of the cheapest arm"
    arm = arms_of(6)['w6.biases']
    first = ENTRIES[arm.name]['tries'][-1]
    assert arm.train({**arm.fixed, **first['recipe']}, arm.seeds[0]) == pytest.approx(first['scores'][0], abs=0.01)
