"""Temporaries that are read once move into the expression that reads them.

    t = k * y
    u = t + x[i]     ->     v = math.tanh(k * y + x[i])
    v = math.tanh(u)

A value moves down its block past statements that do not assign what it reads; one that loads from
an array passes nothing that might store.  It never moves into a loop, where it would be evaluated
again and again.  Expressions stop growing at ``MAX_OPERATIONS`` and ``MAX_WIDTH``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

from adcompile.ir.nodes import (
    Alloc,
    Apply,
    Assign,
    AssignMany,
    Attribute,
    Binary,
    Block,
    Comment,
    Compare,
    Const,
    Copy,
    CopyInto,
    Dim,
    Expr,
    Function,
    Load,
    Logic,
    MakeTuple,
    Return,
    Select,
    Stmt,
    Subscript,
    Unary,
    Var,
    View,
    While,
)
from adcompile.ir.walk import (
    blocks,
    children,
    map_blocks,
    map_stmt_exprs,
    reads,
    statements,
    stmt_defs,
    stmt_exprs,
    stmt_reads,
    subexpressions,
    substitute,
)

MAX_OPERATIONS = 6
MAX_WIDTH = 88


@dataclass(frozen=True)
class _Pending:
    """A temporary whose definition, statement ``at`` of the block, may still move down."""

    at: int
    value: Expr
    operands: frozenset[Var]
    loads: bool


def nest(fn: Function, keep: frozenset[Var] = frozenset()) -> Function:
    """The plain function with fewer temporaries; those in ``keep`` stay."""
    return replace(fn, body=_block(fn.body, _movable(fn, keep)))


def _movable(fn: Function, keep: frozenset[Var]) -> frozenset[Var]:
    """Temporaries assigned once and read once."""
    defs: Counter[Var] = Counter(fn.params)
    uses: Counter[Var] = Counter()
    for stmt in statements(fn.body):
        defs.update(stmt_defs(stmt))
        uses.update(stmt_reads(stmt))
        exit_ = getattr(stmt, "exit", None)
        if exit_ is not None:
            uses[exit_] += 2
    return frozenset(
        var for var in defs if var.temp and defs[var] == 1 and uses[var] == 1 and var not in keep
    )


def _block(block: Block, movable: frozenset[Var]) -> Block:
    made: list[Stmt | None] = []
    pending: dict[Var, _Pending] = {}
    for stmt in block:
        stmt = _fill_in(stmt, pending, made)
        stmt = map_blocks(lambda inner: _block(inner, movable), stmt)
        changed = frozenset(_changes(stmt))
        pure = isinstance(stmt, Assign | AssignMany | Comment | Alloc | Copy | View)
        pending = {
            var: one
            for var, one in pending.items()
            if changed.isdisjoint(one.operands) and (pure or not one.loads)
        }
        match stmt:
            case Assign(target, value, False) if target in movable:
                operands = frozenset(reads(value))
                loads = any(_may_load(part) for part in subexpressions(value))
                pending[target] = _Pending(len(made), value, operands, loads)
            case _:
                pass
        made.append(stmt)
    return tuple(stmt for stmt in made if stmt is not None)


def _may_load(expr: Expr) -> bool:
    """Whether this node may read elements of an array: a call may if it is given a variable."""
    match expr:
        case Load() | Subscript():
            return True
        case Apply(fn, args):
            scalar = fn.startswith("math.") or fn in ("float", "int", "bool", "abs", "round")
            return not scalar and any(isinstance(arg, Var) for arg in args)
        case _:
            return False


def _changes(stmt: Stmt) -> Iterator[Var]:
    """The variables that a statement or anything inside it assigns."""
    yield from stmt_defs(stmt)
    for inner in blocks(stmt):
        for one in statements(inner):
            yield from stmt_defs(one)


def _fill_in(stmt: Stmt, pending: dict[Var, _Pending], made: list[Stmt | None]) -> Stmt:
    """The statement with pending values put in, one by one while they fit."""
    if isinstance(stmt, While):
        return stmt
    arrays = frozenset(_array_places(stmt))
    for var in list(dict.fromkeys(stmt_reads(stmt))):
        if var not in pending:
            continue
        one = pending[var]
        if var in arrays and not isinstance(one.value, Var):
            continue
        if isinstance(one.value, MakeTuple) and not isinstance(stmt, Return):
            continue
        wider = map_stmt_exprs(partial(substitute, mapping={var: one.value}), stmt)
        if isinstance(one.value, Var | Const) or _fits(wider):
            stmt = wider
            made[one.at] = None
            del pending[var]
    return stmt


def _array_places(stmt: Stmt) -> Iterator[Var]:
    """Variables in places where no expression may stand."""
    for expr in stmt_exprs(stmt):
        for part in subexpressions(expr):
            if isinstance(part, Load | Dim):
                yield part.array
    match stmt:
        case Copy(_, source) | CopyInto(_, _, source):
            yield source
        case View(_, base):
            yield base
        case _:
            pass
    array = getattr(stmt, "array", None)
    if isinstance(array, Var):
        yield array


# ---------------------------------------------------------------- size


def _fits(stmt: Stmt) -> bool:
    exprs = stmt_exprs(stmt)
    targets = sum(len(var.name) + 2 for var in stmt_defs(stmt))
    width = targets + sum(width_of(expr) + 2 for expr in exprs)
    return width <= MAX_WIDTH and all(operations(expr) <= MAX_OPERATIONS for expr in exprs)


def operations(expr: Expr) -> int:
    """How many operations an expression holds; reading an element is none."""
    own = isinstance(expr, Unary | Binary | Compare | Logic | Select | Apply)
    return own + sum(operations(child) for child in children(expr))


def width_of(expr: Expr) -> int:
    """About how many characters an expression prints as."""
    inner = sum(width_of(child) for child in children(expr))
    match expr:
        case Var(name):
            return len(name)
        case Const(value):
            return len(repr(value))
        case Apply(fn, args):
            return inner + len(fn) + 2 * max(1, len(args))
        case Attribute(_, name):
            return inner + len(name) + 1
        case Select():
            return inner + 10
        case Binary() | Compare() | Logic():
            return inner + 5
        case Dim():
            return inner + 9
        case _:
            return inner + 2 * len(children(expr))
