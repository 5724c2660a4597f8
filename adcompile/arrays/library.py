"""Products and linear algebra by library calls.

A library call reads whole arrays, and so does its adjoint: what it needs is kept as it is, copied
if something writes to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from numba.core import types as nt

from adcompile.arrays.emitter import array_type
from adcompile.arrays.pull import Pull
from adcompile.ir import nodes as ir

if TYPE_CHECKING:
    from adcompile.arrays.machine import Machine


def is_possible(m: Machine, operands: Sequence[Pull]) -> bool:
    """For floats or complex numbers of one kind."""
    kinds = {p.dtype for p in operands}
    return len(kinds) == 1 and kinds <= {nt.float64, nt.float32, nt.complex128, nt.complex64}


def call(
    m: Machine,
    fn: str,
    operands: Sequence[Pull],
    dims: tuple[ir.Expr, ...],
    dtype: nt.Type,
    *more: ir.Expr,
) -> Pull:
    """``fn(*operands, *more)``, a new array with these extents."""
    arrays = (*(m.lasting(p) for p in operands), *more)
    m.close()
    kind = array_type(dtype, len(dims))
    made = m.fresh_from(fn, arrays, kind, dims, named=m.loops > 0)
    m.made_by_library.add(made)
    return m.pull_of(made)
