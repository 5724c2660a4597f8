"""The table of derivative rules: one row per scalar function.

A row gives the partial derivatives and the points at which they are tested.  It knows nothing of
shapes, broadcasting, seeds or dtypes.  The same lambda runs on floats and on IR (``op``); the
names left in the IR are what the reverse sweep needs, so a partial mentions no more than that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from adcompile.ir.nodes import Apply, Expr
from adcompile.ir.walk import map_expr
from adcompile.rules.op import Sym, lift

Point = tuple[float, ...]


@dataclass(frozen=True)
class Rule:
    """``partials(ans, *args)`` returns one partial per operand (a bare one if there is one
    operand).  None: the operand never has a derivative.

    ``kinks``: arguments and the partials declared there, where mathematics gives none.

    ``strong_zero``: per operand, whether the partial can be inf or nan at a point where the
    function itself is well defined, so that a zero incoming adjoint has to be respected.
    ``tame`` withdraws that for operands which happen to be constants: x**2 needs no guard.

    ``nondiff``: every derivative is zero, and the result is inactive; any number of operands.

    ``on_complex``: the partials where an operand or the result is complex; None: refused there.
    For a complex operand z = x + iy and a complex result it is the complex derivative; for a real
    result f it is df/dx - i df/dy; for a real operand, the derivative of the result, complex or
    not.  ``conjugates``: the result is the conjugate of the operand, which has no such derivative.
    """

    name: str
    fns: tuple[str, ...]
    arity: int
    partials: Callable[..., Any]
    at: tuple[Point, ...] = ()
    kinks: tuple[tuple[Point, Point], ...] = ()
    strong_zero: tuple[bool, ...] = ()
    tame: Callable[..., tuple[bool, ...]] | None = None
    nondiff: bool = False
    on_complex: Callable[..., Any] | None = None
    conjugates: bool = False


RULES: dict[str, Rule] = {}  # by canonical name, in the order of the table
_BY_SPELLING: dict[str, Rule] = {}


def _enter(rule: Rule) -> None:
    assert rule.name not in RULES, f"two rows named {rule.name}"
    RULES[rule.name] = rule
    for fn in rule.fns:
        assert fn not in _BY_SPELLING, f"two rows for {fn}"
        _BY_SPELLING[fn] = rule


def enter_apart(rule: Rule) -> None:
    """Make a row known that is none of the table: a user's, or a derivative by declaration."""
    for fn in rule.fns:
        assert fn not in _BY_SPELLING, f"two rows for {fn}"
        _BY_SPELLING[fn] = rule


def _point(args: float | Point) -> Point:
    return args if isinstance(args, tuple) else (args,)


def partials(
    name: str,
    fns: Sequence[str],
    function: Callable[..., Any],
    at: Sequence[float | Point],
    kinks: Sequence[tuple[float | Point, float | Point]] = (),
    strong_zero: bool | tuple[bool, ...] = False,
    tame: Callable[..., tuple[bool, ...]] | None = None,
    holomorphic: bool = False,
    on_complex: Callable[..., Any] | None = None,
    conjugates: bool = False,
) -> None:
    """Enter a differentiable function into the table.  ``holomorphic``: its partials are those of
    complex numbers too."""
    arity = function.__code__.co_argcount - 1  # without ans
    if isinstance(strong_zero, bool):
        strong_zero = (strong_zero,) * arity
    points = tuple(_point(p) for p in at)
    pinned = tuple((_point(p), _point(expected)) for p, expected in kinks)
    on_complex = function if holomorphic else on_complex
    _enter(
        Rule(
            name,
            tuple(fns),
            arity,
            function,
            points,
            pinned,
            strong_zero,
            tame,
            on_complex=on_complex,
            conjugates=conjugates,
        )
    )


def nondiff(name: str, fns: Sequence[str], holomorphic: bool = False) -> None:
    """Declare that a function's derivative is zero wherever it exists; with ``holomorphic``, for
    complex numbers too."""

    def none(ans: Any, *args: Any) -> tuple[None, ...]:
        return (None,) * len(args)

    on_complex = none if holomorphic else None
    _enter(Rule(name, tuple(fns), -1, none, nondiff=True, on_complex=on_complex))


def rule_for(fn: str) -> Rule | None:
    """The row of a dotted name, or of an operator: + - * / ** % //, "neg" and "pos"."""
    return _BY_SPELLING.get(fn)


def partials_on(rule: Rule, ans: Any, args: Sequence[Any]) -> tuple[Any, ...]:
    """The row evaluated, on floats or Syms, always as a tuple."""
    result = rule.partials(ans, *args)
    return result if isinstance(result, tuple) else (result,)


def partials_ir(
    rule: Rule, ans: Expr, args: tuple[Expr, ...], wanted: tuple[bool, ...]
) -> tuple[Expr | None, ...]:
    """The partial of each wanted operand as an IR expression in ``ans`` and ``args``."""
    values = partials_on(rule, Sym(ans), [Sym(a) for a in args])
    return _lifted(values, wanted)


def complex_partials_ir(
    rule: Rule,
    ans: Expr,
    args: tuple[Expr, ...],
    wanted: tuple[bool, ...],
    is_complex: tuple[bool, ...],
) -> tuple[Expr | None, ...]:
    """As ``partials_ir``, where an operand or the result is complex; ``is_complex``: which."""
    assert rule.on_complex is not None
    values = rule.on_complex(Sym(ans), *(Sym(a) for a in args))
    known = {arg for arg, one in zip(args, is_complex, strict=True) if one}

    def spelled(e: Expr) -> Expr:
        match e:
            case Apply("complex", (x,)) if x in known:
                return x
            case Apply(fn, operands) if fn.startswith("math."):  # those are for real numbers
                return Apply(f"np.{fn.removeprefix('math.')}", operands)
            case _:
                return e

    found = _lifted(values if isinstance(values, tuple) else (values,), wanted)
    return tuple(None if e is None else map_expr(spelled, e) for e in found)


def _lifted(values: tuple[Any, ...], wanted: tuple[bool, ...]) -> tuple[Expr | None, ...]:
    return tuple(
        lift(value) if want and value is not None else None
        for value, want in zip(values, wanted, strict=True)
    )


def strong_zeros(rule: Rule, args: tuple[Expr, ...]) -> tuple[bool, ...]:
    """Which operands need ``0.0 if adj == 0.0 else adj * partial``, given these arguments."""
    if rule.nondiff:
        return (False,) * len(args)
    if rule.tame is None:
        return rule.strong_zero
    return tuple(s and not t for s, t in zip(rule.strong_zero, rule.tame(*args), strict=True))
