"""Python's operators by their spelling, and what to say about expressions without one."""

from __future__ import annotations

import ast

from adcompile.ir import nodes as ir

BINARY: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.BitXor: "^",
    ast.LShift: "<<",
    ast.RShift: ">>",
}
UNARY: dict[type[ast.unaryop], str] = {
    ast.USub: "-",
    ast.UAdd: "+",
    ast.Invert: "~",
    ast.Not: "not",
}
COMPARE: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}

_LOOP = "Write it as a loop."
UNSUPPORTED: dict[type[ast.AST], tuple[str, str]] = {
    ast.Dict: ("a dict", "Use arrays or separate variables."),
    ast.Set: ("a set", "Use arrays or separate variables."),
    ast.SetComp: ("a comprehension", _LOOP),
    ast.DictComp: ("a comprehension", _LOOP),
    ast.Lambda: ("a lambda", "Define a function outside and call it."),
    ast.NamedExpr: ("an assignment expression (:=)", "Assign on a line of its own."),
    ast.Slice: ("a slice here", "Slice arrays only, or use integers."),
    ast.Starred: ("a starred expression", "Write the items out."),
    ast.Yield: ("yield", "Return the values, or store them in an array."),
    ast.YieldFrom: ("yield", "Return the values, or store them in an array."),
    ast.Await: ("await", ""),
    ast.JoinedStr: ("an f-string", "Use a plain string."),
    ast.With: ("'with'", "Take it out of the function."),
    ast.TryStar: ("'try'", "Test the condition with if instead."),
    ast.Delete: ("'del'", "Leave it out."),
    ast.Global: ("'global'", "Pass the value as an argument and return it."),
    ast.Nonlocal: ("'nonlocal'", "Pass the value as an argument and return it."),
    ast.FunctionDef: ("a nested function", "Define it outside; calls are followed."),
    ast.AsyncFunctionDef: ("an async function", ""),
    ast.ClassDef: ("a class", "Define it outside."),
    ast.Import: ("an import", "Import at the top of the module."),
    ast.ImportFrom: ("an import", "Import at the top of the module."),
    ast.Match: ("'match'", "Write it with if and elif."),
}


def is_boolean(node: ast.expr) -> bool:
    """An expression that is a boolean by its form."""
    match node:
        case ast.Compare() | ast.UnaryOp(op=ast.Not()):
            return True
        case ast.Constant(value=bool()):
            return True
        case ast.BoolOp(values=values):
            return all(is_boolean(value) for value in values)
        case _:
            return False


def folded(op: str, a: ir.Expr, b: ir.Expr) -> ir.Const | None:
    """Arithmetic with literal integers, and comparisons of literals: what a count that is known
    while parsing decides."""
    if not isinstance(a, ir.Const) or not isinstance(b, ir.Const):
        return None
    x, y = a.value, b.value
    match op:
        case "==" | "!=" if type(x) is type(y) and isinstance(x, str | int | None):
            return ir.Const((x == y) is (op == "=="))
        case _ if type(x) is not int or type(y) is not int:
            return None
        case "<" | "<=" | ">" | ">=":
            below, same = x < y, x == y
            return ir.Const(
                below
                if op == "<"
                else not below
                if op == ">="
                else (below or same if op == "<=" else not below and not same)
            )
        case "+" | "-" | "*":
            made = x + y if op == "+" else x - y if op == "-" else x * y
        case "//" | "%" if y != 0:
            made = x // y if op == "//" else x % y
        case "**" if 0 <= y < 64:
            made = x**y
        case _:
            return None
    return ir.Const(made) if -(2**63) <= made < 2**63 else None
