"""NamedTuple classes for dicts, objects, records and lists; their names in generated code."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import keyword
import sys
from collections import namedtuple
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numba.core import types as nt
from numba.np.numpy_support import from_dtype
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
    if is_jitclass(owner):
        compiled = vars(owner)["_numba_type_"].class_type
        if name in compiled.jit_props:
            return "property", compiled.jit_props[name].get("get")
        found = compiled.jit_methods.get(name)
        return ("method", found) if found is not None else ("", None)
    found = inspect.getattr_static(owner, name, None)
    if isinstance(found, property):
        return "property", found.fget
    return ("method", found) if inspect.isfunction(found) else ("", None)


def record_class(dtype: np.dtype[Any], rank: int) -> Maker:
    """The NamedTuple for structured arrays of this rank; 0: for records."""
    text = repr((dtype.descr, rank))
    names = dtype.names or ()
    if text not in _records:
        make: Any = namedtuple
        fields = tuple(n if _is_field(n) else f"item_{k}" for k, n in enumerate(names))
        made = make("Records" if rank else "Record", fields, module=__name__)
        made.__qualname__ = f"{_OBJECT}_records_{len(_records)}"
        made.__adcompile_dtype__, made.__adcompile_rank__ = dtype, rank
        made.__adcompile_fields__ = ()
        _records[text] = _local[made.__qualname__] = made
    return _records[text]


_records: dict[str, Maker] = {}


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
    if name.startswith(f"{_OBJECT}_"):  # of a class that only another process had
        return type(name, (tuple,), {"_fields": ()})
    if name.startswith(_OBJECT):
        where = bytes.fromhex(name.removeprefix(_OBJECT)).decode()
        importlib.import_module(where.partition(":")[0])
        cls = _find(where)
        return object_class(cls, attributes_of(cls))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class ListValues(NamedTuple):
    """What stands for a list of numbers."""

    values: NDArray[Any]


# ---------------------------------------------------------------- objects


def is_object(value: Any) -> bool:
    """An instance of a dataclass or of a jitclass."""
    return is_jitclass(type(value)) or dataclasses.is_dataclass(type(value))


def is_jitclass(cls: type) -> bool:
    return isinstance(vars(cls).get("_numba_type_"), nt.ClassInstanceType)


def attributes_of(cls: type) -> tuple[str, ...]:
    if is_jitclass(cls):
        return tuple(vars(cls)["_numba_type_"].struct)
    return tuple(f.name for f in dataclasses.fields(cls))


# ---------------------------------------------------------------- names in generated code

_names: dict[str, Maker] = {}


def maker_name(cls: Maker) -> str:
    """The name of a NamedTuple's class in generated code, of no other one in this process."""
    wish = name = PREFIX + cls.__name__
    number = 2
    while _names.setdefault(name, cls) is not cls:
        name, number = f"{wish}_{number}", number + 1
    return name


def give_name(name: str, where: str, known: Mapping[str, type]) -> bool:
    """Let the class that another process found at ``where`` have this name; False if there is no
    such class, or the name is taken.  ``known``: classes that may be meant, by place."""
    module, _, own = where.rpartition(".")
    cls: Any = known.get(where)
    if cls is None and module == __name__:
        try:
            cls = __getattr__(own)
        except (AttributeError, ImportError, ValueError):
            return False
    return cls is not None and _names.setdefault(name, cls) is cls


def maker_of(kind: nt.Type) -> str:
    """The same for a type; "" for a plain tuple."""
    is_named = isinstance(kind, nt.NamedTuple | nt.NamedUniTuple)
    return maker_name(kind.instance_class) if is_named else ""


def all_makers() -> dict[str, Maker]:
    return dict(_names)


def class_named(maker: str) -> Maker:
    return _names[maker]


def with_lists(kind: nt.Type) -> nt.Type:
    """The type as the user's function sees it, with lists and structured arrays in it."""
    if not isinstance(kind, nt.BaseTuple):
        return kind
    if isinstance(kind, nt.BaseNamedTuple) and kind.instance_class is ListValues:
        (array,) = kind
        return nt.List(array.dtype, reflected=False)
    if isinstance(kind, nt.BaseNamedTuple) and "__adcompile_dtype__" in vars(kind.instance_class):
        record = from_dtype(vars(kind.instance_class)["__adcompile_dtype__"])
        rank = vars(kind.instance_class)["__adcompile_rank__"]
        return nt.Array(record, rank, "C") if rank else record
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
        f"({', '.join(fields_of(cls) or keys_of(cls) or vars(cls)['_fields'])})"
        for name, cls in sorted(makers.items())
    )
    return "; ".join(parts)
