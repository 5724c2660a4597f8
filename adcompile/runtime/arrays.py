"""What generated code calls on arrays.  Runs compiled and as plain Python alike."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.core import types as nt
from numba.extending import lower_builtin, type_callable

from adcompile.runtime.helper import njit

_flags = {"cache": True, "error_model": "numpy", "fastmath": False, "boundscheck": False}


def trips(stop: int) -> int:
    """``len(range(stop))``.  ``max(stop, 0)`` is a function that Numba compiles in every caller."""
    return max(stop, 0)


@type_callable(trips)
def _type_of_trips(context: Any) -> Any:
    return lambda stop: nt.intp if isinstance(stop, nt.Integer) else None


@lower_builtin(trips, nt.Integer)
def _lower_trips(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    count = context.cast(builder, args[0], signature.args[0], nt.intp)
    zero = count.type(0)
    return builder.select(builder.icmp_signed(">", count, zero), count, zero)


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
    old, new = tape.ravel(), larger.ravel()
    for k in range(old.size):  # a slice would bring code for an error with shapes in its text
        new[k] = old[k]
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
def copy_into(total: Any, part: Any) -> None:
    """``total = part``, for the first part of a total."""
    total[...] = part


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
def move_real_adjoint(source_adj: Any, target_adj: Any) -> None:
    """As ``move_adjoint``, from a real source to a complex target."""
    moved = target_adj.copy()
    if moved.shape != source_adj.shape:
        raise ValueError("adcompile: a slice assignment that broadcasts has no adjoint yet")
    target_adj[...] = 0
    source_adj += moved.real


@njit(**_flags)
def abs2(z: Any) -> Any:
    """The square of the absolute value."""
    return z.real * z.real + z.imag * z.imag


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


# ---------------------------------------------------------------- integers of array functions


@njit(**_flags)
def float_count(start: float, stop: float, step: float) -> int:
    """How many elements ``np.arange(start, stop, step)`` has."""
    return max(int(np.ceil((stop - start) / step)), 0)


@njit(**_flags)
def bin_count(places: Any, least: int) -> Any:
    """How many elements ``np.bincount(places, minlength=least)`` has, as an array of one."""
    size = least
    for place in places:
        if place < 0:
            raise ValueError("np.bincount of negative integers")
        size = max(size, int(place) + 1)
    return np.array([size], np.int64)


@njit(**_flags)
def repeat_count(repeats: Any, size: int) -> Any:
    """How many elements ``np.repeat(x, repeats)`` has, as an array of one."""
    total = 0
    for k in range(size):
        total += repeats[k] if repeats.size > 1 else repeats[0]
    return np.array([total], np.int64)


@njit(**_flags)
def repeated(repeats: Any, total: int, size: int) -> Any:
    """Which element stands at each place of ``np.repeat(x, repeats)``."""
    out = np.empty(total, np.int64)
    at = 0
    for k in range(size):
        for _ in range(repeats[k] if repeats.size > 1 else repeats[0]):
            out[at] = k
            at += 1
    return out


@njit(**_flags)
def is_falling(bins: Any) -> Any:
    """Whether elements are smaller than those in front of them: 0 or 1 in an array."""
    falls = False
    for k in range(1, bins.size):
        falls = falls or bins[k] < bins[k - 1]
    return np.array([int(falls)], np.int64)


@njit(**_flags)
def rank_of(s: Any, rows: int, columns: int) -> Any:
    """How many singular values exceed rounding, as NumPy has it, in an array of one."""
    count = 0
    if s.size:
        least = s[0] * max(rows, columns) * np.finfo(s.dtype).eps
        for value in s:
            count += value > least
    return np.array([count], np.int64)


# Where the element at place i of a padded axis comes from; n: its extent before.


@njit(**_flags)
def pad_edge(i: int, n: int) -> int:
    """The nearest one."""
    return min(max(i, 0), n - 1)


@njit(**_flags)
def pad_wrap(i: int, n: int) -> int:
    """Periodic."""
    return i % n


@njit(**_flags)
def pad_symmetric(i: int, n: int) -> int:
    """Mirrored at the edges of the outer elements."""
    i %= 2 * n
    return min(i, 2 * n - 1 - i)


@njit(**_flags)
def pad_reflect(i: int, n: int) -> int:
    """Mirrored at the outer elements."""
    period = max(2 * (n - 1), 1)
    i %= period
    return min(i, period - i) if n > 1 else 0


# ---------------------------------------------------------------- the stack of arrays


@njit(**_flags)
def room(array: Any) -> int:
    """How many numbers an array takes on the stack: its elements and its extents."""
    return int((2 if np.iscomplexobj(array) else 1) * array.size + array.ndim)


@njit(**_flags)
def push(stack: Any, top: int, array: Any) -> Any:
    """The stack with an array above ``top``: the elements in C order, then the extents."""
    needed = top + array.size + array.ndim
    if needed > stack.size:
        larger = np.empty(max(needed, 2 * stack.size), stack.dtype)
        larger[:top] = stack[:top]
        stack = larger
    for value in array.flat:
        stack[top] = value
        top += 1
    for k in range(array.ndim):
        stack[top + k] = array.shape[k]
    return stack


@njit(**_flags)
def push_complex(stack: Any, top: int, array: Any) -> Any:
    """As ``push``; of each element the real and the imaginary part."""
    parts = np.empty(2 * array.size + array.ndim)
    k = 0
    for value in array.flat:
        parts[k] = value.real
        parts[k + 1] = value.imag
        k += 2
    for axis in range(array.ndim):
        parts[k + axis] = array.shape[axis]
    return push(stack, top, parts)  # whose own extent lies above all this


@njit(**_flags)
def pop_1(stack: Any, top: int) -> Any:
    """The vector below ``top``."""
    n = int(stack[top - 1])
    return stack[top - 1 - n : top - 1].copy()


@njit(**_flags)
def pop_2(stack: Any, top: int) -> Any:
    """The matrix below ``top``."""
    rows, columns = int(stack[top - 2]), int(stack[top - 1])
    end = top - 2
    return stack[end - rows * columns : end].copy().reshape((rows, columns))


@njit(**_flags)
def pop_1_single(stack: Any, top: int) -> Any:
    return pop_1(stack, top).astype(np.float32)


@njit(**_flags)
def pop_2_single(stack: Any, top: int) -> Any:
    return pop_2(stack, top).astype(np.float32)


@njit(**_flags)
def pop_1_complex(stack: Any, top: int) -> Any:
    n = int(stack[top - 1])
    return stack[top - 1 - 2 * n : top - 1].copy().view(np.complex128)


@njit(**_flags)
def pop_2_complex(stack: Any, top: int) -> Any:
    rows, columns = int(stack[top - 2]), int(stack[top - 1])
    end = top - 2
    numbers = stack[end - 2 * rows * columns : end].copy()
    return numbers.view(np.complex128).reshape((rows, columns))


@njit(**_flags)
def pop_1_complex_single(stack: Any, top: int) -> Any:
    return pop_1_complex(stack, top).astype(np.complex64)


@njit(**_flags)
def pop_2_complex_single(stack: Any, top: int) -> Any:
    return pop_2_complex(stack, top).astype(np.complex64)


@njit(**_flags)
def list_place(index: int, count: int) -> int:
    """A subscript of a list of ``count`` items, counted from the front."""
    if index < -count or index >= count:
        raise IndexError("list index out of range")
    return index + count if index < 0 else index


@njit(**_flags)
def insert_place(index: int, count: int) -> int:
    """Where ``insert(index, ...)`` puts an item of a list of ``count`` items."""
    return max(index + count, 0) if index < 0 else min(index, count)


@njit(**_flags)
def member_value(member: Any) -> Any:
    """That of a member of an Enum."""
    return member.value
