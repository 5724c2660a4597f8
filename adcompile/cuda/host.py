"""What stays on the host: numbers, loops around kernels, launches, and calls on whole arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from adcompile.errors import NOWHERE, Loc, UnsupportedError
from adcompile.ir import nodes as ir
from adcompile.ir.walk import (
    blocks,
    map_blocks,
    map_expr,
    map_stmt_exprs,
    statements,
    stmt_exprs,
    subexpressions,
)

_MAKERS = ("empty", "zeros", "ones", "full", "empty_like", "zeros_like", "ones_like", "full_like")
PRODUCTS = ("dot", "dot_nt", "dot_tn")  # products.py has these and their adjoints
PRODUCT_ADJOINTS = tuple(
    f"dot_{kind}_{side}{first}"
    for kind in ("22", "21", "12", "nt", "tn")
    for side in ("left", "right")
    for first in ("", "_first")
)
_DONE = frozenset(
    f"rt.{name}"
    for name in ("set_zero", "zero_from", "add_into", "move_adjoint", *PRODUCT_ADJOINTS)
)
HINT = (
    "On the GPU a loop runs if its iterations exchange nothing but sums; leave out target='cuda' "
    "for the others."
)


def on_host(
    block: ir.Block, why: Mapping[int, str], loop: str = "", around: Loc = NOWHERE
) -> ir.Block:
    """``why``: why loops are no kernels.  ``loop``: of the one around, if it launches none."""
    out: list[ir.Stmt] = []
    for stmt in block:
        reason = why.get(id(stmt), loop)
        if any(isinstance(s, ir.Call) for s in statements((stmt,))):
            reason = ""  # an element or two beside a kernel
        if reason:
            around = stmt.loc if stmt.loc.line else around
            _check_elements(stmt, reason, around)
        match stmt:
            case ir.Alloc(_, fn, _, keywords):
                name = fn.partition(".")[2]
                others = [key for key, _ in keywords if key != "dtype"]
                if name not in (*_MAKERS, *PRODUCTS) or others:
                    raise UnsupportedError(
                        f"{fn} of whole arrays has no kernel yet", stmt.loc, HINT
                    )
                stmt = replace(stmt, fn=f"rt.{name}")
            case ir.Copy(target, source, loc):
                stmt = ir.Assign(target, ir.Apply("rt.copy", (source,)), loc=loc)
            case ir.Do(fn) if fn not in _DONE:
                raise UnsupportedError(f"{fn} has no kernel yet", stmt.loc, HINT)
            case ir.CopyInto():
                raise UnsupportedError("copies between arrays have no kernel yet", stmt.loc, HINT)
            case _:
                pass
        stmt = map_stmt_exprs(lambda e, loc=stmt.loc: _host_expr(e, loc), stmt)  # type: ignore[misc]
        if blocks(stmt):
            stmt = map_blocks(
                lambda b, reason=reason, around=around: on_host(b, why, reason, around),  # type: ignore[misc]
                stmt,
            )
        out.append(stmt)
    return tuple(out)


def _host_expr(expr: ir.Expr, loc: object) -> ir.Expr:
    """Scalars are the host's; it has functions of Python's for them."""

    def change(e: ir.Expr) -> ir.Expr:
        match e:
            case ir.Apply("rt.plus", (a, b)):
                return ir.Binary("+", a, b)
            case ir.Apply("rt.grow" | "rt.place" | "np.sum" as fn):
                raise UnsupportedError(f"{fn} of arrays on the device", loc, HINT)  # type: ignore[arg-type]
            case _:
                return e

    return map_expr(change, expr)


def _check_elements(stmt: ir.Stmt, reason: str, loc: Loc) -> None:
    """A loop on the host must not fetch or write one element at a time."""
    uses = isinstance(stmt, ir.Store | ir.Accumulate)
    for top in stmt_exprs(stmt):
        uses = uses or any(isinstance(e, ir.Load) for e in subexpressions(top))
    if uses:
        raise UnsupportedError(
            f"this would run on the host, one element at a time: of the loop around it, {reason}",
            loc,
            HINT,
        )
