"""The user's function, made to run on recorded values.

Its code stays as it is; what its global names mean is changed.  ``math.sin`` and ``float`` would
lose the derivative, ``np.empty`` would make an array that cannot hold recorded numbers, a Numba
Dispatcher takes no objects of ours: in a copy of the function these names stand for functions that
record, and so on in the functions that it calls.
"""

from __future__ import annotations

import builtins
import cmath
import dis
import functools
from collections.abc import Callable
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np
from numba.typed import List

from adcompile.barrier import stop_gradient
from adcompile.custom import CustomJvp, CustomVjp, Nondifferentiable, UserFunction
from adcompile.errors import Loc, UnsupportedError
from adcompile.frontend.customs import registered
from adcompile.frontend.functions import is_range, primitive_name
from adcompile.frontend.source import is_dispatcher, plain_function
from adcompile.rules.draws import DRAWS, legacy_draw
from adcompile.rules.registry import rule_for
from adcompile.tape import matrices, rows  # noqa: F401  they fill the table
from adcompile.tape.functions import (
    array,
    asarray,
    astype,
    call_function,
    elementwise,
    moved,
    unknown,
)
from adcompile.tape.memory import Array, free, kept, lift
from adcompile.tape.node import Node, user_line
from adcompile.tape.variable import Var, node_of, tree_map

_FOREIGN = ("numpy", "scipy", "numba", "adcompile", "math", "cmath", "builtins")
_FLOATS = (float, complex, np.float64, np.float32, np.complex128, np.complex64)
_ABSTRACT = (np.ndarray, np.generic, np.number, np.inexact, np.floating, np.complexfloating)
Memo = dict[Any, Any]


def recorded(func: FunctionType, memo: Memo | None = None) -> Callable[..., Any]:
    """A copy of ``func`` whose names mean what records."""
    memo = {} if memo is None else memo
    if func in memo:
        found: Callable[..., Any] = memo[func]
        return found
    names = _names(func.__code__)
    space = {"__builtins__": _BUILTINS, "__name__": func.__globals__.get("__name__")}
    made = FunctionType(func.__code__, space, func.__name__, func.__defaults__, tuple(
        CellType(standing_for(cell.cell_contents, memo)) if _is_outside(cell, func) else cell
        for cell in func.__closure__ or ()
    ) or None)  # fmt: skip
    made.__kwdefaults__, memo[func] = func.__kwdefaults__, made
    for name in names & func.__globals__.keys():
        space[name] = standing_for(func.__globals__[name], memo)
    return made


def _is_outside(cell: CellType, func: FunctionType) -> bool:
    """Whether a captured variable is a function, module or array; not the function itself."""
    try:
        found = cell.cell_contents
    except ValueError:  # empty
        return False
    return found is not func and (callable(found) or isinstance(found, ModuleType | np.ndarray))


@functools.cache
def _names(code: CodeType) -> frozenset[str]:
    """The global names of a function and of those inside it."""
    for step in dis.get_instructions(code):
        if step.opname == "STORE_GLOBAL":
            place = Loc(code.co_filename, code.co_firstlineno)
            raise UnsupportedError(f"assignment to the global {step.argval}", place, "Return it.")
    inner = (_names(c) for c in code.co_consts if isinstance(c, CodeType))
    return frozenset(code.co_names).union(*inner)


class _Module:
    """A module, seen through ``standing_for``."""

    def __init__(self, module: ModuleType, memo: Memo) -> None:
        self._module, self._memo = module, memo

    def __getattr__(self, name: str) -> Any:
        found = standing_for(getattr(self._module, name), self._memo)
        setattr(self, name, found)
        return found


class _Kind:
    """A type of numbers or arrays: recorded ones pass for such, and ``float(x)`` keeps what is
    recorded."""

    def __init__(self, kind: type) -> None:
        self.kind = kind
        if kind in _FLOATS:
            self.dtype = np.dtype(kind)

    def __call__(self, *args: Any, **options: Any) -> Any:
        if not any(isinstance(x, Var) for x in args):
            return self.kind(*args, **options)
        return args[0] + 1j * args[1] if len(args) == 2 else astype(args[0], self.dtype)

    def __instancecheck__(self, x: Any) -> bool:
        return isinstance(free(x), self.kind)

    def __subclasscheck__(self, kind: type) -> bool:
        return issubclass(kind, self.kind)

    def __or__(self, other: Any) -> tuple[Any, ...]:
        """``float | int``: for isinstance, a tuple does as well."""
        return (self, *(other if isinstance(other, tuple) else (other,)))

    __ror__ = __or__

    def __getattr__(self, name: str) -> Any:
        return getattr(self.kind, name)


