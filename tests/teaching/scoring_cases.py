"""One table of cases for the marking in Python and in the page: question, answer (places as in the file), score

`numeric` answers are what somebody typed; None as a score means that this is no number. Both sides mark every case:
tests/teaching/test_scoring.py."""

def _rows(*texts, key='text'): return [{key: t, 'feedback': f'What is to say about {t}.'} for t in texts]

def _question(kind, **fields):
    return dict(id='w1.q01', kind=kind, concepts=['w1.1'], difficulty=1, week=1, text=f'A question of the kind {kind}.', **fields)

def _options(*right): return [dict(o, right=i in right) for i,o in enumerate(_rows('a', 'b', 'c', 'd'))]

def _number(answer, tolerance=0, traps=(), unit=''):
    traps = [dict(formula=str(t), value=t, feedback=f'That is the mistake that gives {t}.') for t in traps]
    return _question('numeric', formula=str(answer), answer=answer, tolerance=tolerance, unit=unit, right='Yes, it is this one.',
                     wrong='No, it is another one.', traps=traps)

SINGLE, MULTI = _question('single', options=_options(2)), _question('multi', options=_options(0, 3))
ORDER = _question('order', items=_rows('one', 'two', 'three', 'four'))
MATCH = _question('match', pairs=[dict(left=f'l{i}', right=f'r{i}', feedback=f'l{i} belongs to r{i}.') for i in range(4)])
SHORT = _question('short', model='A model answer.', points=['first', 'second', 'third'])
ESSAY = _question('essay', outline=['a', 'b', 'c'],
                  rubric=[dict(criterion=c, marks=m, full='Full marks for this.') for c,m in (('x', 4), ('y', 3), ('z', 3))])
EIGHTH, HALF, LARGE = _number(0.125, 0.001, traps=[125, 0.5]), _number(2.5), _number(1234567, traps=[1.234567])
THOUSAND, QUARTER, MINUS, ZERO = _number(1000), _number(-0.25, 0.01), _number(-2), _number(0)
FIVE_QUARTERS, PERCENT = _number(1.25, 0.001), _number(6.3, 0.05, unit='%')

