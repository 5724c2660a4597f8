"""The array functions by name, with their parameters as NumPy has them.

Light, because the front end needs it: what the functions do stands in the other files.
"""

from __future__ import annotations

import builtins
import inspect
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba.np import extensions

# Parameters before the bar, and those in OPERANDS, may be arrays or numbers.  ``shape`` and
# ``reps`` are integers or tuples of them, those in SEQUENCES are sequences of arrays.  All others
# are known while compiling.
_SIGNATURES = """
sum(a, /, axis=None, dtype=None, keepdims=False, initial=None, where=None)
mean(a, /, axis=None, dtype=None, keepdims=False, where=None)
prod(a, /, axis=None, dtype=None, keepdims=False, initial=None, where=None)
max(a, /, axis=None, keepdims=False, initial=None, where=None)
min(a, /, axis=None, keepdims=False, initial=None, where=None)
any(a, /, axis=None, keepdims=False, where=None)
all(a, /, axis=None, keepdims=False, where=None)
argmax(a, /, axis=None, keepdims=False)
argmin(a, /, axis=None, keepdims=False)
var(a, /, axis=None, dtype=None, ddof=0, keepdims=False)
std(a, /, axis=None, dtype=None, ddof=0, keepdims=False)
count_nonzero(a, /, axis=None, keepdims=False)
ptp(a, /, axis=None, keepdims=False)
average(a, /, axis=None, weights=None, keepdims=False)
median(a, /, axis=None, keepdims=False)
quantile(a, q, /, axis=None, method="linear", keepdims=False)
percentile(a, q, /, axis=None, method="linear", keepdims=False)
nansum(a, /, axis=None, keepdims=False)
nanprod(a, /, axis=None, keepdims=False)
nanmean(a, /, axis=None, keepdims=False)
nanvar(a, /, axis=None, ddof=0, keepdims=False)
nanstd(a, /, axis=None, ddof=0, keepdims=False)
nanmax(a, /, axis=None, keepdims=False)
nanmin(a, /, axis=None, keepdims=False)
nancumsum(a, /, axis=None)
nancumprod(a, /, axis=None)
cov(m, y=None, /, rowvar=True, bias=False, ddof=None)
corrcoef(x, y=None, /, rowvar=True)
bincount(x, /, weights=None, minlength=0)
logsumexp(a, /, axis=None, b=None, keepdims=False)
softmax(x, /, axis=None)
log_softmax(x, /, axis=None)
cumsum(a, /, axis=None)
cumprod(a, /, axis=None)
diff(a, /, n=1, axis=-1, prepend=None, append=None)
ediff1d(ary, /)
gradient(f, /, *operands, axis=None, edge_order=1)
trapezoid(y, x=None, dx=None, /, axis=-1)
where(condition, x=None, y=None, /)
select(condlist, choicelist, default=0)
choose(a, choices, /)
nan_to_num(x, /, copy=True, nan=0.0, posinf=None, neginf=None)
heaviside(x1, x2, /)
allclose(a, b, rtol=1e-05, atol=1e-08, /)
array_equal(a1, a2, /)
polyval(p, x, /)
vander(x, /, N=None, increasing=False)
dot(a, b, /)
vdot(a, b, /)
vecdot(x1, x2, /)
matvec(x1, x2, /)
inner(a, b, /)
matmul(a, b, /)
tensordot(a, b, /, axes=2)
einsum(subscripts, *operands, optimize=None)
outer(a, b, /)
kron(a, b, /)
cross(a, b, /, axisa=-1, axisb=-1, axisc=-1, axis=None)
cross2d(a, b, /)
solve(a, b, /)
inv(a, /)
det(a, /)
slogdet(a, /)
eigh(a, /, UPLO="L")
eigvalsh(a, /, UPLO="L")
qr(a, /, mode="reduced")
pinv(a, /, rcond=None)
svd(a, /, full_matrices=True, compute_uv=True)
svdvals(x, /)
cholesky(a, /, upper=False)
lstsq(a, b, /, rcond=None)
matrix_power(a, /, n)
matrix_rank(A, /)
multi_dot(arrays)
cond(x, /, p=None)
norm(x, /, ord=None, axis=None, keepdims=False)
vector_norm(x, /, axis=None, keepdims=False, ord=2)
matrix_norm(x, /, keepdims=False, ord="fro")
solve_triangular(a, b, /, trans=0, lower=False, unit_diagonal=False, check_finite=True)
cho_solve(arrays, b, /, check_finite=True)
scipy_cholesky(a, /, lower=False, check_finite=True)
trace(a, /, offset=0, axis1=0, axis2=1)
linalg_trace(a, /, offset=0, axis1=-2, axis2=-1)
linalg_diagonal(a, /, offset=0, axis1=-2, axis2=-1)
convolve(a, v, /, mode="full")
correlate(a, v, /, mode="valid")
interp(x, xp, fp, /, left=None, right=None)
searchsorted(a, v, /, side="left")
digitize(x, bins, /, right=False)
sort(a, /, axis=-1)
argsort(a, /, axis=-1, kind=None)
partition(a, kth, /)
argpartition(a, kth, /)
reshape(a, /, shape)
ravel(a, /, order="C")
flatten(a, /, order="C")
transpose(a, /, axes=None)
matrix_transpose(x, /)
swapaxes(a, /, axis1, axis2)
moveaxis(a, /, source, destination)
rollaxis(a, /, axis, start=0)
rot90(m, /, k=1, axes=(0, 1))
expand_dims(a, /, axis)
squeeze(a, /, axis=None)
broadcast_to(array, /, shape)
flip(m, /, axis=None)
flipud(m, /)
fliplr(m, /)
roll(a, /, shift, axis=None)
repeat(a, repeats, /, axis=None)
tile(A, /, reps)
resize(a, /, shape)
take(a, indices, /, axis=None)
take_along_axis(arr, indices, /, axis)
compress(condition, a, /, axis=None)
extract(condition, arr, /)
ix_(*operands)
nonzero(a, /)
flatnonzero(a, /)
argwhere(a, /)
diag(v, /, k=0)
diagflat(v, /, k=0)
diagonal(a, /, offset=0, axis1=0, axis2=1)
tril(m, /, k=0)
triu(m, /, k=0)
tri(N, M=None, /, k=0, dtype=None)
tril_indices(n, /, k=0, m=None)
triu_indices(n, /, k=0, m=None)
diag_indices(n, /, ndim=2)
diag_indices_from(arr, /)
atleast_1d(a, /)
atleast_2d(a, /)
atleast_3d(a, /)
concatenate(arrays, axis=0)
stack(arrays, axis=0)
hstack(arrays)
vstack(arrays)
dstack(arrays)
column_stack(arrays)
block(arrays)
append(arr, values, /, axis=None)
delete(arr, obj, /, axis=None)
insert(arr, obj, values, /, axis=None)
pad(array, /, pad_width, mode="constant", constant_values=0)
split(ary, /, indices_or_sections, axis=0)
array_split(ary, /, indices_or_sections, axis=0)
hsplit(ary, /, indices_or_sections)
vsplit(ary, /, indices_or_sections)
dsplit(ary, /, indices_or_sections)
unstack(x, /, axis=0)
meshgrid(*operands, indexing="xy", sparse=False, copy=True)
array(items, dtype=None)
asarray(items, dtype=None)
ascontiguousarray(items, dtype=None)
full(shape, fill_value, dtype=None)
full_like(a, fill_value, /, dtype=None)
item(a, /, *operands)
ndim(a, /)
size(a, /, axis=None)
arange(start, stop=None, step=None, /, dtype=None)
linspace(start, stop, num=50, /, endpoint=True, dtype=None)
logspace(start, stop, num=50, /, endpoint=True, base=10.0)
geomspace(start, stop, num=50, /, endpoint=True)
eye(N, M=None, /, k=0, dtype=None)
identity(N, /, dtype=None)
diagonal_places(a, /)
add_at(a, values, /, places, sign)
ufunc_outer(a, b, /, name)
builtin_sum(a, start=None, /)
builtin_max(a, /)
builtin_min(a, /)
"""
_ALIASES = {
    "amax": "max",
    "amin": "min",
    "trapz": "trapezoid",
    "permute_dims": "transpose",
    "concat": "concatenate",
    "row_stack": "vstack",
    "cumulative_sum": "cumsum",
    "cumulative_prod": "cumprod",
}
# Functions whose name here is not NumPy's, by module.
_SCIPY_SPECIAL = {"logsumexp": "logsumexp", "softmax": "softmax", "log_softmax": "log_softmax"}
_SCIPY_LINALG = {
    "solve_triangular": "solve_triangular",
    "cho_solve": "cho_solve",
    "cholesky": "scipy_cholesky",
    "solve": "solve",
    "inv": "inv",
    "det": "det",
}
_OWN = ("logsumexp", "softmax", "log_softmax", "solve_triangular", "cho_solve", "scipy_cholesky")
_NO_FUNCTION = (
    *_OWN,
    "item",
    "ufunc_outer",
    "diagonal_places",
    "add_at",
    "linalg_trace",
    "linalg_diagonal",
    "builtin_sum",
    "builtin_max",
    "builtin_min",
)
_BUILTINS = {"sum": "builtin_sum", "max": "builtin_max", "min": "builtin_min"}
_METHODS = frozenset(
    """
    sum mean prod max min any all argmax argmin var std dot cumsum cumprod trace reshape ravel
    flatten transpose swapaxes squeeze repeat take diagonal argsort searchsorted nonzero compress
    choose item
    """.split()  # noqa: SIM905
)
# ufunc.reduce and the like, over the first axis unless told otherwise.
_REDUCE = {
    "add": "sum",
    "multiply": "prod",
    "maximum": "max",
    "minimum": "min",
    "logical_and": "all",
    "logical_or": "any",
    "logaddexp": "logsumexp",
}
_ACCUMULATE = {"add": "cumsum", "multiply": "cumprod"}
SEQUENCES = ("arrays", "operands", "items", "condlist", "choicelist", "choices", "places")
OPERANDS = (
    *("initial", "where", "weights", "b", "prepend", "append", "left", "right", "default"),
    *("fill_value", "constant_values", "nan", "posinf", "neginf", "rcond"),
)
EXTENTS = ("shape", "reps")
WIDTHS = ("pad_width", "shift")  # integers, which may stand in nested tuples


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
            operands = {
                p.name for p in written if p.kind is p.POSITIONAL_ONLY or p.name in OPERANDS
            }
            loose = [
                p.replace(kind=p.POSITIONAL_OR_KEYWORD) if p.kind is p.POSITIONAL_ONLY else p
                for p in written
            ]
            found[name] = Signature(inspect.Signature(loose), frozenset(operands))
    return found