class _List(list[Any]):
    """``numba.typed.List``, of anything."""

    @staticmethod
    def empty_list(item_type: Any, allocated: int = 0) -> _List:
        return _List()


def standing_for(obj: Any, memo: Memo) -> Any:
    """What a global name means in a function that records."""
    if isinstance(obj, ModuleType):
        return _Module(obj, memo)
    if isinstance(obj, np.ndarray):  # a constant: writing to it is an error
        obj = obj.view()
        obj.flags.writeable = False
        return lift(obj)
    if not callable(obj) or isinstance(obj, np.ufunc):
        return obj
    if getattr(obj, "__hash__", None) is not None and obj in _OWN:
        return _OWN[obj]
    if isinstance(obj, UserFunction):
        return functools.partial(custom, obj, memo)
    if hasattr(obj, "__adcompile__"):
        raise UnsupportedError("derivatives of derivatives are not supported", user_line())
    if (own := registered(obj)) is not None:
        return functools.partial(_by_row, own.rule, plain_function(obj))
    if obj is List:
        return _List
    if isinstance(obj, type):
        return _Kind(obj) if obj in (*_FLOATS, *_ABSTRACT) else obj
    if is_range(obj):
        return range
    if (drawn := legacy_draw(obj)) is not None:
        return functools.partial(_draw, obj, drawn)
    rule = rule_for(primitive_name(obj) or "")
    declared = hasattr(obj, "__adcompile_primitive__")
    if rule is not None and (declared or isinstance(obj, BuiltinFunctionType)):
        return functools.partial(elementwise, rule, obj)
    module = str(getattr(obj, "__module__", ""))
    package = "" if module.startswith("adcompile.nn.") else module.partition(".")[0]
    inner = plain_function(obj)
    if inner is not None and (package not in _FOREIGN or is_dispatcher(obj)):
        return recorded(inner, memo)
    return functools.partial(_library, obj, memo) if package in ("numpy", "scipy") else obj


def _library(function: Any, memo: Memo, *args: Any, **options: Any) -> Any:
    """A function of NumPy's or SciPy's.  Its arrays may be written to."""
    if any(isinstance(x, Var) for x in (*args, *options.values())):
        if function.__module__.startswith("scipy"):
            return call_function(function, args, options)
        if isinstance(function, FunctionType) and not hasattr(function, "__wrapped__"):
            return recorded(function, memo)(*args, **options)
    found = function(*args, **options)
    return lift(found) if isinstance(found, np.ndarray) else found


def _by_row(rule: Any, compute: Any, *args: Any) -> Any:
    if any(isinstance(x, Array) for x in args):
        compute = np.vectorize(compute, otypes=[float])
    return elementwise(rule, compute, *args)


