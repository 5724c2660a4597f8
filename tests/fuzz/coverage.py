"""Which construct occurs inside which, at any depth of nesting within a function."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from .tree import Program, Stmt, lines_of

OUTER = ("for", "for-else", "while", "while-else", "if", "elif", "else")
INNER = (
    "for", "for-else", "while", "while-else", "if", "elif", "else", "break", "continue", "return",
    "raise", "assert", "assign", "augassign", "swap-scalars", "int-assign", "flag", "store",
    "augstore", "index-store", "fill", "slice-copy", "view", "alias", "rebind", "swap-arrays",
    "alloc", "copy", "tuple-pack", "tuple-unpack", "call", "condexpr",
)  # fmt: skip
ENOUGH = 50
Pairs = Counter[tuple[str, str]]


def pairs(program: Program) -> Pairs:
    """How often each (outer, inner) occurs in a program.  A thing counts once for each different
    construct around it."""
    out: Pairs = Counter()
    for f in program.functions():
        visit(f.body, (), out)
    return out


def visit(block: Sequence[Stmt], around: tuple[str, ...], out: Pairs) -> None:
    for s in block:
        outers = set(around)
        if s.kind not in ("for", "while", "if"):
            out.update((o, s.kind) for o in outers)
        for line in lines_of(s):
            for top in line.args:
                tags = [e.tag for e in top.walk() if e.tag]
                if s.kind == "call" and "call" in tags:
                    tags.remove("call")  # the statement is counted already
                out.update((o, t) for o in outers for t in tags)
        for c in s.clauses:
            out.update((o, c.construct) for o in outers)
            visit(c.body, (*around, c.construct), out)


def rare(total: Pairs, count: int) -> list[tuple[str, str, int]]:
    """Pairs that fall short of ENOUGH per 2000 programs."""
    need = ENOUGH * min(1.0, count / 2000)
    return [(o, i, total[o, i]) for o in OUTER for i in INNER if total[o, i] < need]


def table(total: Pairs) -> str:
    rows = [f"{'':14}" + "".join(f"{o:>11}" for o in OUTER)]
    rows += [f"{i:14}" + "".join(f"{total[o, i]:11}" for o in OUTER) for i in INNER]
    return "\n".join(rows)
