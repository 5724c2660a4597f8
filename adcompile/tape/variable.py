"""What a recorded program calculates with: numbers that make nodes (arrays: ``memory.py``).

They take part in Python's operators and in NumPy's functions: NumPy asks ``__array_ufunc__`` and
``__array_function__`` what ``np.sin(x)`` or ``np.sum(x)`` shall be, and is given a result that
knows its node.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from adcompile.errors import UnsupportedError
from adcompile.tape.node import Node, backward, user_line


class Var(NDArrayOperatorsMixin):
    """A number that depends on what is differentiated.  It behaves like ``np.float64``."""

    __slots__ = ("node", "value")
    __array_priority__ = 1000.0
    node: Any
    value: Any

    def __init__(self, value: Any, node: Node | None) -> None:
        self.value, self.node = value, node

    @property
    def grad(self) -> Any:
        """The gradient that the last ``backward()`` brought here."""
        return None if self.node is None else self.node.grad

    def backward(self, seed: Any = 1.0) -> None:
        """Set ``.grad`` of everything that this number was computed from."""
        if self.node is not None:
            backward(self.node, seed * np.ones_like(self.value)[()])

    # ------------------------------------------------------------ Python's and NumPy's protocols

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **options: Any) -> Any:
        from adcompile.tape.functions import call_ufunc

        return call_ufunc(ufunc, method, args, options)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        from adcompile.tape.functions import call_function

        return call_function(function, args, options)

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise UnsupportedError(
            "a recorded value is needed as a plain one here, which would lose its derivative",
            user_line(),
            "Use NumPy's functions, np.array and np.empty in the function that is differentiated; "
            "stop_gradient where the derivative is not wanted.",
        )

    __float__ = __complex__ = __array__

    def __bool__(self) -> bool:
        return bool(self.value)

    def __int__(self) -> int:
        return int(self.value)

    def __round__(self, digits: int | None = None) -> Any:
        return round(self.value, digits)

    def __format__(self, how: str) -> str:
        return format(self.value, how)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.value!r})"

    def __getattr__(self, name: str) -> Any:  # methods and attributes of NumPy's
        from adcompile.tape.methods import attribute

        return attribute(self, name)


def node_of(x: Any) -> Node | None:
    return x.node if isinstance(x, Var) else None


def fitted(g: Any, value: Any) -> Any:
    """A gradient as one of ``value``: summed where that was broadcast, real if it is, its dtype."""
    if type(g) is type(value) is np.float64:
        return g
    value = np.asarray(value)
    if np.shape(g) != value.shape:
        g = np.reshape(g, (1,) * (value.ndim - np.ndim(g)) + np.shape(g))
        g = np.sum(g, axis=tuple(range(np.ndim(g) - value.ndim)))
        ones = tuple(k for k, n in enumerate(value.shape) if n == 1 != np.shape(g)[k])
        g = np.sum(g, axis=ones, keepdims=True) if ones else g
    if np.iscomplexobj(g) and value.dtype.kind != "c":
        g = np.real(g)
    return g if g.dtype == value.dtype else g.astype(value.dtype)


def tree_map(f: Callable[[Any], Any], x: Any) -> Any:
    """``f`` of the numbers and arrays in tuples, lists and dicts."""
    if isinstance(x, tuple | list):
        parts = [tree_map(f, part) for part in x]
        return type(x)(*parts) if hasattr(x, "_fields") else type(x)(parts)
    return {k: tree_map(f, part) for k, part in x.items()} if isinstance(x, dict) else f(x)
