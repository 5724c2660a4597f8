"""Sums of products over one axis, for each entry of another one: a stack of matrix products."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from adcompile.arrays import library
from adcompile.arrays.emitter import ONE
from adcompile.arrays.pull import Pull
from adcompile.arrays.shapes import transpose

if TYPE_CHECKING:
    from adcompile.arrays.machine import Machine

Labels = tuple[Hashable, ...]


def stacked_product(
    m: Machine, terms: Sequence[Labels], result: Labels, operands: Sequence[Pull]
) -> Pull | None:
    """The contraction by one library call, or None if it is of another form."""
    a, b = terms
    common = [label for label in a if label in b]
    stack = [label for label in common if label in result]
    rows, columns = ([x for x in term if x not in common] for term in terms)
    groups = (stack, [x for x in common if x not in stack], rows, columns)
    if any(len(group) != 1 for group in groups) or len(a) != 3 or len(b) != 3:
        return None
    if set(result) != {*stack, *rows, *columns} or len(result) != 3:
        return None
    if m.loops or not library.is_possible(m, operands) or any(ONE in p.dims for p in operands):
        return None
    (each,), (over,), (row,), (column,) = groups
    if result.index(column) < result.index(row):  # so that the last axis of the result is the last
        return stacked_product(m, (b, a), result, (operands[1], operands[0]))
    left = _arranged(m, a, (each, row, over), operands[0])
    turned = b[-1] == over
    right = _arranged(m, b, (each, column, over) if turned else (each, over, column), operands[1])
    extent = m.same(left.dims[0], right.dims[0])
    m.same(left.dims[2], right.dims[2 if turned else 1])
    dims = (extent, left.dims[1], right.dims[1 if turned else 2])
    name = "rt.stacked_nt" if turned else "rt.stacked_nn"
    made = library.call(m, name, (left, right), dims, m.result(np.multiply, operands))
    made_labels = (each, row, column)
    return transpose(m, made, tuple(made_labels.index(label) for label in result))


def _arranged(m: Machine, have: Labels, want: Labels, pull: Pull) -> Pull:
    """The operand with its axes in this order, in memory."""
    if have == want:
        return pull
    order = tuple(have.index(label) for label in want)
    return m.pull_of(m.memory(transpose(m, pull, order)))
