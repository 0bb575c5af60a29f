"What the tests of the explaining pages share: a page's own functions run outside it, faults that axe finds, Tab's path"
import json, shutil, subprocess

import pytest

from course_labs.core.paths import data_dir

def script(*names): # Of data/web, without .js
    "The text of some scripts"
    return ''.join((data_dir()/'web'/f'{name}.js').read_text(encoding='utf-8') + '\n' for name in names)

def runs_js(function, given, *names):
    "What a function of the scripts gives for each of `given`, in node"
    node = shutil.which('node') or pytest.skip('there is no node on this machine: the browser runs the same functions')
    code = f'{script(*names)}\nconst given = JSON.parse(require("fs").readFileSync(0, "utf8"));\nconsole.log(JSON.stringify(given.map({function})));'
    done = subprocess.run([node, '-e', code], input=json.dumps(given), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)

def open_page(browser_page, part):
    "Show a part as a notebook does; its frame, drawn"
    browser_page.set_content('<body style="margin:0">' + part._repr_html_())
    browser_page.frame_locator('iframe').locator('h1').first.wait_for()
    frame = browser_page.frames[1]
    frame.wait_for_function('Kit.times.length > 0')
    return frame

def axe_faults(frame):
    "Serious and critical faults of a page, as axe-core names them"
    axe = pytest.importorskip('axe_playwright_python.base', reason='axe-playwright-python is not installed').AXE_FILE_PATH.read_text(encoding='utf-8')
    frame.evaluate(axe)
    found = frame.evaluate("axe.run(document, {resultTypes: ['violations']})")['violations']
    return [f"{v['id']}: {v['nodes'][0]['html'][:160]}" for v in found if v['impact'] in ('serious', 'critical')]

def tab_path(browser_page, frame, most=200):
    "What Tab reaches from the top of a page, in order: id, label or text of each"
    frame.evaluate('document.body.tabIndex = -1; document.body.focus()')
    path = []
    for _ in range(most):
        browser_page.keyboard.press('Tab')
        at = frame.evaluate('(e => e === document.body || !document.hasFocus() ? null : e.id || e.getAttribute("aria-label") || e.textContent.trim())(document.activeElement)')
        if at is None: return path
        path.append(at)
    raise AssertionError(f'Tab comes to no end: {path[-5:]}')

# Controls that can be seen and used, but not those of a group through which arrows lead
USABLE = '''[...document.querySelectorAll('button, input, select, canvas[tabindex]')].filter(e => e.offsetParent && !e.disabled && e.tabIndex >= 0)
  .map(e => e.id || e.getAttribute('aria-label') || e.textContent.trim())'''
