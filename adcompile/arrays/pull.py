"""Arrays that are not there yet: a shape, and how to compute one element.

``np.sum((a - b) ** 2)`` needs no array in between: the pull of the square computes its element from
those of ``a`` and ``b`` wherever the sum asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from numba.core import types as nt

from adcompile.arrays.emitter import Emitter, Index
from adcompile.ir import nodes as ir

if TYPE_CHECKING:
    from adcompile.arrays.contractions import Pending

Element: TypeAlias = Callable[[Emitter, Index], ir.Expr]
Place: TypeAlias = Callable[[Emitter, Index], tuple[ir.Var, Index]]
Mapping: TypeAlias = Callable[[Emitter, Index], Index]
Dims: TypeAlias = tuple[ir.Expr, ...]

_ONE = ir.Const(1)


@dataclass(frozen=True)
class Pull:
    """``at(emitter, index)`` emits what computes one element and returns an atom.

    ``dims`` are atoms or dimensions; Const(1) is an axis that broadcasts.
    ``cheap``: computing an element twice costs no more than keeping it.
    ``array``: the array whose elements these are, if it is one as it stands.
    ``place``: where an element lies in memory, if this is an array or NumPy makes a view of one.
    ``weak``: a literal, which takes the precision of what it meets.
    ``reads``: the arrays that ``at`` loads from; ``shifted``: those of them that are read at
    another index than the one asked for.
    ``maybe_view``: copied here, but NumPy makes a view of it in some layouts of memory.
    ``part``: the real or imaginary parts of elements in memory: a view that is only read.
    ``view``: the slice of an array in memory that this is, if it is one.
    ``pending``: products that are still to be computed; there are no elements before.
    """

    dims: Dims
    dtype: nt.Type
    at: Element
    cheap: bool = False
    array: ir.Var | None = None
    place: Place | None = None
    weak: bool = False
    reads: frozenset[ir.Var] = frozenset()
    shifted: frozenset[ir.Var] = frozenset()
    maybe_view: bool = False
    part: bool = False
    view: tuple[ir.Var, tuple[ir.Index, ...]] | None = None
    pending: Pending | None = None

    @property
    def rank(self) -> int:
        return len(self.dims)


def of_array(array: ir.Var, kind: nt.Array, dims: Dims) -> Pull:
    def at(out: Emitter, index: Index) -> ir.Expr:
        return out.load(array, index)

    return Pull(
        dims,
        kind.dtype,
        at,
        cheap=True,
        array=array,
        place=lambda out, index: (array, index),
        reads=frozenset((array,)),
    )


def of_scalar(value: ir.Expr, kind: nt.Type, weak: bool = False) -> Pull:
    return Pull((), kind, lambda out, index: value, True, weak=weak)


def rearranged(a: Pull, dims: Dims, mapping: Mapping, view: bool = True) -> Pull:
    """The elements of ``a`` in another order: ``mapping`` takes an index below ``dims`` to one of
    ``a``.  ``view``: NumPy makes a view, which sees later changes of ``a``."""

    def at(out: Emitter, index: Index) -> ir.Expr:
        return a.at(out, mapping(out, index))

    place: Place | None = None
    if a.place is not None and view:
        where = a.place

        def place(out: Emitter, index: Index) -> tuple[ir.Var, Index]:
            return where(out, mapping(out, index))

    unsure, part = a.maybe_view and view, a.part and view
    return Pull(dims, a.dtype, at, a.cheap, None, place, a.weak, a.reads, a.reads, unsure, part)


def broadcast(pull: Pull, dims: Dims) -> Pull:
    """``pull`` over ``dims``, with which it is known to agree but for axes of extent one."""
    missing = len(dims) - pull.rank
    fixed = tuple(d == _ONE for d in pull.dims)
    if not missing and not any(fixed):
        return pull

    def mapping(out: Emitter, index: Index) -> Index:
        own = index[missing:]
        return tuple(ir.Const(0) if f else i for f, i in zip(fixed, own, strict=True))

    found = rearranged(pull, dims, mapping, view=False)
    return replace(found, weak=pull.weak)


def read_by(pulls: Sequence[Pull]) -> frozenset[ir.Var]:
    return frozenset[ir.Var]().union(*(p.reads for p in pulls))


def with_name(a: Pull, name: str) -> Pull:
    """``a``, whose elements bear the name of the user's variable for it."""

    def at(out: Emitter, index: Index) -> ir.Expr:
        atom = a.at(out, index)
        if isinstance(atom, ir.Var) and atom.temp and out.defines(atom):
            return out.rename(atom, f"{name}_i", False)
        return atom

    return replace(a, at=at)
