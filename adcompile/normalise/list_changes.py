"""Methods that change a list: more items, fewer, or others in their places (lists.py)."""

from __future__ import annotations

from adcompile.ir import nodes as ir
from adcompile.normalise.list_making import Making
from adcompile.normalise.list_storage import ONE, ZERO, Stored, rebuilt


class Changes(Making):
    def method(
        self, fn: str, owner: ir.Var, args: list[ir.Expr], targets: tuple[ir.Var, ...]
    ) -> None:
        made = self.of(owner)
        match fn, args:
            case "list.append", [item]:
                if owner in self.growing:
                    self.grow(made)
                self.put(made, made.count, item)
                self.assign(made.count, ir.Binary("+", made.count, ONE))
            case "list.clear", []:
                self.assign(made.count, ZERO)
            case "list.pop", []:
                text = ir.Const("pop from empty list")
                empty = ir.Compare("<=", made.count, ZERO)
                error = ir.Raise("IndexError", (text,), self.loc)
                self.emit(ir.If(empty, (error,), (), loc=self.loc))
                self.assign(made.count, ir.Binary("-", made.count, ONE))
                self.take(made, made.count, targets)
            case "list.pop", [index]:
                place = self.temp(ir.Apply("rt.list_place", (self.expr(index), made.count)))
                self.take(made, place, targets)
                self.assign(made.count, ir.Binary("-", made.count, ONE))
                self.shift(made, place, made.count, ONE, ONE)
            case "list.insert", [index, item]:
                if owner in self.growing:
                    self.grow(made)
                leaves = self.leaves(made, item)
                place = self.temp(ir.Apply("rt.insert_place", (self.expr(index), made.count)))
                self.shift(made, made.count, place, ir.Const(-1), ir.Const(-1))
                for array, leaf in zip(made.arrays, leaves, strict=True):
                    self.emit(ir.Store(array, (place,), leaf, self.loc))
                self.assign(made.count, ir.Binary("+", made.count, ONE))
            case "list.reverse", []:
                self.reverse(made)
            case "list.extend", [given]:
                self.extend(owner, made, given)
            case _:
                self.refuse(f".{fn.partition('.')[2]}() of a list with these arguments")

    def take(self, made: Stored, place: ir.Expr, targets: tuple[ir.Var, ...]) -> None:
        if targets:
            item = rebuilt(made.kind, [ir.Subscript(array, (place,)) for array in made.arrays])
            self.assign(targets[0], item)

    def shift(
        self, made: Stored, start: ir.Expr, stop: ir.Expr, step: ir.Const, distance: ir.Const
    ) -> None:
        """``items[k] = items[k + distance]`` for the places from start to stop."""
        k = ir.Var("k", temp=True)
        source = ir.Binary("+", k, distance)
        copies = tuple(s for array in made.arrays for s in self.copied(array, k, array, source))
        self.emit(ir.For(k, start, stop, step, copies, loc=self.loc))

    def reverse(self, made: Stored) -> None:
        k = ir.Var("k", temp=True)
        other = ir.Binary("-", ir.Binary("-", made.count, ONE), k)
        body: list[ir.Stmt] = []
        for array in made.arrays:
            first, last = ir.Var("t", temp=True), ir.Var("t", temp=True)
            body += [
                ir.Assign(first, ir.Subscript(array, (k,)), loc=self.loc),
                ir.Assign(last, ir.Subscript(array, (other,)), loc=self.loc),
                ir.Store(array, (k,), last, self.loc),
                ir.Store(array, (other,), first, self.loc),
            ]
        half = ir.Binary("//", made.count, ir.Const(2))
        self.emit(ir.For(k, ZERO, half, ONE, tuple(body), loc=self.loc))

    def extend(self, owner: ir.Var, made: Stored, given: ir.Expr) -> None:
        assert isinstance(given, ir.Var)
        is_list = given in self.kinds
        sources = self.of(given).arrays if is_list else (given,)
        if given is owner or len(sources) != len(made.arrays):
            self.refuse("this extension of a list", "Append the items in a loop.")
        count = self.temp(self.of(given).count if is_list else ir.Attribute(given, "len"))
        k = ir.Var("k", temp=True)
        outer, self.out = self.out, []
        self.grow(made)
        for array, source in zip(made.arrays, sources, strict=True):
            item = self.temp(ir.Subscript(source, (k,)))
            self.emit(ir.Store(array, (made.count,), item, self.loc))
        self.assign(made.count, ir.Binary("+", made.count, ONE))
        inner, self.out = tuple(self.out), outer
        self.emit(ir.For(k, ZERO, count, ONE, inner, loc=self.loc))
