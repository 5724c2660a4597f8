"""Ranks that are known while parsing: Numba removes the branches that ``x.ndim == 1`` decides
before it infers types, and what stands in them may have no types."""

from __future__ import annotations

from collections.abc import Mapping

from numba.core import types as nt

from adcompile.ir import nodes as ir
from adcompile.ir.walk import stmt_defs

Ranks = dict[ir.Var, int]
_NUMBERS = ("size", "len", "ndim")


def note_rank(stmt: ir.Stmt, ranks: Ranks, kinds: Mapping[ir.Var, object]) -> None:
    """Keep ``ranks`` true behind ``stmt``; where branches join, Numba demands one rank."""
    found: int | None = None
    match stmt:
        case ir.Assign(target, _, True) if ranks.get(target):
            return  # into the array
        case ir.Assign(_, value):
            found = rank_of(value, ranks, kinds)
        case ir.Copy(_, source):
            found = ranks.get(source)
        case ir.Alloc(_, fn, (like, *_)) if fn.endswith("_like"):
            found = rank_of(like, ranks, kinds)
        case ir.Alloc(_, _, (ir.MakeTuple(items), *_)):
            found = len(items)
        case ir.Alloc(_, _, (size, *_)) if rank_of(size, ranks, kinds) == 0:
            found = 1
        case _:
            pass
    for var in stmt_defs(stmt):
        ranks.pop(var, None)
        if found is not None:
            ranks[var] = found


def rank_of(
    expr: ir.Expr, ranks: Mapping[ir.Var, int], kinds: Mapping[ir.Var, object]
) -> int | None:
    match expr:
        case ir.Var():
            return ranks.get(expr)
        case ir.Const(value):
            return 0 if isinstance(value, int | float | complex) else None
        case ir.Dim() | ir.Attribute(name="size" | "len" | "ndim"):
            return 0
        case ir.Attribute(base, "T"):
            return rank_of(base, ranks, kinds)
        case ir.Subscript(ir.Attribute(name="shape")):
            return 0
        case ir.Subscript(base, index):
            return _of_part(rank_of(base, ranks, kinds), index, ranks, kinds)
        case ir.TupleGet(ir.Var() as base, k):
            known = kinds.get(base)
            kind = tuple(known)[k] if isinstance(known, nt.BaseTuple) and k < len(known) else None
            return kind_rank(kind)
        case ir.Apply("arr.reshape", (_, ir.MakeTuple(items), *_)):
            return len(items)
        case ir.Unary(_, x):
            return rank_of(x, ranks, kinds)
        case ir.Binary(_, a, b) | ir.Compare(_, a, b):
            return _together((a, b), ranks, kinds)
        case ir.Apply("arr.array", (ir.Var() as x, _)):
            return ranks.get(x)
        case ir.Apply(
            "arr.arange" | "arr.linspace" | "arr.unique" | "arr.flatnonzero" | "arr.ravel"
        ):
            return 1
        case ir.Apply("arr.cumsum" | "arr.sort" | "arr.argsort", (ir.Var() as x, *_)):
            return ranks.get(x)
        case ir.Apply("arr.where", args):
            return _together(args, ranks, kinds)
        case ir.Apply(fn, args) if args and not fn.startswith(("arr.", "list.", "fn.")):
            return _together(args, ranks, kinds)
        case _:
            return None


def kind_rank(kind: object) -> int | None:
    if isinstance(kind, nt.Array):
        rank: int = kind.ndim
        return rank
    return 0 if isinstance(kind, nt.Number) else None


def _together(
    args: tuple[ir.Expr, ...], ranks: Mapping[ir.Var, int], kinds: Mapping[ir.Var, object]
) -> int | None:
    """The rank of an operation on elements."""
    found = [rank_of(arg, ranks, kinds) for arg in args]
    known = [rank for rank in found if rank is not None]
    return max(known) if len(known) == len(found) else None


def _of_part(
    rank: int | None,
    index: tuple[ir.Index, ...],
    ranks: Mapping[ir.Var, int],
    kinds: Mapping[ir.Var, object],
) -> int | None:
    if not rank:
        return None
    for part in index:
        if isinstance(part, ir.Slice) or part == ir.Const(...):
            continue
        if part == ir.Const(None):
            rank += 1
        elif rank_of(part, ranks, kinds) == 0:
            rank -= 1
        else:
            return None
    return max(rank, 0)
