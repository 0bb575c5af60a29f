"Files of ratings: layouts, titles, scales, and one line for what is none"
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from course_labs.data_sets import ratings as R
from course_labs.data_sets.registry import get
from course_labs.core.files import CourseError

HEADER = 'userId,movieId,rating,timestamp\n'
GOOD = 'ann,m1,4,10\nann,m2,2,20\nbob,m1,5,30\nbob,m2,1,40\ncy,m1,3,50\n'

def write(folder, text, name='ratings.csv'):
    path = folder/name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path

def test_the_tiny_set_is_what_the_generator_draws():
    a, b = R.read_ratings(get('ratings')), R.draw_ratings().ratings
    assert a.titles == b.titles and not a.notes
    for f in ('users', 'items', 'values', 'times'): assert np.array_equal(getattr(a, f), getattr(b, f))
    folder = get('ratings').parent
    assert sum(f.stat().st_size for f in folder.iterdir()) < 400_000

@pytest.mark.parametrize('text, says', [
    ('', 'is empty'),
    ('  \n\n', 'is empty'),
    (HEADER, 'no ratings'),
    ('person,film,rating\n' + GOOD, 'no column for user and item'),
    ('userId,movieId,stamp\n' + GOOD, 'no column for rating'),
    ('1,2,3\n4,5,6\n', 'no column for user'),
    (HEADER + GOOD + 'bob,m3,good,1\n', "line 7: the rating 'good'"),
    (HEADER + GOOD + 'bob,m3,nan,1\n', "line 7: the rating 'nan'"),
    (HEADER + GOOD + 'bob,m3,inf,1\n', 'line 7: the rating'),
    (HEADER + GOOD + 'bob,m3,-inf,1\nbob,m4,inf,1\n', '2 such lines'),
    (HEADER + GOOD + 'bob,m3,1e999,1\n', 'line 7: the rating'),
    (HEADER + GOOD + 'bob,m3,,1\n', 'line 7: the rating'),
    (HEADER + GOOD + ',m3,4,1\n', 'line 7: no user'),
    (HEADER + GOOD + 'bob,,4,1\n', 'line 7: no item'),
    (HEADER + GOOD + 'bob,m3,4,1,7,8\n', 'not a table'),
    (HEADER + 'ann,m1,4,1\nann,m2,3,1\n', 'a single user'),
    (HEADER + 'ann,m1,4,1\nbob,m1,3,1\n', 'a single item'),
    (HEADER + 'ann,m1,4,1\nbob,m2,4,1\n', 'every rating is 4'),
    (b'PK\x03\x04\0\0\0', 'not a text file'),
])
def test_what_is_no_file_of_ratings_is_said_in_one_line(tmp_path, text, says):
    with pytest.raises(CourseError) as e: R.read_ratings(write(tmp_path, text))
    assert says in str(e.value) and '\n' not in str(e.value) and 'ratings.csv' in str(e.value)

def test_a_missing_file_and_an_empty_folder(tmp_path):
    with pytest.raises(CourseError, match='cannot be read'): R.read_ratings(tmp_path/'none.csv')
    with pytest.raises(CourseError, match='no u.data or ratings.csv'): R.read_ratings(tmp_path)

@pytest.mark.parametrize('text', [HEADER + GOOD, (HEADER + GOOD).replace(',', '\t'), (HEADER + GOOD).replace(',', ';'), '\ufeff' + HEADER + GOOD, (HEADER + GOOD).replace('\n', '\r\n'),
                                  GOOD.replace(',', '\t'), GOOD.replace(',', '::'), HEADER + GOOD + '\n\n', 'User ID,Item_ID,Score,Time\n' + GOOD])
def test_layouts(tmp_path, text):
    r = R.read_ratings(write(tmp_path, text))
    assert (len(r), r.n_users, r.n_items, r.scale) == (5, 3, 2, (1, 5))
    assert list(r.user_ids) == ['ann', 'bob', 'cy'] and r.times.tolist() == [10, 20, 30, 40, 50]

