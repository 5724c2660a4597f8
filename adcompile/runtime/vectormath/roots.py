"""cbrt and hypot.

cbrt: |x| = 2^(3 n) t, 1 / cbrt(t) from a polynomial, improved, then t / cbrt(t)^2 corrected.
"""

from __future__ import annotations

import math

from adcompile.runtime.vectormath.exponential import MANTISSA, nearest
from adcompile.runtime.vectormath.logarithm import BIAS, split
from adcompile.runtime.vectormath.values import Float, fma, polynomial, select, two_product, two_sum

# 1 / cbrt(m) for sqrt(1/2) <= m <= sqrt(2); relative error 2^-14.7 (float64), 2^-9.1 (float32).
_INVERSE = {
    64: (
        1.8744202618611823,
        -1.8614358690708976,
        1.5607249936827188,
        -0.7020147475512962,
        0.12828181604308384,
    ),
    32: (1.55802488, -0.766970694, 0.209550843),
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


# Arguments of hypot the larger of which is beyond the bound are scaled by the factor.
_GREAT = {64: (2.0**500, 2.0**-600), 32: (2.0**60, 2.0**-70)}
_SMALL = {64: (2.0**-450, 2.0**700), 32: (2.0**-40, 2.0**100)}


def hypot(x: Float, y: Float) -> Float:
    """sqrt(x^2 + y^2)."""
    a, b = abs(x), abs(y)
    larger, smaller = select(a < b, b, a), select(a < b, a, b)
    (great, down), (small, up) = _GREAT[x.bits], _SMALL[x.bits]
    too_great, too_small = larger > great, larger < small
    scale = select(too_great, down, select(too_small, x.const(up), 1.0))
    back = select(too_great, 1.0 / down, select(too_small, x.const(1.0 / up), 1.0))
    p, p_rest = two_product(larger * scale, larger * scale)
    q, q_rest = two_product(smaller * scale, smaller * scale)
    total, lost = two_sum(p, q)
    root = total.sqrt()
    missing = fma(-root, root, total) + (lost + (p_rest + q_rest))
    root = select(root > 0.0, root + missing / (root + root), root) * back
    return select(a.equals(math.inf) | b.equals(math.inf), math.inf, root)
