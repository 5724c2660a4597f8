"""CUDA kernels as textbooks and Numba's manual write them, with arguments and launches."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import cuda, float64

from tests.cuda_kernels import Case

rng = np.random.default_rng(31)
TPB = 4


@cuda.jit
def fast_matmul(A, B, C):
    """Of Numba's manual: its loop over tiles is as long as the grid."""
    sA = cuda.shared.array(shape=(TPB, TPB), dtype=float64)
    sB = cuda.shared.array(shape=(TPB, TPB), dtype=float64)
    x, y = cuda.grid(2)
    tx = cuda.threadIdx.x
    ty = cuda.threadIdx.y
    bpg = cuda.gridDim.x
    tmp = float64(0.0)
    for i in range(bpg):
        sA[ty, tx] = 0
        sB[ty, tx] = 0
        if y < A.shape[0] and (tx + i * TPB) < A.shape[1]:
            sA[ty, tx] = A[y, tx + i * TPB]
        if x < B.shape[1] and (ty + i * TPB) < B.shape[0]:
            sB[ty, tx] = B[ty + i * TPB, x]
        cuda.syncthreads()
        for j in range(TPB):
            tmp += sA[ty, j] * sB[j, tx]
        cuda.syncthreads()
    if y < C.shape[0] and x < C.shape[1]:
        C[y, x] = tmp


@cuda.jit
def bodies_in_tiles(pos, m, acc):
    part = cuda.shared.array((TPB, 3), float64)
    t = cuda.threadIdx.x
    i = cuda.grid(1)
    px, py = pos[i, 0], pos[i, 1]
    ax = 0.0
    ay = 0.0
    for b in range(cuda.gridDim.x):
        j = b * cuda.blockDim.x + t
        part[t, 0] = pos[j, 0]
        part[t, 1] = pos[j, 1]
        part[t, 2] = m[j]
        cuda.syncthreads()
        for k in range(cuda.blockDim.x):
            dx = part[k, 0] - px
            dy = part[k, 1] - py
            r2 = dx * dx + dy * dy + 0.1
            inv = part[k, 2] / (r2 * math.sqrt(r2))
            ax += dx * inv
            ay += dy * inv
        cuda.syncthreads()
    acc[i, 0] = ax
    acc[i, 1] = ay


@cuda.jit
def outer_in_blocks(x, out, sums):
    """A thread's own loops, as long as the block and the grid."""
    part = cuda.shared.array(TPB, float64)
    t = cuda.threadIdx.x
    i = cuda.grid(1)
    part[t] = math.sin(x[i])
    cuda.syncthreads()
    for b in range(cuda.gridDim.x):
        cuda.atomic.add(sums, b, part[t] * part[t] * (b + 1))
    for k in range(cuda.blockDim.x):
        out[i, k] = part[k] * x[i]


@cuda.jit
def several_each(x, out):
    """A thread has neighbouring elements."""
    base = cuda.grid(1) * 2
    for k in range(2):
        i = base + k
        if i < x.size:
            out[i] = math.exp(x[i]) * x[i]


@cuda.jit
def interior(x, out):
    i = cuda.grid(1) + 1
    if i < x.size - 1:
        out[2 * i] = (x[i - 1] - x[i + 1]) * x[i]
        out[2 * i + 1] = x[i] ** 2


@cuda.jit
def horner(x, out):
    """A local array that is made before the branch in which a loop needs a tape."""
    c = cuda.local.array(4, float64)
    i = cuda.grid(1)
    if i < x.size:
        for k in range(4):
            c[k] = math.sin(x[i] * (k + 1))
        p = 0.0
        for k in range(3, -1, -1):
            p = p * x[i] + c[k]
        out[i] = p


@cuda.jit
def strides_on_two_axes(u, out, most):
    i0, j0 = cuda.grid(2)
    ni, nj = cuda.gridsize(2)
    for i in range(i0, u.shape[0], ni):
        first = u[i, 0]
        for j in range(j0, u.shape[1], nj):
            out[i, j] = math.sin(u[i, j]) * first
            cuda.atomic.add(most, j, u[i, j] ** 2)


@cuda.jit
def counts_its_own(u, out):
    """How many of a row's elements the thread has had: the loops are not over elements alone."""
    i0, j0 = cuda.grid(2)
    ni, nj = cuda.gridsize(2)
    for i in range(i0, u.shape[0], ni):
        n = 0
        for j in range(j0, u.shape[1], nj):
            n = n + 1
            out[i, j] = n * u[i, j]


