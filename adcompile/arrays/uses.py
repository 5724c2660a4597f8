"""Who reads an array: what nobody reads any more needs no memory."""

from __future__ import annotations

from collections.abc import Iterable

from adcompile.analysis.alias import find_roots, written_roots
from adcompile.arrays.emitter import Types
from adcompile.ir import nodes as ir
from adcompile.ir.walk import statements, stmt_reads


class Uses:
    """``done``: the statements (by identity) that are finished.  ``consumed``: those whose values
    the current statement has taken."""

    def __init__(self, fn: ir.Function, types: Types) -> None:
        self.done: set[int] = set()
        self.consumed: set[int] = set()
        self.readers: dict[ir.Var, list[int]] = {}
        self.views: set[ir.Var] = set()  # arrays of which there is a view
        self.computed: set[ir.Var] = set()  # arrays that are no views
        self.slices: dict[ir.Var, tuple[ir.Var, tuple[ir.Index, ...]]] = {}
        self.outliving: set[ir.Var] = set()  # what branches and loops hand on
        self.roots = find_roots(fn, types)
        self.written = self.written_anywhere(fn)
        for stmt in statements(fn.body):
            for var in all_reads(stmt):
                self.readers.setdefault(var, []).append(id(stmt))
            self.outliving |= set(handed_on(stmt))
            if isinstance(stmt, ir.View):
                self.views.add(stmt.base)

    def written_anywhere(self, fn: ir.Function) -> frozenset[ir.Var]:
        """The roots of arrays that some statement writes to."""
        found = set(written_roots(fn, self.roots))
        for stmt in statements(fn.body):
            if isinstance(stmt, ir.Assign) and stmt.inplace and stmt.target in self.roots:
                found |= self.roots[stmt.target]
        return frozenset(found)

    def is_read_once(self, var: ir.Var) -> bool:
        return len(self.readers.get(var, ())) <= 1

    def finished(self, stmt: ir.Stmt) -> None:
        self.done |= {id(stmt), *self.consumed}
        self.consumed = set()

    def is_needed(self, array: ir.Var) -> bool:
        """Whether a statement that is not finished reads it."""
        return not set(self.readers.get(array, ())) <= self.done


def all_reads(stmt: ir.Stmt) -> Iterable[ir.Var]:
    yield from stmt_reads(stmt)
    yield from handed_on(stmt)


def handed_on(stmt: ir.Stmt) -> Iterable[ir.Var]:
    """What joins and carried values read."""
    match stmt:
        case ir.If(joins=joins):
            for j in joins:
                yield from (v for v in (j.then, j.orelse) if v is not None)
        case ir.For(carried=carried) | ir.While(carried=carried):
            for c in carried:
                yield from (v for v in (c.init, c.next) if v is not None)
        case _:
            pass
