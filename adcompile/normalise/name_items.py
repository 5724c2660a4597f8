"""Items of parameters get the names that the user unpacks them to (ssa, after tuples).

``w, b = params`` makes ``w`` a second name of an array, and an array of two names can be reached
behind the back of passes that look for one.
"""

from __future__ import annotations

from dataclasses import replace

from numba.core import types as nt

from adcompile.ir import nodes as ir
from adcompile.ir.walk import rename_block


def name_items(fn: ir.Function, types: dict[ir.Var, nt.Type]) -> ir.Function:
    items = {
        stmt.target
        for stmt in fn.body
        if isinstance(stmt, ir.Assign) and isinstance(stmt.value, ir.TupleGet)
    }
    names: dict[ir.Var, ir.Var] = {}
    taken = {var.name for var in (*fn.params, *items)}
    body: list[ir.Stmt] = []
    for stmt in fn.body:
        match stmt:
            case ir.View(target, base, ()) if (
                base in items
                and base not in names
                and types[target] == types[base]
                and not target.temp
                and not {target.name, f"{target.name}_adj", f"{target.name}_tan"} & taken
            ):
                names[base] = target
                taken.add(target.name)
            case _:
                body.append(stmt)
    return replace(fn, body=rename_block(tuple(body), names))
