"""Programs for the GPU: loops over independent items and array functions, with arguments."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

rng = np.random.default_rng(5)
Program = Callable[..., Any]


@dataclass(frozen=True)
class Case:
    """``explained``: what explain() has to say.  ``compared``: relative tolerance."""

    program: Program
    args: tuple[Any, ...]
    argnums: tuple[int, ...]
    explained: str = ""
    tolerance: float = 1e-12

    @property
    def name(self) -> str:
        return self.program.__name__


def black_scholes(s: Any, k: Any, t: Any, r: float, v: float) -> float:
    total = 0.0
    for i in range(s.size):
        d1 = (math.log(s[i] / k[i]) + (r + 0.5 * v * v) * t[i]) / (v * math.sqrt(t[i]))
        d2 = d1 - v * math.sqrt(t[i])
        call = 0.5 * s[i] * math.erfc(-d1 / math.sqrt(2.0))
        total += call - 0.5 * k[i] * math.exp(-r * t[i]) * math.erfc(-d2 / math.sqrt(2.0))
    return total / s.size


def heston(z: Any, w: Any, kappa: float, theta: float, xi: float, rho: float, s0: float) -> float:
    """Paths of an Euler scheme, full truncation: a tape of the steps per path."""
    n, steps = z.shape
    dt = 1.0 / steps
    total = 0.0
    for p in range(n):
        s, v = s0, theta
        for i in range(steps):
            vol = math.sqrt(max(v, 1e-4) * dt)
            s = s * math.exp(-0.5 * vol * vol + vol * z[p, i])
            v += kappa * (theta - v) * dt + xi * vol * (
                rho * z[p, i] + math.sqrt(1.0 - rho * rho) * w[p, i]
            )
        total += max(s - 1.0, 0.0)
    return total / n


def n_body(x: Any, m: Any, soft: float) -> float:
    """The potential energy: each body against all others."""
    n = x.shape[0]
    energy = 0.0
    for i in range(n):
        own = 0.0
        for j in range(n):
            if j != i:
                r2 = soft
                for k in range(3):
                    d = x[i, k] - x[j, k]
                    r2 += d * d
                own -= m[j] / math.sqrt(r2)
        energy += 0.5 * m[i] * own
    return energy


def lookup(table: Any, x: Any, where: Any) -> float:
    total = 0.0
    for i in range(x.size):
        total += math.sin(table[where[i]] * x[i]) * table[0]
    return total


def local_arrays(x: Any, a: float) -> float:
    """A small array per item, and a view of a row."""
    total = 0.0
    for i in range(x.shape[0]):
        row = x[i]
        q = np.zeros(3)
        for k in range(3):
            q[k] = math.sin(a * row[k]) * row[(k + 1) % 3]
        total += q[0] * q[1] - q[2] ** 2
    return total


def squared(x: Any, y: Any) -> float:
    """The adjoint of the sum is known only after it: two kernels."""
    s = 0.0
    for i in range(x.size):
        u = math.exp(0.1 * x[i])
        for _ in range(4):
            u = u * u - y[i] * u * 0.5
        s += u
    return s * s


def until(x: Any, a: float) -> float:
    """A bounded loop that is left early."""
    total = 0.0
    for i in range(x.size):
        u = x[i]
        for _ in range(20):
            step = (u * u - a) / (2.0 * u)
            u -= step
            if abs(step) < 1e-6:
                break
        total += u * x[i]
    return total


def grid(u: Any, v: Any, c: float) -> float:
    """Two loops, one inside the other, of the same kernel; a stencil."""
    n, m = u.shape
    total = 0.0
    for i in range(1, n - 1):
        for j in range(1, m - 1):
            lap = u[i + 1, j] + u[i - 1, j] + u[i, j + 1] + u[i, j - 1] - 4.0 * u[i, j]
            total += (v[i, j] - c * lap) ** 2
    return total


def time_loop(u: Any, c: float) -> float:
    """Kernels in a loop of the host."""
    w = np.empty_like(u)
    u = u.copy()
    for _ in range(3):
        for i in range(1, u.size - 1):
            w[i] = u[i] + c * (u[i + 1] - 2.0 * u[i] + u[i - 1]) * math.exp(-u[i])
        for i in range(1, u.size - 1):
            u[i] = w[i]
    total = 0.0
    for i in range(u.size):
        total += u[i] ** 3
    return total


def converged(x: Any, a: float) -> float:
    """A loop of the host that is left early."""
    u = x.copy()
    for _ in range(12):
        change = 0.0
        for i in range(u.size):
            old = u[i]
            u[i] = 0.5 * (old + a * math.cos(old) * x[i])
            change += (u[i] - old) ** 2
        if change < 1e-2:
            break
    return np.sum(u * u)


def written(x: Any, y: Any) -> float:
    """An argument is overwritten, element by element."""
    for i in range(x.size):
        x[i] = math.sin(x[i]) * x[i] + y[i]
    total = 0.0
    for i in range(x.size):
        total += x[i] * x[x.size - 1 - i]
    return total


def backwards(x: Any, y: Any) -> float:
    total = 0.0
    for i in range(x.size - 1, 0, -2):
        total += x[i] * math.tanh(y[i] * x[i - 1])
    return total


def arrays(x: Any, y: Any, a: float) -> float:
    z = np.sin(x * y) + a * x**2
    return np.sum(np.maximum(z, 0.1) * np.log1p(y))


def rows(a: Any, w: Any) -> float:
    z = np.tanh(a * w)
    top = np.sum(z * z, axis=1)
    return np.mean(top * np.exp(-top))


def single(x: Any, y: Any) -> float:
    total = np.float32(0.0)
    for i in range(x.size):
        total += np.sin(x[i] * y[i]) * y[0]
    return total


def counted(x: Any, a: float) -> float:
    n, total = 0, 0.0
    for i in range(x.size):
        if x[i] > 0.3:
            n += 1
            total += math.exp(a * x[i])
    return total / n


def network(w1: Any, b1: Any, w2: Any, x: Any, y: Any) -> float:
    h = np.tanh(x @ w1 + b1)
    p = h @ w2
    return np.mean((p - y) ** 2)


def products(a: Any, b: Any, v: Any) -> float:
    return np.sum(np.sin(a @ v)) + np.sum((v @ b) ** 3) + np.sum(np.cos(a @ b.T))


def periodic(x: Any, k: Any) -> float:
    """A division that may fail, for all threads alike."""
    s = 0.0
    for i in range(k.size):
        s += x[(k[i] * 3 + i) % x.size] * x[i % x.size]
    return s


X, Y = rng.normal(size=23), rng.uniform(0.5, 2.0, 23)
A, U = rng.normal(size=(7, 5)), rng.uniform(0.5, 1.5, (6, 8))

CASES = [
    Case(
        black_scholes,
        (rng.uniform(50, 150, 23), rng.uniform(50, 150, 27), Y, 0.03, 0.2),
        (0, 1, 2, 3, 4),
        "a kernel, one thread per i",
    ),
    Case(
        heston,
        (rng.normal(size=(9, 6)), rng.normal(size=(9, 6)), 1.2, 0.05, 0.4, -0.6, 1.02),
        (0, 2, 3, 4, 5, 6),
        "global memory, a column per thread",
    ),
    Case(
        n_body, (rng.normal(size=(7, 3)), rng.uniform(0.5, 2.0, 7), 0.1), (0, 1, 2), "x_adj: atomic"
    ),
    Case(lookup, (rng.normal(size=5), X, rng.integers(0, 5, 23)), (0, 1), "table_adj: atomic"),
    Case(local_arrays, (rng.normal(size=(6, 3)), 0.7), (0, 1)),
    Case(squared, (X, Y), (0, 1)),
    Case(until, (Y, 1.7), (0, 1)),
    Case(grid, (U, rng.normal(size=(6, 8)), 0.3), (0, 1, 2), "one thread per i and j"),
    Case(time_loop, (X[:11].copy(), 0.2), (0, 1)),
    Case(converged, (X[:7].copy(), 0.6), (0, 1)),
    Case(written, (X, Y), (0, 1)),
    Case(backwards, (X, Y), (0, 1)),
    Case(arrays, (X, Y, 0.3), (0, 1, 2)),
    Case(rows, (A, rng.normal(size=5)), (0, 1)),
    Case(single, (X.astype(np.float32), Y.astype(np.float32)), (0, 1), tolerance=1e-5),
    Case(
        network,
        (
            *(rng.normal(size=(4, 5)), rng.normal(size=5), rng.normal(size=(5, 2))),
            *(rng.normal(size=(7, 4)), rng.normal(size=(7, 2))),
        ),
        (0, 1, 2),
    ),
    Case(products, (rng.normal(size=(5, 5)), rng.normal(size=(5, 5)), Y[:5]), (0, 1, 2)),
    Case(periodic, (X, np.arange(17) % 5), (0,), "atomic"),
    Case(counted, (Y, 0.4), (0, 1)),
]