def test_duplicates_keep_the_last_line_and_are_counted(tmp_path):
    r = R.read_ratings(write(tmp_path, HEADER + GOOD + 'ann,m1,1,60\nann,m1,2,5\n'))
    assert len(r) == 5 and '2 ratings' in r.notes[0]
    assert r.values[(r.users == 0) & (r.items == 0)].tolist() == [2]

def test_titles_that_are_missing_are_counted(tmp_path):
    write(tmp_path, 'movieId,title,genres\nm1,"Sea, the",x\n', 'movies.csv')
    r = R.read_ratings(write(tmp_path, HEADER + GOOD))
    assert r.titles == ['Sea, the', 'm2'] and '1 of 2 items have no title' in r.notes[0]
    write(tmp_path, 'a,b\n1,2\n', 'movies.csv')
    with pytest.raises(CourseError, match='no column for item or title'): R.read_ratings(tmp_path/'ratings.csv')

def test_latin_titles(tmp_path):
    write(tmp_path, 'm1|Les Misérables|1995\nm2|Über|1999\n'.encode('latin-1'), 'u.item')
    assert R.read_ratings(write(tmp_path, GOOD.replace(',', '\t'), 'u.data')).titles == ['Les Misérables', 'Über']

def test_other_scales_and_no_times(tmp_path):
    r = R.read_ratings(write(tmp_path, 'user,item,rating\na,x,0\na,y,100\nb,x,40\n'))
    assert r.scale == (0, 100) and r.y_range == (-5, 105) and r.like_at == 70 and r.times is None
    for split in (R.split_by_time, R.split_leave_last):
        with pytest.raises(CourseError, match='no times'): split(r)
    assert [len(o) for o in R.split_random(r, 0.01)] == [2, 1]
    with pytest.raises(CourseError, match='between 0 and 1'): R.split_random(r, 1.)

@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(1, 10), st.integers(0, 50)), min_size=1, max_size=60))
def test_what_is_written_is_read_back(tmp_path, rows):
    text = ''.join(f'{u}\t{i}\t{v}\t{t}\n' for u,i,v,t in rows)
    want = {(u, i): v for u,i,v,t in rows}
    try: r = R.read_ratings(write(tmp_path, text, 'u.data'))
    except CourseError: assert len({u for u,*_ in rows}) < 2 or len({i for _,i,*_ in rows}) < 2 or len({v for *_,v,_ in rows}) == 1
    else:
        assert {(int(u), int(i)): v for u,i,v in zip(r.user_ids[r.users], r.item_ids[r.items], r.values)} == want
        for split in (R.split_random, R.split_by_time, R.split_leave_last): assert sorted(np.concatenate(split(r)).tolist()) == list(range(len(r)))

@pytest.mark.parametrize('ids', [['0123', '123', '77'], ['1e2', '100', '77'], ['9007199254740993.0', '9007199254740992', '77'], ['TRUE', 'FALSE', 'true'], ['0x1', '1', '01'], ['+7', '7', '8'], ['-0', '0', '8'],
                                 ['1.0', '1', '2'], [str(10**18), '7', '8'], ['TRUE', 'FALSE', 'x']])
def test_ids_are_names(tmp_path, ids):
    text = 'userId,movieId,rating\n' + ''.join(f'{u},{i},{(k + i) % 5 + 1}\n' for k, u in enumerate(ids) for i in (1, 2))
    r = R.read_ratings(write(tmp_path, text))
    assert list(r.user_ids) == sorted(ids) and len(r) == 6
    assert r.item_ids.tolist() == [1, 2], 'whole numbers are ordered as numbers'

@pytest.mark.parametrize('before', range(5))
def test_a_zero_in_front_is_seen_where_a_file_is_read_in_blocks(tmp_path, before):
    "The blocks have 2**20 bytes; the 0 of 07 stands before, on and behind the border"
    rows = 'user,item,rating\n' + ''.join(f'{u},{i},{(u + i) % 5 + 1}\n' for u in (8, 9) for i in (1, 2))
    fill = 2**20 - before - len(rows) - len('8,1,')
    r = R.read_ratings(write(tmp_path, rows + '8,1,' + '3'.ljust(fill - 1) + '\n07,1,4\n7,2,5\n'))
    assert list(r.user_ids) == ['07', '7', '8', '9']

