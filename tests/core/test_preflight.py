"What a lab needs is looked for in its first minute: each thing that is missing is one line that names the flag that helps"
import json, os, re, shutil, subprocess, sys, time
from types import SimpleNamespace

import pytest
from nbclient.exceptions import CellExecutionError

from course_labs import preflight as pf
from course_labs.core.files import CourseError
from course_labs.core.paths import extra_name, lab_notebooks
from course_labs.data_sets import reach, sources
from course_labs.data_sets.registry import REGISTRY
from course_labs.lab import start
from course_labs.running.runner import Ending, _error_line
from course_labs.syllabus import weeks
from course_labs.training.model_names import OFFLINE_MODEL, files_of, known_to_timm, need_sentencepiece, offline_folder, text_model_found

@pytest.fixture(autouse=True)
def clean_env(monkeypatch, tmp_path):
    for o in ('SIZE', 'SET', 'DATA', 'SEED', 'OUT', 'RECORD', 'PREFLIGHT'): monkeypatch.delenv(f'COURSE_LABS_{o}', raising=False)
    monkeypatch.setenv('COURSE_LABS_OFFLINE', '1')
    monkeypatch.setenv('COURSE_LABS_CACHE', str(tmp_path/'cache'))
    monkeypatch.chdir(tmp_path)

def settings_of(week, size='tiny'): return {s.name: getattr(s, size) for s in week.settings.values()}

MODELS = [(w.number, key, kind) for w in weeks().values() for kind in ('image', 'text') for key in getattr(w.preflight, kind)]
FITTING = dict(image=('project:convnext', 'project:vit'), text=('project:deberta', OFFLINE_MODEL))

def lines_of(week, **changed):
    "What the lab says before it does anything"
    with pytest.raises(CourseError) as e: start(week).config(**changed)
    return str(e.value).splitlines()[1:]

# ---- Models ----

@pytest.mark.parametrize('week, key, kind', MODELS)
def test_an_unknown_model_is_told_at_once(week, key, kind):
    several = not isinstance(weeks()[week].settings[key].full, str)
    lines = lines_of(week, **{key: ('no-such-model', *FITTING[kind]) if several else 'no-such-model'})
    assert len(lines) == 1, lines
    assert lines[0].startswith(f'- {key} = no-such-model: ') and f'--set {key}=' in lines[0]

@pytest.mark.parametrize('week, key, kind', MODELS)
def test_the_flag_that_is_offered_helps(week, key, kind, monkeypatch):
    several = not isinstance(weeks()[week].settings[key].full, str)
    line, = lines_of(week, **{key: ('no-such-model', *FITTING[kind]) if several else 'no-such-model'})
    flag = re.search(rf'--set ({key}=\S+) replaces it', line)[1]
    monkeypatch.setenv('COURSE_LABS_SET', flag)
    start(week).config()

@pytest.mark.parametrize('week, key, kind', MODELS)
def test_models_that_come_with_the_course_pass(week, key, kind):
    several = not isinstance(weeks()[week].settings[key].full, str)
    for name in FITTING[kind]: start(week).config(**{key: (name,) if several else name})

def names_a_model(value):
    if not isinstance(value, str): return isinstance(value, tuple) and len(value) and all(map(names_a_model, value))
    if value.startswith('project:') or value == OFFLINE_MODEL or re.fullmatch(r'[\w.-]+/[\w.-]+', value): return True
    try: known_to_timm(value)
    except CourseError: return False
    return True

@pytest.mark.parametrize('week', weeks())
def test_every_setting_that_names_a_model_is_looked_for(week):
    "One that is not listed in [preflight] would be met in the middle of the lab"
    w = weeks()[week]
    found = {s.name for s in w.settings.values() if names_a_model(s.tiny) or names_a_model(s.full)}
    asked = w.preflight, *(e.preflight for e in w.extras.values())
    assert found == {name for o in asked for name in (*o.image, *o.text)}

def test_all_that_is_missing_is_told_together(monkeypatch):
    names = tuple(f'{kind}_with_a_long_name_number_{i}' for kind in ('net', 'model') for i in range(7))
    lines = lines_of(4, archs=names, arch='one', arch_vit='two')
    assert len(lines) == 16 and sum(map(len, lines)) > 1500

def test_the_runner_tells_all_of_it():
    "Seven models are more than 500 characters"
    text = 'week 4 cannot run like this\n' + '\n'.join(f'- archs = model_{i}: {"x"*150}' for i in range(7))
    error = _error_line(Ending(exc=CellExecutionError('', 'CourseError', text), cell=3, section='Settings'))
    assert 'model_6' in error and '\n' not in error
    other = _error_line(Ending(exc=CellExecutionError('', 'ValueError', 'x'*5000), cell=3, section='Settings'))
    assert len(other) < 600

def test_a_size_that_a_model_cannot_have_is_told_at_once():
    line, = lines_of(2, arch='project:vit', image_size=50)
    assert 'is not a multiple' in line

