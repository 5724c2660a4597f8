"""Plain IR -> ssa: every definition becomes its own variable.

``If`` gets joins, loops get carried values; both name only what is assigned inside.  Dead ones
are removed afterwards by ``optimise.deadcode``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TypeAlias, TypeVar, cast

from adcompile.errors import UnsupportedError
from adcompile.ir import nodes as ir
from adcompile.ir.walk import map_stmt_exprs, rename_expr, statements, stmt_defs, stmt_reads

Env: TypeAlias = dict[ir.Var, ir.Var]
S = TypeVar("S", bound=ir.Stmt)


def to_ssa(fn: ir.Function) -> ir.Function:
    """Rename ``fn`` (plain dialect) so that each variable is assigned once."""
    env: Env = {p: p for p in fn.params}
    env.update({v: v for v, _ in fn.constants})
    body, _ = _block(fn.body, env)
    return replace(fn, body=body)


def rename_reads(stmt: S, env: Env) -> S:
    """``stmt`` reading the current versions; what it defines and its blocks stay."""
    for var in stmt_reads(stmt):
        if var not in env:
            raise UnsupportedError(
                f"{var.name!r} is read before it is assigned",
                stmt.loc,
                "Assign it on every path before this line.",
            )
    return cast(S, map_stmt_exprs(lambda expr: rename_expr(expr, env), stmt))


def _assigned(block: ir.Block) -> Iterator[ir.Var]:
    seen: set[ir.Var] = set()
    for stmt in statements(block):
        for var in stmt_defs(stmt):
            if var not in seen:
                seen.add(var)
                yield var


def diverges(block: ir.Block) -> bool:
    """Control never reaches the end: the last statement raises."""
    if not block:
        return False
    last = block[-1]
    if isinstance(last, ir.Raise):
        return True
    return isinstance(last, ir.If) and diverges(last.then) and diverges(last.orelse)


def _block(block: ir.Block, env: Env) -> tuple[ir.Block, Env]:
    out: list[ir.Stmt] = []
    for stmt in block:
        if isinstance(stmt, ir.Assign) and isinstance(stmt.value, ir.Var):
            source = env.get(stmt.value)
            if source is None:  # None handed on: whoever reads the copy is told
                env.pop(stmt.target, None)
                continue
            if source is not None and _vanishes(stmt.target, source, stmt.value):
                env[stmt.target] = source  # a copy that only adcompile made
                continue
        if isinstance(stmt, ir.Unset):
            for var in stmt.vars:
                env.pop(var, None)
            continue
        if isinstance(stmt, ir.AssignMany):
            many = rename_reads(stmt, env)
            for target, value in zip(stmt.targets, many.values, strict=True):
                out.append(ir.Assign(_fresh(target, env), value, loc=stmt.loc))
            continue
        if isinstance(stmt, ir.If):
            cond = rename_reads(stmt, env).cond
            if isinstance(cond, ir.Const):  # Numba would drop the other branch unseen
                chosen, _ = _block(stmt.then if cond.value else stmt.orelse, env)
                out.extend(chosen)
                if diverges(chosen):
                    break
                continue
        out.append(_stmt(stmt, env))
        if isinstance(stmt, ir.Raise):
            break  # what follows is unreachable
    return tuple(out), env


def _vanishes(target: ir.Var, source: ir.Var, written: ir.Var) -> bool:
    """Copies of loop variables into the user's name, and into and out of temporaries."""
    return (source is written and source.name == target.name) or target.temp or source.temp


def _fresh(var: ir.Var, env: Env) -> ir.Var:
    new = ir.Var(var.name, var.temp)
    env[var] = new
    return new


def _stmt(stmt: ir.Stmt, env: Env) -> ir.Stmt:
    match stmt:
        case ir.If():
            return _if(stmt, env)
        case ir.For() | ir.While():
            return _loop(stmt, env)
        case ir.Assign() | ir.Alloc() | ir.Copy() | ir.View():
            read = rename_reads(stmt, env)
            return replace(read, target=_fresh(stmt.target, env))
        case ir.Call(targets) | ir.Custom(targets):
            called = rename_reads(stmt, env)
            return replace(called, targets=tuple(_fresh(target, env) for target in targets))
        case _:
            return rename_reads(stmt, env)


def _if(stmt: ir.If, env: Env) -> ir.Stmt:
    cond = rename_reads(stmt, env).cond
    then, then_env = _block(stmt.then, dict(env))
    orelse, else_env = _block(stmt.orelse, dict(env))
    then_dead, else_dead = diverges(then), diverges(orelse)
    joins: list[ir.Join] = []
    for var in _unique(_assigned(stmt.then), _assigned(stmt.orelse)):
        a = None if then_dead else then_env.get(var)
        b = None if else_dead else else_env.get(var)
        if a is None and b is None:
            env.pop(var, None)
        elif a is b:
            assert a is not None
            env[var] = a
        else:
            joins.append(ir.Join(_fresh(var, env), a, b))
    return replace(stmt, cond=cond, then=then, orelse=orelse, joins=tuple(joins))


def _loop(stmt: ir.For | ir.While, env: Env) -> ir.Stmt:
    changed = [v for v in _assigned(stmt.body) if not isinstance(stmt, ir.For) or v is not stmt.var]
    inner: Env = dict(env)
    heads = {var: _fresh(var, inner) for var in changed}
    if isinstance(stmt, ir.For):
        head_stmt: ir.For | ir.While = rename_reads(stmt, env)
        inner[stmt.var] = stmt.var
    else:
        head_stmt = rename_reads(stmt, inner)
    body, inner = _block(stmt.body, inner)
    carried: list[ir.Carried] = []
    exit_var = None
    if stmt.exit is not None:
        exit_var = inner[stmt.exit]
    dead_end = diverges(body)
    for var in changed:
        init = env.get(var)
        out = _fresh(var, env)
        nxt = heads[var] if dead_end else inner.get(var, heads[var])
        carried.append(ir.Carried(heads[var], init, nxt, out))
    return replace(head_stmt, body=body, exit=exit_var, carried=tuple(carried))


def _unique(*sources: Iterator[ir.Var]) -> Iterator[ir.Var]:
    seen: set[ir.Var] = set()
    for source in sources:
        for var in source:
            if var not in seen:
                seen.add(var)
                yield var
