"""From ssa to plain: joins and carried variables become copies.

    if c: ...            if c: ...; out = then
    else: ...       ->   else: ...; out = orelse
    join(out, then, orelse)

    carried(head, init, next, out)  ->  head = init
                                        loop: ...; head = next
                                        out = head

The copies at the end of a loop body happen at once, before the exit check that is printed last.
Most copies vanish when the names on both sides turn out equal (names.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from adcompile.errors import Loc
from adcompile.ir.nodes import (
    Assign,
    AssignMany,
    Block,
    Carried,
    For,
    Function,
    If,
    Raise,
    Stmt,
    Var,
    While,
)
from adcompile.ir.walk import statements, stmt_reads


def destruct(fn: Function) -> Function:
    """The same program in the plain dialect."""
    needed = _needed(fn.body)
    return replace(fn, body=_block(fn.body, needed))


def _needed(body: Block) -> set[Var]:
    """The variables that are read, directly or through joins and carried variables.  The others
    get no copies: a copy of a variable that is unset on some path would fail for nothing."""
    sources: dict[Var, list[Var]] = {}
    work: list[Var] = []
    for stmt in statements(body):
        work.extend(stmt_reads(stmt))
        match stmt:
            case If(joins=joins):
                for join in joins:
                    parts = (join.then, join.orelse)
                    sources[join.out] = [part for part in parts if part is not None]
            case For(exit=exit_, carried=carried) | While(exit=exit_, carried=carried):
                if exit_ is not None:
                    work.append(exit_)
                for one in carried:
                    sources[one.out] = [one.head]
                    sources[one.head] = [one.next] + ([one.init] if one.init else [])
            case _:
                pass
    needed: set[Var] = set()
    while work:
        var = work.pop()
        if var not in needed:
            needed.add(var)
            work.extend(sources.get(var, ()))
    return needed


def _block(block: Block, needed: set[Var]) -> Block:
    return tuple(made for stmt in block for made in _stmt(stmt, needed))


def _stmt(stmt: Stmt, needed: set[Var]) -> Iterator[Stmt]:
    match stmt:
        case If(_, then, orelse, joins, loc):
            live = [join for join in joins if join.out in needed]
            yield replace(
                stmt,
                then=_branch(then, [(join.out, join.then) for join in live], loc, needed),
                orelse=_branch(orelse, [(join.out, join.orelse) for join in live], loc, needed),
                joins=(),
            )
        case For(body=body, carried=carried, loc=loc) | While(body=body, carried=carried, loc=loc):
            heads = [one for one in carried if one.head in needed]
            for one in heads:
                if one.init is not None:
                    yield Assign(one.head, one.init, loc=loc)
            copies = parallel_copies([(one.head, one.next) for one in heads], loc)
            ends_in_raise = bool(body) and isinstance(body[-1], Raise)
            tail = () if ends_in_raise else copies
            yield replace(stmt, body=_block(body, needed) + tail, carried=())
            yield from _outs(carried, needed, loc)
        case _:
            yield stmt


def _outs(carried: tuple[Carried, ...], needed: set[Var], loc: Loc) -> Iterator[Stmt]:
    for one in carried:
        if one.out in needed:
            yield Assign(one.out, one.head, loc=loc)


def _branch(
    block: Block, copies: Sequence[tuple[Var, Var | None]], loc: Loc, needed: set[Var]
) -> Block:
    body = _block(block, needed)
    if body and isinstance(body[-1], Raise):
        return body
    # Sequential copies will do: no target of a join is the source of another.
    made = (Assign(out, source, loc=loc) for out, source in copies if source is not None)
    return (*body, *made)


def parallel_copies(pairs: Sequence[tuple[Var, Var]], loc: Loc) -> Block:
    """Statements that do all ``target = source`` at once: single assignments in an order in which
    no source is overwritten before it is read, and tuple assignments for cycles."""
    remaining = {target: source for target, source in pairs if target is not source}
    made: list[Stmt] = []
    while remaining:
        wanted = set(remaining.values())
        free = next((target for target in remaining if target not in wanted), None)
        if free is not None:
            made.append(Assign(free, remaining.pop(free), loc=loc))
            continue
        # Every target is a source: what remains is a permutation.  Take its first cycle.
        cycle = [next(iter(remaining))]
        while remaining[cycle[-1]] is not cycle[0]:
            cycle.append(remaining[cycle[-1]])
        made.append(AssignMany(tuple(cycle), tuple(remaining.pop(var) for var in cycle), loc=loc))
    return tuple(made)
