"""Lists of arrays that grow, as lists of numbers (plain dialect).

``out.append(a)`` copies the elements of ``a`` behind those of the others; two lists of integers say
where each array begins and ends, one per axis what its extents are.  A list holds references, so
arrays that are in one may not be written to any more.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import NoReturn

from numba.core import types as nt

from adcompile.errors import Loc, UnsupportedError
from adcompile.ir import nodes as ir
from adcompile.ir.walk import (
    map_blocks,
    map_expr,
    map_stmt_exprs,
    statements,
    stmt_defs,
    stmt_reads,
)
from adcompile.normalise.list_sharing import Sharing
from adcompile.normalise.list_storage import MAKE, ROWS, Types

APPEND, PART = "list.append", "list.part"


@dataclass(frozen=True)
class Flat:
    """Lists of numbers: the elements of all arrays, where each begins and ends, its extents."""

    rank: int
    data: ir.Var
    begins: ir.Var
    ends: ir.Var
    extents: tuple[ir.Var, ...]

    @property
    def lists(self) -> tuple[ir.Var, ...]:
        return self.data, self.begins, self.ends, *self.extents


def flatten_lists_of_arrays(body: ir.Block, types: Types, tuples: set[ir.Var]) -> ir.Block:
    """``body`` without lists of arrays, except those that ``tuples`` has; ``types`` learns those of
    the new lists."""
    made = {
        s.target
        for s in statements(body)
        if isinstance(s, ir.Assign) and isinstance(s.value, ir.Apply) and s.value.fn == MAKE
    }
    owners = [v for v in made - tuples if (kind := _arrays(types.get(v))) is not None and kind]
    if not owners:
        return body
    numbers = {v for v, kind in types.items() if isinstance(kind, nt.Number | nt.Boolean)}
    flats = {v: _flat(v, types) for v in sorted(owners, key=_name)}
    _add_parts(body, flats, types)
    flattener = _Flattener(body, flats, numbers)
    return flattener.block(body)


def _name(var: ir.Var) -> str:
    return var.name


def _arrays(kind: nt.Type | None) -> nt.Array | None:
    """The type of the items, if they are arrays of numbers."""
    item = kind.dtype if isinstance(kind, nt.List | nt.ListType) else None
    return item if isinstance(item, nt.Array) and isinstance(item.dtype, nt.Number) else None


def _add_parts(body: ir.Block, flats: dict[ir.Var, Flat], types: Types) -> None:
    """``rest = rows[1:]``, set once: other places, the same elements."""
    defined = Counter(v for stmt in statements(body) for v in stmt_defs(stmt))
    for stmt in statements(body):
        match stmt:
            case ir.Assign(target, ir.Subscript(ir.Var() as owner, (ir.Slice(),))) if (
                owner in flats and defined[target] == 1
            ):
                flats[target] = replace(_flat(target, types), data=flats[owner].data)
            case _:
                pass


def _flat(owner: ir.Var, types: Types) -> Flat:
    kind = _arrays(types[owner])
    assert kind is not None

    def new(what: str, item: nt.Type = nt.int64) -> ir.Var:
        var = ir.Var(f"{owner.name}_{what}", owner.temp)
        types[var] = nt.List(item)
        return var

    extents = tuple(new(f"extents_{k}") for k in range(kind.ndim)) if kind.ndim > 1 else ()
    return Flat(kind.ndim, new("data", kind.dtype), new("begins"), new("ends"), extents)


class _Flattener:
    def __init__(self, body: ir.Block, flats: dict[ir.Var, Flat], numbers: set[ir.Var]) -> None:
        self.flats, self.numbers = flats, numbers
        self.out: list[ir.Stmt] = []
        self.loc = Loc("", 0)
        Sharing(body, flats, numbers).check()

    def refuse(self, message: str, advice: str = ROWS) -> NoReturn:
        raise UnsupportedError(message, self.loc, advice)

    def block(self, block: ir.Block) -> ir.Block:
        outer, self.out = self.out, []
        for stmt in block:
            self.loc = stmt.loc
            self.stmt(stmt)
        made, self.out = tuple(self.out), outer
        return made

    def stmt(self, stmt: ir.Stmt) -> None:
        match stmt:
            case ir.Unset(variables):
                self.out.append(
                    replace(stmt, vars=tuple(v for v in variables if v not in self.flats))
                )
                return
            case ir.Assign(target, ir.Apply(name, items)) if name == MAKE and target in self.flats:
                for part in self.flats[target].lists:
                    self.assign(part, ir.Apply(MAKE, ()))
                for item in items:
                    self.append(self.flats[target], item)
                return
            case ir.Call((), name, (ir.Var() as owner, *args)) if owner in self.flats:
                if name == APPEND:
                    self.append(self.flats[owner], args[0])
                elif name == "list.clear":
                    for part in self.flats[owner].lists:
                        self.out.append(ir.Call((), name, (part,), self.loc))
                else:
                    self.refuse(f".{name.partition('.')[2]}() of a list of arrays")
                return
            case ir.Assign(target, ir.Subscript(ir.Var() as owner, (ir.Slice() as part,))) if (
                owner in self.flats and target in self.flats
            ):
                mine, theirs = self.flats[target].lists[1:], self.flats[owner].lists[1:]
                for one, other in zip(mine, theirs, strict=True):
                    self.assign(one, self.expr(ir.Subscript(other, (part,))))
                return
            case ir.Assign(target, ir.Subscript(ir.Var() as owner, (index,))) if (
                owner in self.flats
            ):
                if isinstance(index, ir.Slice):
                    self.refuse("a part of a list of arrays")
                self.read(target, self.flats[owner], self.expr(index))
                return
            case ir.Accumulate(owner, (index,), value, op) if owner in self.flats:
                if isinstance(index, ir.Slice):
                    self.refuse("a part of a list of arrays")
                item = ir.Var("t", temp=True)
                self.read(item, self.flats[owner], self.expr(index))
                total = ir.Binary(op, item, self.expr(value))
                self.out.append(ir.Assign(item, total, True, self.loc))
                return
            case ir.Assign(target, ir.TupleGet(ir.Var() as owner, k)) if owner in self.flats:
                self.read(target, self.flats[owner], ir.Const(k))
                return
            case _:
                pass
        inside = isinstance(stmt, ir.If | ir.While)
        before = len(self.out)
        made = map_stmt_exprs(self.expr, stmt)
        if inside and len(self.out) > before:
            self.refuse("an array out of a list in a condition", "Give it a name first.")
        if not self.flats.keys().isdisjoint(stmt_reads(made)) or (
            isinstance(made, ir.Assign) and made.target in self.flats
        ):
            self.refuse("this use of a list of arrays that grows")
        self.out.append(map_blocks(self.block, made))

    def expr(self, expr: ir.Expr) -> ir.Expr:
        def one(part: ir.Expr) -> ir.Expr:
            match part:
                case ir.Attribute(ir.Var() as owner, "len") if owner in self.flats:
                    return ir.Attribute(self.flats[owner].ends, "len")
                case ir.Subscript(ir.Var() as owner, (index,)) if owner in self.flats:
                    if isinstance(index, ir.Slice):
                        self.refuse("a part of a list of arrays")
                    item = ir.Var("t", temp=True)
                    self.read(item, self.flats[owner], index)
                    return item
                case _:
                    return part

        return map_expr(one, expr)

    # ------------------------------------------------------------ items

    def assign(self, target: ir.Var, value: ir.Expr) -> None:
        self.out.append(ir.Assign(target, value, loc=self.loc))

    def temp(self, value: ir.Expr) -> ir.Var:
        var = ir.Var("t", temp=True)
        self.assign(var, value)
        return var

    def call(self, name: str, *args: ir.Expr) -> None:
        self.out.append(ir.Call((), name, args, self.loc))

    def append(self, flat: Flat, item: ir.Expr) -> None:
        if not isinstance(item, ir.Var):
            self.refuse("this item of a list of arrays")
        self.call(APPEND, flat.begins, self.temp(ir.Attribute(flat.data, "len")))
        elements = item
        if flat.rank > 1:
            elements = self.temp(ir.Apply("arr.ravel", (item, ir.Const("C"))))
        self.call("list.extend", flat.data, elements)
        self.call(APPEND, flat.ends, self.temp(ir.Attribute(flat.data, "len")))
        for axis, extents in enumerate(flat.extents):
            self.call(APPEND, extents, self.temp(ir.Dim(item, axis)))

    def read(self, target: ir.Var, flat: Flat, index: ir.Expr) -> None:
        begin, end, *extents = (self.temp(ir.Subscript(part, (index,))) for part in flat.lists[1:])
        part = ir.Apply(PART, (flat.data, begin, end))
        if not extents:
            self.assign(target, part)
            return
        elements, shape = ir.Var("t", temp=True), ir.MakeTuple(tuple(extents))
        self.out.append(ir.Copy(elements, self.temp(part), self.loc))  # more may be appended
        self.assign(target, ir.Apply("arr.reshape", (elements, shape)))
