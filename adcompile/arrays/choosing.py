"""Functions that choose among elements, or say where they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from numba.core import types as nt

from adcompile.arrays import arithmetic as by
from adcompile.arrays import making, reductions, subscripts
from adcompile.arrays.calculus import searchsorted
from adcompile.arrays.emitter import ONE, ZERO, Emitter, Index, Running, array_type
from adcompile.arrays.pull import Pull, broadcast, rearranged
from adcompile.arrays.shapes import diagonal, integer_of, one_axis, ravel
from adcompile.errors import UnsupportedError
from adcompile.ir import nodes as ir

if TYPE_CHECKING:
    from adcompile.arrays.machine import Machine

Several = tuple[Pull, ...]


def where(m: Machine, condition: Pull, x: Pull | None, y: Pull | None) -> Pull | Several:
    if x is None or y is None:
        return subscripts.nonzero(m, condition)
    return by.select(m, condition, x, y)


def select(m: Machine, conditions: Any, choices: Any, default: Pull) -> Pull:
    """The choice of the first condition that holds."""
    if not isinstance(conditions, list) or not isinstance(choices, list):
        raise UnsupportedError("np.select without lists", m.out.loc, "Write the lists out.")
    if len(conditions) != len(choices):
        raise UnsupportedError("np.select with lists of different lengths", m.out.loc)
    found = default
    for condition, choice in zip(reversed(conditions), reversed(choices)):
        found = by.select(m, condition, choice, found)
    return found


def choose(m: Machine, a: Pull, choices: Any) -> Pull:
    """``choices[a[i], i]``."""
    parts = choices if isinstance(choices, list) else None
    if parts is not None:
        dims = m.common([a, *parts])
        stacked = making.stack(m, [m.kept(m.fitted(_over(p, dims), dims)) for p in parts], 0)
    else:
        stacked = m.kept(choices)
        dims = m.common([a, Pull(stacked.dims[1:], stacked.dtype, stacked.at)])
    a = m.kept(a)
    spread = broadcast(a, dims) if a.rank else a

    def at(out: Emitter, index: Index) -> ir.Expr:
        own = index[len(index) - stacked.rank + 1 :]
        return stacked.at(out, (spread.at(out, index if spread.rank else ()), *own))

    reads = stacked.reads | a.reads
    return Pull(dims, stacked.dtype, at, reads=reads, shifted=reads)


def _over(pull: Pull, dims: tuple[ir.Expr, ...]) -> Pull:
    """A number as an array of these extents."""
    return pull if pull.rank else Pull(dims, pull.dtype, lambda out, i: pull.at(out, ()), True)


def nan_to_num(
    m: Machine, x: Pull, copy: bool, nan: Pull, posinf: Pull | None, neginf: Pull | None
) -> Pull:
    if not isinstance(x.dtype, nt.Float):
        return x
    limit = 3.4028234663852886e38 if x.dtype is nt.float32 else 1.7976931348623157e308
    high, low = posinf or by.number(limit), neginf or by.number(-limit)
    found = by.select(m, by.equal(m, x, by.number(float("inf"))), high, x)
    found = by.select(m, by.equal(m, x, by.number(float("-inf"))), low, found)
    return by.select(m, by.is_nan(m, x), nan, found)


def heaviside(m: Machine, x: Pull, half: Pull) -> Pull:
    """0, ``half`` or 1 for x below, at and above zero."""
    side = by.select(m, by.less(m, x, by.number(0.0)), by.number(0.0), by.number(1.0))
    found = by.select(m, by.equal(m, x, by.number(0.0)), half, side)
    return by.select(m, by.is_nan(m, x), x, found)


def allclose(m: Machine, a: Pull, b: Pull, rtol: Pull, atol: Pull) -> Pull:
    close = m.elementwise(
        "np.isclose", lambda p: ir.Apply("np.isclose", tuple(p)), [a, b, rtol, atol]
    )
    return _all(m, close)


def array_equal(m: Machine, a: Pull, b: Pull) -> Pull:
    if a.rank != b.rank:
        return by.number(False)
    return _all(m, by.equal(m, a, b))


def _all(m: Machine, a: Pull) -> Pull:
    found = reductions.all_(m, None, a, None, False)
    assert found is not None
    return m.scalar_of(found)


# ---------------------------------------------------------------- where


def flatnonzero(m: Machine, a: Pull) -> Pull:
    return subscripts.nonzero(m, ravel(m, a))[0]


def argwhere(m: Machine, a: Pull) -> Pull:
    return making.stack(m, subscripts.nonzero(m, a), 1)


def extract(m: Machine, condition: Pull, a: Pull) -> Pull:
    return subscripts.packed(m, ravel(m, a), by.cast(m, ravel(m, condition), nt.boolean))


def compress(m: Machine, condition: Pull, a: Pull, axis: int | None = None) -> Pull:
    if axis is None:
        a, axis = ravel(m, a), 0
    k = one_axis(m, a.rank, axis)
    places = m.kept(flatnonzero(m, condition))
    a = m.kept(a)
    dims = (*a.dims[:k], places.dims[0], *a.dims[k + 1 :])

    def mapping(out: Emitter, index: Index) -> Index:
        return (*index[:k], places.at(out, (index[k],)), *index[k + 1 :])

    found = rearranged(a, dims, mapping, view=False)
    reads = a.reads | places.reads
    return Pull(dims, a.dtype, found.at, True, reads=reads, shifted=reads)


def take_along_axis(m: Machine, a: Pull, indices: Pull, axis: int | None) -> Pull:
    if axis is None:
        a, axis = ravel(m, a), 0
    k = one_axis(m, a.rank, axis)
    a, indices = m.kept(a), m.kept(indices)
    if a.rank != indices.rank:
        raise UnsupportedError("np.take_along_axis of arrays of different ranks", m.out.loc)
    dims = list(indices.dims)
    for n, (one, other) in enumerate(zip(a.dims, indices.dims, strict=True)):
        if n != k:
            dims[n] = other if one == ONE else one if other == ONE else m.same(one, other)

    def mapping(out: Emitter, index: Index) -> Index:
        own = tuple(
            ZERO if d == ONE and n != k else i for n, (d, i) in enumerate(zip(a.dims, index))
        )
        there = tuple(ZERO if d == ONE else i for d, i in zip(indices.dims, index, strict=True))
        place = indices.at(out, there)
        return subscripts.from_front(out, a, (*own[:k], place, *own[k + 1 :]))

    found = rearranged(a, tuple(dims), mapping, view=False)
    reads = a.reads | indices.reads
    return Pull(tuple(dims), a.dtype, found.at, True, reads=reads, shifted=reads)


def digitize(m: Machine, x: Pull, bins: Pull, right: bool = False) -> Pull:
    bins = m.kept(bins)
    source = bins.array or m.memory(bins)
    m.close()
    falls = m.fresh_from("rt.is_falling", (source,), array_type(nt.int64, 1), (ONE,))
    wrong = ir.Compare("!=", m.out.load(falls, (ZERO,)), ZERO)
    m.out.fail_if(wrong, "ValueError", "bins that do not increase in np.digitize")
    return searchsorted(m, bins, x, "left" if right else "right")


# ---------------------------------------------------------------- places in matrices


def tri(m: Machine, n: Pull, columns: Pull | None = None, k: int = 0) -> Pull:
    rows = m.size(integer_of(m, n))
    wide = rows if columns is None else m.size(integer_of(m, columns))

    def at(out: Emitter, i: Index) -> ir.Expr:
        edge = out.integer("+", i[0], ir.Const(k))
        on = out.named(ir.Compare("<=", i[1], edge), nt.boolean)
        return out.named(ir.Select(on, ir.Const(1.0), ir.Const(0.0)), nt.float64)

    return Pull((rows, wide), nt.float64, at, True)


def triangle_indices(lower: bool) -> Callable[..., Several]:
    def made(m: Machine, n: Pull, k: int = 0, columns: int | None = None) -> Several:
        wide = None if columns is None else by.number(columns)
        below = tri(m, n, wide, k if lower else k - 1)
        return subscripts.nonzero(m, by.equal(m, below, by.number(1.0 if lower else 0.0)))

    return made


def diag_indices(m: Machine, n: Pull, ndim: int = 2) -> Several:
    return (making.arange(m, n, None, None),) * ndim


def diagonal_places(m: Machine, a: Pull) -> Pull:
    """The row, which is the column, of each element of the diagonal."""
    length = diagonal(m, a).dims[0]
    return Pull((length,), nt.int64, lambda out, i: i[0], True)


def diag_indices_from(m: Machine, a: Pull) -> Several:
    m.same(a.dims[0], a.dims[-1])
    return (diagonal_places(m, a),) * 2


def add_at(m: Machine, a: Pull, values: Pull, places: Any, sign: str) -> Pull:
    """``a`` with values added at subscripts, which may repeat."""
    pulls = [m.kept(p) for p in (places if isinstance(places, list) else [places])]
    if any(not isinstance(p.dtype, nt.Integer) for p in pulls):
        raise UnsupportedError("np.add.at with other than integers", m.out.loc)
    common = m.common(pulls)
    dims = (*common, *a.dims[len(pulls) :])
    spread = [broadcast(p, common) if p.rank else p for p in pulls]
    values = m.fitted(m.kept(values), dims)
    a = m.kept(a)
    made = m.fresh(a.dims, a.dtype)
    making.place_into(m, made, a, [ZERO] * a.rank)

    def body(out: Emitter, index: Index, _: Any) -> Sequence[ir.Expr]:
        own = index[: len(common)]
        where = tuple(p.at(out, own if p.rank else ()) for p in spread)
        value = values.at(out, index if values.rank else ())
        atom = m.cast(out, value, values.dtype, a.dtype)
        out.write(made, (*where, *index[len(common) :]), atom, sign)
        return ()

    m.out.loops(dims, body)
    return m.pull_of(made)


# ---------------------------------------------------------------- polynomials


def polyval(m: Machine, p: Pull, x: Pull) -> Pull:
    """Horner's scheme, the coefficient of the highest power first."""
    p, x = m.kept(p), m.kept(x)
    kind = m.result(lambda a, b: a * b, (p, x))

    def at(out: Emitter, index: Index) -> ir.Expr:
        place = m.cast(out, x.at(out, index if x.rank else ()), x.dtype, kind)

        def body(inner: Emitter, k: ir.Var, heads: tuple[ir.Var, ...]) -> Sequence[ir.Expr]:
            value = m.cast(inner, p.at(inner, (k,)), p.dtype, kind)
            higher = inner.named(ir.Binary("*", heads[0], place), kind)
            return (inner.named(ir.Binary("+", higher, value), kind),)

        start = Running("t", reductions.number_of(kind, 0), kind)
        return out.loop(p.dims[0], body, [start], wish="k")[0]

    reads = p.reads | x.reads
    return Pull(x.dims, kind, at, reads=reads, shifted=reads)


