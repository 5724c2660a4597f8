"""Linear algebra of generated code: the operations, their adjoints and their tangents.

An adjoint adds to the shadow of one operand, a tangent to the tangent of the result.  Notation of
the derivations: C = f(A, ...), dC its differential, A' the adjoint of A, so that <A', dA> =
<C', dC>.  (M. Giles, Collected matrix derivative results for forward and reverse mode algorithmic
differentiation, 2008.)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from adcompile.runtime.cholesky import fold_lower, from_lower
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
# A = U diag(s) V^T: det U det V times V diag(prod of the other s) U^T.


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
    return (sign * np.dot(u * others, vt)).astype(a.dtype)


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


# log |det A|: tr(A^-1 dA).


@njit(**_flags)
def slogdet(a: Any) -> Any:
    """(sign, log of the absolute value) of the determinant."""
    out = np.empty(2, a.dtype)
    sign, logarithm = np.linalg.slogdet(a)
    out[0] = sign
    out[1] = logarithm
    return out


@njit(**_flags)
def slogdet_adjoint(a_adj: Any, d_adj: Any, a: Any) -> None:
    if d_adj[1] != 0.0:
        a_adj += d_adj[1] * np.linalg.inv(a).T


@njit(**_flags)
def slogdet_tangent(d_tan: Any, a_tan: Any, a: Any) -> None:
    d_tan[1] += np.trace(np.linalg.solve(a, a_tan))


# A V = V diag(w) for symmetric A, of which the lower triangle is read: dw = diag(V^T dA V) and
# dV = V (F * (V^T dA V)), F_ij = 1 / (w_j - w_i), 0 on the diagonal.  Eigenvalues must differ.


@njit(**_flags)
def eigh(a: Any) -> Any:
    """The eigenvalues in the first row, below it the eigenvectors in columns."""
    w, v = np.linalg.eigh(a)
    out = np.empty((a.shape[0] + 1, a.shape[0]), a.dtype)
    out[0] = w
    out[1:] = v
    return out


@njit(**_flags)
def _gaps(w: Any, scaled: Any) -> Any:
    out = np.zeros_like(scaled)
    for i in range(w.shape[0]):
        for j in range(w.shape[0]):
            if i != j and scaled[i, j] != 0.0:
                out[i, j] = scaled[i, j] / (w[j] - w[i])
    return out


@njit(**_flags)
def eigh_adjoint(a_adj: Any, o_adj: Any, o: Any) -> None:
    w, v = o[0], o[1:].copy()
    inner = _gaps(w, np.dot(v.T, o_adj[1:].copy()))
    for i in range(w.shape[0]):
        inner[i, i] += o_adj[0, i]
    fold_lower(a_adj, np.dot(v, np.dot(inner, v.T)))


@njit(**_flags)
def eigh_tangent(o_tan: Any, a_tan: Any, o: Any) -> None:
    w, v = o[0], o[1:].copy()
    inner = np.dot(v.T, np.dot(from_lower(a_tan), v))
    for i in range(w.shape[0]):
        o_tan[0, i] += inner[i, i]
    o_tan[1:] += np.dot(v, _gaps(w, inner))


# A = Q R of full rank with at least as many rows as columns.  With C = Q^T dA R^-1 and the skew
# matrix W of its lower triangle, dR = (C - W) R and dQ = dA R^-1 - Q (C - W).  In reverse, with
# M = R R'^T - Q'^T Q and N its lower triangle mirrored to the upper, A' = (Q' + Q N) R^-T.
# A wide matrix is (A1 A2) = Q (R1 R2): A1 = Q R1 is square, and R2 = Q^T A2.


@njit(**_flags)
def qr(a: Any) -> Any:
    """Q and R one after the other in one vector."""
    q, r = np.linalg.qr(a)
    out = np.empty(q.size + r.size, a.dtype)
    out[: q.size] = q.copy().reshape(-1)
    out[q.size :] = r.copy().reshape(-1)
    return out


@njit(**_flags)
def _qr_parts(o: Any, rows: int, columns: int) -> Any:
    k = min(rows, columns)
    return o[: rows * k].copy().reshape((rows, k)), o[rows * k :].copy().reshape((k, columns))


@njit(**_flags)
def qr_adjoint(a_adj: Any, o_adj: Any, o: Any) -> None:
    rows, columns = a_adj.shape
    k = min(rows, columns)
    q, r = _qr_parts(o, rows, columns)
    q_adj, r_adj = _qr_parts(o_adj, rows, columns)
    if rows < columns:
        a_adj[:, k:] += np.dot(q, r_adj[:, k:].copy())
        q_adj += np.dot(q, np.dot(r[:, k:].copy(), r_adj[:, k:].copy().T))
        r, r_adj = r[:, :k].copy(), r_adj[:, :k].copy()
    m = np.dot(r, r_adj.T) - np.dot(q_adj.T, q)
    for i in range(k):
        for j in range(i):
            m[j, i] = m[i, j]
    a_adj[:, :k] += np.linalg.solve(r, (q_adj + np.dot(q, m)).T).T


@njit(**_flags)
def qr_tangent(o_tan: Any, a_tan: Any, o: Any) -> None:
    rows, columns = a_tan.shape
    k = min(rows, columns)
    q, r = _qr_parts(o, rows, columns)
    r1 = r[:, :k].copy()
    scaled = np.linalg.solve(r1.T, a_tan[:, :k].copy().T).T.copy()
    c = np.dot(q.T, scaled)
    for i in range(k):
        for j in range(i):
            c[j, i] += c[i, j]
            c[i, j] = 0.0
    dq = scaled - np.dot(q, c)
    dr = np.empty_like(r)
    dr[:, :k] = np.dot(c, r1)
    if rows < columns:
        dr[:, k:] = np.dot(q.T, a_tan[:, k:].copy()) + np.dot(dq.T, np.dot(q, r[:, k:].copy()))
    o_tan[: rows * k] += dq.reshape(-1)
    o_tan[rows * k :] += dr.reshape(-1)


# P = A^+ at constant rank (G. Golub and V. Pereyra, 1973):
# dP = -P dA P + P P^T dA^T (I - A P) + (I - P A) dA^T P^T P.


@njit(**_flags)
def pinv_adjoint(a_adj: Any, p_adj: Any, a: Any, p: Any) -> None:
    a_adj -= np.dot(p.T, np.dot(p_adj, p.T))
    first = np.dot(p_adj.T, np.dot(p, p.T))
    a_adj += first - np.dot(a, np.dot(p, first))
    second = np.dot(p.T, np.dot(p, p_adj.T))
    a_adj += second - np.dot(np.dot(second, p), a)


@njit(**_flags)
def pinv_tangent(p_tan: Any, a_tan: Any, a: Any, p: Any) -> None:
    p_tan -= np.dot(p, np.dot(a_tan, p))
    first = np.dot(p, np.dot(p.T, a_tan.T))
    p_tan += first - np.dot(np.dot(first, a), p)
    second = np.dot(a_tan.T, np.dot(p.T, p))
    p_tan += second - np.dot(p, np.dot(a, second))


# A = U diag(s) V^T, reduced, with distinct singular values that are not 0.  With P = U^T dA V and
# F_ij = 1 / (s_j^2 - s_i^2), 0 on the diagonal: ds = diag(P),
# dU = U (F * (P S + S P^T)) + (I - U U^T) dA V S^-1,
# dV = V (F * (S P + P^T S)) + (I - V V^T) dA^T U S^-1.


@njit(**_flags)
def svd(a: Any) -> Any:
    """U, s and V^T one after the other in one vector."""
    u, s, vt = np.linalg.svd(a, False)
    k = s.shape[0]
    out = np.empty(u.size + k + vt.size, a.dtype)
    out[: u.size] = u.copy().reshape(-1)
    out[u.size : u.size + k] = s
    out[u.size + k :] = vt.copy().reshape(-1)
    return out


@njit(**_flags)
def _svd_parts(o: Any, rows: int, columns: int) -> Any:
    k = min(rows, columns)
    u = o[: rows * k].copy().reshape((rows, k))
    v = o[rows * k + k :].copy().reshape((k, columns)).T.copy()
    return u, o[rows * k : rows * k + k], v


@njit(**_flags)
def _square_gaps(s: Any, scaled: Any) -> Any:
    out = np.zeros_like(scaled)
    for i in range(s.shape[0]):
        for j in range(s.shape[0]):
            if i != j and scaled[i, j] != 0.0:
                out[i, j] = scaled[i, j] / ((s[j] - s[i]) * (s[j] + s[i]))
    return out


@njit(**_flags)
def svd_adjoint(a_adj: Any, o_adj: Any, o: Any) -> None:
    rows, columns = a_adj.shape
    u, s, v = _svd_parts(o, rows, columns)
    u_adj, s_adj, v_adj = _svd_parts(o_adj, rows, columns)
    from_u, from_v = np.dot(u.T, u_adj), np.dot(v.T, v_adj)
    inner = _square_gaps(s, from_u - from_u.T) * s
    inner += (_square_gaps(s, from_v - from_v.T).T * s).T
    for i in range(s.shape[0]):
        inner[i, i] += s_adj[i]
    left = np.dot(u, inner) + (u_adj - np.dot(u, from_u)) / s
    a_adj += np.dot(left, v.T)
    a_adj += np.dot(u, ((v_adj - np.dot(v, from_v)) / s).T)


@njit(**_flags)
def svd_tangent(o_tan: Any, a_tan: Any, o: Any) -> None:
    rows, columns = a_tan.shape
    u, s, v = _svd_parts(o, rows, columns)
    k = s.shape[0]
    right, left = np.dot(a_tan, v), np.dot(a_tan.T, u)
    p = np.dot(u.T, right)
    for i in range(k):
        o_tan[rows * k + i] += p[i, i]
    spread = (p.T * s).T
    du = np.dot(u, _square_gaps(s, p * s + (p * s).T)) + (right - np.dot(u, p)) / s
    dv = np.dot(v, _square_gaps(s, spread + spread.T)) + (left - np.dot(v, p.T)) / s
    o_tan[: rows * k] += du.reshape(-1)
    o_tan[rows * k + k :] += dv.T.copy().reshape(-1)
