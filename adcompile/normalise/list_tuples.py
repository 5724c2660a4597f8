"""Lists of arrays, or of lists, that are written out and never appended to are tuples."""

from __future__ import annotations

from dataclasses import replace

from numba.core import types as nt

from adcompile.errors import UnsupportedError
from adcompile.ir import nodes as ir
from adcompile.ir.walk import map_blocks, statements
from adcompile.normalise.list_storage import ROWS, Types, is_stored


def tuples_for_lists(body: ir.Block, types: Types) -> tuple[ir.Block, set[ir.Var]]:
    """Lists of other things than numbers as tuples where that is what they are; the variables that
    are no lists any more: these, and the lists in them, which are arrays."""
    made: dict[ir.Var, set[int]] = {}
    touched: set[ir.Var] = set()
    rows: list[tuple[ir.Var, ir.Var]] = []  # a name for a list in a list
    called: set[ir.Var] = set()
    for stmt in statements(body):
        match stmt:
            case ir.Assign(target, ir.Subscript(ir.Var() as base)):
                rows.append((target, base))
            case _:
                pass
        match stmt:
            case ir.Assign(target, ir.Apply("list.make", items)):
                made.setdefault(target, set()).add(len(items))
            case ir.Assign(target):
                made.setdefault(target, set()).add(-1)
            case ir.Call(fn=name, args=(ir.Var() as owner, *_)) if name.startswith("list."):
                touched.add(owner)
                called.add(owner)
            case ir.Store(array=owner) | ir.Accumulate(array=owner):
                touched.add(owner)
            case _:
                pass
    touched |= {base for row, base in rows if row in called}
    fixed = {
        var
        for var, counts in made.items()
        if isinstance(kind := types.get(var), nt.List)
        and not is_stored(kind.dtype)
        and len(counts) == 1
        and min(counts) > 0
        and var not in touched
    }
    if not fixed:
        return body, set()
    found = set(fixed)
    grown = True
    while grown:
        grown = False
        for stmt in statements(body):
            if isinstance(stmt, ir.Assign) and stmt.target not in found:
                source = stmt.value.base if isinstance(stmt.value, ir.Subscript) else stmt.value
                if isinstance(types.get(stmt.target), nt.List) and source in found:
                    found.add(stmt.target)
                    grown = True

    def block(stmts: ir.Block) -> ir.Block:
        return tuple(map_blocks(block, one(s)) for s in stmts)

    def one(stmt: ir.Stmt) -> ir.Stmt:
        match stmt:
            case ir.Assign(target, ir.Apply("list.make", items)) if target in fixed:
                return replace(stmt, value=ir.MakeTuple(items))
            case ir.Assign(value=ir.Binary(_, a, b)) if a in found or b in found:
                raise UnsupportedError("this use of a list of lists", stmt.loc, ROWS)
            case _:
                return stmt

    return block(body), found
