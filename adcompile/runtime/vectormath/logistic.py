"""Functions of exp(-|x|), which never overflows: the sigmoid and its logarithms."""

from __future__ import annotations

from adcompile.runtime.vectormath.exponential import EXP_RANGE, exp_pair, power_of_2, reduce
from adcompile.runtime.vectormath.logarithm import log_sum
from adcompile.runtime.vectormath.values import Float, fma, select, two_sum


def _decay(x: Float) -> tuple[Float, Float]:
    """exp(-|x|) as an unrounded sum."""
    minus = -abs(x)
    low = EXP_RANGE[x.bits][0]
    _, n, r, rest = reduce(select(minus < low, low, minus))
    leading, small = exp_pair(r, rest)
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


def softplus(x: Float) -> Float:
    """log(1 + exp(x))."""
    e, small = _decay(x)
    total, lost = two_sum(x.const(1.0), e)
    return select(x < 0.0, 0.0, x) + log_sum(total, lost + small)


def log_expit(x: Float) -> Float:
    """log(1 / (1 + exp(-x)))."""
    return -softplus(-x)
