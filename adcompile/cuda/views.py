"""Views made in loops give way to what they are views of (plain dialect): ``v = a[i]; v[k]``
becomes ``a[i, k]``, so that it can be seen which elements of ``a`` an iteration touches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypeAlias

from adcompile.ir import nodes as ir
from adcompile.ir.walk import (
    blocks,
    index_reads,
    map_blocks,
    map_expr,
    map_stmt_exprs,
    statements,
    stmt_defs,
    stmt_reads,
)

Entry: TypeAlias = ir.Expr | None  # None: a whole axis
Known: TypeAlias = Mapping[ir.Var, tuple[ir.Var, tuple[Entry, ...]]]


def inline_views(fn: ir.Function, ranks: Mapping[ir.Var, int]) -> ir.Function:
    """``ranks``: of the arrays whose rank is known."""
    body = tuple(_loop(s, ranks) for s in fn.body)
    return replace(fn, body=body)


def _loop(stmt: ir.Stmt, ranks: Mapping[ir.Var, int]) -> ir.Stmt:
    if not isinstance(stmt, ir.For):
        if blocks(stmt):
            return map_blocks(lambda b: tuple(_loop(s, ranks) for s in b), stmt)
        return stmt
    return replace(stmt, body=_unread(_block(stmt.body, {}, dict(ranks))))


def _block(block: ir.Block, known: Known, ranks: dict[ir.Var, int]) -> ir.Block:
    env = dict(known)
    out: list[ir.Stmt] = []
    for stmt in block:
        inner = {v for s in statements(blocks_of(stmt)) for v in stmt_defs(s)}
        if isinstance(stmt, ir.For | ir.While):
            env = _without(env, {*inner, *stmt_defs(stmt)})
        stmt = _rewritten(stmt, env)
        if blocks(stmt):
            stmt = map_blocks(lambda b, env=env: _block(b, env, ranks), stmt)  # type: ignore[misc]
        env = _without(env, {*inner, *stmt_defs(stmt)})
        match stmt:
            case ir.View(target, base, index) if target is not base:
                entries = _entries(index, ranks.get(base))
                if entries is not None:
                    env[target] = (base, entries)
                    ranks[target] = sum(e is None for e in entries)
            case _:
                pass
        out.append(stmt)
    return tuple(out)


def blocks_of(stmt: ir.Stmt) -> ir.Block:
    return tuple(s for b in blocks(stmt) for s in b)


def _without(
    env: Mapping[ir.Var, tuple[ir.Var, tuple[Entry, ...]]], changed: set[ir.Var]
) -> dict[ir.Var, tuple[ir.Var, tuple[Entry, ...]]]:
    """What still holds after these variables have been assigned."""

    def mentions(target: ir.Var, base: ir.Var, entries: Iterable[Entry]) -> bool:
        read = index_reads(tuple(e for e in entries if e is not None))
        return any(v in changed for v in (target, base, *read))

    return {t: (b, entries) for t, (b, entries) in env.items() if not mentions(t, b, entries)}


def _entries(index: tuple[ir.Index, ...], rank: int | None) -> tuple[Entry, ...] | None:
    """Integers and whole axes; None if there are others."""
    if rank is None:
        return None
    found: list[Entry] = []
    for entry in index:
        match entry:
            case ir.Slice(None, None, None):
                found.append(None)
            case ir.Slice() | ir.Const(None) | ir.Load():
                return None
            case ir.Const(value) if value is ...:
                return None
            case ir.Var() | ir.Const() | ir.Binary() | ir.Unary():
                found.append(entry)
            case _:
                return None
    if len(found) > rank:
        return None
    return (*found, *(None,) * (rank - len(found)))


def _composed(entries: tuple[Entry, ...], index: tuple[ir.Index, ...]) -> tuple[ir.Index, ...]:
    """``base[entries][index]`` as one subscript."""
    rest = list(index)
    out: list[ir.Index] = []
    for entry in entries:
        if entry is not None:
            out.append(entry)
        else:
            out.append(rest.pop(0) if rest else ir.Slice(None, None, None))
    assert not rest
    return tuple(out)


def _rewritten(stmt: ir.Stmt, env: Known) -> ir.Stmt:
    def change(expr: ir.Expr) -> ir.Expr:
        match expr:
            case ir.Load(array, index) if array in env:
                base, entries = env[array]
                places = _composed(entries, index)
                return ir.Load(base, tuple(p for p in places if not isinstance(p, ir.Slice)))
            case ir.Dim(array, axis) if array in env:
                base, entries = env[array]
                axes = [k for k, entry in enumerate(entries) if entry is None]
                return ir.Dim(base, axes[axis])
            case _:
                return expr

    def walked(expr: ir.Expr) -> ir.Expr:
        return expr if isinstance(expr, ir.Var) else map_expr(change, expr)

    match stmt:
        case ir.View(base=base, index=index) if base in env:
            under, entries = env[base]
            return replace(stmt, base=under, index=_composed(entries, index))
        case ir.Store(array) | ir.Accumulate(array) | ir.Fill(array) if array in env:
            base, entries = env[array]
            made = replace(stmt, array=base, index=_composed(entries, stmt.index))
            return map_stmt_exprs(walked, made)
        case _:
            return map_stmt_exprs(walked, stmt)


def _unread(block: ir.Block) -> ir.Block:
    """Without views that nothing reads."""
    read = {v for s in statements(block) for v in stmt_reads(s)}

    def kept(b: ir.Block) -> ir.Block:
        out: list[ir.Stmt] = []
        for s in b:
            if isinstance(s, ir.View) and s.target not in read:
                continue
            out.append(map_blocks(kept, s) if blocks(s) else s)
        return tuple(out)

    while True:
        block = kept(block)
        again = {v for s in statements(block) for v in stmt_reads(s)}
        if again == read:
            return block
        read = again
