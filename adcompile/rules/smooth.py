"""Rows of the smooth elementary and special functions."""

from __future__ import annotations

import math

from adcompile.rules import op
from adcompile.rules.registry import partials

LN2 = math.log(2.0)
PI = math.pi
TWO_OVER_SQRT_PI = 2.0 / math.sqrt(math.pi)
INF = math.inf

# ---------------------------------------------------------------- trigonometric


def _root_of_one_minus_square(z: op.Value) -> op.Value:
    """sqrt(1 - z^2), on the cuts on the side that asin and acos take: -(z - 1), not 1 - z, keeps
    the sign of a zero."""
    return op.sqrt(-(z - 1.0)) * op.sqrt(z + 1.0)


partials(
    "sin",
    ["math.sin", "cmath.sin", "np.sin"],
    lambda ans, x: op.cos(x),
    at=[0.3, -1.1, 4.0],
    holomorphic=True,
)
partials(
    "cos",
    ["math.cos", "cmath.cos", "np.cos"],
    lambda ans, x: -op.sin(x),
    at=[0.3, -1.1, 4.0],
    holomorphic=True,
)
partials(
    "tan",
    ["math.tan", "cmath.tan", "np.tan"],
    lambda ans, x: 1.0 + ans * ans,
    at=[0.3, -1.1, 4.0],
    holomorphic=True,
)
partials(
    "asin",
    ["math.asin", "cmath.asin", "np.arcsin", "np.asin"],
    lambda ans, x: 1.0 / op.sqrt((1.0 - x) * (1.0 + x)),
    at=[0.5, -0.7, 0.999],
    kinks=[(1.0, INF), (-1.0, INF)],
    strong_zero=True,
    on_complex=lambda ans, x: 1.0 / _root_of_one_minus_square(op.as_complex(x)),
)
partials(
    "acos",
    ["math.acos", "cmath.acos", "np.arccos", "np.acos"],
    lambda ans, x: -1.0 / op.sqrt((1.0 - x) * (1.0 + x)),
    at=[0.5, -0.7, 0.999],
    kinks=[(1.0, -INF), (-1.0, -INF)],
    strong_zero=True,
    on_complex=lambda ans, x: -1.0 / _root_of_one_minus_square(op.as_complex(x)),
)
partials(
    "atan",
    ["math.atan", "cmath.atan", "np.arctan", "np.atan"],
    lambda ans, x: 1.0 / (1.0 + x * x),
    at=[0.5, -3.0],
    holomorphic=True,
)
partials(
    "atan2",
    ["math.atan2", "np.arctan2", "np.atan2"],
    lambda ans, y, x: (x / (x * x + y * y), -y / (x * x + y * y)),
    at=[(0.7, 0.3), (-1.2, 2.0), (0.4, -1.5), (-0.4, -1.5)],
    strong_zero=True,  # at (0, 0), where the value is 0
)
partials(
    "sinc",  # sin(pi x) / (pi x); near 0 the quotient cancels, the series does not
    ["np.sinc"],
    lambda ans, x: op.where(op.fabs(x) < 0.1, _sinc_slope_near_0(x), (op.cos(PI * x) - ans) / x),
    at=[0.0, 0.003, -0.09, 0.11, 0.7, -2.3],
)


def _sinc_slope_near_0(x: op.Value) -> op.Value:
    """Sum of (-1)^k pi^(2k) 2k/(2k+1)! x^(2k-1) for k = 1 .. 7; the eighth is below 1e-16."""
    coefficients = [
        (-1) ** k * PI ** (2 * k) * 2 * k / math.factorial(2 * k + 1) for k in range(1, 8)
    ]
    total = coefficients[-1]
    for c in reversed(coefficients[:-1]):
        total = c + x * x * total
    return x * total


partials(
    "degrees", ["math.degrees", "np.degrees", "np.rad2deg"], lambda ans, x: 180.0 / PI, at=[0.3]
)
partials(
    "radians", ["math.radians", "np.radians", "np.deg2rad"], lambda ans, x: PI / 180.0, at=[40.0]
)

# ---------------------------------------------------------------- hyperbolic

