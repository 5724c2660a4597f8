"""The pseudoinverse without the singular values below a cutoff that is not rounding.

P^H = U diag(f) V^H with f_i = 1 / s_i above the cutoff and 0 below it, a function of the singular
values (V. Noferini, "A formula for the Frechet derivative of a generalized matrix function", 2017):
with E = U^H dA V, its parts H = (E + E^H) / 2 and K = (E - E^H) / 2, and
G_ij = (f_i - f_j) / (s_i - s_j), L_ij = (f_i + f_j) / (s_i + s_j),

    L(dA) = U (G * H + L * K) V^H + (I - U U^H) dA V diag(f / s) V^H
            + U diag(f / s) U^H dA (I - V V^H),        dP = L(dA)^H.

L is its own adjoint, so A' = conj(L(P'^T)).  A singular value that crosses the cutoff makes a jump.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from adcompile.runtime.conjugate import conj, ct
from adcompile.runtime.helper import njit

_flags = {"cache": True, "error_model": "numpy", "fastmath": False, "boundscheck": False}


@njit(**_flags)
def _inverses(s: Any, cutoff: Any) -> Any:
    """f.  ``cutoff``: one number, relative to the largest; below 0 it is rounding."""
    given = cutoff[0].real
    least = given if given >= 0.0 else np.finfo(s.dtype).eps
    out = np.zeros_like(s)
    for i in range(s.shape[0]):
        if s[i] > least * s[0]:
            out[i] = 1.0 / s[i]
    return out


@njit(**_flags)
def rank_above(s: Any, cutoff: Any) -> Any:
    """How many singular values are not cut off, in an array of one."""
    return np.array([np.count_nonzero(_inverses(s, cutoff))], np.int64)


@njit(**_flags)
def pinv_cut(a: Any, cutoff: Any) -> Any:
    if a.size == 0:
        return np.zeros((a.shape[1], a.shape[0]), a.dtype)
    u, s, vt = np.linalg.svd(a, False)
    return np.dot((ct(vt) * _inverses(s, cutoff)).copy(), ct(u).copy())


@njit(**_flags)
def _differential(a: Any, cutoff: Any, y: Any) -> Any:
    """L(y)."""
    u, s, vt = np.linalg.svd(a, False)
    u, v = u.copy(), ct(vt).copy()
    f = _inverses(s, cutoff)
    e = np.dot(ct(u).copy(), np.dot(y, v))
    inner = np.zeros_like(e)
    for i in range(s.shape[0]):
        for j in range(s.shape[0]):
            even, odd = 0.5 * (e[i, j] + np.conj(e[j, i])), 0.5 * (e[i, j] - np.conj(e[j, i]))
            if f[i] > 0.0 and f[j] > 0.0:
                inner[i, j] = f[i] * f[j] * (odd - even)
            elif f[i] > 0.0 or f[j] > 0.0:
                one, other = (i, j) if f[i] > 0.0 else (j, i)
                inner[i, j] = f[one] * (
                    even * (1.0 / (s[one] - s[other])) + odd * (1.0 / (s[one] + s[other]))
                )
    found = np.dot(u, np.dot(inner, ct(v).copy()))
    squares = f * f
    right = np.dot(y, v) - np.dot(u, e)
    left = np.dot(ct(u).copy(), y) - np.dot(e, ct(v).copy())
    found += np.dot((right * squares).copy(), ct(v).copy())
    found += np.dot((u * squares).copy(), left)
    return found


@njit(**_flags)
def pinv_cut_adjoint(a_adj: Any, p_adj: Any, a: Any, cutoff: Any) -> None:
    if a.size > 0:
        a_adj += conj(_differential(a, cutoff, p_adj.T.copy()))


@njit(**_flags)
def pinv_cut_tangent(p_tan: Any, a_tan: Any, a: Any, cutoff: Any) -> None:
    if a.size > 0:
        p_tan += ct(_differential(a, cutoff, a_tan.copy()))


@njit(**_flags)
def cutoff_adjoint(cutoff_adj: Any, p_adj: Any) -> None:
    """Nothing: a step function."""


@njit(**_flags)
def cutoff_tangent(p_tan: Any, cutoff_tan: Any) -> None:
    """Nothing."""
