"""One name per list (plain dialect): parameters and results of inlined calls are second names.

``b = a`` is a second name for good where b is set once and, from there to its last use in the same
block, ``a`` is not set again; or where ``a`` is not used any more and ``b`` was not in between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from adcompile.ir import nodes as ir
from adcompile.ir.walk import blocks, map_blocks, rename_block, statements, stmt_defs, stmt_reads

IsList = Callable[[ir.Var], bool]


def without_second_names(body: ir.Block, is_list: IsList) -> ir.Block:
    """``body`` in which as many lists as possible have one name."""
    while (found := next(_second_names(body, body, is_list), None)) is not None:
        stmt, old, new = found
        body = rename_block(_without(body, stmt), {old: new})
    return body


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
