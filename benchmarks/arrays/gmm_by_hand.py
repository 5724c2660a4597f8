"""The Gaussian mixture's objective in plain Numba, and its adjoint by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from adcompile import vectormath as vm
from benchmarks.arrays.contestants import REASSOCIATE

SCRATCH = 1 << 16  # entries of the largest temporary: half of a second-level cache


def plain(
    alphas: Any, means: Any, icf: Any, x: Any, place: Any, gamma: float, constant: float
) -> Any:
    """The objective in loops, as Numba's users write it."""
    n, d = x.shape
    k = means.shape[0]
    inner = np.empty(k)
    centred = np.empty(d)
    total = constant - n * plain_log_sum_exp(alphas)
    for c in range(k):
        for j in range(icf.shape[1]):
            entry = np.exp(icf[c, j]) if j < d else icf[c, j]
            total += 0.5 * gamma**2 * entry**2
    for s in range(n):
        for c in range(k):
            for j in range(d):
                centred[j] = x[s, j] - means[c, j]
            inner[c] = alphas[c]
            for i in range(d):
                inner[c] += icf[c, i]
                scaled = np.exp(icf[c, i]) * centred[i]
                for j in range(i):
                    scaled += icf[c, place[i, j]] * centred[j]
                inner[c] -= 0.5 * scaled**2
        total += plain_log_sum_exp(inner)
    return total


def plain_log_sum_exp(a: Any) -> Any:
    top = np.max(a)
    total = 0.0
    for i in range(a.size):
        total += np.exp(a[i] - top)
    return top + np.log(total)


@njit(error_model="numpy", fastmath=REASSOCIATE)
def distances(scaled: Any, shift: Any, inner: Any, k: int, d: int, count: int) -> None:
    """inner[c, s] -= |scaled[c, :, s] - shift[c]|^2 / 2."""
    for c in range(k):
        for i in range(d):
            row = c * d + i
            offset = shift[row]
            for s in range(count):
                y = scaled[row, s] - offset
                inner[c, s] -= 0.5 * y * y


@njit(error_model="numpy", fastmath=REASSOCIATE)
def weights(inner: Any, top: Any, sums: Any, k: int, count: int) -> float:
    """Column-wise log-sum-exp, added up; ``inner`` becomes its softmax."""
    top[:count] = inner[0, :count]
    for c in range(1, k):
        for s in range(count):
            top[s] = max(top[s], inner[c, s])
    sums[:count] = 0.0
    for c in range(k):
        for s in range(count):
            inner[c, s] = vm.exp(inner[c, s] - top[s])
            sums[s] += inner[c, s]
    total = 0.0
    for s in range(count):
        total += top[s] + vm.log(sums[s])
        sums[s] = 1.0 / sums[s]
    for c in range(k):
        for s in range(count):
            inner[c, s] *= sums[s]
    return total


@njit(error_model="numpy", fastmath=REASSOCIATE)
def scaled_adjoint(
    scaled: Any, shift: Any, inner: Any, minus: Any, shares: Any, k: int, d: int, count: int
) -> None:
    """``scaled`` becomes its adjoint, whose sums over the samples go to ``-minus``."""
    for c in range(k):
        share = 0.0
        for s in range(count):
            share += inner[c, s]
        shares[c] += share
        for i in range(d):
            row = c * d + i
            offset = shift[row]
            total = 0.0
            for s in range(count):
                y = (offset - scaled[row, s]) * inner[c, s]
                scaled[row, s] = y
                total += y
            minus[row] -= total


@njit(error_model="numpy")
def by_hand(
    alphas: Any, means: Any, icf: Any, x: Any, place: Any, gamma: float, constant: float
) -> Any:
    """Samples run along rows, in blocks that stay in the cache; Q x is one product for all
    components, Q (x - mean) = Q x - Q mean."""
    n, d = x.shape
    k = means.shape[0]
    diagonal = np.exp(icf[:, :d])
    q = np.zeros((k * d, d))
    shift = np.zeros(k * d)
    base = alphas.copy()
    squares = 0.0
    for c in range(k):
        for i in range(d):
            row = c * d + i
            base[c] += icf[c, i]
            for j in range(i + 1):
                q[row, j] = diagonal[c, i] if i == j else icf[c, place[i, j]]
                shift[row] += q[row, j] * means[c, j]
                squares += q[row, j] ** 2

    block = max(64, SCRATCH // (k * d) // 8 * 8)
    scaled = np.empty((k * d, block))
    inner = np.empty((k, block))
    top, sums = np.empty(block), np.empty(block)
    product, q_adj = np.empty((k * d, d)), np.zeros((k * d, d))
    minus, shares = np.zeros(k * d), np.zeros(k)
    value = constant + 0.5 * gamma**2 * squares
    for start in range(0, n, block):
        samples = x[start : start + block]
        count = samples.shape[0]
        if count < block:
            scaled = np.empty((k * d, count))
        np.dot(q, samples.T, scaled)
        for c in range(k):
            inner[c, :count] = base[c]
        distances(scaled, shift, inner, k, d, count)
        value += weights(inner, top, sums, k, count)
        scaled_adjoint(scaled, shift, inner, minus, shares, k, d, count)
        np.dot(scaled, samples, product)
        q_adj += product

    top_alpha = alphas.max()
    softmax = np.exp(alphas - top_alpha)
    value -= n * (top_alpha + np.log(softmax.sum()))
    means_adj, icf_adj = np.zeros((k, d)), np.empty_like(icf)
    for c in range(k):
        for i in range(d):
            row = c * d + i
            for j in range(i + 1):
                means_adj[c, j] += q[row, j] * minus[row]
                entry = q_adj[row, j] + minus[row] * means[c, j] + gamma**2 * q[row, j]
                if i == j:
                    icf_adj[c, i] = entry * diagonal[c, i] + shares[c]
                else:
                    icf_adj[c, place[i, j]] = entry
    return value, (shares - n * softmax / softmax.sum(), means_adj, icf_adj)
