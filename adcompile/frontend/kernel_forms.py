"""What is known of the form of a kernel, the function that ``kernels.kernel_form`` makes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from adcompile.frontend.kernels import AXES
from adcompile.ir import nodes as ir

_BLOCK_LOOPS = frozenset(f"block_{axis}" for axis in AXES)


def spread(form: Any) -> frozenset[int]:
    """The axes of the grid that may have more than one thread: along others all threads would do
    the same."""
    found: frozenset[int] = form.__adcompile_spread__
    return found


def waits(form: Any) -> bool:
    """Whether threads of a block share memory or wait for each other in a form of a kernel."""
    return bool(getattr(form, "__adcompile_blocks__", False))


def with_blocks(fn: ir.Function) -> ir.Function:
    """``fn``, the program of such a form, with loops over blocks whose iterations may run in any
    order: cuda/threads.py checks that."""
    counts = {v for v in fn.params if v.name in {f"blocks_{axis}" for axis in AXES}}

    def block(stmts: ir.Block) -> ir.Block:
        out: list[ir.Stmt] = []
        for stmt in stmts:
            if isinstance(stmt, ir.For) and stmt.stop in counts and stmt.var.name in _BLOCK_LOOPS:
                stmt = replace(stmt, order="blocks", body=block(stmt.body))
            out.append(stmt)
        return tuple(out)

    return replace(fn, body=block(fn.body))
