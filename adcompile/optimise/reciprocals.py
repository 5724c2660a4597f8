"""Quotients of lines of vector mathematics become products (plain dialect).

    for i in range(n):                          for i in range(n):
        d = vm.exp(x[i]) / w          ->            per_w = 1.0 / w
        ...                                         d = vm.exp(x[i]) * per_w
        x_adj[i] = d_adj / w                        x_adj[i] = d_adj * per_w

A processor divides eight numbers in sixteen cycles, and multiplies them in one.  The last bit may
change, as it does by vector mathematics (and more for divisors below 2^-1022, whose reciprocals
overflow); so this is for loops that have it, and for quotients that go into sums, products and
functions without an edge.  Where an ulp could decide something (a
comparison, a rounding, the end of a domain as in ``sqrt(1 - (a / b) ** 2)``, a difference that is
divided by) the division stays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Set
from dataclasses import replace

from numba.core import types as nt

from adcompile.analysis.exposed import exposed
from adcompile.ir import nodes as ir
from adcompile.ir.walk import (
    blocks,
    children,
    map_blocks,
    map_expr,
    reads,
    statements,
    stmt_defs,
    stmt_exprs,
    stmt_reads,
    subexpressions,
)
from adcompile.optimise.factor import is_narrow
from adcompile.optimise.quotients import constants_of, reciprocal
from adcompile.optimise.vectorise import PLUS, is_line

_PREFIXES = ("vm.", "math.", "np.")
_WITHOUT_EDGE = frozenset(
    f"{prefix}{name}"
    for prefix in _PREFIXES
    for name in (
        *("exp", "expm1", "sin", "cos", "tanh", "sinh", "cosh", "erf", "erfc", "arctan", "atan"),
        *("arcsinh", "asinh", "expit", "ndtr", "square", "negative"),
    )
) | {PLUS, "abs"}
# Positive or zero exactly where the quotient is.
_OF_A_QUOTIENT = frozenset(f"{p}{name}" for p in _PREFIXES for name in ("log", "sqrt", "log2"))


def share_reciprocals(
    fn: ir.Function, types: Mapping[ir.Var, nt.Type], adjoints: Set[ir.Var]
) -> ir.Function:
    """``adjoints``: the variables of ``fn`` that hold scalar adjoints."""
    if any(map(is_narrow, types.values())):
        return fn
    constants = constants_of(fn)

    def block(body: ir.Block) -> ir.Block:
        out: list[ir.Stmt] = []
        for stmt in body:
            if isinstance(stmt, ir.For) and is_line(stmt) and _has_mathematics(stmt.body):
                stmt = replace(stmt, body=_line(stmt.body, constants, adjoints))
            out.append(map_blocks(block, stmt) if blocks(stmt) else stmt)
        return tuple(out)

    return replace(fn, body=block(fn.body))


def _expressions(body: ir.Block) -> Iterator[ir.Expr]:
    for stmt in statements(body):
        for top in stmt_exprs(stmt):
            yield from subexpressions(top)


def _has_mathematics(body: ir.Block) -> bool:
    return any(isinstance(e, ir.Apply) and e.fn.startswith("vm.") for e in _expressions(body))


def _line(body: ir.Block, constants: Mapping[ir.Var, float], adjoints: Set[ir.Var]) -> ir.Block:
    decisive = _decisive(body, adjoints)
    changed = Counter(v for s in statements(body) for v in stmt_defs(s))
    free = [
        isinstance(s, ir.Assign)
        and (s.target in adjoints or s.target not in decisive)
        # What a condition keeps from dividing by zero does so.
        and not any(isinstance(e, ir.Select) for e in subexpressions(s.value))
        for s in body
    ]
    divisors = Counter(
        e.b
        for stmt, is_free in zip(body, free, strict=True)
        if is_free
        for top in stmt_exprs(stmt)
        for e in subexpressions(top)
        if isinstance(e, ir.Binary) and e.op == "/" and isinstance(e.b, ir.Var)
    )
    again = set(exposed(body))  # what has a value before it is set here
    shared = {
        v
        for v, n in divisors.items()
        if changed[v] == 0 or (n > 1 and changed[v] == 1 and v not in again)
    }
    made: dict[ir.Var, ir.Var] = {}

    def change(expr: ir.Expr) -> ir.Expr:
        match expr:
            case ir.Binary("/", a, ir.Const() | ir.Var() as divisor):
                if (known := reciprocal(divisor, constants)) is not None:
                    return ir.Binary("*", a, ir.Const(known))
                if isinstance(divisor, ir.Var) and divisor in shared:
                    one = made[divisor]
                    return one if a == ir.Const(1.0) else ir.Binary("*", a, one)
        return expr

    out: list[ir.Stmt] = []
    for stmt, is_free in zip(body, free, strict=True):
        if isinstance(stmt, ir.Assign) and is_free:
            for e in subexpressions(stmt.value):
                if isinstance(e, ir.Binary) and e.op == "/" and e.b in shared and e.b not in made:
                    assert isinstance(e.b, ir.Var)
                    if reciprocal(e.b, constants) is None:
                        one = made[e.b] = ir.Var(f"per_{e.b.name}", True)
                        out.append(ir.Assign(one, ir.Binary("/", ir.Const(1.0), e.b), loc=stmt.loc))
            stmt = replace(stmt, value=map_expr(change, stmt.value))
        out.append(stmt)
    return tuple(out)


def _decisive(body: ir.Block, adjoints: Set[ir.Var]) -> set[ir.Var]:
    """The variables in which an ulp may decide something."""
    found: set[ir.Var] = set()
    quotients: dict[ir.Expr, list[ir.Expr]] = {}
    for stmt in body:
        match stmt:
            case ir.Assign(target, ir.Binary("/", a, b)):
                quotients.setdefault(target, []).extend((a, b))
            case _:
                pass
    for stmt in statements(body):
        if not isinstance(stmt, ir.Assign):
            found.update(stmt_reads(stmt))
        for top in stmt_exprs(stmt):
            for part in subexpressions(top):
                found.update(v for e in _edges(part, quotients) for v in reads(e))
    found -= adjoints
    while True:
        before = len(found)
        for stmt in statements(body):
            if not found.isdisjoint(stmt_defs(stmt)):
                found.update(v for v in stmt_reads(stmt) if v not in adjoints)
        if len(found) == before:
            return found


def _edges(expr: ir.Expr, quotients: Mapping[ir.Expr, list[ir.Expr]]) -> Iterator[ir.Expr]:
    """The operands of ``expr`` in which an ulp may decide something; for a quotient that only has
    to be what it is, zero, positive or negative, those of the quotient."""
    match expr:
        case ir.Binary("+" | "-" | "*") | ir.Unary("-") | ir.Var() | ir.Const():
            return
        case ir.Binary("/", _, b) | ir.Apply(_, (b,)) if b in quotients:
            if isinstance(expr, ir.Apply) and expr.fn in _WITHOUT_EDGE:
                return
            is_sign = isinstance(expr, ir.Binary) or expr.fn in _OF_A_QUOTIENT
            yield from quotients[b] if is_sign else (b,)
        case ir.Binary("/", _, b):
            yield b
        case ir.Apply(name) if name in _WITHOUT_EDGE:
            return
        case _:
            yield from children(expr)
