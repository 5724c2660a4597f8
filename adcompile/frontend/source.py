"""A function's syntax tree, and the names that it sees from outside."""

from __future__ import annotations

import ast
import builtins
import inspect
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from types import CodeType, FunctionType
from typing import Any, TypeGuard

from adcompile.errors import Loc, UnsupportedError
from adcompile.frontend.recursion import loop_of_tail_calls


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
    inside: bool = False

    @property
    def key(self) -> object:
        """The same for every reading of one function."""
        code = self.func.__code__
        return (code, self.node.lineno, self.node.col_offset) if self.inside else code

    @cached_property
    def parameters(self) -> frozenset[str]:
        return frozenset(_parameters(self.node))

    @cached_property
    def rebinds(self) -> bool:
        """Whether an expression may assign a variable that the same expression reads."""
        return any(isinstance(part, ast.NamedExpr | ast.Nonlocal) for part in ast.walk(self.node))

    @cached_property
    def stores(self) -> Counter[str]:
        """How often each name is given a value, functions, ``except`` and ``match`` among them."""
        found: Counter[str] = Counter()
        for part in ast.walk(self.node):
            if isinstance(part, ast.Name):
                found[part.id] += not isinstance(part.ctx, ast.Load)
            else:
                names = (getattr(part, field, None) for field in ("name", "asname", "rest"))
                found.update({name for name in names if isinstance(name, str)})
        return found

    def inner(self, node: ast.FunctionDef) -> Source:
        """A function defined inside this one."""
        made_here = made(self.func, node, self.file, self.first_line, self.lines)
        return replace(made_here, inside=True)

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
    """The Python function inside Dispatchers and other objects around it; None if there is none.
    What ``functools.wraps`` has made is a function, and does more than the one inside."""
    seen: set[int] = set()
    while id(func) not in seen and not isinstance(func, FunctionType):
        seen.add(id(func))
        for inner in ("py_func", "__wrapped__"):
            if hasattr(func, inner):
                func = getattr(func, inner)
                break
    return func if isinstance(func, FunctionType) else None


def read_source(func: FunctionType) -> Source:
    """Find and parse the text of ``func``."""
    if (known := getattr(func, "__adcompile_tree__", None)) is not None:  # frontend/kernels.py
        return made(func, *known)
    here = Loc(func.__code__.co_filename, func.__code__.co_firstlineno)
    name = func.__name__
    try:
        lines, first = inspect.getsourcelines(func.__code__)
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
    node: ast.AST | None = top.body[0] if isinstance(top, ast.If) else top
    if name == "<lambda>":
        node = lambda_of(func, tree, here)
    file = func.__code__.co_filename
    if not isinstance(node, ast.FunctionDef) or (
        name != "<lambda>" and node.name != func.__code__.co_name
    ):
        raise UnsupportedError(
            f"{name!r} is not a plain function",
            here,
            "Write it as a def; if its file was edited after the import, import it again.",
        )
    source = made(func, node, file, first, tuple(lines))
    looped = loop_of_tail_calls(node, lambda called: _is_self(called, source))
    return made(func, looped, file, first, tuple(lines)) if looped is not None else source


def made(
    func: FunctionType, node: ast.FunctionDef, file: str, first: int, lines: tuple[str, ...]
) -> Source:
    outer = frozenset(_nonlocals(node))
    assigned = frozenset(_stores(node)) - outer
    local = assigned | frozenset(_parameters(node))
    return Source(func, node, file, first, lines, assigned, local, _loop_names(node))


def _is_self(called: ast.expr, source: Source) -> bool:
    if not isinstance(called, ast.Name) or called.id in source.local_names:
        return False
    try:
        return plain_function(source.lookup(called.id)) is source.func
    except KeyError:
        return False


def lambda_of(func: FunctionType, tree: ast.AST, here: Loc) -> ast.FunctionDef:
    """The lambda in ``tree`` that is ``func``."""
    code = func.__code__
    found = [part for part in ast.walk(tree) if isinstance(part, ast.Lambda)]
    if len(found) > 1:
        found = [part for part in found if _code_of(part) == (code.co_code, code.co_consts)]
    if len(found) != 1:
        raise UnsupportedError(
            "this lambda is one of several alike on its line", here, "Write it as a def."
        )
    return as_def(found[0])


def _code_of(node: ast.Lambda) -> tuple[bytes, tuple[object, ...]]:
    compiled = compile(ast.fix_missing_locations(ast.Expression(node)), "lambda", "eval")
    (code,) = (c for c in compiled.co_consts if isinstance(c, CodeType))
    return code.co_code, code.co_consts


def as_def(node: ast.Lambda) -> ast.FunctionDef:
    back = ast.copy_location(ast.Return(node.body), node.body)
    made = ast.FunctionDef("lambda_", node.args, [back], [], None)
    return ast.copy_location(made, node)


def _parameters(node: ast.FunctionDef) -> Iterator[str]:
    spec = node.args
    for arg in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs, spec.vararg, spec.kwarg):
        if arg is not None:
            yield arg.arg


def _stores(node: ast.FunctionDef) -> Iterator[str]:
    for part in _body_nodes(node.body):
        match part:
            case ast.Name(id=name, ctx=ctx) if not isinstance(ctx, ast.Load):
                yield name
            case ast.FunctionDef(name=name):
                yield name
                yield from _nonlocals(part)
            case ast.alias(name=name, asname=asname):
                yield asname or name.partition(".")[0]
            case _:
                pass


def _nonlocals(node: ast.FunctionDef) -> Iterator[str]:
    for part in _body_nodes(node.body):
        if isinstance(part, ast.Nonlocal):
            yield from part.names


def _body_nodes(parts: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """All nodes, functions inside included and their bodies left out."""
    for part in parts:
        yield part
        if not isinstance(part, ast.FunctionDef | ast.Lambda):
            yield from _body_nodes(ast.iter_child_nodes(part))


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
