"""Marginal likelihood of a Gaussian process: 500 observations, three inputs each with a length
scale of its own; gradient in the logarithms of the five hyperparameters and in the observations."""

from __future__ import annotations

import ctypes
from functools import partial
from math import log, pi
from typing import Any

import numpy as np
from numba import njit
from numba.extending import get_cython_function_address
from scipy.linalg import solve_triangular

from adcompile import vectormath as vm
from benchmarks.arrays.contestants import REASSOCIATE, lineup
from benchmarks.arrays.workload import Inputs, Workload

ACTIVE = (0, 1)


def likelihood(theta: Any, y: Any, x: Any) -> Any:
    """Minus the logarithm; ``theta``: of the variance, the length scales, the noise's variance."""
    n, d = x.shape
    scaled = x / np.exp(theta[1 : d + 1])
    gaps = scaled[:, None, :] - scaled
    kernel = np.exp(theta[0] - 0.5 * np.sum(gaps**2, axis=2))
    lower = np.linalg.cholesky(kernel + np.exp(theta[d + 1]) * np.eye(n))
    z = solve_triangular(lower, y, lower=True)
    return 0.5 * np.sum(z**2) + np.sum(np.log(np.diag(lower))) + 0.5 * n * np.log(2.0 * np.pi)


def likelihood_in_numba(theta: Any, y: Any, x: Any) -> Any:
    """What Numba takes: it has neither triangular solves nor ``np.diag`` of what is no vector."""
    n, d = x.shape
    scaled = x / np.exp(theta[1 : d + 1])
    kernel = np.empty((n, n))
    for i in range(n):
        for j in range(n):
            kernel[i, j] = np.exp(theta[0] - 0.5 * np.sum((scaled[i] - scaled[j]) ** 2))
        kernel[i, i] += np.exp(theta[d + 1])
    lower = np.linalg.cholesky(kernel)
    value = 0.5 * n * np.log(2.0 * np.pi)
    z = np.empty(n)
    for i in range(n):
        z[i] = (y[i] - np.dot(lower[i, :i], z[:i])) / lower[i, i]
        value += 0.5 * z[i] ** 2 + np.log(lower[i, i])
    return value


def _lapack(name: str, arguments: int) -> Any:
    kind = ctypes.CFUNCTYPE(None, *([ctypes.c_void_p] * arguments))
    return kind(get_cython_function_address("scipy.linalg.cython_lapack", name))


_dpotrf, _dpotrs, _dpotri = _lapack("dpotrf", 5), _lapack("dpotrs", 8), _lapack("dpotri", 5)
_UPPER = ord("U")  # by columns; by rows it is the lower triangle


@njit(error_model="numpy", fastmath=REASSOCIATE)
def fill(kernel: Any, columns: Any, log_variance: float) -> None:
    """The lower triangle.  ``columns``: the scaled inputs, one row per dimension."""
    d, n = columns.shape
    for i in range(n):
        for j in range(i + 1):
            square = 0.0
            for c in range(d):
                square += (columns[c, i] - columns[c, j]) ** 2
            kernel[i, j] = vm.exp(log_variance - 0.5 * square)


@njit(error_model="numpy", fastmath=REASSOCIATE)
def contract(kernel: Any, inverse: Any, alpha: Any, columns: Any, theta_adj: Any) -> None:
    """The adjoint of the covariance, (inverse - alpha alpha^T) / 2, times its derivatives."""
    d, n = columns.shape
    weights = np.empty(n)
    for i in range(n):
        here = alpha[i]
        total = 0.0
        for j in range(i):
            weights[j] = (inverse[i, j] - here * alpha[j]) * kernel[i, j]
            total += weights[j]
        theta_adj[0] += total
        for c in range(d):
            at = columns[c, i]
            total = 0.0
            for j in range(i):
                total += weights[j] * (at - columns[c, j]) ** 2
            theta_adj[c + 1] += total
        diagonal = 0.5 * (inverse[i, i] - here * here)
        theta_adj[0] += diagonal * kernel[i, i]
        theta_adj[d + 1] += diagonal


