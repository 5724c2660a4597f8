"""How many iterations lie between the read of an element and the write that hits it.

    for i in range(n):
        for j in range(i):
            for k in range(j):
                a[i, j] -= a[i, k] * a[j, k]

The element ``a[i, k]`` is written where ``j`` is this ``k``: with the same ``i``, and with a ``j``
that is less than the present one.
"""

from __future__ import annotations

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
            known = _same_terms(a, b, loops, scopes)
            if known is None:
                known = _bounded(a, b, loops, scopes)
            if known is not None:
                k, interval = known
                found[k] = _both(found.get(k, ANY), interval)
        except Never:
            return None
    return found


def _same_terms(a: Affine, b: Affine, loops: Path, scopes: Scopes) -> tuple[int, Interval] | None:
    """``x[i + 1]`` and ``x[i - 1]``."""
    if dict(a.terms) != dict(b.terms):
        return None
    gap = a.constant - b.constant
    moving = _moving(a, loops, scopes)
    if not moving and gap:
        raise Never
    if moving is None or len(moving) != 1:
        return None
    ((k, c, step),) = moving
    if gap % (c * step):
        raise Never
    return k, (gap // (c * step),) * 2


def _bounded(a: Affine, b: Affine, loops: Path, scopes: Scopes) -> tuple[int, Interval] | None:
    """``x[k]`` read for ``k`` in ``range(j)``, and ``x[j]`` written: by the variable of one common
    loop, and what is fixed as long as that runs."""
    moving = _moving(b, loops, scopes)
    if moving is None or len(moving) != 1:
        return None
    ((k, c, step),) = moving
    loop = loops[k]
    if abs(c) != 1 or not isinstance(loop, ir.For):
        return None
    own = Affine(((loop.var, 1),), 0)
    hit = scaled(added(a, added(b, scaled(own, c), -1), -1), c)  # where the loop writes the element
    for limit, sign, least in ((loop.stop, 1, 0), (loop.start, -1, 1)) if step > 0 else ():
        end = affine(limit, scopes)
        if end is not None and _moving(end, loops, scopes) == []:  # the same for both
            low = bound(scaled(added(hit, end, -1), sign), scopes, upper=False)
            if low is not None and low >= least:
                raise Never
    gap = added(hit, own, -1)
    low, high = bound(gap, scopes, upper=False), bound(gap, scopes, upper=True)
    if step < 0:
        low, high = (None if high is None else -high), (None if low is None else -low)
    return k, (low, high)


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
