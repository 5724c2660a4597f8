"""A training step of a network 784-1024-10: softmax cross-entropy of a batch, its gradients, and
the descent.  float32."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import cuda, float32, float64

from adcompile import value_and_grad
from adcompile.cuda.package import SIMULATED
from adcompile.cuda.products import dot, dot_22_right_first, dot_nt
from benchmarks.gpu.sums import THREADS, add_up, blocks, clear
from benchmarks.gpu.workload import (
    BY_HAND,
    COMPILED,
    JAX,
    OURS,
    TORCH,
    WARP,
    Build,
    Inputs,
    Prepared,
    Workload,
    by_hand,
    imported,
    jax_of,
    ours,
    torch_of,
)

WEIGHTS = (0, 1, 2, 3)
RATE = np.float32(1e-3)
_ROWS = 2 if THREADS < 32 else 64  # that a thread sums, of a bias


def network(w1: Any, b1: Any, w2: Any, b2: Any, x: Any, labels: Any) -> float:
    scores = np.tanh(x @ w1 + b1) @ w2 + b2
    total = 0.0
    for i in range(labels.size):
        top = scores[i, 0]
        for j in range(1, scores.shape[1]):
            top = max(top, scores[i, j])
        part = 0.0
        for j in range(scores.shape[1]):
            part += math.exp(scores[i, j] - top)
        total += math.log(part) + top - scores[i, labels[i]]
    return float(total / labels.size)


@cuda.jit
def _descend(weights, slope, rate):  # type: ignore[no-untyped-def]
    for q in range(cuda.grid(1), weights.size, cuda.gridsize(1)):
        weights[q] -= rate * slope[q]


def _flat(x: Any) -> Any:
    return x.reshape(x.size)


def _descent(weights: Any, slopes: Any) -> None:
    for w, slope in zip(weights, slopes):
        _descend[blocks(w.size), THREADS](_flat(w), _flat(slope), RATE)


def _ours(*inputs: Any) -> Prepared:
    derivative = value_and_grad(network, WEIGHTS, target="cuda")
    given = [cuda.to_device(x) for x in inputs]

    def call() -> Any:
        value, slopes = derivative(*given)
        _descent(given[:4], slopes)
        return value, slopes

    plain = ours(network, WEIGHTS)(*inputs)
    return Prepared(call, plain.wait, plain.fetch)


@cuda.jit
def _activate(z, bias):  # type: ignore[no-untyped-def]
    n, m = z.shape
    for q in range(cuda.grid(1), n * m, cuda.gridsize(1)):
        z[q // m, q % m] = math.tanh(z[q // m, q % m] + bias[q % m])


@cuda.jit
def _through_tanh(h, adjoint):  # type: ignore[no-untyped-def]
    n, m = h.shape
    one = float32(1.0)
    for q in range(cuda.grid(1), n * m, cuda.gridsize(1)):
        adjoint[q // m, q % m] *= one - h[q // m, q % m] * h[q // m, q % m]


@cuda.jit
def _softmax(z, bias, labels, total):  # type: ignore[no-untyped-def]
    """The mean loss; ``z`` becomes its adjoint."""
    part = cuda.shared.array(THREADS, float64)
    n, m = z.shape
    share = float32(1.0) / float32(n)
    own = 0.0
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        top = z[i, 0] + bias[0]
        for j in range(1, m):
            top = max(top, z[i, j] + bias[j])
        scale = float32(0.0)
        picked = z[i, labels[i]] + bias[labels[i]]
        for j in range(m):
            z[i, j] = math.exp(z[i, j] + bias[j] - top)
            scale += z[i, j]
        own += math.log(scale) + top - picked
        scale = share / scale
        for j in range(m):
            z[i, j] *= scale
        z[i, labels[i]] -= share
    add_up(part, own / n, total, 0)


@cuda.jit
def _columns(z, total):  # type: ignore[no-untyped-def]
    """The sum of each column: neighbouring threads have neighbouring columns, a block some rows."""
    j = cuda.grid(1)
    n, m = z.shape
    first = cuda.blockIdx.y * _ROWS
    if j < m:
        own = float32(0.0)
        for i in range(first, min(first + _ROWS, n)):
            own += z[i, j]
        cuda.atomic.add(total, j, own)


def _bias(z: Any, total: Any) -> None:
    clear(total)
    rows, columns = z.shape
    _columns[(-(-columns // THREADS), -(-rows // _ROWS)), THREADS](z, total)


def _hand(w1: Any, b1: Any, w2: Any, b2: Any, x: Any, labels: Any) -> Any:
    """Products are those that ours uses: cuBLAS, or the kernel by tiles."""
    weights = (w1, b1, w2, b2)
    slopes = [cuda.device_array(w.shape, w.dtype) for w in weights]
    loss = cuda.device_array(1)

    def call() -> Any:
        clear(loss)
        h = dot(x, w1)
        some = blocks(h.size)
        _activate[some, THREADS](h, b1)
        z = dot(h, w2)
        _softmax[blocks(z.shape[0]), THREADS](z, b2, labels, loss)
        dot_22_right_first(slopes[2], z, h)
        _bias(z, slopes[3])
        adjoint = dot_nt(z, w2)
        _through_tanh[some, THREADS](h, adjoint)
        dot_22_right_first(slopes[0], adjoint, x)
        _bias(adjoint, slopes[1])
        _descent(weights, slopes)
        return loss, tuple(slopes)

    return call


def _jax(*inputs: Any) -> Prepared:
    def make(jax: Any) -> Any:
        np_, nn = jax.numpy, jax.nn

        def loss(weights: Any, x: Any, labels: Any) -> Any:
            w1, b1, w2, b2 = weights
            scores = np_.tanh(x @ w1 + b1) @ w2 + b2
            picked = nn.one_hot(labels, scores.shape[1], dtype=scores.dtype)
            return -np_.sum(nn.log_softmax(scores) * picked) / labels.size

        def step(w1: Any, b1: Any, w2: Any, b2: Any, x: Any, labels: Any) -> Any:
            weights = (w1, b1, w2, b2)
            value, slopes = jax.value_and_grad(loss)(weights, x, labels)
            return value, slopes, tuple(w - RATE * s for w, s in zip(weights, slopes))

        return step

    made = jax_of(make)(*inputs)
    return Prepared(made.call, made.wait, lambda found: made.fetch(found[:2]))


def _loss_of(torch: Any, jit: Any) -> Any:
    def loss(w1: Any, b1: Any, w2: Any, b2: Any, x: Any, labels: Any) -> Any:
        scores = torch.addmm(b2, torch.tanh(torch.addmm(b1, x, w1)), w2)
        return torch.nn.functional.cross_entropy(scores, labels)

    return jit(loss)


def _torch(compiled: bool) -> Build:
    def build(*inputs: Any) -> Prepared:
        made = torch_of(_loss_of, WEIGHTS, compiled)(*inputs)
        torch = imported("torch")
        where = "cpu" if SIMULATED else "cuda"
        weights = [torch.tensor(w, device=where) for w in inputs[:4]]

        def call() -> Any:
            value, slopes = made.call()
            torch._foreach_add_(weights, slopes, alpha=-float(RATE))
            return value, slopes

        return Prepared(call, made.wait, made.fetch)

    return build


def inputs(small: bool) -> Inputs:
    rng = np.random.default_rng(0)
    batch, pixels, wide, kinds = (3, 4, 5, 3) if small else (8192, 784, 1024, 10)
    shapes = ((pixels, wide), (wide,), (wide, kinds), (kinds,))
    weights = [rng.normal(scale=0.05, size=shape).astype(np.float32) for shape in shapes]
    images = rng.uniform(size=(batch, pixels)).astype(np.float32)
    return (*weights, images, rng.integers(0, kinds, batch))


WORKLOAD = Workload(
    "Training step, network 784-1024-10, batch 8192, float32",
    network,
    WEIGHTS,
    inputs,
    {
        BY_HAND: by_hand(_hand),
        OURS: _ours,
        JAX: _jax,
        TORCH: _torch(compiled=False),
        COMPILED: _torch(compiled=True),
    },
    tolerance=2e-4,
    missing={WARP: "it has products of matrices for tiles alone"},
)
