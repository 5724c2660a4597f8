"""What a Python call of a gradient costs: ten elements in, ten freshly allocated elements out.

python -m benchmarks.call_overhead
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numba import njit
from numpy.typing import NDArray

from adcompile import grad
from benchmarks.measure import Call, interleave

Floats: TypeAlias = NDArray[np.float64]

CALLS_PER_TURN = 5_000


@njit
def rosenbrock(x: Floats) -> float:
    s = 0.0
    for i in range(x.shape[0] - 1):
        s += 100.0 * (x[i + 1] - x[i] * x[i]) ** 2 + (1.0 - x[i]) ** 2
    return s


@njit(error_model="numpy")
def by_hand(x: Floats) -> Floats:
    x_adj = np.zeros_like(x)
    for i in range(x.shape[0] - 1):
        bend = x[i + 1] - x[i] * x[i]
        x_adj[i] -= 400.0 * bend * x[i] + 2.0 * (1.0 - x[i])
        x_adj[i + 1] += 200.0 * bend
    return x_adj


def main() -> None:
    x = np.random.default_rng(0).normal(size=10)
    ours = grad(rosenbrock)
    np.testing.assert_allclose(ours(x), by_hand(x), rtol=1e-10)

    calls: dict[str, Call] = {"plain njit": lambda: by_hand(x), "adcompile": lambda: ours(x)}
    interleave(calls, turns=41, repeat=CALLS_PER_TURN).show(("adcompile", "plain njit"))


if __name__ == "__main__":
    main()
