"""Calls that have rules of the user's (ssa, typed, tuples apart): what must hold for them, checked,
and copies where memory is shared.

A residual is still as it was when the reverse sweep comes by, and what a call returns is memory of
its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from numba.core import types as nt

from adcompile.analysis.affine import common
from adcompile.analysis.alias import find_roots
from adcompile.analysis.scope import find_scopes
from adcompile.analysis.stable import Stability
from adcompile.clones import PREFIX, Callee
from adcompile.errors import UnsupportedError
from adcompile.ir import nodes as ir
from adcompile.ir.walk import map_blocks, map_expr, reads, rename_expr, statements, stmt_defs
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
        self.scopes = find_scopes(fn)
        self.stability = Stability(fn, self.scopes, self.roots)
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
        copies: list[ir.Stmt] = []
        for target in stmt.targets:
            if self.is_array(target) and self.written_after(stmt, self.roots[target]):
                made = ir.Var(target.name, target.temp)
                self.types[made] = self.types[target]
                copies.append(ir.Copy(target, made, stmt.loc))
                stmt = replace(
                    stmt, targets=tuple(made if t is target else t for t in stmt.targets)
                )
        yield stmt
        for target in filter(self.is_array, stmt.targets):
            for arg in filter(self.is_array, stmt.args):
                text = f"{callee.func.__name__} returns memory of its argument: return a copy"
                fail = ir.Raise("AliasError", (ir.Const(f"{text}\n  at {stmt.loc}"),), stmt.loc)
                yield ir.If(ir.Apply("rt.overlap", (target, arg)), (fail,), (), loc=stmt.loc)
        yield from copies

    def custom(self, stmt: ir.Custom) -> Iterator[ir.Stmt]:
        self.refuse_shared(stmt)
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
        else:
            stmt = replace(stmt, residuals=())
        yield from copies
        yield stmt

    def refuse_shared(self, stmt: ir.Custom) -> None:
        """What is returned becomes memory of its own; in the user's function it is none where it
        is an argument, or is returned twice, which shows if something writes there."""
        given = (*stmt.args, *stmt.residuals[:-1]) if stmt.rule else stmt.residuals
        taken = {r for one in given for v in reads(one) for r in self.roots.get(v, ())}
        for target, value in zip(stmt.targets, stmt.values, strict=True):
            roots = self.roots.get(value, frozenset()) if isinstance(value, ir.Var) else frozenset()
            group = roots | self.roots.get(target, frozenset())
            if not stmt.rule:  # what is returned is a copy of the argument
                group |= taken
            if not taken.isdisjoint(roots) and self.written_after(stmt, group):
                raise UnsupportedError(
                    "a function with a custom rule returns an array that is also an argument or "
                    "another result, and the array is written",
                    stmt.loc,
                    "Let the function return a copy: x.copy().",
                )
            taken |= roots

    def copied(self, array: ir.Expr, out: list[ir.Stmt], stmt: ir.Custom) -> ir.Var:
        assert isinstance(array, ir.Var)
        copy = ir.Var(array.name, array.temp)
        kind = self.types[array]
        assert isinstance(kind, nt.Array)
        self.types[copy] = nt.Array(kind.dtype, kind.ndim, "C")
        out.append(ir.Copy(copy, array, stmt.loc))
        return copy

    def written_after(self, stmt: ir.Stmt, group: Iterable[ir.Var]) -> bool:
        """Whether something writes to one of these roots when ``stmt`` has run."""
        order, around = self.scopes.order, self.scopes.stmt_loops
        here = id(self.scopes.defined_by[next(stmt_defs(stmt))])
        for write in self.stability.writes:
            hit = self.roots[write.array].intersection(group)
            again = common(around[here], around[id(write)])
            if hit and order[id(write)] > order[here]:
                return True
            if any(r in self.stability.handed_on for r in hit):
                return True
            if any(self.scopes.outside(r, loop) for r in hit for loop in again):
                return True
        return False

    def residual(self, array: ir.Expr, out: list[ir.Stmt], stmt: ir.Custom) -> ir.Expr:
        """An array that is there, as it is now, in the reverse sweep."""
        assert isinstance(array, ir.Var)
        written = self.written_after(stmt, self.roots[array])
        made_in_loop = bool(self.scopes.loops.get(array))
        if self.scopes.loops.get(stmt.targets[0]) and (made_in_loop or written):
            kind = self.types[array]
            assert isinstance(kind, nt.Array)
            if kind.dtype not in (nt.float64, nt.float32) or kind.ndim > 2:
                raise UnsupportedError(
                    f"custom_vjp: a residual of type {kind} inside a loop that makes or writes it",
                    stmt.loc,
                    "There residuals are numbers, and vectors and matrices of floats.",
                )
            return array if made_in_loop else self.copied(array, out, stmt)  # stack.py keeps it
        return self.copied(array, out, stmt) if written else array

    def check_residuals(self, stmt: ir.Custom) -> None:
        for var in (v for one in stmt.residuals for v in reads(one)):
            if not isinstance(self.types.get(var), nt.Array | nt.Number | nt.Boolean | nt.NoneType):
                raise UnsupportedError(
                    f"custom_vjp: a residual of type {self.types.get(var)}",
                    stmt.loc,
                    "Residuals are numbers, arrays and tuples of them.",
                )
