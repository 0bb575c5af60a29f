#!/usr/bin/env python3
"""The labs on small data of one's own and on wild settings: no lab may end over a result

    python tests/own_data.py [--week N] [--only TEXT] [--quick] [--out DIR] [--list]

Each case is `course-labs run --size tiny` with `--data` and `--set`. It must reach the last cell, with "does not hold" at worst, or be
refused in the one line that stands in the case. Ends with status 0 only when every case did. The files are drawn here: pictures by Pillow,
numbers by a generator. `--quick` takes the cases that `make test` takes.
"""
import argparse, os, subprocess, sys, time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from course_labs.running.record import read_run

# Files of one's own --------------------------------------------------------------------------------------

CLASSES = 'None', 'boats', 'kites' # None is what pandas takes for a blank

def drawn(kind, rng, size=(96, 72)): # A Pillow image: each class has its own colour and shape
    from PIL import Image, ImageDraw
    im = Image.fromarray(rng.integers(90, 160, (size[1], size[0], 3), dtype=np.uint8))
    x, y, r = rng.integers(25, 60), rng.integers(25, 45), rng.integers(10, 20)
    pen, box = ImageDraw.Draw(im), [x - r, y - r, x + r, y + r]
    if kind == 0: pen.ellipse(box, fill='crimson')
    elif kind == 1: pen.rectangle(box, fill='navy')
    else: pen.polygon([(x, y - r), (x + r, y + r), (x - r, y + r)], fill='gold')
    return im

HEIC = b'\0\0\0\x18ftypheic\0\0\0\0mif1heic' + bytes(range(256)) # as iPhones begin their photos
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><circle r="4"/></svg>'

def phone_photos(folder, n=12, broken=True, classes=CLASSES):
    "Class folders as a phone fills them: turned by EXIF, PNG with transparency, 16 bits, and what cannot be read"
    rng = np.random.default_rng(0)
    for kind, label in enumerate(classes):
        (folder/label).mkdir(parents=True)
        for i in range(n):
            im = drawn(kind, rng)
            file, how = folder/label/f'IMG_{kind}{i:03}.jpg', {}
            if i % 3 == 1: # lies on its side, and says so
                im, how = im.rotate(-90, expand=True), dict(exif=im.getexif())
                how['exif'][0x0112] = 8
            if i == 2: im, file = im.convert('RGBA'), file.with_suffix('.png')
            if i == 3: im, file = im.convert('L'), file.with_suffix('.png')
            im.save(file, **how)
    if broken:
        (folder/classes[0]/'IMG_9001.HEIC').write_bytes(HEIC)
        (folder/classes[1]/'logo.svg').write_text(SVG)
        cut = folder/classes[1]/'IMG_1000.jpg'
        cut.write_bytes(cut.read_bytes()[:900])
        (folder/'.DS_Store').write_bytes(b'\0')
    return folder

def images_csv(file, n=300, classes=10, side=28, first=0):
    "csv of `label` and pixels: bars whose slope and place tell the class"
    rng = np.random.default_rng(1)
    labels = np.arange(n) % classes
    grid = np.stack(np.meshgrid(np.linspace(-1, 1, side), np.linspace(-1, 1, side)))
    angle = np.pi*labels/classes + rng.normal(0, .05, n)
    far = np.abs(np.cos(angle)[:, None, None]*grid[0] + np.sin(angle)[:, None, None]*grid[1] + rng.normal(0, .1, (n, 1, 1)))
    pixels = np.clip(255*(1 - 3*far) + rng.normal(0, 12, far.shape), 0, 255).astype(int).reshape(n, -1)
    head = ','.join(['label', *(f'pixel{i}' for i in range(side*side))])
    np.savetxt(file, np.c_[labels + first, pixels], fmt='%d', delimiter=',', header=head, comments='')
    return file

