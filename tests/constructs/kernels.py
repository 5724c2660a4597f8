"""What the programs of dispatchers.py call: another module, as published code has it."""

from __future__ import annotations

import functools
import math

import numpy as np
from numba import guvectorize, njit, vectorize
from numba.extending import overload, register_jitable

from tests.constructs import nested as nested


@njit
def cubic(u, v):
    return u * u * u - v * u


@njit
def bump(u, v):
    return math.exp(-u * u) * v


BASIS = (cubic, bump)


@njit(cache=True)
def logistic(u):
    if u >= 0:
        return 1.0 / (1.0 + math.exp(-u))
    e = math.exp(u)
    return e / (1.0 + e)


@njit(fastmath=True)
def fast_exp(u):
    return math.exp(u) * u


@njit
def first_above(values, level):
    for i in range(values.size):
        if values[i] > level:
            return values[i] ** 2
    return values[-1] * level


@njit
def sum_and_difference(u, v):
    return u + v, u * u - v


@njit
def scale_into(values, factor, out):
    for i in range(values.shape[0]):
        out[i] = factor * values[i] + math.sin(values[i])


@njit
def damped(u, rate=0.3, shift=1.0):
    return math.exp(-rate * u) * shift


@njit
def keyword_only(u, *, power, scale):
    return scale * u**power


@njit
def weighted(values, weights):
    if weights is None:
        return np.sum(values**2)
    return np.sum(weights * values)


@njit
def weighted_or_ones(values, weights=None):
    if weights is None:
        weights = np.ones(values.size)
    return np.sum(weights * values * values)


@njit
def sum_of_squares(*values):
    s = 0.0
    for v in values:
        s += v * v
    return s


@njit
def apply_to(f, *args):
    return f(*args) * 2.0


@njit
def by_kind(u, kind):
    if kind == "linear":
        return u
    elif kind == "cubic":
        return u**3
    else:
        raise ValueError("unknown kind")


@njit
def power_by_tail(u, n, done):
    if n == 0:
        return done
    return power_by_tail(u, n - 1, done * u)


@njit
def gcd(m, n):
    if n == 0:
        return m
    return gcd(n, m % n)


@njit
def legendre(n, u):
    if n == 0:
        return 1.0
    elif n == 1:
        return u
    return ((2 * n - 1) * u * legendre(n - 1, u) - (n - 1) * legendre(n - 2, u)) / n


@njit
def factorial(n):
    return 1 if n <= 1 else n * factorial(n - 1)


@njit
def even_part(n, u):
    if n == 0:
        return u
    return math.sin(odd_part(n - 1, u))


@njit
def odd_part(n, u):
    if n == 0:
        return u * u
    return math.cos(even_part(n - 1, u)) * u


@njit
def normcdf(u):
    if u >= 0:
        k = 1.0 / (1.0 + 0.2 * u)
        return 1.0 - math.exp(-u * u / 2) * k * (0.3 + k * 0.4)
    else:
        return 1.0 - normcdf(-u)


@njit
def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)  # !


@njit
def sum_of(f, values, v):
    s = 0.0
    for i in range(values.size):
        s += f(values[i], v)
    return s


@register_jitable
def jitable(u):
    return u * u * u


def doubled(f):
    @functools.wraps(f)
    def wrapper(*args):
        return 2.0 * f(*args)

    return wrapper


@doubled
def doubled_square(u):
    return u * u


@vectorize
def vectorized(u):
    return u * u if u > 0 else u


def overloaded(u):
    return u


@overload(overloaded)
def _overloaded(u):
    return lambda u: u * u


@guvectorize(["void(float64[:], float64[:])"], "(n)->(n)")
def general(u, out):
    for i in range(u.size):
        out[i] = u[i] ** 2


OPTIONS = {"rate": 0.5}
