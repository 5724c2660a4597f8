"""Exit variables become ``break`` where that says the same.

    for i in range(n):                   for i in range(n):
        exit = 0                             if x[i] < 0.0:
        if x[i] < 0.0:            ->             break
            exit = 2                         s += x[i]
        else:
            s += x[i]
        if exit >= 2: break

That is so where nothing else reads the variable, each iteration assigns it (constants only), and
every assignment that leaves is the last thing on its path through the body.  Other loops keep the
variable, and the check at their end.

Runs on a function with one variable per name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from adcompile.ir.nodes import (
    LEAVE,
    Assign,
    Block,
    Break,
    Const,
    For,
    Function,
    If,
    Raise,
    Return,
    Stmt,
    Var,
    While,
)
from adcompile.ir.walk import blocks, map_blocks, statements, stmt_defs, stmt_reads


def use_breaks(fn: Function) -> Function:
    """The function with ``break`` in the place of exit variables where possible."""
    loops = [stmt for stmt in statements(fn.body) if isinstance(stmt, For | While)]
    read = {var for stmt in statements(fn.body) for var in stmt_reads(stmt)}
    exits = dict.fromkeys(loop.exit for loop in loops if loop.exit is not None)
    for var in exits:
        mine = [loop for loop in loops if loop.exit is var]
        if (
            var not in read
            and var not in fn.params
            and all(_constant(stmt, var) for stmt in statements(fn.body))
            and all(_surely_assigns(loop.body, var) for loop in mine)
            and all(_leaves(loop.body, var) == _tail_leaves(loop.body, var) for loop in mine)
        ):
            fn = replace(fn, body=_rewrite(fn.body, var))
    return fn


def _value(stmt: Stmt, var: Var) -> int | None:
    """The constant that this statement assigns to the exit variable."""
    match stmt:
        case Assign(target, Const(int() as value)) if target is var:
            return value
        case _:
            return None


def _constant(stmt: Stmt, var: Var) -> bool:
    return var not in stmt_defs(stmt) or _value(stmt, var) is not None


def _assigns(stmt: Stmt, var: Var) -> bool:
    inside = (one for block in blocks(stmt) for one in statements(block))
    return var in stmt_defs(stmt) or any(var in stmt_defs(one) for one in inside)


def _surely_assigns(block: Block, var: Var) -> bool:
    """Whether each way through the block assigns the variable or raises."""
    for stmt in block:
        match stmt:
            case If(_, then, orelse):
                if _surely_assigns(then, var) and _surely_assigns(orelse, var):
                    return True
            case Raise() | Return():
                return True
            case _:
                if var in stmt_defs(stmt):
                    return True
    return False


def _leaves(block: Block, var: Var) -> int:
    """How many assignments ask to leave."""
    return sum((_value(stmt, var) or 0) >= LEAVE for stmt in statements(block))


def _tail_leaves(block: Block, var: Var) -> int:
    """How many of them are the last word on their way through the block."""
    found = sum(
        (_value(stmt, var) or 0) >= LEAVE
        and not any(_assigns(later, var) for later in block[at + 1 :])
        for at, stmt in enumerate(block)
    )
    if block and isinstance(block[-1], If):
        found += _tail_leaves(block[-1].then, var) + _tail_leaves(block[-1].orelse, var)
    return found


def _rewrite(block: Block, var: Var) -> Block:
    """Everywhere: loops that this variable ends get breaks, its other assignments go."""
    return tuple(made for stmt in block for made in _rewrite_stmt(stmt, var))


def _rewrite_stmt(stmt: Stmt, var: Var) -> Iterator[Stmt]:
    match stmt:
        case For(body=body, exit=exit_) | While(body=body, exit=exit_) if exit_ is var:
            yield replace(stmt, body=_tail(body, var), exit=None)
        case Assign(target) if target is var:
            return
        case _:
            yield map_blocks(lambda inner: _rewrite(inner, var), stmt)


def _tail(block: Block, var: Var) -> Block:
    """A block in tail position: what comes after it is the end of the iteration."""
    made: list[Stmt] = []
    for stmt in block:
        if stmt is block[-1] and isinstance(stmt, If):
            then, orelse = _tail(stmt.then, var), _tail(stmt.orelse, var)
            if then and isinstance(then[-1], Break | Raise):
                made += [replace(stmt, then=then, orelse=()), *orelse]
            elif then or orelse:
                made.append(replace(stmt, then=then, orelse=orelse))
        else:
            made.extend(_rewrite_stmt(stmt, var))
    leaves = any((_value(stmt, var) or 0) >= LEAVE for stmt in block)
    if leaves and not isinstance(made[-1] if made else None, Break | Raise):
        made.append(Break(loc=block[-1].loc))
    return tuple(made)
