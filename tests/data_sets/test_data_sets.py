"What the notebooks of `data_sets` cannot show about themselves: clients faked at their boundary, breaks, locks, bad input. No network."
import errno, gzip, os, signal, subprocess, sys, types, zipfile
from pathlib import Path

import numpy as np, pytest
from PIL import Image, ImageFile

from course_labs.data_sets import kaggle, registry
from course_labs.data_sets.kaggle import COMPETITION, kaggle_credentials
from course_labs.data_sets.registry import REGISTRY, DataSet, describe, get, is_cached, register
from course_labs.data_sets.images import broken_images, image_folder, read_images_csv, write_images_csv
from course_labs.core.paths import data_dir
from course_labs.core.files import CourseError

KAGGLE_VARIABLES = 'KAGGLE_API_TOKEN', 'KAGGLE_USERNAME', 'KAGGLE_KEY', 'KAGGLE_CONFIG_DIR', 'KAGGLE_KERNEL_RUN_TYPE'

@pytest.fixture
def cache(tmp_path, monkeypatch):
    "An empty cache and home, no credentials, a network that says it is there, and the registry as it was afterwards"
    for o in (*KAGGLE_VARIABLES, 'COURSE_LABS_DATA'): monkeypatch.delenv(o, raising=False)
    monkeypatch.setenv('HOME', str(tmp_path/'home'))
    monkeypatch.setenv('COURSE_LABS_CACHE', str(tmp_path/'cache'))
    monkeypatch.setattr(registry, 'online', lambda: True)
    monkeypatch.setattr(kaggle, 'KAGGLE_INPUT', tmp_path/'input')
    before = dict(REGISTRY)
    yield tmp_path/'cache'
    REGISTRY.clear()
    REGISTRY.update(before)

def leftovers(cache): return sorted(o.name for o in cache.iterdir() if o.suffix != '.lock')

def add(fetch, **kw): return register(DataSet('mine', 'a file', 'digits', 'a test', fetch, **kw))

def write(folder):
    (folder/'a.txt').write_text('whole')
    return folder/'a.txt'

# Landing ---------------------------------------------------------------------------------------------------

def test_second_call_fetches_nothing(cache):
    calls = []
    add(lambda folder: calls.append(1) or write(folder))
    assert get('mine', 'full') == get('mine', 'full') == cache/'mine/a.txt'
    assert len(calls) == 1 and is_cached('mine')
    assert next(o for o in describe() if o['name'] == 'mine')['full'] == 'cached'

def test_new_version_replaces_the_old_one(cache):
    add(write)
    get('mine', 'full')
    def write_more(folder):
        (folder/'b.txt').write_text('new')
        return folder/'b.txt'
    add(write_more, version='2')
    assert not is_cached('mine')
    assert get('mine', 'full').read_text() == 'new'
    assert not (cache/'mine/a.txt').exists()

def test_a_file_that_was_deleted_from_the_cache_is_fetched_again(cache):
    add(write)
    get('mine', 'full').unlink()
    assert not is_cached('mine') and get('mine', 'full').exists()

@pytest.mark.parametrize('stamp', ['', '{', '{}', '[]', '{"path": "a.txt"}', '{"path": 3, "version": "1"}'])
def test_a_broken_stamp_is_no_stamp(cache, stamp):
    add(write)
    get('mine', 'full')
    (cache/'mine/stamp.json').write_text(stamp)
    assert not is_cached('mine') and get('mine', 'full').exists()

def disk_full(folder): raise OSError(errno.ENOSPC, 'No space left on device')

def disk_full_deep(folder):
    try: disk_full(folder)
    except OSError as e: raise RuntimeError('client says: failed') from e

def missing_package(folder): import a_package_that_is_not_there  # noqa: F401

def dead_line(folder): raise ConnectionError('reset by peer\nsecond line')

@pytest.mark.parametrize('fault,words', [(disk_full, 'the disk is full'), (disk_full_deep, 'the disk is full'), (dead_line, 'reset by peer'),
                                         (missing_package, 'pip install a_package_that_is_not_there')])
