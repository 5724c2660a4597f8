"""Copies of variables in a loop's body (plain dialect)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Set

from adcompile.analysis.exposed import exposed
from adcompile.ir import nodes as ir
from adcompile.ir.walk import rename_block, statements, stmt_defs, stmt_reads


def without_idle_copies(body: ir.Block, later: Set[ir.Var]) -> ir.Block:
    """``body`` without copies of what an iteration hands on unchanged, ``b = a`` and later
    ``a = b``.  ``later``: the variables that are read outside of the loop."""
    count = Counter(v for s in statements(body) for v in stmt_defs(s))
    early = set(exposed(body))
    root: dict[ir.Var, ir.Var] = {}
    for stmt in body:
        match stmt:
            case ir.Assign(target, ir.Var() as value) if count[target] == 1:
                if target not in early and target not in later:
                    root[target] = root.get(value, value)
            case _:
                pass
    back = Counter(
        stmt.target
        for stmt in body
        if isinstance(stmt, ir.Assign)
        and isinstance(stmt.value, ir.Var)
        and root.get(stmt.value) is stmt.target
    )
    fixed = {v for v in root.values() if back[v] == count[v]}
    same = {v: r for v, r in root.items() if r in fixed}
    left = (s for s in body if not (isinstance(s, ir.Assign) and _is_idle(s, same)))
    return rename_block(tuple(left), same)


def _is_idle(stmt: ir.Assign, same: dict[ir.Var, ir.Var]) -> bool:
    def of(var: ir.Var) -> ir.Var:
        return same.get(var, var)

    return isinstance(stmt.value, ir.Var) and of(stmt.target) is of(stmt.value)


def late_copies(body: ir.Block) -> ir.Block:
    """``body`` with each copy of a variable just before either is next touched."""
    out: list[ir.Stmt] = []  # the last statement first
    for stmt in reversed(body):
        at = 0
        if isinstance(stmt, ir.Assign) and isinstance(stmt.value, ir.Var):
            both = {stmt.target, stmt.value}
            while at < len(out) and both.isdisjoint(_touched(out[-1 - at])):
                at += 1
            at = 0 if at == len(out) else at
        out.insert(len(out) - at, stmt)
    return tuple(reversed(out))


def _touched(stmt: ir.Stmt) -> set[ir.Var]:
    inner = tuple(statements((stmt,)))
    return {v for s in inner for v in (*stmt_reads(s), *stmt_defs(s))}
