"""What a plain block reads before it defines it."""

from __future__ import annotations

from collections.abc import Iterable

from adcompile.ir import nodes as ir
from adcompile.ir.walk import stmt_reads
from adcompile.normalise.ssa import diverges


def exposed(block: ir.Block, known: Iterable[ir.Var] = ()) -> list[ir.Var]:
    """The variables that may be read before they are defined, in order, but for ``known``."""
    found: dict[ir.Var, None] = {}
    _exposed(block, set(known), found)
    return list(found)


def defined_after(block: ir.Block, known: Iterable[ir.Var]) -> set[ir.Var]:
    """The variables that are defined on every way through ``block``, ``known`` among them."""
    return _exposed(block, set(known), {})


def _exposed(block: ir.Block, known: set[ir.Var], found: dict[ir.Var, None]) -> set[ir.Var]:
    known = set(known)
    for stmt in block:
        for var in stmt_reads(stmt):
            if var not in known:
                found[var] = None
        match stmt:
            case ir.If():
                then = _exposed(stmt.then, known, found)
                orelse = _exposed(stmt.orelse, known, found)
                if diverges(stmt.then):
                    known = orelse
                else:
                    known |= then if diverges(stmt.orelse) else then & orelse
            case ir.For():
                _exposed(stmt.body, known | {stmt.var}, found)
            case ir.While():
                _exposed(stmt.body, known, found)
            case ir.Assign() | ir.Alloc() | ir.Copy() | ir.View():
                known.add(stmt.target)
            case ir.AssignMany() | ir.Call() | ir.Custom():
                known.update(stmt.targets)
            case _:
                pass
    return known
