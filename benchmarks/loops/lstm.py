"""The LSTM of ADBench (Srajer, Kukelova, Fitzgibbon, 2018): it predicts the next of 1024 characters
of 14 bits; weights are diagonal.

``main`` has shape (layers, 2, 4, bits): weights and biases of four gates; ``extra`` (3, bits):
weights before the first layer and after the last, biases; ``start`` (layers, 2, bits): hidden state
and cell; ``text`` (characters, bits).
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
from numba import njit

from adcompile import vectormath as vm
from benchmarks.arrays.contestants import REASSOCIATE
from benchmarks.arrays.workload import TAPE, Inputs, Workload
from benchmarks.loops.lineup import Function, lineup

ACTIVE = (0, 1)


def loss(main: Any, extra: Any, start: Any, text: Any) -> Any:
    layers, bits = main.shape[0], main.shape[3]
    state = start.copy()
    x, total = np.empty(bits), 0.0
    for t in range(text.shape[0] - 1):
        for j in range(bits):
            x[j] = text[t, j] * extra[0, j]
        for k in range(layers):
            for j in range(bits):
                forget = 1.0 / (1.0 + math.exp(-(x[j] * main[k, 0, 0, j] + main[k, 1, 0, j])))
                into = 1.0 / (
                    1.0 + math.exp(-(state[k, 0, j] * main[k, 0, 1, j] + main[k, 1, 1, j]))
                )
                out = 1.0 / (1.0 + math.exp(-(x[j] * main[k, 0, 2, j] + main[k, 1, 2, j])))
                change = math.tanh(state[k, 0, j] * main[k, 0, 3, j] + main[k, 1, 3, j])
                state[k, 1, j] = state[k, 1, j] * forget + into * change
                state[k, 0, j] = out * math.tanh(state[k, 1, j])
                x[j] = state[k, 0, j]
        parts = 2.0
        for j in range(bits):
            x[j] = x[j] * extra[1, j] + extra[2, j]
            parts += math.exp(x[j])
        log = math.log(parts)
        for j in range(bits):
            total -= text[t + 1, j] * (x[j] - log)
    return total / ((text.shape[0] - 1) * bits)


# ---------------------------------------------------------------- by hand


@njit(error_model="numpy", fastmath=REASSOCIATE, inline="always")
def _logistic(z: float) -> float:
    found: float = 1.0 / (1.0 + vm.exp(-z))
    return found


@njit(error_model="numpy", fastmath=REASSOCIATE)
def _layer(w: Any, x: Any, state: Any, kept: Any) -> None:
    """``kept``: forget, into, out, change, tanh of the new cell; the old cell and hidden state;
    the input."""
    for j in range(x.size):
        hidden, cell = state[0, j], state[1, j]
        forget = _logistic(x[j] * w[0, 0, j] + w[1, 0, j])
        into = _logistic(hidden * w[0, 1, j] + w[1, 1, j])
        out = _logistic(x[j] * w[0, 2, j] + w[1, 2, j])
        change = vm.tanh(hidden * w[0, 3, j] + w[1, 3, j])
        new = cell * forget + into * change
        bent = vm.tanh(new)
        kept[0, j], kept[1, j], kept[2, j], kept[3, j], kept[4, j] = forget, into, out, change, bent
        kept[5, j], kept[6, j], kept[7, j] = cell, hidden, x[j]
        state[1, j] = new
        state[0, j] = out * bent
        x[j] = out * bent


@njit(error_model="numpy", fastmath=REASSOCIATE)
def _layer_back(w: Any, kept: Any, x_adj: Any, state_adj: Any, w_adj: Any) -> None:
    for j in range(x_adj.size):
        forget, into, out, change = kept[0, j], kept[1, j], kept[2, j], kept[3, j]
        bent, cell, hidden, x = kept[4, j], kept[5, j], kept[6, j], kept[7, j]
        h = x_adj[j] + state_adj[0, j]
        c = state_adj[1, j] + h * out * (1.0 - bent * bent)
        f = c * cell * forget * (1.0 - forget)
        i = c * change * into * (1.0 - into)
        o = h * bent * out * (1.0 - out)
        n = c * into * (1.0 - change * change)
        w_adj[0, 0, j] += f * x
        w_adj[0, 1, j] += i * hidden
        w_adj[0, 2, j] += o * x
        w_adj[0, 3, j] += n * hidden
        w_adj[1, 0, j] += f
        w_adj[1, 1, j] += i
        w_adj[1, 2, j] += o
        w_adj[1, 3, j] += n
        x_adj[j] = f * w[0, 0, j] + o * w[0, 2, j]
        state_adj[0, j] = i * w[0, 1, j] + n * w[0, 3, j]
        state_adj[1, j] = c * forget


@njit(error_model="numpy", fastmath=REASSOCIATE)
def _predict(extra: Any, x: Any, wanted: Any, kept: Any) -> float:
    """The loss of a character, not yet divided; ``kept``: the hidden state, and the adjoint of the
    prediction."""
    parts, total, every = 2.0, 0.0, 0.0
    for j in range(x.size):
        kept[0, j] = x[j]
        y = x[j] * extra[1, j] + extra[2, j]
        kept[1, j] = vm.exp(y)
        parts += kept[1, j]
        total -= wanted[j] * y
        every += wanted[j]
    share = every / parts
    for j in range(x.size):
        kept[1, j] = kept[1, j] * share - wanted[j]
    return total + every * math.log(parts)


@njit(error_model="numpy", fastmath=REASSOCIATE)
def by_hand(main: Any, extra: Any, start: Any, text: Any) -> Any:
    """Bits side by side in lanes; the gates of every step are kept."""
    layers, bits, steps = main.shape[0], main.shape[3], text.shape[0] - 1
    state, x = start.copy(), np.empty(bits)
    kept, ends = np.empty((steps, layers, 8, bits)), np.empty((steps, 2, bits))
    total = 0.0
    for t in range(steps):
        for j in range(bits):
            x[j] = text[t, j] * extra[0, j]
        for k in range(layers):
            _layer(main[k], x, state[k], kept[t, k])
        total += _predict(extra, x, text[t + 1], ends[t])
    count = steps * bits
    main_adj, extra_adj = np.zeros_like(main), np.zeros_like(extra)
    state_adj = np.zeros_like(state)
    for t in range(steps - 1, -1, -1):
        for j in range(bits):
            y_adj = ends[t, 1, j] / count
            extra_adj[1, j] += y_adj * ends[t, 0, j]
            extra_adj[2, j] += y_adj
            x[j] = y_adj * extra[1, j]
        for k in range(layers - 1, -1, -1):
            _layer_back(main[k], kept[t, k], x, state_adj[k], main_adj[k])
        for j in range(bits):
            extra_adj[0, j] += x[j] * text[t, j]
    return total / count, (main_adj, extra_adj)


# ---------------------------------------------------------------- what others make of it


def _layers(xp: Any, logistic: Function) -> Function:
    def step(main: Any, extra: Any, state: Any, x: Any) -> Any:
        """``state``: hidden and cell of the first layer, of the second."""
        x, new = x * extra[0], []
        for k in range(len(state) // 2):
            w, b = main[k, 0], main[k, 1]
            hidden, cell = state[2 * k], state[2 * k + 1]
            change = xp.tanh(hidden * w[3] + b[3])
            kept = cell * logistic(x * w[0] + b[0])
            cell = kept + logistic(hidden * w[1] + b[1]) * change
            x = logistic(x * w[2] + b[2]) * xp.tanh(cell)
            new += [x, cell]
        return tuple(new), x * extra[1] + extra[2]

    return step


def arrays(xp: Any, jit: Function) -> Function:
    """What PyTorch's LSTM computes is another thing: its weights are full."""
    logistic = getattr(xp, "sigmoid", lambda z: 1.0 / (1.0 + xp.exp(-z)))
    step = jit(_layers(xp, logistic))

    def loss(main: Any, extra: Any, start: Any, text: Any) -> Any:
        state = (start[0, 0], start[0, 1], start[1, 0], start[1, 1])
        found = []
        for t in range(len(text) - 1):
            state, y = step(main, extra, state, text[t])
            found.append(y)
        y = xp.stack(found)
        logs = xp.log(xp.sum(xp.exp(y), axis=1) + 2.0)
        return -xp.sum(text[1:] * (y - logs[:, None])) / (y.shape[0] * y.shape[1])

    return loss


