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
    error; the degree for each width."""

    target: Function
    weight: Function
    low: Callable[[], Real]
    high: Callable[[], Real]
    degrees: dict[int, int]


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


def fit(case: Fit, bits: int) -> tuple[list[float], Real]:
    """Rounded coefficients, the constant first, and the largest relative error."""
    degree = case.degrees[bits]
    low, high = case.low(), case.high()
    points = _chebyshev(low, high, 12 * (degree + 1))
    plain = [abs(case.weight(x)) for x in points]
    emphasis = [mpmath.mpf(1)] * len(points)
    left = [case.target(x) for x in points]
    done: list[float] = []
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
        done.append(float(found[0]) if bits == 64 else float(np.float32(float(found[0]))))
        left = [v - mpmath.mpf(done[-1]) * x**k for v, x in zip(left, points)]
    exact = [mpmath.mpf(c) for c in reversed(done)]
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


def main() -> None:
    with mpmath.workprec(300):
        for name in sys.argv[1:] or FITS:
            for bits in FITS[name].degrees:
                coefficients, error = fit(FITS[name], bits)
                print(f"{name} float{bits}: error 2^{mpmath.nstr(mpmath.log(error, 2), 4)}")
                for c in coefficients:
                    print(f"    {c!r}," if bits == 64 else f"    {np.float32(c)},")


if __name__ == "__main__":
    main()
