"Bad input and faults of the image cache: broken files, a full disk, a killed run, changed files"
import errno, json, os, signal, subprocess, sys, textwrap, time
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from PIL import Image

import course_labs.data_sets.image_cache as ic
from course_labs.data_sets.image_cache import CachedImages, cache_images, cached_dls, read_image, resize_image
from course_labs.core.files import CourseError

@pytest.fixture
def files(tmp_path):
    rng, res = np.random.default_rng(0), []
    (tmp_path/'in').mkdir()
    for i in range(12):
        size = (48, 64, 3) if i%2 else (70, 30, 3)
        res.append(tmp_path/'in'/f'{i:02}.jpg')
        Image.fromarray(rng.integers(0, 255, size, dtype=np.uint8)).save(res[-1])
    return res

def left(folder): return sorted(o.name for o in Path(folder).iterdir()) if Path(folder).exists() else []

def test_only_whole_caches_are_kept(files, tmp_path):
    cache = cache_images(files, 32, tmp_path/'c')
    assert left(tmp_path/'c') == [cache.folder.name]
    assert left(cache.folder) == ['images.npy', 'manifest.json']

@pytest.mark.parametrize('change', ['size', 'method', 'draft', 'file', 'order'])
def test_a_change_makes_another_cache(files, tmp_path, change):
    first = cache_images(files, 32, tmp_path/'c')
    kwargs = dict(size=dict(size=33), method=dict(method='crop'), draft=dict(draft=True)).get(change, {})
    if change == 'file': Image.fromarray(np.zeros((9, 9, 3), np.uint8)).save(files[0])
    if change == 'order': files = files[::-1]
    second = cache_images(files, **{'size': 32, **kwargs}, folder=tmp_path/'c')
    assert second.folder != first.folder
    if change == 'file': assert (second.images[0] == 0).all()

def test_second_call_decodes_nothing(files, tmp_path):
    cache_images(files, 32, tmp_path/'c')
    with mock.patch.object(ic, 'read_image', side_effect=AssertionError('decoded again')): cache_images(files, 32, tmp_path/'c')

@pytest.mark.parametrize('damage', ['cut array', 'no manifest', 'bad manifest', 'no array'])
def test_a_damaged_cache_is_made_anew(files, tmp_path, damage):
    cache = cache_images(files, 32, tmp_path/'c')
    right, folder = np.array(cache.images), cache.folder
    if damage == 'cut array': (folder/'images.npy').write_bytes((folder/'images.npy').read_bytes()[:5000])
    if damage == 'no manifest': (folder/'manifest.json').unlink()
    if damage == 'bad manifest': (folder/'manifest.json').write_text('{"size":')
    if damage == 'no array': (folder/'images.npy').unlink()
    assert (cache_images(files, 32, tmp_path/'c').images == right).all()

def test_no_room_is_seen_before_writing(files, tmp_path):
    with mock.patch.object(ic, '_free', lambda folder: 10), pytest.raises(CourseError, match='no room for the image cache: .* MB are needed'):
        cache_images(files, 32, tmp_path/'c')
    assert left(tmp_path/'c') == []

class FullDisk:
    "A file on a disk that takes `room` bytes"
    def __init__(self, f, room): self.f, self.room = f, room
    def write(self, b):
        self.room -= len(b)
        if self.room < 0: raise OSError(errno.ENOSPC, 'No space left on device')
        return self.f.write(b)
    def __getattr__(self, k): return getattr(self.f, k)
    def __enter__(self): return self
    def __exit__(self, *a): self.f.close()

@pytest.mark.parametrize('room', [0, 3000, 20000])
def test_disk_that_fills_meanwhile(files, tmp_path, room):
    real = open
    def opened(path, mode='r', *a, **k):
        f = real(path, mode, *a, **k)
        return FullDisk(f, room) if str(path).endswith('images.npy') and 'w' in mode else f
    with mock.patch.object(ic, 'open', opened, create=True), pytest.raises(CourseError, match='no room') as e: cache_images(files, 32, tmp_path/'c')
    assert '\n' not in str(e.value)
    assert left(tmp_path/'c') == []
    assert len(cache_images(files, 32, tmp_path/'c')) == 12  # and with room it works

