"Verdicts over seeds, over examples and on one test set: how often they err, what they refuse, and that all places say the same"
import functools, itertools, math, random, re

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from hypothesis import given, settings as hyp, strategies as st
from scipy import stats

from course_labs.core.files import CourseError
from course_labs.training.comparison import Comparison, Run, compare, planned_pairs
from course_labs.training.verdicts import (by_example, by_seed, decide, judge, judge_models, mean_interval, paired_interval,
                                           share_interval)

N = 10_000
ALLOWED = 0.05 + 3*math.sqrt(0.05*0.95/N) # Three standard errors of a share of 5 % in N tries

# ---- How often a verdict is false, in 10,000 comparisons ----

def normal(rng, n_seeds, mean=0.):
    "Two recipes of which the first is worse by `mean`; a seed gives a part of its luck to both"
    luck = rng.normal(size=(N, n_seeds))
    return [m + luck + rng.normal(size=(N, n_seeds)) for m in (mean, 0.)]

def skewed(rng, n_seeds, mean=0.):
    "The same with luck that is never good and sometimes very bad"
    luck = rng.exponential(size=(N, n_seeds))
    return [m + luck + rng.exponential(size=(N, n_seeds)) for m in (mean, 0.)]

@pytest.mark.parametrize('n_seeds', [3, 5, 10])
@pytest.mark.parametrize('draw', [normal, skewed])
def test_false_verdicts_over_seeds(draw, n_seeds):
    rng = np.random.default_rng(n_seeds)
    for tolerance in (None, 0.5, 3.):
        kinds = decide(*by_seed(*draw(rng, n_seeds)), tolerance=tolerance)
        assert np.mean(kinds == 'better') <= ALLOWED
    for tolerance in (0.3, 1., 3.):
        kinds = decide(*by_seed(*draw(rng, n_seeds, tolerance)), tolerance=tolerance)
        assert np.mean(kinds == 'same') <= ALLOWED
    # and it does say both where they are true
    assert np.mean(decide(*by_seed(*draw(rng, n_seeds, 12.)), tolerance=1.) == 'better') > .8
    assert np.mean(decide(*by_seed(*draw(rng, n_seeds)), tolerance=12.) == 'same') > .8

def answers(rng, n_seeds, n, accuracies, seed_luck, own, block=500):
    "Blocks of right answers of two recipes: examples are easy or hard, for both or for one; seeds are good or bad"
    spread = math.sqrt(1 + own**2 + seed_luck**2 + .6**2)
    def normal(*shape): return rng.standard_normal(shape, dtype=np.float32)
    for _ in range(N//block):
        easy = normal(block, 1, n)
        yield [easy + stats.norm.ppf(p)*spread + own*normal(block, 1, n) + seed_luck*normal(block, n_seeds, 1)
               + .6*normal(block, n_seeds, n) > 0 for p in accuracies]

def share_of(kind, blocks, how=by_example, **kwargs):
    return np.mean([np.mean(decide(*how(a, b), **kwargs) == kind) for a,b in blocks])

@pytest.mark.parametrize('n_seeds,seed_luck,own', [(3, 0., .5), (3, .15, .5), (3, .4, .1), (3, .4, .5), (5, .15, .5), (10, .15, .5)])
def test_false_verdicts_over_seeds_and_examples(n_seeds, seed_luck, own):
    "Recipes that are equal, or differ by the tolerance, over all seeds and examples there could be"
    rng, n, tolerance = np.random.default_rng(n_seeds), 100, .1
    assert share_of('better', answers(rng, n_seeds, n, (.7, .7), seed_luck, own)) <= ALLOWED
    far = answers(rng, n_seeds, n, (.9, .9 - tolerance), seed_luck, own)
    assert share_of('same', far, tolerance=tolerance) <= ALLOWED

def test_seeds_alone_are_too_sure():
    "Why there is `by_example`: on shared examples the interval over seeds is of too narrow a question"
    rng = np.random.default_rng(0)
    means = lambda a, b: by_seed(a.mean(-1), b.mean(-1))
    blocks = list(itertools.islice(answers(rng, 5, 150, (.7, .7), 0., .5), 4))
    assert share_of('better', blocks, means) > .1 > .05 > share_of('better', blocks)
    blocks = list(itertools.islice(answers(rng, 3, 150, (.7, .85), .1, .5), 4))
    assert share_of('better', blocks) > share_of('better', blocks, means)

@pytest.mark.parametrize('n,only_a,only_b', [(30, .2, .2), (60, .05, .05), (200, .1, .1), (200, .02, .02)])
def test_false_verdicts_on_one_test_set(n, only_a, only_b):
    rng, tolerance = np.random.default_rng(n), .05
    @functools.cache
    def kind(b, c):
        right = np.zeros((2, n), dtype=bool)
        right[0, :b], right[1, b:b+c] = True, True
        return judge_models('a', 'b', *right, tolerance=tolerance).kind
    def share(kind_, *ps):
        drawn = rng.multinomial(n, [*ps, 1 - sum(ps)], size=N)
        return np.mean([kind(int(b), int(c)) == kind_ for b,c,_ in drawn])
    assert share('better', only_a, only_b) <= ALLOWED
    assert share('same', only_a + tolerance, only_b) <= ALLOWED

def test_family_of_verdicts():
    "Three equal variants: any false alarm in at most about 5 % of the comparisons"
    rng, alarms = np.random.default_rng(0), []
    for _ in range(400):
        c = Comparison([Run(v, s, 0., dict(error=rng.normal())) for s in range(4) for v in 'abc'])
        alarms.append(any(v.kind == 'better' for v in c.verdicts()))
    assert np.mean(alarms) < 0.05 + 3*math.sqrt(.05*.95/400)

def test_power():
    "A difference of three standard deviations is found with five seeds nearly always"
    rng = np.random.default_rng(0)
    found = [judge('a', 'b', rng.normal(0, 1, 5), rng.normal(4, 1, 5)).better == 'a' for _ in range(200)]
    assert np.mean(found) > .8

# ---- Formulas, for many shapes ----

results = st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)), max_size=8)
tolerances = st.one_of(st.none(), st.floats(1e-3, 1e3))

