"""Norms of vectors and matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adcompile.arrays import arithmetic as by
from adcompile.arrays.pull import Pull, rearranged
from adcompile.arrays.reductions import Axis, axes_of, extreme, remaining
from adcompile.arrays.shapes import expand_dims, moveaxis, ravel
from adcompile.errors import UnsupportedError

if TYPE_CHECKING:
    from adcompile.arrays.machine import Machine

_INF = float("inf")


def norm(m: Machine, x: Pull, ord: Any = None, axis: Axis = None, keepdims: bool = False) -> Pull:
    """Of vectors along one axis or of matrices in two; without ``ord`` of all elements."""
    if ord is None and axis is None and not keepdims:
        return vector(m, ravel(m, x), 2, None, False)
    axes = axes_of(m, x, axis)
    if len(axes) == 1:
        return vector(m, x, 2 if ord is None else ord, axes[0], keepdims)
    if len(axes) == 2:
        rows, columns = (0, 1) if axis is None else tuple(k % x.rank for k in axis)  # type: ignore
        return matrix(m, x, "fro" if ord is None else ord, rows, columns, keepdims)
    if ord is None:
        return vector(m, x, 2, axis, keepdims)
    raise UnsupportedError("np.linalg.norm over more than two axes", m.out.loc)


def vector_norm(
    m: Machine, x: Pull, axis: Axis = None, keepdims: bool = False, ord: Any = 2
) -> Pull:
    return vector(m, x, ord, axis, keepdims)


def matrix_norm(m: Machine, x: Pull, keepdims: bool = False, ord: Any = "fro") -> Pull:
    return matrix(m, x, ord, x.rank - 2, x.rank - 1, keepdims)


def vector(m: Machine, x: Pull, ord: Any, axis: Axis, keepdims: bool) -> Pull:
    """(sum |x|^ord)^(1/ord), the largest or smallest |x|, or how many are not zero."""
    if ord == 2:
        return by.apply(m, "np.sqrt", m.total(by.square(m, x), axis, keepdims))
    if isinstance(ord, str):
        raise UnsupportedError(f"np.linalg.norm of vectors with ord={ord!r}", m.out.loc)
    if ord in (_INF, -_INF):
        size = m.kept(by.absolute(m, x))
        return extreme(m, size, axis, keepdims, ">" if ord > 0 else "<", False)
    if ord == 0:
        some = by.cast(m, by.unequal(m, x, by.number(0)), by.absolute(m, x).dtype)
        return m.total(some, axis, keepdims)
    if ord == 1:
        return m.total(by.absolute(m, x), axis, keepdims)
    powers = by.power(m, by.absolute(m, x), by.number(ord))
    return by.power(m, m.total(powers, axis, keepdims), by.number(1.0 / ord))


def matrix(m: Machine, x: Pull, ord: Any, rows: int, columns: int, keepdims: bool) -> Pull:
    both = (rows, columns)
    if ord == "fro":
        return vector(m, x, 2, both, keepdims)
    if ord in (1, -1, _INF, -_INF):
        inner, outer = both if ord in (1, -1) else (columns, rows)
        sums = m.kept(m.total(by.absolute(m, x), inner, True))
        found = extreme(m, sums, outer, True, ">" if ord > 0 else "<", False)
        dims = remaining(x, tuple(sorted(both)), keepdims)
        one = tuple(sorted(both))
        return rearranged(
            found,
            dims,
            lambda out, i: i if keepdims else _with_zeros(i, one),
            False,
        )
    if ord in (2, -2, "nuc"):
        from adcompile.arrays.matrices import svdvals

        s = m.kept(svdvals(m, moveaxis(m, x, both, (-2, -1))))
        if ord == "nuc":
            found = m.total(s, -1, False)
        else:
            found = extreme(m, s, -1, False, ">" if ord == 2 else "<", False)
        return expand_dims(m, found, tuple(sorted(both))) if keepdims else found
    raise UnsupportedError(f"np.linalg.norm of matrices with ord={ord!r}", m.out.loc)


def _with_zeros(index: Any, axes: tuple[int, ...]) -> Any:
    from adcompile.arrays.emitter import ZERO

    made = list(index)
    for k in axes:
        made.insert(k, ZERO)
    return tuple(made)
