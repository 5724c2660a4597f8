"""Names that a kernel uses again for something else get others:

    i = cuda.blockIdx.x * cuda.blockDim.x + t        i = ...
    ...                                         ->   ...
    i = (n - cuda.blockIdx.x) * cuda.blockDim.x      i_2 = ...

Then each is an index that phases can compute again.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Set
from itertools import count


def named_apart(stmts: list[ast.stmt], params: Set[str], taken: Set[str]) -> None:
    """Rename in place.  A name is left as it is unless each of its assignments stands in the same
    block as all that reads it."""
    nodes = [n for s in stmts for n in ast.walk(s) if isinstance(n, ast.Name)]
    stores = [n.id for n in nodes if isinstance(n.ctx, ast.Store)]
    known = set(taken) | {n.id for n in nodes}
    for name in sorted({n for n in stores if stores.count(n) > 1} - params):
        places = [n for n in nodes if n.id == name]
        found = list(_uses(stmts, name))
        if sorted(map(id, places)) != sorted(id(n) for uses in found for n in uses):
            continue
        for uses in found[1:]:
            fresh = next(m for k in count(2) if (m := f"{name}_{k}") not in known)
            known.add(fresh)
            for node in uses:
                node.id = fresh


def _uses(block: list[ast.stmt], name: str) -> Iterator[list[ast.Name]]:
    """Each assignment in a block, or in those in it, with what reads it there."""
    uses: list[ast.Name] = []
    for stmt in block:
        match stmt:
            case ast.Assign([ast.Name(target) as node], value) if target == name:
                if uses:
                    uses += _named(value, name)
                    yield uses
                    uses = [node]
                else:
                    uses = [node]
            case _ if uses:
                inner = _named(stmt, name)
                uses += [n for n in inner if isinstance(n.ctx, ast.Load)]
            case ast.For(body=body, orelse=rest) | ast.While(body=body, orelse=rest):
                yield from _uses(body, name)
                yield from _uses(rest, name)
            case ast.If(body=body, orelse=rest):
                yield from _uses(body, name)
                yield from _uses(rest, name)
            case _:
                pass
    if uses:
        yield uses


def _named(node: ast.AST, name: str) -> list[ast.Name]:
    return [n for n in ast.walk(node) if isinstance(n, ast.Name) and n.id == name]
