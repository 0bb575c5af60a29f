"Answers to one task, written apart from each other: the average precision of the first k of a ranking"
# Each stands on its own; blank comment lines of hyphens part them.

# ----
def average_precision(ranked, relevant, k):
    hits, total = 0, 0.
    for i, item in enumerate(ranked[:k]):
        if item in relevant:
            hits += 1
            total += hits/(i + 1)
    if not relevant:
        return 0.
    return total/min(len(relevant), k)

# ----
def average_precision(ranked, relevant, k):
    if len(relevant) == 0:
        return 0.0
    wanted = set(relevant)
    found = [item in wanted for item in ranked[:k]]
    precisions = []
    for position in range(len(found)):
        if found[position]:
            precisions.append(sum(found[:position+1]) / (position+1))
    return sum(precisions) / min(k, len(wanted))

# ----
def average_precision(ranked, relevant, k):
    rel = np.array([r in relevant for r in ranked[:k]], dtype=float)
    if len(relevant) == 0 or rel.sum() == 0:
        return 0.
    cum = np.cumsum(rel)
    ranks = np.arange(1, len(rel) + 1)
    prec = cum / ranks
    best = min(len(relevant), k)
    return float((prec * rel).sum() / best)

# ----
def average_precision(ranked, relevant, k):
    score = 0
    number_of_hits = 0
    position = 0
    while position < k and position < len(ranked):
        if ranked[position] in relevant:
            number_of_hits = number_of_hits + 1
            score = score + number_of_hits / (position + 1)
        position = position + 1
    denominator = k if len(relevant) > k else len(relevant)
    return score / denominator if denominator else 0.0

# ----
def average_precision(ranked, relevant, k):
    def precision_at(n):
        return len([x for x in ranked[:n] if x in relevant]) / n
    at = [n for n in range(1, k + 1) if n <= len(ranked) and ranked[n-1] in relevant]
    most = min(len(relevant), k)
    if most == 0:
        return 0.
    return sum(map(precision_at, at)) / most

# ----
def average_precision(ranked, relevant, k):
    relevant = set(relevant)
    top = list(ranked)[:k]
    places = [p for p, x in enumerate(top, start=1) if x in relevant]
    if not places:
        return 0.0
    ap = 0.0
    for count, p in enumerate(places, start=1):
        ap += count / p
    return ap / min(len(relevant), k)

# ----
def average_precision(ranked, relevant, k):
    mask = torch.tensor([int(x in relevant) for x in ranked[:k]])
    running = mask.cumsum(0).float()
    running = running / torch.arange(1, mask.numel() + 1)
    picked = running[mask.bool()]
    if picked.numel() == 0:
        return 0.
    norm = min(k, len(relevant))
    return picked.sum().item() / norm

# ----
def average_precision(ranked, relevant, k):
    seen = 0
    out = []
    for n in range(min(k, len(ranked))):
        good = ranked[n] in relevant
        seen += good
        out.append(seen / (n+1) if good else 0)
    try:
        return sum(out) / min(k, len(relevant))
    except ZeroDivisionError:
        return 0.

# ----
def average_precision(ranked, relevant, k):
    n_relevant = len(relevant)
    if n_relevant < 1: return 0
    result, hits = 0, 0
    for rank in range(1, k+1):
        if rank > len(ranked): break
        document = ranked[rank-1]
        if document not in relevant: continue
        hits += 1
        result += hits / rank
    return result / (n_relevant if n_relevant < k else k)

# ----
def average_precision(ranked, relevant, k):
    from itertools import accumulate
    flags = [1 if r in relevant else 0 for r in ranked[:k]]
    counts = list(accumulate(flags))
    terms = [c / i for i, (c, f) in enumerate(zip(counts, flags), 1) if f]
    bottom = min(len(relevant), k)
    if bottom == 0:
        return 0.0
    return sum(terms) / bottom

# ----
def average_precision(ranked, relevant, k):
    possible = min(k, len(relevant))
    if possible == 0:
        return 0.
    total = 0.
    for i in range(1, k + 1):
        head = ranked[:i]
        if len(head) == i and head[-1] in relevant:
            overlap = set(head) & set(relevant)
            total += len(overlap) / i
    return total / possible

# ----
def average_precision(ranked, relevant, k):
    def go(rest, place, hits):
        if not rest or place > k:
            return 0.
        if rest[0] in relevant:
            return (hits + 1) / place + go(rest[1:], place + 1, hits + 1)
        return go(rest[1:], place + 1, hits)
    if not relevant:
        return 0.
    return go(list(ranked), 1, 0) / min(len(relevant), k)

# ----
def average_precision(ranked, relevant, k):
    df = pd.DataFrame({'item': ranked[:k]})
    df['hit'] = df.item.isin(relevant)
    df['place'] = df.index + 1
    df['precision'] = df.hit.cumsum() / df.place
    top = df.loc[df.hit, 'precision']
    if top.empty:
        return 0.
    return top.sum() / min(k, len(relevant))

# ----
def average_precision(ranked, relevant, k):
    answer = 0
    correct = []
    for place, guess in zip(range(1, k + 1), ranked):
        if guess in relevant:
            correct.append(guess)
            answer += len(correct) / place
    limit = sorted([k, len(relevant)])[0]
    if limit > 0:
        answer /= limit
    return answer

# ----
def average_precision(ranked, relevant, k):
    precision_sum = 0.0
    true_positives = 0
    false_positives = 0
    for item in ranked[:k]:
        if item in relevant:
            true_positives += 1
            precision_sum += true_positives / (true_positives + false_positives)
        else:
            false_positives += 1
    return precision_sum / max(1, min(len(relevant), k))
