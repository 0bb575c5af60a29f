"Week 6: files that are not ratings, newcomers, ranking against another library, the loader inside a Learner, models on disk"
import json, math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings, strategies as st

from course_labs.weeks import collab as C
from course_labs.training.precision import ranking as K
from course_labs.data_sets import ratings as R
from course_labs.data_sets.registry import get
from course_labs.core.files import CourseError

HEADER = 'userId,movieId,rating,timestamp\n'
GOOD = 'ann,m1,4,10\nann,m2,2,20\nbob,m1,5,30\nbob,m2,1,40\ncy,m1,3,50\n'

@pytest.fixture(scope='module')
def drawn(): return R.draw_ratings(80, 50, 2000, seed=1)

@pytest.fixture(scope='module')
def halves(drawn): return [drawn.ratings.take(rows) for rows in R.split_random(drawn.ratings, 0.2)]

def write(folder, text, name='ratings.csv'):
    path = folder/name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path

# Reading

def test_the_tiny_set_is_what_the_generator_draws():
    a, b = R.read_ratings(get('ratings')), R.draw_ratings().ratings
    assert a.titles == b.titles and not a.notes
    for f in ('users', 'items', 'values', 'times'): assert np.array_equal(getattr(a, f), getattr(b, f))
    folder = get('ratings').parent
    assert sum(f.stat().st_size for f in folder.iterdir()) < 400_000

@pytest.mark.parametrize('text, says', [
    ('', 'is empty'),
    ('  \n\n', 'is empty'),
    (HEADER, 'no ratings'),
    ('person,film,rating\n' + GOOD, 'no column for user and item'),
    ('userId,movieId,stamp\n' + GOOD, 'no column for rating'),
    ('1,2,3\n4,5,6\n', 'no column for user'),
    (HEADER + GOOD + 'bob,m3,good,1\n', "line 7: the rating 'good'"),
    (HEADER + GOOD + 'bob,m3,nan,1\n', "line 7: the rating 'nan'"),
    (HEADER + GOOD + 'bob,m3,inf,1\n', 'line 7: the rating'),
    (HEADER + GOOD + 'bob,m3,-inf,1\nbob,m4,inf,1\n', '2 such lines'),
    (HEADER + GOOD + 'bob,m3,1e999,1\n', 'line 7: the rating'),
    (HEADER + GOOD + 'bob,m3,,1\n', 'line 7: the rating'),
    (HEADER + GOOD + ',m3,4,1\n', 'line 7: no user'),
    (HEADER + GOOD + 'bob,,4,1\n', 'line 7: no item'),
    (HEADER + GOOD + 'bob,m3,4,1,7,8\n', 'not a table'),
    (HEADER + 'ann,m1,4,1\nann,m2,3,1\n', 'a single user'),
    (HEADER + 'ann,m1,4,1\nbob,m1,3,1\n', 'a single item'),
    (HEADER + 'ann,m1,4,1\nbob,m2,4,1\n', 'every rating is 4'),
    (b'PK\x03\x04\0\0\0', 'not a text file'),
])
def test_what_is_no_file_of_ratings_is_said_in_one_line(tmp_path, text, says):
    with pytest.raises(CourseError) as e: R.read_ratings(write(tmp_path, text))
    assert says in str(e.value) and '\n' not in str(e.value) and 'ratings.csv' in str(e.value)

def test_a_missing_file_and_an_empty_folder(tmp_path):
    with pytest.raises(CourseError, match='cannot be read'): R.read_ratings(tmp_path/'none.csv')
    with pytest.raises(CourseError, match='no u.data or ratings.csv'): R.read_ratings(tmp_path)

@pytest.mark.parametrize('text', [HEADER + GOOD, (HEADER + GOOD).replace(',', '\t'), (HEADER + GOOD).replace(',', ';'), '\ufeff' + HEADER + GOOD, (HEADER + GOOD).replace('\n', '\r\n'),
                                  GOOD.replace(',', '\t'), GOOD.replace(',', '::'), HEADER + GOOD + '\n\n', 'User ID,Item_ID,Score,Time\n' + GOOD])