@hyp(deadline=None, max_examples=100)
@given(results, st.booleans(), tolerances)
def test_verdict_is_symmetric(results, lower, tolerance):
    xs, ys = [[r[i] for r in results] for i in (0, 1)]
    ab, ba = judge('a', 'b', xs, ys, lower, tolerance=tolerance), judge('b', 'a', ys, xs, lower, tolerance=tolerance)
    assert ab.kind == ba.kind and ab.better == ba.better
    assert (ab.kind == 'better') == (ab.better is not None)
    assert {'better': True, 'same': False}.get(ab.kind) == ab.different
    words = {'better': 'is better than', 'same': f'are the same within {tolerance or 0:g}', 'cannot tell': 'cannot tell'}[ab.kind]
    assert words in ab.text and words in repr(ab) and ab.title.split(' with')[0].split(' is')[0] in ab.text
    assert tolerance is not None or ab.kind != 'same'

@hyp(deadline=None, max_examples=100)
@given(results.filter(len), tolerances)
def test_one_comparison_or_many_are_decided_alike(results, tolerance):
    "`decide` over an array, as in the simulations, is `judge` for each"
    xs, ys = np.array(results).T
    many = decide(*by_seed(np.tile(xs, (3, 1)), np.tile(ys, (3, 1))), tolerance=tolerance)
    assert set(many) == {judge('a', 'b', xs, ys, tolerance=tolerance).kind}

@hyp(deadline=None, max_examples=50)
@given(st.integers(2, 6), st.integers(1, 30), st.integers(0, 2**32 - 1))
def test_differences_over_examples(n_seeds, n, seed):
    "Against the analysis of variance written out with loops; symmetric; and never surer than the seeds' part"
    a, b = np.random.default_rng(seed).random((2, n_seeds, n)) < .7
    diff, se, df = by_example(a, b)
    back = by_example(b, a)
    assert np.allclose((diff, se, df), (-back[0], *back[1:])) and se > 0 and df >= n_seeds - 1
    d = np.c_[a.astype(float) - b, np.ones(n_seeds), -np.ones(n_seeds)]
    m, rows, cols, N = d.mean(), d.mean(1), d.mean(0), d.shape[1]
    rest = sum((d[s, i] - rows[s] - cols[i] + m)**2 for s in range(n_seeds) for i in range(N))/((n_seeds - 1)*(N - 1))
    by_seeds, by_examples = N*rows.var(ddof=1), n_seeds*cols.var(ddof=1)
    var = max(by_seeds, rest) + max(by_examples - rest, 0)
    assert np.isclose(se**2, var/(n_seeds*N)) and np.isclose(diff, a.mean() - b.mean())

