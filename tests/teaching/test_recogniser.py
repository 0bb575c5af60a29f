"A recogniser as a file, as an answer, and as a page on loopback that stays open until it is closed"
import subprocess, sys

import numpy as np
import pytest
import torch
from PIL import Image

from complaints import complaint
from course_labs.data_sets.image_cache import cached_dls
from course_labs.teaching import recogniser as R
from course_labs.teaching.recogniser import *
from course_labs.training.vision_models import image_learner

@pytest.fixture(scope='module')
def recogniser(tmp_path_factory):
    "An untrained recogniser, its file, and a photo"
    root = tmp_path_factory.mktemp('ship')
    images = np.random.default_rng(0).integers(0, 255, (12, 32, 32, 3), dtype=np.uint8)
    torch.manual_seed(0)
    learn = image_learner(cached_dls(images, ['cat', 'dog', 'eel']*4, range(9, 12), bs=4), 'random:tf_efficientnet_lite0', lin_ftrs=[], concat_pool=False, keep_bn=True)
    learn.export(root/'recogniser.pkl')
    Image.fromarray(images[0]).resize((50, 40)).save(root/'photo.png')
    return learn, root/'recogniser.pkl', root/'photo.png'

NO_IMAGES = {'text.png': b'text', 'phone.heic': b'\0\0\0\x18ftypheic' + bytes(99), 'logo.svg': b'<svg xmlns="http://www.w3.org/2000/svg"/>',
             'cut.png': b''} # The last is the photo without its end

def test_file_and_learner_agree(recogniser):
    learn, file, photo = recogniser
    here, there = recognise(learn, photo), recognise(load_recogniser(file), photo)
    assert list(here) == list(there) and sum(here.values()) == pytest.approx(1, abs=1e-5)
    assert list(here.values()) == sorted(here.values(), reverse=True)
    for k in here: assert here[k] == pytest.approx(there[k], abs=1e-5)

@pytest.mark.parametrize('mode', ['L', 'RGBA', 'P', 'CMYK', '1'])
def test_images_of_any_mode(recogniser, mode):
    assert len(recognise(recogniser[0], Image.open(recogniser[2]).convert('RGB').convert(mode) if mode != 'RGBA' else Image.open(recogniser[2]).convert(mode))) == 3

def test_what_is_no_image_or_no_recogniser(recogniser, tmp_path):
    learn = recogniser[0]
    (tmp_path/'a.png').write_text('text')
    (tmp_path/'b.png').write_bytes(recogniser[2].read_bytes()[:200])
    for what in (tmp_path/'a.png', tmp_path/'b.png', tmp_path, 'x', np.zeros((2, 2, 7), np.uint8), np.zeros(0)): complaint(recognise, learn, what)
    assert 'choose one' in complaint(recognise, learn, None)
    assert 'no such image' in complaint(recognise, learn, tmp_path/'lost.png')
    (tmp_path/'a.pkl').write_text('text')
    torch.save({'a': 1}, tmp_path/'b.pkl')
    for name in ('a.pkl', 'b.pkl', 'lost.pkl'): assert 'learn.export' in complaint(load_recogniser, tmp_path/name)

def test_app_answers_over_http_and_complains_on_its_page(recogniser, tmp_path, monkeypatch):
    pytest.importorskip('gradio', reason='gradio is not installed: pip install course_labs[app]')
    for k in ('HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy'): monkeypatch.delenv(k, raising=False)
    learn, _, photo = recogniser
    app = recogniser_app(learn, 'Which one?')
    _, url, _ = app.launch(server_name='127.0.0.1', prevent_thread_lock=True, quiet=True)
    try:
        assert url.startswith('http://127.0.0.1')
        answer, here = ask_app(url, photo), recognise(learn, photo)
        assert set(answer) == set(here)
        for k in here: assert answer[k] == pytest.approx(here[k], abs=1e-3)
        for name, content in NO_IMAGES.items():
            (tmp_path/name).write_bytes(content if content else photo.read_bytes()[:200])
            with pytest.raises(Exception, match=f'{name}: this is no image that can be read') as e: ask_app(url, tmp_path/name)
            assert '\n' not in str(e.value).strip(), name
        assert set(ask_app(url, photo)) == set(here)  # and goes on answering
    finally: app.close()

