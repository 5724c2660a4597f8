"""The functions of adcompile.vectormath: what is true of each, and where to look hard."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np

inf, nan = math.inf, math.nan
Range = tuple[float, float]
Special = tuple[tuple[float, ...], ...]  # arguments, then the result


@dataclass(frozen=True)
class Case:
    """``exact``: in mpmath.  ``wide``: NumPy's or SciPy's, in float64 the reference of float32;
    where it is a ufunc that takes long double, it finds the float64 arguments to look at.
    ``ranges``: where to sample besides the usual places.  ``special``: arguments and exact
    results, for both widths."""

    exact: Callable[..., Any]
    wide: Callable[..., Any]
    ranges: tuple[Range, ...] = ()
    special: Special = ()


def _log(exact: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def logarithm(x: Any) -> Any:
        if x == 0:
            return -mpmath.inf
        return exact(x) if x > 0 else mpmath.nan

    return logarithm


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


def _softplus(x: Any) -> Any:
    return max(x, mpmath.mpf(0)) + mpmath.log1p(mpmath.exp(-abs(x)))
