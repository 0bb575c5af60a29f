"The small DeBERTa: what it learnt from, and what is shipped of it"
import gzip, re

import pytest

from course_labs.core.files import CourseError
from course_labs.core.paths import data_dir
from course_labs.data_sets.pairs import read_pairs
from course_labs.data_sets.registry import get

FOLDER = data_dir()/'weights'/'deberta'

def plain(text): return ' '.join(re.findall(r"[a-z0-9']+", text.lower()))

@pytest.fixture(scope='module')
def sentences():
    text = gzip.decompress((data_dir()/'pretraining'/'captions.txt.gz').read_bytes()).decode()
    return [line.split('\t') for line in text.splitlines()]

@pytest.fixture(scope='module')
def pairs(): return read_pairs(get('pairs', 'tiny'))

def test_no_pair_and_no_premise_of_the_labs_is_in_the_text(sentences, pairs):
    "Week 5 holds out other pairs with each seed: none of the whole file may be there, in whatever spelling"
    assert len(sentences) > 1000 and len(pairs) > 5000
    seen = {plain(o) for group in sentences for o in group}
    assert not seen & set(pairs.premise.map(plain))
    mine = {(plain(a), plain(b)) for group in sentences for a in group for b in group}
    theirs = set(zip(pairs.premise.map(plain), pairs.hypothesis.map(plain)))
    assert not mine & (theirs | {(b, a) for a,b in theirs})
    premises = {plain(group[0]) for group in sentences}
    assert not premises & set(pairs.hypothesis.map(plain))

def test_the_text_has_no_labels(sentences):
    "The sentences about a picture stand in alphabetical order, which says nothing of their labels"
    for group in sentences: assert group[1:] == sorted(set(group[1:])) and all(len(o) > 2 for o in group)

def test_a_damaged_text_is_one_line(tmp_path):
    from course_labs.training.pretrained.text import captions
    bad = tmp_path/'captions.txt.gz'
    bad.write_bytes(b'no gzip')
    with pytest.raises(CourseError, match='cannot be read'): captions(bad)
    whole = (data_dir()/'pretraining'/'captions.txt.gz').read_bytes()
    bad.write_bytes(whole[:len(whole)//2])
    with pytest.raises(CourseError, match='cannot be read'): captions(bad)

def test_the_folder_is_small_and_complete():
    names = {o.name for o in FOLDER.iterdir()}
    assert names == {'config.json', 'tokenizer.json', 'tokenizer_config.json', 'model.safetensors', 'README.md'}
    assert sum(o.stat().st_size for o in FOLDER.iterdir()) <= 2.5e6

def test_what_is_shipped_loads_and_reads():
    import torch
    from transformers import AutoModel, AutoTokenizer
    model = AutoModel.from_pretrained(FOLDER, local_files_only=True)
    tok = AutoTokenizer.from_pretrained(FOLDER, local_files_only=True)
    assert model.config.model_type == 'deberta-v2' and model.config.vocab_size == len(tok)
    with torch.no_grad(): out = model(**tok(['A dog runs.'], ['An animal moves.'], return_tensors='pt')).last_hidden_state
    assert out.dtype == torch.float32 and out.isfinite().all() and out.std() > .1

def test_tensors_are_in_half_precision_and_without_a_classifier():
    import torch
    from safetensors.torch import load_file
    state = load_file(FOLDER/'model.safetensors')
    assert {o.dtype for o in state.values()} == {torch.float16}
    assert not [k for k in state if k.startswith('classifier')] and 'pooler.dense.weight' in state

def test_the_tokenizer_knows_the_letters():
    from transformers import AutoTokenizer
    tok = AutoTokenizer.from_pretrained(FOLDER, local_files_only=True)
    text = 'a quick brown fox jumps over 12 lazy dogs ; xylophones ?'
    ids = tok(text)['input_ids']
    back = tok.decode(ids, skip_special_tokens=True)
    assert tok.unk_token_id not in ids and back.replace(' ', '') == text.replace(' ', '')

def test_the_card_has_its_fields():
    from course_labs.training.pretrained.text import read_figures
    card = (FOLDER/'README.md').read_text(encoding='utf-8')
    for word in ('MiniLM', 'SNLI', 'Apache-2.0', 'CC BY-SA 4.0', 'course-labs pretrain deberta', 'seed'): assert word in card, word
    figures = read_figures(FOLDER)
    assert {'pretrained', 'scratch'} <= set(figures) and len({len(v) for v in figures.values()}) == 1
    assert all(len(v) == 5 and all(0 <= o <= 1 for o in v) for v in figures.values())
    assert all(a - b >= 0.08 for a,b in zip(figures['pretrained'], figures['scratch'])), 'what it was made for'