def test_layouts(tmp_path, text):
    r = R.read_ratings(write(tmp_path, text))
    assert (len(r), r.n_users, r.n_items, r.scale) == (5, 3, 2, (1, 5))
    assert list(r.user_ids) == ['ann', 'bob', 'cy'] and r.times.tolist() == [10, 20, 30, 40, 50]

def test_duplicates_keep_the_last_line_and_are_counted(tmp_path):
    r = R.read_ratings(write(tmp_path, HEADER + GOOD + 'ann,m1,1,60\nann,m1,2,5\n'))
    assert len(r) == 5 and '2 ratings' in r.notes[0]
    assert r.values[(r.users == 0) & (r.items == 0)].tolist() == [2]

def test_titles_that_are_missing_are_counted(tmp_path):
    write(tmp_path, 'movieId,title,genres\nm1,"Sea, the",x\n', 'movies.csv')
    r = R.read_ratings(write(tmp_path, HEADER + GOOD))
    assert r.titles == ['Sea, the', 'm2'] and '1 of 2 items have no title' in r.notes[0]
    write(tmp_path, 'a,b\n1,2\n', 'movies.csv')
    with pytest.raises(CourseError, match='no column for item or title'): R.read_ratings(tmp_path/'ratings.csv')

def test_latin_titles(tmp_path):
    write(tmp_path, 'm1|Les Misérables|1995\nm2|Über|1999\n'.encode('latin-1'), 'u.item')
    assert R.read_ratings(write(tmp_path, GOOD.replace(',', '\t'), 'u.data')).titles == ['Les Misérables', 'Über']

def test_other_scales_and_no_times(tmp_path):
    r = R.read_ratings(write(tmp_path, 'user,item,rating\na,x,0\na,y,100\nb,x,40\n'))
    assert r.scale == (0, 100) and r.y_range == (-5, 105) and r.like_at == 70 and r.times is None
    for split in (R.split_by_time, R.split_leave_last):
        with pytest.raises(CourseError, match='no times'): split(r)
    assert [len(o) for o in R.split_random(r, 0.01)] == [2, 1]
    with pytest.raises(CourseError, match='between 0 and 1'): R.split_random(r, 1.)

@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(1, 10), st.integers(0, 50)), min_size=1, max_size=60))
def test_what_is_written_is_read_back(tmp_path, rows):
    text = ''.join(f'{u}\t{i}\t{v}\t{t}\n' for u,i,v,t in rows)
    want = {(u, i): v for u,i,v,t in rows}
    try: r = R.read_ratings(write(tmp_path, text, 'u.data'))
    except CourseError: assert len({u for u,*_ in rows}) < 2 or len({i for _,i,*_ in rows}) < 2 or len({v for *_,v,_ in rows}) == 1
    else:
        assert {(int(u), int(i)): v for u,i,v in zip(r.user_ids[r.users], r.item_ids[r.items], r.values)} == want
        for split in (R.split_random, R.split_by_time, R.split_leave_last): assert sorted(np.concatenate(split(r)).tolist()) == list(range(len(r)))

# Newcomers

def test_users_and_items_never_seen_are_served_by_the_bias(drawn):
    r = drawn.ratings
    held = (r.users == 3) | (r.items == 5)
    train, valid = r.take(~held), r.take(held)
    new = R.unseen(train, valid)
    assert (new['users'], new['items'], new['ratings']) == (1, 1, held.sum()) and 'the bias serves them' in new['text']
    for make in (lambda: C.BiasOnly(r.n_users, r.n_items), lambda: C.DotBias(r.n_users, r.n_items, 4), lambda: C.NeuralCF(r.n_users, r.n_items, 4, 3, 8), lambda: C.RatersDot(train, 4)):
        torch.manual_seed(0)
        model = make()
        C.fit_ratings(model, train, valid, epochs=1, lr=1e-2)
        assert model.user_bias.weight[3] == 0 and model.item_bias.weight[5] == 0
        assert np.isfinite(C.predict(model, valid)).all()
    with torch.no_grad(): want = model.stars(model.offset + model.item_bias.weight[7, 0])
    assert torch.allclose(model(torch.tensor([[3, 7]])), want)

