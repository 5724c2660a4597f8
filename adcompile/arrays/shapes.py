"""Functions that rearrange elements, or choose among them.

Most are a mapping of subscripts.  Where NumPy makes a view the result is one here too; where it
makes a copy, the elements are copied when the statement runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numba.core import types as nt

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


def moveaxis(m: Machine, a: Pull, source: int, destination: int) -> Pull:
    order = list(range(a.rank))
    moved = order.pop(one_axis(m, a.rank, source))
    order.insert(one_axis(m, a.rank, destination), moved)
    return transpose(m, a, tuple(order))


def expand_dims(m: Machine, a: Pull, axis: int) -> Pull:
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
        return done(lambda out, i: (_flat(out, dims, i),))
    if len(dims) == 1 and all(d == ONE for d in a.dims[1:]):
        return done(lambda out, i: (i[0], *(ZERO,) * (a.rank - 1)))

    a = a if a.cheap else m.kept(a)

    def mapping(out: Emitter, index: Index) -> Index:
        rest: ir.Expr = out.name(_flat(out, dims, index), nt.int64)
        made: list[ir.Expr] = []
        for dim in reversed(a.dims[1:]):
            made.append(out.name(ir.Binary("%", rest, dim), nt.int64))
            rest = out.name(ir.Binary("//", rest, dim), nt.int64)
        return (rest, *reversed(made))

    return done(mapping)


def _flat(out: Emitter, dims: Sequence[ir.Expr], index: Index) -> ir.Expr:
    """The place of an element in C order."""
    place: ir.Expr = ZERO
    for dim, i in zip(dims, index, strict=True):
        place = out.integer("+", out.integer("*", place, dim) if place != ZERO else ZERO, i)
    return place


def ravel(m: Machine, a: Pull) -> Pull:
    return reshape(m, a, (ir.Const(-1),))


def flatten(m: Machine, a: Pull) -> Pull:
    return copied(ravel(m, a))


def copied(a: Pull) -> Pull:
    return Pull(a.dims, a.dtype, a.at, a.cheap, reads=a.reads, shifted=a.shifted)


def diagonal(m: Machine, a: Pull, offset: int = 0) -> Pull:
    if a.rank != 2:
        raise UnsupportedError("the diagonal of an array that is no matrix", m.out.loc)
    down, right = max(-offset, 0), max(offset, 0)
    rows = m.out.integer("-", a.dims[0], ir.Const(down))
    columns = m.out.integer("-", a.dims[1], ir.Const(right))
    length = rows if rows == columns else ir.Apply("max", (ir.Apply("min", (rows, columns)), ZERO))
    size = length if isinstance(length, ir.Dim) else m.size(length)

    def mapping(out: Emitter, i: Index) -> Index:
        return (
            out.integer("+", i[0], ir.Const(down)),
            out.integer("+", i[0], ir.Const(right)),
        )

    return rearranged(a, (size,), mapping)


# ---------------------------------------------------------------- copies


def roll(m: Machine, a: Pull, shift: Pull, axis: int | None = None) -> Pull:
    if axis is None and a.rank != 1:
        flat = roll(m, ravel(m, a), shift, 0)
        return copied(reshape(m, m.kept(flat), a.dims))
    k = one_axis(m, a.rank, 0 if axis is None else axis)
    by = integer_of(m, shift)

    def mapping(out: Emitter, index: Index) -> Index:
        moved = out.name(ir.Binary("-", index[k], by), nt.int64)
        place = out.name(ir.Binary("%", moved, a.dims[k]), nt.int64)
        return (*index[:k], place, *index[k + 1 :])

    return rearranged(a, a.dims, mapping, view=False)


def repeat(m: Machine, a: Pull, repeats: Pull, axis: int | None = None) -> Pull:
    if axis is None and a.rank != 1:
        return repeat(m, ravel(m, a), repeats, 0)
    k = one_axis(m, a.rank, 0 if axis is None else axis)
    times = integer_of(m, repeats)
    dims = (*a.dims[:k], m.size(m.out.integer("*", a.dims[k], times)), *a.dims[k + 1 :])

    def mapping(out: Emitter, index: Index) -> Index:
        place = out.name(ir.Binary("//", index[k], times), nt.int64)
        return (*index[:k], place, *index[k + 1 :])

    return rearranged(a, dims, mapping, view=False)


def tile(m: Machine, a: Pull, reps: tuple[ir.Expr, ...]) -> Pull:
    rank = max(a.rank, len(reps))
    a = rearranged(
        a,
        (*(ONE,) * (rank - a.rank), *a.dims),
        lambda out, i, skip=rank - a.rank: i[skip:],  # type: ignore[misc]
        view=False,
    )
    reps = (*(ONE,) * (rank - len(reps)), *reps)
    dims = tuple(m.size(m.out.integer("*", d, r)) for d, r in zip(a.dims, reps, strict=True))

    def mapping(out: Emitter, index: Index) -> Index:
        made = []
        for i, d, r in zip(index, a.dims, reps, strict=True):
            if r == ONE:
                made.append(i)
            else:
                made.append(ZERO if d == ONE else out.name(ir.Binary("%", i, d), nt.int64))
        return tuple(made)

    return rearranged(a, dims, mapping, view=False)


def take(m: Machine, a: Pull, indices: Pull, axis: int | None = None) -> Pull:
    if axis is None:
        a = ravel(m, a)
    k = one_axis(m, a.rank, 0 if axis is None else axis)
    a, indices = m.kept(a), m.kept(indices)
    dims = (*a.dims[:k], *indices.dims, *a.dims[k + 1 :])

    def mapping(out: Emitter, index: Index) -> Index:
        place = indices.at(out, index[k : k + indices.rank])
        if a.array is None:
            place = out.named(ir.Apply("rt.from_front", (place, a.dims[k])), nt.int64)
        return (*index[:k], place, *index[k + indices.rank :])

    found = rearranged(a, dims, mapping, view=False)
    reads = a.reads | indices.reads
    return Pull(dims, a.dtype, found.at, a.cheap, reads=reads, shifted=reads)


def triangle(lower: bool) -> Callable[..., Pull]:
    def made(m: Machine, a: Pull, k: int = 0) -> Pull:
        if a.rank != 2:
            raise UnsupportedError("tril and triu of an array that is no matrix", m.out.loc)
        zero = ir.Const(0.0) if isinstance(a.dtype, nt.Float) else ZERO

        def at(out: Emitter, index: Index) -> ir.Expr:
            value = a.at(out, index)
            edge = out.integer("+", index[0], ir.Const(k))
            keep = ir.Compare("<=" if lower else ">=", index[1], edge)
            return out.named(ir.Select(out.named(keep, nt.boolean), value, zero), a.dtype)

        return Pull(a.dims, a.dtype, at, a.cheap, reads=a.reads, shifted=a.shifted)

    return made


def diag(m: Machine, a: Pull, k: int = 0) -> Pull:
    """The diagonal of a matrix, or a matrix with a diagonal."""
    if a.rank == 2:
        found = copied(diagonal(m, a, k))
        return replace(found, maybe_view=a.place is not None)
    size = m.size(m.out.integer("+", a.dims[0], ir.Const(abs(k))))
    made = m.fresh((size, size), a.dtype, "np.zeros")
    down, right = max(-k, 0), max(k, 0)
    a = m.kept(a)

    def body(out: Emitter, i: Index, _: Any) -> Sequence[ir.Expr]:
        row = out.integer("+", i[0], ir.Const(down))
        column = out.integer("+", i[0], ir.Const(right))
        out.store(made, (row, column), a.at(out, i))
        return ()

    m.out.loops(a.dims, body)
    return m.pull_of(made)


def outer(m: Machine, a: Pull, b: Pull) -> Pull:
    left, right = expand_dims(m, ravel(m, a), 1), expand_dims(m, ravel(m, b), 0)
    return m.combine(np.multiply, lambda p: ir.Binary("*", p[0], p[1]), (left, right))


def kron(m: Machine, a: Pull, b: Pull) -> Pull:
    a, b = m.kept(a), m.kept(b)
    rank = max(a.rank, b.rank)
    a = m.padded(a, rank)
    b = m.padded(b, rank)
    dims = tuple(m.size(m.out.integer("*", x, y)) for x, y in zip(a.dims, b.dims, strict=True))

    def coarse(out: Emitter, index: Index) -> Index:
        return tuple(
            out.name(out.integer("//", i, d), nt.int64) for i, d in zip(index, b.dims, strict=True)
        )

    def fine(out: Emitter, index: Index) -> Index:
        return tuple(
            ZERO if d == ONE else out.name(ir.Binary("%", i, d), nt.int64)
            for i, d in zip(index, b.dims, strict=True)
        )

    left, right = rearranged(a, dims, coarse, False), rearranged(b, dims, fine, False)
    return m.combine(np.multiply, lambda p: ir.Binary("*", p[0], p[1]), (left, right))


def cross(m: Machine, a: Pull, b: Pull) -> Pull:
    """The vector product over the last axis, whose extent is 3."""
    a, b = m.kept(a), m.kept(b)
    for pull in (a, b):
        if pull.dims[-1] != ir.Const(3):
            wrong = ir.Compare("!=", pull.dims[-1], ir.Const(3))
            m.out.fail_if(wrong, "ValueError", "cross products are of vectors of three")

    def turned(pull: Pull, by: int) -> Pull:
        def mapping(out: Emitter, i: Index) -> Index:
            ahead = ir.Binary("+", i[-1], ir.Const(by))
            return (*i[:-1], out.name(ir.Binary("%", ahead, ir.Const(3)), nt.int64))

        return rearranged(pull, (*pull.dims[:-1], ir.Const(3)), mapping, False)

    def product(x: Pull, y: Pull) -> Pull:
        return m.combine(np.multiply, lambda p: ir.Binary("*", p[0], p[1]), (x, y))

    first, second = product(turned(a, 1), turned(b, 2)), product(turned(a, 2), turned(b, 1))
    return m.combine(np.subtract, lambda p: ir.Binary("-", p[0], p[1]), (first, second))