@pytest.mark.skipif(not (sys.platform == 'linux' and os.geteuid() == 0), reason='mounting a small disk needs root on Linux')
def test_on_a_real_small_disk(files, tmp_path):
    disk = tmp_path/'disk'
    disk.mkdir()
    if subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=200k', 'tmpfs', str(disk)], capture_output=True).returncode: pytest.skip('mount is not allowed here')
    try:
        with pytest.raises(CourseError, match='no room'): cache_images(files, 128, disk/'c')
        with mock.patch.object(ic, '_free', lambda folder: 1 << 40), pytest.raises(CourseError, match='no room'): cache_images(files, 128, disk/'c')
        assert left(disk/'c') == []
    finally: subprocess.run(['umount', str(disk)], check=True)

@pytest.mark.skipif(os.name != 'posix' or os.geteuid() == 0, reason='root writes anywhere')
def test_folder_without_permission(files, tmp_path):
    (tmp_path/'ro').mkdir(mode=0o500)
    with pytest.raises(CourseError, match='cannot be written'): cache_images(files, 32, tmp_path/'ro'/'c')

def test_cache_folder_is_a_file(files, tmp_path):
    (tmp_path/'c').write_text('')
    with pytest.raises(CourseError, match='cannot be written'): cache_images(files, 32, tmp_path/'c')

def test_interrupt_leaves_nothing(files, tmp_path):
    def stop(done, all): raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt): cache_images(files, 32, tmp_path/'c', progress=stop)
    assert left(tmp_path/'c') == []

def test_killed_run_starts_clean(files, tmp_path):
    code = textwrap.dedent(f'''
        import os, signal
        from pathlib import Path
        from course_labs.data_sets.image_cache import cache_images
        files = sorted(Path({str(tmp_path/'in')!r}).iterdir())
        cache_images(files, 32, {str(tmp_path/'c')!r}, progress=lambda *a: os.kill(os.getpid(), signal.SIGKILL))''')
    assert subprocess.run([sys.executable, '-W', 'ignore', '-c', code], capture_output=True).returncode == -signal.SIGKILL
    assert any(o.endswith('.part') for o in left(tmp_path/'c'))
    cache = cache_images(files, 32, tmp_path/'c')
    assert left(tmp_path/'c') == [cache.folder.name] and len(cache) == 12

BAD = dict(empty=b'', text=b'this is no image', cut=None)

