"""What users tell about derivatives: rules of their own, and functions that have none."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import FunctionType
from typing import Any

from numba import njit
from numba.core import types

from adcompile.clones import Callee, unique_name
from adcompile.frontend.source import is_dispatcher, plain_function
from adcompile.ir import nodes as ir
from adcompile.rules.registry import Rule, enter_apart, partials_ir, partials_on

Partials = Callable[..., Any]


# ---------------------------------------------------------------- functions with rules


class UserFunction:
    """A function and what its user says of it.  Called, from Python or from ``@njit`` code, it is
    the function."""

    def __init__(self, target: Any) -> None:
        self.target, self.py_func = target, _function(target, type(self).__name__)
        functools.update_wrapper(self, self.py_func)

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        return self.target(*args, **keywords)

    @functools.cached_property
    def dispatcher(self) -> Any:
        return self.target if is_dispatcher(self.target) else njit(self.py_func)

    @property
    def _numba_type_(self) -> types.Type:
        return types.Dispatcher(self.dispatcher)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.py_func.__qualname__}>"


class CustomVjp(UserFunction):
    """See ``custom_vjp``."""

    def __init__(self, target: Any, nondiff_argnums: Sequence[int] = ()) -> None:
        super().__init__(target)
        self.fwd: FunctionType | None = None
        self.nondiff = _positions(self.py_func, nondiff_argnums)

    def defvjp(self, fwd: Callable[..., Any], bwd: Callable[..., Any]) -> None:
        """``fwd(*args) -> (out, residuals)``; ``bwd(residuals, cotangent)`` returns a tuple with
        one cotangent per argument.  Arguments of ``nondiff_argnums`` come before the residuals."""
        self.fwd = _function(fwd, "defvjp")
        name = unique_name(self.py_func, "_bwd")
        self.bwd = Callee(name, _function(bwd, "defvjp"), bwd)


class CustomJvp(UserFunction):
    """See ``custom_jvp``."""

    def __init__(self, target: Any, nondiff_argnums: Sequence[int] = ()) -> None:
        super().__init__(target)
        self.jvp: FunctionType | None = None
        self.nondiff = _positions(self.py_func, nondiff_argnums)

    def defjvp(self, jvp: Callable[..., Any]) -> Callable[..., Any]:
        """``jvp(primals, tangents) -> (out, tangent)``, linear in the tangents.  Arguments of
        ``nondiff_argnums`` come before the primals."""
        self.jvp = _function(jvp, "defjvp")
        return jvp


class Nondifferentiable(UserFunction):
    """See ``nondifferentiable``."""

    def __init__(self, target: Any) -> None:
        super().__init__(target)
        self.callee = Callee(unique_name(self.py_func), self.py_func, target)


def custom_vjp(f: Callable[..., Any], nondiff_argnums: Sequence[int] = ()) -> CustomVjp:
    """``f``, a function or Dispatcher, with a reverse rule, as in JAX: ``.defvjp(fwd, bwd)``.

    ``fwd(*args)`` returns ``(out, residuals)``, ``bwd(residuals, cotangent)`` a tuple with one
    cotangent per argument; that of an integer counts for nothing.  Residuals are numbers, arrays
    and tuples of them; of what a loop makes or writes, vectors and matrices of floats.  In a
    gradient ``fwd`` runs for ``f``.  Forward mode raises ``UnsupportedError``.
    """
    return CustomVjp(f, nondiff_argnums)


def custom_jvp(f: Callable[..., Any], nondiff_argnums: Sequence[int] = ()) -> CustomJvp:
    """``f``, a function or Dispatcher, with a forward rule given by ``.defjvp(rule)``, as in JAX.

    ``rule(primals, tangents)`` returns ``(out, tangent)``, with the tangent linear in ``tangents``;
    reverse mode differentiates it with respect to them.  In a derivative the rule runs for ``f``.
    """
    return CustomJvp(f, nondiff_argnums)


def nondifferentiable(f: Callable[..., Any]) -> Nondifferentiable:
    """``f``, a function or Dispatcher, declared to have no derivative: its results are constants.

    Generated code calls it as it is, so that it may do all that Numba compiles; not, however, write
    into its arguments, or return memory of theirs (``UnsupportedError``, ``AliasError``).
    """
    return Nondifferentiable(f)


def _function(target: Any, what: str) -> FunctionType:
    func = plain_function(target)
    if func is None or hasattr(target, "__adcompile__"):
        raise TypeError(f"{what} takes a Python function or a Numba Dispatcher, not {target!r}")
    return func


def _positions(func: FunctionType, argnums: Sequence[int]) -> frozenset[int]:
    count = len(inspect.signature(func).parameters)
    for k in argnums:
        if not -count <= k < count:
            raise ValueError(f"nondiff_argnums: {func.__name__} has no parameter {k}")
    return frozenset(k % count for k in argnums)


# ---------------------------------------------------------------- rows of the table


@dataclass(frozen=True)
class Registered:
    """A scalar function with a row.  ``elementwise``: it may be applied to arrays."""

    callee: Callee
    rule: Rule
    elementwise: bool


REGISTERED: dict[FunctionType, Registered] = {}
BY_NAME: dict[str, Registered] = {}  # as the IR calls them


def register_rule(
    fn: Callable[..., Any],
    partials: Partials,
    at: Sequence[float | tuple[float, ...]],
    strong_zero: bool | tuple[bool, ...] = False,
    elementwise: bool = False,
) -> Callable[..., Any]:
    """Give a function of numbers, Python or Dispatcher, a row in the table of rules; returns it.

    ``partials(ans, *args)`` returns the partial derivatives at ``args``, where the value is
    ``ans``: one per argument, None for an argument without one.  It is written with Python's
    operators and ``adcompile.op``.  At the points ``at``, one at least, it is compared with
    differences at once (``ValueError``).

    ``strong_zero``: a partial may be infinite where the function is finite, and counts for nothing
    if what multiplies it is exactly zero.  ``elementwise``: the function may be applied to arrays,
    as a ufunc.
    """
    func = _function(fn, "register_rule")
    if func in REGISTERED:
        raise ValueError(f"{func.__name__} has a rule already")
    arity = len(inspect.signature(func).parameters)
    if len(inspect.signature(partials).parameters) != arity + 1:
        raise TypeError(f"partials of {func.__name__} must take (ans, *args): {arity + 1} values")
    points = tuple(p if isinstance(p, tuple) else (p,) for p in at)
    if not points or any(len(p) != arity for p in points):
        raise ValueError(f"at= must list points, each of {arity} numbers")
    strong = (strong_zero,) * arity if isinstance(strong_zero, bool) else strong_zero
    name = unique_name(func)
    rule = Rule(name, (name,), arity, partials, points, (), strong)
    text = f"{_on_symbols(rule, func)} {strong} {elementwise}"
    for point in points:
        _compare(rule, func, point)
    enter_apart(rule)
    REGISTERED[func] = made = Registered(Callee(name, func, fn, text), rule, elementwise)
    BY_NAME[name] = made
    return fn


def _on_symbols(rule: Rule, func: FunctionType) -> str:
    """The partials as text; they must work on symbols too."""
    ans, *args = (ir.Var(name) for name in ("ans", *inspect.signature(func).parameters))
    try:
        found = partials_ir(rule, ans, tuple(args), (True,) * len(args))
    except (TypeError, AttributeError, ValueError) as error:
        raise TypeError(
            f"partials of {func.__name__}: {error}\n  Write them with operators and adcompile.op, "
            "and give one per argument."
        ) from error
    names = {repr(var): var.name for var in (ans, *args)}
    text = repr(found)
    for shown, name in names.items():
        text = text.replace(shown, name)
    return text


def _compare(rule: Rule, func: FunctionType, point: tuple[float, ...]) -> None:
    """Against central differences, extrapolated twice."""
    found = partials_on(rule, func(*point), point)
    for k, partial in enumerate(found):
        if partial is None:
            continue
        h = 1e-3 * max(1.0, abs(point[k]))
        slopes = []
        for step in (h, h / 2, h / 4):
            ends = [(*point[:k], point[k] + s, *point[k + 1 :]) for s in (step, -step)]
            slopes.append((func(*ends[0]) - func(*ends[1])) / (2 * step))
        once = [(4 * b - a) / 3 for a, b in pairwise(slopes)]
        want = (16 * once[1] - once[0]) / 15
        if not abs(partial - want) <= 1e-6 * max(1.0, abs(want)):
            raise ValueError(
                f"register_rule: the partial {k} of {func.__name__} at {point} is {partial!r}, "
                f"differences give {want!r}"
            )
