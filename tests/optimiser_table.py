"""Optimisers, one per row: ours, the formulas written out in NumPy, and PyTorch's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from adcompile import optim

Rule = Callable[[Any], Iterator[Any]]  # of the first weights; then gradients in, weights out


@dataclass(frozen=True)
class Row:
    name: str
    state: Any
    step: Any
    options: dict[str, float]
    by_hand: Callable[..., Any]
    torch: str
    theirs: dict[str, Any]


def start() -> tuple[Any, Any]:
    rng = np.random.default_rng(3)
    return rng.normal(size=(3, 4)), rng.normal(size=5)


def slope(w: Any, t: int) -> Any:
    """A gradient that is not constant."""
    return np.sin(3.0 * w + t) + 0.3 * w


# Each takes (w, g, memory, t) with t = 1, 2, ... and returns the new w; memory is a dict.


def sgd(w: Any, g: Any, memory: dict[str, Any], t: int) -> Any:
    return w - 0.1 * (g + 0.05 * w)


def momentum(w: Any, g: Any, memory: dict[str, Any], t: int) -> Any:
    v = memory["v"] = 0.8 * memory.get("v", 0.0) + g + 0.05 * w
    return w - 0.1 * v


def nesterov(w: Any, g: Any, memory: dict[str, Any], t: int) -> Any:
    g = g + 0.05 * w
    v = memory["v"] = 0.8 * memory.get("v", 0.0) + g
    return w - 0.1 * (g + 0.8 * v)


def adagrad(w: Any, g: Any, memory: dict[str, Any], t: int) -> Any:
    g = g + 0.05 * w
    r = memory["r"] = memory.get("r", 0.0) + g**2
    return w - 0.1 * g / (np.sqrt(r) + 1e-10)


def rmsprop(w: Any, g: Any, memory: dict[str, Any], t: int) -> Any:
    g = g + 0.05 * w
    r = memory["r"] = 0.9 * memory.get("r", 0.0) + 0.1 * g**2
    return w - 0.1 * g / (np.sqrt(r) + 1e-8)


def adam(w: Any, g: Any, memory: dict[str, Any], t: int, decay: float = 0.05) -> Any:
    g = g + decay * w
    m = memory["m"] = 0.8 * memory.get("m", 0.0) + 0.2 * g
    r = memory["r"] = 0.95 * memory.get("r", 0.0) + 0.05 * g**2
    return w - 0.1 * (m / (1 - 0.8**t)) / (np.sqrt(r / (1 - 0.95**t)) + 1e-8)


def adamw(w: Any, g: Any, memory: dict[str, Any], t: int) -> Any:
    return adam(w * (1 - 0.1 * 0.05), g, memory, t, decay=0.0)


_DECAY = {"lr": 0.1, "weight_decay": 0.05}
_ADAM = {"rate": 0.1, "beta1": 0.8, "beta2": 0.95, "decay": 0.05}
_THEIRS = {**_DECAY, "betas": (0.8, 0.95)}

ROWS = [
    Row("sgd", optim.sgd_state, optim.sgd, {"rate": 0.1, "decay": 0.05}, sgd, "SGD", _DECAY),
    Row(
        "momentum",
        optim.momentum_state,
        optim.momentum,
        {"rate": 0.1, "friction": 0.8, "decay": 0.05},
        momentum,
        "SGD",
        {**_DECAY, "momentum": 0.8},
    ),
    Row(
        "nesterov",
        optim.momentum_state,
        optim.nesterov,
        {"rate": 0.1, "friction": 0.8, "decay": 0.05},
        nesterov,
        "SGD",
        {**_DECAY, "momentum": 0.8, "nesterov": True},
    ),
    Row(
        "adagrad",
        optim.adagrad_state,
        optim.adagrad,
        {"rate": 0.1, "decay": 0.05},
        adagrad,
        "Adagrad",
        _DECAY,
    ),
    Row(
        "rmsprop",
        optim.rmsprop_state,
        optim.rmsprop,
        {"rate": 0.1, "memory": 0.9, "decay": 0.05},
        rmsprop,
        "RMSprop",
        {**_DECAY, "alpha": 0.9},
    ),
    Row("adam", optim.adam_state, optim.adam, _ADAM, adam, "Adam", _THEIRS),
    Row("adamw", optim.adam_state, optim.adamw, _ADAM, adamw, "AdamW", _THEIRS),
]


def ten_steps(row: Row, params: Any) -> Any:
    """Ours, in Python: the leaves after ten steps."""
    state = row.state(params)
    for t in range(10):
        grads = optim.rebuilt(params, [slope(w, t) for w in optim.leaves(params)])
        state, params = row.step(state, params, grads, **row.options)
    assert state.step == 10
    return optim.leaves(params)
