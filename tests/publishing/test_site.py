"The site in a browser: built once from a small run made here, opened as GitHub Pages serves it, from a folder, and without scripts"
import base64, functools, http.server, io, json, re, threading
from pathlib import Path

import nbformat, pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_output
from PIL import Image

from conftest import watched
from course_labs.publishing import site_render as site, site_stage
from course_labs.publishing.figures import MAX_FIGURE
from course_labs.publishing.site_finish import formula
from course_labs.teaching.playground.page import show
from course_labs.core.paths import checkout, lab_notebooks
from course_labs.core.places import own_places, places_in
from course_labs.running.record import LabRun, save_executed
from course_labs.core.files import CourseError

pytestmark = pytest.mark.browser
SUB = '/course_labs/'
NARROW = dict(width=390, height=844)
PAGES = ('index.html', 'labs/index.html', 'labs/week01_playground.html', 'labs/week02_extra_gpu.html', 'student/week02_extra_gpu.html', 'labs/week03_cnn.html', 'labs/week08_midterm.html', 'student/week03_cnn.html', 'review/quizzes.html', 'review/flashcards.html',
         'review/glossary.html', 'review/study_guide.html', 'reference/index.html', 'reference/core/files.html', 'lib/core/files.html', 'guides/student.html', 'guides/instructor.html', 'results.html')

def noise(size): # PNG as base64
    out = io.BytesIO()
    Image.effect_noise((size, size), 90).convert('RGB').save(out, 'PNG')
    return base64.b64encode(out.getvalue()).decode()

def cells_of_its_own(nb):
    "The visible code cells below the settings of a lab"
    code = [c for c in nb.cells if c.cell_type == 'code' and not c.source.startswith('#|')]
    return code[next(i for i,c in enumerate(code) if 'lab.config(' in c.source) + 1:]

def fake_run(folder, ok=True): # `folder`
    "Weeks 1 and 8 with outputs put in by hand, as a GPU run elsewhere would leave them"
    labs = []
    for week in (1, 8):
        path = lab_notebooks()[week]
        nb = nbformat.read(path, as_version=4)
        picture, wide, long, alive = cells_of_its_own(nb)[:4]
        picture.outputs = [new_output('display_data', data={'image/png': noise(700)})]
        wide.outputs = [new_output('display_data', data={'text/html': f'<table><tr>{"".join(f"<th>column{i}</th>" for i in range(40))}</tr></table>'})]
        long.outputs = [new_output('stream', name='stdout', text='x'*300 + '\n' + ''.join(f'{o}/work/week{week:02d}\n' for o in own_places(folder)))]
        if week == 1: alive.outputs = [new_output('display_data', data={'text/html': show()._repr_html_(), 'text/plain': 'a frame'})]
        nb.cells.insert(len(nb.cells) - 1, nbformat.v4.new_markdown_cell('Half of $x^2$ and\n\n$$\\frac{a}{b} < 1$$\n\nzyzzyva'))
        save_executed(folder, LabRun(week, path.name, seconds=312., facts=dict(size='full', device='Tesla T4', host='kaggle')), nb)
        labs.append(dict(week=week, notebook=path.name, ok=ok, seconds=312., peak_mb=900, error=None if ok else 'NameError: x is not defined', metrics={'questions': 201.}))
    (folder/'metrics.json').write_text(json.dumps(dict(version=1, size='full', seconds=700., labs=labs)))
    return folder

@pytest.fixture(scope='session')
def run_folder(tmp_path_factory):
    "The folder of a small run, in whose labs each folder of this machine was printed"
    return fake_run(tmp_path_factory.mktemp('run'))

@pytest.fixture(scope='session')
def built(run_folder, tmp_path_factory): # Folder of the site
    "The site of a small run"
    if checkout() is None: pytest.skip('the site is built from a checkout')
    return site.build_site(run_folder, tmp_path_factory.mktemp('site')/'_docs')

@pytest.fixture(scope='session')
def served(built): # Address
    "The site under a sub-path"
    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args): pass
        def translate_path(self, path): return super().translate_path(path[len(SUB)-1:]) if path.startswith(SUB) else str(built/'outside the sub-path')
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), functools.partial(Handler, directory=built))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f'http://127.0.0.1:{server.server_port}{SUB}'
    server.shutdown()

