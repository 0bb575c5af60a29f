"Small files of one's own: a lab runs to its last cell or refuses them in one line; all cases are in tests/own_data.py, for the weekly run"
import pytest
from own_data import CASES, run_case

QUICK = [pytest.param(c, id=f'week {c.week}, {c.name}') for c in CASES if c.quick]

@pytest.mark.parametrize('case', QUICK)
def test_a_lab_does_not_end_over_own_data(case, tmp_path):
    fault, _ = run_case(case, tmp_path)
    assert not fault, fault

def test_a_case_that_should_be_refused_and_is_not_is_a_fault(tmp_path, monkeypatch):
    "The judge of the cases knows both ways to be wrong"
    import subprocess
    from types import SimpleNamespace
    def ran(*_, **__): return SimpleNamespace(returncode=0, stderr='')
    monkeypatch.setattr(subprocess, 'run', ran)
    refused = next(c for c in CASES if c.says)
    assert 'went through' in run_case(refused, tmp_path/'a')[0]
    monkeypatch.setattr(subprocess, 'run', lambda *_, **__: SimpleNamespace(returncode=1, stderr='another line'))
    assert 'another line' in run_case(refused, tmp_path/'b')[0]
    assert 'another line' in run_case(next(c for c in CASES if not c.says), tmp_path/'c')[0]