def test_a_fault_is_one_line_and_leaves_nothing(cache, fault, words):
    def half(folder):
        (folder/'half.zip').write_text('half')
        return fault(folder)
    add(half)
    with pytest.raises(CourseError, match=words) as e: get('mine', 'full')
    assert '\n' not in str(e.value)
    assert leftovers(cache) == [] and not is_cached('mine')

def test_the_client_goes_on_with_what_it_may_keep(cache):
    def half(folder):
        (folder/'big.zip').write_text('first half')
        (folder/'junk').mkdir()
        dead_line(folder)
    add(half, keep=('*.zip',))
    with pytest.raises(CourseError): get('mine', 'full')
    assert not is_cached('mine')
    def rest(folder):
        assert [o.name for o in folder.iterdir()] == ['big.zip']
        return write(folder)
    add(rest, keep=('*.zip',))
    assert get('mine', 'full').read_text() == 'whole'

def test_a_full_disk_keeps_nothing_at_all(cache):
    def half(folder):
        (folder/'big.zip').write_text('x')
        disk_full(folder)
    add(half, keep=('*.zip',))
    with pytest.raises(CourseError, match='COURSE_LABS_CACHE'): get('mine', 'full')
    assert leftovers(cache) == []

@pytest.mark.skipif(not Path('/dev/full').exists(), reason='this system has no /dev/full')
def test_a_real_write_that_finds_no_space(cache):
    def half(folder):
        (folder/'a.txt').symlink_to('/dev/full')
        (folder/'a.txt').write_text('x'*100_000)
    add(half)
    with pytest.raises(CourseError, match='the disk is full'): get('mine', 'full')
    assert leftovers(cache) == []

def test_a_cache_that_cannot_be_made(cache, monkeypatch, tmp_path):
    (tmp_path/'file').write_text('')
    monkeypatch.setenv('COURSE_LABS_CACHE', str(tmp_path/'file/cache'))
    add(write)
    with pytest.raises(CourseError, match='set COURSE_LABS_CACHE to another folder'): get('mine', 'full')

SCRIPT = '''
import os, time
from course_labs.data_sets.registry import DataSet, fetch, register
def slow(folder):
    with open(os.environ['LOG'], 'a') as f: f.write('fetch\\n')
    for i in range(20):
        (folder/f'{i}.txt').write_text('x'*1000)
        if i == 10:
            print('half', flush=True)
            time.sleep(float(os.environ['PAUSE']))
    return folder
register(DataSet('mine', 'a folder', 'digits', 'a test', slow, network=False))
print(len(list(fetch('mine').glob('*.txt'))), flush=True)
'''

def begin(tmp_path, pause):
    env = dict(os.environ, PAUSE=str(pause), LOG=str(tmp_path/'log'))
    return subprocess.Popen([sys.executable, '-c', SCRIPT], env=env, stdout=subprocess.PIPE, text=True)

def wait_for(process, word):
    for line in process.stdout:
        if word in line: return line
    raise AssertionError(f'{word!r} never came')

def test_killed_half_way_it_starts_clean(cache, tmp_path):
    first = begin(tmp_path, 60)
    wait_for(first, 'half')
    assert (cache/'mine.part').exists()
    first.send_signal(signal.SIGKILL)
    first.wait()
    def whole(folder):
        assert list(folder.iterdir()) == []
        return write(folder)
    add(whole)
    assert not is_cached('mine')
    assert get('mine', 'full').read_text() == 'whole'
    assert leftovers(cache) == ['mine']

def test_a_second_process_waits_and_fetches_nothing(cache, tmp_path):
    first = begin(tmp_path, 4)
    wait_for(first, 'half')
    second = begin(tmp_path, 0)
    out = second.communicate(timeout=60)[0]
    assert 'waiting for it' in out and out.strip().endswith('20')
    assert first.communicate(timeout=60)[0].strip() == '20'
    assert (tmp_path/'log').read_text() == 'fetch\n'

# Offline and own data --------------------------------------------------------------------------------------

