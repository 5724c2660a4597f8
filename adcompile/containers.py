"""Containers of parameters: dicts, dataclasses, lists and NamedTuples, nested as the user likes.

Numba knows NamedTuples only.  So a dict or a dataclass becomes one, of a class that is made from
its keys, and generated code sees nothing else; what it returns takes the user's form again.
"""

from __future__ import annotations

import dataclasses
import keyword
from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numba.core import types as nt
from numpy.typing import NDArray

Maker: TypeAlias = type[tuple[Any, ...]]
PREFIX = "make_"  # of the names of classes in generated code

# ---------------------------------------------------------------- classes made from keys

_DICT, _RECORD = "dict_", "record_"
_made: dict[str, Maker] = {}


def dict_class(keys: tuple[str, ...]) -> Maker:
    """The NamedTuple for dicts with these keys; its instances are read by key, too."""
    return _class(_DICT + _spelled(keys))


def record_class(fields: tuple[str, ...]) -> Maker:
    """The NamedTuple for objects with these attributes."""
    return _class(_RECORD + _spelled(fields))


def keys_of(cls: type) -> tuple[str, ...] | None:
    """The keys of the dicts for which ``cls`` was made; None if it was not."""
    found: tuple[str, ...] | None = vars(cls).get("__adcompile_keys__")
    return found


def is_made(cls: type) -> bool:
    """Whether ``cls`` stands for something else than itself."""
    return _made.get(cls.__name__) is cls


def _spelled(keys: tuple[str, ...]) -> str:
    """The keys as an identifier from which they can be had again."""
    if all(k.isidentifier() and "__" not in k and k == k.strip("_") and k for k in keys):
        return "__".join(keys)
    return "x" + "\n".join(keys).encode().hex() + "_"


def _keys(spelled: str) -> tuple[str, ...]:
    if spelled.endswith("_") and spelled.startswith("x"):
        return tuple(bytes.fromhex(spelled[1:-1]).decode().split("\n"))
    return tuple(spelled.split("__")) if spelled else ()


def _class(name: str) -> Maker:
    if name not in _made:
        kind = _DICT if name.startswith(_DICT) else _RECORD
        keys = _keys(name.removeprefix(kind))
        fields = keys
        if kind == _DICT:  # any text may be a key
            fields = tuple(k if _is_field(k) else f"item_{n}" for n, k in enumerate(keys))
        make: Any = namedtuple
        made = make(name, fields, module=__name__)
        if kind == _DICT:
            made.__adcompile_keys__ = keys
            made.__getitem__ = _by_key
        _made[name] = made
    return _made[name]


def _is_field(key: str) -> bool:
    return key.isidentifier() and not keyword.iskeyword(key) and not key.startswith("_")


def _by_key(self: Any, key: Any) -> Any:
    if isinstance(key, str):
        try:
            key = type(self).__adcompile_keys__.index(key)
        except ValueError:
            raise KeyError(key) from None
    return tuple.__getitem__(self, key)


