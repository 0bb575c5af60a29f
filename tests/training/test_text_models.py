"Text models by name: every way to be without one is one clear line, and a vector does not depend on its batch"
import shutil, time, warnings
import pytest, torch
from hypothesis import given, settings, strategies as st
from transformers import AutoModelForSequenceClassification, DebertaV2Config, DebertaV2Model
from course_labs.core.files import CourseError
from course_labs.training.text_models import OFFLINE_MODEL, embed, mean_pool, offline_folder, resolve, text_model

@pytest.fixture(scope='module')
def encoder(): return text_model(OFFLINE_MODEL)

def one_line(error): return len(str(error.value).splitlines()) == 1

def test_no_network_for_a_hub_name(monkeypatch):
    monkeypatch.setenv('COURSE_LABS_OFFLINE', '1')
    start = time.time()
    with pytest.raises(CourseError, match='microsoft/deberta-v3-small: not on this machine, and there is no network') as e: text_model('microsoft/deberta-v3-small')
    assert one_line(e) and time.time() - start < 5

@pytest.mark.parametrize('name', ['./missing', '/no/such/folder', '~/missing', 'a/b/c'])
def test_missing_folder(name):
    with pytest.raises(CourseError, match='no such folder') as e: text_model(name)
    assert one_line(e)

@pytest.mark.parametrize('kind', ['bert', 'deberta'])
def test_folder_without_tokenizer(tmp_path, kind):
    "transformers makes an empty tokenizer here, to which every word is unknown"
    if kind == 'bert':
        for o in ('config.json', 'model.safetensors'): shutil.copy(offline_folder()/o, tmp_path)
    else: DebertaV2Model(DebertaV2Config(vocab_size=100, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)).save_pretrained(tmp_path)
    with pytest.raises(CourseError, match='has no tokenizer') as e: text_model(tmp_path)
    assert one_line(e) and str(tmp_path) in str(e.value)

def test_folder_without_model_or_with_half_of_one(tmp_path):
    with pytest.raises(CourseError, match='no config.json'): text_model(tmp_path)
    for o in ('config.json', 'tokenizer.json', 'tokenizer_config.json'): shutil.copy(offline_folder()/o, tmp_path)
    with pytest.raises(CourseError, match='cannot be loaded') as e: text_model(tmp_path)
    assert one_line(e)
    (tmp_path/'config.json').write_text('{')
    with pytest.raises(CourseError, match='cannot be loaded') as e: text_model(tmp_path)
    assert one_line(e)

