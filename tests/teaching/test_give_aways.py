"The bank keeps its answers to itself: neither length nor words nor place of an option say whether it is right"
import math, re
from collections import Counter

import numpy as np
import pytest
from scipy.stats import chisquare, fisher_exact

from course_labs.teaching.kinds import kind_of
from course_labs.teaching.mathtext import to_text
from course_labs.teaching.questions import bank
from course_labs.teaching.quiz import page_question

SINGLE, MULTI = bank(kinds=['single']), bank(kinds=['multi'])
BINS = 4

def sizes(q): return [len(to_text(o['text'])) for o in q['options']]

def by_length(q, bins=BINS):
    "Where the right option stands among its options, from longest (first bin) to shortest, as shares of `bins` bins that add up to 1"
    n = len(q['options'])
    mine = sizes(q)[kind_of(q).key()]
    first = sum(s > mine for s in sizes(q))                 # so many are longer
    low, high = first/n, (first + sizes(q).count(mine))/n   # equally long options share their places
    ends = np.arange(bins + 1)/bins
    return np.clip(np.minimum(high, ends[1:]) - np.maximum(low, ends[:-1]), 0, None)/(high - low)

def asked(*options, right=0):
    return dict(id='w1.q99', kind='single', options=[dict(text=o, right=i == right) for i,o in enumerate(options)])

def test_the_measure():
    "A place is counted alike for three, four and five options, and options that are equally long share it"
    assert by_length(asked('aaaa', 'bbb', 'cc', 'd')).tolist() == [1, 0, 0, 0]
    assert by_length(asked('aaaa', 'bbb', 'cc', 'd', right=2)).tolist() == [0, 0, 1, 0]
    assert by_length(asked('aa', 'bb', 'cc', 'dd')).tolist() == [0.25]*4
    assert by_length(asked('aa', 'bb', 'c', 'd', right=1)).tolist() == [0.5, 0.5, 0, 0]
    for n in (3, 5):
        options = ['a'*k for k in range(1, n + 1)]
        total = sum(by_length(asked(*options, right=k)) for k in range(n))
        assert total == pytest.approx([n/BINS]*BINS)

def test_length_does_not_tell_the_right_one():
    "Whoever takes the longest, the second longest or the shortest option of each question does no better than by guessing"
    counts = sum(map(by_length, SINGLE))
    p = chisquare(counts).pvalue
    assert p > 0.2, f'the right option from longest to shortest: {counts.round(1)} of {len(SINGLE)}, p = {p:.3f}'

@pytest.mark.parametrize('q', SINGLE, ids=lambda q: q['id'])
def test_the_right_option_is_as_long_as_the_others(q):
    right = kind_of(q).key()
    others = [s for k,s in enumerate(sizes(q)) if k != right]
    off = sizes(q)[right] - np.mean(others)
    assert abs(off) <= max(8, 0.25*np.mean(others)), f'{sizes(q)[right]} characters beside {others}'

def test_right_and_wrong_options_of_multi_are_alike():
    "As long as each other over the bank, and within each question"
    right, wrong = ([s for q in MULTI for s,o in zip(sizes(q), q['options']) if o['right'] == r] for r in (True, False))
    assert abs(np.mean(right)/np.mean(wrong) - 1) < 0.1, f'right {np.mean(right):.1f}, wrong {np.mean(wrong):.1f} characters'
    def of(q, r): return np.mean([s for s,o in zip(sizes(q), q['options']) if o['right'] == r])
    ratios = [of(q, True)/of(q, False) for q in MULTI]
    assert abs(np.mean(np.log(ratios))) < math.log(1.1), f'right over wrong, question by question: {np.round(ratios, 2)}'

def test_the_number_of_right_ones_varies():
    counts = Counter(len(kind_of(q).key()) for q in MULTI)
    assert {1, 2, 3, 4} <= set(counts) and max(counts.values()) <= len(MULTI)/2, counts
    assert all(not all(o['right'] for o in q['options']) for q in MULTI)

def test_absolute_words_stand_on_both_sides():
    "'Always', 'only' and the like are known as marks of a wrong option"
    absolute = re.compile(r'\b(always|never|only|all|every|none|nothing|cannot|whatever|wherever|alone|no)\b', re.I)
    told = {r: [bool(absolute.search(o['text'])) for q in SINGLE + MULTI for o in q['options'] if o['right'] == r] for r in (True, False)}
    p = fisher_exact([[sum(o), len(o) - sum(o)] for o in told.values()]).pvalue
    assert p > 0.2, f'right {np.mean(told[True]):.2f}, wrong {np.mean(told[False]):.2f}, p = {p:.3f}'

def test_the_right_option_does_not_echo_its_question():
    "How often it alone shares the most words with the question: less than a guess is right"
    def stems(text): return {o[:5] for o in re.findall('[a-z]{4,}', to_text(text).lower())} - {'this', 'that', 'what', 'which', 'with', 'from'}
    def shared(q): return [len(stems(o['text']) & stems(q['text'])) for o in q['options']]
    echo = [q['id'] for q in SINGLE if (n := shared(q))[k := kind_of(q).key()] > max(n[:k] + n[k+1:])]
    assert len(echo) < len(SINGLE)/4, echo

def test_every_place_on_the_page_is_as_likely():
    "Options are shown in an order of the seed, so that the place in the file says nothing"
    seeds, four = range(40), [q for q in SINGLE if len(q['options']) == 4]
    places = Counter([o['right'] for o in page_question(q, s)['options']].index(True) for q in four for s in seeds)
    want = len(four)*len(seeds)/4
    assert all(abs(places[k] - want) < 5*math.sqrt(want) for k in range(4)), places
