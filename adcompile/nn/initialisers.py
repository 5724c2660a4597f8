"""First weights.  ``rng`` is a ``np.random.Generator``; all of them run in njit code, too.

``n_in`` and ``n_out`` are what a weight matrix (n_in, n_out) connects, samples in rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.extending import register_jitable

from adcompile.nn.gates import Array


@register_jitable
def small_random(rng: Any, n_in: int, n_out: int, scale: float = 0.01) -> Array:
    """Normal, with standard deviation ``scale``: for shallow networks.  Not zeros: equal neurons
    get equal gradients and stay equal."""
    return rng.normal(0.0, scale, (n_in, n_out))


@register_jitable
def zeros(n_out: int) -> Array:
    """For biases: the weights have made the neurons different already."""
    return np.zeros(n_out)


@register_jitable
def xavier_normal(rng: Any, n_in: int, n_out: int) -> Array:
    """Normal with variance 2 / (n_in + n_out), for tanh and sigmoid: the compromise between 1/n_in,
    which keeps the variance of outputs, and 1/n_out, which keeps that of gradients.

    Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks,
    2010.
    """
    return rng.normal(0.0, np.sqrt(2.0 / (n_in + n_out)), (n_in, n_out))


@register_jitable
def xavier_uniform(rng: Any, n_in: int, n_out: int) -> Array:
    """Uniform in [-a, a], a^2 = 6 / (n_in + n_out): the same variance, a^2 / 3."""
    a = np.sqrt(6.0 / (n_in + n_out))
    return rng.uniform(-a, a, (n_in, n_out))


@register_jitable
def he_normal(rng: Any, n_in: int, n_out: int) -> Array:
    """Normal with variance 2 / n_in, for ReLU, which halves the second moment.

    Some course notes divide by n_in alone, or by n_in + n_out; the paper has 2 / n_in: He, Zhang,
    Ren and Sun, Delving deep into rectifiers, 2015.
    """
    return rng.normal(0.0, np.sqrt(2.0 / n_in), (n_in, n_out))


@register_jitable
def he_uniform(rng: Any, n_in: int, n_out: int) -> Array:
    """Uniform in [-a, a], a^2 = 6 / n_in: the same variance, a^2 / 3."""
    a = np.sqrt(6.0 / n_in)
    return rng.uniform(-a, a, (n_in, n_out))