@pytest.mark.parametrize('name', [o for o in REGISTRY if REGISTRY[o].fetch])
def test_offline_says_what_is_missing_and_how_to_go_on(cache, monkeypatch, name):
    monkeypatch.setattr(registry, 'online', lambda: False)
    with pytest.raises(CourseError) as e: get(name, 'full')
    text = str(e.value)
    assert name in text and REGISTRY[name].source in text and '--size tiny' in text and f'--data {name}=path' in text and '\n' not in text
    assert not cache.exists()

def test_names_and_sizes(cache):
    assert set(REGISTRY) == set('paddy photos digits fashion pairs text ratings housing'.split())
    with pytest.raises(CourseError, match='there are: digits'): get('dogs')
    with pytest.raises(CourseError, match='tiny or full'): get('digits', 'medium')

def test_own_data_go_before_everything(cache, monkeypatch, tmp_path):
    own = tmp_path/'own.csv'
    monkeypatch.setenv('COURSE_LABS_DATA', f'digits={own}')
    with pytest.raises(CourseError, match='no such file or folder; expected a csv'): get('digits')
    own.write_text('')
    assert get('digits') == get('digits', 'full') == own.resolve()

def test_import_is_light():
    code = "import sys, course_labs.data_sets.registry; print([o for o in ('numpy', 'pandas', 'torch', 'fastai', 'PIL', 'huggingface_hub', 'kaggle') if o in sys.modules])"
    assert subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True).stdout.strip() == '[]'

# Kaggle ----------------------------------------------------------------------------------------------------

def fake_fastkaggle(monkeypatch, setup_comp): monkeypatch.setitem(sys.modules, 'fastkaggle', types.SimpleNamespace(setup_comp=setup_comp))

def with_key(tmp_path):
    (tmp_path/'home/.kaggle').mkdir(parents=True)
    (tmp_path/'home/.kaggle/kaggle.json').write_text('{}')

def competition(folder):
    for o in ('train_images/blast', 'test_images'): (folder/o).mkdir(parents=True)
    (folder/'train.csv').write_text('image_id,label,variety,age\n')
    (folder/'sample_submission.csv').write_text('image_id,label\n')
    return folder

def test_paddy_through_fastkaggle(cache, monkeypatch, tmp_path):
    with_key(tmp_path)
    here = os.getcwd()
    def setup_comp(slug):
        Path(f'{slug}.zip').write_text('')
        return competition(Path(slug))
    fake_fastkaggle(monkeypatch, setup_comp)
    path = get('paddy', 'full')
    assert path == cache/'paddy'/COMPETITION and (path/'train.csv').exists()
    assert os.getcwd() == here and not list(cache.rglob('*.zip'))

def test_paddy_with_the_real_fastkaggle_and_a_faked_client(cache, monkeypatch, tmp_path):
    core = pytest.importorskip('fastkaggle.core')
    with_key(tmp_path)
    competition(tmp_path/'source')
    class Client:
        def competition_download_cli(self, slug):
            with zipfile.ZipFile(f'{slug}.zip', 'w') as z:
                for f in (tmp_path/'source').rglob('*'): z.write(f, f.relative_to(tmp_path/'source'))
    monkeypatch.setattr(core, 'iskaggle', '')
    monkeypatch.setattr(core, 'import_kaggle', Client)
    assert (get('paddy', 'full')/'train_images/blast').is_dir()

class Refused(Exception):
    "What an HTTP client raises"
    def __init__(self, status):
        super().__init__(f'{status} Client Error')
        self.response = types.SimpleNamespace(status_code=status)

def raiser(e):
    def setup_comp(slug): raise e
    return setup_comp

@pytest.mark.parametrize('fault,page', [(SystemExit(1), 'https://www.kaggle.com/settings'), (Refused(401), 'https://www.kaggle.com/settings'),
                                        (Refused(403), f'https://www.kaggle.com/competitions/{COMPETITION}/rules'), (Refused(500), '500 Client Error')])
def test_what_kaggle_refuses_names_the_page(cache, monkeypatch, tmp_path, fault, page):
    with_key(tmp_path)
    fake_fastkaggle(monkeypatch, raiser(fault))
    with pytest.raises(CourseError) as e: get('paddy', 'full')
    assert page in str(e.value) and leftovers(cache) == []

