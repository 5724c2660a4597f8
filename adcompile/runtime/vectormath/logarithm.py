"""log and its relatives: x = 2^e m, m in [sqrt(1/2), sqrt(2)), f = m - 1.

With s = f / (2 + f), log(1 + f) = 2 atanh(s) = 2 s + s R(s^2), where 2 s = f - f^2/2 + s f^2/2.
So f, which is exact, leads, and the rest is small against it.
"""

from __future__ import annotations

import math

from adcompile.runtime.vectormath.exponential import LN_2, MANTISSA
from adcompile.runtime.vectormath.values import Float, fma, polynomial, select, two_product, two_sum

_SQRT_HALF = {64: 0x3FE6A09E667F3BCD, 32: 0x3F3504F3}  # the bits
BIAS = {64: 1023, 32: 127}
_TINY = {64: 2.0**-1022, 32: 2.0**-126}  # the smallest normal number

# (log((1 + s) / (1 - s)) / s - 2) / s^2 in s^2; relative error in the logarithm 2^-59.5, 2^-30.2.
_ATANH = {
    64: (
        0.6666666666666734,
        0.3999999999941664,
        0.28571428742035176,
        0.22222198603448765,
        0.18183562981981366,
        0.15314080321492632,
        0.1479568984533045,
    ),
    32: (0.666667759, 0.399775833, 0.298708081),
}

# 1 / ln b and log_b 2, each with its rest.
_BASE_2 = {
    64: ((1.4426950408889634, 2.0355273740931033e-17), (1.0, 0.0)),
    32: ((1.44269502162933349609375, 1.92596303e-08), (1.0, 0.0)),
}
_BASE_10 = {
    64: (
        (0.4342944819032518, 1.098319650216765e-17),
        (0.3010299956639812, -2.8037281277851704e-18),
    ),
    32: (
        (0.4342944920063018798828125, -1.010305e-08),
        (0.3010300099849700927734375, -1.43209888e-08),
    ),
}


def split(x: Float) -> tuple[Float, Float]:
    """e and m of a positive, finite x."""
    places, bias = MANTISSA[x.bits], BIAS[x.bits]
    subnormal = x < _TINY[x.bits]
    x = select(subnormal, x * 2.0**54, x)
    # The exponent, which is positive, put into the last bits of 2^52 (2^23): a float after that.
    magic = 2.0**places
    origin = select(subnormal, x.const(-magic - bias - 54), x.const(-magic - bias))
    below = x.as_int() + ((bias << places) - _SQRT_HALF[x.bits])
    exponent = (below >> places) | x.const(magic).as_int()
    mantissa = (below & ((1 << places) - 1)) + _SQRT_HALF[x.bits]
    return exponent.as_float() + origin, mantissa.as_float()


def log_1p_reduced(f: Float) -> tuple[Float, Float]:
    """a, b with log(1 + f) = f - (a - b), b small."""
    s = f / (2.0 + f)
    z = s * s
    half_square = 0.5 * f * f
    return half_square, s * fma(z, polynomial(z, _ATANH[f.bits]), half_square)


def _ends(x: Float, y: Float) -> Float:
    """``y``, and the logarithm's values outside the positive numbers."""
    y = select(x < math.inf, y, x)
    y = select(x < 0.0, math.nan, y)
    return select(x.equals(0.0), -math.inf, y)


def log(x: Float) -> Float:
    """The natural logarithm."""
    e, m = split(x)
    f = m - 1.0
    half_square, small = log_1p_reduced(f)
    high, low = LN_2[x.bits]
    y = fma(e, high, f - (half_square - fma(e, low, small)))
    return _ends(x, y)


def log_sum(u: Float, rest: Float, doublings: Float | float = 0.0) -> Float:
    """log((u + rest) 2^doublings) for a positive normal u and |rest| <= ulp(u)."""
    e, m = split(u)
    f = m - 1.0
    half_square, small = log_1p_reduced(f)
    high, low = LN_2[u.bits]
    e = e + doublings
    return fma(e, high, f - (half_square - (fma(e, low, small) + rest / u)))


def log1p(x: Float) -> Float:
    """log(1 + x), accurate near 0."""
    u = 1.0 + x
    # What rounding 1 + x lost, exactly.
    lost = select(abs(x) < 1.0, x - (u - 1.0), 1.0 - (u - x))
    y = _ends(u, log_sum(u, lost))
    return select(x.equals(0.0) | x.equals(math.inf), x, y)


def _log_base(x: Float, base: dict[int, tuple[tuple[float, float], tuple[float, float]]]) -> Float:
    e, m = split(x)
    f = m - 1.0
    half_square, small = log_1p_reduced(f)
    high, rest = two_sum(f, -half_square)
    rest = rest + small
    factor, two = base[x.bits]
    product, error = two_product(high, high.const(factor[0]))
    error = error + fma(high, factor[1], rest * factor[0])
    leading, lost = two_product(e, e.const(two[0]))
    total, remainder = two_sum(leading, product)
    y = total + (remainder + (fma(e, two[1], lost) + error))
    return _ends(x, y)


def log2(x: Float) -> Float:
    """The logarithm to base 2."""
    return _log_base(x, _BASE_2)


def log10(x: Float) -> Float:
    """The logarithm to base 10."""
    return _log_base(x, _BASE_10)
