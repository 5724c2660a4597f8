"""The array functions by name, with their parameters as NumPy has them.

Light, because the front end needs it: what the functions do stands in the other files.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

import numpy as np

# Parameters before the bar may be arrays or numbers; those after it are known while compiling.
_SIGNATURES = """
sum(a, /, axis=None, dtype=None, keepdims=False)
mean(a, /, axis=None, dtype=None, keepdims=False)
prod(a, /, axis=None, dtype=None, keepdims=False)
max(a, /, axis=None, keepdims=False)
min(a, /, axis=None, keepdims=False)
any(a, /, axis=None, keepdims=False)
all(a, /, axis=None, keepdims=False)
argmax(a, /, axis=None, keepdims=False)
argmin(a, /, axis=None, keepdims=False)
var(a, /, axis=None, dtype=None, ddof=0, keepdims=False)
std(a, /, axis=None, dtype=None, ddof=0, keepdims=False)
where(condition, x, y, /)
dot(a, b, /)
vdot(a, b, /)
matmul(a, b, /)
"""
_ALIASES = {"amax": "max", "amin": "min"}
_METHODS = [
    "sum",
    "mean",
    "prod",
    "max",
    "min",
    "any",
    "all",
    "argmax",
    "argmin",
    "var",
    "std",
    "dot",
]  # of arrays


@dataclass(frozen=True)
class Signature:
    """``operands``: the parameters that may be arrays or numbers; the others are static."""

    parameters: inspect.Signature
    operands: frozenset[str]


def _parse() -> dict[str, Signature]:
    found: dict[str, Signature] = {}
    for line in _SIGNATURES.split("\n"):
        if line:
            space: dict[str, Any] = {}
            exec(f"def {line}: pass", space)
            name = line.partition("(")[0]
            written = inspect.signature(space[name]).parameters.values()
            operands = {p.name for p in written if p.kind is p.POSITIONAL_ONLY}
            loose = [p.replace(kind=p.POSITIONAL_OR_KEYWORD) for p in written]
            found[name] = Signature(inspect.Signature(loose), frozenset(operands))
    return found


SIGNATURES = _parse()


def array_function(obj: object) -> str | None:
    """The name of the array function that a NumPy function is, or None."""
    name = getattr(obj, "__name__", "")
    name = _ALIASES.get(name, name)
    if name in SIGNATURES and getattr(np, name, None) is obj:
        return name
    if name in SIGNATURES and getattr(np, str(getattr(obj, "__name__", "")), None) is obj:
        return name
    return None


def array_method(name: str) -> str | None:
    """The array function that a method of this name is, or None."""
    return name if name in _METHODS else None
