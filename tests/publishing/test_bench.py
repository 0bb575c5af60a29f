"The benchmarks: one form, a table and a page, and what happens when a script fails"
import json, platform, re, subprocess, sys
from pathlib import Path

import pytest

from course_labs.core.files import CourseError
from course_labs.publishing import benchmarks, repo as project
from course_labs.publishing.bench_report import compared, read_bench
from course_labs.publishing.benchmarks import run_benchmarks

ROOT = Path(__file__).resolve().parents[2]
ROW = compared('seconds', 'a peer', [(1., 3.), (1., 2.)], 's', '>= 2')

@pytest.fixture
def root(tmp_path, monkeypatch):
    "A checkout with benchmarks of the test's own"
    (tmp_path/'benchmarks').mkdir()
    monkeypatch.setattr(benchmarks, 'checkout', lambda: tmp_path)
    return tmp_path

def write(root, name, code): (root/'benchmarks'/f'{name}.py').write_text(code)
def prints(res): return f'print("some words first")\nprint({json.dumps(json.dumps(res))})'
def good(name, rows=(ROW,)): return prints(dict(name=name, about='a test', rows=list(rows), growth=[dict(what='time', x='items', xs=[1, 2], ys=[1., 1.5], unit='ms')]))

def test_results_of_all_scripts_and_a_page(root, tmp_path, capsys):
    write(root, 'one', good('one')); write(root, 'two', good('two', [dict(ROW, aim='>= 100')]))
    write(root, 'grading', prints({'1 jobs': dict(seconds=10., each=1.), '2 jobs': dict(seconds=6., each=.6)}))
    run_benchmarks(out=tmp_path/'out')
    out = capsys.readouterr().out
    assert 'MISSED' in out and str(tmp_path/'out'/'bench.html') in out
    res = read_bench(tmp_path/'out')
    assert [o['name'] for o in res['benchmarks']] == ['grading', 'one', 'two'] and set(res['machine']) >= {'cpu', 'cores', 'memory_gb', 'python', 'torch'}
    page, text = ((tmp_path/'out'/f).read_text() for f in ('bench.html', 'benchmarks.json'))
    assert page.count('<img') == 5 and '2 of 3 aims met' not in page and '1 of 2 aims met' in page
    assert not re.search(r'(src|href)="(?!data:)', page)
    for secret in (str(tmp_path), str(Path.home()) + '/'): assert secret not in page and secret not in text
    assert not re.search(rf'\b{re.escape(platform.node())}\b', text)

def test_one_script_again_replaces_its_own_result(root, tmp_path):
    write(root, 'one', good('one')); write(root, 'two', good('two'))
    run_benchmarks(out=tmp_path/'out')
    write(root, 'one', good('one', [dict(ROW, what='other')]))
    run_benchmarks(['one'], tmp_path/'out')
    assert [o['rows'][0]['what'] for o in read_bench(tmp_path/'out')['benchmarks']] == ['other', 'seconds']

@pytest.mark.parametrize('code, says', [
    ('raise SystemExit(3)', 'ended with status 3'), ('print("no json")', 'Expecting value'), ('', 'Expecting value'),
    (prints(dict(name='bad', about='', rows=[dict(ROW, low=7.)], growth=[])), 'is not between'),
    (prints([1]), 'no name'), (prints(dict(name='bad', about='', rows=[{}], growth=[])), 'what is None')])
def test_a_script_that_fails_leaves_the_others(root, tmp_path, capsys, code, says):
    write(root, 'bad', code); write(root, 'good', good('good'))
    with pytest.raises(CourseError, match='failed: bad'): run_benchmarks(out=tmp_path/'out')
    err = capsys.readouterr().err
    assert says in err and 'Traceback' not in err
    assert [o['name'] for o in read_bench(tmp_path/'out')['benchmarks']] == ['good'] and (tmp_path/'out'/'bench.html').exists()

def test_results_of_another_machine_do_not_stay(root, tmp_path):
    write(root, 'one', good('one')); write(root, 'two', good('two'))
    run_benchmarks(out=tmp_path/'out')
    f = tmp_path/'out'/'benchmarks.json'
    f.write_text(f.read_text().replace('"cores": ', '"cores": 9'))
    run_benchmarks(['one'], tmp_path/'out')
    assert [o['name'] for o in read_bench(f)['benchmarks']] == ['one']

def test_the_readme_takes_its_table_from_the_committed_file(root):
    assert 'No figures' in project.benchmarks_table(root)
    write(root, 'one', good('one'))
    run_benchmarks(out=root/'benchmarks')
    table = project.benchmarks_table(root)
    assert '| one | seconds | 1.00 s | a peer | 2.50 s | 2.5 |' in table.splitlines()
    page = project.benchmarks_page(root)
    assert '| one | seconds | 1.00 s | a peer | 2.50 s | 2.50 (2.00 to 3.00) | >= 2: met |' in page and 'Measured on' in page and 'Python 3' in page
    home = dict(cells=[dict(cell_type='markdown', source=['<!-- benchmarks -->\n', 'old'])])
    assert ''.join(project.with_table(home, table)['cells'][0]['source']) == table

@pytest.mark.parametrize('name', sorted(p.stem for p in (ROOT/'benchmarks').glob('*.py')))
def test_every_script_says_what_it_does(name):
    res = subprocess.run([sys.executable, ROOT/'benchmarks'/f'{name}.py', '--help'], capture_output=True, text=True)
    assert res.returncode == 0 and '--json' in res.stdout, res.stderr
