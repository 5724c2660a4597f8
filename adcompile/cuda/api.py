"""``grad(f, target="cuda")``: the object that the user holds."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
from numba.core import types as nt
from numba.np.numpy_support import from_dtype

from adcompile.backends.cpu import Derivation
from adcompile.backends.store import Generated, Loaded
from adcompile.backends.values import Ones, type_of, type_of_value
from adcompile.errors import BroadcastError, UnsupportedError


class CudaGrad:
    """A derivative on the GPU.

    Arrays are device arrays (Numba's, or anything with ``__cuda_array_interface__``), used where
    they are, and so are the gradients; if all arrays are NumPy's they are copied there, and the
    gradients come back as NumPy's.
    """

    __adcompile__ = True

    def __init__(self, derivation: Derivation, kind: str) -> None:
        self.derivation, self.kind = derivation, kind
        self.__name__ = derivation.func.__name__
        self.__doc__ = derivation.func.__doc__
        self.__wrapped__ = self.py_func = derivation.func

    @property
    def value_and_grad(self) -> CudaGrad:
        """The same arguments -> (value, gradient)."""
        return CudaGrad(self.derivation, "value_and_grad")

    @property
    def primal(self) -> Any:
        """The user's function, as it was given."""
        return self.derivation.target

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        # Late: numba.cuda is an extra.
        from adcompile.cuda.arrays import as_device_array, to_host
        from adcompile.cuda.launch import check_device

        check_device()
        bound = inspect.signature(self.derivation.func).bind(*args, **kwargs)
        bound.apply_defaults()
        given = bound.args
        on_host = [isinstance(a, np.ndarray) for a in given if hasattr(a, "shape") and np.ndim(a)]
        placed = tuple(as_device_array(a) for a in given)
        kinds = tuple(map(type_of_argument, placed))
        try:
            result = self._specialised(kinds).entry(self.kind)(*placed)
        except BroadcastError:  # once more with axes of extent one that broadcast
            other = self.derivation.variant(_ones(placed))
            if other is None:
                raise
            found = other.specialise(kinds)
            self.derivation.note_latest(other, kinds)
            result = found.entry(self.kind)(*placed)
        return to_host(result) if on_host and all(on_host) else result

    def _specialised(self, argtypes: tuple[Any, ...]) -> Loaded:
        found = self.derivation.specialise(argtypes)
        self.derivation.note_latest(self.derivation, argtypes)
        return found

    # ------------------------------------------------------------ looking inside

    def _generated(self, arguments: tuple[Any, ...]) -> Generated:
        if arguments:
            return self._specialised(tuple(map(type_of_argument, arguments))).generated
        if self.derivation.latest is None:
            raise AttributeError(
                f"{self.__name__} has not been called yet, so nothing is generated; "
                f"{self.__name__}.source(*types) makes the module for given types without a call"
            )
        return self.derivation.latest.generated

    def source(self, *arguments: Any) -> str:
        """The generated module for types, also as text, or example values.  Nothing is run."""
        return self._generated(arguments).text

    def explain(self, *arguments: Any) -> str:
        """The user's source, with what is stored, and which loops are kernels, which accumulations
        atomic and why, beside each line."""
        return self._generated(arguments).explanation

    def ptx(self, *arguments: Any, cc: tuple[int, int] = (8, 0)) -> dict[str, str]:
        """The kernels as PTX for a compute capability, by name: needs no GPU."""
        from adcompile.cuda.ptx import compile_kernels

        return compile_kernels(self.derivation, tuple(map(type_of_argument, arguments)), cc)

    @property
    def fused_source(self) -> str | None:
        """Value and gradient at once, where that is what runs; else None."""
        return self._generated(()).fused_source

    @property
    def forward_source(self) -> str:
        """The forward sweep of the latest specialisation; "" where the fused one runs."""
        return self._generated(()).forward_source

    @property
    def adjoint_source(self) -> str:
        """The reverse sweep of the latest specialisation; "" where the fused one runs."""
        return self._generated(()).adjoint_source

    def __repr__(self) -> str:
        return f"<adcompile {self.kind} of {self.derivation.func.__qualname__} on CUDA>"

    def __reduce__(self) -> Any:
        return CudaGrad, (self.derivation, self.kind)


def _ones(args: tuple[Any, ...]) -> Ones:
    """(argument, axis) of the axes of extent one."""
    shapes = [tuple(a.shape) if np.ndim(a) else () for a in args]
    return tuple(((k,), axis) for k, s in enumerate(shapes) for axis, n in enumerate(s) if n == 1)


def type_of_argument(value: Any) -> Any:
    if isinstance(value, nt.Type | str):
        return type_of(value)
    if hasattr(value, "dtype") and hasattr(value, "strides") and np.ndim(value):
        return _array_type(value.dtype, tuple(value.shape), tuple(value.strides))
    if hasattr(value, "__cuda_array_interface__"):  # PyTorch's and JAX's lack NumPy's attributes
        described = value.__cuda_array_interface__
        if not described["shape"]:
            return from_dtype(np.dtype(described["typestr"]))
        return _array_type(described["typestr"], described["shape"], described.get("strides"))
    return type_of_value(value)


def _array_type(dtype: Any, shape: tuple[int, ...], strides: tuple[int, ...] | None) -> Any:
    """``strides``: None in C order."""
    try:
        kind = from_dtype(np.dtype(dtype))
    except Exception as error:
        raise UnsupportedError(f"arrays of {dtype} on the GPU") from error
    if strides is None or _is_c(shape, strides, int(np.dtype(dtype).itemsize)):
        return nt.Array(kind, len(shape), "C")
    return nt.Array(kind, len(shape), "A")


def _is_c(shape: tuple[int, ...], strides: tuple[int, ...], step: int) -> bool:
    for extent, stride in zip(reversed(shape), reversed(strides), strict=True):
        if extent != 1 and stride != step:
            return False
        step *= extent
    return True
