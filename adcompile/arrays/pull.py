"""Arrays that are not there yet: a shape, and how to compute one element.

``np.sum((a - b) ** 2)`` needs no array in between: the pull of the square computes its element from
those of ``a`` and ``b`` wherever the sum asks for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from numba.core import types as nt

from adcompile.arrays.emitter import Emitter, Index
from adcompile.ir import nodes as ir

Element: TypeAlias = Callable[[Emitter, Index], ir.Expr]


@dataclass(frozen=True)
class Pull:
    """``at(emitter, index)`` emits what computes one element and returns an atom.

    ``dims`` are atoms or dimensions; Const(1) is an axis that broadcasts.  ``cheap``: computing an
    element twice costs no more than keeping it.  ``array``: the array whose elements these are, if
    it is one as it stands.  ``weak``: a literal, which takes the precision of what it meets.
    """

    dims: tuple[ir.Expr, ...]
    dtype: nt.Type
    at: Element
    cheap: bool = False
    array: ir.Var | None = None
    weak: bool = False
    reads: frozenset[ir.Var] = frozenset()  # the arrays that ``at`` loads from
    shifted: frozenset[ir.Var] = frozenset()  # those read at another index than the one asked for

    @property
    def rank(self) -> int:
        return len(self.dims)


def of_array(array: ir.Var, kind: nt.Array, dims: tuple[ir.Expr, ...]) -> Pull:
    def at(out: Emitter, index: Index) -> ir.Expr:
        return out.load(array, index)

    return Pull(dims, kind.dtype, at, True, array, reads=frozenset((array,)))


def of_scalar(value: ir.Expr, kind: nt.Type, weak: bool = False) -> Pull:
    return Pull((), kind, lambda out, index: value, True, weak=weak)


def broadcast(pull: Pull, dims: tuple[ir.Expr, ...]) -> Pull:
    """``pull`` over ``dims``, with which it is known to agree but for axes of extent one."""
    missing = len(dims) - pull.rank
    fixed = tuple(d == ir.Const(1) for d in pull.dims)
    if not missing and not any(fixed):
        return pull

    def at(out: Emitter, index: Index) -> ir.Expr:
        own = index[missing:]
        return pull.at(out, tuple(ir.Const(0) if f else i for f, i in zip(fixed, own, strict=True)))

    return Pull(dims, pull.dtype, at, pull.cheap, None, pull.weak, pull.reads, pull.reads)
