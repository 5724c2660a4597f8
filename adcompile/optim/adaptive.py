"""Optimisers with a step length per weight.  Squares, roots and quotients are elementwise.

See ``descent`` for the form of an optimiser, what is overwritten, and ``decay``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numba.extending import register_jitable

from adcompile.optim.trees import Tree, each, zeros_like


class SquareState(NamedTuple):
    """A sum or an average of squared gradients."""

    step: int
    square: Tree


class AdamState(NamedTuple):
    """Averages of gradients and of their squares."""

    step: int
    mean: Tree
    square: Tree


@register_jitable
def adagrad_state(params: Tree) -> SquareState:
    return SquareState(0, zeros_like(params))


@register_jitable
def adagrad(
    state: SquareState,
    params: Tree,
    grads: Tree,
    rate: float = 0.01,
    epsilon: float = 1e-10,
    decay: float = 0.0,
) -> tuple[SquareState, Tree]:
    """r <- r + g^2,  w <- w - rate g / (sqrt(r) + epsilon).

    Duchi, Hazan and Singer, Adaptive subgradient methods, 2011.
    """
    each(_square, (params, grads, state.square), (rate, epsilon, decay, 1.0, 1.0))
    return SquareState(state.step + 1, state.square), params


@register_jitable
def rmsprop_state(params: Tree) -> SquareState:
    return SquareState(0, zeros_like(params))


@register_jitable
def rmsprop(
    state: SquareState,
    params: Tree,
    grads: Tree,
    rate: float = 0.01,
    memory: float = 0.99,
    epsilon: float = 1e-8,
    decay: float = 0.0,
) -> tuple[SquareState, Tree]:
    """r <- memory r + (1 - memory) g^2,  w <- w - rate g / (sqrt(r) + epsilon).

    Tieleman and Hinton, Lecture 6.5, 2012.
    """
    each(_square, (params, grads, state.square), (rate, epsilon, decay, memory, 1.0 - memory))
    return SquareState(state.step + 1, state.square), params


@njit(error_model="numpy")
def _square(arrays: Any, numbers: Any) -> None:
    w, g, r = arrays
    number = w.dtype.type
    rate, epsilon, decay = number(numbers[0]), number(numbers[1]), number(numbers[2])
    old, new = number(numbers[3]), number(numbers[4])
    for i in range(w.size):
        slope = g[i] + decay * w[i]
        r[i] = old * r[i] + new * (slope * slope)
        w[i] -= rate * slope / (np.sqrt(r[i]) + epsilon)


@register_jitable
def adam_state(params: Tree) -> AdamState:
    """For ``adam``, ``adamw`` and, with a table as the parameters, ``sparse_adam``."""
    return AdamState(0, zeros_like(params), zeros_like(params))


@register_jitable
def adam(
    state: AdamState,
    params: Tree,
    grads: Tree,
    rate: float = 0.001,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
    decay: float = 0.0,
) -> tuple[AdamState, Tree]:
    """m <- beta1 m + (1 - beta1) g,  r <- beta2 r + (1 - beta2) g^2, and at step t
    w <- w - rate (m / (1 - beta1^t)) / (sqrt(r / (1 - beta2^t)) + epsilon).

    Kingma and Ba, Adam, 2015.
    """
    step = state.step + 1
    numbers = (rate, beta1, beta2, epsilon, decay, 0.0, 1.0 - beta1**step, 1.0 - beta2**step)
    each(_adam, (params, grads, state.mean, state.square), numbers)
    return AdamState(step, state.mean, state.square), params


@register_jitable
def adamw(
    state: AdamState,
    params: Tree,
    grads: Tree,
    rate: float = 0.001,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
    decay: float = 0.01,
) -> tuple[AdamState, Tree]:
    """Adam, where decay does not go through the averages: first w <- (1 - rate decay) w.

    Loshchilov and Hutter, Decoupled weight decay regularization, 2019.
    """
    step = state.step + 1
    numbers = (rate, beta1, beta2, epsilon, 0.0, decay, 1.0 - beta1**step, 1.0 - beta2**step)
    each(_adam, (params, grads, state.mean, state.square), numbers)
    return AdamState(step, state.mean, state.square), params


@njit(error_model="numpy")
def _adam(arrays: Any, numbers: Any) -> None:
    w, g, m, r = arrays
    number = w.dtype.type
    beta1, beta2, epsilon = number(numbers[1]), number(numbers[2]), number(numbers[3])
    other1, other2 = number(1.0 - numbers[1]), number(1.0 - numbers[2])
    decay, shrink = number(numbers[4]), number(1.0 - numbers[0] * numbers[5])
    rate, root = number(numbers[0] / numbers[6]), number(1.0 / np.sqrt(numbers[7]))
    for i in range(w.size):
        slope = g[i] + decay * w[i]
        m[i] = beta1 * m[i] + other1 * slope
        r[i] = beta2 * r[i] + other2 * (slope * slope)
        w[i] = shrink * w[i] - rate * m[i] / (np.sqrt(r[i]) * root + epsilon)


@register_jitable
def sparse_adam(
    state: AdamState,
    table: Any,
    rows: Any,
    grads: Any,
    rate: float = 0.001,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
) -> tuple[AdamState, Any]:
    """Adam on the rows of a table (n, features) that a batch used: ``rows`` (k,), each once, and
    their gradients (k, features).  Other rows and their averages stay as they are, though the
    step counts for them: PyTorch's SparseAdam, which has epsilon beside sqrt(r) and not beside
    sqrt(r / (1 - beta2^t)).  See ``nn.rows_used``.
    """
    step = state.step + 1
    numbers = (rate, beta1, beta2, epsilon, 1.0 - beta1**step, 1.0 - beta2**step)
    _sparse_adam(table, rows, grads, state.mean, state.square, numbers)
    return AdamState(step, state.mean, state.square), table


@njit(error_model="numpy")
def _sparse_adam(w: Any, rows: Any, g: Any, m: Any, r: Any, numbers: Any) -> None:
    if g.shape != (rows.size, w.shape[1]):
        raise ValueError("grads has another shape than table[rows]")
    number = w.dtype.type
    beta1, beta2, epsilon = number(numbers[1]), number(numbers[2]), number(numbers[3])
    other1, other2 = number(1.0 - numbers[1]), number(1.0 - numbers[2])
    rate = number(numbers[0] / numbers[4] * np.sqrt(numbers[5]))
    for k in range(rows.size):
        row = rows[k]
        if not 0 <= row < w.shape[0]:
            raise IndexError("a row that the table does not have")
        for j in range(w.shape[1]):
            slope = g[k, j]
            m[row, j] = beta1 * m[row, j] + other1 * slope
            r[row, j] = beta2 * r[row, j] + other2 * (slope * slope)
            w[row, j] -= rate * m[row, j] / (np.sqrt(r[row, j]) + epsilon)
