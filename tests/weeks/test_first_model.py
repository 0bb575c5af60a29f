"Week 2: fields and spectrograms held against their definitions, splits that keep groups whole, the loop's arithmetic, bad input, and the app on loopback"
import math, subprocess, sys
import numpy as np, pytest, torch
from hypothesis import given, settings, strategies as st
from PIL import Image
from scipy import signal
from course_labs.weeks.first_model import *
from course_labs.data_sets.image_cache import cached_dls
from course_labs.data_sets.sounds import RATE
from course_labs.training.loaders import logits_of
from course_labs.training.vision_models import image_learner
from course_labs.core.files import CourseError

numbers = st.floats(-1e6, 1e6, allow_nan=False)
# A range as small as rounding errors of the values has no digits left to scale
series = st.lists(numbers, min_size=2, max_size=30).filter(lambda x: max(x) - min(x) > 1e-6*max(map(abs, x)))

def complaint(f, *args, **kwargs):
    "The one line of the `CourseError` that `f` raises"
    with pytest.raises(CourseError) as e: f(*args, **kwargs)
    assert '\n' not in str(e.value)
    return str(e.value)

# Time series -----------------------------------------------------------------------------------------------

def field_by_angles(x):
    "The field cell by cell, from the angles of the definition"
    low, high = min(x), max(x)
    angles = [math.acos(max(-1., min(1., (o - low)/(high - low)*2 - 1))) for o in x]
    return np.array([[math.sin(a - b) for b in angles] for a in angles])

@given(series)
@settings(deadline=None)
def test_field_is_the_sine_of_differences_of_angles(x):
    np.testing.assert_allclose(gadf(x), field_by_angles(x), atol=1e-6)

@given(st.integers(0, 10_000), st.integers(2, 40))
@settings(deadline=None, max_examples=30)
def test_a_stack_of_series_gives_a_stack_of_fields(seed, length):
    x = np.random.default_rng(seed).normal(size=(4, length))
    np.testing.assert_array_equal(gadf(x), np.stack([gadf(o) for o in x]))

def test_field_equals_pyts():
    image = pytest.importorskip('pyts.image', reason='pyts, a peer used only here, is not installed')
    x = np.random.default_rng(0).normal(size=(20, 50))
    np.testing.assert_allclose(gadf(x), image.GramianAngularField(method='difference').transform(x), atol=1e-6)

@pytest.mark.parametrize('f', [gadf, scale_series, lambda x: plot_image(x, 20)])
@pytest.mark.parametrize('x, says', [(np.full(9, 2.5), 'constant'), ([1.], 'at least two'), ([], 'at least two'), (3., 'at least two'), ([1, math.nan, 2], 'not finite'), ([1, math.inf, 2], 'not finite')])
def test_series_without_a_field(f, x, says): assert says in complaint(f, x)

def test_the_constant_one_of_many_is_named():
    x = np.random.default_rng(0).normal(size=(5, 8))
    x[3] = 7
    said = complaint(gadf, x)
    assert 'number 3' in said and 'undefined' in said and '(7)' in said

def test_huge_values_scale(): np.testing.assert_allclose(scale_series([-1.7e308, 0, 1.7e308]), [-1, 0, 1])

@pytest.mark.parametrize('kind', SERIES)
def test_series_of_every_kind(kind): assert make_series(kind, np.random.default_rng(0), 33).shape == (33,)

def test_a_rising_series_is_plotted_upwards():
    im = plot_image(np.arange(10.), 21)[..., 0]
    assert im.shape == (21, 21) and im[-2, 1] and im[1, -2] and not im[1, 1]

# Sound -----------------------------------------------------------------------------------------------------

