"Answers to one task, written apart from each other: merge every occurrence of a pair of neighbours in a list of tokens"
# Each stands on its own; blank comment lines of hyphens part them.

# ----
def merge_pair(tokens, pair):
    merged, i = [], 0
    while i < len(tokens):
        if tuple(tokens[i:i+2]) == tuple(pair):
            merged.append(tokens[i] + tokens[i+1])
            i += 2
        else:
            merged.append(tokens[i])
            i += 1
    return merged

# ----
def merge_pair(tokens, pair):
    out = []
    for token in tokens:
        if out and out[-1] == pair[0] and token == pair[1] and not just_merged:
            out[-1] = pair[0] + pair[1]
            just_merged = True
        else:
            out.append(token)
            just_merged = False
    return out

# ----
def merge_pair(tokens, pair):
    a, b = pair
    result = []
    skip = False
    for left, right in zip(tokens, tokens[1:] + [None]):
        if skip:
            skip = False
            continue
        if left == a and right == b:
            result.append(a + b)
            skip = True
        else:
            result.append(left)
    return result

# ----
def merge_pair(tokens, pair):
    tokens = list(tokens)
    first, second = pair
    index = 0
    while index < len(tokens) - 1:
        if tokens[index] == first and tokens[index + 1] == second:
            tokens[index:index + 2] = [first + second]
        index += 1
    return tokens

# ----
def merge_pair(tokens, pair):
    if len(tokens) < 2:
        return list(tokens)
    x, y = tokens[0], tokens[1]
    if (x, y) == tuple(pair):
        return [x + y] + merge_pair(tokens[2:], pair)
    return [x] + merge_pair(tokens[1:], pair)

# ----
def merge_pair(tokens, pair):
    new = ''.join(pair)
    starts, last = set(), -2
    for n in range(len(tokens) - 1):
        if n - last >= 2 and tokens[n] == pair[0] and tokens[n+1] == pair[1]:
            starts.add(n)
            last = n
    drop = {n + 1 for n in starts}
    return [new if n in starts else t for n, t in enumerate(tokens) if n not in drop]

# ----
def merge_pair(tokens, pair):
    stream = iter(tokens)
    done, held = [], next(stream, None)
    while held is not None:
        following = next(stream, None)
        if (held, following) == (pair[0], pair[1]):
            done += [held + following]
            held = next(stream, None)
        else:
            done += [held]
            held = following
    return done

# ----
def merge_pair(tokens, pair):
    import re
    sep = '\x00'
    text = sep + sep.join(tokens) + sep
    old = re.escape(sep + pair[0] + sep + pair[1] + sep)
    joined = sep + pair[0] + pair[1] + sep
    before = None
    while before != text:
        before, text = text, re.sub(old, joined, text)
    return text.strip(sep).split(sep)

# ----
def merge_pair(tokens, pair):
    queue = deque(tokens)
    res = []
    while queue:
        t = queue.popleft()
        if t == pair[0] and queue and queue[0] == pair[1]:
            t = t + queue.popleft()
        res.append(t)
    return res

# ----
def merge_pair(tokens, pair):
    reverse = tokens[::-1]
    stack = []
    while reverse:
        current = reverse.pop()
        if reverse and [current, reverse[-1]] == list(pair):
            current += reverse.pop()
        stack.append(current)
    return stack

# ----
def merge_pair(tokens, pair):
    n = len(tokens)
    i = 0
    output = list()
    while True:
        if i >= n: break
        is_last = i == n - 1
        if not is_last and tokens[i] == pair[0] and tokens[i+1] == pair[1]:
            output.append(f'{pair[0]}{pair[1]}')
            i = i + 2
            continue
        output.append(tokens[i])
        i = i + 1
    return output

# ----
def merge_pair(tokens, pair):
    try:
        at = tokens.index(pair[0])
    except ValueError:
        return tokens
    head, tail = tokens[:at], tokens[at+1:]
    if tail and tail[0] == pair[1]:
        return head + [pair[0] + pair[1]] + merge_pair(tail[1:], pair)
    return head + [pair[0]] + merge_pair(tail, pair)

# ----
def merge_pair(tokens, pair):
    def step(state, token):
        done, open_ = state
        if open_ and token == pair[1]:
            return done[:-1] + [pair[0] + token], False
        return done + [token], token == pair[0]
    final, _ = functools.reduce(step, tokens, ([], False))
    return final

# ----
def merge_pair(tokens, pair):
    keep = np.ones(len(tokens), dtype=bool)
    words = np.array(tokens, dtype=object)
    both = (words[:-1] == pair[0]) & (words[1:] == pair[1])
    for j in np.flatnonzero(both):
        if keep[j]:
            words[j] = pair[0] + pair[1]
            keep[j+1] = False
    return words[keep].tolist()

# ----
def merge_pair(tokens, pair):
    answer = []
    position = 0
    while position < len(tokens) - 1:
        two = (tokens[position], tokens[position + 1])
        if two == pair:
            answer.append(two[0] + two[1])
            position += 1
        else:
            answer.append(two[0])
        position += 1
    if position == len(tokens) - 1:
        answer.append(tokens[-1])
    return answer
