"""Lists become arrays and counts (plain dialect, once types are known; they are inferred again).

A list of numbers is an array with room for what will be appended, and the number of its items; a
list of tuples has an array per item of the tuple.  Where the room needed is known when the list is
made (capacity.py), ``append`` is a store and a count; elsewhere the array is replaced by one twice
as long when it is full, and the reverse sweep follows the name as it does any rebound name.
A list of arrays that is written out and never appended to is a tuple.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NoReturn

from numba.core import types as nt

from adcompile.errors import UnsupportedError
from adcompile.ir import nodes as ir
from adcompile.ir.walk import (
    map_blocks,
    map_children,
    map_stmt_exprs,
    statements,
    stmt_exprs,
    subexpressions,
)
from adcompile.normalise.capacity import Places
from adcompile.normalise.list_names import without_second_names

Types = dict[ir.Var, nt.Type]
MAKE = "list.make"
ZERO, ONE = ir.Const(0), ir.Const(1)
_LENGTHS = ("list.append", "list.extend", "list.pop", "list.clear")
_ROWS = "Allocate an array, np.empty((n, ...)), and assign its rows."


def has_lists(fn: ir.Function) -> bool:
    for stmt in statements(fn.body):
        if isinstance(stmt, ir.Call) and stmt.fn.startswith("list."):
            return True
        for top in stmt_exprs(stmt):
            if any(isinstance(e, ir.Apply) and e.fn == MAKE for e in subexpressions(top)):
                return True
    return False


def lower_lists(fn: ir.Function, types: Types) -> ir.Function:
    """``fn`` (plain) without lists; ``types`` are those of its variables."""

    def is_list(var: ir.Var) -> bool:
        return isinstance(types.get(var), nt.List | nt.ListType)

    body = without_second_names(fn.body, is_list)
    body, tuples = _tuples_for_lists(body, types)
    lowerer = _Lowerer(fn, body, {v: k for v, k in types.items() if is_list(v) and v not in tuples})
    return replace(fn, body=lowerer.block(body))


# ---------------------------------------------------------------- lists that are tuples


def _tuples_for_lists(body: ir.Block, types: Types) -> tuple[ir.Block, set[ir.Var]]:
    """Lists of other things than numbers as tuples where that is what they are; the variables that
    are no lists any more: these, and the lists in them, which are arrays."""
    made: dict[ir.Var, set[int]] = {}
    touched: set[ir.Var] = set()
    for stmt in statements(body):
        match stmt:
            case ir.Assign(target, ir.Apply("list.make", items)):
                made.setdefault(target, set()).add(len(items))
            case ir.Assign(target):
                made.setdefault(target, set()).add(-1)
            case ir.Call(fn=name, args=(ir.Var() as owner, *_)) if name.startswith("list."):
                touched.add(owner)
            case ir.Store(array=owner) | ir.Accumulate(array=owner):
                touched.add(owner)
            case _:
                pass
    fixed = {
        var
        for var, counts in made.items()
        if isinstance(kind := types.get(var), nt.List)
        and not _is_stored(kind.dtype)
        and len(counts) == 1
        and min(counts) > 0
        and var not in touched
    }
    if not fixed:
        return body, set()
    found = set(fixed)
    grown = True
    while grown:
        grown = False
        for stmt in statements(body):
            if isinstance(stmt, ir.Assign) and stmt.target not in found:
                source = stmt.value.base if isinstance(stmt.value, ir.Subscript) else stmt.value
                if isinstance(types.get(stmt.target), nt.List) and source in found:
                    found.add(stmt.target)
                    grown = True

    def block(stmts: ir.Block) -> ir.Block:
        return tuple(map_blocks(block, one(s)) for s in stmts)

    def one(stmt: ir.Stmt) -> ir.Stmt:
        match stmt:
            case ir.Assign(target, ir.Apply("list.make", items)) if target in fixed:
                return replace(stmt, value=ir.MakeTuple(items))
            case ir.Assign(value=ir.Binary(_, a, b)) if a in found or b in found:
                raise UnsupportedError("this use of a list of lists", stmt.loc, _ROWS)
            case _:
                return stmt

    return block(body), found


def _is_stored(kind: nt.Type) -> bool:
    """Whether lists of such items are arrays."""
    if isinstance(kind, nt.BaseTuple):
        return len(kind) > 0 and all(map(_is_stored, kind))
    return isinstance(kind, nt.Number | nt.Boolean)


# ---------------------------------------------------------------- lists that are arrays


@dataclass(frozen=True)
class Stored:
    """The arrays that hold a list's items, by number of the leaf, and how many items there are."""

    kind: nt.Type
    arrays: tuple[ir.Var, ...]
    count: ir.Var


