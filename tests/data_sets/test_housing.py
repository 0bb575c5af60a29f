"The housing table: blanks, faults named by line and column, and inputs whose statistics come from training rows"
import numpy as np
import pandas as pd
import pytest

from conftest import one_line
from course_labs.core.files import CourseError
from course_labs.core.paths import data_dir
from course_labs.data_sets.housing import HOUSING, HousingFeatures, blanks, read_housing

HOUSING_FILE = data_dir()/'housing'/'housing.csv.gz'

@pytest.fixture(scope='module')
def some(): return pd.read_csv(HOUSING_FILE).iloc[:300]

def write(tmp_path, table):
    table.to_csv(tmp_path/'h.csv', index=False)
    return tmp_path/'h.csv'

def test_census_file():
    t = read_housing(HOUSING_FILE)
    assert t.shape == (20640, 10) and t.total_bedrooms.isna().sum() == 207
    assert '207 in total_bedrooms' in blanks(t) and 'median of the training rows' in blanks(t)

def test_blanks_everywhere(tmp_path, some):
    t, rng = some.astype(object), np.random.default_rng(0)
    t = t.mask(rng.random(t.shape) < .1)
    got = read_housing(write(tmp_path, t))
    assert len(got) == t.median_house_value.notna().sum()
    f = HousingFeatures(got.iloc[:200])
    assert np.isfinite(f(got)).all()
    assert 'in ocean_proximity' in blanks(got)
    t['total_bedrooms'] = None
    got = read_housing(write(tmp_path, t))
    assert np.isfinite(HousingFeatures(got)(got)).all()

def change(col, value): return lambda t: t.assign(**{col: [*t[col][:7], value, *t[col][8:]]})

@pytest.mark.parametrize('spoil,parts', [
    (change('total_rooms', 'many'), ('line 9', 'total_rooms', "'many'")),
    (change('longitude', 'west'), ('line 9', 'longitude', "'west'")),
    (change('median_house_value', '1,5'), ('line 9', 'median_house_value')),
    (change('households', 0), ('line 9', 'households', 'above 0')),
    (change('population', -3), ('line 9', 'population', 'above 0')),
    (change('median_income', np.inf), ('line 9', 'median_income')),
    (change('ocean_proximity', 'MOON'), ('line 9', 'ocean_proximity', "'MOON'")),
    (lambda t: t.assign(garden=1), ('unknown column garden',)),
    (lambda t: t.drop(columns='households'), ('no column households',)),
    (lambda t: t.drop(columns='median_house_value'), ('no column median_house_value',)),
    (lambda t: t.iloc[:20], ('20 rows', 'at least 200')),
    (lambda t: t.iloc[:0], ('0 rows',)),
    (lambda t: t.assign(median_house_value=None), ('0 rows',))])
def test_bad_housing(tmp_path, some, spoil, parts):
    path = write(tmp_path, spoil(some.astype(object)))
    with pytest.raises(CourseError) as e: read_housing(path)
    one_line(e, 'h.csv', *parts)

@pytest.mark.parametrize('content', [b'', b'\x89PNG\r\n\x1a\n\x00\xff\xfe', b'a,b\n1,2,3,4\n"', b'longitude\n1\n'])
def test_no_csv(tmp_path, content):
    (tmp_path/'h.csv').write_bytes(content)
    with pytest.raises(CourseError) as e: read_housing(tmp_path/'h.csv')
    one_line(e, 'h.csv')

def test_no_file(tmp_path):
    for p in (tmp_path, tmp_path/'none.csv'):
        with pytest.raises(CourseError) as e: read_housing(p)
        one_line(e, str(p))

def test_extra_cell_in_a_row(tmp_path, some):
    path = write(tmp_path, some)
    lines = path.read_text().splitlines()
    lines[5] += ',99'
    path.write_text('\n'.join(lines))
    with pytest.raises(CourseError) as e: read_housing(path)
    one_line(e, 'h.csv, line 6: 11 fields, but 10 were expected')

def test_an_index_in_all_rows_moves_no_column(tmp_path, some):
    some.dropna().to_csv(tmp_path/'h.csv')
    want = read_housing(write(tmp_path, some.dropna()))
    some.dropna().to_csv(tmp_path/'h.csv')
    pd.testing.assert_frame_equal(read_housing(tmp_path/'h.csv'), want)  # a column without a name
    text = (tmp_path/'h.csv').read_text().removeprefix(',')
    (tmp_path/'h.csv').write_text(text)
    with pytest.raises(CourseError) as e: read_housing(tmp_path/'h.csv')
    one_line(e, 'line 2: 11 fields, but 10 were expected')

def test_a_fault_below_a_blank_line(tmp_path, some):
    path = write(tmp_path, change('total_rooms', 'many')(some.astype(object)))
    path.write_text(path.read_text().replace('\n', '\n\n', 1))
    with pytest.raises(CourseError) as e: read_housing(path)
    one_line(e, 'line 10', 'total_rooms', "'many'")

def test_scikit_learns_columns(tmp_path, some):
    t = some.dropna()
    theirs = pd.DataFrame(dict(MedInc=t.median_income, HouseAge=t.housing_median_age, AveRooms=t.total_rooms/t.households, AveBedrms=t.total_bedrooms/t.households,
                               Population=t.population, AveOccup=t.population/t.households, Latitude=t.latitude, Longitude=t.longitude, MedHouseVal=t.median_house_value/1e5))
    got = read_housing(write(tmp_path, theirs))
    for col in HOUSING: np.testing.assert_allclose(got[col], t[col], rtol=1e-6)
    a, b = [HousingFeatures(o.reset_index(drop=True)) for o in (got, t)]
    np.testing.assert_allclose(a.numbers(got), b.numbers(t), atol=1e-3)

def test_statistics_come_from_training_rows_and_bound_outliers(some):
    t = some.dropna().reset_index(drop=True)
    train, test = t.iloc[:200], t.iloc[200:].copy()
    f = HousingFeatures(train)
    before = f(train)
    test.loc[:, 'population'] = 1e12
    assert np.isfinite(f(test)).all() and abs(f.numbers(test)).max() <= abs(f.numbers(train)).max() + 5
    assert (f(train) == before).all()
    np.testing.assert_allclose(f.numbers(train).std(0), 1, atol=.01)
    assert f(test).shape[1] == f.numbers(test).shape[1] + f.place(test).shape[1]
