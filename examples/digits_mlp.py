"""A network that reads handwritten digits: scikit-learn's 1797 images of 8 x 8 pixels.

A whole epoch (shuffled minibatches, gradient, Adam) is one compiled function; the gradient in it is
what adcompile made of ``cost``.

    python examples/digits_mlp.py             # or with a seed
    python examples/digits_mlp.py --sorted    # the same samples sorted by class, not shuffled
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # products this small lose by threads

import numpy as np
from numba import njit
from sklearn.datasets import load_digits

from adcompile import nn, optim, value_and_grad
from adcompile.data import epoch_order, moments, normalise, split
from adcompile.training import History, fit, load, plot, save

HIDDEN, CLASSES = 128, 10
EPOCHS, BATCH, RATE = 40, 32, 2e-3
FLOOR = 3.0  # of 16 grey levels: pixels that hardly ever change are not blown up
DECAY = 1e-3
PLOT = Path(__file__).with_name("digits_mlp.png")
WEIGHTS = Path(__file__).with_name("digits_mlp.npz")


def scores(params: Any, x: Any) -> Any:
    w1, b1, w2, b2 = params
    return nn.affine(nn.relu(nn.affine(x, w1, b1)), w2, b2)


@value_and_grad
def cost(params: Any, x: Any, labels: Any) -> Any:
    return nn.cross_entropy(scores(params, x), labels)


@njit
def train_epoch(state: Any, params: Any, x: Any, labels: Any, rng: Any, rate: float) -> Any:
    """(state, params, mean cost)"""
    order = epoch_order(x.shape[0], rng)
    total = 0.0
    for start in range(0, order.size, BATCH):
        batch = order[start : start + BATCH]
        value, grads = cost(params, x[batch], labels[batch])
        total += value * batch.size
        state, params = optim.adamw(state, params, grads, rate, decay=DECAY)
    return state, params, total / order.size


def accuracy(params: Any, x: Any, labels: Any) -> Any:
    return np.mean(np.argmax(scores(params, x), axis=1) == labels)


def initial(rng: Any, pixels: int) -> Any:
    return (
        nn.he_normal(rng, pixels, HIDDEN),
        nn.zeros(HIDDEN),
        nn.xavier_normal(rng, HIDDEN, CLASSES),
        nn.zeros(CLASSES),
    )


def data(seed: int) -> tuple[Any, Any, Any, Any]:
    """Normalised with the moments of the training data: x, x of the test, labels, of the test."""
    images, targets = load_digits(return_X_y=True)
    rng = np.random.default_rng(seed)
    x, x_test, labels, labels_test = split(rng, 0.25, images, targets)
    scale = moments(x, FLOOR)
    return normalise(x, scale), normalise(x_test, scale), labels, labels_test


def train(seed: int = 0) -> tuple[Any, History, float]:
    """(params, history, test accuracy)"""
    x, x_test, labels, labels_test = data(seed)
    rng = np.random.default_rng(seed)
    params = initial(rng, x.shape[1])
    state = optim.adam_state(params)

    def epoch(t: int) -> dict[str, float]:
        nonlocal state, params
        rate = optim.cosine(RATE, t, EPOCHS)
        state, params, loss = train_epoch(state, params, x, labels, rng, rate)
        return {
            "loss": loss,
            "accuracy": accuracy(params, x, labels),
            "test accuracy": accuracy(params, x_test, labels_test),
        }

    history = fit(epoch, EPOCHS, samples=len(x))
    save(WEIGHTS, params)
    again = load(WEIGHTS, like=params)
    return params, history, accuracy(again, x_test, labels_test)


@njit
def plain_epoch(state: Any, params: Any, x: Any, labels: Any, rng: Any, shuffle: bool) -> Any:
    order = epoch_order(x.shape[0], rng, shuffle)
    for start in range(0, order.size, 8):
        batch = order[start : start + 8]
        _, grads = cost(params, x[batch], labels[batch])
        state, params = optim.sgd(state, params, grads, 0.2)
    return state, params


def sorted_by_class(epochs: int = 10) -> dict[str, list[float]]:
    """Test accuracies after each epoch of gradient descent, in two orders of the same samples."""
    x, x_test, labels, labels_test = data(0)
    by_class = np.argsort(labels, kind="stable")
    x, labels = x[by_class], labels[by_class]
    found: dict[str, list[float]] = {}
    for name, shuffle in (("shuffled", True), ("sorted", False)):
        rng = np.random.default_rng(0)
        params = initial(rng, x.shape[1])
        state, found[name] = optim.sgd_state(params), []
        for _ in range(epochs):
            state, params = plain_epoch(state, params, x, labels, rng, shuffle)
            found[name].append(accuracy(params, x_test, labels_test))
    return found


def main() -> None:
    if "--sorted" in sys.argv:
        for name, shares in sorted_by_class().items():
            print(f"{name:10}", "".join(f"{100 * share:6.1f} %" for share in shares))
        return
    start = time.perf_counter()
    _, history, reached = train(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    plot(history, PLOT, "handwritten digits, 64-128-10")
    seconds = time.perf_counter() - start
    print(f"test accuracy {100 * reached:.2f} %, in {seconds:.1f} s with compilation")
    print(f"{EPOCHS - 1} epochs after the first: {sum(history.seconds[1:]):.2f} s")
    print(f"Learning curves: {PLOT.parent.name}/{PLOT.name}, weights: {WEIGHTS.name}")


if __name__ == "__main__":
    main()
