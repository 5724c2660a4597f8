"""All that a function can see, as a hash: by it a later process finds what was compiled, and reads
no source.

The frontend follows names from a function to what they mean.  Here every name in the function's
code is followed, attributes of modules, classes and objects included, and so are the functions
that this leads to: whatever the frontend may look at is in the hash, and more.  What is not
understood raises ``Unknown``, and the caller reads the source.
"""

from __future__ import annotations

import builtins
import dis
import hashlib
import linecache
import os
import sys
from abc import ABC
from enum import Enum
from types import (
    BuiltinFunctionType,
    CodeType,
    FunctionType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
    SimpleNamespace,
)
from typing import Any, Generic

import numpy as np
from numba.core import types as nt
from numba.core.registry import CPUDispatcher
from numba.core.typing.templates import builtin_registry

Names = tuple[str, ...]

_ATOMS = frozenset((bool, int, float, complex, str, bytes, type(None), type(Ellipsis), range))
_FOREIGN = frozenset(("numpy", "numba", "scipy", "llvmlite"))
_WITHOUT_CONTENT = _FOREIGN | {"builtins", "abc", "enum", "typing", "collections", "dataclasses"}
_SIMPLE = nt.Number | nt.Boolean | nt.NoneType | nt.UnicodeType | nt.StringLiteral | nt.Array
_IMPORT = dis.opmap["IMPORT_NAME"]
_NOTHING = object()


class Unknown(Exception):
    """Something that cannot be told from other things."""


