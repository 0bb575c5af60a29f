#!/usr/bin/env python3
"""Pairs a second through Trainer: every pair padded to 128 tokens, against dynamic padding with length grouping, in one run.

    python benchmarks/nli_batching.py [--pairs N] [--epochs N] [--seeds N]

Both train the same small DeBERTa from the same random weights on the same pairs, for the same epochs; seeds alternate between
the two. Accuracy is on held-out pairs about other premises. The accuracies are called equal when the means differ by no more
than the larger spread over the seeds and twice the standard error of an accuracy. Two nets that learnt nothing are equal as
well, so it says too whether every run beat the commonest class.
"""
import argparse, json, math, statistics, tempfile, time

def measure(n_train:int=2400, epochs:int=3, seeds:int=2, pad_to:int=128) -> dict:
    "Rates and accuracies of both, the ratio of the rates, and whether the accuracies are equal"
    import pandas as pd, torch
    from course_labs.datasets import get
    from course_labs.nli import accuracy, encode_pairs, pair_model, pair_trainer, predict_pairs, read_pairs, split_by_premise
    from course_labs.runtime import seed_everything
    df = read_pairs(get('pairs', 'tiny'))
    train, valid = split_by_premise(df, n_train, 1000)
    make, tok = pair_model('from_config', pd.concat([train.premise.drop_duplicates(), train.hypothesis]), 3, max_len=pad_to)
    rows, valid_rows = encode_pairs(train, tok, pad_to), encode_pairs(valid, tok, pad_to)
    def run(seed, epochs, **kwargs):
        seed_everything(seed)
        with tempfile.TemporaryDirectory() as out:
            trainer = pair_trainer(make(), tok, rows, out, epochs, seed=seed, **kwargs)
            start = time.perf_counter()
            trainer.train()
            seconds = time.perf_counter() - start
        return len(rows)*epochs/seconds, accuracy(predict_pairs(trainer.model, tok, valid_rows), valid.label)
    ways = dict(padded=dict(pad_to=pad_to, grouped=False), grouped={})
    for kwargs in ways.values(): run(0, .1, **kwargs)  # what is done once is not measured
    results = {name: [] for name in ways}
    for seed in range(1, seeds + 1):
        for name, kwargs in ways.items(): results[name].append(run(seed, epochs, **kwargs))
    res = dict(pairs=len(rows), epochs=epochs, seeds=seeds, threads=torch.get_num_threads(), majority=round(float((valid.label == train.label.mode()[0]).mean()), 3))
    for name, r in results.items():
        rates, accs = zip(*r)
        res[name] = dict(pairs_a_second=round(statistics.median(rates)), accuracy=round(statistics.mean(accs), 3), lowest=round(min(accs), 3), highest=round(max(accs), 3))
    spread = max(res[o]['highest'] - res[o]['lowest'] for o in ways)
    res['ratio'] = round(statistics.median(g[0]/p[0] for p,g in zip(*results.values())), 2)
    res['equal_accuracy'] = abs(res['padded']['accuracy'] - res['grouped']['accuracy']) <= max(spread, 2*math.sqrt(.25/len(valid)))
    res['learnt'] = all(res[o]['lowest'] > res['majority'] + 2*math.sqrt(.25/len(valid)) for o in ways)
    return res

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--pairs', type=int, default=2400, help='training pairs')
    parser.add_argument('--epochs', type=int, default=3)
    parser.add_argument('--seeds', type=int, default=2)
    parser.add_argument('--json', action='store_true', help='print the numbers as JSON')
    args = parser.parse_args()
    res = measure(args.pairs, args.epochs, args.seeds)
    if args.json: return print(json.dumps(res))
    print(f"{res['pairs']} pairs, {res['epochs']} epochs, {res['seeds']} seeds, {res['threads']} threads; commonest class {res['majority']:.3f}")
    for name in ('padded', 'grouped'):
        r = res[name]
        print(f"{name:<8} {r['pairs_a_second']:>6} pairs/s   accuracy {r['accuracy']:.3f} ({r['lowest']:.3f} to {r['highest']:.3f})")
    print(f"ratio {res['ratio']}; accuracies {'equal within the spread' if res['equal_accuracy'] else 'DIFFER'}; {'every run learnt' if res['learnt'] else 'NOT EVERY RUN LEARNT: give more pairs or epochs'}")

if __name__ == '__main__': main()
