"What a lab needs before it trains"
import os
from unittest import mock

import pytest

from course_labs.core.files import CourseError
from course_labs.training import loaders

def test_missing_models_are_listed_with_their_settings():
    with mock.patch.dict(os.environ, COURSE_LABS_OFFLINE='1', HF_HUB_OFFLINE='1'), pytest.raises(CourseError) as e:
        loaders.need_models(64, arch='test_vit', arch_vit='vit_tin', archs=('test_convnext', '/no/folder'))
    said = str(e.value)
    assert '2 of the lab' in said and 'arch_vit: vit_tin' in said and 'archs: /no/folder' in said and '\n' not in said