def test_no_credentials_names_both_pages(cache):
    with pytest.raises(CourseError, match='no Kaggle credentials') as e: get('paddy', 'full')
    for o in ('https://www.kaggle.com/settings', f'https://www.kaggle.com/competitions/{COMPETITION}/rules', '--size tiny'): assert o in str(e.value)

def test_credentials_are_found_wherever_the_client_looks(cache, monkeypatch, tmp_path):
    assert kaggle_credentials() == ''
    monkeypatch.setenv('KAGGLE_USERNAME', 'me')
    assert kaggle_credentials() == ''
    monkeypatch.setenv('KAGGLE_KEY', 'key')
    assert kaggle_credentials() == 'KAGGLE_USERNAME and KAGGLE_KEY'
    monkeypatch.setenv('KAGGLE_API_TOKEN', 'token')
    assert kaggle_credentials() == 'KAGGLE_API_TOKEN'
    for o in ('KAGGLE_USERNAME', 'KAGGLE_KEY', 'KAGGLE_API_TOKEN'): monkeypatch.delenv(o)
    with_key(tmp_path)
    assert kaggle_credentials().endswith('kaggle.json')

def test_a_damaged_archive_is_removed(cache, monkeypatch, tmp_path):
    with_key(tmp_path)
    def setup_comp(slug):
        Path(f'{slug}.zip').write_text('not a zip')
        zipfile.ZipFile(f'{slug}.zip')
    fake_fastkaggle(monkeypatch, setup_comp)
    with pytest.raises(CourseError, match='damaged'): get('paddy', 'full')
    assert not list(cache.rglob('*.zip'))

def test_half_an_archive_is_kept_and_half_an_unpacking_is_not(cache, monkeypatch, tmp_path):
    "fastkaggle takes a folder that exists for a whole one, so it must not meet half of one"
    with_key(tmp_path)
    part = cache/'paddy.part'
    (part/COMPETITION).mkdir(parents=True)
    (part/f'{COMPETITION}.zip').write_text('half')
    def setup_comp(slug):
        assert Path(f'{slug}.zip').read_text() == 'half' and not Path(slug).exists()
        return competition(Path(slug))
    fake_fastkaggle(monkeypatch, setup_comp)
    assert (get('paddy', 'full')/'train.csv').exists()

def test_an_archive_without_the_competitions_files(cache, monkeypatch, tmp_path):
    with_key(tmp_path)
    def setup_comp(slug):
        Path(slug).mkdir()
        return Path(slug)
    fake_fastkaggle(monkeypatch, setup_comp)
    with pytest.raises(CourseError, match='has no train.csv'): get('paddy', 'full')

@pytest.mark.parametrize('place', [COMPETITION, f'competitions/{COMPETITION}'])
def test_on_kaggle_the_mounted_folder_is_used(cache, monkeypatch, tmp_path, place):
    monkeypatch.setenv('KAGGLE_KERNEL_RUN_TYPE', 'Interactive')
    with pytest.raises(CourseError, match='Add Input'): get('paddy', 'full')
    competition(tmp_path/'input'/place)
    monkeypatch.setattr(registry, 'online', lambda: False)
    assert get('paddy', 'full') == tmp_path/'input'/place
    assert next(o for o in describe() if o['name'] == 'paddy')['full'] == 'provided by the host'

def test_on_kaggle_the_cache_is_not_in_the_output(monkeypatch):
    monkeypatch.delenv('COURSE_LABS_CACHE', raising=False)
    monkeypatch.setenv('KAGGLE_KERNEL_RUN_TYPE', 'Batch')
    assert Path('/kaggle/working') not in registry.cache_root().parents

# Tables of images ------------------------------------------------------------------------------------------

GOOD = 'label,a,b,c,d\n3,0,255,7,9\n1,1,2,3,4\n'

