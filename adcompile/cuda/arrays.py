"""Arrays to the device and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import cuda

from adcompile.cuda.launch import current_stream
from adcompile.errors import UnsupportedError


def as_device_array(value: Any) -> Any:
    """Arrays of other libraries without a copy; NumPy's copied to the device; numbers as they
    are."""
    if isinstance(value, np.ndarray):
        if value.ndim == 0:
            return value[()]
        return cuda.to_device(np.ascontiguousarray(value), stream=current_stream())
    if is_device_array(value):
        return value
    if hasattr(value, "__cuda_array_interface__"):
        return cuda.as_cuda_array(value)
    if hasattr(value, "__dlpack__"):
        raise UnsupportedError(
            f"a {type(value).__name__} without __cuda_array_interface__",
            None,
            "Move it to the GPU, or pass it as a NumPy array.",
        )
    return value


def is_device_array(value: Any) -> bool:
    return hasattr(value, "copy_to_host") and hasattr(value, "copy_to_device")


def to_host(result: Any) -> Any:
    """The same structure with NumPy arrays."""
    if isinstance(result, tuple):
        return tuple(map(to_host, result))
    return result.copy_to_host() if hasattr(result, "copy_to_host") else result
