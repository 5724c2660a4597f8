"""Entry point: a Python function or Numba Dispatcher to plain IR."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adcompile.errors import UnsupportedError
from adcompile.frontend.frame import Session
from adcompile.frontend.source import is_dispatcher, plain_function, read_source
from adcompile.frontend.statements import Statements
from adcompile.ir import nodes as ir


@dataclass(frozen=True)
class UserOptions:
    """The options of the user's Dispatcher that change what the program computes."""

    fastmath: bool | frozenset[str] = False
    error_model: str | None = None
    boundscheck: bool | None = None
    parallel: bool = False


def parse(func: Any) -> ir.Function:
    """The function with its callees inlined, in the plain dialect."""
    return _parse(func, Session())


def user_options(func: Any) -> UserOptions:
    """The options of the root; ``fastmath`` only if every callee that is a Dispatcher grants it."""
    session = Session()
    _parse(func, session)
    options: Mapping[str, Any] = func.targetoptions if is_dispatcher(func) else {}
    fast = _flags(options)
    for callee in session.dispatchers:
        granted = _flags(callee.targetoptions)
        stricter = granted is not True and (
            fast is True or granted is False or not set(fast or ()) <= granted
        )
        if stricter:
            fast = False
    check = options.get("boundscheck")
    return UserOptions(
        fast,
        options.get("error_model"),
        None if check is None else bool(check),
        bool(options.get("parallel", False)),
    )


def _flags(options: Mapping[str, Any]) -> bool | frozenset[str]:
    """``fastmath`` as Numba takes it: a bool, a set of flags, or a dict."""
    value = options.get("fastmath", False)
    if isinstance(value, Mapping):
        value = {name for name, on in value.items() if on}
    if isinstance(value, set | frozenset | list | tuple):
        return True if "fast" in value else frozenset(value) or False
    return bool(value)


def _parse(func: Any, session: Session) -> ir.Function:
    if hasattr(func, "__adcompile__"):
        raise UnsupportedError(
            "derivatives of derivatives are not supported", None, "Pass the original function."
        )
    inner = plain_function(func)
    if inner is None:
        raise UnsupportedError(
            f"{func!r} is not a Python function",
            None,
            "Pass a function defined with def, or a Numba Dispatcher.",
        )
    source = read_source(inner)
    frame = Statements(session, source)
    spec = source.node.args
    if spec.vararg or spec.kwarg:
        frame.refuse(source.node, "* and ** parameters are not supported", "Write them out.")
    params = tuple(
        frame.var(arg.arg) for arg in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs)
    )
    session.stack.append(inner.__code__)
    result = frame.lower_body()
    values = () if result is None else (result,)
    last = source.node.body[-1]
    end = last if isinstance(last, ast.Return) else source.node
    return ir.Function(
        name=source.node.name,
        params=params,
        body=(*frame.out, ir.Return(values, frame.loc(end))),
        loc=frame.loc(source.node),
        constants=tuple(session.constants.values()),
        exceptions=tuple(session.exceptions.items()),
        doc=ast.get_docstring(source.node) or "",
    )
