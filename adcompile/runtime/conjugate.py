"""Conjugates in functions that real and complex matrices share: of real ones they cost nothing.

Each is a function of Python, for generated code that runs as it stands, and an overload.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba.core import types as nt
from numba.extending import overload


def conj(x: Any) -> Any:
    """``x`` itself if it is real."""
    return np.conj(x) if np.iscomplexobj(x) else x


def ct(x: Any) -> Any:
    """The conjugate transpose."""
    return conj(x.T)


def turned(c: Any, like: Any) -> Any:
    """``i c`` if the array ``like`` is complex, else 0."""
    return 1j * c if np.iscomplexobj(like) else 0.0


def _is_complex(kind: Any) -> bool:
    return isinstance(kind.dtype if isinstance(kind, nt.Array) else kind, nt.Complex)


@overload(conj)
def _conj(x: Any) -> Callable[..., Any]:
    def same(x: Any) -> Any:
        return x

    def conjugate(x: Any) -> Any:
        return np.conj(x)

    return conjugate if _is_complex(x) else same


@overload(ct)
def _ct(x: Any) -> Callable[..., Any]:
    def transpose(x: Any) -> Any:
        return conj(x.T)

    return transpose


@overload(turned)
def _turned(c: Any, like: Any) -> Callable[..., Any]:
    def nothing(c: Any, like: Any) -> Any:
        return 0.0

    def imaginary(c: Any, like: Any) -> Any:
        return 1j * c

    return imaginary if _is_complex(like) else nothing
