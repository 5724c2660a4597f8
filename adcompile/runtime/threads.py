"""What loops on several threads need."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir as llvm
from numba import get_num_threads
from numba.core import cgutils
from numba.core import types as nt
from numba.core.cpu_options import ParallelOptions
from numba.extending import lower_builtin, type_callable
from numba.np.ufunc.parallel import _launch_threads

from adcompile.runtime.helper import njit

# For ``parallel=``: loops over prange, and nothing else.
LOOPS: Any = ParallelOptions(
    dict.fromkeys(
        ("comprehension", "fusion", "inplace_binop", "numpy", "reduction", "setitem", "stencil"),
        False,
    )
)

_flags = {"cache": True, "error_model": "numpy", "fastmath": False, "boundscheck": False}


def thread_count() -> int:
    """How many threads there are.  Numba's own function holds an address when it is compiled, so
    that nothing that calls it can be kept on disk."""
    return int(get_num_threads())


@type_callable(thread_count)
def _type_of_thread_count(context: Any) -> Any:
    return lambda: nt.intp


@lower_builtin(thread_count)
def _lower_thread_count(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    _launch_threads()
    context.active_code_library._reload_init.add(_launch_threads)
    kind = llvm.FunctionType(llvm.IntType(32), ())
    function = cgutils.get_or_insert_function(builder.module, kind, "get_num_threads")
    return builder.sext(builder.call(function, ()), llvm.IntType(64))


@njit(**_flags)
def block_count(start: int, stop: int) -> int:
    """Into how many blocks ``range(start, stop)`` is cut: one a thread."""
    return int(max(1, min(thread_count(), stop - start)))


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
