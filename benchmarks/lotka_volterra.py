"""Predator and prey, classical Runge-Kutta, 100,000 steps; gradient with respect to the initial
state and the four parameters.

    python -m benchmarks.lotka_volterra

The yardstick keeps the user's floating-point rules in the forward sweep, so that the value is the
one of the plain function, and lets the reverse sweep fuse products into sums.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numba import njit
from numpy.typing import NDArray

from adcompile import value_and_grad
from benchmarks.measure import Call, interleave

Floats: TypeAlias = NDArray[np.float64]
Six: TypeAlias = tuple[float, float, float, float, float, float]

STEPS = 100_000
START: Six = (10.0, 5.0, 1.1, 0.4, 0.4, 0.1)
STEP_SIZE = 1e-3


@njit
def simulate(
    x: float, y: float, a: float, b: float, c: float, d: float, h: float, steps: int
) -> float:
    for _ in range(steps):
        k1x = a * x - b * x * y
        k1y = d * x * y - c * y
        u = x + 0.5 * h * k1x
        v = y + 0.5 * h * k1y
        k2x = a * u - b * u * v
        k2y = d * u * v - c * v
        u = x + 0.5 * h * k2x
        v = y + 0.5 * h * k2y
        k3x = a * u - b * u * v
        k3y = d * u * v - c * v
        u = x + h * k3x
        v = y + h * k3y
        k4x = a * u - b * u * v
        k4y = d * u * v - c * v
        x += h / 6.0 * (k1x + 2.0 * k2x + 2.0 * k3x + k4x)
        y += h / 6.0 * (k1y + 2.0 * k2y + 2.0 * k3y + k4y)
    return x * x + x * y


@njit(error_model="numpy")
def forward(
    x: float, y: float, a: float, b: float, c: float, d: float, h: float, tape: Floats
) -> tuple[float, float]:
    """``simulate``, each step's state kept."""
    for i in range(tape.shape[0]):
        tape[i, 0] = x
        tape[i, 1] = y
        k1x = a * x - b * x * y
        k1y = d * x * y - c * y
        u = x + 0.5 * h * k1x
        v = y + 0.5 * h * k1y
        k2x = a * u - b * u * v
        k2y = d * u * v - c * v
        u = x + 0.5 * h * k2x
        v = y + 0.5 * h * k2y
        k3x = a * u - b * u * v
        k3y = d * u * v - c * v
        u = x + h * k3x
        v = y + h * k3y
        k4x = a * u - b * u * v
        k4y = d * u * v - c * v
        x += h / 6.0 * (k1x + 2.0 * k2x + 2.0 * k3x + k4x)
        y += h / 6.0 * (k1y + 2.0 * k2y + 2.0 * k3y + k4y)
    return x, y


@njit(error_model="numpy", fastmath={"contract"})
def reverse(
    x: float, y: float, a: float, b: float, c: float, d: float, h: float, tape: Floats
) -> Six:
    """The stages of each step again, with f = (x g, y q), g = a - b y, q = d x - c, then back."""
    h2, h3, h6 = h / 2.0, h / 3.0, h / 6.0
    x_adj, y_adj = 2.0 * x + y, x
    a_adj = b_adj = c_adj = d_adj = 0.0
    for i in range(tape.shape[0] - 1, -1, -1):
        x1, y1 = tape[i, 0], tape[i, 1]
        g1, q1 = a - b * y1, d * x1 - c
        x2, y2 = x1 + h2 * (x1 * g1), y1 + h2 * (y1 * q1)
        g2, q2 = a - b * y2, d * x2 - c
        x3, y3 = x1 + h2 * (x2 * g2), y1 + h2 * (y2 * q2)
        g3, q3 = a - b * y3, d * x3 - c
        x4, y4 = x1 + h * (x3 * g3), y1 + h * (y3 * q3)
        g4, q4 = a - b * y4, d * x4 - c

        kx, ky = h6 * x_adj, h6 * y_adj
        s4x, s4y = g4 * kx + (d * y4) * ky, q4 * ky - (b * x4) * kx
        a_step, b_step, c_step, d_step = x4 * kx, x4 * y4 * kx, y4 * ky, x4 * y4 * ky

        kx, ky = h3 * x_adj + h * s4x, h3 * y_adj + h * s4y
        s3x, s3y = g3 * kx + (d * y3) * ky, q3 * ky - (b * x3) * kx
        a_step += x3 * kx
        b_step += x3 * y3 * kx
        c_step += y3 * ky
        d_step += x3 * y3 * ky

        kx, ky = h3 * x_adj + h2 * s3x, h3 * y_adj + h2 * s3y
        s2x, s2y = g2 * kx + (d * y2) * ky, q2 * ky - (b * x2) * kx
        a_step += x2 * kx
        b_step += x2 * y2 * kx
        c_step += y2 * ky
        d_step += x2 * y2 * ky

        kx, ky = h6 * x_adj + h2 * s2x, h6 * y_adj + h2 * s2y
        s1x, s1y = g1 * kx + (d * y1) * ky, q1 * ky - (b * x1) * kx
        a_adj += a_step + x1 * kx
        b_adj -= b_step + x1 * y1 * kx
        c_adj -= c_step + y1 * ky
        d_adj += d_step + x1 * y1 * ky

        x_adj = (x_adj + (s2x + (s3x + s4x))) + s1x
        y_adj = (y_adj + (s2y + (s3y + s4y))) + s1y
    return x_adj, y_adj, a_adj, b_adj, c_adj, d_adj


reverse_strict = njit(error_model="numpy")(reverse.py_func)


@njit(error_model="numpy")
def by_hand(
    x: float, y: float, a: float, b: float, c: float, d: float, h: float, tape: Floats
) -> tuple[float, Six]:
    x, y = forward(x, y, a, b, c, d, h, tape)
    return x * x + x * y, reverse(x, y, a, b, c, d, h, tape)


@njit(error_model="numpy")
def by_hand_strict(
    x: float, y: float, a: float, b: float, c: float, d: float, h: float, tape: Floats
) -> tuple[float, Six]:
    x, y = forward(x, y, a, b, c, d, h, tape)
    return x * x + x * y, reverse_strict(x, y, a, b, c, d, h, tape)


def main() -> None:
    tape = np.empty((STEPS, 2))  # the state of one step adjacent; allocated once, outside
    ours = value_and_grad(simulate, argnums=(0, 1, 2, 3, 4, 5))
    inputs = (*START, STEP_SIZE)

    expected_value, expected = by_hand_strict(*inputs, tape)
    for result in (by_hand(*inputs, tape), ours(*inputs, STEPS)):
        np.testing.assert_allclose(result[0], expected_value, rtol=1e-12)
        np.testing.assert_allclose(result[1], expected, rtol=1e-9)

    calls: dict[str, Call] = {
        "plain": lambda: simulate(*inputs, STEPS),
        "by hand": lambda: by_hand(*inputs, tape),
        "by hand, strict": lambda: by_hand_strict(*inputs, tape),
        "adcompile": lambda: ours(*inputs, STEPS),
    }
    interleave(calls).show(
        ("by hand", "plain"),
        ("by hand, strict", "plain"),
        ("adcompile", "plain"),
        ("adcompile", "by hand"),
        ("adcompile", "by hand, strict"),
    )


if __name__ == "__main__":
    main()
