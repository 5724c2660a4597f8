"""How long a list can become, found where it is made (plain dialect).

The bound is the number of items at first, and for each ``append`` the trip counts of the loops
around it that are not around the making.  There is none if such a loop is a ``while``, or if its
bounds are not known yet; then the list grows as it is filled.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from adcompile.ir import nodes as ir
from adcompile.ir.walk import blocks, children, map_children, stmt_defs

Loop = ir.For | ir.While
_PURE = (ir.Const, ir.Attribute, ir.Unary, ir.Binary, ir.Dim, ir.Var, ir.Subscript)


@dataclass
class Places:
    """Facts by identity of statements: place in program order, loops around, whether directly in
    the body of the innermost one.  ``sets``: the statements that set a variable."""

    order: dict[int, int] = field(default_factory=dict)
    loops: dict[int, tuple[Loop, ...]] = field(default_factory=dict)
    direct: dict[int, bool] = field(default_factory=dict)
    sets: dict[ir.Var, list[ir.Stmt]] = field(default_factory=dict)
    appends: dict[ir.Var, list[ir.Call]] = field(default_factory=dict)

    @staticmethod
    def of(body: ir.Block) -> Places:
        made = Places()
        made.walk(body, (), True)
        return made

    def walk(self, block: ir.Block, loops: tuple[Loop, ...], direct: bool) -> None:
        for stmt in block:
            self.order[id(stmt)] = len(self.order)
            self.loops[id(stmt)], self.direct[id(stmt)] = loops, direct
            for var in stmt_defs(stmt):
                self.sets.setdefault(var, []).append(stmt)
            match stmt:
                case ir.Call(
                    fn="list.append" | "list.extend" | "list.insert", args=(ir.Var() as owner, *_)
                ):
                    self.appends.setdefault(owner, []).append(stmt)
                case ir.For() | ir.While():
                    self.walk(stmt.body, (*loops, stmt), True)
                case _:
                    for inner in blocks(stmt):
                        self.walk(inner, loops, not loops and direct)

    # ------------------------------------------------------------ bounds

    def bound(self, made: ir.Stmt, owner: ir.Var, items: int) -> ir.Expr | None:
        """The capacity that suffices for the list that ``made`` makes; None if none is known."""
        around, here = self.loops[id(made)], self.order[id(made)]
        total: ir.Expr = ir.Const(items)
        for site in self.appends.get(owner, ()):
            if site.fn == "list.extend":
                return None
            if around and (not self.direct[id(made)] or self.order[id(site)] < here):
                return None
            trips: ir.Expr = ir.Const(1)
            for loop in self.loops[id(site)]:
                if any(loop is one for one in around):
                    continue
                count = self.trips(loop, here)
                if count is None:
                    return None
                trips = count if trips == ir.Const(1) else ir.Binary("*", trips, count)
            total = _sum(total, trips)
        return total

    def trips(self, loop: Loop, here: int) -> ir.Expr | None:
        if isinstance(loop, ir.While):
            return None
        found = [self.known(e, here) for e in (loop.start, loop.stop, loop.step)]
        start, stop, step = found
        if loop.exit is not None and isinstance(stop, ir.Const):
            if isinstance(stop.value, int) and stop.value > 10**6:
                return None  # not meant to be finished
        if start is None or stop is None or step is None:
            return None
        if (start, step) == (ir.Const(0), ir.Const(1)) and not isinstance(stop, ir.Const):
            return ir.Apply("rt.trips", (stop,))
        return ir.Apply("rt.trip_count", (start, stop, step))

    def known(self, expr: ir.Expr, here: int) -> ir.Expr | None:
        """The value that ``expr`` has later on, written with what is known ``here``."""
        if isinstance(expr, ir.Var):
            sets = self.sets.get(expr, ())
            if all(self.order[id(s)] < here for s in sets):
                return expr
            if len(sets) == 1 and isinstance(sets[0], ir.Assign):
                return self.known(sets[0].value, here)
            return None
        if not isinstance(expr, _PURE):
            return None
        if isinstance(expr, ir.Subscript) and any(isinstance(i, ir.Slice) for i in expr.index):
            return None
        if isinstance(expr, ir.Subscript) and not isinstance(expr.base, ir.Attribute):
            return None  # elements of arrays may change
        parts = {child: self.known(child, here) for child in children(expr)}
        if any(part is None for part in parts.values()):
            return None
        owner = expr.base if isinstance(expr, ir.Attribute) else None
        if isinstance(owner, ir.Var) and owner in self.appends:
            return None  # its length changes
        return map_children(lambda child: parts[child] or child, expr)


def _sum(a: ir.Expr, b: ir.Expr) -> ir.Expr:
    match a, b:
        case ir.Const(value=int() as x), ir.Const(value=int() as y):
            return ir.Const(x + y)
        case ir.Const(value=0), _:
            return b
        case _:
            return ir.Binary("+", a, b)
