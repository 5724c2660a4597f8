"""Memory of hand-written adjoints: large pages for large arrays, as NumPy asks for them."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

_LINUX = sys.platform == "linux"
_LARGE = 1 << 22  # bytes
_PAGE = 4096
_MADV_HUGEPAGE = 14


@intrinsic
def _advise(_: Any, address: Any, size: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        word = ir.IntType(64)
        kind = ir.FunctionType(ir.IntType(32), [word, word, ir.IntType(32)])
        madvise = cgutils.get_or_insert_function(builder.module, kind, "madvise")
        return builder.call(madvise, [*args, ir.IntType(32)(_MADV_HUGEPAGE)])

    return types.int32(types.int64, types.int64), generate


@njit
def empty(n: int) -> Any:
    """``np.empty(n)``."""
    array = np.empty(n)
    if _LINUX and array.nbytes >= _LARGE:
        rest = -array.ctypes.data % _PAGE
        _advise(array.ctypes.data + rest, array.nbytes - rest)
    return array
