"""Functions that rearrange elements, or choose among them.

Most are a mapping of subscripts.  Where NumPy makes a view the result is one here too; where it
makes a copy, the elements are copied when the statement runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from numba.core import types as nt

from adcompile.arrays import library
from adcompile.arrays.emitter import ZERO, Emitter, Index
from adcompile.arrays.pull import Mapping, Pull, rearranged
from adcompile.errors import UnsupportedError
from adcompile.ir import nodes as ir

if TYPE_CHECKING:
    from adcompile.arrays.machine import Machine

ONE = ir.Const(1)


def one_axis(m: Machine, rank: int, axis: int) -> int:
    if not isinstance(axis, int) or not -rank <= axis < rank:
        raise UnsupportedError(f"axis {axis} of an array of rank {rank}", m.out.loc)
    return axis % rank


def integer_of(m: Machine, pull: Pull) -> ir.Expr:
    """The value of a scalar operand."""
    if pull.rank:
        raise UnsupportedError("an array where a number is expected", m.out.loc)
    return pull.at(m.out, ())


# ---------------------------------------------------------------- views


def transpose(m: Machine, a: Pull, axes: tuple[int, ...] | None = None) -> Pull:
    order = tuple(reversed(range(a.rank))) if axes is None else tuple(axes)
    order = tuple(one_axis(m, a.rank, k) for k in order)
    if sorted(order) != list(range(a.rank)):
        raise UnsupportedError(f"axes {axes} of an array of rank {a.rank}", m.out.loc)
    back = tuple(order.index(k) for k in range(a.rank))
    dims = tuple(a.dims[k] for k in order)
    return rearranged(a, dims, lambda out, i: tuple(i[k] for k in back))


def swapaxes(m: Machine, a: Pull, axis1: int, axis2: int) -> Pull:
    order = list(range(a.rank))
    x, y = one_axis(m, a.rank, axis1), one_axis(m, a.rank, axis2)
    order[x], order[y] = y, x
    return transpose(m, a, tuple(order))


def matrix_transpose(m: Machine, a: Pull) -> Pull:
    return swapaxes(m, a, -2, -1)


Axes = int | tuple[int, ...]


def moveaxis(m: Machine, a: Pull, source: Axes, destination: Axes) -> Pull:
    froms = (source,) if isinstance(source, int) else source
    tos = (destination,) if isinstance(destination, int) else destination
    taken = [one_axis(m, a.rank, k) for k in froms]
    order = [k for k in range(a.rank) if k not in taken]
    for to, k in sorted(zip((one_axis(m, a.rank, t) for t in tos), taken, strict=True)):
        order.insert(to, k)
    return transpose(m, a, tuple(order))


def rollaxis(m: Machine, a: Pull, axis: int, start: int = 0) -> Pull:
    k = one_axis(m, a.rank, axis)
    start = start + a.rank if start < 0 else start
    return moveaxis(m, a, k, start - 1 if k < start else start)


def rot90(m: Machine, a: Pull, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Pull:
    """A quarter turn from the first axis towards the second, ``k`` times."""
    first, second = axes
    if k % 4 == 0:
        return a
    if k % 4 == 2:
        return flip(m, a, axes)
    if k % 4 == 1:
        return swapaxes(m, flip(m, a, second), first, second)
    return flip(m, swapaxes(m, a, first, second), second)


def expand_dims(m: Machine, a: Pull, axis: Axes) -> Pull:
    if isinstance(axis, tuple):
        for one in sorted(one_axis(m, a.rank + len(axis), k) for k in axis):
            a = expand_dims(m, a, one)
        return a
    k = one_axis(m, a.rank + 1, axis)
    dims = (*a.dims[:k], ONE, *a.dims[k:])
    return rearranged(a, dims, lambda out, i: (*i[:k], *i[k + 1 :]))


def squeeze(m: Machine, a: Pull, axis: int | tuple[int, ...] | None = None) -> Pull:
    if axis is None:
        gone = tuple(k for k, d in enumerate(a.dims) if d == ONE)
    else:
        given = (axis,) if isinstance(axis, int) else axis
        gone = tuple(one_axis(m, a.rank, k) for k in given)
    for k in gone:
        if a.dims[k] != ONE:
            wrong = ir.Compare("!=", a.dims[k], ONE)
            m.out.fail_if(wrong, "ValueError", "an axis to squeeze has not size one")
    kept = tuple(k for k in range(a.rank) if k not in gone)

    def mapping(out: Emitter, index: Index) -> Index:
        return tuple(index[kept.index(k)] if k in kept else ZERO for k in range(a.rank))

    return rearranged(a, tuple(a.dims[k] for k in kept), mapping)


def atleast_1d(m: Machine, a: Pull) -> Pull:
    return a if a.rank else rearranged(a, (ONE,), lambda out, i: (), view=False)


def atleast_2d(m: Machine, a: Pull) -> Pull:
    a = atleast_1d(m, a)
    return a if a.rank > 1 else expand_dims(m, a, 0)


def atleast_3d(m: Machine, a: Pull) -> Pull:
    return expand_dims(m, atleast_2d(m, a), -1) if a.rank < 3 else a


def broadcast_to(m: Machine, a: Pull, shape: tuple[ir.Expr, ...]) -> Pull:
    return replace(m.fitted(a, shape), place=None, array=None, maybe_view=a.place is not None)


def flip(m: Machine, a: Pull, axis: int | tuple[int, ...] | None = None) -> Pull:
    given = range(a.rank) if axis is None else (axis,) if isinstance(axis, int) else axis
    turned = tuple(one_axis(m, a.rank, k) for k in given)

    def mapping(out: Emitter, index: Index) -> Index:
        made = list(index)
        for k in turned:
            last = out.integer("-", a.dims[k], ONE)
            made[k] = ir.Binary("-", last, index[k])
        return tuple(made)

    return rearranged(a, a.dims, mapping)


def _is_never_written(m: Machine, a: Pull) -> bool:
    """Then a copy is as good as a view."""
    return all(m.roots_of(array).isdisjoint(m.written) for array in a.reads)


def _copied(m: Machine, a: Pull, dims: Index, front: int, back: int) -> Pull:
    """Several axes as one.  Copied once, as every use would divide to find its element."""
    m.close_for(a.reads)
    made = m.fresh(dims, a.dtype)

    def body(inner: Emitter, index: Index, _: tuple[ir.Var, ...]) -> Sequence[ir.Expr]:
        element = a.at(inner, index)
        first, middle, last = _cut(index, front, back)
        flat = flat_place(inner, _cut(a.dims, front, back)[1], middle)
        inner.store(made, (*first, inner.name(flat, nt.int64), *last), element)
        return ()

    m.out.loops(a.dims, body)
    return m.pull_of(made)


def _common_ends(m: Machine, old: Index, new: Index) -> tuple[int, int]:
    """How many extents in front and at the back stay as they are; one at least is between."""

    def same(a: ir.Expr, b: ir.Expr) -> bool:
        return m.canonical(a) == m.canonical(b)

    most = min(len(old), len(new)) - 1
    front = 0
    while front < most and same(old[front], new[front]):
        front += 1
    back = 0
    while back < most - front and same(old[-1 - back], new[-1 - back]):
        back += 1
    return front, back


def _cut(index: Index, front: int, back: int) -> tuple[Index, Index, Index]:
    end = len(index) - back
    return index[:front], index[front:end], index[end:]


def reshape(m: Machine, a: Pull, shape: tuple[ir.Expr, ...]) -> Pull:
    """The elements in C order under another shape; one extent may be -1.

    A view of what lies in C order, a copy of all else.
    """
    kind = m.types.get(a.array) if a.array is not None else None
    view = isinstance(kind, nt.Array) and kind.layout == "C"
    total: ir.Expr = ONE
    for dim in a.dims:
        total = m.out.integer("*", total, dim)
    known: ir.Expr = ONE
    for dim in shape:
        if dim != ir.Const(-1):
            known = m.out.integer("*", known, dim)
    total, known = m.size(total), m.size(known)
    dims = tuple(
        m.size(m.out.integer("//", total, known)) if d == ir.Const(-1) else d for d in shape
    )
    if ir.Const(-1) not in shape and total != known:
        wrong = ir.Compare("!=", total, known)
        m.out.fail_if(wrong, "ValueError", "cannot reshape: the sizes differ")
    if ir.Const(-1) in shape and known != ONE:
        left_over = m.out.named(ir.Binary("%", total, known), nt.int64)
        wrong = ir.Compare("!=", left_over, ZERO)
        m.out.fail_if(wrong, "ValueError", "cannot reshape: the sizes differ")
    unsure = a.place is not None and not view

    def done(mapping: Mapping) -> Pull:
        return replace(rearranged(a, dims, mapping, view), maybe_view=unsure or a.maybe_view)

    if a.rank == 1:
        return done(lambda out, i: (flat_place(out, dims, i),))
    if len(dims) == 1 and all(d == ONE for d in a.dims[1:]):
        return done(lambda out, i: (i[0], *(ZERO,) * (a.rank - 1)))

    front, back = _common_ends(m, a.dims, dims)
    merged = len(_cut(a.dims, front, back)[1]) > 1
    if merged and len(dims) - front - back == 1 and _is_never_written(m, a):
        return _copied(m, a, dims, front, back)
    if merged and _is_never_written(m, a) and not m.loops and library.is_possible(m, (a,)):
        return library.call(m, "rt.reshaped", (a,), dims, a.dtype, ir.MakeTuple(dims))
    a = m.kept(a) if merged and not a.cheap else a

    def mapping(out: Emitter, index: Index) -> Index:
        first, middle, last = _cut(index, front, back)
        place: ir.Expr = flat_place(out, _cut(dims, front, back)[1], middle)
        made: list[ir.Expr] = []
        for dim in reversed(_cut(a.dims, front, back)[1][1:]):
            rest = out.name(place, nt.int64)
            made.append(out.name(ir.Binary("%", rest, dim), nt.int64))
            place = ir.Binary("//", rest, dim)
        return (*first, out.name(place, nt.int64), *reversed(made), *last)

    return done(mapping)


def flat_place(out: Emitter, dims: Sequence[ir.Expr], index: Index) -> ir.Expr:
    """The place of an element in C order."""
    place: ir.Expr = ZERO
    for dim, i in zip(dims, index, strict=True):
        place = out.integer("+", out.integer("*", place, dim) if place != ZERO else ZERO, i)
    return place


def ravel(m: Machine, a: Pull, order: str = "C") -> Pull:
    if order not in ("C", "F"):
        raise UnsupportedError(f"np.ravel with order={order!r}", m.out.loc)
    return reshape(m, transpose(m, a) if order == "F" else a, (ir.Const(-1),))


def flatten(m: Machine, a: Pull, order: str = "C") -> Pull:
    return copied(ravel(m, a, order))


def copied(a: Pull) -> Pull:
    return Pull(a.dims, a.dtype, a.at, a.cheap, reads=a.reads, shifted=a.shifted)


def diagonal(m: Machine, a: Pull, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Pull:
    """Of the matrices in two axes; the diagonal is the last axis."""
    if a.rank < 2:
        raise UnsupportedError("the diagonal of an array that is no matrix", m.out.loc)
    if a.rank > 2 or (axis1, axis2) != (0, 1):
        rows, columns = one_axis(m, a.rank, axis1), one_axis(m, a.rank, axis2)
        rest = [k for k in range(a.rank) if k not in (rows, columns)]
        a = transpose(m, a, (rows, columns, *rest))
    down, right = max(-offset, 0), max(offset, 0)
    tall = m.out.integer("-", a.dims[0], ir.Const(down))
    wide = m.out.integer("-", a.dims[1], ir.Const(right))
    length = tall if tall == wide else ir.Apply("max", (ir.Apply("min", (tall, wide)), ZERO))
    size = length if isinstance(length, ir.Dim) else m.size(length)

    def mapping(out: Emitter, i: Index) -> Index:
        return (
            out.integer("+", i[-1], ir.Const(down)),
            out.integer("+", i[-1], ir.Const(right)),
            *i[:-1],
        )

    return rearranged(a, (*a.dims[2:], size), mapping)
