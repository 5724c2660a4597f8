"""The largest errors of adcompile.vectormath, in units in the last place.

python -m benchmarks.accuracy [--write] [--count N] [function ...]

float64: samples over all bit patterns and where it is hard, the worst of them (by long double,
where NumPy has the function) and some more against mpmath.  float32: 64 times as many samples
against float64.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np
from numba import njit
from numpy.typing import NDArray

from adcompile import vectormath as vm
from benchmarks.elementary import BINARY, UNARY, Case, Range
from benchmarks.page import table, write

Array = NDArray[Any]
USUAL: tuple[Range, ...] = ((-1.0, 1.0), (0.4, 2.5), (-12.0, 12.0), (-750.0, 750.0))
MANTISSA = {np.float64: 52, np.float32: 23}
LOWEST = {np.float64: -1022, np.float32: -126}


@dataclass(frozen=True)
class Worst:
    ulps: float
    at: tuple[float, ...]

    def __str__(self) -> str:
        return f"{self.ulps:.2f}"


def samples(case: Case, dtype: Any, count: int, rng: np.random.Generator) -> tuple[Array, ...]:
    """A quarter over all bit patterns, the rest shared by the ranges."""
    if case.draw is not None:
        return case.draw(count, dtype, rng)
    kind = np.int64 if dtype is np.float64 else np.int32
    low, high = np.iinfo(kind).min, np.iinfo(kind).max
    parts = [rng.integers(low, high, count // 4, kind, endpoint=True).view(dtype)]
    ranges = USUAL + case.ranges
    for start, stop in ranges:
        parts.append(rng.uniform(start, stop, 3 * count // (4 * len(ranges))).astype(dtype))
    if case.hard is not None:
        parts.append(case.hard(count // 4, dtype, rng))
    return (np.concatenate(parts),)


def compiled(name: str) -> Callable[..., Array]:
    function = getattr(vm, name)

    @njit(error_model="numpy")
    def over(*arguments: Array) -> Array:
        return function(*arguments)  # type: ignore[no-any-return]

    return over  # type: ignore[no-any-return]


def approximate_ulps(value: Array, near: Array, dtype: Any) -> Array:
    """The errors of ``value`` against ``near``, an array of a wider type."""
    wide = value.astype(near.dtype)
    infinite = np.ldexp(near.dtype.type(1.0), -LOWEST[dtype] + 2)  # where overflow begins
    with np.errstate(all="ignore"):
        _, exponent = np.frexp(near)
        unit = np.maximum(exponent - 1, LOWEST[dtype]) - MANTISSA[dtype]
        top = np.abs(near) >= infinite
        clipped = np.where(top, np.copysign(infinite, near), near)
        wide = np.where(np.isinf(wide), np.copysign(infinite, wide), wide)
        unit = np.where(top, -LOWEST[dtype] + 1 - MANTISSA[dtype], unit)
        error = np.abs(wide - clipped) / np.ldexp(near.dtype.type(1.0), unit)
    bad = np.isnan(near) != np.isnan(value)
    return np.where(bad, np.inf, np.where(np.isnan(near), 0.0, error)).astype(np.float64)


def exact_ulps(value: float, exact: Any, dtype: Any) -> float:
    """The error of one value against mpmath's."""
    if mpmath.isnan(exact) or np.isnan(value):
        return 0.0 if mpmath.isnan(exact) and np.isnan(value) else np.inf
    infinite = mpmath.ldexp(1, -LOWEST[dtype] + 2)
    sign = -1 if exact < 0 else 1
    exact = sign * min(abs(exact), infinite)
    wide = mpmath.mpf(float(value)) if np.isfinite(value) else np.sign(value) * infinite
    top = -LOWEST[dtype] + 1
    exponent = LOWEST[dtype] if exact == 0 else int(mpmath.frexp(exact)[1]) - 1
    unit = min(max(exponent, LOWEST[dtype]), top) - MANTISSA[dtype]
    return float(abs(wide - exact) / mpmath.ldexp(1, unit))


def worst(name: str, case: Case, dtype: Any, count: int, seed: int = 0) -> Worst:
    """The largest error found; ``count`` float64 arguments go through mpmath."""
    rng = np.random.default_rng(seed)
    function = compiled(name)

    def approximate(number: int, wide: Any) -> tuple[tuple[Array, ...], Array]:
        x = samples(case, dtype, number, rng)
        with np.errstate(all="ignore"):
            near = case.wide(*(part.astype(wide) for part in x))
            return x, approximate_ulps(function(*x), near, dtype)

    def largest(x: tuple[Array, ...], errors: Any) -> Worst:
        k = int(np.argmax(errors))
        return Worst(float(errors[k]), tuple(float(part[k]) for part in x))

    if dtype is np.float32:
        return largest(*approximate(64 * count, np.float64))
    x = samples(case, dtype, count // 2, rng)
    if takes_long_double(case):
        many, errors = approximate(32 * count, np.longdouble)
        hardest = np.argsort(errors)[-count // 2 :]
        x = tuple(np.concatenate([a, b[hardest]]) for a, b in zip(x, many))
    with mpmath.workprec(160):
        exact = [
            exact_ulps(got, exact_value(case, point), dtype)
            for got, *point in zip(function(*x), *x)
        ]
    return largest(x, exact)


def takes_long_double(case: Case) -> bool:
    """Does NumPy's function compute with more digits than a float64 has?"""
    third = np.longdouble(1) / 3
    try:
        with np.errstate(invalid="ignore"):
            value = case.wide(*(third,) * (1 if case.draw is None else 2))
    except TypeError:
        return False
    return bool(value.dtype == np.longdouble and np.finfo(np.longdouble).eps < 2.0**-60)


def exact_value(case: Case, point: list[Any]) -> Any:
    if any(np.isnan(part) for part in point):
        return mpmath.nan
    value = case.exact(*(mpmath.mpf(float(part)) for part in point))
    return mpmath.nan if isinstance(value, mpmath.mpc) else value


def wrong_special(name: str, case: Case, dtype: Any) -> list[str]:
    """What a function gets wrong of its special values: they must agree to the bit."""
    function = compiled(name)
    wrong = []
    for *arguments, expected in case.special:
        got = function(*(np.array([x], dtype) for x in arguments))[0]
        right = dtype(expected)
        same = np.isnan(got) if np.isnan(right) else got == right
        if not same or (not np.isnan(got) and np.signbit(got) != np.signbit(right)):
            wrong.append(f"{name}{tuple(arguments)} = {got}, not {right}")
    return wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="into docs/vector_math.md")
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("function", nargs="*")
    options = parser.parse_args()
    rows = []
    for name, case in (UNARY | BINARY).items():
        if options.function and name not in options.function:
            continue
        row = [f"`{name}`"]
        for dtype in (np.float64, np.float32):
            found = worst(name, case, dtype, options.count)
            special = wrong_special(name, case, dtype)
            print(f"{name} {dtype.__name__}: {found.ulps:.3f} ulp at {found.at}", *special)
            row += [str(found), "wrong" if special else "exact"]
        rows.append(row)
    head = ["function", "float64: largest error (ulp)", "special values"]
    text = table([*head, "float32: largest error (ulp)", "special values"], rows)
    if options.write:
        write("vector_math.md", "accuracy", text)


if __name__ == "__main__":
    main()
