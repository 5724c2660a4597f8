"""What loops on several threads need."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import get_num_threads

from adcompile.runtime.helper import njit

_flags = {"cache": True, "error_model": "numpy", "fastmath": False, "boundscheck": False}


@njit(**_flags)
def block_count(start: int, stop: int) -> int:
    """Into how many blocks ``range(start, stop)`` is cut: one a thread."""
    return int(max(1, min(get_num_threads(), stop - start)))


@njit(**_flags)
def block_start(start: int, stop: int, blocks: int, block: int) -> int:
    """Where a block begins; those of the blocks differ by one at most."""
    size = max(0, stop - start)
    return start + size // blocks * block + min(block, size % blocks)


@njit(**_flags)
def buffers(blocks: int, array: Any) -> Any:
    """Zeros in the shape of ``array``, once a block."""
    return np.zeros((blocks,) + array.shape, array.dtype)


@njit(**_flags)
def add_buffers(array: Any, parts: Any) -> None:
    """Add the buffers to ``array``, in order."""
    for block in range(parts.shape[0]):
        array += parts[block]
