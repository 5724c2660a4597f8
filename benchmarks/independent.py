"""A sum over independent iterations: forward and reverse fit in one loop, nothing is stored.

python -m benchmarks.independent
"""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
from numba import njit
from numpy.typing import NDArray

from adcompile import value_and_grad
from benchmarks.measure import Call, interleave

Floats: TypeAlias = NDArray[np.float64]

SIZE = 100_000


@njit
def total(x: Floats, y: Floats) -> float:
    s = 0.0
    for i in range(x.shape[0]):
        s += math.sin(x[i]) * math.exp(y[i])
    return s


@njit(error_model="numpy", fastmath={"reassoc", "nsz", "contract"})
def by_hand(x: Floats, y: Floats) -> tuple[float, tuple[Floats, Floats]]:
    s = 0.0
    x_adj = np.empty_like(x)
    y_adj = np.empty_like(y)
    for i in range(x.shape[0]):
        e = math.exp(y[i])
        product = math.sin(x[i]) * e
        s += product
        x_adj[i] = math.cos(x[i]) * e
        y_adj[i] = product
    return s, (x_adj, y_adj)


def main() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=SIZE), rng.normal(size=SIZE)
    ours = value_and_grad(total, argnums=(0, 1))

    expected_value, expected = by_hand(x, y)
    value, gradient = ours(x, y)
    np.testing.assert_allclose(value, expected_value, rtol=1e-10)
    np.testing.assert_allclose(gradient, expected, rtol=1e-12)

    calls: dict[str, Call] = {
        "plain": lambda: total(x, y),
        "by hand": lambda: by_hand(x, y),
        "adcompile": lambda: ours(x, y),
    }
    interleave(calls).show(("by hand", "plain"), ("adcompile", "plain"), ("adcompile", "by hand"))


if __name__ == "__main__":
    main()
