"""heat_3d of PolyBench, on the CPU and on the GPU: pairs of steps of the seven-point stencil."""

from __future__ import annotations

from typing import Any


def heat(u: Any, steps: int) -> Any:
    n = u.shape[0]
    u, other = u.copy(), u.copy()
    for _ in range(steps):
        for i in range(1, n - 1):
            for j in range(1, n - 1):
                for k in range(1, n - 1):
                    other[i, j, k] = (
                        0.125 * (u[i + 1, j, k] - 2.0 * u[i, j, k] + u[i - 1, j, k])
                        + 0.125 * (u[i, j + 1, k] - 2.0 * u[i, j, k] + u[i, j - 1, k])
                        + 0.125 * (u[i, j, k + 1] - 2.0 * u[i, j, k] + u[i, j, k - 1])
                        + u[i, j, k]
                    )
        for i in range(1, n - 1):
            for j in range(1, n - 1):
                for k in range(1, n - 1):
                    u[i, j, k] = (
                        0.125 * (other[i + 1, j, k] - 2.0 * other[i, j, k] + other[i - 1, j, k])
                        + 0.125 * (other[i, j + 1, k] - 2.0 * other[i, j, k] + other[i, j - 1, k])
                        + 0.125 * (other[i, j, k + 1] - 2.0 * other[i, j, k] + other[i, j, k - 1])
                        + other[i, j, k]
                    )
    total = 0.0
    for i in range(n):
        for j in range(n):
            for k in range(n):
                total += u[i, j, k] ** 2
    return total


def inside(u: Any) -> Any:
    c = u[1:-1, 1:-1, 1:-1]
    near = u[2:, 1:-1, 1:-1] + u[:-2, 1:-1, 1:-1] + u[1:-1, 2:, 1:-1] + u[1:-1, :-2, 1:-1]
    return 0.25 * c + 0.125 * (near + u[1:-1, 1:-1, 2:] + u[1:-1, 1:-1, :-2])


def best_jax(jax: Any) -> Any:
    """Nothing is kept of a step but the state before it."""

    def loss(u: Any, steps: int) -> Any:
        @jax.checkpoint
        def body(u: Any, _: Any) -> Any:
            return u.at[1:-1, 1:-1, 1:-1].set(inside(u)), None

        return jax.numpy.sum(jax.lax.scan(body, u, None, length=2 * steps)[0] ** 2)

    return jax.value_and_grad(loss, argnums=(0,))
