"""From a Python function or Dispatcher to plain IR, with its callees inlined."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from typing import Any

from adcompile.errors import UnsupportedError
from adcompile.ir import nodes as ir
from adcompile.reader.body import Body
from adcompile.reader.exits import Flow, assigned_names
from adcompile.reader.reading import Source, python_function, read_source
from adcompile.reader.scope import Program, Scope
from adcompile.reader.values import Values


def parse(func: Any) -> ir.Function:
    """``func`` in the plain dialect: structured, in three-address form, callees inlined."""
    source = read_source(func)
    program = Program(stack=[source.func])
    scope = new_scope(source, program)
    params = parameters(source, scope)
    variables = tuple(scope.var(name) for name in params)
    read_body(scope)
    result: tuple[ir.Expr, ...] = (scope.result,) if scope.returns_value else ()
    scope.emit(ir.Return(result, source.loc(source.tree)))
    return ir.Function(
        source.func.__name__,
        variables,
        tuple(scope.out),
        source.loc(source.tree),
        tuple(program.constants.values()),
        tuple(program.exceptions.items()),
    )


def new_scope(source: Source, program: Program) -> Scope:
    scope = Scope(source, program, local_names=assigned_names(source.tree))
    scope.exits.append(ir.Var("exit"))
    return scope


def parameters(source: Source, scope: Scope) -> list[str]:
    args = source.tree.args
    if args.vararg is not None or args.kwarg is not None or args.kwonlyargs:
        scope.refuse(source.tree, "* parameters", "Give every parameter a name and a position.")
    return [a.arg for a in (*args.posonlyargs, *args.args)]


def read_body(scope: Scope) -> None:
    """Read the function's statements; every path must return alike."""
    source = scope.source
    scope.emit(ir.Assign(scope.exits[0], ir.Const(ir.STAY), loc=source.loc(source.tree)))
    flow = Body(scope, inline).block(source.tree.body)
    if scope.returns_value and flow not in (Flow.LEAVES, Flow.FAILS):
        scope.refuse(
            source.tree,
            f"{source.func.__name__} can end without returning a value",
            "Return a value on every path.",
        )


def inline(scope: Scope, call: ast.Call, callee: Callable[..., Any]) -> ir.Expr:
    """Read the body of ``callee`` in place of its call."""
    func = python_function(callee)
    loc = scope.source.loc(call)
    if func in scope.program.stack:
        raise UnsupportedError(f"recursion of {func.__name__}", loc, "Write it as a loop.")
    source = read_source(callee)
    inner = new_scope(source, scope.program)
    inner.out = scope.out
    names = parameters(source, inner)
    values = Values(scope, inline)
    given: dict[str, ir.Expr] = {}
    if len(call.args) > len(names):
        scope.refuse(call, f"{func.__name__} takes {len(names)} arguments")
    for name, arg in zip(names, call.args, strict=False):
        given[name] = values.atom(arg, name)
    for keyword in call.keywords:
        if keyword.arg not in names or keyword.arg in given:
            scope.refuse(call, f"the argument {keyword.arg} of {func.__name__}")
        given[str(keyword.arg)] = values.atom(keyword.value, str(keyword.arg))
    defaults = inspect.signature(func).parameters
    for name in names:
        if name not in given:
            default = defaults[name].default
            if default is inspect.Parameter.empty:
                scope.refuse(call, f"{func.__name__} needs the argument {name}")
            given[name] = Values(inner, inline).globally(default, call, name)
    for name in names:
        scope.emit(ir.Assign(inner.var(name), given[name], loc=loc))
    inner.out = scope.out
    inner.result = ir.Var(func.__name__, temp=True)
    scope.program.stack.append(func)
    read_body(inner)
    scope.program.stack.pop()
    if inner.returns_value is False or inner.returns_value is None:
        return ir.Const(None)
    return inner.result
