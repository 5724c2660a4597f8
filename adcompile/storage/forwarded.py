"""Values that the program itself keeps: ``h[i] = tanh(...)``, and nothing else writes to ``h``.

The reverse sweep loads such a value from the array; no tape and no second tanh.
"""

from __future__ import annotations

from numba.core import types as nt

from adcompile.analysis.affine import non_negative
from adcompile.analysis.alias import Roots
from adcompile.analysis.scope import Scopes
from adcompile.ir import nodes as ir
from adcompile.ir.walk import statements, stmt_reads


def find_forwarded(
    fn: ir.Function, types: dict[ir.Var, nt.Type], scopes: Scopes, roots: Roots
) -> dict[ir.Var, ir.Load]:
    """Variables set in a loop -> the element, of an array made outside of all loops, that holds
    their value for good."""
    writers: dict[ir.Var, list[ir.Stmt]] = {}
    stores: list[tuple[ir.Var, ir.Store]] = []
    for stmt in statements(fn.body):
        match stmt:
            case ir.Store(array, _, ir.Var() as value):
                stores.append((value, stmt))
                writers.setdefault(array, []).append(stmt)
            case ir.Store(array) | ir.Accumulate(array) | ir.Fill(array) | ir.CopyInto(array):
                writers.setdefault(array, []).append(stmt)
            case ir.Do() | ir.Call() | ir.Custom():
                for var in stmt_reads(stmt):
                    writers.setdefault(var, []).append(stmt)
            case _:
                pass
    found: dict[ir.Var, ir.Load] = {}
    for value, store in stores:
        array, path = store.array, scopes.stmt_loops[id(store)]
        made = scopes.defined_by.get(array)
        alone = roots.get(array) == frozenset((array,)) and not any(
            array in roots.get(other, ()) for other in writers if other is not array
        )
        kind = types.get(array)
        if not isinstance(kind, nt.Array) or kind.dtype != types.get(value):
            continue  # converted on the way
        if not path or value not in scopes.loops or scopes.loops[value] != path:
            continue
        if not alone or writers[array] != [store] or not isinstance(made, ir.Alloc):
            continue
        if scopes.loop_of(array) is not None or array in scopes.nested_in_if:
            continue
        loops = [loop.var for loop in path if isinstance(loop, ir.For)]
        if not all(non_negative(i, scopes) for i in loops):
            continue  # -1 and n - 1 are the same element
        if len(loops) != len(path) or not any(s is store for s in path[-1].body):
            continue
        index = tuple(i for i in store.index if isinstance(i, ir.Const | ir.Var))
        plain = all(isinstance(i, ir.Const) or i in loops for i in index)
        if plain and len(index) == len(store.index) and set(loops) <= set(index):
            found.setdefault(value, ir.Load(array, index))
    return found
