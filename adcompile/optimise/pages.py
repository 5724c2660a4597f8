"""Arrays that the user has not allocated come in large pages where that pays (plain dialect)."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace

from adcompile.ir import nodes as ir
from adcompile.ir.walk import map_blocks, statements

_MAKERS = frozenset(("np.empty", "np.zeros", "np.empty_like", "np.zeros_like"))


def use_large_pages(fn: ir.Function, users: Set[str]) -> ir.Function:
    """``fn``, whose arrays named in ``users`` stay as they are.  In loops allocation has to be
    quick, and the allocator hands the same memory out again."""
    return replace(fn, body=_block(fn.body, users))


def names_of_arrays(plain: ir.Function) -> frozenset[str]:
    """What the user allocates."""
    return frozenset(s.target.name for s in statements(plain.body) if isinstance(s, ir.Alloc))


def _block(block: ir.Block, users: Set[str]) -> ir.Block:
    out: list[ir.Stmt] = []
    for stmt in block:
        match stmt:
            case ir.Alloc(target, fn, args, ()) if fn in _MAKERS and target.name not in users:
                if len(args) == (1 if fn.endswith("_like") else 2):
                    stmt = replace(stmt, fn=fn.replace("np.", "rt."))
            case ir.If():
                stmt = map_blocks(lambda b: _block(b, users), stmt)
            case _:
                pass
        out.append(stmt)
    return tuple(out)
