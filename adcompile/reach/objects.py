"""Modules, classes, objects and the types of arguments, as far as names lead into them."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from enum import Enum
from types import (
    BuiltinFunctionType,
    FunctionType,
    MemberDescriptorType,
    ModuleType,
    SimpleNamespace,
)
from typing import Any, Generic

import numpy as np
from numba.core import types as nt
from numba.core.registry import CPUDispatcher

Names = tuple[str, ...]

FOREIGN = frozenset(("numpy", "numba", "scipy", "llvmlite"))
_WITHOUT_CONTENT = FOREIGN | {"builtins", "abc", "enum", "typing", "collections", "dataclasses"}
_SIMPLE = nt.Number | nt.Boolean | nt.NoneType | nt.UnicodeType | nt.StringLiteral | nt.Array
NOTHING = object()


class Unknown(Exception):
    """Something that cannot be told from other things."""


class Objects(ABC):
    """``parts``: the text of what was seen, which is hashed in the end.  ``classes``: of
    NamedTuples, as they may have names in generated code."""

    def __init__(self) -> None:
        self.classes: dict[type, None] = {}
        self.parts: list[str] = []

    @abstractmethod
    def show(self, value: Any, names: Names = ()) -> None:
        """``names``: the attributes that may be asked for."""

    @abstractmethod
    def again(self, value: object, names: Names) -> bool:
        """Whether this was seen before, which is then noted."""

    def named(self, name: str, value: object, names: Names) -> None:
        if value is not NOTHING:
            self.parts.append(name)
            self.show(value, names)

    # ------------------------------------------------------------ modules, classes, objects

    def module(self, module: ModuleType, names: Names) -> None:
        space = vars(module)
        self.parts.append(module.__name__)
        hooked = type(module) is not ModuleType or "__getattr__" in space
        if hooked and module.__name__.partition(".")[0] not in FOREIGN | {"adcompile"}:
            raise Unknown(module)
        for name in names:
            self.named(name, space.get(name, NOTHING), names)

    def class_(self, cls: type, names: Names) -> None:
        self.parts.append(f"{cls.__module__}.{cls.__qualname__}")
        if _has_no_content(cls):
            if not _is_found(cls):
                raise Unknown(cls)
            return
        if not _has_no_content(type(cls)):
            raise Unknown(cls)
        fields = getattr(cls, "_fields", ())
        if fields:
            self.classes[cls] = None
            self.parts.append(str(fields))
            self.show(getattr(cls, "_field_defaults", None))
        members: Any = cls.__members__ if issubclass(cls, Enum) else {}
        for name, member in members.items():
            self.named(name, member.value, names)
        for base in cls.__mro__:
            self.parts.append(f"{base.__module__}.{base.__qualname__}")
            for name in () if _has_no_content(base) else names:
                part = vars(base).get(name, NOTHING)
                if not (name in members or name in fields or part is NOTHING):
                    self._part_of_class(name, part, names)

    def _part_of_class(self, name: str, part: Any, names: Names) -> None:
        if isinstance(part, property):
            self.named(name, part.fget, names)
        elif isinstance(part, staticmethod | classmethod):
            self.named(f"{type(part).__name__} {name}", part.__func__, names)
        elif isinstance(part, MemberDescriptorType):
            self.parts.append(f"slot {name}")
        elif hasattr(type(part), "__get__") and not isinstance(part, FunctionType | CPUDispatcher):
            raise Unknown(part)
        else:
            self.named(name, part, names)

    def methods(self, cls: type) -> None:
        """All methods of a class whose instances are given as arguments."""
        found = vars(cls).get("_numba_type_")
        if isinstance(found, nt.ClassInstanceType):
            compiled: Any = found.class_type
            self.parts.append(str(found.struct))
            for name, part in sorted(compiled.jit_methods.items()):
                self.named(name, part, ())
            for name, parts in sorted(compiled.jit_props.items()):
                self.named(name, parts.get("get"), ())
            return
        for base in cls.__mro__:
            self.parts.append(f"{base.__module__}.{base.__qualname__}")
            if not _has_no_content(base):
                for name, part in vars(base).items():
                    if not name.startswith("__") and isinstance(part, FunctionType | property):
                        self._part_of_class(name, part, ())

    def instance(self, value: Any, names: Names) -> None:
        cls = type(value)
        bases = [base for base in cls.__mro__ if base not in (object, SimpleNamespace)]
        hooked = hasattr(cls, "__getattr__") or any("__getattribute__" in vars(b) for b in bases)
        # What is built in, or another package's, may have more to it than attributes.
        if hooked or callable(value) or hasattr(value, "py_func") or not _is_plain(cls):
            raise Unknown(value)
        self.class_(cls, names)
        own = getattr(value, "__dict__", {})
        for name in names:
            if isinstance(getattr(cls, name, None), MemberDescriptorType):
                self.named(name, getattr(value, name, NOTHING), names)
            elif isinstance(getattr(cls, name, None), property):
                raise Unknown(value)
            else:
                self.named(name, own.get(name, NOTHING), names)

    def foreign(self, value: Any) -> None:
        """What has a name by which it is found."""
        if isinstance(value, np.ufunc):
            homes: tuple[str, ...] = ("numpy", "scipy.special")
        elif is_draw(value):
            homes = ("numpy.random",)
        else:
            homes = (getattr(value, "__module__", None) or "",)
        name = getattr(value, "__name__", "")
        for home in homes:
            known = home.partition(".")[0] in FOREIGN or isinstance(value, BuiltinFunctionType)
            if name and known and getattr(sys.modules.get(home), name, NOTHING) == value:
                self.parts.append(f"{home}.{name}")
                return
        owner = getattr(value, "__self__", None)
        if isinstance(owner, np.ufunc):
            self.parts.append(name)
            self.show(owner)
            return
        raise Unknown(value)

    # ------------------------------------------------------------ types of arguments

    def type(self, kind: Any) -> None:
        """A Numba type, with the functions and classes that it stands for."""
        match kind:
            case nt.Omitted(value=value):
                self.parts.append("omitted")
                self.show(value)
            case nt.Dispatcher(dispatcher=dispatcher):
                self.show(dispatcher)
            case nt.Function(typing_key=key) if callable(key):
                self.show(key)
            case nt.Optional(type=inner):
                self.parts.append("optional")
                self.type(inner)
            case nt.BaseTuple():
                self.parts.append(f"tuple of {len(kind)}")
                if isinstance(kind, nt.BaseNamedTuple):
                    self._class_of_argument(kind.instance_class)
                for part in kind:
                    self.type(part)
            case nt.Array() if not isinstance(kind.dtype, _SIMPLE):
                raise Unknown(kind)
            case nt.NPDatetime() | nt.NPTimedelta():
                raise Unknown(kind)
            case _ if isinstance(kind, _SIMPLE | nt.NumberClass | nt.NumPyRandomGeneratorType):
                self.parts.append(str(kind))
            case nt.IntegerLiteral() | nt.BooleanLiteral():
                self.parts.append(str(kind))
            case _:
                raise Unknown(kind)

    def _class_of_argument(self, cls: Any) -> None:
        from adcompile.makers import fields_of, keys_of, user_class

        self.classes[cls] = None
        owner = user_class(cls)
        if "__adcompile_dtype__" in vars(cls) or "<locals>" in owner.__qualname__:
            raise Unknown(cls)
        self.parts.append(f"{owner.__module__}.{owner.__qualname__} {cls.__name__}")
        self.parts.append(f"{fields_of(cls)} {keys_of(cls)} {cls._fields}")
        if not self.again(owner, ()):
            self.methods(owner)


def is_function(kind: Any) -> bool:
    """The type of a function that is an argument, or the default of one."""
    omitted = isinstance(kind, nt.Omitted) and callable(kind.value)
    return omitted or isinstance(kind, nt.Dispatcher | nt.Function)


def root_module(value: Any) -> str:
    return str(getattr(value, "__module__", None) or "").partition(".")[0]


def _has_no_content(cls: type) -> bool:
    return cls.__module__.partition(".")[0] in _WITHOUT_CONTENT


def _is_plain(cls: type) -> bool:
    """A class of the user's, with attributes and nothing else."""
    kept = (object, ABC, Generic, SimpleNamespace)
    roots = {base.__module__.partition(".")[0] for base in cls.__mro__ if base not in kept}
    return not roots & (sys.stdlib_module_names | FOREIGN)


def _is_found(cls: type) -> bool:
    found: Any = sys.modules.get(cls.__module__)
    for name in cls.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is cls


def is_draw(value: Any) -> bool:
    """A function of ``np.random``: a method of its hidden generator."""
    return isinstance(getattr(value, "__self__", None), np.random.RandomState)
