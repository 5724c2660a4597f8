"""Neighbouring loop nests become one where the second reads what the first makes (ssa).

``d = np.sum(a * a, axis=1); e = np.exp(d[:, None] - b)`` leaves two nests over the same rows: run
together, the second finds the row in the cache.  Only outer loops meet here: innermost ones stay as
simple as they are, so that they vectorise.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from numba.core import types as nt

from adcompile.analysis.accesses import accesses
from adcompile.analysis.alias import Roots, find_roots
from adcompile.analysis.scope import find_scopes
from adcompile.ir import nodes as ir
from adcompile.ir.walk import (
    blocks,
    map_blocks,
    rename_block,
    statements,
    stmt_defs,
    stmt_reads,
)
from adcompile.optimise.extents import Extents

_SIMPLE = ir.Assign | ir.Store | ir.Accumulate | ir.If | ir.For | ir.While | ir.Comment
_DISTANCE = 16  # statements between two nests


def fuse_nests(
    fn: ir.Function, types: dict[ir.Var, nt.Type], shapes: dict[ir.Var, tuple[ir.Expr, ...]]
) -> ir.Function:
    """``fn`` with nests fused.  ``shapes``: of arrays that loops make."""
    fusion = _Fusion(fn, types, shapes)
    return replace(fn, body=fusion.block(fn.body, ()))


def sink_deepest(fn: ir.Function, types: dict[ir.Var, nt.Type]) -> ir.Function:
    """``fn`` with what does not depend on its deepest loop nest before that nest: the adjoint of
    its results is then known as early as can be."""
    loops = [s for s in fn.body if isinstance(s, ir.For)]
    if not loops:
        return fn
    deepest = max(depth(s) for s in loops)
    loop = [s for s in loops if depth(s) == deepest][-1]
    roots = find_roots(fn, types)
    fresh = {s.target for s in statements(fn.body) if isinstance(s, ir.Alloc)}
    if not only_computes(loop, roots, fresh):
        return fn
    place = next(k for k, s in enumerate(fn.body) if s is loop)
    kept = _Touched(roots).add((loop,))
    earlier: list[ir.Stmt] = []
    later: list[ir.Stmt] = []
    for stmt in fn.body[place + 1 :]:
        if _may_move(stmt) and not _Touched(roots).add((stmt,)).before(kept):
            earlier.append(stmt)
        else:
            later.append(stmt)
            kept.add((stmt,))
            if _raises(stmt):  # what follows it must not raise before
                later += fn.body[place + 1 + len(earlier) + len(later) :]
                break
    return replace(fn, body=(*fn.body[:place], *earlier, loop, *later))


def depth(stmt: ir.Stmt) -> int:
    """How many loops are in each other."""
    inner = [depth(s) for block in blocks(stmt) for s in block]
    return max(inner, default=0) + isinstance(stmt, ir.For | ir.While)


def only_computes(loop: ir.For, roots: Roots, fresh: set[ir.Var]) -> bool:
    """Whether a loop does nothing but compute scalars and write to the function's own arrays."""
    if loop.exit is not None or any(c.head in roots for c in loop.carried):
        return False
    for stmt in statements(loop.body):
        if not isinstance(stmt, _SIMPLE):
            return False
        if isinstance(stmt, ir.For | ir.While) and stmt.exit is not None:
            return False
        if isinstance(stmt, ir.Store | ir.Accumulate) and stmt.array not in fresh:
            return False
    return True


@dataclass
class _Touched:
    """What statements define, read, and write."""

    roots: Roots
    defined: set[ir.Var] = field(default_factory=set)
    read: set[ir.Var] = field(default_factory=set)
    arrays_read: set[ir.Var] = field(default_factory=set)
    arrays_written: set[ir.Var] = field(default_factory=set)

    def add(self, stmts: Iterable[ir.Stmt]) -> _Touched:
        for stmt in statements(tuple(stmts)):
            self.defined.update(stmt_defs(stmt))
            for var in _all_reads(stmt):
                self.read.add(var)
                self.arrays_read |= self.roots.get(var, frozenset())
            if isinstance(stmt, ir.Store | ir.Accumulate | ir.Fill | ir.CopyInto):
                self.arrays_written |= self.roots[stmt.array]
            elif isinstance(stmt, ir.Do | ir.Call | ir.Custom):
                for var in stmt_reads(stmt):
                    self.arrays_written |= self.roots.get(var, frozenset())
        return self

    def before(self, other: _Touched) -> bool:
        """Whether ``other``, which comes first, has to."""
        return not (
            self.read.isdisjoint(other.defined)
            and self.arrays_read.isdisjoint(other.arrays_written)
            and self.arrays_written.isdisjoint(other.arrays_read | other.arrays_written)
        )


