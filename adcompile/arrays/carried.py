"""Arrays that a loop hands on, one axis of which has extent one all the time: they broadcast.

    bias = np.zeros((n, 1))
    for _ in range(steps):
        y = p @ x + bias
        bias = mean - p @ shift          # (n, 1) again

That is assumed of an axis that is so at first, and then seen to be so in what the body makes; where
it is not, or where something is refused under it, all is expanded again without the assumption.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from adcompile.ir import nodes as ir

if TYPE_CHECKING:
    from adcompile.arrays.machine import Machine

_ONE = ir.Const(1)
Axis = tuple[ir.Var, int]  # the variable at the head of the loop


class NotOne(Exception):
    """The assumption that failed."""

    def __init__(self, axis: Axis) -> None:
        super().__init__(axis)
        self.axis = axis


def assume_ones(m: Machine, loop: ir.For | ir.While) -> None:
    """Before the body is expanded."""
    for one in loop.carried:
        for axis in _ones(m, one.init):
            if (one.head, axis) not in m.more_than_one:
                m.assumed.add((one.head, axis))
                _is_one(m, one.head, axis)


def check_ones(m: Machine, loop: ir.For | ir.While) -> None:
    """After that.  What is so in all iterations is so after the loop."""
    for one in loop.carried:
        found = set(_ones(m, one.next))
        for axis in _ones(m, one.head):
            if axis not in found:
                raise NotOne((one.head, axis))
            _is_one(m, one.out, axis)


def _ones(m: Machine, var: ir.Var | None) -> Iterator[int]:
    dims = m.dims_of(var) if var is not None and var in m.dims else ()
    yield from (axis for axis, dim in enumerate(dims) if dim == _ONE)


def _is_one(m: Machine, var: ir.Var, axis: int) -> None:
    dims = list(m.dims_of(var))
    dims[axis] = _ONE
    m.dims[var] = tuple(dims)
