"""Special functions that derivatives of ``math`` need and Numba lacks.

Scalar functions that call nothing but ``math``, so that Numba can compile each by itself.  They
climb by the recurrence to x >= 10, then sum the asymptotic series in 1/x^2 (Abramowitz and Stegun
6.3.18, 6.4.12), whose first term left out is below 1e-17 there.  Arguments <= 0 are reflected
(6.3.7, 6.4.7), with their distance r from the nearest pole, which is exact.
"""

from __future__ import annotations

import math

from adcompile.runtime.helper import njit


@njit(cache=True, error_model="numpy")
def digamma(x: float) -> float:
    """The derivative of lgamma; nan at its poles 0, -1, -2, ..."""
    total = 0.0
    if x <= 0.0:
        if x == math.floor(x):
            return math.nan
        r = x - math.floor(x + 0.5)
        total = -math.pi / math.tan(math.pi * r)
        x = 1.0 - x
    while x < 10.0:
        total -= 1.0 / x
        x += 1.0
    y = 1.0 / (x * x)
    series = 1 / 12 - y * (3617 / 8160)
    series = 691 / 32760 - y * series
    series = 1 / 132 - y * series
    series = 1 / 240 - y * series
    series = 1 / 252 - y * series
    series = 1 / 120 - y * series
    series = 1 / 12 - y * series
    return total + (math.log(x) - 0.5 / x - y * series)


@njit(cache=True, error_model="numpy")
def trigamma(x: float) -> float:
    """The derivative of digamma; inf at its poles."""
    total = 0.0
    sign = 1.0
    if x <= 0.0:
        if x == math.floor(x):
            return math.inf
        s = math.sin(math.pi * (x - math.floor(x + 0.5))) / math.pi
        total = 1.0 / s / s
        sign = -1.0
        x = 1.0 - x
    while x < 10.0:
        total += sign / (x * x)
        x += 1.0
    y = 1.0 / (x * x)
    series = 7 / 6 - y * (3617 / 510)
    series = 691 / 2730 - y * series
    series = 5 / 66 - y * series
    series = 1 / 30 - y * series
    series = 1 / 42 - y * series
    series = 1 / 30 - y * series
    series = 1 / 6 - y * series
    return total + sign * (1.0 / x + 0.5 * y + y * series / x)
