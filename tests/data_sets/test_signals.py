"Fields and spectrograms held against their definitions, and bad input"
import math
import numpy as np, pytest
from hypothesis import given, settings, strategies as st
from scipy import signal
from complaints import complaint
from course_labs.data_sets.signals import (DB_RANGE, HOP, INSTRUMENTS, N_FFT, N_MELS, SERIES, gadf, make_series,
                                           mel_filters, mel_spectrogram, plot_image, scale_series, tone)
from course_labs.data_sets.sounds import RATE

numbers = st.floats(-1e6, 1e6, allow_nan=False)
# A range as small as rounding errors of the values has no digits left to scale
series = st.lists(numbers, min_size=2, max_size=30).filter(lambda x: max(x) - min(x) > 1e-6*max(map(abs, x)))

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

def test_field_equals_pyts(monkeypatch):
    numba = pytest.importorskip('numba', reason='numba comes with pyts, a peer used only here, which is not installed')
    monkeypatch.setattr(numba.config, 'DISABLE_JIT', True) # as pyts is imported it would compile for half a minute what is not used here
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