class _Fusion:
    def __init__(
        self,
        fn: ir.Function,
        types: dict[ir.Var, nt.Type],
        shapes: dict[ir.Var, tuple[ir.Expr, ...]],
    ) -> None:
        self.fn, self.types, self.shapes = fn, types, shapes
        self.roots, self.scopes = find_roots(fn, types), find_scopes(fn)
        defined = self.scopes.defined_by
        self.fresh = {v for v, stmt in defined.items() if isinstance(stmt, ir.Alloc)}

    def touched(self, *stmts: ir.Stmt) -> _Touched:
        return _Touched(self.roots).add(stmts)

    def block(self, block: ir.Block, earlier: ir.Block) -> ir.Block:
        """``earlier``: what has run before the block, as far as it may raise."""
        out: list[ir.Stmt] = []
        for k, stmt in enumerate(block):
            if blocks(stmt):
                before = (*earlier, *filter(_raises, block[:k]))
                stmt = map_blocks(lambda b, before=before: self.block(b, before), stmt)  # type: ignore[misc]
            out.append(stmt)
        place = 0
        while place < len(out):
            if not self.fuse_at(out, place, earlier):
                place += 1
        return tuple(out)

    def fuse_at(self, out: list[ir.Stmt], place: int, earlier: ir.Block) -> bool:
        """Fuse the nest at ``place`` with one that follows."""
        first = out[place]
        if not isinstance(first, ir.For) or not self.is_nest(first):
            return False
        for k in range(place + 1, min(place + _DISTANCE, len(out))):
            second = out[k]
            if isinstance(second, ir.For) and self.is_nest(second):
                known = (*earlier, *filter(_raises, out[:place]))
                made = self.fused(first, out[place + 1 : k], second, known)
                if made is not None:
                    out[place : k + 1] = made
                    return True
        return False

    def is_nest(self, loop: ir.For) -> bool:
        """A loop around loops, over 0, 1, ..."""
        if (loop.start, loop.step) != (ir.Const(0), ir.Const(1)):
            return False
        if not any(isinstance(s, ir.For) for s in loop.body):
            return False
        return only_computes(loop, self.roots, self.fresh)

    def fused(
        self, a: ir.For, between: list[ir.Stmt], b: ir.For, known: ir.Block
    ) -> list[ir.Stmt] | None:
        """What replaces ``a``, ``between`` and ``b``.  ``known``: what would have raised before."""
        first, second = self.touched(a), self.touched(b)
        shared = (first.arrays_written & (second.arrays_read | second.arrays_written)) | (
            first.arrays_read & second.arrays_written
        )
        if not first.arrays_written & second.arrays_read:
            return None
        if not second.read.isdisjoint(first.defined):
            return None
        if not all(self.aligned(root, a, b) for root in shared):
            return None
        earlier: list[ir.Stmt] = []
        later: list[ir.Stmt] = []
        kept = self.touched(a)
        for stmt in between:
            if _may_move(stmt) and not self.touched(stmt).before(kept):
                earlier.append(stmt)
            else:
                later.append(stmt)
                kept.add((stmt,))
        if any(_raises(s) for s in later) or second.before(self.touched(*later)):
            return None
        # Only what comes before may say that the ranges are the same.
        facts = replace(self.fn, body=(*known, *earlier))
        if not Extents(facts, self.types, self.scopes, self.shapes).same(a.stop, b.stop):
            return None
        body = (*a.body, *rename_block(b.body, {b.var: a.var}))
        return [*earlier, replace(a, body=body, carried=(*a.carried, *b.carried)), *later]

    def aligned(self, root: ir.Var, a: ir.For, b: ir.For) -> bool:
        """Whether iteration i of each loop has to do with part i of the array alone."""
        axes: set[int] | None = None
        for loop in (a, b):
            for stmt in statements(loop.body):
                for array, index in accesses(stmt):
                    if root not in self.roots.get(array, ()):
                        continue
                    if array is not root or index is None:
                        return False
                    own = {k for k, entry in enumerate(index) if entry is loop.var}
                    axes = own if axes is None else axes & own
        return bool(axes)


def _all_reads(stmt: ir.Stmt) -> Iterator[ir.Var]:
    yield from stmt_reads(stmt)
    match stmt:
        case ir.If(joins=joins):
            yield from (v for j in joins for v in (j.then, j.orelse) if v is not None)
        case ir.For(carried=carried) | ir.While(carried=carried):
            yield from (v for c in carried for v in (c.init, c.next) if v is not None)
        case _:
            pass


def _raises(stmt: ir.Stmt) -> bool:
    return any(isinstance(s, ir.Raise) for s in statements((stmt,)))


def _may_move(stmt: ir.Stmt) -> bool:
    """Whether running it before a nest that only fills new arrays makes no difference."""
    match stmt:
        case ir.If(_, (ir.Raise(),), ()):
            return True
        case ir.Assign() | ir.View() | ir.Store() | ir.Accumulate():
            return True
        case ir.Alloc(_, fn):
            return fn.startswith(("np.empty", "np.zeros", "np.ones", "np.full"))
        case ir.For() | ir.While():
            return stmt.exit is None and all(isinstance(s, _SIMPLE) for s in statements((stmt,)))
        case _:
            return False
