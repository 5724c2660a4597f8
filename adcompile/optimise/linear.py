"""Subscripts as linear functions of one loop's variable (plain dialect)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Set
from dataclasses import dataclass

from adcompile.ir import nodes as ir
from adcompile.ir.walk import map_expr, reads, stmt_defs, stmt_reads, subexpressions
from adcompile.optimise.arrays_used import Arrays


@dataclass(frozen=True)
class Linear:
    """slope * (loop variable) + sum(coefficient * fixed term) + constant.  ``counted``: proved to
    count from the front, as -1 and n - 1 are the same element."""

    slope: int
    rest: frozenset[tuple[ir.Expr, int]]
    constant: int
    counted: bool


Place = tuple[Linear, ...]


class Subscripts:
    """Of the statements of ``loop``, which has no inner blocks; ``assigned``: what it assigns."""

    def __init__(self, loop: ir.For, assigned: Set[ir.Var], arrays: Arrays) -> None:
        self.var, self.assigned, self.arrays = loop.var, assigned, arrays
        self.values: dict[ir.Var, ir.Expr] = {}
        defined = Counter(v for stmt in loop.body for v in stmt_defs(stmt))
        seen: set[ir.Var] = set()
        for stmt in loop.body:
            seen.update(stmt_reads(stmt))  # a variable read before it is set is from before
            match stmt:
                case ir.Assign(var, value) if defined[var] == 1 and var not in seen:
                    known = (
                        v in self.values or v not in assigned or v is loop.var for v in reads(value)
                    )
                    if _is_integral(value) and all(known):
                        self.values[var] = value
                case _:
                    pass

    def outside(self, expr: ir.Expr) -> ir.Expr:
        """``expr`` without variables of the loop's body, as far as those are integers."""

        def change(part: ir.Expr) -> ir.Expr:
            if isinstance(part, ir.Var) and part in self.values:
                return map_expr(change, self.values[part])
            return part

        return map_expr(change, expr)

    def place(self, index: tuple[ir.Index, ...]) -> Place | None:
        found: list[Linear] = []
        for entry in index:
            if isinstance(entry, ir.Slice):
                return None
            expr = self.outside(entry)
            terms = _terms(expr)
            if terms is None:
                return None
            slope = terms.pop(self.var, 0)
            constant = terms.pop(_ONE, 0)
            if any(v in self.assigned for term in terms for v in reads(term)):
                return None
            low = self.arrays.low(expr)
            counted = low is not None and low >= 0
            rest = frozenset((t, c) for t, c in terms.items() if c)
            found.append(Linear(slope, rest, constant, counted))
        return tuple(found)


def distance(first: Place, second: Place) -> int | str:
    """How much later than ``first`` the loop variable has the value with which ``second`` is the
    same element; "never", or "unknown"."""
    known: int | None = None
    for a, b in zip(first, second, strict=True):
        if (a.slope, a.rest) != (b.slope, b.rest) or not (a.counted and b.counted):
            continue
        gap = a.constant - b.constant
        if not a.slope:
            if gap:
                return "never"
        elif gap % a.slope or known not in (None, gap // a.slope):
            return "never"
        else:
            known = gap // a.slope
    return "unknown" if known is None else known


_ONE = ir.Const(1)


def _terms(expr: ir.Expr) -> dict[ir.Expr, int] | None:
    """As a sum of integral multiples."""
    match expr:
        case ir.Const(value=bool()):
            return None
        case ir.Const(value=int() as c):
            return {_ONE: c}
        case ir.Var() | ir.Dim():
            return {expr: 1}
        case ir.Unary("-", x):
            inner = _terms(x)
            return None if inner is None else {t: -c for t, c in inner.items()}
        case ir.Binary("+" | "-" as op, a, b):
            left, right = _terms(a), _terms(b)
            if left is None or right is None:
                return None
            for term, c in right.items():
                left[term] = left.get(term, 0) + (c if op == "+" else -c)
            return left
        case ir.Binary("*", a, b):
            for one, other in ((a, b), (b, a)):
                factor, terms = _terms(one), _terms(other)
                if factor is not None and terms is not None and not set(factor) - {_ONE}:
                    return {t: c * factor.get(_ONE, 0) for t, c in terms.items()}
            return None
        case _:
            return None


def _is_integral(expr: ir.Expr) -> bool:
    """Built from variables and whole numbers alone; of floats there is no subscript."""
    plain = ir.Var | ir.Dim | ir.Binary | ir.Unary
    for part in subexpressions(expr):
        match part:
            case ir.Const(value=bool()):
                return False
            case ir.Const(value=int()):
                pass
            case ir.Binary(op) if op not in ("+", "-", "*"):
                return False
            case _ if isinstance(part, plain):
                pass
            case _:
                return False
    return True
