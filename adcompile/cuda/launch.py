"""What the host part of a generated module uses: device memory and launches."""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from adcompile.cuda.elementwise import assign, fill
from adcompile.cuda.functions import MOST
from adcompile.cuda.package import SIMULATED, cuda
from adcompile.errors import AdcompileError

_SHARE = 4  # a workspace takes at most this part of the free memory
_MOST_BLOCKS = 65_535 if not SIMULATED else 2
_stream: contextvars.ContextVar[Any] = contextvars.ContextVar("stream", default=0)


class NoDeviceError(AdcompileError):
    """There is no GPU, or no driver."""


def check_device() -> None:
    """Raise NoDeviceError unless kernels can run here."""
    if SIMULATED:
        return
    try:
        found = cuda.is_available()
    except Exception as error:
        raise NoDeviceError(f"CUDA cannot be used: {error}") from error
    if not found:
        raise NoDeviceError(
            "target='cuda' needs an NVIDIA GPU and its driver, and neither was found",
            None,
            "Without one: the CPU (leave out target), or NUMBA_ENABLE_CUDASIM=1 set before Numba "
            "is imported, which is slow; .source and .ptx work everywhere.",
        )


@contextlib.contextmanager
def stream(chosen: Any) -> Iterator[None]:
    """Run what is launched inside on this stream of Numba's."""
    token = _stream.set(chosen)
    try:
        yield
    finally:
        _stream.reset(token)


def current_stream() -> Any:
    """What kernels are launched on: 0 is the default stream."""
    return _stream.get()


# ---------------------------------------------------------------- memory


def empty(shape: Any, dtype: Any = np.float64) -> Any:
    """``np.empty`` on the device."""
    return cuda.device_array(shape, dtype, stream=current_stream())


def full(shape: Any, value: Any, dtype: Any = np.float64) -> Any:
    """``np.full`` on the device."""
    made = empty(shape, dtype)
    fill(made, value)
    return made


def zeros(shape: Any, dtype: Any = np.float64) -> Any:
    """``np.zeros`` on the device."""
    return full(shape, 0, dtype)


def ones(shape: Any, dtype: Any = np.float64) -> Any:
    """``np.ones`` on the device."""
    return full(shape, 1, dtype)


def empty_like(array: Any, dtype: Any = None) -> Any:
    """``np.empty_like`` on the device, in C order."""
    return empty(array.shape, dtype or array.dtype)


def zeros_like(array: Any, dtype: Any = None) -> Any:
    """``np.zeros_like`` on the device."""
    return zeros(array.shape, dtype or array.dtype)


def ones_like(array: Any, dtype: Any = None) -> Any:
    """``np.ones_like`` on the device."""
    return ones(array.shape, dtype or array.dtype)


def full_like(array: Any, value: Any, dtype: Any = None) -> Any:
    """``np.full_like`` on the device."""
    return full(array.shape, value, dtype or array.dtype)


def copy(array: Any) -> Any:
    """A copy in C order."""
    made = empty_like(array)
    assign(made, array)
    return made


def set_zero(array: Any) -> None:
    """All elements become zero."""
    fill(array, 0)


def zero_from(array: Any, first: int) -> None:
    """Elements from ``first`` on become zero."""
    if array.shape[0] > max(first, 0):
        fill(array[max(first, 0) :], 0)


@dataclass(frozen=True)
class workspace:
    """Memory of this shape for each thread of a launch."""

    shape: tuple[int, ...]
    dtype: Any

    def make(self, threads: int) -> Any:
        return empty((*self.shape, threads), self.dtype)

    def bytes(self) -> int:
        """Of one thread."""
        return int(np.prod(self.shape, dtype=np.int64)) * int(np.dtype(self.dtype).itemsize)


class block_workspace(workspace):
    """Memory of this shape for each block of a launch."""

    def make(self, blocks: int) -> Any:
        return empty((blocks, *self.shape), self.dtype)


def overlap(a: Any, b: Any) -> bool:
    """May two arrays share memory?"""
    if a.size == 0 or b.size == 0:
        return False
    (low_a, high_a), (low_b, high_b) = _bounds(a), _bounds(b)
    return low_a < high_b and low_b < high_a


