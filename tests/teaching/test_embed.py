"Interactive parts in a browser: the frame, its fallback and its isolation"
import pytest

from course_labs.teaching.embed import frame, page
from course_labs.core.files import CourseError

HTML = ('<!doctype html><html lang="en"><head><meta charset="utf-8"><title>t</title><link rel="stylesheet" href="a.css"></head>'
        '<body><p id="p"></p><script type="application/json" id="data"></script><script src="a.js"></script></body></html>')
NASTY = '</script><script>parent.document.title="out"</script> & "\u2028" <!-- é'

@pytest.fixture
def folder(tmp_path):
    (tmp_path/'a.html').write_text(HTML, encoding='utf-8')
    (tmp_path/'a.css').write_text('p { width: 77px; } /* </style> */', encoding='utf-8')
    (tmp_path/'a.js').write_text('const end = "</script>", open = "<!-- <script>";\n'
        'document.getElementById("p").textContent = JSON.parse(document.getElementById("data").textContent).text;\n'
        'window.end = end;\n', encoding='utf-8')
    return tmp_path

@pytest.mark.parametrize('name,why', [('b', 'there is no b.html'), ('../a', 'is no file name')])
def test_missing(folder, name, why):
    with pytest.raises(CourseError, match=why): page(name, folder=folder)

def test_missing_script(folder):
    (folder/'a.js').unlink()
    with pytest.raises(CourseError, match='there is no a.js'): page('a', folder=folder)

def test_no_place_for_data(folder):
    (folder/'a.html').write_text('<!doctype html><html><head><meta charset="utf-8"></head></html>')
    with pytest.raises(CourseError, match='no place for data'): page('a', dict(x=1), folder=folder)

@pytest.mark.browser
def test_frame(browser_page, folder):
    part = frame(page('a', dict(text=NASTY), folder=folder), height=120, title='a part', fallback='<p>instead</p>', narrow=300)
    browser_page.set_content('<title>host</title>' + part._repr_html_())
    inner = browser_page.frame_locator('iframe')
    assert inner.locator('#p').text_content() == NASTY
    f = browser_page.frames[1]
    assert f.evaluate('window.end') == '</script>'
    assert f.evaluate('getComputedStyle(document.getElementById("p")).width') == '77px'
    assert browser_page.title() == 'host'
    assert not browser_page.get_by_text('instead').is_visible()
    box = browser_page.locator('iframe').bounding_box()
    assert box['height'] == 120 and box['width'] > 1200
    browser_page.set_viewport_size(dict(width=390, height=800))
    assert browser_page.locator('iframe').bounding_box()['height'] == 300
    browser_page.evaluate('document.querySelector("iframe").remove()')
    assert browser_page.get_by_text('instead').is_visible()

@pytest.mark.browser
def test_no_network(browser_page, folder):
    "A page that tries to reach out is stopped by its own policy"
    (folder/'a.js').write_text('fetch("http://127.0.0.1:9/x").catch(() => document.getElementById("p").textContent = "stopped");')
    browser_page.set_content(frame(page('a', dict(text=''), folder=folder))._repr_html_())
    browser_page.frame_locator('iframe').get_by_text('stopped').wait_for()
    assert browser_page.errors and all('Content Security Policy' in e for e in browser_page.errors)
    browser_page.errors.clear()
