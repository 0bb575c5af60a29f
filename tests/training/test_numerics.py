"Number formats that hold, and weights that are no numbers"
import math

import pytest
import torch
from transformers import DebertaV2Config

from course_labs.core.files import CourseError
from course_labs.training.numerics import check_finite, safe_precision

def test_weights_that_are_no_numbers():
    model = torch.nn.ModuleDict(dict(body=torch.nn.Linear(2, 2), classifier=torch.nn.Linear(2, 2)))
    check_finite(model)
    model.classifier.weight.data[0, 0] = math.nan
    with pytest.raises(CourseError, match='classifier.weight'): check_finite(model)

def test_half_precision_is_kept_from_multilingual_deberta():
    model = type('M', (), dict(config=DebertaV2Config(vocab_size=251_000)))
    assert [safe_precision(model, o, 'cuda') for o in ('float16', 'bfloat16', 'float32')] == ['float32', 'bfloat16', 'float32']
    assert safe_precision(model, 'bfloat16', 'cpu') == 'float32'
