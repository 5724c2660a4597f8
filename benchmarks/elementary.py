"""The functions of adcompile.vectormath: what is true of each, and where to look hard."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np
import scipy.special
from numpy.typing import NDArray

inf, nan = math.inf, math.nan
Array = NDArray[Any]
Range = tuple[float, float]
Special = tuple[tuple[float, ...], ...]  # arguments, then the result


@dataclass(frozen=True)
class Case:
    """``exact``: in mpmath.  ``wide``: NumPy's or SciPy's, in float64 the reference of float32;
    where it is a ufunc that takes long double, it finds the float64 arguments to look at.
    ``ranges``: where to sample besides the usual places.  ``hard``: more arguments.  ``special``:
    arguments and exact results, for both widths.  ``draw``: how to sample, for several arguments.
    """

    exact: Callable[..., Any]
    wide: Callable[..., Any]
    ranges: tuple[Range, ...] = ()
    special: Special = ()
    draw: Callable[[int, Any, np.random.Generator], tuple[Array, ...]] | None = None
    hard: Callable[[int, Any, np.random.Generator], Array] | None = None


def _log(exact: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def logarithm(x: Any) -> Any:
        if x == 0:
            return -mpmath.inf
        return exact(x) if x > 0 else mpmath.nan

    return logarithm


def _near_poles(count: int, dtype: Any, rng: np.random.Generator) -> Array:
    """The floats nearest to multiples of pi/2, and their neighbours."""
    part = count // 3
    reach = 53.0 if dtype is np.float64 else 24.0
    x = (np.floor(np.exp2(rng.uniform(0.0, reach, part))) * (np.pi / 2)).astype(dtype)
    return np.concatenate([x, np.nextafter(x, dtype(0)), np.nextafter(x, dtype(np.inf))])


def _periodic(exact: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: exact(x) if mpmath.isfinite(x) else mpmath.nan


def _within_1(exact: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: exact(x) if abs(x) <= 1 else mpmath.nan


def _erfc(x: Any) -> Any:
    return mpmath.erfc(x) if x < 1e3 else mpmath.mpf(0)  # far below the smallest float


def _ndtr(x: Any) -> Any:
    return _erfc(-x / mpmath.sqrt(2)) / 2


def _log_ndtr(x: Any) -> Any:
    if mpmath.isinf(x):
        return mpmath.mpf(0) if x > 0 else x
    if x > -1e3:
        return mpmath.log1p(-_ndtr(-x)) if x > 0 else mpmath.log(_ndtr(x))
    # Abramowitz and Stegun 26.2.12, to 1e-16 of the last term
    series = 1 - 1 / x**2 + 3 / x**4 - 15 / x**6 + 105 / x**8
    return -x * x / 2 - mpmath.log(-x * mpmath.sqrt(2 * mpmath.pi)) + mpmath.log(series)


_log_ends = ((0, -inf), (-0.0, -inf), (1, 0), (inf, inf), (-inf, nan), (-1, nan), (nan, nan))
_exp_ends = ((0, 1), (-0.0, 1), (inf, inf), (-inf, 0), (nan, nan), (1e30, inf), (-1e30, 0))
_odd = ((0, 0), (-0.0, -0.0), (nan, nan), (1e-40, 1e-40), (-1e-44, -1e-44))

UNARY: dict[str, Case] = {
    "exp": Case(mpmath.exp, np.exp, ((-746, -707), (709, 710), (-104, -87), (88, 89)), _exp_ends),
    "exp2": Case(
        lambda x: mpmath.mpf(2) ** x,
        np.exp2,
        ((-1076, -1021), (1023, 1024.1), (-151, 129)),
        (*_exp_ends, (10, 1024), (-3, 0.125), (1024, inf), (-1080, 0)),
    ),
    "expm1": Case(
        mpmath.expm1, np.expm1, ((-40, 1), (709, 710), (88, 89)), (*_odd, (inf, inf), (-inf, -1))
    ),
    "log": Case(_log(mpmath.log), np.log, ((0.99, 1.01),), _log_ends),
    "log2": Case(
        _log(lambda x: mpmath.log(x) / mpmath.ln2),
        np.log2,
        ((0.99, 1.01),),
        (*_log_ends, (1024, 10), (0.125, -3)),
    ),
    "log10": Case(
        _log(lambda x: mpmath.log(x) / mpmath.ln10),
        np.log10,
        ((0.99, 1.01),),
        (*_log_ends, (1e3, 3), (1e10, 10)),
    ),
    "log1p": Case(
        lambda x: mpmath.log1p(x) if x > -1 else _log(mpmath.log)(1 + x),
        np.log1p,
        ((-0.01, 0.01), (-1, -0.99)),
        (*_odd, (-1, -inf), (-2, nan), (inf, inf), (-inf, nan)),
    ),
    "sinh": Case(mpmath.sinh, np.sinh, ((709, 711), (88, 90)), (*_odd, (inf, inf), (-inf, -inf))),
    "cosh": Case(
        mpmath.cosh,
        np.cosh,
        ((709, 711), (88, 90)),
        ((0, 1), (-0.0, 1), (inf, inf), (-inf, inf), (nan, nan)),
    ),
    "tanh": Case(mpmath.tanh, np.tanh, (), (*_odd, (inf, 1), (-inf, -1), (25, 1), (-1e30, -1))),
    "asinh": Case(
        mpmath.asinh, np.arcsinh, ((-1e9, 1e9), (-1e5, 1e5)), (*_odd, (inf, inf), (-inf, -inf))
    ),
    "acosh": Case(
        lambda x: mpmath.acosh(x) if x >= 1 else mpmath.nan,
        np.arccosh,
        ((1, 1.01), (1, 4), (1, 1e5), (1, 1e9)),
        ((1, 0), (0.5, nan), (-inf, nan), (inf, inf), (nan, nan)),
    ),
    "atanh": Case(
        lambda x: (
            mpmath.atanh(x) if abs(x) < 1 else (x * mpmath.inf if abs(x) == 1 else mpmath.nan)
        ),
        np.arctanh,
        ((-0.01, 0.01), (0.9, 1)),
        (*_odd, (1, inf), (-1, -inf), (1.5, nan), (inf, nan), (-inf, nan)),
    ),
    "logit": Case(
        lambda p: mpmath.log(p / (1 - p)) if 0 < p < 1 else _logit_end(p),
        lambda p: np.where(p > 0.3, np.log1p((2 * p - 1) / (1 - p)), np.log(p / (1 - p))),
        ((0, 1), (0.49, 0.51), (0.99, 1), (0, 1e-3)),
        ((0, -inf), (-0.0, -inf), (1, inf), (0.5, 0), (-1, nan), (2, nan), (inf, nan), (nan, nan)),
    ),
    "cbrt": Case(
        lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)),
        np.cbrt,
        ((0.3, 3), (1, 64)),
        (
            *(
                (s * a, s * b)
                for s in (1, -1)
                for a, b in ((0.0, 0.0), (27.0, 3.0), (64.0, 4.0), (inf, inf))
            ),
        ),
    ),
    "expit": Case(
        lambda x: 1 / (1 + mpmath.exp(-x)),
        lambda x: 1 / (1 + np.exp(-x)),
        ((-746, -700), (-104, -86), (-40, 40)),
        ((0, 0.5), (-0.0, 0.5), (inf, 1), (-inf, 0), (nan, nan)),
    ),
    "softplus": Case(
        lambda x: _softplus(x),
        lambda x: np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x))),
        ((-746, -700), (-104, -86), (-40, 40)),
        ((inf, inf), (-inf, 0), (nan, nan), (1e30, 1e30)),
    ),
    "log_expit": Case(
        lambda x: -_softplus(-x),
        lambda x: np.minimum(x, 0.0) - np.log1p(np.exp(-np.abs(x))),
        ((700, 746), (86, 104), (-40, 40)),
        ((-inf, -inf), (inf, -0.0), (nan, nan), (-1e30, -1e30)),
    ),
}


_trigonometric = ((inf, nan), (-inf, nan), (nan, nan))
_large = ((-1e5, 1e5), (-2e9, 2e9))
UNARY |= {
    "sin": Case(_periodic(mpmath.sin), np.sin, _large, (*_odd, *_trigonometric), hard=_near_poles),
    "cos": Case(
        _periodic(mpmath.cos),
        np.cos,
        _large,
        ((0, 1), (-0.0, 1), *_trigonometric),
        hard=_near_poles,
    ),
    "tan": Case(_periodic(mpmath.tan), np.tan, _large, (*_odd, *_trigonometric), hard=_near_poles),
    "asin": Case(
        _within_1(mpmath.asin),
        np.arcsin,
        ((0.9, 1), (0.4, 0.6)),
        (*_odd, (1, math.pi / 2), (-1, -math.pi / 2), (1.5, nan), (-inf, nan)),
    ),
    "acos": Case(
        _within_1(mpmath.acos),
        np.arccos,
        ((0.9, 1), (0.4, 0.6)),
        ((0, math.pi / 2), (1, 0), (-1, math.pi), (1.5, nan), (-inf, nan), (nan, nan)),
    ),
    "atan": Case(
        mpmath.atan,
        np.arctan,
        ((0.4, 0.5), (2, 2.5)),
        (*_odd, (inf, math.pi / 2), (-inf, -math.pi / 2), (1, math.pi / 4)),
    ),
    "erf": Case(
        mpmath.erf, scipy.special.erf, ((0.9, 1.2), (-6, 6)), (*_odd[:3], (inf, 1), (-inf, -1))
    ),
    "erfc": Case(
        _erfc,
        scipy.special.erfc,
        ((0, 3), (-6, 6), (10, 26.5), (26.5, 27.3), (8, 10.1)),
        ((0, 1), (-0.0, 1), (inf, 0), (-inf, 2), (nan, nan), (28, 0), (-28, 2)),
    ),
    "ndtr": Case(
        _ndtr,
        scipy.special.ndtr,
        ((-3, 0), (-6, 6), (-37, -14), (-38.6, -37), (-14.2, -10)),
        ((0, 0.5), (-0.0, 0.5), (inf, 1), (-inf, 0), (nan, nan), (-39, 0), (39, 1)),
    ),
    "log_ndtr": Case(
        _log_ndtr,
        scipy.special.log_ndtr,
        ((-3, 3), (0, 38), (-40, 0), (0, 14)),
        ((inf, -0.0), (-inf, -inf), (nan, nan)),
    ),
}


def _softplus(x: Any) -> Any:
    return max(x, mpmath.mpf(0)) + mpmath.log1p(mpmath.exp(-abs(x)))


def _logit_end(p: Any) -> Any:
    return -mpmath.inf if p == 0 else mpmath.inf if p == 1 else mpmath.nan


def _exponents(count: int, dtype: Any, rng: np.random.Generator) -> tuple[Array, Array]:
    """Exponents whose sum's logarithm is not near 0, where no two floats determine it well."""
    x = rng.choice([1.0, 10.0, 100.0, 1e6], count) * rng.uniform(0.0, 1.0, count)
    y = x + rng.normal(size=count) * rng.choice([1e-6, 0.1, 1.0, 20.0], count)
    x, y = np.where(np.minimum(x, y) > 0.0, 1.0, -1.0) * [x, y]
    far = np.maximum(x, y) < 0.0
    return (x - 2.0 * far).astype(dtype), (y - 2.0 * far).astype(dtype)


