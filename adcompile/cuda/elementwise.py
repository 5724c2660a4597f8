"""Whole device arrays, element by element: what the host's part of a generated module does."""

from __future__ import annotations

from typing import Any

from adcompile.cuda.package import cuda


@cuda.jit
def _add(total: Any, part: Any) -> None:
    for k in range(cuda.grid(1), total.size, cuda.gridsize(1)):
        total[k] += part[k]


@cuda.jit
def _add_number(total: Any, number: float) -> None:
    for k in range(cuda.grid(1), total.size, cuda.gridsize(1)):
        total[k] += number


@cuda.jit
def _assign(total: Any, part: Any) -> None:
    for k in range(cuda.grid(1), total.size, cuda.gridsize(1)):
        total[k] = part[k]


@cuda.jit
def _move(total: Any, part: Any) -> None:
    for k in range(cuda.grid(1), total.size, cuda.gridsize(1)):
        total[k] += part[k]
        part[k] = 0


@cuda.jit
def _fill(array: Any, value: Any) -> None:
    for k in range(cuda.grid(1), array.size, cuda.gridsize(1)):
        array[k] = value


def _run(kernel: Any, first: Any, second: Any) -> None:
    """Over all elements; what is not contiguous goes row by row."""
    from adcompile.cuda.launch import current_stream, sizes

    if first.size == 0:
        return
    both = [a for a in (first, second) if hasattr(a, "shape") and a.shape]
    if first.ndim != 1:
        if not all(a.is_c_contiguous() for a in both):
            for k in range(first.shape[0]):
                _run(kernel, first[k], second[k] if len(both) == 2 else second)
            return
        first = first.reshape(first.size)
        second = second.reshape(second.size) if len(both) == 2 else second
    blocks = min(-(-first.size // sizes.threads), sizes.blocks * sizes.multiprocessors())
    kernel[blocks, sizes.threads, current_stream()](first, second)


def add_into(total: Any, part: Any) -> None:
    """``total += part``."""
    _run(_add, total, part)


def add_number(total: Any, number: float) -> None:
    """``total += number``."""
    _run(_add_number, total, total.dtype.type(number))


def assign(total: Any, part: Any) -> None:
    """``total[...] = part``."""
    _run(_assign, total, part)


def move_adjoint(source_adj: Any, target_adj: Any) -> None:
    """The shadow of a copy is emptied into that of what it is a copy of; they do not overlap."""
    _run(_move, source_adj, target_adj)


def fill(array: Any, value: Any) -> None:
    """``array[...] = value``."""
    _run(_fill, array, array.dtype.type(value))