@hyp(deadline=None, max_examples=200)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.floats(.51, .999))
def test_intervals_of_shares_stay_inside(xs, confidence):
    mean, low, high = mean_interval(xs, confidence, share=True)
    assert math.isnan(low) or 0 <= low <= mean + 1e-12 and mean - 1e-12 <= high <= 1
    plain = mean_interval(xs, confidence)
    assert math.isnan(low) or (low, high) == (max(plain[1], 0), min(plain[2], 1))

@hyp(deadline=None, max_examples=200)
@given(st.integers(1, 500), st.data(), st.floats(.51, .999))
def test_wilson_is_that_of_scipy(n, data, confidence):
    k = data.draw(st.integers(0, n))
    ref = stats.binomtest(k, n).proportion_ci(confidence, method='wilson')
    assert np.allclose(share_interval(k, n, confidence), (k/n, ref.low, ref.high), atol=1e-9)

@hyp(deadline=None, max_examples=200)
@given(st.integers(1, 300), st.data(), st.sampled_from([.9, .95, .99]))
def test_interval_of_paired_shares(n, data, confidence):
    "Inside -1 and 1, symmetric, wider when surer; and McNemar's exact test finds nothing in an interval around zero"
    b = data.draw(st.integers(0, n))
    c = data.draw(st.integers(0, n - b))
    diff, low, high = paired_interval(b, c, n, confidence)
    assert -1 <= low <= diff <= high <= 1 and low < high
    assert np.allclose(paired_interval(c, b, n, confidence), (-diff, -high, -low), atol=1e-9)
    wider = paired_interval(b, c, n, 1 - (1 - confidence)/2)
    assert wider[1] <= low + 1e-9 and high <= wider[2] + 1e-9
    if low < 0 < high and b + c: assert stats.binomtest(b, b + c).pvalue > 1 - confidence

# ---- Running ----

def test_pairs_only_shared_seeds():
    def sometimes(seed):
        if seed == 1: raise ValueError('unlucky')
        return seed + .1
    c = compare(dict(a=float, b=sometimes), seeds=4, progress=False)
    assert list(c.results('b')) == [0, 2, 3] and c.verdict('a', 'b').n == 3
    assert list(c.table().n) == [4, 3] and 'seed 1: ValueError: unlucky' in repr(c)
    assert 'unlucky' in c._repr_html_()
    assert list(c.results('a').values()) == [0, 1, 2, 3]

@pytest.mark.parametrize('res,why', [
    (math.nan, 'nan'), (None, 'expected numbers'), ('x', 'expected numbers'), ({}, "no 'error'"), (dict(loss=1), "no 'error'"),
    (dict(error=.5, right=[1, 2]), "no list of True and False"), (dict(error=.5, right=[]), "no list of True and False"),
    (dict(error=.5, right=None, loss='x'), 'expected numbers'), (dict(error=.5, right=[1, 1, 0]), "by 'right' it is 0.3333")])
def test_odd_results_are_failures(res, why):
    c = compare(dict(good=float, odd=lambda s: res), seeds=2, progress=False)
    assert why in c.errors()['odd'] and list(c.table().n) == [2, 0]
    c.plot()
    assert c.finding() == 'no pair to compare; good ran (odd failed)'
    assert c.verdict('good', 'odd').text == 'cannot tell good from odd with 0 seeds: no seed that both finished'

def test_a_failed_arm_takes_no_share_of_the_doubt():
    runs = [Run(v, s, 0., dict(error=e + s/100)) for s in range(3) for v,e in dict(a=.1, b=.2).items()]
    runs += [Run('c', s, 0., {}, 'no memory') for s in range(3)]
    assert Comparison(runs).verdict('a', 'b').confidence == pytest.approx(.95)
    assert [v.n for v in Comparison(runs).verdicts()] == [3] and 'c failed: seed 0: no memory' in repr(Comparison(runs))

