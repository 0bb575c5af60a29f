"""A GPU made up on the CPU: tensors that were sent to it refuse to meet those that were not, as CUDA's do

Half precision, streams and speed are not made up. What is found: tensors of two devices in one operation, `.numpy()` and
`np.asarray` of a tensor on the GPU, a generator of the CPU that draws for the GPU."""
from contextlib import ExitStack, contextmanager
from unittest import mock

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

GPU = torch.device('cuda', 0)
ASKS = torch.Tensor.device.__get__, torch.Tensor.is_cuda.__get__, torch.Tensor.get_device
aten = torch.ops.aten
# What may meet: a copy from one device to the other, and rows of a tensor on the GPU by numbers that are not
COPIES = aten.copy_, aten._to_copy, aten.set_, aten._pack_padded_sequence
BY_INDEX = aten.index, aten.index_put, aten.index_put_, aten._index_put_impl_, aten._unsafe_index
ALL_ON_ONE = aten.cat, aten.stack  # also a number in a tensor of no axes

def storage_of(t):
    "What views share; a sparse tensor is marked itself"
    with torch._C.DisableTorchFunction(): return t.untyped_storage() if t.layout == torch.strided else t

def on_gpu(t): return getattr(storage_of(t), 'gpu', False)

def put(o, there):
    "Say where the tensors in `o` are"
    for t in tree_leaves(o):
        if isinstance(t, torch.Tensor): storage_of(t).gpu = there
    return o

def is_gpu(device):
    return device is not None and torch.device(device).type == 'cuda'

def is_meta(device):
    return device is not None and torch.device(device).type == 'meta'

class Generator(torch.Generator):
    "One for the GPU draws on the CPU"
    def __new__(cls, device='cpu'):
        res = super().__new__(cls, device='cpu')
        res.gpu = is_gpu(device)
        return res

class Dispatch(TorchDispatchMode):
    "Every operation, also those of the backward pass"
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        given = tree_leaves((args, kwargs))
        tensors = [o for o in given if isinstance(o, torch.Tensor)]
        there = [on_gpu(o) for o in tensors]
        packet = func.overloadpacket
        if any(there):
            if any(isinstance(o, torch.Generator) and not getattr(o, 'gpu', False) for o in given):
                raise RuntimeError(f"Expected a 'cuda' device type for generator but found 'cpu' ({func})")
            if not all(there) and packet not in COPIES: self.meet(func, packet, args, tensors, there)
        out = func(*args, **kwargs)
        for t in tree_leaves(out):
            if isinstance(t, torch.Tensor) and not hasattr(storage := storage_of(t), 'gpu'): storage.gpu = any(there)
        return out

    def meet(self, func, packet, args, tensors, there):
        if packet in BY_INDEX and on_gpu(args[0]):
            rest = args[2:3]
            if all(on_gpu(o) or not o.dim() for o in rest if isinstance(o, torch.Tensor)): return
        strays = [t for t,o in zip(tensors, there) if not o and (t.dim() or packet in ALL_ON_ONE)]
        if strays:
            raise RuntimeError(f'Expected all tensors to be on the same device, but found cuda:0 and cpu ({func})')

