"""Parts of neural networks: plain functions that Numba compiles and adcompile differentiates.

Layers are functions of their parameters and an input, composed by calling them: the graph is the
program, loops and branches included.  All are known to plain ``@njit`` code, too.
"""

import adcompile.overloads  # noqa: F401  what Numba lacks of NumPy, for @njit code
from adcompile.nn.activations import (
    hard_tanh,
    leaky_relu,
    log_sigmoid,
    log_softmax,
    relu,
    sigmoid,
    softmax,
    softplus,
    tanh,
)
from adcompile.nn.composition import sequential
from adcompile.nn.convolution import conv2d, max_pool2d, mean_pool2d, pad2d, patches2d
from adcompile.nn.dropout import drop_half, dropout
from adcompile.nn.embedding import embedding, rows_used
from adcompile.nn.gates import add, affine, fork, layer, linear, maximum, multiply, neuron
from adcompile.nn.initialisers import (
    he_normal,
    he_uniform,
    small_random,
    xavier_normal,
    xavier_uniform,
    zeros,
)
from adcompile.nn.losses import (
    binary_cross_entropy,
    binary_hinge,
    cross_entropy,
    hinge,
    l1,
    l2,
    mean_squared_error,
    nll,
    squared_error,
)
from adcompile.nn.normalisation import (
    batch_norm,
    batch_norm2d,
    batch_norm_at_test,
    layer_norm,
    running_moments,
)

__all__ = [
    "add",
    "affine",
    "batch_norm",
    "batch_norm2d",
    "batch_norm_at_test",
    "binary_cross_entropy",
    "binary_hinge",
    "conv2d",
    "cross_entropy",
    "drop_half",
    "dropout",
    "embedding",
    "fork",
    "hard_tanh",
    "he_normal",
    "he_uniform",
    "hinge",
    "l1",
    "l2",
    "layer",
    "layer_norm",
    "leaky_relu",
    "linear",
    "log_sigmoid",
    "log_softmax",
    "max_pool2d",
    "maximum",
    "mean_pool2d",
    "mean_squared_error",
    "multiply",
    "neuron",
    "nll",
    "pad2d",
    "patches2d",
    "relu",
    "rows_used",
    "running_moments",
    "sequential",
    "sigmoid",
    "small_random",
    "softmax",
    "softplus",
    "squared_error",
    "tanh",
    "xavier_normal",
    "xavier_uniform",
    "zeros",
]
