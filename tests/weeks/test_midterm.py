"The helpers of the week 8 lab: what is needed for a mark, and a test of oneself"
import pytest

from course_labs.core.files import CourseError
from course_labs.teaching import questions as B
from course_labs.teaching.kinds import CLOSED as CLOSED_KINDS, LETTERS, kind_of
from course_labs.weeks.midterm import SelfTest, needed

CLOSED = B.bank(kinds=CLOSED_KINDS)

@pytest.mark.parametrize('have,weights,why', [
    (dict(midterm=50), dict(midterm=0.5), 'not to 1'), (dict(quiz=50), None, "there is no part 'quiz'"),
    (dict(midterm=50), dict(midterm=1.), 'no part is left')])
def test_needed_names_what_is_wrong(have, weights, why):
    with pytest.raises(CourseError, match=why): needed(80, have, weights)

def test_self_test_ranks_what_was_wrong():
    t = SelfTest(CLOSED)
    for q in CLOSED: t.answer(q['id'], B.key(q)) if B.concept_of(q) != 'w6.1' else t.scores.update({q['id']: 0.0})
    r = t.results()
    assert r[0]['concept'] == 'w6.1' and all(o['low'] < o['mean'] < o['high'] for o in r)
    with pytest.raises(CourseError, match='no question'): t.answer('w9.q1', 0)

def test_self_test_asks_until_q():
    "Right answers typed with letters or as a number; what cannot be read is asked again"
    some = [next(q for q in CLOSED if q['kind'] == k) for k in CLOSED_KINDS]
    t, said = SelfTest(some, seed=2), []
    for q in some:
        shown = kind_of(q).as_shown(B.key(q), 2)
        rows = [] if q['kind'] == 'numeric' else [shown] if isinstance(shown, int) else shown
        said += ['what?', ' '.join(LETTERS[k] for k in rows) or repr(q['answer'])]
    answers = iter(said)
    assert t.ask(lambda text: next(answers)) is t
    assert set(t.scores.values()) == {1.} and len(t.scores) == len(some)
    again = SelfTest(some)
    again.ask(lambda text: 'q')
    assert again.scores == {}
