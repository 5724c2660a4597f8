"""exp, exp2, expm1: x = n ln 2 + r, |r| <= ln 2 / 2, exp(x) = 2^n exp(r).

n comes from adding 1.5 * 2^52 (float32: 1.5 * 2^23), where floats are one apart: the sum rounds to
the integer, and its lowest bits hold it.  ln 2 is a rounded value and a rest; the product with the
first is exact inside fma, so r is as good as its own rounding.
"""

from __future__ import annotations

from collections.abc import Sequence

from adcompile.runtime.vectormath.values import Float, Int, clamp, fma, polynomial, select, two_sum

LOG2_E = 1.4426950408889634
LN_2 = {
    64: (0.6931471805599453, 2.3190468138462996e-17),
    32: (0.693147182464599609375, -1.90465421e-09),
}
MANTISSA = {64: 52, 32: 23}

# (exp(r) - 1 - r) / r^2; relative error in exp(r) 2^-57.9 (float64), 2^-28.2 (float32).
_EXP = {
    64: (
        0.5000000000000011,
        0.16666666666666433,
        0.04166666666652699,
        0.008333333333482018,
        0.0013888888944334084,
        0.0001984126953289186,
        2.48014924588317e-05,
        2.755756330405406e-06,
        2.763045353924629e-07,
        2.5007253567893903e-08,
    ),
    32: (0.49999994, 0.166665211, 0.0416682549, 0.00836867001, 0.00138216955),
}
# (2^r - 1) / r for |r| <= 1/2; relative error in 2^r 2^-57.4, 2^-27.9.
_EXP2 = {
    64: (
        0.6931471805599453,
        0.2402265069591013,
        0.0555041086648223,
        0.009618129107594383,
        0.0013333558146371223,
        0.00015403530456824789,
        1.5252733814444695e-05,
        1.3215435409987149e-06,
        1.0178083213286497e-07,
        7.073763344076745e-09,
        4.450465166441965e-10,
    ),
    32: (0.693147182, 0.240226433, 0.0555035844, 0.00961899571, 0.0013391471, 0.000151995759),
}
# Below, exp is 0; above, infinite.
EXP_RANGE = {64: (-746.0, 710.0), 32: (-104.0, 89.0)}
# Below, exp is lost beside 1.
LOST = {64: -40.0, 32: -20.0}
_EXP2_RANGE = {64: (-1076.0, 1025.0), 32: (-151.0, 129.0)}
# Twice the exponent's bias: what ``power_of_2`` expects on top of n.
_TWO_BIASES = {64: 2046, 32: 254}


def nearest(x: Float, factor: float) -> tuple[Float, Int]:
    """n, the integer nearest x * factor, as a float and on top of two biases in the low bits."""
    magic = 1.5 * 2.0 ** MANTISSA[x.bits] + _TWO_BIASES[x.bits]
    shifted = fma(x, factor, magic)
    return shifted - magic, shifted.as_int()


def power_of_2(n: Int) -> tuple[Float, Float]:
    """Two powers of 2 whose product is 2^n, which itself may overflow or be subnormal."""
    half = n >> 1
    places = MANTISSA[n.bits]
    return (half << places).as_float(), ((n - half) << places).as_float()


def reduce(x: Float) -> tuple[Float, Int, Float, Float]:
    """x = n ln 2 + r + rest: n twice, as ``nearest`` gives it, then r, and its rounding error."""
    n, low_bits = nearest(x, LOG2_E)
    high, low = LN_2[x.bits]
    exact = fma(n, -high, x)
    r = fma(n, -low, exact)
    return n, low_bits, r, fma(n, -low, exact - r)


def exp_minus_1(r: Float) -> Float:
    """exp(r) - 1 for a reduced argument."""
    return fma(r * r, polynomial(r, _EXP[r.bits]), r)


def exp(x: Float) -> Float:
    """e to the power x."""
    _, n, r, _ = reduce(clamp(x, *EXP_RANGE[x.bits]))
    first, second = power_of_2(n)
    leading, lost = two_sum(x.const(1.0), r)
    return (leading + fma(r * r, polynomial(r, _EXP[x.bits]), lost)) * first * second


def exp2_sum(x: Float, rest: Float, coefficients: Sequence[float] | None = None) -> Float:
    """2 to the power x + rest, x clamped and ``rest`` small against 1."""
    nearby, n = nearest(x, 1.0)
    r = (x - nearby) + rest
    first, second = power_of_2(n)
    slope, *others = coefficients or _EXP2[x.bits]
    return fma(r, fma(r, polynomial(r, others), slope), 1.0) * first * second


def exp2(x: Float) -> Float:
    """2 to the power x."""
    return exp2_sum(clamp(x, *_EXP2_RANGE[x.bits]), x.const(0.0))


def exp_pair(r: Float, rest: Float) -> tuple[Float, Float]:
    """exp(r + rest) for a reduced argument, and what rounding lost of it."""
    leading, lost = two_sum(r.const(1.0), r)
    return two_sum(leading, lost + fma(r * r, polynomial(r, _EXP[r.bits]), rest))


def expm1_pair(x: Float, shift: int, decaying: bool = False) -> tuple[Float, Float]:
    """2^-shift (exp(x) - 1), and what rounding lost of it, to the last place for x >= -30 or, if
    ``decaying``, x <= 0.  ``x`` must not be far below -30, nor so large that this overflows."""
    _, n, r, rest = reduce(x)
    bias = {64: 1023, 32: 127}[x.bits]
    scale = ((n - (bias + shift)) << MANTISSA[x.bits]).as_float()  # 2^(n - shift)
    unit = 2.0**-shift
    steps = scale - unit
    lost = scale - (steps + unit) if decaying else (scale - steps) - unit
    leading, more = two_sum(steps, scale * r)
    rest = fma(scale, fma(r * r, polynomial(r, _EXP[x.bits]), rest), lost + more)
    return two_sum(leading, rest)


def expm1(x: Float) -> Float:
    """exp(x) - 1, accurate near 0."""
    half, _ = expm1_pair(clamp(x, LOST[x.bits], EXP_RANGE[x.bits][1]), 1)
    tiny = 2.0 ** -(MANTISSA[x.bits] + 4)
    return select(abs(x) < tiny, x, 2.0 * half)  # subnormal numbers, and the sign of -0.0