def test_fold_in_without_a_rating_is_the_average_user(halves):
    model = C.DotBias(80, 50, 4)
    factors, bias = C.fold_in(model, [], [])
    assert not factors.any() and bias == 0
    C.clear_unseen(model, halves[0].take(slice(0, 0)))
    assert np.isfinite(C.score_newcomer(model, *C.fold_in(model, [1], [5.]))).all()

# Learning

def test_the_true_factors_are_found_again():
    for seed in (11, 12):
        d = R.draw_ratings(300, 150, 12_000, seed=seed)
        train, valid = [d.ratings.take(rows) for rows in R.split_random(d.ratings, 0.2, seed=seed)]
        torch.manual_seed(seed)
        model = C.DotBias(300, 150, 8, train.y_range, train.typical)
        C.fit_ratings(model, train, valid, epochs=6, lr=3e-2, wd=0.4, bs=512)
        A = np.c_[model.item_factors.weight.detach(), np.ones(150)]
        left = d.item_factors - A@np.linalg.lstsq(A, d.item_factors, rcond=None)[0]
        assert (1 - (left**2).sum(0)/((d.item_factors - d.item_factors.mean(0))**2).sum(0)).min() > 0.6
        base = C.BiasOnly(300, 150, train.y_range, train.typical)
        C.fit_ratings(base, train, valid, epochs=6, lr=3e-2, wd=0.4, bs=512)
        rmse = [C.rating_errors(C.predict(m, valid), valid.values)['rmse'] for m in (model, base)]
        assert rmse[0] < rmse[1] - 0.03

def test_the_raters_model_cannot_see_the_rating_it_predicts(halves):
    train, valid = halves
    model = C.RatersDot(train, 4)
    x = torch.from_numpy(np.stack([train.users, train.items], 1))[:200]
    before = model(x)
    for n in range(5):
        u, i = x[n].tolist()
        with torch.no_grad(): model.user_marks.weight[u] += 50
        assert torch.allclose(model(x[n:n+1]), before[n:n+1], atol=1e-3)
        with torch.no_grad(): model.user_marks.weight[u] -= 50
    shuffled = train.take(np.random.default_rng(0).permutation(len(train)))
    other = C.RatersDot(shuffled, 4)
    other.load_state_dict(model.state_dict())
    assert torch.allclose(other(x), model(x), atol=1e-5)

def test_the_loader_in_an_ordinary_learner(halves):
    from course_labs.training.precision import half_precision
    from course_labs.training.lr_finder import lr_find
    train, valid = halves
    learn = C.rating_learner(C.NeuralCF(80, 50, 6, 4, 8), train, valid, bs=100)
    assert len(learn.dls.train) == math.ceil(len(train)/100)
    before = {k: v.clone() for k,v in learn.model.state_dict().items()}
    lr_find(learn, num_it=20)
    assert all(torch.equal(v, before[k]) for k,v in learn.model.state_dict().items())
    half_precision(learn, 'bfloat16')
    with learn.no_bar(), learn.no_logging(): learn.fit_one_cycle(1, 1e-2, wd=0.25)
    assert learn.opt.hypers[0]['wd'] == 0.25 and 0.9 < learn.opt.hypers[0]['mom'] < 0.96
    preds, y = learn.get_preds()
    assert torch.equal(y, torch.from_numpy(valid.values)) and preds.isfinite().all()

def test_the_same_seed_gives_the_same_model(halves):
    res = []
    for _ in range(2):
        torch.manual_seed(5)
        model = C.RatersDot(halves[0], 4)
        C.fit_ratings(model, *halves, epochs=1)
        res.append(C.predict(model, halves[1]))
    assert np.array_equal(*res)

# Ranking

