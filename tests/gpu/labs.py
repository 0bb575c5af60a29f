"The labs in the check of a GPU: every one at size tiny, and five at size full with small settings and the tiny data"
# The library is imported where it is used: a package that it lacks shall cost a part and not the check
from dataclasses import asdict
from pathlib import Path

# Longest first, so that none begins last
TINY = 5, 4, 3, 7, 6, 2, 1, 8
# The pack does not bring MiniLM
OWN_TINY = {5: dict(encoder='project:deberta')}
LITE = 'tf_efficientnet_lite0'
FULL = {
    4: dict(arch=LITE, arch_convnext='project:convnext', arch_vit='project:vit',
            archs=f'{LITE},project:convnext,project:vit', image_size=64, bs=16, valid_share=.5, seeds=2, epochs=2,
            small_epochs=2, precision_images=64, precision_epochs=1),
    2: dict(arch=LITE, far_arch='project:convnext', image_size=128, seeds=2, train_images=60, epochs=1,
            far_sizes='20,100,400', far_test=400, far_steps=60, small_test=400, small_epochs=15, clips=240,
            clip_seconds=.5, series=240, series_length=40, sound_epochs=8, series_epochs=8, days=300, runs=40,
            serve=False),
    3: dict(seeds=2, max_images=1800, valid_pct=.5, bs=64, epochs=4, archs_epochs=3, share_epochs=3,
            batch_images=600, batch_epochs='20,5,1', noise_draws=40, sweep_epochs=1, norm_epochs=8,
            depth_images=600, depth_epochs=2, depths='8,20', homework_epochs=2),
    7: dict(seeds=2, epochs_sequential=5, digits_epochs=3, fashion_epochs=3, pairs=4000, pairs_epochs=3,
            housing_epochs=4, housing_bs=1024, callback_epochs=15, sweep_steps=60, log_epochs=3, budget=4,
            trial_rows=4000, trial_epochs=3),
    6: dict(seeds=2, loop_users=200, loop_items=120, loop_rounds=10, loop_seeds=3, scratch_steps=300)}

def settings(week:int, size:str) -> dict: # Name: value
    "What the check sets in a lab"
    return (OWN_TINY if size == 'tiny' else FULL).get(week, {})

def environment(week:int, size:str) -> dict: # For the lab's kernel
    "The settings of the check, and at size full the tiny data as one's own"
    from course_labs import syllabus
    from course_labs.data_sets.registry import REGISTRY, get
    from course_labs.running.flags import variables
    sets = [f'{k}={v}' for k,v in settings(week, size).items()]
    data = [f"{o}={get(o, 'tiny')}" for o in syllabus.week(week).preflight.data] if size == 'full' else []
    return variables(sets, data, formats={k: o.format for k,o in REGISTRY.items()})

def one_lab(week:int,
            size:str,
            out,          # Folder of the run
            seconds:float # That it may take
           ) -> dict:     # `says`, `ok`, and the lab as its run has it
    "Run one lab as `course-labs run` does, in its own folder of the run"
    from course_labs.core.paths import lab_notebooks
    from course_labs.running.runner import run_lab
    o = run_lab(lab_notebooks()[week], out, size, environment(week, size), timeout=seconds)
    outside = list(out_of_bounds(o)) if size == 'tiny' and not settings(week, size) else []
    held = f"{sum(c['holds'] for c in o.claims)} of {len(o.claims)} claims held"
    instead = [f'{k}={v}, which the pack has' for k,v in settings(week, size).items()] if size == 'tiny' else []
    says = '; '.join([held, *instead, *outside, *o.notes])
    return dict(says=says, ok=o.ok, error=o.error, lab=asdict(o))

def out_of_bounds(lab): # `LabRun`
    "A line for each result that lies outside of what the seeds on a CPU gave"
    from course_labs import syllabus
    for name, r in syllabus.week(lab.week).results.items():
        if not r.bounded or name not in lab.metrics or r.low <= lab.metrics[name] <= r.high: continue
        yield f'{name} is {lab.metrics[name]:.4g}, on CPUs it was {r.low:g} to {r.high:g}'

def collect(out, size:str, labs, seconds:float) -> Path: # Of its metrics.json
    "What single labs left, as one run that `course-labs docs --from` reads"
    from course_labs.running.record import LabRun, Run, write_run
    return write_run(out, Run(size, seconds, [LabRun(**o) for o in labs]))
