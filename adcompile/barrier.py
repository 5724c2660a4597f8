"""``stop_gradient``, where no derivative goes through."""

from __future__ import annotations

from typing import Any

from numba.extending import overload


def stop_gradient(x: Any) -> Any:
    """``x``, through which no derivative goes: a number or an array, in functions to differentiate.

    Outside of them, in plain Python and ``@njit`` code, it returns ``x`` itself.
    """
    return x


stop_gradient.__adcompile_primitive__ = "rt.stop_gradient"  # type: ignore[attr-defined]


@overload(stop_gradient, strict=False)
def _in_plain_njit_code(x: Any) -> Any:
    return lambda x: x