def test_stopped_by_hand():
    def stop(seed): raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt): compare(dict(a=stop), 1, progress=False)

def test_seeded_alike():
    draw = lambda seed: random.random() + np.random.rand() + torch.rand(1).item()
    a, b = [compare(dict(x=draw, y=draw), [5, 6], progress=False) for _ in range(2)]
    assert a.results('x') == a.results('y') == b.results('x') and len(set(a.results('x').values())) == 2

# ---- One verdict, wherever it is shown ----

def arms(means, n_seeds=6, spread=.01, n=None):
    rng = np.random.default_rng(0)
    def run(v, s, mean):
        if n is None: return Run(v, s, 0., dict(error=mean + spread*rng.normal()))
        right = np.sort(rng.random(n)) > mean
        return Run(v, s, 0., dict(error=1 - right.mean()), right=right.astype(float))
    return [run(v, s, mean) for s in range(n_seeds) for v,mean in means.items()]

@pytest.mark.parametrize('means,how,finding', [
    (dict(a=.1, b=.3), {}, 'a is better'),
    (dict(a=.1, b=.1), dict(tolerance=.05), 'the same within 0.05'),
    (dict(a=.1, b=.1), {}, 'cannot tell with 6 seeds'),
    (dict(a=.1, b=.3, c=.5), {}, 'a is best'),
    (dict(a=.1, b=.1, c=.5), dict(tolerance=.05), '{0} and {1} are the same within 0.05'),
    (dict(a=.1, b=.1, c=.5), {}, 'cannot tell {0} from {1} with 6 seeds'),
    (dict(a=.3, b=.1, c=.5, d=.3), dict(pairs='a', tolerance=.05), 'better than a: b; worse than a: c; the same as a within 0.05: d'),
    (dict(a=.3, b=.1, c=.3), dict(pairs='a'), 'better than a: b; cannot tell c from a with 6 seeds'),
    (dict(a=.3, b=.1, c=.1, d=.3), dict(pairs=['ab', 'cd']), 'a or b: b is better; c or d: c is better'),
    (dict(a=.3), {}, 'no pair to compare; a ran')])
def test_finding(means, how, finding):
    c = Comparison(arms(means), **how)
    ax = c.plot()
    assert c.finding() == finding.format(*c.ranked) == ax.get_title().replace('\n', ' ')
    plt.close(ax.figure)
    assert (f'{c.finding()}.' in c.lines()) == (len(c.verdicts()) != 1)
    for v in c.verdicts():
        assert c.verdict(v.a, v.b) == v and v.text in repr(c) and v.confidence == pytest.approx(1 - .05/len(c.verdicts()))
        assert c.verdict(v.b, v.a).kind == v.kind

def test_the_examples_are_used():
    c = Comparison(arms(dict(a=.1, b=.3), 3, n=100))
    v = c.verdict('a', 'b')
    assert v.better == 'a' and '3 seeds x 100 examples' in v.text and v.title == 'a is better'
    one = Comparison(arms(dict(a=.1, b=.3), 1, n=100)).verdict('a', 'b')
    assert one.kind == 'cannot tell' and 'one seed has no spread' in one.text

def test_one_arm_without_examples():
    "Only one of the two says which examples it got right: the seeds alone decide"
    c = Comparison(arms(dict(a=.1), 3, n=100) + arms(dict(b=.3), 3))
    assert c.verdict('a', 'b').text.endswith('3 seeds')

def test_other_examples_for_other_seeds():
    runs = arms(dict(a=.1, b=.3), 2, n=100) + [Run(v, 7, 0., dict(error=.5), right=np.array([0., 1.])) for v in 'ab']
    with pytest.raises(CourseError, match='a and b were scored on 2 and 100 examples: return .right. only where'):
        Comparison(runs).verdict('a', 'b')

# ---- Bad input, one line each ----

