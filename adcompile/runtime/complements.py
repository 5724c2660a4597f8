"""Decompositions with bases of the whole space: the full SVD and the complete QR decomposition.

Notation as in decompositions.py.  U = (U1 U2): U1 is that of the reduced decomposition.  What is
known of U2 is the space that it spans, dU2 = -U1 (U2^H dU1)^H, where U2^H dU1 is U2^H dA V S^-1
(svd) or Q2^H dA R^-1 (qr), plus U2 K with some skew-Hermitian K: every choice of a basis is one.
LAPACK's is not known to be smooth, so what depends on it is refused when it runs; one real vector
has no choice but its sign.  In reverse, with W = U2': W^T U2 must be Hermitian (then it gives K
nothing), and U1 receives nothing, A' = -conj(U2 W^T U1 S^-1 V^H) or -conj(Q2 W^T Q1 R^-H).  The
vectors beyond the columns of V, of a wide matrix, are those of A^H.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from adcompile.runtime import decompositions
from adcompile.runtime.conjugate import conj, ct
from adcompile.runtime.decompositions import over
from adcompile.runtime.helper import njit

_flags = {"cache": True, "error_model": "numpy", "fastmath": False, "boundscheck": False}


@njit(**_flags)
def _from_complement(u: Any, u_adj: Any, k: int) -> Any:
    """U2 W^T U1."""
    known, beyond, w = u[:, :k].copy(), u[:, k:].copy(), u_adj[:, k:].copy()
    turns = np.dot(w.T, beyond)
    size = np.max(np.abs(w)) * np.sqrt(np.finfo(u.dtype).eps)
    for i in range(turns.shape[0]):
        for j in range(i + 1):
            if abs(turns[i, j] - np.conj(turns[j, i])) > size:
                raise ValueError(
                    "the result depends on which vectors complete the basis of a full svd or a"
                    " complete qr decomposition, and not on the space they span alone: any basis of"
                    " it will do, so there is no derivative"
                )
    return np.dot(beyond, np.dot(w.T, known))


@njit(**_flags)
def _square(o: Any, start: int, size: int) -> Any:
    return o[start : start + size * size].copy().reshape((size, size))


@njit(**_flags)
def svd_complete(a: Any) -> Any:
    """U, s and V^H one after the other in one vector."""
    (rows, columns), k = a.shape, min(a.shape)
    out = np.zeros(rows * rows + k + columns * columns, a.dtype)
    if k == 0:
        out[: rows * rows] = np.eye(rows, dtype=a.dtype).reshape(-1)
        out[rows * rows :] = np.eye(columns, dtype=a.dtype).reshape(-1)
        return out
    u, s, vt = np.linalg.svd(a, True)
    out[: rows * rows] = u.copy().reshape(-1)
    out[rows * rows : rows * rows + k] = s
    out[rows * rows + k :] = vt.copy().reshape(-1)
    return out


@njit(**_flags)
def _reduced_svd(o: Any, rows: int, columns: int) -> Any:
    k = min(rows, columns)
    u, vt = _square(o, 0, rows), _square(o, rows * rows + k, columns)
    out = np.empty(rows * k + k + k * columns, o.dtype)
    out[: rows * k] = u[:, :k].copy().reshape(-1)
    out[rows * k : rows * k + k] = o[rows * rows : rows * rows + k]
    out[rows * k + k :] = vt[:k].copy().reshape(-1)
    return out


@njit(**_flags)
def svd_complete_adjoint(a_adj: Any, o_adj: Any, o: Any) -> None:
    (rows, columns), k = a_adj.shape, min(a_adj.shape)
    if k == 0:
        return
    reduced = _reduced_svd(o, rows, columns)
    decompositions.svd_adjoint(a_adj, _reduced_svd(o_adj, rows, columns), reduced)
    u, vt = _square(o, 0, rows), _square(o, rows * rows + k, columns)
    s = o[rows * rows : rows * rows + k].real.copy()
    if rows > k:
        found = over(_from_complement(u, _square(o_adj, 0, rows), k), s)
        a_adj -= conj(np.dot(found, vt))
    if columns > k:
        vt_adj = _square(o_adj, rows * rows + k, columns)
        found = over(_from_complement(ct(vt).copy(), ct(vt_adj).copy(), k), s)
        a_adj -= np.dot(found, ct(u)).T


@njit(**_flags)
def svd_complete_tangent(o_tan: Any, a_tan: Any, o: Any) -> None:
    (rows, columns), k = a_tan.shape, min(a_tan.shape)
    if k == 0:
        return
    reduced = _reduced_svd(o, rows, columns)
    tangent = np.zeros_like(reduced)
    decompositions.svd_tangent(tangent, a_tan, reduced)
    u, vt = _square(o, 0, rows), _square(o, rows * rows + k, columns)
    s = o[rows * rows : rows * rows + k].real.copy()
    du, dvt = np.zeros_like(u), np.zeros_like(vt)
    du[:, :k] = tangent[: rows * k].copy().reshape((rows, k))
    dvt[:k] = tangent[rows * k + k :].copy().reshape((k, columns))
    if rows > k:
        apart = over(np.dot(ct(u[:, k:].copy()), np.dot(a_tan, ct(vt).copy())), s)
        du[:, k:] = -np.dot(u[:, :k].copy(), ct(apart))
    if columns > k:
        apart = over(np.dot(np.dot(vt[k:].copy(), ct(a_tan)), u), s)
        dvt[k:] = -np.dot(apart, vt[:k].copy())
    o_tan[: rows * rows] += du.reshape(-1)
    o_tan[rows * rows : rows * rows + k] += tangent[rows * k : rows * k + k]
    o_tan[rows * rows + k :] += dvt.reshape(-1)


@njit(**_flags)
def _completion(a: Any) -> Any:
    """The columns of Q that a tall matrix lacks, by Householder reflections (LAPACK's geqr2, larfg
    and ung2r), since Numba has the reduced decomposition only."""
    rows, columns = a.shape
    left, factors = a.copy(), np.zeros(columns, a.dtype)
    for j in range(columns):
        pivot = left[j, j]
        below = np.sqrt(np.sum(np.abs(left[j + 1 :, j]) ** 2))
        if below > 0.0 or pivot.imag != 0.0:
            end = -np.copysign(np.hypot(abs(pivot), below), pivot.real)
            factors[j] = (end - pivot) / end
            left[j + 1 :, j] = left[j + 1 :, j] / (pivot - end)
        left[j, j] = 1.0
        v = left[j:, j].copy()
        for c in range(j + 1, columns):
            left[j:, c] -= np.conj(factors[j]) * np.sum(conj(v) * left[j:, c]) * v
    out = np.zeros((rows, rows - columns), a.dtype)
    for c in range(rows - columns):
        out[columns + c, c] = 1.0
    for j in range(columns - 1, -1, -1):
        v = left[j:, j].copy()
        for c in range(rows - columns):
            out[j:, c] -= factors[j] * np.sum(conj(v) * out[j:, c]) * v
    return out


@njit(**_flags)
def qr_complete(a: Any) -> Any:
    """Q and R one after the other in one vector."""
    rows, columns = a.shape
    if rows <= columns:
        return decompositions.qr(a)
    q, r = np.eye(rows, dtype=a.dtype), np.zeros((rows, columns), a.dtype)
    if columns > 0:
        known, top = np.linalg.qr(a)
        q[:, :columns] = known
        q[:, columns:] = _completion(a)
        r[:columns] = top
    return np.concatenate((q.reshape(-1), r.reshape(-1)))


@njit(**_flags)
def _reduced_qr(o: Any, rows: int, columns: int) -> Any:
    """Of a tall matrix."""
    q = _square(o, 0, rows)[:, :columns].copy()
    r = o[rows * rows : rows * rows + columns * columns]
    return np.concatenate((q.reshape(-1), r))


@njit(**_flags)
def qr_complete_adjoint(a_adj: Any, o_adj: Any, o: Any) -> None:
    rows, columns = a_adj.shape
    if rows <= columns:
        decompositions.qr_adjoint(a_adj, o_adj, o)
        return
    if columns == 0:
        return
    reduced = _reduced_qr(o, rows, columns)
    decompositions.qr_adjoint(a_adj, _reduced_qr(o_adj, rows, columns), reduced)
    found = _from_complement(_square(o, 0, rows), _square(o_adj, 0, rows), columns)
    r = reduced[rows * columns :].copy().reshape((columns, columns))
    a_adj -= np.linalg.solve(r, ct(found).copy()).T


@njit(**_flags)
def qr_complete_tangent(o_tan: Any, a_tan: Any, o: Any) -> None:
    rows, columns = a_tan.shape
    if rows <= columns:
        decompositions.qr_tangent(o_tan, a_tan, o)
        return
    if columns == 0:
        return
    reduced = _reduced_qr(o, rows, columns)
    tangent = np.zeros_like(reduced)
    decompositions.qr_tangent(tangent, a_tan, reduced)
    q, dq = _square(o, 0, rows), np.zeros((rows, rows), o.dtype)
    r = reduced[rows * columns :].copy().reshape((columns, columns))
    apart = np.linalg.solve(r.T.copy(), np.dot(ct(q[:, columns:].copy()), a_tan).T.copy()).T
    dq[:, :columns] = tangent[: rows * columns].copy().reshape((rows, columns))
    dq[:, columns:] = -np.dot(q[:, :columns].copy(), ct(apart).copy())
    o_tan[: rows * rows] += dq.reshape(-1)
    o_tan[rows * rows : rows * rows + columns * columns] += tangent[rows * columns :]