@pytest.mark.parametrize('text,words', [
    ('', 'is empty'),
    ('label,a,b,c,d\n', 'a header and no rows'),
    ('label\n3\n', '0 pixels a row'),
    ('a,b,c,d\n1,2,3,4\n', 'no column label; its columns begin with: a, b, c, d'),
    ('label,a,b,c\n1,2,3,4\n', '3 pixels a row, which make no square image'),
    (GOOD + '1,1,256,3,4\n', "line 4, column b holds '256'; expected a whole number from 0 to 255"),
    (GOOD + '1,1,-1,3,4\n', "line 4, column b holds '-1'"),
    (GOOD + '1,1,x,3,4\n', "line 4, column b holds 'x'"),
    (GOOD + '1,1,0.5,3,4\n', "line 4, column b holds '0.5'"),
    (GOOD + '1,1,nan,3,4\n', 'line 4, column b is empty'),
    (GOOD + '1,1,inf,3,4\n', "line 4, column b holds 'inf'"),
    (GOOD + '1,1,,3,4\n', 'line 4, column b is empty'),
    (GOOD + '1,1,2\n', 'line 4, column c is empty'),
    (GOOD + 'two,1,2,3,4\n', "line 4, column label holds 'two'; expected a whole number from 0 on"),
    (GOOD + '1,1,2,3,4,5\n', 'line 4: 6 fields, but 5 were expected'),
    (GOOD + '1,1,2,3,4,5,6\n', 'line 4 has 7 fields, but 5 were expected'),
    ('label,a,b,c,d\n0,3,0,255,7,9\n1,1,1,2,3,4\n', 'line 2: 6 fields, but 5 were expected'),  # an index in all rows would move the columns
    ('label,a,b,c,d\n-1,0,255,7,9\n', "line 2, column label holds '-1'"),
    (GOOD + '\n\n1,1,256,3,4\n', "line 6, column b holds '256'"),
])
def test_a_bad_table_names_file_line_and_column(tmp_path, text, words):
    f = tmp_path/'bad.csv'
    f.write_text(text)
    with pytest.raises(CourseError) as e: read_images_csv(f)
    assert words in str(e.value) and str(f) in str(e.value) and '\n' not in str(e.value)

@pytest.mark.parametrize('name,content', [('a.csv', b'\xff\xfe\x00\x01\x02'), ('a.csv.gz', b'no gzip'), ('b.csv.gz', gzip.compress(GOOD.encode()*50, mtime=0)[:40])],
    ids=['no text', 'no gzip', 'cut gzip'])
def test_a_file_that_is_no_table(tmp_path, name, content):
    (tmp_path/name).write_bytes(content)
    with pytest.raises(CourseError, match=name): read_images_csv(tmp_path/name)

def test_no_such_table(tmp_path):
    with pytest.raises(CourseError, match='no such file'): read_images_csv(tmp_path/'none.csv')
    with pytest.raises(CourseError, match='is a folder'): read_images_csv(tmp_path)

def test_label_may_stand_anywhere_and_a_test_set_needs_none(tmp_path):
    f = tmp_path/'t.csv'
    f.write_text('\ufeffa,b,label,c,d\n0,255,3,7,9\n', encoding='utf-8')
    images, labels = read_images_csv(f)
    assert images.tolist() == [[[0, 255], [7, 9]]] and labels.tolist() == [3]
    f.write_text('a,b,c,d\n0,255,7,9\n')
    images, labels = read_images_csv(f, labelled=False)
    assert images.shape == (1, 2, 2) and labels is None

@pytest.mark.parametrize('change', [lambda s: ',' + s.replace('\n', '\n7,').removesuffix('7,'), lambda s: s.replace('\n', ',\n'), lambda s: s.replace('9\n', '9,\n'), lambda s: s + '\n\n',
                                    lambda s: s.replace('\n', '\r\n'), lambda s: s.replace('255', '255.0'), lambda s: s.replace('255', ' 255'), lambda s: s.replace('255', '"255"')],
    ids=['index', 'separator at the end', 'separator at the end of one', 'blank lines', 'CRLF', 'float', 'space', 'quotes'])
def test_tables_as_other_programs_write_them(tmp_path, change):
    f = tmp_path/'t.csv'
    f.write_bytes(change(GOOD).encode())
    images, labels = read_images_csv(f)
    assert images.tolist() == [[[0, 255], [7, 9]], [[1, 2], [3, 4]]] and labels.tolist() == [3, 1]

