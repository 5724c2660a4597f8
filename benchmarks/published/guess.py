"""Arguments for functions that nobody described: kinds from how the text uses each parameter."""

from __future__ import annotations

import ast
import inspect
import itertools
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

import numpy as np

SIZE = 6
KINDS = {"float": 0, "1": 1, "2": 2, "3": 3}
INTEGER_NAME = re.compile(
    r"(order|degree|size|window|period|lag|seed|axis|count|length|dim|index|idx|n_\w+|num_\w+|"
    r"\w*_(len|size|idx|period|periods|window|steps|index|count))$"
)
AS_INTEGER = {"range", "prange", "zeros", "empty", "ones"}
ARRAY_FUNCTIONS = {
    *("sum", "mean", "std", "var", "prod", "min", "max", "argmin", "argmax", "argsort", "sort"),
    *("cumsum", "cumprod", "median", "diff", "dot", "zeros_like", "empty_like", "ones_like"),
    *("asarray", "any", "all", "unique", "copy", "full_like"),
}


@dataclass
class Evidence:
    """What is known of one parameter."""

    rank: int = 0  # dimensions, at least
    exact: bool = False
    integer: bool = False
    flag: bool = False
    number: bool = False
    none: bool = False
    other: bool = False  # a function, a record, a string

    def merge(self, more: Evidence) -> None:
        self.rank = max(self.rank, more.rank)
        for name in ("exact", "integer", "flag", "number", "none", "other"):
            setattr(self, name, getattr(self, name) or getattr(more, name))

    def kinds(self, name: str) -> list[str]:
        if self.other:
            return []
        if self.rank:
            more = [str(self.rank)] if self.exact else [str(self.rank), str(min(self.rank + 1, 3))]
            return [*more, *(["i1"] if self.rank == 1 else [])]
        if self.integer:
            return ["int"]
        if self.flag:
            return ["bool", "int"]
        if INTEGER_NAME.match(name):
            return ["int", "float", "1"]
        return ["float", "1", "int", "2", "bool"] if not self.number else ["float", "int", "1"]


@dataclass
class Reader(ast.NodeVisitor):
    """Collects evidence from one function, and from the functions that it hands parameters to."""

    func: FunctionType
    depth: int = 0
    found: dict[str, Evidence] = field(default_factory=dict)

    def of(self, node: ast.AST) -> Evidence | None:
        return self.found.get(node.id) if isinstance(node, ast.Name) else None

    def visit_Subscript(self, node: ast.Subscript) -> None:
        inner, levels = node.value, 1
        while isinstance(inner, ast.Subscript):
            inner, levels = inner.value, levels + 1
        known = self.of(inner)
        if known is not None:
            parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            plain = [
                p for p in parts if not (isinstance(p, ast.Constant) and p.value in (None, ...))
            ]
            known.rank = max(known.rank, levels - 1 + len(plain))
            known.exact |= len(parts) > 1 or levels > 1
        if isinstance(inner, ast.Attribute) and inner.attr == "shape":
            known = self.of(inner.value)
            if known is not None and isinstance(node.slice, ast.Constant):
                if isinstance(node.slice.value, int):
                    known.rank = max(known.rank, node.slice.value + 1)
        for part in ast.walk(node.slice):
            known = self.of(part)
            if known is not None and not known.rank:
                known.integer = True
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        match node:
            case ast.Assign([ast.Tuple(elts=names)], ast.Attribute(value=array, attr="shape")):
                known = self.of(array)
                if known is not None:
                    known.rank, known.exact = len(names), True
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        known = self.of(node.value)
        if known is not None:
            if node.attr in (
                *ARRAY_FUNCTIONS,
                "shape",
                "size",
                "T",
                "ndim",
                "dtype",
                "reshape",
                "flatten",
                "ravel",
                "real",
                "imag",
                "astype",
                "fill",
            ):
                known.rank = max(known.rank, 1)
            else:
                known.other = True
        self.generic_visit(node)

    def visit_For(self, node: ast.For) -> None:
        known = self.of(node.iter)
        if known is not None:
            known.rank = max(known.rank, 1)
        self.generic_visit(node)

    def visit_If(self, node: ast.If) -> None:
        test = node.test.operand if isinstance(node.test, ast.UnaryOp) else node.test
        known = self.of(test)
        if known is not None:
            known.flag = True
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        for side in (node.left, *node.comparators):
            known = self.of(side)
            if known is None:
                continue
            others = [
                s.value for s in (node.left, *node.comparators) if isinstance(s, ast.Constant)
            ]
            if isinstance(node.ops[0], (ast.Is, ast.IsNot)):
                known.none = True
            elif any(isinstance(v, str) for v in others):
                known.other = True
            else:
                known.number = True
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        called = self.of(node.func)
        if called is not None:
            called.other = True
        for arg in node.args:
            if name in AS_INTEGER:
                for part in ast.walk(arg):
                    known = self.of(part)
                    if known is not None and not known.rank:
                        known.integer = True
            known = self.of(arg)
            if known is None:
                continue
            if name == "len" or (name in ARRAY_FUNCTIONS and len(node.args) == 1):
                known.rank = max(known.rank, 1)
            elif isinstance(getattr(node.func, "value", None), ast.Name) and name in (
                "exp",
                "log",
                "sqrt",
                "sin",
                "cos",
                "tan",
                "erf",
                "gamma",
            ):
                known.number |= node.func.value.id == "math"  # type: ignore[attr-defined]
        target = self.func.__globals__.get(name) if isinstance(node.func, ast.Name) else None
        target = getattr(target, "py_func", target)
        if isinstance(target, FunctionType) and self.depth < 3:
            inner = evidence(target, self.depth + 1)
            for arg, param in zip(node.args, inner):
                known = self.of(arg)
                if known is not None:
                    known.merge(inner[param])
        self.generic_visit(node)


