"""The array functions by name, with their parameters as NumPy has them.

Light, because the front end needs it: what the functions do stands in the other files.
"""

from __future__ import annotations

import inspect
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

# Parameters before the bar may be arrays or numbers.  ``shape`` and ``reps`` are integers or tuples
# of them, ``arrays`` and ``operands`` sequences of arrays.  All others are known while compiling.
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
logsumexp(a, /, axis=None, keepdims=False)
median(a, /, axis=None, keepdims=False)
cumsum(a, /, axis=None)
cumprod(a, /, axis=None)
diff(a, /, n=1, axis=-1)
trapezoid(y, x=None, dx=None, /, axis=-1)
where(condition, x, y, /)
dot(a, b, /)
vdot(a, b, /)
inner(a, b, /)
matmul(a, b, /)
einsum(subscripts, *operands)
outer(a, b, /)
kron(a, b, /)
cross(a, b, /)
solve(a, b, /)
inv(a, /)
det(a, /)
slogdet(a, /)
eigh(a, /)
qr(a, /)
pinv(a, /)
svd(a, /, full_matrices=True, compute_uv=True)
cholesky(a, /)
norm(x, /, ord=None, axis=None, keepdims=False)
trace(a, /, offset=0)
convolve(a, v, /, mode="full")
interp(x, xp, fp, /)
searchsorted(a, v, /, side="left")
sort(a, /, axis=-1)
argsort(a, /, axis=-1)
reshape(a, /, shape)
ravel(a, /)
flatten(a, /)
transpose(a, /, axes=None)
swapaxes(a, /, axis1, axis2)
moveaxis(a, /, source, destination)
expand_dims(a, /, axis)
squeeze(a, /, axis=None)
broadcast_to(array, /, shape)
flip(m, /, axis=None)
roll(a, shift, /, axis=None)
repeat(a, repeats, /, axis=None)
tile(A, /, reps)
take(a, indices, /, axis=None)
diag(v, /, k=0)
diagonal(a, /, offset=0)
tril(m, /, k=0)
triu(m, /, k=0)
atleast_1d(a, /)
atleast_2d(a, /)
concatenate(arrays, axis=0)
stack(arrays, axis=0)
hstack(arrays)
vstack(arrays)
column_stack(arrays)
append(arr, values, /, axis=None)
array(items, dtype=None)
asarray(items, dtype=None)
ascontiguousarray(items, dtype=None)
arange(start, stop=None, step=None, /)
linspace(start, stop, num=50, /)
eye(N, M=None, /, k=0)
identity(N, /)
"""
_ALIASES = {
    "amax": "max",
    "amin": "min",
    "trapz": "trapezoid",
    "permute_dims": "transpose",
    "concat": "concatenate",
    "row_stack": "vstack",
}
_METHODS = frozenset(
    [
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
        "cumsum",
        "cumprod",
        "trace",
        "reshape",
        "ravel",
        "flatten",
        "transpose",
        "swapaxes",
        "squeeze",
        "repeat",
        "take",
        "diagonal",
        "argsort",
    ]
)
SEQUENCES = ("arrays", "operands", "items")
EXTENTS = ("shape", "reps")


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
            loose = [
                p.replace(kind=p.POSITIONAL_OR_KEYWORD) if p.kind is p.POSITIONAL_ONLY else p
                for p in written
            ]
            found[name] = Signature(inspect.Signature(loose), frozenset(operands))
    return found


SIGNATURES = _parse()


def array_function(obj: object) -> str | None:
    """The name of the array function that a NumPy function is, or None."""
    own = str(getattr(obj, "__name__", ""))
    scipy = sys.modules.get("scipy.special")
    if own == "logsumexp" and getattr(scipy, own, None) is obj:
        return own
    name = _ALIASES.get(own, own)
    if name in SIGNATURES:
        for module in (np, np.linalg):
            if getattr(module, own, None) is obj:
                return name
    return None


def array_method(name: str) -> str | None:
    """The array function that a method of this name is, or None."""
    return name if name in _METHODS else None
