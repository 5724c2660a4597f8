"""What expressions may call in a kernel, and how it is spelled there."""

from __future__ import annotations

from adcompile.ir import nodes as ir
from adcompile.ir.walk import map_expr
from adcompile.runtime import arrays, likelihood, special

MOST = 256  # threads of a block that sums what they have
_SAME = (
    *("acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "ceil", "copysign", "cos"),
    *("cosh", "erf", "erfc", "exp", "expm1", "fabs", "floor", "fmod", "gamma", "hypot", "isfinite"),
    *("isinf", "isnan", "ldexp", "lgamma", "log", "log10", "log1p", "log2", "pow", "sin", "sinh"),
    *("sqrt", "tan", "tanh", "trunc", "degrees", "radians"),
)
_NUMPY = {
    **{f"np.{name}": f"math.{name}" for name in _SAME if name not in ("erf", "erfc", "gamma")},
    **{f"np.arc{name}": f"math.a{name}" for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    "np.arctan2": "math.atan2",
    "np.rad2deg": "math.degrees",
    "np.deg2rad": "math.radians",
    "np.abs": "abs",
    "np.absolute": "abs",
}
# device.py has these.
OURS = {
    "np.sign": "rt.sign",
    "np.maximum": "rt.maximum",
    "np.minimum": "rt.minimum",
    "np.fmax": "rt.fmax",
    "np.fmin": "rt.fmin",
    "np.cbrt": "rt.cbrt",
    "np.exp2": "rt.exp2",
    "np.logaddexp": "rt.logaddexp",
    "np.rint": "rt.rint",
    "rt.larger": "rt.maximum",
    "rt.smaller": "rt.minimum",
}
_CASTS = ("int", "float", "bool", "abs", "max", "min")
_TYPES = ("float64", "float32", "int64", "int32", "int16", "int8", "uint8", "uint32", "uint64")
# Functions of one number that are plain arithmetic, in Python as on the device.
_RUNTIME = frozenset(
    f"rt.{name}"
    for module, names in (
        (arrays, ("trip_count", "from_front", "pad_edge", "pad_wrap", "pad_symmetric")),
        (arrays, ("pad_reflect", "slice_start", "slice_first", "slice_length")),
        (likelihood, ("expit", "softplus", "log_expit", "logit")),
        (likelihood, ("ndtr", "log_ndtr", "xlogy", "xlog1py")),
        (special, ("digamma", "trigamma")),
    )
    for name in names
    if hasattr(module, name)
)

SPELLED: dict[str, str] = {
    **{f"math.{name}": f"math.{name}" for name in _SAME},
    **_NUMPY,
    **OURS,
    **{name: name for name in _CASTS},
    **{f"np.{name}": f"np.{name}" for name in _TYPES},
    **{name: name for name in _RUNTIME},
}


class NoSuchFunction(Exception):
    """The name of a function that kernels cannot call."""


def on_device(expr: ir.Expr) -> ir.Expr:
    """``expr`` with the functions that kernels can call."""

    def change(e: ir.Expr) -> ir.Expr:
        match e:
            case ir.Apply("rt.plus", (a, b)):
                return ir.Binary("+", a, b)
            case ir.Apply("np.square", (x,)):
                return ir.Binary("*", x, x)
            case ir.Apply("rt.trips", (count,)):
                return ir.Apply("max", (count, ir.Const(0)))
            case ir.Apply("rt.trip_count", (a, b, ir.Const(1))):
                return ir.Apply("max", (ir.Binary("-", b, a), ir.Const(0)))
            case ir.Apply("rt.trip_count", (a, b, ir.Const(-1))):
                return ir.Apply("max", (ir.Binary("-", a, b), ir.Const(0)))
            case ir.Apply("np.reciprocal", (x,)):
                return ir.Binary("/", ir.Const(1.0), x)
            case ir.Apply("np.power" | "pow", (a, b)):
                return ir.Binary("**", a, b)
            case ir.Apply(fn, args):
                if fn.startswith("cuda."):
                    return e
                if fn not in SPELLED or (fn == "float" and len(args) != 1):
                    raise NoSuchFunction(fn)
                return ir.Apply(SPELLED[fn], args)
            case ir.MakeTuple() | ir.TupleGet():
                raise NoSuchFunction("a tuple")
            case _:
                return e

    return map_expr(change, expr)
