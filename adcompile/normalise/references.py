"""Which array does a variable name?  Integers that follow array variables through loops.

``u, v = v, u`` in a time loop, or ``y = z`` under a condition: in reverse the shadows must be
rebound as the arrays were.  Each array that such a variable can name gets a number, and an integer
travels with the variable through joins and carried values.  It is an ordinary value: stored,
recomputed, or removed as dead code where the reverse sweep does not ask for it.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, replace

from numba.core import types as nt

from adcompile.ir import nodes as ir
from adcompile.ir.walk import statements

Types = dict[ir.Var, nt.Type]


@dataclass(frozen=True)
class Selection:
    """``number`` tells which of ``arrays`` (number, array) a variable names."""

    number: ir.Var
    arrays: tuple[tuple[int, ir.Var], ...]


Selections = dict[ir.Var, Selection]


def number_references(
    fn: ir.Function, types: Types, placed: Container[ir.Var] = ()
) -> tuple[ir.Function, Selections]:
    """``fn`` (ssa) with numbers beside the array variables that loops rebind, but for those that
    have places."""
    found = array_sources(fn, types)
    sources = {var: source for var, source in found.items() if var not in placed}
    if not any(isinstance(s, ir.For | ir.While) for s, _ in sources.values()):
        return fn, {}
    numberer = _Numberer(sources, types)
    body = numberer.block(fn.body)
    start = tuple(
        ir.Assign(var, ir.Const(numberer.codes[array]), loc=fn.loc)
        for array, var in numberer.constants.items()
    )
    unpack = [s for s in body if isinstance(s, ir.Assign) and isinstance(s.value, ir.TupleGet)]
    rest = tuple(s for s in body if s not in unpack)
    return replace(fn, body=(*unpack, *start, *rest)), numberer.selections()


Sources = dict[ir.Var, tuple[ir.Stmt, tuple[ir.Var, ...]]]


def array_sources(fn: ir.Function, types: Types) -> Sources:
    """Joined, carried and renamed array variables: the statement, and what they come from."""
    found: Sources = {}
    for stmt in statements(fn.body):
        match stmt:
            case ir.View(target, base, ()):
                found[target] = stmt, (base,)
            case ir.If(joins=joins):
                for j in joins:
                    if isinstance(types.get(j.out), nt.Array):
                        found[j.out] = stmt, tuple(v for v in (j.then, j.orelse) if v is not None)
            case ir.For(carried=carried) | ir.While(carried=carried):
                for c in carried:
                    if isinstance(types.get(c.head), nt.Array):
                        both = tuple(v for v in (c.init, c.next) if v is not None)
                        found[c.head] = stmt, both
                        found[c.out] = stmt, both
            case _:
                pass
    return found


def origins(var: ir.Var, sources: Sources) -> list[ir.Var]:
    """The arrays that a joined, carried or renamed variable may name."""
    found: dict[ir.Var, None] = {}
    seen: set[ir.Var] = set()
    pending = [var]
    while pending:
        here = pending.pop(0)
        if here in seen:
            continue
        seen.add(here)
        if here in sources:
            pending.extend(sources[here][1])
        else:
            found[here] = None
    return list(found)


class _Numberer:
    def __init__(self, sources: Sources, types: Types) -> None:
        self.sources, self.types = sources, types
        self.codes: dict[ir.Var, int] = {}
        self.constants: dict[ir.Var, ir.Var] = {}  # array -> variable that holds its number
        self.numbers: dict[ir.Var, ir.Var] = {}  # joined or carried array -> its number
        for var, (stmt, _) in sources.items():
            if not isinstance(stmt, ir.View):
                self.numbers[var] = self.integer(var)
            for origin in origins(var, self.sources):
                if origin not in self.codes:
                    self.codes[origin] = len(self.codes)
                    self.constants[origin] = self.integer(origin)

    def integer(self, array: ir.Var) -> ir.Var:
        var = ir.Var(f"{array.name}_ref")
        self.types[var] = nt.int64
        return var

    def selections(self) -> Selections:
        return {
            var: Selection(
                self.numbers[var], tuple((self.codes[o], o) for o in origins(var, self.sources))
            )
            for var in self.numbers
        }

    def number(self, array: ir.Var | None) -> ir.Var | None:
        if array is None:
            return None
        while array not in self.numbers and array in self.sources:
            array = self.sources[array][1][0]  # another name for it
        return self.numbers.get(array) or self.constants[array]

    def block(self, block: ir.Block) -> ir.Block:
        return tuple(self.stmt(stmt) for stmt in block)

    def stmt(self, stmt: ir.Stmt) -> ir.Stmt:
        match stmt:
            case ir.If():
                extra = [
                    ir.Join(self.numbers[j.out], self.number(j.then), self.number(j.orelse))
                    for j in stmt.joins
                    if j.out in self.numbers
                ]
                return replace(
                    stmt,
                    then=self.block(stmt.then),
                    orelse=self.block(stmt.orelse),
                    joins=(*stmt.joins, *extra),
                )
            case ir.For() | ir.While():
                return replace(
                    stmt,
                    body=self.block(stmt.body),
                    carried=(*stmt.carried, *self.carried(stmt)),
                )
            case _:
                return stmt

    def carried(self, stmt: ir.For | ir.While) -> list[ir.Carried]:
        made: list[ir.Carried] = []
        for c in stmt.carried:
            if c.head in self.numbers:
                following = self.number(c.next)
                assert following is not None
                made.append(
                    ir.Carried(
                        self.numbers[c.head], self.number(c.init), following, self.numbers[c.out]
                    )
                )
        return made