def test_nothing_was_trained_before(monkeypatch):
    "Week 2 used to train all of its random networks first"
    assert '- arch = no-such-model: ' in lines_of(2, arch='no-such-model')[0]

# ---- Data ----

@pytest.mark.parametrize('name, path', lab_notebooks(extras=True).items())
def test_every_data_set_of_a_lab_is_looked_for(name, path):
    week, extra = weeks()[int(str(name).split()[0])], extra_name(path)
    cells = json.loads(path.read_text(encoding='utf-8'))['cells']
    code = '\n'.join(''.join(c['source']) for c in cells if c['cell_type'] == 'code')
    assert set(re.findall(r'''lab\.data\(['"](\w+)['"]\)''', code)) == set((week.extra(extra) if extra else week).preflight.data)

@pytest.mark.parametrize('week', weeks())
def test_size_full_without_a_network(week, monkeypatch):
    "Every data set and every model that is not here is in one error, with the flag that replaces it"
    monkeypatch.setenv('COURSE_LABS_SIZE', 'full')
    w = weeks()[week]
    absent = [o for o in w.preflight.data if REGISTRY[o].fetch]
    lab = start(week)
    if not absent:
        lab.config()
        return
    with pytest.raises(CourseError) as e: lab.config()
    for name in absent: assert f'- data set {name}: ' in str(e.value) and f'--data {name}=PATH' in str(e.value)
    for key in (*w.preflight.image, *w.preflight.text): assert f'- {key} = ' in str(e.value) and f'--set {key}=' in str(e.value)

@pytest.mark.parametrize('extra', weeks()[2].extras)
def test_an_extra_asks_for_nothing_that_it_does_not_use(extra, monkeypatch):
    "Size full without a network: the lab of week 2 lacks photos and models, its extras draw what they train on"
    monkeypatch.setenv('COURSE_LABS_SIZE', 'full')
    lab = start(2, extra=extra)
    assert lab.config() and {k for k in lab.config()} == set(weeks()[2].settings)

def test_own_data_that_are_not_there(monkeypatch, tmp_path):
    monkeypatch.setenv('COURSE_LABS_DATA', f'fashion={tmp_path}/nowhere')
    assert lines_of(3) == [f'- data set fashion: --data fashion={tmp_path}/nowhere: no such file or folder; '
                           'expected ' + REGISTRY['fashion'].format]

@pytest.mark.parametrize('name', ('pairs', 'text'))
def test_the_repository_that_is_asked_is_the_one_that_is_fetched(name, monkeypatch, tmp_path):
    asked, fetched = [], []
    monkeypatch.setattr('huggingface_hub.HfApi.dataset_info', lambda self, repo, **kw: asked.append(repo))
    reach.ASK[name]()
    class Seen(Exception): pass
    def download(repo, *args, **kwargs):
        fetched.append(repo)
        raise Seen
    monkeypatch.setattr('huggingface_hub.hf_hub_download', download)
    with pytest.raises(Seen): REGISTRY[name].fetch(tmp_path)
    assert asked == fetched

def test_a_token_that_kaggle_refuses(monkeypatch):
    "Asked for a list of files, not met after the images are wanted"
    monkeypatch.setattr('course_labs.data_sets.reach.online', lambda: True)
    monkeypatch.setenv('KAGGLE_USERNAME', 'ann')
    monkeypatch.setenv('KAGGLE_KEY', 'key')
    def refuse(competition): raise type('HTTPError', (Exception,), dict(status=403))('Forbidden')
    monkeypatch.setattr('fastkaggle.import_kaggle', lambda: SimpleNamespace(competition_list_files=refuse))
    need = pf.data_need('paddy', 'full')
    assert 'accept the rules at https://www.kaggle.com/competitions/paddy' in need.lacks

# ---- The rest ----

def test_a_file_of_your_own_that_is_not_there():
    line, = lines_of(3, homework_test='/no/test.csv')
    assert line == '- homework_test = /no/test.csv: no such file; --set homework_test=FILE names another'

def test_disk_and_memory(monkeypatch):
    monkeypatch.setattr(pf, 'machine_mb', lambda: 500.)
    monkeypatch.setattr(shutil, 'disk_usage', lambda p: SimpleNamespace(free=2**28))
    said = [str(o) for o in pf.lab_needs(weeks()[4], settings_of(weeks()[4]), 'full') if o.lacks]
    assert any(o.startswith('disk at ') and 'COURSE_LABS_CACHE' in o for o in said)
    assert any(o.startswith('memory: ') and '--size tiny' in o for o in said)

def test_tiny_lacks_nothing_offline_and_costs_nothing():
    import course_labs.training.vision_models  # noqa: F401 (as the labs that need it do anyway)
    for w in weeks().values():
        began = time.process_time()
        assert [o for o in pf.lab_needs(w, settings_of(w), 'tiny') if o.lacks] == []
        assert time.process_time() - began < 1, w.number

