"""Entry point: a Python function or Numba Dispatcher to plain IR."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from adcompile.custom import UserFunction
from adcompile.errors import UnsupportedError
from adcompile.frontend.arguments import bind_parameters
from adcompile.frontend.frame import Restart
from adcompile.frontend.session import Session
from adcompile.frontend.source import plain_function, read_source
from adcompile.frontend.statements import Statements
from adcompile.ir import nodes as ir
from adcompile.ir.walk import statements, stmt_defs, stmt_reads
from adcompile.options import FastMath, common_flags, fast_flags

Kinds = Sequence[Any] | None


def parse(func: Any, kinds: Kinds = None, lenient: bool = False) -> ir.Function:
    """The function with its callees inlined, in the plain dialect.

    ``kinds``: Numba's types of the arguments, from which parsing knows what is None, a function, or
    a tuple of so many items.  ``lenient``: only what the function calls is wanted, and what is not
    known without types is taken to be anything.
    """
    return _parsed(func, kinds, lenient)[0]


def granted_fastmath(func: Any) -> FastMath:
    """The ``fastmath`` of a Dispatcher, as far as every Dispatcher inlined into it grants it."""
    _, session = _parsed(func, None, True)
    granted = fast_flags(func.targetoptions.get("fastmath", False))
    for callee in session.dispatchers:
        granted = common_flags(granted, fast_flags(callee.targetoptions.get("fastmath", False)))
    return granted


def _parsed(func: Any, kinds: Kinds, lenient: bool) -> tuple[ir.Function, Session]:
    nullable: set[tuple[object, str]] = set()
    while True:
        session = Session(nullable=nullable, lenient=lenient)
        try:
            return _parse(func, session, kinds), session
        except Restart as found:
            assert found.name not in nullable
            nullable.add(found.name)


def _parse(func: Any, session: Session, kinds: Kinds) -> ir.Function:
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
    model = getattr(func, "targetoptions", {}).get("error_model")
    session.raises_on_zero = model != "numpy"
    frame = Statements(session, source)
    spec = source.node.args
    if spec.kwarg:
        frame.refuse(source.node, "** parameters are not supported", "Write them out.")
    rest = (spec.vararg,) if spec.vararg else ()  # a tuple, as Numba has it
    names = [arg.arg for arg in (*spec.posonlyargs, *spec.args, *rest, *spec.kwonlyargs)]
    params = tuple(frame.var(name) for name in names)
    bind_parameters(frame, dict(zip(names, params)), kinds, func)
    session.stack.append(source.key)
    if isinstance(func, UserFunction):
        result: ir.Expr | None = frame.whole(source.node, func, params)
    else:
        result = frame.lower_body()
    if isinstance(result, ir.Var) and result in session.flags:
        text = ir.Const(f"{source.node.name} returns None here, which has no derivative")
        fail = ir.Raise("ValueError", (text,), frame.loc(source.node))
        frame.emit(ir.If(ir.Unary("not", session.flags[result]), (fail,), (), loc=fail.loc))
    values = () if result is None else (result,)
    last = source.node.body[-1]
    end = last if isinstance(last, ast.Return) else source.node
    refuse_none((*frame.out, ir.Return(values, frame.loc(end))), {*params, *_captured(session)})
    return ir.Function(
        name=source.node.name,
        params=params,
        body=(*frame.out, ir.Return(values, frame.loc(end))),
        loc=frame.loc(source.node),
        constants=tuple(session.constants.values()),
        exceptions=tuple(session.exceptions.items()),
        callees=tuple(session.callees.values()),
        makers=tuple(session.makers),
        doc=ast.get_docstring(source.node) or "",
    )


def _captured(session: Session) -> list[ir.Var]:
    return [var for var, _ in session.constants.values()]


def refuse_none(body: ir.Block, known: set[ir.Var]) -> None:
    """Reads of variables that never have another value than None."""
    every = list(statements(body))
    known |= {var for stmt in every for var in stmt_defs(stmt)}
    for stmt in every:
        for var in stmt_reads(stmt):
            if var not in known:
                raise UnsupportedError(
                    f"{var.name!r} is None here", stmt.loc, "Give it a value before this line."
                )
