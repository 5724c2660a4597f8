"""Subscripts: slices, new axes, arrays of integers, masks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from numba.core import types as nt

from adcompile.arrays.elementwise import literal
from adcompile.arrays.emitter import ZERO, Emitter, Index, Running
from adcompile.arrays.pull import Place, Pull, broadcast, rearranged
from adcompile.errors import UnsupportedError
from adcompile.ir import nodes as ir

if TYPE_CHECKING:
    from adcompile.arrays.machine import Machine

_NEW = ir.Const(None)
_DOTS = ir.Const(...)
FULL = ir.Slice(None, None, None)


def is_basic(m: Machine, index: tuple[ir.Index, ...]) -> bool:
    """Integers, slices, new axes and ``...`` only: NumPy makes a view."""
    return not any(isinstance(i, ir.Var) and isinstance(m.types[i], nt.Array) for i in index)


def getitem(m: Machine, a: Pull, index: tuple[ir.Index, ...]) -> Pull:
    """``a[index]``."""
    entries = complete(m, a, index)
    if leading_mask(m, entries):
        assert isinstance(entries[0], ir.Var)
        return packed(m, a, m.pull(entries[0]))
    entries = without_masks(m, entries)
    if is_basic(m, tuple(entries)):
        dims, mapping = _basic(m, a, entries)
        return rearranged(a, dims, mapping)
    return _gathered(m, a, entries)


def complete(m: Machine, a: Pull, index: tuple[ir.Index, ...]) -> list[ir.Index]:
    """One entry per axis, and the new axes."""
    used = 0
    for i in index:
        if i != _NEW and i != _DOTS:
            kind = m.types[i] if isinstance(i, ir.Var) else None
            used += kind.ndim if isinstance(kind, nt.Array) and is_mask(m, i) else 1
    if used > a.rank:
        raise UnsupportedError(f"{used} subscripts on an array of rank {a.rank}", m.out.loc)
    missing: list[ir.Index] = [FULL] * (a.rank - used)
    if _DOTS in index:
        k = index.index(_DOTS)
        sides = index[:k], index[k + 1 :]
        if not missing and not is_basic(m, index) and all(map(_takes_items, sides)):
            raise UnsupportedError("... between arrays as subscripts", m.out.loc, "Leave it out.")
        return [*sides[0], *missing, *sides[1]]
    return [*index, *missing]


def _takes_items(index: tuple[ir.Index, ...]) -> bool:
    """Whether there are integers or arrays of them."""
    return any(not isinstance(i, ir.Slice) and i != _NEW for i in index)


def is_mask(m: Machine, entry: ir.Index) -> bool:
    kind = m.types.get(entry) if isinstance(entry, ir.Var) else None
    return isinstance(kind, nt.Array) and isinstance(kind.dtype, nt.Boolean)


@dataclass(frozen=True)
class Range:
    """``offset + i * step`` for i below ``length``."""

    offset: ir.Expr
    length: ir.Expr
    step: ir.Expr

    def at(self, out: Emitter, i: ir.Expr) -> ir.Expr:
        scaled = out.integer("*", i, self.step)
        return out.integer("+", scaled, self.offset)


def sliced(m: Machine, entry: ir.Slice, dim: ir.Expr) -> Range:
    """What a slice takes of an axis of extent ``dim``."""
    start, stop, step = entry.start, entry.stop, entry.step
    step = ir.Const(1) if step is None or step == _NEW else step
    low = 0 if start is None or start == _NEW else _literal(start)
    if step == ir.Const(1) and low is not None and _is_single(low, stop):
        return _single(m, low, dim)
    if step == ir.Const(1) and low is None and start is not None:
        if stop == ir.Binary("+", start, ir.Const(1)):
            return _single_at(m, start, dim)
    if step == ir.Const(1) and low is not None and low >= 0:
        first = ir.Const(low)
        high = None if stop is None or stop == _NEW else _literal(stop)
        if stop is None or stop == _NEW or (high is not None and high < 0):
            cut = low - (high or 0)
            if cut == 0:
                return Range(first, dim, step)
            if isinstance(dim, ir.Const) and isinstance(dim.value, int):
                return Range(first, ir.Const(max(dim.value - cut, 0)), step)
            left = ir.Binary("-", dim, ir.Const(cut))
            return Range(first, m.size(ir.Apply("max", (left, ZERO))), step)
        if high is not None:
            last: ir.Expr = ir.Apply("min", (ir.Const(high), dim))
            if isinstance(dim, ir.Const) and isinstance(dim.value, int):
                return Range(first, ir.Const(max(min(high, dim.value) - low, 0)), step)
            if low:
                last = ir.Apply("max", (ir.Binary("-", last, first), ZERO))
            return Range(first, m.size(last), step)
    ends = tuple(_NEW if e is None else e for e in (start, stop))
    offset = m.size(ir.Apply("rt.slice_first", (*ends, step, dim)), "first")
    return Range(offset, m.size(ir.Apply("rt.slice_length", (*ends, step, dim))), step)


def _is_single(low: int, stop: ir.Expr | None) -> bool:
    """``k:k+1`` and ``-1:``, which people write to keep an axis."""
    if stop is None or stop == _NEW:
        return low == -1
    high = _literal(stop)
    return high is not None and high == low + 1 and high != 0


def _single(m: Machine, low: int, dim: ir.Expr) -> Range:
    """An axis of extent one, which broadcasts."""
    least = low + 1 if low >= 0 else -low
    if not (isinstance(dim, ir.Const) and isinstance(dim.value, int) and dim.value >= least):
        short = ir.Compare("<", dim, ir.Const(least))
        m.out.fail_if(short, "IndexError", "a slice of one element is beyond the end of its axis")
    place = ir.Const(low) if low >= 0 else m.size(m.out.integer("-", dim, ir.Const(-low)), "pos")
    return Range(place, ir.Const(1), ir.Const(1))


def _single_at(m: Machine, start: ir.Expr, dim: ir.Expr) -> Range:
    """``i:i+1``: one element, or an error."""
    start = m.out.name(m.plain(start), nt.int64)
    place = m.out.named(ir.Apply("rt.from_front", (start, dim)), nt.int64, "pos")
    outside = ir.Logic("or", ir.Compare("<", place, ZERO), ir.Compare(">=", place, dim))
    wrong = ir.Logic("or", outside, ir.Compare("==", start, ir.Const(-1)))
    m.out.fail_if(wrong, "IndexError", "a slice of one element is beyond the end of its axis")
    return Range(place, ir.Const(1), ir.Const(1))


def from_front(out: Emitter, a: Pull, index: Index) -> Index:
    """Subscripts of ``a`` counted from the front.  Those of arrays in memory may be negative."""
    if a.array is not None:
        return index
    made: list[ir.Expr] = []
    for place, dim in zip(index, a.dims, strict=True):
        low = _literal(place)
        if low is None:
            place = out.named(ir.Apply("rt.from_front", (place, dim)), nt.int64)
        elif low < 0:
            place = out.name(out.integer("-", dim, ir.Const(-low)), nt.int64)
        made.append(place)
    return tuple(made)


def front_of(out: Emitter, a: Pull, index: list[ir.Expr], sure: list[bool]) -> Index:
    """As ``from_front``; ``sure``: the subscripts that a slice made, which are not negative."""
    checked = from_front(out, a, tuple(ZERO if s else i for i, s in zip(index, sure, strict=True)))
    return tuple(i if s else c for i, c, s in zip(index, checked, sure, strict=True))


def _literal(expr: ir.Expr) -> int | None:
    match expr:
        case ir.Const(int() as value):
            return value
        case ir.Unary("-", ir.Const(int() as value)):
            return -value
        case _:
            return None


def _basic(
    m: Machine, a: Pull, entries: Sequence[ir.Index]
) -> tuple[tuple[ir.Expr, ...], Callable[[Emitter, Index], Index]]:
    dims: list[ir.Expr] = []
    parts: list[Range | ir.Expr | None] = []  # one per axis of ``a``; None: a new axis
    axis = 0
    for entry in entries:
        if entry == _NEW:
            dims.append(ir.Const(1))
            parts.append(None)
            continue
        if isinstance(entry, ir.Slice):
            part = sliced(m, entry, a.dims[axis])
            dims.append(part.length)
            parts.append(part)
        else:
            parts.append(entry)
        axis += 1
    picked = [part for part in parts if part is not None]

    def mapping(out: Emitter, index: Index) -> Index:
        given = iter(index)
        made: list[ir.Expr] = []
        for part in parts:
            if part is None:
                next(given)
            elif isinstance(part, Range):
                made.append(part.at(out, next(given)))
            else:
                made.append(part)
        return front_of(out, a, made, [isinstance(part, Range) for part in picked])

    return tuple(dims), mapping


# ---------------------------------------------------------------- arrays of integers


def advanced(
    m: Machine, a: Pull, entries: Sequence[ir.Index]
) -> tuple[tuple[ir.Expr, ...], Callable[[Emitter, Index], Index], list[Pull]]:
    """Extents and mapping of a subscript with arrays of integers, which broadcast together; their
    axes stand where the first of them stands, or first if they are apart."""
    picks = [k for k, e in enumerate(entries) if not isinstance(e, ir.Slice) and e != _NEW]
    pulls = {k: m.kept(m.operand(entries[k])) for k in picks}
    common = m.common(list(pulls.values()))
    together = picks == list(range(picks[0], picks[-1] + 1))
    place = picks[0] if together else 0

    dims: list[ir.Expr] = []
    ranges: dict[int, Range | None] = {}
    axis = 0
    for k, entry in enumerate(entries):
        if together and k == place:
            dims.extend(common)
        if entry == _NEW:
            dims.append(ir.Const(1))
            ranges[k] = None
            continue
        if isinstance(entry, ir.Slice):
            part = sliced(m, entry, a.dims[axis])
            ranges[k] = part
            dims.append(part.length)
        axis += 1
    if not together:
        dims = [*common, *dims]
    before = sum(1 for k in ranges if k < place) if together else 0
    spread = {k: broadcast(p, common) if p.rank else p for k, p in pulls.items()}

    def mapping(out: Emitter, index: Index) -> Index:
        inner = index[before : before + len(common)]
        rest = iter((*index[:before], *index[before + len(common) :]))
        made: list[ir.Expr] = []
        for k in range(len(entries)):
            if k in spread:
                pull = spread[k]
                made.append(pull.at(out, inner if pull.rank else ()))
            else:
                part = ranges[k]
                own = next(rest)
                if part is not None:
                    made.append(part.at(out, own))
        ranged = [k not in spread for k in range(len(entries)) if k in spread or ranges[k]]
        return front_of(out, a, made, ranged)

    return tuple(dims), mapping, list(pulls.values())


def _gathered(m: Machine, a: Pull, entries: Sequence[ir.Index]) -> Pull:
    a = m.kept(a)
    dims, mapping, pulls = advanced(m, a, entries)
    found = rearranged(a, dims, mapping, view=False)
    reads = found.reads.union(*(p.reads for p in pulls))
    return Pull(dims, a.dtype, found.at, True, reads=reads, shifted=reads)


def places(m: Machine, a: Pull, entries: Sequence[ir.Index]) -> Place:
    """Where the elements of ``a[entries]``, an advanced subscript, lie."""
    _, mapping, _ = advanced(m, a, entries)
    assert a.place is not None
    where = a.place
    return lambda out, index: where(out, mapping(out, index))


# ---------------------------------------------------------------- masks


def leading_mask(m: Machine, entries: Sequence[ir.Index]) -> bool:
    """Whether this is ``a[mask]`` and nothing more."""
    return is_mask(m, entries[0]) and all(e == FULL for e in entries[1:]) if entries else False


def without_masks(m: Machine, entries: Sequence[ir.Index]) -> list[ir.Index]:
    """Masks beside other subscripts are the integers at which they hold."""
    made: list[ir.Index] = []
    for entry in entries:
        if is_mask(m, entry):
            assert isinstance(entry, ir.Var)
            made += [m.memory(places) for places in nonzero(m, m.pull(entry))]
        else:
            made.append(entry)
    return made


def _counted(m: Machine, mask: Pull, over: tuple[ir.Expr, ...]) -> ir.Var:
    """How often ``mask`` holds."""

    def count(out: Emitter, index: Index, heads: tuple[ir.Var, ...]) -> Sequence[ir.Expr]:
        took = mask.at(out, index)
        more = ir.Binary("+", heads[0], ir.Const(1))
        return (out.named(ir.Select(took, more, heads[0]), nt.int64),)

    return m.out.loops(over, count, [Running("count", ZERO, nt.int64)])[0]


def nonzero(m: Machine, a: Pull) -> tuple[Pull, ...]:
    """The subscripts of what is not zero, an array per axis."""
    if not isinstance(a.dtype, nt.Boolean):
        a = m.elementwise(
            "!=", lambda p: ir.Compare("!=", p[0], p[1]), [a, literal(ZERO, m.out.loc)]
        )
    mask = m.kept(a)
    m.close()
    total = _counted(m, mask, mask.dims)
    made = [m.fresh((total,), nt.int64) for _ in mask.dims]

    def fill(out: Emitter, index: Index, heads: tuple[ir.Var, ...]) -> Sequence[ir.Expr]:
        took = mask.at(out, index)
        inner = out.inner()
        for array, one in zip(made, index, strict=True):
            inner.store(array, heads, one)
        return (out.counted_if(took, inner, heads[0]),)

    m.out.loops(mask.dims, fill, [Running("pos", ZERO, nt.int64)])
    return tuple(m.pull_of(array) for array in made)


def packed(m: Machine, a: Pull, mask: Pull) -> Pull:
    """The elements where a mask holds, in order: an array of its own."""
    a, mask = m.kept(a), m.kept(mask)
    m.close()
    over = tuple(m.same(d, e) for d, e in zip(a.dims[: mask.rank], mask.dims, strict=True))
    rest = a.dims[mask.rank :]

    total = _counted(m, mask, over)
    made = m.out.alloc((total, *rest), a.dtype)

    def fill(out: Emitter, index: Index, heads: tuple[ir.Var, ...]) -> Sequence[ir.Expr]:
        took = mask.at(out, index)
        inner = out.inner()

        def row(deep: Emitter, tail: Index, _: tuple[ir.Var, ...]) -> Sequence[ir.Expr]:
            deep.store(made, (heads[0], *tail), a.at(deep, (*index, *tail)))
            return ()

        inner.loops(rest, row)
        return (out.counted_if(took, inner, heads[0]),)

    m.out.loops(over, fill, [Running("pos", ZERO, nt.int64)])
    m.readers[made] = [-1]
    m.dims[made] = (total, *rest)
    return m.pull_of(made)


def store_masked(m: Machine, target: Pull, mask_of: ir.Var, value: Pull, op: str) -> None:
    """``target[mask] op value``."""
    mask = m.kept(m.pull(mask_of))
    value = m.kept(value)
    m.close()
    over = tuple(m.same(d, e) for d, e in zip(target.dims[: mask.rank], mask.dims, strict=True))
    rest = target.dims[mask.rank :]
    in_order = value.rank > len(rest) and value.dims[0] != ir.Const(1)
    if in_order:  # one entry per place that the mask takes
        total = _counted(m, mask, over)
        m.same(total, value.dims[0])
    assert target.place is not None
    where = target.place

    def body(out: Emitter, index: Index, heads: tuple[ir.Var, ...]) -> Sequence[ir.Expr]:
        took = mask.at(out, index)
        inner = out.inner()

        def row(deep: Emitter, tail: Index, _: tuple[ir.Var, ...]) -> Sequence[ir.Expr]:
            own = (*heads, *tail) if in_order else tail
            own = (*(ZERO,) * (value.rank - len(own)), *own)[-value.rank or len(own) :]
            fixed = tuple(
                ZERO if d == ir.Const(1) else i for d, i in zip(value.dims, own, strict=True)
            )
            atom = m.cast(deep, value.at(deep, fixed), value.dtype, target.dtype)
            array, place = where(deep, (*index, *tail))
            deep.write(array, place, atom, op)
            return ()

        inner.loops(rest, row)
        if in_order:
            return (out.counted_if(took, inner, heads[0]),)
        out.out.append(ir.If(took, tuple(inner.out), (), loc=out.loc))
        return ()

    running = [Running("pos", ZERO, nt.int64)] if in_order else []
    m.out.loops(over, body, running)
