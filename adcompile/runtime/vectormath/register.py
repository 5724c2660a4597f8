"""From a kernel to a function that Numba code calls on numbers and arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba.core import types
from numba.extending import lower_builtin, overload, type_callable

from adcompile.runtime.vectormath.values import Float

_options = {"error_model": "numpy", "fastmath": False, "boundscheck": False}


def unary(kernel: Callable[[Float], Float], plain: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The public function of a kernel; ``plain`` is what it does outside compiled code."""

    def function(x: Any) -> Any:
        return plain(_as_float(x))

    _publish(function, kernel)
    _scalars(function, kernel, 1)

    @overload(function, jit_options=_options)
    def on_array(x: Any) -> Any:
        if not isinstance(x, types.Array) or _float_type(x.dtype) is None:
            return None
        dtype = np.dtype(str(_float_type(x.dtype)))
        if x.ndim == 1:  # compiles in half the time

            def along(x: Any) -> Any:
                out = np.empty(x.shape, dtype)
                for i in range(x.shape[0]):
                    out[i] = function(x[i])
                return out

            return along

        def over(x: Any) -> Any:
            out = np.empty(x.shape, dtype)
            source = x.ravel()
            target = out.ravel()
            for i in range(source.shape[0]):
                target[i] = function(source[i])
            return out

        return over

    return function


def binary(
    kernel: Callable[[Float, Float], Float], plain: Callable[[Any, Any], Any]
) -> Callable[[Any, Any], Any]:
    """``unary`` for two arguments, which broadcast."""

    def function(x: Any, y: Any) -> Any:
        return plain(_as_float(x), _as_float(y))

    _publish(function, kernel)
    _scalars(function, kernel, 2)

    @overload(function, jit_options=_options)
    def on_arrays(x: Any, y: Any) -> Any:
        kinds = [_float_type(getattr(a, "dtype", a)) for a in (x, y)]
        arrays = [isinstance(a, types.Array) for a in (x, y)]
        if None in kinds or not any(arrays):
            return None
        dtype = np.dtype(str(_common(kinds)))
        if not arrays[1]:

            def by_scalar(x: Any, y: Any) -> Any:
                out = np.empty(x.shape, dtype)
                source = x.ravel()
                target = out.ravel()
                for i in range(source.shape[0]):
                    target[i] = function(source[i], y)
                return out

            return by_scalar
        if not arrays[0]:

            def of_scalar(x: Any, y: Any) -> Any:
                out = np.empty(y.shape, dtype)
                source = y.ravel()
                target = out.ravel()
                for i in range(source.shape[0]):
                    target[i] = function(x, source[i])
                return out

            return of_scalar

        def over(x: Any, y: Any) -> Any:
            shape = np.broadcast_shapes(x.shape, y.shape)
            out = np.empty(shape, dtype)
            first = np.broadcast_to(x, shape).ravel()
            second = np.broadcast_to(y, shape).ravel()
            target = out.ravel()
            for i in range(target.shape[0]):
                target[i] = function(first[i], second[i])
            return out

        return over

    return function


def _publish(function: Any, kernel: Any) -> None:
    function.__name__ = function.__qualname__ = kernel.__name__
    function.__doc__ = kernel.__doc__
    function.__module__ = "adcompile.vectormath"


def _scalars(function: Any, kernel: Callable[..., Float], count: int) -> None:
    # The parameters must carry the names that the overloads have.
    if count == 1:

        @type_callable(function)
        def typing_1(context: Any) -> Any:
            return lambda x: _float_type(x)

    else:

        @type_callable(function)
        def typing_2(context: Any) -> Any:
            return lambda x, y: _common([_float_type(x), _float_type(y)])

    @lower_builtin(function, *([types.Any] * count))
    def lower(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        to = signature.return_type
        values = [context.cast(builder, a, kind, to) for a, kind in zip(args, signature.args)]
        return kernel(*(Float(builder, value) for value in values)).ir


def _as_float(x: Any) -> Any:
    """What compiled code computes with, where NumPy would take a float16 for small integers."""
    if isinstance(x, float) or np.asarray(x).dtype.kind not in "biu":
        return x
    return np.asarray(x).astype(np.float64)[()]


def _float_type(kind: Any) -> Any:
    """The float type in which a number is computed: integers and Booleans are float64."""
    kind = types.unliteral(kind)
    if isinstance(kind, types.Optional):
        kind = kind.type
    if kind in (types.float32, types.float64):
        return kind
    return types.float64 if isinstance(kind, (types.Integer, types.Boolean)) else None


def _common(kinds: list[Any]) -> Any:
    if None in kinds:
        return None
    return types.float32 if set(kinds) == {types.float32} else types.float64
