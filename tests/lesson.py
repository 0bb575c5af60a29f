"""What a lab asks of its reader, measured: how much code is to be read, how soon there is something to see and to do

`python tests/lesson.py nbs/labs/week01_playground.ipynb ...` prints it. A cell is hidden when its first line is
`#| hide`; all other code cells up to the summary are visible."""
import json, re, statistics, sys

# Name: least and most
BUDGET = dict(
    code_lines=(None, 420),
    visible_cells=(None, 80),
    median_cell=(None, 8),
    longest_cell=(None, 25),
    longest_line=(None, 100),
    first_picture=(None, 5),
    first_training=(None, 10),
    predictions=(6, None),
    exercises=(8, None),
    first_exercise_share=(None, 0.34),
    asserts=(None, 0),
    words_per_code_line=(6, None))
PICTURE = re.compile(r'\.plot\(|show_grid|show_batch|imshow|\.scatter\(|\.bar|subplots|plot_|\bshow\(|surface')
TRAINING = re.compile(r'\.fit\w*\(|fine_tune\(|\.train\(\)|\btrain\w*\(|\.backward\(|\bshow\(')
ASSERT = re.compile(r'\s*(assert|test_\w+\()')
CHECK = re.compile(r"\bcheck\('w\d")
NEVER = 999

def lines_of(text): return [l for l in text.split('\n') if l.strip()]

def first(pattern, cells): return next((n for n,s in enumerate(cells, 1) if pattern.search(s)), NEVER)

def is_read(cell, text):
    "Whether a reader meets the cell as code"
    aside = re.match(r'#\|\s*(hide|default_exp)', text) or text.startswith('# Installs the library')
    return cell['cell_type'] == 'code' and text.strip() and not aside

def before_summary(nb):
    "Pairs of a cell and its text, up to the summary"
    pairs = [(c, ''.join(c['source'])) for c in nb['cells']]
    ends = (i for i,(c, s) in enumerate(pairs) if c['cell_type'] == 'markdown' and re.search(r'^## Summary', s, re.M))
    return pairs[:next(ends, len(pairs))]

def measure(nb # A lab, as a dict
           ) -> dict: # Name: figure
    pairs = before_summary(nb)
    cells = [s for c,s in pairs if is_read(c, s)]
    code = [l for s in cells for l in lines_of(s) if not re.match(r'#\|', l)]
    sizes = [len(lines_of(s)) for s in cells]
    exercises = [n for n,s in enumerate(cells, 1) if CHECK.search(s)]
    words = sum(len(s.split()) for c,s in pairs if c['cell_type'] == 'markdown')
    return dict(
        code_lines=len(code),
        visible_cells=len(cells),
        median_cell=statistics.median(sizes or [0]),
        longest_cell=max(sizes, default=0),
        longest_line=max(map(len, code), default=0),
        first_picture=first(PICTURE, cells),
        first_training=first(TRAINING, cells),
        predictions=sum("predict('" in s for s in cells),
        exercises=len(exercises),
        first_exercise_share=round(exercises[0]/len(cells), 2) if exercises else 1.,
        asserts=sum(bool(ASSERT.match(l)) for l in code),
        words_per_code_line=round(words/max(len(code), 1), 1))

def over(figures, budget=BUDGET):
    "One line for each figure that is out of its bounds"
    for name,(least, most) in budget.items():
        value = figures[name]
        if most is not None and value > most: yield f'{name}: {value}, at most {most}'
        if least is not None and value < least: yield f'{name}: {value}, at least {least}'

if __name__ == '__main__':
    for path in sys.argv[1:]:
        with open(path, encoding='utf-8') as f: figures = measure(json.load(f))
        print(path, figures, *over(figures), sep='\n  ')
