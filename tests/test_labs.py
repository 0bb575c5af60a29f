"Every lab, executed at size tiny by the project's own runner, and the results that prove that the networks learnt"
import json, os, subprocess, sys
from pathlib import Path

import pytest

from course_labs.core.paths import lab_notebooks
from course_labs.running.runner import REQUIRED

# (week, result): smallest and largest value that passes.
# The range over the ten seeds of `make soak`, widened by its own width at both ends and rounded outwards; a figure that the course
# promises stands where it is the stricter one. What has no chance in it (rows, questions) has bounds of its own.
BOUNDS = {
    (1, 'circle_accuracy'): (0.98, 1), (1, 'xor_accuracy'): (0.98, 1), (1, 'spiral_accuracy'): (0.98, 1),
    (2, 'error_rate'): (0.16, 0.37), (2, 'error_rate_scratch'): (0.45, 0.58), (2, 'spectrogram_accuracy'): (0.70, 1), (2, 'gadf_accuracy'): (0.90, 1),
    (3, 'lr_valley'): (1e-4, 2e-2), (3, 'accuracy_dense'): (0.95, 0.98), (3, 'accuracy_lenet'): (0.94, 0.98),
    (3, 'accuracy_alexnet'): (0.90, 0.99), (3, 'accuracy_resnet'): (0.97, 1),
    (4, 'error_fine_tune'): (0.18, 0.30), (4, 'error_fit_one_cycle'): (0.29, 0.81), (4, 'error_scratch'): (0.84, 0.95), (4, 'error_vit'): (0.68, 0.80),
    (4, 'error_tta'): (0.14, 0.28), (4, 'error_ensemble'): (0.20, 0.36), (4, 'submission_rows'): (100, 100),
    (5, 'nli_accuracy'): (0.65, 0.75), (5, 'nli_majority'): (0.31, 0.36), (5, 'nli_hypothesis_only'): (0.53, 0.64),
    (5, 'loss_autoregressive'): (3.8, 4.2), (5, 'loss_masked'): (4.8, 5.1), (5, 'loss_permuted'): (3.6, 5.2), (5, 'nsp_accuracy'): (0.56, 0.85),
    (6, 'rmse'): (0.64, 0.71), (6, 'rmse_bias_only'): (0.79, 0.90), (6, 'rmse_nn'): (0.78, 0.90), (6, 'precision_at_10'): (0.13, 0.16),
    (6, 'recall_at_10'): (0.22, 0.30), (6, 'map_at_10'): (0.11, 0.16), (6, 'ndcg_at_10'): (0.21, 0.28),
    (7, 'perceptron_accuracy'): (0.97, 1), (7, 'digits_accuracy'): (0.975, 1), (7, 'fashion_accuracy'): (0.75, 0.85),
    (7, 'housing_rmse_sequential'): (0.43, 0.52), (7, 'housing_rmse_wide_deep'): (0.43, 0.52),
    (8, 'questions'): (160, 400), (8, 'terms'): (84, 400), (8, 'exam_questions'): (10, 60),
}

# (week, smaller, larger, least distance): what one result must be below another, as a figure of the course
ORDER = [
    (3, 'accuracy_lenet', 'accuracy_resnet', 0.005), (3, 'accuracy_dense', 'accuracy_resnet', 0.005),
    (5, 'nli_hypothesis_only', 'nli_accuracy', 0.05), (5, 'nli_majority', 'nli_deberta_accuracy', 0.03),
    (6, 'rmse', 'rmse_bias_only', 0.05),
]

@pytest.fixture(scope='session')
def labs(tmp_path_factory):
    out = tmp_path_factory.mktemp('labs')
    env = {k:v for k,v in os.environ.items() if not k.startswith('COURSE_LABS_')}
    done = subprocess.run([Path(sys.executable).parent/'course-labs', 'run', '--size', 'tiny', '--out', out], capture_output=True, text=True,
                          env=dict(env, COURSE_LABS_OFFLINE='1', COLUMNS='160'))
    print(done.stdout, done.stderr)
    return {o['week']: dict(o, path=out/o['notebook']) for o in json.loads((out/'metrics.json').read_text())['labs']}

@pytest.mark.parametrize('week', sorted(lab_notebooks()))
def test_lab_runs(labs, week): assert labs[week]['ok'], labs[week]['error']

@pytest.mark.parametrize('week', sorted(lab_notebooks()))
def test_lab_shows_no_warning(labs, week):
    cells = json.loads(labs[week]['path'].read_text())['cells']
    assert [''.join(o['text']) for c in cells for o in c.get('outputs', []) if o.get('name') == 'stderr'] == []

@pytest.mark.parametrize('week, name', sorted(BOUNDS))
def test_result(labs, week, name):
    low, high = BOUNDS[week, name]
    assert low <= labs[week]['metrics'][name] <= high

@pytest.mark.parametrize('week, smaller, larger, by', ORDER)
def test_order(labs, week, smaller, larger, by):
    m = labs[week]['metrics']
    assert m[larger] - m[smaller] >= by

def test_fine_tuning_halves_the_error_of_random_weights(labs):
    m = labs[4]['metrics']
    assert m['error_fine_tune'] <= m['error_scratch']/2

def test_every_required_result_is_bounded_or_only_reported():
    known = {(w, n) for w,names in REQUIRED.items() for n in names if w in lab_notebooks()}
    reported = {(w, n) for w,n in known if n.startswith('seconds') or n.endswith('seconds')}
    assert known - set(BOUNDS) - reported == set()

def test_memory(labs):
    assert {w: o['peak_mb'] for w,o in labs.items() if o['peak_mb'] > 2500} == {}