def test_it_imports_nothing_heavy():
    "Weeks with text models look for them before transformers is needed"
    code = f"""if True:
        import sys
        from course_labs import preflight as pf
        from course_labs.syllabus import week
        for n in (1, 5, 6, 8): pf.lab_needs(week(n), {{s.name: s.tiny for s in week(n).settings.values()}}, 'tiny')
        assert not {{'torch', 'timm', 'transformers', 'fastai'}} & set(sys.modules)"""
    subprocess.run([sys.executable, '-c', code], check=True)

def test_it_is_asked_once_for_the_same_settings(monkeypatch):
    lab, asked = start(6), []
    monkeypatch.setattr('course_labs.lab.preflight', lambda *args: asked.append(args) or [])
    for changed in ({}, {}, dict(epochs=3)): lab.config(**changed)
    assert len(asked) == 2

def test_it_can_be_turned_off(monkeypatch):
    monkeypatch.setenv('COURSE_LABS_PREFLIGHT', '0')
    assert start(2).config(arch='no-such-model').arch == 'no-such-model'

def test_doctor_says_the_same():
    from course_labs.doctor import lab_rows
    rows = {int(o[0]): o for o in lab_rows(SimpleNamespace(kind='cpu'))}
    assert [o[1] for o in rows.values()] == ['ready']*len(rows)
    for w in weeks().values():
        for need in pf.lab_needs(w, settings_of(w, 'full'), 'full'): assert str(need) in rows[w.number][2] or need.what.startswith(('disk', 'memory'))

# ---- Tokenizers of SentencePiece ----

def hub(monkeypatch, *files):
    info = SimpleNamespace(gated=False, siblings=[SimpleNamespace(rfilename=o, size=2**20) for o in files])
    monkeypatch.setattr('huggingface_hub.HfApi.model_info', lambda self, repo, **kw: info)
    for o in ('course_labs.training.model_names.online', 'course_labs.preflight.online'): monkeypatch.setattr(o, lambda: True)

def without(monkeypatch, *absent):
    import importlib.util
    real = importlib.util.find_spec
    monkeypatch.setattr('importlib.util.find_spec', lambda name, *a: None if name.split('.')[0] in absent else real(name, *a))

def test_a_model_whose_tokenizer_needs_packages(monkeypatch):
    hub(monkeypatch, 'config.json', 'spm.model', 'pytorch_model.bin')
    without(monkeypatch, 'sentencepiece', 'google')
    line, = lines_of(5, model='microsoft/deberta-v3-small')
    assert line.startswith('- model = microsoft/deberta-v3-small: its tokenizer is spm.model')
    assert 'pip install sentencepiece protobuf' in line and '--set model=project:deberta' in line

def test_the_packages_are_required():
    from course_labs.core.paths import settings
    required = re.findall(r'^[\w-]+', settings()['requirements'].strip(), re.M)
    assert {'sentencepiece', 'protobuf'} <= set(required)

def test_a_hub_that_has_half_a_model(monkeypatch):
    hub(monkeypatch, 'README.md', 'tokenizer.json')
    assert 'on the hub it has no configuration (none of config.json)' in lines_of(5, encoder='a/b')[0]

def test_a_folder_with_spm_model_alone(monkeypatch, tmp_path):
    "One line that names what to install, not transformers' advice to convert from tiktoken"
    from course_labs.training.text_models import text_tokenizer
    without(monkeypatch, 'sentencepiece')
    for o in ('config.json', 'model.safetensors'): shutil.copy(offline_folder()/o, tmp_path)
    (tmp_path/'spm.model').write_bytes(b'')
    for ask in (text_model_found, text_tokenizer):
        with pytest.raises(CourseError, match='its tokenizer is spm.model.*pip install sentencepiece, and start the kernel anew') as e: ask(tmp_path)
        assert '\n' not in str(e.value)
    need_sentencepiece('it', files_of(tmp_path) | {'tokenizer.json'})

def test_a_folder_with_spm_model_alone_loads(tmp_path):
    sentencepiece = pytest.importorskip('sentencepiece')
    pytest.importorskip('google.protobuf')
    from transformers import DebertaV2Config, DebertaV2Model
    from course_labs.training.text_models import text_model
    words = [f'the {a} {b} sat on the {c}' for a in ('old', 'wet', 'red') for b in ('cat', 'dog', 'hen') for c in ('mat', 'log', 'bed')]
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(words), model_prefix=str(tmp_path/'spm'), vocab_size=40,
                                             hard_vocab_limit=False, pad_id=0, unk_id=3, bos_id=1, eos_id=2)
    DebertaV2Model(DebertaV2Config(vocab_size=200, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)).save_pretrained(tmp_path)
    assert str(text_model_found(tmp_path)) == 'a folder'
    model, tok = text_model(tmp_path)
    assert tok.unk_token_id not in tok('the red hen sat on the log')['input_ids']
