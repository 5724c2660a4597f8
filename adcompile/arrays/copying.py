"""Functions that copy elements to other places, once or more often."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numba.core import types as nt

from adcompile.arrays.emitter import ONE, ZERO, Emitter, Index
from adcompile.arrays.pull import Pull, rearranged
from adcompile.arrays.shapes import (
    copied,
    diagonal,
    expand_dims,
    flat_place,
    integer_of,
    one_axis,
    ravel,
    reshape,
)
from adcompile.errors import UnsupportedError
from adcompile.ir import nodes as ir

if TYPE_CHECKING:
    from adcompile.arrays.machine import Machine


def roll(m: Machine, a: Pull, shift: Any, axis: int | tuple[int, ...] | None = None) -> Pull:
    if isinstance(axis, tuple):
        shifts = shift if isinstance(shift, tuple) else [shift] * len(axis)
        for one, k in zip(shifts, axis, strict=True):
            a = roll(m, a, one, k)
        return a
    if axis is None and a.rank != 1:
        flat = roll(m, ravel(m, a), shift, 0)
        return copied(reshape(m, m.kept(flat), a.dims))
    k = one_axis(m, a.rank, 0 if axis is None else axis)
    by: ir.Expr = shift

    def mapping(out: Emitter, index: Index) -> Index:
        moved = out.name(ir.Binary("-", index[k], by), nt.int64)
        place = out.name(ir.Binary("%", moved, a.dims[k]), nt.int64)
        return (*index[:k], place, *index[k + 1 :])

    return rearranged(a, a.dims, mapping, view=False)


def repeat(m: Machine, a: Pull, repeats: Pull, axis: int | None = None) -> Pull:
    if axis is None and a.rank != 1:
        return repeat(m, ravel(m, a), repeats, 0)
    k = one_axis(m, a.rank, 0 if axis is None else axis)
    if repeats.rank:
        return _repeat_each(m, a, repeats, k)
    times = integer_of(m, repeats)
    dims = (*a.dims[:k], m.size(m.out.integer("*", a.dims[k], times)), *a.dims[k + 1 :])

    def mapping(out: Emitter, index: Index) -> Index:
        place = out.name(ir.Binary("//", index[k], times), nt.int64)
        return (*index[:k], place, *index[k + 1 :])

    return rearranged(a, dims, mapping, view=False)


def _repeat_each(m: Machine, a: Pull, repeats: Pull, k: int) -> Pull:
    """As many times each as ``repeats`` says."""
    a, source = m.kept(a), m.memory(repeats)
    m.close()
    if repeats.dims[0] != ONE:
        m.same(repeats.dims[0], a.dims[k])
    integers = nt.Array(nt.int64, 1, "C")
    count = m.fresh_from("rt.repeat_count", (source, a.dims[k]), integers, (ONE,))
    total = m.size(m.out.load(count, (ZERO,)))
    order = m.fresh_from("rt.repeated", (source, total, a.dims[k]), integers, (total,))
    return take(m, a, m.pull_of(order), k)


def resize(m: Machine, a: Pull, shape: tuple[ir.Expr, ...]) -> Pull:
    """The elements in C order again and again."""
    flat = m.kept(ravel(m, a))
    m.out.fail_if(
        ir.Compare("==", flat.dims[0], ZERO), "ValueError", "zero-size array, to be resized"
    )

    def mapping(out: Emitter, index: Index) -> Index:
        place = out.name(flat_place(out, shape, index), nt.int64)
        return (out.named(ir.Binary("%", place, flat.dims[0]), nt.int64),)

    return rearranged(flat, shape, mapping, view=False)


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
        if a.rank < 2:
            raise UnsupportedError("tril and triu of an array that is no matrix", m.out.loc)
        zero = ir.Const(0.0) if isinstance(a.dtype, nt.Float) else ZERO

        def at(out: Emitter, index: Index) -> ir.Expr:
            value = a.at(out, index)
            edge = out.integer("+", index[-2], ir.Const(k))
            keep = ir.Compare("<=" if lower else ">=", index[-1], edge)
            return out.named(ir.Select(out.named(keep, nt.boolean), value, zero), a.dtype)

        return Pull(a.dims, a.dtype, at, a.cheap, reads=a.reads, shifted=a.shifted)

    return made


def diag(m: Machine, a: Pull, k: int = 0) -> Pull:
    """The diagonal of a matrix, or a matrix with a diagonal."""
    if a.rank == 2:
        found = copied(diagonal(m, a, k))
        # In NumPy it is a view, in Numba a copy.
        return replace(found, maybe_view=a.place is not None and not m.compiled)
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