def test_ids_that_are_no_numbers_far_down(tmp_path):
    "The first part of the file has whole numbers only"
    rows = 'user,item,rating\n' + ''.join(f'{k % 300 + 10},{k % 7 + 1},{k % 5 + 1}\n' for k in range(300_000))
    r = R.read_ratings(write(tmp_path, rows + 'ann,1,3\n'))
    assert list(r.user_ids[[0, -1]]) == ['10', 'ann'] and r.n_users == 301

def test_text_that_holds_a_tab_between_double_colons(tmp_path):
    r = R.read_ratings(write(tmp_path, GOOD.replace(',', '::').replace('bob', 'b\to b'), 'ratings.dat'))
    assert list(r.user_ids) == ['ann', 'b\to b', 'cy'] and r.times.tolist() == [10, 20, 30, 40, 50]

def test_whole_numbers_are_in_their_order(tmp_path):
    text = 'user,item,rating\n' + ''.join(f'{u},{i},{(u + i) % 5 + 1}\n' for u in (10, 9, 100) for i in (-1, 2))
    r = R.read_ratings(write(tmp_path, text))
    assert r.user_ids.tolist() == [9, 10, 100] and r.item_ids.tolist() == [-1, 2]

def test_an_accent_after_64_kb(tmp_path):
    rows = [f'{k}|Title {k}|01-Jan-1995||http://x|0\n' for k in range(6000)] + ['6000|Café|x||y|0\n']
    assert R.read_titles(write(tmp_path, ''.join(rows).encode('latin-1'), 'u.item'), [6000, 0]) == (['Café', 'Title 0'], 0)

@pytest.mark.parametrize('name, text', [
    ('movies.csv', 'movieId,title,genres\n1,None,A|B\n2,"NA, or not",B\n'),
    ('movies.dat', '1::None::A|B\n2::NA, or not::B\n'),
    ('u.item', '1|None|x\n2|NA, or not|x\n'),
    ('u.item', 'movieId|title\n1|None\n2|NA, or not\n'),
    ('movies.csv', ',movieId,title,\n0,1,None,\n1,2,"NA, or not",\n'),
])
def test_titles_that_look_like_blanks_and_files_without_header(tmp_path, name, text):
    write(tmp_path, text, name)
    r = R.read_ratings(write(tmp_path, '1::1::4::9\n1::2::2::9\n2::1::5::9\n', 'ratings.dat'))
    assert r.titles == ['None', 'NA, or not'] and not r.notes

@pytest.mark.parametrize('text', [
    (HEADER + GOOD).replace('\n', ',\n'),                      # a separator at the end of each line
    HEADER + GOOD.replace('\n', ',\n'),                        # of each but the header
    ',' + HEADER + ''.join(f'{k},{o}\n' for k, o in enumerate(GOOD.splitlines())), # a column without a name
    GOOD.replace(',', '|'), GOOD.replace(',', '|').replace('\n', '|\n'),
    (HEADER + GOOD).replace('ann', ' ann '),
])
def test_separators_at_the_end_and_columns_without_a_name(tmp_path, text):
    r = R.read_ratings(write(tmp_path, text))
    assert list(r.user_ids) == ['ann', 'bob', 'cy'] and r.item_ids.tolist() == ['m1', 'm2'] and r.times.tolist() == [10, 20, 30, 40, 50]

def test_one_field_too_many_is_refused_with_its_line(tmp_path):
    for where in (0, 2):  # also in the first line below the header, where all columns would move by one
        rows = GOOD.splitlines()
        rows[where] += ',9'
        with pytest.raises(CourseError, match=f'ratings.csv, line {where + 2}: 5 fields, but 4 were expected'):
            R.read_ratings(write(tmp_path, HEADER + '\n'.join(rows) + '\n'))
    write(tmp_path, 'movieId,title\nm1,Sea, the\n', 'movies.csv')
    with pytest.raises(CourseError, match='movies.csv, line 2: 3 fields, but 2 were expected; put text that holds a separator between quotes'):
        R.read_ratings(write(tmp_path, HEADER + GOOD))

def test_no_titles_at_all(tmp_path):
    assert R.read_ratings(write(tmp_path, HEADER + GOOD)).titles == ['m1', 'm2']