def __getattr__(name: str) -> Any:
    """Classes of another process: Numba's cache and pickles name them."""
    if name.startswith((_DICT, _RECORD)):
        return _class(name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class ListValues(NamedTuple):
    """What stands for a list of numbers."""

    values: NDArray[Any]


# ---------------------------------------------------------------- values


def is_container(value: Any) -> bool:
    """Whether ``value`` is given to Numba in another form, or has such a thing in it."""
    if isinstance(value, tuple):
        return any(map(is_container, value))
    return isinstance(value, dict | list) or is_typed_list(value) or _is_dataclass(value)


def is_typed_list(value: Any) -> bool:
    cls = type(value)
    return cls.__name__ == "List" and cls.__module__.startswith("numba.typed")


def is_list_of_numbers(value: Any) -> bool:
    numbers = float | int | complex | np.number
    return len(value) > 0 and all(isinstance(item, numbers) for item in value)


def _is_dataclass(value: Any) -> bool:
    return dataclasses.is_dataclass(value) and not isinstance(value, type)


def for_numba(value: Any) -> Any:
    """``value`` with NamedTuples for dicts and dataclasses, tuples for lists."""
    match value:
        case dict():
            keys = dict_keys(value)
            return dict_class(keys)(*(for_numba(value[key]) for key in keys))
        case _ if _is_dataclass(value):
            fields = tuple(f.name for f in dataclasses.fields(value))
            return record_class(fields)(*(for_numba(getattr(value, f)) for f in fields))
        case tuple() if hasattr(value, "_fields"):
            return type(value)(*map(for_numba, value))
        case tuple():
            return tuple(map(for_numba, value))
        case _ if isinstance(value, list) or is_typed_list(value):
            if is_list_of_numbers(value):
                return ListValues(np.array(value))
            return tuple(map(for_numba, value))
        case _:
            return value


def dict_keys(value: Mapping[Any, Any]) -> tuple[str, ...]:
    """Its keys, sorted: dicts with the same keys have the same type."""
    if not all(isinstance(key, str) for key in value):
        raise TypeError("a dict of parameters has text as keys")
    return tuple(sorted(value))


def like(original: Any, result: Any) -> Any:
    """``result``, which generated code has made for ``for_numba(original)``, in the form of
    ``original``.  None for the whole of something without derivative stays None."""
    if result is None:
        return None
    match original:
        case dict():
            parts = dict(zip(dict_keys(original), result, strict=True))
            made = {key: like(original[key], parts[key]) for key in original}
            return made if type(original) is dict else type(original)(made)
        case _ if _is_dataclass(original):
            copy = object.__new__(type(original))
            for field, part in zip(dataclasses.fields(original), result, strict=True):
                value = like(getattr(original, field.name), part)
                object.__setattr__(copy, field.name, value)
            return copy
        case tuple() if hasattr(original, "_fields"):
            return type(original)(*map(like, original, result))
        case tuple():
            return tuple(map(like, original, result))
        case _ if isinstance(original, list) or is_typed_list(original):
            found = result.values if isinstance(result, ListValues) else result
            items = [like(one, part) for one, part in zip(original, found, strict=True)]
            return type(original)(items)
        case float() if isinstance(result, np.floating):
            return float(result)
        case _:
            return from_numba(result)


def from_numba(value: Any) -> Any:
    """What generated code returns, with dicts where the user's function made dicts."""
    if not isinstance(value, tuple):
        return value
    cls = type(value)
    parts = tuple(map(from_numba, value))
    if (keys := keys_of(cls)) is not None:
        return dict(zip(keys, parts, strict=True))
    return cls(*parts) if hasattr(cls, "_fields") else parts


def children(value: Any) -> tuple[Any, ...] | None:
    """The parts of a container; None for a leaf."""
    match value:
        case dict():
            return tuple(value[key] for key in dict_keys(value))
        case _ if _is_dataclass(value):
            return tuple(getattr(value, f.name) for f in dataclasses.fields(value))
        case tuple() | list():
            return tuple(value)
        case _:
            return tuple(value) if is_typed_list(value) else None


def leaves(value: Any) -> Iterator[Any]:
    """The leaves of a container, without None."""
    parts = children(value)
    if parts is not None:
        for part in parts:
            yield from leaves(part)
    elif value is not None:
        yield value


def mapped(f: Callable[..., Any], first: Any, *others: Any) -> Any:
    """``f`` on the leaves of containers of one structure; None stays."""
    parts = children(first)
    if parts is None:
        return None if first is None else f(first, *others)
    rest = [children(other) or () for other in others]
    return like(first, [mapped(f, *several) for several in zip(parts, *rest, strict=True)])


# ---------------------------------------------------------------- names in generated code

_names: dict[str, Maker] = {}


def maker_name(cls: Maker) -> str:
    """The name of a NamedTuple's class in generated code, of no other one in this process."""
    wish = name = PREFIX + cls.__name__
    number = 2
    while _names.setdefault(name, cls) is not cls:
        name, number = f"{wish}_{number}", number + 1
    return name


def maker_of(kind: nt.Type) -> str:
    """The same for a type; "" for a plain tuple."""
    is_named = isinstance(kind, nt.NamedTuple | nt.NamedUniTuple)
    return maker_name(kind.instance_class) if is_named else ""


def all_makers() -> dict[str, Maker]:
    return dict(_names)


def class_named(maker: str) -> Maker:
    return _names[maker]


def with_lists(kind: nt.Type) -> nt.Type:
    """The type as the user's function sees it, with lists in it."""
    if not isinstance(kind, nt.BaseTuple):
        return kind
    if isinstance(kind, nt.BaseNamedTuple) and kind.instance_class is ListValues:
        (array,) = kind
        return nt.List(array.dtype, reflected=False)
    parts = tuple(map(with_lists, kind))
    if isinstance(kind, nt.BaseNamedTuple):
        return nt.BaseTuple.from_types(parts, kind.instance_class)
    return nt.BaseTuple.from_types(parts)


def makers_in(kinds: tuple[nt.Type, ...]) -> dict[str, Maker]:
    """All NamedTuple classes in these types, by name."""
    found: dict[str, Maker] = {}
    for kind in kinds:
        if isinstance(kind, nt.BaseTuple):
            if name := maker_of(kind):
                found[name] = class_named(name)
            found.update(makers_in(tuple(kind)))
    return found


def described(makers: Mapping[str, Maker]) -> str:
    """What generated code depends on, as text that is the same in every process."""
    parts = (
        f"{name}: {cls.__module__}.{cls.__qualname__}({', '.join(vars(cls)['_fields'])})"
        for name, cls in sorted(makers.items())
    )
    return "; ".join(parts)
