"""Every solution of the labs is changed in one place, and its check must refuse what came of it

    python tests/mutants.py --week 3 --seeds 20 --save week3.json

A mutant is the solution with one operator, comparison, constant, bound, argument, branch or statement changed. One
that is right at a seed is a survivor, unless `tests/teaching/equivalent_mutants.json` says why it does what the
solution does on every input that the exercise admits.

mutmut and cosmic-ray change files of a project and run its tests; here a function of a notebook is changed and its
own check is asked, at many seeds, so the mutants are made from the syntax tree in this file."""
import argparse, ast, contextlib, copy, json, os, random, resource, signal, sys, time, warnings
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault('KERAS_BACKEND', 'torch')
os.environ.setdefault('COURSE_LABS_OFFLINE', '1')
from course_labs.core.paths import lab_notebooks
from course_labs.marking.answers import find_answers, lab_tasks, run_statements
from course_labs.marking.release import lab_module
from course_labs.teaching.exercises import RIGHT, mark, week_of

EQUIVALENT = Path(__file__).parent/'teaching'/'equivalent_mutants.json'
MEMORY = 3*2**30 # Bytes that a mutant may take beside what is loaded

# --- what is changed -------------------------------------------------------------------------------------------------
OPERATORS = {
    ast.Add: [ast.Sub], ast.Sub: [ast.Add], ast.Mult: [ast.Div], ast.Div: [ast.Mult, ast.FloorDiv],
    ast.FloorDiv: [ast.Div, ast.Mult], ast.Mod: [ast.FloorDiv], ast.Pow: [ast.Mult], ast.BitAnd: [ast.BitOr],
    ast.BitOr: [ast.BitAnd], ast.MatMult: [ast.Mult],
    ast.Lt: [ast.LtE, ast.GtE], ast.LtE: [ast.Lt, ast.Gt], ast.Gt: [ast.GtE, ast.LtE], ast.GtE: [ast.Gt, ast.Lt],
    ast.Eq: [ast.NotEq], ast.NotEq: [ast.Eq], ast.In: [ast.NotIn], ast.NotIn: [ast.In], ast.Is: [ast.IsNot],
    ast.IsNot: [ast.Is]}
ORDERED = ast.Sub, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.MatMult
NAMES = {'min': ['max'], 'max': ['min'], 'minimum': ['maximum'], 'maximum': ['minimum'], 'argmin': ['argmax'],
         'argmax': ['argmin'], 'sum': ['mean'], 'mean': ['sum', 'median'], 'any': ['all'], 'all': ['any'],
         'std': ['var'], 'var': ['std'], 'round': ['floor', 'ceil'], 'ceil': ['floor'], 'floor': ['ceil', 'round'],
         'int': ['round'], 'sorted': ['list'], 'log': ['log2'], 'sqrt': ['abs'], 'zeros': ['ones'], 'ones': ['zeros'],
         'union': ['intersection'], 'isfinite': ['isnan'], 'nanquantile': ['quantile']}
ROUNDERS = {'floor': '__import__("math").floor', 'ceil': '__import__("math").ceil'}

def _plus(node, n):
    return ast.BinOp(node, ast.Add() if n > 0 else ast.Sub(), ast.Constant(abs(n)))

def _constants(value):
    if isinstance(value, bool): return [not value]
    if isinstance(value, int): return [value + 1, value - 1, -value] if value else [1, -1]
    if isinstance(value, float):
        return [value + 1, value - 1, value*1.1, -value] if value else [1., -1.]
    return [value + 'x'] if isinstance(value, str) else []

def _renamed(node): # Other functions of a call
    name = getattr(node.func, 'id', getattr(node.func, 'attr', ''))
    for other in NAMES.get(name, ()):
        new = copy.deepcopy(node)
        if isinstance(node.func, ast.Attribute): new.func.attr = other
        elif other in ROUNDERS: new.func = ast.parse(ROUNDERS[other], mode='eval').body
        elif other in ('mean', 'median'): continue
        else: new.func.id = other
        yield new

