"""What one can do without derivatives: to compare with, and to check with.

A loss is called ``loss(params, *data)`` and returns a float; parameters are trees of arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adcompile.optim.trees import Tree, copy, leaves, rebuilt, zeros_like


def numerical_gradient(
    loss: Callable[..., float], params: Tree, *data: Any, step: float = 1e-5
) -> Tree:
    """(C(w + h) - C(w - h)) / 2h for each weight: two evaluations per weight, and an error of the
    order h^2 + rounding / h."""
    moved, slopes = copy(params), zeros_like(params)
    for leaf, slope in zip(leaves(moved), leaves(slopes)):
        for index in np.ndindex(leaf.shape):
            kept = leaf[index]
            leaf[index] = kept + step
            up, above = loss(moved, *data), leaf[index]
            leaf[index] = kept - step
            down, below = loss(moved, *data), leaf[index]
            leaf[index] = kept
            slope[index] = (up - down) / (above - below)
    return slopes


def check_gradient(value_and_grad: Any, params: Tree, *data: Any, step: float = 1e-5) -> float:
    """The largest error of a gradient with respect to the first argument, by
    ``numerical_gradient``: |g - n| / max(1, |g|, |n|).

    ``value_and_grad`` is what ``adcompile.value_and_grad`` (or ``grad``) made; the differences are
    those of the function in plain Python.  1e-9 is right,
    1e-2 is a mistake, or a kink between the two points.
    """
    _, grads = value_and_grad.value_and_grad(params, *data)
    slopes = numerical_gradient(value_and_grad.py_func, params, *data, step=step)
    worst = [0.0]
    for g, n in zip(leaves(grads), leaves(slopes), strict=True):
        if g.shape != n.shape:
            raise ValueError(f"a gradient of shape {g.shape} where the variable has {n.shape}")
        if g.size:
            scale = np.maximum(1.0, np.maximum(np.abs(g), np.abs(n)))
            worst.append(float(np.max(np.abs(g - n) / scale)))
    return float(np.max(worst))  # nan, if one is


def random_search(
    loss: Callable[..., float],
    params: Tree,
    *data: Any,
    rng: np.random.Generator,
    steps: int,
    scale: float = 0.1,
) -> tuple[Tree, float]:
    """``(params, loss)``: ``steps`` times a random move of all weights, kept where it helps."""
    best, value = copy(params), float(loss(params, *data))
    for _ in range(steps):
        tried = rebuilt(best, [w + scale * rng.normal(size=w.shape) for w in leaves(best)])
        found = float(loss(tried, *data))
        if found < value:
            best, value = tried, found
    return best, value


def numerical_descent(
    loss: Callable[..., float], params: Tree, *data: Any, steps: int, rate: float
) -> tuple[Tree, float]:
    """``(params, loss)`` after descent along ``numerical_gradient``: 2 n evaluations a step,
    where n is the number of weights."""
    params = copy(params)
    for _ in range(steps):
        slopes = numerical_gradient(loss, params, *data)
        for w, g in zip(leaves(params), leaves(slopes)):
            w -= rate * g
    return params, float(loss(params, *data))
