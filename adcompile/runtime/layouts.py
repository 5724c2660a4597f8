"""Arrays of any layout in memory, side by side in tuples and line by line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba.core import cgutils
from numba.core import types as nt
from numba.core.imputils import impl_ret_borrowed
from numba.extending import intrinsic, overload, register_jitable
from numba.np.arrayobj import populate_array

from adcompile.runtime.helper import njit

_flags = {"cache": True, "error_model": "numpy", "fastmath": False, "boundscheck": False}


def _half_of(arrays: Any, second: bool) -> Any:
    """The type of half of a tuple of arrays, with one layout, and which ones these are."""
    half = len(arrays) // 2
    numbers = range(half, 2 * half) if second else range(half)
    kinds = [arrays[k] for k in numbers]
    fixed = any(not kind.mutable for kind in kinds)
    first = kinds[0]
    kind = nt.Array(first.dtype, first.ndim, "A", readonly=fixed, aligned=first.aligned)
    return nt.UniTuple(kind, half), numbers


def _taking(second: bool) -> Any:
    def take(typing_context: Any, arrays: Any) -> Any:
        made, numbers = _half_of(arrays, second)

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            items = [builder.extract_value(args[0], k) for k in numbers]
            value = context.make_tuple(builder, made, items)
            return impl_ret_borrowed(context, builder, made, value)

        return made(arrays), generate

    return intrinsic(take)


_take_first, _take_second = _taking(False), _taking(True)


@intrinsic
def _from_first(typing_context: Any, array: Any, length: Any) -> Any:
    """``length`` elements that lie one after the other, beginning with the first of ``array``."""
    made = nt.Array(array.dtype, 1, "C", readonly=not array.mutable, aligned=array.aligned)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        whole = context.make_array(array)(context, builder, args[0])
        flat = context.make_array(made)(context, builder)
        shape = cgutils.pack_array(builder, [args[1]])
        strides = cgutils.pack_array(builder, [whole.itemsize])
        populate_array(flat, whole.data, shape, strides, whole.itemsize, whole.meminfo, None)
        return impl_ret_borrowed(context, builder, made, flat._getvalue())

    return made(array, nt.intp), generate


def first_half(arrays: Any) -> Any:
    return arrays[: len(arrays) // 2]


def second_half(arrays: Any) -> Any:
    return arrays[len(arrays) // 2 :]


@overload(first_half)
def _first_half(arrays: Any) -> Callable[..., Any]:
    def taken(arrays: Any) -> Any:
        return _take_first(arrays)

    return taken


@overload(second_half)
def _second_half(arrays: Any) -> Callable[..., Any]:
    def taken(arrays: Any) -> Any:
        return _take_second(arrays)

    return taken


@register_jitable(error_model="numpy", boundscheck=False)
def _in_lines(part: Any) -> bool:
    """Whether the lines of a matrix lie in memory as those of one in C order, but for gaps."""
    size, (step, within) = part.itemsize, part.strides
    return bool(part.size > 0 and within == size and step >= 0 and step % size == 0)


@register_jitable(error_model="numpy", boundscheck=False)
def _lines(part: Any) -> tuple[Any, int]:
    """The memory of such a matrix, and how far one line is from the next."""
    step = part.strides[0] // part.itemsize
    return _from_first(part, (part.shape[0] - 1) * step + part.shape[1]), step


def copy_part(into: Any, part: Any) -> None:
    """``into[...] = part``."""
    into[...] = part


@overload(copy_part)
def _copy_part(into: Any, part: Any) -> Callable[..., Any]:
    if into.ndim > 2:

        def entries(into: Any, part: Any) -> None:
            for k in range(part.shape[0]):
                copy_part(into[k], part[k])

        return entries

    def matrix(into: Any, part: Any) -> None:
        rows, columns = part.shape
        if _in_lines(into) and _in_lines(part):
            (here, down), (there, on) = _lines(into), _lines(part)
            for i in range(rows):
                first, second = np.uintp(i * down), np.uintp(i * on)
                for j in range(np.uintp(columns)):
                    here[first + j] = there[second + j]
        else:
            for i in range(rows):
                for j in range(columns):
                    into[i, j] = part[i, j]

    def line(into: Any, part: Any) -> None:
        for k in range(part.size):
            into[k] = part[k]

    return matrix if into.ndim == 2 else line


def add_part(part: Any, values: Any) -> None:
    """``part += values``."""
    part += values


@overload(add_part)
def _add_part(part: Any, values: Any) -> Callable[..., Any]:
    if part.ndim > 2:

        def entries(part: Any, values: Any) -> None:
            for k in range(part.shape[0]):
                add_part(part[k], values[k])

        return entries

    def matrix(part: Any, values: Any) -> None:
        rows, columns = part.shape
        if _in_lines(part) and _in_lines(values):
            (here, down), (there, on) = _lines(part), _lines(values)
            for i in range(rows):
                first, second = np.uintp(i * down), np.uintp(i * on)
                for j in range(np.uintp(columns)):
                    here[first + j] += there[second + j]
        else:
            for i in range(rows):
                for j in range(columns):
                    part[i, j] += values[i, j]

    def line(part: Any, values: Any) -> None:
        for k in range(part.size):
            part[k] += values[k]

    return matrix if part.ndim == 2 else line


@njit(**_flags)
def copied_into(into: Any, part: Any) -> None:
    copy_part(into, part)


@njit(**_flags)
def added_to(part: Any, values: Any) -> None:
    add_part(part, values)
