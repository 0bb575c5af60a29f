"Starter notebooks for homework"
from course_labs.teaching.homework import write_homework

def test_the_homework_notebook_is_whole(tmp_path):
    import nbformat
    nb = nbformat.read(write_homework(tmp_path/'h.ipynb', "a'b.csv"), 4)
    nbformat.validate(nb)
    assert sum('your part' in c.source.lower() for c in nb.cells) >= 3
    for c in nb.cells:
        if c.cell_type == 'code': compile(c.source, 'cell', 'exec')
