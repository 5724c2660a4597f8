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
from enum import Enum
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
from numba.core import types as nt
from numba.core.registry import CPUDispatcher
from numba.core.typing.templates import builtin_registry
from numba.np.ufunc.dufunc import DUFunc

from adcompile.reach.objects import (
    FOREIGN,
    NOTHING,
    Names,
    Objects,
    Unknown,
    is_draw,
    root_module,
)

ATOMS = frozenset((bool, int, float, complex, str, bytes, type(None), type(Ellipsis), range))
_IMPORT = dis.opmap["IMPORT_NAME"]


class Reach(Objects):
    """What is seen from the functions, values and types that are shown to it.

    ``callees``: functions that generated code calls as they are, by name.  ``placed``: the place
    of code counts, and the state of its file.
    """

    def __init__(self, placed: bool = True) -> None:
        super().__init__()
        self.placed = placed
        self.callees: dict[str, Any] = {}
        self.seen: dict[tuple[int, int], int] = {}
        self.kept: list[object] = []  # so that no id is used twice
        self._names: dict[CodeType, Names] = {}
        self._files: dict[str, str] = {}
        self._known_to_numba: frozenset[int] | None = None

    def digest(self) -> str:
        return hashlib.sha256("\0".join(self.parts).encode("utf-8", "surrogatepass")).hexdigest()

    # ------------------------------------------------------------ values

    def show(self, value: Any, names: Names = ()) -> None:
        """``names``: the attributes that may be asked for."""
        cls = type(value)
        if cls in ATOMS:
            self.parts.append(f"{cls.__name__} {value!r}")
        elif cls is tuple:
            self._all(value, names)
        elif cls is CodeType:
            self._code(value)
        elif cls is FunctionType and self._overloaded(value):
            raise Unknown(value)
        elif not self.again(value, names):
            self.parts.append(cls.__qualname__)
            self._object(value, names)

    def root(self, target: Any) -> None:
        """The function itself, which may have an overload."""
        try:
            if type(target) is FunctionType and not self.again(target, ()):
                self.function(target)
            else:
                self.show(target)
        except RecursionError:
            raise Unknown("too deep") from None

    def again(self, value: object, names: Names) -> bool:
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
            self.module(value, names)
        elif isinstance(value, CPUDispatcher):
            self._dispatcher(value)
        elif isinstance(value, DUFunc):
            self._all(sorted(value.targetoptions.items()), ())
            if not self.again(value.__wrapped__, ()):
                self.function(value.__wrapped__)
        elif isinstance(value, type):
            self.class_(value, names)
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
            self.class_(cls, ())
            self.parts.append(value.name)
            self.show(value.value, names)
        elif isinstance(value, tuple) and hasattr(cls, "_fields"):
            self.class_(cls, names)
            self._all(value, names)
        elif cls is list:
            self._all(value, names)
        elif cls is dict:
            self._all((part for item in value.items() for part in item), names)
        elif cls in (set, frozenset) and all(type(item) in ATOMS for item in value):
            self.parts.append(str(sorted(f"{type(item)} {item!r}" for item in value)))
        elif cls is MethodType and not is_draw(value):
            self._all((value.__self__, value.__func__), names)
        elif (user := sys.modules.get("adcompile.custom")) and isinstance(value, user.UserFunction):
            self._with_rule(value)
        elif (
            root_module(value) in FOREIGN
            or isinstance(value, BuiltinFunctionType)
            or is_draw(value)
        ):
            self.foreign(value)
        else:
            self.instance(value, names)

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
        if (func.__module__ or "").partition(".")[0] in FOREIGN:
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
                content = NOTHING
            self.named("", content, names)
        inside, outside = func.__globals__, vars(builtins)
        for name in names:
            found = inside.get(name, NOTHING)
            self.named(name, outside.get(name, NOTHING) if found is NOTHING else found, names)
        if _IMPORT in code.co_code[::2]:
            for name in names:
                for module in (name, name.partition(".")[0]):
                    self.named(module, sys.modules.get(module, NOTHING), names)
        if "__signature__" in own:
            raise Unknown(func)
        for name in ("__wrapped__", *names) if own else ():
            self.named(name, own.get(name, NOTHING), names)

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
        if "__adcompile_primitive__" in vars(func) or root_module(func) in FOREIGN:
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
        if not self.again(value.py_func, ()):
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
