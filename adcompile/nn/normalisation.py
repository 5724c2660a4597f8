"""Batch and layer normalisation: zero mean and unit variance, then a gain and a bias.

With z = (x - mean) / s, s = sqrt(var + epsilon), and g = gain dC/dout, both have
dC/dx = (g - mean(g) - z mean(g z)) / s, means over what was normalised together,
dC/dgain = sum z dC/dout and dC/dbias = sum dC/dout.  Variances divide by the count.

Ioffe and Szegedy, Batch normalization, 2015; Ba, Kiros and Hinton, Layer normalization, 2016.
"""

from __future__ import annotations

import numpy as np
from numba.extending import register_jitable

from adcompile.nn.gates import Array
from adcompile.nn.precision import keeps_dtype


@keeps_dtype
def batch_norm(x: Array, gain: Array, bias: Array, epsilon: float = 1e-5) -> Array:
    """Each feature over the batch: ``x`` (n, features), ``gain`` and ``bias`` (features,)."""
    z = (x - np.mean(x, axis=0)) / np.sqrt(np.var(x, axis=0) + epsilon)
    return gain * z + bias


@keeps_dtype
def batch_norm2d(x: Array, gain: Array, bias: Array, epsilon: float = 1e-5) -> Array:
    """Each channel over the batch and the image: ``x`` (n, channels, height, width)."""
    mean = np.mean(x, axis=(0, 2, 3))
    var = np.var(x, axis=(0, 2, 3))
    z = (x - mean[:, None, None]) / np.sqrt(var + epsilon)[:, None, None]
    return gain[:, None, None] * z + bias[:, None, None]


@register_jitable
def running_moments(
    mean: Array, var: Array, x: Array, momentum: float = 0.1
) -> tuple[Array, Array]:
    """The averages that test time uses, after a batch ``x`` (n, features): (1 - momentum) times the
    old ones plus momentum times the batch's, whose variance divides by n - 1, as in PyTorch."""
    n = x.shape[0]
    batch_mean, batch_var = np.mean(x, axis=0), np.var(x, axis=0) * (n / (n - 1))
    return (
        (1.0 - momentum) * mean + momentum * batch_mean,
        (1.0 - momentum) * var + momentum * batch_var,
    )


@keeps_dtype
def batch_norm_at_test(
    x: Array, mean: Array, var: Array, gain: Array, bias: Array, epsilon: float = 1e-5
) -> Array:
    """With moments that are constants: an affine function of ``x`` (n, features)."""
    return gain * ((x - mean) / np.sqrt(var + epsilon)) + bias


@keeps_dtype
def layer_norm(x: Array, gain: Array, bias: Array, epsilon: float = 1e-5) -> Array:
    """Each sample over its features: ``x`` (..., features), ``gain`` and ``bias`` (features,)."""
    mean = np.mean(x, axis=-1, keepdims=True)
    var = np.mean((x - mean) ** 2, axis=-1, keepdims=True)
    return gain * ((x - mean) / np.sqrt(var + epsilon)) + bias
