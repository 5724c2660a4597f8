"""NumPy functions that are short programs: their calls are those of the functions here."""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np


def unique(ar):
    """``np.unique`` without its keywords: the sorted elements, each once."""
    ordered = np.sort(ar.ravel())
    first = np.ones(ordered.size, dtype=np.bool_)
    first[1:] = ordered[1:] != ordered[:-1]
    return ordered[first]


def nanmedian(a):
    """Of all elements, as Numba has it."""
    return np.nanpercentile(a, 50.0)


def nanpercentile(a, q):
    flat = a.ravel()
    kept = flat[~np.isnan(flat)]
    if kept.size == 0:
        kept = np.full(1, np.nan, dtype=flat.dtype)
    return np.percentile(kept, q)


def nanquantile(a, q):
    flat = a.ravel()
    kept = flat[~np.isnan(flat)]
    if kept.size == 0:
        kept = np.full(1, np.nan, dtype=flat.dtype)
    return np.quantile(kept, q)


_PROGRAMS: tuple[tuple[Callable[..., Any], Any], ...] = (
    (np.unique, unique),
    (np.nanmedian, nanmedian),
    (np.nanpercentile, nanpercentile),
    (np.nanquantile, nanquantile),
)


def program_of(func: object) -> FunctionType | None:
    """The program that stands for a function of NumPy's."""
    return next((program for known, program in _PROGRAMS if known is func), None)
