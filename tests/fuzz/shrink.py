"""A failing program made small: drop statements, unwrap blocks, simplify expressions, as long as
it fails in the same way."""

from __future__ import annotations

import time
from collections.abc import Callable
from copy import deepcopy

from .tree import Expr, Program, Stmt, blocks, lines_of, slots

SIMPLE = {"f": ["0.7"], "i": ["0", "1"], "b": ["True", "False"]}
Edit = Callable[[], None]


def shrink(program: Program, fails: Callable[[Program], bool], seconds: float = 60.0) -> Program:
    """``fails`` says whether a candidate still shows the failure."""
    best, end = deepcopy(program), time.monotonic() + seconds
    tried: set[str] = set()
    changed = True
    while changed:
        changed = False
        k = 0
        while time.monotonic() < end:
            candidate = deepcopy(best)
            todo = edits(candidate)
            if k >= len(todo):
                break
            todo[k]()
            text = str(candidate)
            if text not in tried and fails(candidate):
                best, changed = candidate, True
            else:
                k += 1
            tried.add(text)
    return best


def edits(program: Program) -> list[Edit]:
    """All single simplifications, the coarse ones first."""
    out: list[Edit] = []
    functions = list(reversed(program.functions()))
    bodies = [b for f in functions for b in blocks(f.body)]
    for body in bodies:
        for size in sorted({max(len(body) // 2, 1), max(len(body) // 4, 1), 1}, reverse=True):
            for start in range(len(body) - size, -1, -1):
                out.append(remove(body, start, size))
    for body in bodies:
        for k, s in enumerate(body):
            out += restructure(body, k, s)
    if len(program.argnums) > 1:
        for k in program.argnums:
            out.append(keep_argument(program, k))
    for body in bodies:
        for s in body:
            for line in lines_of(s):
                for args, k in slots(line):
                    out += simpler(args, k)
    return out


def remove(body: list[Stmt], start: int, size: int) -> Edit:
    def edit() -> None:
        del body[start : start + size]

    return edit


def restructure(body: list[Stmt], k: int, s: Stmt) -> list[Edit]:
    out: list[Edit] = []
    for n, c in enumerate(s.clauses):

        def unwrap(inner: list[Stmt] = c.body) -> None:
            setup = [Stmt("fixed", s.lines)] if s.lines else []
            body[k : k + 1] = [*setup, *inner]

        out.append(unwrap)
        if n > 0:

            def drop(n: int = n) -> None:
                del s.clauses[n]

            out.append(drop)
    return out


def keep_argument(program: Program, k: int) -> Edit:
    def edit() -> None:
        program.argnums = (k,)

    return edit


def simpler(args: list[Expr], k: int) -> list[Edit]:
    e = args[k]
    parts = [Expr(t, kind=e.kind) for t in SIMPLE.get(e.kind, []) if str(e) != t]
    if e.text in [t for ts in SIMPLE.values() for t in ts]:
        parts = []
    parts += [x for x in e.walk() if x is not e and x.kind == e.kind][:6]

    def replace(new: Expr) -> Edit:
        def edit() -> None:
            # inside a template an operand needs its own parentheses
            bare = not new.args or new.text.startswith("(")
            args[k] = new if bare else Expr("({0})", [new], new.kind)

        return edit

    return [replace(x) for x in parts]
