"""Lists made: written out, repeated, joined, copied, and named again (lists.py)."""

from __future__ import annotations

from adcompile.ir import nodes as ir
from adcompile.normalise.list_storage import ONE, ZERO, Storage


class Making(Storage):
    def make(self, stmt: ir.Assign) -> None:
        target, value = stmt.target, stmt.value
        self.lengths.pop(target, None)
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
            case ir.Subscript() | ir.TupleGet() | ir.Attribute() if target not in self.changed:
                made = self.of(target)  # out of a tuple, as a ListValues or a tuple of arrays
                whole = self.temp(self.expr(value))
                for k, array in enumerate(made.arrays):
                    self.assign(array, ir.TupleGet(whole, k))
                self.assign(made.count, ir.Attribute(made.arrays[0], "len"))
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
        self.lengths[target] = len(items)

    def repeat(self, target: ir.Var, source: ir.Var, times: ir.Expr) -> None:
        made, given = self.of(target), self.of(source)
        count = self.temp(ir.Binary("*", given.count, ir.Apply("max", (times, ZERO))))
        period = self.temp(given.count)  # the two lists may have one name
        old = [self.temp(array) for array in given.arrays]
        self.allocate(made, count)
        k = ir.Var("k", temp=True)
        place = ir.Binary("%", k, period)
        alone = self.kept_length(source) == 1
        pairs = zip(made.arrays, old, strict=True)
        copies = [self.copied(a, k, b, ZERO if alone else place) for a, b in pairs]
        stores = tuple(stmt for pair in copies for stmt in pair)
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
                body = self.copied(array, place, source, k)
                self.emit(ir.For(k, ZERO, size, ONE, body, loc=self.loc))
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