@cuda.jit
def strides_along_y(u, out):
    _i, j0 = cuda.grid(2)
    _n, nj = cuda.gridsize(2)
    for j in range(j0, u.size, nj):
        cuda.atomic.add(out, 0, u[j] ** 2)


@cuda.jit
def turned_round(x, out):
    """The name of an index is used again."""
    tile = cuda.shared.array(TPB, float64)
    t = cuda.threadIdx.x
    i = cuda.blockIdx.x * cuda.blockDim.x + t
    tile[t] = x[i] * x[i]
    cuda.syncthreads()
    i = cuda.blockIdx.x * cuda.blockDim.x + cuda.blockDim.x - 1 - t
    out[i] = math.sin(tile[t]) * tile[cuda.blockDim.x - 1 - t]


WEIGHTS = np.array([0.3, -0.7, 1.1])
MANY = np.ones(8192)


@cuda.jit
def weighted(x, out):
    """A filter in constant memory."""
    w = cuda.const.array_like(WEIGHTS)
    i = cuda.grid(1)
    if 0 < i < x.size - 1:
        total = 0.0
        for k in range(w.size):
            total += w[k] * x[i + k - 1] * x[i]
        out[i] = math.sin(total)


@cuda.jit
def weighted_in_tiles(x, out):
    w = cuda.const.array_like(WEIGHTS)
    tile = cuda.shared.array(TPB, float64)
    t = cuda.threadIdx.x
    i = cuda.grid(1)
    tile[t] = x[i] * w[0]
    cuda.syncthreads()
    y = 0.0
    for k in range(3):
        y += w[k] * tile[TPB - 1 - t] ** 2 * WEIGHTS[2 - k]
    out[i] = y


@cuda.jit
def too_large(x, out):
    w = cuda.const.array_like(MANY)
    i = cuda.grid(1)
    if i < x.size:
        out[i] = x[i] * w[i]


@cuda.jit
def writes_constants(x, out):
    w = cuda.const.array_like(WEIGHTS)
    i = cuda.grid(1)
    if i < x.size:
        w[i] = x[i]
        out[i] = x[i] * w[i]


@cuda.jit
def constant_of_its_own(x, out):
    w = cuda.const.array_like(x)
    i = cuda.grid(1)
    if i < x.size:
        out[i] = x[i] * w[i]


X = rng.normal(size=8)
M = rng.uniform(0.5, 1.5, 8)
SQUARE: tuple[Any, ...] = (rng.normal(size=(5, 6)), rng.normal(size=(6, 7)), np.zeros((5, 7)))
BLOCKS = "a kernel, one block per"
GRID: tuple[Any, ...] = (rng.normal(size=(5, 6)), np.zeros((5, 6)))
CASES = [
    Case(strides_on_two_axes, (*GRID, np.zeros(6)), ((1, 2), (2, 2)), silent="out_adj: atomic"),
    Case(horner, (X, np.zeros(8)), (3, 3), silent="atomic"),
    Case(several_each, (X, np.zeros(8)), (2, 3), silent="atomic"),
    Case(interior, (X, np.zeros(16)), (3, 3)),
    Case(fast_matmul, SQUARE, ((2, 2), (TPB, TPB)), said=BLOCKS),
    Case(bodies_in_tiles, (rng.normal(size=(8, 2)), M, np.zeros((8, 2))), (2, TPB), said=BLOCKS),
    Case(weighted, (X, np.zeros(8)), (3, 3)),
    Case(weighted_in_tiles, (X, np.zeros(8)), (2, TPB), said=BLOCKS),
    Case(turned_round, (X, np.zeros(8)), (2, TPB), said=BLOCKS),
    Case(outer_in_blocks, (X, np.zeros((8, TPB)), np.zeros(2)), (2, TPB), said=BLOCKS),
]
REFUSED: list[tuple[Any, tuple[Any, ...], str]] = [
    (too_large, (X, np.zeros(8)), "65536 bytes of the global array MANY"),
    (writes_constants, (X, np.zeros(8)), "captured, and so read-only"),
    (constant_of_its_own, (X, np.zeros(8)), "cuda.const.array_like"),
    (counts_its_own, GRID, "has no length known before"),
]
