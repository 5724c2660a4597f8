"""Functions of exp(-|x|), which never overflows: the sigmoid and its logarithms; logit."""

from __future__ import annotations

import math

from adcompile.runtime.vectormath.exponential import EXP_RANGE, exp_pair, power_of_2, reduce
from adcompile.runtime.vectormath.logarithm import log_sum
from adcompile.runtime.vectormath.values import Float, fma, select, two_sum, two_sum_any


def _decay(x: Float, x_rest: Float | float = 0.0) -> tuple[Float, Float]:
    """exp(-|x|) as an unrounded sum; ``x_rest`` is to be added to -|x|."""
    minus = -abs(x)
    low = EXP_RANGE[x.bits][0]
    _, n, r, rest = reduce(select(minus < low, low, minus))
    leading, small = exp_pair(r, rest + x_rest)
    first, second = power_of_2(n)
    return leading * first * second, small * first * second


def expit(x: Float) -> Float:
    """1 / (1 + exp(-x))."""
    # 1 / (1 + e) to the right of 0, e / (1 + e) to the left; then the quotient's residual.
    e, _ = _decay(x)
    total, lost = two_sum(x.const(1.0), e)
    above = select(x > 0.0, 1.0, e)
    inverse = 1.0 / total
    y = above * inverse
    return fma(fma(-y, lost, fma(-y, total, above)), inverse, y)


def _log_1_plus(e: Float, rest: Float) -> Float:
    total, lost = two_sum(e.const(1.0), e)
    return log_sum(total, lost + rest)


def softplus(x: Float) -> Float:
    """log(1 + exp(x))."""
    return select(x < 0.0, 0.0, x) + _log_1_plus(*_decay(x))


def log_expit(x: Float) -> Float:
    """log(1 / (1 + exp(-x)))."""
    return -softplus(-x)


def logaddexp(x: Float, y: Float) -> Float:
    """log(exp(x) + exp(y)); near 0 to the last place of the larger argument."""
    larger, smaller = select(x < y, y, x), select(x < y, x, y)
    difference, lost = two_sum_any(smaller, -larger)
    lost = select(abs(difference) < -EXP_RANGE[x.bits][0], lost, 0.0)
    difference = select(x.equals(y), 0.0, difference)  # of equal infinities too
    return larger + _log_1_plus(*_decay(difference, lost))


def logit(p: Float) -> Float:
    """log(p / (1 - p)); nan outside [0, 1]."""
    below, lost = two_sum(p.const(1.0), -p)
    inverse = 1.0 / below
    odds = p * inverse
    rest = fma(-odds, lost, fma(-odds, below, p)) * inverse
    y = log_sum(odds, rest)
    y = select(p.equals(0.0), -math.inf, select(p.equals(1.0), math.inf, y))
    return select((p >= 0.0) & (p <= 1.0), y, math.nan)
