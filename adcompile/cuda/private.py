"""Variables that no iteration hands to the next, where the code alone does not show it (plain
dialect): what is set and later read under the same condition begins each iteration as zero."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import replace

from numba.core import types as nt

from adcompile.analysis.exposed import exposed
from adcompile.analysis.scope import Scopes
from adcompile.ir import nodes as ir
from adcompile.ir.walk import blocks, map_blocks, statements, stmt_defs, stmt_reads


def carried_in(fn: ir.Function) -> set[ir.Var]:
    """Of a program in ssa: what iterations do hand on."""
    found: set[ir.Var] = set()
    for stmt in statements(fn.body):
        if isinstance(stmt, ir.For | ir.While):
            for c in stmt.carried:
                found |= {c.head, c.out}
    return found


def make_private(
    fn: ir.Function, types: Mapping[ir.Var, nt.Type], scopes: Scopes, carried: Set[ir.Var]
) -> ir.Function:
    """``scopes``: of the program in ssa that ``fn`` was made from, in which every variable is
    assigned once, so that one of a loop that is not ``carried`` has its value from the iteration
    itself."""
    own = {
        v
        for v, path in scopes.loops.items()
        if path and v in scopes.defined_by and v not in carried and v in types
    }
    return replace(fn, body=_block(fn.body, fn, types, own))


def _block(
    block: ir.Block, fn: ir.Function, types: Mapping[ir.Var, nt.Type], own: Set[ir.Var]
) -> ir.Block:
    out: list[ir.Stmt] = []
    for stmt in block:
        if isinstance(stmt, ir.For):
            inside = {v for s in statements(stmt.body) for v in stmt_defs(s)}
            elsewhere = {v for s in _outside(fn.body, stmt) for v in _set(s)}
            start = [
                ir.Assign(v, ir.Const(_zero(types[v])))
                for v in exposed(stmt.body, {stmt.var})
                if v in own and v in inside and v not in elsewhere and _is_number(types[v])
            ]
            stmt = replace(stmt, body=(*start, *stmt.body))
        if blocks(stmt):
            stmt = map_blocks(lambda b: _block(b, fn, types, own), stmt)
        out.append(stmt)
    return tuple(out)


def _outside(block: ir.Block, loop: ir.For) -> list[ir.Stmt]:
    """All statements but those in ``loop``."""
    found: list[ir.Stmt] = []
    for stmt in block:
        if stmt is loop:
            continue
        found.append(stmt)
        for inner in blocks(stmt):
            found += _outside(inner, loop)
    return found


def _set(stmt: ir.Stmt) -> list[ir.Var]:
    """What a statement sets otherwise than to the zero of variables that may be unset."""
    match stmt:
        case ir.Assign(_, ir.Const()):
            return []
        case _:
            return list(stmt_defs(stmt))


def drop_unread_constants(fn: ir.Function) -> ir.Function:
    """``fn`` without constants that nothing reads, which stood for variables that may be unset."""
    read = {v for s in statements(fn.body) for v in stmt_reads(s)}
    read |= {s.exit for s in statements(fn.body) if isinstance(s, ir.For | ir.While) and s.exit}

    def kept(block: ir.Block) -> ir.Block:
        return tuple(
            map_blocks(kept, s) if blocks(s) else s
            for s in block
            if not (isinstance(s, ir.Assign) and isinstance(s.value, ir.Const)) or s.target in read
        )

    return replace(fn, body=kept(fn.body))


def _is_number(kind: nt.Type) -> bool:
    return isinstance(kind, nt.Float | nt.Integer | nt.Boolean)


def _zero(kind: nt.Type) -> float | int | bool:
    if isinstance(kind, nt.Boolean):
        return False
    return 0 if isinstance(kind, nt.Integer) else 0.0
