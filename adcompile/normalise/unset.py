"""Variables that a loop's first iteration finds unset.

``for ...: if found: y = x[i]`` and ``y`` read after the loop: Python and Numba accept that as long
as some iteration sets ``y``.  In ssa the unset value would be read by joins, so it gets a default.
"""

from __future__ import annotations

from dataclasses import replace

from numba.core import types as nt

from adcompile.ir import nodes as ir
from adcompile.ir.walk import map_blocks, statements, stmt_reads

Types = dict[ir.Var, nt.Type]


def unset_heads(fn: ir.Function) -> set[ir.Var]:
    """Heads of carried values without a value before the first iteration."""
    return {
        c.head
        for stmt in statements(fn.body)
        if isinstance(stmt, ir.For | ir.While)
        for c in stmt.carried
        if c.init is None
    }


def without_unset(fn: ir.Function) -> ir.Function:
    """``fn`` (ssa) in which joins do not mention unset heads; for finding types only."""
    unset = unset_heads(fn)

    def known(var: ir.Var | None) -> ir.Var | None:
        return None if var in unset else var

    def block(stmts: ir.Block) -> ir.Block:
        return tuple(one(stmt) for stmt in stmts)

    def one(stmt: ir.Stmt) -> ir.Stmt:
        stmt = map_blocks(block, stmt)
        match stmt:
            case ir.If(joins=joins):
                made = tuple(ir.Join(j.out, known(j.then), known(j.orelse)) for j in joins)
                return replace(stmt, joins=made)
            case ir.For(carried=carried) | ir.While(carried=carried):
                return replace(stmt, carried=tuple(replace(c, init=known(c.init)) for c in carried))
            case _:
                return stmt

    return replace(fn, body=block(fn.body)) if unset else fn


def define_unset(fn: ir.Function, types: Types) -> ir.Function:
    """``fn`` (ssa, typed) with a default where an unset head is read."""
    read: set[ir.Var] = set()
    for stmt in statements(fn.body):
        read.update(stmt_reads(stmt))
        match stmt:
            case ir.If(joins=joins):
                read.update(v for j in joins for v in (j.then, j.orelse) if v is not None)
            case ir.For(carried=carried) | ir.While(carried=carried):
                read.update(v for c in carried for v in (c.init, c.next) if v is not None)
            case _:
                pass

    def block(stmts: ir.Block) -> ir.Block:
        out: list[ir.Stmt] = []
        for stmt in stmts:
            stmt = map_blocks(block, stmt)
            if isinstance(stmt, ir.For | ir.While):
                carried: list[ir.Carried] = []
                for c in stmt.carried:
                    if c.init is None and c.head in read and c.head in types:
                        start = ir.Var(c.head.name, c.head.temp)
                        types[start] = types[c.head]
                        out.append(default_value(start, types[start]))
                        c = replace(c, init=start)
                    carried.append(c)
                stmt = replace(stmt, carried=tuple(carried))
            out.append(stmt)
        return tuple(out)

    return replace(fn, body=block(fn.body))


def default_value(var: ir.Var, kind: nt.Type) -> ir.Stmt:
    """A value for a variable that some path does not define."""
    match kind:
        case nt.Array():
            zeros = tuple(ir.Const(0) for _ in range(kind.ndim))
            shape = ir.MakeTuple(zeros)
            return ir.Alloc(var, "np.empty", (shape, ir.Const(f"np.{kind.dtype}")))
        case nt.Boolean():
            return ir.Assign(var, ir.Const(False))
        case nt.Integer():
            return ir.Assign(var, ir.Const(0))
        case _:
            return ir.Assign(var, ir.Const(0.0))
