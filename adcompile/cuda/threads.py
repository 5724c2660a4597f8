"""Whether the threads of a user's kernel meet at an element: asked of the kernel itself, before
anything is left out or written anew."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from typing import Any

from numba.core import types as nt

from adcompile.adjoint.assemble import Problem
from adcompile.cuda.disjoint import (
    Access,
    Apart,
    Known,
    is_over,
    meeting,
)
from adcompile.cuda.holds import Holding, loops_with
from adcompile.cuda.host import HINT
from adcompile.cuda.kinds import Types
from adcompile.cuda.limits import Limits, least, possible
from adcompile.cuda.loop_variables import named_apart
from adcompile.cuda.private import carried_in, make_private
from adcompile.cuda.subscripts import loop_with_indices, with_indices
from adcompile.emit.destruct import destruct
from adcompile.errors import UnsupportedError
from adcompile.frontend.kernel_blocks import LOOPS
from adcompile.frontend.kernel_forms import waits
from adcompile.frontend.kernels import AXES
from adcompile.ir import nodes as ir
from adcompile.ir.walk import statements, stmt_defs
from adcompile.optimise.arrays_used import Arrays, Use

_GRID = frozenset(f"threads_{axis}" for axis in AXES)


def check_threads(func: Any, p: Problem) -> Limits:
    """Refuse a kernel in which an element that one thread writes is touched by another, unless all
    of them add to it atomically.  ``func`` is its form, which frontend/kernels.py makes.  What that
    takes for granted of the numbers of threads, to be checked at each launch."""
    file = p.fn.loc.file
    items, added = ({(file, line) for line in lines} for lines in func.__adcompile_threads__)
    fn = make_private(destruct(p.fn), p.types, p.scopes, carried_in(p.fn))
    ranks = {v: kind.ndim for v, kind in p.types.items() if isinstance(kind, nt.Array)}
    fn, types, _ = named_apart(fn, dict(p.types), ranks)
    if waits(func):
        return _check_blocks(fn, types, added)
    grid = {v for v in fn.params if v.name in _GRID}
    known = Known.of(fn, types)
    arrays = Arrays(fn.body)
    for loop in statements(fn.body):
        if not isinstance(loop, ir.For):
            continue
        if loop.stop not in grid and (loop.loc.file, loop.loc.line) not in items:
            continue
        local = {v for s in statements((loop,)) for v in stmt_defs(s)}
        for array, uses in arrays.written_in(loop, local):
            place = next((s for s in statements(loop.body) if _writes(s, array)), loop)
            if uses is None:
                text = f"{array.name} is written, and may be known by another name"
            elif arrays.apart(uses, loop) or all(_is_atomic(u, added) for u in uses):
                continue
            else:
                inlined = loop_with_indices(loop, known.integers)
                if not meeting(inlined, known, local, array).get(array):
                    continue
                text = f"threads with other {loop.var.name} may share elements of {array.name}"
            raise UnsupportedError(text, place.loc, HINT if uses is None else _ADVICE)
    return ()


def _check_blocks(fn: ir.Function, types: Types, added: Set[tuple[str, int]]) -> Limits:
    """The same of blocks, and in each phase of the threads of a block."""
    known = Known.of(fn, types)
    fn = with_indices(fn, known.integers)
    arrays = Arrays(fn.body)
    met: list[_Met] = []
    for loop, holds in loops_with(fn.body, lambda one: bool(is_over(one, known.counts))):
        local = {v for s in statements((loop,)) for v in stmt_defs(s)}
        for array, uses in arrays.written_in(loop, local):
            if uses is None:
                place = next((s for s in statements(loop.body) if _writes(s, array)), loop)
                text = f"{array.name} is written, and may be known by another name"
                raise UnsupportedError(text, place.loc, HINT)
        for pairs in meeting(loop, known, local, holds=holds).values():
            met += [
                _Met(loop, holds, one, other)
                for one, other in pairs
                if not (_adds(one, added) and _adds(other, added))
            ]

    def apart(m: _Met, limits: Limits) -> bool:
        return Apart(m.loop, known, (*limits, *m.holds)).never_meet(m.one, m.other)

    limits = possible(fn, known)
    for m in met:
        if not apart(m, limits):
            place = m.one.stmt if m.one.kind != "read" else m.other.stmt
            who = "blocks" if m.loop.var.name.startswith(LOOPS[0]) else "threads of a block"
            text = f"{who} may share elements of {m.one.array.name}"
            raise UnsupportedError(text, place.loc, _SHARED_ADVICE)
    return least(limits, lambda some: all(apart(m, some) for m in met)) if met else ()


@dataclass(frozen=True)
class _Met:
    """Two accesses by which iterations of a loop may meet at an element."""

    loop: ir.For
    holds: Holding
    one: Access
    other: Access


def _adds(access: Access, places: Set[tuple[str, int]]) -> bool:
    loc = access.stmt.loc
    return access.kind == "add" and (loc.file, loc.line) in places


_SHARED_ADVICE = (
    "Between two syncthreads let each thread write where its index stands, or under a condition "
    "that keeps it from what others touch; or use cuda.atomic.add."
)
_ADVICE = (
    "Let each thread write where its index in the grid stands, alone, on the same axis; or use "
    "cuda.atomic.add."
)


def _is_atomic(use: Use, places: Set[tuple[str, int]]) -> bool:
    """Not ``+=`` in a device function."""
    return isinstance(use, ir.Accumulate) and (use.loc.file, use.loc.line) in places


def _writes(stmt: ir.Stmt, array: ir.Var) -> bool:
    return isinstance(stmt, ir.Store | ir.Accumulate | ir.Fill) and stmt.array is array
