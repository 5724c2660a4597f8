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
from numba.core import cgutils
from numba.core import types as nt
from numba.extending import lower_builtin, type_callable

from adcompile.runtime.helper import njit

_LARGE, _PAGE, _HUGEPAGE = 1 << 22, 4096, 14  # MADV_HUGEPAGE of <sys/mman.h>, Linux
_LARGEST_KEPT = (1 << 25) - (1 << 16)  # DEFAULT_MMAP_THRESHOLD_MAX of mallopt(3), with its header
_flags = {"cache": True, "error_model": "numpy", "fastmath": False, "boundscheck": False}

np.empty(_LARGEST_KEPT, np.uint8)


def _in_large_pages(array: Any) -> None:
    """madvise(2) for the memory of a new array; its result does not matter.  Written in place: a
    function of its own would be compiled for every type of array.  In Python NumPy does it."""


@type_callable(_in_large_pages)
def _type_of_in_large_pages(context: Any) -> Any:
    return lambda array: nt.none if isinstance(array, nt.Array) else None


@lower_builtin(_in_large_pages, nt.Array)
def _lower_in_large_pages(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    if sys.platform == "linux":
        made = context.make_array(signature.args[0])(context, builder, args[0])
        word, number = llvm.IntType(64), llvm.IntType(32)
        size = builder.mul(made.nitems, made.itemsize)
        with builder.if_then(builder.icmp_signed(">=", size, word(_LARGE)), likely=False):
            kind = llvm.FunctionType(number, (word, word, number))
            function = cgutils.get_or_insert_function(builder.module, kind, "madvise")
            address = builder.ptrtoint(made.data, word)
            start = builder.and_(builder.add(address, word(_PAGE - 1)), word(-_PAGE))
            rest = builder.sub(size, builder.sub(start, address))
            builder.call(function, (start, rest, number(_HUGEPAGE)))
    return context.get_dummy_value()


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
