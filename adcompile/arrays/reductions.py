"""Sums, means, extrema and the like, over all axes or some."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numba.core import types as nt
from numba.np.numpy_support import from_dtype

from adcompile.arrays import arithmetic as by
from adcompile.arrays.emitter import ZERO, Emitter, Index, Running
from adcompile.arrays.pull import Pull, of_scalar
from adcompile.errors import UnsupportedError
from adcompile.ir import nodes as ir
from adcompile.ir.walk import rename_expr

if TYPE_CHECKING:
    from adcompile.arrays.machine import Machine

Axis = int | tuple[int, ...] | None
Step = Callable[[ir.Expr, ir.Expr], ir.Expr]


def axes_of(m: Machine, a: Pull, axis: Axis) -> tuple[int, ...]:
    """The axes that go, in order."""
    if axis is None:
        return tuple(range(a.rank))
    given = (axis,) if isinstance(axis, int) else axis
    for one in given:
        if not -a.rank <= one < a.rank:
            raise UnsupportedError(
                f"axis {one} of an array of rank {a.rank}", m.out.loc, "Count axes from 0."
            )
    return tuple(sorted(one % a.rank for one in given))


def remaining(a: Pull, axes: tuple[int, ...], keepdims: bool) -> tuple[ir.Expr, ...]:
    if keepdims:
        return tuple(ir.Const(1) if k in axes else d for k, d in enumerate(a.dims))
    return tuple(d for k, d in enumerate(a.dims) if k not in axes)


def element_index(
    a: Pull, axes: tuple[int, ...], keepdims: bool, outer: Index, inner: Index
) -> Index:
    """The subscript of ``a`` from one of the result and one over the axes that go."""
    going, staying = iter(inner), iter(outer)
    out: list[ir.Expr] = []
    for k in range(a.rank):
        if k in axes:
            out.append(next(going))
            if keepdims:
                next(staying)
        else:
            out.append(next(staying))
    return tuple(out)


def fold(
    m: Machine,
    target: ir.Var | None,
    a: Pull,
    axis: Axis,
    keepdims: bool,
    kind: nt.Type,
    init: ir.Expr,
    step: Step,
) -> Pull | None:
    """A value that takes in one element after the other."""
    axes = axes_of(m, a, axis)
    if a.rank == 0:
        return a
    if len(axes) == a.rank and not keepdims and target is not None:
        m.types[target] = kind
        nest = m.enter(a.dims, a)
        element = m.element(a, nest, kind)
        nest.reduce(target, init, kind, lambda out, head: out.named(step(head, element), kind))
        return None
    m.close_for(a.reads)
    going = [a.dims[k] for k in axes]

    def at(out: Emitter, index: Index) -> ir.Expr:
        def body(inner: Emitter, over: Index, heads: tuple[ir.Var, ...]) -> Sequence[ir.Expr]:
            value = a.at(inner, element_index(a, axes, keepdims, index, over))
            return (inner.named(step(heads[0], value), kind),)

        wish = target.name if target is not None else "t"
        return out.loops(going, body, [Running(wish, init, kind)])[0]

    return Pull(remaining(a, axes, keepdims), kind, at, reads=a.reads, shifted=a.reads)


def add(a: ir.Expr, b: ir.Expr) -> ir.Expr:
    return ir.Binary("+", a, b)


def adding(kind: nt.Type) -> Step:
    """The step of a sum in any order, which is what a sum over an array is."""
    if isinstance(kind, nt.Float):
        return lambda a, b: ir.Apply("rt.plus", (a, b))
    return add


def times(a: ir.Expr, b: ir.Expr) -> ir.Expr:
    return ir.Binary("*", a, b)


def number_of(kind: nt.Type, value: int) -> ir.Const:
    if isinstance(kind, nt.Complex):
        return ir.Const(complex(value))
    return ir.Const(float(value)) if isinstance(kind, nt.Float) else ir.Const(value)


def _of_dtype(m: Machine, a: Pull, dtype: str | None) -> Pull:
    """``a``, converted to what the reduction is to compute in."""
    if dtype is None:
        return a
    return by.cast(m, a, from_dtype(np.dtype(dtype.removeprefix("np."))))


def sum_(
    m: Machine, target: ir.Var | None, a: Pull, axis: Axis, dtype: str | None, keepdims: bool
) -> Pull | None:
    a = _of_dtype(m, a, dtype)
    kind = m.result(np.sum, (a,))
    return fold(m, target, a, axis, keepdims, kind, number_of(kind, 0), adding(kind))


def prod(
    m: Machine, target: ir.Var | None, a: Pull, axis: Axis, dtype: str | None, keepdims: bool
) -> Pull | None:
    a = _of_dtype(m, a, dtype)
    kind = m.result(np.prod, (a,))
    return fold(m, target, a, axis, keepdims, kind, number_of(kind, 1), times)


def any_(m: Machine, target: ir.Var | None, a: Pull, axis: Axis, keepdims: bool) -> Pull | None:
    return fold(
        m, target, a, axis, keepdims, nt.boolean, ir.Const(False), lambda x, y: ir.Logic("or", x, y)
    )


def all_(m: Machine, target: ir.Var | None, a: Pull, axis: Axis, keepdims: bool) -> Pull | None:
    return fold(
        m, target, a, axis, keepdims, nt.boolean, ir.Const(True), lambda x, y: ir.Logic("and", x, y)
    )


def total(
    m: Machine, a: Pull, axis: Axis, keepdims: bool = False, kind: nt.Type | None = None
) -> Pull:
    """The sum as an operand of more arithmetic."""
    kind = kind or m.result(np.sum, (a,))
    target = m.out.var("t", kind)
    found = fold(m, target, a, axis, keepdims, kind, number_of(kind, 0), adding(kind))
    if found is not None:
        return found
    m.close(taken=True)
    return of_scalar(target, kind)


def _count(m: Machine, a: Pull, axis: Axis, ddof: int) -> ir.Expr:
    """How many elements go into one of the result."""
    size: ir.Expr = ir.Const(1)
    for k in axes_of(m, a, axis):
        size = m.out.integer("*", size, a.dims[k])
    return m.out.name(m.out.integer("-", size, ir.Const(ddof)), nt.int64, "count")


def _divided(m: Machine, a: Pull, count: ir.Expr) -> Pull:
    n = of_scalar(count, nt.int64, weak=True)
    return m.combine(np.true_divide, lambda p: ir.Binary("/", p[0], p[1]), (a, n))


def mean(
    m: Machine, target: ir.Var | None, a: Pull, axis: Axis, dtype: str | None, keepdims: bool
) -> Pull:
    a = _of_dtype(m, a, dtype)
    kind = m.result(np.mean, (a,))
    count = _count(m, a, axis, 0)
    return _divided(m, total(m, a, axis, keepdims, kind), count)


def var(
    m: Machine,
    target: ir.Var | None,
    a: Pull,
    axis: Axis,
    dtype: str | None,
    ddof: int,
    keepdims: bool,
) -> Pull:
    """The mean of squared distances from the mean."""
    a = m.kept(_of_dtype(m, a, dtype))
    centre = mean(m, None, a, axis, None, True)
    centre = m.scalar_of(centre) if axis is None else m.kept(centre)
    apart = m.combine(np.subtract, lambda p: ir.Binary("-", p[0], p[1]), (a, centre))
    square = by.square(m, apart)
    count = _count(m, a, axis, ddof)
    return _divided(m, total(m, square, axis, keepdims, square.dtype), count)


def std(m: Machine, target: ir.Var | None, a: Pull, **more: Any) -> Pull:
    found = var(m, None, a, **more)
    return m.combine(np.sqrt, lambda p: ir.Apply("np.sqrt", (p[0],)), (found,))


def extreme(m: Machine, a: Pull, axis: Axis, keepdims: bool, better: str, place: bool) -> Pull:
    """The first largest or smallest element, or where it is.

    The search compares only; the element itself is then taken by its place, so that the adjoint
    goes there and nothing is kept.
    """
    axes = axes_of(m, a, axis)
    if a.rank == 0:
        return of_scalar(ZERO, nt.int64) if place else a
    if place and axis is not None and len(axes) != 1:
        raise UnsupportedError("argmax over several axes", m.out.loc, "Give one axis, or none.")
    m.close_for(a.reads)
    going = [a.dims[k] for k in axes]
    for dim in going:
        if not isinstance(dim, ir.Const):
            message = "zero-size array to reduction operation which has no identity"
            m.out.fail_if(ir.Compare("==", dim, ZERO), "ValueError", message)

    def at(out: Emitter, index: Index) -> ir.Expr:
        first = a.at(out, element_index(a, axes, keepdims, index, (ZERO,) * len(going)))
        if (line := _line(a, axes, keepdims, index, out)) is not None:
            pos = _search(out, line, going[0], first, better)
            if place:
                return pos
            return a.at(out, element_index(a, axes, keepdims, index, (pos,)))

        def body(inner: Emitter, over: Index, heads: tuple[ir.Var, ...]) -> Sequence[ir.Expr]:
            best, *places = heads
            value = a.at(inner, element_index(a, axes, keepdims, index, over))
            found: ir.Expr = ir.Compare(better, value, best)
            if isinstance(a.dtype, nt.Float):  # nan wins, and the first one stays
                is_nan = ir.Logic(
                    "and", ir.Compare("!=", value, value), ir.Compare("==", best, best)
                )
                found = ir.Logic("or", found, is_nan)
            took = inner.named(found, nt.boolean, "better")
            nexts = [inner.named(ir.Select(took, value, best), a.dtype)]
            for old, new in zip(places, over, strict=True):
                nexts.append(inner.named(ir.Select(took, new, old), nt.int64))
            return nexts

        running = [Running("best", first, a.dtype)]
        running += [Running("pos", ZERO, nt.int64) for _ in going]
        _, *places = out.loops(going, body, running)
        if not place:
            return a.at(out, element_index(a, axes, keepdims, index, tuple(places)))
        flat: ir.Expr = ZERO
        for dim, one in zip(going, places, strict=True):
            flat = out.name(out.integer("*", flat, dim) if flat != ZERO else ZERO, nt.int64)
            flat = out.name(out.integer("+", flat, one), nt.int64)
        return flat

    kind = nt.int64 if place else a.dtype
    return Pull(remaining(a, axes, keepdims), kind, at, reads=a.reads, shifted=a.reads)


def _line(
    a: Pull, axes: tuple[int, ...], keepdims: bool, index: Index, out: Emitter
) -> Callable[[ir.Var], ir.Load] | None:
    """The elements along one axis, if they are floats in memory."""
    if len(axes) != 1 or not isinstance(a.dtype, nt.Float):
        return None
    trial = out.inner()
    k = trial.var("k", nt.int64)
    a.at(trial, element_index(a, axes, keepdims, index, (k,)))
    match trial.out:
        case [ir.Assign(_, ir.Load() as load)]:
            return lambda place: ir.Load(
                load.array, tuple(rename_expr(e, {k: place}) for e in load.index)
            )
        case _:
            return None


def _search(
    out: Emitter, line: Callable[[ir.Var], ir.Load], size: ir.Expr, first: ir.Expr, better: str
) -> ir.Var:
    """The place of the extreme element: its value in a loop that can run on several lanes, then
    where it is.  The first nan wins."""
    kind = out.types[first] if isinstance(first, ir.Var) else nt.float64
    larger = "rt.larger" if better == ">" else "rt.smaller"

    def compare(inner: Emitter, k: ir.Var, heads: tuple[ir.Var, ...]) -> Sequence[ir.Expr]:
        element = inner.named(line(k), kind)
        return (inner.named(ir.Apply(larger, (heads[0], element)), kind),)

    (best,) = out.loop(size, compare, [Running("best", first, kind)], wish="k")
    head, found = out.var("pos", nt.int64), out.var("pos", nt.int64)
    start = out.named(ZERO, nt.int64, "pos")
    inner = out.inner()
    further = inner.named(ir.Binary("+", head, ir.Const(1)), nt.int64, "pos")
    here = line(head)
    elsewhere = ir.Logic("and", ir.Compare("!=", here, best), ir.Compare("==", here, here))
    carried = ir.Carried(head, start, further, found)
    out.out.append(ir.While(elsewhere, tuple(inner.out), None, (carried,), out.loc))
    return found


def inner_sum(
    dims: tuple[ir.Expr, ...],
    count: ir.Expr,
    kind: nt.Type,
    element: Callable[[Index, ir.Expr, Any], ir.Expr],
    reads: frozenset[ir.Var],
) -> Pull:
    """The sum over one more subscript below ``count``."""

    def at(out: Emitter, index: Index) -> ir.Expr:
        def body(inner: Emitter, k: ir.Var, heads: tuple[ir.Var, ...]) -> Sequence[ir.Expr]:
            value = inner.named(element(index, k, inner), kind)
            return (inner.named(adding(kind)(heads[0], value), kind),)

        return out.loop(count, body, [Running("t", number_of(kind, 0), kind)], wish="k")[0]

    return Pull(dims, kind, at, reads=reads, shifted=reads)


def logsumexp(
    m: Machine, target: ir.Var | None, a: Pull, axis: Axis, b: Pull | None, keepdims: bool
) -> Pull:
    """top + log(sum(b exp(a - top))), with top the largest element, or 0 where that is infinite.
    The result does not depend on top, so no derivative goes through it."""
    a = m.kept(a)
    kind = m.result(np.exp, (a,))
    largest = extreme(m, a, axis, True, ">", False)

    def finite(p: Sequence[ir.Expr]) -> ir.Expr:
        fixed = ir.Apply("rt.finite_or_zero", (p[0],))
        return ir.Apply("np.float32", (fixed,)) if kind is nt.float32 else fixed

    top = m.combine(np.exp, finite, (largest,), kind)
    top = m.scalar_of(top) if axis is None else m.kept(top)
    powers = by.apply(m, "np.exp", by.minus(m, a, top))
    if b is not None:
        powers = by.times(m, b, powers)
    logs = by.apply(m, "np.log", total(m, powers, axis, True, powers.dtype))
    if axis is None and not keepdims:
        logs = m.scalar_of(logs)
    found = by.plus(m, logs, top)
    if axis is None or keepdims:
        return found
    axes = axes_of(m, a, axis)
    return Pull(
        remaining(a, axes, False),
        found.dtype,
        lambda out, index: found.at(out, element_index(a, axes, False, index, (ZERO,) * len(axes))),
        reads=found.reads,
        shifted=found.reads,
    )


def filtered(m: Machine, name: str, given: dict[str, Any]) -> None:
    """What ``where=`` leaves out counts as the element that changes nothing."""
    where, a = given.pop("where", None), given["a"]
    if where is None:
        return
    if name == "mean":
        raise UnsupportedError("np.mean with where=", m.out.loc, "Select the elements first.")
    neutral: Any = {"sum": 0, "prod": 1, "any": False, "all": True}.get(name)
    instead = given["initial"] if neutral is None else by.number(neutral)
    if instead is None:
        raise UnsupportedError(f"np.{name} with where= and no initial=", m.out.loc)
    given["a"] = by.select(m, where, a, instead)


def with_initial(m: Machine, name: str, found: Pull, initial: Pull) -> Pull:
    if name in ("max", "min"):
        return by.apply(m, f"np.{name}imum", found, initial)
    return by.plus(m, found, initial) if name == "sum" else by.times(m, found, initial)


REDUCTIONS: dict[str, Callable[..., Pull | None]] = {
    "sum": sum_,
    "prod": prod,
    "any": any_,
    "all": all_,
    "mean": mean,
    "var": var,
    "std": std,
    "logsumexp": logsumexp,
    "max": lambda m, _, a, axis, keepdims: extreme(m, a, axis, keepdims, ">", False),
    "min": lambda m, _, a, axis, keepdims: extreme(m, a, axis, keepdims, "<", False),
    "argmax": lambda m, _, a, axis, keepdims: extreme(m, a, axis, keepdims, ">", True),
    "argmin": lambda m, _, a, axis, keepdims: extreme(m, a, axis, keepdims, "<", True),
}
