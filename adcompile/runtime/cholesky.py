"""Cholesky's factor of generated code: its adjoint and its tangent.

A = L L^H, of which only the lower triangle of A and the real part of its diagonal are read; ^H is
the conjugate transpose, ^T of a real matrix.  dL = L P(L^-1 dA L^-H) with P the lower triangle, its
diagonal halved.  So with S = L^-T P(L^T L') conj(L)^-1 the element A_ij below the diagonal, which
stands for A_ji too, receives S_ij + conj(S_ji), and the diagonal Re S_ii.  (Adjoints of complex
matrices as in decompositions.py.)

In blocks this is the reverse of the factorisation in blocks, with a fourth of the operations.  For
the block row [R D] and what is below it, [B C], the factorisation takes D D^H from D - R R^H and
C = (C - B R^H) D^-H; so with W = C' conj(D)^-1, which A receives for C, D' loses the lower triangle
of conj(W^T C), A receives the S of D and D', B' loses W conj(R), and R' loses conj(W^T B) +
(S + S^H) conj(R).  (I. Murray, Differentiation of the Cholesky decomposition, 2016.)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from adcompile.runtime.conjugate import conj, ct
from adcompile.runtime.helper import njit
from adcompile.runtime.systems import backwards, forwards

_flags = {"cache": True, "error_model": "numpy", "fastmath": False, "boundscheck": False}
_BLOCK = 32


@njit(**_flags)
def _halved(m: Any) -> Any:
    out = np.zeros_like(m)
    for i in range(m.shape[0]):
        for j in range(i):
            out[i, j] = m[i, j]
        out[i, i] = 0.5 * m[i, i]
    return out


@njit(**_flags)
def fold_lower(a_adj: Any, s: Any) -> None:
    """What a matrix of which the lower triangle is read receives for ``s``."""
    for i in range(s.shape[0]):
        for j in range(i):
            a_adj[i, j] += s[i, j] + np.conj(s[j, i])
        a_adj[i, i] += s[i, i].real


@njit(**_flags)
def from_lower(m: Any) -> Any:
    """The Hermitian matrix with this lower triangle."""
    out = m.copy()
    for i in range(m.shape[0]):
        out[i, i] = m[i, i].real
        for j in range(i):
            out[j, i] = np.conj(m[i, j])
    return out


@njit(**_flags)
def cholesky_adjoint(a_adj: Any, l_adj: Any, low: Any) -> None:
    n = low.shape[0]
    left = l_adj.copy()
    for start in range((n - 1) // _BLOCK * _BLOCK, -1, -_BLOCK):
        stop = min(start + _BLOCK, n)
        r = np.ascontiguousarray(low[start:stop, :start])
        d = np.ascontiguousarray(low[start:stop, start:stop])
        c = np.ascontiguousarray(low[stop:, start:stop])
        w = backwards(ct(d), np.ascontiguousarray(left[stop:, start:stop].T), False)  # W^T
        d_adj = left[start:stop, start:stop] - conj(np.dot(w, c))
        half = backwards(d.T, _halved(np.dot(d.T, d_adj)), False)
        s = backwards(ct(d), half.T.copy(), False).T.copy()
        fold_lower(a_adj[start:stop, start:stop], s)
        a_adj[stop:, start:stop] += w.T
        left[stop:, :start] -= np.dot(w.T, conj(r))
        left[start:stop, :start] -= np.dot(s + ct(s), conj(r))
        left[start:stop, :start] -= conj(np.dot(w, np.ascontiguousarray(low[stop:, :start])))


@njit(**_flags)
def cholesky_tangent(l_tan: Any, a_tan: Any, low: Any) -> None:
    left = forwards(low, from_lower(a_tan), False)
    l_tan += np.dot(low, _halved(forwards(low, ct(left).copy(), False)))