def test_cut_off_weights(tmp_path):
    shutil.copytree(offline_folder(), tmp_path/'m')
    data = (tmp_path/'m/model.safetensors').read_bytes()
    (tmp_path/'m/model.safetensors').write_bytes(data[:len(data)//2])
    with pytest.raises(CourseError, match='cannot be loaded') as e: text_model(tmp_path/'m')
    assert one_line(e)

def test_tokenizer_of_another_model(tmp_path, encoder):
    DebertaV2Model(DebertaV2Config(vocab_size=100, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)).save_pretrained(tmp_path)
    encoder[1].save_pretrained(tmp_path)
    with pytest.raises(CourseError, match='do not belong together'): text_model(tmp_path)

def test_package_missing(monkeypatch):
    monkeypatch.setattr('importlib.util.find_spec', lambda name: None)
    with pytest.raises(CourseError, match='is not installed') as e: resolve(OFFLINE_MODEL)
    assert one_line(e)

def test_head():
    model, tok = text_model(OFFLINE_MODEL, AutoModelForSequenceClassification, num_labels=3)
    assert model(**tok('a', 'b', return_tensors='pt')).logits.shape == (1, 3) and model.dtype == torch.float32

words = st.lists(st.sampled_from('the a cat dog sat ran blue on under'.split()), min_size=0, max_size=30).map(' '.join)

@given(st.lists(words, min_size=1, max_size=12), st.integers(1, 8))
@settings(max_examples=15, deadline=None)
def test_vector_does_not_depend_on_batch(encoder, texts, bs):
    "Neither order, batch size, padding nor repetition changes what a text becomes"
    vectors = embed(texts, *encoder, bs=bs)
    assert vectors.shape == (len(texts), 384)
    assert torch.allclose(vectors, torch.cat([embed([o], *encoder) for o in texts]), atol=1e-5)
    assert torch.allclose(vectors.norm(dim=-1), torch.ones(len(texts)), atol=1e-5)

@given(st.integers(1, 4), st.integers(1, 6), st.integers(1, 5), st.data())
@settings(deadline=None)
def test_mean_pool_is_the_mean_of_the_kept(n, length, dim, data):
    hidden = torch.randn(n, length, dim)
    lengths = data.draw(st.lists(st.integers(1, length), min_size=n, max_size=n))
    mask = torch.tensor([[int(j < k) for j in range(length)] for k in lengths])
    assert torch.allclose(mean_pool(hidden, mask), torch.stack([h[:k].mean(0) for h,k in zip(hidden, lengths)]), atol=1e-5)

def test_long_texts_are_counted(encoder):
    with pytest.warns(UserWarning, match='2 of 3 texts are longer than 8 tokens'): embed(['a '*20, 'b '*20, 'a cat'], *encoder, max_len=8)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        embed(['a cat'], *encoder, max_len=8)
    with pytest.warns(UserWarning, match='longer than 512'): embed(['word '*1000], *encoder, max_len=9999)

def test_gradients_may_flow_from_a_head_on_the_vectors(encoder):
    head = torch.nn.Linear(384, 2)
    head(embed(['a cat', 'a dog'], *encoder)).sum().backward()
    assert head.weight.grad is not None

def word_tokenizer(words, **special):
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast
    t = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, unk_token=special['unk_token']))
    t.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=t, **special)

@pytest.fixture
def gpt_folder(tmp_path):
    from transformers import GPT2Config, GPT2Model
    torch.manual_seed(0)
    GPT2Model(GPT2Config(vocab_size=3, n_positions=32, n_embd=16, n_layer=1, n_head=2, bos_token_id=0, eos_token_id=0)).save_pretrained(tmp_path)
    word_tokenizer(['<e>', 'a', 'b'], unk_token='<e>', eos_token='<e>').save_pretrained(tmp_path)
    return tmp_path

def test_a_model_without_a_padding_token(gpt_folder):
    "GPT-2 has none: texts of several lengths in one batch have the vectors that they have alone"
    from course_labs.training.text_models import embed, text_model
    model, tok = text_model(gpt_folder)
    texts = ['a', 'a b', 'b a b a b']
    alone = torch.cat([embed([o], model, tok) for o in texts])
    assert torch.allclose(embed(texts, model, tok), alone, atol=1e-5)

def test_a_tokenizer_that_can_pad_with_nothing(gpt_folder):
    from transformers import PreTrainedTokenizerFast
    from course_labs.training.text_models import text_model
    from tokenizers import Tokenizer, models
    PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel({'a': 0}, unk_token='a'))).save_pretrained(gpt_folder)
    with pytest.raises(CourseError, match='its tokenizer has no token for padding'): text_model(gpt_folder)

@pytest.mark.parametrize('kind', ('Roberta', 'Camembert', 'XLMRoberta', 'MPNet', 'Bert'))
def test_positions_that_begin_after_the_padding(tmp_path, kind):
    "Of RoBERTa's 34 positions 32 can be used, of BERT's all"
    import transformers
    from course_labs.training.text_models import embed, max_tokens, text_model
    config = getattr(transformers, f'{kind}Config')(vocab_size=5, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
                                                    max_position_embeddings=34, pad_token_id=1)
    getattr(transformers, f'{kind}Model')(config).save_pretrained(tmp_path)
    word_tokenizer(['<s>', '<pad>', '</s>', '<unk>', 'a'], unk_token='<unk>', pad_token='<pad>').save_pretrained(tmp_path)
    model, tok = text_model(tmp_path)
    assert max_tokens(model, tok) == (34 if kind == 'Bert' else 32)
    with pytest.warns(UserWarning, match='1 of 1 texts are longer'): assert embed(['a '*60], model, tok).shape == (1, 16)
