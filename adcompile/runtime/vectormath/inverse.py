"""atan, atan2, asin, acos.

atan(n / d) in the first quadrant is base + atan(t), |t| <= tan(pi/8): t is n / d, (n - d) / (n + d)
or -d / n, base 0, pi/4 or pi/2.  asin(x) is taken for |x| <= 1/2, else from
asin(x) = pi/2 - 2 asin(sqrt((1 - x) / 2)).
"""

from __future__ import annotations

import math

from adcompile.runtime.vectormath.values import Float, Mask, fma, horner, select, two_sum

_TAN = (0.41421356237309503, 2.414213562373095)  # of pi/8 and 3 pi/8
# Multiples of pi, each with its rest.
_QUARTER = {
    64: (0.7853981633974483, 3.061616997868383e-17),
    32: (0.78539818525314331, -2.18556941e-08),
}
_HALF = {
    64: (1.5707963267948966, 6.123233995736766e-17),
    32: (1.5707963705062866, -4.37113883e-08),
}
_THREE_QUARTERS = {
    64: (2.356194490192345, 9.184850993605148e-17),
    32: (2.3561944961547852, -5.96244032e-09),
}
_PI = {
    64: (3.141592653589793, 1.2246467991473532e-16),
    32: (3.1415927410125732, -8.74227766e-08),
}
# atan2 scales its arguments by the factor if the larger of them is beyond the bound.
_GREAT = {64: (2.0**1000, 2.0**-500), 32: (2.0**100, 2.0**-50)}
_SMALL = {64: (2.0**-500, 2.0**550), 32: (2.0**-60, 2.0**70)}
# Beyond, atan(x) is pi/2.
_FAR = {64: 2.0**60, 32: 2.0**30}

# (atan(t) - t) / t^3 in t^2, |t| <= tan(pi/8); relative error in atan 2^-59.4 (float64), 2^-30.4.
_ATAN = {
    64: (
        -0.333333333333332,
        0.19999999999953694,
        -0.14285714280202505,
        0.11111110783660011,
        -0.09090897762608606,
        0.07692060303377433,
        -0.06663105170579144,
        0.05847898646605246,
        -0.050393528931241785,
        0.0380659502346656,
        -0.017908916878987026,
    ),
    32: (
        -0.333333164,
        0.199985296,
        -0.142444298,
        0.10599488,
        -0.0609089844,
    ),
}
# (asin(s) - s) / s^3 in s^2, |s| <= 1/2; relative error in asin 2^-55.9, 2^-27.6.
_ASIN = {
    64: (
        0.16666666666665408,
        0.0750000000033701,
        0.04464285682838645,
        0.0303819591332536,
        0.022371758159380365,
        0.017359702923872837,
        0.013885254933237189,
        0.012169078103556205,
        0.006528569070981447,
        0.01952661229909441,
        -0.01622163419658501,
        0.0319104672965307,
    ),
    32: (
        0.166667521,
        0.0749531016,
        0.0454690158,
        0.0241855402,
        0.0421569236,
    ),
}


def _octants(first: Mask, last: Mask, values: tuple[Float | float, ...]) -> Float:
    """The first value below pi/8, the third above 3 pi/8, the second between."""
    below, between, above = values
    assert isinstance(between, Float)
    return select(first, below, select(last, above, between))


def _atan_reduced(n: Float, d: Float, first: Mask, last: Mask) -> tuple[Float, Float]:
    """atan(t) for the octant of n / d, as t and a small number to add."""
    minus, minus_lost = two_sum(-d, n)
    plus, plus_lost = two_sum(d, n)
    zero = n.const(0.0)
    above = _octants(first, last, (n, minus, -d))
    below = _octants(first, last, (d, plus, n))
    above_lost = _octants(first, last, (zero, minus_lost, zero))
    below_lost = _octants(first, last, (zero, plus_lost, zero))
    inverse = 1.0 / below
    t = above * inverse
    rest = (fma(-t, below, above) + fma(-t, below_lost, above_lost)) * inverse
    square = t * t
    return t, fma(t * square, horner(square, _ATAN[t.bits]), rest)


