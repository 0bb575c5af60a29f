"Measures of ranked lists, against another library"
import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from course_labs.data_sets import ratings as R
import course_labs.training.ranking as K

@pytest.fixture(scope='module')
def halves():
    drawn = R.draw_ratings(80, 50, 2000, seed=1).ratings
    return [drawn.take(rows) for rows in R.split_random(drawn, 0.2)]

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
