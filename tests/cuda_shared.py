"""CUDA kernels with shared memory and barriers, with arguments and launches; and some that are
refused."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import cuda, float64

from tests.cuda_kernels import Case

rng = np.random.default_rng(23)
T = 4


@cuda.jit
def tree(x, out):
    """The sum of squares of each block."""
    part = cuda.shared.array(T, float64)
    t = cuda.threadIdx.x
    i = cuda.grid(1)
    part[t] = math.sin(x[i]) * x[i] if i < x.size else 0.0
    cuda.syncthreads()
    s = cuda.blockDim.x // 2
    while s > 0:
        if t < s:
            part[t] += part[t + s]
        cuda.syncthreads()
        s //= 2
    if t == 0:
        out[cuda.blockIdx.x] = part[0] * part[0]


@cuda.jit
def tree_of_products(x, out):
    """Not linear: what is overwritten is needed in reverse."""
    part = cuda.shared.array(T, float64)
    t = cuda.threadIdx.x
    i = cuda.grid(1)
    if i < x.size:
        part[t] = x[i]
    else:
        part[t] = 1.0
    cuda.syncthreads()
    s = cuda.blockDim.x >> 1
    while s > 0:
        if t < s:
            part[t] = part[t] * part[t + s] + math.sin(part[t])
        cuda.syncthreads()
        s >>= 1
    if t == 0:
        cuda.atomic.add(out, 0, part[0])


@cuda.jit
def matmul(a, b, c):
    """Tiles of both factors in shared memory; ``total`` is kept over the barriers."""
    part_a = cuda.shared.array((T, T), float64)
    part_b = cuda.shared.array((T, T), dtype=float64)
    tx = cuda.threadIdx.x
    ty = cuda.threadIdx.y
    j, i = cuda.grid(2)
    total = 0.0
    for k in range((a.shape[1] + T - 1) // T):
        part_a[ty, tx] = 0.0
        part_b[ty, tx] = 0.0
        if i < a.shape[0] and k * T + tx < a.shape[1]:
            part_a[ty, tx] = a[i, k * T + tx]
        if j < b.shape[1] and k * T + ty < b.shape[0]:
            part_b[ty, tx] = b[k * T + ty, j]
        cuda.syncthreads()
        for q in range(T):
            total += part_a[ty, q] * part_b[q, tx]
        cuda.syncthreads()
    if i < c.shape[0] and j < c.shape[1]:
        c[i, j] = total * math.cos(total)


@cuda.jit
def halo(u, out):
    """A stencil on a tile with its two neighbours."""
    tile = cuda.shared.array(T + 2, float64)
    t = cuda.threadIdx.x
    i = cuda.blockIdx.x * cuda.blockDim.x + t
    n = u.size
    tile[t + 1] = u[i] if i < n else 0.0
    if t == 0:
        tile[0] = u[i - 1] if i > 0 else 0.0
    if t == cuda.blockDim.x - 1:
        tile[cuda.blockDim.x + 1] = u[i + 1] if i + 1 < n else 0.0
    cuda.syncthreads()
    if i < n:
        out[i] = tile[t + 1] ** 2 * tile[t] - math.sin(tile[t + 2]) * tile[t]


@cuda.jit
def reversed_in_blocks(x, w, out):
    """Elements that another thread wrote; a number kept, not kept by its index."""
    tile = cuda.shared.array(T, float64)
    t = cuda.threadIdx.x
    i = cuda.grid(1)
    y = math.exp(0.3 * x[i]) if i < x.size else 0.0
    tile[t] = y * y
    cuda.syncthreads()
    if i < x.size:
        out[i] = w * tile[cuda.blockDim.x - 1 - t] * y


@cuda.jit
def counted_in_blocks(x, out):
    """Atomics on shared memory, then on global memory."""
    bins = cuda.shared.array(3, float64)
    t = cuda.threadIdx.x
    if t < 3:
        bins[t] = 0.0
    cuda.syncthreads()
    for i in range(cuda.grid(1), x.size, cuda.gridsize(1)):
        cuda.atomic.add(bins, i % 3, math.sin(x[i]) * x[i])
    cuda.syncthreads()
    if t < 3:
        cuda.atomic.add(out, t, bins[t] * bins[t])


@cuda.jit
def restarted(x, out):
    """The number that is halved begins anew, with more."""
    part = cuda.shared.array(T, float64)
    t = cuda.threadIdx.x
    j = cuda.grid(1)
    i = j + 0
    part[t] = x[i] if i < x.size else 1.0
    cuda.syncthreads()
    s = 1
    for k in range(3):
        while s > 0:
            if t < s:
                part[t] = math.sin(part[t]) * part[t + s]
            cuda.syncthreads()
            s //= 2
        s = k + 1
    if i < x.size:
        out[i] = part[t] ** 2


@cuda.jit
def upwards(x, n, out):
    """Doubled; indices computed again; a number and a flag kept."""
    part = cuda.shared.array(T, np.float64)
    t = cuda.threadIdx.x
    i = cuda.grid(1)
    k = i + n
    m = n + 1
    y = 0.5
    if k < x.size:
        y = x[k] * x[k]
    high = y > 0.3
    part[t] = y
    cuda.syncthreads()
    s = 1
    while s < cuda.blockDim.x:
        z = part[t - s] if t >= s else 0.0
        cuda.syncthreads()
        part[t] += z * part[t]
        cuda.syncthreads()
        s *= 2
    if k + m < x.size:
        out[i] = part[t] * y if high else math.cos(part[t])


@cuda.jit
def softmax(x, out):
    red = cuda.shared.array(T, float64)
    t = cuda.threadIdx.x
    b = cuda.blockIdx.x
    v = x[b, t]
    red[t] = v
    cuda.syncthreads()
    s = cuda.blockDim.x // 2
    while s > 0:
        if t < s:
            red[t] = max(red[t], red[t + s])
        cuda.syncthreads()
        s //= 2
    top = red[0]
    cuda.syncthreads()
    e = math.exp(v - top)
    red[t] = e
    cuda.syncthreads()
    s = cuda.blockDim.x // 2
    while s > 0:
        if t < s:
            red[t] += red[t + s]
        cuda.syncthreads()
        s //= 2
    out[b, t] = e / red[0]


@cuda.jit
def uniform_if(x, out, flag):
    tile = cuda.shared.array(T, float64)
    t = cuda.threadIdx.x
    i = cuda.grid(1)
    tile[t] = x[i]
    cuda.syncthreads()
    if cuda.blockIdx.x > 0 and flag > 1:
        tile[t] = tile[t] ** 2
        cuda.syncthreads()
        if t < T - 1:
            out[i] = tile[t] * tile[t + 1]
    else:
        out[i] = tile[t] ** 3


@cuda.jit
def jacobi(u, out, n):
    a = cuda.shared.array(T, float64)
    b = cuda.shared.array(T, float64)
    t = cuda.threadIdx.x
    i = cuda.grid(1)
    a[t] = u[i]
    cuda.syncthreads()
    for _ in range(n):
        if 0 < t < T - 1:
            b[t] = a[t] + 0.3 * (a[t - 1] - 2.0 * a[t] + a[t + 1]) * a[t]
        else:
            b[t] = a[t]
        cuda.syncthreads()
        a[t] = b[t]
        cuda.syncthreads()
    out[i] = a[t]


@cuda.jit
def greatest(x, w, out):
    """The maximum of each block, where it is, and the minimum of what stands there."""
    most = cuda.shared.array(T, float64)
    place = cuda.shared.array(T, np.int64)
    least = cuda.shared.array(T, float64)
    t = cuda.threadIdx.x
    i = cuda.grid(1)
    most[t] = math.sin(x[i]) * x[i] if i < x.size else -1e30
    place[t] = min(i, x.size - 1)
    least[t] = x[i] * w if i < x.size else 1e30
    cuda.syncthreads()
    s = cuda.blockDim.x // 2
    while s > 0:
        if t < s:
            if most[t + s] > most[t]:
                most[t] = most[t + s]
                place[t] = place[t + s]
            least[t] = min(least[t], least[t + s])
        cuda.syncthreads()
        s //= 2
    if t == 0:
        out[cuda.blockIdx.x] = most[0] * most[0] * x[place[0]] + math.exp(least[0])


X, Y = rng.normal(size=11), rng.uniform(0.5, 1.5, 11)
Z = np.zeros(11)
A, B = rng.normal(size=(5, 6)), rng.normal(size=(6, 3))

BLOCKS = "a kernel, one block per"
CASES = [
    Case(tree, (X, Z[:3]), (3, T), BLOCKS, silent="atomic"),
    Case(tree_of_products, (X, Z[:1]), (3, T), said=BLOCKS),
    Case(matmul, (A, B, np.zeros((5, 3))), ((1, 2), (T, T)), said=BLOCKS),
    Case(halo, (X, Z), (3, T), said=BLOCKS),
    Case(reversed_in_blocks, (X, 0.7, Z), (3, T), said=BLOCKS),
    Case(softmax, (rng.normal(size=(3, T)), np.zeros((3, T))), (3, T), said=BLOCKS),
    Case(uniform_if, (rng.normal(size=12), np.zeros(12), 2), (3, T), said=BLOCKS),
    Case(jacobi, (rng.normal(size=12), np.zeros(12), 3), (3, T), said=BLOCKS),
    Case(restarted, (X, Z), (3, T), said=BLOCKS),
    Case(upwards, (X, 0, Z), (3, T), said=BLOCKS),
    Case(greatest, (X, 0.7, Z[:3]), (3, T), said=BLOCKS),
    Case(counted_in_blocks, (X, Z[:3]), (2, T), said=BLOCKS),
]


# ---------------------------------------------------------------- refused


@cuda.jit
def not_all_come(x, out):
    i = cuda.grid(1)
    if i < x.size:
        out[i] = x[i]
        cuda.syncthreads()


@cuda.jit
def some_return(x, out):
    i = cuda.grid(1)
    if i >= x.size:
        return
    tile = cuda.shared.array(T, float64)
    tile[cuda.threadIdx.x] = x[i]
    cuda.syncthreads()
    out[i] = tile[0]


@cuda.jit
def no_barrier(x, out):
    tile = cuda.shared.array(T, float64)
    t = cuda.threadIdx.x
    i = cuda.grid(1)
    tile[t] = x[i]
    out[i] = tile[T - 1 - t]


@cuda.jit
def all_write(x, out):
    tile = cuda.shared.array(T, float64)
    i = cuda.grid(1)
    tile[0] = x[i]
    cuda.syncthreads()
    out[i] = tile[0]


@cuda.jit
def by_values(x, out):
    tile = cuda.shared.array(T, float64)
    i = cuda.grid(1)
    tile[cuda.threadIdx.x] = x[i]
    n = int(x[0])
    for _ in range(n):
        cuda.syncthreads()
    out[i] = tile[0]


@cuda.jit
def no_barrier_in_tree(x, out):
    part = cuda.shared.array(T, float64)
    t = cuda.threadIdx.x
    part[t] = x[cuda.grid(1)]
    cuda.syncthreads()
    s = T // 2
    while s > 0:
        if t < s:
            part[t] += part[t + s]
        s //= 2
    out[cuda.blockIdx.x] = part[0]


@cuda.jit
def wrong_range(x, out):
    part = cuda.shared.array(2 * T, float64)
    t = cuda.threadIdx.x
    part[t] = x[cuda.grid(1)]
    part[t + T] = 0.0
    cuda.syncthreads()
    s = T // 2
    while s > 0:
        if t <= s:
            part[t] += part[t + s]
        cuda.syncthreads()
        s //= 2
    if t == 0:
        out[cuda.blockIdx.x] = part[0]


@cuda.jit
def kept_index(x, where, out):
    tile = cuda.shared.array(T, float64)
    t = cuda.threadIdx.x
    i = cuda.grid(1)
    k = where[i]
    tile[t] = x[i]
    cuda.syncthreads()
    out[i] = tile[k]


@cuda.jit
def changed_parameter(x, n, out):
    tile = cuda.shared.array(T, float64)
    t = cuda.threadIdx.x
    k = cuda.grid(1) + n
    n = n + 1
    tile[t] = x[k]
    cuda.syncthreads()
    out[k] = tile[t]


@cuda.jit
def blocks_meet(x, out):
    tile = cuda.shared.array(T, float64)
    t = cuda.threadIdx.x
    tile[t] = x[t]
    cuda.syncthreads()
    out[t] = tile[t] * x[cuda.blockIdx.x]


@cuda.jit
def long_while(x, out):
    tile = cuda.shared.array(T, float64)
    t = cuda.threadIdx.x
    s = cuda.blockDim.x
    while s > 0:
        tile[t] = x[t]
        cuda.syncthreads()
        s -= 1
    out[cuda.grid(1)] = tile[t]


@cuda.jit
def sized_at_launch(x, out):
    tile = cuda.shared.array(0, float64)
    t = cuda.threadIdx.x
    tile[t] = x[t]
    cuda.syncthreads()
    out[cuda.grid(1)] = tile[t]


REFUSED: list[tuple[Any, tuple[Any, ...], str]] = [
    (not_all_come, (X, Z), "not all threads of a block need come"),
    (some_return, (X, Z), "in a branch or loop|not all threads"),
    (no_barrier, (X, Z), "share elements of tile"),
    (all_write, (X, Z), "share elements of tile"),
    (by_values, (X, Z), "not all threads"),
    (no_barrier_in_tree, (X, Z), "share elements of part"),
    (wrong_range, (X, Z), "share elements of part"),
    (changed_parameter, (X, 1, Z), "k, which is not a number of floating type"),
    (blocks_meet, (X, Z), "blocks may share elements of out"),
    (sized_at_launch, (X, Z), "sized at the launch"),
    (long_while, (X, Z), "while with syncthreads in it"),
    (kept_index, (X, np.arange(11), Z), "kept over syncthreads"),
]
