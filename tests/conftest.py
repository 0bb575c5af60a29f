"What several tests share"
import os, shutil, signal, sys

import pytest

import course_labs.lab  # first: it sets how torch's threads wait

# Workers side by side share the cores: threads that wait for each other would cost more than they bring
if n := os.environ.get('PYTEST_XDIST_WORKER_COUNT'): os.environ.setdefault('OMP_NUM_THREADS', str(max(1, (os.cpu_count() or 1)//int(n))))

# Under nohup, or in the background of a script, these are ignored by all that is started here, and tests of Ctrl-C would wait for ever
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN: signal.signal(signal.SIGINT, signal.default_int_handler)
for s in (signal.SIGHUP, signal.SIGTERM):
    if signal.getsignal(s) == signal.SIG_IGN: signal.signal(s, signal.SIG_DFL)

@pytest.fixture(autouse=True)
def nothing_is_kept_beyond_a_test():
    "A lab that a test starts at size full keeps trainings, and those of later tests in the process are none of its"
    yield
    if loop := sys.modules.get('course_labs.training.checkpoints.loop'): loop.keeper.stop()

CHROMIUM_ARGS = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
                 '--disable-background-networking', '--disable-component-update', '--disable-sync']

def chromium(): # Path, or None
    "Where this machine has a Chromium"
    return next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None)

def launch(p): # What `sync_playwright()` gives
    "Start the machine's own Chromium without a window"
    return p.chromium.launch(executable_path=chromium(), args=CHROMIUM_ARGS)

@pytest.fixture(scope='session')
def browser():
    "A headless Chromium; the test is skipped with a reason where there is none"
    sync = pytest.importorskip('playwright.sync_api', reason='playwright is not installed')
    if not chromium(): pytest.skip('there is no Chromium on this machine')
    with sync.sync_playwright() as p, launch(p) as b: yield b

def watched(page):
    "Note in `page.errors` what the console and scripts complain of, and in `page.outside` every request that is not the document itself"
    page.errors, page.outside = [], []
    page.on('console', lambda m: page.errors.append(m.text) if m.type == 'error' else None)
    page.on('pageerror', lambda e: page.errors.append(str(e)))
    page.on('request', lambda r: page.outside.append(r.url) if not r.url.startswith(('data:', 'blob:', 'about:')) else None)
    return page

@pytest.fixture
def browser_page(browser):
    "A fresh page 1280 pixels wide; the test fails when a script complained or a request left the page (file: counts unless the test clears the list)"
    context = browser.new_context(viewport=dict(width=1280, height=900))
    page = watched(context.new_page())
    yield page
    context.close()
    assert not page.errors, page.errors
    assert not page.outside, page.outside

def one_line(e, *parts):
    "A CourseError of one line that says all of `parts`"
    text = str(e.value)
    assert '\n' not in text and all(p in text for p in parts), text
