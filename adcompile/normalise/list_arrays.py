"""Lists of arrays that grow, as lists of numbers (plain dialect).

``out.append(a)`` copies the elements of ``a`` behind those of the others; two lists of integers say
where each array begins and ends, one per axis what its extents are.  A list holds references, so
arrays that are in one may not be written to any more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NoReturn

from numba.core import types as nt

from adcompile.errors import Loc, UnsupportedError
from adcompile.ir import nodes as ir
from adcompile.ir.walk import blocks, map_blocks, map_expr, map_stmt_exprs, statements, stmt_reads
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
    flattener = _Flattener(body, flats, numbers)
    return flattener.block(body)


def _name(var: ir.Var) -> str:
    return var.name


def _arrays(kind: nt.Type | None) -> nt.Array | None:
    """The type of the items, if they are arrays of numbers."""
    item = kind.dtype if isinstance(kind, nt.List | nt.ListType) else None
    return item if isinstance(item, nt.Array) and isinstance(item.dtype, nt.Number) else None


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
        self.check_writes(body)

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
            case ir.Assign(target, ir.Subscript(ir.Var() as owner, (index,))) if (
                owner in self.flats
            ):
                if isinstance(index, ir.Slice):
                    self.refuse("a part of a list of arrays")
                self.read(target, self.flats[owner], self.expr(index))
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

    # ------------------------------------------------------------ no writes through second names

    def check_writes(self, body: ir.Block) -> None:
        """Arrays that are in a list are written before they come there, if at all."""
        linked: dict[ir.Var, set[ir.Var]] = {}
        for target, source in _shared_in(body):
            if target not in self.numbers:
                group = linked.get(target, {target}) | linked.get(source, {source})
                for var in group:
                    linked[var] = group
        for stmt, before in _with_predecessors(body):
            for item in self.appended(stmt):
                self.loc = stmt.loc
                self.check_item(item, linked.get(item, {item}), before, body)
        for stmt in statements(body):
            changed = self.written(stmt)
            group = linked.get(changed, {changed}) if changed is not None else set()
            if not self.flats.keys().isdisjoint(group):
                self.loc = stmt.loc
                self.refuse("an array in a list is written to", "Write it before, or a copy.")

    def written(self, stmt: ir.Stmt) -> ir.Var | None:
        match stmt:
            case ir.Store(array) | ir.Accumulate(array) | ir.Fill(array) | ir.CopyInto(array):
                return array
            case ir.Assign(target, _, True) if target not in self.numbers:
                return target
            case _:
                return None

    def appended(self, stmt: ir.Stmt) -> Iterator[ir.Var]:
        match stmt:
            case ir.Call((), name, (ir.Var() as owner, ir.Var() as item)) if owner in self.flats:
                if name == APPEND:
                    yield item
            case ir.Assign(target, ir.Apply(name, items)) if name == MAKE and target in self.flats:
                yield from (item for item in items if isinstance(item, ir.Var))
            case _:
                pass

    def check_item(
        self, item: ir.Var, group: set[ir.Var], before: tuple[ir.Block, ...], body: ir.Block
    ) -> None:
        """All writes to the item stand between its making and this place, in the block of that."""
        every = [s for s in statements(body) if self.written(s) in group]
        for block in before if every else ():
            made = [k for k, s in enumerate(block) if _makes(s, item)]
            if made:
                early = {id(s) for s in statements(block[made[-1] :])}
                every = [s for s in every if id(s) not in early]
                break
        if every:
            self.refuse(
                f"{item.name!r} is in a list, and is written to elsewhere", "Append a copy."
            )


def _with_predecessors(
    block: ir.Block, outer: tuple[ir.Block, ...] = ()
) -> Iterator[tuple[ir.Stmt, tuple[ir.Block, ...]]]:
    """Each statement, and what stands in front of it in the blocks around it, inner ones first."""
    for k, stmt in enumerate(block):
        before = (block[:k], *outer)
        yield stmt, before
        for inner in blocks(stmt):
            yield from _with_predecessors(inner, before)


def _makes(stmt: ir.Stmt, var: ir.Var) -> bool:
    """Whether a statement gives ``var`` an array that nobody else has."""
    match stmt:
        case ir.Alloc(target) | ir.Copy(target):
            return target is var
        case ir.Assign(target):
            return target is var and not any(_shared(stmt))
        case _:
            return False


def _shared_in(body: ir.Block) -> Iterator[tuple[ir.Var, ir.Var]]:
    """Pairs of variables that may name the same memory."""
    for stmt in statements(body):
        if isinstance(stmt, ir.Assign | ir.View):
            yield from ((stmt.target, source) for source in _shared(stmt))
        elif isinstance(stmt, ir.AssignMany):
            for target, value in zip(stmt.targets, stmt.values, strict=True):
                yield from ((target, source) for source in _shared(ir.Assign(target, value)))


def _shared(stmt: ir.Assign | ir.View) -> Iterator[ir.Var]:
    """Variables whose memory the target may share."""
    if isinstance(stmt, ir.View):
        yield stmt.base
        return
    match stmt.value:
        case ir.Var() as source:
            yield source
        case (
            ir.Subscript(ir.Var() as base)
            | ir.Attribute(ir.Var() as base)
            | ir.TupleGet(ir.Var() as base)
        ):
            yield base
        case ir.Apply(name, args) if name.startswith("arr."):
            yield from (arg for arg in args if isinstance(arg, ir.Var))
        case ir.MakeTuple(items):
            yield from (item for item in items if isinstance(item, ir.Var))
        case _:
            pass
