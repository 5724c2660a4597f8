"""A matrix applied along one axis of an array, and sums of such products: one library call.

``k0 @ x0 + k1 @ x1`` is ``[k0 k1] @ [x0; x1]``: so a product that einsum asks for is not computed
at once, but when something wants its elements, with the products that were added to it since.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numba.core import types as nt

from adcompile.arrays import library
from adcompile.arrays.emitter import ONE, Emitter, Index, array_type
from adcompile.arrays.pull import Dims, Pull, read_by
from adcompile.arrays.shapes import transpose
from adcompile.ir import nodes as ir

if TYPE_CHECKING:
    from adcompile.arrays.machine import Machine

Labels = tuple[Hashable, ...]
LAST = -1


@dataclass(frozen=True)
class Term:
    """``matrix`` (r, k) applied along one axis of ``part``."""

    matrix: Pull
    part: Pull


@dataclass(frozen=True)
class Pending:
    """``rest`` plus the sum of ``terms``, along ``axis``: 0, 1 or LAST."""

    axis: int
    terms: tuple[Term, ...]
    rest: Pull | None = None


def along_an_axis(
    m: Machine, terms: Sequence[Labels], result: Labels, operands: Sequence[Pull]
) -> Pull | None:
    """The contraction, not computed yet, or None if it is of another form."""
    if m.loops or not library.is_possible(m, operands) or any(ONE in p.dims for p in operands):
        return None
    (first, second), (a, b) = terms, operands
    found = _applied(m, first, second, result, (a, b))
    return found or _applied(m, second, first, result, (b, a))


def _applied(
    m: Machine, matrix: Labels, part: Labels, result: Labels, operands: Sequence[Pull]
) -> Pull | None:
    common = [label for label in matrix if label in part]
    rows = [label for label in matrix if label not in part]
    if len(matrix) != 2 or len(common) != 1 or len(rows) != 1 or len(part) < 3:
        return None
    (over,), (row,) = common, rows
    place = part.index(over)
    if len(set(part)) != len(part) or result != (*part[:place], row, *part[place + 1 :]):
        return None
    if place not in (0, 1, len(part) - 1):
        return None
    first, second = operands
    if matrix[0] == over:
        first = transpose(m, first)
    m.same(first.dims[1], second.dims[place])
    dims = tuple(first.dims[0] if k == place else dim for k, dim in enumerate(second.dims))
    axis = LAST if place == len(part) - 1 else place
    kind = m.result(np.multiply, operands)
    return _pull(dims, kind, Pending(axis, (Term(first, second),)))


def _pull(dims: Dims, dtype: nt.Type, pending: Pending) -> Pull:
    def at(out: Emitter, index: Index) -> ir.Expr:
        raise AssertionError("elements of a sum of products that is not computed yet")

    operands = [p for term in pending.terms for p in (term.matrix, term.part)]
    reads = read_by(operands)
    if pending.rest is None:
        return Pull(dims, dtype, at, reads=reads, shifted=reads, pending=pending)
    both, shifted = reads | pending.rest.reads, reads | pending.rest.shifted
    return Pull(dims, dtype, at, reads=both, shifted=shifted, pending=pending)


def added(m: Machine, a: Pull, b: Pull) -> Pull | None:
    """``a + b`` where one is not computed yet, if the sum need not be either."""
    if a.pending is None or (b.pending is not None and len(b.pending.terms) > len(a.pending.terms)):
        a, b = b, a
    first, second = a.pending, b.pending
    if first is None or a.dtype is not b.dtype or b.rank > a.rank:
        return None
    if second is not None and (a.rank != b.rank or first.axis != second.axis):
        return None
    if b.rank and m.common((a, b)) != tuple(m.canonical(d) for d in a.dims):
        return None
    terms, others = first.terms, [first.rest]
    if second is None:
        others.append(b)
    else:
        terms = (*terms, *second.terms)
        others.append(second.rest)
    rests = [rest for rest in others if rest is not None]
    rest = rests[0] if rests else None
    if len(rests) == 2:
        rest = m.elementwise("+", lambda p: ir.Binary("+", p[0], p[1]), rests)
    return _pull(a.dims, a.dtype, Pending(first.axis, terms, rest))


def computed(m: Machine, pull: Pull) -> Pull:
    """``pull`` with elements: the library call, beside which ``rest`` is added."""
    pending = pull.pending
    if pending is None:
        return pull
    m.close_for(read_by([p for term in pending.terms for p in (term.matrix, term.part)]))
    matrices = [_in_memory(m, term.matrix) for term in pending.terms]
    parts = [_in_memory(m, term.part) for term in pending.terms]
    name = "rt.contract_last" if pending.axis == LAST else f"rt.contract_{pending.axis}"
    kind = array_type(pull.dtype, pull.rank)
    made = m.fresh_from(name, (*matrices, *parts), kind, pull.dims, named=m.regroup)
    m.made_by_library.add(made)
    found = m.pull_of(made)
    if pending.rest is None:
        return found
    return m.elementwise("+", lambda p: ir.Binary("+", p[0], p[1]), [pending.rest, found])


def _in_memory(m: Machine, part: Pull) -> ir.Var:
    """An array with the elements of ``part``: a view, if it is a slice of an array that nothing
    writes to."""
    if part.view is None or not m.roots_of(part.view[0]).isdisjoint(m.written):
        return m.lasting(part)
    base, index = part.view
    made = m.out.var(f"{base.name}_part", nt.Array(part.dtype, part.rank, "A"))
    m.out.out.append(ir.View(made, base, index, m.out.loc))
    m.roots[made] = m.roots_of(base)
    m.dims[made] = part.dims
    m.readers[made] = [-1]
    return made


def with_view(pull: Pull, base: Pull, index: tuple[ir.Index, ...]) -> Pull:
    """``pull``, which is ``base[index]``, knowing that it is."""
    simple = all(isinstance(i, ir.Slice | ir.Var | ir.Dim | ir.Const) for i in index)
    if base.array is None or not simple or ir.Const(None) in index or ir.Const(...) in index:
        return pull
    return replace(pull, view=(base.array, index))
