"""Decompositions of real and complex matrices: eigh, QR and SVD, their adjoints and tangents.

Notation as in linalg.py; A^H is the conjugate transpose, A^T of a real matrix.  Adjoints of complex
values follow the convention of the package, <A', dA> = Re sum(A' * dA) without conjugation: so the
adjoint here is the conjugate of the one for <X, Y> = Re tr(X^H Y).

Vectors of complex matrices have a phase: with v an eigenvector, e^(i phi) v is one.  The formulas
below hold for one choice of the phases; what adds to them is i phi' v.  LAPACK's choice is known,
since its Householder reductions leave a first row alone: the first row of V (eigh), of V (svd) or,
of a wide matrix, of U is real, and so is the diagonal of R (qr).  So derivatives are those of the
function that LAPACK computes; where nothing depends on the phases they are everybody's.  A phase is
not determined where such an element is 0: there it must not matter.

Numba's division of complex numbers by 0 raises: gaps between numbers that are equal are real, and
divide 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from adcompile.runtime.cholesky import fold_lower, from_lower
from adcompile.runtime.conjugate import conj, ct, turned
from adcompile.runtime.helper import njit

_flags = {"cache": True, "error_model": "numpy", "fastmath": False, "boundscheck": False}


@njit(**_flags)
def _is_known(pivot: Any, eps: float) -> bool:
    """Whether the phase of a vector is known from its element that should be real."""
    return bool(abs(pivot.real) > np.sqrt(eps) and abs(pivot.imag) <= np.sqrt(eps))


@njit(**_flags)
def _turns(v: Any, v_adj: Any) -> Any:
    """Minus the derivatives with respect to the phases of the columns of ``v``; below them, the
    sizes of the terms."""
    out = np.zeros((2, v.shape[1]), v.real.dtype)
    for k in range(v.shape[1]):
        for i in range(v.shape[0]):
            term = v[i, k] * v_adj[i, k]
            out[0, k] += term.imag
            out[1, k] += abs(term)
    return out


@njit(**_flags)
def _fix_phases(v: Any, v_adj: Any, turns: Any) -> None:
    """What the vectors in the columns of ``v`` receive because their first elements are real."""
    eps = np.finfo(v.dtype).eps
    for k in range(v.shape[1]):
        turn, size = turns[0, k], turns[1, k]
        if abs(turn) <= 64 * eps * size:
            continue  # rounding: nothing depends on this phase
        if _is_known(v[0, k], eps):
            v_adj[0, k] -= turned(turn / v[0, k].real, v)
        elif abs(turn) > np.sqrt(eps) * size:
            raise ValueError(
                "the result depends on the phase of a complex eigenvector or singular vector whose"
                " first element is 0, where LAPACK's choice of the phase is not differentiable"
            )


@njit(**_flags)
def _phases(v: Any, dv: Any) -> Any:
    """The derivatives of the phases that keep the first elements real."""
    out = np.zeros(v.shape[1], v.real.dtype)
    for k in range(v.shape[1]):
        if _is_known(v[0, k], np.finfo(v.dtype).eps):
            out[k] = -dv[0, k].imag / v[0, k].real
    return out


@njit(**_flags)
def _turn(dv: Any, v: Any, phases: Any) -> None:
    for k in range(v.shape[1]):
        for i in range(v.shape[0]):
            dv[i, k] += turned(phases[k], v) * v[i, k]


# A V = V diag(w) for Hermitian A, of which the lower triangle is read: dw = diag(V^H dA V) and
# dV = V (F * (V^H dA V)), F_ij = 1 / (w_j - w_i), 0 on the diagonal.  Eigenvalues must differ.


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
                out[i, j] = scaled[i, j] * (1.0 / (w[j] - w[i]))
    return out


@njit(**_flags)
def eigh_adjoint(a_adj: Any, o_adj: Any, o: Any) -> None:
    w, v, v_adj = o[0].real, o[1:].copy(), o_adj[1:].copy()
    if np.iscomplexobj(v):
        _fix_phases(v, v_adj, _turns(v, v_adj))
    inner = _gaps(w, np.dot(v.T, v_adj))
    for i in range(w.shape[0]):
        inner[i, i] += o_adj[0, i].real
    fold_lower(a_adj, np.dot(conj(v), np.dot(inner, v.T)))


@njit(**_flags)
def eigh_tangent(o_tan: Any, a_tan: Any, o: Any) -> None:
    w, v = o[0].real, o[1:].copy()
    inner = np.dot(ct(v), np.dot(from_lower(a_tan), v))
    for i in range(w.shape[0]):
        o_tan[0, i] += inner[i, i].real
    dv = np.dot(v, _gaps(w, inner))
    if np.iscomplexobj(v):
        _turn(dv, v, _phases(v, dv))
    o_tan[1:] += dv


# A = Q R of full rank with at least as many rows as columns.  With C = Q^H dA R^-1 and
# Q^H dQ skew-Hermitian, U = dR R^-1 has U_ij = C_ij + conj(C_ji) above the diagonal, Re C_ii on it;
# dR = U R and dQ = dA R^-1 - Q U.  In reverse, with M = R' R^T - Q^T Q' and N the Hermitian matrix
# of its upper triangle, A' = (Q' + conj(Q) N) R^-T.
# A wide matrix is (A1 A2) = Q (R1 R2): A1 = Q R1 is square, and R2 = Q^H A2.


@njit(**_flags)
def qr(a: Any) -> Any:
    """Q and R one after the other in one vector."""
    if a.size == 0:
        return np.empty(0, a.dtype)
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
        a_adj[:, k:] += np.dot(conj(q), r_adj[:, k:].copy())
        q_adj += np.dot(conj(q), np.dot(conj(r[:, k:].copy()), ct(r_adj[:, k:].copy())))
        r, r_adj = r[:, :k].copy(), r_adj[:, :k].copy()
    m = np.dot(r_adj, r.T) - np.dot(q.T, q_adj)
    for i in range(k):
        m[i, i] = m[i, i].real
        for j in range(i):
            m[i, j] = np.conj(m[j, i])
    a_adj[:, :k] += np.linalg.solve(r, (q_adj + np.dot(conj(q), m)).T).T


@njit(**_flags)
def qr_tangent(o_tan: Any, a_tan: Any, o: Any) -> None:
    rows, columns = a_tan.shape
    k = min(rows, columns)
    q, r = _qr_parts(o, rows, columns)
    r1 = r[:, :k].copy()
    scaled = np.linalg.solve(r1.T, a_tan[:, :k].copy().T).T.copy()
    c = np.dot(ct(q), scaled)
    for i in range(k):
        c[i, i] = c[i, i].real
        for j in range(i):
            c[j, i] += np.conj(c[i, j])
            c[i, j] = 0.0
    dq = scaled - np.dot(q, c)
    dr = np.empty_like(r)
    dr[:, :k] = np.dot(c, r1)
    if rows < columns:
        dr[:, k:] = np.dot(ct(q), a_tan[:, k:].copy()) + np.dot(ct(dq), np.dot(q, r[:, k:].copy()))
    o_tan[: rows * k] += dq.reshape(-1)
    o_tan[rows * k :] += dr.reshape(-1)


# A = U diag(s) V^H, reduced, with distinct singular values that are not 0.  With P = U^H dA V and
# F_ij = 1 / (s_j^2 - s_i^2), 0 on the diagonal: ds = Re diag(P),
# dU = U (F * (P S + S P^H) + i S^-1 Im diag(P)) + (I - U U^H) dA V S^-1,
# dV = V (F * (S P + P^H S)) + (I - V V^H) dA^H U S^-1,
# where the terms with I - ... are there for a tall and a wide matrix only.  Singular values alone
# may be equal or 0.


@njit(**_flags)
def svd(a: Any) -> Any:
    """U, s and V^H one after the other in one vector."""
    if a.size == 0:
        return np.empty(0, a.dtype)
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
    v = ct(o[rows * k + k :].copy().reshape((k, columns))).copy()
    return u, o[rows * k : rows * k + k].real.copy(), v


@njit(**_flags)
def _square_gaps(s: Any, scaled: Any) -> Any:
    out = np.zeros_like(scaled)
    for i in range(s.shape[0]):
        for j in range(s.shape[0]):
            if i != j and scaled[i, j] != 0.0:
                out[i, j] = scaled[i, j] * (1.0 / ((s[j] - s[i]) * (s[j] + s[i])))
    return out


@njit(**_flags)
def over(x: Any, s: Any) -> Any:
    """The columns of ``x`` over the elements of ``s``."""
    out = np.zeros_like(x)
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            if x[i, j] != 0.0:
                out[i, j] = x[i, j] * (1.0 / s[j])
    return out


@njit(**_flags)
def _add_turns(inner: Any, p: Any, s: Any) -> None:
    """Adds i S^-1 Im diag(P)."""
    for i in range(s.shape[0]):
        if p[i, i].imag != 0.0:
            inner[i, i] += turned(p[i, i].imag / s[i], inner)


@njit(**_flags)
def svd_adjoint(a_adj: Any, o_adj: Any, o: Any) -> None:
    rows, columns = a_adj.shape
    k = min(rows, columns)
    u, s, v = _svd_parts(o, rows, columns)
    u_adj, s_adj, v_adj = _svd_parts(o_adj, rows, columns)
    if np.iscomplexobj(u):
        turns = _turns(u, u_adj) + _turns(v, v_adj)
        if rows < columns:
            _fix_phases(u, u_adj, turns)
        else:
            _fix_phases(v, v_adj, turns)
    from_u, from_v = np.dot(u.T, u_adj), np.dot(v.T, v_adj)
    inner = _square_gaps(s, from_u - ct(from_u)) * s
    inner += (_square_gaps(s, from_v - ct(from_v)).T * s).T
    for i in range(k):
        inner[i, i] += s_adj[i]
    _add_turns(inner, from_u, s)
    left = np.dot(conj(u), inner)
    if rows > k:
        left += over(u_adj - np.dot(conj(u), from_u), s)
    a_adj += np.dot(left, v.T)
    if columns > k:
        a_adj += np.dot(conj(u), ct(over(v_adj - np.dot(conj(v), from_v), s)))


@njit(**_flags)
def svd_tangent(o_tan: Any, a_tan: Any, o: Any) -> None:
    rows, columns = a_tan.shape
    u, s, v = _svd_parts(o, rows, columns)
    k = s.shape[0]
    right, left = np.dot(a_tan, v), np.dot(ct(a_tan), u)
    p = np.dot(ct(u), right)
    for i in range(k):
        o_tan[rows * k + i] += p[i, i].real
    spread = (p.T * s).T
    in_u = _square_gaps(s, p * s + ct(p * s))
    _add_turns(in_u, p, s)
    du = np.dot(u, in_u)
    dv = np.dot(v, _square_gaps(s, spread + ct(spread)))
    if rows > k:
        du += over(right - np.dot(u, p), s)
    if columns > k:
        dv += over(left - np.dot(v, ct(p)), s)
    if np.iscomplexobj(u):
        phases = _phases(u, du) if rows < columns else _phases(v, dv)
        _turn(du, u, phases)
        _turn(dv, v, phases)
    o_tan[: rows * k] += du.reshape(-1)
    o_tan[rows * k + k :] += ct(dv).copy().reshape(-1)