def best_jax(jax: Any) -> Any:
    np_ = jax.numpy
    step = _layers(np_, jax.nn.sigmoid)

    def loss(main: Any, extra: Any, start: Any, text: Any) -> Any:
        @jax.checkpoint
        def body(state: Any, x: Any) -> Any:
            return step(main, extra, state, x)

        state = (start[0, 0], start[0, 1], start[1, 0], start[1, 1])
        _, y = jax.lax.scan(body, state, text[:-1])
        logs = np_.log(np_.sum(np_.exp(y), axis=1) + 2.0)
        return -np_.sum(text[1:] * (y - logs[:, None])) / y.size

    return jax.value_and_grad(loss, argnums=ACTIVE)


def inputs(characters: int, bits: int = 14) -> Inputs:
    rng = np.random.default_rng(0)
    main, extra = rng.normal(size=(2, 2, 4, bits)), rng.normal(size=(3, bits))
    text = (rng.uniform(size=(characters, bits)) < 0.5).astype(float)
    return main, extra, rng.normal(size=(2, 2, bits)), text


WORKLOAD = Workload(
    title="LSTM (ADBench), 2 layers",
    cases={f"{n} characters": partial(inputs, n) for n in (32, 1024)},
    quick=("32 characters",),
    contestants=lineup(loss, ACTIVE, {"": by_hand}, best_jax, arrays),
    rtol={"float64": 1e-10},
    slow=frozenset({TAPE}),
)
