"""Lists of lists, as lists of numbers (plain dialect).

As with lists of arrays (list_arrays.py), one list has the items of all, and lists of integers say
where each row begins and ends.  Rows have numbers.  The list itself, and a name ``row = rows[i]``,
hold such numbers, so what is written to a row or appended to it is seen by all that have it.  A row
that gets more items and is not the last in memory moves behind the others first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NoReturn

from numba.core import types as nt

from adcompile.errors import Loc, UnsupportedError
from adcompile.ir import nodes as ir
from adcompile.ir.walk import (
    map_blocks,
    map_children,
    map_stmt_exprs,
    statements,
    stmt_defs,
    stmt_reads,
)
from adcompile.normalise.list_sharing import is_handed_over
from adcompile.normalise.list_storage import MAKE, ONE, ROWS, Types, is_stored

APPEND = "list.append"


@dataclass(frozen=True)
class Rows:
    """``data``: the items of all rows; ``begins`` and ``ends``: by number of the row; ``numbers``:
    what the list has at its places."""

    data: ir.Var
    begins: ir.Var
    ends: ir.Var
    numbers: ir.Var

    @property
    def lists(self) -> tuple[ir.Var, ...]:
        return self.data, self.begins, self.ends, self.numbers


@dataclass(frozen=True)
class Row:
    """What a name for a row stands for: of which list, and the variable with its number."""

    owner: ir.Var
    number: ir.Var


def flatten_lists_of_lists(body: ir.Block, types: Types, tuples: set[ir.Var]) -> ir.Block:
    """``body`` without lists of lists, except those that ``tuples`` has."""
    made = dict.fromkeys(var for s in statements(body) if _is_making(s) for var in stmt_defs(s))
    owners = [v for v in made if v not in tuples and _item(types.get(v)) is not None]
    if not owners:
        return body
    flattener = _Flattener(body, {v: _rows(v, types) for v in owners}, types)
    flattener.find_names()
    return flattener.block(body)


def _is_making(stmt: ir.Stmt) -> bool:
    return (
        isinstance(stmt, ir.Assign) and isinstance(stmt.value, ir.Apply) and stmt.value.fn == MAKE
    )


def _item(kind: nt.Type | None) -> nt.Type | None:
    """The type of the items of the rows."""
    row = kind.dtype if isinstance(kind, nt.List | nt.ListType) else None
    item = row.dtype if isinstance(row, nt.List | nt.ListType) else None
    return item if item is not None and is_stored(item) else None


def _rows(owner: ir.Var, types: Types) -> Rows:
    def new(what: str, item: nt.Type) -> ir.Var:
        var = ir.Var(f"{owner.name}_{what}", owner.temp)
        types[var] = nt.List(item)
        return var

    item = _item(types[owner])
    assert item is not None
    numbers = (new(what, nt.int64) for what in ("begins", "ends", "numbers"))
    return Rows(new("data", item), *numbers)


class _Flattener:
    def __init__(self, body: ir.Block, owners: dict[ir.Var, Rows], types: Types) -> None:
        self.body, self.owners, self.types = body, owners, types
        self.names: dict[ir.Var, Row] = {}
        self.out: list[ir.Stmt] = []
        self.loc = Loc("", 0)
        self.find_names()
        self.changing = any(map(self.changes_rows, statements(body)))

    def refuse(self, message: str, advice: str = ROWS) -> NoReturn:
        raise UnsupportedError(message, self.loc, advice)

    def find_names(self) -> None:
        """The variables that are rows of one list wherever they are set."""
        sets: dict[ir.Var, list[ir.Stmt]] = {}
        for stmt in statements(self.body):
            for var in stmt_defs(stmt):
                sets.setdefault(var, []).append(stmt)
        found = True
        while found:
            found = False
            for var, every in sets.items():
                owners = {self.row_of(stmt) for stmt in every}
                if var not in self.names and len(owners) == 1 and None not in owners:
                    (owner,) = owners
                    assert owner is not None
                    self.names[var] = Row(owner, ir.Var(f"{var.name}_row", temp=True))
                    found = True

    def row_of(self, stmt: ir.Stmt) -> ir.Var | None:
        """The list whose row a statement gives a name."""
        match stmt:
            case ir.Assign(_, ir.Subscript(ir.Var() as owner, (index,))) if owner in self.owners:
                return None if isinstance(index, ir.Slice) else owner
            case ir.Assign(_, ir.TupleGet(ir.Var() as owner)) if owner in self.owners:
                return owner
            case ir.Assign(_, ir.Var() as other) if other in self.names:
                return self.names[other].owner
            case ir.Call(fn="list.pop", args=(ir.Var() as owner, *_)) if owner in self.owners:
                return owner
            case _:
                return None

    def changes_rows(self, stmt: ir.Stmt) -> bool:
        match stmt:
            case ir.Store(target) | ir.Accumulate(target) | ir.Assign(target, _, True):
                return target in self.names
            case ir.Call(fn=name, args=(ir.Var() as target, *_)) if name.startswith("list."):
                return target in self.names
            case _:
                return False

    # ------------------------------------------------------------ statements

    def block(self, block: ir.Block) -> ir.Block:
        outer, self.out = self.out, []
        for stmt in block:
            self.loc = stmt.loc
            self.stmt(stmt)
        made, self.out = tuple(self.out), outer
        return made

    def stmt(self, stmt: ir.Stmt) -> None:
        owners, names = self.owners, self.names
        match stmt:
            case ir.Unset(variables):
                gone = owners.keys() | names.keys()
                self.out.append(replace(stmt, vars=tuple(v for v in variables if v not in gone)))
            case ir.Assign(target, ir.Apply(name, items)) if name == MAKE and target in owners:
                for part in owners[target].lists:
                    self.assign(part, ir.Apply(MAKE, ()))
                for item in items:
                    self.call(APPEND, owners[target].numbers, self.added(stmt, target, item))
            case ir.Assign(target, value) if target in names:
                self.assign(names[target].number, self.number(value))
            case ir.Call(targets, name, (ir.Var() as owner, *args)) if owner in owners:
                self.method(stmt, name, owner, args, targets)
            case ir.Call(targets, name, (ir.Var() as row, *args)) if row in names:
                self.row_method(names[row], name, [self.expr(arg) for arg in args], targets)
            case ir.Store(owner, (index,), value) if owner in owners:
                if isinstance(index, ir.Slice):
                    self.refuse("assignment to a part of a list of lists")
                place, number = self.expr(index), self.added(stmt, owner, value)
                self.out.append(ir.Store(owners[owner].numbers, (place,), number, self.loc))
            case ir.Store(row, (index,)) | ir.Accumulate(row, (index,)) if row in names:
                if isinstance(index, ir.Slice):
                    self.refuse("assignment to a part of a list")
                data = owners[names[row].owner].data
                value, place = self.expr(stmt.value), self.place(names[row], self.expr(index))
                self.out.append(replace(stmt, array=data, index=(place,), value=value))
            case _:
                self.other(stmt)

    def other(self, stmt: ir.Stmt) -> None:
        inside, before = isinstance(stmt, ir.If | ir.While), len(self.out)
        made = map_stmt_exprs(self.expr, stmt)
        if inside and len(self.out) > before and isinstance(stmt, ir.While):
            self.refuse("an item of a list of lists in a condition", "Give it a name first.")
        hidden = self.owners.keys() | self.names.keys()
        if not hidden.isdisjoint((*stmt_reads(made), *stmt_defs(made))):
            self.refuse("this use of a list of lists")
        self.out.append(map_blocks(self.block, made))

    # ------------------------------------------------------------ reading

    def assign(self, target: ir.Var, value: ir.Expr) -> None:
        self.out.append(ir.Assign(target, value, loc=self.loc))

    def temp(self, value: ir.Expr) -> ir.Var:
        var = ir.Var("t", temp=True)
        self.assign(var, value)
        return var

    def call(self, name: str, *args: ir.Expr, into: tuple[ir.Var, ...] = ()) -> None:
        self.out.append(ir.Call(into, name, args, self.loc))

    def number(self, value: ir.Expr) -> ir.Expr:
        """That of the row which an expression stands for."""
        match value:
            case ir.Subscript(ir.Var() as owner, (index,)) if not isinstance(index, ir.Slice):
                return ir.Subscript(self.owners[owner].numbers, (self.expr(index),))
            case ir.TupleGet(ir.Var() as owner, k):
                return ir.Subscript(self.owners[owner].numbers, (ir.Const(k),))
            case ir.Var():
                return self.names[value].number
            case _:
                raise AssertionError(value)

    def row(self, expr: ir.Expr) -> Row | None:
        """The row that an expression stands for; None if it is none."""
        match expr:
            case ir.Var() if expr in self.names:
                return self.names[expr]
            case ir.Subscript(ir.Var() as owner, (index,)) if owner in self.owners:
                if isinstance(index, ir.Slice):
                    self.refuse("a part of a list of lists")
                return Row(owner, self.temp(self.number(expr)))
            case ir.TupleGet(ir.Var() as owner) if owner in self.owners:
                return Row(owner, self.temp(self.number(expr)))
            case _:
                return None

    def bounds(self, row: Row) -> tuple[ir.Var, ir.Var]:
        rows = self.owners[row.owner]
        begin = self.temp(ir.Subscript(rows.begins, (row.number,)))
        return begin, self.temp(ir.Subscript(rows.ends, (row.number,)))

    def place(self, row: Row, index: ir.Expr) -> ir.Var:
        """That of an item of the row among all."""
        begin, end = self.bounds(row)
        count = self.temp(ir.Binary("-", end, begin))
        inside = self.temp(ir.Apply("rt.list_place", (index, count)))
        return self.temp(ir.Binary("+", begin, inside))

    def whole(self, row: Row) -> ir.Var:
        """A copy of a row, as a list."""
        copied = ir.Var("t", temp=True)
        self.types[copied] = nt.List(_item(self.types[row.owner]))
        part = ir.Slice(*self.bounds(row), None)
        self.assign(copied, ir.Subscript(self.owners[row.owner].data, (part,)))
        return copied

    def expr(self, expr: ir.Expr) -> ir.Expr:
        match expr:
            case ir.Attribute(ir.Var() as owner, "len") if owner in self.owners:
                return ir.Attribute(self.owners[owner].numbers, "len")
            case ir.Attribute(base, "len") if (row := self.row(base)) is not None:
                begin, end = self.bounds(row)
                return ir.Binary("-", end, begin)
            case ir.Subscript(base, (index,)) if (row := self.row(base)) is not None:
                if isinstance(index, ir.Slice):
                    return map_children(self.expr, replace(expr, base=self.whole(row)))
                place = self.place(row, self.expr(index))
                return ir.Subscript(self.owners[row.owner].data, (place,))
            case ir.TupleGet(base, k) if (row := self.row(base)) is not None:
                place = self.place(row, ir.Const(k))
                return ir.Subscript(self.owners[row.owner].data, (place,))
            case ir.MakeTuple() if self.changing and any(map(self.row, expr.items)):
                self.refuse("a row of a list of lists in a tuple", "Put np.array(x) in the tuple.")
            case _:
                row = self.row(expr)
                return map_children(self.expr, expr) if row is None else self.whole(row)

    # ------------------------------------------------------------ changing

    def added(self, stmt: ir.Stmt, owner: ir.Var, item: ir.Expr) -> ir.Var:
        """The number of a row that comes into the list."""
        rows = self.owners[owner]
        row = self.row(item)
        if row is not None and row.owner is owner:
            return row.number
        begin = self.temp(ir.Attribute(rows.data, "len"))
        if row is not None:
            if self.changing:
                self.refuse("a row that is in two lists, and rows that change", "Append a copy.")
            item = self.whole(row)
        if not isinstance(item, ir.Var):
            self.refuse("this item of a list of lists")
        handed = row is None and is_handed_over(self.body, item, stmt)
        if row is None and not handed and self.is_changed(item, stmt):
            self.refuse(f"{item.name!r} is in a list, and changed elsewhere", "Append a copy.")
        self.call("list.extend", rows.data, item)
        number = self.temp(ir.Attribute(rows.begins, "len"))
        self.call(APPEND, rows.begins, begin)
        self.call(APPEND, rows.ends, self.temp(ir.Attribute(rows.data, "len")))
        return number

    def is_changed(self, item: ir.Var, put: ir.Stmt) -> bool:
        """Whether a list may change after ``put`` makes it a row, or the row may."""
        every = [s for s in statements(self.body) if not isinstance(s, ir.Unset)]
        behind = next(k for k, s in enumerate(every) if s is put)
        makings = [k for k, s in enumerate(every) if item in stmt_defs(s)]
        if self.changing or len(makings) != 1:
            return True
        for k, stmt in enumerate(every):
            match stmt:
                case ir.Store(target) | ir.Accumulate(target):
                    changed = target is item
                case ir.Call(fn=name, args=(ir.Var() as target, *_)) if name.startswith("list."):
                    changed = target is item
                case _:
                    changed = False
            if changed and (k > behind or self.repeats(put, stmt)):
                return True
        return False

    def repeats(self, put: ir.Stmt, change: ir.Stmt) -> bool:
        """Whether one loop has both, and not the making: then a change follows."""
        return any(
            {id(put), id(change)} <= {id(s) for s in statements(loop.body)}
            for loop in statements(self.body)
            if isinstance(loop, ir.For | ir.While)
        )

    def method(
        self,
        stmt: ir.Stmt,
        name: str,
        owner: ir.Var,
        args: list[ir.Expr],
        targets: tuple[ir.Var, ...],
    ) -> None:
        numbers = self.owners[owner].numbers
        match name, args:
            case "list.append", [item]:
                self.call(name, numbers, self.added(stmt, owner, item))
            case "list.insert", [index, item]:
                place = self.expr(index)
                self.call(name, numbers, place, self.added(stmt, owner, item))
            case "list.clear" | "list.reverse", []:
                self.call(name, numbers)
            case "list.pop", _:
                into = tuple(self.names[t].number for t in targets)
                self.call(name, numbers, *map(self.expr, args), into=into)
            case _:
                self.refuse(f".{name.partition('.')[2]}() of a list of lists")

    def row_method(
        self, row: Row, name: str, args: list[ir.Expr], targets: tuple[ir.Var, ...]
    ) -> None:
        rows = self.owners[row.owner]
        match name, args:
            case "list.append", [item]:
                self.move_to_end(row)
                self.call(APPEND, rows.data, item)
                end = self.temp(ir.Attribute(rows.data, "len"))
                self.out.append(ir.Store(rows.ends, (row.number,), end, self.loc))
            case "list.clear", []:
                begin, _ = self.bounds(row)
                self.out.append(ir.Store(rows.ends, (row.number,), begin, self.loc))
            case "list.pop", []:
                last = self.place(row, ir.Const(-1))
                for target in targets:
                    self.assign(target, ir.Subscript(rows.data, (last,)))
                self.out.append(ir.Store(rows.ends, (row.number,), last, self.loc))
            case _:
                self.refuse(f".{name.partition('.')[2]}() of a list in a list")

    def move_to_end(self, row: Row) -> None:
        rows = self.owners[row.owner]
        begin, end = self.bounds(row)
        size = self.temp(ir.Attribute(rows.data, "len"))
        k, item = ir.Var("k", temp=True), ir.Var("t", temp=True)
        copies = (
            ir.Assign(item, ir.Subscript(rows.data, (k,)), loc=self.loc),
            ir.Call((), APPEND, (rows.data, item), self.loc),
        )
        moved = (
            ir.For(k, begin, end, ONE, copies, loc=self.loc),
            ir.Store(rows.begins, (row.number,), size, self.loc),
        )
        self.out.append(ir.If(ir.Compare("!=", end, size), moved, (), loc=self.loc))
