"""Lists and dicts: displays, comprehensions, methods.  normalise/lists.py makes arrays of lists."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Sequence
from types import FunctionType

import numpy as np

from adcompile.frontend.conditions import Conditions
from adcompile.frontend.expressions import Container
from adcompile.frontend.ranks import rank_of
from adcompile.frontend.written_out import WRITTEN_OUT
from adcompile.ir import nodes as ir
from adcompile.makers import Maker

MAKE = "list.make"  # items -> a new list
METHODS = {"append": 1, "extend": 1, "clear": 0, "insert": 2, "reverse": 0}  # and their arguments
_SEARCHES = ("index", "count", "remove")
_CHANGES = ("append", "extend", "clear", "insert", "reverse", "pop", "remove")


class Lists(Conditions):
    def container(self, node: Container) -> ir.Expr:
        match node:
            case ast.List(elts):
                return self.display(self.atoms(elts))
            case ast.Dict():
                return self.dict(node)
            case _:
                return self.comprehension(node)

    def dict(self, node: ast.Dict) -> ir.Expr:
        names = [k.value if isinstance(k, ast.Constant) else None for k in node.keys]
        if not all(isinstance(name, str) for name in names):
            self.refuse(
                node,
                "a dict whose keys are not literal text is not supported",
                "Write the keys as literals, or use an array or a NamedTuple.",
            )
        return self.dict_of(dict(zip(map(str, names), self.atoms(node.values))))

    def display(self, items: tuple[ir.Expr, ...]) -> ir.Expr:
        return ir.Apply(MAKE, items)

    def comprehension(self, node: ast.ListComp | ast.GeneratorExp) -> ir.Expr:
        """``[f(v) for v in x if c]`` as a loop.  Its names are its own."""
        made = ir.Var("items", temp=True)
        name = f"<list {len(self.vars)}>"  # no name of the user's
        self.emit(ir.Assign(made, self.display(()), loc=self.loc(node)))
        owner = ast.Attribute(ast.Name(name, ast.Load()), "append", ast.Load())
        body: ast.stmt = ast.Expr(ast.Call(owner, [node.elt], []))
        for part in reversed(node.generators):
            if part.is_async:
                self.refuse(node, "an asynchronous comprehension")
            for test in reversed(part.ifs):
                body = ast.If(test, [body], [])
            body = ast.For(part.target, part.iter, [body], [])
        names = {
            inner.id
            for part in node.generators
            for inner in ast.walk(part.target)
            if isinstance(inner, ast.Name)
        }
        hidden = {own: self.vars.pop(own) for own in names if own in self.vars}
        known = {own: self.known.pop(own) for own in names if own in self.known}
        self.vars[name] = made
        self.vars.update({own: ir.Var("item", temp=True) for own in names if own[0] == "<"})
        self.items([ast.fix_missing_locations(ast.copy_location(body, node))])
        for own in names:
            self.vars.pop(own, None)
        self.vars.update(hidden)
        self.known.update(known)
        return made

    def list_call(self, node: ast.Call, func: object) -> ir.Expr | None:
        """``list(...)``, ``List(...)`` and ``List.empty_list(type)``; None for another call."""
        owner = getattr(func, "__self__", None)
        if is_typed_list(owner) and getattr(func, "__name__", "") == "empty_list":
            return self.display(())
        if func is builtins.sorted and {k.arg for k in node.keywords} <= {"reverse"}:
            return self.inline(node, WRITTEN_OUT["sorted"])
        if func is not builtins.list and not is_typed_list(func):
            return None
        if node.keywords or len(node.args) > 1:
            self.refuse(node, "list() with keywords or several arguments")
        if not node.args:
            return self.display(())
        (given,) = node.args
        if isinstance(given, ast.List | ast.ListComp | ast.GeneratorExp):
            return self.value(given)
        item = ast.Name("<item>", ast.Load())
        part = ast.comprehension(ast.Name("<item>", ast.Store()), given, [], 0)
        whole = ast.ListComp(item, [part])
        return self.comprehension(ast.fix_missing_locations(ast.copy_location(whole, node)))

    def list_method(self, node: ast.Call, base: ast.expr, name: str) -> ir.Expr | None:
        """A method that only lists have; None for another."""
        if node.keywords:
            return None
        if name == "pop":
            self.only_positional(node)
            taken = ir.Var("t", temp=True)
            args = (self.atom(base), *self.atoms(node.args[:1]))
            self.emit(ir.Call((taken,), "list.pop", args, self.loc(node)))
            return taken
        if name in _SEARCHES and len(node.args) == 1:
            call = ast.copy_location(ast.Call(node.func, [base, *node.args], []), node)
            return self.inline(call, WRITTEN_OUT[name])
        if name not in METHODS or len(node.args) != METHODS[name]:
            return None
        owner = self.atom(base)
        if not isinstance(owner, ir.Var):
            self.refuse(node, f"calls of the method .{name}() are not supported")
        given = self.atoms(node.args)
        self.emit(ir.Call((), f"list.{name}", (owner, *given), self.loc(node)))
        return ir.Const(None)

    def instance_of(self, node: ast.Call) -> ir.Expr:
        """``isinstance(x, np.ndarray)``, where the type of x is known."""
        outside, value = self.static(node.args[1]), self.atom(node.args[0])
        rank = rank_of(value, self.session.ranks, self.session.kinds)
        if rank is None or outside is None or outside.value is not np.ndarray:
            self.refuse(
                node,
                "isinstance is supported only for np.ndarray, of what is known while parsing",
                "Write two functions.",
            )
        return ir.Const(rank > 0)

    def make_named(self, node: ast.Call, cls: Maker) -> ir.Expr:
        """``Params(w, b=b)``."""
        fields: tuple[str, ...] = getattr(cls, "_fields")  # noqa: B009
        if len(node.args) > len(fields) or any(isinstance(a, ast.Starred) for a in node.args):
            self.refuse(node, f"{cls.__name__} is called with too many or starred arguments")
        given = dict(zip(fields, self.atoms(node.args)))
        for keyword in node.keywords:
            if keyword.arg not in fields or keyword.arg in given:
                self.refuse(node, f"{cls.__name__} cannot take the argument {keyword.arg}=")
            given[keyword.arg] = self.atom(keyword.value)
        defaults: dict[str, object] = getattr(cls, "_field_defaults")  # noqa: B009
        for name in fields:
            if name not in given:
                if name not in defaults:
                    self.refuse(node, f"{cls.__name__} is called without {name!r}")
                given[name] = self.temp(self.constant(defaults[name], node), node)
        return self.named_tuple(cls, tuple(given[name] for name in fields))

    def of_tuple(self, node: ast.Call, func: object) -> ir.Expr | None:
        """``sum(t)``, ``max(t)`` and ``min(t)`` of a tuple of numbers, or of a dict's values."""
        if func not in (builtins.sum, builtins.max, builtins.min) or node.keywords:
            return None
        items = self.values_of_dict(node.args[0])
        if items is None:
            if not isinstance(node.args[0], ast.Name) or self.static(node.args[0]) is not None:
                return None
            whole = self.atom(node.args[0])
            count = self.session.arity.get(whole, 0) if isinstance(whole, ir.Var) else 0
            items = [self.temp(ir.TupleGet(whole, k), node) for k in range(count)]
        if not items:
            return None
        done = items[0]
        for item in items[1:]:
            if func is builtins.sum:
                done = self.temp(ir.Binary("+", done, item), node)
            else:
                done = self.temp(ir.Apply(str(getattr(func, "__name__", "")), (done, item)), node)
        return done

    def asked_of(self, node: ast.expr) -> tuple[ast.expr | None, str]:
        """What may be a dict, and what is asked of it: its keys, values or items."""
        what = "keys"
        match node:
            case ast.Call(ast.Attribute(base, ("keys" | "values" | "items") as name), [], []):
                node, what = base, name
            case _:
                pass
        part = node
        while isinstance(part, ast.Subscript) and isinstance(part.slice, ast.Constant):
            if not isinstance(part.slice.value, str):
                return None, what
            part = part.value
        return (node if isinstance(part, ast.Name) else None), what

    def keys_of_dict(self, node: ast.expr) -> tuple[str, ...] | None:
        """The keys of the dict that stands there; None for anything else."""
        outside = self.static(node)
        if outside is not None:
            found = outside.value
            known = isinstance(found, dict) and all(isinstance(key, str) for key in found)
            return tuple(found) if isinstance(found, dict) and known else None
        return self.keys_known(self.atom(node))

    def values_of_dict(self, node: ast.expr) -> list[ir.Expr] | None:
        """Those of ``d.values()``; None for anything else."""
        base, what = self.asked_of(node)
        keys = self.keys_of_dict(base) if base is not None and what == "values" else None
        if base is None or keys is None:
            return None
        whole = self.atom(base)
        return [self.temp(ir.Subscript(whole, (ir.Const(key),)), node) for key in keys]

    def dict_call(self, node: ast.Call) -> ir.Expr:
        """``dict(a=x, b=y)``."""
        if node.args or any(k.arg is None for k in node.keywords):
            self.refuse(
                node, "dict() with positional arguments or **", "Write dict(a=x, b=y) or {...}."
            )
        return self.dict_of({str(k.arg): self.atom(k.value) for k in node.keywords})

    def check_unchanged(self, node: ast.For) -> None:
        """A list that changes its length while a loop runs over it is none we can follow."""
        over = {part.id for part in ast.walk(node.iter) if isinstance(part, ast.Name)}
        for part in (inner for stmt in node.body for inner in ast.walk(stmt)):
            match part:
                case ast.Call(ast.Attribute(ast.Name(id=name), method)) if name in over:
                    if method in _CHANGES:
                        self.refuse(
                            part,
                            f"{name!r} is changed while a loop runs over it",
                            "Loop over a copy, list(x), or over range(len(x)).",
                        )
                case _:
                    pass

    def items(self, items: Sequence[ast.stmt]) -> None:
        raise NotImplementedError  # statements.py

    def inline(self, node: ast.Call, func: FunctionType) -> ir.Expr:
        raise NotImplementedError  # arguments.py

    def only_positional(self, node: ast.Call, count: int | None = None) -> None:
        raise NotImplementedError  # array_calls.py


def is_typed_list(obj: object) -> bool:
    return getattr(obj, "__name__", "") == "List" and str(
        getattr(obj, "__module__", "")
    ).startswith("numba.typed")
