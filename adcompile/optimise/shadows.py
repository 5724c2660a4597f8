"""Shadows without needless memory traffic (plain dialect).

A shadow starts as zeros and is emptied where its array was written.  If the first loops that touch
it add to every element once, they can assign instead, and the zeros need not be written; if nothing
reads it any more, it need not be emptied.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from adcompile.ir import nodes as ir
from adcompile.ir.walk import (
    blocks,
    map_blocks,
    reads,
    statements,
    stmt_defs,
    stmt_reads,
    subexpressions,
)
from adcompile.optimise.extents import Extents
from adcompile.rules.library import OVERWRITING
from adcompile.rules.simplify import neg


@dataclass(frozen=True)
class Loops:
    """Loops around a statement, and how far each one counts from 0."""

    vars: tuple[ir.Var, ...] = ()
    stops: tuple[ir.Expr, ...] = ()

    def within(self, loop: ir.For) -> Loops | None:
        """None if the loop does not visit all of 0, 1, ... once."""
        if loop.exit is not None:
            return None
        match loop:
            case ir.For(start=ir.Const(0), step=ir.Const(1)):
                stop = loop.stop
            case ir.For(ir.Var(), ir.Binary("-", stop, ir.Const(1)), ir.Const(-1), ir.Const(-1)):
                pass
            case _:
                return None
        return Loops((*self.vars, loop.var), (*self.stops, stop))


def spare_shadows(
    body: ir.Block,
    shadows: Mapping[ir.Var, tuple[ir.Expr, ...]],
    given: frozenset[ir.Var],
    in_c_order: frozenset[ir.Var],
    extents: Extents,
) -> tuple[ir.Block, frozenset[ir.Var]]:
    """``body`` with less to do for ``shadows`` (with their shapes), and those among the ``given``
    ones that it assigns before anything reads them.  Library calls can assign to those
    ``in_c_order``."""
    overwritten: set[ir.Var] = set()
    for shadow, dims in shadows.items():
        places = [k for k, stmt in enumerate(body) if _mentions(stmt, shadow)]
        start = next((k for k in places if _makes_zeros(body[k], shadow)), None)
        if start is not None:
            places.remove(start)
        elif shadow not in given:
            continue
        if _has_other_names(body, shadow, start) or (start is not None and places[:1] < [start]):
            continue
        out = list(body)
        if places and start is not None:
            out[places[-1]] = _Emptied(shadow).drop(out[places[-1]])
        if places:
            assigned = _Assigned(shadow, dims, shadow in in_c_order, extents).stmt(
                out[places[0]], Loops()
            )
            if assigned is not None:
                out[places[0]] = assigned
                overwritten.add(shadow)
                if start is not None:
                    out[start] = _uninitialised(out[start])
        body = tuple(out)
    return body, frozenset(overwritten) & given


def _mentions(stmt: ir.Stmt, shadow: ir.Var) -> bool:
    return any(v is shadow for s in statements((stmt,)) for v in (*stmt_reads(s), *stmt_defs(s)))


def _makes_zeros(stmt: ir.Stmt, shadow: ir.Var) -> bool:
    match stmt:
        case ir.Alloc(target, "np.zeros" | "np.zeros_like"):
            return target is shadow
        case _:
            return False


def _uninitialised(stmt: ir.Stmt) -> ir.Stmt:
    assert isinstance(stmt, ir.Alloc)
    return replace(stmt, fn=stmt.fn.replace("zeros", "empty"))


def _has_other_names(body: ir.Block, shadow: ir.Var, start: int | None) -> bool:
    """Whether the shadow can be reached otherwise than by its name."""
    for stmt in statements(body):
        if start is not None and stmt is body[start]:
            continue
        match stmt:
            case ir.View(target, base) if shadow in (target, base):
                return True
            case _ if shadow in stmt_defs(stmt):
                return True
            case ir.Assign(_, value) | ir.Store(_, _, value) | ir.Accumulate(_, _, value):
                if any(v is shadow for v in reads(value)) and not _only_loads(value, shadow):
                    return True
            case ir.Return(values) if shadow in values:
                return True
            case _:
                pass
    return False


def _only_loads(expr: ir.Expr, shadow: ir.Var) -> bool:
    match expr:
        case ir.Load(array, index) if array is shadow:
            return not any(v is shadow for entry in index for v in _index_reads(entry))
        case ir.Var():
            return expr is not shadow
        case ir.Unary(_, x):
            return _only_loads(x, shadow)
        case ir.Binary(_, a, b) | ir.Compare(_, a, b) | ir.Logic(_, a, b):
            return _only_loads(a, shadow) and _only_loads(b, shadow)
        case ir.Select(c, a, b):
            return all(_only_loads(x, shadow) for x in (c, a, b))
        case ir.Apply(_, args):
            return all(_only_loads(x, shadow) for x in args)
        case _:
            return not any(v is shadow for v in reads(expr))


def _index_reads(entry: ir.Index) -> list[ir.Var]:
    return [] if isinstance(entry, ir.Slice) else list(reads(entry))


def _uses(stmt: ir.Stmt, shadow: ir.Var) -> list[tuple[ir.Index, ...]] | None:
    """The subscripts at which a statement itself, not its blocks, uses the shadow; None if it
    uses it as a whole."""
    found: list[tuple[ir.Index, ...]] = []
    match stmt:
        case ir.Store(array, index) | ir.Accumulate(array, index) if array is shadow:
            found.append(index)
        case ir.Do(_, args) | ir.Alloc(_, _, args) if shadow in args:
            return None
        case ir.Copy() | ir.CopyInto() | ir.Fill() | ir.Call() | ir.Custom():
            if shadow in (*stmt_reads(stmt), *stmt_defs(stmt)):
                return None
        case _:
            pass
    for expr in _values(stmt):
        found += [e.index for e in _loads(expr) if e.array is shadow]
    return found


def _values(stmt: ir.Stmt) -> tuple[ir.Expr, ...]:
    match stmt:
        case ir.Assign(_, value) | ir.Store(_, _, value) | ir.Accumulate(_, _, value):
            return (value,)
        case ir.AssignMany(_, values) | ir.Return(values):
            return values
        case ir.If(cond) | ir.While(cond):
            return (cond,)
        case _:
            return ()


def _loads(expr: ir.Expr) -> list[ir.Load]:
    return [e for e in subexpressions(expr) if isinstance(e, ir.Load)]


def is_only(entry: ir.Index, dim: ir.Expr) -> bool:
    """The one subscript of an axis of extent one."""
    return entry == ir.Const(0) and dim == ir.Const(1)


class _Assigned:
    """The first statement that touches a shadow, with assignments for additions."""

    def __init__(
        self, shadow: ir.Var, dims: tuple[ir.Expr, ...], in_c_order: bool, extents: Extents
    ) -> None:
        self.shadow, self.dims, self.extents = shadow, dims, extents
        self.in_c_order = in_c_order

    def stmt(self, stmt: ir.Stmt, loops: Loops) -> ir.Stmt | None:
        match stmt:
            case ir.Accumulate(array, index, value, op) if array is self.shadow:
                if not self.covers(index, loops) or any(v is array for v in reads(value)):
                    return None
                return ir.Store(array, index, value if op == "+" else neg(value), stmt.loc)
            case ir.Do(fn, (ir.Var() as array, *others)) if array is self.shadow:
                if loops.vars or not self.in_c_order or fn not in OVERWRITING or array in others:
                    return None
                return replace(stmt, fn=OVERWRITING[fn])
            case ir.For():
                inner = loops.within(stmt)
                if inner is None:
                    return None
                places = [k for k, s in enumerate(stmt.body) if _mentions(s, self.shadow)]
                first = self.stmt(stmt.body[places[0]], inner)
                if first is None or not self.apart(stmt, first):
                    return None
                body = list(stmt.body)
                body[places[0]] = first
                return replace(stmt, body=tuple(body))
            case _:
                return None

    def covers(self, index: tuple[ir.Index, ...], loops: Loops) -> bool:
        """Every element once: the loops' variables are the subscripts."""
        stops = dict(zip(loops.vars, loops.stops, strict=True))
        if len(index) != len(self.dims):
            return False
        pairs = [(i, dim) for i, dim in zip(index, self.dims, strict=True) if not is_only(i, dim)]
        found: list[ir.Var] = []
        for entry, dim in pairs:
            digits = self.digits(entry, stops)
            if digits is None or not self.extents.is_product(dim, tuple(stops[v] for v in digits)):
                return False
            found += digits
        return len(found) == len(stops) and set(found) == set(stops)

    def digits(self, entry: ir.Index, stops: dict[ir.Var, ir.Expr]) -> tuple[ir.Var, ...] | None:
        """The loop variables of a subscript like ``(i * b + j) * c + k`` with j < b and k < c."""
        if isinstance(entry, ir.Slice):
            return None
        if isinstance(entry, ir.Var):
            if entry in stops:
                return (entry,)
            entry = self.extents.defined(entry)
        match entry:
            case ir.Binary("+", ir.Binary("*", high, radix), ir.Var() as low) if low in stops:
                above = self.digits(high, stops)
                fits = self.extents.is_product(radix, (stops[low],))
                return (*above, low) if above is not None and fits else None
            case _:
                return None

    def apart(self, loop: ir.For, first: ir.Stmt) -> bool:
        """Whether each iteration keeps to its own part of the shadow."""
        subscripts: set[tuple[ir.Index, ...]] = set()
        for stmt in statements((*loop.body, first)):
            found = _uses(stmt, self.shadow)
            if found is None:
                return False
            subscripts.update(found)
        # One subscript is one that ``covers`` has found to visit every element once.
        return len(subscripts) == 1 or keeps_apart(loop, self.shadow)


