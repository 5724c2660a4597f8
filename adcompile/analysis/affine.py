"""Subscripts as affine forms, and their bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from adcompile.analysis.scope import Loop, Path, Scopes
from adcompile.ir import nodes as ir

Index: TypeAlias = tuple[ir.Expr, ...]


@dataclass(frozen=True)
class Affine:
    """constant + sum(coefficient * variable); loop variables and fixed integers alike."""

    terms: tuple[tuple[ir.Var, int], ...]
    constant: int

    def coefficient(self, var: ir.Var) -> int:
        return dict(self.terms).get(var, 0)


def affine(expr: ir.Expr, scopes: Scopes) -> Affine | None:
    """``expr`` as an affine form over loop variables and other integers, or None."""
    match expr:
        case ir.Const(value=bool()):
            return None
        case ir.Const(value=int() as c):
            return Affine((), c)
        case ir.Var():
            definition = scopes.defined_by.get(expr)
            if isinstance(definition, ir.Assign) and definition.target is expr:
                inner = affine(definition.value, scopes)
                if inner is not None:
                    return inner
            return Affine(((expr, 1),), 0)
        case ir.Unary("-", x):
            return _scaled(affine(x, scopes), -1)
        case ir.Binary("+" | "-" as op, a, b):
            left, right = affine(a, scopes), affine(b, scopes)
            if left is None or right is None:
                return None
            return added(left, right, 1 if op == "+" else -1)
        case ir.Binary("*", a, b):
            left, right = affine(a, scopes), affine(b, scopes)
            if left is None or right is None:
                return None
            if not left.terms:
                return _scaled(right, left.constant)
            return _scaled(left, right.constant) if not right.terms else None
        case _:
            return None


def _scaled(form: Affine | None, factor: int) -> Affine | None:
    return None if form is None else scaled(form, factor)


def scaled(form: Affine, factor: int) -> Affine:
    terms = tuple((v, c * factor) for v, c in form.terms if c * factor)
    return Affine(terms, form.constant * factor)


def added(a: Affine, b: Affine, sign: int) -> Affine:
    terms = dict(a.terms)
    for var, c in b.terms:
        terms[var] = terms.get(var, 0) + sign * c
    return Affine(tuple((v, c) for v, c in terms.items() if c), a.constant + sign * b.constant)


def step_of(loop: Loop) -> int | None:
    """The literal step of a for loop."""
    if not isinstance(loop, ir.For):
        return None
    match loop.step:
        case ir.Const(value=int() as s) if s:
            return s
        case ir.Unary("-", ir.Const(value=int() as s)) if s:
            return -s
    return None


def lower_bound(form: Affine, scopes: Scopes, depth: int = 0) -> int | None:
    """A constant below which the form never falls, or None."""
    total = form.constant
    for var, c in form.terms:
        definition = scopes.defined_by.get(var)
        if not isinstance(definition, ir.For) or definition.var is not var or depth > 4:
            return None
        step = step_of(definition)
        if c <= 0 or step is None:
            return None
        if step > 0:
            base, extra = affine(definition.start, scopes), 0
        else:
            base, extra = affine(definition.stop, scopes), 1
        if base is None or (low := lower_bound(base, scopes, depth + 1)) is None:
            return None
        total += c * (low + extra)
    return total


def bound(form: Affine, scopes: Scopes, upper: bool, depth: int = 0) -> int | None:
    """What the form never exceeds, or never falls below, where its loops run; None if unknown.
    Variables of inner loops first: their ranges name those of outer ones."""
    if not form.terms:
        return form.constant
    inner = [(v, c) for v, c in form.terms if _loop_of(v, scopes) is not None]
    if not inner or depth > 8:
        return None
    var, c = max(inner, key=lambda term: len(scopes.loops[term[0]]))
    loop = _loop_of(var, scopes)
    assert loop is not None
    step = step_of(loop)
    if step is None:
        return None
    end, off = (loop.stop, -1 if step > 0 else 1), (loop.start, 0)
    last, extra = end if ((c > 0) == upper) == (step > 0) else off
    limit = affine(last, scopes)
    if limit is None:
        return None
    rest = added(form, Affine(((var, c),), 0), -1)
    made = added(rest, scaled(limit, c), 1)
    return bound(Affine(made.terms, made.constant + c * extra), scopes, upper, depth + 1)


def _loop_of(var: ir.Var, scopes: Scopes) -> ir.For | None:
    definition = scopes.defined_by.get(var)
    return definition if isinstance(definition, ir.For) and definition.var is var else None


def non_negative(expr: ir.Expr, scopes: Scopes) -> bool:
    """Proved: the subscript does not count from the end."""
    form = affine(expr, scopes)
    if form is None:
        return False
    low = lower_bound(form, scopes)
    return low is not None and low >= 0


def common(a: Path, b: Path) -> Path:
    """The loops around both."""
    shared: list[Loop] = []
    for one, other in zip(a, b, strict=False):
        if one is not other:
            break
        shared.append(one)
    return tuple(shared)