def test_a_fault_far_down_a_large_table(tmp_path):
    images, f = np.zeros((9000, 2, 2), np.uint8), tmp_path/'large.csv'
    with write_images_csv(f, images, np.zeros(9000, int)).open('a') as out: out.write('0,0,0,0,none\n')
    with pytest.raises(CourseError, match="line 9002, column pixel3 holds 'none'"): read_images_csv(f)
    f.write_text(f.read_text().replace('none', '4.0'))  # a float: the table is read cell by cell, with the same result
    got, labels = read_images_csv(f)
    assert got.shape == (9001, 2, 2) and got[:-1].max() == 0 and got[-1, 1, 1] == 4 and len(labels) == 9001

def test_write_and_read_any_size(tmp_path):
    rng = np.random.default_rng(0)
    for n, side in ((1, 1), (3, 5), (7, 28)):
        images, labels = rng.integers(0, 256, (n, side, side), dtype=np.uint8), rng.integers(0, 10, n)
        for name in ('a.csv', 'a.csv.gz'):
            got, names = read_images_csv(write_images_csv(tmp_path/name, images, labels))
            assert (got == images).all() and (names == labels).all()

# Folders of photographs ------------------------------------------------------------------------------------

@pytest.fixture
def photos(tmp_path):
    rng = np.random.default_rng(0)
    for label in ('cat', 'dog'):
        (tmp_path/'photos'/label).mkdir(parents=True)
        for i in range(3): Image.fromarray(rng.integers(0, 255, (64, 64, 3), dtype=np.uint8)).save(tmp_path/'photos'/label/f'{label}_s0{i}_1.jpg')
    return tmp_path/'photos'

def truncate(path): path.write_bytes(path.read_bytes()[:-800])
def empty(path): path.write_bytes(b'')
def other(path): path.write_bytes(b'<html>not found</html>')

@pytest.mark.parametrize('damage,words', [(truncate, 'cannot be read'), (empty, 'is empty'), (other, 'cannot be read')])
def test_a_broken_photograph_is_named_and_skipped_on_request(photos, damage, words):
    damage(photos/'dog/dog_s01_1.jpg')
    with pytest.raises(CourseError, match=f'dog_s01_1.jpg {words}') as e: image_folder(photos)
    assert '\n' not in str(e.value) and 'skip_broken=True' in str(e.value)
    assert [f.name for f in image_folder(photos, skip_broken=True)['dog']] == ['dog_s00_1.jpg', 'dog_s02_1.jpg']

def test_truncation_is_found_when_a_library_has_told_pillow_to_be_lenient(photos, monkeypatch):
    monkeypatch.setattr(ImageFile, 'LOAD_TRUNCATED_IMAGES', True)
    truncate(photos/'cat/cat_s00_1.jpg')
    assert [p.name for p in broken_images(sorted(photos.rglob('*.jpg')))] == ['cat_s00_1.jpg']
    assert ImageFile.LOAD_TRUNCATED_IMAGES

def test_too_few_classes(photos):
    (photos/'bird').mkdir()
    with pytest.raises(CourseError, match='bird has no images'): image_folder(photos)
    with pytest.raises(CourseError, match='at least two'): image_folder(photos/'cat')
    with pytest.raises(CourseError, match='no such folder'): image_folder(photos/'none')
    for f in (photos/'cat').iterdir(): empty(f)
    (photos/'bird').rmdir()
    with pytest.raises(CourseError, match='cat has no images that can be read'): image_folder(photos, skip_broken=True)

# The tiny sets ---------------------------------------------------------------------------------------------

def test_tiny_digits_are_scikit_learns():
    from sklearn.datasets import load_digits
    images, labels = read_images_csv(data_dir()/'digits/digits.csv.gz')
    right = load_digits()
    assert (images == np.round(right.images*255/16)).all() and (labels == right.target).all()

def test_the_tiny_sets_are_small_enough_for_the_wheel():
    assert sum(f.stat().st_size for f in data_dir().rglob('*') if f.is_file()) < 12e6

def test_the_folder_says_where_everything_comes_from():
    text = (data_dir()/'README.md').read_text(encoding='utf-8')
    for ds in REGISTRY.values(): assert f'`{Path(ds.tiny).parts[0]}/`' in text
