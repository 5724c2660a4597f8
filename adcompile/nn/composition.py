"""Layers one after the other.  Any other graph is written as the program that it is: layers are
called, results used as often as wanted, in loops and branches that may depend on the data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba.extending import overload

from adcompile.nn.gates import Array


def sequential(x: Array, *layers: Callable[[Array], Array]) -> Array:
    """``layers[-1](... layers[1](layers[0](x)))``: functions of one array.  Those with parameters
    are written ``lambda h: affine(h, w, b)``; in plain njit code a lambda captures no variables.

    What arrives goes through them in the opposite order: dC/dx = J_1^T J_2^T ... J_n^T dC/dout.
    """
    for layer in layers:
        x = layer(x)
    return x


def _made(f: Callable[..., Array]) -> Callable[..., Any]:
    def typed(x: Any, *layers: Any) -> Any:
        calls = "".join(f"    x{k + 1} = layers[{k}](x{k})\n" for k in range(len(layers)))
        scope: dict[str, Any] = {}
        exec(f"def made(x0, *layers):\n{calls}    return x{len(layers)}\n", scope)
        return scope["made"] if f is not None else None  # f: see precision.py

    return typed


overload(sequential, strict=False)(_made(sequential))
