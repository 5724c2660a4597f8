"""Activations: elementwise, but for those that make a distribution along the last axis."""

from __future__ import annotations

import numpy as np
from numba.extending import register_jitable

from adcompile import vectormath as vm
from adcompile.barrier import stop_gradient
from adcompile.nn.gates import Array
from adcompile.nn.precision import keeps_dtype


@keeps_dtype
def relu(x: Array, at_zero: int = 1) -> Array:
    """max(0, x).  Derivative 0 for x < 0, 1 for x > 0; at 0 it is ``at_zero``: 1, or 0 as in
    PyTorch and JAX.  ``at_zero`` is a literal."""
    if at_zero:
        return np.maximum(0.0, x)
    return np.maximum(x, 0.0)


@keeps_dtype
def leaky_relu(x: Array, slope: float = 0.01) -> Array:
    """x, or ``slope`` x where x < 0.  Derivative ``slope`` for x < 0, else 1 (PyTorch: ``slope`` at
    0)."""
    return np.where(x < 0.0, slope * x, x)


def sigmoid(x: Array) -> Array:
    """s(x) = 1 / (1 + exp(-x)), without overflow.  s' = s (1 - s), at most 1/4; it saturates: for
    large |x| hardly anything comes through."""
    return vm.expit(x)


sigmoid.__adcompile_primitive__ = "rt.expit"  # type: ignore[attr-defined]
register_jitable(sigmoid)


@register_jitable
def tanh(x: Array) -> Array:
    """tanh x = 2 s(2x) - 1.  Derivative 1 - tanh(x)^2."""
    return np.tanh(x)


@keeps_dtype
def hard_tanh(x: Array) -> Array:
    """x between -1 and 1, else the nearer of them.  Derivative 1 inside, 0 outside and at both
    ends."""
    return np.clip(x, -1.0, 1.0)


@keeps_dtype
def softplus(x: Array) -> Array:
    """log(1 + exp(x)), without overflow.  Its derivative is the sigmoid."""
    return np.logaddexp(0.0, x)


@keeps_dtype
def log_sigmoid(x: Array) -> Array:
    """log s(x) = x - log(1 + exp(x)) = -softplus(-x), without overflow.  Derivative s(-x), which
    does not vanish where the sigmoid is wrong and saturated."""
    return -np.logaddexp(0.0, -x)


@register_jitable
def softmax(x: Array) -> Array:
    """p_i = exp(x_i) / sum_j exp(x_j) along the last axis.

    dp_i/dx_j = p_i (delta_ij - p_j), so dC/dx = p * (dC/dp - sum_j p_j dC/dp_j).  The largest x is
    subtracted first, a constant for the derivative, as p does not depend on it.
    """
    e = np.exp(x - stop_gradient(np.max(x, axis=-1, keepdims=True)))
    return e / np.sum(e, axis=-1, keepdims=True)


@register_jitable
def log_softmax(x: Array) -> Array:
    """x_i - log sum_j exp(x_j) along the last axis; finite where softmax is 0.

    d/dx_j = delta_ij - p_j with p = softmax(x):  dC/dx = dC/dout - p sum_i dC/dout_i.
    """
    shifted = x - stop_gradient(np.max(x, axis=-1, keepdims=True))
    return shifted - np.log(np.sum(np.exp(shifted), axis=-1, keepdims=True))
