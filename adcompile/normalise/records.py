"""Structured arrays become one array per field, records one variable per field (plain dialect,
once types are known; they are inferred again).  Both are arguments: containers.py takes them apart
in the same way, so that a field of an argument is an item of a NamedTuple.

A record of an array is no copy: what is written to the array's fields later is seen through it.  So
a name for one stands for the array and the place.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import NoReturn

from numba.core import types as nt

from adcompile.errors import UnsupportedError
from adcompile.ir import nodes as ir
from adcompile.ir.walk import map_blocks, map_children, map_stmt_exprs, statements, stmt_defs

Types = dict[ir.Var, nt.Type]
_WRITES = ir.Store | ir.Accumulate | ir.Fill | ir.CopyInto | ir.Do | ir.Call | ir.Custom
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
    splitter = _Splitter(fn, kinds, types)
    head: list[ir.Stmt] = []
    for param in fn.params:
        if param in kinds:
            fields = splitter.fields(param)
            head += [ir.Assign(v, ir.TupleGet(param, k)) for k, v in enumerate(fields.values())]
    return replace(fn, body=(*head, *splitter.block(fn.body)))


class _Splitter:
    """``homes``: the parameter that a record is always an element of."""

    def __init__(self, fn: ir.Function, kinds: dict[ir.Var, nt.Record], types: Types) -> None:
        self.kinds, self.types = kinds, types
        self.known: dict[ir.Var, dict[str, ir.Var]] = {}
        self.places: dict[ir.Var, tuple[ir.Var, ...]] = {}
        body = list(statements(fn.body))
        self.writes = any(isinstance(s, _WRITES) for s in body)
        self.homes = self.find_homes(set(fn.params), body)

    def find_homes(self, params: set[ir.Var], body: list[ir.Stmt]) -> dict[ir.Var, ir.Var]:
        times = Counter(v for s in body for v in stmt_defs(s))
        values: dict[ir.Var, list[ir.Expr]] = {}
        for stmt in body:
            if isinstance(stmt, ir.Assign) and stmt.target in self.kinds:
                values.setdefault(stmt.target, []).append(stmt.value)
        homes = {v: {v} for v in params & self.kinds.keys() if not times[v]}
        changed = True
        while changed:
            changed = False
            for var, given in values.items():
                found: set[ir.Var] = set()
                for value in given:
                    found |= homes.get(value, set()) if isinstance(value, ir.Var) else set()
                    if self.is_record(var):
                        match value:
                            case ir.Subscript(ir.Var() as array, index) if _is_place(index):
                                found |= homes.get(array, {var})
                            case ir.Subscript():
                                found.add(var)
                            case _:
                                pass
                if found - homes.get(var, set()):
                    homes[var] = found | homes.get(var, set())
                    changed = True
        return {
            var: next(iter(one))
            for var, one in homes.items()
            if len(one) == 1
            and var not in one
            and len(values.get(var, ())) == times[var]
            and not self.is_record(next(iter(one)))
        }

    def is_record(self, var: ir.Var) -> bool:
        return isinstance(self.types.get(var), nt.Record)

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
        if self.is_record(target):
            if target in self.homes:
                return self.placed(stmt, target, source, index)
            if self.writes and not target.temp:  # those are read at once
                self.refuse(stmt, f"{target.name!r}, a record of several arrays")
        made: list[ir.Stmt] = []
        for name, mine in self.fields(target).items():
            part = self.field(source, name)
            if index is not None:
                part = ir.Subscript(part, index)
            made.append(ir.Assign(mine, part, loc=stmt.loc))
        return made

    def placed(
        self, stmt: ir.Assign, target: ir.Var, source: ir.Var, index: tuple[ir.Index, ...] | None
    ) -> list[ir.Stmt]:
        """The record's subscripts, under names of their own."""
        names = self.place(target)
        given = self.place(source) if index is None else index
        first = [ir.Var("t", temp=True) for _ in names]  # they may read the old ones
        made: list[ir.Stmt] = []
        for var, entry in zip(first, given, strict=True):
            assert not isinstance(entry, ir.Slice)
            made.append(ir.Assign(var, entry, loc=stmt.loc))
        return made + [ir.Assign(n, v, loc=stmt.loc) for n, v in zip(names, first)]

    def place(self, record: ir.Var) -> tuple[ir.Var, ...]:
        """The names of its subscripts."""
        if record not in self.places:
            kind = self.types[self.homes[record]]
            assert isinstance(kind, nt.Array)
            names = (ir.Var(f"{record.name}_{k}", temp=True) for k in range(kind.ndim))
            self.places[record] = tuple(names)
        return self.places[record]

    def field(self, owner: ir.Var, name: str) -> ir.Expr:
        if not self.is_record(owner) or owner not in self.homes:
            return self.fields(owner)[name]
        return ir.Subscript(self.fields(self.homes[owner])[name], self.place(owner))

    def expr(self, expr: ir.Expr, stmt: ir.Stmt) -> ir.Expr:
        match expr:
            case ir.Attribute(ir.Var() as owner, name) if owner in self.kinds:
                if name in self.kinds[owner].fields:
                    return self.field(owner, name)
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
                return self.field(base, name)
            case ir.Subscript(ir.Var() as owner, places), (ir.Const(str() as name),) if (
                owner in self.kinds
            ):
                return self.expr(ir.Subscript(self.fields(owner)[name], places), stmt)
            case ir.Var(), _ if base in self.kinds:
                self.refuse(stmt, f"a record of {base.name!r} here")
            case _:
                done = map_children(lambda e: self.expr(e, stmt), expr)
                match done:
                    case ir.Subscript(ir.Subscript(array, place), rest) if any(
                        place == known for known in self.places.values()
                    ):
                        return ir.Subscript(array, (*place, *rest))
                    case _:
                        return done

    def plain_field(self, owner: ir.Var, stmt: ir.Stmt) -> ir.Var:
        """A field with the shape of the array itself."""
        for name, var in self.fields(owner).items():
            if not isinstance(self.kinds[owner].typeof(name), nt.NestedArray):
                return var
        self.refuse(stmt, f"the shape of {owner.name!r}, all of whose fields are arrays")


def _is_place(index: tuple[ir.Index, ...]) -> bool:
    return not any(isinstance(i, ir.Slice) or i in (ir.Const(...), ir.Const(None)) for i in index)
