"""Which part of a reverse sweep can wait.

``return total * scale`` gives ``total`` its adjoint before the loop that computes it, and ``scale``
after.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from adcompile.analysis.alias import Roots
from adcompile.ir import nodes as ir
from adcompile.ir.walk import reads, statements, stmt_defs, stmt_exprs, stmt_reads, subexpressions
from adcompile.rules.simplify import add

_Halves = tuple[list[ir.Stmt], list[ir.Stmt]]


def postpone(
    stmts: list[ir.Stmt],
    late: set[ir.Var],
    loop: tuple[ir.Stmt, ...],
    roots: Roots,
    zeros: Mapping[ir.Var, ir.Expr],
) -> _Halves | None:
    """``stmts``, which would stand before ``loop``, as those that still do and those that come
    after it since they need what is in ``late``.  None if the loop needs those.

    ``zeros``: the variables that hold scalar adjoints, with what each is without contributions.
    """
    now: list[ir.Stmt] = []
    waiting: list[ir.Stmt] = []
    same = _views((*stmts, *loop))
    delayed = _Effects(same)
    for stmt in stmts:
        own = _Effects(same).add((stmt,))
        needs_late = any(not late.isdisjoint({v, *roots.get(v, ())}) for v in own.read)
        if needs_late or not own.read.isdisjoint(delayed.written):
            waiting.append(stmt)
            delayed.add((stmt,))
        elif not own.written.isdisjoint(delayed.read | delayed.replaced):
            return None
        else:
            now.append(stmt)
    if not waiting:
        return now, waiting
    joint = _Effects(same).add(loop)
    for var in joint.read & delayed.written & zeros.keys():
        made = _only_sums(waiting, var)
        if made is None:
            return None
        waiting = made
        now.append(ir.Assign(var, zeros[var]))
        joint.read.discard(var)
        joint.written.discard(var)
    if not joint.read.isdisjoint(delayed.written):
        return None
    if not joint.written.isdisjoint(delayed.read | delayed.replaced):
        return None
    return now, waiting


def _only_sums(stmts: list[ir.Stmt], var: ir.Var) -> list[ir.Stmt] | None:
    """``stmts`` with their contributions to ``var`` added to what it is already; None if they do
    anything else with it."""
    out: list[ir.Stmt] = []
    for stmt in stmts:
        match stmt:
            case ir.Assign(target, value) if target is var and var not in reads(value):
                stmt = replace(stmt, value=add(var, value), inplace=True)
            case _:
                pass
        out.append(stmt)
    for stmt in statements(tuple(out)):
        if var not in stmt_reads(stmt) and var not in stmt_defs(stmt):
            continue
        match stmt:
            case ir.Assign(target, ir.Binary("+" | "-", a, b)) if target is var and a is var:
                if var in reads(b):
                    return None
            case _:
                return None
    return out


@dataclass
class _Effects:
    """The variables whose values or elements statements read, and write.  ``replaced``: those
    written otherwise than by adding.  ``same``: views, with what they are views of."""

    same: Mapping[ir.Var, ir.Var]
    read: set[ir.Var] = field(default_factory=set)
    written: set[ir.Var] = field(default_factory=set)
    replaced: set[ir.Var] = field(default_factory=set)

    def add(self, stmts: Iterable[ir.Stmt]) -> _Effects:
        for stmt in statements(tuple(stmts)):
            read = list(stmt_reads(stmt))
            if isinstance(stmt, ir.Alloc) and stmt.fn.endswith("_like"):
                read = []
            for top in stmt_exprs(stmt):
                for expr in subexpressions(top):
                    if isinstance(expr, ir.Dim) and expr.array in read:
                        read.remove(expr.array)
            replaced = list(stmt_defs(stmt))
            added: list[ir.Var] = []
            if isinstance(stmt, ir.Store | ir.Accumulate | ir.Fill | ir.CopyInto):
                read.remove(stmt.array)
                (added if isinstance(stmt, ir.Accumulate) else replaced).append(stmt.array)
            elif isinstance(stmt, ir.Do | ir.Call | ir.Custom):
                replaced += read
            self.read.update(self.same.get(v, v) for v in read)
            self.replaced.update(self.same.get(v, v) for v in replaced)
            self.written.update(self.same.get(v, v) for v in (*added, *replaced))
        return self


def _views(stmts: Iterable[ir.Stmt]) -> dict[ir.Var, ir.Var]:
    same: dict[ir.Var, ir.Var] = {}
    for stmt in statements(tuple(stmts)):
        if isinstance(stmt, ir.View):
            same[stmt.target] = same.get(stmt.base, stmt.base)
    return same
