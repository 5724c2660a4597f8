"""Where each variable of an ssa program is defined: its loop, its block, its statement."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from adcompile.ir import nodes as ir
from adcompile.ir.walk import stmt_defs

Loop: TypeAlias = "ir.For | ir.While"
Path: TypeAlias = tuple[Loop, ...]


@dataclass
class Scopes:
    """Facts about a function, keyed by variable or by statement identity.

    loops: the loops around a variable's definition, outermost first (a head and a loop variable
    belong to their loop, an ``out`` to the loop's surroundings).
    stmt_loops, order: the loops around a statement, and its place in program order.
    defined_by: the statement that defines a variable.
    """

    loops: dict[ir.Var, Path] = field(default_factory=dict)
    defined_by: dict[ir.Var, ir.Stmt] = field(default_factory=dict)
    stmt_loops: dict[int, Path] = field(default_factory=dict)
    order: dict[int, int] = field(default_factory=dict)
    nested_in_if: set[ir.Var] = field(default_factory=set)

    def loop_of(self, var: ir.Var) -> Loop | None:
        path = self.loops.get(var, ())
        return path[-1] if path else None

    def outside(self, var: ir.Var, loop: Loop) -> bool:
        """Is ``var`` defined outside ``loop``, so that it is fixed while the loop runs?"""
        return all(one is not loop for one in self.loops.get(var, ()))


def find_scopes(fn: ir.Function) -> Scopes:
    """Walk ``fn`` (ssa) once."""
    scopes = Scopes()
    for param in fn.params:
        scopes.loops[param] = ()
    for var, _ in fn.constants:
        scopes.loops[var] = ()
    _walk(fn.body, (), False, scopes)
    return scopes


def _walk(block: ir.Block, path: Path, in_if: bool, scopes: Scopes) -> None:
    for stmt in block:
        scopes.stmt_loops[id(stmt)] = path
        scopes.order[id(stmt)] = len(scopes.order)
        inner: set[ir.Var] = set()
        if isinstance(stmt, ir.For | ir.While):
            within = (*path, stmt)
            if isinstance(stmt, ir.For):
                inner.add(stmt.var)
            inner.update(c.head for c in stmt.carried)
            for var in inner:
                scopes.loops[var] = within
            _walk(stmt.body, within, in_if, scopes)
        elif isinstance(stmt, ir.If):
            _walk(stmt.then, path, True, scopes)
            _walk(stmt.orelse, path, True, scopes)
        for var in stmt_defs(stmt):
            scopes.defined_by[var] = stmt
            if var not in inner:
                scopes.loops[var] = path
            if in_if:
                scopes.nested_in_if.add(var)