class Reach:
    """What is seen from the functions, values and types that are shown to it.

    ``callees``: functions that generated code calls as they are, by name; ``classes``: of
    NamedTuples, as they may have names in generated code.  ``placed``: the place of code counts,
    and the state of its file.
    """

    def __init__(self, placed: bool = True) -> None:
        self.placed = placed
        self.callees: dict[str, Any] = {}
        self.classes: dict[type, None] = {}
        self.seen: dict[tuple[int, int], int] = {}
        self.kept: list[object] = []  # so that no id is used twice
        self.parts: list[str] = []
        self._names: dict[CodeType, Names] = {}
        self._files: dict[str, str] = {}
        self._known_to_numba: frozenset[int] | None = None

    def digest(self) -> str:
        return hashlib.sha256("\0".join(self.parts).encode("utf-8", "surrogatepass")).hexdigest()

    # ------------------------------------------------------------ values

    def show(self, value: Any, names: Names = ()) -> None:
        """``names``: the attributes that may be asked for."""
        cls = type(value)
        if cls in _ATOMS:
            self.parts.append(f"{cls.__name__} {value!r}")
        elif cls is tuple:
            self._all(value, names)
        elif cls is CodeType:
            self._code(value)
        elif cls is FunctionType and self._overloaded(value):
            raise Unknown(value)
        elif not self._again(value, names):
            self.parts.append(cls.__qualname__)
            self._object(value, names)

    def root(self, target: Any) -> None:
        """The function itself, which may have an overload."""
        try:
            if type(target) is FunctionType and not self._again(target, ()):
                self.function(target)
            else:
                self.show(target)
        except RecursionError:
            raise Unknown("too deep") from None

    def _again(self, value: object, names: Names) -> bool:
        key = id(value), id(names) if isinstance(value, ModuleType | type) else 0
        known = self.seen.get(key)
        if known is None:
            self.seen[key] = len(self.seen)
            self.kept += (value, names)
            return False
        self.parts.append(f"again {known}")
        return True

    def _object(self, value: Any, names: Names) -> None:
        cls = type(value)
        if cls is FunctionType:
            self.function(value)
        elif isinstance(value, ModuleType):
            self._module(value, names)
        elif isinstance(value, CPUDispatcher):
            self._dispatcher(value)
        elif isinstance(value, type):
            self._class(value, names)
        elif cls is np.ndarray and not value.dtype.hasobject:
            content = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
            self.parts.append(f"{value.dtype.descr} {value.shape} {content}")
        elif isinstance(value, np.generic) and not value.dtype.hasobject:
            self.parts.append(f"{value.dtype.descr} {value.tobytes().hex()}")
        elif isinstance(value, np.dtype):
            self.parts.append(repr(value))
        elif isinstance(value, nt.Type):
            self.type(value)
        elif isinstance(value, Enum):
            self._class(cls, ())
            self.parts.append(value.name)
            self.show(value.value, names)
        elif isinstance(value, tuple) and hasattr(cls, "_fields"):
            self._class(cls, names)
            self._all(value, names)
        elif cls is list:
            self._all(value, names)
        elif cls is dict:
            self._all((part for item in value.items() for part in item), names)
        elif cls in (set, frozenset) and all(type(item) in _ATOMS for item in value):
            self.parts.append(str(sorted(f"{type(item)} {item!r}" for item in value)))
        elif cls is MethodType and not _is_draw(value):
            self._all((value.__self__, value.__func__), names)
        elif (user := sys.modules.get("adcompile.custom")) and isinstance(value, user.UserFunction):
            self._with_rule(value)
        elif _root(value) in _FOREIGN or isinstance(value, BuiltinFunctionType) or _is_draw(value):
            self._foreign(value)
        else:
            self._instance(value, names)

    def _all(self, values: Any, names: Names) -> None:
        count = 0
        for value in values:
            self.show(value, names)
            count += 1
        self.parts.append(f"{count} items")

    # ------------------------------------------------------------ functions

    def function(self, func: FunctionType) -> None:
        code, own = func.__code__, vars(func)
        self.parts.append(f"{func.__module__} {func.__qualname__} {func.__name__}")
        if (func.__module__ or "").partition(".")[0] in _FOREIGN:
            self.parts.append(code.co_code.hex())
            return
        if "__adcompile_primitive__" in own:  # a function of ours, known by that
            self.parts.append(str(own["__adcompile_primitive__"]))
            return
        custom = sys.modules.get("adcompile.custom")
        row = custom.REGISTERED.get(func) if custom is not None else None
        if row is not None:
            self.callees[row.callee.name] = row.callee
            self.parts.append(f"{row.callee.name} {row.callee.rule}")
        self._code(code)
        names = self.names(code)
        self.show(func.__defaults__, names)
        self._all((func.__kwdefaults__ or {}).items(), names)
        for cell in func.__closure__ or ():
            try:
                content = cell.cell_contents
            except ValueError:
                content = _NOTHING
            self._named("", content, names)
        inside, outside = func.__globals__, vars(builtins)
        for name in names:
            found = inside.get(name, _NOTHING)
            self._named(name, outside.get(name, _NOTHING) if found is _NOTHING else found, names)
        if _IMPORT in code.co_code[::2]:
            for name in names:
                for module in (name, name.partition(".")[0]):
                    self._named(module, sys.modules.get(module, _NOTHING), names)
        if "__signature__" in own:
            raise Unknown(func)
        for name in ("__wrapped__", *names) if own else ():
            self._named(name, own.get(name, _NOTHING), names)

    def _named(self, name: str, value: object, names: Names) -> None:
        if value is not _NOTHING:
            self.parts.append(name)
            self.show(value, names)

    def names(self, code: CodeType) -> Names:
        """The names of globals and attributes, those of functions inside included."""
        if code not in self._names:
            found = dict.fromkeys(code.co_names)
            for constant in code.co_consts:
                if isinstance(constant, CodeType):
                    found.update(dict.fromkeys(self.names(constant)))
            self._names[code] = tuple(found)
        return self._names[code]

    def _code(self, code: CodeType) -> None:
        parts = self.parts
        parts.append(code.co_code.hex())
        parts.append(f"{code.co_names} {code.co_varnames} {code.co_freevars} {code.co_cellvars}")
        parts.append(f"{code.co_argcount} {code.co_posonlyargcount} {code.co_kwonlyargcount}")
        parts.append(f"{code.co_flags} {code.co_name} {code.co_exceptiontable.hex()}")
        if self.placed:
            parts.append(f"{code.co_filename} {code.co_firstlineno} {code.co_linetable.hex()}")
            if code.co_filename not in self._files:
                self._files[code.co_filename] = _state(code.co_filename)
            parts.append(self._files[code.co_filename])
        for constant in code.co_consts:
            self.show(constant)

    def _overloaded(self, func: FunctionType) -> bool:
        """Whether Numba runs something else for a Python function."""
        if "__adcompile_primitive__" in vars(func):
            return False
        if self._known_to_numba is None:
            self._known_to_numba = frozenset(id(one) for one, _ in builtin_registry.globals)
        return id(func) in self._known_to_numba

    def _dispatcher(self, value: Any) -> None:
        if hasattr(value, "__adcompile__"):
            base = value.derivation
            self.parts.append(f"{value.kind} {base.argnums!r} {base.has_aux} {base.ones}")
            self.parts.append(repr(base.options))
            self.show(base.target)
            return
        self._all(sorted(value.targetoptions.items()), ())
        self._all(sorted(value.locals.items()), ())
        if not value._can_compile:
            for signature in value.nopython_signatures:
                self.parts.append("compiled for")
                self._all((*signature.args, signature.return_type), ())
        if not self._again(value.py_func, ()):
            self.function(value.py_func)

    def _with_rule(self, value: Any) -> None:
        for name, part in sorted(vars(value).items()):
            if name not in ("dispatcher", "__wrapped__") and not name.startswith("__"):
                self.parts.append(name)
                if type(part).__name__ == "Callee":
                    self.callees[part.name] = part
                    self.parts.append(f"{part.name} {part.rule}")
                    part = part.target
                self.show(sorted(part) if isinstance(part, frozenset) else part)

    # ------------------------------------------------------------ modules, classes, objects

    def _module(self, module: ModuleType, names: Names) -> None:
        space = vars(module)
        self.parts.append(module.__name__)
        hooked = type(module) is not ModuleType or "__getattr__" in space
        if hooked and module.__name__.partition(".")[0] not in _FOREIGN | {"adcompile"}:
            raise Unknown(module)
        for name in names:
            self._named(name, space.get(name, _NOTHING), names)

    def _class(self, cls: type, names: Names) -> None:
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
            self._named(name, member.value, names)
        for base in cls.__mro__:
            self.parts.append(f"{base.__module__}.{base.__qualname__}")
            for name in () if _has_no_content(base) else names:
                part = vars(base).get(name, _NOTHING)
                if not (name in members or name in fields or part is _NOTHING):
                    self._part_of_class(name, part, names)

    def _part_of_class(self, name: str, part: Any, names: Names) -> None:
        if isinstance(part, property):
            self._named(name, part.fget, names)
        elif isinstance(part, staticmethod | classmethod):
            self._named(f"{type(part).__name__} {name}", part.__func__, names)
        elif isinstance(part, MemberDescriptorType):
            self.parts.append(f"slot {name}")
        elif hasattr(type(part), "__get__") and not isinstance(part, FunctionType | CPUDispatcher):
            raise Unknown(part)
        else:
            self._named(name, part, names)

    def methods(self, cls: type) -> None:
        """All methods of a class whose instances are given as arguments."""
        found = vars(cls).get("_numba_type_")
        if isinstance(found, nt.ClassInstanceType):
            compiled: Any = found.class_type
            self.parts.append(str(found.struct))
            for name, part in sorted(compiled.jit_methods.items()):
                self._named(name, part, ())
            for name, parts in sorted(compiled.jit_props.items()):
                self._named(name, parts.get("get"), ())
            return
        for base in cls.__mro__:
            self.parts.append(f"{base.__module__}.{base.__qualname__}")
            if not _has_no_content(base):
                for name, part in vars(base).items():
                    if not name.startswith("__") and isinstance(part, FunctionType | property):
                        self._part_of_class(name, part, ())

    def _instance(self, value: Any, names: Names) -> None:
        cls = type(value)
        bases = [base for base in cls.__mro__ if base not in (object, SimpleNamespace)]
        hooked = hasattr(cls, "__getattr__") or any("__getattribute__" in vars(b) for b in bases)
        # What is built in, or another package's, may have more to it than attributes.
        if hooked or callable(value) or hasattr(value, "py_func") or not _is_plain(cls):
            raise Unknown(value)
        self._class(cls, names)
        own = getattr(value, "__dict__", {})
        for name in names:
            if isinstance(getattr(cls, name, None), MemberDescriptorType):
                self._named(name, getattr(value, name, _NOTHING), names)
            elif isinstance(getattr(cls, name, None), property):
                raise Unknown(value)
            else:
                self._named(name, own.get(name, _NOTHING), names)

    def _foreign(self, value: Any) -> None:
        """What has a name by which it is found."""
        if isinstance(value, np.ufunc):
            homes: tuple[str, ...] = ("numpy", "scipy.special")
        elif _is_draw(value):
            homes = ("numpy.random",)
        else:
            homes = (getattr(value, "__module__", None) or "",)
        name = getattr(value, "__name__", "")
        for home in homes:
            known = home.partition(".")[0] in _FOREIGN or isinstance(value, BuiltinFunctionType)
            if name and known and getattr(sys.modules.get(home), name, _NOTHING) == value:
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
        if not self._again(owner, ()):
            self.methods(owner)


