"""Shorter chains of products in the reverse sweep (plain dialect).

The adjoint of ``y = d * u * v - c * v`` arrives statement by statement:

    t_adj = y_adj * v
    d_adj += t_adj * u
    v_adj = -y_adj * c
    v_adj += y_adj * (d * u)

An expert writes what each operand receives as the incoming adjoint times one factor:

    d_adj += y_adj * (v * u)
    v_adj = y_adj * (d * u - c)

The factors do not depend on adjoints, so that in a loop which hands adjoints on each iteration
waits for fewer operations.  The price: a product of factors may overflow where the incoming adjoint
is so small that the other order would not (then the partial of the user's line is not a number
that a float can hold), and the last bits differ.

Only in loops, only on numbers of double precision, real or complex, and one user's line at a time.
A real part is no product, and ends a chain.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from numba.core import types as nt

from adcompile.ir import nodes as ir
from adcompile.ir.walk import blocks, map_blocks, reads, statements, stmt_defs, stmt_reads
from adcompile.rules import simplify

Types: TypeAlias = Mapping[ir.Var, nt.Type]
Place: TypeAlias = ir.Var | ir.Load  # what receives contributions
_WIDE = (nt.float64, nt.complex128)


def factor_products(fn: ir.Function, types: Types) -> ir.Function:
    """``fn``, the adjoint of a function whose variables have ``types``."""
    if any(is_narrow(kind) for kind in types.values()):
        return fn
    counts = Counter(v for s in statements(fn.body) for v in _mentions(s))
    return replace(fn, body=_block(fn.body, types, counts, frozenset()))


def is_narrow(kind: nt.Type) -> bool:
    kind = kind.dtype if isinstance(kind, nt.Array) else kind
    return isinstance(kind, nt.Float | nt.Complex) and kind not in _WIDE


def _mentions(stmt: ir.Stmt) -> list[ir.Var]:
    return [*stmt_reads(stmt), *stmt_defs(stmt)]


def _block(
    block: ir.Block, types: Types, counts: Counter[ir.Var], varying: frozenset[ir.Var]
) -> ir.Block:
    """``varying``: what the innermost loop around assigns."""
    out: list[ir.Stmt] = []
    line: list[ir.Assign | ir.Accumulate] = []
    inside = False  # behind a comment: what a line of the user leads to

    def close() -> None:
        out.extend(_Line(types, counts, varying).rewrite(line) if varying else line)
        line.clear()

    for stmt in block:
        if inside and isinstance(stmt, ir.Assign | ir.Accumulate):
            line.append(stmt)
            continue
        close()
        inside = inside or isinstance(stmt, ir.Comment)
        within = varying
        if isinstance(stmt, ir.For | ir.While):
            within = frozenset(v for s in statements(stmt.body) for v in stmt_defs(s))
        if blocks(stmt):
            stmt = map_blocks(lambda b, w=within: _block(b, types, counts, w), stmt)  # type: ignore[misc]
        out.append(stmt)
    close()
    return tuple(out)


@dataclass(frozen=True)
class _Term:
    """``base * factor``, or its negative.  No factor: 1."""

    base: ir.Var
    factor: ir.Expr | None
    negative: bool = False


@dataclass
class _Received:
    """What one place receives in a line."""

    place: Place
    defines: bool  # whether the first contribution is an assignment
    parts: list[_Term | ir.Expr]
    last: int  # statement of the last contribution


class _Refused(Exception):
    """This line is not of the form that the pass knows; it stays."""


class _Line:
    def __init__(self, types: Types, counts: Counter[ir.Var], varying: frozenset[ir.Var]) -> None:
        self.types, self.counts, self.varying = types, counts, varying
        self.received: dict[Place, _Received] = {}
        self.used: set[ir.Var] = set()
        self.named: set[ir.Var] = set()  # read by expressions that stay as they are

    def rewrite(self, line: list[ir.Assign | ir.Accumulate]) -> list[ir.Stmt]:
        try:
            return self._rewritten(line)
        except _Refused:
            return list(line)

    def _rewritten(self, line: list[ir.Assign | ir.Accumulate]) -> list[ir.Stmt]:
        self.inside = Counter(v for stmt in line for v in _mentions(stmt))
        for k, stmt in enumerate(line):
            self._receive(stmt, k)
        out: list[ir.Stmt] = []
        for k, stmt in enumerate(line):
            for one in self.received.values():
                if one.last == k and not self._vanishes(one):
                    out += _statements(one, stmt)
        return out

    def _receive(self, stmt: ir.Assign | ir.Accumulate, k: int) -> None:
        place, value, sign = _update(stmt)
        root = place.array if isinstance(place, ir.Load) else place
        if root in self.types or root in self.used:
            raise _Refused
        one = self.received.get(place)
        if one is None:
            one = self.received[place] = _Received(place, sign is None, [], k)
        elif sign is None:
            raise _Refused  # assigned twice
        part = self._part(value)
        if sign == "-":
            part = _negated(part)
        one.parts.append(part)
        one.last = k

    def _part(self, value: ir.Expr) -> _Term | ir.Expr:
        term = self._term(value)
        if term is None:
            self.used.update(reads(value))
            self.named.update(reads(value))
            return value
        self.used.add(term.base)
        return term

    def _term(self, value: ir.Expr) -> _Term | None:
        match value:
            case ir.Var() if value not in self.types:
                return self._resolved(value)
            case ir.Unary("-", x):
                term = self._term(x)
                return None if term is None else _negate(term)
            case ir.Binary("*", a, b) if self._is_factor(b):
                term = self._term(a)
                if term is None:
                    return None
                factor = b if term.factor is None else simplify.mul(term.factor, b)
                if isinstance(factor, ir.Unary) and factor.op == "-":
                    return replace(_negate(term), factor=factor.x)
                return replace(term, factor=factor)
            case _:
                return None

    def _resolved(self, var: ir.Var) -> _Term:
        """The variable as a product, if it is a temporary of this line that is one."""
        self.used.add(var)
        one = self.received.get(var)
        if one is not None and self._vanishes(one):
            (part,) = _merged(one.parts)
            assert isinstance(part, _Term)
            return part
        return _Term(var, None)

    def _vanishes(self, one: _Received) -> bool:
        """Whether it is a temporary that nothing outside of the line reads, and a product."""
        place = one.place
        if not isinstance(place, ir.Var) or not place.temp or place in self.named:
            return False
        if self.inside[place] != self.counts[place]:
            return False
        merged = _merged(one.parts)
        if not one.defines or len(merged) != 1 or not isinstance(merged[0], _Term):
            return False
        return merged[0].base in self.varying

    def _is_factor(self, expr: ir.Expr) -> bool:
        """A sum of products of numbers of the primal."""
        match expr:
            case ir.Var():
                return self.types.get(expr) in _WIDE
            case ir.Load(array):
                kind = self.types.get(array)
                return isinstance(kind, nt.Array) and kind.dtype in _WIDE
            case ir.Const(value):
                return type(value) in (int, float, complex)
            case ir.Unary("-", x):
                return self._is_factor(x)
            case ir.Binary("+" | "-" | "*", a, b):
                return self._is_factor(a) and self._is_factor(b)
            case _:
                return False


def _update(stmt: ir.Assign | ir.Accumulate) -> tuple[Place, ir.Expr, str | None]:
    """What receives what, with which sign; None: it is assigned."""
    if isinstance(stmt, ir.Accumulate):
        places = tuple(i for i in stmt.index if not isinstance(i, ir.Slice))
        return ir.Load(stmt.array, places), stmt.value, stmt.op
    match stmt.value:
        case ir.Binary("+" | "-" as op, a, b) if stmt.inplace and a is stmt.target:
            return stmt.target, b, op
        case _:
            return stmt.target, stmt.value, None


def _negate(term: _Term) -> _Term:
    return replace(term, negative=not term.negative)


def _negated(part: _Term | ir.Expr) -> _Term | ir.Expr:
    return _negate(part) if isinstance(part, _Term) else simplify.neg(part)


def _merged(parts: list[_Term | ir.Expr]) -> list[_Term | ir.Expr]:
    """``A * F + A * G`` as ``A * (F + G)``."""
    out: list[_Term | ir.Expr] = []
    for part in parts:
        if isinstance(part, _Term) and part.factor is not None:
            for k, other in enumerate(out):
                if isinstance(other, _Term) and other.base is part.base and other.factor:
                    out[k] = _sum(other, part)
                    break
            else:
                out.append(part)
        else:
            out.append(part)
    return out


def _sum(a: _Term, b: _Term) -> _Term:
    assert a.factor is not None and b.factor is not None
    if a.negative == b.negative and a.factor == b.factor:
        return replace(a, factor=simplify.mul(ir.Const(2.0), a.factor))
    if a.negative == b.negative:
        return replace(a, factor=simplify.add(a.factor, b.factor))
    if a.negative:
        a, b = b, a
    assert a.factor is not None and b.factor is not None
    return replace(a, factor=simplify.sub(a.factor, b.factor))


def _statements(one: _Received, like: ir.Stmt) -> list[ir.Stmt]:
    out: list[ir.Stmt] = []
    for k, part in enumerate(_merged(one.parts)):
        value, negative = part, False
        if isinstance(part, _Term):
            value, negative = _product(part), part.negative
        assert not isinstance(value, _Term)
        if isinstance(one.place, ir.Load):
            value, negative = _signed(value, negative)
            op = "-" if negative else "+"
            out.append(ir.Accumulate(one.place.array, one.place.index, value, op, like.loc))
        elif k == 0 and one.defines:
            value = simplify.neg(value) if negative else value
            out.append(ir.Assign(one.place, value, False, like.loc))
        else:
            combine = simplify.sub if negative else simplify.add
            out.append(ir.Assign(one.place, combine(one.place, value), True, like.loc))
    return out


def _signed(value: ir.Expr, negative: bool) -> tuple[ir.Expr, bool]:
    if isinstance(value, ir.Unary) and value.op == "-":
        return value.x, not negative
    return value, negative


def _product(term: _Term) -> ir.Expr:
    return term.base if term.factor is None else simplify.mul(term.base, term.factor)
