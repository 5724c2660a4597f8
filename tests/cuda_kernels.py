"""CUDA kernels that have adjoints, with arguments and launches; and kernels that are refused."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import cuda, float64

rng = np.random.default_rng(17)


@cuda.jit(device=True)
def bump(x: Any, a: Any) -> Any:
    return math.exp(-a * x * x) if x > 0.0 else math.cos(a * x)


@cuda.jit
def elementwise(x, y, a, out):
    i = cuda.grid(1)
    if i < x.size:
        out[i] = a * bump(x[i], y[i]) + math.sin(y[i]) * x[0]


@cuda.jit
def in_place(x, y):
    i = cuda.threadIdx.x + cuda.blockIdx.x * cuda.blockDim.x
    if i >= x.size:
        return
    x[i] = math.sin(x[i]) * x[i] + y[i]


@cuda.jit
def named_indices(x, out):
    tx = cuda.threadIdx.x
    bx = cuda.blockIdx.x
    bw = cuda.blockDim.x
    i = tx + bx * bw
    if i < x.shape[0]:
        out[i] = x[i] ** 3


@cuda.jit
def striding(x, out):
    start = cuda.grid(1)
    step = cuda.gridsize(1)
    for i in range(start, x.size, step):
        out[i] = math.exp(x[i]) * x[i]


@cuda.jit
def gather(x, where, out):
    i = cuda.grid(1)
    if i < where.size:
        out[i] = math.sin(x[where[i]]) * x[where[i]]


@cuda.jit
def diffuse(u, c, out):
    i, j = cuda.grid(2)
    n, m = u.shape
    if 0 < i < n - 1 and 0 < j < m - 1:
        lap = u[i + 1, j] + u[i - 1, j] + u[i, j + 1] + u[i, j - 1] - 4.0 * u[i, j]
        out[i, j] = u[i, j] + c * lap * u[i, j]


@cuda.jit
def steps(x, out, n):
    """A loop with a tape in each thread."""
    i = cuda.grid(1)
    if i < x.size:
        u = x[i]
        for _ in range(n):
            u = math.sin(u) + 0.1 * u * u
        out[i] = u


@cuda.jit
def local_array(x, a, out):
    i = cuda.grid(1)
    if i < x.shape[0]:
        q = cuda.local.array(3, float64)
        for k in range(3):
            q[k] = x[i, k] * a[k]
        for k in range(3):
            out[i, k] = q[k] * q[(k + 1) % 3]


@cuda.jit
def histogram(x, w, bins):
    i = cuda.grid(1)
    if i < x.size:
        cuda.atomic.add(bins, i % 3, math.sin(x[i]) * w)


@cuda.jit
def partial_sums(x, out):
    s = 0.0
    for i in range(cuda.grid(1), x.size, cuda.gridsize(1)):
        s += x[i] * x[i]
    cuda.atomic.add(out, 0, s)


@cuda.jit
def forces(pos, mass, out):
    i = cuda.grid(1)
    if i < pos.shape[0]:
        fx = 0.0
        fy = 0.0
        for j in range(pos.shape[0]):
            dx = pos[j, 0] - pos[i, 0]
            dy = pos[j, 1] - pos[i, 1]
            d2 = dx * dx + dy * dy + 0.1
            inv = mass[j] / (d2 * math.sqrt(d2))
            fx += dx * inv
            fy += dy * inv
        out[i, 0] = fx
        out[i, 1] = fy


@cuda.jit
def wrapped(x, out):
    i = cuda.grid(1)
    if i < out.size:
        out[i] = x[(3 * i + 1) % x.size] * x[i // 2]


@cuda.jit
def counting(x, a, out):
    """A thread's own parameter, and a while loop that strides over the grid."""
    a = 2.0 * a
    i = cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x
    stride = cuda.gridDim.x * cuda.blockDim.x
    while i < x.size:
        out[i] += a * x[i] ** 2
        out[i] *= 1.5
        i += stride


@cuda.jit
def bounded(x, most, out, sums):
    """While loops whose counters bound them: a tape as long as that."""
    i = cuda.grid(1)
    if i < x.size:
        u, n = x[i], 1
        while abs(u) > 0.1 and n <= most:
            u = math.sin(u) * u
            if u > 0.6:
                break
            n += 1
        k = x.shape[0]
        k -= 6
        while k > 0:
            k -= 2
            v = u * u
            j = 0
            while j < 2:
                j += 1
                v *= math.cos(v + k)
            u += v
        out[i] = u * n
        cuda.atomic.sub(sums, n % 2, u * x[i])


X, Y = rng.normal(size=11), rng.uniform(0.5, 1.5, 11)
Z = np.zeros(11)


@dataclass(frozen=True)
class Case:
    """``said``: in explain(); ``silent``: not there."""

    kernel: Any
    args: tuple[Any, ...]
    config: tuple[Any, Any] = (3, 4)
    said: str = ""
    silent: str = "no such thing"

    @property
    def name(self) -> str:
        return str(self.kernel.__name__)


