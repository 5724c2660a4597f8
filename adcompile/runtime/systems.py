"""Triangular systems and least squares: the operations, their adjoints and tangents.

Notation as in linalg.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from adcompile.runtime.conjugate import conj, ct
from adcompile.runtime.helper import njit

_flags = {"cache": True, "error_model": "numpy", "fastmath": False, "boundscheck": False}


# T X = B with T the lower or upper triangle of A, its diagonal taken as ones for _unit: with
# W = T^-T X', B' += W and A' -= W X^T, the elements of T only.


@njit(**_flags)
def _by_rows(x: Any) -> Any:
    """A vector or matrix as rows to which multiples of others are added."""
    return x.reshape((x.shape[0], x.size // max(x.shape[0], 1)))


_BLOCK = 48  # rows that are solved one by one; what lies between blocks is a matrix product


@njit(**_flags)
def forwards(a: Any, b: Any, unit: bool) -> Any:
    """T^-1 b for the lower triangle T of ``a``."""
    out = b.copy()
    rows = _by_rows(out)
    n = a.shape[0]
    for start in range(0, n, _BLOCK):
        stop = min(start + _BLOCK, n)
        if start > 0:
            rows[start:stop] -= np.dot(np.ascontiguousarray(a[start:stop, :start]), rows[:start])
        for i in range(start, stop):
            for j in range(start, i):
                for k in range(rows.shape[1]):
                    rows[i, k] -= a[i, j] * rows[j, k]
            if not unit:
                for k in range(rows.shape[1]):
                    rows[i, k] /= a[i, i]
    return out


@njit(**_flags)
def backwards(a: Any, b: Any, unit: bool) -> Any:
    """T^-1 b for the upper triangle T of ``a``."""
    out = b.copy()
    rows = _by_rows(out)
    n = a.shape[0]
    for start in range((n - 1) // _BLOCK * _BLOCK, -1, -_BLOCK):
        stop = min(start + _BLOCK, n)
        if stop < n:
            rows[start:stop] -= np.dot(np.ascontiguousarray(a[start:stop, stop:]), rows[stop:])
        for i in range(stop - 1, start - 1, -1):
            for j in range(i + 1, stop):
                for k in range(rows.shape[1]):
                    rows[i, k] -= a[i, j] * rows[j, k]
            if not unit:
                for k in range(rows.shape[1]):
                    rows[i, k] /= a[i, i]
    return out


@njit(**_flags)
def _refuse_zeros(a: Any) -> None:
    """As SciPy does."""
    for i in range(a.shape[0]):
        if a[i, i] == 0.0:
            raise np.linalg.LinAlgError("singular matrix: a zero on the diagonal of a triangle")


@njit(**_flags)
def solve_lower(a: Any, b: Any) -> Any:
    _refuse_zeros(a)
    return forwards(a, b, False)


@njit(**_flags)
def solve_lower_unit(a: Any, b: Any) -> Any:
    return forwards(a, b, True)


@njit(**_flags)
def solve_upper(a: Any, b: Any) -> Any:
    _refuse_zeros(a)
    return backwards(a, b, False)


@njit(**_flags)
def solve_upper_unit(a: Any, b: Any) -> Any:
    return backwards(a, b, True)


@njit(**_flags)
def _less_products(a_adj: Any, w: Any, x: Any, first: int, last: int) -> None:
    """a_adj_ij -= w_i x_j where first <= j - i <= last."""
    left, right = _by_rows(w), _by_rows(x)
    n = left.shape[0]
    for i in range(n):
        for j in range(max(i + first, 0), min(i + last, n - 1) + 1):
            for k in range(left.shape[1]):
                a_adj[i, j] -= left[i, k] * right[j, k]


@njit(**_flags)
def _triangle_times(t: Any, x: Any, first: int, last: int) -> Any:
    """The part of ``t`` where first <= j - i <= last, times x."""
    out = np.zeros_like(x)
    left, right = _by_rows(out), _by_rows(x)
    n = t.shape[0]
    for i in range(n):
        for j in range(max(i + first, 0), min(i + last, n - 1) + 1):
            for k in range(right.shape[1]):
                left[i, k] += t[i, j] * right[j, k]
    return out


@njit(**_flags)
def solve_lower_matrix(a_adj: Any, x_adj: Any, a: Any, x: Any) -> None:
    _less_products(a_adj, backwards(a.T, x_adj, False), x, -a.shape[0], 0)


@njit(**_flags)
def solve_lower_rhs(b_adj: Any, x_adj: Any, a: Any) -> None:
    b_adj += backwards(a.T, x_adj, False)


@njit(**_flags)
def solve_lower_unit_matrix(a_adj: Any, x_adj: Any, a: Any, x: Any) -> None:
    _less_products(a_adj, backwards(a.T, x_adj, True), x, -a.shape[0], -1)


@njit(**_flags)
def solve_lower_unit_rhs(b_adj: Any, x_adj: Any, a: Any) -> None:
    b_adj += backwards(a.T, x_adj, True)


@njit(**_flags)
def solve_upper_matrix(a_adj: Any, x_adj: Any, a: Any, x: Any) -> None:
    _less_products(a_adj, forwards(a.T, x_adj, False), x, 0, a.shape[0])


@njit(**_flags)
def solve_upper_rhs(b_adj: Any, x_adj: Any, a: Any) -> None:
    b_adj += forwards(a.T, x_adj, False)


@njit(**_flags)
def solve_upper_unit_matrix(a_adj: Any, x_adj: Any, a: Any, x: Any) -> None:
    _less_products(a_adj, forwards(a.T, x_adj, True), x, 1, a.shape[0])


@njit(**_flags)
def solve_upper_unit_rhs(b_adj: Any, x_adj: Any, a: Any) -> None:
    b_adj += forwards(a.T, x_adj, True)


# X = T^-1 B: dX = T^-1 (dB - dT X).


@njit(**_flags)
def solve_lower_matrix_tangent(x_tan: Any, a_tan: Any, a: Any, x: Any) -> None:
    x_tan -= forwards(a, _triangle_times(a_tan, x, -a.shape[0], 0), False)


@njit(**_flags)
def solve_lower_rhs_tangent(x_tan: Any, b_tan: Any, a: Any) -> None:
    x_tan += forwards(a, b_tan, False)


@njit(**_flags)
def solve_lower_unit_matrix_tangent(x_tan: Any, a_tan: Any, a: Any, x: Any) -> None:
    x_tan -= forwards(a, _triangle_times(a_tan, x, -a.shape[0], -1), True)


@njit(**_flags)
def solve_lower_unit_rhs_tangent(x_tan: Any, b_tan: Any, a: Any) -> None:
    x_tan += forwards(a, b_tan, True)


@njit(**_flags)
def solve_upper_matrix_tangent(x_tan: Any, a_tan: Any, a: Any, x: Any) -> None:
    x_tan -= backwards(a, _triangle_times(a_tan, x, 0, a.shape[0]), False)


@njit(**_flags)
def solve_upper_rhs_tangent(x_tan: Any, b_tan: Any, a: Any) -> None:
    x_tan += backwards(a, b_tan, False)


@njit(**_flags)
def solve_upper_unit_matrix_tangent(x_tan: Any, a_tan: Any, a: Any, x: Any) -> None:
    x_tan -= backwards(a, _triangle_times(a_tan, x, 1, a.shape[0]), True)


@njit(**_flags)
def solve_upper_unit_rhs_tangent(x_tan: Any, b_tan: Any, a: Any) -> None:
    x_tan += backwards(a, b_tan, True)


# x = A^+ b of least norm, at constant rank.  With P = A^+ and r = b - A x (the derivative of P as
# in linalg.py): dx = P (db - dA x) + P P^H dA^H r + (I - P A) dA^H P^H x.  In reverse, for g the
# adjoint of x and <X, Y> = Re tr(X^H Y): b receives P^H g, and A
# -P^H g x^H + r (P P^H g)^H + P^H x ((I - P A) g)^H.


@njit(**_flags)
def lstsq(a: Any, b: Any) -> Any:
    if a.size == 0:
        return np.zeros((a.shape[1],) + b.shape[1:], a.dtype)
    least = np.finfo(a.dtype).eps * max(a.shape[0], a.shape[1])
    return np.linalg.lstsq(a.copy(), b.copy(), least)[0]


@njit(**_flags)
def _inverse(a: Any) -> Any:
    least = np.finfo(a.dtype).eps * max(a.shape[0], a.shape[1])
    return np.linalg.pinv(a, least)


@njit(**_flags)
def _outer_sum(u: Any, v: Any) -> Any:
    """u v^H for vectors, or for the columns of matrices."""
    return np.dot(_by_rows(u), ct(_by_rows(v)))


@njit(**_flags)
def lstsq_matrix(a_adj: Any, x_adj: Any, a: Any, b: Any, x: Any) -> None:
    p = _inverse(a)
    g, known = conj(x_adj.copy()), x.copy()
    up = np.dot(ct(p), g)
    found = _outer_sum(b - np.dot(a, known), np.dot(p, up)) - _outer_sum(up, known)
    found += _outer_sum(np.dot(ct(p), known), g - np.dot(p, np.dot(a, g)))
    a_adj += conj(found)


@njit(**_flags)
def lstsq_rhs(b_adj: Any, x_adj: Any, a: Any) -> None:
    b_adj += np.dot(_inverse(a).T, x_adj.copy())


@njit(**_flags)
def lstsq_matrix_tangent(x_tan: Any, a_tan: Any, a: Any, b: Any, x: Any) -> None:
    p = _inverse(a)
    known = x.copy()
    x_tan -= np.dot(p, np.dot(a_tan, known))
    x_tan += np.dot(p, np.dot(ct(p), np.dot(ct(a_tan), b - np.dot(a, known))))
    free = np.dot(ct(a_tan), np.dot(ct(p), known))
    x_tan += free - np.dot(p, np.dot(a, free))


@njit(**_flags)
def lstsq_rhs_tangent(x_tan: Any, b_tan: Any, a: Any) -> None:
    x_tan += np.dot(_inverse(a), b_tan.copy())
