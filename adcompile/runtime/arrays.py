"""What generated code calls on arrays.  Runs compiled and as plain Python alike."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

_flags = {"cache": True, "error_model": "numpy", "fastmath": False, "boundscheck": False}


@njit(**_flags)
def trip_count(start: int, stop: int, step: int) -> int:
    """``len(range(start, stop, step))``."""
    if step > 0 and start < stop:
        return (stop - start - 1) // step + 1
    if step < 0 and start > stop:
        return (start - stop - 1) // -step + 1
    return 0


@njit(**_flags)
def grow(tape: Any) -> Any:
    """``tape`` with twice the rows, the old ones kept."""
    rows = tape.shape[0]
    larger = np.empty((2 * rows,) + tape.shape[1:], tape.dtype)
    larger[:rows] = tape
    return larger


@njit(**_flags)
def slice_start(start: int, step: int, size: int) -> int:
    """Where ``range(size)[start::step]`` begins; any place in the array for an empty slice."""
    if start < 0:
        start += size
    if step > 0:
        return min(max(start, 0), size)
    return max(min(start, size - 1), 0)


@njit(**_flags)
def slice_first(start: Any, stop: Any, step: int, size: int) -> int:
    """The first subscript of ``range(size)[start:stop:step]``."""
    if start is None:
        return 0 if step > 0 else size - 1
    return int(slice_start(start, step, size))


@njit(**_flags)
def slice_length(start: Any, stop: Any, step: int, size: int) -> int:
    """``len(range(size)[start:stop:step])``."""
    if step == 0:
        raise ValueError("slice step cannot be zero")
    low, high = (0, size) if step > 0 else (-1, size - 1)
    if start is None:
        first = low if step > 0 else high
    else:
        first = min(max(start + size if start < 0 else start, low), high)
    if stop is None:
        last = high if step > 0 else low
    else:
        last = min(max(stop + size if stop < 0 else stop, low), high)
    return int(trip_count(first, last, step))


@njit(**_flags)
def from_front(index: int, size: int) -> int:
    """A subscript counted from the front."""
    return index + size if index < 0 else index


@njit(**_flags)
def place(arena: Any, offset: int, shape: Any, strides: Any) -> Any:
    """The array with this shape and these strides (in bytes) that begins at element ``offset``."""
    part = arena[offset:]
    if part.size == 0:  # so is the array
        part = arena
    return np.lib.stride_tricks.as_strided(part, shape, strides)


@njit(**_flags)
def set_zero(part: Any) -> None:
    """All elements become zero."""
    part[...] = 0


@njit(**_flags)
def add_into(total: Any, part: Any) -> None:
    """``total += part``."""
    total += part


@njit(**_flags)
def add_cotangent(total: Any, part: Any) -> None:
    """``total += part``, for equal shapes: what the user's rule returned may have another."""
    if part.shape != total.shape:
        raise ValueError("custom_vjp: a cotangent has not the shape of its argument")
    total += part


@njit(**_flags)
def move_adjoint(source_adj: Any, target_adj: Any) -> None:
    """The adjoint of ``target[...] = source`` for equal shapes, which may overlap: the shadow of
    the target is emptied into that of the source."""
    moved = target_adj.copy()
    if moved.shape != source_adj.shape:
        raise ValueError("adcompile: a slice assignment that broadcasts has no adjoint yet")
    target_adj[...] = 0
    source_adj += moved


@njit(**_flags)
def _bounds(array: Any) -> tuple[int, int]:
    low = array.ctypes.data
    high = low + array.itemsize
    for axis in range(array.ndim):
        reach = (array.shape[axis] - 1) * array.strides[axis]
        if reach > 0:
            high += reach
        else:
            low += reach
    return low, high


@njit(**_flags)
def overlap(a: Any, b: Any) -> bool:
    """May two arrays share memory?"""
    if a.size == 0 or b.size == 0:
        return False
    low_a, high_a = _bounds(a)
    low_b, high_b = _bounds(b)
    return bool(low_a < high_b and low_b < high_a)
