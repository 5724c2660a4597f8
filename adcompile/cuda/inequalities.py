"""Linear inequalities between integers, products of variables standing for themselves.

A polynomial is a dict from monomials (sorted tuples of variables and sizes) to coefficients.  What
is to be proved >= 0 is written as a sum of what is known to be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from adcompile.ir import nodes as ir

Atom: TypeAlias = ir.Var | ir.Dim
Monomial: TypeAlias = tuple[Atom, ...]
Polynomial: TypeAlias = Mapping[Monomial, int]

_DEPTH = 4  # so many facts are added up


def constant(value: int) -> Polynomial:
    return {(): value} if value else {}


def variable(atom: Atom) -> Polynomial:
    return {(atom,): 1}


def plus(a: Polynomial, b: Polynomial, times: int = 1) -> Polynomial:
    total = dict(a)
    for key, c in b.items():
        total[key] = total.get(key, 0) + times * c
    return {key: c for key, c in total.items() if c}


def product(a: Polynomial, b: Polynomial) -> Polynomial:
    total: dict[Monomial, int] = {}
    for left, x in a.items():
        for right, y in b.items():
            key = tuple(sorted((*left, *right), key=_place))
            total[key] = total.get(key, 0) + x * y
    return {key: c for key, c in total.items() if c}


def _place(atom: Atom) -> tuple[int, int]:
    return (id(atom), -1) if isinstance(atom, ir.Var) else (id(atom.array), atom.axis)


def follows(goal: Polynomial, facts: Sequence[Polynomial], positive: frozenset[Atom]) -> bool:
    """Whether ``goal >= 0`` follows from ``fact >= 0`` for all facts; ``positive``: what is never
    negative."""
    return _search(goal, facts, positive, _DEPTH)


def _search(
    goal: Polynomial,
    facts: Sequence[Polynomial],
    positive: frozenset[Atom],
    depth: int,
) -> bool:
    lacking = [k for k, c in goal.items() if c < 0 or not all(a in positive for a in k)]
    if not lacking:
        return True
    if not depth:
        return False
    for fact in facts:
        # A fact helps only if it takes away something that is lacking.
        for times in {goal[key] // fact[key] or 1 for key in lacking if _helps(goal, fact, key)}:
            if _search(plus(goal, fact, -times), facts, positive, depth - 1):
                return True
    return False


def _helps(goal: Polynomial, fact: Polynomial, key: Monomial) -> bool:
    return goal[key] * fact.get(key, 0) > 0


def known_of_products(facts: Sequence[Polynomial], sizes: Sequence[Atom]) -> list[Polynomial]:
    """Facts times what is never negative."""
    return [product(fact, variable(size)) for fact in facts for size in sizes]
