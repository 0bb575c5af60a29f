"""What an answer can write, start and keep: nothing that outlives it, is seen by another, or has no bound

Each attack runs in both kinds of sandbox: answers forked from one process, and a bubblewrap for each."""
import pytest

from course_labs.marking import sandbox as isolation
from course_labs.marking.rights import SHARED, Limits
from course_labs.marking.wire.protocol import Stopped

LIMITS = Limits(seconds=5, memory=600, files=8, threads=100, made=300)
pytestmark = pytest.mark.skipif(bool(isolation.why_not()), reason=f'answers cannot be walled in: {isolation.why_not()}')

@pytest.fixture(scope='module', params=[True, False], ids=['forked', 'alone'])
def box(request):
    if request.param and not isolation._spaces_work(): pytest.skip('namespaces do not nest here')
    with isolation.Sandbox(limits=LIMITS, spaces=request.param) as res: yield res

def said(box, text):
    "What the function `f` of an answer returns, or raises"
    wire, status, end = box.answer()
    try: return wire.start(dict(code=[text], stars=[], missing=[], name='f', module=None, seed=0))()
    except (Stopped, Exception) as e: return f'{type(e).__name__}: {e}'
    finally: end()

def f(body): return 'def f():\n' + ''.join(f'    {l}\n' for l in body.strip('\n').split('\n'))

# Every folder that it can see, marked where it can write: (those that took a file, marks that others left)
LEAVE = f('''
import os
wrote, seen = [], []
for top, folders, files in os.walk("/"):
    folders[:] = [o for o in folders if not os.path.islink(os.path.join(top, o)) and top + o != "/proc"]
    seen += [os.path.join(top, o) for o in files if o.startswith("left-here")]
    if not os.access(top, os.W_OK): continue
    try: open(os.path.join(top, "left-here"), "w").close()
    except OSError: continue
    wrote.append(top)
return wrote, seen''')

def test_what_an_answer_leaves_no_other_one_finds(box):
    for _ in range(2): assert said(box, LEAVE) == (['/scratch', '/dev/shm'], [])

FILL = f('''
import os
n = 0
for top in "/scratch", "/dev/shm", "/dev", "/tmp", "/var/tmp", "/run":
    for i in range(100):
        try:
            with open(f"{top}/{i}", "wb") as o: n += o.write(bytes(2**20))
        except OSError: break
return n''')

def test_all_that_it_can_write_has_one_bound(box):
    assert said(box, FILL) <= (LIMITS.files + SHARED)*2**20

# Ways to make a file: (how, how many an answer is left with)
MAKE = dict(open='open(f"{top}/{i}", "w").close()', mkdir='os.mkdir(f"{top}/{i}")', symlink='os.symlink("x", f"{top}/{i}")',
            mkfifo='os.mkfifo(f"{top}/{i}")', link='(i or open(f"{top}/0", "w").close(), os.link(f"{top}/0", f"{top}/l{i}"))',
            unnamed='kept.append(os.open(top, os.O_TMPFILE | os.O_RDWR)) if i % 50 else [os.close(o) for o in kept] + [kept.clear()]')

@pytest.mark.parametrize('how', MAKE)
def test_the_number_of_files_has_a_bound(box, how):
    n = said(box, f(f'''
import os
n, kept = 0, []
for top in "/scratch", "/dev/shm":
    for i in range(400):
        try: {MAKE[how]}
        except OSError: break
        n += 1
return n'''))
    assert 0.9*LIMITS.made < n < 1.1*LIMITS.made

def test_files_that_are_there_are_opened_as_often_as_one_likes(box):
    assert said(box, f('''
open("/scratch/a", "w").close()
return sum(open("/scratch/a", "r+").close() is None for _ in range(2000))''')) == 2000

WITHOUT_OWNER = dict(
    memfd_create='import os; os.memfd_create("x")',
    shmget='if c.shmget(0, 2**20, 0o1600) < 0: raise OSError(ctypes.get_errno(), "refused")',
    semget='if c.semget(0, 9, 0o1600) < 0: raise OSError(ctypes.get_errno(), "refused")',
    msgget='if c.msgget(0, 0o1600) < 0: raise OSError(ctypes.get_errno(), "refused")',
    mq_open='if c.mq_open(b"/x", 0o102, 0o600, None) < 0: raise OSError(ctypes.get_errno(), "refused")')

@pytest.mark.parametrize('call', WITHOUT_OWNER)
def test_memory_that_belongs_to_no_process_is_refused(box, call):
    body = f'import ctypes; c = ctypes.CDLL(None, use_errno=True)\n{WITHOUT_OWNER[call]}'
    assert said(box, f(body)).startswith('PermissionError')

# Threads that ask for next to no memory
MANY = f('''
import ctypes
c, attr, thread, n = ctypes.CDLL(None), ctypes.create_string_buffer(64), ctypes.c_ulong(), 0
c.pthread_attr_init(attr); c.pthread_attr_setstacksize(attr, ctypes.c_size_t(16384))
while n < 2000 and c.pthread_create(ctypes.byref(thread), attr, c.pause, None) == 0: n += 1
return n''')

def test_the_number_of_threads_has_a_bound(box): assert said(box, MANY) == LIMITS.threads

def test_a_few_threads_and_their_locks_work(box):
    body = '''
import asyncio, multiprocessing
from concurrent.futures import ThreadPoolExecutor
lock = multiprocessing.Lock()
async def three(): return 3
with ThreadPoolExecutor(4) as pool: return asyncio.run(three()) + sum(pool.map(int, range(8)))'''
    assert said(box, f(body)) == 31

# A process without the answer's limits would start programs for it
OTHERS = f('''
import os
found = []
for pid in [int(o) for o in os.listdir("/proc") if o.isdigit()]:
    if pid == os.getpid(): continue
    try: open(f"/proc/{pid}/mem", "r+b").close()
    except OSError: continue
    found.append(pid)
return found''')

def test_the_memory_of_no_other_process_can_be_written(box): assert said(box, OTHERS) == []

def test_an_answer_is_marked_after_one_that_fought_its_walls(box):
    said(box, f('import os, signal\nfor p in (1, os.getppid()): os.kill(p, signal.SIGKILL)'))
    assert said(box, f('return 42')) == 42
