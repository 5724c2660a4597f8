"""Lists become arrays and counts (plain dialect, once types are known; they are inferred again).

A list of numbers is an array with room for what will be appended, and the number of its items; a
list of tuples has an array per item of the tuple.  Where the room needed is known when the list is
made (capacity.py), ``append`` is a store and a count; elsewhere the array is replaced by one twice
as long when it is full, and the reverse sweep follows the name as it does any rebound name.
A list of arrays that is written out and never appended to is a tuple.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from numba.core import types as nt

from adcompile.ir import nodes as ir
from adcompile.ir.walk import (
    blocks,
    map_blocks,
    map_children,
    map_stmt_exprs,
    statements,
    stmt_exprs,
    subexpressions,
)
from adcompile.makers import ListValues, fields_of, keys_of, maker_name
from adcompile.normalise.list_arrays import flatten_lists_of_arrays
from adcompile.normalise.list_changes import Changes
from adcompile.normalise.list_names import without_second_names
from adcompile.normalise.list_rows import flatten_lists_of_lists
from adcompile.normalise.list_sharing import ends_at, returned_at
from adcompile.normalise.list_storage import MAKE, ONE, ZERO, Types, rebuilt
from adcompile.normalise.list_tuples import tuples_for_lists


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
    body, tuples = tuples_for_lists(body, types)
    body = flatten_lists_of_lists(flatten_lists_of_arrays(body, types, tuples), types, tuples)
    lists = {v: k for v, k in types.items() if is_list(v) and v not in tuples}
    lowerer = _Lowerer(fn, body, lists, types)
    head = lowerer.parameters()
    made = (*head, *lowerer.block(body))
    makers = dict.fromkeys((*fn.makers, maker_name(ListValues)))
    return replace(fn, body=made, makers=tuple(makers))


def is_tuple(kind: nt.Type | None) -> bool:
    return isinstance(kind, nt.BaseTuple)


class _Lowerer(Changes):
    in_condition = False

    def parameters(self) -> ir.Block:
        """Lists that the caller gives are arrays in a NamedTuple."""
        outer, self.out = self.out, []
        for param in self.fn.params:
            if param in self.kinds:
                if param in self.changed:
                    self.refuse(
                        f"the list {param.name!r}, an argument, changes its length",
                        "Change a copy: list(x).",
                    )
                self.stored[param] = made = self.storage(param, f"{param.name}_items")
                self.assign(made.arrays[0], ir.TupleGet(param, 0))
                self.assign(made.count, ir.Attribute(made.arrays[0], "len"))
        head, self.out = tuple(self.out), outer
        return head

    # ------------------------------------------------------------ statements

    def block(self, block: ir.Block) -> ir.Block:
        outer, self.out = self.out, []
        for stmt in block:
            self.loc = stmt.loc
            self.stmt(stmt)
            if not isinstance(stmt, ir.Assign) or stmt.target not in self.lengths:
                self.forget_lengths(stmt)
        made, self.out = tuple(self.out), outer
        return made

    def stmt(self, stmt: ir.Stmt) -> None:
        match stmt:
            case ir.Unset(variables):
                self.emit(replace(stmt, vars=tuple(v for v in variables if v not in self.kinds)))
            case ir.Assign(target) if target in self.kinds:
                self.make(stmt)
            case ir.Assign(_, ir.Apply("list.part", (ir.Var() as owner, begin, end))):
                part = (ir.Slice(begin, end, None),)
                self.emit(replace(stmt, value=ir.Subscript(self.of(owner).arrays[0], part)))
            case ir.Assign(target, ir.Apply(fn, args)) if fn.startswith("arr."):
                self.emit(replace(stmt, value=ir.Apply(fn, tuple(map(self.whole, args)))))
            case ir.Assign(_, ir.MakeTuple(items, maker)) if any(i in self.kinds for i in items):
                held = tuple(self.held(stmt, item) for item in items)
                self.emit(replace(stmt, value=ir.MakeTuple(held, maker)))
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
                self.lengths = {}
                made = map_blocks(self.block, stmt)
                assert isinstance(made, ir.If | ir.While)
                self.emit(replace(made, cond=cond))
            case ir.For():
                self.loop(stmt)
            case _:
                self.emit(map_stmt_exprs(self.expr, stmt))

    def forget_lengths(self, stmt: ir.Stmt) -> None:
        if blocks(stmt) or isinstance(stmt, ir.AssignMany):
            self.lengths = {}
        elif isinstance(stmt, ir.Call) and stmt.args:
            self.lengths = {v: n for v, n in self.lengths.items() if v is not stmt.args[0]}

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
            done: ir.Expr = stmt.var
            if start != ZERO:
                done = ir.Binary("-", done, start)
            if step != ONE:
                done = ir.Binary("//", done, step)
            known = self.lengths.get(owner)
            before: ir.Expr = ir.Const(known)
            if known is None:
                before = ir.Var(f"{owner.name}_before", temp=True)
                self.assign(before, count)
            total = done if known == 0 else ir.Binary("+", before, done)
            counted.append(ir.Assign(count, total, loc=stmt.loc))
        self.lengths = {}
        body = self.block(stmt.body)
        new = replace(stmt, start=start, stop=stop, step=step, body=(*counted, *body))
        self.emit(new)

    # ------------------------------------------------------------ changing items

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

    def held(self, stmt: ir.Assign, item: ir.Expr) -> ir.Expr:
        """An item of a tuple; a list is there as lists of the caller's are."""
        if item not in self.kinds:
            return self.expr(item)
        in_tuple = isinstance(self.types.get(stmt.target), nt.BaseTuple)
        assert isinstance(item, ir.Var)
        ends = ends_at(self.body, item, stmt) or returned_at(self.body, item, stmt)
        if item in self.changed and in_tuple and not ends:
            self.refuse(
                "a list that changes its length, in a tuple", "Put np.array(x) in the tuple."
            )
        kind = self.types.get(stmt.target)
        if is_tuple(kind) and isinstance(item, ir.Var) and len(self.of(item).arrays) != 1:
            return ir.MakeTuple(tuple(map(self.filled(item), self.of(item).arrays)))
        whole = self.whole(item)
        return ir.MakeTuple((whole,), maker_name(ListValues)) if is_tuple(kind) else whole

    def filled(self, owner: ir.Var) -> Callable[[ir.Var], ir.Var]:
        """The part of an array of ``owner`` that has its items."""
        part = (ir.Slice(ZERO, self.of(owner).count, None),)
        return lambda array: self.temp(ir.Subscript(array, part))

    def whole(self, expr: ir.Expr) -> ir.Expr:
        """A list as an operand of an array function: the part of its array that is filled."""
        match expr:
            case ir.Var() if expr in self.kinds:
                made = self.of(expr)
                if len(made.arrays) != 1:
                    self.refuse("a list of tuples as an array", "Make a list per item.")
                return self.filled(expr)(made.arrays[0])
            case ir.MakeTuple(items, maker):
                return ir.MakeTuple(tuple(map(self.whole, items)), maker)
            case _:
                return self.expr(expr)

    def condition(self, expr: ir.Expr) -> ir.Expr:
        self.in_condition = True
        found = self.truth(expr)
        self.in_condition = False
        return found

    def truth(self, expr: ir.Expr) -> ir.Expr:
        match expr:
            case ir.Var() if expr in self.kinds:
                return ir.Compare(">", self.of(expr).count, ZERO)
            case ir.Unary("not", x):
                return ir.Unary("not", self.truth(x))
            case ir.Logic(op, a, b):
                return ir.Logic(op, self.truth(a), self.truth(b))
            case _:
                return self.expr(expr)

    def expr(self, expr: ir.Expr) -> ir.Expr:
        match expr:
            case ir.Attribute(ir.Var() as owner, "len") if owner in self.kinds:
                return self.of(owner).count
            case ir.Subscript(ir.Subscript() | ir.TupleGet() | ir.Attribute() as inner, index) if (
                isinstance(kind := self.kind_of(inner), nt.List)
            ):
                owner = ir.Var("t", temp=True)  # a list out of a tuple
                self.kinds[owner] = kind
                if self.in_condition:
                    self.refuse("a list out of a tuple in a condition", "Give it a name first.")
                self.make(ir.Assign(owner, inner, loc=self.loc))
                return self.expr(ir.Subscript(owner, index))
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

    def kind_of(self, expr: ir.Expr) -> nt.Type | None:
        """The type of an item of a tuple."""
        match expr:
            case ir.Var():
                return self.types.get(expr)
            case ir.Subscript(base, (ir.Const(value=int() as k),)) | ir.TupleGet(base, k):
                whole = self.kind_of(base)
                return tuple(whole)[k] if isinstance(whole, nt.BaseTuple) else None
            case ir.Subscript(base, (ir.Const(value=str() as key),)):
                whole = self.kind_of(base)
                if not isinstance(whole, nt.BaseNamedTuple):
                    return None
                keys = keys_of(whole.instance_class) or ()
                return tuple(whole)[keys.index(key)] if key in keys else None
            case ir.Attribute(base, name):
                whole = self.kind_of(base)
                if not isinstance(whole, nt.BaseNamedTuple):
                    return None
                fields = fields_of(whole.instance_class)
                return tuple(whole)[fields.index(name)] if name in fields else None
            case _:
                return None

    def item(self, owner: ir.Var, index: ir.Expr) -> ir.Expr:
        made, place = self.of(owner), self.place(owner, index)
        return rebuilt(made.kind, [ir.Subscript(array, (place,)) for array in made.arrays])

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
