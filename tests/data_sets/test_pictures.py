"What the net sees is what a viewer shows: orientation, transparency, wide pixels, suffixes that lie"
import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from course_labs.core.files import CourseError
from course_labs.data_sets.image_cache import cache_images, read_image
from course_labs.data_sets.images import as_seen, image_folder, size_as_seen
from course_labs.data_sets.paddy import broken_image

HALF = np.zeros((40, 60, 3), np.uint8)
HALF[:, :30] = 255, 0, 0 # the left half is red
GREY = np.tile(np.linspace(0, 1, 60), (40, 1))

@pytest.mark.parametrize('draft', (False, True))
@pytest.mark.parametrize('way', range(1, 9))
def test_orientation(tmp_path, way, draft):
    file, im = tmp_path/'a.jpg', Image.fromarray(HALF)
    exif = im.getexif()
    exif[0x0112] = way
    im.save(file, exif=exif, quality=95)
    upright = ImageOps.exif_transpose(Image.open(file)).convert('RGB')
    want = np.asarray(upright.resize((8, 8), Image.BILINEAR)).astype(int)
    assert np.abs(want - read_image(file, 8, draft=draft)).max() <= 8

@pytest.mark.parametrize('suffix', ['jpg', 'png', 'tif', 'webp'])
@pytest.mark.parametrize('way', range(0, 10)) # 0 and 9 mean nothing
def test_size_without_decoding(tmp_path, way, suffix):
    file, im = tmp_path/f'a.{suffix}', Image.fromarray(HALF)
    exif = im.getexif()
    exif[0x0112] = way
    im.save(file, exif=exif)
    assert size_as_seen(file) == as_seen(Image.open(file)).size == ((40, 60) if way in (5, 6, 7, 8) else (60, 40))

def as_(mode): # HALF or GREY in another mode, and what a viewer shows of it
    im = Image.fromarray(HALF)
    if mode in ('L', '1'): return im.convert(mode), im.convert(mode).convert('RGB')
    if mode == 'CMYK': return im.convert('CMYK'), im
    if mode in ('P', 'PA'): return im.quantize(4), im
    if mode in ('RGBA', 'LA'):
        clear = im.convert('RGBA')
        clear.putalpha(Image.fromarray(np.tile(np.r_[np.full(30, 255), np.zeros(30)].astype(np.uint8), (40, 1))))
        white = HALF.copy()
        white[:, 30:] = 255
        if mode == 'RGBA': return clear, Image.fromarray(white)
        return clear.convert('LA'), Image.fromarray(white).convert('L').convert('RGB')
    grey = Image.fromarray((255*GREY).round().astype(np.uint8)).convert('RGB')
    if mode == 'I;16': return Image.fromarray((65535*GREY).round().astype(np.uint16)), grey
    if mode == 'I': return Image.fromarray((255*GREY).round().astype(np.int32)), grey
    if mode == 'F': return Image.fromarray(GREY.astype(np.float32)), grey
    if mode == 'F 255': return Image.fromarray((255*GREY).astype(np.float32)), grey

@pytest.mark.parametrize('mode, suffix', [
    ('L', 'png'), ('1', 'png'), ('L', 'jpg'), ('CMYK', 'jpg'), ('CMYK', 'tif'), ('P', 'png'), ('P', 'gif'), ('RGBA', 'png'), ('RGBA', 'webp'),
    ('LA', 'png'), ('I;16', 'png'), ('I;16', 'tif'), ('I', 'tif'), ('F', 'tif'), ('F 255', 'tif')])
def test_modes(tmp_path, mode, suffix):
    im, want = as_(mode)
    file = tmp_path/f'a.{suffix}'
    im.save(file, **(dict(lossless=True) if suffix == 'webp' else dict(quality=100) if suffix == 'jpg' else {}))
    got = np.asarray(as_seen(Image.open(file))).astype(int)
    off = np.abs(got - np.asarray(want))
    assert got.shape == (40, 60, 3) and np.percentile(off, 90) <= 2 and off.mean() < 4, (off.max(), off.mean())
    assert read_image(file, 16).shape == (16, 16, 3)

