"""Optimisers, schedules and clipping, for Python and njit code."""

from adcompile.optim.adaptive import (
    AdamState,
    SquareState,
    adagrad,
    adagrad_state,
    adam,
    adam_state,
    adamw,
    rmsprop,
    rmsprop_state,
    sparse_adam,
)
from adcompile.optim.clipping import clip_by_norm, clip_by_value, norm
from adcompile.optim.descent import (
    MomentumState,
    SGDState,
    momentum,
    momentum_state,
    nesterov,
    sgd,
    sgd_state,
)
from adcompile.optim.schedules import (
    constant,
    cosine,
    cyclic,
    exponential,
    halving,
    one_cycle,
)
from adcompile.optim.trees import copy, leaves, rebuilt, zeros_like

__all__ = [
    "AdamState",
    "MomentumState",
    "SGDState",
    "SquareState",
    "adagrad",
    "adagrad_state",
    "adam",
    "adam_state",
    "adamw",
    "clip_by_norm",
    "clip_by_value",
    "constant",
    "copy",
    "cosine",
    "cyclic",
    "exponential",
    "halving",
    "leaves",
    "momentum",
    "momentum_state",
    "nesterov",
    "norm",
    "one_cycle",
    "rebuilt",
    "rmsprop",
    "rmsprop_state",
    "sgd",
    "sgd_state",
    "sparse_adam",
    "zeros_like",
]