def test_the_app_has_no_public_address_on_colab_unless_asked(recogniser, monkeypatch):
    gradio = pytest.importorskip('gradio', reason='gradio is not installed: pip install course_labs[app]')
    for k in ('HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy'): monkeypatch.delenv(k, raising=False)
    monkeypatch.setattr(gradio.utils, 'colab_check', lambda: True)
    asked = []
    monkeypatch.setattr(gradio.networking, 'setup_tunnel', lambda **how: asked.append(how) or 'https://public.example')
    for how, public in ((dict(), 0), (dict(share=True), 1)):
        app = recogniser_app(recogniser[0])
        try:
            app.launch(server_name='127.0.0.1', prevent_thread_lock=True, quiet=True, inline=False, **how)
            assert (app.is_colab, len(asked), bool(app.share)) == (True, public, bool(public))
        finally: app.close()

def test_without_gradio_the_app_says_what_to_install(recogniser, monkeypatch):
    monkeypatch.setitem(sys.modules, 'gradio', None)
    assert 'course_labs[app]' in complaint(recogniser_app, recogniser[0])

@pytest.fixture
def loopback(monkeypatch):
    "gradio, and no proxy between here and here"
    gradio = pytest.importorskip('gradio', reason='gradio is not installed: pip install course_labs[app]')
    for k in ('HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy'): monkeypatch.delenv(k, raising=False)
    yield gradio
    while R._opened: close_app(R._opened[-1])

def answers(url, photo):
    try: return bool(ask_app(url, photo))
    except Exception: return False

def test_an_app_stays_open_until_it_is_closed(recogniser, loopback):
    learn, _, photo = recogniser
    app = recogniser_app(learn)
    url = open_app(app, inline=False)
    assert url.startswith('http://127.0.0.1') and app.share_url is None
    assert answers(url, photo) and answers(url, photo)
    close_app(app)
    assert not answers(url, photo)
    close_app(app)  # closed twice is closed

def test_the_second_app_closes_the_first(recogniser, loopback):
    learn, _, photo = recogniser
    first, second = recogniser_app(learn), recogniser_app(learn)
    old, new = open_app(first, inline=False), open_app(second, inline=False)
    assert answers(new, photo) and R._opened == [second] and not first.is_running
    assert old == new or not answers(old, photo)

def test_opened_on_colab_it_has_no_public_address(recogniser, loopback, monkeypatch):
    asked = []
    monkeypatch.setattr(loopback.utils, 'colab_check', lambda: True)
    monkeypatch.setattr(loopback.networking, 'setup_tunnel', lambda **how: asked.append(how) or 'https://public.example')
    assert open_app(recogniser_app(recogniser[0]), inline=False).startswith('http://127.0.0.1')
    assert asked == []

def test_the_end_of_the_process_ends_the_app(recogniser, loopback):
    code = """import sys
from course_labs.teaching.recogniser import load_recogniser, open_app, recogniser_app
print(open_app(recogniser_app(load_recogniser(sys.argv[1])), inline=False))"""
    done = subprocess.run([sys.executable, '-c', code, str(recogniser[1])], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-600:]
    url = done.stdout.split()[-1]
    assert url.startswith('http://127.0.0.1') and not answers(url, recogniser[2])

@pytest.mark.browser
def test_a_photo_and_a_drawing_get_an_answer_on_the_page(recogniser, loopback, browser):
    learn, _, photo = recogniser
    url = open_app(recogniser_app(learn, 'Cat, dog or eel?'), inline=False)
    page = browser.new_page(viewport=dict(width=1000, height=800))
    page.set_default_timeout(30_000)
    page.goto(url, wait_until='domcontentloaded')
    go = lambda: page.locator('button:visible', has_text='Recognise').click()
    page.locator('input[type=file]').first.set_input_files(str(photo))
    page.locator('img:visible').first.wait_for()
    go()
    likeliest = next(iter(recognise(learn, photo)))
    page.locator('[data-testid=label-output-value]:visible', has_text=likeliest).wait_for()

    page.get_by_role('tab', name='a drawing').click()
    page.get_by_role('button', name='Brush').click()
    go()
    page.get_by_text('draw something first').first.wait_for()
    paper = page.locator('canvas:visible').last.bounding_box()
    x, y = paper['x'] + paper['width']/2, paper['y'] + paper['height']/2
    page.mouse.move(x - 50, y - 50)
    page.mouse.down()
    for i in range(20): page.mouse.move(x - 50 + 5*i, y - 50 + 4*i)
    page.mouse.up()
    page.wait_for_timeout(500)
    go()
    page.locator('[data-testid=label-output-value]:visible').wait_for()
    page.close()

def test_importing_it_imports_no_gradio():
    code = "import sys, course_labs.teaching.recogniser; print('gradio' in sys.modules)"
    assert subprocess.run([sys.executable, '-c', code], capture_output=True, text=True).stdout.strip() == 'False'
