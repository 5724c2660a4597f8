"""Structured arrays become one array per field, records one variable per field (plain dialect,
once types are known; they are inferred again).  Both are arguments: containers.py takes them apart
in the same way, so that a field of an argument is an item of a NamedTuple."""

from __future__ import annotations

from dataclasses import replace
from typing import NoReturn

from numba.core import types as nt

from adcompile.errors import UnsupportedError
from adcompile.ir import nodes as ir
from adcompile.ir.walk import map_blocks, map_children, map_stmt_exprs

Types = dict[ir.Var, nt.Type]
_ADVICE = "Read its fields, x[i].field or x['field'][i], or pass arrays."


def record_of(kind: nt.Type | None) -> nt.Record | None:
    """The record type of a record or a structured array."""
    if isinstance(kind, nt.Array):
        kind = kind.dtype
    return kind if isinstance(kind, nt.Record) else None


def split_records(fn: ir.Function, types: Types) -> ir.Function:
    """``fn`` (plain) without records; ``types`` are those of its variables."""
    kinds = {var: record for var, kind in types.items() if (record := record_of(kind)) is not None}
    if not kinds:
        return fn
    splitter = _Splitter(kinds, types)
    head: list[ir.Stmt] = []
    for param in fn.params:
        if param in kinds:
            fields = splitter.fields(param)
            head += [ir.Assign(v, ir.TupleGet(param, k)) for k, v in enumerate(fields.values())]
    return replace(fn, body=(*head, *splitter.block(fn.body)))


class _Splitter:
    def __init__(self, kinds: dict[ir.Var, nt.Record], types: Types) -> None:
        self.kinds, self.types = kinds, types
        self.known: dict[ir.Var, dict[str, ir.Var]] = {}

    def fields(self, var: ir.Var) -> dict[str, ir.Var]:
        if var not in self.known:
            names = self.kinds[var].fields
            self.known[var] = {n: ir.Var(f"{var.name}_{n}", var.temp) for n in names}
        return self.known[var]

    def refuse(self, stmt: ir.Stmt, message: str) -> NoReturn:
        raise UnsupportedError(message, stmt.loc, _ADVICE)

    def block(self, block: ir.Block) -> ir.Block:
        return tuple(new for stmt in block for new in self.stmt(stmt))

    def stmt(self, stmt: ir.Stmt) -> list[ir.Stmt]:
        match stmt:
            case ir.Unset(variables):
                return [replace(stmt, vars=tuple(v for v in variables if v not in self.kinds))]
            case ir.Assign(target, value) if target in self.kinds:
                return self.assign(stmt, target, value)
            case ir.Store(array=owner) | ir.Accumulate(array=owner) if owner in self.kinds:
                self.refuse(stmt, f"a record of {owner.name!r} is written to")
            case _:
                new = map_blocks(self.block, map_stmt_exprs(lambda e: self.expr(e, stmt), stmt))
                return [new]

    def assign(self, stmt: ir.Assign, target: ir.Var, value: ir.Expr) -> list[ir.Stmt]:
        match value:
            case ir.Var() as source if source in self.kinds:
                index: tuple[ir.Index, ...] | None = None
            case ir.Subscript(ir.Var() as source, index) if source in self.kinds:
                index = tuple(i if isinstance(i, ir.Slice) else self.expr(i, stmt) for i in index)
            case _:
                self.refuse(stmt, f"the structured array or record {target.name!r}")
        made: list[ir.Stmt] = []
        for mine, theirs in zip(self.fields(target).values(), self.fields(source).values()):
            part = theirs if index is None else ir.Subscript(theirs, index)
            made.append(ir.Assign(mine, part, loc=stmt.loc))
        return made

    def expr(self, expr: ir.Expr, stmt: ir.Stmt) -> ir.Expr:
        match expr:
            case ir.Attribute(ir.Var() as owner, name) if owner in self.kinds:
                if name in self.fields(owner):
                    return self.fields(owner)[name]
                if name in ("len", "shape", "size", "ndim"):
                    return ir.Attribute(self.plain_field(owner, stmt), name)
                self.refuse(stmt, f"the attribute {name!r} of a structured array")
            case ir.Dim(owner, axis) if owner in self.kinds:
                return ir.Dim(self.plain_field(owner, stmt), axis)
            case ir.Subscript(base, index):
                return self.subscript(expr, base, index, stmt)
            case ir.Var() if expr in self.kinds:
                self.refuse(stmt, f"this use of the record or structured array {expr.name!r}")
            case _:
                return map_children(lambda e: self.expr(e, stmt), expr)

    def subscript(
        self, expr: ir.Expr, base: ir.Expr, index: tuple[ir.Index, ...], stmt: ir.Stmt
    ) -> ir.Expr:
        """``x["u"]``, ``x["u"][i]`` and ``x[i]["u"]``."""
        match base, index:
            case ir.Var(), (ir.Const(str() as name),) if base in self.kinds:
                return self.fields(base)[name]
            case ir.Subscript(ir.Var() as owner, places), (ir.Const(str() as name),) if (
                owner in self.kinds
            ):
                return self.expr(ir.Subscript(self.fields(owner)[name], places), stmt)
            case ir.Var(), _ if base in self.kinds:
                self.refuse(stmt, f"a record of {base.name!r} here")
            case _:
                return map_children(lambda e: self.expr(e, stmt), expr)

    def plain_field(self, owner: ir.Var, stmt: ir.Stmt) -> ir.Var:
        """A field with the shape of the array itself."""
        for name, var in self.fields(owner).items():
            if not isinstance(self.kinds[owner].typeof(name), nt.NestedArray):
                return var
        self.refuse(stmt, f"the shape of {owner.name!r}, all of whose fields are arrays")