def _calls(node):
    yield from _renamed(node)
    if node.args and not isinstance(node.args[0], ast.Starred): yield node.args[0]
    if isinstance(node.func, ast.Attribute): yield node.func.value
    for i in range(len(node.args) - 1): # swapped
        new = copy.copy(node)
        new.args = [*node.args]
        new.args[i], new.args[i+1] = new.args[i+1], new.args[i]
        yield new
    for i in range(len(node.args)):
        new = copy.copy(node)
        new.args = node.args[:i] + node.args[i+1:]
        yield new
    for i in range(len(node.keywords)):
        new = copy.copy(node)
        new.keywords = node.keywords[:i] + node.keywords[i+1:]
        yield new
    if getattr(node.func, 'id', '') in ('range', 'arange'):
        for i,a in enumerate(node.args):
            for n in (1, -1):
                new = copy.copy(node)
                new.args = [*node.args[:i], _plus(a, n), *node.args[i+1:]]
                yield new

def _slices(node):
    for part in ('lower', 'upper', 'step'):
        bound = getattr(node, part)
        if bound is None: continue
        new = copy.copy(node)
        setattr(new, part, None)
        yield new
        if part == 'step' or isinstance(bound, ast.Constant): continue
        for n in (1, -1):
            new = copy.copy(node)
            setattr(new, part, _plus(bound, n))
            yield new

def _without(node, field):
    "The node with one element of a list left out, for each"
    items = getattr(node, field)
    for i in range(len(items)):
        new = copy.copy(node)
        setattr(new, field, items[:i] + items[i+1:])
        yield new

def _expressions(node):
    "What may stand in the place of an expression"
    kind = type(node)
    if kind is ast.BinOp:
        for op in OPERATORS.get(type(node.op), ()): yield ast.BinOp(node.left, op(), node.right)
        yield node.left
        yield node.right
        if isinstance(node.op, ORDERED): yield ast.BinOp(node.right, node.op, node.left)
    elif kind is ast.UnaryOp: yield node.operand
    elif kind is ast.Compare:
        for i,o in enumerate(node.ops):
            for op in OPERATORS.get(type(o), ()):
                yield ast.Compare(node.left, [*node.ops[:i], op(), *node.ops[i+1:]], node.comparators)
    elif kind is ast.BoolOp:
        yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
        if len(node.values) == 2: yield from node.values
        else: yield from _without(node, 'values')
    elif kind is ast.Constant: yield from map(ast.Constant, _constants(node.value))
    elif kind is ast.IfExp:
        yield node.body
        yield node.orelse
        yield ast.IfExp(node.test, node.orelse, node.body)
    elif kind is ast.Call: yield from _calls(node)
    elif kind is ast.Slice: yield from _slices(node)
    elif kind is ast.Subscript and not isinstance(node.slice, (ast.Constant, ast.Slice, ast.Tuple)):
        if isinstance(node.ctx, ast.Load): yield node.value
    elif kind is ast.Tuple and isinstance(node.ctx, ast.Load) and len(node.elts) > 1:
        yield ast.Tuple([node.elts[1], node.elts[0], *node.elts[2:]], node.ctx)

def _statements(node):
    "What may stand in the place of a statement"
    kind = type(node)
    if kind in (ast.Assign, ast.AugAssign, ast.Expr, ast.If, ast.For, ast.While, ast.Return, ast.With): yield ast.Pass()
    if kind is ast.AugAssign:
        for op in OPERATORS.get(type(node.op), ()): yield ast.AugAssign(node.target, op(), node.value)
        yield ast.Assign([node.target], node.value, lineno=node.lineno)
    if kind is ast.If:
        yield ast.If(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse)
        yield ast.If(ast.Constant(True), node.body, [])
        if node.orelse: yield ast.If(ast.Constant(True), node.orelse, [])
    if kind is ast.Break: yield from (ast.Pass(), ast.Continue())
    if kind is ast.Continue: yield from (ast.Pass(), ast.Break())

def _comprehensions(node):
    yield from _without(node, 'ifs')
    for i,test in enumerate(node.ifs):
        new = copy.copy(node)
        new.ifs = [*node.ifs[:i], ast.UnaryOp(ast.Not(), test), *node.ifs[i+1:]]
        yield new

def _others(node):
    if isinstance(node, ast.comprehension): return _comprehensions(node)
    if isinstance(node, ast.stmt): return _statements(node)
    return _expressions(node) if isinstance(node, ast.expr) else ()

_NOT_CODE = {'annotation', 'returns', 'decorator_list', 'type_comment'}

def _places(node, path=()):
    "(path, node) of all code: annotations and the docstring are none"
    yield path, node
    for name, value in ast.iter_fields(node):
        if name in _NOT_CODE: continue
        items = enumerate(value) if isinstance(value, list) else [(None, value)]
        for i,child in items:
            doc = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
            if isinstance(child, ast.AST) and not doc: yield from _places(child, (*path, (name, i)))

