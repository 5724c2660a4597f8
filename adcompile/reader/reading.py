"""Source, syntax tree and namespace of a function or Dispatcher."""

from __future__ import annotations

import ast
import builtins
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from adcompile.errors import Loc, UnsupportedError

_MISSING = object()


@dataclass(frozen=True)
class Source:
    """A function as written: ``loc`` translates positions in ``tree`` to the user's file."""

    func: Callable[..., Any]
    tree: ast.FunctionDef
    file: str
    line_offset: int
    column_offset: int
    namespace: dict[str, Any]

    def loc(self, node: ast.AST) -> Loc:
        line = getattr(node, "lineno", 1) + self.line_offset
        return Loc(self.file, line, getattr(node, "col_offset", 0) + self.column_offset)

    def lookup(self, name: str) -> Any:
        """The object that a global, closure or builtin name stands for; None with ``found``
        False is told apart by ``has``."""
        if name in self.namespace:
            return self.namespace[name]
        return getattr(builtins, name, _MISSING)

    def has(self, name: str) -> bool:
        return self.lookup(name) is not _MISSING


def python_function(func: Any) -> Callable[..., Any]:
    """The Python function behind a Dispatcher."""
    found = getattr(func, "py_func", func)
    if not inspect.isfunction(found):
        raise UnsupportedError(
            f"{found!r} is not a Python function", None, "Pass a function written with def."
        )
    return found


def read_source(func: Any) -> Source:
    """Parse the source of ``func``."""
    py_func = python_function(func)
    code = py_func.__code__
    place = Loc(code.co_filename, code.co_firstlineno)
    if py_func.__name__ == "<lambda>":
        raise UnsupportedError("a lambda has no source of its own", place, "Write it with def.")
    try:
        lines, first = inspect.getsourcelines(py_func)
    except (OSError, TypeError):
        raise UnsupportedError(
            f"the source of {py_func.__qualname__} is not available",
            place,
            "Define it in a file or a notebook cell.",
        ) from None
    text = "".join(lines)
    dedented = textwrap.dedent(text)
    indent = len(lines[0]) - len(lines[0].lstrip())
    try:
        tree = ast.parse(dedented).body[0]
    except SyntaxError:
        raise UnsupportedError("the source could not be isolated", place) from None
    if not isinstance(tree, ast.FunctionDef):
        raise UnsupportedError("not a plain function", place, "Write it with def.")
    names = dict(py_func.__globals__)
    for name, cell in zip(code.co_freevars, py_func.__closure__ or (), strict=True):
        try:
            names[name] = cell.cell_contents
        except ValueError:
            continue  # not yet assigned
    return Source(py_func, tree, code.co_filename, first - 1, indent, names)