def test_a_dark_picture_of_16_bits_stays_dark(tmp_path):
    Image.fromarray(np.full((4, 4), 200, np.uint16)).save(tmp_path/'dark.png')
    assert read_image(tmp_path/'dark.png', 2).max() <= 1

def test_a_palette_with_a_transparent_colour_is_white_there(tmp_path):
    im = Image.new('P', (4, 4), 0)
    im.putpalette([0, 0, 0, 255, 0, 0])
    im.save(tmp_path/'a.gif', transparency=0)
    assert read_image(tmp_path/'a.gif', 2).min() == 255

@pytest.mark.parametrize('values, says', [(-3., 'go from -3 to -3'), (70000., 'go from 70000'), (np.nan, 'no finite number')])
def test_floats_without_a_scale_are_refused_by_name(tmp_path, values, says):
    file = tmp_path/'odd.tif'
    Image.fromarray(np.full((4, 4), values, np.float32)).save(file)
    with pytest.raises(OSError, match=says): read_image(file, 2)
    with pytest.raises(CourseError) as e: cache_images([file], 8, tmp_path/'cache')
    assert 'odd.tif' in str(e.value) and says in str(e.value) and '\n' not in str(e.value)

def test_suffixes_that_lie(tmp_path):
    "Among the photos of Oxford Pets there are GIF and PNG files named .jpg"
    for label in 'ab':
        (tmp_path/label).mkdir()
        for kind in ('GIF', 'PNG', 'BMP', 'WEBP', 'JPEG'): Image.fromarray(HALF).save(tmp_path/label/f'{kind}.jpg', format=kind)
    found = image_folder(tmp_path)
    assert {k: len(v) for k, v in found.items()} == dict(a=5, b=5)
    for file in found['a']:
        assert broken_image(file) == ''
        got = read_image(file, 40).astype(int)
        assert got[20, 5, 0] > 240 and got[20, 35].max() < 20, file.name

def test_huge_pictures(tmp_path, monkeypatch):
    file = tmp_path/'huge.png'
    Image.fromarray(HALF).save(file)
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 1000)
    with pytest.raises(CourseError, match='huge.png: .*exceeds limit'): cache_images([file], 8, tmp_path/'cache')

HEIC = b'\0\0\0\x24ftypheic\0\0\0\0mif1heic' + bytes(100)
SVG = b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>'

def cut():
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)).save(file, format='JPEG')
    return file.getvalue()[:-800]

def wild():
    file = io.BytesIO()
    Image.fromarray(np.full((4, 4), -3, np.float32)).save(file, format='TIFF')
    return file.getvalue()

@pytest.mark.parametrize('name, data, says', [
    ('IMG_1.HEIC', HEIC, 'a HEIC photo'), ('IMG_1.jpg', HEIC, 'a HEIC photo'), ('logo.svg', SVG, 'an SVG drawing'), ('logo.jpg', SVG, 'an SVG drawing'), ('cut.jpg', cut(), 'truncated'),
    ('page.jpg', b'<!DOCTYPE html>\n<html lang="en">', 'a web page'), ('empty.png', b'', 'is empty'), ('text.gif', b'hello', 'not an image'), ('wild.tif', wild(), 'from -3 to -3')])
def test_what_is_no_photo_is_named_and_skipped_on_request(tmp_path, name, data, says):
    for label in 'ab':
        (tmp_path/label).mkdir()
        for i in range(3): Image.fromarray(HALF).save(tmp_path/label/f'{i}.tif' if i else tmp_path/label/f'{i}.jpg')
    (tmp_path/'b'/name).write_bytes(data)
    with pytest.raises(CourseError) as e: image_folder(tmp_path)
    assert str(tmp_path/'b'/name) in str(e.value) and says in str(e.value) and 'skip_broken=True' in str(e.value) and '\n' not in str(e.value)
    assert [f.name for f in image_folder(tmp_path, skip_broken=True)['b']] == ['0.jpg', '1.tif', '2.tif']
