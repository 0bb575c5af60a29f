"Machines unlike the one this was written on: no home, another encoding, a cache that belongs to others"
import os, subprocess, sys, textwrap

import pytest

def run(code, **env):
    "What a fresh process says of it"
    done = subprocess.run([sys.executable, '-c', textwrap.dedent(code)], env=dict(os.environ, **env), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout

def test_a_user_without_a_home():
    said = run('''
        import os, pwd
        for o in ('HOME', 'COURSE_LABS_CACHE', 'KAGGLE_CONFIG_DIR'): os.environ.pop(o, None)
        def nobody(*a): raise KeyError('no such user')
        pwd.getpwuid = nobody
        from course_labs.core.files import CourseError, expanded, home_folder
        from course_labs.core.paths import cache_root
        from course_labs.core.settings import data_overrides
        from course_labs.data_sets.kaggle import kaggle_credentials
        from course_labs.data_sets.registry import describe
        from course_labs.cli import main
        assert home_folder() is None and kaggle_credentials() == '' and len(describe()) > 5
        print(cache_root())
        os.environ['COURSE_LABS_DATA'] = 'ratings=~/x'
        try: data_overrides()
        except CourseError as e: print(e)
        del os.environ['COURSE_LABS_DATA']
        assert main(['doctor', '--debug']) == 0''')
    assert f'course_labs-{os.getuid()}' in said.splitlines()[0]
    assert said.splitlines()[1].startswith('~/x: there is no such home folder; write the whole path, or set HOME')

def test_a_home_that_is_not_there(tmp_path):
    assert 'GB free' in run('''
        from course_labs.cli import main
        assert main(['doctor', '--debug']) == 0''', HOME=str(tmp_path/'gone'), COURSE_LABS_CACHE='')

@pytest.mark.skipif(not hasattr(os, 'getuid') or os.getuid() != 0, reason='only root can become another user')
@pytest.mark.parametrize('left', ['an old lock', 'no lock'])
def test_a_cache_shared_by_users(tmp_path, left):
    "The lock of the user who fetched first does not stop the next"
    tmp_path.chmod(0o777)
    for o in tmp_path.parents:
        if o.stat().st_uid == 0 and o != o.parent: o.chmod(o.stat().st_mode | 0o055)
    if left == 'an old lock': (tmp_path/'x.lock').touch(0o644)
    code = f'''
        import filelock, os
        from course_labs.core.files import one_at_a_time
        os.umask(0o022)
        if {left == 'no lock'}:
            with one_at_a_time('{tmp_path}/x.lock', 'x'): pass
        os.setuid(65534)
        with one_at_a_time('{tmp_path}/x.lock', 'x'): print('mine')'''
    assert run(code).split() == ['mine']

def test_another_encoding(tmp_path):
    "What is written as UTF-8 is read as UTF-8, also where the machine's encoding is another"
    run(f'''
        from course_labs.data_sets.ratings import draw_ratings
        from course_labs.weeks.collab import DotBias, save_recommender
        r = draw_ratings(20, 12, 200).ratings
        r.titles[0] = 'Café Müller'
        save_recommender(DotBias(r.n_users, r.n_items, 4, r.y_range, r.typical), r, {str(tmp_path)!r}, 'x', dict(rmse=.9), 'drawn')''')
    code = f'''
        import locale
        assert locale.getencoding().lower() not in ('utf-8', 'utf8')
        from course_labs.weeks.collab import load_recommender
        print(ascii(load_recommender({str(tmp_path)!r})[1]['titles'][0]))'''
    assert 'Caf\\xe9 M\\xfcller' in run(code, PYTHONUTF8='0', PYTHONCOERCECLOCALE='0', LC_ALL='C')