def _log_add_exp(x: Any, y: Any) -> Any:
    if mpmath.isinf(x) or mpmath.isinf(y):
        return max(x, y)
    return max(x, y) + mpmath.log1p(mpmath.exp(-abs(x - y)))


def _power(x: Any, y: Any) -> Any:
    if y == 0 or x == 1:
        return mpmath.mpf(1)
    return mpmath.power(x, y)


def _powers(count: int, dtype: Any, rng: np.random.Generator) -> tuple[Array, Array]:
    """Bases and exponents whose powers are finite or nearly so, most of them."""
    reach = 1100.0 if dtype is np.float64 else 155.0
    part = count // 5
    with np.errstate(over="ignore"):
        base = np.exp2(rng.uniform(-reach, reach, part))  # every magnitude of x
    near = 1.0 + rng.normal(size=part) * 10.0 ** rng.uniform(-7.0, -1.0, part)  # large y
    plain = rng.uniform(0.0, 10.0, part)
    negative = -rng.uniform(0.0, 10.0, part)
    x = np.concatenate([base, near, plain, negative, rng.uniform(0.5, 2.0, part)])
    with np.errstate(all="ignore"):
        y = rng.uniform(-reach, reach, x.size) / np.log2(np.abs(x))
    y[2 * part : 3 * part] = rng.uniform(-5.0, 5.0, part)
    y[3 * part : 4 * part] = rng.integers(-30, 30, part)
    with np.errstate(over="ignore"):
        return x.astype(dtype), y.astype(dtype)