partials(
    "sinh",
    ["math.sinh", "cmath.sinh", "np.sinh"],
    lambda ans, x: op.cosh(x),
    at=[0.3, -1.1],
    holomorphic=True,
)
partials(
    "cosh",
    ["math.cosh", "cmath.cosh", "np.cosh"],
    lambda ans, x: op.sinh(x),
    at=[0.3, -1.1],
    holomorphic=True,
)
partials(
    "tanh",
    ["math.tanh", "cmath.tanh", "np.tanh"],
    lambda ans, x: 1.0 - ans * ans,
    at=[0.3, -1.1],
    holomorphic=True,
)
partials(
    "asinh",
    ["math.asinh", "cmath.asinh", "np.arcsinh", "np.asinh"],
    lambda ans, x: 1.0 / op.sqrt(1.0 + x * x),
    at=[0.3, -7.0],
    on_complex=lambda ans, x: 1.0 / op.sqrt(1.0 + x * x),
)
partials(
    "acosh",
    ["math.acosh", "cmath.acosh", "np.arccosh", "np.acosh"],
    lambda ans, x: 1.0 / op.sqrt((x - 1.0) * (x + 1.0)),
    at=[1.01, 5.0],
    kinks=[(1.0, INF)],
    strong_zero=True,
    on_complex=lambda ans, x: (
        1.0 / (op.sqrt(op.as_complex(x) - 1.0) * op.sqrt(op.as_complex(x) + 1.0))
    ),
)
partials(
    "atanh",
    ["math.atanh", "cmath.atanh", "np.arctanh", "np.atanh"],
    lambda ans, x: 1.0 / ((1.0 - x) * (1.0 + x)),
    at=[0.5, -0.7, 0.999],
    holomorphic=True,
)

# ---------------------------------------------------------------- exponentials and roots

partials(
    "exp", ["math.exp", "cmath.exp", "np.exp"], lambda ans, x: ans, at=[0.3, -1.1], holomorphic=True
)
partials(
    "exp2", ["math.exp2", "np.exp2"], lambda ans, x: ans * LN2, at=[0.3, -1.1], holomorphic=True
)
partials(
    "expm1",
    ["math.expm1", "np.expm1"],
    lambda ans, x: ans + 1.0,
    at=[0.3, -1.1, 1e-9],
    holomorphic=True,
)
partials(
    "log",
    ["math.log", "cmath.log", "np.log"],
    lambda ans, x: 1.0 / x,
    at=[0.3, 5.0],
    holomorphic=True,
)
partials(
    "log2",
    ["math.log2", "np.log2"],
    lambda ans, x: (1.0 / LN2) / x,
    at=[0.3, 5.0],
    holomorphic=True,
)
partials(
    "log10",
    ["math.log10", "cmath.log10", "np.log10"],
    lambda ans, x: (1.0 / math.log(10.0)) / x,
    at=[0.3, 5.0],
    holomorphic=True,
)
partials(
    "log1p",
    ["math.log1p", "np.log1p"],
    lambda ans, x: 1.0 / (1.0 + x),
    at=[0.3, -0.7, 1e-9],
    holomorphic=True,
)
partials(
    "logaddexp",
    ["np.logaddexp"],
    lambda ans, a, b: (op.exp(a - ans), op.exp(b - ans)),
    at=[(0.3, -1.1), (2.0, 2.0)],
    strong_zero=True,  # at (-inf, -inf): log of two probabilities that are 0
)
partials(
    "logaddexp2",
    ["np.logaddexp2"],
    lambda ans, a, b: (op.exp2(a - ans), op.exp2(b - ans)),
    at=[(0.3, -1.1), (2.0, 2.0)],
    strong_zero=True,
)
partials(
    "sqrt",
    ["math.sqrt", "cmath.sqrt", "np.sqrt"],
    lambda ans, x: 0.5 / ans,
    at=[0.3, 5.0],
    kinks=[(0.0, INF)],
    strong_zero=True,
    holomorphic=True,
)
partials(
    "cbrt",
    ["np.cbrt"],
    lambda ans, x: 1.0 / (3.0 * ans * ans),
    at=[0.3, -5.0],
    kinks=[(0.0, INF)],
    strong_zero=True,
)
partials(
    "hypot",
    ["math.hypot", "np.hypot"],
    lambda ans, x, y: (
        op.where(op.eq(ans, 0.0), 0.0, x / ans),
        op.where(op.eq(ans, 0.0), 0.0, y / ans),
    ),
    at=[(0.3, -1.1), (3.0, 4.0), (0.0, -2.0)],
    kinks=[((0.0, 0.0), (0.0, 0.0))],
)

# ---------------------------------------------------------------- special functions

partials(
    "erf", ["math.erf"], lambda ans, x: TWO_OVER_SQRT_PI * op.exp(-(x * x)), at=[0.3, -1.1, 2.5]
)
partials(
    "erfc", ["math.erfc"], lambda ans, x: -TWO_OVER_SQRT_PI * op.exp(-(x * x)), at=[0.3, -1.1, 2.5]
)
partials("gamma", ["math.gamma"], lambda ans, x: ans * op.digamma(x), at=[0.3, 4.5, -1.3])
partials("lgamma", ["math.lgamma"], lambda ans, x: op.digamma(x), at=[0.3, 4.5, -1.3, 60.0])
partials("digamma", ["rt.digamma"], lambda ans, x: op.trigamma(x), at=[0.3, 4.5, -1.3, 60.0])
