"""Linear algebra of generated code: the operations, their adjoints and their tangents.

An adjoint adds to the shadow of one operand, a tangent to the tangent of the result.  Notation of
the derivations: C = f(A, ...), dC its differential, A' the adjoint of A, so that <A', dA> =
<C', dC>.  (M. Giles, Collected matrix derivative results for forward and reverse mode algorithmic
differentiation, 2008.)  ^H is the conjugate transpose; adjoints of complex values as in
decompositions.py, <A', dA> = Re sum(A' * dA): so those of holomorphic functions do not conjugate.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from adcompile.runtime.conjugate import conj, ct, turned
from adcompile.runtime.helper import njit

_flags = {"cache": True, "error_model": "numpy", "fastmath": False, "boundscheck": False}


# X = A^-1 B: A dX = dB - dA X, so B' += W and A' -= W X^T with W = A^-T X'.


@njit(**_flags)
def solve_rhs(b_adj: Any, x_adj: Any, a: Any) -> None:
    b_adj += np.linalg.solve(a.T, x_adj)


@njit(**_flags)
def solve_1_matrix(a_adj: Any, x_adj: Any, a: Any, x: Any) -> None:
    w = np.linalg.solve(a.T, x_adj)
    for i in range(w.shape[0]):
        for j in range(x.shape[0]):
            a_adj[i, j] -= w[i] * x[j]


@njit(**_flags)
def solve_2_matrix(a_adj: Any, x_adj: Any, a: Any, x: Any) -> None:
    a_adj -= np.dot(np.linalg.solve(a.T, x_adj), x.T)


@njit(**_flags)
def solve_rhs_tangent(x_tan: Any, b_tan: Any, a: Any) -> None:
    x_tan += np.linalg.solve(a, b_tan)


@njit(**_flags)
def solve_matrix_tangent(x_tan: Any, a_tan: Any, a: Any, x: Any) -> None:
    x_tan -= np.linalg.solve(a, np.dot(a_tan, x))


# B = A^-1: dB = -B dA B, so A' -= B^T B' B^T.


@njit(**_flags)
def inv_adjoint(a_adj: Any, b_adj: Any, b: Any) -> None:
    a_adj -= np.dot(b.T, np.dot(b_adj, b.T))


@njit(**_flags)
def inv_tangent(b_tan: Any, a_tan: Any, b: Any) -> None:
    b_tan -= np.dot(b, np.dot(a_tan, b))


# d det A = tr(adj A dA), with the adjugate det A A^-1; of a singular matrix it follows from
# A = U diag(s) V^H: det U conj(det V) times V diag(prod of the other s) U^H.


@njit(**_flags)
def _cofactors(a: Any, d: Any) -> Any:
    """The transposed adjugate."""
    if d != 0.0:
        return (d * np.linalg.inv(a).T).astype(a.dtype)
    u, s, vt = np.linalg.svd(a)
    others = np.ones_like(s)
    for i in range(s.shape[0]):
        for j in range(s.shape[0]):
            if i != j:
                others[i] *= s[j]
    sign = np.linalg.det(u) * np.linalg.det(vt)
    return (sign * np.dot(conj(u * others), conj(vt))).astype(a.dtype)


@njit(**_flags)
def det(a: Any) -> Any:
    """The determinant, as an array of one element."""
    out = np.empty(1, a.dtype)
    out[0] = np.linalg.det(a)
    return out


@njit(**_flags)
def det_adjoint(a_adj: Any, d_adj: Any, a: Any, d: Any) -> None:
    if d_adj[0] != 0.0:
        a_adj += d_adj[0] * _cofactors(a, d[0])


@njit(**_flags)
def det_tangent(d_tan: Any, a_tan: Any, a: Any, d: Any) -> None:
    d_tan[0] += np.sum(_cofactors(a, d[0]) * a_tan)


# log |det A| is Re tr(A^-1 dA), and the sign of a complex determinant z / |z| has the derivative
# i sign Im tr(A^-1 dA).


@njit(**_flags)
def slogdet(a: Any) -> Any:
    """(sign, log of the absolute value) of the determinant."""
    out = np.empty(2, a.dtype)
    sign, logarithm = np.linalg.slogdet(a)
    out[0] = sign
    out[1] = logarithm
    return out


@njit(**_flags)
def slogdet_adjoint(a_adj: Any, d_adj: Any, a: Any, d: Any) -> None:
    if d_adj[0] != 0.0 or d_adj[1] != 0.0:
        factor = np.zeros(1, a.dtype)
        turn = d_adj[0] * d[0]
        factor[0] = d_adj[1].real
        factor[0] += turned(turn.imag, a)
        if factor[0] != 0.0:
            a_adj += factor * np.linalg.inv(a).T


@njit(**_flags)
def slogdet_tangent(d_tan: Any, a_tan: Any, a: Any, d: Any) -> None:
    trace = np.trace(np.linalg.solve(a, a_tan))
    d_tan[0] += turned(trace.imag, a) * d[0]
    d_tan[1] += trace.real


# P = A^+ at constant rank (G. Golub and V. Pereyra, 1973):
# dP = -P dA P + P P^H dA^H (I - A P) + (I - P A) dA^H P^H P.


@njit(**_flags)
def pinv_adjoint(a_adj: Any, p_adj: Any, a: Any, p: Any) -> None:
    g, h = conj(p_adj.copy()), ct(p)  # of <X, Y> = Re tr(X^H Y) up to the last line
    found = -np.dot(h, np.dot(g, h))
    first = np.dot(ct(g), np.dot(p, h))
    found += first - np.dot(a, np.dot(p, first))
    second = np.dot(h, np.dot(p, ct(g)))
    found += second - np.dot(np.dot(second, p), a)
    a_adj += conj(found)


@njit(**_flags)
def pinv_tangent(p_tan: Any, a_tan: Any, a: Any, p: Any) -> None:
    p_tan -= np.dot(p, np.dot(a_tan, p))
    first = np.dot(p, np.dot(ct(p), ct(a_tan)))
    p_tan += first - np.dot(np.dot(first, a), p)
    second = np.dot(ct(a_tan), np.dot(ct(p), p))
    p_tan += second - np.dot(p, np.dot(a, second))
