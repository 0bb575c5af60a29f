"A program in the place of Quarto: it takes the same arguments, writes where Quarto writes, and adds to the pages what Quarto adds"
import os, sys

import pytest

pytest.importorskip('latex2mathml')
from course_labs.core.files import CourseError
from course_labs.publishing.site_check import site_faults
from course_labs.publishing.site_finish import finish_pages
from course_labs.publishing.site_render import render

QUARTO = r'''#!{python}
import pathlib, sys
args, project = sys.argv[1:], pathlib.Path.cwd()
assert args[:1] == ['render'] and '--no-execute' in args and args[args.index('--to') + 1] == 'html', args
assert (project/'_quarto.yml').is_file(), 'not in a project'
if (project/'broken.qmd').exists(): print('ERROR: broken.qmd: YAMLError', file=sys.stderr); sys.exit(1)
# An output folder is one of the project's, whatever it begins with
out = project/args[args.index('--output-dir') + 1].lstrip('/')
(out/'site_libs').mkdir(parents=True)
(out/'site_libs'/'bootstrap.min.css').write_text('/*! flatly */@import"https://fonts.example.org/css2?family=Lato:wght@0,400;0,700&display=swap";:root{{--bs-blue: #2c3e50}}')
(out/'site_libs'/'dark.css').write_text("@import url('https://fonts.example.org/css2?family=Lato:wght@0,400;0,700');body{{color:red}}")
(out/'search.json').write_text('[]')
for p in project.rglob('*.qmd'):
    page = (out/p.relative_to(project)).with_suffix('.html')
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text('<!DOCTYPE html><html><head><link rel="stylesheet" href="{libs}/bootstrap.min.css">\n'
        '<script src="https://cdn.example.org/ajax/libs/require.js/2.3.6/require.min.js" integrity="sha512-x" crossorigin="anonymous"></script>\n'
        '<script src="https://cdn.example.org/ajax/libs/jquery/3.5.1/jquery.min.js" integrity="sha512-x" crossorigin="anonymous" data-relocate-top="true"></script>\n'
        '<script type="application/javascript">define(\'jquery\', [],function() {{return window.jQuery;}})</script>\n'
        '<script>window.kept = 1</script></head><body><pre>x</pre></body></html>'.replace('{libs}', '../'*(len(page.relative_to(out).parts) - 1) + 'site_libs'))
print('Output created', file=sys.stderr)
'''

@pytest.fixture
def project(tmp_path, monkeypatch):
    programs, proc = tmp_path/'programs', tmp_path/'proc'
    (proc/'labs').mkdir(parents=True); programs.mkdir()
    (programs/'quarto').write_text(QUARTO.replace('{python}', sys.executable).replace('{{', '{').replace('}}', '}'))
    (programs/'quarto').chmod(0o755)
    monkeypatch.setenv('PATH', f'{programs}{os.pathsep}{os.environ["PATH"]}')
    for name in ('_quarto.yml', 'index.qmd', 'labs/week01.qmd'): (proc/name).write_text('')
    return proc

@pytest.mark.skipif(os.name == 'nt', reason='the stand-in is a script with a shebang')
def test_pages_are_where_the_build_expects_them_and_fetch_nothing(project, tmp_path):
    out = tmp_path/'site'
    assert render(project, out) == 'quarto'
    assert sorted(p.relative_to(out).as_posix() for p in out.rglob('*.html')) == ['index.html', 'labs/week01.html']
    assert any('from elsewhere' in o for o in site_faults(out))
    finish_pages(out)
    assert site_faults(out) == []
    text = (out/'labs'/'week01.html').read_text()
    assert 'window.kept' in text and 'jquery' not in text and '<pre tabindex="0">' in text
    assert (out/'site_libs'/'bootstrap.min.css').read_text() == '/*! flatly */:root{--bs-blue: #2c3e50}' and (out/'site_libs'/'dark.css').read_text() == 'body{color:red}'

@pytest.mark.skipif(os.name == 'nt', reason='the stand-in is a script with a shebang')
def test_what_quarto_says_is_the_error(project, tmp_path):
    (project/'broken.qmd').write_text('')
    with pytest.raises(CourseError, match='Quarto failed: ERROR: broken.qmd: YAMLError'): render(project, tmp_path/'site')
    assert not (tmp_path/'site').exists()
