"""Whether a function of linear algebra raises for these matrices: 1 in an array of one element, or
0.  It is asked in ``try`` statements, where that is a branch like any other."""

from __future__ import annotations

from typing import Any

import numpy as np

from adcompile.runtime import decompositions, systems
from adcompile.runtime.helper import njit

_flags = {"cache": True, "error_model": "numpy", "fastmath": False, "boundscheck": False}


@njit(**_flags)
def inv_fails(a: Any) -> Any:
    out = np.ones(1, np.int64)
    try:
        out[0] = min(np.linalg.inv(a).size, 0)
    except Exception:
        out[0] = 1
    return out


@njit(**_flags)
def solve_fails(a: Any, b: Any) -> Any:
    out = np.ones(1, np.int64)
    try:
        out[0] = min(np.linalg.solve(a, b).size, 0)
    except Exception:
        out[0] = 1
    return out


@njit(**_flags)
def cholesky_fails(a: Any) -> Any:
    out = np.ones(1, np.int64)
    try:
        out[0] = min(np.linalg.cholesky(a).size, 0)
    except Exception:
        out[0] = 1
    return out


@njit(**_flags)
def det_fails(a: Any) -> Any:
    out = np.ones(1, np.int64)
    try:
        size = np.abs(np.linalg.det(a))  # perhaps nan
        out[0] = 1 if size < 0 else 0
    except Exception:
        out[0] = 1
    return out


@njit(**_flags)
def eigh_fails(a: Any) -> Any:
    out = np.ones(1, np.int64)
    try:
        out[0] = min(decompositions.eigh(a).size, 0)
    except Exception:
        out[0] = 1
    return out


@njit(**_flags)
def svd_fails(a: Any) -> Any:
    out = np.ones(1, np.int64)
    try:
        out[0] = min(decompositions.svd(a).size, 0)
    except Exception:
        out[0] = 1
    return out


@njit(**_flags)
def qr_fails(a: Any) -> Any:
    out = np.ones(1, np.int64)
    try:
        out[0] = min(decompositions.qr(a).size, 0)
    except Exception:
        out[0] = 1
    return out


@njit(**_flags)
def pinv_fails(a: Any) -> Any:
    out = np.ones(1, np.int64)
    try:
        out[0] = min(np.linalg.pinv(a).size, 0)
    except Exception:
        out[0] = 1
    return out


@njit(**_flags)
def lstsq_fails(a: Any, b: Any) -> Any:
    out = np.ones(1, np.int64)
    try:
        out[0] = min(systems.lstsq(a, b).size, 0)
    except Exception:
        out[0] = 1
    return out


@njit(**_flags)
def triangular_fails(a: Any, b: Any) -> Any:
    """SciPy wants finite numbers and no zero on the diagonal."""
    out = np.ones(1, np.int64)
    if a.shape[0] == a.shape[1] == b.shape[0]:
        finite = np.all(np.isfinite(a)) and np.all(np.isfinite(b))
        out[0] = 0 if finite and np.all(np.diag(a) != 0) else 1
    return out


@njit(**_flags)
def unit_triangular_fails(a: Any, b: Any) -> Any:
    out = np.ones(1, np.int64)
    if a.shape[0] == a.shape[1] == b.shape[0]:
        out[0] = 0 if np.all(np.isfinite(a)) and np.all(np.isfinite(b)) else 1
    return out
