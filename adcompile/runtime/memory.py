"""New arrays, in large pages where that pays.

The first touch of a page of 4 KiB costs more than the arithmetic on its contents; NumPy asks the
system for pages of 2 MiB where an array has 4 MiB or more, Numba does not.

glibc's malloc gives memory back to the system after each call, only to ask for it again in the
next, until it has seen a large block freed: then it keeps up to twice as much.  It is shown one
here, which costs nothing, since nobody touches it.  A gradient with temporaries of 8 MB becomes six
times quicker in a process that has not yet freed such an array.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from llvmlite import ir as llvm
from numba import njit
from numba.core import types as nt
from numba.extending import intrinsic

_LARGE, _PAGE, _HUGEPAGE = 1 << 22, 4096, 14  # MADV_HUGEPAGE of <sys/mman.h>, Linux
_LARGEST_KEPT = (1 << 25) - (1 << 16)  # DEFAULT_MMAP_THRESHOLD_MAX of mallopt(3), with its header
_flags = {"cache": True, "error_model": "numpy", "fastmath": False, "boundscheck": False}

np.empty(_LARGEST_KEPT, np.uint8)


@intrinsic
def _madvise(typing_context: Any, address: Any, size: Any) -> Any:
    """madvise(2); its result does not matter."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        word, number = llvm.IntType(64), llvm.IntType(32)
        kind = llvm.FunctionType(number, (word, word, number))
        if "madvise" in builder.module.globals:
            function = builder.module.globals["madvise"]
        else:
            function = llvm.Function(builder.module, kind, "madvise")
        builder.call(function, (args[0], args[1], number(_HUGEPAGE)))
        return context.get_dummy_value()

    return nt.none(nt.intp, nt.intp), generate


if sys.platform == "linux":

    @njit(**_flags)
    def _in_large_pages(array: Any) -> None:
        size = array.size * array.itemsize
        if size >= _LARGE:
            address = array.ctypes.data
            start = (address + _PAGE - 1) // _PAGE * _PAGE
            _madvise(start, size - (start - address))

else:

    @njit(**_flags)
    def _in_large_pages(array: Any) -> None:
        pass


@njit(**_flags)
def empty(shape: Any, dtype: Any) -> Any:
    """``np.empty``."""
    made = np.empty(shape, dtype)
    _in_large_pages(made)
    return made


@njit(**_flags)
def zeros(shape: Any, dtype: Any) -> Any:
    """``np.zeros``."""
    made = np.empty(shape, dtype)
    _in_large_pages(made)
    made[...] = 0
    return made


@njit(**_flags)
def empty_like(array: Any) -> Any:
    """``np.empty_like``."""
    made = np.empty_like(array)
    _in_large_pages(made)
    return made


@njit(**_flags)
def zeros_like(array: Any) -> Any:
    """``np.zeros_like``."""
    made = np.empty_like(array)
    _in_large_pages(made)
    made[...] = 0
    return made
