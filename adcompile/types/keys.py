"""Numba's inference learns that the NamedTuple made for a dict has items by literal key.

Only types are needed: the items are taken by number before anything is compiled.
"""

from __future__ import annotations

from typing import Any

from numba.core import types as nt
from numba.core.typing import signature
from numba.core.typing.templates import AbstractTemplate, AttributeTemplate, infer, infer_getattr

from adcompile.makers import fields_of, keys_of


@infer_getattr
class ItemByName(AttributeTemplate):
    """Names that a NamedTuple cannot have: those that begin with an underscore."""

    key = nt.BaseNamedTuple

    def generic_resolve(self, kind: Any, name: str) -> Any:
        fields = fields_of(kind.instance_class)
        return tuple(kind)[fields.index(name)] if name in fields else None


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