def _extremum(name: str, own: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """Python's max and min, with the rule's side at a tie: the second."""
    values, rule = list(args[0]) if len(args) == 1 else args, rule_for(name)
    if options or rule is None or not any(isinstance(x, Var) for x in values):
        return own(values, **options)
    if len(args) == 1 and isinstance(args[0], Array):
        return getattr(np, name)(args[0])
    return functools.reduce(functools.partial(elementwise, rule, own), values)


def _full(shape: Any, fill_value: Any, dtype: Any = None) -> Any:
    found = moved("full", lambda v: np.full(shape, v), fill_value)
    return found if dtype is None else astype(found, dtype)


def _draw(function: Any, name: str, *args: Any, **options: Any) -> Any:
    """With x = loc + scale * z, z is drawn and derivatives go through loc and scale."""
    if not any(isinstance(x, Var) for x in (*args, *options.values())):
        found = function(*args, **options)
        return lift(found) if isinstance(found, np.ndarray) else found
    if name in ("permutation", "choice", "shuffle") and isinstance(args[0], Array):
        places = np.arange(len(args[0]))  # moved as the array would be
        drawn = function(places, *args[1:], **options)
        if name != "shuffle":
            return args[0][drawn]
        args[0][...] = args[0][places]
        return None
    draw = DRAWS.get(name)
    if draw is None or not draw.form:
        raise unknown(f"np.random.{name} of what is differentiated")
    given = draw.parameters.bind(*args, **options)
    given.apply_defaults()
    values = dict(given.arguments)
    words = [w for w in ("loc", "low", "scale", "high") if w in draw.form]
    names = [n for n in values if n != "size"][-len(words) :]
    space = {word: values[n] for word, n in zip(words, names)}
    values |= dict(zip(names, (0.0, 1.0)[-len(words) :]))
    log = name == "lognormal"
    z = np.random.standard_normal(values["size"]) if log else function(**values)
    return eval(draw.form, {"z": lift(z), "exp": np.exp} | space)


_OWN: dict[Any, Any] = {
    np.array: array, np.asarray: asarray, np.asanyarray: asarray, np.ascontiguousarray: asarray,
    np.broadcast: lambda *args: np.broadcast(*map(free, args)), np.full: _full,
    max: functools.partial(_extremum, "max", max), min: functools.partial(_extremum, "min", min),
    stop_gradient: lambda x: lift(kept(x)), cmath.polar: lambda z: (abs(z), np.angle(z)),
}  # fmt: skip
_BUILTINS = vars(builtins) | {
    "max": _OWN[max], "min": _OWN[min], "float": _Kind(float), "complex": _Kind(complex),
    "__import__": lambda *args: standing_for(__import__(*args), {}),
}  # fmt: skip


def custom(f: UserFunction, memo: Memo, *args: Any) -> Any:
    """A function with a rule of the user's, which is one node."""
    values, name = [tree_map(kept, x) for x in args], f.py_func.__name__
    if isinstance(f, Nondifferentiable):
        return tree_map(lift, f.py_func(*values))
    assert isinstance(f, CustomVjp | CustomJvp)
    if (f.fwd if isinstance(f, CustomVjp) else f.jvp) is None:
        raise UnsupportedError(f"{name} has no rule", user_line(), "Call its defvjp or defjvp.")
    places = [k for k in range(len(args)) if k not in f.nondiff]
    first, inputs = [values[k] for k in sorted(f.nondiff)], [values[k] for k in places]
    zeros = [np.zeros_like(v)[()] for v in inputs]
    if isinstance(f, CustomVjp):
        found, residuals = f.fwd(*values)  # type: ignore[misc]
    else:
        found = f.jvp(*first, tuple(inputs), tuple(zeros))[0]  # type: ignore[misc]

    def pull(g: Any) -> list[Any]:
        if isinstance(f, CustomVjp):
            return list(f.bwd.func(*first, residuals, tuple(g) if isinstance(g, list) else g))
        # The tangent is linear in the tangents: its gradient with respect to these.
        tangents, rule = [variable(v) for v in zeros], f.jvp
        assert rule is not None
        _, tangent = recorded(rule)(*first, tuple(map(lift, inputs)), tuple(tangents))
        parts = zip(tangent, g) if isinstance(tangent, tuple) else ((tangent, g),)
        total = sum(np.sum(t * part) for t, part in parts)
        if isinstance(total, Var):
            total.backward()
        return [t.grad for t in tangents]

    def op(*new: Any) -> Any:
        return f.py_func(*(dict(enumerate(values)) | dict(zip(places, new))).values())

    parents = [node_of(args[k]) for k in places]
    if not any(parents):
        return tree_map(lift, found)
    node = Node(name, found, parents, pull, op, inputs)
    if not isinstance(found, tuple):
        return lift(found, node)
    return tuple(
        lift(v, Node(f"{name}[{k}]", v, (node,), functools.partial(_item_back, k)))
        for k, v in enumerate(found)
    )


def _item_back(k: int, g: Any) -> tuple[Any]:
    def add(gradients: Any) -> None:
        gradients[k] = gradients[k] + g

    return (add,)


def variable(value: Any, name: str = "") -> Any:
    """A number or an array to differentiate with respect to."""
    value = np.asarray(value)
    value = value[()] if value.dtype.kind in "fc" else value.astype(float)[()]
    return lift(value, Node(name, value))
