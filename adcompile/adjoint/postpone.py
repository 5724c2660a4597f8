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
    filled: set[ir.Var],
    loop: tuple[ir.Stmt, ...],
    roots: Roots,
    zeros: Mapping[ir.Var, ir.Expr],
) -> _Halves | None:
    """``stmts``, which would stand before ``loop``, as those that still do and those that come
    after it since they need what is defined ``late`` or the elements of arrays that are ``filled``
    late.  None if the loop needs those.

    ``zeros``: the variables that hold scalar adjoints, with what each is without contributions.
    """
    now: list[ir.Stmt] = []
    waiting: list[ir.Stmt] = []
    same = _views((*stmts, *loop))
    delayed = _Effects(same)
    for stmt in stmts:
        own = _Effects(same).add((stmt,))
        empty = filled.isdisjoint(r for v in own.read for r in roots.get(v, (v,)))
        if not empty or not own.mentioned.isdisjoint(late | delayed.written):
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
        waiting = _added(waiting, var)
        if not _only_summed((*waiting, *loop), var):
            return None
        now.append(ir.Assign(var, zeros[var]))
        joint.read.discard(var)
        joint.written.discard(var)
    if not joint.read.isdisjoint(delayed.written):
        return None
    if not joint.written.isdisjoint(delayed.read | delayed.replaced):
        return None
    if not joint.replaced.isdisjoint(delayed.written):  # it sets to zero what they add to
        return None
    return now, waiting


def _added(stmts: list[ir.Stmt], var: ir.Var) -> list[ir.Stmt]:
    """``stmts`` with their first contribution to ``var`` added to what it is already."""
    out: list[ir.Stmt] = []
    for stmt in stmts:
        match stmt:
            case ir.Assign(target, value) if target is var and var not in reads(value):
                stmt = replace(stmt, value=add(var, value), inplace=True)
            case _:
                pass
        out.append(stmt)
    return out


def _only_summed(stmts: Iterable[ir.Stmt], var: ir.Var) -> bool:
    """Whether they do nothing with ``var`` but add to it."""
    for stmt in statements(tuple(stmts)):
        if var not in stmt_reads(stmt) and var not in stmt_defs(stmt):
            continue
        match stmt:
            case ir.Assign(target, ir.Binary("+" | "-", a, b)) if target is var and a is var:
                if var in reads(b):
                    return False
            case _:
                return False
    return True


@dataclass
class _Effects:
    """The variables whose values or elements statements read, and write (``mentioned``: or the
    shapes).  ``replaced``: those
    written otherwise than by adding.  ``same``: views, with what they are views of."""

    same: Mapping[ir.Var, ir.Var]
    mentioned: set[ir.Var] = field(default_factory=set)
    read: set[ir.Var] = field(default_factory=set)
    written: set[ir.Var] = field(default_factory=set)
    replaced: set[ir.Var] = field(default_factory=set)

    def add(self, stmts: Iterable[ir.Stmt]) -> _Effects:
        for stmt in statements(tuple(stmts)):
            read = list(stmt_reads(stmt))
            self.mentioned.update(x for v in read for x in (v, self.same.get(v, v)))
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
