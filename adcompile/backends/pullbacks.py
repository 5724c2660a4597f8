"""``vjp`` and ``jvp``: one run of generated code, for arguments that Python gives."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from adcompile.backends import values
from adcompile.backends.cpu import Derivation
from adcompile.backends.dispatcher import GradDispatcher, make
from adcompile.containers import for_numba, from_numba, is_container, like
from adcompile.errors import BroadcastError
from adcompile.reach import is_function


def run_vjp(
    forward: GradDispatcher, args: tuple[Any, ...]
) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """Run ``forward`` now; the pullback may be called any number of times."""
    key = values.plain_key(args)
    known = forward.pullbacks.get(key) if key is not None else None
    if known is not None:
        with suppress(BroadcastError):  # below, once more
            out, residuals = forward.direct(*args)
            return out, _pullback(forward.derivation, len(args), out, residuals, *known)
    if any(map(is_container, args)):
        return vjp_of_containers(forward, args)
    if (fitting := forward.derivation.fitting(args)) is not forward.derivation:
        return run_vjp(make(fitting, "forward"), args)
    try:
        out, residuals = forward.direct(*args)
    except BroadcastError:
        other = forward.derivation.broadcasting(args)
        if other is None:
            raise
        return run_vjp(make(other, "forward"), args)
    given = tuple(values.type_of_value(value) for value in args)
    folded = tuple(forward.fold_argument_types(given, {})[1])
    loaded = forward.derivation.specialise(folded)
    entry = loaded.entry("pullback")
    kind = values.type_of_value(out)
    if key is not None:
        forward.pullbacks[key] = (entry, kind)
    return out, _pullback(forward.derivation, len(args), out, residuals, entry, kind)


def _pullback(
    derivation: Derivation, count: int, out: Any, residuals: Any, entry: Any, kind: Any
) -> Callable[[Any], tuple[Any, ...]]:
    def pullback(cotangent: Any) -> tuple[Any, ...]:
        found = entry(residuals, values.as_cotangent(cotangent, kind, out))
        return derivation.unpacked(found, count)

    return pullback


def vjp_of_containers(
    forward: GradDispatcher, args: tuple[Any, ...]
) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """The same with dicts and dataclasses among the arguments."""
    out, inner = run_vjp(forward, tuple(map(for_numba, args)))

    def pullback(cotangent: Any) -> tuple[Any, ...]:
        found = inner(cotangent)
        return tuple(like(arg, one) for arg, one in zip(args, found, strict=True))

    return from_numba(out), pullback


def run_jvp(
    derivation: Derivation, primals: tuple[Any, ...], *directions: tuple[Any, ...]
) -> tuple[Any, Any]:
    """``(out, tangent of out)``, or with several directions a tuple of tangents."""
    key = values.plain_key(primals)
    known = derivation.tangents.get(key) if key is not None else None
    if known is not None:
        entry, moving = known
        given = [
            values.as_tangent(tangents[k], kind, primals[k])
            for tangents in directions
            for k, kind in moving
        ]
        with suppress(BroadcastError):
            found: tuple[Any, Any] = entry(*primals, *given)
            return found
    if any(map(is_container, primals)):
        moved = [tuple(map(given_for_numba, primals, tangents)) for tangents in directions]
        made = run_jvp(derivation, tuple(map(for_numba, primals)), *moved)
        return from_numba(made[0]), from_numba(made[1])
    bound = inspect.signature(derivation.func).bind(*primals)
    bound.apply_defaults()
    args = derivation.packed(bound.args)
    if (fitting := derivation.fitting(bound.args)) is not derivation:
        return run_jvp(fitting, primals, *directions)
    kinds = tuple(values.type_of_value(value) for value in args)
    entry = derivation.specialise(kinds).entry(derivation.mode)
    moving = [(k, kinds[k]) for k in derivation.wanted(kinds)]
    rest = (None,) * (len(bound.args) - len(primals))
    padded = [derivation.packed((*tangents, *rest)) for tangents in directions]
    given = [values.as_tangent(tans[k], kind, args[k]) for tans in padded for k, kind in moving]
    # One compiled entry in every process, whatever functions are inlined.
    passed = [None if is_function(kind) else arg for arg, kind in zip(args, kinds)]
    try:
        out, tangent = entry(*passed, *given)
    except BroadcastError:
        other = derivation.broadcasting(bound.args)
        if other is None:
            raise
        return run_jvp(other, primals, *directions)
    if key is not None and derivation.starred is None and len(args) == len(primals):
        derivation.tangents[key] = (entry, moving)
    return out, tangent


def given_for_numba(primal: Any, tangent: Any) -> Any:
    """A tangent as the primal will be."""
    return values.structured(tangent, for_numba(primal)) if tangent is not None else None