class _Lowerer:
    def __init__(self, fn: ir.Function, body: ir.Block, lists: Types) -> None:
        self.fn, self.kinds = fn, lists
        self.places = Places.of(body)
        self.stored: dict[ir.Var, Stored] = {}
        self.out: list[ir.Stmt] = []
        self.loc = fn.loc
        self.changed = {
            s.args[0] for s in statements(body) if isinstance(s, ir.Call) and s.fn in _LENGTHS
        }
        self.shortened = {
            s.args[0]
            for s in statements(body)
            if isinstance(s, ir.Call) and s.fn in ("list.pop", "list.clear")
        }
        self.growing = self.find_growing(body)

    def refuse(self, message: str, advice: str = "") -> NoReturn:
        raise UnsupportedError(message, self.loc, advice)

    def find_growing(self, body: ir.Block) -> set[ir.Var]:
        """The lists for which some making knows no bound."""
        found: set[ir.Var] = set()
        for stmt in statements(body):
            match stmt:
                case ir.Assign(target, value) if target in self.kinds and target in self.changed:
                    items = value.args if isinstance(value, ir.Apply) and value.fn == MAKE else None
                    if items is None or self.places.bound(stmt, target, len(items)) is None:
                        found.add(target)
                case _:
                    pass
        return found

    def of(self, var: ir.Var) -> Stored:
        if var not in self.stored:
            kind = self.kinds[var].dtype
            if not _is_stored(kind):
                shown = "arrays" if isinstance(kind, nt.Array) else f"{kind}"
                self.refuse(f"a list of {shown} that grows or is written to", _ROWS)
            leaves = list(_leaves(kind))
            names = (
                [var.name] if len(leaves) == 1 else [f"{var.name}_{k}" for k in range(len(leaves))]
            )
            arrays = tuple(ir.Var(name, var.temp) for name in names)
            self.stored[var] = Stored(kind, arrays, ir.Var(f"{var.name}_count", var.temp))
        return self.stored[var]

    def emit(self, stmt: ir.Stmt) -> None:
        self.out.append(stmt)

    def assign(self, target: ir.Var, value: ir.Expr) -> None:
        self.emit(ir.Assign(target, value, loc=self.loc))

    def temp(self, value: ir.Expr) -> ir.Var:
        var = ir.Var("t", temp=True)
        self.assign(var, value)
        return var

    # ------------------------------------------------------------ statements

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
                self.emit(replace(stmt, vars=tuple(v for v in variables if v not in self.kinds)))
            case ir.Assign(target) if target in self.kinds:
                self.make(stmt)
            case ir.Assign(target, ir.Apply(fn, args)) if fn.startswith("arr."):
                self.emit(replace(stmt, value=ir.Apply(fn, tuple(map(self.whole, args)))))
            case ir.Assign(target, ir.MakeTuple(items)) if any(i in self.kinds for i in items):
                self.emit(replace(stmt, value=ir.MakeTuple(tuple(map(self.whole, items)))))
            case ir.AssignMany(targets) if any(t in self.kinds for t in targets):
                self.exchange(stmt)
            case ir.Copy(target, source) if source in self.kinds:
                self.copy(target, source, ir.Slice(None, None, None))
            case ir.Call(targets, fn, (ir.Var() as owner, *args)) if fn.startswith("list."):
                if owner not in self.kinds:
                    self.refuse(
                        f".{fn.partition('.')[2]}() of what is no list made here",
                        "Make the list in this function, or fill an array.",
                    )
                self.method(fn, owner, args, targets)
            case ir.Store(array, (place,)) | ir.Accumulate(array, (place,)) if array in self.kinds:
                self.store(stmt, array, place)
            case ir.If() | ir.While():
                cond = self.condition(stmt.cond)
                made = map_blocks(self.block, stmt)
                assert isinstance(made, ir.If | ir.While)
                self.emit(replace(made, cond=cond))
            case ir.For():
                self.loop(stmt)
            case _:
                self.emit(map_stmt_exprs(self.expr, stmt))

    def loop(self, stmt: ir.For) -> None:
        """Where each iteration appends one item, their number follows from the loop variable, so
        that the reverse sweep need not keep it."""
        bounds = [self.expr(e) for e in (stmt.start, stmt.stop, stmt.step)]
        start, stop, step = bounds
        counted: list[ir.Stmt] = []
        inside = [s for s in statements(stmt.body) if isinstance(s, ir.Call | ir.Assign)]
        for owner in self.changed if stmt.exit is None else ():
            assert isinstance(owner, ir.Var)
            touching = [
                s
                for s in inside
                if (s.target is owner if isinstance(s, ir.Assign) else s.args[:1] == (owner,))
            ]
            if len(touching) != 1 or not any(s is touching[0] for s in stmt.body):
                continue
            if not isinstance(touching[0], ir.Call) or touching[0].fn != "list.append":
                continue
            count = self.of(owner).count
            before = ir.Var(f"{owner.name}_before", temp=True)
            self.assign(before, count)
            done: ir.Expr = stmt.var
            if start != ZERO:
                done = ir.Binary("-", done, start)
            if step != ONE:
                done = ir.Binary("//", done, step)
            counted.append(ir.Assign(count, ir.Binary("+", before, done), loc=stmt.loc))
        body = self.block(stmt.body)
        new = replace(stmt, start=start, stop=stop, step=step, body=(*counted, *body))
        self.emit(new)

    def exchange(self, stmt: ir.AssignMany) -> None:
        targets: list[ir.Var] = []
        values: list[ir.Expr] = []
        for target, value in zip(stmt.targets, stmt.values, strict=True):
            if target not in self.kinds:
                targets.append(target)
                values.append(self.expr(value))
                continue
            self.check_second_name(target, value)
            assert isinstance(value, ir.Var)
            a, b = self.of(target), self.of(value)
            targets += [*a.arrays, a.count]
            values += [*b.arrays, b.count]
        self.emit(ir.AssignMany(tuple(targets), tuple(values), stmt.loc))

    def check_second_name(self, target: ir.Var, value: ir.Expr) -> None:
        if not isinstance(value, ir.Var) or value not in self.kinds:
            self.refuse("a list out of another container", "Use arrays, or a list of numbers.")
        if target in self.changed or value in self.changed:
            self.refuse(
                f"{target.name!r} and {value.name!r} name a list that changes its length",
                "Use one name, or copy the list: list(x).",
            )

    # ------------------------------------------------------------ making lists

    def make(self, stmt: ir.Assign) -> None:
        target, value = stmt.target, stmt.value
        match value:
            case ir.Apply("list.make", items):
                self.display(stmt, target, items)
            case ir.Binary("*", ir.Var() as source, times) | ir.Binary(
                "*", times, ir.Var() as source
            ) if source in self.kinds:
                self.repeat(target, source, self.expr(times))
            case ir.Binary("+", ir.Var() as a, ir.Var() as b) if (
                a in self.kinds and b in self.kinds
            ):
                self.concatenate(target, a, b)
            case ir.Subscript(ir.Var() as source, (ir.Slice() as part,)) if source in self.kinds:
                self.copy(target, source, part)
            case _:
                self.check_second_name(target, value)
                assert isinstance(value, ir.Var)
                mine, theirs = self.of(target), self.of(value)
                pairs = zip(mine.arrays, theirs.arrays, strict=True)
                for one, other in (*pairs, (mine.count, theirs.count)):
                    self.assign(one, other)

    def display(self, stmt: ir.Stmt, target: ir.Var, items: tuple[ir.Expr, ...]) -> None:
        made = self.of(target)
        room = self.places.bound(stmt, target, len(items))
        if room is None:
            room = ir.Const(2 * len(items) + 8)
        self.allocate(made, self.expr(room))
        for k, item in enumerate(items):
            self.put(made, ir.Const(k), item)
        self.assign(made.count, ir.Const(len(items)))

    def allocate(self, made: Stored, room: ir.Expr) -> None:
        for array, kind in zip(made.arrays, _leaves(made.kind), strict=True):
            dtype = "np.bool_" if isinstance(kind, nt.Boolean) else f"np.{kind}"
            shape = ir.MakeTuple((room,))
            self.emit(
                ir.Alloc(array, "np.empty", (shape,), (("dtype", ir.Const(dtype)),), self.loc)
            )

    def put(self, made: Stored, place: ir.Expr, item: ir.Expr) -> None:
        for array, leaf in zip(made.arrays, _items(item, made.kind), strict=True):
            self.emit(ir.Store(array, (place,), self.expr(leaf), self.loc))

    def repeat(self, target: ir.Var, source: ir.Var, times: ir.Expr) -> None:
        made, given = self.of(target), self.of(source)
        count = self.temp(ir.Binary("*", given.count, ir.Apply("max", (times, ZERO))))
        period = self.temp(given.count)  # the two lists may have one name
        old = [self.temp(array) for array in given.arrays]
        self.allocate(made, count)
        k = ir.Var("k", temp=True)
        place = ir.Binary("%", k, period)
        alone = self.kept_length(source) == 1
        reads_ = [ir.Subscript(array, (ZERO if alone else place,)) for array in old]
        stores = tuple(
            ir.Store(array, (k,), read, self.loc)
            for array, read in zip(made.arrays, reads_, strict=True)
        )
        self.emit(ir.For(k, ZERO, count, ONE, stores, loc=self.loc))
        self.assign(made.count, count)

    def kept_length(self, source: ir.Var) -> int | None:
        """The length of a list that is written out once and stays."""
        sets = self.places.sets.get(source, ())
        if len(sets) != 1 or source in self.changed:
            return None
        match sets[0]:
            case ir.Assign(value=ir.Apply("list.make", items)):
                return len(items)
            case _:
                return None

    def concatenate(self, target: ir.Var, a: ir.Var, b: ir.Var) -> None:
        made, first, second = self.of(target), self.of(a), self.of(b)
        begin, more = self.temp(first.count), self.temp(second.count)
        count = self.temp(ir.Binary("+", begin, more))
        olds = [(self.temp(x), self.temp(y)) for x, y in zip(first.arrays, second.arrays)]
        self.allocate(made, count)
        for array, (x, y) in zip(made.arrays, olds, strict=True):
            for source, low, size in ((x, ZERO, begin), (y, begin, more)):
                k = ir.Var("k", temp=True)
                place = k if low == ZERO else ir.Binary("+", low, k)
                store = ir.Store(array, (place,), ir.Subscript(source, (k,)), self.loc)
                self.emit(ir.For(k, ZERO, size, ONE, (store,), loc=self.loc))
        self.assign(made.count, count)

    def copy(self, target: ir.Var, source: ir.Var, part: ir.Slice) -> None:
        made, given = self.of(target), self.of(source)
        ends = [None if e is None else self.expr(e) for e in (part.start, part.stop, part.step)]
        copies: list[ir.Var] = []
        for array in given.arrays:
            items = self.temp(ir.Subscript(array, (ir.Slice(ZERO, given.count, None),)))
            taken = self.temp(ir.Subscript(items, (ir.Slice(*ends),)))
            copied = ir.Var("t", temp=True)
            self.emit(ir.Copy(copied, taken, self.loc))
            copies.append(copied)
        for array, copied in zip(made.arrays, copies, strict=True):
            self.assign(array, copied)
        self.assign(made.count, ir.Attribute(copies[0], "len"))

    # ------------------------------------------------------------ changing lists

    def method(
        self, fn: str, owner: ir.Var, args: list[ir.Expr], targets: tuple[ir.Var, ...]
    ) -> None:
        made = self.of(owner)
        match fn:
            case "list.append":
                if owner in self.growing:
                    self.grow(made)
                self.put(made, made.count, args[0])
                self.assign(made.count, ir.Binary("+", made.count, ONE))
            case "list.clear":
                self.assign(made.count, ZERO)
            case "list.pop":
                text = ir.Const("pop from empty list")
                empty = ir.Compare("<=", made.count, ZERO)
                error = ir.Raise("IndexError", (text,), self.loc)
                self.emit(ir.If(empty, (error,), (), loc=self.loc))
                self.assign(made.count, ir.Binary("-", made.count, ONE))
                item = _rebuilt(made.kind, [ir.Subscript(a, (made.count,)) for a in made.arrays])
                self.assign(targets[0], item)
            case "list.extend":
                self.extend(owner, made, args[0])
            case _:
                self.refuse(f".{fn.partition('.')[2]}() of a list")

    def grow(self, made: Stored) -> None:
        """Room for one more."""
        full = ir.Compare(">=", made.count, ir.Attribute(made.arrays[0], "len"))
        outer, self.out = self.out, []
        for array, kind in zip(made.arrays, _leaves(made.kind), strict=True):
            dtype = "np.bool_" if isinstance(kind, nt.Boolean) else f"np.{kind}"
            size = ir.Binary("+", ir.Binary("*", ir.Const(2), made.count), ir.Const(8))
            larger = ir.Var("larger", temp=True)
            shape = ir.MakeTuple((size,))
            keyword = (("dtype", ir.Const(dtype)),)
            self.emit(ir.Alloc(larger, "np.empty", (shape,), keyword, self.loc))
            k = ir.Var("k", temp=True)
            store = ir.Store(larger, (k,), ir.Subscript(array, (k,)), self.loc)
            self.emit(ir.For(k, ZERO, made.count, ONE, (store,), loc=self.loc))
            self.assign(array, larger)
        inner, self.out = tuple(self.out), outer
        self.emit(ir.If(full, inner, (), loc=self.loc))

    def extend(self, owner: ir.Var, made: Stored, given: ir.Expr) -> None:
        assert isinstance(given, ir.Var)
        if given is owner or (given in self.kinds and len(self.of(given).arrays) != 1):
            self.refuse("this extension of a list", "Append the items in a loop.")
        source = self.of(given).arrays[0] if given in self.kinds else given
        size = self.of(given).count if given in self.kinds else ir.Attribute(given, "len")
        count = self.temp(size)
        k = ir.Var("k", temp=True)
        outer, self.out = self.out, []
        self.grow(made)
        item = self.temp(ir.Subscript(source, (k,)))
        self.put(made, made.count, item)
        self.assign(made.count, ir.Binary("+", made.count, ONE))
        inner, self.out = tuple(self.out), outer
        self.emit(ir.For(k, ZERO, count, ONE, inner, loc=self.loc))

    def store(self, stmt: ir.Store | ir.Accumulate, owner: ir.Var, place: ir.Index) -> None:
        made = self.of(owner)
        if isinstance(place, ir.Slice):
            self.refuse("assignment to a part of a list", "Use an array.")
        where = self.place(owner, place)
        if isinstance(stmt, ir.Store):
            self.put(made, where, stmt.value)
            return
        new = replace(stmt, array=made.arrays[0], index=(where,), value=self.expr(stmt.value))
        self.emit(new)

    # ------------------------------------------------------------ expressions

    def whole(self, expr: ir.Expr) -> ir.Expr:
        """A list as an operand of an array function: the part of its array that is filled."""
        match expr:
            case ir.Var() if expr in self.kinds:
                made = self.of(expr)
                if len(made.arrays) != 1:
                    self.refuse("a list of tuples as an array", "Make a list per item.")
                part = (ir.Slice(ZERO, made.count, None),)
                return self.temp(ir.Subscript(made.arrays[0], part))
            case ir.MakeTuple(items, maker):
                return ir.MakeTuple(tuple(map(self.whole, items)), maker)
            case _:
                return self.expr(expr)

    def condition(self, expr: ir.Expr) -> ir.Expr:
        match expr:
            case ir.Var() if expr in self.kinds:
                return ir.Compare(">", self.of(expr).count, ZERO)
            case ir.Unary("not", x):
                return ir.Unary("not", self.condition(x))
            case ir.Logic(op, a, b):
                return ir.Logic(op, self.condition(a), self.condition(b))
            case _:
                return self.expr(expr)

    def expr(self, expr: ir.Expr) -> ir.Expr:
        match expr:
            case ir.Attribute(ir.Var() as owner, "len") if owner in self.kinds:
                return self.of(owner).count
            case ir.Subscript(ir.Var() as owner, (index,)) if owner in self.kinds:
                if isinstance(index, ir.Slice):
                    self.refuse("a part of a list here", "Give it a name first.")
                return self.item(owner, index)
            case ir.TupleGet(ir.Var() as owner, k) if owner in self.kinds:
                return self.item(owner, ir.Const(k))
            case ir.Subscript(
                ir.Subscript(ir.Var() as owner, (index,)), (ir.Const(int() as k),)
            ) if owner in self.kinds and isinstance(self.of(owner).kind, nt.BaseTuple):
                assert not isinstance(index, ir.Slice)
                item = self.item(owner, index)
                assert isinstance(item, ir.MakeTuple)
                return item.items[k]
            case ir.Var() if expr in self.kinds:
                self.refuse(
                    f"this use of the list {expr.name!r}",
                    "Lists are indexed, appended to, looped over, and made arrays: np.array(x).",
                )
            case _:
                return map_children(self.expr, expr)

    def item(self, owner: ir.Var, index: ir.Expr) -> ir.Expr:
        made, place = self.of(owner), self.place(owner, index)
        return _rebuilt(made.kind, [ir.Subscript(array, (place,)) for array in made.arrays])

    def place(self, owner: ir.Var, index: ir.Expr) -> ir.Expr:
        """The subscript from the front; one out of range is an error, as in Numba's lists."""
        made = self.of(owner)
        length = self.kept_length(owner)
        match index:
            case ir.Const(value=int() as k) if length is not None and 0 <= k < length:
                return index
            case ir.Var() if self.in_range(owner, index):
                return index
            case _:
                return ir.Apply("rt.list_place", (self.expr(index), made.count))

    def in_range(self, owner: ir.Var, index: ir.Var) -> bool:
        """Whether ``index`` is the variable of a loop over range(len(owner))."""
        if owner in self.shortened or len(self.places.sets.get(owner, ())) != 1:
            return False
        sets = self.places.sets.get(index, ())
        match sets:
            case [ir.For(var, ir.Const(value=int() as start), stop, ir.Const(value=1))]:
                pass
            case _:
                return False
        if var is not index or start < 0:
            return False
        if isinstance(stop, ir.Var):
            source = self.places.sets.get(stop, ())
            if len(source) == 1 and isinstance(source[0], ir.Assign):
                stop = source[0].value
        return stop == ir.Attribute(owner, "len")


def _leaves(kind: nt.Type) -> list[nt.Type]:
    if isinstance(kind, nt.BaseTuple):
        return [leaf for part in kind for leaf in _leaves(part)]
    return [kind]


def _items(item: ir.Expr, kind: nt.Type) -> list[ir.Expr]:
    """The leaves of an item, as expressions."""
    if isinstance(kind, nt.BaseTuple):
        parts = [ir.TupleGet(item, k) for k in range(len(kind))]
        return [leaf for k, part in enumerate(kind) for leaf in _items(parts[k], part)]
    return [item]


def _rebuilt(kind: nt.Type, leaves: list[ir.Subscript]) -> ir.Expr:
    """An item from its leaves."""
    rest: list[ir.Expr] = list(leaves)

    def made(part: nt.Type) -> ir.Expr:
        if isinstance(part, nt.BaseTuple):
            return ir.MakeTuple(tuple(made(inner) for inner in part))
        return rest.pop(0)

    return made(kind)
