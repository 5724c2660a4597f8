"""erf, erfc and the normal distribution: erfc(x) = exp(-x^2) F(x) for x >= 0.

F (erfcx) falls from 1 slowly as 1 / (x sqrt(pi)).  With y = 1 / (x + b), F = y Q(t), where
t = 2 b y - 1 runs from 1 at x = 0 to -1 at infinity and Q is smooth.  Near x = 0 that magnifies the
rounding of y, and near infinity the first terms of Q nearly cancel: so Q's last two steps are done
with two floats, and F is moved by its derivative to where y should have been.
"""

from __future__ import annotations

import math

from adcompile.runtime.vectormath.exponential import (
    MANTISSA,
    exp_minus_1,
    power_of_2,
    reduce,
)
from adcompile.runtime.vectormath.logarithm import log_sum
from adcompile.runtime.vectormath.values import (
    Float,
    fma,
    horner,
    polynomial,
    select,
    two_product,
    two_sum,
)

_B = {64: 4.0, 32: 2.0}
# Q(t): relative error 2^-58.2 (float64), 2^-26.4 (float32).  The first two, as a short number and
# a rest: sums that begin with the short number are exact.
_SCALED_FIRST = {
    64: ((1.0959956610004156, 7.55542929581122e-14), (0.976548729080605, 2.7700928063669166e-13)),
    32: ((1.0216064453125, -2.37314798e-05), (0.6871337890625, 2.68199510e-05)),
}
_SCALED = {
    64: (
        0.7732087022652366,
        0.5408538313132363,
        0.33085158787803387,
        0.17401093723987576,
        0.07638151490891892,
        0.02637005334151939,
        0.0061120556587418535,
        0.0002809588528746864,
        -0.00045505269239353916,
        -0.00017681273955933731,
        -3.635200225938794e-06,
        1.8860575014675115e-05,
        4.6947256845045366e-06,
        -1.4233970528222916e-06,
        -8.47325290853951e-07,
        7.422822167373604e-08,
        1.263375838208488e-07,
        4.0344593594480257e-10,
        -1.778083434151141e-08,
        -7.583817949253032e-10,
        2.1547089979281367e-09,
        8.604543525274914e-11,
        -1.567769046779275e-10,
    ),
    32: (
        0.279471427,
        0.0364437997,
        -0.0215026606,
        -0.00648882147,
        0.00305597507,
        0.000864184869,
        -0.000595402205,
        -7.45721336e-05,
        8.27364493e-05,
    ),
}
# d log F / d log y in t, to 0.06: it multiplies rounding errors only.
_GROWTH = {64: (1.899, 1.709, 0.871), 32: (1.650, 0.658)}
_SQRT_HALF = {
    64: (0.7071067811865476, -4.833646656726457e-17),
    32: (0.70710676908493042, 1.21016162e-08),
}
# Where erfc, and the distribution's lower tail, are rounded to 0.
_END = {64: 27.5, 32: 10.5}
_NORMAL_END = {64: 38.8, 32: 14.6}
_LOG_NORMAL_END = {64: 1e160, 32: 1e20}  # where its logarithm is infinite

# erf(x) / x - 1 in x^2, |x| <= 1; relative error in erf 2^-56.0, 2^-29.4.
_ERF = {
    64: (
        0.12837916709551256,
        -0.37612638903183343,
        0.1128379167093695,
        -0.026866170641952885,
        0.005223977596591766,
        -0.0008548325472500292,
        0.00012055279936826647,
        -1.4924451120524669e-05,
        1.6443923769705e-06,
        -1.618188602014795e-07,
        1.3606003747609934e-08,
        -7.584908617889721e-10,
    ),
    32: (
        0.128379166,
        -0.37612626,
        0.112835787,
        -0.0268533472,
        0.0051871622,
        -0.000799785252,
        7.80689952e-05,
    ),
}
# F(x) / y in scale * y - shift, y = 1 / (x + 5/2), 1 <= x <= 6 (float64), 4 (float32); relative
# error in erf 2^-60.8, 2^-27.7.
_ERF_MAP = {64: (11.9, 2.4), 32: (15.1666667, 3.33333333)}
_ERF_END = {64: 6.0, 32: 4.0}
_ERF_SCALED = {
    64: (
        1.0608257561353176,
        0.3413096658373009,
        0.08089883112092812,
        0.012773163444674027,
        0.0008727889422478226,
        -0.00011308224319098357,
        -2.6364148648596606e-05,
        1.1240794370259e-06,
        6.7781112964675e-07,
        -2.6767945383586736e-08,
        -2.039886895358544e-08,
        2.732943311890715e-09,
    ),
    32: (1.13822162, 0.29656601, 0.054971192, 0.0066472888, 0.000136438917),
}