@pytest.mark.parametrize('call,why', [
    (lambda: judge('a', 'b', [1, 2], [1]), '2 results of a and 1 of b'),
    (lambda: judge('a', 'b', np.ones((2, 5)), np.ones((2, 4))), '2 x 5 results of a and 2 x 4 of b'),
    (lambda: judge('a', 'b', [.1, .2], [.1, .2], tolerance=0), 'a tolerance of 0: give the largest difference'),
    (lambda: judge('a', 'b', [.1, .2], [.1, .2], tolerance=-.1), 'a tolerance of -0.1'),
    (lambda: judge('a', 'b', [.1, .2], [.1, .2], tolerance=math.nan), 'a tolerance of nan'),
    (lambda: judge('a', 'b', [.1, .2], [.1, .2], confidence=95), 'a confidence of 95'),
    (lambda: judge('a', 'b', [.1, 1.2], [.1, .2], share=True), 'results of a from 0.1 to 1.2: shares lie between'),
    (lambda: judge('a', 'b', np.full((2, 3), .1), np.full((2, 3), -.1)), 'results of b from -0.1 to -0.1'),
    (lambda: judge_models('a', 'b', [1, 0, 1], [1, 0]), '3 answers of a and 2 of b'),
    (lambda: judge_models('a', 'b', [], []), 'no answers of a and b'),
    (lambda: judge_models('a', 'b', [1, 3], [1, 0]), 'answers of a from 1 to 3'),
    (lambda: judge_models('a', 'b', [1, 0], [1, 0], tolerance=0), 'a tolerance of 0'),
    (lambda: mean_interval([.1, -.1], share=True), 'results from -0.1 to 0.1'),
    (lambda: mean_interval([]), 'no results'),
    (lambda: share_interval(3, 2), '3 of 2'),
    (lambda: compare(dict(a=float, b=float), 2, tolerance=0, progress=False), 'a tolerance of 0'),
    (lambda: compare(dict(a=float, b=float), 2, pairs='c', progress=False), "no variant 'c'; there are: a, b"),
    (lambda: compare(dict(a=lambda s: 3, b=float), 2, share=True, progress=False), 'error from 0 to 3: a share lies between 0 and 1'),
    (lambda: planned_pairs(['a', 'b'], [('a', 'a')]), 'two different variants')])
def test_bad_input(call, why):
    with pytest.raises(CourseError) as e: call()
    assert why in str(e.value) and '\n' not in str(e.value)

@pytest.mark.parametrize('xs,ys,why', [
    ([], [], 'with 0 seeds: no seed that both finished'),
    ([.1], [.2], 'with 1 seed: one seed has no spread to compare the difference of -0.1 with'),
    ([.1, .2, .3], [.1, .2, .3], 'with 3 seeds: equal in each seed, and so few without a spread are no evidence'),
    ([.1, .2], [.2, .3], 'with 2 seeds: the difference is -0.1 in each seed, and so few')])
def test_thin_evidence(xs, ys, why):
    v = judge('a', 'b', xs, ys, tolerance=.5)
    assert v.kind == 'cannot tell' and why in v.text and v.title == f'cannot tell with {len(xs)} seed{"s"[:len(xs) != 1]}'

@pytest.mark.parametrize('lower_is_better', [True, False])
@pytest.mark.parametrize('xs,ys', [([.1, .12, .09, .11], [.3, .31, .29, .33]), ([.3, .31, .29, .33], [.1, .12, .09, .11])])
def test_words_and_interval_count_in_one_direction(xs, ys, lower_is_better):
    v = judge('a', 'b', xs, ys, lower_is_better=lower_is_better)
    by, low, high = (float(o) for o in re.search(r': ([\d.]+) \w+ on average, 95 % interval ([-\d.]+) to ([-\d.]+)', v.text).groups())
    assert v.kind == 'better' and 0 < low < by < high and f"{by:.3g} {'lower' if lower_is_better else 'higher'} on" in v.text

def test_what_cannot_be_told_names_whose_difference_it_is():
    text = judge('a', 'b', [.3, .1, .2], [.2, .25, .2]).text
    assert 'a is 0.0167 lower on average' in text, text
    assert 'b is 0.0167 higher on average' in judge('b', 'a', [.2, .25, .2], [.3, .1, .2]).text

def test_equal_results_of_many_seeds():
    xs = np.arange(6)/10
    assert 'name a tolerance to call them the same' in judge('a', 'b', xs, xs).text
    assert judge('a', 'b', xs, xs, tolerance=.01).title == 'the same within 0.01'
    assert judge('a', 'b', xs, xs + .1, tolerance=.01).better == 'a'
