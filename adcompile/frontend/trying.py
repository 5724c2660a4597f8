"""``try`` and ``except``: what raises inside sets a flag instead, and what follows is skipped.

Numba catches everything or ``Exception``.  Errors that a statement of the user's raises, a division
by zero included, are ordinary jumps; those that only a library function can raise are refused.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace

from adcompile.errors import Loc
from adcompile.frontend.exits import Branch, Item, flow
from adcompile.frontend.frame import Frame
from adcompile.ir import nodes as ir
from adcompile.ir.walk import map_blocks, statements


def may_raise(body: Sequence[ir.Stmt]) -> bool:
    return any(isinstance(stmt, ir.Raise) for stmt in statements(tuple(body)))


def caught(body: Sequence[ir.Stmt], raised: ir.Var) -> ir.Block:
    """``body`` that sets ``raised`` where it would raise, and does nothing more then."""
    return _block(body, raised)[0]


def _block(body: Sequence[ir.Stmt], raised: ir.Var) -> tuple[ir.Block, bool]:
    """The statements, and whether they may set ``raised``."""
    out: list[ir.Stmt] = []
    for k, stmt in enumerate(body):
        if isinstance(stmt, ir.Raise):
            out.append(ir.Assign(raised, ir.Const(True), loc=stmt.loc))
            return tuple(out), True
        if not may_raise([stmt]):
            out.append(stmt)
            continue
        made = map_blocks(lambda b: _block(b, raised)[0], stmt)
        out.append(_left(made, raised) if isinstance(made, ir.For | ir.While) else made)
        rest, _ = _block(body[k + 1 :], raised)
        if rest:
            out.append(ir.If(ir.Unary("not", raised), rest, (), loc=stmt.loc))
        return tuple(out), True
    return tuple(out), False


def _left(loop: ir.For | ir.While, raised: ir.Var) -> ir.Stmt:
    """The loop, ended when ``raised`` is set."""
    exit_, body = loop.exit, loop.body
    if exit_ is None:
        exit_ = ir.Var("exit", temp=True)
        body = (ir.Assign(exit_, ir.Const(ir.STAY), loc=loop.loc), *body)
    leave = (ir.Assign(exit_, ir.Const(ir.BREAK), loc=loop.loc),)
    body = (*body, ir.If(raised, leave, (), loc=loop.loc))
    if isinstance(loop, ir.For):
        return replace(loop, exit=exit_, body=body, order="sequential")
    return replace(loop, exit=exit_, body=body)


def refuse_unsupported(frame: Frame, node: ast.Try) -> None:
    """What Numba does not compile either, and ``return`` past a ``finally``."""
    if len(node.handlers) > 1:
        frame.refuse(node, "several except clauses", "Numba has one: except Exception.")
    for handler in node.handlers:
        outside = frame.static(handler.type) if handler.type is not None else None
        if handler.name or (
            handler.type is not None and (outside is None or outside.value is not Exception)
        ):
            frame.refuse(
                handler,
                "except with a name or another class than Exception",
                "Write except Exception, as Numba wants it.",
            )
    parts = [*node.body, *node.orelse, *(s for h in node.handlers for s in h.body)]
    if node.finalbody and (flow(parts).kinds or not node.handlers):
        frame.refuse(
            node,
            "finally behind return, break or continue, or without except",
            "Write what follows behind the try statement.",
        )


def after(node: ast.Try, raised: ir.Var | None, loc: Loc) -> list[Item]:
    """What is done behind the body: the handler, or ``else``; then ``finally``."""
    handler = node.handlers[0].body if node.handlers else []
    if raised is None:
        return [*node.orelse, *node.finalbody]
    return [Branch(raised, handler, node.orelse, loc), *node.finalbody]
