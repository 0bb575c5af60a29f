"Week 5: batch makers held against their definitions, cells and attention against the libraries', and small models that learn"
import ast, math, subprocess, sys
import numpy as np, pandas as pd, pytest, torch
from hypothesis import given, settings, strategies as st
from torch import nn
from transformers import DebertaV2Config, DebertaV2Model
from course_labs.core.files import CourseError
from course_labs.teaching.inference import LayoutRule, classify_file, padding_costs, tell_tales
from course_labs.training.disentangled import disentangled_attention, relative_rows, small_deberta
from course_labs.training.language_models import (IGNORE, batch_loss, causal_batch, joined, masked_batch, masked_sentences, mean_loss, next_sentence_batch,
                                                  padded_rows, permutation_mask, permuted_batch, sentence_rows, token_blocks, train_steps)
from course_labs.training.pair_heads import Heads, accuracy, pair_model, with_body, zero_shot
from course_labs.training.recurrent import gru_cell, lstm_cell, rnn_cell
from course_labs.training.text_models import text_model
from course_labs.training.text_pairs import encode_pairs, pair_learner, pair_trainer, predict_pairs
from course_labs.training.tokenisers import KINDS, SPECIALS, pair_tokenizer, train_tokenizer

SPECIAL, VOCAB, MASK = 5, 50, 4
shapes = st.tuples(st.integers(1, 6), st.integers(2, 24))
def ids_of(shape, seed): return torch.randint(SPECIAL, VOCAB, shape, generator=torch.Generator().manual_seed(seed))

@given(shapes, st.integers(0, 99))
@settings(deadline=None)
def test_causal_labels_are_the_next_tokens(shape, seed):
    ids = ids_of(shape, seed)
    b = causal_batch(ids)
    assert b['input_ids'].equal(ids) and (b['labels'][:, -1] == IGNORE).all()
    for r in range(shape[0]):
        for c in range(shape[1] - 1): assert b['labels'][r, c] == ids[r, c+1]

@given(st.integers(0, 10_000), st.sampled_from([.05, .15, .5]))
@settings(max_examples=25, deadline=None)
def test_masking_follows_the_rule(seed, share):
    "Shares within five standard errors of the binomial; nothing else is touched"
    torch.manual_seed(seed)
    ids = ids_of((100, 100), seed)
    ids[:, 0] = 1
    b = masked_batch(ids, MASK, VOCAB, share=share)
    asked = b['labels'] != IGNORE
    assert not asked[:, 0].any() and b['input_ids'][~asked].equal(ids[~asked]) and b['labels'][asked].equal(ids[asked])
    def within(count, n, p): return abs(count - n*p) <= 5*math.sqrt(n*p*(1 - p))
    n = int(asked.sum())
    assert within(n, ids[:, 1:].numel(), share)
    masked, same = b['input_ids'][asked] == MASK, (b['input_ids'] == ids)[asked]
    by_chance = 1/(VOCAB - SPECIAL)  # a random token may be the one that stood there
    assert within(int(masked.sum()), n, .8) and within(int(same.sum()), n, .1 + .1*by_chance) and within(int((~masked & ~same).sum()), n, .1 - .1*by_chance)
    assert (b['input_ids'][asked & (b['input_ids'] != MASK)] >= SPECIAL).all()

@given(st.integers(1, 5), st.integers(1, 20), st.integers(0, 99))
@settings(deadline=None)
def test_permutation_mask_hides_itself_and_what_comes_later(n, length, seed):
    torch.manual_seed(seed)
    order = torch.rand(n, length).argsort(-1)
    mask = permutation_mask(order)
    for r in range(n):
        for place, i in enumerate(order[r]):
            hidden = {int(j) for j in mask[r, i].nonzero().flatten()}
            assert hidden == {int(j) for j in order[r, place:]}

@given(shapes, st.integers(0, 99), st.sampled_from([1/6, .5, 1.]))
@settings(deadline=None)
def test_permuted_targets_are_the_last_of_the_order(shape, seed, share):
    torch.manual_seed(seed)
    ids = ids_of(shape, seed)
    b = permuted_batch(ids, share)
    k = max(1, round(share*shape[1]))
    assert b['input_ids'].equal(ids) and b['target_mapping'].shape == (shape[0], k, shape[1])
    assert b['target_mapping'].sum(-1).eq(1).all() and b['target_mapping'].sum(1).max() <= 1
    assert (b['target_mapping'] @ ids.float()[..., None]).squeeze(-1).long().equal(b['labels'])
    seen = (1 - b['perm_mask']).sum(-1)  # how many tokens each position may see: 0 for the first of the order
    assert (b['target_mapping'] @ seen[..., None]).squeeze(-1).sort(-1).values.equal(torch.arange(shape[1] - k, shape[1]).float().expand(shape[0], k))

