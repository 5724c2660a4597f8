"""A function's syntax tree, and the names that it sees from outside."""

from __future__ import annotations

import ast
import builtins
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import FunctionType
from typing import Any, TypeGuard

from adcompile.errors import Loc, UnsupportedError


@dataclass(frozen=True)
class Source:
    """One function as its author wrote it.  ``lines`` are those of ``node``."""

    func: FunctionType
    node: ast.FunctionDef
    file: str
    first_line: int
    lines: tuple[str, ...]
    assigned: frozenset[str]
    local_names: frozenset[str]
    loop_names: frozenset[str]

    def loc(self, node: ast.AST) -> Loc:
        line: int = getattr(node, "lineno", 1)
        column: int = getattr(node, "col_offset", 0)
        if line <= len(self.lines):
            column = len(self.lines[line - 1].encode()[:column].decode(errors="replace"))
        return Loc(self.file, self.first_line + line - 1, column)

    def lookup(self, name: str) -> object:
        """What a name that is not local means.  KeyError if nothing."""
        names = self.func.__code__.co_freevars
        if name in names and self.func.__closure__ is not None:
            try:
                found: object = self.func.__closure__[names.index(name)].cell_contents
            except ValueError:
                raise KeyError(name) from None
            return found
        space: Mapping[str, object] = self.func.__globals__
        return space[name] if name in space else vars(builtins)[name]


def is_dispatcher(func: object) -> TypeGuard[Any]:
    return hasattr(func, "py_func") and hasattr(func, "targetoptions")


def plain_function(func: object) -> FunctionType | None:
    """The Python function inside Dispatchers and ``functools.wraps``; None if there is none."""
    seen: set[int] = set()
    while id(func) not in seen:
        seen.add(id(func))
        for inner in ("py_func", "__wrapped__"):
            if hasattr(func, inner):
                func = getattr(func, inner)
                break
    return func if isinstance(func, FunctionType) else None


def read_source(func: FunctionType) -> Source:
    """Find and parse the text of ``func``."""
    here = Loc(func.__code__.co_filename, func.__code__.co_firstlineno)
    name = func.__name__
    if name == "<lambda>":
        raise UnsupportedError("a lambda cannot be differentiated", here, "Write it as a def.")
    try:
        lines, first = inspect.getsourcelines(func)
    except (OSError, TypeError):
        raise UnsupportedError(
            f"the source of {name!r} cannot be found",
            here,
            "adcompile reads the source: define the function in a file or a notebook cell.",
        ) from None
    text = "".join(lines)
    if lines[0][:1].isspace():  # a method or a nested def; not dedent, which alters strings
        text, first, lines = "if 1:\n" + text, first - 1, ["if 1:\n", *lines]
    try:
        tree = ast.parse(text)
    except SyntaxError:
        raise UnsupportedError(f"the source of {name!r} cannot be parsed", here) from None
    top = tree.body[0]
    node = top.body[0] if isinstance(top, ast.If) else top
    file = func.__code__.co_filename
    if not isinstance(node, ast.FunctionDef) or node.name != func.__code__.co_name:
        raise UnsupportedError(
            f"{name!r} is not a plain function",
            here,
            "Write it as a def; if its file was edited after the import, import it again.",
        )
    assigned = frozenset(_stores(node))
    local = assigned | frozenset(_parameters(node))
    return Source(func, node, file, first, tuple(lines), assigned, local, _loop_names(node))


def _parameters(node: ast.FunctionDef) -> Iterator[str]:
    for arg in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs):
        yield arg.arg


def _stores(node: ast.FunctionDef) -> Iterator[str]:
    for part in _body_nodes(node):
        if isinstance(part, ast.Name) and not isinstance(part.ctx, ast.Load):
            yield part.id


def _body_nodes(node: ast.FunctionDef) -> Iterator[ast.AST]:
    for stmt in node.body:
        yield from ast.walk(stmt)


# ---------------------------------------------------------------- loop variables


def _loop_names(node: ast.FunctionDef) -> frozenset[str]:
    """Names that live only in loops: nothing but loop headers assign them, and they are read only
    inside the loops that do.  Such a name *is* its loop's variable; another name may be changed
    in the body or read afterwards, and gets a copy."""
    good: set[str] = set()
    bad = set(_parameters(node))

    def visit(part: ast.AST, bound: frozenset[str]) -> None:
        match part:
            case ast.For(target=ast.Name(id=name), iter=bounds, body=body, orelse=orelse):
                (bad if name in bound else good).add(name)
                visit(bounds, bound)
                for stmt in body:
                    visit(stmt, bound | {name})
                for stmt in orelse:
                    visit(stmt, bound)
            case ast.Name(id=name, ctx=ctx):
                if name not in bound or not isinstance(ctx, ast.Load):
                    bad.add(name)
            case _:
                for child in ast.iter_child_nodes(part):
                    visit(child, bound)

    for stmt in node.body:
        visit(stmt, frozenset())
    return frozenset(good - bad)
