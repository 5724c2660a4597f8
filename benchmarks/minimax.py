"""Coefficients in adcompile.runtime.vectormath: polynomials of small largest relative error.

python -m benchmarks.minimax [name ...]

Weighted least squares at Chebyshev points in 300 bits, the weights moved towards where the error is
large (C. Lawson, 1961), which comes to within a few per cent of the best polynomial.  Coefficients
are rounded one after the other, and the rest fitted again to what is left.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np

Real = Any  # mpmath's numbers
Function = Callable[[Real], Real]


@dataclass(frozen=True)
class Fit:
    """``target`` on [low, high]; ``weight``: what an error in it does to the function's relative
    error; the degree for each width.  The first ``parted`` coefficients are two numbers each, the
    first of them short."""

    target: Function
    weight: Function
    low: Callable[[], Real]
    high: Callable[[], Real]
    degrees: dict[int, int]
    parted: int = 0


def _least_squares(
    points: list[Real], values: list[Real], weights: list[Real], powers: range
) -> Any:
    rows = [[w * x**p for p in powers] for x, w in zip(points, weights)]
    size = len(powers)
    normal, right = mpmath.matrix(size, size), mpmath.matrix(size, 1)
    for i in range(size):
        for j in range(size):
            normal[i, j] = mpmath.fsum(row[i] * row[j] for row in rows)
        right[i] = mpmath.fsum(r[i] * w * v for r, w, v in zip(rows, weights, values))
    return list(mpmath.lu_solve(normal, right))


def _chebyshev(low: Real, high: Real, count: int) -> list[Real]:
    middle, half = (low + high) / 2, (high - low) / 2
    return [middle - half * mpmath.cospi(mpmath.mpf(2 * i + 1) / (2 * count)) for i in range(count)]


def _rounded(value: Real, bits: int) -> float:
    return float(value) if bits == 64 else float(np.float32(float(value)))


def _parted(value: Real, bits: int) -> tuple[float, float]:
    unit = mpmath.mpf(2) ** {64: -40, 32: -14}[bits]
    short = mpmath.nint(value / unit) * unit
    return float(short), _rounded(value - short, bits)


def fit(case: Fit, bits: int) -> tuple[list[tuple[float, ...]], Real]:
    """Rounded coefficients, the constant first, and the largest relative error."""
    degree = case.degrees[bits]
    low, high = case.low(), case.high()
    points = _chebyshev(low, high, 12 * (degree + 1))
    plain = [abs(case.weight(x)) for x in points]
    emphasis = [mpmath.mpf(1)] * len(points)
    left = [case.target(x) for x in points]
    done: list[tuple[float, ...]] = []
    for k in range(degree + 1):
        powers = range(k, degree + 1)
        for _ in range(1 if k else 8):
            weights = [w * mpmath.sqrt(e) for w, e in zip(plain, emphasis)]
            found = _least_squares(points, left, weights, powers)
            if not k:
                errors = [
                    w * abs(v - mpmath.polyval(found[::-1], x))
                    for w, v, x in zip(plain, left, points)
                ]
                raised = [e * (v / max(errors) + 0.05) for e, v in zip(emphasis, errors)]
                emphasis = [e / max(raised) for e in raised]
        parts = _parted(found[0], bits) if k < case.parted else (_rounded(found[0], bits),)
        done.append(parts)
        left = [v - mpmath.fsum(parts) * x**k for v, x in zip(left, points)]
    exact = [mpmath.fsum(parts) for parts in reversed(done)]
    error = max(
        abs(case.weight(x) * (case.target(x) - mpmath.polyval(exact, x)))
        for x in _chebyshev(low, high, 997)
    )
    return done, error


def _atanh(z: Real) -> Real:
    """log((1 + s) / (1 - s)) = s (2 + z * this), z = s^2."""
    if z < mpmath.mpf(2) ** -100:
        return mpmath.mpf(2) / 3
    s = mpmath.sqrt(z)
    return (2 * mpmath.atanh(s) / s - 2) / z


def _after(function: Function, known: list[Function], small: Function) -> Function:
    """(function(x) - the known terms) / x^number, ``small`` near 0."""

    def rest(x: Real) -> Real:
        if abs(x) < mpmath.mpf(2) ** -80:
            return small(x)
        return (function(x) - sum(term(x) for term in known)) / x ** len(known)

    return rest


def _half_log_2() -> Real:
    return mpmath.ln2 / 2 * 1.0001


def _largest_z() -> Real:
    return ((mpmath.sqrt(2) - 1) / (mpmath.sqrt(2) + 1)) ** 2 * 1.0001


def _log2(z: Real) -> Real:
    return _atanh(z) / mpmath.ln2


FITS = {
    "exp": Fit(
        _after(mpmath.exp, [lambda r: 1, lambda r: r], lambda r: 0.5 + r / 6),
        lambda r: r * r / mpmath.exp(r),
        lambda: -_half_log_2(),
        _half_log_2,
        {64: 9, 32: 4},
    ),
    "exp2": Fit(
        _after(lambda r: 2**r, [lambda r: 1], lambda r: mpmath.ln2 + mpmath.ln2**2 * r / 2),
        lambda r: r / mpmath.mpf(2) ** r,
        lambda: mpmath.mpf(-0.50001),
        lambda: mpmath.mpf(0.50001),
        {64: 10, 32: 5},
    ),
    "log": Fit(_atanh, lambda z: z / 2, lambda: mpmath.mpf(0), _largest_z, {64: 6, 32: 2}),
    "pow: the end of log2": Fit(
        _after(
            _log2,
            [lambda z: mpmath.mpf(2) / 3 / mpmath.ln2, lambda z: 2 * z / 5 / mpmath.ln2],
            lambda z: (mpmath.mpf(2) / 7 + 2 * z / 9) / mpmath.ln2,
        ),
        lambda z: z**3 / 2 * mpmath.ln2,
        lambda: mpmath.mpf(0),
        _largest_z,
        {64: 6},
    ),
    "pow of float32: log2": Fit(
        _log2, lambda z: z / 2 * mpmath.ln2, lambda: mpmath.mpf(0), _largest_z, {64: 4}
    ),
    "pow of float32: exp2": Fit(
        _after(lambda r: 2**r, [lambda r: 1], lambda r: mpmath.ln2 + mpmath.ln2**2 * r / 2),
        lambda r: r / mpmath.mpf(2) ** r,
        lambda: mpmath.mpf(-0.50001),
        lambda: mpmath.mpf(0.50001),
        {64: 6},
    ),
    "cbrt": Fit(
        lambda m: 1 / mpmath.cbrt(m),
        mpmath.cbrt,
        lambda: mpmath.sqrt(0.5),
        lambda: mpmath.sqrt(2),
        {64: 4, 32: 2},
    ),
}


def _odd(function: Function, first: Function) -> Function:
    """(function(s) - s) / s^3 in z = s^2; ``first`` near 0."""
    return lambda z: first(z) if z < 1e-20 else (function(mpmath.sqrt(z)) / mpmath.sqrt(z) - 1) / z


def _odd_weight(function: Function) -> Function:
    return lambda z: z * mpmath.sqrt(z) / function(mpmath.sqrt(z)) if z else mpmath.mpf(10) ** -40


def _cosine(z: Real) -> Real:
    """(cos(r) - 1 + r^2 / 2) / r^4 in z = r^2."""
    if z < 1e-20:
        return mpmath.mpf(1) / 24 - z / 720
    return (mpmath.cos(mpmath.sqrt(z)) - 1 + z / 2) / (z * z)


def _erf_over_x(z: Real) -> Real:
    x = mpmath.sqrt(z)
    return mpmath.erf(x) / x if z > 1e-20 else 2 / mpmath.sqrt(mpmath.pi) * (1 - z / 3)


def _erfcx(x: Real) -> Real:
    """exp(x^2) erfc(x)."""
    if x < 200:
        return mpmath.exp(x * x) * mpmath.erfc(x)
    series, term = mpmath.mpf(0), mpmath.mpf(1)
    for k in range(16):
        series += term
        term *= -(2 * k + 1) / (2 * x * x)
    return series / (x * mpmath.sqrt(mpmath.pi))


def _scaled(b: float, scale: float, shift: float) -> tuple[Function, Function]:
    """erfcx(x) / y and x, in t = scale * y - shift, y = 1 / (x + b)."""

    def x(t: Real) -> Real:
        return mpmath.mpf(scale) / (t + mpmath.mpf(shift)) - mpmath.mpf(b)

    def target(t: Real) -> Real:
        if t + shift == 0:
            return 1 / mpmath.sqrt(mpmath.pi)
        return _erfcx(x(t)) * (x(t) + mpmath.mpf(b))

    return target, x


def _erfc_fit(b: float, degrees: dict[int, int]) -> Fit:
    target, _ = _scaled(b, 2 * b, 1.0)
    ends = (lambda: mpmath.mpf(-1), lambda: mpmath.mpf(1))
    return Fit(target, lambda t: 1 / target(t), *ends, degrees, parted=2)


def _erf_fit(scale: float, shift: float, degrees: dict[int, int]) -> Fit:
    target, x = _scaled(2.5, scale, shift)

    def weight(t: Real) -> Real:
        return mpmath.exp(-(x(t) ** 2)) / mpmath.erf(x(t)) / (x(t) + 2.5)

    return Fit(target, weight, lambda: mpmath.mpf(-1), lambda: mpmath.mpf(1), degrees)


def _eighth_turn(excess: str) -> Callable[[], Real]:
    return lambda: (mpmath.pi / 4 * mpmath.mpf(excess)) ** 2


def _nothing() -> Real:
    return mpmath.mpf(0)


def _cosine_weight(z: Real) -> Real:
    return z * z / mpmath.cos(mpmath.sqrt(z))


_sine = _odd(mpmath.sin, lambda z: -mpmath.mpf(1) / 6 + z / 120)
FITS |= {
    # |r| may exceed pi/4 by what rounding x 2/pi does to it.
    "sin": Fit(_sine, _odd_weight(mpmath.sin), _nothing, _eighth_turn("1.0001"), {64: 5}),
    "cos": Fit(_cosine, _cosine_weight, _nothing, _eighth_turn("1.0001"), {64: 5}),
    "sin of float32": Fit(_sine, _odd_weight(mpmath.sin), _nothing, _eighth_turn("1.006"), {32: 2}),
    "cos of float32": Fit(_cosine, _cosine_weight, _nothing, _eighth_turn("1.006"), {32: 2}),
    "atan": Fit(
        _odd(mpmath.atan, lambda z: -mpmath.mpf(1) / 3 + z / 5),
        _odd_weight(mpmath.atan),
        _nothing,
        lambda: mpmath.tan(mpmath.pi / 8) ** 2 * 1.00001,
        {64: 10, 32: 4},
    ),
    "asin": Fit(
        _odd(mpmath.asin, lambda z: mpmath.mpf(1) / 6 + 3 * z / 40),
        _odd_weight(mpmath.asin),
        _nothing,
        lambda: mpmath.mpf(1) / 4,
        {64: 11, 32: 4},
    ),
    "erf": Fit(
        lambda z: _erf_over_x(z) - 1,
        lambda z: 1 / _erf_over_x(z),
        _nothing,
        lambda: mpmath.mpf(1),
        {64: 11, 32: 6},
    ),
    "erf beyond 1": _erf_fit(11.9, 2.4, {64: 11}),
    "erf beyond 1 of float32": _erf_fit(91 / 6, 10 / 3, {32: 4}),
    "erfc": _erfc_fit(4.0, {64: 24}),
    "erfc of float32": _erfc_fit(2.0, {32: 10}),
}


def main() -> None:
    with mpmath.workprec(300):
        for name in sys.argv[1:] or FITS:
            for bits in FITS[name].degrees:
                coefficients, error = fit(FITS[name], bits)
                print(f"{name} float{bits}: error 2^{mpmath.nstr(mpmath.log(error, 2), 4)}")
                for parts in coefficients:
                    shown = [repr(c) if bits == 64 else f"{c:.9g}" for c in parts]
                    print("    " + (shown[0] if len(shown) == 1 else f"({', '.join(shown)})") + ",")


if __name__ == "__main__":
    main()
