"""sin, cos, tan: x = k pi/2 + r, |r| <= pi/4, then polynomials for sin(r) and cos(r).

pi/2 is the sum of three floats.  The product of k and the first is exact inside fma, and so is the
difference from x.  The product with the second is smaller than 1/16, so its rounded value can be
taken off exactly as well, as two floats; the third rounds.  r is those two floats: about 1e-40
(float32: 1e-17) off, where no x comes nearer to a multiple of pi/2 than about 1e-18 (1e-9).

Both polynomials are evaluated always: a gradient wants the sine and the cosine of the same number,
and LLVM then computes everything once.  Large arguments are reduced in ``large_angles``, to one
float.
"""

from __future__ import annotations

from adcompile.runtime.vectormath.large_angles import (
    EXPONENT_ABOVE,
    LARGE,
    QUARTER_BIT,
    unless_large,
)
from adcompile.runtime.vectormath.values import Float, Int, fma, horner, select, two_sum

_TWO_OVER_PI = 0.6366197723675814
_HALF_PI = {
    64: (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33),
    32: (1.5707963705062866, -4.371138828673793e-08, -1.7151245100058819e-15),
}
# Where floats are one apart: the sum rounds to the integer k, and its last bits hold it.
_MAGIC = {64: 1.5 * 2.0**52, 32: 1.5 * 2.0**23}
_TINY = {64: 2.0**-27, 32: 2.0**-13}  # sin(x) and tan(x) are x below

# (sin(r) - r) / r^3 in r^2, |r| <= pi/4; relative error in the sine 2^-57.8 (float64), 2^-27.8.
_SINE = {
    64: (
        -0.1666666666666663,
        0.008333333333321917,
        -0.0001984126982945689,
        2.7557313581739854e-06,
        -2.505074225040459e-08,
        1.5895940354812253e-10,
    ),
    32: (
        -0.166666538,
        0.00833211374,
        -0.000195094108,
    ),
}
# (cos(r) - 1 + r^2/2) / r^4 in r^2; relative error in the cosine 2^-63.9, 2^-32.8.
_COSINE = {
    64: (
        0.041666666666666595,
        -0.001388888888887335,
        2.4801587289009706e-05,
        -2.755731421946149e-07,
        2.087570572735421e-09,
        -1.1358765767117588e-11,
    ),
    32: (
        0.0416666456,
        -0.00138873036,
        2.44311959e-05,
    ),
}


def _reduce(x: Float) -> tuple[Float, Float, Int]:
    """r as two floats, and k in the last bits."""
    bits, magic = x.bits, _MAGIC[x.bits]
    first, second, third = _HALF_PI[bits]
    other = unless_large(x)
    shifted = fma(other, _TWO_OVER_PI, magic)
    k = shifted - magic
    exact = fma(-k, first, other)
    r = exact - k * second
    rest = fma(-k, second, exact - r)
    rest = fma(-k, third, rest)
    large = ~(abs(x) <= LARGE[bits])  # or NaN
    there = other.as_int()
    mask, origin = EXPONENT_ABOVE[bits]
    r = select(
        large, ((there & ~mask) | origin).as_float() + (x - x), r
    )  # x - x: NaN for infinities
    shifted = select(large, ((there >> QUARTER_BIT[bits]) + 1).as_float(), shifted)
    return r, select(large, 0.0, rest), shifted.as_int()


def _sine_and_cosine(r: Float, rest: Float) -> tuple[tuple[Float, Float], tuple[Float, Float]]:
    """Each as two numbers to add, the second of them small."""
    square = r * r
    lost = fma(r, r, -square)
    half = 0.5 * square
    near, below = two_sum(r.const(1.0), -half)
    sine = fma(r * square, horner(square, _SINE[r.bits]), rest * near)
    below = below - fma(r, rest, 0.5 * lost)
    cosine = fma(square * square, horner(square, _COSINE[r.bits]), below)
    return (r, sine), (near, cosine)


def _signed(y: Float, k: Int) -> Float:
    """-y where the second bit of k is set."""
    return (y.as_int() ^ ((k & 2) << (y.bits - 2))).as_float()


def sin(x: Float) -> Float:
    """The sine."""
    r, rest, k = _reduce(x)
    (a, b), (c, d) = _sine_and_cosine(r, rest)
    y = _signed(select((k & 1).equals(0), a + b, c + d), k)
    return select(abs(x) < _TINY[x.bits], x, y)


def cos(x: Float) -> Float:
    """The cosine."""
    r, rest, k = _reduce(x)
    (a, b), (c, d) = _sine_and_cosine(r, rest)
    return _signed(select((k & 1).equals(0), c + d, a + b), k + 1)


def tan(x: Float) -> Float:
    """The tangent."""
    r, rest, k = _reduce(x)
    sine, cosine = (two_sum(*pair) for pair in _sine_and_cosine(r, rest))
    even = (k & 1).equals(0)
    above, above_rest = (select(even, s, c) for s, c in zip(sine, cosine, strict=True))
    below, below_rest = (select(even, c, s) for s, c in zip(sine, cosine, strict=True))
    inverse = 1.0 / below
    y = above * inverse
    y = fma(fma(-y, below, above) + fma(-y, below_rest, above_rest), inverse, y)
    y = (y.as_int() ^ ((k & 1) << (x.bits - 1))).as_float()
    return select(abs(x) < _TINY[x.bits], x, y)
