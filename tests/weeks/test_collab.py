"Week 6: newcomers, models that find what is there to be found, the loader inside a Learner, models on disk"
import math

import numpy as np
import pytest
import torch

from course_labs.weeks import collab as C
from course_labs.data_sets import ratings as R
from course_labs.core.files import CourseError
from course_labs.teaching.recommenders import loops, newcomers

@pytest.fixture(scope='module')
def drawn(): return R.draw_ratings(80, 50, 2000, seed=1)

@pytest.fixture(scope='module')
def halves(drawn): return [drawn.ratings.take(rows) for rows in R.split_random(drawn.ratings, 0.2)]

def write(folder, text, name='ratings.csv'):
    path = folder/name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path

# The model grows

def test_each_model_is_the_one_before_with_one_thing_more():
    kw, x = dict(n_users=9, n_items=7, n_factors=3, y_range=(0.8, 5.2), mean=3.6), torch.tensor([[0, 1], [8, 6], [3, 3]])
    torch.manual_seed(0)
    plain, ranged, biased, library = (kind(**kw) for kind in (C.DotOnly, C.DotRange, C.DotRangeBias, C.DotBias))
    for o in (plain, ranged, biased):
        with torch.no_grad():
            for p in o.parameters(): p.mul_(100)
    ranged.load_state_dict(plain.state_dict())
    dot = (plain.user_factors.weight[x[:, 0]]*plain.item_factors.weight[x[:, 1]]).sum(1)
    assert torch.allclose(plain(x), 3.6 + dot)
    z = math.log((3.6 - 0.8)/(5.2 - 3.6)) + dot
    assert torch.allclose(ranged(x), 0.8 + 4.4*torch.sigmoid(z)) and 0.8 <= ranged(x).min() and ranged(x).max() <= 5.2
    library.load_state_dict(biased.state_dict())
    assert torch.allclose(biased(x), library(x), atol=1e-5)

def test_all_sums_over_raters_are_one_matrix_product(halves):
    train, model = halves[0], C.RatersDot(halves[0], 4)
    who = torch.zeros(train.n_items, train.n_users)
    who[train.items, train.users] = 1
    sums = who@model.user_marks.weight/(who.sum(1, keepdim=True) + 1).sqrt()
    assert torch.allclose(model.item_vectors(), model.item_factors.weight + sums, atol=1e-6)

# Feedback

@pytest.mark.parametrize('seed', range(5))
def test_a_loop_makes_lists_narrower_and_worse_than_learning_beside_it(seed):
    loop, control = (loops.feedback_loop(explore=e, seed=seed).iloc[-1] for e in (0., 1.))
    ideal = loops.ideal_lists(seed=seed)
    assert loop.own_gini > control.own_gini + 0.03 and loop.own_taste < control.own_taste - 0.3 and control.own_taste <= ideal['own_taste']

def test_random_places_are_not_counted_as_variety():
    mixed = loops.feedback_loop(explore=0.5, seed=1).iloc[-1]
    assert mixed.gini < mixed.own_gini - 0.2 and mixed.shown_taste < mixed.own_taste

def test_users_without_enough_ratings_are_left_out(drawn):
    r = drawn.ratings
    model = C.DotBias(r.n_users, r.n_items, 4)
    one = np.flatnonzero(r.users == 3)[:2]
    known, errors = newcomers.newcomer_errors(model, r.take(one), [3, 4])
    assert known == [0] and errors.shape == (1, 1)

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

# Hub

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

def test_wrong_arguments(halves):
    with pytest.raises(CourseError, match="by='taxi'"): C.similarity(np.eye(3), 0, 'taxi')
    assert C.similarity(np.array([[0., 0.], [1., 0.]]), 1).tolist() == [0, 1]