SIGNATURES = _parse()
# Whether a call of these raises an error that depends on its matrices (arrays/failing.py).
MAY_RAISE = (
    *("inv", "solve", "cholesky", "scipy_cholesky", "det", "slogdet", "eigh", "eigvalsh", "qr"),
    *("svd", "svdvals", "cond", "matrix_rank", "matrix_power", "pinv", "lstsq"),
    *("solve_triangular", "cho_solve"),
)
SIGNATURES |= {f"fails_{name}": SIGNATURES[name] for name in MAY_RAISE}


def array_function(obj: object) -> str | None:
    """The name of the array function that a function of NumPy or SciPy is, or None."""
    own = str(getattr(obj, "__name__", ""))
    for module, names in (("scipy.special", _SCIPY_SPECIAL), ("scipy.linalg", _SCIPY_LINALG)):
        if own in names and getattr(sys.modules.get(module), own, None) is obj:
            return names[own]
    name = _ALIASES.get(own, own)
    if name in SIGNATURES and name not in _NO_FUNCTION:
        if getattr(np, own, None) is obj or (own == "cross2d" and obj is extensions.cross2d):
            return name
        if getattr(np.linalg, own, None) is obj:
            return f"linalg_{own}" if own in ("trace", "diagonal") else name
    return None


def ufunc_method(obj: object) -> tuple[str, str] | None:
    """For ``np.add.reduce``: ("reduce", the array function that it is); None for others."""
    ufunc, name = getattr(obj, "__self__", None), str(getattr(obj, "__name__", ""))
    if not isinstance(ufunc, np.ufunc):
        return None
    if name == "outer":
        return name, ufunc.__name__
    if name == "at" and ufunc in (np.add, np.subtract):
        return name, "+" if ufunc is np.add else "-"
    known = {"reduce": _REDUCE, "accumulate": _ACCUMULATE}.get(name, {})
    return (name, known[ufunc.__name__]) if ufunc.__name__ in known else None


def array_builtin(obj: object) -> str | None:
    """The array function that ``sum(x)``, ``max(x)`` or ``min(x)`` is."""
    own = str(getattr(obj, "__name__", ""))
    return _BUILTINS.get(own) if getattr(builtins, own, None) is obj else None


def array_method(name: str) -> str | None:
    """The array function that a method of this name is, or None."""
    return name if name in _METHODS else None