@pytest.fixture
def page(browser, served):
    "A page on which nothing may complain and nothing may come from elsewhere"
    context = browser.new_context(viewport=dict(width=1280, height=900))
    page = watched(context.new_page())
    yield page
    context.close()
    assert not page.errors, page.errors
    assert not [u for u in page.outside if not u.startswith(served)]

def weight(path): return path.stat().st_size

# ---- every page

def settled(page, url, width):
    "Open a page that neither scrolls sideways nor has moved"
    page.goto(url, wait_until='load')
    page.wait_for_timeout(60)
    wide, top = page.evaluate('[document.documentElement.scrollWidth, scrollY]')
    assert wide <= width, f'{url} scrolls sideways at {width} pixels'
    assert top == 0, f'{url} has moved to {top} although nobody scrolled'

def test_every_page_opens(page, served, built):
    for p in sorted(built.rglob('*.html')):
        settled(page, served + p.relative_to(built).as_posix(), 1280)
        assert page.title(), p

def test_narrow_pages(page, served):
    page.set_viewport_size(NARROW)
    for name in PAGES:
        settled(page, served + name, NARROW['width'])
        cut = page.evaluate('[...document.querySelectorAll("main table")].filter(o => o.getBoundingClientRect().right > innerWidth && !o.closest(".cell-output-display")).length')
        assert not cut, f'{name}: {cut} tables are cut off at the right'

def test_frames_have_titles(built): # links, anchors and alternative texts: the build itself stops where one is missing
    for p in built.rglob('*.html'):
        for tag in re.findall(r'<iframe\b[^>]*>', p.read_text(encoding='utf-8')): assert ' title="' in tag, p

def test_addresses_in_docstrings_lead_to_a_file(built):
    modules = [p for p in sorted((checkout()/'course_labs').rglob('[a-z]*.py'))]
    said = {p.stem: m[1] for p in modules if (m := re.search(r'^Docs: https://[^/]+/[^/]+/(.+?)"""$', p.read_text(), re.M))}
    assert len(said) > 50
    assert {name: url for name,url in said.items() if not (built/url).exists()} == {}

def test_the_library_stands_by_package(built):
    page = BeautifulSoup((built/'results.html').read_text(), 'html.parser')
    links = {a['href'] for a in page.select('#quarto-sidebar a[href]')}
    assert {'reference/core/files.html', 'lib/core/files.html', 'lib/marking/wire/codec.html'} <= links
    assert not any('Moved:' in p.read_text() for p in (built/'reference').rglob('*.html'))

def test_weights(built):
    assert all(weight(p) <= MAX_FIGURE for p in (built/'figures').iterdir())
    assert {p.name: weight(p) for p in built.rglob('*.html') if weight(p) > 1_500_000} == {}

@pytest.mark.parametrize('scheme, pages', [('light', ('index.html', 'labs/week08_midterm.html', 'review/quizzes.html', 'review/flashcards.html', 'results.html', 'reference/core/files.html', 'guides/student.html')),
                                           ('dark', ('index.html', 'labs/week08_midterm.html', 'reference/core/files.html'))])
def test_axe_finds_no_serious_fault(browser, served, scheme, pages):
    axe = pytest.importorskip('axe_playwright_python.base', reason='axe-playwright-python is not installed').AXE_FILE_PATH.read_text(encoding='utf-8')
    context = browser.new_context(viewport=dict(width=1280, height=900), color_scheme=scheme)
    page, faults = context.new_page(), []
    for name in pages:
        page.goto(served + name)
        page.evaluate(axe)
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")['violations']
        faults += [f"{name}: {v['id']}: {v['nodes'][0]['html'][:120]}" for v in found if v['impact'] in ('serious', 'critical')]
    context.close()
    assert faults == []

def test_no_file_names_a_folder_of_the_machine(built, run_folder):
    "Neither the run's, the checkout's, the packages', the cache's, the home, nor where it was built"
    places = own_places(run_folder) | {str(built.parent): ''}
    texts = [p for p in built.rglob('*') if p.suffix in ('.html', '.md', '.ipynb', '.json', '.js', '.css', '.txt', '.xml')]
    found = {p.relative_to(built).as_posix(): named for p in texts if (named := places_in(p.read_text(encoding='utf-8'), places))}
    assert found == {}
    said = BeautifulSoup((built/'labs'/'week01_playground.html').read_text(encoding='utf-8'), 'html.parser').get_text()
    assert '\nwork/week01\n' in said and '\n~/work/week01\n' in said, 'the short names are not on the page'