@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 12))
def test_ranking_agrees_with_pytrec_eval(seed, k):
    trec = pytest.importorskip('pytrec_eval')
    rng = np.random.default_rng(seed)
    scores, relevant, candidates = rng.random((4, 25)), rng.random((4, 25)) < 0.25, rng.random((4, 25)) < 0.8
    relevant[:, 0] = True
    m = K.ranking_metrics(K.top_k(scores, candidates, k), relevant, k)
    run  = {f'u{u}': {f'i{i}': float(scores[u, i]) for i in np.flatnonzero(candidates[u])} for u in range(4)}
    qrel = {f'u{u}': {f'i{i}': 1 for i in np.flatnonzero(relevant[u])} for u in range(4)}
    peer = trec.RelevanceEvaluator(qrel, {f'P.{k}', f'recall.{k}', f'map_cut.{k}', f'ndcg_cut.{k}'}).evaluate(run)
    for ours, theirs in dict(precision='P', recall='recall', map='map_cut', ndcg='ndcg_cut').items():
        assert np.allclose(m[ours], [peer[f'u{u}'][f'{theirs}_{k}'] for u in range(4)], atol=1e-6), ours

def test_users_without_relevant_items_do_not_count():
    m = K.ranking_metrics([[0, 1], [0, 1]], np.array([[1, 0], [0, 0]], bool), 2)
    assert all(math.isnan(v[1]) and v[0] > 0 for v in m.values())
    with pytest.raises(ValueError, match='at least one place'): K.ranking_metrics([[0]], np.array([[True]]), 0)

def test_what_was_rated_is_no_candidate(halves):
    train, valid = halves
    _, lists = K.rank_all(lambda users: np.ones((len(users), train.n_items)), train, valid, k=10)
    users = np.unique(valid.users[valid.values >= valid.like_at])
    seen = set(zip(train.users.tolist(), train.items.tolist()))
    assert not any((int(u), int(i)) in seen for u,row in zip(users, lists) for i in row if i >= 0)
    a, _ = K.rank_all(lambda users: np.random.default_rng(0).random((len(users), train.n_items)), train, valid, k=10, block=512)
    assert set(a) == {'precision', 'recall', 'map', 'ndcg'}
    with pytest.raises(ValueError, match='no held-out rating'): K.rank_all(lambda u: None, train, valid, like_at=99)

# Hub and homework

def test_a_recommender_on_disk_holds_no_person(tmp_path, drawn, halves):
    torch.manual_seed(0)
    model = C.RatersDot(halves[0], 4)
    C.fit_ratings(model, *halves, epochs=2)
    folder = C.save_recommender(model, drawn.ratings, tmp_path/'m', 'Test', {'RMSE': 0.9}, 'Drawn.')
    back, items = C.load_recommender(folder)
    assert items['titles'] == drawn.ratings.titles and back.user_factors.weight.shape == (1, 4)
    a, b = (C.score_newcomer(m, *C.fold_in(m, [1, 2, 3], [5., 1., 4.])) for m in (model, back))
    assert np.abs(a - b).max() < 0.3
    card = (folder/'README.md').read_text()
    assert card.startswith('---') and '| RMSE | 0.9000 |' in card
    assert set(C.push_recommender(folder, '', False).index) == {'README.md', 'config.json', 'items.json', 'model.safetensors'}

def test_no_recommender_there(tmp_path):
    with pytest.raises(CourseError, match='no recommender'): C.load_recommender(tmp_path)
    with pytest.raises(CourseError, match='holds no model'): C.push_recommender(tmp_path)
    write(tmp_path, '{}', 'config.json'); write(tmp_path, 'broken', 'model.safetensors'); write(tmp_path, '{', 'items.json')
    with pytest.raises(CourseError, match='no recommender'): C.load_recommender(tmp_path)

def test_the_homework_notebook_is_whole(tmp_path):
    import nbformat
    nb = nbformat.read(C.write_homework(tmp_path/'h.ipynb', "a'b.csv"), 4)
    nbformat.validate(nb)
    assert sum('your part' in c.source.lower() for c in nb.cells) >= 3
    for c in nb.cells:
        if c.cell_type == 'code': compile(c.source, 'cell', 'exec')

def test_wrong_arguments(halves):
    with pytest.raises(CourseError, match="by='taxi'"): C.similarity(np.eye(3), 0, 'taxi')
    with pytest.raises(CourseError, match='one row'): C.BatchLoader(torch.zeros(3), bs=0)
    assert C.similarity(np.array([[0., 0.], [1., 0.]]), 1).tolist() == [0, 1]