CASES = [
    Case(elementwise, (X, Y, 0.7, Z), silent="atomic"),
    Case(in_place, (X, Y), silent="atomic"),
    Case(named_indices, (X, Z), silent="atomic"),
    Case(striding, (X, Z), (2, 4), silent="atomic"),
    Case(gather, (X, np.arange(13) * 3 % 7, np.zeros(13)), (4, 4), said="x_adj: atomic"),
    Case(
        diffuse, (rng.normal(size=(5, 7)), 0.3, np.zeros((5, 7))), ((3, 4), (2, 2)), "u_adj: atomic"
    ),
    Case(steps, (X, Z, 4), silent="atomic"),
    Case(local_array, (rng.normal(size=(5, 3)), Y[:3], np.zeros((5, 3))), (2, 4), silent="atomic"),
    Case(histogram, (X, 0.4, rng.normal(size=3)), silent="x_adj: atomic"),
    Case(wrapped, (X, np.zeros(17)), (5, 4), "x_adj: atomic"),
    Case(counting, (X, 0.3, Y), (2, 3), silent="x_adj: atomic"),
    Case(partial_sums, (X, Z[:1]), (1, 4)),
    Case(bounded, (1.3 * X, 4, Z, Y[:2]), said="global memory", silent="x_adj: atomic"),
    Case(forces, (rng.normal(size=(5, 2)), Y[:5], np.zeros((5, 2))), (2, 4), "pos_adj: atomic"),
]


# ---------------------------------------------------------------- refused


@cuda.jit
def racing(x, y):
    i = cuda.grid(1)
    if i < x.size - 1:
        x[i] = x[i + 1] * y[i]


@cuda.jit
def same_element(x, out):
    i = cuda.grid(1)
    if i < x.size:
        out[0] = x[i]


@cuda.jit
def in_a_block(x, out):
    k = cuda.threadIdx.x
    out[k] = x[k] ** 2


@cuda.jit
def unbounded(x, out):
    i = cuda.grid(1)
    if i < x.size:
        u = x[i]
        while u > 0.1:
            u = u * u * 0.5
        out[i] = u


@cuda.jit
def moved_back(x, out):
    i = cuda.grid(1)
    if i < x.size:
        u, n = x[i], 0
        while n < 5:
            u = math.sin(u)
            n += 1
            if u > 0.5:
                n -= 1
        out[i] = u


@cuda.jit
def not_each_time(x, out):
    i = cuda.grid(1)
    if i < x.size:
        left = 5
        out[i] = x[i]
        while left > 0:
            if out[i] < 0.5:
                left -= 1
            else:
                out[i] = math.sin(out[i])


@cuda.jit
def moving_bound(x, out):
    i = cuda.grid(1)
    if i < x.size:
        u, n, most = x[i], 0, 5
        while n < most:
            u = math.sin(u)
            n += 1
            if u > 0.5:
                most += 1
        out[i] = u


@cuda.jit
def own_bound(x, counts, out):
    i = cuda.grid(1)
    if i < x.size:
        u, n = x[i], 0
        while n < counts[i]:
            u = math.sin(u)
            n += 1
        out[i] = u


@cuda.jit
def own_range(x, counts, out):
    i = cuda.grid(1)
    if i < x.size:
        u = x[i]
        for _ in range(counts[i]):
            u = math.sin(u)
        out[i] = u


@cuda.jit
def counted_in_floats(x, out):
    i = cuda.grid(1)
    if i < x.size:
        u, n = x[i], 0.0
        while n < 5.0:
            u = math.sin(u)
            n += 1.0
        out[i] = u


@cuda.jit
def returned_sum(x, out):
    i = cuda.grid(1)
    if i < x.size:
        x[i] = cuda.atomic.add(out, 0, x[i])


@cuda.jit
def greatest(x, out):
    i = cuda.grid(1)
    if i < x.size:
        cuda.atomic.max(out, 0, x[i])


@cuda.jit
def returns_inside(x, out):
    i = cuda.grid(1)
    for k in range(3):
        if x[i] < k:
            return
        out[i] = x[i] * k


@cuda.jit
def last_row(x, out):
    i, j = cuda.grid(2)
    if i < x.shape[0] and j < x.shape[1]:
        out[j] = x[i, j]


@cuda.jit
def adds_without_atomics(x, out):
    i = cuda.grid(1)
    if i < x.size:
        out[0] += x[i]


@cuda.jit
def last_of_row(x, out):
    i0, j0 = cuda.grid(2)
    ni, nj = cuda.gridsize(2)
    for i in range(i0, x.shape[0], ni):
        for j in range(j0, x.shape[1], nj):
            out[i] = x[i, j]


@cuda.jit(device=True)
def add_to(out, v):
    out[0] += v


@cuda.jit
def adds_in_a_function(x, out):
    i = cuda.grid(1)
    if i < x.size:
        add_to(out, x[i])


@cuda.jit
def strides_and_adds(x, out):
    for i in range(cuda.grid(1), x.size, cuda.gridsize(1)):
        add_to(out, x[i])


REFUSED = [
    (strides_and_adds, (X, Z), "share elements of out"),
    (adds_in_a_function, (X, Z), "share elements of out"),
    (last_of_row, (np.ones((3, 4)), Z), "share elements of out"),
    (last_row, (np.ones((3, 4)), Z), "share elements of out"),
    (adds_without_atomics, (X, Z), "share elements of out"),
    (racing, (X, Y), "share elements of x"),
    (same_element, (X, Z), "share elements of out"),
    (in_a_block, (X, Z), "cuda.threadIdx alone"),
    (unbounded, (X, Z), r"range\(most\)"),
    (greatest, (X, Z), r"cuda.atomic.max(.|\n)*maximum of a block in shared memory"),
    (returned_sum, (X, Z), "What it returns"),
    *((k, (X, Z), r"range\(most\)") for k in (moved_back, not_each_time, moving_bound)),
    (own_bound, (X, np.arange(11), Z), r"range\(most\)"),
    (own_range, (X, np.arange(11), Z), "the size of u_tape depends on"),
    (counted_in_floats, (X, Z), r"range\(most\)"),
    (returns_inside, (X, Z), "return from within a loop"),
]
