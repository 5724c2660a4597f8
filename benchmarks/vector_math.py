"""adcompile.vectormath against the same loop with Numba's own functions, and against NumPy.

python -m benchmarks.vector_math [--write] [function ...]

Nanoseconds per element of arrays of 4096, which fit the first-level cache; one thread.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.special
from numba import njit
from numpy.typing import NDArray

from adcompile import vectormath as vm
from adcompile.runtime import likelihood
from benchmarks.elementary import Range
from benchmarks.measure import Times, interleave
from benchmarks.page import table, write

Array = NDArray[Any]

SIZE = 4096
REPEAT = 20


@dataclass(frozen=True)
class Row:
    """``plain``: what one writes for Numba without this module.  ``array``: NumPy's function, or
    SciPy's, with an ``out``.  ``ranges``: of the arguments."""

    plain: Callable[..., Any]
    array: Callable[..., Any]
    ranges: tuple[Range, ...]


@njit(error_model="numpy")
def _expit(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-x))


@njit(error_model="numpy")
def _softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


@njit(error_model="numpy")
def _log_expit(x: float) -> float:
    return min(x, 0.0) - math.log1p(math.exp(-abs(x)))


@njit(error_model="numpy")
def _logit(p: float) -> float:
    return math.log(p / (1.0 - p))


@njit(error_model="numpy")
def _power(x: float, y: float) -> float:
    return math.pow(x, y)


ROWS: dict[str, Row] = {
    "exp": Row(math.exp, np.exp, ((-10.0, 10.0),)),
    "exp2": Row(np.exp2, np.exp2, ((-10.0, 10.0),)),
    "expm1": Row(math.expm1, np.expm1, ((-10.0, 10.0),)),
    "log": Row(math.log, np.log, ((0.01, 10.0),)),
    "log2": Row(np.log2, np.log2, ((0.01, 10.0),)),
    "log10": Row(math.log10, np.log10, ((0.01, 10.0),)),
    "log1p": Row(math.log1p, np.log1p, ((-0.9, 10.0),)),
    "tanh": Row(math.tanh, np.tanh, ((-4.0, 4.0),)),
    "sinh": Row(math.sinh, np.sinh, ((-4.0, 4.0),)),
    "cosh": Row(math.cosh, np.cosh, ((-4.0, 4.0),)),
    "asinh": Row(math.asinh, np.arcsinh, ((-4.0, 4.0),)),
    "acosh": Row(math.acosh, np.arccosh, ((1.0, 8.0),)),
    "atanh": Row(math.atanh, np.arctanh, ((-0.99, 0.99),)),
    "logit": Row(_logit, scipy.special.logit, ((0.01, 0.99),)),
    "cbrt": Row(np.cbrt, np.cbrt, ((-8.0, 8.0),)),
    "expit": Row(_expit, scipy.special.expit, ((-10.0, 10.0),)),
    "softplus": Row(_softplus, lambda x, out: np.logaddexp(x, 0.0, out=out), ((-10.0, 10.0),)),
    "log_expit": Row(_log_expit, scipy.special.log_expit, ((-10.0, 10.0),)),
    "sin": Row(math.sin, np.sin, ((-10.0, 10.0),)),
    "cos": Row(math.cos, np.cos, ((-10.0, 10.0),)),
    "tan": Row(math.tan, np.tan, ((-10.0, 10.0),)),
    "asin": Row(math.asin, np.arcsin, ((-1.0, 1.0),)),
    "acos": Row(math.acos, np.arccos, ((-1.0, 1.0),)),
    "atan": Row(math.atan, np.arctan, ((-4.0, 4.0),)),
    "atan2": Row(math.atan2, np.arctan2, ((-4.0, 4.0), (-4.0, 4.0))),
    "hypot": Row(math.hypot, np.hypot, ((-4.0, 4.0), (-4.0, 4.0))),
    "logaddexp": Row(np.logaddexp, np.logaddexp, ((-4.0, 4.0), (-4.0, 4.0))),
    "erf": Row(math.erf, scipy.special.erf, ((-3.0, 3.0),)),
    "erfc": Row(math.erfc, scipy.special.erfc, ((-3.0, 3.0),)),
    "ndtr": Row(likelihood.ndtr, scipy.special.ndtr, ((-4.0, 4.0),)),
    "log_ndtr": Row(likelihood.log_ndtr, scipy.special.log_ndtr, ((-4.0, 4.0),)),
    "pow": Row(_power, np.power, ((0.1, 10.0), (-3.0, 3.0))),
}


def loop(function: Any, count: int) -> Any:
    """``out[i] = function(x[i], ...)`` for all i, compiled."""
    if count == 1:

        @njit(error_model="numpy")
        def over(x: Array, out: Array) -> None:
            for i in range(x.shape[0]):
                out[i] = function(x[i])

        return over

    @njit(error_model="numpy")
    def over_two(x: Array, y: Array, out: Array) -> None:
        for i in range(x.shape[0]):
            out[i] = function(x[i], y[i])

    return over_two


def measure(name: str, row: Row, dtype: Any) -> Times:
    rng = np.random.default_rng(0)
    arguments = tuple(rng.uniform(*r, SIZE).astype(dtype) for r in row.ranges)
    outs = {kind: np.empty(SIZE, dtype) for kind in ("vm", "plain", "NumPy")}
    ours, plain = loop(getattr(vm, name), len(arguments)), loop(row.plain, len(arguments))
    calls: dict[str, Callable[[], object]] = {
        "vm": lambda: ours(*arguments, outs["vm"]),
        "plain": lambda: plain(*arguments, outs["plain"]),
        "NumPy": lambda: row.array(*arguments, out=outs["NumPy"]),
    }
    for call in calls.values():
        call()
    wide = {np.float64: 1e-13, np.float32: 1e-5}[dtype]
    np.testing.assert_allclose(outs["vm"], outs["plain"], rtol=wide, atol=wide)
    np.testing.assert_allclose(outs["vm"], outs["NumPy"], rtol=wide, atol=wide)
    return interleave(calls, repeat=REPEAT)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="into docs/vector_math.md")
    parser.add_argument("function", nargs="*")
    options = parser.parse_args()
    lines = []
    for name, row in ROWS.items():
        if options.function and name not in options.function:
            continue
        line = [f"`{name}`"]
        for dtype in (np.float64, np.float32):
            times = measure(name, row, dtype)
            each = [times.median(kind) / SIZE * 1e9 for kind in ("vm", "plain", "NumPy")]
            ratio = times.ratio("plain", "vm").median
            line += [*(f"{ns:.2f}" for ns in each), f"{ratio:.1f}"]
            print(
                f"{name:10} {dtype.__name__}: vm {each[0]:.2f} ns, plain Numba {each[1]:.2f}, "
                f"NumPy {each[2]:.2f}; plain / vm {times.ratio('plain', 'vm')}"
            )
        lines.append(line)
    columns = ["here (ns)", "plain Numba", "NumPy", "plain / here"]
    head = ["function", *(f"{width} {c}" for width in ("float64", "float32") for c in columns)]
    if options.write:
        write("vector_math.md", "speed", table(head, lines))


if __name__ == "__main__":
    main()
