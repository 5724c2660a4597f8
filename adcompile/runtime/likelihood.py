"""Special functions of likelihoods, by their names in scipy.special.

Scalar functions that call nothing but ``math`` and each other.
"""

from __future__ import annotations

import math

from adcompile.runtime.helper import njit

_SQRT_2 = math.sqrt(2.0)
_LOG_2PI = math.log(2.0 * math.pi)


@njit(cache=True, error_model="numpy")
def expit(x: float) -> float:
    """1 / (1 + exp(-x)), without overflow."""
    if x >= 0.0:
        return 1.0 / (1.0 + math.exp(-x))
    e = math.exp(x)
    return e / (1.0 + e)


@njit(cache=True, error_model="numpy")
def softplus(x: float) -> float:
    """log(1 + exp(x)), without overflow."""
    if x > 0.0:
        return x + math.log1p(math.exp(-x))
    return math.log1p(math.exp(x))


@njit(cache=True, error_model="numpy")
def log_expit(x: float) -> float:
    """log(expit(x)), finite where expit is 0."""
    if x < 0.0:
        return x - math.log1p(math.exp(x))
    return -math.log1p(math.exp(-x))


@njit(cache=True, error_model="numpy")
def logit(p: float) -> float:
    """log(p / (1 - p)); -inf at 0, inf at 1, nan outside."""
    if p == 0.0:
        return -math.inf
    if p == 1.0:
        return math.inf
    if not 0.0 < p < 1.0:
        return math.nan
    if 0.3 < p < 0.65:  # near 1/2 the quotient is near 1: log1p keeps the digits
        return math.log1p((2.0 * p - 1.0) / (1.0 - p))
    return math.log(p / (1.0 - p))


@njit(cache=True, error_model="numpy")
def ndtr(x: float) -> float:
    """The normal distribution function."""
    return 0.5 * math.erfc(-x / _SQRT_2)


@njit(cache=True, error_model="numpy")
def log_ndtr(x: float) -> float:
    """log(ndtr(x)).  Below -10 Mills' ratio by its continued fraction x + 1/(x + 2/(x + 3/...))
    (Abramowitz and Stegun 26.2.14), which converges quickly there."""
    if x > 5.0:
        return math.log1p(-0.5 * math.erfc(x / _SQRT_2))
    if x > -10.0:
        return math.log(0.5 * math.erfc(-x / _SQRT_2))
    if x == -math.inf:
        return x
    y = -x
    fraction = y
    for k in range(40, 0, -1):
        fraction = y + k / fraction
    return -0.5 * x * x - 0.5 * _LOG_2PI - math.log(fraction)


@njit(cache=True, error_model="numpy")
def xlogy(x: float, y: float) -> float:
    """x * log(y), and 0 for x = 0 unless y is nan."""
    if x == 0.0 and not math.isnan(y):
        return 0.0
    return x * math.log(y)


@njit(cache=True, error_model="numpy")
def xlog1py(x: float, y: float) -> float:
    """x * log(1 + y), and 0 for x = 0 unless y is nan."""
    if x == 0.0 and not math.isnan(y):
        return 0.0
    return x * math.log1p(y)


@njit(cache=True, error_model="numpy")
def betaln(a: float, b: float) -> float:
    """log of the beta function, for a, b > 0."""
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


@njit(cache=True, error_model="numpy")
def _bessel(order: float, x: float) -> float:
    """exp(-x) I_n(x) for n = 0, 1 and x >= 0: the power series, whose terms are positive, and from
    x = 30 the asymptotic one (Abramowitz and Stegun 9.6.10 and 9.7.1)."""
    if x < 30.0:
        y = 0.25 * x * x
        term = math.exp(-x) * (0.5 * x if order == 1.0 else 1.0)
        total = term
        k = 1.0
        while term > 1e-17 * total:
            term *= y / (k * (k + order))
            total += term
            k += 1.0
        return total
    mu = 4.0 * order * order
    term = 1.0
    total = 1.0
    for k in range(1, 30):
        term *= -(mu - (2.0 * k - 1.0) ** 2) / (k * 8.0 * x)
        total += term
    return total / math.sqrt(2.0 * math.pi * x)


@njit(cache=True, error_model="numpy")
def i0e(x: float) -> float:
    """exp(-|x|) I_0(x), the modified Bessel function of order 0."""
    return float(_bessel(0.0, abs(x)))


@njit(cache=True, error_model="numpy")
def i1e(x: float) -> float:
    """exp(-|x|) I_1(x), the modified Bessel function of order 1."""
    return float(math.copysign(_bessel(1.0, abs(x)), x))


@njit(cache=True, error_model="numpy")
def stop_gradient(x: float) -> float:
    """x, through which no derivative goes."""
    return x


@njit(cache=True, error_model="numpy")
def zero_tangent(x: float) -> float:
    """0, in the precision of x; the derivative is 1."""
    return x * 0


@njit(cache=True, error_model="numpy")
def finite_or_zero(x: float) -> float:
    """x, or 0 in place of an infinity; no derivative goes through it."""
    return 0.0 if math.isinf(x) else x
