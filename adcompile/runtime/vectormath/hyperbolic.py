"""Hyperbolic functions, through exp(x) - 1 as an unrounded sum, and their inverses, through the
logarithm of one."""

from __future__ import annotations

import math

from adcompile.runtime.vectormath.exponential import expm1_pair
from adcompile.runtime.vectormath.logarithm import log_sum
from adcompile.runtime.vectormath.values import (
    Float,
    Mask,
    fma,
    select,
    two_product,
    two_sum,
    two_sum_any,
)

_TANH_IS_1 = {64: 20.0, 32: 10.0}
_SINH_INFINITE = {64: 710.5, 32: 89.5}
_ODD_IS_X = {64: 2.0**-28, 32: 2.0**-13}  # an odd function is x there, to 2^-57 (2^-27)
_LARGE = {64: 2.0**30, 32: 2.0**14}  # x^2 + 1 is x^2


def tanh(x: Float) -> Float:
    """The hyperbolic tangent."""
    # -m / (2 + m) with m = exp(-2 |x|) - 1, which is in (-1, 0].
    a = abs(x)
    m, rest = expm1_pair(-2.0 * _at_most(a, _TANH_IS_1[x.bits]), 0, decaying=True)
    below, lost = two_sum(x.const(2.0), m)
    y = _quotient(-m, -rest, below, lost + rest)
    return select(a < _ODD_IS_X[x.bits], x, y.copysign(x))


def sinh(x: Float) -> Float:
    """The hyperbolic sine."""
    # Half of m + m / (1 + m), m = exp |x| - 1, by quarters: m may overflow.
    a = abs(x)
    m, rest = expm1_pair(_at_most(a, _SINH_INFINITE[x.bits]), 2)
    below, lost = two_sum_any(x.const(1.0), 4.0 * m)
    decay = _quotient(m, rest, below, fma(rest, 4.0, lost))
    y = 2.0 * (m + (rest + select(a < 25.0, decay, 0.25)))
    return select(a < _ODD_IS_X[x.bits], x, y.copysign(x))


def cosh(x: Float) -> Float:
    """The hyperbolic cosine."""
    # Half of (1 + m) + 1 / (1 + m), by quarters.
    m, rest = expm1_pair(_at_most(abs(x), _SINH_INFINITE[x.bits]), 2)
    quarter, lost = two_sum_any(m, x.const(0.25))
    return 2.0 * (quarter + ((lost + rest) + 0.0625 / quarter))


def asinh(x: Float) -> Float:
    """The inverse of sinh."""
    # log(a + sqrt(a^2 + 1)), for large a log(2 a).
    a = abs(x)
    large = ~(a < _LARGE[x.bits])
    root, rest = _root(select(large, 1.0, a), 1.0)
    y = _log_of_sum(x, a, root, rest, large)
    return select(a < _ODD_IS_X[x.bits], x, y.copysign(x))


def acosh(x: Float) -> Float:
    """The inverse of cosh; nan below 1."""
    large = ~(x < _LARGE[x.bits])
    root, rest = _root(select(large, 2.0, x), -1.0)
    y = _log_of_sum(x, x, root, rest, large)
    return select(x < 1.0, math.nan, y)


def atanh(x: Float) -> Float:
    """The inverse of tanh."""
    # Half of log((1 + a) / (1 - a)).
    a = abs(x)
    above, above_rest = two_sum(x.const(1.0), a)
    below, below_rest = two_sum(x.const(1.0), -a)
    inverse = 1.0 / below
    y = above * inverse
    rest = (fma(-y, below, above) + fma(-y, below_rest, above_rest)) * inverse
    y = 0.5 * log_sum(y, rest)
    y = select(a.equals(1.0), math.inf, y)
    y = select(a <= 1.0, y, math.nan)
    return select(a < _ODD_IS_X[x.bits], x, y.copysign(x))


def _at_most(x: Float, high: float) -> Float:
    return select(x > high, high, x)


def _quotient(above: Float, above_rest: Float, below: Float, below_rest: Float) -> Float:
    """(above + above_rest) / (below + below_rest), corrected by its residual."""
    inverse = 1.0 / below
    y = above * inverse
    residual = fma(-y, below, above) + fma(-y, below_rest, above_rest)
    return fma(residual, inverse, y)


def _root(a: Float, one: float) -> tuple[Float, Float]:
    """sqrt(a^2 + one) and what rounding lost of it; 0 where it is imaginary."""
    square, square_rest = two_product(a, a)
    total, lost = two_sum_any(square, a.const(one))
    total = select(total < 0.0, 0.0, total)
    root = total.sqrt()
    residual = fma(-root, root, total) + (lost + square_rest)
    return root, select(root > 0.0, residual / (root + root), 0.0)


def _log_of_sum(x: Float, a: Float, root: Float, rest: Float, large: Mask) -> Float:
    """log(a + root + rest), log(2 a) where ``large``; infinities and NaN come back."""
    u, lost = two_sum_any(a, root)
    u = select(large, a, u)
    y = log_sum(u, select(large, 0.0, lost + rest), select(large, a.const(1.0), a.const(0.0)))
    return select(a < math.inf, y, a)
