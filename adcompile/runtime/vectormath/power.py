"""pow: 2 to the power y log2 |x|.

The product may be as large as 1024, so for an error below 0.05 ulp the logarithm needs 66 bits
(float64): s = f / (2 + f), log2(1 + f) = s (2 / ln 2 + s^2 P(s^2)) is summed in pairs of floats.
float32 computes in float64.
"""

from __future__ import annotations

import math

from adcompile.runtime.vectormath.exponential import exp2_sum
from adcompile.runtime.vectormath.logarithm import split
from adcompile.runtime.vectormath.values import (
    Float,
    Mask,
    clamp,
    fma,
    polynomial,
    select,
    two_product,
    two_sum,
)

Pair = tuple[Float, Float]

_TWO_OVER_LN_2 = (2.8853900817779268, 4.0710547481862066e-17)
_TWO_THIRDS = (0.9617966939259756, 5.0577616648125907e-17)  # of 1 / ln 2
_TWO_FIFTHS = (0.5770780163555853, 5.2551030481378675e-17)
# The rest of P; relative error in the logarithm 2^-72.8.
_LOG2 = (
    0.4121985831111987,
    0.3205988979434078,
    0.26230819536898137,
    0.22195246994820328,
    0.19239440508463798,
    0.16857929396874086,
    0.171840739517201,
)
# All of P, 2^-44.9; and (2^r - 1) / r for |r| <= 1/2, 2^-34.3.
_LOG2_SHORT = (
    0.961796694057955,
    0.5770779531365798,
    0.4122084069739296,
    0.3199345862700507,
    0.28254204040314695,
)
_EXP2_SHORT = (
    0.6931471807048166,
    0.2402265106688722,
    0.05550410365202567,
    0.00961803809241647,
    0.001333393561577178,
    0.00015466767507858262,
    1.519604116276054e-05,
)
_FAR = 1100.0  # 2 to this power overflows, 2 to minus this power is 0


def pow(x: Float, y: Float) -> Float:
    """x to the power y."""
    if x.bits == 32:
        return _special(x, y, _short(abs(x).wide(), y.wide()).narrow())
    a = abs(x)
    high, low = _log2(a)
    # Where the logarithm is infinite there is no rest.
    high = select(a.equals(0.0), -math.inf, select(a < math.inf, high, a))
    product = y * high
    rest = fma(y, high, -product) + y * low
    rest = select(abs(product) < _FAR, rest, 0.0)
    return _special(x, y, exp2_sum(clamp(product, -_FAR, _FAR), rest))


def _log2(x: Float) -> Pair:
    e, m = split(x)
    f = m - 1.0
    below = 2.0 + f
    inverse = 1.0 / below
    s = f * inverse
    s_rest = fma(s, -(f - (below - 2.0)), fma(-s, below, f)) * inverse
    z, z_rest = two_product(s, s)
    z_rest = fma(2.0 * s, s_rest, z_rest)
    a = _add(_TWO_FIFTHS, z * polynomial(z, _LOG2), 0.0)
    b = _add(_TWO_THIRDS, *_times((z, z_rest), a))
    c = _add(_TWO_OVER_LN_2, *_times((z, z_rest), b))
    high, low = _times((s, s_rest), c)
    total, lost = two_sum(e, high)
    return total, lost + low


def _times(a: Pair, b: Pair) -> Pair:
    product, rest = two_product(a[0], b[0])
    return product, rest + fma(a[0], b[1], a[1] * b[0])


def _add(a: tuple[float, float], b: Float, b_rest: Float | float) -> Pair:
    """A larger constant and b."""
    total, lost = two_sum(b.const(a[0]), b)
    return total, lost + (a[1] + b_rest)


def _short(x: Float, y: Float) -> Float:
    """x^y for float32 numbers held in float64."""
    e, m = split(x)
    f = m - 1.0
    s = f / (2.0 + f)
    z = s * s
    log = fma(s, fma(z, polynomial(z, _LOG2_SHORT), _TWO_OVER_LN_2[0]), e)
    log = select(x.equals(0.0), -math.inf, select(x < math.inf, log, x))
    return exp2_sum(clamp(y * log, -_FAR, _FAR), x.const(0.0), _EXP2_SHORT)


def _special(x: Float, y: Float, magnitude: Float) -> Float:
    """The sign of x^y, and its value at NaN, 0, infinite and 1."""
    half = 0.5 * y
    odd = _is_whole(y) & ~_is_whole(half)
    negative = x.as_int() < 0
    result = select(negative & odd, -magnitude, magnitude)
    imaginary = (x < 0.0) & (x > -math.inf) & ~_is_whole(y)
    result = select(imaginary | x.is_nan() | y.is_nan(), math.nan, result)
    # (-1)^inf is 1 as well.
    one = y.equals(0.0) | x.equals(1.0) | (x.equals(-1.0) & abs(y).equals(math.inf))
    return select(one, 1.0, result)


def _is_whole(x: Float) -> Mask:
    return x.rint().equals(x)
