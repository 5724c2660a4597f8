"""Products of matrices on the device, and their adjoints: C = A B gives A' += C' B^T, B' += A^T C'.
cuBLAS does them where CuPy is installed, else a kernel that goes by tiles.

The names are those of ``adcompile.runtime.products``; ``_first`` assigns where the other adds.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from adcompile.cuda import library
from adcompile.cuda.launch import copy, current_stream, empty
from adcompile.cuda.package import SIMULATED, cuda
from adcompile.errors import BroadcastError

TILE = 4 if SIMULATED else 16  # rows and columns that a block of threads computes


@functools.cache
def _kernel(kind: Any) -> Any:
    """``c = a b``, or added to c; a and b transposed or not.  Tiles of both go through shared
    memory."""

    @cuda.jit
    def multiply(c: Any, a: Any, b: Any, turn_a: bool, turn_b: bool, adds: bool) -> None:
        part_a = cuda.shared.array((TILE, TILE), kind)
        part_b = cuda.shared.array((TILE, TILE), kind)
        tx = cuda.threadIdx.x
        ty = cuda.threadIdx.y
        i = cuda.blockIdx.y * TILE + ty
        j = cuda.blockIdx.x * TILE + tx
        depth = a.shape[0] if turn_a else a.shape[1]
        total = kind(0)
        for start in range(0, depth, TILE):
            part_a[ty, tx] = 0
            part_b[ty, tx] = 0
            k = start + tx
            if i < c.shape[0] and k < depth:
                part_a[ty, tx] = a[k, i] if turn_a else a[i, k]
            k = start + ty
            if j < c.shape[1] and k < depth:
                part_b[ty, tx] = b[j, k] if turn_b else b[k, j]
            cuda.syncthreads()
            for q in range(TILE):
                total += part_a[ty, q] * part_b[q, tx]
            cuda.syncthreads()
        if i < c.shape[0] and j < c.shape[1]:
            c[i, j] = total + c[i, j] if adds else total

    return multiply


def _multiply(
    c: Any, a: Any, b: Any, turn_a: bool = False, turn_b: bool = False, adds: bool = True
) -> None:
    rows, columns = c.shape
    if rows == 0 or columns == 0 or library.multiply(c, a, b, turn_a, turn_b, adds):
        return
    kind = np.float32 if c.dtype == np.float32 else np.float64
    blocks = (-(-columns // TILE), -(-rows // TILE))
    _kernel(kind)[blocks, (TILE, TILE), current_stream()](c, a, b, turn_a, turn_b, adds)


def _matrix(v: Any, shape: tuple[int, int]) -> Any:
    """A vector as a matrix of one row or column."""
    v = v if v.is_c_contiguous() else copy(v)
    return v.reshape(*shape)


def _row(v: Any) -> Any:
    return _matrix(v, (1, v.size))


def _column(v: Any) -> Any:
    return _matrix(v, (v.size, 1))


def _check(n: int, m: int) -> None:
    if n != m:
        raise BroadcastError(f"matrices of {n} columns and {m} rows cannot be multiplied")


def dot(a: Any, b: Any) -> Any:
    """``np.dot`` of matrices, or of a matrix and a vector."""
    dtype = np.result_type(a.dtype, b.dtype)
    _check(a.shape[a.ndim - 1], b.shape[0])
    if a.ndim == 2 and b.ndim == 2:
        made = empty((a.shape[0], b.shape[1]), dtype)
        _multiply(made, a, b, adds=False)
    elif a.ndim == 2:
        made = empty(a.shape[0], dtype)
        _multiply(_column(made), a, _column(b), adds=False)
    else:
        made = empty(b.shape[1], dtype)
        _multiply(_row(made), _row(a), b, adds=False)
    return made


def dot_nt(a: Any, b: Any) -> Any:
    """``a @ b.T``."""
    _check(a.shape[1], b.shape[1])
    made = empty((a.shape[0], b.shape[0]), np.result_type(a.dtype, b.dtype))
    _multiply(made, a, b, turn_b=True, adds=False)
    return made


def dot_tn(a: Any, b: Any) -> Any:
    """``a.T @ b``."""
    _check(a.shape[0], b.shape[0])
    made = empty((a.shape[1], b.shape[1]), np.result_type(a.dtype, b.dtype))
    _multiply(made, a, b, turn_a=True, adds=False)
    return made


def dot_22_left(a_adj: Any, c_adj: Any, b: Any, adds: bool = True) -> None:
    _multiply(a_adj, c_adj, b, turn_b=True, adds=adds)


def dot_22_right(b_adj: Any, c_adj: Any, a: Any, adds: bool = True) -> None:
    _multiply(b_adj, a, c_adj, turn_a=True, adds=adds)


def dot_21_left(a_adj: Any, c_adj: Any, b: Any, adds: bool = True) -> None:
    _multiply(a_adj, _column(c_adj), _row(b), adds=adds)


def dot_21_right(b_adj: Any, c_adj: Any, a: Any, adds: bool = True) -> None:
    _multiply(_column(b_adj), a, _column(c_adj), turn_a=True, adds=adds)


def dot_12_left(a_adj: Any, c_adj: Any, b: Any, adds: bool = True) -> None:
    _multiply(_column(a_adj), b, _column(c_adj), adds=adds)


def dot_12_right(b_adj: Any, c_adj: Any, a: Any, adds: bool = True) -> None:
    _multiply(b_adj, _column(a), _row(c_adj), adds=adds)


def dot_nt_left(a_adj: Any, c_adj: Any, b: Any, adds: bool = True) -> None:
    _multiply(a_adj, c_adj, b, adds=adds)


def dot_nt_right(b_adj: Any, c_adj: Any, a: Any, adds: bool = True) -> None:
    _multiply(b_adj, c_adj, a, turn_a=True, adds=adds)


def dot_tn_left(a_adj: Any, c_adj: Any, b: Any, adds: bool = True) -> None:
    _multiply(a_adj, b, c_adj, turn_b=True, adds=adds)


def dot_tn_right(b_adj: Any, c_adj: Any, a: Any, adds: bool = True) -> None:
    _multiply(b_adj, a, c_adj, adds=adds)


def _assigning(adds: Any) -> Any:
    @functools.wraps(adds)
    def first(shadow: Any, c_adj: Any, other: Any) -> None:
        adds(shadow, c_adj, other, adds=False)

    return first


dot_22_left_first, dot_22_right_first = _assigning(dot_22_left), _assigning(dot_22_right)
dot_21_left_first, dot_21_right_first = _assigning(dot_21_left), _assigning(dot_21_right)
dot_12_left_first, dot_12_right_first = _assigning(dot_12_left), _assigning(dot_12_right)
dot_nt_left_first, dot_nt_right_first = _assigning(dot_nt_left), _assigning(dot_nt_right)
dot_tn_left_first, dot_tn_right_first = _assigning(dot_tn_left), _assigning(dot_tn_right)
