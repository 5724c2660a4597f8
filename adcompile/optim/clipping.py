"""Gradients that are not longer than they should be."""

from __future__ import annotations

import math
from typing import Any

from numba import njit
from numba.extending import register_jitable

from adcompile.optim.trees import Tree, each, total


@register_jitable
def norm(tree: Tree) -> float:
    """The Euclidean norm of all entries of all arrays."""
    return math.sqrt(total(_squares, tree))


@register_jitable
def clip_by_norm(grads: Tree, limit: float) -> tuple[Tree, float]:
    """``(grads, their norm)``.  Where it exceeds ``limit`` the arrays are scaled, in place, to
    have it: times limit / (norm + 1e-6), as in PyTorch.

    Pascanu, Mikolov and Bengio, On the difficulty of training recurrent neural networks, 2013.
    """
    size = norm(grads)
    factor = limit / (size + 1e-6)
    if factor < 1.0:
        each(_scale, (grads,), (factor,))
    return grads, size


@register_jitable
def clip_by_value(grads: Tree, limit: float) -> Tree:
    """Each entry is brought, in place, into [-limit, limit]."""
    each(_clip, (grads,), (limit,))
    return grads


@njit(error_model="numpy")
def _squares(flat: Any) -> float:
    result = 0.0
    for i in range(flat.size):
        result += flat[i] * flat[i]
    return result


@njit(error_model="numpy")
def _scale(arrays: Any, numbers: Any) -> None:
    flat = arrays[0]
    factor = flat.dtype.type(numbers[0])
    for i in range(flat.size):
        flat[i] *= factor


@njit(error_model="numpy")
def _clip(arrays: Any, numbers: Any) -> None:
    flat = arrays[0]
    limit = flat.dtype.type(numbers[0])
    for i in range(flat.size):
        if flat[i] > limit:
            flat[i] = limit
        elif flat[i] < -limit:
            flat[i] = -limit
