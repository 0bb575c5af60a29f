"What a student sees of quiz, cards, prediction and playground in the front ends that run here, as the guide says it"
import html, importlib.util, re, sys

import pytest

from front_ends import SEEN, parts, parts_notebook, seen, server, trust

pytestmark = pytest.mark.browser

@pytest.fixture(scope='module')
def lab_server(tmp_path_factory):
    if not importlib.util.find_spec('jupyterlab'): pytest.skip('JupyterLab is not installed: pip install course_labs[local]')
    folder, own = tmp_path_factory.mktemp('notebooks'), tmp_path_factory.mktemp('server')
    (own/'data').mkdir()
    for n in SEEN:
        parts_notebook(folder/f'strange_{n}.ipynb', [n])
        trust(parts_notebook(folder/f'own_{n}.ipynb', [n]), own/'data')
    with server(sys.executable, 'jupyterlab', folder, own) as url: yield url

def in_jupyterlab(browser, url, file, name):
    "What is seen of a part of a saved notebook that JupyterLab has just opened"
    context = browser.new_context(viewport=dict(width=1280, height=1100))
    try:
        page = context.new_page()
        page.goto(f'{url}/doc/tree/{file}?reset')
        output = page.locator('.jp-OutputArea-output').first
        output.wait_for(timeout=90_000)
        return seen(page, page.locator('.jp-OutputArea').first, name)
    finally: context.close()

@pytest.mark.parametrize('name', SEEN)
def test_jupyterlab_after_own_run(browser, lab_server, name):
    assert in_jupyterlab(browser, lab_server, f'own_{name}.ipynb', name) == 'script'

@pytest.mark.parametrize('name', SEEN)
def test_jupyterlab_with_a_strangers_outputs(browser, lab_server, name):
    "Outputs that somebody else has saved are not trusted until the notebook is: what is there to read stands there all the same"
    assert in_jupyterlab(browser, lab_server, f'strange_{name}.ipynb', name) == 'fall-back'

@pytest.mark.parametrize('name', SEEN)
def test_frame_without_scripts(browser_page, name):
    "A viewer that lets no script run: the part says so"
    inner = html.escape(parts()[name]._repr_html_())
    browser_page.set_content(f'<iframe id="viewer" sandbox="allow-same-origin" width="900" height="900" srcdoc="{inner}"></iframe>')
    part = browser_page.locator('#viewer').content_frame.locator('iframe').content_frame
    part.locator('noscript p').first.wait_for()
    assert 'JavaScript' in part.locator('noscript p').first.text_content()
    browser_page.errors[:] = [e for e in browser_page.errors if 'Blocked script execution' not in e]

@pytest.mark.parametrize('name', SEEN)
def test_frame_stripped(browser_page, name):
    "As on GitHub, which keeps neither frames, scripts nor styles"
    stripped = re.sub(r'<(iframe|style)\b.*?</\1>', '', parts()[name]._repr_html_(), flags=re.S)
    browser_page.set_content(f'<main>{stripped}</main>')
    assert seen(browser_page, browser_page.locator('main'), name, 5) == 'fall-back'
