"""Numba's inference learns that the NamedTuple made for a dict has items by literal key.

Only types are needed: the items are taken by number before anything is compiled.
"""

from __future__ import annotations

from typing import Any

from numba.core import types as nt
from numba.core.typing import signature
from numba.core.typing.templates import AbstractTemplate, infer

from adcompile.containers import keys_of


@infer
class ItemByKey(AbstractTemplate):
    key = "static_getitem"

    def generic(self, args: tuple[Any, ...], kws: Any) -> Any:
        whole, key = args
        if not isinstance(whole, nt.BaseNamedTuple) or not isinstance(key, str):
            return None
        keys = keys_of(whole.instance_class) or ()
        if key not in keys:
            return None
        return signature(tuple(whole)[keys.index(key)], *args)
