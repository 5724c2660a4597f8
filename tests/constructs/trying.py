"""``try`` and ``except``, and branches that ranks decide."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from tests.constructs.entries import Table

TABLE = Table()
right, refused = TABLE.right, TABLE.refused
ERRORS = "Exceptions"
BRANCHES = "Branches"
TYPES = "Types of variables"
POLES = "Poles that do not count"


@njit
def careful(v, k):
    if v < 0.0:
        raise ValueError("negative")
    for i in range(k):
        if i > 2 and v > 1.0:
            raise ValueError("too large")
        v = v * 1.1
    return math.sqrt(v + 0.5)


@right(ERRORS, "`try ... except` around calls that raise, in a loop")
def tries_calls(x, a):
    s = 0.0
    for i in range(x.size):
        try:
            s += careful(x[i], i + 2) * a
        except Exception:
            s += x[i] ** 2 * a
    return s


@right(ERRORS, "`try ... except ... else` with `break` and `continue`")
def tries_and_leaves(x, a):
    s = 0.0
    for i in range(x.size):
        try:
            if x[i] > 1.2:
                continue
            if i > 4:
                break
            if x[i] < -0.5:
                raise ValueError("x")
            s += x[i] ** 3
        except Exception:
            s -= a * x[i]
        else:
            s += a
    return s * s


@right(ERRORS, "`return` in a `try`, and an error in a loop inside")
def tries_and_returns(x, a):
    try:
        for i in range(x.size):
            if x[i] < -5.0:
                return a * x[i]
            if x[i] < -0.3:
                raise ValueError("no")
        return a**2 * x.sum()
    except Exception:
        pass
    return x[0] * a**3


@right(ERRORS, "`try` in `try`")
def tries_within(x, a):
    n = 0
    s = 0.0
    while n < x.size:
        try:
            try:
                s += x[n] * a
                n += 1
                if n % 3 == 0:
                    raise ValueError("third")
            except Exception:
                s += 0.1 * a * s
                raise ValueError("again")  # noqa: B904
            s *= 1.1
        except Exception:
            s += 2.0 * a
            n += 1
    return s


@right(ERRORS, "division by zero, caught")
def tries_division(x, a, k):
    s = a
    for i in range(4):
        d = i - k
        try:
            s *= a / d
            s += x[i // d]
        except Exception:
            s += 7.0 * a * x[i]
        finally:
            s *= 1.5
    return s


@right(ERRORS, "a `try` in which nothing raises")
def tries_nothing(x, a):
    try:
        s = np.sum(x) * a
    except Exception:
        s = 0.0
    return s * s


@refused(
    ERRORS,
    "an exception with a name",
    "except with a name or another class than Exception",
    "As in Numba.",
)
def names_error(x, a):
    try:
        s = careful(x[0], 1)
    except ValueError:  # !
        s = a
    return s


@refused(ERRORS, "`finally` behind a `return`", "finally behind return", "Both would run.")
def returns_past_finally(x, a):
    s = a
    try:  # !
        return careful(x[0], 1)
    except Exception:
        s = x[0]
    finally:
        s += 1.0
    return s


@right(ERRORS, "linear algebra that fails, in a `try`")
def tries_library(m, a):
    s = a
    for k in range(3):
        try:
            low = np.linalg.cholesky(m.T @ m + (k - 1.0) * 20.0 * np.eye(3))
            s += np.sum(low**2) * a
        except Exception:
            s += np.linalg.det(m.T @ m) * a
    return s


# ---------------------------------------------------------------- ranks


@njit
def norm_of(v):
    if v.ndim == 1:
        row = v * 2.0
        return row[0] ** 2 + row[1]
    if v.ndim == 2 and len(v.shape) == 2:
        row = v[:, 0]
        return norm_of(row) + v[1, 1]
    raise ValueError("a vector or a matrix")


@right(BRANCHES, "`x.ndim == 1`, with branches that have no types for others")
def decides_by_rank(x, m, a):
    return norm_of(x) * a + norm_of(m) * norm_of(m[1]) + norm_of(x * a)


@njit
def corner(v):
    if v.ndim == 1:
        v = v.reshape((2, 3))
    return v[1, 2] ** 2


@right(TYPES, "a parameter rebound by its rank", compiles=False)
def rebinds_by_rank(x, m, a):
    return corner(x * a) * m[0, 0] + corner(m)


# ---------------------------------------------------------------- poles


@right(
    POLES, "`np.where` beside a division by zero", fixed=np.array([0, 1, 2, 0, 3, 4]), poles=True
)
def where_not_zero(x, fixed, a):
    return np.sum(np.where(fixed == 0.0, a * x, x / (fixed * a)))


@right(POLES, "`max` of a logarithm", fixed=np.array([0, 1, 2, 3, 1, 5]), poles=True)
def clamped_logarithm(x, fixed, a):
    s = 0.0
    for i in range(x.size):
        s += max(np.log(fixed[i] * a), -9.0) * x[i]
    return s


@njit
def soft_minimum(u, v, w, gamma):
    u, v, w = -u / gamma, -v / gamma, -w / gamma
    top = max(u, v, w)
    return -gamma * (np.log(np.exp(u - top) + np.exp(v - top) + np.exp(w - top)) + top)


@right(POLES, "infinity as the edge of a table, soft-DTW")
def soft_warping(x, y, a):
    n = x.size
    cost = np.full((n + 1, n + 1), np.inf)
    cost[0, 0] = 0.0
    for i in range(1, n + 1):
        for j in range(1, n + 1):
            before = soft_minimum(cost[i - 1, j], cost[i - 1, j - 1], cost[i, j - 1], a)
            cost[i, j] = (x[i - 1] - y[j - 1]) ** 2 + before
    return cost[n, n]
