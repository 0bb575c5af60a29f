"fastkaggle's one line does what week 4 says of it, on a machine of one's own and on Kaggle"
import zipfile
from pathlib import Path

import fastkaggle.core as fk

class StandIn:
    "Kaggle's API, as far as `setup_comp` uses it: an archive of one file"
    def competition_download_cli(self, competition):
        with zipfile.ZipFile(f'{competition}.zip', 'w') as z:
            z.writestr('train.csv', 'image_id,label\n1.jpg,blast\n')

def test_setup_comp_downloads_and_unpacks_on_a_machine_of_ones_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(fk, 'iskaggle', '')
    monkeypatch.setattr(fk, 'import_kaggle', StandIn)
    folder = fk.setup_comp('paddy-disease-classification')
    assert [o.name for o in folder.iterdir()] == ['train.csv']

def test_setup_comp_finds_what_kaggle_has_attached(monkeypatch):
    monkeypatch.setattr(fk, 'iskaggle', 'Interactive')
    assert fk.setup_comp('paddy-disease-classification') == Path('../input/paddy-disease-classification')
