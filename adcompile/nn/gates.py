"""The gates of the course: each a formula, with what it does to the gradient beside it.

C is the number at the end, ``dC/dY`` what arrives from it at the gate's output.  A gradient has the
shape of its variable, which fixes the order of the factors and the transposes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numba.extending import register_jitable

Array: TypeAlias = Any  # a NumPy array of floats, or, where the formula allows it, a float


@register_jitable
def add(x: Array, y: Array) -> Array:
    """x + y.  Hands what arrives to both: dC/dx = dC/dy = dC/dout."""
    return x + y


@register_jitable
def multiply(x: Array, y: Array) -> Array:
    """x y.  Switches: dC/dx = y dC/dout, dC/dy = x dC/dout."""
    return x * y


@register_jitable
def maximum(x: Array, y: Array) -> Array:
    """max(x, y).  Routes what arrives to exactly one input: the larger, at a tie ``y``."""
    return np.maximum(x, y)


@register_jitable
def fork(x: Array) -> tuple[Array, Array]:
    """(x, x): a variable that is used twice.  Gradients add: dC/dx = dC/dout1 + dC/dout2."""
    return x, x


@register_jitable
def linear(w: Array, x: Array) -> Array:
    """Y = W X, samples in columns: ``w`` (m, n), ``x`` (n, k) or (n,).

    dC/dX = W^T dC/dY,  dC/dW = dC/dY X^T.
    """
    return w @ x


@register_jitable
def affine(x: Array, w: Array, b: Array) -> Array:
    """Y = X W + b, samples in rows: ``x`` (k, n) or (n,), ``w`` (n, m), ``b`` (m,).

    dC/dX = dC/dY W^T,  dC/dW = X^T dC/dY,  dC/db = the sum of dC/dY over samples.
    """
    return x @ w + b


@register_jitable
def neuron(w: Array, b: float, x: Array, activation: Callable[[Array], Array]) -> Array:
    """f(w . x + b) = f(s): ``w`` and ``x`` (n,).

    dC/dw = f'(s) x dC/dout,  dC/dx = f'(s) w dC/dout,  dC/db = f'(s) dC/dout.
    """
    return activation(np.dot(w, x) + b)


@register_jitable
def layer(w: Array, b: Array, x: Array, activation: Callable[[Array], Array]) -> Array:
    """f(W x + b) = f(s): m neurons that see the same input; ``w`` (m, n), ``b`` (m,), ``x`` (n,).

    With d = f'(s) * dC/dout:  dC/dW = d x^T,  dC/dx = W^T d,  dC/db = d.
    """
    return activation(w @ x + b)
