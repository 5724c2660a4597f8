"""Calls that have rules of the user's (ssa, typed, tuples apart): what must hold for them, checked,
and copies where memory is shared.

A residual is still as it was when the reverse sweep comes by, and what a call returns is memory of
its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from numba.core import types as nt

from adcompile.analysis.alias import find_roots, written_roots
from adcompile.analysis.scope import find_scopes
from adcompile.clones import PREFIX, Callee
from adcompile.errors import UnsupportedError
from adcompile.ir import nodes as ir
from adcompile.ir.walk import map_blocks, map_expr, reads, rename_expr, statements
from adcompile.options import Options
from adcompile.types.callees import refuse_writes, result_of_rule

Types = dict[ir.Var, nt.Type]


def prepare_customs(fn: ir.Function, types: Types, options: Options) -> ir.Function:
    """``fn`` with copies of what rules need and something writes to."""
    if not any(_is_custom(stmt) for stmt in statements(fn.body)):
        return fn
    preparer = _Preparer(fn, types, options)
    return replace(fn, body=preparer.block(fn.body))


def _is_custom(stmt: ir.Stmt) -> bool:
    own = isinstance(stmt, ir.Call) and stmt.fn.startswith(PREFIX)
    return own or isinstance(stmt, ir.Custom)


class _Preparer:
    def __init__(self, fn: ir.Function, types: Types, options: Options) -> None:
        self.types, self.options = types, options
        self.roots = find_roots(fn, types)
        self.written = written_roots(fn, self.roots)
        self.scopes = find_scopes(fn)
        self.callees = {c.name: c for c in fn.callees if isinstance(c, Callee)}
        self.first: dict[ir.Var, ir.Var] = {}
        for stmt in statements(fn.body):
            match stmt:
                case ir.View(target, base, ()):
                    self.first[target] = self.first.get(base, base)
                case _:
                    pass

    def block(self, block: ir.Block) -> ir.Block:
        return tuple(m for stmt in block for m in self.stmt(map_blocks(self.block, stmt)))

    def stmt(self, stmt: ir.Stmt) -> Iterator[ir.Stmt]:
        match stmt:
            case ir.Call(fn=name) if name.startswith(PREFIX):
                yield stmt
                yield from self.kept_apart(stmt)
            case ir.Custom():
                yield from self.custom(stmt)
            case _:
                yield stmt

    def is_array(self, expr: ir.Expr) -> bool:
        return isinstance(expr, ir.Var) and isinstance(self.types.get(expr), nt.Array)

    def kept_apart(self, stmt: ir.Call) -> Iterator[ir.Stmt]:
        """What the function returns must be memory of its own, and its arguments not written."""
        callee = self.callees[stmt.fn]
        refuse_writes(callee, stmt.args, self.types, self.options, stmt.loc)
        for target in filter(self.is_array, stmt.targets):
            for arg in filter(self.is_array, stmt.args):
                text = f"{callee.func.__name__} returns memory of its argument: return a copy"
                fail = ir.Raise("AliasError", (ir.Const(f"{text}\n  at {stmt.loc}"),), stmt.loc)
                yield ir.If(ir.Apply("rt.overlap", (target, arg)), (fail,), (), loc=stmt.loc)

    def custom(self, stmt: ir.Custom) -> Iterator[ir.Stmt]:
        copies: list[ir.Stmt] = []
        values = tuple(self.copied(v, copies, stmt) if self.is_array(v) else v for v in stmt.values)
        stmt = replace(stmt, values=values)
        if stmt.rule:
            residuals = tuple(rename_expr(one, self.first) for one in stmt.residuals)

            def kept(expr: ir.Expr) -> ir.Expr:
                return self.residual(expr, copies, stmt) if self.is_array(expr) else expr

            stmt = replace(stmt, residuals=tuple(map_expr(kept, one) for one in residuals))
            self.check_residuals(stmt)
            callee = self.callees[stmt.rule]
            result_of_rule(callee, stmt, self.types, self.options)
        yield from copies
        yield stmt

    def copied(self, array: ir.Expr, out: list[ir.Stmt], stmt: ir.Custom) -> ir.Var:
        assert isinstance(array, ir.Var)
        copy = ir.Var(array.name, array.temp)
        kind = self.types[array]
        assert isinstance(kind, nt.Array)
        self.types[copy] = nt.Array(kind.dtype, kind.ndim, "C")
        out.append(ir.Copy(copy, array, stmt.loc))
        return copy

    def residual(self, array: ir.Expr, out: list[ir.Stmt], stmt: ir.Custom) -> ir.Expr:
        """An array that is there, as it is now, in the reverse sweep."""
        assert isinstance(array, ir.Var)
        if self.scopes.stmt_loops_of(stmt.targets[0]) and (
            self.scopes.loops.get(array) or not self.written.isdisjoint(self.roots[array])
        ):
            raise UnsupportedError(
                "custom_vjp: an array as a residual inside a loop, which the loop makes or writes",
                stmt.loc,
                "Let fwd return numbers as residuals, or call the function outside of the loop.",
            )
        if self.written.isdisjoint(self.roots[array]):
            return array
        return self.copied(array, out, stmt)

    def check_residuals(self, stmt: ir.Custom) -> None:
        for var in (v for one in stmt.residuals for v in reads(one)):
            if not isinstance(self.types.get(var), nt.Array | nt.Number | nt.Boolean | nt.NoneType):
                raise UnsupportedError(
                    f"custom_vjp: a residual of type {self.types.get(var)}",
                    stmt.loc,
                    "Residuals are numbers, arrays and tuples of them.",
                )
