"""Running sums, differences, products of several arrays, sorting, interpolation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numba.core import types as nt

from adcompile.arrays.elementwise import squared
from adcompile.arrays.emitter import ZERO, Emitter, Index, Running, array_type
from adcompile.arrays.pull import Pull, of_scalar, read_by, rearranged
from adcompile.arrays.reductions import add, number_of, times
from adcompile.arrays.shapes import diagonal, one_axis, ravel
from adcompile.errors import UnsupportedError
from adcompile.ir import nodes as ir

if TYPE_CHECKING:
    from adcompile.arrays.machine import Machine

ONE = ir.Const(1)


def _minus(m: Machine, a: Pull, b: Pull) -> Pull:
    return m.combine(np.subtract, lambda p: ir.Binary("-", p[0], p[1]), (a, b))


def _times(m: Machine, a: Pull, b: Pull) -> Pull:
    return m.combine(np.multiply, lambda p: ir.Binary("*", p[0], p[1]), (a, b))


def _plus(m: Machine, a: Pull, b: Pull) -> Pull:
    return m.combine(np.add, lambda p: ir.Binary("+", p[0], p[1]), (a, b))


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


def diff(m: Machine, a: Pull, n: int = 1, axis: int = -1) -> Pull:
    k = one_axis(m, a.rank, axis)
    for _ in range(n):
        a = m.kept(a)
        dims = _shorter(m, a, k)
        a = _minus(m, shifted(m, a, k, 1, dims), shifted(m, a, k, 0, dims))
    return a


def trapezoid(
    m: Machine, y: Pull, x: Pull | None = None, dx: Pull | None = None, axis: int = -1
) -> Pull:
    """sum of d * (y[1:] + y[:-1]) / 2, with d the distances of the abscissae."""
    k = one_axis(m, y.rank, axis)
    y = m.kept(y)
    dims = _shorter(m, y, k)
    both = _plus(m, shifted(m, y, k, 1, dims), shifted(m, y, k, 0, dims))
    if x is not None:
        d = diff(m, x, 1, -1 if x.rank == 1 else axis)
        if d.rank == 1 and y.rank > 1:
            trail = y.rank - 1 - k
            d = rearranged(d, (*d.dims, *(ONE,) * trail), lambda out, i: i[:1], view=False)
        both = _times(m, d, both)
    elif dx is not None:
        both = _times(m, dx, both)
    half = _times(m, both, of_scalar(ir.Const(0.5), nt.float64, True))
    return m.total(half, axis)


def norm(m: Machine, x: Pull, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Pull:
    """Of vectors, or the Frobenius norm of a matrix."""
    matrix = (x.rank == 2 and axis is None) or (isinstance(axis, tuple) and len(axis) == 2)
    if ord not in (None, 1, 2, "fro") or (matrix and ord in (1, 2)):
        raise UnsupportedError(f"np.linalg.norm with ord={ord}", m.out.loc, "Write it out.")
    if ord == 1:
        size = m.combine(np.abs, lambda p: ir.Apply("abs", (p[0],)), (x,))
        return m.total(size, axis, keepdims)
    squares = squared(m, x)
    total = m.total(squares, axis, keepdims)
    return m.combine(np.sqrt, lambda p: ir.Apply("np.sqrt", (p[0],)), (total,))


def trace(m: Machine, a: Pull, offset: int = 0) -> Pull:
    return m.total(diagonal(m, a, offset), None)


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


# ---------------------------------------------------------------- einsum


def einsum(m: Machine, subscripts: str, operands: Sequence[Pull]) -> Pull:
    """Sums of products over the letters that the result does not have."""
    left, arrow, result = subscripts.replace(" ", "").partition("->")
    terms = left.split(",")
    if "." in subscripts:
        raise UnsupportedError("... in np.einsum", m.out.loc, "Name the axes.")
    if len(terms) != len(operands):
        raise UnsupportedError(
            f"np.einsum with {len(terms)} terms and {len(operands)} arrays", m.out.loc
        )
    if not arrow:
        result = "".join(sorted(c for c in set(left) if c != "," and left.count(c) == 1))
    operands = [m.kept(p) for p in operands]
    extents: dict[str, ir.Expr] = {}
    for term, pull in zip(terms, operands, strict=True):
        if len(term) != pull.rank:
            raise UnsupportedError(f"{term!r} names an array of rank {pull.rank}", m.out.loc)
        for letter, dim in zip(term, pull.dims, strict=True):
            extents[letter] = m.same(extents[letter], dim) if letter in extents else dim
    if set(result) - set(extents):
        raise UnsupportedError(f"{result!r} has letters that no array has", m.out.loc)
    summed = [letter for letter in extents if letter not in result]
    kind = m.result(lambda *x: _product_of(x), operands)

    def product(out: Emitter, where: dict[str, ir.Expr]) -> ir.Expr:
        total: ir.Expr | None = None
        for term, pull in zip(terms, operands, strict=True):
            value = pull.at(out, tuple(where[c] for c in term))
            total = value if total is None else out.named(ir.Binary("*", total, value), kind)
        assert total is not None
        return total

    def at(out: Emitter, index: Index) -> ir.Expr:
        here = dict(zip(result, index, strict=True))
        if not summed:
            return product(out, here)

        def body(inner: Emitter, over: Index, heads: tuple[ir.Var, ...]) -> Sequence[ir.Expr]:
            value = product(inner, here | dict(zip(summed, over, strict=True)))
            return (inner.named(add(heads[0], value), kind),)

        going = [extents[c] for c in summed]
        return out.loops(going, body, [Running("t", number_of(kind, 0), kind)])[0]

    reads = read_by(operands)
    dims = tuple(extents[c] for c in result)
    view = not summed and len(operands) == 1 and operands[0].place is not None
    return Pull(dims, kind, at, not summed, reads=reads, shifted=reads, maybe_view=view)


def _product_of(parts: Sequence[Any]) -> Any:
    total = parts[0]
    for part in parts[1:]:
        total = total * part
    return total


# ---------------------------------------------------------------- order


def argsort(m: Machine, a: Pull, axis: int = -1) -> Pull:
    """Indices are integers: no derivative goes through them."""
    if a.rank != 1:
        return _by_rows(m, a, axis, argsort, nt.int64)
    source = m.memory(a)
    m.close()
    made = m.fresh_from("np.argsort", (source,), array_type(nt.int64, 1), a.dims)
    return m.pull_of(made)


def sort(m: Machine, a: Pull, axis: int = -1) -> Pull:
    if a.rank != 1:
        return _by_rows(m, a, axis, sort, a.dtype)
    a = m.kept(a)
    order = argsort(m, a)
    found = rearranged(a, a.dims, lambda out, i: (order.at(out, i),), view=False)
    reads = a.reads | order.reads
    return Pull(a.dims, a.dtype, found.at, True, reads=reads, shifted=reads)


def _by_rows(m: Machine, a: Pull, axis: int, f: Any, kind: nt.Type) -> Pull:
    """``f`` along one axis of a matrix or more."""
    k = one_axis(m, a.rank, axis)
    a = m.kept(a)
    m.close()
    made = m.fresh(a.dims, kind)
    others = (*a.dims[:k], *a.dims[k + 1 :])
    outer = m.out

    def line(out: Emitter, rest: Index, _: Any) -> Sequence[ir.Expr]:
        m.out, sizes = out, m.sizes.copy()
        row = rearranged(a, (a.dims[k],), lambda o, i: (*rest[:k], i[0], *rest[k:]), False)
        done = f(m, m.pull_of(m.memory(Pull(row.dims, row.dtype, row.at, reads=row.reads))))
        m.close()

        def body(inner: Emitter, i: Index, _: Any) -> Sequence[ir.Expr]:
            inner.store(made, (*rest[:k], i[0], *rest[k:]), done.at(inner, i))
            return ()

        out.loops((a.dims[k],), body)
        m.out, m.sizes = outer, sizes
        return ()

    outer.loops(others, line)
    return m.pull_of(made)


def median(m: Machine, a: Pull, axis: int | None = None, keepdims: bool = False) -> Pull:
    """The middle of the sorted elements, or the mean of the two in the middle."""
    if axis is not None and a.rank > 1:
        k = one_axis(m, a.rank, axis)
        ordered = m.kept(sort(m, a, k))
        n = a.dims[k]
    else:
        k = 0
        ordered = sort(m, m.kept(ravel(m, a)))
        n = ordered.dims[0]
    last = m.out.named(ir.Binary("-", n, ONE), nt.int64)
    low = m.out.named(ir.Binary("//", last, ir.Const(2)), nt.int64)
    high = m.out.named(ir.Binary("//", n, ir.Const(2)), nt.int64)
    dims: tuple[ir.Expr, ...] = (ONE,) * a.rank if keepdims else ()
    if axis is not None:
        dims = (*a.dims[:k], *((ONE,) if keepdims else ()), *a.dims[k + 1 :])

    def pick(place: ir.Expr) -> Pull:
        def mapping(out: Emitter, i: Index) -> Index:
            if axis is None:
                return (place,)
            return (*i[:k], place, *i[k + 1 if keepdims else k :])

        return rearranged(ordered, dims, mapping, False)

    both = _plus(m, pick(low), pick(high))
    middle = _times(m, both, of_scalar(ir.Const(0.5), nt.float64, True))
    if not isinstance(a.dtype, nt.Float):
        return middle
    top = pick(last)  # a nan is sorted to the end, and wins

    def or_nan(p: Sequence[ir.Expr]) -> ir.Expr:
        return ir.Select(ir.Compare("==", p[1], p[1]), p[0], p[1])

    return m.combine(np.maximum, or_nan, (middle, top), middle.dtype)


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


def interp(m: Machine, x: Pull, xp: Pull, fp: Pull) -> Pull:
    """Piecewise linear between the points (xp, fp), constant outside."""
    x, xp, fp = m.kept(x), m.kept(xp), m.kept(fp)
    n = m.same(xp.dims[0], fp.dims[0])
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
