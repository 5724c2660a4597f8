"""What a ``for`` runs over besides ``range``: arrays, tuples, ``enumerate``, ``zip``, ``reversed``.

Each becomes a loop over ``range(count)`` whose body begins by reading the items.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from adcompile.frontend.assignments import Assignments
from adcompile.frontend.exits import flow
from adcompile.frontend.functions import is_range, shown_name
from adcompile.ir import nodes as ir

Bounds = tuple[ir.Expr, ir.Expr, ir.Expr]
ZERO, ONE = ir.Const(0), ir.Const(1)


@dataclass(frozen=True)
class Iterated:
    """``item`` makes an atom, or a tuple of these, from the number of the iteration; what it needs
    statements for, it emits."""

    count: ir.Expr
    item: Callable[[ir.Expr], ir.Expr]


class Iteration(Assignments):
    def range(self, node: ast.Call) -> Bounds:
        """start, stop and step of a call of ``range``."""
        self.only_positional(node)
        if not 1 <= len(node.args) <= 3 or any(isinstance(a, ast.Starred) for a in node.args):
            self.refuse(node, "range() takes one to three arguments")
        bounds = self.trees(node.args)
        start = bounds[0] if len(bounds) > 1 else ZERO
        stop = bounds[0] if len(bounds) == 1 else bounds[1]
        return start, stop, bounds[2] if len(bounds) == 3 else ONE

    def range_value(self, node: ast.expr) -> ir.Expr:
        assert isinstance(node, ast.Call)
        return ir.MakeTuple(tuple(self.temp(bound, node) for bound in self.range(node)))

    def callee_of(self, node: ast.expr) -> object:
        """The function that an expression calls, if it is known while parsing."""
        outside = self.static(node.func) if isinstance(node, ast.Call) else None
        return None if outside is None else outside.value

    def is_range(self, node: ast.expr) -> bool:
        return is_range(self.callee_of(node))

    def bounds(self, node: ast.For) -> Bounds | None:
        """Of a loop over integers that it counts itself; None for other loops."""
        if not isinstance(node.target, ast.Name):
            return None
        if isinstance(node.iter, ast.Name) and self.static(node.iter) is None:
            kept = self.var(node.iter.id)
            if kept in self.session.ranges:
                start, stop, step = (self.temp(ir.TupleGet(kept, k), node) for k in range(3))
                return start, stop, step
        if not isinstance(node.iter, ast.Call):
            return None
        if self.is_range(node.iter):
            return self.range(node.iter)
        inner = node.iter.args[0] if len(node.iter.args) == 1 else None
        if self.callee_of(node.iter) is builtins.reversed and isinstance(inner, ast.Call):
            if self.is_range(inner) and len(inner.args) < 3:
                start, stop, _ = (self.temp(bound, inner) for bound in self.range(inner))
                return _sum(stop, -1), _sum(start, -1), ir.Const(-1)
        return None

    def counter(self, node: ast.For) -> ir.Var:
        """The loop's own variable: that of ``enumerate`` if it is there."""
        match node:
            case ast.For(target=ast.Tuple(elts=[ast.Name(id=name), _]), iter=ast.Call(args=[_])):
                if self.callee_of(node.iter) is builtins.enumerate:
                    return ir.Var(name)
            case _:
                pass
        return ir.Var("item", temp=True)

    # ------------------------------------------------------------ what is iterated

    def iterated(self, node: ast.expr) -> Iterated:
        called = self.callee_of(node)
        if isinstance(node, ast.Call) and called is not None:
            plain = not any(isinstance(arg, ast.Starred) for arg in node.args)
            if is_range(called):
                return self.over_range(node)
            if called is builtins.enumerate and plain:
                return self.over_enumerate(node)
            if called is builtins.zip and plain:
                self.only_positional(node)
                return self.over_zip(node)
            if called is builtins.reversed:
                self.only_positional(node, 1)
                return _reversed(self.iterated(node.args[0]), self, node)
            if called in (np.ndindex, np.ndenumerate, np.nditer):
                shown = shown_name(called, ast.unparse(node.func))
                self.refuse(node, f"a loop over {shown}() here", "Write one loop per axis.")
            if called in (builtins.map, builtins.filter):
                shown = shown_name(called, ast.unparse(node.func))
                self.refuse(node, f"a loop over {shown}()", "Call the function in the loop.")
        outside = self.static(node)
        if outside is not None and isinstance(outside.value, tuple | list):
            return self.over_items([self.constant(item, node) for item in outside.value], node)
        if isinstance(node, ast.Tuple | ast.List):
            if any(isinstance(item, ast.Starred) for item in node.elts):
                self.refuse(node, "a starred expression is not supported", "Write the items out.")
            return self.over_items([self.item_value(item) for item in node.elts], node)
        return self.over_value(self.atom(node), node)

    def item_value(self, node: ast.expr) -> ir.Expr:
        """An item of a tuple that is written out: its own variable, which the body may not see
        changed."""
        if isinstance(node, ast.Tuple | ast.List):
            return ir.MakeTuple(tuple(self.item_value(item) for item in node.elts))
        return self.kept(self.atom(node), node)

    def over_range(self, node: ast.Call) -> Iterated:
        start, stop, step = (self.kept(self.temp(bound, node), node) for bound in self.range(node))
        span = stop if start == ZERO else ir.Binary("-", stop, start)
        if step != ONE:
            span = ir.Unary("-", ir.Binary("//", ir.Binary("-", start, stop), step))

        def item(k: ir.Expr) -> ir.Expr:
            moved = k if step == ONE else ir.Binary("*", k, step)
            return self.temp(moved if start == ZERO else ir.Binary("+", start, moved), node)

        return Iterated(self.temp(span, node), item)

    def over_enumerate(self, node: ast.Call) -> Iterated:
        given = dict(zip(("iterable", "start"), node.args))
        for keyword in node.keywords:
            given[str(keyword.arg)] = keyword.value
        if set(given) not in ({"iterable"}, {"iterable", "start"}) or len(node.args) > 2:
            self.refuse(node, "enumerate() takes an iterable and start=")
        inner = self.iterated(given["iterable"])
        start: ir.Expr = ZERO
        if "start" in given:
            start = self.kept(self.atom(given["start"]), node)

        def item(k: ir.Expr) -> ir.Expr:
            number = k if start == ZERO else self.temp(ir.Binary("+", k, start), node)
            return ir.MakeTuple((number, inner.item(k)))

        return Iterated(inner.count, item)

    def over_zip(self, node: ast.Call) -> Iterated:
        parts = [self.iterated(arg) for arg in node.args]
        if not parts:
            self.refuse(node, "zip() of nothing")
        count = parts[0].count
        for part in parts[1:]:
            count = self.temp(ir.Apply("min", (count, part.count)), node)
        return Iterated(count, lambda k: ir.MakeTuple(tuple(part.item(k) for part in parts)))

    def over_value(self, value: ir.Expr, node: ast.expr) -> Iterated:
        """An array along its first axis, or a tuple."""
        if isinstance(value, ir.Const):
            self.refuse(node, f"a loop over {ast.unparse(node)}", "Loop over range() or an array.")
        assert isinstance(value, ir.Var)
        if self.keys_known(value) is not None:
            self.refuse(node, "a loop over a dict", "Write its items out, or use a tuple.")
        if value in self.session.ranges:
            self.refuse(
                node, "a range by name in enumerate, zip or reversed", "Write range() there."
            )
        items = self.session.arity.get(value)
        sequence = self.kept(value, node)
        assert isinstance(sequence, ir.Var)
        if items is not None:
            parts = [self.temp(ir.TupleGet(sequence, k), node) for k in range(items)]
            return self.over_items(parts, node)
        count = self.temp(ir.Attribute(sequence, "len"), node)
        return Iterated(count, lambda k: self.temp(ir.Subscript(sequence, (k,)), node))

    def over_items(self, items: Sequence[ir.Expr], node: ast.expr) -> Iterated:
        return Iterated(ir.Const(len(items)), lambda k: self.chosen(items, k, node))

    def chosen(self, items: Sequence[ir.Expr], k: ir.Expr, node: ast.expr) -> ir.Expr:
        """Item ``k`` of these, where ``k`` is known at run time."""
        if not items:  # the loop has no iterations
            return ZERO
        if len(items) == 1:
            return items[0]
        sizes = {len(i.items) if isinstance(i, ir.MakeTuple) else 0 for i in items}
        if sizes != {0}:
            if len(sizes) > 1:
                self.refuse(node, "the items have different structure", "Write them alike.")
            parts = zip(*(i.items for i in items if isinstance(i, ir.MakeTuple)))
            return ir.MakeTuple(tuple(self.chosen(part, k, node) for part in parts))
        numbers = [i.value for i in items if isinstance(i, ir.Const)]
        if len(numbers) == len(items) and all(type(n) in (int, float) for n in numbers):
            return self.temp(ir.Subscript(self.numbers(numbers, node), (k,)), node)
        found = ir.Var("t", temp=True)
        loc = self.loc(node)
        chain: tuple[ir.Stmt, ...] = (ir.Assign(found, items[-1], loc=loc),)
        for n in reversed(range(len(items) - 1)):
            first = (ir.Assign(found, items[n], loc=loc),)
            chain = (ir.If(ir.Compare("==", k, ir.Const(n)), first, chain, loc=loc),)
        for stmt in chain:
            self.emit(stmt)
        return found

    def numbers(self, values: Sequence[object], node: ast.expr) -> ir.Var:
        """Literal numbers as an array of the generated module."""
        array = np.array(values)
        wish = node if isinstance(node, ast.Name) else ast.Name("values", ast.Load())
        return self.captured(array, wish)

    # ------------------------------------------------------------ targets

    def take(self, target: ast.expr, value: ir.Expr, node: ast.stmt) -> None:
        """Assign an item to the loop's target."""
        if isinstance(target, ast.Tuple | ast.List) and isinstance(value, ir.MakeTuple):
            if len(target.elts) != len(value.items):
                self.refuse(target, f"{len(value.items)} values for {len(target.elts)} targets")
            for inner, part in zip(target.elts, value.items):
                self.take(inner, part, node)
            return
        if isinstance(target, ast.Name):
            self.emit(ir.Assign(self.var(target.id), value, loc=self.loc(node)))
        else:
            self.store(target, self.temp(value, target), node)

    # ------------------------------------------------------------ np.ndindex

    def nested(self, node: ast.For) -> ast.For | None:
        """``for i, j in np.ndindex(...)``, or ``np.ndenumerate``, as a loop per axis."""
        called = self.callee_of(node.iter)
        if called not in (np.ndindex, np.ndenumerate):
            return None
        assert isinstance(node.iter, ast.Call)
        self.only_positional(node.iter)
        args, places = node.iter.args, node.target
        shown = f"np.{getattr(called, '__name__', '')}"
        used = {part.id for part in ast.walk(node.iter) if isinstance(part, ast.Name)}
        for part in (inner for stmt in node.body for inner in ast.walk(stmt)):
            if isinstance(part, ast.Name) and part.id in used and isinstance(part.ctx, ast.Store):
                self.refuse(node, f"a loop over {shown} that assigns {part.id}", "Rename it.")
        if called is np.ndenumerate:
            pair = node.target.elts if isinstance(node.target, ast.Tuple) else []
            if len(pair) != 2 or not isinstance(args[0], ast.Name):
                self.refuse(node, f"this loop over {shown}", "Write for (i, j), v in ...(x).")
            places = pair[0]
            item = ast.Subscript(args[0], places, ast.Load())
            first = ast.Assign([pair[1]], item)
            body = [ast.fix_missing_locations(ast.copy_location(first, node)), *node.body]
            args = [ast.Attribute(args[0], "shape", ast.Load())]
        else:
            body = list(node.body)
        names = places.elts if isinstance(places, ast.Tuple) else []
        if not names or not all(isinstance(name, ast.Name) for name in names):
            self.refuse(node, f"a loop over {shown} with one target", "Write for i, j in ...")
        if len(args) == 1 and len(names) > 1:
            shape = args[0].elts if isinstance(args[0], ast.Tuple) else None
            args = shape or [
                ast.Subscript(args[0], ast.Constant(k), ast.Load()) for k in range(len(names))
            ]
        if len(args) != len(names):
            self.refuse(node, f"{len(args)} axes for {len(names)} targets")
        kinds = flow(node.body).kinds
        if ir.BREAK in kinds or node.orelse:
            self.refuse(node, f"break or else in a loop over {shown}", "Write one loop per axis.")
        for name, extent in reversed(list(zip(names, args))):
            over = ast.Call(ast.Name("range", ast.Load()), [extent], [])
            loop = ast.For(name, over, body, [])
            body = [ast.fix_missing_locations(ast.copy_location(loop, node))]
        (whole,) = body
        assert isinstance(whole, ast.For)
        return whole


def _reversed(inner: Iterated, frame: Iteration, node: ast.AST) -> Iterated:
    last = frame.temp(_sum(inner.count, -1), node)
    return Iterated(inner.count, lambda k: inner.item(frame.temp(ir.Binary("-", last, k), node)))


def _sum(value: ir.Expr, more: int) -> ir.Expr:
    if isinstance(value, ir.Const) and isinstance(value.value, int):
        return ir.Const(value.value + more)
    return ir.Binary("-", value, ir.Const(-more))
