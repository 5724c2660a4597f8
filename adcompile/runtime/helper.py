"""How the functions of the runtime are compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
from numba.core import types as nt
from numba.core.caching import FunctionCache
from numba.core.registry import CPUDispatcher

from adcompile.setting import runtime_files

_Dispatcher: Any = CPUDispatcher
_FunctionCache: Any = FunctionCache


class _Cache(_FunctionCache):
    """Numba's on disk, of this runtime: one of its files calls functions of another."""

    def _index_key(self, sig: Any, codegen: Any) -> Any:
        return (*super()._index_key(sig, codegen), runtime_files())


class _Helper(_Dispatcher):
    """Compiled once for all integers: Numba takes ``f(x, 1)`` and ``f(x, 2)`` for calls with
    arguments of different types, which would both be compiled and kept."""

    def get_call_template(self, args: Any, kws: Any) -> Any:
        return super().get_call_template(tuple(map(_integer, args)), kws)

    def enable_caching(self) -> None:
        self._cache = _Cache(self.py_func)


def _integer(kind: Any) -> Any:
    return nt.unliteral(kind) if isinstance(kind, nt.IntegerLiteral) else kind


def njit(**flags: Any) -> Callable[[Any], Any]:
    """As Numba's."""
    cache = flags.pop("cache", False)

    def of(function: Any) -> Any:
        made: Any = numba.njit(**flags)(function)
        if isinstance(made, CPUDispatcher):  # not under NUMBA_DISABLE_JIT
            made.__class__ = _Helper
            if cache:
                made.enable_caching()
        return made

    return of