def _angle(y: Any, x: Any) -> Any:
    if (y == 0 and x == 0) or (mpmath.isinf(y) and mpmath.isinf(x)):
        return mpmath.mpf(float(np.arctan2(float(y), float(x))))
    return mpmath.atan2(y, x)


def _points(count: int, dtype: Any, rng: np.random.Generator) -> tuple[Array, Array]:
    """Two numbers of any bits, of like size, of the same octant's edges, or tiny or huge."""
    kind = np.int64 if dtype is np.float64 else np.int32
    low, high = np.iinfo(kind).min, np.iinfo(kind).max
    y, x = (rng.integers(low, high, count, kind, endpoint=True).view(dtype) for _ in range(2))
    part = count // 5
    sign = rng.choice([-1.0, 1.0], part)
    with np.errstate(all="ignore"):
        y[:part] = (x[:part] * (sign * np.exp2(rng.uniform(-3.0, 3.0, part)))).astype(dtype)
        y[part : 3 * part] = rng.uniform(-1.0, 1.0, 2 * part).astype(dtype)
        x[part : 2 * part] = rng.uniform(-1.0, 1.0, part).astype(dtype)
        y[3 * part : 4 * part] = x[3 * part : 4 * part] * dtype(np.tan(np.pi / 8))
    return y, x


