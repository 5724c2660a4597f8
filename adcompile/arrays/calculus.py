"""Running sums, differences, convolutions, interpolation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numba.core import types as nt

from adcompile.arrays import arithmetic as by
from adcompile.arrays import making
from adcompile.arrays.emitter import ONE, ZERO, Emitter, Index, Running, array_type
from adcompile.arrays.pull import Pull, of_scalar, read_by, rearranged
from adcompile.arrays.reductions import add, number_of, times
from adcompile.arrays.shapes import diagonal, flip, one_axis, ravel
from adcompile.errors import UnsupportedError
from adcompile.ir import nodes as ir

if TYPE_CHECKING:
    from adcompile.arrays.machine import Machine


# ---------------------------------------------------------------- along an axis


def _running(m: Machine, a: Pull, axis: int | None, product: bool) -> Pull:
    if axis is None:
        a, axis = ravel(m, a), 0
    k = one_axis(m, a.rank, axis)
    kind = m.result(np.cumprod if product else np.cumsum, (a,))
    a = m.kept(a)
    made = m.fresh(a.dims, kind)
    others = (*a.dims[:k], *a.dims[k + 1 :])
    step = times if product else add

    def line(out: Emitter, rest: Index, _: Any) -> Sequence[ir.Expr]:
        def body(inner: Emitter, i: ir.Var, heads: tuple[ir.Var, ...]) -> Sequence[ir.Expr]:
            index = (*rest[:k], i, *rest[k:])
            value = m.cast(inner, a.at(inner, index), a.dtype, kind)
            total = inner.named(step(heads[0], value), kind)
            inner.store(made, index, total)
            return (total,)

        start = number_of(kind, 1 if product else 0)
        out.loop(a.dims[k], body, [Running("t", start, kind)], wish="k")
        return ()

    m.out.loops(others, line)
    return m.pull_of(made)


def cumsum(m: Machine, a: Pull, axis: int | None = None) -> Pull:
    return _running(m, a, axis, False)


def cumprod(m: Machine, a: Pull, axis: int | None = None) -> Pull:
    return _running(m, a, axis, True)


def shifted(m: Machine, a: Pull, k: int, by: int, dims: tuple[ir.Expr, ...]) -> Pull:
    def mapping(out: Emitter, index: Index) -> Index:
        ahead = out.integer("+", index[k], ir.Const(by))
        return (*index[:k], out.name(ahead, nt.int64) if by else ahead, *index[k + 1 :])

    return rearranged(a, dims, mapping, view=False)


def _shorter(m: Machine, a: Pull, k: int) -> tuple[ir.Expr, ...]:
    left = m.out.integer("-", a.dims[k], ONE)
    size = left if isinstance(left, ir.Const) else m.size(ir.Apply("max", (left, ZERO)))
    return (*a.dims[:k], size, *a.dims[k + 1 :])


def diff(
    m: Machine,
    a: Pull,
    n: int = 1,
    axis: int = -1,
    prepend: Pull | None = None,
    append: Pull | None = None,
) -> Pull:
    k = one_axis(m, a.rank, axis)
    ends = [_end(a, k, end) for end in (prepend, append)]
    if prepend is not None or append is not None:
        parts = [p for p in (ends[0], a, ends[1]) if p is not None]
        a = making.concatenate(m, parts, k)
    for _ in range(n):
        a = m.kept(a)
        dims = _shorter(m, a, k)
        a = by.minus(m, shifted(m, a, k, 1, dims), shifted(m, a, k, 0, dims))
    return a


def _end(a: Pull, k: int, end: Pull | None) -> Pull | None:
    """What ``np.diff`` puts in front or behind: a number is a slice of extent one."""
    if end is None or end.rank:
        return end
    dims = (*a.dims[:k], ONE, *a.dims[k + 1 :])
    return Pull(dims, end.dtype, lambda out, i: end.at(out, ()), True)


def ediff1d(m: Machine, a: Pull) -> Pull:
    return diff(m, ravel(m, a))


def _slice(a: Pull, k: int, start: int, size: ir.Expr) -> Pull:
    """``size`` elements along axis ``k``."""

    def mapping(out: Emitter, index: Index) -> Index:
        ahead = out.integer("+", index[k], ir.Const(start))
        return (*index[:k], out.name(ahead, nt.int64), *index[k + 1 :])

    return rearranged(a, (*a.dims[:k], size, *a.dims[k + 1 :]), mapping, view=False)


def gradient(
    m: Machine, f: Pull, axis: Any, edge_order: int, spacings: Sequence[Pull]
) -> Pull | tuple[Pull, ...]:
    """Second-order differences inside, of first or second order at the ends."""
    one = isinstance(axis, int) or (axis is None and f.rank == 1)
    axes = (axis or 0,) if one else range(f.rank) if axis is None else axis
    if len(spacings) not in (0, 1, len(axes)) or edge_order not in (1, 2):
        raise UnsupportedError("these arguments of np.gradient", m.out.loc)
    f = m.kept(f)
    steps = list(spacings) * len(axes) if len(spacings) == 1 else list(spacings)
    steps = steps or [by.number(1.0)] * len(axes)
    if not isinstance(f.dtype, nt.Float):
        f = m.kept(by.cast(m, f, nt.float64))
    ks = [one_axis(m, f.rank, k) for k in axes]
    made = tuple(_gradient(m, f, k, h, edge_order) for k, h in zip(ks, steps, strict=True))
    return made[0] if one else made


def _gradient(m: Machine, f: Pull, k: int, h: Pull, edge_order: int) -> Pull:
    n = f.dims[k]
    few = ir.Compare("<", n, ir.Const(edge_order + 1))
    m.out.fail_if(few, "ValueError", "too few elements for np.gradient")
    inside = m.size(ir.Binary("-", n, ir.Const(2)))

    def at_end(a: Pull, back: int, behind: bool) -> Pull:
        """The slice ``back`` places from the front or from the end."""
        where: ir.Expr = ir.Const(back)
        if behind:
            end = m.out.name(ir.Binary("-", a.dims[k if a.rank > 1 else 0], ONE), nt.int64)
            where = m.out.name(m.out.integer("-", end, ir.Const(back)), nt.int64)
        place = k if a.rank > 1 else 0
        dims = (*a.dims[:place], ONE, *a.dims[place + 1 :])
        return rearranged(a, dims, lambda out, i: (*i[:place], where, *i[place + 1 :]), False)

    if h.rank:
        h = m.kept(h)
        m.same(h.dims[0], n)
        gaps = m.kept(diff(m, h))
        trail = (ONE,) * (f.rank - 1 - k)

        def along(a: Pull) -> Pull:
            return rearranged(a, (*a.dims, *trail), lambda out, i: i[:1], False)

        before, after = along(_slice(gaps, 0, 0, inside)), along(_slice(gaps, 0, 1, inside))
        both = by.plus(m, before, after)
        below = by.over(m, by.minus(m, _slice(f, k, 1, inside), _slice(f, k, 0, inside)), before)
        above = by.over(m, by.minus(m, _slice(f, k, 2, inside), _slice(f, k, 1, inside)), after)
        middle = by.over(m, by.plus(m, by.times(m, below, after), by.times(m, above, before)), both)
    else:
        twice = by.times(m, by.number(2.0), h)
        middle = by.over(m, by.minus(m, _slice(f, k, 2, inside), _slice(f, k, 0, inside)), twice)

    def end(behind: bool) -> Pull:
        f0, f1 = at_end(f, 0, behind), at_end(f, 1, behind)
        h0 = along(at_end(gaps, 0, behind)) if h.rank else h
        rise = by.over(m, by.minus(m, f1, f0), h0)
        if edge_order == 2:  # the slope of the parabola through three points
            h1 = along(at_end(gaps, 1, behind)) if h.rank else h
            further = by.over(m, by.minus(m, at_end(f, 2, behind), f1), h1)
            bend = by.over(m, by.minus(m, further, rise), by.plus(m, h0, h1))
            rise = by.minus(m, rise, by.times(m, bend, h0))
        return by.times(m, rise, by.number(-1.0)) if behind else rise

    return making.concatenate(m, [end(False), middle, end(True)], k)


def trapezoid(
    m: Machine, y: Pull, x: Pull | None = None, dx: Pull | None = None, axis: int = -1
) -> Pull:
    """sum of d * (y[1:] + y[:-1]) / 2, with d the distances of the abscissae."""
    k = one_axis(m, y.rank, axis)
    y = m.kept(y)
    dims = _shorter(m, y, k)
    both = by.plus(m, shifted(m, y, k, 1, dims), shifted(m, y, k, 0, dims))
    if x is not None:
        d = diff(m, x, 1, -1 if x.rank == 1 else axis)
        if d.rank == 1 and y.rank > 1:
            trail = y.rank - 1 - k
            d = rearranged(d, (*d.dims, *(ONE,) * trail), lambda out, i: i[:1], view=False)
        both = by.times(m, d, both)
    elif dx is not None:
        both = by.times(m, dx, both)
    half = by.times(m, both, of_scalar(ir.Const(0.5), nt.float64, True))
    return m.total(half, axis)


def convolve(m: Machine, a: Pull, v: Pull, mode: str = "full") -> Pull:
    """sum over j of v[j] * a[i - j]."""
    if a.rank != 1 or v.rank != 1:
        raise UnsupportedError("np.convolve of arrays that are no vectors", m.out.loc)
    a, v = m.kept(a), m.kept(v)
    n, k = a.dims[0], v.dims[0]
    kind = m.result(np.multiply, (a, v))
    long, short = m.size(ir.Apply("max", (n, k))), m.size(ir.Apply("min", (n, k)))
    if mode == "full":
        size = m.size(ir.Binary("-", m.out.named(ir.Binary("+", n, k), nt.int64), ONE))
        begin: ir.Expr = ZERO
    elif mode == "same":
        size = long
        begin = m.size(
            ir.Binary("//", m.out.named(ir.Binary("-", short, ONE), nt.int64), ir.Const(2))
        )
    elif mode == "valid":
        size = m.size(ir.Binary("+", m.out.named(ir.Binary("-", long, short), nt.int64), ONE))
        begin = m.size(ir.Binary("-", short, ONE))
    else:
        raise UnsupportedError(f"np.convolve with mode={mode!r}", m.out.loc)

    def at(out: Emitter, index: Index) -> ir.Expr:
        i = out.name(out.integer("+", index[0], begin), nt.int64)
        past = out.named(ir.Binary("+", i, ONE), nt.int64)
        low = out.named(ir.Apply("max", (ir.Binary("-", past, n), ZERO)), nt.int64)
        high = out.named(ir.Apply("min", (past, k)), nt.int64)

        def body(inner: Emitter, j: ir.Var, heads: tuple[ir.Var, ...]) -> Sequence[ir.Expr]:
            place = inner.named(ir.Binary("-", i, j), nt.int64)
            part = ir.Binary("*", v.at(inner, (j,)), a.at(inner, (place,)))
            return (inner.named(add(heads[0], inner.named(part, kind)), kind),)

        start = number_of(kind, 0)
        return out.loop(high, body, [Running("t", start, kind)], start=low, wish="j")[0]

    reads = read_by((a, v))
    return Pull((size,), kind, at, reads=reads, shifted=reads)


def correlate(m: Machine, a: Pull, v: Pull, mode: str = "valid") -> Pull:
    """sum over j of a[i + j] * v[j]: a convolution with ``v`` turned round."""
    if a.rank != 1 or v.rank != 1:
        raise UnsupportedError("np.correlate of arrays that are no vectors", m.out.loc)
    if mode != "full":
        short = ir.Compare("<", a.dims[0], v.dims[0])
        m.out.fail_if(short, "ValueError", "the second operand of np.correlate is longer")
    return convolve(m, a, flip(m, m.kept(v)), mode)


def trace(m: Machine, a: Pull, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Pull:
    found = diagonal(m, a, offset, axis1, axis2)
    return m.total(found, None if found.rank == 1 else -1)


# ---------------------------------------------------------------- tables


def searchsorted(m: Machine, a: Pull, v: Pull, side: str = "left") -> Pull:
    source = m.memory(a)
    wanted = m.memory(v if v.rank else rearranged(v, (ONE,), lambda out, i: (), False))
    m.close()
    dims = v.dims if v.rank else (ONE,)
    args = (source, wanted, ir.Const(side))
    made = m.fresh_from("np.searchsorted", args, array_type(nt.int64, len(dims)), dims)
    found = m.pull_of(made)
    if v.rank:
        return found
    return m.scalar_of(found)


def interp(
    m: Machine,
    x: Pull,
    xp: Pull,
    fp: Pull,
    left: Pull | None = None,
    right: Pull | None = None,
) -> Pull:
    """Piecewise linear between the points (xp, fp), outside constant: ``left`` and ``right``, or
    the first and the last of ``fp``."""
    x, xp = m.kept(x), m.kept(xp)
    found = _interp(m, x, xp, fp)
    if left is not None:
        first = rearranged(xp, (), lambda out, i: (ZERO,), False)
        found = by.select(m, by.less(m, x, m.scalar_of(first)), left, found)
    if right is not None:
        end = m.out.name(ir.Binary("-", xp.dims[0], ONE), nt.int64)
        last = rearranged(xp, (), lambda out, i: (end,), False)
        found = by.select(m, by.less(m, m.scalar_of(last), x), right, found)
    return found


def _interp(m: Machine, x: Pull, xp: Pull, fp: Pull) -> Pull:
    x, xp, fp = m.kept(x), m.kept(xp), m.kept(fp)
    n = m.same(xp.dims[0], fp.dims[0])
    if not isinstance(n, ir.Const):
        m.out.fail_if(ir.Compare("==", n, ZERO), "ValueError", "array of sample points is empty")
    last = m.size(ir.Binary("-", n, ONE))
    order = m.kept(searchsorted(m, xp, x, "right"))

    def at(out: Emitter, index: Index) -> ir.Expr:
        place = order.at(out, index)
        below = out.named(ir.Binary("-", place, ONE), nt.int64)
        low = out.named(ir.Apply("max", (ir.Apply("min", (below, last)), ZERO)), nt.int64)
        high = out.named(ir.Apply("min", (place, last)), nt.int64)
        at_low, at_high = fp.at(out, (low,)), fp.at(out, (high,))
        start, end = xp.at(out, (low,)), xp.at(out, (high,))
        width = out.named(ir.Binary("-", end, start), nt.float64)
        inside = out.named(ir.Compare("!=", low, high), nt.boolean)
        safe = out.named(ir.Select(inside, width, ir.Const(1.0)), nt.float64)
        far = out.named(ir.Binary("-", x.at(out, index), start), nt.float64)
        share = out.named(ir.Binary("/", far, safe), nt.float64)
        rise = out.named(ir.Binary("-", at_high, at_low), nt.float64)
        more = out.named(ir.Binary("*", share, rise), nt.float64)
        value = out.named(ir.Binary("+", at_low, more), nt.float64)
        return out.named(ir.Select(inside, value, at_low), nt.float64)

    reads = read_by((x, xp, fp, order))
    return Pull(x.dims, nt.float64, at, reads=reads, shifted=reads)
