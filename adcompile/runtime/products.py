"""Adjoints and tangents of matrix products.

An adjoint adds to the shadow of one operand, a tangent to the tangent of the result.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from adcompile.runtime.helper import njit
from adcompile.runtime.tiles import multiply, suits

_flags = {"cache": True, "error_model": "numpy", "fastmath": False, "boundscheck": False}


@njit(**_flags)
def _is_tall(a: Any, b: Any) -> bool:
    """Whether BLAS makes A^T B, of many rows and few columns, quicker as (B^T A)^T: packing the
    small operand once is what takes the time (1.6 to 1.8 times measured)."""
    return bool(a.shape[1] > 8 * b.shape[1])


@njit(**_flags)
def _turn(made: Any, source: Any) -> None:
    """``made[:] = source.T``, which Numba compiles in ten times the time."""
    for i in range(made.shape[0]):
        for j in range(made.shape[1]):
            made[i, j] = source[j, i]


# C = A B: dC = dA B + A dB, so A' += C' B^T and B' += A^T C'.  Names: the ranks of A and B.


@njit(**_flags)
def dot_22(a: Any, b: Any) -> Any:
    made = np.empty((a.shape[0], b.shape[1]), a.dtype)
    if suits(made, a, b):
        multiply(made, a, b)
    else:
        np.dot(a, b, made)
    return made


@njit(**_flags)
def dot_22_left(a_adj: Any, c_adj: Any, b: Any) -> None:
    a_adj += np.dot(c_adj, b.T)


@njit(**_flags)
def dot_22_right(b_adj: Any, c_adj: Any, a: Any) -> None:
    if _is_tall(a, c_adj):
        b_adj += np.dot(c_adj.T, a).T
    else:
        b_adj += np.dot(a.T, c_adj)


@njit(**_flags)
def dot_21_left(a_adj: Any, c_adj: Any, b: Any) -> None:
    for i in range(a_adj.shape[0]):
        for j in range(a_adj.shape[1]):
            a_adj[i, j] += c_adj[i] * b[j]


@njit(**_flags)
def dot_21_right(b_adj: Any, c_adj: Any, a: Any) -> None:
    b_adj += np.dot(a.T, c_adj)


@njit(**_flags)
def dot_12_left(a_adj: Any, c_adj: Any, b: Any) -> None:
    a_adj += np.dot(b, c_adj)


@njit(**_flags)
def dot_12_right(b_adj: Any, c_adj: Any, a: Any) -> None:
    for i in range(b_adj.shape[0]):
        for j in range(b_adj.shape[1]):
            b_adj[i, j] += a[i] * c_adj[j]


# The same where nothing was added to the shadow before.


@njit(**_flags)
def dot_22_left_first(a_adj: Any, c_adj: Any, b: Any) -> None:
    np.dot(c_adj, b.T, a_adj)


@njit(**_flags)
def dot_22_right_first(b_adj: Any, c_adj: Any, a: Any) -> None:
    if suits(b_adj, a.T, c_adj):
        multiply(b_adj, a.T, c_adj)
    elif _is_tall(a, c_adj):
        _turn(b_adj, np.dot(c_adj.T, a))
    else:
        np.dot(a.T, c_adj, b_adj)


@njit(**_flags)
def dot_21_left_first(a_adj: Any, c_adj: Any, b: Any) -> None:
    for i in range(a_adj.shape[0]):
        for j in range(a_adj.shape[1]):
            a_adj[i, j] = c_adj[i] * b[j]


@njit(**_flags)
def dot_21_right_first(b_adj: Any, c_adj: Any, a: Any) -> None:
    np.dot(a.T, c_adj, b_adj)


@njit(**_flags)
def dot_12_left_first(a_adj: Any, c_adj: Any, b: Any) -> None:
    np.dot(b, c_adj, a_adj)


@njit(**_flags)
def dot_12_right_first(b_adj: Any, c_adj: Any, a: Any) -> None:
    for i in range(b_adj.shape[0]):
        for j in range(b_adj.shape[1]):
            b_adj[i, j] = a[i] * c_adj[j]


@njit(**_flags)
def dot_left_tangent(c_tan: Any, a_tan: Any, b: Any) -> None:
    c_tan += np.dot(a_tan, b)


@njit(**_flags)
def dot_right_tangent(c_tan: Any, b_tan: Any, a: Any) -> None:
    c_tan += np.dot(a, b_tan)


# C = A B^T (nt): A' += C' B and B' += C'^T A.  C = A^T B (tn): A' += B C'^T and B' += A C'.


@njit(**_flags)
def dot_nt(a: Any, b: Any) -> Any:
    return np.dot(a, b.T)


@njit(**_flags)
def dot_tn(a: Any, b: Any) -> Any:
    return np.dot(a.T, b)


@njit(**_flags)
def dot_nt_left(a_adj: Any, c_adj: Any, b: Any) -> None:
    a_adj += np.dot(c_adj, b)


@njit(**_flags)
def dot_nt_right(b_adj: Any, c_adj: Any, a: Any) -> None:
    if _is_tall(c_adj, a):
        b_adj += np.dot(a.T, c_adj).T
    else:
        b_adj += np.dot(c_adj.T, a)


@njit(**_flags)
def dot_tn_left(a_adj: Any, c_adj: Any, b: Any) -> None:
    a_adj += np.dot(b, c_adj.T)


@njit(**_flags)
def dot_tn_right(b_adj: Any, c_adj: Any, a: Any) -> None:
    b_adj += np.dot(a, c_adj)


@njit(**_flags)
def dot_nt_left_first(a_adj: Any, c_adj: Any, b: Any) -> None:
    if suits(a_adj, c_adj, b):
        multiply(a_adj, c_adj, b)
    else:
        np.dot(c_adj, b, a_adj)


@njit(**_flags)
def dot_nt_right_first(b_adj: Any, c_adj: Any, a: Any) -> None:
    if suits(b_adj, c_adj.T, a):
        multiply(b_adj, c_adj.T, a)
    elif _is_tall(c_adj, a):
        _turn(b_adj, np.dot(a.T, c_adj))
    else:
        np.dot(c_adj.T, a, b_adj)


@njit(**_flags)
def dot_tn_left_first(a_adj: Any, c_adj: Any, b: Any) -> None:
    np.dot(b, c_adj.T, a_adj)


@njit(**_flags)
def dot_tn_right_first(b_adj: Any, c_adj: Any, a: Any) -> None:
    np.dot(a, c_adj, b_adj)


@njit(**_flags)
def dot_nt_left_tangent(c_tan: Any, a_tan: Any, b: Any) -> None:
    c_tan += np.dot(a_tan, b.T)


@njit(**_flags)
def dot_nt_right_tangent(c_tan: Any, b_tan: Any, a: Any) -> None:
    c_tan += np.dot(a, b_tan.T)


@njit(**_flags)
def dot_tn_left_tangent(c_tan: Any, a_tan: Any, b: Any) -> None:
    c_tan += np.dot(a_tan.T, b)


@njit(**_flags)
def dot_tn_right_tangent(c_tan: Any, b_tan: Any, a: Any) -> None:
    c_tan += np.dot(a.T, b_tan)


# Stacks: C_s = A_s B_s^T (nt) or A_s B_s (nn) for each s.


@njit(**_flags)
def stacked_nt(a: Any, b: Any) -> Any:
    made = np.empty((a.shape[0], a.shape[1], b.shape[1]), a.dtype)
    for s in range(a.shape[0]):
        np.dot(a[s], b[s].T, made[s])
    return made


@njit(**_flags)
def stacked_nn(a: Any, b: Any) -> Any:
    made = np.empty((a.shape[0], a.shape[1], b.shape[2]), a.dtype)
    for s in range(a.shape[0]):
        np.dot(a[s], b[s], made[s])
    return made


@njit(**_flags)
def stacked_nt_left(a_adj: Any, c_adj: Any, b: Any) -> None:
    for s in range(b.shape[0]):
        a_adj[s] += np.dot(c_adj[s], b[s])


@njit(**_flags)
def stacked_nt_right(b_adj: Any, c_adj: Any, a: Any) -> None:
    for s in range(a.shape[0]):
        b_adj[s] += np.dot(c_adj[s].T, a[s])


@njit(**_flags)
def stacked_nn_left(a_adj: Any, c_adj: Any, b: Any) -> None:
    for s in range(b.shape[0]):
        a_adj[s] += np.dot(c_adj[s], b[s].T)


@njit(**_flags)
def stacked_nn_right(b_adj: Any, c_adj: Any, a: Any) -> None:
    for s in range(a.shape[0]):
        b_adj[s] += np.dot(a[s].T, c_adj[s])


@njit(**_flags)
def stacked_nt_left_first(a_adj: Any, c_adj: Any, b: Any) -> None:
    for s in range(b.shape[0]):
        np.dot(c_adj[s], b[s], a_adj[s])


@njit(**_flags)
def stacked_nt_right_first(b_adj: Any, c_adj: Any, a: Any) -> None:
    for s in range(a.shape[0]):
        np.dot(c_adj[s].T, a[s], b_adj[s])


@njit(**_flags)
def stacked_nn_left_first(a_adj: Any, c_adj: Any, b: Any) -> None:
    for s in range(b.shape[0]):
        np.dot(c_adj[s], b[s].T, a_adj[s])


@njit(**_flags)
def stacked_nn_right_first(b_adj: Any, c_adj: Any, a: Any) -> None:
    for s in range(a.shape[0]):
        np.dot(a[s].T, c_adj[s], b_adj[s])


@njit(**_flags)
def stacked_nt_left_tangent(c_tan: Any, a_tan: Any, b: Any) -> None:
    c_tan += stacked_nt(a_tan, b)


@njit(**_flags)
def stacked_nt_right_tangent(c_tan: Any, b_tan: Any, a: Any) -> None:
    c_tan += stacked_nt(a, b_tan)


@njit(**_flags)
def stacked_nn_left_tangent(c_tan: Any, a_tan: Any, b: Any) -> None:
    c_tan += stacked_nn(a_tan, b)


@njit(**_flags)
def stacked_nn_right_tangent(c_tan: Any, b_tan: Any, a: Any) -> None:
    c_tan += stacked_nn(a, b_tan)


# The same elements under another shape.


@njit(**_flags)
def reshaped(a: Any, shape: Any) -> Any:
    return np.ascontiguousarray(a).reshape(shape).copy()


@njit(**_flags)
def reshaped_adjoint(a_adj: Any, c_adj: Any) -> None:
    a_adj += c_adj.reshape(a_adj.shape)


@njit(**_flags)
def reshaped_adjoint_first(a_adj: Any, c_adj: Any) -> None:
    a_adj[...] = c_adj.reshape(a_adj.shape)


@njit(**_flags)
def reshaped_tangent(c_tan: Any, a_tan: Any) -> None:
    c_tan += np.ascontiguousarray(a_tan).reshape(c_tan.shape)