@given(st.integers(3, 40), st.integers(1, 6), st.integers(0, 999))
@settings(deadline=None)
def test_next_sentence_labels_tell_the_truth(n_rows, length, seed):
    torch.manual_seed(seed)
    rows = torch.arange(n_rows).repeat_interleave(length).view(n_rows, length) + SPECIAL
    b = next_sentence_batch(rows, 200)
    a, c = b['input_ids'][:, 1], b['input_ids'][:, length + 2]
    assert (c == a + 1).equal(b['labels'] == 0)
    assert abs(b['labels'].float().mean() - .5) < 5*.5/math.sqrt(200)
    assert b['input_ids'][:, [0, length+1, 2*length+2]].equal(torch.tensor([1, 2, 2]).expand(200, 3))

def test_padding_is_masked():
    b = joined(padded_rows([[7, 8]], 3), padded_rows([[9, 9, 9, 9]], 3))
    assert b['input_ids'].tolist() == [[1, 7, 8, 0, 2, 9, 9, 9, 2]] and b['attention_mask'].tolist() == [[1, 1, 1, 0, 1, 1, 1, 1, 1]]

def test_short_text():
    with pytest.raises(CourseError, match='too few for two blocks'): token_blocks(torch.arange(5), 4)

@given(st.integers(1, 5), st.integers(1, 8), st.integers(1, 8), st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_cells_equal_torch(n, n_in, n_hidden, seed):
    torch.manual_seed(seed)
    x, h, c = torch.randn(n, n_in), torch.randn(n, n_hidden), torch.randn(n, n_hidden)
    w = lambda cell: (cell.weight_ih, cell.weight_hh, cell.bias_ih, cell.bias_hh)
    rnn, lstm, gru = nn.RNNCell(n_in, n_hidden), nn.LSTMCell(n_in, n_hidden), nn.GRUCell(n_in, n_hidden)
    assert torch.allclose(rnn_cell(x, h, *w(rnn)), rnn(x, h), atol=1e-5)
    assert torch.allclose(gru_cell(x, h, *w(gru)), gru(x, h), atol=1e-5)
    for a, b in zip(lstm_cell(x, (h, c), *w(lstm)), lstm(x, (h, c))): assert torch.allclose(a, b, atol=1e-5)

@given(st.integers(1, 3), st.integers(1, 4), st.integers(1, 30), st.sampled_from([-1, 4, 8, 16]), st.booleans(), st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_attention_equals_deberta(batch, heads, n, buckets, padded, seed):
    torch.manual_seed(seed)
    model = DebertaV2Model(DebertaV2Config(vocab_size=VOCAB, hidden_size=8*heads, num_hidden_layers=1, num_attention_heads=heads, intermediate_size=8, relative_attention=True, initializer_range=.5,
                                           position_buckets=buckets, max_relative_positions=-1, max_position_embeddings=40, pos_att_type=['p2c', 'c2p'], share_att_key=True, norm_rel_ebd='layer_norm')).eval()
    layer, encoder = model.encoder.layer[0].attention.self, model.encoder
    hidden, mask = torch.randn(batch, n, 8*heads), torch.ones(batch, n).long()
    if padded: mask[0, (n+1)//2:] = 0
    rows = relative_rows(n, buckets, 40)
    with torch.no_grad():
        theirs, _ = layer(hidden, encoder.get_attention_mask(mask), relative_pos=encoder.get_rel_pos(hidden), rel_embeddings=encoder.get_rel_embedding())
        mine, _ = disentangled_attention(layer, hidden, encoder.get_rel_embedding(), rows, mask)
    assert torch.allclose(mine[mask.bool()], theirs[mask.bool()], atol=1e-4)

@pytest.mark.parametrize('kind', ['BPE', 'WordPiece', 'Unigram'])
def test_tokenizers(kind):
    tok = train_tokenizer(['the cat sat on the mat', 'the dog sat on the log']*20, kind, 60, lowercase=True)
    assert tok.get_vocab_size() <= 60 and [tok.token_to_id(o) for o in SPECIALS] == [0, 1, 2, 3, 4]
    assert '[UNK]' not in tok.encode('The Cat').tokens
    with pytest.raises(ValueError, match='BPE'): train_tokenizer(['a'], 'letters')

def test_another_process_numbers_the_pieces_in_the_same_way():
    "Without it a seed would not repeat a training, and a training that was killed would not go on"
    texts = [f'{a}{b}{a} {b}{c}{a}, {c}{b}' for a in 'abcdefg' for b in 'hijklmn' for c in 'opqrstu']
    train = lambda kind: train_tokenizer(iter(texts), kind, 150).get_vocab()
    code = f"from course_labs.training.tokenisers import train_tokenizer; print(*({{k: train_tokenizer({texts!r}, k, 150).get_vocab() for k in ('BPE', 'WordPiece')}}).items(), sep='\\n')"
    there = [ast.literal_eval(o) for o in subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True).stdout.splitlines()]
    assert there == [('BPE', train('BPE')), ('WordPiece', train('WordPiece'))]

@pytest.fixture(scope='module')
def small():
    df = pd.DataFrame(dict(premise=['a man sleeps', 'a dog runs over the green grass', 'two men'], hypothesis=['a man rests', 'a cat', 'men'], label=[0, 1, 2]))
    tok = pair_tokenizer(train_tokenizer(list(df.premise) + list(df.hypothesis), 'WordPiece', 60, lowercase=True))
    def make(): return small_deberta(len(tok), 3, 16)
    return df, make, tok

def test_pretrained_and_random_differ_in_their_weights_alone():
    (learnt, tok), (fresh, same) = (pair_model(f'{o}project:deberta', n_classes=3) for o in ('', 'random:'))
    assert tok.get_vocab() == same.get_vocab()
    a, b, c = (o.state_dict() for o in (learnt(), fresh(), fresh()))
    assert {k: v.shape for k,v in a.items()} == {k: v.shape for k,v in b.items()}
    name = 'deberta.encoder.layer.0.attention.self.query_proj.weight'
    assert not a[name].equal(b[name]) and not b[name].equal(c[name]) and a[name].equal(learnt().state_dict()[name])
    with pytest.raises(CourseError, match='no such folder'): pair_model('random:./none')

def test_the_shared_tokeniser_stays_as_it_was():
    tok = train_tokenizer(['the cat sat on the mat']*9, 'WordPiece', 40)
    before = tok.encode('the cat').tokens
    assert pair_tokenizer(tok)('the cat', 'the mat')['input_ids'][0] == 1 and tok.encode('the cat').tokens == before

def test_long_pairs_are_cut_and_counted(small, capsys):
    df, make, tok = small
    longest = max(len(o['input_ids']) for o in encode_pairs(df, tok, 64))
    assert capsys.readouterr().out == ''
    rows = encode_pairs(df, tok, 12)
    out = capsys.readouterr().out
    assert 'pairs are longer than 12 tokens' in out and str(longest) in out and max(len(o['input_ids']) for o in rows) == 12
    assert all(o['input_ids'].count(tok.sep_token_id) == 2 for o in rows)

def test_prediction_keeps_the_order(small):
    df, make, tok = small
    torch.manual_seed(0)
    model, rows = make().eval(), encode_pairs(df, tok, 64)
    assert torch.allclose(predict_pairs(model, tok, rows, bs=2), torch.cat([predict_pairs(model, tok, [o]) for o in rows]), atol=1e-5)

def test_trainer_and_learner_learn(small, tmp_path):
    "Three pairs, seen often enough, are known by heart"
    df, make, tok = small
    rows = encode_pairs(df, tok, 64)*20
    for fit in ('trainer', 'learner'):
        torch.manual_seed(0)
        model = make()
        for p in model.parameters():
            if p.dim() == 2: nn.init.normal_(p, std=.125)  # so small a net starts faster from here
        if fit == 'trainer': pair_trainer(model, tok, rows, tmp_path, 12, 6, 3e-3).train()
        else:
            learn = pair_learner(model, tok, rows, rows[:3], 6, path=tmp_path)
            with learn.no_bar(), learn.no_logging(): learn.fit_one_cycle(12, 3e-3)
        assert accuracy(predict_pairs(model, tok, rows[:3]), df.label) == 1, fit
    assert not list(tmp_path.rglob('*.safetensors'))

def test_zero_shot():
    p = zero_shot(['ab', 'b'], ['a', 'b', 'c'], lambda t, h: [float(y in x) for x,y in zip(t, h)])
    assert p.tolist() == [[.5, .5, 0], [0, 1, 0]]
    with pytest.raises(ValueError, match='negative'): zero_shot(['a'], ['b'], lambda t, h: [-1.])

def test_homework_writes_a_file_whole(tmp_path):
    class Letters:
        "A stand-in for an encoder: which letters a text has"
        def __call__(self, texts): return nn.functional.normalize(torch.tensor([[float(t.lower().count(c)) for c in 'abcdefghijklmnopqrstuvwxyz '] for t in texts]), dim=-1)
    path = tmp_path/'pairs.tsv'
    path.write_text('premise\thypothesis\tlabel\n' + ''.join(f'premise {i}\t{w} {i}\t{y}\n' for i in range(60) for y,w in (('entailment', 'yes'), ('contradiction', 'no'))))
    res = classify_file(path, Letters(), tmp_path/'out.tsv', epochs=30)
    table = pd.read_csv(tmp_path/'out.tsv', sep='\t', quoting=3)
    assert list(table) == ['premise', 'hypothesis', 'label', 'predicted', 'probability'] and res['accuracy'] > .9 and res['hypothesis_only'] > .9 and abs(res['majority'] - .5) < .1
    assert (table.label == table.predicted).mean() == pytest.approx(res['accuracy'])

@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('size', (40, 100, 150, 2000))
def test_a_vocabulary_smaller_than_the_alphabet(kind, size):
    "Chinese, or the 400 characters of WikiText: the number of pieces holds, and what has no room is [UNK]"
    lines = [''.join(map(chr, range(0x4e00 + 30*k, 0x4e00 + 30*k + 30))) + ' aa ab' for k in range(10)]
    tok = train_tokenizer(lines, kind, size)
    assert tok.get_vocab_size() <= size
    assert [tok.token_to_id(o) for o in SPECIALS] == list(range(5))
    assert '[UNK]' not in tok.encode('aa ab').tokens
    assert len(tok.encode(lines[0]).ids) > 0

def test_a_batch_that_asks_nothing_teaches_nothing():
    from transformers import BertConfig, BertForMaskedLM
    torch.manual_seed(0)
    model = BertForMaskedLM(BertConfig(vocab_size=9, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16))
    make = lambda: masked_batch(torch.randint(5, 9, (1, 6)), 4, 9)
    assert all((make()['labels'] != IGNORE).any() for _ in range(50))
    assert np.isfinite(train_steps(model, make, 20, 1e-3)).all() and math.isfinite(mean_loss(model, [make() for _ in range(20)]))
    nothing = masked_batch(torch.zeros(1, 6, dtype=torch.long), 4, 9)
    assert batch_loss(model, nothing).item() == 0
    with pytest.raises(ValueError, match='no position of these batches has a label'): mean_loss(model, [nothing])

def test_padding_is_neither_read_nor_asked_about():
    tok = pair_tokenizer(train_tokenizer(['the cat sat on the mat', 'the dog ran']*9, 'WordPiece', 50))
    rows = sentence_rows(['the cat', 'the dog ran on the mat'], tok, 12)
    b = masked_sentences(rows, tok, share=1.)
    own = rows[:, :b['input_ids'].shape[1]]
    assert b['attention_mask'].equal((own != tok.pad_token_id).long())
    special = torch.isin(own, torch.tensor(tok.all_special_ids))
    assert (b['labels'] == IGNORE).equal(special) and b['labels'].shape[1] < 12

def test_a_language_model_becomes_an_encoder():
    "The body is that of the masked model, the head is new, and another architecture is refused"
    from transformers import AutoModelForMaskedLM, BertConfig, BertForMaskedLM
    mlm, _ = text_model('random:project:deberta', AutoModelForMaskedLM)
    make, _ = pair_model('random:project:deberta')
    net = with_body(make(), mlm)
    a, b = net.base_model.state_dict(), mlm.base_model.state_dict()
    assert all(a[k].equal(b[k]) for k in b) and net.num_labels == 3
    other = BertForMaskedLM(BertConfig(vocab_size=9, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16))
    with pytest.raises(ValueError, match='different architectures'): with_body(make(), other)

def test_heads_are_kept_and_not_trained_twice():
    torch.manual_seed(0)
    X = torch.randn(60, 4)
    df = pd.DataFrame(dict(label=(X[:, 0] > 0).long().tolist()))
    heads, asked = Heads(df[:40], df[40:], ['no', 'yes']), []
    def inputs(part):
        asked.append(len(part))
        return X[:40] if len(part) == 40 else X[40:]
    (_, f), = heads.arm('x', inputs, dict(epochs=20, lr=1e-2, bs=8)).items()
    first = f(1)
    assert f(1)['accuracy'] == first['accuracy'] and asked == [40, 20] and len(heads.kept) == 1
    assert heads.probabilities('x', [1]).argmax(-1).numpy().tolist() == heads.said['x', 1].argmax(-1).tolist()

def test_words_that_give_a_label_away():
    df = pd.DataFrame(dict(premise=[f'p{i}' for i in range(60)], hypothesis=['Nobody sleeps.', 'a person sleeps', 'a sad person']*20, label=[2, 0, 1]*20))
    table = tell_tales(df, ['entailment', 'neutral', 'contradiction'], 1)
    assert set(zip(table.label, table.word)) >= {('contradiction', 'nobody'), ('neutral', 'sad')}

def test_grouped_batches_pad_least():
    costs = list(padding_costs(np.random.default_rng(0).integers(5, 40, 500), 32, 64).values())
    assert costs == sorted(costs, reverse=True)

def test_the_layout_rule_reads_no_word():
    rule = LayoutRule(['First:\n', 'Go on.\n', '\n']*20)
    assert rule(['Second:\n'], ['Whatever it says.\n']).tolist() == [True] and rule(['One.\n'], ['Two:\n']).tolist() == [False]
