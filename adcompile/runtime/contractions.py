"""Matrices applied along one axis of arrays, and summed: one matrix product per block.

    contract_1(a, b, ..., x, y, ...)[n, r, ...] = sum_k a[r, k] x[n, k, ...] + b[r, k] y[n, k, ...]

and so on: as many arrays as matrices.  ``contract_0`` goes along the first axis of the arrays,
``contract_last`` along the last one.  What shifted parts of one array contribute to a convolution
is such a sum.

Each block of the arrays is copied below those of the others, and the matrices beside one another,
so that BLAS is called once per block with matrices that the cache holds: with M = [A B ...] and
P = [X; Y; ...] the block of the result is C = M P.  So M' += C' P^T and P' += M^T C'.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.extending import register_jitable

from adcompile.runtime.helper import njit
from adcompile.runtime.layouts import added_to, copied_into, first_half, second_half

_flags = {"cache": True, "error_model": "numpy", "fastmath": False, "boundscheck": False}
_FEW = 2048  # multiplications: below, a call of BLAS costs more than the loops
_ROWS = 512  # of a block


# ---------------------------------------------------------------- blocks


@njit(**_flags)
def _product(a: Any, b: Any, out: Any) -> None:
    """``out = a @ b`` for matrices."""
    if a.shape[0] * a.shape[1] * b.shape[1] > _FEW:
        np.dot(a, b, out)
        return
    for i in range(a.shape[0]):
        for j in range(b.shape[1]):
            out[i, j] = 0
        for k in range(a.shape[1]):
            for j in range(b.shape[1]):
                out[i, j] += a[i, k] * b[k, j]


@register_jitable(error_model="numpy", boundscheck=False)
def _size(dims: Any) -> int:
    total = 1
    for dim in dims:
        total *= dim
    return total


@register_jitable(error_model="numpy", boundscheck=False)
def _side_by_side(matrices: Any) -> Any:
    columns = 0
    for one in matrices:
        columns += one.shape[1]
    made = np.empty((matrices[0].shape[0], columns), matrices[0].dtype)
    column = 0
    for one in matrices:
        right = column + one.shape[1]
        made[:, column:right] = one
        column = right
    return made


@register_jitable(error_model="numpy", boundscheck=False)
def _shared_out(matrices: Any, total: Any) -> None:
    """Add to each matrix what its columns of ``total`` hold."""
    column = 0
    for one in matrices:
        right = column + one.shape[1]
        one += total[:, column:right]
        column = right


# ---------------------------------------------------------------- along the first axis


@register_jitable(error_model="numpy", boundscheck=False)
def _stack_0(held: Any, parts: Any) -> None:
    """The parts (k, ...) as matrices, one below the other."""
    row = 0
    for part in parts:
        end = row + part.shape[0]
        copied_into(held[row:end].reshape(part.shape), part)
        row = end


@register_jitable(error_model="numpy", boundscheck=False)
def _spread_0(parts: Any, held: Any) -> None:
    """Add the rows of ``held`` to the parts that they belong to."""
    row = 0
    for part in parts:
        end = row + part.shape[0]
        added_to(part, held[row:end].reshape(part.shape))
        row = end


@njit(**_flags)
def contract_0(*arrays: Any) -> Any:
    matrix, parts = _side_by_side(first_half(arrays)), second_half(arrays)
    rest = parts[0].shape[1:]
    held = np.empty((matrix.shape[1], _size(rest)), matrix.dtype)
    _stack_0(held, parts)
    made = np.empty((matrix.shape[0], held.shape[1]), matrix.dtype)
    _product(matrix, held, made)
    return made.reshape((matrix.shape[0], *rest))


@njit(**_flags)
def contract_0_matrices(made_adj: Any, *arrays: Any) -> None:
    parts, shadows = first_half(arrays), second_half(arrays)
    flat = np.ascontiguousarray(made_adj).reshape(made_adj.shape[0], _size(made_adj.shape[1:]))
    total = _side_by_side(shadows)
    held = np.empty((total.shape[1], flat.shape[1]), total.dtype)
    _stack_0(held, parts)
    _product(flat, held.T, total)
    _shared_out(shadows, total)


@njit(**_flags)
def contract_0_parts(made_adj: Any, *arrays: Any) -> None:
    matrix, shadows = _side_by_side(first_half(arrays)), second_half(arrays)
    flat = np.ascontiguousarray(made_adj).reshape(made_adj.shape[0], _size(made_adj.shape[1:]))
    held = np.empty((matrix.shape[1], flat.shape[1]), matrix.dtype)
    _product(matrix.T, flat, held)
    _spread_0(shadows, held)


# ---------------------------------------------------------------- along the second axis


@register_jitable(error_model="numpy", boundscheck=False)
def _stack_1(held: Any, parts: Any, n: int) -> None:
    """Entry ``n`` of the parts (n, k, ...) as matrices, one below the other."""
    row = 0
    for part in parts:
        end = row + part.shape[1]
        copied_into(held[row:end].reshape(part.shape[1:]), part[n])
        row = end


@register_jitable(error_model="numpy", boundscheck=False)
def _spread_1(parts: Any, held: Any, n: int) -> None:
    """Add the rows of ``held`` to entry ``n`` of the parts that they belong to."""
    row = 0
    for part in parts:
        end = row + part.shape[1]
        added_to(part[n], held[row:end].reshape(part.shape[1:]))
        row = end


@njit(**_flags)
def contract_1(*arrays: Any) -> Any:
    matrix, parts = _side_by_side(first_half(arrays)), second_half(arrays)
    count, rest = parts[0].shape[0], parts[0].shape[2:]
    held = np.empty((matrix.shape[1], _size(rest)), matrix.dtype)
    made = np.empty((count, matrix.shape[0], held.shape[1]), matrix.dtype)
    for n in range(count):
        _stack_1(held, parts, n)
        _product(matrix, held, made[n])
    return made.reshape((count, matrix.shape[0], *rest))


@njit(**_flags)
def contract_1_matrices(made_adj: Any, *arrays: Any) -> None:
    parts, shadows = first_half(arrays), second_half(arrays)
    shape = (made_adj.shape[0], made_adj.shape[1], _size(made_adj.shape[2:]))
    flat = np.ascontiguousarray(made_adj).reshape(shape)
    total = _side_by_side(shadows)
    total[...] = 0
    one = np.empty_like(total)
    held = np.empty((total.shape[1], shape[2]), total.dtype)
    for n in range(shape[0]):
        _stack_1(held, parts, n)
        _product(flat[n], held.T, one)
        total += one
    _shared_out(shadows, total)


@njit(**_flags)
def contract_1_parts(made_adj: Any, *arrays: Any) -> None:
    matrix, shadows = _side_by_side(first_half(arrays)), second_half(arrays)
    shape = (made_adj.shape[0], made_adj.shape[1], _size(made_adj.shape[2:]))
    flat = np.ascontiguousarray(made_adj).reshape(shape)
    held = np.empty((matrix.shape[1], shape[2]), matrix.dtype)
    for n in range(shape[0]):
        _product(matrix.T, flat[n], held)
        _spread_1(shadows, held, n)


# ---------------------------------------------------------------- along the last axis


@register_jitable(error_model="numpy", boundscheck=False)
def _blocks(shape: Any) -> tuple[int, int, int]:
    """Of an array with this shape: entries of the first axis, lines in each, entries at once."""
    count, lines = shape[0], _size(shape[1:-1])
    return count, lines, max(1, min(count, _ROWS // max(lines, 1)))


@register_jitable(error_model="numpy", boundscheck=False)
def _stack_last(held: Any, parts: Any, begin: int, end: int) -> None:
    """Entries ``begin`` to ``end`` of the parts (..., k) as matrices, one beside the other."""
    column = 0
    for part in parts:
        shape = (end - begin, *part.shape[1:-1], held.shape[1])
        right = column + part.shape[-1]
        copied_into(held.reshape(shape)[..., column:right], part[begin:end])
        column = right


@njit(**_flags)
def contract_last(*arrays: Any) -> Any:
    matrix, parts = _side_by_side(first_half(arrays)), second_half(arrays)
    count, lines, step = _blocks(parts[0].shape)
    made = np.empty((count * lines, matrix.shape[0]), matrix.dtype)
    held = np.empty((step * lines, matrix.shape[1]), matrix.dtype)
    for begin in range(0, count, step):
        end = min(begin + step, count)
        some = held[: (end - begin) * lines]
        _stack_last(some, parts, begin, end)
        _product(some, matrix.T, made[begin * lines : end * lines])
    return made.reshape((*parts[0].shape[:-1], matrix.shape[0]))


@njit(**_flags)
def contract_last_matrices(made_adj: Any, *arrays: Any) -> None:
    parts, shadows = first_half(arrays), second_half(arrays)
    count, lines, step = _blocks(made_adj.shape)
    flat = np.ascontiguousarray(made_adj).reshape(count * lines, made_adj.shape[-1])
    total = _side_by_side(shadows)
    total[...] = 0
    one = np.empty_like(total)
    held = np.empty((step * lines, total.shape[1]), total.dtype)
    for begin in range(0, count, step):
        end = min(begin + step, count)
        some = held[: (end - begin) * lines]
        _stack_last(some, parts, begin, end)
        _product(flat[begin * lines : end * lines].T, some, one)
        total += one
    _shared_out(shadows, total)


@njit(**_flags)
def contract_last_parts(made_adj: Any, *arrays: Any) -> None:
    matrix, shadows = _side_by_side(first_half(arrays)), second_half(arrays)
    count, lines, step = _blocks(made_adj.shape)
    flat = np.ascontiguousarray(made_adj).reshape(count * lines, made_adj.shape[-1])
    held = np.empty((step * lines, matrix.shape[1]), matrix.dtype)
    for begin in range(0, count, step):
        end = min(begin + step, count)
        some = held[: (end - begin) * lines]
        _product(flat[begin * lines : end * lines], matrix, some)
        column = 0
        for part in shadows:
            shape = (end - begin, *part.shape[1:-1], some.shape[1])
            right = column + part.shape[-1]
            added_to(part[begin:end], some.reshape(shape)[..., column:right])
            column = right


# ---------------------------------------------------------------- one of several pairs, tangents


@njit(**_flags)
def contract_0_matrix(matrix_adj: Any, made_adj: Any, part: Any) -> None:
    contract_0_matrices(made_adj, part, matrix_adj)


@njit(**_flags)
def contract_0_part(part_adj: Any, made_adj: Any, matrix: Any) -> None:
    contract_0_parts(made_adj, matrix, part_adj)


@njit(**_flags)
def contract_0_matrix_tangent(made_tan: Any, matrix_tan: Any, part: Any) -> None:
    made_tan += contract_0(matrix_tan, part)


@njit(**_flags)
def contract_0_part_tangent(made_tan: Any, part_tan: Any, matrix: Any) -> None:
    made_tan += contract_0(matrix, part_tan)


@njit(**_flags)
def contract_1_matrix(matrix_adj: Any, made_adj: Any, part: Any) -> None:
    contract_1_matrices(made_adj, part, matrix_adj)


@njit(**_flags)
def contract_1_part(part_adj: Any, made_adj: Any, matrix: Any) -> None:
    contract_1_parts(made_adj, matrix, part_adj)


@njit(**_flags)
def contract_1_matrix_tangent(made_tan: Any, matrix_tan: Any, part: Any) -> None:
    made_tan += contract_1(matrix_tan, part)


@njit(**_flags)
def contract_1_part_tangent(made_tan: Any, part_tan: Any, matrix: Any) -> None:
    made_tan += contract_1(matrix, part_tan)


@njit(**_flags)
def contract_last_matrix(matrix_adj: Any, made_adj: Any, part: Any) -> None:
    contract_last_matrices(made_adj, part, matrix_adj)


@njit(**_flags)
def contract_last_part(part_adj: Any, made_adj: Any, matrix: Any) -> None:
    contract_last_parts(made_adj, matrix, part_adj)


@njit(**_flags)
def contract_last_matrix_tangent(made_tan: Any, matrix_tan: Any, part: Any) -> None:
    made_tan += contract_last(matrix_tan, part)


@njit(**_flags)
def contract_last_part_tangent(made_tan: Any, part_tan: Any, matrix: Any) -> None:
    made_tan += contract_last(matrix, part_tan)
