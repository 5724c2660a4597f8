"""``if`` statements one after the other with the same condition become one (plain dialect): what a
thread computes under ``if i < n`` on the way forward is then there on the way back.  Exceptions
whose conditions are the same for all threads are raised by the host, before a kernel runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from adcompile.ir import nodes as ir
from adcompile.ir.walk import (
    blocks,
    map_blocks,
    reads,
    statements,
    stmt_defs,
    stmt_reads,
    subexpressions,
    substitute,
)
from adcompile.storage.rows import trip_count


def merge_guards(fn: ir.Function) -> ir.Function:
    """In all blocks."""
    return replace(fn, body=_block(fn.body))


def _block(block: ir.Block) -> ir.Block:
    out: list[ir.Stmt] = []
    between: list[ir.Stmt] = []  # comments and new arrays since the last statement
    for stmt in block:
        if isinstance(stmt, ir.Comment | ir.Alloc):
            between.append(stmt)
            continue
        before = out[-1] if out else None
        made = [s for s in between if isinstance(s, ir.Alloc)]
        if (
            isinstance(before, ir.If)
            and isinstance(stmt, ir.If)
            and _same(before, stmt)
            and all(_apart(before, one) for one in made)
        ):
            notes = tuple(s for s in between if isinstance(s, ir.Comment))
            both = replace(before, then=(*before.then, *notes, *stmt.then))
            both = replace(both, orelse=(*before.orelse, *stmt.orelse))
            out[-1:] = [*made, both]
        else:
            out += [*between, stmt]
        between = []
    out += between
    return tuple(map_blocks(_block, s) if blocks(s) else s for s in out)


def _apart(branch: ir.If, made: ir.Alloc) -> bool:
    """Whether an array may as well be made before the branch."""
    inner = list(statements((branch,)))
    defined = {v for s in inner for v in stmt_defs(s)}
    named = defined | {v for s in inner for v in stmt_reads(s)}
    named |= {s.array for s in inner if isinstance(s, ir.Store | ir.Accumulate | ir.Fill)}
    named |= {s.array for s in inner if isinstance(s, ir.CopyInto)}
    return made.target not in named and not any(v in defined for v in stmt_reads(made))


def _same(first: ir.If, second: ir.If) -> bool:
    """The same condition, which the first one leaves as it is."""
    if first.cond != second.cond:
        return False
    if any(isinstance(e, ir.Load | ir.Apply) for e in subexpressions(first.cond)):
        return False
    changed = {v for s in statements((first,)) for v in stmt_defs(s)}
    return not any(v in changed for v in reads(first.cond))


def raise_before(fn: ir.Function) -> ir.Function:
    """Checks that do not depend on the iteration stand before its loop."""
    return replace(fn, body=_checked(fn.body))


def _checked(block: ir.Block) -> ir.Block:
    out: list[ir.Stmt] = []
    for stmt in block:
        if blocks(stmt):
            stmt = map_blocks(_checked, stmt)
        if isinstance(stmt, ir.For):
            times = Counter(v for s in statements((stmt,)) for v in stmt_defs(s))
            assigned = set(times)
            runs = ir.Compare(">", trip_count(stmt), ir.Const(0))
            kept: list[ir.Stmt] = []
            fixed: dict[ir.Var, ir.Expr] = {}  # what iterations compute anew, all alike
            for inner in stmt.body:
                check = _check(inner, assigned, fixed)
                if check is not None and not any(map(_may_leave, kept)):
                    out.append(replace(check, cond=ir.Logic("and", runs, check.cond)))
                    continue
                kept.append(inner)
                match inner:
                    case ir.Assign(target, value) if times[target] == 1:
                        value = substitute(value, fixed)
                        if _is_fixed(value, assigned):
                            fixed[target] = value
                    case _:
                        pass
            stmt = replace(stmt, body=tuple(kept))
        out.append(stmt)
    return tuple(out)


def _check(stmt: ir.Stmt, assigned: set[ir.Var], fixed: Mapping[ir.Var, ir.Expr]) -> ir.If | None:
    """A check that is the same for all iterations, in what they do not assign."""
    match stmt:
        case ir.If(cond, (ir.Raise() as fails,), ()):
            cond = substitute(cond, fixed)
            whole = [cond, *fails.args]
            return replace(stmt, cond=cond) if all(_is_fixed(e, assigned) for e in whole) else None
        case _:
            return None


def _is_fixed(expr: ir.Expr, assigned: set[ir.Var]) -> bool:
    return not any(isinstance(e, ir.Load) or e in assigned for e in subexpressions(expr))


def _may_leave(stmt: ir.Stmt) -> bool:
    """Whether what follows may not run."""
    return any(isinstance(s, ir.Raise | ir.Break | ir.While) for s in statements((stmt,)))
