"""Statistics made of sums, extrema and sorted elements."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numba.core import types as nt

from adcompile.arrays import arithmetic as by
from adcompile.arrays import products
from adcompile.arrays.calculus import cumprod, cumsum
from adcompile.arrays.emitter import ONE, ZERO, Emitter, Index, array_type
from adcompile.arrays.making import concatenate
from adcompile.arrays.ordering import sort
from adcompile.arrays.pull import Pull, of_scalar, rearranged
from adcompile.arrays.reductions import (
    Axis,
    axes_of,
    extreme,
    fold,
    logsumexp,
    number_of,
    remaining,
    times,
)
from adcompile.arrays.shapes import atleast_2d, expand_dims, reshape, transpose
from adcompile.errors import UnsupportedError
from adcompile.ir import nodes as ir

if TYPE_CHECKING:
    from adcompile.arrays.machine import Machine


def total(m: Machine, a: Pull, axis: Axis = None, keepdims: bool = False) -> Pull:
    return settled(m, m.total(a, axis, keepdims))


def settled(m: Machine, a: Pull) -> Pull:
    """``a``, computed once: the operand of more than one operation."""
    return m.kept(a) if a.rank else m.scalar_of(a)


def count_of(m: Machine, a: Pull, axis: Axis, keepdims: bool = False) -> Pull:
    """How many elements are true, as an integer."""
    return total(m, by.cast(m, a, nt.int64), axis, keepdims)


def count_nonzero(m: Machine, a: Pull, axis: Axis = None, keepdims: bool = False) -> Pull:
    is_bool = isinstance(a.dtype, nt.Boolean)
    return count_of(m, a if is_bool else by.unequal(m, a, by.number(0)), axis, keepdims)


def ptp(m: Machine, a: Pull, axis: Axis = None, keepdims: bool = False) -> Pull:
    a = m.kept(a)
    high, low = (extreme(m, a, axis, keepdims, better, False) for better in "><")
    return by.minus(m, settled(m, high), settled(m, low))


def average(
    m: Machine, a: Pull, axis: Axis = None, weights: Pull | None = None, keepdims: bool = False
) -> Pull:
    """sum(w a) / sum(w); weights of one axis are along ``axis``."""
    if weights is None:
        axes = axes_of(m, a, axis)
        size: ir.Expr = ONE
        for k in axes:
            size = m.out.integer("*", size, a.dims[k])
        return by.over(m, total(m, a, axis, keepdims), of_scalar(m.size(size), nt.int64, True))
    w = m.kept(weights)
    if w.rank == 1 and a.rank > 1:
        if not isinstance(axis, int):
            raise UnsupportedError(
                "weights of one axis without axis=", m.out.loc, "Give the axis that they are along."
            )
        trail = a.rank - 1 - axes_of(m, a, axis)[0]
        w = rearranged(w, (*w.dims, *(ONE,) * trail), lambda out, i: i[:1], view=False)
        m.same(w.dims[0], a.dims[axes_of(m, a, axis)[0]])
        below = total(m, w)
    else:
        below = total(m, w, axis, keepdims)
    if not below.rank:
        m.out.fail_if(
            ir.Compare("==", below.at(m.out, ()), ir.Const(0.0)),
            "ZeroDivisionError",
            "weights sum to zero",
        )
    return by.over(m, total(m, by.times(m, a, w), axis, keepdims), below)


# ---------------------------------------------------------------- covariance


def cov(
    m: Machine,
    x: Pull,
    y: Pull | None = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
) -> Pull:
    """(X - mean) (X - mean)^T / (n - ddof), a variable per row."""
    if y is None and x.rank == 1:
        rows = _rows(m, x, rowvar)
        return m.scalar_of(_cov(m, rows, bias, ddof))
    rows = _rows(m, x, rowvar)
    if y is not None:
        rows = concatenate(m, [rows, _rows(m, y, rowvar)], 0)
    elif rows.dims[0] != ONE:
        one = ir.Compare("==", rows.dims[0], ONE)
        m.out.fail_if(one, "ValueError", "one variable in a matrix: pass a vector to np.cov")
    return _cov(m, rows, bias, ddof)


def _rows(m: Machine, x: Pull, rowvar: bool) -> Pull:
    if x.rank > 2:
        raise UnsupportedError("np.cov of an array of more than two axes", m.out.loc)
    return transpose(m, x) if x.rank == 2 and not rowvar else atleast_2d(m, x)


def _cov(m: Machine, rows: Pull, bias: bool, ddof: int | None) -> Pull:
    rows = m.kept(rows)
    less = ddof if ddof is not None else 0 if bias else 1
    n = rows.dims[1]
    apart = m.kept(by.minus(m, rows, settled(m, average(m, rows, 1, None, True))))
    count = m.out.name(m.out.integer("-", n, ir.Const(less)), nt.int64, "count")
    square = products.dot(m, apart, transpose(m, apart))
    return m.kept(by.over(m, square, of_scalar(count, nt.int64, True)))


def corrcoef(m: Machine, x: Pull, y: Pull | None = None, rowvar: bool = True) -> Pull:
    c = cov(m, x, y, rowvar)
    if not c.rank:
        return by.over(m, c, c)
    spread = m.kept(
        by.apply(m, "np.sqrt", rearranged(c, (c.dims[0],), lambda out, i: (i[0], i[0]), False))
    )
    found = by.over(m, by.over(m, c, expand_dims(m, spread, 1)), expand_dims(m, spread, 0))
    return by.apply(
        m, "np.minimum", by.apply(m, "np.maximum", found, by.number(-1.0)), by.number(1.0)
    )


# ---------------------------------------------------------------- order


def lined_up(m: Machine, a: Pull, axis: Axis) -> tuple[Pull, tuple[int, ...]]:
    """``a`` with the axes that go as one, the last; and which those were."""
    gone = axes_of(m, a, axis)
    if gone == (a.rank - 1,):
        return a, gone
    stay = tuple(k for k in range(a.rank) if k not in gone)
    turned = m.kept(transpose(m, a, (*stay, *gone)))
    if len(gone) == 1:
        return turned, gone
    return m.kept(reshape(m, turned, (*(a.dims[k] for k in stay), ir.Const(-1)))), gone


def ordered(m: Machine, a: Pull, axis: Axis) -> tuple[Pull, tuple[int, ...]]:
    """The elements sorted along one last axis."""
    lined, gone = lined_up(m, a, axis)
    return m.kept(sort(m, lined, -1)), gone


def spread_out(a: Pull, found: Pull, gone: tuple[int, ...], keepdims: bool) -> Pull:
    """``found``, whose axes are those that stay, with axes of extent one for the others."""
    if not keepdims:
        return found
    dims = remaining(a, gone, True)
    stay = [k for k in range(a.rank) if k not in gone]
    return rearranged(found, dims, lambda out, i: tuple(i[k] for k in stay), False)


def median(m: Machine, a: Pull, axis: Axis = None, keepdims: bool = False) -> Pull:
    """The middle of the sorted elements, or the mean of the two in the middle."""
    line, gone = ordered(m, a, axis)
    n = line.dims[-1]
    last = m.out.named(ir.Binary("-", n, ONE), nt.int64)
    low = m.out.named(ir.Binary("//", last, ir.Const(2)), nt.int64)
    high = m.out.named(ir.Binary("//", n, ir.Const(2)), nt.int64)

    def pick(place: ir.Expr) -> Pull:
        return rearranged(line, line.dims[:-1], lambda out, i: (*i, place), False)

    both = by.plus(m, pick(low), pick(high))
    middle = by.times(m, both, by.number(0.5))
    if isinstance(a.dtype, nt.Float):
        middle = _or_nan(m, middle, pick(last))
    if not isinstance(n, ir.Const):
        middle = _unless_empty(middle, n)
    return spread_out(a, middle, gone, keepdims)


def _unless_empty(found: Pull, n: ir.Expr) -> Pull:
    """Nan, as in Numba, where there are no elements to read."""

    def at(out: Emitter, index: Index) -> ir.Expr:
        some = ir.Compare(">", n, ZERO)
        nan = ir.Const(math.nan)
        return out.value_if(some, lambda inner: found.at(inner, index), nan, found.dtype)

    return replace(found, at=at)


def _or_nan(m: Machine, found: Pull, top: Pull) -> Pull:
    """A nan is sorted to the end, and wins."""

    def build(p: Sequence[ir.Expr]) -> ir.Expr:
        return ir.Select(ir.Compare("==", p[1], p[1]), p[0], p[1])

    return m.combine(np.maximum, build, (found, top), found.dtype)


def quantile(
    m: Machine,
    a: Pull,
    q: Pull,
    axis: Axis = None,
    method: str = "linear",
    keepdims: bool = False,
) -> Pull:
    """Linear between the sorted elements around q (n - 1)."""
    if method != "linear":
        raise UnsupportedError(f"np.quantile with method={method!r}", m.out.loc)
    if q.rank > 1:
        raise UnsupportedError("np.quantile at a matrix of places", m.out.loc)
    line, gone = ordered(m, a, axis)
    q = m.kept(q)
    n = line.dims[-1]
    if not isinstance(n, ir.Const):
        m.out.fail_if(ir.Compare("==", n, ZERO), "ValueError", "the quantile of an empty array")
    last = m.out.named(ir.Binary("-", n, ONE), nt.int64)
    rest = line.dims[:-1]
    dims = (*q.dims, *rest)
    kind = m.result(np.true_divide, (a, a))

    def at(out: Emitter, index: Index) -> ir.Expr:
        own = index[q.rank :]
        place = out.named(
            ir.Binary("*", m.cast(out, q.at(out, index[: q.rank]), q.dtype, nt.float64), last),
            nt.float64,
        )
        below = out.named(ir.Apply("int", (place,)), nt.int64)
        low = out.named(ir.Apply("max", (ir.Apply("min", (below, last)), ZERO)), nt.int64)
        following = out.named(ir.Binary("+", low, ONE), nt.int64)
        high = out.named(ir.Apply("min", (following, last)), nt.int64)
        start = m.cast(out, line.at(out, (*own, low)), a.dtype, kind)
        end = m.cast(out, line.at(out, (*own, high)), a.dtype, kind)
        share = m.cast(out, out.named(ir.Binary("-", place, low), nt.float64), nt.float64, kind)
        rise = out.named(ir.Binary("-", end, start), kind)
        value = out.named(ir.Binary("+", start, out.named(ir.Binary("*", rise, share), kind)), kind)
        if not isinstance(a.dtype, nt.Float):
            return value
        top = line.at(out, (*own, last))
        return out.named(ir.Select(ir.Compare("==", top, top), value, top), kind)

    reads = line.reads | q.reads
    found = Pull(dims, kind, at, reads=reads, shifted=reads)
    if not keepdims:
        return found
    stay = [k for k in range(a.rank) if k not in gone]
    full = (*q.dims, *remaining(a, gone, True))
    return rearranged(
        found, full, lambda out, i: (*i[: q.rank], *(i[q.rank + k] for k in stay)), False
    )


def percentile(m: Machine, a: Pull, q: Pull, *more: Any) -> Pull:
    return quantile(m, a, by.over(m, q, by.number(100)), *more)


# ---------------------------------------------------------------- without nan


def _without(m: Machine, a: Pull, instead: float) -> Pull:
    if not isinstance(a.dtype, nt.Float):
        return a
    return by.select(m, by.is_nan(m, a), by.number(instead), a)


def nansum(m: Machine, a: Pull, axis: Axis = None, keepdims: bool = False) -> Pull:
    return m.total(_without(m, a, 0.0), axis, keepdims)


def nanprod(m: Machine, a: Pull, axis: Axis = None, keepdims: bool = False) -> Pull:
    a = _without(m, a, 1.0)
    kind = m.result(np.prod, (a,))
    found = fold(m, None, a, axis, keepdims, kind, number_of(kind, 1), times)
    assert found is not None
    return found if found.rank else m.scalar_of(found)


def nancumsum(m: Machine, a: Pull, axis: int | None = None) -> Pull:
    return cumsum(m, _without(m, a, 0.0), axis)


def nancumprod(m: Machine, a: Pull, axis: int | None = None) -> Pull:
    return cumprod(m, _without(m, a, 1.0), axis)


def _present(m: Machine, a: Pull, axis: Axis, keepdims: bool) -> Pull:
    return count_of(m, by.equal(m, a, a), axis, keepdims)


def nanmean(m: Machine, a: Pull, axis: Axis = None, keepdims: bool = False) -> Pull:
    a = m.kept(a)
    count = _present(m, a, axis, keepdims)
    found = nansum(m, a, axis, keepdims)
    return by.over(m, found, replace(count, weak=True) if not count.rank else count)


def nanvar(m: Machine, a: Pull, axis: Axis = None, ddof: int = 0, keepdims: bool = False) -> Pull:
    a = m.kept(a)
    apart = by.minus(m, _without(m, a, 0.0), settled(m, nanmean(m, a, axis, True)))
    squares = by.square(m, apart)
    if isinstance(a.dtype, nt.Float):
        squares = by.select(m, by.is_nan(m, a), by.number(0.0), squares)
    count = by.minus(m, _present(m, a, axis, keepdims), by.number(ddof))
    return by.over(m, m.total(squares, axis, keepdims), count)


def nanstd(m: Machine, a: Pull, axis: Axis = None, ddof: int = 0, keepdims: bool = False) -> Pull:
    return by.apply(m, "np.sqrt", nanvar(m, a, axis, ddof, keepdims))


def nan_extreme(better: str) -> Callable[..., Pull]:
    def made(m: Machine, a: Pull, axis: Axis = None, keepdims: bool = False) -> Pull:
        """The extreme of what is no nan; nan where nothing else is."""
        a = m.kept(a)
        least = float("-inf" if better == ">" else "inf")
        found = settled(m, extreme(m, m.kept(_without(m, a, least)), axis, keepdims, better, False))
        count = _present(m, a, axis, keepdims)
        return by.select(m, by.equal(m, count, by.number(0)), by.number(float("nan")), found)

    return made


def bincount(m: Machine, x: Pull, weights: Pull | None = None, minlength: int = 0) -> Pull:
    """How often each integer occurs, or the sum of its weights."""
    x = m.kept(x)
    if x.rank != 1 or not isinstance(x.dtype, nt.Integer | nt.Boolean):
        raise UnsupportedError("np.bincount of other than a vector of integers", m.out.loc)
    source = m.memory(x)
    m.close()
    count = m.fresh_from(
        "rt.bin_count", (source, ir.Const(minlength)), array_type(nt.int64, 1), (ONE,)
    )
    size = m.out.load(count, (ZERO,))
    kind: nt.Type = nt.float64 if weights is not None else nt.int64
    w = m.kept(weights) if weights is not None else None
    if w is not None:
        m.same(w.dims[0], x.dims[0])
    made = m.fresh((size,), kind, "np.zeros")

    def body(out: Emitter, i: Index, _: Any) -> Sequence[ir.Expr]:
        place = out.load(source, i)
        value = ir.Const(1) if w is None else m.cast(out, w.at(out, i), w.dtype, kind)
        out.write(made, (place,), value, "+")
        return ()

    m.out.loops(x.dims, body)
    return m.pull_of(made)


def softmax(m: Machine, x: Pull, axis: Axis = None) -> Pull:
    return by.apply(m, "np.exp", log_softmax(m, x, axis))


def log_softmax(m: Machine, x: Pull, axis: Axis = None) -> Pull:
    x = m.kept(x)
    return by.minus(m, x, settled(m, logsumexp(m, None, x, axis, None, axis is not None)))


TABLE: dict[str, Callable[..., Pull]] = {
    "count_nonzero": count_nonzero,
    "ptp": ptp,
    "average": average,
    "cov": cov,
    "corrcoef": corrcoef,
    "median": median,
    "quantile": quantile,
    "percentile": percentile,
    "nansum": nansum,
    "nanprod": nanprod,
    "nanmean": nanmean,
    "nanvar": nanvar,
    "nanstd": nanstd,
    "nanmax": nan_extreme(">"),
    "nanmin": nan_extreme("<"),
    "nancumsum": nancumsum,
    "nancumprod": nancumprod,
    "bincount": bincount,
    "softmax": softmax,
    "log_softmax": log_softmax,
}
