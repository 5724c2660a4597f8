"""A training step of the network 784-128-10: gradient of a minibatch, SGD with momentum.

    python -m benchmarks.training_step [--write]

Every contestant runs the same epoch of 16 minibatches from the same weights; that they end with the
same weights is checked first.  Timed in turns by the CPU time of the process, one thread each.
``--write`` puts the tables into docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numba import njit

import benchmarks.arrays  # noqa: F401  one thread for all, before anything starts its own
from adcompile import nn, optim, value_and_grad
from benchmarks.measure import Times, interleave
from benchmarks.page import table, write

STEPS, RATE, FRICTION = 16, 0.01, 0.9
SIZES = ((784, 128), (128,), (128, 10), (10,))
TURNS = 31
OURS, FROM_PYTHON = "adcompile, epoch in njit code", "adcompile, steps from Python"

Epoch: TypeAlias = Callable[[], object]  # leaves the weights behind, which the second one returns
Contestant: TypeAlias = Callable[[Any, Any, Any, Any], tuple[Epoch, Callable[[], list[Any]]]]


def cost(params: Any, x: Any, labels: Any) -> Any:
    w1, b1, w2, b2 = params
    return nn.cross_entropy(nn.affine(nn.relu(nn.affine(x, w1, b1)), w2, b2), labels)


def ours(params: Any, x: Any, labels: Any, order: Any) -> tuple[Epoch, Callable[[], list[Any]]]:
    derivative = value_and_grad(cost)

    @njit
    def epoch(state: Any, params: Any, x: Any, labels: Any, order: Any) -> Any:
        total = 0.0
        for t in range(order.shape[0]):
            value, grads = derivative(params, x[order[t]], labels[order[t]])
            state, params = optim.momentum(state, params, grads, RATE, FRICTION)
            total += value
        return total

    state = optim.momentum_state(params)
    return lambda: epoch(state, params, x, labels, order), lambda: list(params)


def ours_in_python(
    params: Any, x: Any, labels: Any, order: Any
) -> tuple[Epoch, Callable[[], list[Any]]]:
    derivative = value_and_grad(cost)
    state = optim.momentum_state(params)

    def epoch() -> float:
        total = 0.0
        for batch in order:
            value, grads = derivative(params, x[batch], labels[batch])
            optim.momentum(state, params, grads, RATE, FRICTION)
            total += value
        return total

    return epoch, lambda: list(params)


def in_torch(compiled: bool) -> Contestant:
    def build(params: Any, x: Any, labels: Any, order: Any) -> Any:
        import torch

        torch.set_num_threads(1)
        weights = [torch.from_numpy(w).requires_grad_() for w in params]
        optimiser = torch.optim.SGD(weights, lr=RATE, momentum=FRICTION, fused=True)
        images, classes = torch.from_numpy(x), torch.from_numpy(labels)

        def loss(x: Any, labels: Any) -> Any:
            w1, b1, w2, b2 = weights
            hidden = torch.relu(torch.addmm(b1, x, w1))
            return torch.nn.functional.cross_entropy(torch.addmm(b2, hidden, w2), labels)

        if compiled:
            torch._dynamo.reset()
            loss = torch.compile(loss, dynamic=False)
        batches = torch.from_numpy(order)

        def epoch() -> float:
            total = 0.0
            for batch in batches:
                optimiser.zero_grad()
                value = loss(images[batch], classes[batch])
                value.backward()
                optimiser.step()
                total += value.detach()
            return float(total)

        return epoch, lambda: [w.detach().numpy() for w in weights]

    return build


def in_jax(scan: bool) -> Contestant:
    """A jitted step, or the whole epoch as one ``lax.scan``; the weights' memory is handed over."""

    def build(params: Any, x: Any, labels: Any, order: Any) -> Any:
        import jax

        jax.config.update("jax_enable_x64", x.dtype == np.float64)
        images, classes, batches = (jax.device_put(a) for a in (x, labels, order))

        def loss(params: Any, x: Any, labels: Any) -> Any:
            w1, b1, w2, b2 = params
            scores = jax.nn.relu(x @ w1 + b1) @ w2 + b2
            picked = jax.nn.one_hot(labels, scores.shape[1], dtype=scores.dtype)
            return -jax.numpy.sum(jax.nn.log_softmax(scores) * picked) / labels.size

        def step(carry: Any, batch: Any) -> Any:
            params, velocity = carry
            value, grads = jax.value_and_grad(loss)(params, images[batch], classes[batch])
            velocity = jax.tree.map(lambda v, g: FRICTION * v + g, velocity, grads)
            params = jax.tree.map(lambda w, v: w - RATE * v, params, velocity)
            return (params, velocity), value

        start = tuple(jax.numpy.array(w) for w in params)
        carry = (start, jax.tree.map(jax.numpy.zeros_like, start))
        whole = jax.jit(lambda carry, order: jax.lax.scan(step, carry, order), donate_argnums=0)
        single = jax.jit(step, donate_argnums=0)

        def epoch() -> None:
            nonlocal carry
            if scan:
                carry, _ = whole(carry, batches)
            else:
                for batch in batches:
                    carry, _ = single(carry, batch)
            jax.block_until_ready(carry)

        return epoch, lambda: [np.asarray(w) for w in carry[0]]

    return build


CONTESTANTS: dict[str, Contestant] = {
    OURS: ours,
    FROM_PYTHON: ours_in_python,
    "PyTorch, eager": in_torch(compiled=False),
    "torch.compile": in_torch(compiled=True),
    "JAX, jitted step": in_jax(scan=False),
    "JAX, epoch in lax.scan": in_jax(scan=True),
}


def data(dtype: Any, batch: int) -> tuple[Any, Any, Any, Any]:
    rng = np.random.default_rng(0)
    params = tuple(rng.normal(scale=0.05, size=size).astype(dtype) for size in SIZES)
    count = STEPS * batch
    x = rng.uniform(size=(count, 784)).astype(dtype)
    return params, x, rng.integers(0, 10, count), rng.permutation(count).reshape(STEPS, batch)


def measure(dtype: Any, batch: int) -> Times:
    epochs: dict[str, Epoch] = {}
    expected: list[Any] = []
    for name, build in CONTESTANTS.items():
        params, x, labels, order = data(dtype, batch)
        try:
            epoch, weights = build(params, x, labels, order)
            epoch()
        except ImportError as error:
            print(f"{name}: not installed ({error.name})")
            continue
        found = [w.copy() for w in weights()]
        expected = expected or found
        close = 1e-10 if dtype is np.float64 else 1e-4
        for w, e in zip(found, expected, strict=True):
            np.testing.assert_allclose(w, e, rtol=0.0, atol=close * np.max(np.abs(e)), err_msg=name)
        epochs[name] = epoch
    return interleave(epochs, turns=TURNS, clock=time.process_time)


def rows(times: Times) -> list[list[str]]:
    found = []
    for name in times.seconds:
        over = times.ratio(name, OURS)
        found.append(
            [
                name,
                f"{1e6 * times.median(name) / STEPS:.0f}",
                f"{over.median:.2f} [{over.low:.2f}, {over.high:.2f}]",
            ]
        )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training_step")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    texts = []
    for dtype in (np.float32, np.float64):
        for batch in (64, 256):
            head = [
                f"{dtype.__name__}, batch {batch}",
                "us per step",
                "over the epoch in njit code",
            ]
            texts.append(table(head, rows(measure(dtype, batch))))
            print(texts[-1] + "\n", flush=True)
    if options.write:
        write("benchmarks.md", "training_step", "\n\n".join(texts))


if __name__ == "__main__":
    main()