CASES = [
    *[(SINGLE, i, float(i == 2)) for i in range(4)],
    (MULTI, [0, 3], 1), (MULTI, [3, 0], 1), (MULTI, [0], 0), (MULTI, [0, 1, 3], 0), (MULTI, [0, 1, 2, 3], 0),
    (MULTI, [1, 2], 0), (MULTI, [], 0),
    (ORDER, [0, 1, 2, 3], 1), (ORDER, [1, 0, 2, 3], 0), (ORDER, [3, 2, 1, 0], 0), (ORDER, [0, 1, 3, 2], 0),
    (MATCH, [0, 1, 2, 3], 1), (MATCH, [1, 0, 2, 3], 0), (MATCH, [0, 0, 0, 0], 0), (MATCH, [3, 3, 2, 1], 0),
    (SHORT, [True, True, True], 1), (SHORT, [True, False, True], 2/3), (SHORT, [False, True, False], 1/3),
    (SHORT, [False, False, False], 0),
    (ESSAY, [4, 3, 3], 1), (ESSAY, [2, 1, 0], 0.3), (ESSAY, [0, 0, 0], 0), (ESSAY, [9, 3, 3], 1), (ESSAY, [-2, 3, 3], 0.6),
    # one eighth, as people write it; 125 is what a reader makes of it who takes the comma for one of thousands
    (EIGHTH, '0.125', 1), (EIGHTH, '0,125', 1), (EIGHTH, '.125', 1), (EIGHTH, ',125', 1), (EIGHTH, '1/8', 1),
    (EIGHTH, ' 1 / 8 ', 1), (EIGHTH, '125e-3', 1), (EIGHTH, '1,25E-1', 1), (EIGHTH, '0.1259', 1), (EIGHTH, '0.126', 1),
    (EIGHTH, '0.1261', 0), (EIGHTH, '0.124', 1), (EIGHTH, '0.1239', 0), (EIGHTH, '125', 0), (EIGHTH, '0,5', 0),
    (EIGHTH, '-0.125', 0), (EIGHTH, '-0,125', 0), (EIGHTH, '0.125 %', None), (EIGHTH, '12.5%', None), (EIGHTH, '+0,125', 1), (EIGHTH, '1/0,8', 0),
    (HALF, '2.5', 1), (HALF, '2 1/2', 1), (HALF, '+2 1/2', 1), (HALF, '2\u00a01/2', 1), (HALF, '5/2', 1), (HALF, '2,5', 1), (HALF, '10.5', 0),
    (HALF, '-2 1/2', 0), (HALF, '2 2/1', None), (HALF, '2.50', 1), (HALF, '2 1/2 %', None), (HALF, '2.5.', None),
    (LARGE, '1234567', 1), (LARGE, '1,234,567', 1), (LARGE, '1 234 567', 1), (LARGE, '1\u202f234\u202f567', 1), (LARGE, '1,234,567.0', 1),
    (LARGE, '1 234 567,0', 1), (LARGE, '1.234567e6', 1), (LARGE, '1,234567', 0), (LARGE, '1,234,56', None),
    (LARGE, '1.234.567', None), (LARGE, '1234,567', 0), (LARGE, '12 34 567', None),
    (THOUSAND, '1000', 1), (THOUSAND, '1,000', 1), (THOUSAND, '1 000', 1), (THOUSAND, ' 1000\t', 1), (THOUSAND, '1e3', 1),
    (THOUSAND, '1,000.5', 0), (THOUSAND, '0,001', 0), (THOUSAND, '01,000', 0), (THOUSAND, '1 00', None),
    (QUARTER, '-0.25', 1), (QUARTER, '-0,250', 1), (QUARTER, '\u22120,25', 1), (QUARTER, '- 1/4', 1), (QUARTER, '-1/4', 1),
    (QUARTER, '1/-4', 1), (QUARTER, '0.25', 0), (QUARTER, '-0,26', 1), (QUARTER, '-0,27', 0),
    # one comma before three digits: of a whole number it groups thousands, else it can be read in two ways and is asked back
    (FIVE_QUARTERS, '1,250', None), (FIVE_QUARTERS, '-1,250', None), (FIVE_QUARTERS, '+1,250', None), (FIVE_QUARTERS, '1,250/1', None),
    (FIVE_QUARTERS, '1,250e0', None), (FIVE_QUARTERS, '1.250', 1), (FIVE_QUARTERS, '1,25', 1), (FIVE_QUARTERS, '1,2500', 1),
    (FIVE_QUARTERS, '1 1/4', 1), (FIVE_QUARTERS, '01,250', 1), (FIVE_QUARTERS, '1250', 0), (FIVE_QUARTERS, '1 250', 0),
    (FIVE_QUARTERS, '1,250,000', 0), (FIVE_QUARTERS, '1,250.0', 0), (EIGHTH, '0,125', 1), (EIGHTH, '-0,001', 0),
    # a percent sign counts for nothing where a percentage is asked for, and is asked about elsewhere
    (PERCENT, '6.3 %', 1), (PERCENT, '6,3%', 1), (PERCENT, '6.3', 1), (PERCENT, '0.063', 0), (PERCENT, '6,300', None), (PERCENT, '%', None),
    (QUARTER, '-25%', None), (QUARTER, '-25 %', None), (QUARTER, '-0.25%', None), (QUARTER, '-25', 0),
    (MINUS, '-2', 1), (MINUS, '\u22122', 1), (MINUS, '−2', 1), (MINUS, '2', 0), (MINUS, '-1 2/2', None), (MINUS, '-4/2', 1),
    (ZERO, '0', 1), (ZERO, '-0', 1), (ZERO, '0,000', 1), (ZERO, '0/5', 1), (ZERO, '1e-400', 1), (ZERO, '0.', 1),
    *[(ZERO, o, None) for o in ('', ' ', '-', '.', ',', '/', 'abc', '1/0', '1/2/3', '--1', '1e999', '0x10', '0 0', '1_0', 'nan',
                                'Infinity', '١', '1,2,3', '1e', 'e3', '%', '9'*400 + ' 1/2', '1;2', '0 1/0')],
]