def _put(tree, path, new):
    "A copy of a tree with another node at a path"
    tree = copy.deepcopy(tree)
    node = tree
    for name, i in path[:-1]: node = getattr(node, name) if i is None else getattr(node, name)[i]
    name, i = path[-1]
    if i is None: setattr(node, name, new)
    else: getattr(node, name)[i] = new
    return tree

@dataclass(frozen=True)
class Mutant:
    "A solution with one change"
    id:str     # Of the exercise
    was:str    # The lines that differ, as `ast.unparse` writes them
    now:str
    source:str # Of the whole function

def _differ(old, new): # The lines of both that differ
    a, b = old.splitlines(), new.splitlines()
    while a and b and a[0] == b[0]: a, b = a[1:], b[1:]
    while a and b and a[-1] == b[-1]: a, b = a[:-1], b[:-1]
    return ['\n'.join(o.strip() for o in lines) for lines in (a, b)]

def mutants(id:str, source:str) -> list: # Of `Mutant`, each another function
    "All mutants of the source of a function"
    fn = ast.parse(source).body[0]
    old, res = ast.unparse(fn), {}
    for path, node in _places(fn):
        if not path: continue
        for other in _others(node):
            tree = ast.fix_missing_locations(_put(fn, path, copy.deepcopy(other)))
            try: new = ast.unparse(tree)
            except Exception: continue # a node where none may stand
            with warnings.catch_warnings():
                warnings.simplefilter('ignore')
                try: compile(new, '<mutant>', 'exec')
                except SyntaxError: continue
            if new != old: res.setdefault(new, Mutant(id, *_differ(old, new), new))
    return list(res.values())

# --- asking the checks -----------------------------------------------------------------------------------------------
@dataclass
class Solution:
    "An exercise's own answer, and what it needs"
    id:str
    name:str
    before:list  # Statements that it needs
    source:str   # The function
    missing:list
    stars:list
    module:str

    def function(self, source=None):
        "The function, or what another source makes of it"
        env, failed = run_statements([*self.before, source or self.source], self.missing, self.stars, self.module)
        if self.name not in env: raise failed
        return env[self.name]

OPEN = { # Exercises that ask for what meets a goal, not for values: a mutant that still meets it is a right answer
    'w1.classify_ring': 'any classifier that is as accurate as asked for',
    'w2.disagree': 'any two lists that disagree',
    'w2.place_cameras': 'any rule that is as fair as asked for',
    'w3.shift_proof': 'any network that meets the conditions',
    'w4.tell_apart': 'any rule that errs as seldom as asked for',
    'w5.tell_tale': 'any classifier that is as accurate as asked for',
    'w6.varied_list': 'any list that is as varied and as good as asked for',
    'w7.search': 'any search that finds settings as good as asked for',
    'w8.new_question': 'any question that keeps the rules'}

def solutions(week:int=None, only=()) -> dict: # Id: `Solution`
    "The solutions of a week's labs and extras, or of all"
    res = {}
    for lab, path in lab_notebooks(extras=True).items():
        if week and int(str(lab).split()[0]) != week: continue
        nb = json.loads(Path(path).read_text(encoding='utf-8'))
        tasks = lab_tasks(nb, Path(path).name)
        found = find_answers(nb, tasks)
        for t in tasks:
            a = found[t.id]
            if t.id not in only if only else t.id in OPEN: continue
            res[t.id] = Solution(t.id, a.name, a.code[:-1], a.code[-1], a.missing, a.stars, lab_module(nb))
    return res

def verdict(id, answer, seed): # A `Result`
    if torch := sys.modules.get('torch'): torch.manual_seed(seed)
    return mark(id, answer, seed)

def _mapped(): return int(Path('/proc/self/statm').read_text().split()[0])*resource.getpagesize()

def forked(work, seconds:float) -> list: # Of whole numbers
    "What `work(tell)` tells, in a fork with a limit on time and memory; what it told stays told when it is stopped"
    inlet, outlet = os.pipe()
    if not (pid := os.fork()):
        try:
            os.close(inlet)
            null = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2): os.dup2(null, stream)
            resource.setrlimit(resource.RLIMIT_AS, (_mapped() + MEMORY,)*2)
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_REAL, 4*seconds) # waiting for others is not its fault
            resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1,)*2)
            work(lambda n: os.write(outlet, f'{n} '.encode()))
        finally: os._exit(0)
    os.close(outlet)
    with open(inlet, 'rb') as f: told = f.read()
    os.waitpid(pid, 0)
    return [int(o) for o in told.split()]

