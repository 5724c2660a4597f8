"""Loops over functions, repeated for each: ``for layer in layers``, with ``zip``, ``enumerate`` and
``reversed`` around it.  Numbers and arrays that stand beside functions keep types of their own."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator, Sequence

from adcompile.frontend.assignments import flat_names
from adcompile.frontend.exits import Bind, Bound, flow
from adcompile.frontend.raising import Raising
from adcompile.frontend.session import Pack, Static
from adcompile.ir import nodes as ir


class Unrolling(Raising):
    def unrolled(self, node: ast.For) -> list[Bind | ast.stmt] | None:
        """The statements of a loop over functions, or over nothing; None for all other loops."""
        if self.is_empty(node.iter):
            return list(node.orelse)
        if not self.has_functions(node.iter):
            return None
        if flow(node.body).kinds & {ir.BREAK, ir.CONTINUE}:
            self.refuse(
                node,
                "break or continue in a loop over functions",
                "Write an if around what is skipped.",
            )
        items = self.items_of(node.iter)
        found: list[Bind | ast.stmt] = []
        for item in items:
            found += [Bind(node, item), *node.body]
        return [*found, *node.orelse]

    def is_empty(self, node: ast.expr) -> bool:
        """Whether this is a tuple without items, as ``*args`` may be."""
        outside = self.static(node)
        if outside is not None:
            return outside.value == ()
        return self.is_local(node) and self.session.arity.get(self.var(node.id)) == 0

    def has_functions(self, node: ast.expr) -> bool:
        """Whether what is iterated has functions among its items."""
        outside = self.static(node)
        if outside is not None:
            return _holds_functions(outside.value)
        if isinstance(node, ast.Tuple | ast.List):
            parts = [p.value if isinstance(p, ast.Starred) else p for p in node.elts]
            return any(self._is_function(part) or self.has_functions(part) for part in parts)
        return (
            isinstance(node, ast.Call)
            and self._wraps(node)
            and any(map(self.has_functions, node.args))
        )

    def _is_function(self, node: ast.expr) -> bool:
        outside = self.static(node)
        return outside is not None and callable(outside.value)

    def _wraps(self, node: ast.Call) -> bool:
        """Whether this is a call of enumerate, zip or reversed."""
        wrappers = (builtins.enumerate, builtins.zip, builtins.reversed)
        return any(self.callee_of(node) is wrapper for wrapper in wrappers)

    def names_function(self, value: ast.expr) -> Static | None:
        """A function, or a tuple with functions in it."""
        found = super().names_function(value)
        if found is None and isinstance(value, ast.Tuple | ast.List) and self.has_functions(value):
            items = [item for item in self.listed(value) if not isinstance(item, tuple)]
            if len(items) == len(value.elts):
                return Static(Pack(tuple(items)))
        return found

    # ------------------------------------------------------------ items

    def items_of(self, node: ast.expr) -> list[Bound]:
        outside = self.static(node)
        if outside is not None and isinstance(outside.value, Pack):
            return list(outside.value.items)
        if outside is not None and isinstance(outside.value, tuple | list):
            return [self.item_of(part, node) for part in outside.value]
        if isinstance(node, ast.Tuple | ast.List):
            return list(self.listed(node))
        called = self.callee_of(node)
        if isinstance(node, ast.Call) and self._wraps(node):
            if any(isinstance(arg, ast.Starred) for arg in node.args):
                self.refuse(node, "a starred expression is not supported", "Write the items out.")
            if called is builtins.enumerate:
                return self.numbered(node)
            self.only_positional(node)
            parts = [self.items_of(arg) for arg in node.args]
            return parts[0][::-1] if called is builtins.reversed else list(zip(*parts))
        found = self.iterated(node)
        if not isinstance(found.count, ir.Const) or type(found.count.value) is not int:
            self.refuse(
                node,
                f"how many items {ast.unparse(node)} has, beside functions, is not known while "
                "parsing",
                "Use a tuple.",
            )
        return [found.item(ir.Const(k)) for k in range(found.count.value)]

    def numbered(self, node: ast.Call) -> list[Bound]:
        start = [*node.args[1:], *(k.value for k in node.keywords if k.arg == "start")]
        first = self.atom(start[0]) if start else ir.Const(0)
        if not isinstance(first, ir.Const) or type(first.value) is not int:
            self.refuse(node, "enumerate() of functions from a start that is computed")
        items = self.items_of(node.args[0])
        return [(ir.Const(k), item) for k, item in enumerate(items, first.value)]

    def listed(self, node: ast.Tuple | ast.List) -> Iterator[Bound]:
        for part in node.elts:
            if isinstance(part, ast.Starred):
                yield from self.starred_items(part)
            elif self._is_function(part):
                yield self.argument(part)
            elif isinstance(part, ast.Tuple | ast.List) and self.has_functions(part):
                yield tuple(self.listed(part))
            else:
                yield self.item_value(part)

    def item_of(self, value: object, node: ast.expr) -> Bound:
        """An item of a tuple from outside."""
        if callable(value):
            return Static(value)
        if isinstance(value, tuple) and _holds_functions(value):
            return tuple(self.item_of(part, node) for part in value)
        return self.constant(value, node)

    # ------------------------------------------------------------ targets

    def bind_item(self, target: ast.expr, item: Bound, node: ast.For) -> None:
        if isinstance(item, ir.MakeTuple) and isinstance(target, ast.Tuple | ast.List):
            item = item.items
        if isinstance(item, tuple):
            self.bind_items(target, item, node)
        elif isinstance(item, Static) and callable(item.value):
            if not isinstance(target, ast.Name):
                self.refuse(target, "a function as an item of an array")
            if self.only_in_loops(target.id):
                self.known[target.id] = item
                self.functions.add(target.id)
            else:
                self.name_function(target.id, item, node)
        else:
            value = self.constant(item.value, target) if isinstance(item, Static) else item
            self.forget_functions(target, node)
            self.take(target, value, node)

    def forget_functions(self, target: ast.expr, node: ast.For) -> None:
        """A loop's target is no function any more."""
        for name in flat_names(target):
            if name in self.functions and not self.only_in_loops(name):
                self.unname_function(name, node)
            elif name in self.functions:
                self.functions.discard(name)
                self.known.pop(name, None)

    def only_in_loops(self, name: str) -> bool:
        """Whether a name is read only in loops and comprehensions that assign it."""
        inside: set[ast.AST] = set()
        for part in ast.walk(self.source.node):
            match part:
                case ast.For(target, _, body):
                    parts = [target, *body] if name in flat_names(target) else []
                case ast.ListComp(_, generators) | ast.GeneratorExp(_, generators):
                    own = any(name in flat_names(one.target) for one in generators)
                    parts = [part] if own else []
                case _:
                    continue
            inside.update(inner for top in parts for inner in ast.walk(top))
        return not any(
            getattr(part, "id", getattr(part, "name", "")) == name and part not in inside
            for part in ast.walk(self.source.node)
            if isinstance(part, ast.Name | ast.FunctionDef)
        )

    def bind_items(self, target: ast.expr, items: Sequence[Bound], node: ast.For) -> None:
        if not isinstance(target, ast.Tuple | ast.List):
            self.refuse(target, "a tuple with functions in it as one value", "Unpack it here.")
        if len(target.elts) != len(items):
            self.refuse(target, f"{len(items)} values for {len(target.elts)} targets")
        for part, item in zip(target.elts, items):
            self.bind_item(part, item, node)


def _holds_functions(value: object) -> bool:
    if isinstance(value, Pack):
        return True
    return isinstance(value, tuple | list) and any(
        callable(part) or _holds_functions(part) for part in value
    )
