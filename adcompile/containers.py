"""Containers of parameters: dicts, dataclasses, lists and NamedTuples, nested as the user likes.

Numba knows NamedTuples only.  So a dict or a dataclass becomes one, of a class that is made from
its keys, and generated code sees nothing else; what it returns takes the user's form again.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import keyword
import sys
from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numba.core import types as nt
from numpy.typing import NDArray

Maker: TypeAlias = type[tuple[Any, ...]]
PREFIX = "make_"  # of the names of classes in generated code

# ---------------------------------------------------------------- classes made from keys

_DICT, _OBJECT = "dict_", "object_"
_made: dict[str, Maker] = {}


def dict_class(keys: tuple[str, ...]) -> Maker:
    """The NamedTuple for dicts with these keys; its instances are read by key, too."""
    return _class(_DICT + _spelled(keys))


def object_class(cls: type, fields: tuple[str, ...]) -> Maker:
    """The NamedTuple for instances of ``cls``, which has these attributes."""
    if cls not in _objects:
        names = tuple(f if _is_field(f) else f"item_{n}" for n, f in enumerate(fields))
        make: Any = namedtuple
        made = make(cls.__name__, names, module=__name__)
        made.__adcompile_fields__, made.__adcompile_class__ = fields, cls
        where = f"{cls.__module__}:{cls.__qualname__}"
        # A name under which this module finds it, in other processes as well if it can be.
        importable = _find(where) is cls
        made.__qualname__ = f"{_OBJECT}{where.encode().hex() if importable else f'_{len(_local)}'}"
        if not importable:
            _local[made.__qualname__] = made
        _objects[cls] = made
    return _objects[cls]


_objects: dict[type, Maker] = {}
_local: dict[str, Maker] = {}


def _find(where: str) -> Any:
    module, _, name = where.partition(":")
    found: Any = sys.modules.get(module) if module != "__main__" else None
    for part in name.split("."):
        found = getattr(found, part, None)
    return found


def fields_of(cls: type) -> tuple[str, ...]:
    """The names by which the user's code reads the items of a NamedTuple; none for a dict."""
    if keys_of(cls) is not None:
        return ()
    made: tuple[str, ...] = vars(cls).get("__adcompile_fields__", getattr(cls, "_fields", ()))
    return made


def user_class(cls: type) -> type:
    """The class of the user's whose instances these are."""
    found: type = vars(cls).get("__adcompile_class__", cls)
    return found


def method_of(cls: type, name: str) -> tuple[str, Any]:
    """What ``name`` is to instances of ``cls``, if not a field: ("method" or "property", the
    function); ("", None) if nothing."""
    owner = user_class(cls)
    if _is_jitclass(owner):
        compiled = vars(owner)["_numba_type_"].class_type
        if name in compiled.jit_props:
            return "property", compiled.jit_props[name].get("get")
        found = compiled.jit_methods.get(name)
        return ("method", found) if found is not None else ("", None)
    found = inspect.getattr_static(owner, name, None)
    if isinstance(found, property):
        return "property", found.fget
    return ("method", found) if inspect.isfunction(found) else ("", None)


def keys_of(cls: type) -> tuple[str, ...] | None:
    """The keys of the dicts for which ``cls`` was made; None if it was not."""
    found: tuple[str, ...] | None = vars(cls).get("__adcompile_keys__")
    return found


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
        keys = _keys(name.removeprefix(_DICT))
        fields = tuple(k if _is_field(k) else f"item_{n}" for n, k in enumerate(keys))
        make: Any = namedtuple
        made = make(name, fields, module=__name__)
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
    if name.startswith(_DICT):
        return _class(name)
    if name in _local:
        return _local[name]
    if name.startswith(_OBJECT) and not name.startswith(f"{_OBJECT}_"):
        where = bytes.fromhex(name.removeprefix(_OBJECT)).decode()
        importlib.import_module(where.partition(":")[0])
        cls = _find(where)
        return object_class(cls, _attributes(cls))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class ListValues(NamedTuple):
    """What stands for a list of numbers."""

    values: NDArray[Any]


# ---------------------------------------------------------------- values


def is_container(value: Any) -> bool:
    """Whether ``value`` is given to Numba in another form, or has such a thing in it."""
    if isinstance(value, tuple):
        return any(map(is_container, value))
    return isinstance(value, dict | list) or is_typed_list(value) or is_object(value)


def is_typed_list(value: Any) -> bool:
    cls = type(value)
    return cls.__name__ == "List" and cls.__module__.startswith("numba.typed")


def is_list_of_numbers(value: Any) -> bool:
    numbers = float | int | complex | np.number
    return len(value) > 0 and all(isinstance(item, numbers) for item in value)


def is_object(value: Any) -> bool:
    """An instance of a dataclass or of a jitclass."""
    return _is_jitclass(type(value)) or dataclasses.is_dataclass(type(value))


def _is_jitclass(cls: type) -> bool:
    return isinstance(vars(cls).get("_numba_type_"), nt.ClassInstanceType)


def _attributes(cls: type) -> tuple[str, ...]:
    if _is_jitclass(cls):
        return tuple(vars(cls)["_numba_type_"].struct)
    return tuple(f.name for f in dataclasses.fields(cls))


def for_numba(value: Any) -> Any:
    """``value`` with NamedTuples for dicts and dataclasses, tuples for lists."""
    match value:
        case dict():
            keys = dict_keys(value)
            return dict_class(keys)(*(for_numba(value[key]) for key in keys))
        case _ if is_object(value):
            fields = _attributes(type(value))
            made = object_class(type(value), fields)
            return made(*(for_numba(getattr(value, f)) for f in fields))
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
            made = {key: named[key] for key in original}
            return made if type(original) is dict else type(original)(made)
        case _ if _is_jitclass(type(original)):  # Python cannot make one without its __init__
            return object_class(type(original), _attributes(type(original)))(*parts)
        case _ if is_object(original):
            copy = object.__new__(type(original))
            for field, part in zip(_attributes(type(original)), parts, strict=True):
                object.__setattr__(copy, field, part)
            return copy
        case tuple() if hasattr(original, "_fields"):
            return type(original)(*parts)
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
            return tuple(getattr(value, f) for f in _attributes(type(value)))
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
    return rebuilt(first, [mapped(f, *several) for several in zip(parts, *rest, strict=True)])


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
        f"{name}: {user_class(cls).__module__}.{user_class(cls).__qualname__}"
        f"({', '.join(fields_of(cls) or keys_of(cls) or ())})"
        for name, cls in sorted(makers.items())
    )
    return "; ".join(parts)