def erf(x: Float) -> Float:
    """The error function."""
    square = x * x
    small = fma(x, horner(square, _ERF[x.bits]), x)
    size = abs(x)
    a = select(size > _ERF_END[x.bits], _ERF_END[x.bits], size)
    y = 1.0 / (a + 2.5)
    scale, shift = _ERF_MAP[x.bits]
    scaled = y * horner(fma(y, scale, -shift), _ERF_SCALED[x.bits])
    square = a * a
    _, n, r, rest = reduce(-square)
    p = exp_minus_1(r) + (rest - fma(a, a, -square))
    power = (n - {64: 1023, 32: 127}[x.bits] << MANTISSA[x.bits]).as_float()
    large = (1.0 - fma(scaled, p, scaled) * power).copysign(x)
    return select(size > 1.0, large, small)


def _scaled(x: Float, rest: Float | float) -> tuple[Float, Float]:
    """F(x + rest) as two floats."""
    b = _B[x.bits]
    d, lost = two_sum(x.const(b), x)
    y = 1.0 / d
    t = fma(y, 2.0 * b, -1.0)
    inner, inner_rest = polynomial(t, _SCALED[x.bits]), x.const(0.0)
    for coefficient, coefficient_rest in reversed(_SCALED_FIRST[x.bits]):
        product, error = two_product(t, inner)
        inner, summed = two_sum(t.const(coefficient), product)
        inner_rest = summed + (error + fma(t, inner_rest, coefficient_rest))
    f, error = two_product(y, inner)
    off = fma(-y, d, 1.0) - y * (lost + rest)  # y (1 + off) is what y should be
    error = error + fma(y, inner_rest, f * (off * horner(t, _GROWTH[x.bits])))
    return f, error


def _tail(
    x: Float, x_rest: Float | float, square: Float, square_rest: Float
) -> tuple[Float, Float]:
    """exp(-square) F(x) as two floats, for positive numbers."""
    f, f_rest = _scaled(x, x_rest)
    _, n, r, rest = reduce(-square)
    p = exp_minus_1(r)
    f_rest = fma(f, rest - square_rest, f_rest)
    y, rest = two_sum(f, fma(f, p, fma(f_rest, p, f_rest)))
    first, second = power_of_2(n)
    return y * first * second, rest * first * second


def erfc(x: Float) -> Float:
    """1 - erf(x), accurate for large x."""
    a = abs(x)
    a = select(a > _END[x.bits], _END[x.bits], a)
    y, _ = _tail(a, 0.0, *two_product(a, a))
    return select(x < 0.0, 2.0 - y, y)


def _normal(x: Float) -> tuple[Float, Float, Float, Float]:
    """x / sqrt(2), then its square, each as two floats."""
    high, low = _SQRT_HALF[x.bits]
    a, a_rest = two_product(x, x.const(high))
    square, square_rest = two_product(x, 0.5 * x)
    return a, fma(x, low, a_rest), square, square_rest


def ndtr(x: Float) -> Float:
    """The standard normal distribution's cumulative probability."""
    a = abs(x)
    a = select(a > _NORMAL_END[x.bits], _NORMAL_END[x.bits], a)
    y, _ = _tail(*_normal(a))
    y = 0.5 * y
    return select(x > 0.0, 1.0 - y, y)


def log_ndtr(x: Float) -> Float:
    """The logarithm of ndtr(x)."""
    below = x <= 0.0
    end = select(below, _LOG_NORMAL_END[x.bits], x.const(_NORMAL_END[x.bits]))
    a = abs(x)
    a, a_rest, square, square_rest = _normal(select(a > end, end, a))
    f, f_rest = _scaled(a, a_rest)
    y, rest = _tail(a, a_rest, square, square_rest)
    upper, lost = two_sum(x.const(1.0), -0.5 * y)
    lost = lost - 0.5 * rest
    y = log_sum(select(below, 0.5 * f, upper), select(below, 0.5 * f_rest, lost))
    square_rest = select(square < math.inf, square_rest, 0.0)
    return -abs(select(below, y - square_rest - square, y))  # -0.0 far out
