"""Parts in plain njit code, where a literal in a formula would make float64 of float32."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any, TypeVar

from numba.core import types
from numba.extending import overload, register_jitable

F = TypeVar("F", bound=Callable[..., Any])


def keeps_dtype(f: F) -> F:
    """Make ``f`` known to njit code; its result has the precision of its first argument."""
    assert isinstance(f, FunctionType)
    inner = register_jitable(
        FunctionType(f.__code__, f.__globals__, f.__name__, f.__defaults__, f.__closure__)
    )
    parameters = inspect.signature(f).parameters.values()
    header = str(inspect.Signature([p.replace(annotation=p.empty) for p in parameters]))
    names = [p.name for p in parameters]
    # ``typed`` holds ``f``, as with register_jitable: that is how the frontend knows an overload
    # which is the function itself.
    text = (
        f"def made(f, inner, like):\n"
        f"    def typed{header}:\n"
        f"        def implementation{header}:\n"
        f"            return like(inner({', '.join(names)}), {names[0]})\n"
        f"        return implementation if f is not None else None\n"
        f"    return typed\n"
    )
    scope: dict[str, Any] = {}
    exec(text, scope)
    overload(f, strict=False)(scope["made"](f, inner, _like))
    return f


def _like(out: Any, x: Any) -> Any:
    """``out`` in the precision of ``x``, in njit code."""
    raise NotImplementedError("only called in njit code")


@overload(_like, strict=False)
def _like_compiled(out: Any, x: Any) -> Any:
    kind = getattr(x, "dtype", x)
    if kind is not types.float32 or getattr(out, "dtype", out) is kind:
        return lambda out, x: out
    if isinstance(out, types.Array):
        return lambda out, x: out.astype(x.dtype)
    return lambda out, x: types.float32(out)
