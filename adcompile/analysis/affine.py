"""Subscripts as affine forms, lower bounds, and whether a later write can hit an earlier read."""

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
            return _sum(left, right, 1 if op == "+" else -1)
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
    if form is None:
        return None
    terms = tuple((v, c * factor) for v, c in form.terms if c * factor)
    return Affine(terms, form.constant * factor)


def _sum(a: Affine, b: Affine, sign: int) -> Affine:
    total = dict(a.terms)
    for var, c in b.terms:
        total[var] = total.get(var, 0) + sign * c
    return Affine(tuple((v, c) for v, c in total.items() if c), a.constant + sign * b.constant)


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


def distances(read: Index, write: Index, loops: Path, scopes: Scopes) -> dict[int, int] | None:
    """How many iterations of each common loop separate the write that hits the element from the
    read of it: position in ``loops`` -> distance, where the subscripts fix it.

    None: proved never to be the same element.  The subscripts name the same array.
    """
    fixed: dict[int, int] = {}
    for r, w in zip(read, write, strict=True):
        a, b = affine(r, scopes), affine(w, scopes)
        if a is None or b is None:
            continue
        if not (non_negative(r, scopes) and non_negative(w, scopes)):
            continue  # x[-1] may be x[n - 1]
        if dict(a.terms) != dict(b.terms):
            continue
        moving: list[tuple[int, int, int]] = []
        for var, c in a.terms:
            inside = [k for k, loop in enumerate(loops) if not scopes.outside(var, loop)]
            if not inside:
                continue  # fixed while the common loops run
            k = inside[-1]
            loop = loops[k]
            step = step_of(loop)
            if not isinstance(loop, ir.For) or loop.var is not var or step is None:
                break
            moving.append((k, c, step))
        else:
            gap = a.constant - b.constant
            if not moving:
                if gap:
                    return None
            elif len(moving) == 1:
                k, c, step = moving[0]
                if gap % (c * step):
                    return None
                d = gap // (c * step)
                if fixed.setdefault(k, d) != d:
                    return None
    return fixed
