"""Is what a load reads still there when the reverse sweep comes by?

The reverse sweep never changes primal arrays, so a load can be repeated there exactly if no write
that runs after it can hit the element.
"""

from __future__ import annotations

from adcompile.analysis.affine import common
from adcompile.analysis.alias import Roots
from adcompile.analysis.distances import ANY, Interval, distances
from adcompile.analysis.scope import Path, Scopes
from adcompile.ir import nodes as ir
from adcompile.ir.walk import statements, subexpressions

Write = ir.Store | ir.Accumulate | ir.Fill | ir.CopyInto


class Stability:
    """Answers for one function (ssa).  ``joint``: loops whose iterations run forward and in reverse
    at once: what is written after them comes too late to matter to what is in them."""

    def __init__(self, fn: ir.Function, scopes: Scopes, roots: Roots, joint: Path = ()) -> None:
        self.scopes, self.roots, self.joint = scopes, roots, joint
        self.writes = [s for s in statements(fn.body) if isinstance(s, Write)]
        self.known: dict[tuple[int, ir.Load], bool] = {}

    def expr(self, expr: ir.Expr, at: ir.Stmt) -> bool:
        """All loads in ``expr``, evaluated by statement ``at``, are stable."""
        return all(self.load(e, at) for e in subexpressions(expr) if isinstance(e, ir.Load))

    def load(self, load: ir.Load, at: ir.Stmt) -> bool:
        """No write after ``at`` can hit the element."""
        key = (id(at), load)
        if key not in self.known:
            self.known[key] = not any(self.hit_later(load, at, w) for w in self.writes)
        return self.known[key]

    def canonical(self, var: ir.Var) -> ir.Var:
        """Follow plain aliases ``y = x``."""
        while True:
            definition = self.scopes.defined_by.get(var)
            if isinstance(definition, ir.View) and not definition.index:
                var = definition.base
            else:
                return var

    def hit_later(self, load: ir.Load, at: ir.Stmt, write: Write) -> bool:
        if not self.roots[load.array] & self.roots[write.array]:
            return False
        scopes = self.scopes
        loops = common(scopes.stmt_loops[id(at)], scopes.stmt_loops[id(write)])
        if not loops and any(one is j for one in scopes.stmt_loops[id(at)] for j in self.joint):
            return False
        a, b = self.canonical(load.array), self.canonical(write.array)
        known: dict[int, Interval] = {}
        fresh_in = self.fresh_loops(load.array, write.array)
        same = a is b and all(
            scopes.outside(a, loop) or k in fresh_in for k, loop in enumerate(loops)
        )
        if same and isinstance(write, ir.Store | ir.Accumulate):
            index = tuple(i for i in write.index if not isinstance(i, ir.Slice))
            found = distances(load.index, index, loops, scopes)
            if found is None:
                return False
            known = found
        for k in range(len(loops)):
            low, high = known.get(k, ANY)
            if k in fresh_in:  # another iteration has another array
                if (low is not None and low > 0) or (high is not None and high < 0):
                    return False
                low = high = 0
            if high is None or high > 0:
                return True
            if high < 0:
                return False  # else the same iteration, or one before
        return scopes.order[id(write)] > scopes.order[id(at)]

    def fresh_loops(self, a: ir.Var, b: ir.Var) -> range:
        """Positions of the loops whose every iteration makes the arrays anew."""
        both = self.roots[a] | self.roots[b]
        if len(both) != 1:
            return range(0)
        (root,) = both
        if root in self.handed_on:
            return range(0)
        return range(len(self.scopes.loops.get(root, ())))

    @property
    def handed_on(self) -> set[ir.Var]:
        """Roots that outlive the iteration that made them."""
        if not hasattr(self, "_handed_on"):
            self._handed_on: set[ir.Var] = set()
            for statement in self.scopes.defined_by.values():
                if isinstance(statement, ir.For | ir.While):
                    for c in statement.carried:
                        self._handed_on |= self.roots.get(c.head, frozenset())
        return self._handed_on
