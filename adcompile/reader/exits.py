"""Which statements can leave the block they stand in."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from enum import Enum, auto


class Flow(Enum):
    """How control comes out of a block: always at its end (unless it raises), by break, continue or
    return, either way, or never because it raises."""

    FALLS = auto()
    LEAVES = auto()
    MAYBE = auto()
    FAILS = auto()


def own_statements(stmts: Iterable[ast.stmt], into_loops: bool) -> Iterator[ast.stmt]:
    """The statements in a block, those of nested ifs included, of loops on demand."""
    for stmt in stmts:
        yield stmt
        if isinstance(stmt, ast.If):
            yield from own_statements([*stmt.body, *stmt.orelse], into_loops)
        elif isinstance(stmt, ast.For | ast.While):
            if into_loops:
                yield from own_statements(stmt.body, into_loops)
            yield from own_statements(stmt.orelse, into_loops)


def has_return(stmts: Iterable[ast.stmt]) -> bool:
    return any(isinstance(s, ast.Return) for s in own_statements(stmts, True))


def has_break(body: list[ast.stmt]) -> bool:
    """A break that ends the loop with this body."""
    return any(isinstance(s, ast.Break) for s in own_statements(body, False))


def has_continue(body: list[ast.stmt]) -> bool:
    return any(isinstance(s, ast.Continue) for s in own_statements(body, False))


def assigned_names(tree: ast.FunctionDef) -> frozenset[str]:
    """Parameters and all names that the function assigns: its local variables."""
    found = {a.arg for a in (*tree.args.posonlyargs, *tree.args.args, *tree.args.kwonlyargs)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return frozenset(found)
