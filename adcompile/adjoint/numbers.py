"""Many numbers that the reverse sweep needs go there in one array.

A function without loops keeps a number per operation, and returns them all.  As a tuple of
hundreds, each is a variable that every branch before the end hands on: that took 15 of 18 seconds
of a compilation.

    t5 = math.exp(a)                       t5 = math.exp(a)
    ...                              ->    numbers[3] = t5
    return value, ..., t5, ...             ...
                                           return value, ..., numbers
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from numba.core import types as nt

from adcompile.ir import nodes as ir
from adcompile.ir.walk import (
    map_blocks,
    map_stmt_exprs,
    reads,
    statements,
    stmt_defs,
    stmt_exprs,
    substitute,
)

_FEWEST = 64


class Numbers:
    """``places``: where each of the numbers is."""

    def __init__(
        self, read: Iterable[ir.Var], types: dict[ir.Var, nt.Type], reverse: ir.Block
    ) -> None:
        changed = {v for stmt in statements(reverse) for v in stmt_defs(stmt)}
        floats = [v for v in read if types.get(v) == nt.float64 and v not in changed]
        self.places = {v: k for k, v in enumerate(floats)} if len(floats) >= _FEWEST else {}
        self.array, self.types = ir.Var("numbers"), types
        types[self.array] = nt.Array(nt.float64, 1, "C")

    def read_from(self, block: ir.Block) -> ir.Block:
        """The reverse sweep: each is read where a block first needs it."""
        return self._read(block, {}) if self.places else block

    def _read(self, block: ir.Block, known: Mapping[ir.Var, ir.Expr]) -> ir.Block:
        found: dict[ir.Var, ir.Expr] = dict(known)
        out: list[ir.Stmt] = []
        for stmt in block:
            for var in (v for e in stmt_exprs(stmt) for v in reads(e)):
                if var in self.places and var not in found:
                    found[var] = local = ir.Var(var.name, var.temp)
                    self.types[local] = nt.float64
                    index = (ir.Const(self.places[var]),)
                    out.append(ir.Assign(local, ir.Load(self.array, index), loc=stmt.loc))
            stmt = map_blocks(lambda inner: self._read(inner, found), stmt)
            out.append(map_stmt_exprs(lambda e: substitute(e, found), stmt))
        return tuple(out)

    def stored_by(self, block: ir.Block) -> ir.Block:
        """The forward sweep (ssa); zeros, as what is not reached is read by nobody but may be
        computed with."""
        if not self.places:
            return block
        count = ir.Const(len(self.places))
        return (ir.Alloc(self.array, "np.zeros", (count,)), *self._stored(block))

    def _stored(self, block: ir.Block) -> ir.Block:
        out: list[ir.Stmt] = []
        for stmt in block:
            out.append(map_blocks(self._stored, stmt))
            for var in dict.fromkeys(stmt_defs(stmt)):
                if var in self.places:
                    index = (ir.Const(self.places[var]),)
                    out.append(ir.Store(self.array, index, var, stmt.loc))
        return tuple(out)

    def instead_in(self, variables: Iterable[ir.Var]) -> list[ir.Var]:
        """These, with the array in place of what is in it."""
        kept = [v for v in variables if v not in self.places]
        return [*kept, self.array] if self.places else kept
