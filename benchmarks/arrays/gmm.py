"""The log-posterior of a Gaussian mixture, as in ADBench (Srajer, Kukelova, Fitzgibbon, "A
benchmark of selected algorithmic differentiation tools", 2018), gradient in all parameters.

Component k has weight alphas[k] (a logarithm, up to a constant), mean means[k], and the inverse
covariance Q^T Q, Q lower triangular: its diagonal is exp(icf[k, :d]), below it column after column
stands icf[k, d:].  A Wishart prior with parameters gamma and m stands on Q.
"""

from __future__ import annotations

from functools import partial
from math import lgamma, log, pi
from typing import Any

import numpy as np

from benchmarks.arrays import gmm_by_hand
from benchmarks.arrays.contestants import lineup
from benchmarks.arrays.workload import Inputs, Workload

ACTIVE = (0, 1, 2)


def objective(
    alphas: Any, means: Any, icf: Any, x: Any, place: Any, gamma: float, constant: float
) -> Any:
    """``place[i, j]``: where Q[i, j] is among the entries of a component."""
    n, d = x.shape
    logs = icf[:, :d]
    entries = np.concatenate((np.exp(logs), icf[:, d:], np.zeros((len(icf), 1))), axis=1)
    q = entries[:, place]
    centred = x[:, None, :] - means
    scaled = np.einsum("kij,nkj->nki", q, centred)
    inner = alphas + np.sum(logs, axis=1) - 0.5 * np.sum(scaled**2, axis=2)
    data = np.sum(log_sum_exp(inner)) - n * log_sum_exp(alphas)
    squares = np.sum(np.exp(logs) ** 2) + np.sum(icf[:, d:] ** 2)
    return data + 0.5 * gamma**2 * squares + constant


def log_sum_exp(a: Any) -> Any:
    top = np.max(a, axis=-1, keepdims=True)
    return np.squeeze(top, -1) + np.log(np.sum(np.exp(a - top), axis=-1))


def gemm_form(
    alphas: Any, means: Any, icf: Any, x: Any, place: Any, gamma: float, constant: float
) -> Any:
    """All components at once: one product of x with the Qs side by side."""
    n, d = x.shape
    k = means.shape[0]
    logs = icf[:, :d]
    entries = np.concatenate((np.exp(logs), icf[:, d:], np.zeros((k, 1))), axis=1)
    q = entries[:, place]
    shift = np.einsum("kij,kj->ki", q, means).reshape(k * d)
    scaled = x @ q.reshape(k * d, d).T - shift
    distances = np.sum(scaled.reshape(n, k, d) ** 2, axis=2)
    inner = alphas + np.sum(logs, axis=1) - 0.5 * distances
    data = np.sum(log_sum_exp(inner)) - n * log_sum_exp(alphas)
    squares = np.sum(np.exp(logs) ** 2) + np.sum(icf[:, d:] ** 2)
    return data + 0.5 * gamma**2 * squares + constant


def gemm_form_in_jax(jax: Any) -> Any:
    np_, lse = jax.numpy, jax.nn.logsumexp

    def objective(
        alphas: Any, means: Any, icf: Any, x: Any, place: Any, gamma: float, constant: float
    ) -> Any:
        n, d = x.shape
        k = means.shape[0]
        logs = icf[:, :d]
        entries = np_.concatenate((np_.exp(logs), icf[:, d:], np_.zeros((k, 1))), axis=1)
        q = entries[:, place]
        scaled = x @ q.reshape(k * d, d).T - np_.einsum("kij,kj->ki", q, means).reshape(k * d)
        distances = np_.sum(scaled.reshape(n, k, d) ** 2, axis=2)
        inner = alphas + np_.sum(logs, axis=1) - 0.5 * distances
        data = np_.sum(lse(inner, axis=1)) - n * lse(alphas)
        squares = np_.sum(np_.exp(2.0 * logs)) + np_.sum(icf[:, d:] ** 2)
        return data + 0.5 * gamma**2 * squares + constant

    return jax.value_and_grad(objective, argnums=ACTIVE)


def in_torch(torch: Any) -> Any:
    def objective(
        alphas: Any, means: Any, icf: Any, x: Any, place: Any, gamma: float, constant: float
    ) -> Any:
        n, d = x.shape
        k = means.shape[0]
        logs = icf[:, :d]
        entries = torch.cat((torch.exp(logs), icf[:, d:], icf.new_zeros(k, 1)), dim=1)
        q = entries[:, place]
        shift = torch.einsum("kij,kj->ki", q, means).reshape(k * d)
        scaled = torch.addmm(-shift, x, q.reshape(k * d, d).T)
        distances = torch.sum(scaled.reshape(n, k, d) ** 2, dim=2)
        inner = alphas + torch.sum(logs, dim=1) - 0.5 * distances
        data = torch.sum(torch.logsumexp(inner, 1)) - n * torch.logsumexp(alphas, 0)
        squares = torch.sum(torch.exp(2.0 * logs)) + torch.sum(icf[:, d:] ** 2)
        return data + 0.5 * gamma**2 * squares + constant

    return objective


def inputs(d: int, k: int, n: int, gamma: float = 1.0, m: int = 0) -> Inputs:
    rng = np.random.default_rng(0)
    below = d * (d - 1) // 2
    place = np.full((d, d), d + below)  # a zero, above the diagonal
    place[np.arange(d), np.arange(d)] = np.arange(d)
    columns, rows = np.triu_indices(d, 1)
    place[rows, columns] = d + np.arange(below)
    degrees = d + m + 1
    log_gamma = 0.25 * d * (d - 1) * log(pi) + sum(lgamma(0.5 * (degrees - i)) for i in range(d))
    prior = degrees * d * (log(gamma) - 0.5 * log(2.0)) - log_gamma
    constant = -0.5 * n * d * log(2.0 * pi) - k * prior
    alphas, means = rng.normal(size=k), rng.uniform(size=(k, d))
    icf = rng.normal(scale=0.5, size=(k, d + below))
    return alphas, means, icf, rng.normal(size=(n, d)), place, gamma, constant


SIZES = (
    (2, 5, 50),
    (10, 25, 1000),
    (10, 25, 10000),
    (64, 25, 1000),
    (64, 200, 1000),
    (64, 25, 10000),
)
WORKLOAD = Workload(
    title="Gaussian mixture (ADBench)",
    cases={f"d={d}, K={k}, n={n}": partial(inputs, d, k, n) for d, k, n in SIZES},
    quick=("d=2, K=5, n=50", "d=10, K=25, n=1000"),
    large=frozenset({"d=10, K=25, n=10000", "d=64, K=200, n=1000", "d=64, K=25, n=10000"}),
    contestants=lineup(
        objective,
        ACTIVE,
        hands={"": gmm_by_hand.by_hand},
        others={", GEMM form": gemm_form, ", loops": gmm_by_hand.plain},
        jax=gemm_form_in_jax,
        torch=in_torch,
        numba_f=gmm_by_hand.plain,
    ),
    rtol={"float64": 1e-10},
)