def keeps_apart(loop: ir.For, shadow: ir.Var) -> bool:
    """Whether all subscripts have the loop's variable on the same axis."""
    axes: set[int] | None = None
    for stmt in statements(loop.body):
        found = _uses(stmt, shadow)
        if found is None:
            return False
        for index in found:
            own = {k for k, entry in enumerate(index) if entry is loop.var}
            axes = own if axes is None else axes & own
    return bool(axes)


def counts_from_the_front(loop: ir.For) -> bool:
    """Whether its variable is never negative: -1 and n - 1 are the same element."""
    match loop:
        case ir.For(start=ir.Const(int() as start), step=ir.Const(int() as step)) if step > 0:
            return start >= 0
        case ir.For(stop=ir.Const(int() as stop), step=ir.Const(int() as step)) if step < 0:
            return stop >= -1
        case _:
            return False


class _Emptied:
    """The last statement that touches a shadow, without the zeros that nobody reads."""

    def __init__(self, shadow: ir.Var) -> None:
        self.shadow = shadow

    def drop(self, stmt: ir.Stmt) -> ir.Stmt:
        loops: list[ir.Var] = []
        inner = stmt
        while isinstance(inner, ir.For):
            if not counts_from_the_front(inner):
                return stmt
            loops.append(inner.var)
            users = [s for s in inner.body if _mentions(s, self.shadow)]
            if not isinstance(users[-1], ir.For):
                break
            if len(users) != 1 and not keeps_apart(inner, self.shadow):
                break
            inner = users[-1]
        if not isinstance(inner, ir.For) or any(blocks(s) for s in users):
            return stmt
        wanted = [index for s in users for index in _uses(s, self.shadow) or [()]]
        last = users[-1]
        match last:
            case ir.Store(array, index, ir.Const(0.0)) if array is self.shadow:
                if any(one != index for one in wanted) or not set(loops) <= set(index):
                    return stmt
                return self.without(stmt, last)
            case _:
                return stmt

    def without(self, stmt: ir.Stmt, one: ir.Stmt) -> ir.Stmt:
        def block(b: ir.Block) -> ir.Block:
            return tuple(map_blocks(block, s) for s in b if s is not one)

        return map_blocks(block, stmt)
