"""Name what the reverse sweep may want to keep: conditions, loop bounds, computed subscripts.

Each becomes an assignment of its own, so that storing or recomputing it is a question about a
variable like any other.  Printing puts single uses back where they were.
"""

from __future__ import annotations

from dataclasses import replace

from numba.core import types as nt

from adcompile.ir import nodes as ir
from adcompile.ir.walk import blocks, map_children, stmt_defs, subexpressions
from adcompile.rules.draws import is_draw, sizes_of
from adcompile.rules.library import NAMES

Types = dict[ir.Var, nt.Type]


Shapes = dict[ir.Var, tuple[ir.Expr, ...]]


def name_controls(fn: ir.Function, types: Types) -> tuple[ir.Function, Shapes]:
    """``fn`` (ssa, resolved) with atoms as conditions of ifs and bounds of loops, and loads inside
    subscripts named; and the named shapes of the arrays that loops make."""
    namer = _Namer(types)
    namer.lasting.update(fn.params)
    return replace(fn, body=namer.block(fn.body)), namer.shapes


class _Namer:
    def __init__(self, types: Types) -> None:
        self.types = types
        self.shapes: Shapes = {}
        self.depth = self.in_loop = 0
        self.lasting: set[ir.Var] = set()  # arrays made outside loops and branches

    def block(self, block: ir.Block) -> ir.Block:
        out: list[ir.Stmt] = []
        for stmt in block:
            self.stmt(stmt, out)
        return tuple(out)

    def name(
        self, expr: ir.Expr, wish: str, kind: nt.Type, stmt: ir.Stmt, out: list[ir.Stmt]
    ) -> ir.Expr:
        if isinstance(expr, ir.Var | ir.Const):
            return expr
        if isinstance(expr, ir.Unary) and isinstance(expr.x, ir.Const):
            return expr
        if isinstance(expr, ir.Dim) and expr.array in self.lasting:
            return expr  # there in the reverse sweep as well
        var = ir.Var(wish, temp=True)
        self.types[var] = kind
        out.append(ir.Assign(var, expr, loc=stmt.loc))
        return var

    def stmt(self, stmt: ir.Stmt, out: list[ir.Stmt]) -> None:
        match stmt:
            case ir.If():
                line = stmt.loc.line
                cond = self.name(stmt.cond, f"took_if_{line}", nt.boolean, stmt, out)
                then, orelse = self.inner_block(stmt.then), self.inner_block(stmt.orelse)
                out.append(replace(stmt, cond=cond, then=then, orelse=orelse))
            case ir.For():
                line = stmt.loc.line
                start = self.name(stmt.start, f"start_{line}", nt.int64, stmt, out)
                stop = self.name(stmt.stop, f"stop_{line}", nt.int64, stmt, out)
                step = self.name(stmt.step, f"step_{line}", nt.int64, stmt, out)
                body = self.loop_body(stmt.body)
                out.append(replace(stmt, start=start, stop=stop, step=step, body=body))
            case ir.While():
                out.append(replace(stmt, body=self.loop_body(stmt.body)))
            case ir.Alloc(target, fn, _, keywords) if fn in NAMES:
                shape = dict(keywords).get("shape", ir.MakeTuple(()))
                known = isinstance(shape, ir.MakeTuple) and len(shape.items) > 0
                if isinstance(shape, ir.MakeTuple) and (self.in_loop or (known and not self.depth)):
                    self.shapes[target] = tuple(
                        self.name(d, "size", nt.int64, stmt, out) for d in shape.items
                    )
                out.append(replace(stmt, keywords=()))
            case ir.Alloc() | ir.Copy() if self.in_loop:
                self.shapes[stmt.target] = self.shape(stmt, out)
                out.append(stmt)
            case ir.Call(targets) if self.in_loop and is_draw(stmt):
                dims = [self.name(d, "size", nt.int64, stmt, out) for d in sizes_of(stmt)]
                self.shapes.update((target, tuple(dims)) for target in targets if dims)
                out.append(stmt)
            case ir.Custom(targets, values) if self.in_loop:
                for target, value in zip(targets, values, strict=True):
                    if isinstance(value, ir.Var) and value in self.shapes:  # a copy
                        self.shapes[target] = self.shapes[value]
                out.append(stmt)
            case ir.Assign(value=ir.Load() as load):
                index = self.index(load.index, stmt, out)
                out.append(replace(stmt, value=ir.Load(load.array, self.exprs(index))))
            case ir.Store() | ir.Accumulate() | ir.Fill() | ir.CopyInto() | ir.View():
                index = self.index(stmt.index, stmt, out)
                out.append(replace(stmt, index=index))
            case _:
                out.append(stmt)
        if self.depth == 0 and not blocks(stmt):
            self.lasting.update(stmt_defs(stmt))

    def loop_body(self, block: ir.Block) -> ir.Block:
        self.in_loop += 1
        body = self.inner_block(block)
        self.in_loop -= 1
        return body

    def inner_block(self, block: ir.Block) -> ir.Block:
        self.depth += 1
        body = self.block(block)
        self.depth -= 1
        return body

    def shape(self, stmt: ir.Alloc | ir.Copy, out: list[ir.Stmt]) -> tuple[ir.Expr, ...]:
        """The shape of an array made in a loop: its shadow is made again in the reverse loop."""
        dims: tuple[ir.Expr, ...]
        if isinstance(stmt, ir.Alloc) and not stmt.fn.endswith("_like"):
            given = stmt.args[0] if stmt.args else dict(stmt.keywords)["shape"]
            dims = given.items if isinstance(given, ir.MakeTuple) else (given,)
        else:
            like = stmt.source if isinstance(stmt, ir.Copy) else stmt.args[0]
            assert isinstance(like, ir.Var)
            kind = self.types[like]
            assert isinstance(kind, nt.Array)
            dims = tuple(ir.Dim(like, axis) for axis in range(kind.ndim))
        return tuple(self.name(dim, "size", nt.int64, stmt, out) for dim in dims)

    def exprs(self, index: tuple[ir.Index, ...]) -> tuple[ir.Expr, ...]:
        return tuple(i for i in index if not isinstance(i, ir.Slice))

    def index(
        self, index: tuple[ir.Index, ...], stmt: ir.Stmt, out: list[ir.Stmt]
    ) -> tuple[ir.Index, ...]:
        def part(expr: ir.Expr | None) -> ir.Expr | None:
            if expr is None or not any(self.may_be_gone(e) for e in subexpressions(expr)):
                return expr
            return self.loads_named(expr, stmt, out)

        new: list[ir.Index] = []
        for i in index:
            if isinstance(i, ir.Slice):
                new.append(ir.Slice(part(i.start), part(i.stop), part(i.step)))
            else:
                done = part(i)
                assert done is not None
                new.append(done)
        return tuple(new)

    def may_be_gone(self, expr: ir.Expr) -> bool:
        """Can this differ, or be unknown, when the reverse sweep comes by?"""
        if isinstance(expr, ir.Dim):
            return expr.array not in self.lasting
        return isinstance(expr, ir.Load)

    def loads_named(self, expr: ir.Expr, stmt: ir.Stmt, out: list[ir.Stmt]) -> ir.Expr:
        if isinstance(expr, ir.Dim):
            return self.name(expr, "size", nt.int64, stmt, out)
        if isinstance(expr, ir.Load):
            index = tuple(self.loads_named(e, stmt, out) for e in expr.index)
            kind = self.types[expr.array]
            assert isinstance(kind, nt.Array)
            return self.name(ir.Load(expr.array, index), "t", kind.dtype, stmt, out)
        return map_children(lambda e: self.loads_named(e, stmt, out), expr)
