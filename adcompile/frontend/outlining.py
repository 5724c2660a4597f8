"""Functions of one number that call themselves in the middle of an expression, ``1 - f(-x)``.

Inlined, each call of such a function would be there as often as recursion is followed.  So it stays
a call, and so does its derivative, which is that of the function by itself.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any

from adcompile.clones import Callee, digest, unique_name
from adcompile.custom import Registered
from adcompile.frontend.source import Source, is_dispatcher, plain_function, read_source
from adcompile.rules.op import apply_named
from adcompile.rules.registry import Rule, enter_apart

_known: dict[FunctionType, tuple[Registered, Callee] | None] = {}
_PURE = ("numpy", "math")


def outlined(dispatcher: Any) -> tuple[Registered, Callee] | None:
    """The row of such a function, and its derivative; None for any other."""
    func = plain_function(dispatcher)
    if func is None or not is_dispatcher(dispatcher):
        return None
    if func not in _known:
        _known[func] = _outline(dispatcher, func) if _is_symmetric(read_source(func)) else None
    return _known[func]


def _is_symmetric(source: Source) -> bool:
    """One parameter, calls ``f(-x)`` of itself and of functions of numbers, and nothing that may
    raise."""
    spec = source.node.args
    if len(spec.args) != 1 or spec.posonlyargs or spec.kwonlyargs or spec.vararg or spec.kwarg:
        return False
    itself, own = False, spec.args[0].arg
    for part in (inner for stmt in source.node.body for inner in ast.walk(stmt)):
        match part:
            case ast.Raise() | ast.Assert() | ast.For() | ast.While() | ast.Subscript():
                return False
            case ast.Call(ast.Name(id=name), args, []) if name == source.node.name:
                match args:
                    case [ast.UnaryOp(ast.USub(), ast.Name(id=given))] if given == own:
                        itself = True
                    case _:
                        return False
            case ast.Call(ast.Attribute(ast.Name(id=owner))):
                if not _is_pure(source, owner):
                    return False
            case ast.Call(ast.Name(id="abs" | "max" | "min" | "float")):
                pass
            case ast.Call():
                return False
            case _:
                pass
    return itself


def _is_pure(source: Source, name: str) -> bool:
    try:
        module = source.lookup(name)
    except KeyError:
        return False
    return isinstance(module, ModuleType) and module.__name__ in _PURE


def _outline(dispatcher: Any, func: FunctionType) -> tuple[Registered, Callee]:
    from adcompile.api import grad  # late: it imports the frontend

    slope = _slope_of(grad(dispatcher))
    text = digest(func)
    name, slope_name = unique_name(func), unique_name(func, "_slope")

    def partials(ans: Any, x: Any) -> Any:
        return apply_named(slope_name, slope, x)

    rule = Rule(name, (name,), 1, partials, (), (), (False,))
    enter_apart(rule)
    row = Registered(Callee(name, func, dispatcher, "outlined"), rule, False)
    return row, Callee(slope_name, slope, slope, text)


def _slope_of(derivative: Callable[..., Any]) -> FunctionType:
    def slope(x: Any) -> Any:
        return derivative(x)

    assert isinstance(slope, FunctionType)
    return slope
