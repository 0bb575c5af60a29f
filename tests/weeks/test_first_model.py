"Week 2: what importing the lab does not load"
import subprocess, sys

def test_importing_the_lab_does_not_import_gradio_or_transformers():
    code = "import sys, course_labs.weeks.first_model; print([o for o in ('gradio', 'transformers') if o in sys.modules])"
    assert subprocess.run([sys.executable, '-c', code], capture_output=True, text=True).stdout.strip() == '[]'