class Function(TorchFunctionMode):
    "What is said of devices: arguments, `to`, `cpu`, `device`"
    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        name, first = getattr(func, '__name__', ''), args[0] if args else None
        here = isinstance(first, torch.Tensor) and on_gpu(first)
        if here and func in ASKS: return (GPU, True, 0)[ASKS.index(func)]
        if name in ('numpy', '__array__') and here:
            raise TypeError("can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() first")
        if name == 'pin_memory': return first
        if name == 'cuda': return put(first.clone(), True)
        if name == 'cpu': return put(first.clone(), False) if here else first
        if func is torch.Tensor.to: return self.to(first, here, args[1:], kwargs)
        if func is torch.Tensor.type_as: return put(func(*args), on_gpu(args[1]))
        if kwargs.get('device') is not None and not is_meta(kwargs['device']) and name != '_parse_to':
            to = is_gpu(kwargs['device'])
            kwargs['device'] = 'cpu'
            if to and not getattr(kwargs.get('generator'), 'gpu', True):
                raise RuntimeError(f"Expected a 'cuda' device type for generator but found 'cpu' ({name})")
            return self.moved(func(*args, **kwargs), first, to)
        out = func(*args, **kwargs)
        if here and (name.startswith('new_') or name == '__deepcopy__'): put(out, True)
        return out

    def moved(self, out, first, to):
        "`torch.as_tensor` may give back what it was given"
        same = isinstance(first, torch.Tensor) and isinstance(out, torch.Tensor) and storage_of(out) is storage_of(first)
        if same and on_gpu(first) != to: out = out.clone()
        return put(out, to)

    def to(self, t, here, args, kwargs):
        other = args[0] if args and isinstance(args[0], torch.Tensor) else kwargs.pop('other', None)
        if other is not None: device, dtype, rest = ('cuda' if on_gpu(other) else 'cpu'), other.dtype, {}
        else: device, dtype, _, layout = torch._C._nn._parse_to(*args, **{k: v for k,v in kwargs.items() if k != 'copy'})
        out = t if dtype is None else torch.Tensor.to(t, dtype)
        if other is None and layout is not None: out = torch.Tensor.to(out, memory_format=layout)
        if is_meta(device): return torch.Tensor.to(t, *args, **kwargs)
        if device is None: return put(out, here)
        there = is_gpu(device)
        if there != here and storage_of(out) is storage_of(t): out = out.clone()
        return put(out, there)

CUDA = dict(is_available=lambda: True, device_count=lambda: 1, current_device=lambda: 0, set_device=lambda *a: None,
            synchronize=lambda *a: None, empty_cache=lambda: None, reset_peak_memory_stats=lambda *a: None,
            memory_allocated=lambda *a: 0, max_memory_allocated=lambda *a: 2**20, is_initialized=lambda: False,
            get_rng_state=lambda *a: torch.zeros(16, dtype=torch.uint8), set_rng_state=lambda *a: None,
            get_rng_state_all=lambda: [], set_rng_state_all=lambda *a: None, get_device_name=lambda *a: 'made up',
            is_bf16_supported=lambda **k: False, manual_seed_all=lambda *a: None, manual_seed=lambda *a: None,
            _exchange_device=lambda i: 0, _maybe_exchange_device=lambda i: 0,
            mem_get_info=lambda *a: (2**33, 2**34), get_device_capability=lambda *a: (7, 5),
            get_device_properties=lambda *a: mock.Mock(total_memory=2**34, major=7, minor=5))

def load(file, map_location=None, of_torch=torch.load, **kwargs):
    "What is read from a file onto the GPU lies there"
    if not (isinstance(map_location, (str, torch.device)) and is_gpu(map_location)): return of_torch(file, map_location=map_location, **kwargs)
    return put(of_torch(file, map_location='cpu', **kwargs), True)

@contextmanager
def fake_gpu():
    "Inside, `torch` has a GPU"
    with ExitStack() as stack:
        stack.enter_context(mock.patch.multiple('torch.cuda', **{k: v for k,v in CUDA.items() if hasattr(torch.cuda, k)}))
        stack.enter_context(mock.patch('torch.backends.cudnn.is_acceptable', lambda t: False))
        stack.enter_context(mock.patch('torch.Generator', Generator))
        stack.enter_context(mock.patch('torch.load', load))
        for name in ('_accelerator_graph_capture_health_check', '_cuda_graph_capture_health_check'):
            if hasattr(torch.optim.Optimizer, name):
                stack.enter_context(mock.patch.object(torch.optim.Optimizer, name, lambda self: None))
        stack.enter_context(Dispatch())
        stack.enter_context(Function())
        yield GPU
