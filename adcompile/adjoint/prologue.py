"""What stands at the top of the reverse of a block: values and shadows are brought back, in forward
order."""

from __future__ import annotations

from dataclasses import replace

from numba.core import types as nt

from adcompile.adjoint.shadows import Out, Shadows
from adcompile.analysis.scope import Loop, Scopes
from adcompile.ir import nodes as ir
from adcompile.ir.walk import stmt_defs
from adcompile.normalise.places import Arenas
from adcompile.normalise.references import Selections
from adcompile.storage.plan import Plan
from adcompile.storage.tapes import LoopTape


class Prologue(Shadows):
    """Loads what the plan stored, and repeats what it recomputes."""

    def __init__(
        self,
        types: dict[ir.Var, nt.Type],
        scopes: Scopes,
        plan: Plan,
        tapes: dict[int, LoopTape],
        shapes: dict[ir.Var, tuple[ir.Expr, ...]],
        selections: Selections,
        arenas: Arenas,
        given: dict[ir.Var, ir.Var],
    ) -> None:
        super().__init__(types, scopes, plan, shapes, selections, arenas, given)
        self.tapes = tapes
        self.brought_back: set[int] = set()  # blocks whose prologue an enclosing one contains

    def prologue(self, block: ir.Block, loop: Loop | None, out: Out) -> None:
        waiting: list[tuple[int, ir.Var]] = []  # shadows whose places are not known yet
        for stmt in block:
            if isinstance(stmt, ir.If):
                self.replay_if(stmt, loop, out)
            # Numbers before the shadows that are chosen by them.
            for var in sorted(stmt_defs(stmt), key=self.is_array):
                if self.scopes.loops.get(var, ()) == self.scopes.stmt_loops[id(stmt)]:
                    self.bring_back(var, stmt, loop, out)
                    if var in self.arenas.places and self.wants_shadow(var):
                        waiting.append((self.known_after(var), var))
            here = self.scopes.order[id(stmt)]
            out.extend(self.select_shadow(var) for known, var in waiting if known <= here)
            waiting = [(known, var) for known, var in waiting if known > here]
            if (trips := self.plan.counted.get(id(stmt))) is not None:
                self.load_from_tape(trips, loop, out)

    def is_array(self, var: ir.Var) -> bool:
        return isinstance(self.types.get(var), nt.Array)

    def replay_if(self, stmt: ir.If, loop: Loop | None, out: Out) -> None:
        """Repeat as much of an ``if`` as its recomputed or referenced results need."""
        values = [j for j in stmt.joins if loop is not None and j.out in self.plan.recomputed]
        refs = [j for j in stmt.joins if j.out in self.plan.shadows]
        refs = [j for j in refs if j.out not in self.arenas.places]
        if not values and not refs:
            return
        sides: list[ir.Block] = []
        for block, which in ((stmt.then, 0), (stmt.orelse, 1)):
            side: Out = []
            self.prologue(block, loop, side)
            self.brought_back.add(id(block))
            for join in values:
                var = (join.then, join.orelse)[which]
                if var is not None:
                    side.append(ir.Assign(join.out, var))
            for join in refs:
                var = (join.then, join.orelse)[which]
                if var is not None:
                    side.append(ir.View(self.shadow_of(join.out), self.shadow_of(var), ()))
            sides.append(tuple(side))
        out.append(ir.If(stmt.cond, sides[0], sides[1], loc=stmt.loc))

    def bring_back(self, var: ir.Var, stmt: ir.Stmt, loop: Loop | None, out: Out) -> None:
        if (element := self.plan.forwarded.get(var)) is not None:
            out.append(ir.Assign(var, element))
        elif loop is not None and not self.load_from_tape(var, loop, out):
            repeat = var in self.plan.recomputed and not isinstance(stmt, ir.If)
            if (repeat or var in self.plan.references) and var not in self.plan.handed_back:
                copy = self.plan.copied.get(var)
                match stmt:
                    case ir.Assign(_, ir.Load(index=index)) if copy is not None:
                        out.append(replace(stmt, value=copy.element(index)))
                    case _:
                        out.append(stmt)
        if self.wants_shadow(var) and var not in self.arenas.places:
            self.make_shadow(var, stmt, loop, out)

    def load_from_tape(self, var: ir.Var, loop: Loop | None, out: Out) -> bool:
        tape = self.tapes.get(id(loop)) if loop is not None else None
        if tape is None or not any(var in t.slots for t in tape.tapes):
            return False
        out.append(ir.Assign(var, tape.element(var)))
        return True
