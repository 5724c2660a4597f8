"""Rows of the operators, of powers and of remainders."""

from __future__ import annotations

from adcompile.ir.nodes import Expr
from adcompile.rules import op
from adcompile.rules.registry import partials
from adcompile.rules.simplify import number

partials("neg", ["neg", "np.negative"], lambda ans, x: -1.0, [0.3, -1.1], holomorphic=True)
partials("pos", ["pos", "np.positive"], lambda ans, x: 1.0, [0.3, -1.1], holomorphic=True)
partials(
    "identity",
    ["float", "np.float64", "np.float32", "np.double", "np.single"],
    lambda ans, x: 1.0,
    at=[0.3, -1.1],
)
partials(
    "+",
    ["+", "np.add", "rt.plus"],
    lambda ans, a, b: (1.0, 1.0),
    at=[(0.3, -1.1)],
    holomorphic=True,
)
partials(
    "-",
    ["-", "np.subtract"],
    lambda ans, a, b: (1.0, -1.0),
    at=[(0.3, -1.1)],
    holomorphic=True,
)
partials(
    "*",
    ["*", "np.multiply"],
    lambda ans, a, b: (b, a),
    at=[(0.3, -1.1), (0.0, 2.0)],
    holomorphic=True,
)
partials(
    "/",
    ["/", "np.divide", "np.true_divide"],
    lambda ans, a, b: (1.0 / b, -ans / b),
    at=[(0.3, -1.1), (0.0, 2.0)],
    holomorphic=True,
)

# a % b = a - (a // b) * b.  Not floor(a / b): 1.0 / 0.1 rounds to 10, and 1.0 // 0.1 is 9.
partials(
    "%",
    ["%", "np.remainder", "np.mod"],
    lambda ans, a, b: (1.0, -(a // b)),
    at=[(7.3, 2.1), (-7.3, 2.1), (7.3, -2.1), (-0.4, -3.0)],
    kinks=[((1.0, 0.1), (1.0, -9.0)), ((6.0, 2.0), (1.0, -3.0))],
)
# fmod(a, b) = a - n * b with n the quotient rounded towards zero.
partials(
    "fmod",
    ["np.fmod"],
    lambda ans, a, b: (1.0, -op.rint((a - ans) / b)),
    at=[(7.3, 2.1), (-7.3, 2.1), (7.3, -2.1), (-0.4, -3.0)],
    kinks=[((1.0, 0.1), (1.0, -9.0)), ((6.0, 2.0), (1.0, -3.0))],
)


def _tame_power(x: Expr, p: Expr) -> tuple[bool, bool]:
    """x**p has an infinite slope at 0 only for p < 1, p not 0."""
    value = number(p)
    return value is not None and (value >= 1 or value == 0), True


# For x <= 0 the exponent has no derivative (x**p is real at isolated p only): declared 0.
partials(
    "**",
    ["**", "pow", "math.pow", "np.power", "np.pow", "np.float_power"],
    lambda ans, x, p: (
        op.where(op.eq(p, 0), 0.0, p * x ** (p - 1)),
        op.where(x <= 0.0, 0.0, ans * op.log(x)),
    ),
    at=[(1.3, 2.0), (0.7, -1.5), (2.0, 0.5), (3.0, 0.0)],
    kinks=[
        ((0.0, 2.0), (0.0, 0.0)),
        ((0.0, 1.0), (1.0, 0.0)),
        ((0.0, 0.0), (0.0, 0.0)),
        ((0.0, 0.5), (float("inf"), 0.0)),
        ((-2.0, 3.0), (12.0, 0.0)),
        ((-2.0, -1.0), (-0.25, 0.0)),
    ],
    strong_zero=(True, False),
    tame=_tame_power,
    on_complex=lambda ans, x, p: (
        op.where(op.eq(p, 0), 0.0, p * x ** (p - 1)),
        op.where(op.eq(x, 0), 0.0, ans * op.log(op.as_complex(x))),
    ),
)
partials("square", ["np.square"], lambda ans, x: 2.0 * x, [0.3, -1.1, 0.0], holomorphic=True)
partials(
    "reciprocal",
    ["np.reciprocal"],
    lambda ans, x: -(ans * ans),
    at=[0.3, -1.1],
    holomorphic=True,
)
partials(
    "ldexp",
    ["math.ldexp", "np.ldexp"],
    lambda ans, x, n: (op.ldexp(1.0, n), None),
    at=[(0.3, 3), (-1.1, -2)],
)