# ---- a lab's page

def test_lab_page_says_what_it_needs_and_where_it_ran(page, served, built):
    page.goto(served + 'labs/week01_playground.html')
    bar = page.locator('.lab-bar a')
    assert bar.all_inner_texts() == ['Open in Colab', 'Open in Kaggle', 'Download', 'Student version', 'Executed notebook']
    assert all('/student/week01_playground.ipynb' in bar.nth(i).get_attribute('href') for i in range(3))
    facts = page.locator('.lab-facts').inner_text()
    for word in ('min on a T4', 'Needs: Python', 'size full with Tesla T4 on kaggle', '312 s'): assert word in facts
    assert page.locator('.nav-page-previous a, .nav-page-next a').count() == 2
    assert 'After this lab you will be able to' in page.locator('main').inner_text()
    assert page.locator('main math[display=block]').count() >= 1
    for i in (2, 4):
        with page.expect_download() as got: bar.nth(i).click()
        nb = nbformat.read(got.value.path(), as_version=4)
        assert nb.cells and ('BEGIN SOLUTION' in str(nb.cells)) == (i == 4)
    bar.nth(3).click()
    text = page.locator('main').inner_text()
    assert 'raise NotImplementedError()' in text and 'BEGIN SOLUTION' not in text and page.locator('.lab-bar a').nth(3).inner_text() == 'Lab with outputs'
    page.go_back()
    page.goto(served + 'labs/week03_cnn.html')
    assert 'was not executed' in page.locator('.lab-facts').inner_text()
    page.goto(served + 'results.html')
    assert 'Tesla T4 on kaggle' in page.locator('main').inner_text() and page.locator('main h2').first.inner_text().count('Week') == 1

def test_figures_stay_on_white_and_print_without_the_frame_of_the_site(page, served):
    page.emulate_media(color_scheme='dark')
    page.goto(served + 'labs/week08_midterm.html')
    figure = page.locator('main img').first
    assert figure.evaluate('o => getComputedStyle(o).backgroundColor') == 'rgb(255, 255, 255)'
    page.emulate_media(media='print')
    for what in ('#quarto-header', '.lab-bar', '#quarto-sidebar'): assert not page.locator(what).first.is_visible(), what
    assert page.locator('h1').first.is_visible()
    assert figure.evaluate('o => o.clientWidth <= document.documentElement.clientWidth')

# ---- what is alive

def test_search(page, served):
    page.goto(served + 'index.html')
    page.locator('#quarto-search input').fill('zyzzyva')
    hit = page.locator('.search-result').first
    hit.wait_for()
    hit.click()
    page.wait_for_url('**/labs/week0*')

def test_playground_trains(page, served):
    page.goto(served + 'labs/week01_playground.html')
    frame = page.frame_locator('iframe[title="Neural network playground"]').first
    frame.locator('#epoch').click()
    frame.locator('#epochs', has_text='1').wait_for()

def test_quiz_is_answered_and_card_turned(page, served):
    page.goto(served + 'review/quizzes.html')
    quiz = page.frame_locator('iframe[src="quiz_week1.html"]')
    quiz.locator('#next').click()
    quiz.locator('.meta', has_text='Question 2').wait_for()
    assert page.evaluate('scrollY') < 400
    page.goto(served + 'review/flashcards.html')
    cards = page.frame_locator('iframe[src="cards.html"]')
    cards.locator('#turn').click()
    cards.locator('#back').wait_for()

def test_progress_leads_to_the_quizzes(page, served):
    page.goto(served + 'review/progress.html')
    page.frame_locator('iframe[src="own_progress.html"]').locator('a', has_text='to go').first.click()
    page.wait_for_url('**/review/quizzes.html*')

# ---- from a folder, and without scripts

def test_search_works_from_a_folder(browser, built):
    context = browser.new_context()
    page = watched(context.new_page())
    page.goto((built/'labs'/'week01_playground.html').as_uri())
    page.locator('#quarto-search input').fill('zyzzyva')
    page.locator('.search-result').first.wait_for()
    page.locator('.search-result').first.click()
    page.wait_for_url('**/labs/week0*')
    context.close()
    assert not page.errors and all(u.startswith('file:') for u in page.outside)

