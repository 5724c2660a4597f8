"""What a global object means to the compiler: a primitive, an allocation, a constant, a callee."""

from __future__ import annotations

import builtins
import math
from typing import Any

import numpy as np

from adcompile.ir import nodes as ir
from adcompile.rules.registry import rule_for

ALLOCATIONS = {
    f"np.{name}{suffix}" for name in ("zeros", "empty", "ones", "full") for suffix in ("", "_like")
}
BUILTINS = ("abs", "min", "max", "float", "int", "bool", "round")
_SCALAR_TYPES: tuple[str, ...] = (
    *("float64", "float32", "int64", "int32", "int16", "int8"),
    *("uint8", "uint16", "uint32", "uint64", "intp", "bool_"),
)


def _known() -> dict[int, str]:
    found: dict[int, str] = {}
    for name in dir(np):
        thing = getattr(np, name)
        if isinstance(thing, np.ufunc) or f"np.{name}" in ALLOCATIONS or name == "copy":
            found.setdefault(id(thing), f"np.{name}")
    for name in ("isclose", "clip", "abs", "sinc", "around"):
        found.setdefault(id(getattr(np, name)), f"np.{name}")
    for name in _SCALAR_TYPES:
        found[id(getattr(np, name))] = f"np.{name}"
    for name in dir(math):
        if not name.startswith("_") and callable(getattr(math, name)):
            found[id(getattr(math, name))] = f"math.{name}"
    for name in (*BUILTINS, "range", "len", "divmod", "pow", "print", "sum"):
        found[id(getattr(builtins, name))] = name
    return found


_BY_ID = _known()


def dotted(thing: Any) -> str | None:
    """The canonical name of a function of math, NumPy or builtins."""
    name = _BY_ID.get(id(thing))
    if name is not None and name.startswith("np.") and rule_for(name) is None:
        # Prefer a spelling that has a rule, where one function has several names.
        for other in dir(np):
            if getattr(np, other) is thing and rule_for(f"np.{other}") is not None:
                return f"np.{other}"
    return name


def constant(value: Any) -> ir.Const | None:
    """A literal for a global scalar."""
    if value is None or isinstance(value, bool | int | float | str):
        return ir.Const(value)
    if isinstance(value, np.bool_ | np.integer | np.floating):
        return ir.Const(value.item())
    return None
