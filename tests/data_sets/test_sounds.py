"Clips of sound: any rate, width and number of channels become mono floats at one rate, and files that are none"
import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.io import wavfile

from complaints import complaint
from course_labs.data_sets.sounds import RATE, fit_length, read_clip

@given(st.integers(1, 3), st.sampled_from([4000, 11025, 16000, 22050, 44100, 48000]))
@settings(deadline=None, max_examples=12)
def test_any_rate_becomes_the_rate_of_the_course(channels, rate):
    t = np.arange(rate)/rate
    clip = read_clip(np.stack([np.sin(2*np.pi*300*t)]*channels, 1), rate)
    assert abs(len(clip) - RATE) <= 1 and clip.dtype == np.float32
    n = min(len(clip), RATE)
    np.testing.assert_allclose(clip[400:n-400], np.sin(2*np.pi*300*np.arange(n)/RATE)[400:-400], atol=.02)

def test_resampling_is_said_and_the_right_rate_is_left_alone(capsys):
    wave = np.random.default_rng(0).uniform(-1, 1, 800).astype(np.float32)
    np.testing.assert_array_equal(read_clip(wave, RATE), wave)
    assert capsys.readouterr().out == ''
    read_clip(wave, 16000)
    assert 'resampled from 16000 to 8000' in capsys.readouterr().out

@pytest.mark.parametrize('dtype, full', [(np.int16, 32767), (np.int32, 2**31 - 1), (np.uint8, 255), (np.float32, 1)])
def test_wav_files(tmp_path, dtype, full):
    wave = np.sin(2*np.pi*300*np.arange(RATE)/RATE)
    stored = ((wave + 1)/2*255).round().astype(dtype) if dtype == np.uint8 else (wave*full*.9999).astype(dtype)
    wavfile.write(tmp_path/'a.wav', RATE, stored)
    np.testing.assert_allclose(read_clip(tmp_path/'a.wav'), wave, atol=.01)

@pytest.mark.parametrize('sound, rate, says', [
    (np.zeros(0), RATE, 'length is zero'),
    (np.zeros((0, 2)), RATE, 'length is zero'),
    (np.ones(10), 0, 'sampling rate'),
    (np.ones(10), None, 'sampling rate'),
    (np.ones(10), -5, 'sampling rate'),
    (np.ones((2, 2, 2)), RATE, 'shape'),
    (np.array([0, math.nan]), RATE, 'not finite, the first at sample 1')])
def test_clips_that_are_none(sound, rate, says): assert says in complaint(read_clip, sound, rate)

def test_wav_files_that_are_none(tmp_path):
    (tmp_path/'text.wav').write_text('not a sound')
    (tmp_path/'empty.wav').write_bytes(b'')
    wavfile.write(tmp_path/'zero.wav', RATE, np.zeros(0, np.int16))
    wavfile.write(tmp_path/'cut.wav', RATE, np.ones(4000, np.int16))
    (tmp_path/'cut.wav').write_bytes((tmp_path/'cut.wav').read_bytes()[:30])
    for name in ('text', 'empty', 'cut'):
        assert f'{name}.wav cannot be read' in complaint(read_clip, tmp_path/f'{name}.wav')
    assert 'zero.wav' in complaint(read_clip, tmp_path/'zero.wav')
    assert 'no such file' in complaint(read_clip, tmp_path/'lost.wav')

@given(st.integers(1, 30), st.integers(1, 30))
def test_a_clip_is_cut_or_filled_up_with_silence(have, want):
    wave = np.arange(1., have + 1)
    fitted = fit_length(wave, want)
    assert fitted.shape == (want,)
    np.testing.assert_array_equal(fitted[:have], wave[:want])
    assert not fitted[have:].any()
