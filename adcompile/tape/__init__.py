"""The tape engine: reverse mode by recording a program's operations while it runs.

The engine itself, in the order to read it:

* ``node.py``: what an operation leaves behind, and ``backward``, which goes back over it;
* ``variable.py``: numbers that make nodes when a program calculates with them;
* ``engine.py``: ``grad`` and ``value_and_grad`` of a function;
* ``draw.py``: the graph as a drawing.

The rest makes programs run unchanged: ``memory.py`` is about arrays that are written to and their
views, ``functions.py`` about NumPy's functions, most of which follow from the compiler's table of
derivatives or from NumPy itself; ``rows.py`` and ``matrices.py`` have the others, ``program.py``
what a user's names stand for.
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
