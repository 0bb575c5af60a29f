"What is handed in packed costs the command memory by what it is, not by what it unpacks to, and costs no one else a row"
import io, json, subprocess, sys, zipfile

import pytest

NB = json.dumps(dict(cells=[dict(cell_type='code', source='x = 1')]))
NOT_MUCH = 200 # MB above what reading an ordinary hand-in takes
BOMBER, OTHERS = 'Ada_1_assignsubmission_file_', ('Bob_2_assignsubmission_file_', 'Zoe_3_assignsubmission_file_')

def zipped(files, how=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, 'w', how) as z:
        for name, data in files.items(): z.writestr(name, data)
    return out.getvalue()

def notebooks(): # 54 notebooks of 20 MB, in three archives
    inner = zipped({f'{j}.ipynb': bytes(20*2**20 - 1) for j in range(18)})
    return zipped({f'{i}.zip': inner for i in range(3)})

def lists(): # An archive that lists a million files without content
    names = zipped(dict.fromkeys(map(str, range(1000)), ''), zipfile.ZIP_STORED)
    at = int.from_bytes(names[-6:-2], 'little') # where the list begins
    listed = names[at:-22]*1000
    end = names[-22:-14] + bytes(2)*2 + len(listed).to_bytes(4, 'little') + at.to_bytes(4, 'little') + bytes(2)
    return zipped({'many.zip': names[:at] + listed + end})

def bzip2(): # 400 MB that comes in one piece, and is said to be small
    data = io.BytesIO()
    with zipfile.ZipFile(data, 'w', zipfile.ZIP_BZIP2) as z:
        with z.open('lab.ipynb', 'w') as f:
            for _ in range(20): f.write(bytes(20*2**20))
        z.getinfo('lab.ipynb').file_size = 1000
    return data.getvalue()

def json_of_lists(): # 20 MB of JSON that are 10 million objects
    return zipped({f'{i}.json': '[' + '[[]],'*(4*2**20 - 10) + '1]' for i in range(2)})

READ = '''
import json, resource, sys
from course_labs.marking.submissions import read_submissions
rows = [(s.student, s.fault) for s in read_submissions(sys.argv[1])]
print(json.dumps([rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss/1024]))'''

def read(path): # (rows, MB at most)
    out = subprocess.run([sys.executable, '-c', READ, str(path)], capture_output=True, text=True, check=True)
    return json.loads(out.stdout)

@pytest.mark.parametrize('bomb,place', [(notebooks, 'a folder'), (notebooks, 'an archive'), (lists, 'an archive'),
                                        (bzip2, 'an archive'), (json_of_lists, 'an archive')])
def test_an_archive_that_unpacks_to_much_costs_its_own_row(bomb, place, tmp_path):
    small = tmp_path/'small.zip'
    small.write_bytes(zipped({f'{o}/lab.ipynb': NB for o in OTHERS}))
    files = {f'{BOMBER}/lab.zip': bomb(), **{f'{o}/lab.ipynb': NB.encode() for o in OTHERS}}
    if place == 'an archive': (path := tmp_path/'all.zip').write_bytes(zipped(files))
    else:
        for name, data in files.items():
            (file := (path := tmp_path/'in')/name).parent.mkdir(parents=True)
            file.write_bytes(data)
    (_, before), (rows, most) = read(small), read(path)
    assert {tuple(o) for o in rows if o[0] != 'Ada'} == {('Bob', ''), ('Zoe', '')}
    assert any(o[0] == 'Ada' for o in rows)
    assert most - before < NOT_MUCH, f'{most - before:.0f} MB'
