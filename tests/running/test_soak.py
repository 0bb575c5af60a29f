"The soak test itself: a round whose run was stopped is no round without a fault"
import importlib.util
from pathlib import Path

spec = importlib.util.spec_from_file_location('soak', Path(__file__).parents[1]/'soak.py')
soak = importlib.util.module_from_spec(spec)
spec.loader.exec_module(soak)

def a_round(seed, labs): return dict(seed=seed, seconds=1., labs=labs, run_mb=1., cache_mb=1.)
LAB = dict(week=8, notebook='x.ipynb', ok=True, seconds=1., peak_mb=1., error=None, metrics={}, claims=[])

def test_a_round_without_its_labs_is_a_fault():
    assert list(soak.faults([a_round(42, [LAB]), a_round(43, [])], [8])) == ['seed 43: the run ended without weeks [8]']

def test_a_round_that_was_stopped_is_done_again(tmp_path, monkeypatch, capsys):
    tried = []
    def one_round(i, args):
        tried.append(42 + i)
        return a_round(42 + i, [LAB] if len(tried) > 1 else [])
    monkeypatch.setattr(soak, 'one_round', one_round)
    for ends in (1, 0):
        monkeypatch.setattr('sys.argv', ['soak.py', '--times', '2', '--week', '8', '--out', str(tmp_path)])
        assert soak.main() == ends
    assert tried == [42, 43, 42] and '2 rounds: no fault' in capsys.readouterr().out