def _c99_angles() -> Special:
    """atan2 of all pairs of zeros, infinities, NaN and ones."""
    values = (0.0, -0.0, 1.0, -1.0, inf, -inf, nan)
    return tuple((y, x, math.atan2(y, x)) for y in values for x in values)


BINARY: dict[str, Case] = {
    "atan2": Case(_angle, np.arctan2, draw=_points, special=_c99_angles()),
    "hypot": Case(
        lambda x, y: mpmath.sqrt(x * x + y * y),
        np.hypot,
        draw=_points,
        special=(
            (3, 4, 5),
            (-5, 12, 13),
            (0, -0.0, 0),
            (1e-40, 0, 1e-40),
            (-1e30, 0, 1e30),
            (inf, nan, inf),
            (nan, -inf, inf),
            (nan, 1, nan),
            (1, nan, nan),
            (-inf, 3, inf),
        ),
    ),
    "logaddexp": Case(
        _log_add_exp,
        np.logaddexp,
        draw=_exponents,
        special=(
            (-inf, -inf, -inf),
            (inf, inf, inf),
            (inf, -inf, inf),
            (-inf, 2.5, 2.5),
            (inf, 0, inf),
            (nan, 1, nan),
            (inf, nan, nan),
            (1e30, -1e30, 1e30),
        ),
    ),
    "pow": Case(
        _power,
        np.power,
        draw=_powers,
        special=(
            *((x, 0.0, 1.0) for x in (0.0, 1.0, -2.0, inf, -inf, nan)),
            *((1.0, y, 1.0) for y in (1e30, -inf, inf, nan, 0.5)),
            *((-1.0, y, 1.0) for y in (inf, -inf, 1e30)),
            *((0.0, y, 0.0) for y in (1.0, 2.0, 0.5, inf)),
            *((0.0, y, inf) for y in (-1.0, -2.0, -0.5, -inf)),
            *((-0.0, y, z) for y, z in ((3.0, -0.0), (2.0, 0.0), (0.5, 0.0), (inf, 0.0))),
            *((-0.0, y, z) for y, z in ((-3.0, -inf), (-2.0, inf), (-0.5, inf), (-inf, inf))),
            *((inf, y, z) for y, z in ((2.0, inf), (0.5, inf), (-2.0, 0.0), (inf, inf))),
            *((-inf, y, z) for y, z in ((3.0, -inf), (2.0, inf), (-3.0, -0.0), (0.5, inf))),
            *((0.5, y, z) for y, z in ((inf, 0.0), (-inf, inf), (nan, nan), (-1.0, 2.0))),
            *((2.0, y, z) for y, z in ((inf, inf), (-inf, 0.0), (10.0, 1024.0), (1.0, 2.0))),
            *((-8.0, y, z) for y, z in ((3.0, -512.0), (2.0, 64.0), (0.5, nan), (-1.0, -0.125))),
            *((3.0, y, z) for y, z in ((2.0, 9.0), (4.0, 81.0), (1.0, 3.0))),
            (nan, 1.0, nan),
            (nan, inf, nan),
            (-0.5, inf, 0.0),
            (-2.0, -inf, 0.0),
        ),
    ),
}
