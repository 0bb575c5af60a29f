"Each full set from its own client to the lab's reader: only the network is replaced, by a server here that has the source's archive"
import gzip, hashlib, http.server, io, multiprocessing, os, tarfile, threading, time, urllib.request, zipfile
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np, pandas as pd, pytest
from PIL import Image

from conftest import one_line
from course_labs.core.files import CourseError
from course_labs.data_sets import kaggle, registry, sources
from course_labs.data_sets.image_cache import read_image
from course_labs.data_sets.images import image_folder, photo_group, read_images_csv
from course_labs.data_sets.kaggle import COMPETITION
from course_labs.data_sets.paddy import read_paddy
from course_labs.data_sets.pairs import read_pairs
from course_labs.data_sets.ratings import read_ratings
from course_labs.data_sets.registry import REGISTRY, get, is_cached

class Source(http.server.ThreadingHTTPServer):
    "A host that has `files` by their path, in the way of `fault`; `asked` lists paths and ranges"
    daemon_threads = True
    def __init__(self):
        super().__init__(('127.0.0.1', 0), Answer)
        self.files, self.asked, self.fault, self.pause = {}, [], None, 0
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
    def here(self, url): return f'http://127.0.0.1:{self.server_port}{urlsplit(str(url)).path}'

class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def log_message(self, *args): pass
    def do_HEAD(self): self.answer()
    def do_GET(self): self.answer()
    def do_POST(self):
        self.rfile.read(int(self.headers.get('Content-Length') or 0))
        self.send_response(302)
        self.send_header('Location', f'/storage/{COMPETITION}.zip?signed=yes')
        self.send_header('Content-Length', '0')
        self.end_headers()
    def answer(self):
        "A file or a part of it, as a storage sends it"
        server, path = self.server, urlsplit(self.path).path
        data, start = server.files.get(path), 0
        if data is None or server.fault == 'gone':
            self.send_response(503 if data else 404)
            self.send_header('Content-Length', '0')
            return self.end_headers()
        tag = hashlib.sha256(data).hexdigest()
        if server.fault == 'changed': data = data[:len(data)//2] + bytes(o ^ 255 for o in data[len(data)//2:][:40]) + data[len(data)//2 + 40:]
        if asked := self.headers.get('Range'): start = int(asked.split('=')[1].split('-')[0])
        if self.command == 'GET': server.asked.append((path, start))
        self.send_response(206 if asked else 200)
        if asked: self.send_header('Content-Range', f'bytes {start}-{len(data) - 1}/{len(data)}')
        for name, value in dict(ETag=f'"{tag}"', **{'X-Repo-Commit': '0'*40, 'Accept-Ranges': 'bytes', 'Content-Type': 'application/octet-stream',
                                'Last-Modified': 'Sat, 01 Jan 2022 00:00:00 GMT', 'Content-Length': len(data) - start}).items(): self.send_header(name, str(value))
        self.end_headers()
        if self.command == 'HEAD': return
        time.sleep(server.pause)
        self.wfile.write(data[start:len(data)//2 if server.fault == 'cut' else None])
        if server.fault == 'cut': self.close_connection = True

def redirected(monkeypatch, source):
    "What urllib, requests and the hub's client would send anywhere goes to `source`"
    import requests
    from huggingface_hub.utils import _http
    open_, send = urllib.request.OpenerDirector.open, requests.adapters.HTTPAdapter.send
    def urllib_open(self, request, *args, **kw):
        if isinstance(request, str): request = urllib.request.Request(request)
        request.full_url = source.here(request.full_url)
        return open_(self, request, *args, **kw)
    def requests_send(self, request, *args, **kw):
        request.url = source.here(request.url)
        return send(self, request, *args, **kw)
    monkeypatch.setattr(urllib.request.OpenerDirector, 'open', urllib_open)
    monkeypatch.setattr(requests.adapters.HTTPAdapter, 'send', requests_send)
    if http := next((vars(_http)[o] for o in ('httpx', 'httpx2') if o in vars(_http)), None):
        handle = http.HTTPTransport.handle_request
        def hub_send(self, request):
            request.url = request.url.copy_with(scheme='http', host='127.0.0.1', port=source.server_port)
            return handle(self, request)
        monkeypatch.setattr(http.HTTPTransport, 'handle_request', hub_send)

# The archives, each in its source's layout ----------------------------------------------------------------

def picture(kind='JPEG', mode='RGB', seed=0, size=(48, 36), **how):
    "The bytes of a picture of noise"
    im, file = Image.fromarray(np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)), io.BytesIO()
    (im.quantize(16) if mode == 'P' else im.convert(mode)).save(file, format=kind, **how)
    return file.getvalue()

PETS = {'Abyssinian_1.jpg': picture(), 'Abyssinian_34.jpg': picture('GIF', 'P'), 'Egyptian_Mau_145.jpg': picture('PNG'), 'Bengal_2.jpg': picture('JPEG', 'CMYK'),
        'pug_4.jpg': picture(), 'great_pyrenees_3.jpg': picture('JPEG', 'L'), 'staffordshire_bull_terrier_2.jpg': picture('PNG', 'RGBA'), 'beagle_9.jpg': picture('PNG', 'P'),
        'Abyssinian_100.mat': b'MATLAB 5.0 MAT-file', 'pug_1.mat': b'MATLAB 5.0 MAT-file'}

def pets():
    "oxford-iiit-pet.tgz: images with files of MATLAB among them, and annotations beside"
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode='w:gz') as t:
        for name, data in {**{f'images/{k}': v for k,v in PETS.items()}, 'annotations/list.txt': b'#Image CLASS-ID\n', 'annotations/trimaps/._pug_4.png': b'\0\5\x16\7'}.items():
            info = tarfile.TarInfo(f'oxford-iiit-pet/{name}')
            info.size = len(data)
            t.addfile(info, io.BytesIO(data))
    return {'/fast-ai-imageclas/oxford-iiit-pet.tgz': file.getvalue()}

def zipped(files):
    file = io.BytesIO()
    with zipfile.ZipFile(file, 'w', zipfile.ZIP_DEFLATED) as z:
        for name, data in files.items(): z.writestr(name, data)
    return file.getvalue()

U_DATA = ''.join(f'{196 + k % 31}\t{1 + 7*k % 1681}\t{1 + k % 5}\t{881250949 + k}\n' for k in range(1700)).encode()

def movielens():
    "ml-100k.zip: no header, titles in latin-1 of which the first accent comes after 64 KB, an item without a name"
    titles = [f'Film {k} (1995)' for k in range(1, 1683)]
    titles[266], titles[543], titles[1499] = 'unknown', 'Nico Icon (1995)', 'Misérables, Les (1995)'
    item = ''.join(f'{k}|{t}|01-Jan-1995||http://us.imdb.com/M/title-exact?{k}|{"|".join("0"*19)}\n' for k, t in enumerate(titles, 1))
    files = {'u.data': U_DATA, 'u.item': item.encode('latin-1'), 'u.genre': b'unknown|0\nAction|1\n\n', 'u.user': b'1|24|M|technician|85711\n', 'u.info': b'943 users\n', 'README': b'SUMMARY', 'allbut.pl': b'#!', 'u1.base': U_DATA[:100]}
    return {'/datasets/movielens/ml-100k.zip': zipped({f'ml-100k/{k}': v for k,v in files.items()})}

def numbers(array): return bytes((0, 0, 8, array.ndim)) + b''.join(n.to_bytes(4, 'big') for n in array.shape) + array.tobytes()
IMAGES = np.random.default_rng(0).integers(0, 256, (50, 28, 28), dtype=np.uint8)
LABELS = np.arange(50, dtype=np.uint8) % 10

def idx(folder):
    "Four files, of which 30 images are for training and 20 for testing"
    parts = {'train-images-idx3-ubyte.gz': IMAGES[:30], 'train-labels-idx1-ubyte.gz': LABELS[:30], 't10k-images-idx3-ubyte.gz': IMAGES[30:], 't10k-labels-idx1-ubyte.gz': LABELS[30:]}
    return {f'{folder}/{k}': gzip.compress(numbers(v), mtime=0) for k,v in parts.items()}

def parquet(table):
    file = io.BytesIO()
    table.to_parquet(file)
    return file.getvalue()

PAIRS = [('A man\tin a  hat\u2028sits.', 'He "sits', 0), ('N/A', 'None', 1), ('Two\x85dogs\r\nrun.', 'Cats\xa0run.', 2), ('Undecided', 'Nobody agreed', -1), ('', 'No premise', 1), ('No hypothesis', ' \t', 2), ('Missing', None, 0)]

def snli():
    file = parquet(pd.DataFrame(PAIRS, columns=['premise', 'hypothesis', 'label']))
    return {'/datasets/stanfordnlp/snli/resolve/cdb5c3d5eed6ead6e5a341c8e56e669bb666725b/plain_text/train-00000-of-00001.parquet': file}

WIKI = ['', ' = Valkyria Chronicles III = \n', '', ' Senjō no Valkyria 3 : <unk> Chronicles ( Japanese : 戦場のヴァルキュリア3 , lit . Valkyria \u200e of the Battlefield 3 ) , 1 @,@ 000 @-@ strong \n',
        ' ' + ''.join(map(chr, range(0xa1, 0xa1 + 400))) + ' \n', ' = = Gameplay = = \n']

def wikitext():
    return {'/datasets/Salesforce/wikitext/resolve/b08601e04326c79dfdd32d625aee71d232d685c3/wikitext-2-raw-v1/train-00000-of-00001.parquet': parquet(pd.DataFrame(dict(text=WIKI)))}

def paddy():
    "The competition's zip: 480 x 640, labels as folders, a flat folder of test images, a submission without labels; larger than what the client writes at a time"
    ids = {'blast': [100001, 100002], 'normal': [100003, 100004]}
    rows = ''.join(f'{i}.jpg,{label},ADT45,45\n' for label, o in ids.items() for i in o)
    files = {'train.csv': 'image_id,label,variety,age\n' + rows, 'sample_submission.csv': 'image_id,label\n200001.jpg,\n', 'test_images/200001.jpg': picture(size=(480, 640), quality=100)}
    files |= {f'train_images/{label}/{i}.jpg': picture(seed=i, size=(480, 640), quality=100) for label, o in ids.items() for i in o}
    return {f'/storage/{COMPETITION}.zip': zipped(files)}

ARCHIVES = dict(photos=pets, ratings=movielens, digits=lambda: idx('/mnist'), fashion=lambda: idx('/fashion'), pairs=snli, text=wikitext, paddy=paddy)

@pytest.fixture
def source(tmp_path, monkeypatch):
    "The host that stands for all others, an empty cache, and the sums of the archives that are made here"
    import fastdownload.core, torchvision
    from fastai.data.external import URLs
    for o in ('COURSE_LABS_DATA', 'KAGGLE_API_TOKEN', 'KAGGLE_CONFIG_DIR', 'KAGGLE_KERNEL_RUN_TYPE'): monkeypatch.delenv(o, raising=False)
    for k, v in dict(HOME=tmp_path/'home', COURSE_LABS_CACHE=tmp_path/'cache', KAGGLE_USERNAME='me', KAGGLE_KEY='key').items(): monkeypatch.setenv(k, str(v))
    monkeypatch.setattr(registry, 'online', lambda: True)
    monkeypatch.setattr(kaggle, 'KAGGLE_INPUT', tmp_path/'input')
    source = Source()
    redirected(monkeypatch, source)
    for make in ARCHIVES.values(): source.files |= make()
    pets_file = source.files['/fast-ai-imageclas/oxford-iiit-pet.tgz']
    monkeypatch.setattr(fastdownload.core, 'read_checks', lambda module: {URLs.PETS: (len(pets_file), hashlib.md5(pets_file[:2**20]).hexdigest())})
    monkeypatch.setitem(sources.MOVIELENS_SUMS, 'u.data', hashlib.sha256(U_DATA).hexdigest())
    for kind, sums, folder in (('MNIST', sources.MNIST_SUMS, '/mnist'), ('FashionMNIST', sources.FASHION_SUMS, '/fashion')):
        cls = getattr(torchvision.datasets, kind)
        monkeypatch.setattr(cls, 'mirrors', [f'https://host{folder}/'])
        monkeypatch.setattr(cls, 'resources', [(name, hashlib.md5(source.files[f'{folder}/{name}']).hexdigest()) for name in sums])
        for name in sums: monkeypatch.setitem(sums, name, hashlib.sha256(source.files[f'{folder}/{name}']).hexdigest())
    yield source
    source.shutdown()
    source.server_close()

def in_cache(name): return sorted(o.name for o in (Path(os.environ['COURSE_LABS_CACHE'])/name).iterdir())

# What lands ------------------------------------------------------------------------------------------------

def test_every_set_has_its_archive_here(): assert set(ARCHIVES) == {name for name, ds in REGISTRY.items() if ds.fetch}

def test_photos(source):
    path = get('photos', 'full')
    found = image_folder(path)
    assert [f.name for f in found['cat']] == ['cat_abyssinian_1.jpg', 'cat_abyssinian_34.jpg', 'cat_bengal_2.jpg', 'cat_egyptian_mau_145.jpg']
    assert [photo_group(f) for f in found['dog']] == ['beagle', 'great_pyrenees', 'pug', 'staffordshire_bull_terrier']
    assert {read_image(f, 16).shape for files in found.values() for f in files} == {(16, 16, 3)}
    assert in_cache('photos') == ['photos', 'stamp.json'] and not list(path.rglob('*.mat'))

def test_ratings(source):
    path = get('ratings', 'full')
    r = read_ratings(path)
    assert (len(r), r.n_users, r.scale, r.notes) == (1700, 31, (1, 5), []) and path.read_bytes() == U_DATA
    titles = dict(zip(r.item_ids.tolist(), r.titles))
    assert titles[1500] == 'Misérables, Les (1995)' and titles[267] == 'unknown'
    assert in_cache('ratings') == ['ratings', 'stamp.json']

@pytest.mark.parametrize('name', ['digits', 'fashion'])
def test_images(source, name):
    images, labels = read_images_csv(get(name, 'full'))
    assert (images == IMAGES).all() and (labels == LABELS).all() and (images.dtype, labels.dtype) == (np.uint8, np.int64)
    assert in_cache(name) == [f'{name}-images-idx3-ubyte', f'{name}-labels-idx1-ubyte', 'stamp.json']

def test_pairs(source):
    path = get('pairs', 'full')
    df = read_pairs(path)
    assert df.values.tolist() == [['A man in a hat sits.', 'He "sits', 0], ['N/A', 'None', 1], ['Two dogs run.', 'Cats run.', 2]]
    assert df.attrs == dict(classes=['entailment', 'neutral', 'contradiction'], dropped=0) and in_cache('pairs') == ['pairs.tsv', 'stamp.json']

def test_text(source):
    path = get('text', 'full')
    assert path.read_text(encoding='utf-8') == ''.join(WIKI) and in_cache('text') == ['stamp.json', 'wikitext.txt']

def test_paddy(source):
    path = get('paddy', 'full')
    data = read_paddy(path)
    assert len(data.train) == 4 and list(data.test.image_id) == ['200001.jpg']
    assert in_cache('paddy') == [COMPETITION, 'stamp.json']

def test_housing_needs_no_network(source):
    assert get('housing', 'full').exists() and not source.asked

# What goes wrong on the way --------------------------------------------------------------------------------

@pytest.mark.parametrize('fault', ['gone', 'cut', 'changed'])
@pytest.mark.parametrize('name', ARCHIVES)
def test_a_bad_archive_is_one_line_and_to_run_again_fetches_it_anew(source, monkeypatch, name, fault):
    monkeypatch.setattr(time, 'sleep', lambda seconds: None)  # clients wait before they try again
    source.fault = fault
    with pytest.raises(CourseError) as e: get(name, 'full')
    one_line(e)
    assert 'un again' in str(e.value) and not is_cached(name)
    left = [o.name for o in Path(os.environ['COURSE_LABS_CACHE']).iterdir() if not o.name.endswith('.lock')]
    assert left in ([], [f'{name}.part']) and not (Path.home()/'.fastai/archive').exists()
    source.fault, before = None, len(source.asked)
    assert get(name, 'full').exists() and is_cached(name) and len(source.asked) > before

def test_half_an_archive_of_kaggle_is_gone_on_with(source, monkeypatch):
    monkeypatch.setattr(time, 'sleep', lambda seconds: None)
    source.fault = 'cut'
    with pytest.raises(CourseError): get('paddy', 'full')
    source.fault = None
    source.asked.clear()
    assert len(read_paddy(get('paddy', 'full')).train) == 4
    assert source.asked[-1][1] > 0, 'the client asks for what it lacks, and no more'

def test_a_file_of_the_hub_is_compared_with_the_sum_that_names_it(source):
    "Within the parquet file a page of text may be damaged without a word of its reader"
    source.fault = 'changed'
    for name in ('pairs', 'text'):
        with pytest.raises(CourseError) as e: get(name, 'full')
        one_line(e, '.parquet is damaged', 'SHA-256', 'run again')

def test_ratings_that_are_others(source, monkeypatch):
    monkeypatch.setitem(sources.MOVIELENS_SUMS, 'u.data', '0'*64)
    with pytest.raises(CourseError) as e: get('ratings', 'full')
    one_line(e, 'u.data is damaged or has been changed at its source', 'SHA-256', 'run again')

def test_pets_without_cats(source, monkeypatch):
    import fastdownload.core
    monkeypatch.setattr(fastdownload.core, 'read_checks', lambda module: {})
    monkeypatch.setattr('test_fetchers.PETS', {k: v for k,v in PETS.items() if k[0].islower()})
    source.files |= pets()
    with pytest.raises(CourseError) as e: get('photos', 'full')
    one_line(e, 'no image of a cat')

def test_fastai_keeps_its_own_settings(source):
    "`untar_data` with a folder of ours changes the settings that the process shares"
    from fastai.data.external import fastai_cfg
    before = dict(fastai_cfg().d)
    get('ratings', 'full')
    assert dict(fastai_cfg().d) == before

@pytest.mark.skipif(not hasattr(os, 'seteuid'), reason='this system has no users to change to')
def test_a_cache_that_cannot_be_written(source, tmp_path):
    cache = Path(os.environ['COURSE_LABS_CACHE'])
    cache.mkdir()
    cache.chmod(0o555)
    root = os.geteuid() == 0
    if root: os.seteuid(65534)
    try:
        with pytest.raises(CourseError) as e: get('text', 'full')
    finally:
        if root: os.seteuid(0)
    one_line(e, 'cannot write to', str(cache), 'COURSE_LABS_CACHE')
    assert not source.asked

@pytest.mark.skipif(not hasattr(os, 'fork'), reason='this system cannot fork')
def test_two_processes_at_once_fetch_once(source):
    source.pause = 1
    fork = multiprocessing.get_context('fork')
    both = [fork.Process(target=get, args=('text', 'full')) for _ in range(2)]
    for p in both: p.start()
    for p in both: p.join(60)
    assert [p.exitcode for p in both] == [0, 0] and len(source.asked) == 1
    assert get('text', 'full').read_text(encoding='utf-8') == ''.join(WIKI)
