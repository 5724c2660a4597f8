"""What lets a loop run on several lanes (plain dialect): sums in any order, branch-free functions.

Both change last bits, so each has its condition: only sums that the user has not written as such
may be regrouped, and only with ``vector_math`` are mathematical functions replaced.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import replace

from adcompile.analysis.exposed import exposed
from adcompile.ir import nodes as ir
from adcompile.ir.walk import (
    blocks,
    map_blocks,
    map_expr,
    map_stmt_exprs,
    statements,
    stmt_defs,
    stmt_reads,
)
from adcompile.vectormath import REPLACES

PLUS = "rt.plus"


def regroup_sums(fn: ir.Function, ours: Set[ir.Var]) -> ir.Function:
    """Those of the variables ``ours`` that a loop only adds to are summed in any order, if the loop
    hands on nothing else: otherwise it cannot run on several lanes anyway."""
    return replace(fn, body=_regroup(fn.body, ours))


def _regroup(block: ir.Block, ours: Set[ir.Var]) -> ir.Block:
    out: list[ir.Stmt] = []
    for stmt in block:
        if isinstance(stmt, ir.For | ir.While):
            sums = _only_added_to(stmt.body, ours)
            if sums:
                stmt = map_blocks(lambda b, sums=sums: _added(b, sums), stmt)  # type: ignore[misc]
        out.append(map_blocks(lambda b: _regroup(b, ours), stmt) if blocks(stmt) else stmt)
    return tuple(out)


def _only_added_to(body: ir.Block, ours: Set[ir.Var]) -> set[ir.Var]:
    found: set[ir.Var] = set()
    other: set[ir.Var] = set()
    for stmt in statements(body):
        match stmt:
            case ir.Assign(target, ir.Binary("+" | "-", ir.Var() as old, part)) if old is target:
                found.add(target)
                other.update(v for v in stmt_reads(ir.Assign(target, part)))
            case _:
                other.update(stmt_reads(stmt))
                other.update(stmt_defs(stmt))
    sums = (found - other) & ours
    assigned = {v for stmt in statements(body) for v in stmt_defs(stmt)}
    handed_on = assigned & set(exposed(body))
    return sums if handed_on <= sums else set()


def _added(block: ir.Block, sums: Set[ir.Var]) -> ir.Block:
    def change(stmt: ir.Stmt) -> ir.Stmt:
        match stmt:
            case ir.Assign(target, ir.Binary(op, ir.Var() as old, part)) if (
                old is target and target in sums
            ):
                part = part if op == "+" else ir.Unary("-", part)
                return ir.Assign(target, ir.Apply(PLUS, (target, part)), loc=stmt.loc)
            case _:
                return map_blocks(lambda b: _added(b, sums), stmt) if blocks(stmt) else stmt

    return tuple(change(stmt) for stmt in block)


def keep_order(fn: ir.Function) -> ir.Function:
    """Every sum in the order of its loop."""

    def change(expr: ir.Expr) -> ir.Expr:
        match expr:
            case ir.Apply("rt.plus", (a, b)):
                return ir.Binary("+", a, b)
            case _:
                return expr

    return replace(fn, body=_mapped(fn.body, change, True))


def use_vector_math(fn: ir.Function) -> ir.Function:
    """Branch-free functions in loops; elsewhere there is nothing to vectorise."""

    def change(expr: ir.Expr) -> ir.Expr:
        match expr:
            case ir.Apply(name, args) if name in REPLACES:
                return ir.Apply(f"vm.{REPLACES[name]}", args)
            case _:
                return expr

    return replace(fn, body=_mapped(fn.body, change, False))


def _mapped(block: ir.Block, change: Callable[[ir.Expr], ir.Expr], here: bool) -> ir.Block:
    """``change`` applied to every expression in loops, and outside of them if ``here``."""
    out: list[ir.Stmt] = []
    for stmt in block:
        if here:
            stmt = map_stmt_exprs(lambda expr: map_expr(change, expr), stmt)
        if blocks(stmt):
            inside = here or isinstance(stmt, ir.For | ir.While)
            stmt = map_blocks(lambda b, inside=inside: _mapped(b, change, inside), stmt)  # type: ignore[misc]
        out.append(stmt)
    return tuple(out)