def vander(m: Machine, x: Pull, n: int | None = None, increasing: bool = False) -> Pull:
    """Powers of ``x`` in columns."""
    x = m.kept(x)
    columns = x.dims[0] if n is None else ir.Const(n)

    def exponent(out: Emitter, i: Index) -> ir.Expr:
        if increasing:
            return i[0]
        last = out.name(out.integer("-", columns, ONE), nt.int64)
        return out.named(ir.Binary("-", last, i[0]), nt.int64)

    exponents = Pull((columns,), nt.int64, exponent, True)
    tall = rearranged(x, (*x.dims, ONE), lambda out, i: i[:1], view=False)
    return by.power(m, tall, exponents)


def ix_(m: Machine, arrays: Sequence[Pull]) -> Several:
    """Each along an axis of its own."""
    made: list[Pull] = []
    for k, a in enumerate(arrays):
        if isinstance(a.dtype, nt.Boolean):
            a = flatnonzero(m, a)
        a = m.kept(a)
        dims = tuple(a.dims[0] if n == k else ONE for n in range(len(arrays)))
        made.append(rearranged(a, dims, lambda out, i, k=k: (i[k],), False))  # type: ignore[misc]
    return tuple(made)


TABLE: dict[str, Callable[..., Pull | Several]] = {
    "where": where,
    "select": select,
    "choose": choose,
    "nan_to_num": nan_to_num,
    "heaviside": heaviside,
    "allclose": allclose,
    "array_equal": array_equal,
    "ix_": ix_,
    "nonzero": subscripts.nonzero,
    "flatnonzero": flatnonzero,
    "argwhere": argwhere,
    "extract": extract,
    "compress": compress,
    "take_along_axis": take_along_axis,
    "digitize": digitize,
    "tri": tri,
    "tril_indices": triangle_indices(True),
    "triu_indices": triangle_indices(False),
    "diag_indices": diag_indices,
    "diag_indices_from": diag_indices_from,
    "diagonal_places": diagonal_places,
    "add_at": add_at,
    "polyval": polyval,
    "vander": vander,
}
