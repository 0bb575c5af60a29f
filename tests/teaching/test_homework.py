"Starter notebooks for homework"
from course_labs.teaching.homework import write_homework

def test_the_homework_notebook_is_whole(tmp_path):
    import nbformat
    nb = nbformat.read(write_homework(tmp_path/'h.ipynb', "a'b.csv"), 4)
    nbformat.validate(nb)
    assert sum('your part' in c.source.lower() for c in nb.cells) >= 3
    for c in nb.cells:
        if c.cell_type == 'code': compile(c.source, 'cell', 'exec')

def test_the_starter_runs_as_it_stands(tmp_path, monkeypatch):
    "On ratings in another scale; what it writes is the file of recommendations"
    import json
    from dataclasses import replace
    from course_labs.data_sets.ratings import draw_ratings, write_movielens
    drawn = draw_ratings(60, 40, 1500, seed=3).ratings
    file = write_movielens(replace(drawn, values=2*drawn.values), tmp_path/'data')
    notebook, names = write_homework(tmp_path/'h.ipynb', file), {}
    monkeypatch.chdir(tmp_path)
    for cell in json.loads(notebook.read_text(encoding='utf-8'))['cells']:
        if cell['cell_type'] == 'code': exec(''.join(cell['source']), names)
    assert names['ratings'].scale == (2, 10) and len(names['recommended']) == 10
    assert (tmp_path/'recommended.csv').exists()