def evidence(func: FunctionType, depth: int = 0) -> dict[str, Evidence]:
    found = {name: Evidence() for name in inspect.signature(func).parameters}
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(func)))
    except (OSError, SyntaxError, TypeError):
        return found
    reader = Reader(func, depth, found)
    definition = tree.body[0]
    for stmt in getattr(definition, "body", []):
        reader.visit(stmt)
    return found


def value(kind: str, rng: np.random.Generator, style: int) -> Any:
    """A value of one kind.  ``style`` 0: about one; 1: larger, ascending; 2: of both signs."""
    if kind == "int":
        return (3, 2, 1)[style % 3]
    if kind == "bool":
        return style != 1
    if kind == "i1":
        return np.arange(SIZE, dtype=np.int64) % (3 + style)
    shape = (SIZE,) * KINDS[kind]
    made = rng.uniform(0.2, 1.2, shape) if style < 2 else rng.normal(size=shape)
    if style == 1:
        made = 5.0 * made + 2.0
        made = np.sort(made, axis=-1) if shape else made
    return made if shape else float(made)


def default_kinds(default: Any) -> list[str] | None:
    if isinstance(default, bool):
        return ["default"]
    if isinstance(default, float):
        return ["float", "default", "1"]
    if default is None or isinstance(default, str | tuple):
        return ["default"]
    return None


def kinds_of_type(text: str) -> list[str] | None:
    """Kinds for one type of an eager signature, printed as Numba prints it."""
    if text in ("float64", "float32"):
        return ["float"]
    if text in ("bool", "boolean"):
        return ["bool"]
    if text.startswith(("int", "uint")):
        return ["int"]
    array = re.match(r"(Array|array)\((\w+), (\d)", text)
    if array:
        ints = "int" in array[2]
        return ["i1"] if ints else [array[3]] if array[3] in KINDS else []
    return []


def argument_lists(
    func: FunctionType, declared: list[str] | None, limit: int = 48
) -> Iterator[tuple[tuple[str, ...], list[Any]]]:
    """Guesses, the likely ones first: kinds, and values in three styles of each."""
    found = evidence(func)
    choices: list[list[str]] = []
    parameters = inspect.signature(func).parameters
    for k, (name, parameter) in enumerate(parameters.items()):
        if parameter.kind not in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            return
        kinds = kinds_of_type(declared[k]) if declared and k < len(declared) else None
        if kinds is None and parameter.default is not parameter.empty:
            kinds = default_kinds(parameter.default)
        choices.append(found[name].kinds(name) if kinds is None else kinds)
    if not choices or not all(choices):
        return
    ranked = itertools.islice(itertools.product(*(enumerate(c) for c in choices)), 4096)
    ordered = sorted(ranked, key=lambda combo: sum(rank for rank, _ in combo))
    defaults = [p.default for p in parameters.values()]
    for combo in ordered[:limit]:
        chosen = tuple(kind for _, kind in combo)
        if not any(kind in KINDS for kind in chosen):
            continue
        for style in range(3):
            rng = np.random.default_rng(7 + style)
            yield (
                chosen,
                [
                    defaults[k] if kind == "default" else value(kind, rng, style)
                    for k, kind in enumerate(chosen)
                ],
            )
