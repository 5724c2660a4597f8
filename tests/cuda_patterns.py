"""CUDA kernels whose threads keep apart by more than ranges of indices: transposes through tiles,
trees over neighbours, scans; with arguments and launches, and neighbours that are refused."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import cuda, float64

from tests.cuda_kernels import Case

rng = np.random.default_rng(47)
T = 4
ROWS = 2


# ---------------------------------------------------------------- transposes


@cuda.jit
def transpose(a, out):
    """Apart for blocks of at most T by T threads."""
    tile = cuda.shared.array((T, T), float64)
    x, y = cuda.grid(2)
    tx = cuda.threadIdx.x
    ty = cuda.threadIdx.y
    if y < a.shape[0] and x < a.shape[1]:
        tile[ty, tx] = math.sin(a[y, x])
    cuda.syncthreads()
    x2 = cuda.blockIdx.y * T + tx
    y2 = cuda.blockIdx.x * T + ty
    if y2 < out.shape[0] and x2 < out.shape[1]:
        out[y2, x2] = tile[tx, ty] * tile[tx, ty]


@cuda.jit
def transpose_square(a, out):
    """With blockDim: apart for blocks with as many threads along x as along y."""
    tile = cuda.shared.array((T, T + 1), float64)
    x, y = cuda.grid(2)
    tx = cuda.threadIdx.x
    ty = cuda.threadIdx.y
    if y < a.shape[0] and x < a.shape[1]:
        tile[ty, tx] = a[y, x]
    cuda.syncthreads()
    x2 = cuda.blockIdx.y * cuda.blockDim.y + tx
    y2 = cuda.blockIdx.x * cuda.blockDim.x + ty
    if y2 < out.shape[0] and x2 < out.shape[1]:
        out[y2, x2] = tile[tx, ty] ** 3


@cuda.jit
def transpose_rows(a, out):
    """Each thread moves every second row of a tile."""
    tile = cuda.shared.array((T, T + 1), float64)
    x = cuda.blockIdx.x * T + cuda.threadIdx.x
    y = cuda.blockIdx.y * T + cuda.threadIdx.y
    for j in range(0, T, ROWS):
        if y + j < a.shape[0] and x < a.shape[1]:
            tile[cuda.threadIdx.y + j, cuda.threadIdx.x] = math.exp(0.3 * a[y + j, x])
    cuda.syncthreads()
    x = cuda.blockIdx.y * T + cuda.threadIdx.x
    y = cuda.blockIdx.x * T + cuda.threadIdx.y
    for j in range(0, T, ROWS):
        if y + j < out.shape[0] and x < out.shape[1]:
            out[y + j, x] = tile[cuda.threadIdx.x, cuda.threadIdx.y + j] ** 2


# ---------------------------------------------------------------- trees over neighbours


@cuda.jit
def neighbours(x, out):
    part = cuda.shared.array(2 * T, float64)
    tid = cuda.threadIdx.x
    i = cuda.grid(1)
    part[tid] = x[i] if i < x.size else 1.0
    cuda.syncthreads()
    s = 1
    while s < cuda.blockDim.x:
        if tid % (2 * s) == 0:
            part[tid] = part[tid] * part[tid + s] + math.sin(part[tid])
        cuda.syncthreads()
        s *= 2
    if tid == 0:
        out[cuda.blockIdx.x] = part[0]


@cuda.jit
def neighbours_by_index(x, out):
    part = cuda.shared.array(2 * T, float64)
    tid = cuda.threadIdx.x
    i = cuda.grid(1)
    part[tid] = x[i] * x[i] if i < x.size else 0.0
    cuda.syncthreads()
    s = 1
    while s < cuda.blockDim.x:
        index = 2 * s * tid
        if index < cuda.blockDim.x:
            part[index] += part[index + s] * part[index]
        cuda.syncthreads()
        s <<= 1
    if tid == 0:
        out[cuda.blockIdx.x] = math.cos(part[0])


@cuda.jit
def neighbours_counted(x, out):
    """The same tree over a loop that is counted."""
    part = cuda.shared.array(2 * T, float64)
    tid = cuda.threadIdx.x
    i = cuda.grid(1)
    part[tid] = x[i] if i < x.size else 1.0
    for k in range(2):
        cuda.syncthreads()
        s = 1 << k
        if tid % (2 * s) == 0:
            part[tid] *= part[tid + s]
    cuda.syncthreads()
    if tid == 0:
        cuda.atomic.add(out, 0, part[0])


@cuda.jit
def odd_and_even(x, n):
    """Neighbours exchange in turns: pairs that begin at even places, then at odd ones."""
    part = cuda.shared.array(2 * T, float64)
    tid = cuda.threadIdx.x
    low = 2 * tid
    start = 2 * cuda.blockDim.x * cuda.blockIdx.x
    part[low] = x[start + low]
    part[low + 1] = x[start + low + 1]
    cuda.syncthreads()
    for _ in range(n):
        least = min(part[low], part[low + 1] ** 2)
        part[low + 1] = max(part[low], part[low + 1])
        part[low] = least
        cuda.syncthreads()
        if low + 2 < 2 * cuda.blockDim.x:
            part[low + 1] = part[low + 1] * part[low + 2]
        cuda.syncthreads()
    x[start + low] = part[low]
    x[start + low + 1] = part[low + 1]


@cuda.jit
def trees_in_a_tree(x, out):
    """Two numbers that are doubled and halved, one loop in the other."""
    part = cuda.shared.array(2 * T, float64)
    tid = cuda.threadIdx.x
    i = cuda.grid(1)
    part[tid] = x[i] if i < x.size else 1.0
    cuda.syncthreads()
    size = 2
    while size <= cuda.blockDim.x:
        half = size // 2
        while half > 0:
            if tid < half:
                part[tid] += math.sin(part[tid + half]) * half / size
            cuda.syncthreads()
            half //= 2
        size *= 2
    if i < x.size:
        out[i] = part[tid] ** 2


# ---------------------------------------------------------------- scans


@cuda.jit
def scan_in_registers(x, out):
    """Hillis and Steele: what is added waits in a register."""
    part = cuda.shared.array(T, float64)
    tid = cuda.threadIdx.x
    i = cuda.grid(1)
    part[tid] = x[i] if i < x.size else 1.0
    cuda.syncthreads()
    offset = 1
    while offset < cuda.blockDim.x:
        if tid >= offset:
            t = part[tid - offset]
        cuda.syncthreads()
        if tid >= offset:
            part[tid] += t * part[tid]
        cuda.syncthreads()
        offset *= 2
    if i < x.size:
        out[i] = part[tid]


@cuda.jit
def scan_in_two_buffers(x, out):
    """Rows of one array that change places."""
    part = cuda.shared.array((2, T), float64)
    tid = cuda.threadIdx.x
    i = cuda.grid(1)
    pout = 0
    pin = 1
    part[pout, tid] = math.sin(x[i]) if i < x.size else 0.0
    cuda.syncthreads()
    offset = 1
    while offset < cuda.blockDim.x:
        pout = 1 - pout
        pin = 1 - pout
        if tid >= offset:
            part[pout, tid] = part[pin, tid] + part[pin, tid - offset] * part[pin, tid]
        else:
            part[pout, tid] = part[pin, tid]
        cuda.syncthreads()
        offset *= 2
    if i < x.size:
        out[i] = part[pout, tid]


@cuda.jit
def scan_work_efficient(x, out):
    """Brent and Kung: up a tree over neighbours and down again."""
    part = cuda.shared.array(2 * T, float64)
    tid = cuda.threadIdx.x
    i = cuda.grid(1)
    part[tid] = x[i] if i < x.size else 0.5
    stride = 1
    while stride < cuda.blockDim.x:
        cuda.syncthreads()
        index = (tid + 1) * 2 * stride - 1
        if index < cuda.blockDim.x:
            part[index] += part[index - stride] * part[index]
        stride *= 2
    step = cuda.blockDim.x // 2
    while step > 0:
        cuda.syncthreads()
        index = (tid + 1) * 2 * step - 1
        if index + step < cuda.blockDim.x:
            part[index + step] += part[index] * part[index + step]
        step //= 2
    cuda.syncthreads()
    if i < x.size:
        out[i] = part[tid]


@cuda.jit
def strides_in_a_block(x, out):
    """Fewer threads than elements of the tile."""
    part = cuda.shared.array(3 * T, float64)
    tid = cuda.threadIdx.x
    start = 3 * T * cuda.blockIdx.x
    for j in range(tid, 3 * T, cuda.blockDim.x):
        part[j] = math.sin(x[start + j]) if start + j < x.size else 0.0
    cuda.syncthreads()
    for j in range(tid, 3 * T, cuda.blockDim.x):
        if start + j < x.size:
            out[start + j] = part[3 * T - 1 - j] * part[j]


X, Z = rng.normal(size=11), np.zeros(11)
A = rng.normal(size=(6, 7))
WIDE = rng.normal(size=(7, 6))
BLOCKS = "a kernel, one block per"
TILES: tuple[Any, ...] = ((2, 2), (T, T))
CASES = [
    Case(transpose, (A, np.zeros((7, 6))), TILES, BLOCKS, silent="atomic"),
    Case(transpose_square, (WIDE, np.zeros((6, 7))), TILES, BLOCKS, silent="atomic"),
    Case(transpose_rows, (A, np.zeros((7, 6))), ((2, 2), (T, ROWS)), BLOCKS, silent="atomic"),
    Case(neighbours, (X, Z[:3]), (3, T), BLOCKS, silent="atomic"),
    Case(neighbours_by_index, (X, Z[:3]), (3, T), BLOCKS, silent="atomic"),
    Case(neighbours_counted, (X, Z[:1]), (3, T), BLOCKS),
    Case(trees_in_a_tree, (X, Z), (3, T), BLOCKS),
    Case(odd_and_even, (rng.uniform(0.5, 1.5, 4 * T), 2), (2, T), BLOCKS),
    Case(scan_in_registers, (X, Z), (3, T), BLOCKS),
    Case(scan_in_two_buffers, (X, Z), (3, T), BLOCKS),
    Case(strides_in_a_block, (rng.normal(size=22), np.zeros(22)), (2, T), BLOCKS),
    Case(scan_work_efficient, (X, Z), (3, T), BLOCKS, silent="atomic"),
]


# ---------------------------------------------------------------- refused: threads do meet


@cuda.jit
def transpose_in_place(a):
    tile = cuda.shared.array((T, T), float64)
    x, y = cuda.grid(2)
    tx = cuda.threadIdx.x
    ty = cuda.threadIdx.y
    tile[ty, tx] = a[y, x]
    cuda.syncthreads()
    a[cuda.blockIdx.x * T + ty, cuda.blockIdx.y * T + tx] = tile[tx, ty]


@cuda.jit
def transpose_to_one_row(a, out):
    tile = cuda.shared.array((T, T), float64)
    x, y = cuda.grid(2)
    tx = cuda.threadIdx.x
    ty = cuda.threadIdx.y
    tile[ty, tx] = a[y, x]
    cuda.syncthreads()
    out[ty, cuda.blockIdx.y * T + tx] = tile[tx, ty]


@cuda.jit
def transpose_every_row(a, out):
    """Each thread moves all rows below its own."""
    tile = cuda.shared.array((T + ROWS, T), float64)
    tx = cuda.threadIdx.x
    ty = cuda.threadIdx.y
    for j in range(T):
        tile[ty + j, tx] = a[ty + j, tx]
    cuda.syncthreads()
    out[cuda.blockIdx.x * T + tx, cuda.blockIdx.y * T + ty] = tile[tx, ty]


@cuda.jit
def neighbours_of_neighbours(x, out):
    part = cuda.shared.array(4 * T, float64)
    tid = cuda.threadIdx.x
    part[tid] = x[tid]
    cuda.syncthreads()
    s = 1
    while s < cuda.blockDim.x:
        if tid % (2 * s) == 0:
            part[tid] += part[tid + 2 * s]
        cuda.syncthreads()
        s *= 2
    out[cuda.grid(1)] = part[tid]


@cuda.jit
def neighbours_at_every_place(x, out):
    part = cuda.shared.array(4 * T, float64)
    tid = cuda.threadIdx.x
    part[tid] = x[tid]
    cuda.syncthreads()
    s = 1
    while s < cuda.blockDim.x:
        index = s * tid
        if index < cuda.blockDim.x:
            part[index] += part[index + s]
        cuda.syncthreads()
        s *= 2
    out[cuda.grid(1)] = part[tid]


@cuda.jit
def neighbours_of_another_step(x, out):
    part = cuda.shared.array(4 * T, float64)
    tid = cuda.threadIdx.x
    part[tid] = x[tid]
    cuda.syncthreads()
    s = 1
    step = 1
    while s < cuda.blockDim.x:
        if tid % (2 * step) == 0:
            part[tid] += part[tid + s]
        cuda.syncthreads()
        s *= 2
    out[cuda.grid(1)] = part[tid]


@cuda.jit
def step_of_zero(x, out):
    """After its last iteration a number that is halved is zero."""
    part = cuda.shared.array(4 * T, float64)
    tid = cuda.threadIdx.x
    part[tid] = x[tid]
    cuda.syncthreads()
    s = cuda.blockDim.x // 2
    while s > 0:
        part[2 * s * tid] *= 2.0
        cuda.syncthreads()
        s //= 2
        part[2 * s * tid] *= 3.0
        cuda.syncthreads()
    out[cuda.grid(1)] = part[tid]


@cuda.jit
def step_read_later(x, out):
    part = cuda.shared.array(4 * T, float64)
    tid = cuda.threadIdx.x
    part[tid] = x[tid]
    cuda.syncthreads()
    s = cuda.blockDim.x // 2
    while s > 0:
        if tid < s:
            part[tid] += part[tid + s]
        cuda.syncthreads()
        s //= 2
    part[s * tid] += 1.0
    cuda.syncthreads()
    out[cuda.grid(1)] = part[tid]


@cuda.jit
def scan_with_one_barrier(x, out):
    part = cuda.shared.array(T, float64)
    tid = cuda.threadIdx.x
    part[tid] = x[tid]
    cuda.syncthreads()
    offset = 1
    while offset < cuda.blockDim.x:
        if tid >= offset:
            part[tid] += part[tid - offset]
        cuda.syncthreads()
        offset *= 2
    out[cuda.grid(1)] = part[tid]


@cuda.jit
def scan_in_one_buffer(x, out):
    part = cuda.shared.array((2, T), float64)
    tid = cuda.threadIdx.x
    pout = 0
    part[pout, tid] = x[tid]
    cuda.syncthreads()
    for offset in range(1, 3):
        pout = 1 - pout
        pin = pout
        if tid >= offset:
            part[pout, tid] = part[pin, tid - offset]
        cuda.syncthreads()
    out[cuda.grid(1)] = part[pout, tid]


@cuda.jit
def scan_in_wrapped_buffers(x, out):
    """-2 is the first of two rows, -1 the second."""
    part = cuda.shared.array((2, T), float64)
    tid = cuda.threadIdx.x
    pout = 0
    part[pout, tid] = x[tid]
    cuda.syncthreads()
    for offset in range(1, 3):
        pout = 1 - pout
        pin = pout - 2
        if tid >= offset:
            part[pout, tid] = part[pin, tid - offset]
        cuda.syncthreads()
    out[cuda.grid(1)] = part[pout, tid]


@cuda.jit
def scan_in_stale_buffers(x, out):
    part = cuda.shared.array((2, T), float64)
    tid = cuda.threadIdx.x
    pout = 0
    pin = 1 - pout
    part[pout, tid] = x[tid]
    part[pin, tid] = 0.0
    cuda.syncthreads()
    for offset in range(1, 3):
        pout = 1 - pout
        if tid >= offset:
            part[pout, tid] = part[pin, tid - offset]
        cuda.syncthreads()
    out[cuda.grid(1)] = part[pout, tid]


@cuda.jit
def strides_that_overlap(x, out):
    part = cuda.shared.array(4 * T, float64)
    tid = cuda.threadIdx.x
    for j in range(2 * tid, 4 * T, cuda.blockDim.x):
        part[j] = x[j // 2]
    cuda.syncthreads()
    out[cuda.grid(1)] = part[tid]


OF_THREADS = "threads of a block may share elements of part"
SQUARE = rng.normal(size=(2 * T, 2 * T))
MEETING: list[tuple[Any, tuple[Any, ...], Any, str]] = [
    (transpose_in_place, (SQUARE,), TILES, "blocks may share elements of a"),
    (transpose_to_one_row, (SQUARE, SQUARE), TILES, "blocks may share elements of out"),
    (transpose_every_row, (SQUARE, SQUARE), ((2, 2), (T, ROWS)), "may share elements of tile"),
    *(
        (one, (X, Z), (2, T), OF_THREADS)
        for one in (
            *(neighbours_of_neighbours, neighbours_at_every_place, neighbours_of_another_step),
            *(step_of_zero, step_read_later, scan_with_one_barrier, scan_in_one_buffer),
            *(scan_in_wrapped_buffers, scan_in_stale_buffers, strides_that_overlap),
        )
    ),
]
REFUSED = [(kernel, args, text) for kernel, args, _, text in MEETING]
