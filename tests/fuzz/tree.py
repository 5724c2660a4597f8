"""A program as a small tree: text templates with holes for expressions, and blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class Expr:
    """``text`` with holes {0}, {1}...  ``kind``: f float, i int, b bool, a array, t tuple.

    For floats ``bound`` is a bound on the absolute value and ``gain`` one on the sensitivity to
    the variables; for ints ``lo`` and ``hi`` hold the value.  ``tag`` names a construct that
    coverage counts."""

    text: str
    args: list[Expr] = field(default_factory=list)
    kind: str = "f"
    bound: float = 0.0
    gain: float = 0.0
    lo: int = 0
    hi: int = 0
    tag: str = ""

    def __str__(self) -> str:
        return self.text.format(*self.args)

    def walk(self) -> Iterator[Expr]:
        yield self
        for a in self.args:
            yield from a.walk()


@dataclass
class Line:
    text: str
    args: list[Expr] = field(default_factory=list)

    def __str__(self) -> str:
        return self.text.format(*self.args)


@dataclass
class Clause:
    """A header with its block.  ``first`` and ``last`` are fixed lines around the block (the
    counter of a while loop), which shrinking leaves alone."""

    construct: str
    header: Line
    body: list[Stmt]
    first: list[str] = field(default_factory=list)
    last: list[str] = field(default_factory=list)


@dataclass
class Stmt:
    """``lines`` come first (they stand or fall together), then the clauses."""

    kind: str
    lines: list[Line] = field(default_factory=list)
    clauses: list[Clause] = field(default_factory=list)


@dataclass
class Function:
    name: str
    params: str
    body: list[Stmt]

    def __str__(self) -> str:
        return "\n".join([f"def {self.name}({self.params}):", *show(self.body, 1)])


@dataclass
class Program:
    """``argnums``: what is differentiated.  ``inputs``: the seed of the argument values."""

    helpers: list[Function]
    main: Function
    argnums: tuple[int, ...]
    inputs: str

    def __str__(self) -> str:
        used = [self.main]
        for h in reversed(self.helpers):
            if any(re.search(rf"\b{h.name}\(", str(f)) for f in used):
                used.insert(0, h)
        body = "\n\n\n".join(map(str, used))
        top = ["import math", "", "import numpy as np"]
        if re.search(r"\bSCALE\b", body):
            top.append("\nSCALE = 0.7")
        if re.search(r"\bWEIGHTS\b", body):
            top.append("\nWEIGHTS = np.array([0.3, -0.8, 0.5, 0.9, -0.4])")
        return "\n".join(top) + "\n\n\n" + body + "\n"

    def functions(self) -> list[Function]:
        return [*self.helpers, self.main]


def show(block: list[Stmt], depth: int) -> list[str]:
    pad = "    " * depth
    out: list[str] = []
    for s in block:
        out += [pad + str(line) for line in s.lines]
        for c in s.clauses:
            out.append(f"{pad}{c.header}:")
            inner = "    " + pad
            lines = [inner + t for t in c.first]
            lines += show(c.body, depth + 1) if c.body or not (c.first or c.last) else []
            out += lines + [inner + t for t in c.last]
    return out or [pad + "pass"]


def blocks(block: list[Stmt]) -> Iterator[list[Stmt]]:
    """A block and all blocks inside it, outermost first."""
    yield block
    for s in block:
        for c in s.clauses:
            yield from blocks(c.body)


def lines_of(s: Stmt) -> Iterator[Line]:
    yield from s.lines
    for c in s.clauses:
        yield c.header


def slots(line: Line) -> Iterator[tuple[list[Expr], int]]:
    """Every place of an expression in a line: the list that holds it, and where."""

    def inside(args: list[Expr]) -> Iterator[tuple[list[Expr], int]]:
        for k, e in enumerate(args):
            yield args, k
            yield from inside(e.args)

    yield from inside(line.args)