def _bounds(array: Any) -> tuple[int, int]:
    if SIMULATED:
        # The simulator's arrays wrap NumPy's.
        low, high = np.lib.array_utils.byte_bounds(np.asarray(array._ary))
        return int(low), int(high)
    described = array.__cuda_array_interface__
    low = int(described["data"][0])
    high = low + array.dtype.itemsize
    for extent, step in zip(array.shape, array.strides, strict=True):
        reach = (extent - 1) * step
        low, high = (low, high + reach) if reach > 0 else (low + reach, high)
    return low, high


# ---------------------------------------------------------------- launches


@dataclass
class Sizes:
    """Of launches: threads per block, a power of two, and at most so many blocks per
    multiprocessor.  The simulator has few, so that kernels go round more than once."""

    threads: int = MOST if not SIMULATED else 4
    blocks: int = 16 if not SIMULATED else 3
    _multiprocessors: int = field(default=0, repr=False)

    def multiprocessors(self) -> int:
        if SIMULATED:
            return 1
        if not self._multiprocessors:
            self._multiprocessors = int(cuda.get_current_device().MULTIPROCESSOR_COUNT)
        return self._multiprocessors


sizes = Sizes()


@dataclass
class Launcher:
    """A kernel over items: called with their number and the kernel's other arguments, it returns
    the sums, as floats."""

    function: Callable[..., None]
    sums: int

    def __post_init__(self) -> None:
        self.kernel: Any = cuda.jit(self.function)
        self.name = self.function.__name__

    def __call__(self, count: int, *args: Any) -> Any:
        if count <= 0:
            return self._result(np.zeros(self.sums))
        threads = sizes.threads
        blocks = min(-(-count // threads), sizes.blocks * sizes.multiprocessors())
        per_thread = sum(a.bytes() for a in args if isinstance(a, workspace))
        if per_thread and not SIMULATED:
            free = int(cuda.current_context().get_memory_info().free) // _SHARE
            blocks = max(1, min(blocks, free // (per_thread * threads)))
        made = [a.make(blocks * threads) if isinstance(a, workspace) else a for a in args]
        if not self.sums:
            self.kernel[blocks, threads, current_stream()](count, *made)
            return ()
        parts = empty((self.sums, blocks), np.float64)
        self.kernel[blocks, threads, current_stream()](count, *made, parts)
        found = parts.copy_to_host(stream=current_stream())
        if current_stream():
            current_stream().synchronize()
        return self._result(found.sum(axis=1))

    def _result(self, totals: Any) -> Any:
        values = tuple(float(v) for v in totals)
        return values[0] if self.sums == 1 else values


def kernel(sums: int) -> Callable[[Callable[..., None]], Launcher]:
    """Decorates a generated kernel."""
    return lambda function: Launcher(function, sums)


@dataclass
class BlockLauncher(Launcher):
    """A kernel over blocks whose threads wait for each other: called with the number of blocks,
    that of the threads of one along x, y, z, and the kernel's other arguments."""

    def __call__(self, count: int, threads: Any, *args: Any) -> Any:
        if count <= 0:
            return self._result(np.zeros(self.sums))
        blocks = min(count, _MOST_BLOCKS)
        size = int(np.prod(threads))
        times = [
            (1 if isinstance(a, block_workspace) else size) if isinstance(a, workspace) else 0
            for a in args
        ]
        taken = sum(n * a.bytes() for n, a in zip(times, args) if n)
        if taken and not SIMULATED:
            free = int(cuda.current_context().get_memory_info().free) // _SHARE
            blocks = max(1, min(blocks, free // taken))
        made = [a.make(blocks * n) if n else a for n, a in zip(times, args)]
        if not self.sums:
            self.kernel[blocks, threads, current_stream()](count, *made)
            return ()
        parts = zeros((self.sums, blocks), np.float64)
        self.kernel[blocks, threads, current_stream()](count, *made, parts)
        found = parts.copy_to_host(stream=current_stream())
        if current_stream():
            current_stream().synchronize()
        return self._result(found.sum(axis=1))


def block_kernel(sums: int) -> Callable[[Callable[..., None]], BlockLauncher]:
    """Decorates a generated kernel over blocks."""
    return lambda function: BlockLauncher(function, sums)