def test_without_scripts_text_and_figures_read(browser, served):
    context = browser.new_context(java_script_enabled=False, viewport=NARROW)
    page = context.new_page()
    page.goto(served + 'labs/week08_midterm.html')
    assert page.locator('main img').first.is_visible() and page.locator('main math').first.is_visible()
    assert not page.locator('#quarto-search').is_visible() and page.locator('.navbar-nav a').first.is_visible()
    page.goto(served + 'review/quizzes.html')
    assert page.locator('noscript p', has_text='needs JavaScript').first.is_visible()
    context.close()

# ---- a fault stops the build and the old site stays

def old_site(tmp_path):
    out = tmp_path/'_docs'
    out.mkdir()
    (out/'index.html').write_text('the old site')
    return out

def one_line(e): return '\n' not in str(e.value)

def test_a_failed_lab_keeps_the_old_site(tmp_path):
    out = old_site(tmp_path)
    (tmp_path/'run').mkdir()
    with pytest.raises(CourseError, match='week 1: NameError') as e: site.build_site(fake_run(tmp_path/'run', ok=False), out)
    assert one_line(e) and (out/'index.html').read_text() == 'the old site'

def test_a_student_version_that_does_not_hold_keeps_the_old_site(tmp_path, monkeypatch):
    out = old_site(tmp_path)
    (tmp_path/'run').mkdir()
    run = fake_run(tmp_path/'run')
    nb = json.loads((run/'week08_midterm.ipynb').read_text())
    nb['cells'].append(dict(cell_type='code', id='changed', metadata={}, outputs=[], execution_count=None, source='x = 1'))
    (run/'week08_midterm.ipynb').write_text(json.dumps(nb))
    monkeypatch.setattr(site_stage, 'lab_notebooks', lambda extras=False: {8: lab_notebooks()[8]})
    with pytest.raises(CourseError, match='student versions that hold: week08_midterm.ipynb: .* holds a run of other cells') as e: site.build_site(run, out)
    assert one_line(e) and (out/'index.html').read_text() == 'the old site'

@pytest.mark.parametrize('text, line', [('<a href="nowhere.html">x</a>', 'broken link nowhere.html'), ('<a href="#nothing">x</a>', 'no anchor for #nothing'), ('<img src="no.png" alt="x">', 'no.png is missing'),
                                        ('<img src="data:image/png;base64,x">', 'has no alternative text'), ('<script src="https://cdn.org/x.js"></script>', 'from elsewhere'),
                                        ('files {run}/work/week01', 'a folder of this machine: run the labs again')])  # of an older version, say
def test_a_fault_of_a_page_keeps_the_old_site(tmp_path, monkeypatch, text, line):
    out, text = old_site(tmp_path), text.replace('{run}', str(tmp_path))
    monkeypatch.setattr(site, 'stage_site', lambda run, root, stage: (stage/'copies').mkdir())
    monkeypatch.setattr(site, 'prepare', lambda stage: stage)
    monkeypatch.setattr(site, 'render', lambda proc, fresh: (fresh.mkdir(), (fresh/'index.html').write_text(f'<html><head></head><body>{text}</body></html>')))
    with pytest.raises(CourseError, match=re.escape(line)) as e: site.build_site(tmp_path, out)
    assert one_line(e) and (out/'index.html').read_text() == 'the old site'

def test_a_site_takes_the_place_of_the_old_one_whole(tmp_path):
    out = old_site(tmp_path)
    (tmp_path/'fresh').mkdir()
    (tmp_path/'fresh'/'a.html').write_text('new')
    site._put(tmp_path/'fresh', out)
    assert [p.name for p in out.iterdir()] == ['a.html'] and sorted(p.name for p in tmp_path.iterdir()) == ['_docs', 'fresh']

def test_a_missing_renderer_is_named(tmp_path, monkeypatch):
    found = site.importlib.util.find_spec
    monkeypatch.setattr(site.importlib.util, 'find_spec', lambda name, *args: None if name in ('smalldocs', 'nbgrader') else found(name, *args))
    with pytest.raises(CourseError, match=r"the site is built with smalldocs and nbgrader: pip install 'course_labs\[docs,release\]'"): site.build_site(tmp_path, tmp_path/'site')

def test_a_formula_that_cannot_be_read_is_named():
    with pytest.raises(CourseError, match='the formula .* cannot be read'): formula(r'\(\left( a \)')
