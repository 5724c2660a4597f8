"""A loop in strips: an outer loop over blocks of iterations, and one after the other, for each
block, loops over parts of the body (plain dialect)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from adcompile.errors import Loc
from adcompile.ir import nodes as ir
from adcompile.ir.walk import statements, stmt_reads
from adcompile.runtime.strips import WIDTH

_ONE = ir.Const(1)


class StripLoop:
    """``loop``, with step 1 or -1, in strips.  ``lowest``: its variable never falls below."""

    def __init__(self, loop: ir.For, lowest: int) -> None:
        self.loop, self.lowest = loop, ir.Const(lowest)
        self.ahead = loop.step == _ONE
        self.number = ir.Var("k", temp=True)
        self.start = ir.Var(f"{loop.var.name}_0", temp=True)
        self.first, self.size = ir.Var("first", temp=True), ir.Var("size", temp=True)

    def load(self, strip: ir.Var) -> ir.Load:
        return ir.Load(strip, (self.number,))

    def store(self, strip: ir.Var, value: ir.Expr, loc: Loc) -> ir.Store:
        return ir.Store(strip, (self.number,), value, loc)

    def statements(
        self, strips: Iterable[ir.Var], parts: Sequence[tuple[ir.Block, bool]]
    ) -> Iterator[ir.Stmt]:
        """``parts``: what runs one after the other, and whether it matters that an iteration
        follows the same one as before."""
        loop, width = self.loop, ir.Const(WIDTH)
        for strip in strips:
            yield ir.Alloc(strip, "rt.strip", (), loc=loop.loc)
        if self.ahead:
            first: ir.Expr = self.start
            left = ir.Binary("-", loop.stop, self.start)
        else:
            first = ir.Binary("+", ir.Binary("-", self.start, self.size), _ONE)
            left = ir.Binary("-", self.start, loop.stop)
        body: list[ir.Stmt] = [
            ir.Assign(self.size, ir.Apply("min", (width, left)), loc=loop.loc),
            ir.Assign(self.first, ir.Apply("max", (first, self.lowest)), loc=loop.loc),
        ]
        body.extend(self._over(part, ordered and not self.ahead) for part, ordered in parts)
        step = width if self.ahead else ir.Const(-WIDTH)
        yield replace(loop, var=self.start, step=step, body=tuple(body))

    def _over(self, body: ir.Block, backwards: bool) -> ir.For:
        """A loop over the strip."""
        here = ir.Assign(self.loop.var, ir.Binary("+", self.first, self.number), loc=self.loop.loc)
        ends: tuple[ir.Expr, ir.Expr, ir.Expr] = (ir.Const(0), self.size, _ONE)
        if backwards:
            ends = (ir.Binary("-", self.size, _ONE), ir.Const(-1), ir.Const(-1))
        used = any(self.loop.var in stmt_reads(s) for s in statements(body))
        return ir.For(self.number, *ends, (here, *body) if used else body, loc=self.loop.loc)
