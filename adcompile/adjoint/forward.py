"""The forward sweep: the primal, plus stores to tapes and counts of iterations."""

from __future__ import annotations

from dataclasses import replace

from adcompile.analysis.scope import Loop
from adcompile.ir import nodes as ir
from adcompile.ir.walk import stmt_defs
from adcompile.storage.plan import Plan
from adcompile.storage.stack import Stack
from adcompile.storage.tapes import LoopTape

_FIRST_SIZE = 64  # rows of a tape that grows


class ForwardBuilder:
    """Instruments the body of a function (ssa in, ssa with plain additions out)."""

    def __init__(self, plan: Plan, tapes: dict[int, LoopTape], stack: Stack | None = None) -> None:
        self.plan, self.tapes, self.stack = plan, tapes, stack

    def block(self, block: ir.Block, loop: Loop | None = None) -> ir.Block:
        out: list[ir.Stmt] = []
        for stmt in block:
            self.stmt(stmt, loop, out)
        return tuple(out)

    def stmt(self, stmt: ir.Stmt, loop: Loop | None, out: list[ir.Stmt]) -> None:
        match stmt:
            case ir.If():
                then, orelse = self.block(stmt.then, loop), self.block(stmt.orelse, loop)
                out.append(replace(stmt, then=then, orelse=orelse))
                self.save([j.out for j in stmt.joins], loop, out)
            case ir.For() | ir.While():
                self.loop(stmt, loop, out)
            case ir.Custom(targets):
                pairs = zip(targets, stmt.values, strict=True)
                out.extend(ir.Assign(t, value, loc=stmt.loc) for t, value in pairs)
                if self.stack is not None:
                    out.extend(self.stack.push(stmt))
                self.save(list(targets), loop, out)
            case _:
                out.append(stmt)
                if self.stack is not None:
                    out.extend(self.stack.push(stmt))
                self.save(list(stmt_defs(stmt)), loop, out)

    def loop(self, stmt: ir.For | ir.While, outer: Loop | None, out: list[ir.Stmt]) -> None:
        for tape in self.tapes.values():
            if tape.root is stmt:
                out.extend(self.allocate(tape))
        snapshots = self.plan.snapshots
        for copy in snapshots:
            out.extend(copy.allocate() if copy.root is stmt else ())
        for copy in snapshots:
            out.extend(copy.copy() if copy.nest is stmt else ())
        body: list[ir.Stmt] = []
        trips = self.plan.counted.get(id(stmt))
        if trips is not None:
            out.append(ir.Assign(trips, ir.Const(0)))
        tape_here = self.tapes.get(id(stmt))
        if tape_here is not None and tape_here.rows is None:
            for t in tape_here.tapes:
                grown = ir.Apply("rt.grow", (t.array,))
                full = ir.Compare(">=", tape_here.row, ir.Dim(t.array, 0))
                body.append(ir.If(full, (ir.Assign(t.array, grown),), ()))
        self.save([c.head for c in stmt.carried], stmt, body)
        body.extend(self.block(stmt.body, stmt))
        cursor = tape_here.row if tape_here is not None and tape_here.rows is None else None
        for counter in (trips, cursor):
            if isinstance(counter, ir.Var):
                one = ir.Binary("+", counter, ir.Const(1))
                body.append(ir.Assign(counter, one, inplace=True))
        out.append(replace(stmt, body=tuple(body)))
        after = [c.out for c in stmt.carried]
        self.save([*after, trips] if trips is not None else after, outer, out)

    def allocate(self, tape: LoopTape) -> list[ir.Stmt]:
        out: list[ir.Stmt] = []
        rows: ir.Expr = ir.Const(_FIRST_SIZE)
        if tape.rows is None:
            assert isinstance(tape.row, ir.Var)
            out.append(ir.Assign(tape.row, ir.Const(0)))
        else:
            rows = tape.rows
        for t in tape.tapes:
            out.append(ir.Alloc(t.array, "np.empty", (tape.shape(t, rows), ir.Const(t.dtype))))
        return out

    def save(self, variables: list[ir.Var], loop: Loop | None, out: list[ir.Stmt]) -> None:
        tape = self.tapes.get(id(loop)) if loop is not None else None
        if tape is None:
            return
        for var in variables:
            if any(var in t.slots for t in tape.tapes):
                place = tape.element(var)
                out.append(ir.Store(place.array, place.index, var))
