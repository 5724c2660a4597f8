"""Functions declared to have a zero derivative.  Their results are inactive."""

from __future__ import annotations

from adcompile.rules.registry import nondiff

nondiff("floor", ["math.floor", "np.floor"])
nondiff("ceil", ["math.ceil", "np.ceil"])
nondiff("trunc", ["math.trunc", "np.trunc"])
nondiff("round", ["round", "np.rint", "np.round", "np.around"])
nondiff("sign", ["np.sign"])
nondiff("signbit", ["np.signbit"])
nondiff("isnan", ["math.isnan", "np.isnan", "cmath.isnan"], True)
nondiff("isinf", ["math.isinf", "np.isinf", "cmath.isinf"], True)
nondiff("isfinite", ["math.isfinite", "np.isfinite", "cmath.isfinite"], True)
nondiff("isneginf", ["np.isneginf"])
nondiff("isposinf", ["np.isposinf"])
nondiff("isclose", ["np.isclose"], True)
nondiff("spacing", ["np.spacing"])
nondiff("bool", ["bool", "np.bool_"], True)
nondiff(
    "int",
    [
        "int",
        "np.int8",
        "np.int16",
        "np.int32",
        "np.int64",
        "np.intp",
        "np.uint8",
        "np.uint16",
        "np.uint32",
        "np.uint64",
        "np.intc",
        "np.int_",
        "np.uint",
    ],
)
nondiff("equal", ["np.equal"], True)
nondiff("not_equal", ["np.not_equal"], True)
nondiff("less", ["np.less"])
nondiff("less_equal", ["np.less_equal"])
nondiff("greater", ["np.greater"])
nondiff("greater_equal", ["np.greater_equal"])
nondiff("logical_and", ["np.logical_and"])
nondiff("logical_or", ["np.logical_or"])
nondiff("logical_xor", ["np.logical_xor"])
nondiff("logical_not", ["np.logical_not"], True)
nondiff("//", ["//", "np.floor_divide"])
nondiff("bitwise", ["&", "|", "^", "<<", ">>", "~"])
nondiff("not", ["not"], True)
