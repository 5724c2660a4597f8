"""Softmax cross-entropy of a network 784-128-10 with tanh in between."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numba import njit

from adcompile import vectormath as vm
from benchmarks.arrays.contestants import REASSOCIATE, lineup
from benchmarks.arrays.workload import Inputs, Workload

WEIGHTS = (0, 1, 2, 3)


def loss(w1: Any, b1: Any, w2: Any, b2: Any, images: Any, labels: Any) -> Any:
    hidden = np.tanh(images @ w1 + b1)
    scores = hidden @ w2 + b2
    top = np.max(scores, axis=1)
    log_total = np.log(np.sum(np.exp(scores - top[:, None]), axis=1)) + top
    return np.mean(log_total - scores[np.arange(labels.size), labels])


def loss_in_numba(w1: Any, b1: Any, w2: Any, b2: Any, images: Any, labels: Any) -> Any:
    """What Numba takes: it has no ``max(axis=1)`` and no two arrays as subscripts."""
    hidden = np.tanh(images @ w1 + b1)
    scores = hidden @ w2 + b2
    total = 0.0
    for i in range(labels.size):
        top = np.max(scores[i])
        total += np.log(np.sum(np.exp(scores[i] - top))) + top - scores[i, labels[i]]
    return total / labels.size


@njit(error_model="numpy", fastmath=REASSOCIATE)
def activate(z: Any, bias: Any) -> None:
    for i in range(z.shape[0]):
        for j in range(z.shape[1]):
            z[i, j] = vm.tanh(z[i, j] + bias[j])


@njit(error_model="numpy", fastmath=REASSOCIATE)
def softmax(z: Any, bias: Any, labels: Any) -> float:
    """The sum of the losses; ``z`` becomes its adjoint, for the mean."""
    total = 0.0
    n, k = z.shape
    share = z.dtype.type(1.0 / n)
    for i in range(n):
        for j in range(k):
            z[i, j] += bias[j]
        top = z[i, 0]
        for j in range(k):
            top = max(top, z[i, j])
        total += top - z[i, labels[i]]
        part = z.dtype.type(0.0)
        for j in range(k):
            z[i, j] = vm.exp(z[i, j] - top)
            part += z[i, j]
        total += np.log(part)
        factor = share / part
        for j in range(k):
            z[i, j] *= factor
        z[i, labels[i]] -= share
    return total


@njit(error_model="numpy", fastmath=REASSOCIATE)
def through_tanh(hidden: Any, adjoint: Any, bias_adj: Any) -> None:
    bias_adj[:] = 0.0
    one = hidden.dtype.type(1.0)
    for i in range(hidden.shape[0]):
        for j in range(hidden.shape[1]):
            adjoint[i, j] *= one - hidden[i, j] * hidden[i, j]
            bias_adj[j] += adjoint[i, j]


@njit(error_model="numpy")
def by_hand(w1: Any, b1: Any, w2: Any, b2: Any, images: Any, labels: Any) -> Any:
    hidden = images @ w1
    activate(hidden, b1)
    scores = hidden @ w2
    value = softmax(scores, b2, labels) / labels.size
    w2_adj = hidden.T @ scores
    b2_adj = scores.sum(axis=0)
    adjoint = scores @ w2.T
    b1_adj = np.empty_like(b1)
    through_tanh(hidden, adjoint, b1_adj)
    return value, (images.T @ adjoint, b1_adj, w2_adj, b2_adj)


def best_jax(jax: Any) -> Any:
    np_, nn = jax.numpy, jax.nn

    def loss(w1: Any, b1: Any, w2: Any, b2: Any, images: Any, labels: Any) -> Any:
        scores = np_.tanh(images @ w1 + b1) @ w2 + b2
        picked = nn.one_hot(labels, scores.shape[1], dtype=scores.dtype)
        return -np_.sum(nn.log_softmax(scores) * picked) / labels.size

    return jax.value_and_grad(loss, argnums=WEIGHTS)


def in_torch(torch: Any) -> Any:
    def loss(w1: Any, b1: Any, w2: Any, b2: Any, images: Any, labels: Any) -> Any:
        scores = torch.addmm(b2, torch.tanh(torch.addmm(b1, images, w1)), w2)
        return torch.nn.functional.cross_entropy(scores, labels)

    return loss


def inputs(dtype: Any, batch: int) -> Inputs:
    rng = np.random.default_rng(0)
    shapes = ((784, 128), (128,), (128, 10), (10,))
    weights = [rng.normal(scale=0.05, size=shape).astype(dtype) for shape in shapes]
    images = rng.uniform(size=(batch, 784)).astype(dtype)
    return (*weights, images, rng.integers(0, 10, batch))


WORKLOAD = Workload(
    title="Softmax cross-entropy, network 784-128-10",
    cases={
        f"batch {batch}, {dtype.__name__}": partial(inputs, dtype, batch)
        for batch in (64, 256)
        for dtype in (np.float32, np.float64)
    },
    quick=("batch 64, float32", "batch 64, float64"),
    contestants=lineup(
        loss,
        WEIGHTS,
        hands={"": by_hand},
        jax=best_jax,
        torch=in_torch,
        numba_f=loss_in_numba,
    ),
    rtol={"float64": 1e-11, "float32": 2e-5},
)
