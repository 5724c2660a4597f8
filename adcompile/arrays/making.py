"""Functions that make new arrays: out of several, out of numbers, out of nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numba.core import types as nt

from adcompile.arrays import arithmetic as by
from adcompile.arrays.emitter import ZERO, Emitter, Index
from adcompile.arrays.pull import Pull, of_scalar
from adcompile.arrays.shapes import (
    ONE,
    atleast_1d,
    atleast_2d,
    copied,
    expand_dims,
    integer_of,
    one_axis,
    ravel,
)
from adcompile.errors import UnsupportedError
from adcompile.ir import nodes as ir

if TYPE_CHECKING:
    from adcompile.arrays.machine import Machine


def constant(m: Machine, fn: str, args: Sequence[ir.Expr], kind: nt.Type) -> Pull | None:
    """What ``np.zeros`` and ``np.ones`` make, without memory; None for other functions, and if the
    extents do not stand there one by one."""
    value = {"np.zeros": 0.0, "np.ones": 1.0}.get(fn)
    if value is None or not args or not isinstance(kind, nt.Array):
        return None
    dims = args[0].items if isinstance(args[0], ir.MakeTuple) else args[:1]
    if len(dims) != kind.ndim or kind.dtype not in (nt.float64, nt.float32):
        return None
    if not all(isinstance(d, ir.Var | ir.Const | ir.Dim) for d in dims):
        return None
    for dim in dims:
        if isinstance(m.canonical(dim), ir.Var):
            below = ir.Compare("<", dim, ZERO)
            m.out.fail_if(below, "ValueError", "negative dimensions are not allowed")

    def at(out: Emitter, index: Index) -> ir.Expr:
        return m.cast(out, ir.Const(value), nt.float64, kind.dtype)

    return Pull(tuple(dims), kind.dtype, at, cheap=True)


def concatenate(m: Machine, arrays: Sequence[Pull], axis: int | None = 0) -> Pull:
    if axis is None:
        arrays, axis = [ravel(m, a) for a in arrays], 0
    rank = arrays[0].rank
    if any(a.rank != rank for a in arrays) or not rank:
        raise UnsupportedError("concatenation of arrays of different ranks", m.out.loc)
    k = one_axis(m, rank, axis)
    kind = m.result(lambda *x: np.concatenate(x), arrays)
    size: ir.Expr = ZERO
    starts: list[ir.Expr] = []
    for a in arrays:
        starts.append(size)
        size = m.size(m.out.integer("+", size, a.dims[k]))
    dims = list(arrays[0].dims)
    for a in arrays[1:]:
        for axis_, dim in enumerate(a.dims):
            if axis_ != k:
                dims[axis_] = m.same(dims[axis_], dim)
    dims[k] = size
    arrays = [m.kept(a) for a in arrays]
    made = m.fresh(tuple(dims), kind)
    for a, start in zip(arrays, starts, strict=True):
        place_into(m, made, a, [start if axis_ == k else ZERO for axis_ in range(rank)])
    return m.pull_of(made)


def place_into(m: Machine, made: ir.Var, a: Pull, start: Sequence[ir.Expr]) -> None:
    """Copy ``a`` to where ``start`` says in an array that is larger."""
    whole = m.types[made]
    assert isinstance(whole, nt.Array)

    def body(out: Emitter, index: Index, _: Any) -> Sequence[ir.Expr]:
        atom = m.cast(out, a.at(out, index), a.dtype, whole.dtype)
        there = tuple(out.integer("+", i, s) for i, s in zip(index, start, strict=True))
        out.store(made, there, atom)
        return ()

    m.out.loops(a.dims, body)


def stack(m: Machine, arrays: Sequence[Pull], axis: int = 0) -> Pull:
    return concatenate(m, [expand_dims(m, a, axis) for a in arrays], axis)


def hstack(m: Machine, arrays: Sequence[Pull]) -> Pull:
    arrays = [atleast_1d(m, a) for a in arrays]
    return concatenate(m, arrays, 0 if arrays[0].rank == 1 else 1)


def vstack(m: Machine, arrays: Sequence[Pull]) -> Pull:
    return concatenate(m, [atleast_2d(m, a) for a in arrays], 0)


def column_stack(m: Machine, arrays: Sequence[Pull]) -> Pull:
    columns = [expand_dims(m, a, 1) if a.rank == 1 else a for a in arrays]
    return concatenate(m, columns, 1)


def append(m: Machine, a: Pull, values: Pull, axis: int | None = None) -> Pull:
    if axis is None:
        return concatenate(m, [ravel(m, atleast_1d(m, p)) for p in (a, values)], 0)
    return concatenate(m, [a, values], axis)


def array(m: Machine, items: Any) -> Pull:
    """``np.array([...])`` of numbers, arrays, or lists of them."""
    if isinstance(items, Pull):
        return copied(items)
    rows = [array(m, item) if isinstance(item, list) else item for item in items]
    kind = m.result(lambda *x: np.array([np.ravel(v)[0] for v in x]), rows)
    if all(not r.rank for r in rows):
        made = m.fresh((ir.Const(len(rows)),), kind)
        for k, row in enumerate(rows):
            atom = m.cast(m.out, row.at(m.out, ()), row.dtype, kind)
            m.out.store(made, (ir.Const(k),), atom)
        return m.pull_of(made)
    return stack(m, rows, 0)


def arange(m: Machine, start: Pull, stop: Pull | None, step: Pull | None) -> Pull:
    """``start + i * step``.  That of floats has as many elements as NumPy says."""
    if stop is None:
        start, stop = of_scalar(ZERO, nt.int64, True), start
    if not all(isinstance(p.dtype, nt.Integer) for p in (start, stop, *([step] if step else []))):
        return _arange_of_floats(m, start, stop, step)
    by_ = ONE if step is None else integer_of(m, step)
    first = integer_of(m, start)
    size = m.size(ir.Apply("rt.trip_count", (first, integer_of(m, stop), by_)))

    def at(out: Emitter, i: Index) -> ir.Expr:
        return out.name(out.integer("+", out.integer("*", i[0], by_), first), nt.int64)

    return Pull((size,), nt.int64, at, True)


def _arange_of_floats(m: Machine, start: Pull, stop: Pull, step: Pull | None) -> Pull:
    first, last = (_float_of(m, p) for p in (start, stop))
    by_: ir.Expr = ir.Const(1.0) if step is None else _float_of(m, step)
    size = m.out.named(ir.Apply("rt.float_count", (first, last, by_)), nt.int64, "size")
    second = m.out.named(ir.Binary("+", first, by_), nt.float64)
    gap = m.out.named(ir.Binary("-", second, first), nt.float64)  # rounded as in NumPy
    return _evenly(first, gap, size)


def _float_of(m: Machine, pull: Pull) -> ir.Expr:
    return m.cast(m.out, integer_of(m, pull), pull.dtype, nt.float64)


def _evenly(first: ir.Expr, gap: ir.Expr, size: ir.Expr) -> Pull:
    def at(out: Emitter, i: Index) -> ir.Expr:
        far = out.named(ir.Binary("*", i[0], gap), nt.float64)
        return out.named(ir.Binary("+", first, far), nt.float64)

    return Pull((size,), nt.float64, at, True)


def linspace(m: Machine, start: Pull, stop: Pull, num: Pull, endpoint: bool = True) -> Pull:
    """``start + i * (stop - start) / (num - 1)``."""
    first, last = _float_of(m, start), _float_of(m, stop)
    n = m.size(integer_of(m, num))
    span = m.out.named(ir.Binary("-", last, first), nt.float64)
    whole = ir.Binary("-", n, ONE) if endpoint else n
    gaps = m.out.name(ir.Apply("max", (whole, ONE)), nt.int64)
    return _evenly(first, m.out.named(ir.Binary("/", span, gaps), nt.float64), n)


def logspace(
    m: Machine, start: Pull, stop: Pull, num: Pull, endpoint: bool = True, base: Any = 10.0
) -> Pull:
    return by.power(m, by.number(float(base)), linspace(m, start, stop, num, endpoint))


def geomspace(m: Machine, start: Pull, stop: Pull, num: Pull, endpoint: bool = True) -> Pull:
    """Of positive ends: NumPy takes logarithms to base 10."""
    low, high = (m.scalar_of(by.apply(m, "np.log10", p)) for p in (start, stop))
    return logspace(m, low, high, num, endpoint)


def eye(m: Machine, n: Pull, columns: Pull | None = None, k: int = 0) -> Pull:
    rows = m.size(integer_of(m, n))
    wide = rows if columns is None else m.size(integer_of(m, columns))

    def at(out: Emitter, i: Index) -> ir.Expr:
        edge = out.integer("+", i[0], ir.Const(k))
        on = out.named(ir.Compare("==", i[1], edge), nt.boolean)
        return out.named(ir.Select(on, ir.Const(1.0), ir.Const(0.0)), nt.float64)

    return Pull((rows, wide), nt.float64, at, True)
