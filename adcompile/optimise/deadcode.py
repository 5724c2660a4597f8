"""Remove what nobody reads: assignments, joins, carried values, empty ifs and loops (ssa).

Mark and sweep.  Roots are the effects: returns, raises, writes to arrays, and the conditions and
bounds around them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from adcompile.ir import nodes as ir
from adcompile.ir.walk import reads, stmt_reads


def eliminate_dead(fn: ir.Function, keep: Iterable[ir.Var] = (), typed: bool = True) -> ir.Function:
    """``fn`` (ssa) without statements whose result is never used; ``keep`` counts as used.

    Before types are known ``y += e`` may write into an array, and stays.
    """
    marker = _Marker(fn, keep, typed)
    return replace(fn, body=marker.sweep(fn.body))


_EFFECTS = (ir.Store, ir.Accumulate, ir.Fill, ir.CopyInto, ir.Do, ir.Raise, ir.Return, ir.Comment)


class _Marker:
    def __init__(self, fn: ir.Function, keep: Iterable[ir.Var], typed: bool) -> None:
        self.typed = typed
        self.live: set[ir.Var] = set(keep)
        size = -1
        while size != len(self.live):
            size = len(self.live)
            self.block(fn.body)

    def block(self, block: ir.Block) -> bool:
        """Mark backwards; is there anything in the block to keep?"""
        keep = False
        for stmt in reversed(block):
            keep |= self.stmt(stmt)
        return keep

    def stmt(self, stmt: ir.Stmt) -> bool:
        match stmt:
            case ir.If():
                for join in stmt.joins:
                    if join.out in self.live:
                        self.live.update(v for v in (join.then, join.orelse) if v is not None)
                keep = self.block(stmt.then) | self.block(stmt.orelse)
                keep |= any(j.out in self.live for j in stmt.joins)
                if keep:
                    self.live.update(reads(stmt.cond))
                return keep
            case ir.For() | ir.While():
                for c in stmt.carried:
                    if c.out in self.live or c.head in self.live:
                        self.live.add(c.next)
                        if c.init is not None:
                            self.live.add(c.init)
                keep = self.block(stmt.body) | any(c.out in self.live for c in stmt.carried)
                if keep:
                    self.live.update(stmt_reads(stmt))
                    if stmt.exit is not None:
                        self.live.add(stmt.exit)
                        # The exit's own carried value stays, and so does its start.
                        for c in stmt.carried:
                            if c.next is stmt.exit and c.init is not None:
                                self.live.add(c.init)
                    for c in stmt.carried:
                        if c.head in self.live:
                            self.live.add(c.next)
                return keep
            case ir.Assign() | ir.Alloc() | ir.Copy() | ir.View():
                if stmt.target in self.live or self.may_write(stmt):
                    self.live.update(stmt_reads(stmt))
                    return True
                return False
            case ir.AssignMany() | ir.Custom():
                if any(t in self.live for t in stmt.targets):
                    self.live.update(stmt_reads(stmt))
                    return True
                return False
            case _:
                self.live.update(stmt_reads(stmt))
                return True

    def may_write(self, stmt: ir.Stmt) -> bool:
        return not self.typed and isinstance(stmt, ir.Assign) and stmt.inplace

    def sweep(self, block: ir.Block) -> ir.Block:
        out: list[ir.Stmt] = []
        for stmt in block:
            match stmt:
                case ir.If():
                    new = replace(
                        stmt,
                        then=self.sweep(stmt.then),
                        orelse=self.sweep(stmt.orelse),
                        joins=tuple(j for j in stmt.joins if j.out in self.live),
                    )
                    if new.then or new.orelse or new.joins:
                        out.append(new)
                case ir.For() | ir.While():
                    carried = tuple(
                        c
                        for c in stmt.carried
                        if c.out in self.live or c.head in self.live or c.next is stmt.exit
                    )
                    body = self.sweep(stmt.body)
                    if body or any(c.out in self.live for c in carried):
                        out.append(replace(stmt, body=body, carried=carried))
                case ir.Assign() | ir.Alloc() | ir.Copy() | ir.View():
                    if stmt.target in self.live or self.may_write(stmt):
                        out.append(stmt)
                case ir.AssignMany() | ir.Custom():
                    if any(t in self.live for t in stmt.targets):
                        out.append(stmt)
                case _:
                    out.append(stmt)
        return tuple(out)
