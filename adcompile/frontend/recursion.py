"""A function that calls itself at its tails, ``return f(...)``, is a loop."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence

from adcompile.frontend.exits import flow

IsSelf = Callable[[ast.expr], bool]


class _NotATail(Exception):
    """A call of itself whose result is needed for more."""


def loop_of_tail_calls(node: ast.FunctionDef, is_self: IsSelf) -> ast.FunctionDef | None:
    """``node`` with ``while True`` around its body and assignments to the parameters in place of
    the calls; None where it does not call itself, or not at tails only."""
    if not _calls(node.body, is_self):
        return None
    spec = node.args
    if spec.vararg or spec.kwarg or spec.kwonlyargs:
        return None
    params = [arg.arg for arg in (*spec.posonlyargs, *spec.args)]
    try:
        body = _block(node.body, params, is_self, True)
    except _NotATail:
        return None
    if flow(body).falls:
        body.append(ast.Return(None))
    loop = ast.While(ast.Constant(True), body, [])
    ast.copy_location(loop, node.body[0])
    made = ast.FunctionDef(node.name, spec, [loop], [], None)
    return ast.fix_missing_locations(ast.copy_location(made, node))


def _calls(parts: Sequence[ast.AST], is_self: IsSelf) -> bool:
    inside = (part for one in parts for part in ast.walk(one))
    return any(isinstance(part, ast.Call) and is_self(part.func) for part in inside)


def _block(
    body: Sequence[ast.stmt], params: list[str], is_self: IsSelf, last: bool
) -> list[ast.stmt]:
    """``last``: nothing of the function follows the block."""
    out: list[ast.stmt] = []
    for k, stmt in enumerate(body):
        if not _calls([stmt], is_self):
            out.append(stmt)
            continue
        ends = last and k == len(body) - 1
        match stmt:
            case ast.Return(ast.Call() as call) if is_self(call.func):
                out += [*_assignments(call, params, is_self), ast.Continue()]
            case ast.Expr(ast.Call() as call) if ends and is_self(call.func):
                out += [*_assignments(call, params, is_self), ast.Continue()]
            case ast.Return(ast.IfExp(test, a, b)) if not _calls([test], is_self):
                first, second = (
                    _block([ast.copy_location(ast.Return(part), stmt)], params, is_self, ends)
                    for part in (a, b)
                )
                out.append(ast.If(test, first, second))
            case ast.If(test, then, orelse) if not _calls([test], is_self):
                first, second = (_block(part, params, is_self, ends) for part in (then, orelse))
                out.append(ast.If(test, first, second))
            case _:
                raise _NotATail
        ast.copy_location(out[-1], stmt)
    return out


def _assignments(call: ast.Call, params: list[str], is_self: IsSelf) -> list[ast.stmt]:
    """The parameters take the arguments, all at once."""
    if any(isinstance(arg, ast.Starred) for arg in call.args) or len(call.args) > len(params):
        raise _NotATail
    given = dict(zip(params, call.args))
    for keyword in call.keywords:
        if keyword.arg not in params or keyword.arg in given:
            raise _NotATail
        given[keyword.arg] = keyword.value
    if set(given) != set(params) or _calls(list(given.values()), is_self):
        raise _NotATail
    moved = {
        name: value
        for name, value in given.items()
        if not (isinstance(value, ast.Name) and value.id == name)
    }
    if not moved:
        return []
    names: list[ast.expr] = [ast.Name(name, ast.Store()) for name in moved]
    target = names[0] if len(names) == 1 else ast.Tuple(names, ast.Store())
    values = list(moved.values())
    value = values[0] if len(values) == 1 else ast.Tuple(values, ast.Load())
    assignment = ast.Assign([target], value)
    return [ast.fix_missing_locations(ast.copy_location(assignment, call))]
