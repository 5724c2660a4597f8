"""How a plain function uses its arrays: under which names, at which subscripts."""

from __future__ import annotations

from collections.abc import Iterator, Set

from adcompile.ir import nodes as ir
from adcompile.ir.walk import (
    children,
    index_parts,
    reads,
    statements,
    stmt_defs,
    stmt_exprs,
    stmt_reads,
    subexpressions,
)

Use = ir.Store | ir.Accumulate | ir.Load


class Arrays:
    """The names of arrays in ``body``, in classes of those that may share memory."""

    def __init__(self, body: ir.Block) -> None:
        self.leaders: dict[ir.Var, ir.Var] = {}
        self.names: set[ir.Var] = set()  # what has been joined
        self.lowest: dict[ir.Var, int | None] = {}  # of loop variables, where it is known
        for stmt in statements(body):
            match stmt:
                case ir.For(var, ir.Const(int() as start), _, ir.Const(int() as step)) if step > 0:
                    self._falls_to(var, start)
                case ir.For(var, _, ir.Const(int() as stop), ir.Const(int() as step)) if step < 0:
                    self._falls_to(var, stop + 1)
                case ir.For(var):
                    self._falls_to(var, None)
                case ir.View(target, base):
                    self._join(target, base)
                case ir.Assign(target, ir.Var() as value):
                    self._join(target, value)
                case ir.AssignMany(targets, values):
                    for one, copied in zip(targets, values, strict=True):
                        if isinstance(copied, ir.Var):
                            self._join(one, copied)
                case ir.Assign(target, ir.Apply("rt.place", args)):
                    for part in (v for arg in args for v in reads(arg)):
                        self._join(target, part)
                case _:
                    pass

    def _falls_to(self, var: ir.Var, low: int | None) -> None:
        """``var`` may be the variable of several loops."""
        known = self.lowest.get(var, low)
        self.lowest[var] = None if known is None or low is None else min(known, low)

    def _join(self, a: ir.Var, b: ir.Var) -> None:
        self.names |= {a, b}
        a, b = self.leader(a), self.leader(b)
        if a is not b:
            self.leaders[a] = b

    def leader(self, var: ir.Var) -> ir.Var:
        while var in self.leaders:
            var = self.leaders[var]
        return var

    def written_in(
        self, loop: ir.For, local: Set[ir.Var]
    ) -> Iterator[tuple[ir.Var, list[Use] | None]]:
        """Arrays from outside that the loop writes to, with all their uses in it; None if not all
        of them are elements of this name."""
        uses: dict[ir.Var, list[Use]] = {}
        whole: set[ir.Var] = set()
        written: dict[ir.Var, None] = {}
        for stmt in statements(loop.body):
            match stmt:
                case ir.Store(array) | ir.Accumulate(array):
                    written[array] = None
                    uses.setdefault(array, []).append(stmt)
                case ir.Fill(array) | ir.CopyInto(array):
                    written[array] = None
                case _:
                    pass
            for top in stmt_exprs(stmt):
                for expr in subexpressions(top):
                    if isinstance(expr, ir.Load):
                        uses.setdefault(expr.array, []).append(expr)
            whole.update(v for v in _as_wholes(stmt) if v not in local)
        seen = {self.leader(v) for v in (*self.names, *uses, *whole) if v not in local}
        for array in written:
            if array in local:
                if self.leader(array) in seen:  # a part of an array from outside
                    yield array, None
                continue
            same = {v for v in (*uses, *whole) if self.leader(v) is self.leader(array)}
            yield array, None if same != {array} or array in whole else uses[array]

    def apart(self, uses: list[Use], loop: ir.For) -> bool:
        """Whether all subscripts have, on the same axis, the same expression that takes a new
        value in each iteration."""
        first = uses[0].index
        assigned = {v for s in statements(loop.body) for v in stmt_defs(s)}
        return loop.var not in assigned and any(
            moves_with(entry, loop.var, assigned)
            and self.is_counted_from_the_front(entry)
            and all(len(use.index) > axis and use.index[axis] == entry for use in uses)
            for axis, entry in enumerate(first)
        )

    def is_counted_from_the_front(self, entry: ir.Index) -> bool:
        """-1 and n - 1 are the same element."""
        low = None if isinstance(entry, ir.Slice) else self.low(entry)
        return low is not None and low >= 0

    def low(self, expr: ir.Expr) -> int | None:
        """A number below which ``expr`` never falls."""
        match expr:
            case ir.Const(int() as value):
                return value
            case ir.Var():
                return self.lowest.get(expr)
            case ir.Dim():
                return 0
            case ir.Binary("+", a, b):
                x, y = self.low(a), self.low(b)
                return None if x is None or y is None else x + y
            case ir.Binary("-", a, ir.Const(int() as value)):
                x = self.low(a)
                return None if x is None else x - value
            case ir.Binary("*", a, b):
                x, y = self.low(a), self.low(b)
                return None if x is None or y is None or x < 0 or y < 0 else x * y
            case ir.Apply("rt.trips", (count,)):
                return max(self.low(count) or 0, 0)
            case ir.Apply("max", args):
                known = [x for x in map(self.low, args) if x is not None]
                return max(known, default=None)
            case _:
                return None


def moves_with(entry: ir.Index, var: ir.Var, assigned: Set[ir.Var]) -> bool:
    """Whether ``entry`` is ``var`` plus and minus what stays as it is."""
    match entry:
        case ir.Var():
            return entry is var
        case ir.Binary("+" | "-", a, b):
            for one, other in ((a, b), (b, a)):
                if moves_with(one, var, assigned):
                    return all(v is not var and v not in assigned for v in reads(other))
            return False
        case _:
            return False


def _as_wholes(stmt: ir.Stmt) -> Iterator[ir.Var]:
    """The variables that a statement reads otherwise than as the array of an element."""
    match stmt:
        case ir.Store(_, index, value) | ir.Accumulate(_, index, value):
            tops = (*index_parts(index), value)
        case ir.For() | ir.If() | ir.While() | ir.Assign() | ir.AssignMany():
            tops = stmt_exprs(stmt)
        case _:
            yield from stmt_reads(stmt)
            return
    for top in tops:
        yield from _not_loaded(top)


def _not_loaded(expr: ir.Expr) -> Iterator[ir.Var]:
    match expr:
        case ir.Load(_, index):
            for entry in index:
                yield from _not_loaded(entry)
        case ir.Dim():
            return
        case ir.Var():
            yield expr
        case _:
            for child in children(expr):
                yield from _not_loaded(child)
