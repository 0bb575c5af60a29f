"Photos in class folders: groups stay whole, own folders, pictures upright, batches from a table"
import numpy as np
from hypothesis import given, settings, strategies as st
from PIL import Image

from complaints import complaint
from course_labs.data_sets.image_cache import SeenImage, cache_images
from course_labs.data_sets.photos import *

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

# Where the left side is seen, by the EXIF value
RED = {1: 'left', 2: 'right', 3: 'right', 4: 'left', 5: 'top', 6: 'top', 7: 'bottom', 8: 'bottom'}

def test_the_recipe_trains_on_photos_as_they_are_seen(tmp_path):
    "A phone stores a photo on its side and says so: the DataBlock of the lab and the cache show it upright"
    from fastai.vision.all import CategoryBlock, DataBlock, ImageBlock, Resize, ResizeMethod, parent_label
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

def test_batches_of_a_table_hold_its_labels_and_the_positions_asked_for(tmp_path):
    table = photo_table(photos(tmp_path/'a', n=6))
    train, valid, _ = split_groups(table.label, table.group)
    dls = photo_dls(table, train, valid, (16, 24), bs=3)
    assert len(dls.train_ds) == len(train) and dls.train.one_batch()[0].shape == (3, 3, 16, 24)
    assert [dls.vocab[o] for o in dls.valid.one_batch()[1]] == list(table.label[valid])

def test_photos_to_validate_on_are_as_they_are_and_those_to_train_on_vary(tmp_path):
    table = photo_table(photos(tmp_path/'a', n=6))
    train, valid, _ = split_groups(table.label, table.group)
    dls = photo_dls(table, train, valid, 16, bs=len(train), cache=tmp_path/'cache')
    kept = cache_images(table.path, 16, tmp_path/'cache').images[valid]
    np.testing.assert_allclose(dls.valid.one_batch()[0].permute(0, 2, 3, 1).numpy()*255, kept, atol=1e-3)
    x, again = (dls.train.one_batch()[0] for _ in range(2))
    assert not np.allclose(np.sort(x.mean((1, 2, 3))), np.sort(again.mean((1, 2, 3))), atol=1e-4)

def test_without_a_folder_nothing_is_left_on_disk(tmp_path, monkeypatch):
    monkeypatch.setattr('tempfile.tempdir', str(tmp_path/'tmp'))
    (tmp_path/'tmp').mkdir()
    table = photo_table(photos(tmp_path/'a'))
    dls = photo_dls(table, [0, 1, 4, 5], [2, 3, 6, 7], 16)
    assert list((tmp_path/'tmp').iterdir()) == [] and len(dls.valid.one_batch()[0]) == 4
