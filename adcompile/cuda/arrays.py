"""Arrays to the device and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from adcompile.cuda.launch import current_stream
from adcompile.cuda.library import cupy
from adcompile.cuda.package import SIMULATED, cuda
from adcompile.errors import UnsupportedError

_CUDA = 2  # kDLCUDA of DLPack


def as_device_array(value: Any) -> Any:
    """Arrays of other libraries without a copy; NumPy's copied to the device; numbers as they
    are."""
    if isinstance(value, np.ndarray):
        if value.ndim == 0:
            return value[()]
        return cuda.to_device(np.ascontiguousarray(value), stream=current_stream())
    return adopted(value)


def adopted(value: Any) -> Any:
    """Device arrays of other libraries as Numba's, without a copy; those without axes as numbers;
    all else as it is."""
    if is_device_array(value):
        return value
    if hasattr(value, "__cuda_array_interface__"):
        made = _simulated(value) if SIMULATED else cuda.as_cuda_array(value)
        return made if made.ndim else made.copy_to_host()[()]
    if hasattr(value, "__dlpack__") and not isinstance(value, np.ndarray | np.generic):
        there = int(value.__dlpack_device__()[0]) == _CUDA
        if there and (library := cupy()) is not None:
            return cuda.as_cuda_array(library.from_dlpack(value))
        raise UnsupportedError(
            f"a {type(value).__name__} without __cuda_array_interface__",
            None,
            "Install CuPy, which reads DLPack, or pass an array that has the interface."
            if there
            else "Move it to the GPU, or pass it as a NumPy array.",
        )
    return value


def is_device_array(value: Any) -> bool:
    return hasattr(value, "copy_to_host") and hasattr(value, "copy_to_device")


def to_host(result: Any) -> Any:
    """The same structure with NumPy arrays."""
    if isinstance(result, tuple):
        return tuple(map(to_host, result))
    return result.copy_to_host() if hasattr(result, "copy_to_host") else result


class _Interface:
    """The memory of an array whose device is the host, which the simulator's is."""

    def __init__(self, value: Any) -> None:
        described = value.__cuda_array_interface__
        self.owner = value
        known = ("shape", "typestr", "data", "strides", "version")
        self.__array_interface__ = {k: described[k] for k in known if k in described}


def _simulated(value: Any) -> Any:
    from numba.cuda.simulator.cudadrv.devicearray import FakeCUDAArray

    return FakeCUDAArray(np.asarray(_Interface(value)))
