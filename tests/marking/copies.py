"""Independent answers to one task, copies of them that were disguised, and what a measure makes of both.

    python tests/marking/copies.py               # the course's own measure
    python tests/marking/copies.py --peers DIR   # beside csim and copydetect, which pip put into DIR with
                                                 # --no-deps --target (csim wants an old numpy)
"""
import argparse, ast, itertools, sys, time
from pathlib import Path

WAYS = 'renamed', 'reordered', 'commented', 'all three'

def independent():
    "Task: answers"
    folder = Path(__file__).parent/'same_task'
    read = lambda p: [o.strip('\n') + '\n' for o in p.read_text(encoding='utf-8').split('# ----\n')[1:]]
    return {p.stem: read(p) for p in sorted(folder.glob('*.py'))}

def _own(tree): # Names that the answer binds
    args = {a.arg for o in ast.walk(tree) if isinstance(o, ast.arguments) for a in o.args}
    return args | {o.id for o in ast.walk(tree) if isinstance(o, ast.Name) and isinstance(o.ctx, ast.Store)}

class _Renamed(ast.NodeTransformer):
    def __init__(self, names): self.new = {n: f'{"qwertz"[i % 6]}{i}_' for i,n in enumerate(sorted(names))}
    def visit_Name(self, node): node.id = self.new.get(node.id, node.id); return node
    def visit_arg(self, node): node.arg = self.new.get(node.arg, node.arg); return node

_FLIPPED = {ast.Lt: ast.Gt, ast.Gt: ast.Lt, ast.LtE: ast.GtE, ast.GtE: ast.LtE, ast.Eq: ast.Eq, ast.NotEq: ast.NotEq}

class _Reordered(ast.NodeTransformer):
    "Sides of comparisons and of `and` change places, and neighbours that do not need each other"
    def visit_Compare(self, node):
        self.generic_visit(node)
        if len(node.ops) == 1 and type(node.ops[0]) in _FLIPPED:
            node.left, node.comparators = node.comparators[0], [node.left]
            node.ops = [_FLIPPED[type(node.ops[0])]()]
        return node
    def generic_visit(self, node):
        super().generic_visit(node)
        for part in ('body', 'orelse'):
            if isinstance(getattr(node, part, None), list): setattr(node, part, _swapped(getattr(node, part)))
        return node

def _names(node, ctx): return {o.id for o in ast.walk(node) if isinstance(o, ast.Name) and isinstance(o.ctx, ctx)}
def _swapped(body):
    plain, body, i = (ast.Assign, ast.AugAssign), list(body), 0
    while i < len(body) - 1:
        a, b = body[i:i+2]
        if isinstance(a, plain) and isinstance(b, plain) and not (
                _names(a, ast.Store) & (_names(b, (ast.Load, ast.Store))) or _names(b, ast.Store) & _names(a, ast.Load)):
            body[i:i+2], i = [b, a], i + 1
        i += 1
    return body

def _commented(code):
    head, *lines = code.splitlines()
    res = [head, '    "My own work, in my own words"', '']
    for i,line in enumerate(lines):
        res += [f'{line[:len(line) - len(line.lstrip())]}# step {i}: this is what comes next', f'{line}  # so', '']
    return '\n'.join(res) + '\n'

def disguised(code, way):
    tree = ast.parse(code)
    if way in ('renamed', 'all three'): tree = _Renamed(_own(tree)).visit(tree)
    if way in ('reordered', 'all three'): tree = _Reordered().visit(tree)
    code = code if way == 'commented' else ast.unparse(ast.fix_missing_locations(tree)) + '\n'
    return _commented(code) if way in ('commented', 'all three') else code

def measured(alike):
    "Scores of independent pairs, and of an answer with each kind of copy; `alike(a, b)` is 0 to 1"
    apart = [alike(a, b) for of in independent().values() for a,b in itertools.combinations(of, 2)]
    pairs = {way: [alike(a, disguised(a, way)) for of in independent().values() for a in of] for way in WAYS}
    return apart, pairs

def threshold(apart, share=0.01):
    "The lowest score that at most this share of independent pairs reaches"
    left = sorted(apart, reverse=True)
    return left[int(share*len(left))] + 1e-9

def peers(folder):
    sys.path.append(folder)
    from csim import Compare
    from copydetect import CodeFingerprint, compare_files
    import tempfile
    def csim(a, b): return Compare(name_a='a', content_a=a, name_b='b', content_b=b)
    def of_copydetect(k, w):
        def alike(a, b):
            with tempfile.TemporaryDirectory() as d:
                prints = []
                for name,code in (('a.py', a), ('b.py', b)):
                    (Path(d)/name).write_text(code)
                    prints.append(CodeFingerprint(str(Path(d)/name), k, w))
            return min(compare_files(*prints)[1])
        return alike
    return {'copydetect, 25-grams': of_copydetect(25, 1), 'copydetect, 10-grams': of_copydetect(10, 1),
            'csim': csim}

def main():
    from course_labs.marking.alike import alike
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--peers', help='Folder with csim and copydetect')
    args = p.parse_args()
    for name,fn in {'course_labs': alike, **(peers(args.peers) if args.peers else {})}.items():
        start = time.perf_counter()
        apart, pairs = measured(fn)
        t = threshold(apart)
        found = ', '.join(f'{way} {sum(s >= t for s in of)} of {len(of)}' for way,of in pairs.items())
        ms = 1000*(time.perf_counter() - start)/(len(apart) + sum(map(len, pairs.values())))
        named = sum(s >= t for s in apart)
        print(f'{name}: from {t:.3f} on it names {named} of {len(apart)} independent pairs, and of copies: '
              f'{found} ({ms:.1f} ms a pair)', flush=True)

if __name__ == '__main__': main()
