"""Canonical dotted names of functions that stay calls: ``math.sin`` however it was imported."""

from __future__ import annotations

import ast
import builtins
import cmath
import math
import sys
from types import BuiltinFunctionType, ModuleType

import numpy as np
from numba.core import types as nt

BUILTINS = ("abs", "min", "max", "float", "int", "bool", "round", "complex")
ALLOCATORS = {  # parameters in order, dtype last
    "np.zeros": ("shape", "dtype"),
    "np.empty": ("shape", "dtype"),
    "np.ones": ("shape", "dtype"),
    "np.full": ("shape", "fill_value", "dtype"),
    "np.zeros_like": ("a", "dtype"),
    "np.empty_like": ("prototype", "dtype"),
    "np.ones_like": ("a", "dtype"),
    "np.full_like": ("a", "fill_value", "dtype"),
}
# NumPy functions of numbers that are not ufuncs.
_NUMERIC = frozenset(
    ("round", "around", "clip", "sinc", "isclose", "isneginf", "isposinf", "real", "imag", "angle")
)
# math functions of sequences, or with several results.
_NOT_NUMERIC = ("fsum", "prod", "dist", "sumprod", "frexp", "modf")

ADVICE = {
    "print": "Take the print out: a derivative is computed by another function.",
    "enumerate": "Write for i in range(len(x)).",
    "zip": "Write for i in range(len(x)).",
    "sum": "Write the sum as a loop.",
    "np.sum": "Write the sum as a loop.",
    "np.dot": "Write the product as a loop.",
    "np.array": "Allocate with np.empty and assign the elements.",
}


# Functions of scipy.special, and what they are here.
_SCIPY = {
    "gammaln": "math.lgamma",
    "loggamma": "math.lgamma",
    "gamma": "math.gamma",
    "erf": "math.erf",
    "erfc": "math.erfc",
    "digamma": "rt.digamma",
    "psi": "rt.digamma",
    "ndtr": "rt.ndtr",
    "log_ndtr": "rt.log_ndtr",
    "expit": "rt.expit",
    "log_expit": "rt.log_expit",
    "softplus": "rt.softplus",
    "logit": "rt.logit",
    "xlogy": "rt.xlogy",
    "xlog1py": "rt.xlog1py",
    "betaln": "rt.betaln",
    "i0e": "rt.i0e",
    "i1e": "rt.i1e",
}


def scipy_name(obj: object) -> str | None:
    module = sys.modules.get("scipy.special")  # whoever passes one of its functions has it
    name = getattr(obj, "__name__", "")
    if module is not None and name in _SCIPY and getattr(module, name, None) is obj:
        return _SCIPY[name]
    return None


def primitive_name(obj: object) -> str | None:
    """The canonical name of a function of numbers, or None."""
    name = getattr(obj, "__name__", "")
    if (found := scipy_name(obj)) is not None:
        return found
    if getattr(obj, "__adcompile_primitive__", None) is not None:
        return str(obj.__adcompile_primitive__)  # type: ignore[attr-defined]
    if name in BUILTINS and getattr(builtins, name) is obj:
        return str(name)
    if isinstance(obj, BuiltinFunctionType):
        if getattr(math, name, None) is obj and name not in _NOT_NUMERIC:
            return f"math.{name}"
        if getattr(cmath, name, None) is obj and name != "polar":
            return f"cmath.{name}"
    if isinstance(obj, np.ufunc) and obj.nout == 1 and getattr(np, name, None) is obj:
        return f"np.{name}"
    if name in _NUMERIC and getattr(np, name) is obj:
        return f"np.{name}"
    if isinstance(obj, nt.Number):  # numba.float64(x)
        return f"np.{obj}"
    if isinstance(obj, type) and issubclass(obj, np.number | np.bool_):
        return "np.bool_" if obj is np.bool_ else f"np.{name}"
    return None


def allocator_name(obj: object) -> str | None:
    """The canonical name of a NumPy function that makes an array."""
    for name in ALLOCATORS:
        if getattr(np, name.removeprefix("np.")) is obj:
            return name
    return None


def shown_name(obj: object, written: str) -> str:
    """How to call an unsupported function in a message, so that advice can be found."""
    name = getattr(obj, "__name__", "")
    if getattr(builtins, name, None) is obj:
        return str(name)
    if getattr(np, name, None) is obj:
        return f"np.{name}"
    return written


def dtype_name(obj: object) -> str | None:
    """``np.float64`` for anything that means it as a dtype."""
    if isinstance(obj, ModuleType | np.ndarray) or obj is None:
        return None
    try:  # Numba's types print as NumPy's do
        numba_type = type(obj).__module__.startswith("numba.")
        dtype = np.dtype(str(obj) if numba_type else obj)  # type: ignore[call-overload]
    except TypeError:
        return None
    if dtype.kind not in "fiubc" or dtype.name == "clongdouble":
        return None
    return "np.bool_" if dtype.kind == "b" else f"np.{dtype.name}"


def is_range(obj: object) -> bool:
    """range, and Numba's prange: iterations that may run in any order may run in this one."""
    module = str(getattr(obj, "__module__", ""))
    return obj is range or (getattr(obj, "__name__", "") == "prange" and module.startswith("numba"))


def literal_int(node: ast.expr) -> int | None:
    """The integer that is written there."""
    match node:
        case ast.Constant(value=int() as value):
            return int(value)
        case ast.UnaryOp(ast.USub(), ast.Constant(value=int() as value)):
            return -value
        case _:
            return None
