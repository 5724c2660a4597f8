"""Functions of the user that generated code calls as they are: copies of them for Numba.

The user's own Dispatcher is never called: compiled first through generated code it would keep the
options of that.  So the function is compiled again from its Python code, and the functions that it
calls with it, with all options stated.
"""

from __future__ import annotations

import builtins
import hashlib
import re
from collections.abc import Iterable, Iterator
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np
from numba import njit
from numba.core.registry import CPUDispatcher, cpu_target

from adcompile.frontend.source import is_dispatcher, plain_function
from adcompile.options import Options, merge
from adcompile.reach import Reach, Unknown
from adcompile.runtime.modules import MODULES

PREFIX = "fn."  # of the names of such functions in the IR

_FOREIGN = ("numpy", "numba", "math", "scipy", "builtins")
_taken = {"np", "math", "njit", "vm", *vars(builtins)}
for _module in MODULES:
    _taken |= set(vars(_module))


def unique_name(func: FunctionType, suffix: str = "") -> str:
    """A name for a function in generated code, that of no other one in this process."""
    wish = re.sub(r"\W", "_", func.__name__) + suffix
    name, number = wish, 2
    while name in _taken:
        name, number = f"{wish}_{number}", number + 1
    _taken.add(name)
    return PREFIX + name


class Callee:
    """A function under the name by which the IR calls it.  ``rule``: what else generated code
    depends on, as text."""

    def __init__(self, name: str, func: FunctionType, target: Any, rule: str = "") -> None:
        self.name, self.func, self.target, self.rule = name, func, target, rule

    def __repr__(self) -> str:
        """The same in every process, for fingerprints and headers of modules."""
        made = hashlib.sha256(f"{digest(self.func)} {self.rule}".encode())
        return f"{self.name.removeprefix(PREFIX)} ({made.hexdigest()[:16]})"


_compiled: dict[tuple[str, str], Any] = {}  # by digest and options


def namespace(callees: Iterable[object], options: Options) -> dict[str, Any]:
    """What a generated module must know to call these."""
    found: dict[str, Any] = {}
    for callee in callees:
        assert isinstance(callee, Callee)
        key = repr(callee), str(options.decorator())
        if key not in _compiled:
            _compiled[key] = clone(callee.target, options, {})
        found[callee.name.removeprefix(PREFIX)] = _compiled[key]
    return found


# ---------------------------------------------------------------- copies


def clone(target: Any, options: Options, made: dict[int, Any]) -> Any:
    """A Dispatcher with the code of ``target``, a function or a Dispatcher."""
    func = plain_function(target)
    assert func is not None
    if id(func) in made:
        return made[id(func)]
    own = merge(target.targetoptions, {}) if is_dispatcher(target) else options
    space: dict[str, Any] = {"__name__": func.__module__, "__builtins__": builtins}
    cells = tuple(CellType() for _ in func.__closure__ or ())
    copy = FunctionType(func.__code__, space, func.__name__, func.__defaults__, cells)
    copy.__kwdefaults__ = func.__kwdefaults__
    copy.__module__, copy.__qualname__ = func.__module__, func.__qualname__
    made[id(func)] = dispatcher = njit(copy, **{**own.decorator(), "cache": False})
    if dispatcher is copy:  # NUMBA_DISABLE_JIT: types are inferred all the same
        made[id(func)] = dispatcher = CPUDispatcher(copy, targetoptions={"nopython": True})
    names = set(_names(func.__code__))
    for name in names & set(func.__globals__):
        space[name] = _replaced(func.__globals__[name], names, options, made)
    for cell, old in zip(cells, func.__closure__ or (), strict=True):
        cell.cell_contents = _replaced(old.cell_contents, names, options, made)
    return dispatcher


def _replaced(value: Any, names: set[str], options: Options, made: dict[int, Any]) -> Any:
    if isinstance(value, ModuleType):
        inside = {n: getattr(value, n) for n in sorted(names) if hasattr(value, n)}
        if not any(map(_is_own, inside.values())):
            return value
        shim = ModuleType(value.__name__)
        for name, item in inside.items():
            setattr(shim, name, _replaced(item, names, options, made))
        return shim
    return clone(value, options, made) if _is_own(value) else value


def calls_plain_functions(func: Any) -> bool:
    """Whether it names functions that Numba does not know."""
    if not isinstance(func, FunctionType):
        return False
    names = set(_names(func.__code__))
    values = [func.__globals__[name] for name in names & set(func.__globals__)]
    values += [cell.cell_contents for cell in func.__closure__ or ()]
    return any(_is_own(value) and not isinstance(value, CPUDispatcher) for value in values)


def _is_own(value: Any) -> bool:
    """A function of the user's, and none that Numba knows by itself."""
    if hasattr(value, "__adcompile__"):
        return False  # a derivative is compiled by adcompile
    func = plain_function(value)
    if func is None or (func.__module__ or "").partition(".")[0] in _FOREIGN:
        return False
    return isinstance(value, CPUDispatcher) or value is not func or not _is_known(func)


def _is_known(func: FunctionType) -> bool:
    try:
        cpu_target.typing_context.resolve_value_type(func)
    except Exception:  # Numba's own family of errors for what it cannot type
        return False
    return True


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


# ---------------------------------------------------------------- what a function depends on


def digest(func: FunctionType) -> str:
    """A hash over the code of a function, the values that it sees from outside, and those of the
    functions that it calls."""
    reach = Reach(placed=False)
    try:
        reach.function(func)
    except (Unknown, RecursionError):
        return _digest(func, {})
    return reach.digest()


def _digest(func: FunctionType, seen: dict[int, int]) -> str:
    """The same where it sees what cannot be told apart, with no more than the name of that."""
    if id(func) in seen:
        return f"again {seen[id(func)]}"
    seen[id(func)] = len(seen)
    names = sorted(set(_names(func.__code__)))
    parts = [_shown(func.__code__, names, seen), _shown(func.__defaults__, names, seen)]
    parts += [f"{n}={_shown(func.__globals__.get(n), names, seen)}" for n in names]
    for cell in func.__closure__ or ():
        parts.append(_shown(cell.cell_contents, names, seen))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _shown(value: Any, names: list[str], seen: dict[int, int]) -> str:
    match value:
        case CodeType():
            constants = [_shown(c, names, seen) for c in value.co_consts]
            return f"{value.co_code.hex()} {value.co_names} {value.co_varnames} {constants}"
        case np.ndarray():
            content = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
            return f"array {value.dtype} {value.shape} {content}"
        case frozenset() | set():
            return str(sorted(map(repr, value)))
        case tuple() | list():
            return f"({', '.join(_shown(item, names, seen) for item in value)})"
        case ModuleType():
            inside = [n for n in names if _is_own(getattr(value, n, None))]
            return value.__name__ + "".join(_shown(getattr(value, n), names, seen) for n in inside)
        case None | bool() | int() | float() | complex() | str() | bytes() | np.generic():
            return repr(value)
        case _ if _is_own(value) and (func := plain_function(value)) is not None:
            return f"{getattr(value, 'targetoptions', '')} {_digest(func, seen)}"
        case _:
            return f"{type(value).__name__} {getattr(value, '__qualname__', '')}"
