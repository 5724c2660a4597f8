"""Conditional expressions as calls: see ``adcompile.optimise.choices``."""

from __future__ import annotations

from typing import Any

from adcompile.runtime.helper import njit

_flags = {"cache": True, "error_model": "numpy", "fastmath": False, "boundscheck": False}


@njit(**_flags)
def choose(condition: bool, a: Any, b: Any) -> Any:
    """``a if condition else b``, both computed."""
    return a if condition else b


@njit(**_flags)
def strong_product(a: Any, b: Any) -> Any:
    """``a * b``; nothing times anything is nothing, be that infinite or nan."""
    return 0.0 if a == 0.0 or b == 0.0 else a * b