def paddy_folder(folder, n=12, classes=('blast', 'normal', 'tungro')):
    "The competition's layout with three classes, and a table without `variety`"
    rng, rows = np.random.default_rng(2), ['image_id,label']
    for kind, label in enumerate(classes):
        (folder/'train_images'/label).mkdir(parents=True)
        for i in range(n):
            name = f'{100000 + 100*kind + i}.jpg'
            drawn(kind, rng, (72, 96)).save(folder/'train_images'/label/name)
            rows.append(f'{name},{label}')
    (folder/'train.csv').write_text('\n'.join(rows) + '\n')
    (folder/'test_images').mkdir()
    names = [f'{200001 + i}.jpg' for i in range(8)]
    for i, name in enumerate(names): drawn(i % 3, rng, (72, 96)).save(folder/'test_images'/name)
    (folder/'sample_submission.csv').write_text('image_id,label\n' + ''.join(f'{name},\n' for name in names))
    return folder

def pairs_tsv(file, n=400, labels=('0', '1', '2')):
    rng, things = np.random.default_rng(3), 'dog cat boat kite train child woman man'.split()
    rows = ['premise\thypothesis\tlabel']
    for i in range(n):
        a, b = rng.permutation(things)[:2]
        kind = int(rng.integers(len(labels)))
        said = (f'A {a} is outside.', f'A {b} may be there {i}.', f'There is no {a}.')[kind]
        rows.append(f'A {a} number {i//2} waits in the rain.\t{said}\t{labels[kind]}')
    file.write_text('\n'.join(rows) + '\n', encoding='utf-8')
    return file