def mel_by_scipy(wave):
    "The spectrogram with scipy's short-time Fourier transform instead of the library's"
    stft = signal.ShortTimeFFT(signal.windows.hann(N_FFT, sym=False), HOP, RATE)
    padded = np.pad(wave, N_FFT//2, mode='reflect')
    frames = [np.fft.rfft(padded[i:i+N_FFT]*stft.win) for i in range(0, len(padded) - N_FFT + 1, HOP)]
    db = 10*np.log10(np.maximum(np.abs(frames)**2 @ mel_filters(), 1e-12)).T
    return np.maximum(db - db.max(), -DB_RANGE)

@pytest.mark.parametrize('instrument', INSTRUMENTS)
def test_spectrogram_equals_its_definition(instrument):
    wave = tone(instrument, np.random.default_rng(1), .4)
    mel = mel_spectrogram(wave)
    assert mel.shape == (N_MELS, 1 + len(wave)//HOP) and mel.max() == 0 and mel.min() >= -DB_RANGE
    np.testing.assert_allclose(mel, mel_by_scipy(wave), atol=.05)

@pytest.mark.parametrize('hz', [200, 440, 1000, 3000])
def test_a_pure_tone_lights_the_band_of_its_frequency(hz):
    mel = mel_spectrogram(np.sin(2*np.pi*hz*np.arange(RATE)/RATE))
    peak = np.fft.rfftfreq(N_FFT, 1/RATE)[mel_filters()[:, mel.mean(1).argmax()].argmax()]
    assert abs(peak - hz) <= max(.12*hz, 30)

@pytest.mark.parametrize('wave, says', [(np.zeros(0), 'length is zero'), (np.ones(N_FFT - 1), 'longer clip'), (np.zeros(RATE), 'silent')])
def test_spectrograms_that_are_none(wave, says): assert says in complaint(mel_spectrogram, wave)

# Splits and labels -----------------------------------------------------------------------------------------

@given(st.lists(st.integers(3, 9), min_size=2, max_size=4), st.integers(1, 4), st.floats(.05, .3), st.floats(.05, .3), st.integers(0, 99))
@settings(deadline=None)
def test_groups_stay_whole_and_every_class_is_everywhere(n_groups, size, valid, test, seed):
    rows = [(f'c{c}', f'c{c} g{g}') for c,n in enumerate(n_groups) for g in range(n) for _ in range(size)]
    labels, groups = map(np.array, zip(*rows))
    parts = split_groups(labels, groups, valid, test, seed)
    assert sorted(np.concatenate(parts)) == list(range(len(rows)))
    assert sum(len(set(groups[p])) for p in parts) == len(set(groups))
    for p in parts: assert set(labels[p]) == set(labels)
    for p,q in zip(parts, split_groups(labels, groups, valid, test, seed)): np.testing.assert_array_equal(p, q)

def test_too_few_groups():
    assert 'too few' in complaint(split_groups, list('aabb'), list('1123'))
    assert 'nothing to train on' in complaint(split_groups, list('aaabbb'), range(6), .5, .5)

def photos(root, n=4, classes=('ant', 'bee'), name='{label}_{i}.png'):
    "A folder of class folders with images of noise"
    rng = np.random.default_rng(0)
    for label in classes:
        (root/label).mkdir(parents=True)
        for i in range(n): Image.fromarray(rng.integers(0, 255, (20, 20, 3), dtype=np.uint8)).save(root/label/name.format(label=label, i=i))
    return root

def test_an_own_folder_without_groups(tmp_path):
    table = photo_table(photos(tmp_path/'a'))
    assert len(table) == 8 and table.group.nunique() == 8 and not table.attrs['grouped']

def test_an_own_folder_with_groups(tmp_path):
    root = tmp_path/'a'
    for label in ('ant', 'bee'):
        (root/label).mkdir(parents=True)
        for g in range(3):
            for i in range(2): Image.new('RGB', (8, 8), (g*9, i*9, 0)).save(root/label/f'{label}_s{g}_{i}.png')
    table = photo_table(root)
    assert table.attrs['grouped'] and table.group.nunique() == 6

def test_folders_that_will_not_do(tmp_path):
    assert 'no such folder' in complaint(photo_table, tmp_path/'lost')
    assert 'at least two' in complaint(photo_table, photos(tmp_path/'one', classes=('ant',)))
    assert 'has 2 images' in complaint(photo_table, photos(tmp_path/'few', n=2))
    root = photos(tmp_path/'broken')
    (root/'ant'/'ant_1.png').write_bytes(b'')
    assert 'ant_1.png' in complaint(photo_table, root)
    assert len(photo_table(root, skip_broken=True)) == 7

@given(st.integers(2, 5), st.floats(0, 1), st.integers(0, 99))
@settings(deadline=None)
def test_flipped_labels_are_all_wrong_and_the_others_untouched(n_classes, share, seed):
    labels = np.array([f'c{i % n_classes}' for i in range(40)])
    dirty, planted = flip_labels(labels, share, seed)
    assert sorted(planted) == list(np.flatnonzero(dirty != labels)) and len(planted) == round(share*40)

def test_one_class_is_the_answer_of_a_linear_model():
    X = np.random.default_rng(0).normal(size=(6, 3))
    only = fit_linear(X, ['a']*6)
    assert list(only.predict(X)) == ['a']*6 and only.predict_proba(X).shape == (6, 1)
    assert linear_error(X, list('aaaabb'), [0, 1, 2], [3, 4]) == .5
    assert np.isfinite(label_losses(X, list('aaaaab'), np.arange(6))[:5]).all()

# Where the left side is seen, by the EXIF value
RED = {1: 'left', 2: 'right', 3: 'right', 4: 'left', 5: 'top', 6: 'top', 7: 'bottom', 8: 'bottom'}

def test_the_recipe_trains_on_photos_as_they_are_seen(tmp_path):
    "A phone stores a photo on its side and says so: the DataBlock of the lab and the cache show it upright"
    from fastai.vision.all import CategoryBlock, DataBlock, ImageBlock, Resize, ResizeMethod, parent_label
    from course_labs.data_sets.image_cache import SeenImage, cache_images
    half = np.zeros((40, 60, 3), np.uint8)
    half[:, :30] = 255, 0, 0 # red on the left
    for label in 'ab':
        (tmp_path/label).mkdir()
        for way in range(1, 9):
            im = Image.fromarray(half)
            exif = im.getexif()
            exif[0x0112] = way
            im.save(tmp_path/label/f'{way}.jpg', exif=exif, quality=95)
    table = photo_table(tmp_path)
    cache = cache_images(table.path, 16, tmp_path/'cache')
    dls = DataBlock(blocks=(ImageBlock(SeenImage), CategoryBlock), get_y=parent_label, item_tfms=Resize(16, method=ResizeMethod.Squish),
                    splitter=lambda items: ([0, 8], list(range(len(items))))).dataloaders(list(table.path), bs=16, num_workers=0)
    x = dls.valid.one_batch()[0].permute(0, 2, 3, 1).cpu().numpy()
    assert np.abs(255*x - cache.images).max() <= 1
    for file, shown in zip(table.path, cache.images.astype(int)):
        sides = dict(left=shown[:, :4], right=shown[:, -4:], top=shown[:4], bottom=shown[-4:])
        assert max(sides, key=lambda k: sides[k][..., 0].mean()) == RED[int(file.stem)], file

def test_wrong_labels_come_first_where_classes_are_clear():
    rng = np.random.default_rng(0)
    labels = np.repeat(['a', 'b'], 30)
    X = rng.normal(size=(60, 5)) + 4*(labels == 'b')[:, None]
    dirty, planted = flip_labels(labels, .1, 1)
    assert set(np.argsort(-label_losses(X, dirty, np.arange(60)))[:len(planted)]) == set(planted)

def test_top_losses_are_the_largest():
    logits, codes = torch.randn(30, 4, generator=torch.Generator().manual_seed(0)), torch.arange(30) % 4
    rows, losses = top_losses(logits, codes, 5)
    by_hand = -logits.log_softmax(1)[torch.arange(30), codes]
    np.testing.assert_allclose(losses, by_hand.sort(descending=True).values[:5], rtol=1e-5)
    np.testing.assert_allclose(by_hand[rows], losses, rtol=1e-5)

def test_error_of_groups():
    t = error_by_group([1, 0, 0, 0, 1, 1], list('aaaabb'))
    assert t.error.to_dict() == {'a': .25, 'b': 1.} and t.n.to_dict() == {'a': 4, 'b': 2}
    assert (t.low <= t.error).all() and (t.error <= t.high).all()

# Training --------------------------------------------------------------------------------------------------

def test_early_stopping_ends_where_fastai_does_and_keeps_the_best():
    from fastai.vision.all import EarlyStoppingCallback
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 255, (40, 16, 16, 3), dtype=np.uint8), np.array(['a', 'b']*20)
    def run(cb):
        torch.manual_seed(0)
        import random; random.seed(0)
        return train_small(images, labels, np.arange(20), np.arange(20, 40), 30, 2e-2, 10, cbs=cb)
    ours, fastais = run(StopEarly(3)), run(EarlyStoppingCallback(patience=3))
    assert len(ours.recorder.values) == len(fastais.recorder.values) < 30
    best = min(v[1] for v in ours.recorder.values)
    codes = as_codes(labels[20:], ['a', 'b'])
    assert scores(logits_of(ours.model, images[20:]), codes)['loss'] == pytest.approx(best, rel=1e-4)

# The loop --------------------------------------------------------------------------------------------------

@pytest.mark.parametrize('remedy', REMEDIES)
def test_shares_sum_to_one_and_seeds_repeat(remedy):
    a, b = (patrol_loop([.1, .2, .3], 20, 10, remedy, 5, seed=3) for _ in range(2))
    for k in ('believed', 'sent'):
        np.testing.assert_allclose(a[k].sum(-1), 1)
        np.testing.assert_array_equal(a[k], b[k])
    assert a['believed'].shape == (20, 5, 3)

def test_dividing_by_effort_finds_the_truth_over_seeds():
    rates = np.array([.1, .2, .3])
    for seed in range(5):
        end = {r: distance(patrol_loop(rates, 300, 50, r, 30, seed)['believed'][-1], rates/rates.sum()).mean() for r in REMEDIES}
        assert end['by effort'] < .1 and end['both'] < .1 and end['explore'] < end['none']

def test_everywhere_at_random_is_unbiased():
    rates = np.array([.1, .2, .3])
    assert distance(patrol_loop(rates, 400, 50, 'explore', 20, 0, share=1.)['believed'][-1], rates/rates.sum()).mean() < .03

@pytest.mark.parametrize('how, says', [(dict(rates=[.1]), 'at least two'), (dict(rates=[0, .1]), 'above 0'), (dict(rates=[.1, 1.2]), 'at most 1'),
                                       (dict(rates=[.1, .2], remedy='hope'), 'choose one of'), (dict(rates=[.1, .2], share=2), 'between 0 and 1')])
def test_loops_that_cannot_be(how, says): assert says in complaint(patrol_loop, **how)

# Shipping --------------------------------------------------------------------------------------------------

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

def test_file_and_learner_agree(recogniser):
    learn, file, photo = recogniser
    here, there = recognise(learn, photo), recognise(load_recogniser(file), photo)
    assert list(here) == list(there) and sum(here.values()) == pytest.approx(1, abs=1e-5)
    assert list(here.values()) == sorted(here.values(), reverse=True)
    for k in here: assert here[k] == pytest.approx(there[k], abs=1e-5)

NO_IMAGES = {'text.png': b'text', 'phone.heic': b'\0\0\0\x18ftypheic' + bytes(99), 'logo.svg': b'<svg xmlns="http://www.w3.org/2000/svg"/>',
             'cut.png': b''} # The last is the photo without its end

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

def test_importing_the_lab_does_not_import_gradio_or_transformers():
    code = "import sys, course_labs.weeks.first_model; print([o for o in ('gradio', 'transformers') if o in sys.modules])"
    assert subprocess.run([sys.executable, '-c', code], capture_output=True, text=True).stdout.strip() == '[]'
