"""The front end: assignments, expressions and captured values."""

from __future__ import annotations

import math
from math import sin

import numpy as np
import numpy as xp

from adcompile.frontend.parse import parse
from adcompile.ir import nodes as ir
from tests.callees import helper
from tests.ir_text import X, agree, vec


def augmented(x, i, v):
    x[i + 1] += v * 2
    x[i] -= v
    x[i * 2] *= v - 1
    x[-1] /= v
    x[2] **= 2
    x[0] //= 2
    x[3] %= v
    s = v
    s -= 1
    s *= s
    s /= 3
    s //= 0.25
    s **= 2
    return s


def boolean_values(a, b, c):
    p = a and b
    q = a or b and c  # noqa: RUF021
    r = a < b and b < c or not c  # noqa: RUF021
    s = not (a and b)
    return p, q, r, s


def lazy(x, i, n):
    s = 0.0
    if i < len(x) and x[i] > 0:
        s += 1.0
    if i >= len(x) or x[i] < 0:
        s += 10.0
    if n != 0 and i // n > 1:
        s += 100.0
    if n == 0 or i % n == 0 or 1 // (i % n) > 0:
        s += 1000.0
    if i < len(x) and helper(x[i], i) > 0 and x[i] > 0.2:
        s += 10000.0
    t = x[i] if i < x.shape[0] else (x[0] if n else -1.0)
    flag = n != 0 and i // n == 1
    return s + t, flag


def chained(a, b, c, d):
    return a < b < c, a < b + 1 <= c != d, 0 <= a // b < c, a < b < helper(c, a) < d


def index_forms(x, i):
    A = np.zeros((3, len(x)), dtype=np.float32)
    A[1, :] = 2.0
    A[2, 1:3] = x[-3:-1]
    row = A[2]
    row[0] = x[i - 1] + x[-i]
    B = A[1:, ::2]
    k = A.shape[1] - A.shape[0]
    A[0][k] = 7.0
    C = A.copy()
    C[0, 0] = A[2][1] + B[0, 0] + A[1:][0, 1]
    idx = np.ones(2, np.int64)
    y = np.full_like(x, 1.5)
    z = np.empty(A.shape, dtype=x.dtype)
    z[:] = y[idx[0]]
    return A, C, row.size, A.ndim, k, np.copy(row), x[idx[idx[i]] + 1], z, A.T


K = 3
SCALE = np.float32(0.1)
TABLE = np.array([1.0, 2.0, 4.0])
PAIR = (2.0, 5)


def globals_and_functions(x, n):
    a = sin(x) + xp.exp(x) + math.sqrt(abs(x)) + np.pi + math.inf * 0.0
    b = max(x, 1.0, 2.5) + min((x, 1.5)) + pow(x, 2) + float(n) + int(x) + bool(n)
    q, r = divmod(n, K)
    c = TABLE[n] * SCALE + PAIR[0] ** PAIR[1] + np.float64(n) + np.float32(x) + round(x, 1)
    return a, b, c, q, r, TABLE.shape[0], len(PAIR), -x, +x, ~n, n << 2 | 1 & n ^ 5, n >> 1


def test_expressions():
    agree(augmented, (vec(1, 2, 3, 4, 5), 1, 2.5), (vec(5, 4, 3, 2, 1), 0, -1.0))
    agree(boolean_values, *[(a, b, c) for a in (0, 1.5) for b in (0.0, 2) for c in (0, 3)])
    agree(lazy, *[(X, i, n) for i in range(10) for n in range(-1, 4)])
    agree(chained, *[(a, b, c, d) for a in (0, 1) for b in (0, 2) for c in (1, 3) for d in (0, 5)])
    agree(index_forms, (X, 1), (X, 0))
    agree(globals_and_functions, (0.7, 1), (-2.2, 0), (5.5, 2))


def test_swaps():
    def swapped(x, a, b):
        a, b = b, a
        (c, d), e = (a + b, a * b), a - b
        a, b, c = c, a, b
        x[0], x[1] = x[1], x[0]
        i, x[2] = 1, a
        i, x[i] = 2, b
        i, x[0] = 1, i
        p = q = c * d
        t: float = p + e
        u: int  # noqa: F842
        pair = (a, b, (c, d))
        r, w = pair[2]
        a, b, pair = pair
        pair, w = pair
        n, m = x.shape[0], x.size
        return t + q + i, a, b, pair, r, w, n, m

    agree(swapped, (vec(1, 2, 3), 3.0, 4.5))


def test_capture():
    fn = parse(globals_and_functions)
    assert [(var.name, value is TABLE) for var, value in fn.constants] == [("TABLE", True)]
    local = np.arange(3.0)

    def closure(i):
        return local[i] + TABLE[i] + local[0]

    assert [var.name for var, _ in parse(closure).constants] == ["local", "TABLE"]
    agree(closure, (0,), (2,))


def test_conditions_stay_whole():
    def f(x, i, n):
        s = 0.0
        while abs(s * x[i + 1] - x[0]) < n * 2 and not s > 9:
            s += x[i * 2 - 1]
        return s

    (loop,) = [s for s in parse(f).body if isinstance(s, ir.While)]
    assert isinstance(loop.cond, ir.Logic) and len(loop.body) == 2
    agree(f, (X, 1, 5))
