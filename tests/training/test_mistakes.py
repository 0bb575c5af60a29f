"Looking at mistakes: labels that were flipped, the largest losses, errors of groups, the linear model"
import numpy as np
import torch
from hypothesis import given, settings, strategies as st

from course_labs.training.mistakes import *

@given(st.integers(2, 5), st.floats(0, 1), st.integers(0, 99))
@settings(deadline=None)
def test_flipped_labels_are_all_wrong_and_the_others_untouched(n_classes, share, seed):
    labels = np.array([f'c{i % n_classes}' for i in range(40)])
    dirty, planted = flip_labels(labels, share, seed)
    assert sorted(planted) == list(np.flatnonzero(dirty != labels)) and len(planted) == round(share*40)

def test_one_class_is_the_answer_of_a_linear_model():
    X = np.random.default_rng(0).normal(size=(6, 3))
    only = fit_linear(X, ['a']*6)
    assert list(only.predict(X)) == ['a']*6 and only.predict_proba(X).shape == (6, 1)
    assert linear_error(X, list('aaaabb'), [0, 1, 2], [3, 4]) == .5
    assert np.isfinite(label_losses(X, list('aaaaab'), np.arange(6))[:5]).all()

def test_wrong_labels_come_first_where_classes_are_clear():
    rng = np.random.default_rng(0)
    labels = np.repeat(['a', 'b'], 30)
    X = rng.normal(size=(60, 5)) + 4*(labels == 'b')[:, None]
    dirty, planted = flip_labels(labels, .1, 1)
    assert set(np.argsort(-label_losses(X, dirty, np.arange(60)))[:len(planted)]) == set(planted)

def test_top_losses_are_the_largest():
    logits, codes = torch.randn(30, 4, generator=torch.Generator().manual_seed(0)), torch.arange(30) % 4
    rows, losses = top_losses(logits, codes, 5)
    by_hand = -logits.log_softmax(1)[torch.arange(30), codes]
    np.testing.assert_allclose(losses, by_hand.sort(descending=True).values[:5], rtol=1e-5)
    np.testing.assert_allclose(by_hand[rows], losses, rtol=1e-5)

def test_error_of_groups():
    t = error_by_group([1, 0, 0, 0, 1, 1], list('aaaabb'))
    assert t.error.to_dict() == {'a': .25, 'b': 1.} and t.n.to_dict() == {'a': 4, 'b': 2}
    assert (t.low <= t.error).all() and (t.error <= t.high).all()

@given(st.integers(1, 500), st.integers(1, 500))
@settings(deadline=None, max_examples=50)
def test_intervals_of_groups_stay_between_0_and_1(n_wrong, n_right):
    "Also where every answer is wrong, or none"
    names = ['mixed']*(n_wrong + n_right) + ['wrong']*n_wrong + ['right']*n_right
    wrong = [1]*n_wrong + [0]*n_right + [1]*n_wrong + [0]*n_right
    t = error_by_group(wrong, names)
    assert t.low.min() >= 0 and t.high.max() <= 1 and (t.low < t.high).all()
    assert (t.low <= t.error + 1e-12).all() and (t.error <= t.high + 1e-12).all()