def _around(base: Float, base_rest: Float, t: Float, rest: Float) -> Float:
    """base + t + rest, |base| > |t| or base 0."""
    total, lost = two_sum(base, t)
    return total + (lost + (base_rest + rest))


def atan(x: Float) -> Float:
    """The inverse tangent."""
    a, far = abs(x), _FAR[x.bits]
    a = select(a > far, far, a)
    first, last = a < _TAN[0], a > _TAN[1]
    t, rest = _atan_reduced(a, x.const(1.0), first, last)
    quarter, half = _QUARTER[x.bits], _HALF[x.bits]
    base = _octants(first, last, (0.0, x.const(quarter[0]), half[0]))
    base_rest = _octants(first, last, (0.0, x.const(quarter[1]), half[1]))
    return _around(base, base_rest, t, rest).copysign(x)


def atan2(y: Float, x: Float) -> Float:
    """The angle of the point (x, y), in [-pi, pi]."""
    n, d = abs(y), abs(x)
    larger = select(n > d, n, d)
    infinite = larger.equals(math.inf)
    n = select(infinite, select(n.equals(math.inf), n.const(1.0), 0.0), n)
    d = select(infinite, select(d.equals(math.inf), d.const(1.0), 0.0), d)
    d = select(larger.equals(0.0), 1.0, d)
    bound, factor = _GREAT[x.bits]
    scale = select(larger > bound, x.const(factor), 1.0)
    bound, factor = _SMALL[x.bits]
    scale = select(larger < bound, factor, scale)
    scale = select(infinite, 1.0, scale)
    n, d = n * scale, d * scale
    first, last = n < d * _TAN[0], n > d * _TAN[1]
    t, rest = _atan_reduced(n, d, first, last)
    # In the left half the angle is pi less that of the right half.
    left = (x.as_int() >> (x.bits - 1)).equals(1)
    base, base_rest = (
        _octants(
            first,
            last,
            (
                select(left, x.const(_PI[x.bits][part]), 0.0),
                select(left, x.const(_THREE_QUARTERS[x.bits][part]), _QUARTER[x.bits][part]),
                _HALF[x.bits][part],
            ),
        )
        for part in (0, 1)
    )
    angle = _around(base, base_rest, select(left, -t, t), select(left, -rest, rest))
    return select(x.is_nan() | y.is_nan(), x + y, angle.copysign(y))


def _asin_reduced(x: Float) -> tuple[Mask, Float, Float]:
    """Whether |x| <= 1/2, and asin(|x|), or else asin(sqrt((1 - |x|) / 2)), as two numbers."""
    a = abs(x)
    inner = a <= 0.5
    square = select(inner, a * a, 0.5 - 0.5 * a)
    s = select(inner, a, square.sqrt())
    return inner, s, s * square * horner(square, _ASIN[x.bits])


def asin(x: Float) -> Float:
    """The inverse sine."""
    inner, s, rest = _asin_reduced(x)
    factor = select(inner, x.const(1.0), -2.0)
    high, low = _HALF[x.bits]
    base = select(inner, x.const(0.0), high)
    base_rest = select(inner, x.const(0.0), low)
    return _around(base, base_rest, factor * s, factor * rest).copysign(x)


def acos(x: Float) -> Float:
    """The inverse cosine."""
    inner, s, rest = _asin_reduced(x)
    # pi/2 - asin(x), 2 asin(s) or pi - 2 asin(s)
    factor = select(inner, x.const(-1.0), 2.0) * x.const(1.0).copysign(x)
    (half, half_rest), (pi, pi_rest) = _HALF[x.bits], _PI[x.bits]
    base = select(inner, x.const(half), select(x > 0.0, x.const(0.0), pi))
    base_rest = select(inner, x.const(half_rest), select(x > 0.0, x.const(0.0), pi_rest))
    return _around(base, base_rest, factor * s, factor * rest)
