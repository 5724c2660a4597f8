"""Gradient descent, with and without momentum.

An optimiser is ``(state, params, grads, rate, ...) -> (state, params)``.  The arrays of state and
parameters are overwritten: ``optim.copy`` first what you want to keep.  In njit code, where all of
them can be called, parameters are tuples of arrays.

``decay`` d adds d w to the gradient, as in PyTorch.  The course has the same with d = 2 alpha:
w <- (1 - 2 eta alpha) w - eta dC/dw.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from numba import njit
from numba.extending import register_jitable

from adcompile.optim.trees import Tree, each, zeros_like


class SGDState(NamedTuple):
    """How many steps were taken."""

    step: int


class MomentumState(NamedTuple):
    step: int
    velocity: Tree


@register_jitable
def sgd_state(params: Tree) -> SGDState:
    return SGDState(0)


@register_jitable
def sgd(
    state: SGDState, params: Tree, grads: Tree, rate: float, decay: float = 0.0
) -> tuple[SGDState, Tree]:
    """w <- w - rate (g + decay w)."""
    each(_sgd, (params, grads), (rate, decay))
    return SGDState(state.step + 1), params


@njit(error_model="numpy")
def _sgd(arrays: Any, numbers: Any) -> None:
    w, g = arrays
    number = w.dtype.type
    rate, decay = number(numbers[0]), number(numbers[1])
    for i in range(w.size):
        w[i] -= rate * (g[i] + decay * w[i])


@register_jitable
def momentum_state(params: Tree) -> MomentumState:
    """For ``momentum`` and ``nesterov``."""
    return MomentumState(0, zeros_like(params))


@register_jitable
def momentum(
    state: MomentumState,
    params: Tree,
    grads: Tree,
    rate: float,
    friction: float = 0.9,
    decay: float = 0.0,
) -> tuple[MomentumState, Tree]:
    """v <- friction v + g,  w <- w - rate v.

    Polyak, Some methods of speeding up the convergence of iteration methods, 1964, in PyTorch's
    form.
    """
    each(_momentum, (params, grads, state.velocity), (rate, friction, decay, 0.0))
    return MomentumState(state.step + 1, state.velocity), params


@register_jitable
def nesterov(
    state: MomentumState,
    params: Tree,
    grads: Tree,
    rate: float,
    friction: float = 0.9,
    decay: float = 0.0,
) -> tuple[MomentumState, Tree]:
    """v <- friction v + g,  w <- w - rate (g + friction v): looks where the velocity leads.

    Sutskever, Martens, Dahl and Hinton, On the importance of initialization and momentum, 2013, in
    PyTorch's form.
    """
    each(_momentum, (params, grads, state.velocity), (rate, friction, decay, 1.0))
    return MomentumState(state.step + 1, state.velocity), params


@njit(error_model="numpy")
def _momentum(arrays: Any, numbers: Any) -> None:
    w, g, v = arrays
    number = w.dtype.type
    rate, friction, decay = number(numbers[0]), number(numbers[1]), number(numbers[2])
    if numbers[3] == 0.0:
        for i in range(w.size):
            v[i] = friction * v[i] + (g[i] + decay * w[i])
            w[i] -= rate * v[i]
    else:
        for i in range(w.size):
            slope = g[i] + decay * w[i]
            v[i] = friction * v[i] + slope
            w[i] -= rate * (slope + friction * v[i])
