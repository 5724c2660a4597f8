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
    return _search(goal, facts, positive, _DEPTH, {})


def _search(
    goal: Polynomial,
    facts: Sequence[Polynomial],
    positive: frozenset[Atom],
    depth: int,
    failed: dict[frozenset[tuple[Monomial, int]], int],
) -> bool:
    """``failed``: goals that so many facts do not lead to."""
    lacking = [k for k, c in goal.items() if c < 0 or not all(a in positive for a in k)]
    if not lacking:
        return True
    name = frozenset(goal.items())
    if depth <= failed.get(name, 0):
        return False
    failed[name] = depth
    for fact in facts:
        # A fact helps only if it takes away something that is lacking.
        for times in {goal[key] // fact[key] or 1 for key in lacking if _helps(goal, fact, key)}:
            if _search(plus(goal, fact, -times), facts, positive, depth - 1, failed):
                return True
    return False


def _helps(goal: Polynomial, fact: Polynomial, key: Monomial) -> bool:
    return goal[key] * fact.get(key, 0) > 0


def differs(
    gap: Polynomial,
    facts: Sequence[Polynomial],
    positive: frozenset[Atom],
    equal: Mapping[Atom, Polynomial],
) -> bool:
    """Whether ``gap`` is not zero: it has a sign, or it does not divide by something.  ``equal``:
    what variables are, to be told only for the latter."""
    if not gap:
        return False
    if _has_sign(gap, facts, positive) or _is_no_multiple(gap, facts, positive):
        return True
    for atom in {a for key in gap for a in key} & equal.keys():
        gap = with_value(gap, atom, equal[atom])
    return _is_no_multiple(gap, facts, positive)


def _has_sign(p: Polynomial, facts: Sequence[Polynomial], positive: frozenset[Atom]) -> bool:
    signed = (plus(p, constant(-1)), plus({}, plus(p, constant(1)), -1))
    return any(follows(goal, facts, positive) for goal in signed)


def _is_no_multiple(
    gap: Polynomial, facts: Sequence[Polynomial], positive: frozenset[Atom]
) -> bool:
    """A product is not zero if no factor is; a sum is not if a number divides all of it but a part
    that lies between two neighbouring multiples."""
    if not gap:
        return False
    common = set.intersection(*(set(key) for key in gap))
    for atom in common:
        if not _has_sign(variable(atom), facts, positive):
            return False
        gap = {_less(key, atom): c for key, c in gap.items()}
    if common:
        return _has_sign(gap, facts, positive) or _is_no_multiple(gap, facts, positive)
    for number in {abs(c) for key, c in gap.items() if key and abs(c) > 1}:
        part = {key: c % number for key, c in gap.items() if c % number}
        part = {key: c - number if key and 2 * c > number else c for key, c in part.items()}
        whole = constant(number)
        if any(_is_within(p, whole, facts, positive) for p in (part, plus(part, whole, -1))):
            return True
    for atom in {a for key in gap for a in key}:
        rest = {key: c for key, c in gap.items() if atom not in key}
        if rest and _is_within(rest, variable(atom), facts, positive):
            return True
    return False


def _is_within(
    p: Polynomial, whole: Polynomial, facts: Sequence[Polynomial], positive: frozenset[Atom]
) -> bool:
    """Whether 0 < p < whole, or 0 < -p < whole: then p is no multiple of it."""
    return any(
        follows(plus(one, constant(-1)), facts, positive)
        and follows(plus(plus(whole, one, -1), constant(-1)), facts, positive)
        for one in (p, plus({}, p, -1))
    )


def _less(key: Monomial, atom: Atom) -> Monomial:
    place = key.index(atom)
    return (*key[:place], *key[place + 1 :])


def with_value(p: Polynomial, atom: Atom, value: Polynomial) -> Polynomial:
    """``p`` with ``value`` for a variable."""
    total: Polynomial = {}
    for key, c in p.items():
        term: Polynomial = {tuple(a for a in key if a != atom): c}
        for _ in range(key.count(atom)):
            term = product(term, value)
        total = plus(total, term)
    return total


def known_of_products(facts: Sequence[Polynomial], sizes: Sequence[Atom]) -> list[Polynomial]:
    """Facts times what is never negative."""
    return [product(fact, variable(size)) for fact in facts for size in sizes]
