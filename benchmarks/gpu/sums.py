"""What the kernels by hand share: sums over a block."""

from __future__ import annotations

from typing import Any

from numba import cuda

from adcompile.cuda.package import SIMULATED

THREADS = 4 if SIMULATED else 256  # of a block, a power of two


@cuda.jit(device=True)
def add_up(part: Any, value: float, total: Any, k: int) -> None:
    """``total[k]`` plus the ``value`` of every thread: a tree in ``part``, which is shared and has
    THREADS elements, then one atomic addition per block."""
    t = cuda.threadIdx.x
    cuda.syncthreads()
    part[t] = value
    cuda.syncthreads()
    s = THREADS // 2
    while s > 0:
        if t < s:
            part[t] += part[t + s]
        cuda.syncthreads()
        s //= 2
    if t == 0:
        cuda.atomic.add(total, k, part[0])


@cuda.jit
def _fill(array: Any, value: float) -> None:
    for k in range(cuda.grid(1), array.size, cuda.gridsize(1)):
        array[k] = value


def clear(array: Any) -> None:
    """Zeros, for an array of one axis."""
    _fill[blocks(array.size), THREADS](array, 0.0)


def blocks(items: int) -> int:
    """Enough to fill the device, for loops that stride over the grid."""
    most = 4 if SIMULATED else 16 * int(cuda.get_current_device().MULTIPROCESSOR_COUNT)
    return max(1, min(most, -(-items // THREADS)))
