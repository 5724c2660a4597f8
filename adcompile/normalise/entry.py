"""What stands at the start of every generated function of the user's arguments."""

from __future__ import annotations

from numba.core import types as nt

from adcompile.analysis.alias import Roots, written_roots
from adcompile.ir import nodes as ir

Types = dict[ir.Var, nt.Type]


def parameter_arrays(fn: ir.Function, types: Types) -> list[ir.Var]:
    """Array parameters and the arrays in tuple parameters."""
    found = [v for v in fn.params if isinstance(types[v], nt.Array)]
    for stmt in fn.body:
        if isinstance(stmt, ir.Assign) and isinstance(stmt.value, ir.TupleGet):
            if isinstance(types[stmt.target], nt.Array):
                found.append(stmt.target)
    return found


def build_head(
    fn: ir.Function, types: Types, roots: Roots
) -> tuple[tuple[ir.Stmt, ...], list[ir.Stmt]]:
    """The unpacking of tuple parameters; then checks for overlap, and copies of what is written."""
    arrays = parameter_arrays(fn, types)
    written = written_roots(fn, roots)
    head: list[ir.Stmt] = []
    unpack = tuple(
        s for s in fn.body if isinstance(s, ir.Assign) and isinstance(s.value, ir.TupleGet)
    )
    for k, a in enumerate(arrays):
        for b in arrays[k + 1 :]:
            if a in written or b in written:
                message = f"{a.name} and {b.name} overlap, and one is written: pass a copy"
                error = ir.Raise("AliasError", (ir.Const(f"{message}\n  at {fn.loc}"),))
                head.append(ir.If(ir.Apply("rt.overlap", (a, b)), (error,), ()))
    copies = [ir.Copy(a, a) for a in arrays if a in written]
    if copies:
        head.append(ir.Comment("the caller's arrays stay as they are"))
    head.extend(copies)
    return unpack, head
