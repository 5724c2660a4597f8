"""Losses: what arrives here is 1, and what leaves is how to change the output."""

from __future__ import annotations

import numpy as np
from numba.extending import register_jitable

from adcompile.barrier import stop_gradient
from adcompile.nn.gates import Array


@register_jitable
def squared_error(y: Array, target: Array) -> Array:
    """sum (y - t)^2.  dC/dy = 2 (y - t)."""
    return np.sum((y - target) ** 2)


@register_jitable
def mean_squared_error(y: Array, target: Array) -> Array:
    """mean (y - t)^2.  dC/dy = 2 (y - t) / count."""
    return np.mean((y - target) ** 2)


@register_jitable
def check_labels(labels: Array, classes: int) -> None:
    """Compiled code would read past the end of a row, and say nothing."""
    for i in range(labels.size):
        if labels[i] < 0 or labels[i] >= classes:
            raise IndexError("a label that is no class: labels count from 0")


@register_jitable
def nll(log_p: Array, labels: Array) -> Array:
    """The mean of -log p of the right class: ``log_p`` (n, classes) of ``log_softmax``, ``labels``
    (n,) integers.  dC/dlog_p = -1/n at the right class, else 0."""
    check_labels(labels, log_p.shape[1])
    return -np.mean(log_p[np.arange(labels.size), labels])


@register_jitable
def cross_entropy(scores: Array, labels: Array) -> Array:
    """``nll(log_softmax(scores), labels)`` in one gate: mean of log sum_j exp(s_j) - s_label.

    dC/ds = (softmax(s) - onehot(label)) / n: bounded, and it vanishes only where the answer is
    right.
    """
    check_labels(labels, scores.shape[1])
    top = stop_gradient(np.max(scores, axis=1))
    total = np.sum(np.exp(scores - top[:, None]), axis=1)
    return np.mean(np.log(total) + top - scores[np.arange(labels.size), labels])


@register_jitable
def binary_cross_entropy(logits: Array, targets: Array) -> Array:
    """The mean of -t log s(x) - (1 - t) log(1 - s(x)) = log(1 + exp(x)) - t x, with the sigmoid s
    and targets in [0, 1].  dC/dx = (s(x) - t) / count."""
    return np.mean(np.logaddexp(0.0, logits) - targets * logits)


@register_jitable
def hinge(scores: Array, labels: Array, margin: float = 1.0) -> Array:
    """The mean over samples of sum_{j != y} max(0, s_j - s_y + margin): ``scores`` (n, classes),
    ``labels`` (n,) integers.

    Each j with a positive term (at 0, as ``relu``) gets 1/n, and the right class y as much off.
    """
    check_labels(labels, scores.shape[1])
    rows = np.arange(labels.size)
    terms = np.maximum(0.0, scores - scores[rows, labels][:, None] + margin)
    return np.sum(terms) / labels.size - margin  # the term of y itself is the margin


@register_jitable
def binary_hinge(scores: Array, targets: Array) -> Array:
    """The mean of max(0, 1 - t s), targets -1 or 1.  dC/ds = -t / count where t s <= 1, else 0."""
    return np.mean(np.maximum(0.0, 1.0 - targets * scores))


@register_jitable
def l1(w: Array) -> Array:
    """sum |w|.  Derivative sign(w), 0 at 0: pulls all weights with the same force, some to 0."""
    return np.sum(np.abs(w))


@register_jitable
def l2(w: Array) -> Array:
    """sum w^2.  Derivative 2 w.

    With the cost C + alpha l2(w), a step of length eta is w <- (1 - 2 eta alpha) w - eta dC/dw:
    the course's weight decay.  PyTorch's ``weight_decay`` d adds d w to the gradient: d = 2 alpha.
    """
    return np.sum(w * w)
