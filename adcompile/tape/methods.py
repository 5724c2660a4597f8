"""The methods and attributes of NumPy's arrays and numbers, for recorded ones."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from adcompile.arrays.signatures import array_method
from adcompile.tape.functions import array, astype, by_rule, call_function
from adcompile.tape.memory import Array, ComplexPart
from adcompile.tape.variable import Var


def attribute(x: Var, name: str) -> Any:
    """A method or attribute of NumPy's arrays and numbers."""
    if name in ("shape", "ndim", "size", "dtype", "itemsize", "strides", "nbytes", "flags"):
        return getattr(x.value, name)
    if name in ("T", "mT"):
        return np.transpose(x) if name == "T" else np.matrix_transpose(x)
    if name in ("real", "imag"):
        if not np.iscomplexobj(x.value):
            return x if name == "real" else 0 * x.value
        if isinstance(x, Array):
            return ComplexPart(x, name)
        return by_rule(getattr(np, name), x)
    if name in _METHODS:
        return functools.partial(_METHODS[name], x)
    if array_method(name) or name in ("clip", "round", "conj", "conjugate"):
        return functools.partial(_call_method, x, getattr(np, name))
    raise AttributeError(f"the tape engine does not know .{name} of numbers and arrays")


def _call_method(x: Var, function: Any, *args: Any, **options: Any) -> Any:
    if function in (np.reshape, np.transpose) and len(args) > 1:
        args = (args,)
    if function is np.compress:
        return function(args[0], x, *args[1:], **options)
    if isinstance(function, np.ufunc):
        return function(x, *args, **options)
    return call_function(function, (x, *args), options)


def _item(x: Any, *index: Any) -> Any:
    return x[index] if len(index) > 1 else np.ravel(x)[index[0] if index else 0]


_METHODS: dict[str, Callable[..., Any]] = {
    "copy": lambda x, order="C": array(x),
    "flatten": lambda x, order="C": array(np.ravel(x, order)),
    "astype": astype,
    "fill": lambda x, value: x.__setitem__(..., value),
    "sort": lambda x, axis=-1: x.__setitem__(..., np.sort(x, axis)),
    "partition": lambda x, kth, axis=-1: x.__setitem__(..., np.sort(x, axis)),
    "item": _item,
}
