"""Room for a strip of a line of elements, on the stack of the function that asks for it."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir as llvm
from numba.core import cgutils
from numba.core import types as nt
from numba.extending import lower_builtin, type_callable
from numba.np.arrayobj import make_array, populate_array

WIDTH = 256


def strip() -> Any:
    """An array of ``WIDTH`` numbers; in compiled code it lives as long as the call, and is the same
    one each time that this place is reached."""
    return np.empty(WIDTH)


@type_callable(strip)
def _type_strip(context: Any) -> Any:
    return lambda: nt.Array(nt.float64, 1, "C")


@lower_builtin(strip)
def _lower_strip(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    number = llvm.DoubleType()
    room = cgutils.alloca_once(builder, llvm.ArrayType(number, WIDTH))
    array = make_array(signature.return_type)(context, builder)
    populate_array(
        array,
        data=builder.bitcast(room, number.as_pointer()),
        shape=[llvm.Constant(llvm.IntType(64), WIDTH)],
        strides=[llvm.Constant(llvm.IntType(64), 8)],
        itemsize=llvm.Constant(llvm.IntType(64), 8),
        meminfo=None,
    )
    return array._getvalue()
