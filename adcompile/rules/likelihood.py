"""Rows of special functions of likelihoods."""

from __future__ import annotations

import math

from adcompile.rules import op
from adcompile.rules.registry import Rule, enter_apart, nondiff, partials

_DENSITY = 1.0 / math.sqrt(2.0 * math.pi)

partials("expit", ["rt.expit"], lambda ans, x: ans * (1.0 - ans), at=[0.3, -1.1, -4.0])
partials("softplus", ["rt.softplus"], lambda ans, x: op.expit(x), at=[0.3, -1.1, -30.0, 30.0])
partials("log_expit", ["rt.log_expit"], lambda ans, x: op.expit(-x), at=[0.3, -1.1, -30.0, 30.0])
partials("logit", ["rt.logit"], lambda ans, p: 1.0 / (p * (1.0 - p)), at=[0.3, 0.5, 0.9])
partials("ndtr", ["rt.ndtr"], lambda ans, x: _DENSITY * op.exp(-0.5 * x * x), at=[0.3, -1.1, 2.5])
# The density divided by ndtr, in logarithms: both underflow far to the left.
partials(
    "log_ndtr",
    ["rt.log_ndtr"],
    lambda ans, x: _DENSITY * op.exp(-0.5 * x * x - ans),
    at=[0.3, -1.1, 2.5],
)
partials(
    "xlogy",
    ["rt.xlogy"],
    lambda ans, x, y: (op.log(y), x / y),
    at=[(0.3, 1.1), (-2.0, 0.4)],
    strong_zero=True,
)
partials(
    "xlog1py",
    ["rt.xlog1py"],
    lambda ans, x, y: (op.log(1.0 + y), x / (1.0 + y)),
    at=[(0.3, 1.1), (-2.0, 0.4)],
    strong_zero=True,
)
partials(
    "betaln",
    ["rt.betaln"],
    lambda ans, a, b: (
        op.digamma(a) - op.digamma(a + b),
        op.digamma(b) - op.digamma(a + b),
    ),
    at=[(0.3, 1.1), (4.5, 2.2)],
)
partials(
    "i0e",
    ["rt.i0e"],
    lambda ans, x: op.i1e(x) - op.sign(x) * ans,
    at=[0.3, -1.1, 5.0],
    kinks=[(0.0, 0.0)],
)
partials(
    "i1e",
    ["rt.i1e"],
    lambda ans, x: op.where(
        op.eq(x, 0.0), 0.5, op.i0e(x) - ans * (op.sign(x) + 1.0 / op.where(op.eq(x, 0.0), 1.0, x))
    ),
    at=[0.3, -1.1, 5.0],
    kinks=[(0.0, 0.5)],
)
nondiff("stop_gradient", ["rt.stop_gradient"], holomorphic=True)
nondiff("finite_or_zero", ["rt.finite_or_zero"])
nondiff(
    "integers of array functions",
    [
        *("rt.float_count", "rt.pad_edge", "rt.pad_wrap"),
        *("rt.pad_symmetric", "rt.pad_reflect"),
    ],
)
# The tangent of a value, which is zero unless something is differentiated.
enter_apart(Rule("zero_tangent", ("rt.zero_tangent",), 1, lambda ans, x: 1.0, strong_zero=(False,)))
