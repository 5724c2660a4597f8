"""cbrt: |x| = 2^(3 n) t, 1 / cbrt(t) from a polynomial, improved, then t / cbrt(t)^2 corrected."""

from __future__ import annotations

import math

from adcompile.runtime.vectormath.exponential import MANTISSA, nearest
from adcompile.runtime.vectormath.logarithm import BIAS, split
from adcompile.runtime.vectormath.values import Float, fma, polynomial, select

# 1 / cbrt(m) for sqrt(1/2) <= m <= sqrt(2); relative error 2^-14.7 (float64), 2^-9.1 (float32).
_INVERSE = {
    64: (
        1.8744735885697885,
        -1.861648914099192,
        1.5610377161487852,
        -0.7022147765017533,
        0.12832891021176743,
    ),
    32: (1.55809414, -0.76710844, 0.209615558),
}
_ROOT_2, _ROOT_HALF = 1.2599210498948732, 0.7937005259840998


def cbrt(x: Float) -> Float:
    """The cube root."""
    e, m = split(abs(x))
    third, low_bits = nearest(e, 1.0 / 3.0)
    k = fma(third, -3.0, e)
    up, down = k > 0.0, k < 0.0
    t = m * select(up, 2.0, select(down, m.const(0.5), 1.0))
    r = polynomial(m, _INVERSE[x.bits])
    r = r * select(up, _ROOT_HALF, select(down, m.const(_ROOT_2), 1.0))
    # With h = 1 - t r^3, 1 / cbrt(t) = r (1 - h)^(-1/3) = r (1 + h / 3 + 2 h^2 / 9 + ...).
    h = fma(-(t * r), r * r, 1.0)
    r = fma(r * h, fma(h, 2.0 / 9.0, 1.0 / 3.0), r)
    square = r * r
    y = t * square
    y_square = y * y
    missing = fma(-fma(y, y, -y_square), y, fma(-y_square, y, t))
    y = fma(missing * square, 1.0 / 3.0, y)
    scale = ((low_bits - BIAS[x.bits]) << MANTISSA[x.bits]).as_float()
    y = (y * scale).copysign(x)
    return select((abs(x) < math.inf) & (abs(x) > 0.0), y, x)