@njit(error_model="numpy")
def by_hand(theta: Any, y: Any, x: Any) -> Any:
    """LAPACK's inverse from the Cholesky factor, and one triangle of everything."""
    n, d = x.shape
    columns = np.ascontiguousarray((x / np.exp(theta[1 : d + 1])).T)
    noise = np.exp(theta[d + 1])
    kernel, factor, alpha = np.empty((n, n)), np.empty((n, n)), y.copy()
    fill(kernel, columns, theta[0])
    for i in range(n):
        factor[i, : i + 1] = kernel[i, : i + 1]
        factor[i, i] += noise
    upper = np.array([_UPPER], np.int8)
    order, one, info = np.array([n], np.int32), np.ones(1, np.int32), np.zeros(1, np.int32)
    _dpotrf(upper.ctypes, order.ctypes, factor.ctypes, order.ctypes, info.ctypes)
    if info[0] != 0:
        raise np.linalg.LinAlgError("Matrix is not positive definite.")
    value = 0.5 * n * np.log(2.0 * np.pi)
    for i in range(n):
        value += np.log(factor[i, i])
    _dpotrs(
        upper.ctypes,
        order.ctypes,
        one.ctypes,
        factor.ctypes,
        order.ctypes,
        alpha.ctypes,
        order.ctypes,
        info.ctypes,
    )
    value += 0.5 * np.dot(y, alpha)
    _dpotri(upper.ctypes, order.ctypes, factor.ctypes, order.ctypes, info.ctypes)
    theta_adj = np.zeros(d + 2)
    contract(kernel, factor, alpha, columns, theta_adj)
    theta_adj[d + 1] *= noise
    return value, (theta_adj, alpha)


def best_jax(jax: Any) -> Any:
    np_, linalg = jax.numpy, jax.scipy.linalg

    def likelihood(theta: Any, y: Any, x: Any) -> Any:
        n, d = x.shape
        scaled = x / np_.exp(theta[1 : d + 1])
        norms = np_.sum(scaled**2, axis=1)
        squares = norms[:, None] + norms - 2.0 * scaled @ scaled.T
        kernel = np_.exp(theta[0] - 0.5 * squares) + np_.exp(theta[d + 1]) * np_.eye(n)
        lower = linalg.cholesky(kernel, lower=True)
        alpha = linalg.cho_solve((lower, True), y)
        return 0.5 * y @ alpha + np_.sum(np_.log(np_.diagonal(lower))) + 0.5 * n * log(2.0 * pi)

    return jax.value_and_grad(likelihood, argnums=ACTIVE)


def in_torch(torch: Any) -> Any:
    def likelihood(theta: Any, y: Any, x: Any) -> Any:
        n, d = x.shape
        scaled = x / torch.exp(theta[1 : d + 1])
        squares = torch.sum((scaled[:, None, :] - scaled) ** 2, dim=2)
        noise = torch.exp(theta[d + 1]) * torch.eye(n, dtype=x.dtype)
        lower = torch.linalg.cholesky(torch.exp(theta[0] - 0.5 * squares) + noise)
        z = torch.linalg.solve_triangular(lower, y[:, None], upper=False)
        logs = torch.sum(torch.log(torch.diagonal(lower)))
        return 0.5 * torch.sum(z**2) + logs + 0.5 * n * log(2.0 * pi)

    return likelihood


def inputs(n: int) -> Inputs:
    rng = np.random.default_rng(0)
    x = rng.uniform(-2.0, 2.0, size=(n, 3))
    y = np.sin(x[:, 0]) * x[:, 1] + 0.1 * rng.normal(size=n)
    return np.array([0.2, 0.1, -0.1, 0.3, -3.0]), y, x


WORKLOAD = Workload(
    title="Marginal likelihood of a Gaussian process",
    cases={"n=500": partial(inputs, 500)},
    quick=("n=500",),
    contestants=lineup(
        likelihood,
        ACTIVE,
        hands={"": by_hand},
        jax=best_jax,
        torch=in_torch,
        numba_f=likelihood_in_numba,
    ),
    rtol={"float64": 1e-8},  # the covariance has a condition number of 1e4
)
