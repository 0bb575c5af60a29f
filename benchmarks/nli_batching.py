#!/usr/bin/env python3
"""Pairs a second through Trainer: every pair padded to 128 tokens, against dynamic padding with length grouping, in turn.

    python benchmarks/nli_batching.py [--pairs N] [--epochs N] [--seeds N] [--json]

Both train the same small DeBERTa from the same random weights on the same pairs, for the same epochs; seeds alternate between
the two. Error is on held-out pairs about other premises. The accuracies are called equal when the means differ by no more
than the larger spread over the seeds and twice the standard error of an accuracy. Two nets that learnt nothing are equal as
well, so it says too whether every run beat the commonest class. The cost of growth is the time of a pair in one epoch over a
quarter, a half and all pairs.
"""
import math, statistics, tempfile, time

from course_labs.publishing.bench_report import compared, paired, script

def measure(pairs, epochs, seeds, pad_to=128):
    "Times of a pair and errors of both, whether the accuracies are equal, and the time of a pair over their number"
    import pandas as pd, torch
    from course_labs.data_sets.registry import get
    from course_labs.core.machine import seed_everything
    from course_labs.data_sets.pairs import read_pairs, split_by_premise
    from course_labs.training.text_pairs import encode_pairs, pair_trainer, predict_pairs
    from course_labs.weeks.nli import accuracy, pair_tokenizer, small_deberta, train_tokenizer
    df = read_pairs(get('pairs', 'tiny'))
    train, valid = split_by_premise(df, pairs, 1000)
    texts = pd.concat([train.premise.drop_duplicates(), train.hypothesis])
    tok = pair_tokenizer(train_tokenizer(texts, 'WordPiece', 4000, lowercase=True))
    def make(): return small_deberta(len(tok), max_len=pad_to)
    rows, valid_rows = encode_pairs(train, tok, pad_to), encode_pairs(valid, tok, pad_to)
    ways, errors = dict(grouped={}, padded=dict(pad_to=pad_to, grouped=False)), dict(grouped=[], padded=[])
    def run(way, seed, epochs, rows=rows, score=True):
        seed_everything(seed)
        with tempfile.TemporaryDirectory() as out:
            trainer = pair_trainer(make(), tok, rows, out, epochs, seed=seed, **ways[way])
            start = time.perf_counter()
            trainer.train()
            seconds = time.perf_counter() - start
        if score: errors[way].append(1 - accuracy(predict_pairs(trainer.model, tok, valid_rows), valid.label))
        return 1000*seconds/(len(rows)*epochs)
    for way in ways: run(way, 0, .1, score=False)  # what is done once is not measured
    seed = dict(grouped=0, padded=0)
    def turn(way): seed[way] += 1; return run(way, seed[way], epochs)
    times = paired(lambda: turn('grouped'), lambda: turn('padded'), seeds)
    both, sampling = list(zip(errors['grouped'], errors['padded'])), math.sqrt(.25/len(valid))
    g, p = (statistics.mean(errors[o]) for o in ('grouped', 'padded'))
    equal = abs(g - p) <= max(*(max(errors[o]) - min(errors[o]) for o in errors), 2*sampling)
    majority = 1 - float((valid.label == train.label.mode()[0]).mean())
    learnt = all(e < majority - 2*sampling for o in errors.values() for e in o)
    sizes = [len(rows)//4, len(rows)//2, len(rows)]
    curve = [run('grouped', 9, 1, rows.select(range(n)) if hasattr(rows, 'select') else rows[:n], score=False) for n in sizes]
    return dict(about=f"{len(rows)} pairs, {epochs} epochs, {seeds} seeds, {torch.get_num_threads()} threads; error of the commonest class {majority:.3f}; "
                      f"accuracies {'equal within the spread' if equal else 'DIFFER'}; {'every run learnt' if learnt else 'NOT EVERY RUN LEARNT: give more pairs or epochs'}",
                rows=[compared('a pair, lengths grouped', 'padded to 128 tokens', times, 'ms', '>= 2'), compared('error on held-out pairs', 'padded to 128 tokens', both, '', gain=False)],
                growth=[dict(what='lengths grouped', x='pairs', xs=sizes, ys=curve, unit='ms a pair')])

if __name__ == '__main__': script(measure, 'nli_batching', __doc__, dict(pairs=300, epochs=1, seeds=1), pairs=2400, epochs=3, seeds=2)
