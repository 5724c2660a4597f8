"""What users tell about derivatives: where none goes through."""

from __future__ import annotations

from typing import Any


def stop_gradient(x: Any) -> Any:
    """``x``, through which no derivative goes: a number or an array, in functions to differentiate.

    Outside of them, in plain Python, it returns ``x`` itself.
    """
    return x


stop_gradient.__adcompile_primitive__ = "rt.stop_gradient"  # type: ignore[attr-defined]
