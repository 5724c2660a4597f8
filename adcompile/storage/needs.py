"""What the reverse sweep reads: found by asking each statement's reverse plan."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from numba.core import types as nt

from adcompile.adjoint.partials import Contribution, contributions
from adcompile.analysis.activity import Activity, Types
from adcompile.ir import nodes as ir
from adcompile.ir.walk import blocks, index_reads, map_expr, reads, subexpressions
from adcompile.rules.library import NAMES


class Needs:
    """Facts about one function: which statements have a reverse, and what it reads.

    ``contributions``: by statement identity.  ``reversed``: identities of the statements that the
    reverse sweep visits.
    """

    def __init__(self, fn: ir.Function, activity: Activity, types: Types) -> None:
        self.activity = activity
        self.contributions: dict[int, tuple[Contribution, ...]] = {}
        self.reversed: set[int] = set()
        self._contribute(fn.body, {}, types)
        self._visit(fn.body)

    def _contribute(self, block: ir.Block, around: dict[ir.Expr, ir.Var], types: Types) -> None:
        """Partials that the program computes itself, the cosine beside the sine, are not computed
        again.  ``around``: what the blocks around have computed before."""

        def is_fixed(value: ir.Expr) -> bool:  # an element may be another number by then
            return isinstance(value, ir.Apply) and all(
                isinstance(e, ir.Apply | ir.Const)
                or (isinstance(e, ir.Var) and isinstance(types.get(e), nt.Number))
                for e in subexpressions(value)
            )

        known = dict(around)  # statements that nothing reaches have no types
        for stmt in block:
            match stmt:
                case ir.Assign(target, value) if types.get(target) == nt.float64 and is_fixed(
                    value
                ):
                    known.setdefault(value, target)
                case _:
                    pass

        def there(expr: ir.Expr) -> ir.Expr:
            return known.get(expr, expr) if isinstance(expr, ir.Apply) else expr

        before = dict(around)
        for stmt in block:
            for inner in blocks(stmt):
                self._contribute(inner, before, types)
            if not isinstance(stmt, ir.Assign):
                continue
            if types.get(stmt.target) == nt.float64 and is_fixed(stmt.value):
                before.setdefault(stmt.value, stmt.target)
            if stmt.target in self.activity:
                self.contributions[id(stmt)] = tuple(
                    replace(c, factor=None if c.factor is None else map_expr(there, c.factor))
                    for c in contributions(stmt, self.activity, types)
                )

    def _visit(self, block: ir.Block) -> bool:
        found = [self._mark(stmt) for stmt in block]
        return any(found)

    def _mark(self, stmt: ir.Stmt) -> bool:
        inner = [self._visit(b) for b in blocks(stmt)]
        own = False
        match stmt:
            case ir.Assign():
                own = bool(self.contributions.get(id(stmt)))
            case ir.Store(array) | ir.Accumulate(array) | ir.Fill(array) | ir.CopyInto(array):
                own = array in self.activity
            case ir.Copy(target):
                own = target in self.activity
            case ir.Alloc(target, fn):
                made = fn.endswith(("full", "full_like")) or fn in NAMES
                own = target in self.activity and made
            case ir.Custom(targets):
                own = any(t in self.activity for t in targets)
            case ir.If(joins=joins):
                own = any(j.out in self.activity for j in joins)
            case ir.For(carried=carried) | ir.While(carried=carried):
                # A loop that only hands active values on unchanged has nothing to reverse, but
                # it is rare enough not to be told apart.
                own = any(c.out in self.activity or c.head in self.activity for c in carried)
            case _:
                pass
        if own or any(inner):
            self.reversed.add(id(stmt))
            return True
        return False

    def scalars(self, stmt: ir.Stmt) -> Iterator[ir.Var]:
        """The integers, booleans and floats that the reverse of ``stmt`` itself reads."""
        if id(stmt) not in self.reversed:
            return
        match stmt:
            case ir.Assign():
                for c in self.contributions[id(stmt)]:
                    if c.factor is not None:
                        yield from reads(c.factor)
                    if isinstance(c.operand, ir.Load):
                        for place in c.operand.index:
                            yield from reads(place)
            case ir.Store() | ir.Accumulate() | ir.Fill() | ir.CopyInto():
                yield from index_reads(stmt.index)
            case ir.Custom(residuals=residuals):
                yield from (v for one in residuals for v in reads(one))
            case ir.If():
                yield from reads(stmt.cond)
            case ir.For():
                for bound in (stmt.start, stmt.stop, stmt.step):
                    yield from reads(bound)
            case _:
                return

    def shadows(self, stmt: ir.Stmt) -> Iterator[ir.Var]:
        """The arrays, and perhaps scalars, whose adjoints the reverse of ``stmt`` touches in their
        shadows."""
        if id(stmt) not in self.reversed:
            return
        match stmt:
            case ir.Assign():
                for c in self.contributions[id(stmt)]:
                    if isinstance(c.operand, ir.Load):
                        yield c.operand.array
            case ir.Store(array) | ir.Accumulate(array) | ir.Fill(array):
                yield array
            case ir.CopyInto(array, _, source):
                yield array
                if source in self.activity:
                    yield source
            case ir.Custom(targets, args=args):
                both = (*targets, *args)
                yield from (v for v in both if isinstance(v, ir.Var) and v in self.activity)
            case ir.Copy(target, source):
                yield target
                yield source
            case ir.Alloc(target, fn, args):
                yield target
                if fn in NAMES:
                    yield from (a for a in args if isinstance(a, ir.Var) and a in self.activity)
            case _:
                return
