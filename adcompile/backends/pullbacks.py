"""``vjp`` and ``jvp``: one run of generated code, for arguments that Python gives."""

from __future__ import annotations

import inspect
from collections.abc import Callable
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

    def pullback(cotangent: Any) -> tuple[Any, ...]:
        found = entry(residuals, values.as_cotangent(cotangent, kind, out))
        return forward.derivation.unpacked(found, len(args))

    return out, pullback


def vjp_of_containers(
    forward: GradDispatcher, args: tuple[Any, ...]
) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """The same with dicts and dataclasses among the arguments."""
    out, inner = run_vjp(forward, tuple(map(for_numba, args)))

    def pullback(cotangent: Any) -> tuple[Any, ...]:
        found = inner(cotangent)
        return tuple(like(arg, one) for arg, one in zip(args, found, strict=True))

    return from_numba(out), pullback


def given_for_numba(primal: Any, tangent: Any) -> Any:
    """A tangent as the primal will be."""
    return values.structured(tangent, for_numba(primal)) if tangent is not None else None


def run_jvp(
    derivation: Derivation, primals: tuple[Any, ...], tangents: tuple[Any, ...]
) -> tuple[Any, Any]:
    """``(out, tangent of out)``."""
    if any(map(is_container, primals)):
        pairs = zip(primals, tangents, strict=True)
        moved = tuple(given_for_numba(p, t) for p, t in pairs)
        made = run_jvp(derivation, tuple(map(for_numba, primals)), moved)
        return from_numba(made[0]), from_numba(made[1])
    bound = inspect.signature(derivation.func).bind(*primals)
    bound.apply_defaults()
    args = derivation.packed(bound.args)
    if (fitting := derivation.fitting(bound.args)) is not derivation:
        return run_jvp(fitting, primals, tangents)
    kinds = tuple(values.type_of_value(value) for value in args)
    entry = derivation.specialise(kinds).entry("jvp")
    padded = derivation.packed((*tangents, *(None,) * (len(bound.args) - len(tangents))))
    given = [
        values.as_tangent(*part)
        for part in zip(padded, kinds, args, strict=True)
        if values.is_differentiable(part[1])
    ]
    # One compiled entry in every process, whatever functions are inlined.
    passed = [None if is_function(kind) else arg for arg, kind in zip(args, kinds)]
    try:
        out, tangent = entry(*passed, *given)
    except BroadcastError:
        other = derivation.broadcasting(bound.args)
        if other is None:
            raise
        return run_jvp(other, primals, tangents)
    return out, tangent
