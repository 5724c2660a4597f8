"""Bundle adjustment's sparse Jacobian: fifteen entries per row, two rows per place."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numba import njit

import adcompile
from adcompile import tape
from benchmarks.arrays.contestants import REASSOCIATE, by_hand, numba_primal
from benchmarks.arrays.workload import BY_HAND, OURS, PRIMALS, TAPE, Build, Inputs, Workload
from benchmarks.loops.bundle_adjustment import (
    SIZES,
    add_row,
    inputs,
    project,
    projected,
    seen_at,
    turned_point,
)
from benchmarks.loops.lineup import Function
from benchmarks.measure import Call


def residuals(own: Any, features: Any) -> Any:
    """``own[i]``: the fifteen numbers of which the two residuals of row i depend."""
    out = np.empty((own.shape[0], 2))
    for i in range(own.shape[0]):
        u, v = project(own[i, :11], own[i, 11:14])
        out[i, 0] = own[i, 14] * (u - features[i, 0])
        out[i, 1] = own[i, 14] * (v - features[i, 1])
    return out


@njit(error_model="numpy", fastmath=REASSOCIATE)
def jacobian_by_hand(own: Any, features: Any) -> Any:
    """Both rows of a place share the projection."""
    n = own.shape[0]
    out, rows = np.empty((n, 2)), np.zeros((2, n, 15))
    for i in range(n):
        c, w = own[i, :11], own[i, 14]
        turned = turned_point(c, own[i, 11:14])
        u, v = seen_at(c, turned)
        u, v = u - features[i, 0], v - features[i, 1]
        out[i, 0], out[i, 1] = w * u, w * v
        for k in range(2):
            row = rows[k, i]
            add_row(c, turned, w if k == 0 else 0.0, w if k == 1 else 0.0, row)
            for j in range(3):
                row[11 + j] = -row[3 + j]
            row[14] = v if k else u
    return out, (rows,)


def _residuals(xp: Any) -> Function:
    project = projected(xp)

    def residuals(own: Any, features: Any) -> Any:
        u, v = project(own[:, :11], own[:, 11:14])
        return own[:, 14] * (u - features[:, 0]), own[:, 14] * (v - features[:, 1])

    return residuals


def our_jacobian(own: Any, features: Any) -> Call:
    """Rows with different numbers do not share inputs: two pullbacks have all of them."""
    jitted = njit(residuals)
    seeds = [np.zeros((own.shape[0], 2)) for _ in range(2)]
    seeds[0][:, 0] = seeds[1][:, 1] = 1.0

    def call() -> Any:
        out, pullback = adcompile.vjp(jitted, own, features)
        return out, (np.stack([pullback(seed)[0] for seed in seeds]),)

    return call


def place(own: Any, x: float, y: float, first: bool) -> Any:
    """One of ``residuals``."""
    u, v = project(own[:11], own[11:14])
    return own[14] * (u - x) if first else own[14] * (v - y)


def our_rows(*inputs: Any) -> Call:
    """A gradient per row, in a jitted loop of the user's."""
    both = adcompile.value_and_grad(njit(place))

    @njit
    def rows(own: Any, features: Any) -> Any:
        n = own.shape[0]
        out, jacobian = np.empty((n, 2)), np.empty((2, n, 15))
        for i in range(n):
            x, y = features[i, 0], features[i, 1]
            out[i, 0], jacobian[0, i] = both(own[i], x, y, True)
            out[i, 1], jacobian[1, i] = both(own[i], x, y, False)
        return out, jacobian

    return lambda: rows(*inputs)


def _jax_jacobian(mapped: bool) -> Build:
    def build(own: Any, features: Any) -> Call:
        import jax

        np_ = jax.numpy
        f = _residuals(np_)

        def rows(own: Any, features: Any) -> Any:
            out, pullback = jax.vjp(lambda own: f(own, features), own)
            ones, zeros = np_.ones_like(out[0]), np_.zeros_like(out[0])
            found = [pullback(seed)[0] for seed in ((ones, zeros), (zeros, ones))]
            return np_.stack(out, 1), np_.stack(found)

        def one(own: Any, feature: Any) -> Any:
            out = f(own[None], feature[None])
            pair = np_.stack([out[0][0], out[1][0]])
            return pair, pair

        def each(own: Any, features: Any) -> Any:
            jacobian, out = jax.vmap(jax.jacrev(one, has_aux=True))(own, features)
            return out, np_.moveaxis(jacobian, 1, 0)

        compiled = jax.jit(each if mapped else rows)
        given = [jax.device_put(own), jax.device_put(features)]
        return lambda: jax.block_until_ready(compiled(*given))

    return build


def _torch_jacobian(compiled: bool) -> Build:
    def build(own: Any, features: Any) -> Call:
        import torch

        f = torch.compile(_residuals(torch), dynamic=False) if compiled else _residuals(torch)
        x, y = torch.from_numpy(own).requires_grad_(), torch.from_numpy(features)

        def call() -> Any:
            u, v = f(x, y)
            rows = [
                torch.autograd.grad(part.sum(), x, retain_graph=first)[0]
                for part, first in ((u, True), (v, False))
            ]
            return torch.stack((u, v), 1), torch.stack(rows)

        return call

    return build


def _autograd_jacobian(own: Any, features: Any) -> Call:
    import autograd
    import autograd.numpy

    f = _residuals(autograd.numpy)
    grads = [autograd.value_and_grad(lambda x, k=k: f(x, features)[k].sum()) for k in range(2)]

    def call() -> Any:
        out = f(own, features)
        return np.stack(out, 1), np.stack([g(own)[1] for g in grads])

    return call


def _tape_jacobian(own: Any, features: Any) -> Call:
    """The tape engine has gradients: of the sum of each column."""
    f = tape.grad(lambda own, features, k: np.sum(residuals(own, features)[:, k]))

    def call() -> Any:
        rows = np.stack([f(own, features, k) for k in range(2)])
        return residuals(own, features), (rows,)

    return call


def own_inputs(cameras: int, points: int, places: int) -> Inputs:
    c, p, w, seen, features = inputs(cameras, points, places)
    return np.concatenate([c[seen[:, 0]], p[seen[:, 1]], w[:, None]], 1), features


JACOBIAN = Workload(
    title="Bundle adjustment (ADBench), sparse Jacobian",
    cases={label: partial(own_inputs, *size) for label, size in SIZES.items()},
    quick=tuple(SIZES)[:1],
    contestants={
        OURS: our_jacobian,
        f"{OURS}, gradients in a loop": our_rows,
        TAPE: _tape_jacobian,
        BY_HAND: by_hand(jacobian_by_hand),
        PRIMALS[1]: numba_primal(residuals),
        "JAX, as written": _jax_jacobian(mapped=False),
        "JAX, best form": _jax_jacobian(mapped=True),
        "PyTorch": _torch_jacobian(compiled=False),
        "torch.compile": _torch_jacobian(compiled=True),
        "autograd": _autograd_jacobian,
    },
    rtol={"float64": 1e-10},
    slow=frozenset({TAPE}),
)
