"""Subscripts and conditions in terms of the variables of loops (plain dialect)."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace

from adcompile.ir import nodes as ir
from adcompile.ir.walk import (
    blocks,
    map_blocks,
    map_expr,
    map_stmt_exprs,
    statements,
    stmt_defs,
    subexpressions,
    substitute,
)


def with_indices(fn: ir.Function, integers: Set[ir.Var]) -> ir.Function:
    """Subscripts and conditions in which ``integers`` that are sums and products of others, or
    comparisons, give way to what they are."""
    return replace(fn, body=_block(fn.body, {}, integers))


def loop_with_indices(loop: ir.For, integers: Set[ir.Var]) -> ir.For:
    """The same of one loop."""
    (made,) = _block((loop,), {}, integers)
    assert isinstance(made, ir.For)
    return made


def _block(block: ir.Block, known: dict[ir.Var, ir.Expr], integers: Set[ir.Var]) -> ir.Block:
    env = dict(known)
    out: list[ir.Stmt] = []
    for stmt in block:
        inner = {v for b in blocks(stmt) for s in statements(b) for v in stmt_defs(s)}
        if isinstance(stmt, ir.For | ir.While):
            env = _without(env, {*inner, *stmt_defs(stmt)})
        stmt = _written(stmt, env)
        if blocks(stmt):
            stmt = map_blocks(lambda b, env=env: _block(b, env, integers), stmt)  # type: ignore[misc]
        env = _without(env, {*inner, *stmt_defs(stmt)})
        match stmt:
            case ir.Assign(target, value) if target in integers:
                value = substitute(value, env)
                if _is_plain(value, target):
                    env[target] = value
            case _:
                pass
        out.append(stmt)
    return tuple(out)


def _written(stmt: ir.Stmt, env: dict[ir.Var, ir.Expr]) -> ir.Stmt:
    def loaded(expr: ir.Expr) -> ir.Expr:
        match expr:
            case ir.Load(array, index):
                return ir.Load(array, tuple(substitute(i, env) for i in index))
            case _:
                return expr

    if not env:
        return stmt
    stmt = map_stmt_exprs(lambda e: map_expr(loaded, e), stmt)
    match stmt:
        case ir.Store(_, index) | ir.Accumulate(_, index):
            places = tuple(i if isinstance(i, ir.Slice) else substitute(i, env) for i in index)
            return replace(stmt, index=places)
        case ir.If(cond):
            return replace(stmt, cond=substitute(cond, env))
        case ir.For(_, start, stop):
            return replace(stmt, start=substitute(start, env), stop=substitute(stop, env))
        case _:
            return stmt


def _without(env: dict[ir.Var, ir.Expr], changed: set[ir.Var]) -> dict[ir.Var, ir.Expr]:
    return {
        v: e
        for v, e in env.items()
        if v not in changed and not any(x in changed for x in subexpressions(e))
    }


def _is_plain(value: ir.Expr, target: ir.Var) -> bool:
    parts = list(subexpressions(value))
    if len(parts) > 24 or any(p is target for p in parts):
        return False
    return all(
        isinstance(p, ir.Var | ir.Const | ir.Dim | ir.Compare | ir.Logic)
        or (isinstance(p, ir.Binary) and p.op in "+-*&%")
        or (isinstance(p, ir.Unary) and p.op in ("-", "not"))
        for p in parts
    )
