"""How many iterations lie between the read of an element and the write that hits it.

    for i in range(n):
        for j in range(i):
            for k in range(j):
                a[i, j] -= a[i, k] * a[j, k]

The element ``a[i, k]`` is written where ``j`` is this ``k``: with the same ``i``, and with a ``j``
that is less than the present one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from adcompile.analysis.affine import (
    Affine,
    Index,
    added,
    affine,
    bound,
    non_negative,
    scaled,
    step_of,
)
from adcompile.analysis.scope import Path, Scopes
from adcompile.ir import nodes as ir

Interval: TypeAlias = tuple[int | None, int | None]  # None: as small, or as large, as may be
Known: TypeAlias = tuple[int, Interval]  # the position of a loop

ANY: Interval = (None, None)


class Never(Exception):
    """They are never the same element."""


def distances(read: Index, write: Index, loops: Path, scopes: Scopes) -> dict[int, Interval] | None:
    """Of each common loop, by its position in ``loops``, the iterations from the read to the write,
    where the subscripts tell: positive if the write comes later.

    None: proved never to be the same element.  The subscripts name the same array.
    """
    found: dict[int, Interval] = {}
    for r, w in zip(read, write, strict=True):
        a, b = affine(r, scopes), affine(w, scopes)
        if a is None or b is None:
            continue
        if not (non_negative(r, scopes) and non_negative(w, scopes)):
            continue  # x[-1] may be x[n - 1]
        try:
            same = dict(a.terms) == dict(b.terms)
            for k, interval in (_same_terms if same else _bounded)(a, b, loops, scopes):
                found[k] = _both(found.get(k, ANY), interval)
        except Never:
            return None
    return found


def _same_terms(a: Affine, b: Affine, loops: Path, scopes: Scopes) -> Iterator[Known]:
    """``x[i + 1]`` and ``x[i - 1]``."""
    gap = a.constant - b.constant
    moving = _moving(a, loops, scopes)
    if not moving and gap:
        raise Never
    if moving is None or len(moving) != 1:
        return
    ((k, c, step),) = moving
    if gap % (c * step):
        raise Never
    yield k, (gap // (c * step),) * 2


def _bounded(a: Affine, b: Affine, loops: Path, scopes: Scopes) -> Iterator[Known]:
    """``x[k]`` read for ``k`` in ``range(j)``, and ``x[j]`` written: by the variable of one loop,
    and what is fixed as long as the common loops run."""
    moving = [(v, c) for v, c in b.terms if not all(scopes.outside(v, loop) for loop in loops)]
    if len(moving) != 1:
        return
    ((var, c),) = moving
    loop = scopes.defined_by.get(var)
    step = step_of(loop) if isinstance(loop, ir.For) and loop.var is var else None
    if abs(c) != 1 or step is None or not isinstance(loop, ir.For):
        return
    own = Affine(((var, 1),), 0)
    hit = scaled(added(a, added(b, scaled(own, c), -1), -1), c)  # where the loop writes the element
    common = [k for k, one in enumerate(loops) if one is loop]
    if common:
        gap = added(hit, own, -1)
        low_gap, high_gap = bound(gap, scopes, upper=False), bound(gap, scopes, upper=True)
        yield common[0], _iterations(low_gap, high_gap, step)
    first, last = (loop.start, loop.stop) if step > 0 else (loop.stop, loop.start)
    low, high = affine(first, scopes), affine(last, scopes)
    if low is not None:
        low = low if step > 0 else Affine(low.terms, low.constant + 1)
        yield from _beyond(added(hit, low, -1), low, 1, loops, scopes)
    if high is not None:
        high = high if step < 0 else Affine(high.terms, high.constant - 1)
        yield from _beyond(added(high, hit, -1), high, -1, loops, scopes)


def _beyond(room: Affine, end: Affine, sign: int, loops: Path, scopes: Scopes) -> Iterator[Known]:
    """What follows from ``room``, how far the element is within the range of the loop that writes
    it, not being negative there: of the loop around, which that range depends on.  ``sign``: -1 if
    ``end``, as it is at the read, counts for the room, and not against it."""
    moving = _moving(end, loops, scopes)
    if moving is None:
        return
    if not moving:  # the same for both
        most = bound(room, scopes, upper=True)
        if most is not None and most < 0:
            raise Never
    elif len(moving) == 1:
        ((k, c, step),) = moving
        if abs(c) == 1:  # room - sign * c * (iterations between) >= 0
            limit = bound(room, scopes, upper=True)
            if limit is not None:
                above = sign * c > 0
                yield k, _iterations(None if above else -limit, limit if above else None, step)


def _iterations(low: int | None, high: int | None, step: int) -> Interval:
    """Differences of the variable of a loop, as numbers of its iterations."""
    if step < 0:
        low, high = (None if high is None else -high), (None if low is None else -low)
    size = abs(step)
    return (None if low is None else -(-low // size)), (None if high is None else high // size)


def _moving(form: Affine, loops: Path, scopes: Scopes) -> list[tuple[int, int, int]] | None:
    """The terms that change while the common loops run: position of the loop, coefficient, step;
    None if one is not the variable of a loop that counts."""
    found: list[tuple[int, int, int]] = []
    for var, c in form.terms:
        inside = [k for k, loop in enumerate(loops) if not scopes.outside(var, loop)]
        if not inside:
            continue  # fixed while the common loops run
        loop = loops[inside[-1]]
        step = step_of(loop)
        if not isinstance(loop, ir.For) or loop.var is not var or step is None:
            return None
        found.append((inside[-1], c, step))
    return found


def _both(a: Interval, b: Interval) -> Interval:
    lows, highs = ([x for x in pair if x is not None] for pair in zip(a, b, strict=True))
    low, high = max(lows, default=None), min(highs, default=None)
    if low is not None and high is not None and low > high:
        raise Never
    return low, high
