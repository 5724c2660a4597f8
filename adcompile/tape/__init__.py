"""The tape engine: reverse mode by recording a program's operations while it runs.

``node.py`` is the engine: read it first.  ``variable.py`` has the numbers and arrays that programs
then calculate with, ``functions.py`` what NumPy's functions do to them.
"""

from __future__ import annotations

from typing import Any

from adcompile.api import Where, argument_positions
from adcompile.tape.engine import TapeGrad
from adcompile.tape.program import variable

__all__ = ["TapeGrad", "grad", "value_and_grad", "variable"]


def grad(f: Any, argnums: Where = 0, has_aux: bool = False) -> TapeGrad:
    """As ``adcompile.grad``, for whatever Python can run: each call records the function."""
    return TapeGrad(f, argument_positions(f, argnums), has_aux, "grad")


def value_and_grad(f: Any, argnums: Where = 0, has_aux: bool = False) -> TapeGrad:
    """As ``adcompile.value_and_grad``."""
    return TapeGrad(f, argument_positions(f, argnums), has_aux, "value_and_grad")
