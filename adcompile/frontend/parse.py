"""Entry point: a Python function or Numba Dispatcher to plain IR."""

from __future__ import annotations

import ast
from typing import Any

from adcompile.custom import UserFunction
from adcompile.errors import UnsupportedError
from adcompile.frontend.frame import Session
from adcompile.frontend.source import plain_function, read_source
from adcompile.frontend.statements import Statements
from adcompile.ir import nodes as ir
from adcompile.options import FastMath, common_flags, fast_flags


def parse(func: Any) -> ir.Function:
    """The function with its callees inlined, in the plain dialect."""
    return _parse(func, Session())


def granted_fastmath(func: Any) -> FastMath:
    """The ``fastmath`` of a Dispatcher, as far as every Dispatcher inlined into it grants it."""
    session = Session()
    _parse(func, session)
    granted = fast_flags(func.targetoptions.get("fastmath", False))
    for callee in session.dispatchers:
        granted = common_flags(granted, fast_flags(callee.targetoptions.get("fastmath", False)))
    return granted


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
    params = tuple(frame.var(arg.arg) for arg in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs))
    session.stack.append(inner.__code__)
    if isinstance(func, UserFunction):
        result: ir.Expr | None = frame.whole(source.node, func, params)
    else:
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
        callees=tuple(session.callees.values()),
        doc=ast.get_docstring(source.node) or "",
    )