@pytest.mark.parametrize('kind', list(BAD))
def test_broken_images_are_named(files, tmp_path, kind):
    whole = files[4].read_bytes()
    files[4].write_bytes(whole[:len(whole)//2] if BAD[kind] is None else BAD[kind])
    with pytest.raises(CourseError, match='04.jpg') as e: cache_images(files, 32, tmp_path/'c')
    assert '\n' not in str(e.value) and 'skip_broken' in str(e.value)
    assert left(tmp_path/'c') == []
    cache = cache_images(files, 32, tmp_path/'c', broken='skip')
    assert len(cache) == 11 and list(cache.broken) == [str(files[4])] and 4 not in cache.kept
    assert (cache.images[4] == read_image(files[5], 32)).all()
    grey = cache_images(files, 32, tmp_path/'c', broken='grey')
    assert len(grey) == 12 and (grey.images[4] == 128).all()

def test_nothing_but_broken_images(tmp_path):
    for i in range(3): (tmp_path/f'{i}.jpg').write_bytes(b'x')
    with pytest.raises(CourseError, match='none of the 3 images'): cache_images(sorted(tmp_path.glob('*.jpg')), 32, tmp_path/'c', broken='skip')

def test_other_bad_arguments(files, tmp_path):
    with pytest.raises(CourseError, match='no such image'): cache_images([tmp_path/'none.jpg'], 32, tmp_path/'c')
    with pytest.raises(CourseError, match='no images'): cache_images([], 32, tmp_path/'c')
    with pytest.raises(CourseError, match='choose one of squish'): cache_images(files, 32, tmp_path/'c', method='stretch')

@pytest.mark.parametrize('mode', ['L', 'RGBA', 'P', 'CMYK', '1', 'LA', 'I;16'])
def test_any_mode_becomes_rgb(tmp_path, mode):
    im = Image.fromarray((np.arange(600).reshape(20, 30)*100).astype(np.uint16)) if mode == 'I;16' else Image.new('RGB', (30, 20), (200, 30, 30)).convert(mode)
    im.save(tmp_path/('a.tif' if mode in ('CMYK', 'I;16') else 'a.png'))
    assert read_image(next(tmp_path.iterdir()), 16).shape == (16, 16, 3)

@settings(max_examples=60, deadline=None)
@given(h=st.integers(1, 90), w=st.integers(1, 90), oh=st.integers(1, 70), ow=st.integers(1, 70), method=st.sampled_from(ic.METHODS))
def test_resize_gives_exactly_the_size_asked_for(h, w, oh, ow, method):
    im = Image.fromarray(np.full((h, w, 3), 77, np.uint8))
    res = np.asarray(resize_image(im, (oh, ow), method))
    assert res.shape == (oh, ow, 3) and (res == 77).all()

@settings(max_examples=30, deadline=None)
@given(h=st.integers(8, 80), w=st.integers(8, 80), oh=st.integers(8, 64), ow=st.integers(8, 64), method=st.sampled_from(ic.METHODS), seed=st.integers(0, 99))
def test_same_pixels_as_fastai(h, w, oh, ow, method, seed):
    from fastai.vision.all import PILImage, Resize, ResizeMethod
    a = np.random.default_rng(seed).integers(0, 255, (h, w, 3), dtype=np.uint8)
    ways = dict(squish=ResizeMethod.Squish, crop=ResizeMethod.Crop, pad=ResizeMethod.Pad)
    theirs = np.asarray(Resize((oh, ow), ways[method])(PILImage.create(a), split_idx=1)).astype(int)
    assert abs(theirs - np.asarray(resize_image(Image.fromarray(a), (oh, ow), method)).astype(int)).max() <= 1

@settings(max_examples=25, deadline=None)
@given(n=st.integers(4, 40), bs=st.integers(1, 20), seed=st.integers(0, 99))
def test_every_image_once_an_epoch(n, bs, seed):
    images = np.zeros((n, 4, 4, 3), np.uint8)
    images[:, 0, 0, 0] = np.arange(n)
    valid = np.random.default_rng(seed).permutation(n)[:max(n//4, 1)]
    dls = cached_dls(images, ['ab'[i%2] for i in range(n)], valid, bs=bs)
    seen = [round(float(v)*255) for x,_ in dls.valid for v in x[:, 0, 0, 0]]
    assert seen == sorted(valid.tolist()) or seen == valid.tolist()
    got = [round(float(v)*255) for x,y in dls.train for v in x[:, 0, 0, 0]]
    others = set(range(n)) - set(valid.tolist())
    # A last batch of a single image is left out, since batch normalisation cannot train on it
    assert set(got) <= others and len(got) == len(set(got)) >= len(others) - (len(others)%bs == 1 and len(others) > 1)
    for x,y in dls.train: assert [round(float(v)*255)%2 for v in x[:, 0, 0, 0]] == y.tolist()

def test_labels_that_do_not_fit():
    with pytest.raises(ValueError, match='3 labels for 4 images'): cached_dls(np.zeros((4, 2, 2, 3), np.uint8), list('abc'), [0])
