"""Functions of numbers that kernels call and the device's library lacks, and the sum of a block."""

from __future__ import annotations

import math
from typing import Any

from adcompile.cuda.package import cuda


@cuda.jit(device=True)
def add_up(shared: Any, sums: Any, place: int, value: float) -> None:
    """``sums[place, block]``: the sum of ``value`` over the threads of the block, always in the
    same order.  A block has a power of two of threads, at most ``MOST``; ``shared`` is shared
    memory of so many numbers."""
    k = cuda.threadIdx.x
    shared[k] = value
    cuda.syncthreads()
    step = cuda.blockDim.x // 2
    while step > 0:
        if k < step:
            shared[k] += shared[k + step]
        cuda.syncthreads()
        step //= 2
    if k == 0:
        sums[place, cuda.blockIdx.x] = shared[0]
    cuda.syncthreads()


@cuda.jit(device=True)
def lane_x() -> Any:
    """A thread's place in its block."""
    return cuda.threadIdx.x


@cuda.jit(device=True)
def lane_y() -> Any:
    """See ``lane_x``."""
    return cuda.threadIdx.y


@cuda.jit(device=True)
def lane_z() -> Any:
    """See ``lane_x``."""
    return cuda.threadIdx.z


@cuda.jit(device=True)
def lane() -> Any:
    """A thread's number in its block."""
    rows = cuda.threadIdx.z * cuda.blockDim.y + cuda.threadIdx.y
    return rows * cuda.blockDim.x + cuda.threadIdx.x


@cuda.jit(device=True)
def block_number() -> Any:
    """A block's number; grids have one axis."""
    return cuda.blockIdx.x


@cuda.jit(device=True)
def block_count() -> Any:
    """How many blocks run."""
    return cuda.gridDim.x


@cuda.jit(device=True)
def thread_number() -> Any:
    """A thread's number in the grid."""
    size = cuda.blockDim.x * cuda.blockDim.y * cuda.blockDim.z
    rows = cuda.threadIdx.z * cuda.blockDim.y + cuda.threadIdx.y
    return cuda.blockIdx.x * size + rows * cuda.blockDim.x + cuda.threadIdx.x


@cuda.jit(device=True)
def rolled(steps: int) -> int:
    """``steps``, which the compiler cannot know."""
    return steps if cuda.blockIdx.x < cuda.gridDim.x else 0


@cuda.jit(device=True)
def add_part(sums: Any, place: int, value: float) -> None:
    """``sums[place, block]``, of zeros at first: the sum of ``value`` over the threads, in any
    order."""
    cuda.atomic.add(sums, (place, cuda.blockIdx.x), value)


@cuda.jit(device=True)
def sign(x: float) -> float:
    """``np.sign``."""
    if x > 0.0:
        return 1.0
    if x < 0.0:
        return -1.0
    return x


@cuda.jit(device=True)
def maximum(a: float, b: float) -> float:
    """``np.maximum``: nan if one is."""
    return a if a > b or a != a else b


@cuda.jit(device=True)
def minimum(a: float, b: float) -> float:
    """``np.minimum``: nan if one is."""
    return a if a < b or a != a else b


@cuda.jit(device=True)
def fmax(a: float, b: float) -> float:
    """``np.fmax``: the other one if one is nan."""
    return a if a > b or b != b else b


@cuda.jit(device=True)
def fmin(a: float, b: float) -> float:
    """``np.fmin``: the other one if one is nan."""
    return a if a < b or b != b else b


@cuda.jit(device=True)
def cbrt(x: float) -> float:
    """``np.cbrt``: a root and one step of Newton's."""
    if x == 0.0 or x != x or math.isinf(x):
        return x
    y = math.copysign(abs(x) ** (1.0 / 3.0), x)
    return y - (y * y * y - x) / (3.0 * y * y)


@cuda.jit(device=True)
def exp2(x: float) -> float:
    """``np.exp2``."""
    return math.pow(2.0, x)


@cuda.jit(device=True)
def logaddexp(a: float, b: float) -> float:
    """``np.logaddexp``."""
    if a == b:
        return a + 0.6931471805599453
    if a > b:
        return a + math.log1p(math.exp(b - a))
    return b + math.log1p(math.exp(a - b))


@cuda.jit(device=True)
def rint(x: float) -> float:
    """``np.rint``: to even at ties."""
    low = math.floor(x)
    rest = x - low
    if rest > 0.5 or (rest == 0.5 and low % 2.0 != 0.0):
        return low + 1.0
    return low + 0.0