def chinese_text(file, n=40_000):
    "A text in Chinese signs without one line break"
    rng = np.random.default_rng(4)
    signs = [chr(0x4e00 + 7*i) for i in range(400)]
    words = [''.join(rng.choice(signs, rng.integers(1, 4))) for _ in range(600)]
    share = 1/np.arange(1, 601)
    text = ''.join(w + ('。' if rng.random() < .08 else '') for w in rng.choice(words, n//2, p=share/share.sum()))
    file.write_text(text[:n], encoding='utf-8')
    return file

def ratings_csv(file, users=50, items=60, each=30, scale=1):
    "As MovieLens writes ratings.csv, without times and titles"
    rng, rows = np.random.default_rng(5), ['userId,movieId,rating']
    taste, kind = rng.normal(size=(users, 2)), rng.normal(size=(items, 2))
    for u in range(users):
        for i in rng.permutation(items)[:each]:
            stars = np.clip(np.round(3.5 + taste[u]@kind[i]/2 + rng.normal(0, .5)), 1, 5)
            rows.append(f'{u + 1},{i + 1},{scale*stars:.0f}')
    file.write_text('\n'.join(rows) + '\n')
    return file

def housing_csv(file, n=300, blanks=True):
    "Another region's blocks, some fields left blank"
    rng = np.random.default_rng(6)
    income, rooms, people = rng.gamma(4, 1, n), rng.integers(200, 4000, n), rng.integers(100, 3000, n)
    columns = dict(longitude=rng.uniform(5, 15, n).round(2), latitude=rng.uniform(45, 55, n).round(2), housing_median_age=rng.integers(1, 52, n),
                   total_rooms=rooms, total_bedrooms=rooms//5, population=people, households=people//3 + 1, median_income=income.round(4),
                   median_house_value=(40_000*income + rng.normal(0, 20_000, n)).clip(15_000).round())
    rows = [[*(f'{v:g}' for v in row), 'INLAND'] for row in zip(*columns.values())]
    for i in range(0, n if blanks else 0, 20): rows[i][4] = ''
    head = ','.join([*columns, 'ocean_proximity'])
    file.write_text('\n'.join([head, *map(','.join, rows)]) + '\n')
    return file

# Cases ---------------------------------------------------------------------------------------------------

@dataclass
class Case:
    name:str
    week:int
    data:dict = field(default_factory=dict) # Name of the registry: function of a path that writes there
    set:tuple = ()      # 'key=value'
    says:str = ''       # Part of the one line with which it is refused; empty: it goes through
    quick:bool = False  # In `make test` too

def put(make, name, **how): # What makes the file or folder `name` below a folder
    def f(folder): return make(folder/name, **how)
    return f

PHOTOS, WHOLE = put(phone_photos, 'photos'), put(phone_photos, 'photos', broken=False)
FEW = 'seeds=1', 'epochs=1'
W2 = 'far_sizes=20,60', 'far_test=100', 'far_steps=4', 'small_images=60', 'small_valid=40', 'small_test=100', 'small_epochs=2', 'runs=4', \
     'days=30', 'serve=False'
W3 = 'batch_epochs=2,2,1', 'noise_draws=5', 'norm_epochs=2', 'drop_epochs=2', 'sweep_epochs=1', 'depth_epochs=1', 'share_epochs=1', \
     'archs_epochs=1', 'homework_epochs=1', 'depths=4,6'
W4 = 'freeze_epochs=1', 'small_epochs=1', 'precision_images=8', 'tta=1'
W5 = 'steps_autoregressive=6', 'steps_masked=6', 'steps_permuted=6', 'steps_nsp=6', 'head_epochs=2', 'find_steps=12'
W6 = 'lists_epochs=1', 'wd_sweep=0,0.4', 'loop_rounds=3', 'loop_seeds=2', 'loop_users=30', 'loop_items=20'
W7 = 'epochs_sequential=1', 'digits_epochs=1', 'fashion_epochs=1', 'pairs=200', 'pairs_epochs=1', 'housing_epochs=1', 'callback_epochs=3', \
     'log_epochs=1', 'budget=2', 'trial_epochs=1'
def digits(**how): return put(images_csv, 'digits.csv', **how)
def fashion(**how): return put(images_csv, 'fashion.csv', **how)
def ratings(**how): return put(ratings_csv, 'ratings.csv', **how)
def housing(**how): return put(housing_csv, 'housing.csv', **how)

CASES = [
    Case('photos of a phone that cannot be read', 2, dict(photos=PHOTOS), says='skip_broken=True', quick=True),
    Case('photos of a phone, the broken ones left out', 2, dict(photos=PHOTOS, digits=digits(n=400)),
         ('skip_broken=True', *FEW, *W2)),
    Case('two photos a class', 2, dict(photos=put(phone_photos, 'photos', n=2, broken=False)), says='need one each'),
    Case('three photos a class and a rate that runs away', 2,
         dict(photos=put(phone_photos, 'photos', n=3, broken=False), digits=digits(n=400)),
         ('lr=1e6', 'split_draws=1', *FEW, *W2)),
    Case('batches larger than the photos', 2, dict(photos=WHOLE, digits=digits(n=400, classes=3)),
         ('bs=500', 'train_images=2000', *FEW, *W2)),
    Case('three classes of 28 x 28', 3, dict(digits=digits(classes=3), fashion=fashion(classes=3)), (*FEW, *W3)),
    Case('ten classes, one batch', 3, dict(digits=digits(n=600), fashion=fashion(n=600)), ('bs=5000', *FEW, *W3)),
    Case('one class', 3, dict(digits=digits(classes=1)), says='one class'),
    Case('three classes without variety', 4, dict(paddy=put(paddy_folder, 'paddy')), (*FEW, *W4)),
    Case('own pairs', 5, dict(pairs=put(pairs_tsv, 'pairs.tsv')), (*FEW, *W5)),
    Case('pairs of one class', 5, dict(pairs=put(pairs_tsv, 'pairs.tsv', labels=('0',))), says='nothing to tell apart'),
    Case('pairs of two classes', 5, dict(pairs=put(pairs_tsv, 'pairs.tsv', labels=('0', '1'))), ('bs=5000', *FEW, *W5)),
    Case('Chinese text in one line', 5, dict(text=put(chinese_text, 'text.txt')), ('n_train=200', 'n_valid=60', *FEW, *W5)),
    Case('50 users without titles', 6, dict(ratings=ratings()), (*FEW, *W6), quick=True),
    Case('8 ratings a user', 6, dict(ratings=ratings(each=8)), ('bs=5000', *FEW, *W6)),
    Case('3 ratings a user, on a scale of 100', 6, dict(ratings=ratings(items=100, each=3, scale=20)), ('lr=1e6', *FEW, *W6)),
    Case('one factor', 6, set=('n_factors=1', *FEW, *W6)),
    Case('two users', 6, dict(ratings=ratings(users=2, each=12)), ('k=200', *FEW, *W6)),
    Case('one user', 6, dict(ratings=ratings(users=1)), says='holds a single user'),
    Case('three classes of 28 x 28', 7, dict(digits=digits(classes=3), fashion=fashion(classes=3), housing=housing()), ('seeds=1', *W7)),
    Case('ten classes, one batch', 7, dict(digits=digits(n=600), fashion=fashion(n=600), housing=housing(n=200, blanks=False)),
         ('bs=5000', 'housing_bs=5000', 'pairs_bs=5000', 'seeds=1', *W7)),
    Case('rates that run away', 7, dict(digits=digits(n=200)),
         ('lr=1e6', 'digits_lr=1e6', 'fashion_lr=1e6', 'seeds=2', *W7)),
    Case('a rate with which no net predicts a number', 7, set=('housing_lr=1e6', 'seeds=1', *W7), says='choose a lower learning rate'),
    Case('hardly any digits, and a quiz of one question', 8, set=('epochs=1', 'long_epochs=2', 'few_rows=20', 'sources=10', 'students=1', 'draws=1', 'quiz_questions=1', 'reviews=1'), quick=True),
]

def run_case(case, out): # '' where all is as it must be, else what is not; and the claims that do not hold
    out.mkdir(parents=True, exist_ok=True)
    data = [o for name, make in case.data.items() for o in ('--data', f'{name}={make(out)}')]
    cmd = [Path(sys.executable).parent/'course-labs', 'run', '--week', str(case.week), '--size', 'tiny', '--out', out/'run', *data,
           *(o for s in case.set for o in ('--set', s))]
    env = {k: v for k, v in os.environ.items() if not k.startswith('COURSE_LABS_')}
    done = subprocess.run(cmd, capture_output=True, text=True, env=dict(env, COURSE_LABS_OFFLINE='1'))
    labs = read_run(out/'run').labs if (out/'run').exists() else ()
    errors = [o.error for o in labs if not o.ok]
    fault = ''
    if case.says:
        error = (errors or [done.stderr.strip()])[0] or ''
        if not done.returncode: fault = f'went through; expected a line with {case.says!r}'
        elif case.says not in error or '\n' in error.strip(): fault = f'ended with {error[-600:]!r}; expected one line with {case.says!r}'
    elif errors or done.returncode: fault = f'status {done.returncode}: {(errors or [done.stderr[-600:]])[0]}'
    return fault, [c['text'] for o in labs for c in o.claims if not c['holds']]

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--week', type=int, action='append')
    parser.add_argument('--only', default='', help='part of the name of a case')
    parser.add_argument('--quick', action='store_true')
    parser.add_argument('--list', action='store_true')
    parser.add_argument('--out', type=Path, default=Path('own_data_out'))
    args = parser.parse_args()
    cases = [c for c in CASES if (not args.week or c.week in args.week) and args.only in c.name and (c.quick or not args.quick)]
    faults = 0
    for n, case in enumerate(cases):
        if args.list:
            print(f'week {case.week}: {case.name}')
            continue
        begin = time.perf_counter()
        fault, false = run_case(case, args.out/f'{case.week}_{n}')
        faults += bool(fault)
        print(f"week {case.week}: {case.name}: {fault or 'as expected'} ({time.perf_counter() - begin:.0f} s)", flush=True)
        for text in false: print(f'    does not hold: {text}', flush=True)
    print(f'{len(cases)} cases, {faults} faults')
    return int(bool(faults))

if __name__ == '__main__': sys.exit(main())
