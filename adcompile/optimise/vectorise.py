"""What lets a loop run on several lanes (plain dialect): sums in any order, branch-free functions.

Both change last bits, so each has its condition: only sums that the user has not written as such
may be regrouped, and only with ``vector_math`` are mathematical functions replaced.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import replace

from adcompile.analysis.activity import Types
from adcompile.analysis.complex_numbers import is_complex_value
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
    return sums if handed_on(body) <= sums else set()


def handed_on(body: ir.Block) -> set[ir.Var]:
    """What an iteration leaves to the next one, but for what it only copies around."""
    assigned = {v for stmt in statements(body) for v in stmt_defs(stmt)}
    origin: dict[ir.Var, ir.Var | None] = {}
    for stmt in body:
        inner = {v for s in statements((stmt,)) for v in stmt_defs(s)}
        match stmt:
            case ir.Assign(target, ir.Var() as value):
                origin[target] = origin.get(value, value)
            case _:
                origin.update(dict.fromkeys(inner))
    return {v for v in assigned & set(exposed(body)) if origin.get(v) is not v}


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

    return replace(fn, body=_mapped(fn.body, change))


def use_vector_math(fn: ir.Function, types: Types) -> ir.Function:
    """Branch-free functions in loops that can run on several lanes; in a recurrence the C library
    answers sooner.  They are for real numbers."""

    def change(expr: ir.Expr) -> ir.Expr:
        match expr:
            case ir.Apply(name, args) if name in REPLACES and not any(
                is_complex_value(arg, types) for arg in args
            ):
                return ir.Apply(f"vm.{REPLACES[name]}", args)
            case _:
                return expr

    def block(body: ir.Block) -> ir.Block:
        out: list[ir.Stmt] = []
        for stmt in body:
            if isinstance(stmt, ir.For) and is_line(stmt):
                stmt = replace(stmt, body=_mapped(stmt.body, change))
            out.append(map_blocks(block, stmt) if blocks(stmt) else stmt)
        return tuple(out)

    return replace(fn, body=block(fn.body))


def is_line(loop: ir.For) -> bool:
    """An innermost loop without calls whose iterations hand on at most results of reductions."""
    inner = tuple(statements(loop.body))
    apart = ir.For | ir.While | ir.Break | ir.Call
    if loop.exit is not None or any(isinstance(s, apart) for s in inner):
        return False
    return all(_is_running(v, inner) for v in handed_on(loop.body))


def _is_running(var: ir.Var, inner: tuple[ir.Stmt, ...]) -> bool:
    """Whether ``var`` is a sum, product or extremum so far."""
    return _chain(var, inner, _is_step) is not None


def steps_of_sum(var: ir.Var, inner: tuple[ir.Stmt, ...], ordered: bool) -> set[ir.Var] | None:
    """The names that the sum ``var`` has in a loop with these statements; None if it is no sum in
    any order.  ``ordered``: a sum that the user wrote counts too."""

    def is_step(stmt: ir.Stmt, old: ir.Var) -> bool:
        match stmt:
            case ir.Assign(_, ir.Apply("rt.plus", (a, _))):
                return a is old
            case ir.Assign(_, ir.Binary("+" | "-", a, _)):
                return ordered and a is old
            case ir.Assign(_, value):
                return value is old
            case _:
                return False

    return _chain(var, inner, is_step)


def _chain(
    var: ir.Var, inner: tuple[ir.Stmt, ...], is_step: Callable[[ir.Stmt, ir.Var], bool]
) -> set[ir.Var] | None:
    chain = {var}
    size = 0
    while size < len(chain):
        size = len(chain)
        for stmt in inner:
            before = [v for v in stmt_reads(stmt) if v in chain]
            if len(before) > 1 or (before and not is_step(stmt, before[0])):
                return None
            if before:
                chain.update(stmt_defs(stmt))
    for stmt in inner:
        if not chain.isdisjoint(stmt_defs(stmt)) and chain.isdisjoint(stmt_reads(stmt)):
            return None
    return chain


def _is_step(stmt: ir.Stmt, old: ir.Var) -> bool:
    match stmt:
        case ir.Assign(_, ir.Binary("+" | "-" | "*", a)):
            return a is old
        case ir.Assign(_, ir.Apply("rt.plus" | "rt.larger" | "rt.smaller", (a, _))):
            return a is old
        case ir.Assign(_, value):
            return value is old
        case _:
            return False


def _mapped(block: ir.Block, change: Callable[[ir.Expr], ir.Expr]) -> ir.Block:
    """``change`` applied to every expression."""
    out: list[ir.Stmt] = []
    for stmt in block:
        stmt = map_stmt_exprs(lambda expr: map_expr(change, expr), stmt)
        out.append(map_blocks(lambda b: _mapped(b, change), stmt) if blocks(stmt) else stmt)
    return tuple(out)
