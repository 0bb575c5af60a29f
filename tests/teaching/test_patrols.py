"The patrols' loop: shares, seeds, remedies, bad input, and the arithmetic of what the records confirm"
import matplotlib.pyplot as plt
import numpy as np
import pytest

from complaints import complaint
from course_labs.teaching.patrols import *

@pytest.mark.parametrize('remedy', REMEDIES)
def test_shares_sum_to_one_and_seeds_repeat(remedy):
    a, b = (patrol_loop([.1, .2, .3], 20, 10, remedy, 5, seed=3) for _ in range(2))
    for k in ('believed', 'sent'):
        np.testing.assert_allclose(a[k].sum(-1), 1)
        np.testing.assert_array_equal(a[k], b[k])
    assert a['believed'].shape == (20, 5, 3)

def test_dividing_by_effort_finds_the_truth_over_seeds():
    rates = np.array([.1, .2, .3])
    for seed in range(5):
        end = {r: distance(patrol_loop(rates, 300, 50, r, 30, seed)['believed'][-1], rates/rates.sum()).mean() for r in REMEDIES}
        assert end['by effort'] < .1 and end['both'] < .1 and end['explore'] < end['none']

def test_everywhere_at_random_is_unbiased():
    rates = np.array([.1, .2, .3])
    assert distance(patrol_loop(rates, 400, 50, 'explore', 20, 0, share=1.)['believed'][-1], rates/rates.sum()).mean() < .03

@pytest.mark.parametrize('how, says', [(dict(rates=[.1]), 'at least two'), (dict(rates=[0, .1]), 'above 0'), (dict(rates=[.1, 1.2]), 'at most 1'),
                                       (dict(rates=[.1, .2], remedy='hope'), 'choose one of'), (dict(rates=[.1, .2], share=2), 'between 0 and 1')])
def test_loops_that_cannot_be(how, says): assert says in complaint(patrol_loop, **how)

def test_the_records_confirm_the_model_over_seeds():
    rates = np.linspace(.2, .26, 6)
    for seed in range(5):
        _, seen, real = agreement(patrol_loop(rates, 200, 50, 'none', 30, seed), rates)
        assert seen[-1] > seen[0] and seen[-1] > 1.5*real[-1]

def test_agreement_is_the_mean_over_cities_of_the_first_district():
    rates = [.1, .3]
    loop = dict(believed=np.array([[[.6, .4], [.2, .8]]]), sent=np.array([[[.7, .3], [.1, .9]]]))
    _, seen, real = agreement(loop, rates)
    np.testing.assert_allclose(seen, [(.07/(.07 + .09) + .27/(.01 + .27))/2])
    np.testing.assert_allclose(real, [(.25 + .75)/2])

@pytest.mark.parametrize('remedy', REMEDIES)
def test_titles_speak_of_the_remedy_that_is_drawn(remedy):
    rates = [.1, .2, .3]
    one, city = plot_patrols({remedy: patrol_loop(rates, 20, 10, remedy, 5)}, rates)
    assert 'on day 1' in one.get_title() + one.get_title('left')
    assert remedy in (city.get_title() + city.get_title('left')).lower().replace('no remedy', 'none')
    plt.close('all')
