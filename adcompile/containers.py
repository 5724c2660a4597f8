"""Containers of parameters: dicts, dataclasses, lists and NamedTuples, nested as the user likes.

Numba knows NamedTuples only.  So a dict or a dataclass becomes one, of a class that is made from
its keys (makers.py), and generated code sees nothing else; what it returns takes the user's form
again.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from adcompile.makers import (
    ListValues,
    attributes_of,
    dict_class,
    is_jitclass,
    is_object,
    keys_of,
    object_class,
    record_class,
)


def is_container(value: Any) -> bool:
    """Whether ``value`` is given to Numba in another form, or has such a thing in it."""
    if isinstance(value, tuple):
        return any(map(is_container, value))
    if isinstance(value, np.ndarray | np.void):
        return value.dtype.names is not None
    return isinstance(value, dict | list) or is_typed_list(value) or is_object(value)


def is_typed_list(value: Any) -> bool:
    cls = type(value)
    return cls.__name__ == "List" and cls.__module__.startswith("numba.typed")


def is_list_of_numbers(value: Any) -> bool:
    numbers = float | int | complex | np.number
    return len(value) > 0 and all(isinstance(item, numbers) for item in value)


def for_numba(value: Any) -> Any:
    """``value`` with NamedTuples for dicts and dataclasses, tuples for lists."""
    match value:
        case dict():
            keys = dict_keys(value)
            return dict_class(keys)(*(for_numba(value[key]) for key in keys))
        case _ if is_object(value):
            fields = attributes_of(type(value))
            made = object_class(type(value), fields)
            return made(*(for_numba(getattr(value, f)) for f in fields))
        case np.ndarray() | np.void() if (names := value.dtype.names) is not None:
            made = record_class(value.dtype, np.ndim(value))
            # Copies: generated code may write to one field, and fields lie in each other's gaps.
            return made(*(_own(value[name]) for name in names))
        case tuple():
            parts = [for_numba(part) for part in value]
            return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
        case _ if isinstance(value, list) or is_typed_list(value):
            if is_list_of_numbers(value):
                return ListValues(np.array(value))
            return tuple(map(for_numba, value))
        case _:
            return value


def _own(field: Any) -> Any:
    return field.copy() if isinstance(field, np.ndarray) else field


def dict_keys(value: Mapping[Any, Any]) -> tuple[str, ...]:
    """Its keys, sorted: dicts with the same keys have the same type."""
    if not all(isinstance(key, str) for key in value):
        raise TypeError("a dict of parameters has text as keys")
    return tuple(sorted(value))


def like(original: Any, result: Any) -> Any:
    """``result``, which generated code has made for ``for_numba(original)``, in the form of
    ``original``.  None for the whole of something without derivative stays None."""
    parts = children(original)
    if result is None:
        return None
    if parts is None:
        is_number = isinstance(original, float) and isinstance(result, np.floating)
        return float(result) if is_number else from_numba(result)
    found = result.values if isinstance(result, ListValues) else result
    return rebuilt(original, [like(*pair) for pair in zip(parts, found, strict=True)])


def rebuilt(original: Any, parts: list[Any]) -> Any:
    """A container like ``original`` with these parts, in the order of ``children``."""
    match original:
        case dict():
            named = dict(zip(dict_keys(original), parts, strict=True))
            made = copy.copy(original)
            made.update(named)  # the order of the keys stays
            return made
        case _ if is_jitclass(type(original)):  # Python cannot make one without its __init__
            return object_class(type(original), attributes_of(type(original)))(*parts)
        case _ if is_object(original):
            instance = object.__new__(type(original))
            for field, part in zip(attributes_of(type(original)), parts, strict=True):
                object.__setattr__(instance, field, part)
            return instance
        case tuple() if hasattr(original, "_fields"):
            return type(original)(*parts)
        case np.ndarray() | np.void():
            filled: Any = np.zeros(np.shape(original), original.dtype)
            for name, part in zip(original.dtype.names or (), parts, strict=True):
                filled[name] = 0 if part is None else part  # integers have no derivative
            return filled[()]
        case _:
            return type(original)(parts)


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
        case _ if is_object(value):
            return tuple(getattr(value, f) for f in attributes_of(type(value)))
        case tuple() | list():
            return tuple(value)
        case np.ndarray() | np.void() if (names := value.dtype.names) is not None:
            return tuple(value[name] for name in names)
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
    return rebuilt(first, [mapped(f, *several) for several in zip(parts, *rest, strict=True)])
