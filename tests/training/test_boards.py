"TensorBoard's page over a log folder: what it is asked for, what it looks like in a browser, and what stands for it without one"
from io import BytesIO

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from conftest import chromium, one_line
from course_labs.core.browser import PNG
from course_labs.core.files import CourseError
from course_labs.training import boards
from course_labs.training.keras_tools import read_scalars

needs_browser = pytest.mark.skipif(not chromium(), reason='there is no Chromium on this machine')

@pytest.fixture(scope='module')
def logs(tmp_path_factory):
    "Two runs: one falls, one rises"
    folder = boards.log_folder(tmp_path_factory.mktemp('board')/'logs')
    steps = np.arange(20)
    for run, values in (('falls', np.exp(-steps/5)), ('rises', 1 - np.exp(-steps/5))): boards.write_scalars(folder/run, 'loss', values)
    return folder

def pixels(png): return np.asarray(Image.open(BytesIO(png)).convert('RGB')).astype(int)

def coloured(image): # (h, w, 3)
    "Where a pixel is neither grey nor of the bar above and the ticks, which are orange"
    red, green, blue = np.moveaxis(image, -1, 0)
    orange = (red > 200) & (blue < 100)
    return (image.max(-1) - image.min(-1) > 60) & ~orange

@pytest.mark.browser
@needs_browser
def test_the_picture_is_a_real_page(logs):
    png = boards.board_picture(logs, size=(1000, 700))
    assert png and png.startswith(PNG), 'a browser is here and gave no picture'
    image = pixels(png)
    assert image.shape == (700, 1000, 3) and 20_000 < len(png) < 400_000
    assert len(np.unique(image.reshape(-1, 3), axis=0)) > 100, 'nearly one colour: the page was not drawn'
    bar = np.median(image[5:60], axis=(0, 1))
    assert bar[0] > 200 > bar[2], f'the orange bar of the page is missing: {bar}'

@pytest.mark.browser
@needs_browser
def test_the_picture_has_a_curve_for_each_run(logs):
    "Without what the runs look like in their list on the left: two curves that cross, one from above and one from below"
    image = pixels(boards.board_picture(logs, 'loss', size=(1000, 700)))
    seen = coloured(image)[:, 240:740]
    columns = np.flatnonzero(seen.any(0))
    assert len(columns) > 250, 'no curve runs across the card'
    heights = [np.ptp(np.flatnonzero(seen[:, x])) for x in columns]
    assert max(heights) > 100, 'the two curves are nowhere apart'

def test_a_folder_without_logs_is_one_line(tmp_path):
    with pytest.raises(CourseError) as e: boards.board_picture(tmp_path)
    one_line(e, 'no TensorBoard scalars')

def test_without_a_browser_the_curves_are_drawn(logs, monkeypatch, capsys):
    monkeypatch.setattr('shutil.which', lambda name: None)
    plt.close('all')
    assert boards.show_board(logs, smoothing=.5) is None
    assert capsys.readouterr().out.count('\n') == 1
    ax, = plt.gcf().axes
    assert [o.get_text() for o in ax.get_legend().get_texts()] == ['falls', 'rises']
    faint, smooth = ax.get_lines()[:2]
    raw = read_scalars(logs).query('run == "falls"').value
    np.testing.assert_allclose(faint.get_ydata(), raw)
    np.testing.assert_allclose(smooth.get_ydata(), raw.ewm(alpha=.5).mean())

def test_logs_of_an_earlier_training_go_unless_they_are_kept(tmp_path):
    boards.write_scalars(tmp_path/'logs'/'run', 'loss', [1., 2])
    assert len(read_scalars(boards.log_folder(tmp_path/'logs', keep=True))) == 2
    assert list(boards.log_folder(tmp_path/'logs').iterdir()) == []

def test_the_picture_has_a_text_also_in_the_ipython_of_colab(logs, monkeypatch):
    "IPython 7 knows no argument `alt`; what it keeps of a picture's text is in its metadata"
    import IPython.display
    class Image:
        def __init__(self, data=None, url=None, filename=None, format=None, embed=None, width=None, height=None, retina=False,
                     unconfined=False, metadata=None): self.data, self.width, self.metadata = data, width, metadata
    monkeypatch.setattr(IPython.display, 'Image', Image)
    monkeypatch.setattr(boards, 'board_picture', lambda *args: PNG)
    assert boards.show_board(logs).metadata == dict(alt=f"TensorBoard's page of {logs.name}")