class TooLong(BaseException): "A mutant that does not end"

def _late(*args): raise TooLong

def taken_as_right(solution, mutant, seeds, took): # Seeds; `took`: seconds of the processor for a right answer
    "At which seeds a mutant is right; one that did not end at two seeds is asked no further"
    limit, late = max(0.5, 10*took), []
    def right(answer, seed):
        if len(late) > 1: return False
        signal.setitimer(signal.ITIMER_VIRTUAL, limit)
        try: return verdict(mutant.id, answer, seed).state == RIGHT
        except TooLong: late.append(seed)
        finally: signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    def work(tell):
        warnings.simplefilter('ignore')
        signal.signal(signal.SIGVTALRM, _late)
        with contextlib.suppress(Exception): # it cannot even be defined
            answer = solution.function(mutant.source)
            for s in filter(lambda s: right(answer, s), seeds): tell(s)
    return forked(work, limit*len(seeds))

def warm_up(solution, n=2): # Seconds that a check of the solution takes
    "Load what the check needs, and see that the solution is right"
    answer = solution.function()
    for seed in range(n):
        start = time.process_time()
        res = verdict(solution.id, answer, seed)
        if res.state != RIGHT: raise AssertionError(f'the solution, seed {seed}: {res!r}')
    if torch := sys.modules.get('torch'): torch.set_num_threads(1)
    return time.process_time() - start

def known() -> dict: # (exercise, was, now): reason
    "The mutants that do what the solution does"
    return {(o['exercise'], o['was'], o['now']): o['reason'] for o in json.loads(EQUIVALENT.read_text())}

def key(m): return m.id, m.was, m.now

def sweep(found:dict, seeds, sample=0, done=None, tell=print): # (mutants tried, [(Mutant, seeds)])
    "Ask the checks about all mutants, or about a sample of each exercise"
    survivors, count = [], 0
    for id,s in found.items():
        took, all_ = warm_up(s), mutants(id, s.source)
        if sample: all_ = random.Random(f'{id} {sample}').sample(all_, min(sample, len(all_)))
        own, start = [], time.monotonic()
        for m in all_:
            if at := taken_as_right(s, m, seeds, took): own.append((m, at))
        count += len(all_)
        survivors += own
        tell(f'{id}: {len(all_)} mutants, {len(own)} taken as right; a check takes {took:.2f} s, all '
             f'{time.monotonic() - start:.0f} s')
        if done: done(id, len(all_), own)
    return count, survivors

def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--week', type=int)
    parser.add_argument('--only', action='append', default=[], help='an exercise; may be repeated')
    parser.add_argument('--seeds', type=int, default=20)
    parser.add_argument('--first', type=int, default=0, help='the first seed')
    parser.add_argument('--sample', type=int, default=0, help='mutants an exercise; 0: all')
    parser.add_argument('--save', type=Path, help='a JSON file with what was found, kept up to date')
    args = parser.parse_args()
    kept = {}
    def done(id, n, own):
        kept[id] = dict(mutants=n, survivors=[dict(was=m.was, now=m.now, seeds=at) for m,at in own])
        if args.save: args.save.write_text(json.dumps(kept, indent=1))
    seeds = range(args.first, args.first + args.seeds)
    week = args.week or (week_of(args.only[0]) if len({week_of(o) for o in args.only}) == 1 else None)
    tell = lambda s: print(s, flush=True)
    count, survivors = sweep(solutions(week, args.only), seeds, args.sample, done, tell)
    reasons = known() if EQUIVALENT.exists() else {}
    left = [(m, at) for m,at in survivors if key(m) not in reasons]
    for m,at in left:
        print(f'\n{m.id}: right at {len(at)} of {len(seeds)} seeds\n  was {m.was}\n  now {m.now}'.replace('\n  ', '\n    '))
    print(f'\n{count} mutants, {len(survivors)} taken as right, of them {len(survivors) - len(left)} equivalent, '
          f'{len(left)} survivors')
    sys.exit(bool(left))

if __name__ == '__main__':
    with contextlib.suppress(KeyboardInterrupt): main()
