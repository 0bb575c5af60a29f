"The time of a call, and threads that come back"
import pytest
import torch

from course_labs.training.timing import seconds_of, threads

def test_threads_are_put_back():
    before = torch.get_num_threads()
    with pytest.raises(ZeroDivisionError):
        with threads(1): 1/0
    assert torch.get_num_threads() == before
    assert seconds_of(lambda: sum(range(1000)), least=.001) > 0
