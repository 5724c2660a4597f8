"""Rows of functions with kinks: absolute values, extrema, clipping."""

from __future__ import annotations

from adcompile.rules import op
from adcompile.rules.registry import partials

partials(
    "abs",
    ["abs", "math.fabs", "np.abs", "np.absolute", "np.fabs"],
    lambda ans, x: op.sign(x),
    at=[0.3, -1.1],
    kinks=[(0.0, 0.0), (-0.0, 0.0)],
    on_complex=lambda ans, x: op.where(op.eq(ans, 0.0), 0.0, op.conj(x) / ans),
)
partials(
    "copysign",
    ["math.copysign", "np.copysign"],
    lambda ans, x, y: (op.sign(x) * op.copysign(1.0, y), None),
    at=[(0.3, -1.1), (-0.3, -1.1), (0.3, 2.0), (-0.3, 2.0)],
    kinks=[((0.0, 1.0), (0.0, 0.0)), ((2.0, -0.0), (-1.0, 0.0))],
)

# The gradient of an extremum goes to exactly one side, at a tie to the second.
partials(
    "max",
    ["max", "np.maximum"],
    lambda ans, a, b: (op.where(a > b, 1.0, 0.0), op.where(a > b, 0.0, 1.0)),
    at=[(0.3, -1.1), (0.3, 1.1)],
    kinks=[((2.0, 2.0), (0.0, 1.0))],
)
partials(
    "min",
    ["min", "np.minimum"],
    lambda ans, a, b: (op.where(a < b, 1.0, 0.0), op.where(a < b, 0.0, 1.0)),
    at=[(0.3, -1.1), (0.3, 1.1)],
    kinks=[((2.0, 2.0), (0.0, 1.0))],
)
# fmax and fmin pass over a nan: who won is read off the answer.
partials(
    "fmax",
    ["np.fmax"],
    lambda ans, a, b: (op.where(op.eq(ans, b), 0.0, 1.0), op.where(op.eq(ans, b), 1.0, 0.0)),
    at=[(0.3, -1.1), (0.3, 1.1)],
    kinks=[
        ((2.0, 2.0), (0.0, 1.0)),
        ((2.0, float("nan")), (1.0, 0.0)),
        ((float("nan"), 2.0), (0.0, 1.0)),
    ],
)
partials(
    "fmin",
    ["np.fmin"],
    lambda ans, a, b: (op.where(op.eq(ans, b), 0.0, 1.0), op.where(op.eq(ans, b), 1.0, 0.0)),
    at=[(0.3, -1.1), (0.3, 1.1)],
    kinks=[
        ((2.0, 2.0), (0.0, 1.0)),
        ((2.0, float("nan")), (1.0, 0.0)),
        ((float("nan"), 2.0), (0.0, 1.0)),
    ],
)
# clip(x, low, high) = min(max(x, low), high), with their conventions.
partials(
    "clip",
    ["np.clip"],
    lambda ans, x, low, high: (
        op.where(x > low, op.where(x < high, 1.0, 0.0), 0.0),
        op.where(x > low, 0.0, op.where(low < high, 1.0, 0.0)),
        op.where(x > low, op.where(x < high, 0.0, 1.0), op.where(low < high, 0.0, 1.0)),
    ),
    at=[(0.3, -1.0, 1.0), (-1.5, -1.0, 1.0), (1.5, -1.0, 1.0)],
    kinks=[
        ((-1.0, -1.0, 1.0), (0.0, 1.0, 0.0)),
        ((1.0, -1.0, 1.0), (0.0, 0.0, 1.0)),
        ((0.0, 1.0, -1.0), (0.0, 0.0, 1.0)),  # crossed bounds: the upper one wins
    ],
)
# A step of one unit in the last place: x, to rounding.
partials(
    "nextafter",
    ["np.nextafter", "math.nextafter"],
    lambda ans, x, towards: (1.0, None),
    at=[(0.3, 1.0), (-1.1, -5.0)],
)
