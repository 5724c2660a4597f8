"""Targets of assignments."""

from __future__ import annotations

import ast
from collections.abc import Iterator


def flat_names(target: ast.expr) -> Iterator[str]:
    """The names that a target assigns."""
    match target:
        case ast.Name(id=name):
            yield name
        case ast.Tuple(elts) | ast.List(elts):
            for part in elts:
                yield from flat_names(part)
        case _:
            pass


def starred(target: ast.Tuple | ast.List) -> bool:
    return any(isinstance(part, ast.Starred) for part in target.elts)
