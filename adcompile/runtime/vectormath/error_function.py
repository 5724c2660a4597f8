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
# Q(t): relative error 2^-59.2 (float64), 2^-26.5 (float32).  The first two, as a short number and
# a rest: sums that begin with the short number are exact.
_SCALED_FIRST = {
    64: ((1.0959956610004156, 7.555429526380736e-14), (0.976548729080605, 2.7700942276780654e-13)),
    32: ((1.02160645, -2.37314689e-05), (0.687133789, 2.68207004e-05)),
}
_SCALED = {
    64: (
        0.7732087022652366,
        0.5408538313132368,
        0.33085158787803387,
        0.17401093723986852,
        0.07638151490894876,
        0.026370053341507244,
        0.006112055658103908,
        0.0002809588535202448,
        -0.00045505268679228234,
        -0.00017681274408074557,
        -3.6352270915710633e-06,
        1.8860590930650728e-05,
        4.69480405021478e-06,
        -1.4234302107794985e-06,
        -8.474705995986104e-07,
        7.427085342636737e-08,
        1.265099374368641e-07,
        3.701690773996268e-10,
        -1.7907579834757106e-08,
        -7.439046896494073e-10,
        2.2073663843883218e-09,
        8.335010007981686e-11,
        -1.662268993876834e-10,
    ),
    32: (
        0.279471427,
        0.0364437811,
        -0.0215026755,
        -0.00648873858,
        0.00305603654,
        0.00086407963,
        -0.000595467805,
        -7.453742e-05,
        8.27497861e-05,
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

# erf(x) / x - 1 in x^2, |x| <= 1; relative error in erf 2^-56.0, 2^-29.3.
_ERF = {
    64: (
        0.12837916709551256,
        -0.3761263890318346,
        0.11283791670942665,
        -0.026866170642932567,
        0.005223977604943852,
        -0.0008548325882079315,
        0.00012055292354834272,
        -1.4924691548226412e-05,
        1.6446901522629031e-06,
        -1.6204711143884118e-07,
        1.3704611696423132e-08,
        -7.768457429737674e-10,
    ),
    32: (
        0.128379166,
        -0.37612626,
        0.112835832,
        -0.0268536918,
        0.00518807396,
        -0.00080078782,
        7.8461082e-05,
    ),
}
# F(x) / y in scale * y - shift, y = 1 / (x + 5/2), 1 <= x <= 6 (float64), 4 (float32); relative
# error in erf 2^-61.0, 2^-27.8.
_ERF_MAP = {64: (11.9, 2.4), 32: (15.1666667, 3.33333333)}
_ERF_END = {64: 6.0, 32: 4.0}
_ERF_SCALED = {
    64: (
        1.0608257561353176,
        0.3413096658373002,
        0.08089883112092933,
        0.012773163444688592,
        0.0008727889421518174,
        -0.00011308224295351958,
        -2.6364148919404223e-05,
        1.1240796094411979e-06,
        6.778108684243481e-07,
        -2.676745395606343e-08,
        -2.039927865186911e-08,
        2.7330645329569426e-09,
    ),
    32: (
        1.13822162,
        0.296566129,
        0.054970704,
        0.00664790999,
        0.000136186936,
    ),
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
    # Horner's scheme, which rounds less, where the terms are large.
    leading, others = _SCALED[x.bits][:4], _SCALED[x.bits][4:]
    inner, inner_rest = polynomial(t, others), x.const(0.0)
    for coefficient in reversed(leading):
        inner = fma(t, inner, coefficient)
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
