"Files of sentence pairs: bad ones in one line, labels by name and number, and splits by premise"
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from course_labs.data_sets.pairs import read_pairs, split_by_premise
from course_labs.core.files import CourseError

GOOD = ''.join(f'premise {i}\thypothesis {i} {j}\t{j}\n' for i in range(12) for j in range(3))
def pairs_file(tmp_path, text, encoding='utf8'):
    path = tmp_path/'pairs.tsv'
    path.write_bytes(text.encode(encoding))
    return path

HEAD = 'premise\thypothesis\tlabel\n'
BAD = {'empty file': ('', 'pairs.tsv is empty: expected a tab-separated file'),
       'header only': (HEAD, 'no labelled pairs'),
       'only undecided': (HEAD + 'a\tb\t-1\n', 'no labelled pairs'),
       'one class': (HEAD + 'a\tb\t0\nc\td\t0\n', 'all 2 pairs are labelled entailment'),
       'unknown label': (HEAD + 'a\tb\t0\nc\td\tperhaps\n', "unknown labels 'perhaps'"),
       'number too high': (HEAD + 'a\tb\t0\nc\td\t3\n', "unknown labels '3'"),
       'names and numbers': (HEAD + 'a\tb\t0\nc\td\tneutral\n', 'by name and by number'),
       'missing label': (HEAD + 'a\tb\t0\nc\td\t\n', "unknown labels ''"),
       'no header': (GOOD, 'no column premise, hypothesis, label'),
       'missing column': ('premise\tlabel\na\t0\n', 'no column hypothesis; found premise, label'),
       'jsonl': ('{"annotator_labels": ["neutral"], "gold_label": "-", "sentence1": "' + 'A person. '*99 + '"}\n', 'separated by tabs'),
       "Stanford's own": ('gold_label\tsentence1\tsentence2\n-\ta\tb\n', 'no column premise, hypothesis, label; found gold_label, sentence1, sentence2'),
       'commas': ('premise,hypothesis,label\na,b,0\n', 'separated by tabs'),
       'empty text': (HEAD + 'a\tb\t0\n\tb\t1\na\t  \t2\n', '2 rows with an empty premise or hypothesis, on lines 3, 4'),
       'short row': (HEAD + 'a\tb\t0\na\n', 'empty premise or hypothesis, on lines 3'),
       'too many fields': (HEAD + 'a\tb\t0\na\tb\t0\tmore\tand\tmore\n', 'line 3 has 6 fields, but 3 were expected'),
       'one field too many': (HEAD + 'a\tb\t0\na\tb\t0\tmore\n', 'line 3: 4 fields, but 3 were expected'),
       'an index in all rows': (HEAD + '0\ta\tb\t0\n1\tc\td\t1\n', 'line 2: 4 fields, but 3 were expected'),
       'empty text below a blank line': (HEAD + 'a\tb\t0\n\na\t\t1\n', 'on lines 4')}

@pytest.mark.parametrize('case', BAD)
def test_bad_files_say_what_is_wrong(tmp_path, case):
    text, message = BAD[case]
    with pytest.raises(CourseError) as e: read_pairs(pairs_file(tmp_path, text))
    assert message in str(e.value) and len(str(e.value).splitlines()) == 1 and 'pairs.tsv' in str(e.value) and len(str(e.value)) < 400

def test_not_text(tmp_path):
    with pytest.raises(CourseError, match='cannot be read'): read_pairs(pairs_file(tmp_path, HEAD + 'café\tb\t0\n', 'latin-1'))
    with pytest.raises(CourseError, match='no such file'): read_pairs(tmp_path/'missing.tsv')

@pytest.mark.parametrize('labels,classes', [(('0', '1', '2'), ['entailment', 'neutral', 'contradiction']), (('0', '1'), ['entailment', 'not_entailment']), (('0', '2'), ['entailment', 'contradiction']),
                                            (('Contradiction', 'ENTAILMENT', 'neutral'), ['entailment', 'neutral', 'contradiction']), (('not_entailment', 'entailment'), ['entailment', 'not_entailment'])])
def test_labels(tmp_path, labels, classes):
    df = read_pairs(pairs_file(tmp_path, '\ufeff' + HEAD + ''.join(f'None\t"quoted {i}\t{l}\n' for i,l in enumerate(labels)) + 'x\ty\t-\n'))
    assert df.attrs['classes'] == classes and df.attrs['dropped'] == 1 and sorted(df.label) == list(range(len(labels)))
    assert set(df.premise) == {'None'} and df.hypothesis[0] == '"quoted 0'

@pytest.mark.parametrize('text', ['\tpremise\thypothesis\tlabel\n0\ta\tb\t0\n1\tc\u2028\x85d\t"e\t1\n', HEAD + 'a\tb\t0\t\nc\u2028\x85d\t"e\t1\t\n', HEAD.replace('\n', '\t\n') + 'a\tb\t0\t\nc\u2028\x85d\t"e\t1\t\n',
                                  HEAD + 'a\tb\t0\n\nc\u2028\x85d\t"e\t1\n\n', (HEAD + 'a\tb\t0\nc\u2028\x85d\t"e\t1\n').replace('\n', '\r\n')],
                         ids=['index', 'tab at the end', 'tab at the end of all', 'blank lines', 'CRLF'])
def test_tables_as_other_programs_write_them(tmp_path, text):
    "With separators of lines in a sentence, which are none to a table"
    assert read_pairs(pairs_file(tmp_path, text)).values.tolist() == [['a', 'b', 0], ['c\u2028\x85d', '"e', 1]]

@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 2)), min_size=60, max_size=200), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_no_premise_on_both_sides(rows, seed):
    df = pd.DataFrame([(f'p{p}', f'h{i}', y) for i,(p,y) in enumerate(rows)], columns=['premise', 'hypothesis', 'label'])
    df.attrs['classes'] = list('abc')
    try: train, valid = split_by_premise(df, 100, 30, seed)
    except CourseError as e: assert 'too few' in str(e); return
    assert not set(train.premise) & set(valid.premise) and train.label.nunique() == valid.label.nunique() == 3
    assert len(valid) >= min(30, len(df)//4) and len(train) + len(valid) <= len(df)

def test_too_few_premises(tmp_path):
    with pytest.raises(CourseError, match='about 1 premises are too few'): split_by_premise(read_pairs(pairs_file(tmp_path, HEAD + 'a\tb\t0\na\tc\t1\na\td\t2\n')), 10, 10)
