"Batches: every row once, whatever the lengths and sizes"
import pytest
import torch
from hypothesis import given, settings, strategies as st

from course_labs.core.files import CourseError
from course_labs.training.batches import BatchLoader, GroupedBatches

@given(st.lists(st.integers(1, 40), min_size=1, max_size=200), st.integers(1, 9), st.booleans())
@settings(deadline=None)
def test_grouped_batches_take_every_row_once(lengths, bs, shuffle):
    batches = list(GroupedBatches(lengths, bs, shuffle))
    assert sorted(i for b in batches for i in b) == list(range(len(lengths))) and len(batches) == len(GroupedBatches(lengths, bs))
    assert all(len(b) <= bs for b in batches)

@given(st.integers(1, 60), st.integers(1, 20), st.booleans(), st.booleans())
@settings(deadline=None)
def test_cut_batches_keep_input_and_target_together(n, bs, shuffle, drop_last):
    X, y = torch.arange(2*n).view(n, 2), torch.arange(n)
    batches = list(BatchLoader(X, y, bs=bs, shuffle=shuffle, drop_last=drop_last))
    assert all((xb[:, 0] == 2*yb).all() and len(yb) <= bs for xb, yb in batches)
    seen = sorted(i for _,yb in batches for i in yb.tolist())
    assert len(seen) == len(set(seen)) == (n//bs*bs if drop_last else n)
    assert len(batches) == len(BatchLoader(X, y, bs=bs, drop_last=drop_last))

def test_an_empty_batch_is_refused():
    with pytest.raises(CourseError, match='one row'): BatchLoader(torch.zeros(3), bs=0)
