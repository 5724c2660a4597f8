"""One name per list (plain dialect): parameters and results of inlined calls are second names.

``b = a`` is a second name for good where b is set once and, from there to its last use in the same
block, ``a`` is not set again; or where ``a`` is not used any more and ``b`` was not in between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from adcompile.ir import nodes as ir
from adcompile.ir.walk import blocks, map_blocks, rename_block, statements, stmt_defs, stmt_reads

IsList = Callable[[ir.Var], bool]


def without_second_names(body: ir.Block, is_list: IsList) -> ir.Block:
    """``body`` in which as many lists as possible have one name."""
    while (found := next(_second_names(body, body, is_list), None)) is not None:
        stmt, old, new = found
        body = rename_block(_without(body, stmt), {old: new})
    return body


def with_own_names(fn: ir.Function) -> ir.Function:
    """A variable per use of a name, where ``row`` is a list here, and in a later loop another one
    or a number."""
    names: dict[ir.Var, None] = {}
    before = -1
    while before < len(names):
        before = len(names)
        for stmt in statements(fn.body):
            match stmt:
                case ir.Assign(target, ir.Apply("list.make")):
                    names[target] = None
                case ir.Assign(target, ir.Var() as source) if source in names:
                    names[target] = None
                case ir.Assign(target, ir.Binary(_, a, b)) if a in names or b in names:
                    names[target] = None
                case ir.Assign(target, ir.Subscript(base)) if base in names:
                    names[target] = None
                case _:
                    pass
    body = fn.body
    for var in names:
        if not var.temp and var not in fn.params:
            body = _with_own_names(body, var, True)
    return replace(fn, body=body)


def _with_own_names(block: ir.Block, var: ir.Var, outermost: bool) -> ir.Block:
    inside = [k for k, stmt in enumerate(block) if mentions((stmt,), var)]
    if len(inside) == 1:
        stmt = block[inside[0]]
        if not _begins(stmt, var) and var not in (*stmt_reads(stmt), *stmt_defs(stmt)):
            if sum(mentions(b, var) for b in blocks(stmt)) == 1:
                new = map_blocks(lambda b: _with_own_names(b, var, False), stmt)
                return tuple(new if s is stmt else s for s in block)
        return block
    begins = [_begins(block[k], var) for k in inside]
    for n, k in reversed(list(enumerate(inside))):  # a loop may not run: what was there is left
        if begins[n] and blocks(block[k]) and n + 1 < len(inside) and not begins[n + 1]:
            begins[n] = False
    if not (begins and (begins[0] or outermost)):
        return block
    done: list[ir.Stmt] = []
    renaming: dict[ir.Var, ir.Var] = {}
    starts = {k for k, begin in zip(inside[1:], begins[1:]) if begin}
    for k, stmt in enumerate(block):
        if k in starts:
            renaming = {var: ir.Var(var.name, var.temp)}
        done += rename_block((stmt,), renaming)
    return tuple(done)


def _begins(stmt: ir.Stmt, var: ir.Var) -> bool:
    """Whether ``var`` is set anew before it is read, and does not outlive a loop's iteration."""
    if var in stmt_defs(stmt):
        return var not in stmt_reads(stmt) and not blocks(stmt)
    if not isinstance(stmt, ir.For) or var in stmt_reads(stmt):
        return False
    first = next((s for s in stmt.body if mentions((s,), var)), None)
    return first is not None and _begins(first, var) and not blocks(first)


def _without(block: ir.Block, gone: ir.Stmt) -> ir.Block:
    return tuple(map_blocks(lambda b: _without(b, gone), s) for s in block if s is not gone)


def _second_names(
    block: ir.Block, whole: ir.Block, is_list: IsList
) -> Iterator[tuple[ir.Stmt, ir.Var, ir.Var]]:
    """Statements that may go, and the renaming that replaces them."""
    for k, stmt in enumerate(block):
        match stmt:
            case ir.Assign(b, ir.Var() as a) if is_list(a) and a is not b:
                if _is_view(block, k, a, b, whole):
                    yield stmt, b, a
                elif _is_moved(block, k, a, b, whole):
                    yield stmt, a, b
            case _:
                pass
        for inner in blocks(stmt):
            yield from _second_names(inner, whole, is_list)


def _is_view(block: ir.Block, k: int, a: ir.Var, b: ir.Var, whole: ir.Block) -> bool:
    here = [n for n, stmt in enumerate(block) if n > k and mentions((stmt,), b)]
    last = here[-1] if here else k
    if _count(whole, b) != _count(block[k : last + 1], b) or _definitions(whole, b) != 1:
        return False
    return _definitions(block[k + 1 : last + 1], a) == 0


def _is_moved(block: ir.Block, k: int, a: ir.Var, b: ir.Var, whole: ir.Block) -> bool:
    first = next((n for n in range(k) if mentions((block[n],), a)), None)
    if first is None or _count(whole, a) != _count(block[first : k + 1], a):
        return False
    if a not in stmt_defs(block[first]):  # what an earlier iteration left
        return False
    return not mentions(block[first:k], b)


def mentions(block: Sequence[ir.Stmt], var: ir.Var) -> bool:
    return _count(block, var) > 0


def _count(block: Sequence[ir.Stmt], var: ir.Var) -> int:
    """How often ``var`` is read or set."""
    found = 0
    for stmt in statements(tuple(block)):
        if not isinstance(stmt, ir.Unset):
            found += sum(v is var for v in (*stmt_reads(stmt), *stmt_defs(stmt)))
    return found


def _definitions(block: Sequence[ir.Stmt], var: ir.Var) -> int:
    return sum(v is var for stmt in statements(tuple(block)) for v in stmt_defs(stmt))
