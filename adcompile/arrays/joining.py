"""Functions that put arrays together, take them apart, or surround them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numba.core import types as nt
from numba.np.numpy_support import from_dtype

from adcompile.arrays import arithmetic as by
from adcompile.arrays import reductions
from adcompile.arrays.emitter import ONE, ZERO, Emitter, Index
from adcompile.arrays.making import concatenate, place_into
from adcompile.arrays.pull import Pull, broadcast, of_scalar, rearranged
from adcompile.arrays.shapes import (
    atleast_1d,
    atleast_3d,
    copied,
    expand_dims,
    integer_of,
    one_axis,
    ravel,
)
from adcompile.arrays.subscripts import from_front, sliced
from adcompile.errors import UnsupportedError
from adcompile.ir import nodes as ir

if TYPE_CHECKING:
    from adcompile.arrays.machine import Machine

Several = tuple[Pull, ...]


# ---------------------------------------------------------------- apart


def part_of(m: Machine, a: Pull, k: int, start: ir.Expr | None, stop: ir.Expr | None) -> Pull:
    """``a[start:stop]`` along axis ``k``, a view."""
    where = sliced(m, ir.Slice(start, stop, None), a.dims[k])
    dims = (*a.dims[:k], where.length, *a.dims[k + 1 :])

    def mapping(out: Emitter, index: Index) -> Index:
        return (*index[:k], out.name(where.at(out, index[k]), nt.int64), *index[k + 1 :])

    return rearranged(a, dims, mapping)


def _split(m: Machine, a: Pull, sections: Any, axis: int, equal: bool) -> Several:
    k = one_axis(m, a.rank, axis)
    if isinstance(sections, tuple):
        if not all(isinstance(s, int) for s in sections):
            raise UnsupportedError("np.split at other than literal integers", m.out.loc)
        edges: list[ir.Expr | None] = [None, *(ir.Const(s) for s in sections), None]
        return tuple(part_of(m, a, k, x, y) for x, y in pairwise(edges))
    if not isinstance(sections, int) or sections < 1:
        raise UnsupportedError("np.split into other than a literal number of parts", m.out.loc)
    count, n = ir.Const(sections), a.dims[k]
    each = m.size(ir.Binary("//", n, count))
    extra = m.size(ir.Binary("%", n, count))
    if equal:
        message = "array split does not result in an equal division"
        m.out.fail_if(ir.Compare("!=", extra, ZERO), "ValueError", message)
    made: list[Pull] = []
    start: ir.Expr = ZERO
    for part in range(sections):
        size = each
        if not equal:
            longer = ir.Select(ir.Compare("<", ir.Const(part), extra), ONE, ZERO)
            more = m.out.named(longer, nt.int64)
            size = m.out.named(ir.Binary("+", each, more), nt.int64, "size")
        begin = start

        def mapping(out: Emitter, index: Index, begin: ir.Expr = begin) -> Index:
            there = out.name(out.integer("+", index[k], begin), nt.int64)
            return (*index[:k], there, *index[k + 1 :])

        made.append(rearranged(a, (*a.dims[:k], size, *a.dims[k + 1 :]), mapping))
        start = m.out.name(m.out.integer("+", start, size), nt.int64, "first")
    return tuple(made)


def split(m: Machine, a: Pull, sections: Any, axis: int = 0) -> Several:
    return _split(m, a, sections, axis, True)


def array_split(m: Machine, a: Pull, sections: Any, axis: int = 0) -> Several:
    return _split(m, a, sections, axis, False)


def hsplit(m: Machine, a: Pull, sections: Any) -> Several:
    return _split(m, a, sections, 1 if a.rank > 1 else 0, True)


def unstack(m: Machine, a: Pull, axis: int = 0) -> Several:
    """How many there are does not show while compiling, unless the extent is a literal."""
    k = one_axis(m, a.rank, axis)
    count = a.dims[k]
    if not isinstance(count, ir.Const) or not isinstance(count.value, int):
        raise UnsupportedError("np.unstack", m.out.loc, "Take the parts by their subscripts.")
    return tuple(
        rearranged(
            a,
            (*a.dims[:k], *a.dims[k + 1 :]),
            lambda out, i, place=place: (*i[:k], ir.Const(place), *i[k:]),  # type: ignore[misc]
        )
        for place in range(count.value)
    )


# ---------------------------------------------------------------- together


def dstack(m: Machine, arrays: Sequence[Pull]) -> Pull:
    return concatenate(m, [atleast_3d(m, a) for a in arrays], 2)


def block(m: Machine, arrays: Any) -> Pull:
    """Nested lists: the innermost along the last axis, those around it along the one before."""
    depth, inner = 0, arrays
    while isinstance(inner, list):
        depth, inner = depth + 1, inner[0]

    def leaves(part: Any) -> list[Pull]:
        return [p for item in part for p in leaves(item)] if isinstance(part, list) else [part]

    rank = max(depth, *(p.rank for p in leaves(arrays)))

    def joined(part: Any, level: int) -> Pull:
        if isinstance(part, list):
            return concatenate(m, [joined(item, level - 1) for item in part], rank - level)
        if level:
            raise UnsupportedError("np.block of lists of different depths", m.out.loc)
        a: Pull = atleast_1d(m, part)
        return m.padded(a, rank)

    return joined(arrays, depth)


def meshgrid(
    m: Machine, indexing: str, sparse: bool, copy: bool, arrays: Sequence[Pull]
) -> Several:
    if indexing not in ("xy", "ij"):
        raise UnsupportedError(f"np.meshgrid with indexing={indexing!r}", m.out.loc)
    flat = [m.kept(ravel(m, atleast_1d(m, a))) for a in arrays]
    order = list(range(len(flat)))
    if indexing == "xy" and len(flat) > 1:
        order[:2] = [1, 0]
    dims: list[ir.Expr] = [ONE] * len(flat)
    for a, k in zip(flat, order, strict=True):
        dims[k] = a.dims[0]
    made: list[Pull] = []
    for a, k in zip(flat, order, strict=True):
        own = tuple(a.dims[0] if n == k else ONE for n in range(len(flat)))
        thin = rearranged(a, own, lambda out, i, k=k: (i[k],), False)  # type: ignore[misc]
        made.append(thin if sparse else broadcast(thin, tuple(dims)))
    return tuple(made)


def delete(m: Machine, a: Pull, obj: Pull, axis: int | None = None) -> Pull:
    """Without one slice."""
    if axis is None:
        a, axis = ravel(m, a), 0
    k = one_axis(m, a.rank, axis)
    a = m.kept(a)
    at = _place(m, obj, a.dims[k])
    after = m.out.named(ir.Binary("+", at, ONE), nt.int64)
    return concatenate(m, [part_of(m, a, k, None, at), part_of(m, a, k, after, None)], k)


def insert(m: Machine, a: Pull, obj: Pull, values: Pull, axis: int | None = None) -> Pull:
    """With values in front of one place: a number, or a slice."""
    if axis is None:
        a, axis = ravel(m, a), 0
    k = one_axis(m, a.rank, axis)
    a = m.kept(a)
    at = _place(m, obj, a.dims[k])
    if a.rank == 1:
        new = atleast_1d(m, values)
    elif values.rank < a.rank:
        rest = (*a.dims[:k], *a.dims[k + 1 :])
        spread = m.fitted(values, rest)
        whole = spread if spread.rank else Pull(rest, spread.dtype, lambda o, i: values.at(o, ()))
        new = expand_dims(m, m.kept(whole), k)
    else:
        raise UnsupportedError("np.insert of several slices", m.out.loc, "Use np.concatenate.")
    new = by.cast(m, new, a.dtype)
    return concatenate(m, [part_of(m, a, k, None, at), new, part_of(m, a, k, at, None)], k)


def _place(m: Machine, obj: Pull, dim: ir.Expr) -> ir.Expr:
    at = integer_of(m, obj)
    return m.out.named(ir.Apply("rt.from_front", (at, dim)), nt.int64, "pos")


# ---------------------------------------------------------------- around


def pad(
    m: Machine, a: Pull, widths: Any, mode: str = "constant", value: Pull | None = None
) -> Pull:
    pairs = _pairs(m, a, widths)
    dims = tuple(
        m.size(m.out.integer("+", m.out.name(m.out.integer("+", d, x), nt.int64), y))
        for d, (x, y) in zip(a.dims, pairs, strict=True)
    )
    if mode != "constant":
        return _padded(m, m.kept(a), dims, [x for x, _ in pairs], mode)
    if value is not None and value.rank:
        raise UnsupportedError("np.pad with several constant_values", m.out.loc)
    a = m.kept(a)
    made = m.fresh(dims, a.dtype)
    fill = by.number(0) if value is None else value

    def body(out: Emitter, index: Index, _: Any) -> Sequence[ir.Expr]:
        out.store(made, index, m.cast(out, fill.at(out, ()), fill.dtype, a.dtype))
        return ()

    m.out.loops(dims, body)
    place_into(m, made, a, [x for x, _ in pairs])
    return m.pull_of(made)


def _pairs(m: Machine, a: Pull, widths: Any) -> list[tuple[ir.Expr, ir.Expr]]:
    if not isinstance(widths, tuple):
        return [(widths, widths)] * a.rank
    if all(isinstance(w, tuple) for w in widths):
        pairs = [(w[0], w[-1]) for w in widths]
        return pairs * a.rank if len(pairs) == 1 else pairs
    return [(widths[0], widths[-1])] * a.rank


def _padded(m: Machine, a: Pull, dims: Index, before: list[ir.Expr], mode: str) -> Pull:
    if mode not in ("edge", "reflect", "symmetric", "wrap"):
        raise UnsupportedError(f"np.pad with mode={mode!r}", m.out.loc)

    def mapping(out: Emitter, index: Index) -> Index:
        made: list[ir.Expr] = []
        for i, d, x in zip(index, a.dims, before, strict=True):
            far = out.name(out.integer("-", i, x), nt.int64)
            made.append(out.named(ir.Apply(f"rt.pad_{mode}", (far, d)), nt.int64))
        return tuple(made)

    return rearranged(a, dims, mapping, view=False)


# ---------------------------------------------------------------- full arrays, numbers


def full(m: Machine, shape: Index, value: Pull, dtype: str | None = None) -> Pull:
    kind = value.dtype if dtype is None else from_dtype(np.dtype(dtype.removeprefix("np.")))
    spread = m.fitted(value, shape)
    if not spread.rank:
        spread = Pull(shape, value.dtype, lambda out, i: value.at(out, ()), True)
    return copied(by.cast(m, spread, kind))


def full_like(m: Machine, a: Pull, value: Pull, dtype: str | None = None) -> Pull:
    return full(m, a.dims, value, dtype or f"np.{a.dtype}")


def item(m: Machine, a: Pull, places: Sequence[Pull]) -> Pull:
    """One element as a number: the only one, or that at a place."""
    index = [integer_of(m, p) for p in places]
    if not index:
        for d in a.dims:
            if d != ONE:
                wrong = ir.Compare("!=", d, ONE)
                m.out.fail_if(wrong, "ValueError", "item() of an array of more than one element")
        index = [ZERO] * a.rank
    a = m.kept(a)
    if len(index) == 1 and a.rank != 1:
        a = ravel(m, a)
    if len(index) != a.rank:
        raise UnsupportedError(f"item() with {len(index)} subscripts", m.out.loc)
    atom = a.at(m.out, from_front(m.out, a, tuple(index)))
    return of_scalar(atom, a.dtype)


def size(m: Machine, a: Pull, axis: int | None = None) -> Pull:
    if axis is not None:
        return of_scalar(m.size(a.dims[one_axis(m, a.rank, axis)]), nt.int64)
    total: ir.Expr = ONE
    for d in a.dims:
        total = m.out.integer("*", total, d)
    return of_scalar(m.out.name(total, nt.int64), nt.int64)


def builtin_sum(m: Machine, a: Pull, start: Pull | None = None) -> Pull:
    """Python's: over the first axis."""
    found = m.total(a, None if a.rank == 1 else 0)
    return found if start is None else by.plus(m, found, start)


def builtin_extreme(better: str) -> Callable[..., Pull]:
    def made(m: Machine, a: Pull) -> Pull:
        if a.rank != 1:
            raise UnsupportedError("max and min of other than vectors", m.out.loc, "Use np.max.")
        return reductions.extreme(m, a, None, False, better, False)

    return made


TABLE: dict[str, Callable[..., Pull | Several]] = {
    "split": split,
    "array_split": array_split,
    "hsplit": hsplit,
    "vsplit": lambda m, a, sections: split(m, a, sections, 0),
    "dsplit": lambda m, a, sections: split(m, a, sections, 2),
    "unstack": unstack,
    "dstack": dstack,
    "block": block,
    "meshgrid": meshgrid,
    "delete": delete,
    "insert": insert,
    "pad": pad,
    "full": full,
    "full_like": full_like,
    "item": item,
    "ndim": lambda m, a: by.number(a.rank),
    "size": size,
    "builtin_sum": builtin_sum,
    "builtin_max": builtin_extreme(">"),
    "builtin_min": builtin_extreme("<"),
}