def is_function(kind: Any) -> bool:
    """The type of a function that is an argument, or the default of one."""
    omitted = isinstance(kind, nt.Omitted) and callable(kind.value)
    return omitted or isinstance(kind, nt.Dispatcher | nt.Function)


def _root(value: Any) -> str:
    return str(getattr(value, "__module__", None) or "").partition(".")[0]


def _has_no_content(cls: type) -> bool:
    return cls.__module__.partition(".")[0] in _WITHOUT_CONTENT


def _is_plain(cls: type) -> bool:
    """A class of the user's, with attributes and nothing else."""
    kept = (object, ABC, Generic, SimpleNamespace)
    roots = {base.__module__.partition(".")[0] for base in cls.__mro__ if base not in kept}
    return not roots & (sys.stdlib_module_names | _FOREIGN)


def _is_found(cls: type) -> bool:
    found: Any = sys.modules.get(cls.__module__)
    for name in cls.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is cls


def _is_draw(value: Any) -> bool:
    """A function of ``np.random``: a method of its hidden generator."""
    return isinstance(getattr(value, "__self__", None), np.random.RandomState)


def _state(file: str) -> str:
    """Size and time of a source file, or the text that is known of it."""
    known = linecache.cache.get(file)
    if known is not None and len(known) == 4 and known[1] is None:  # that text is read, no file
        return hashlib.sha256("".join(known[2]).encode("utf-8", "surrogatepass")).hexdigest()
    try:
        status = os.stat(file)
    except OSError:
        raise Unknown(file) from None
    return f"{status.st_size} {status.st_mtime_ns}"
