"""The arrays and the count that stand for a list (lists.py)."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import NoReturn

from numba.core import types as nt

from adcompile.errors import UnsupportedError
from adcompile.ir import nodes as ir
from adcompile.ir.walk import statements
from adcompile.makers import maker_of
from adcompile.normalise.capacity import Places

Types = dict[ir.Var, nt.Type]
MAKE = "list.make"
ZERO, ONE = ir.Const(0), ir.Const(1)
LENGTHS = ("list.append", "list.extend", "list.insert", "list.pop", "list.clear")
ROWS = "Allocate an array, np.empty((n, ...)), and assign its rows."


@dataclass(frozen=True)
class Stored:
    """The arrays that hold a list's items, by number of the leaf, and how many items there are."""

    kind: nt.Type
    arrays: tuple[ir.Var, ...]
    count: ir.Var


class Storage:
    def __init__(self, fn: ir.Function, body: ir.Block, lists: Types, types: Types) -> None:
        self.fn, self.kinds, self.types, self.body = fn, lists, types, body
        self.places = Places.of(body)
        self.stored: dict[ir.Var, Stored] = {}
        self.out: list[ir.Stmt] = []
        self.loc = fn.loc
        calls = [s for s in statements(body) if isinstance(s, ir.Call) and s.fn in LENGTHS]
        self.changed = dict.fromkeys(s.args[0] for s in calls if s.args[0] in lists)
        for s in statements(body):  # l += [x] is seen under all names of l
            if isinstance(s, ir.Assign) and s.inplace and s.target in lists:
                self.changed[s.target] = None
        shortening = (s for s in calls if s.fn in ("list.pop", "list.clear"))
        self.shortened = {s.args[0] for s in shortening}
        self.growing = self.find_growing(body)
        self.lengths: dict[ir.Var, int] = {}  # known here

    def refuse(self, message: str, advice: str = "") -> NoReturn:
        raise UnsupportedError(message, self.loc, advice)

    @abstractmethod
    def expr(self, expr: ir.Expr) -> ir.Expr:
        """``expr`` without lists (lists.py)."""

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
            self.stored[var] = self.storage(var, var.name)
        return self.stored[var]

    def storage(self, var: ir.Var, name: str) -> Stored:
        kind = self.kinds[var].dtype
        if not is_stored(kind):
            names = {nt.Array: "arrays", nt.List: "lists", nt.ListType: "lists"}
            shown = names.get(type(kind), f"{kind}")
            self.refuse(f"a list of {shown} that grows or is written to", ROWS)
        number = len(leaves_of(kind))
        wishes = [name] if number == 1 else [f"{name}_{k}" for k in range(number)]
        arrays = tuple(ir.Var(one, var.temp) for one in wishes)
        return Stored(kind, arrays, ir.Var(f"{var.name}_count", var.temp))

    def emit(self, stmt: ir.Stmt) -> None:
        self.out.append(stmt)

    def assign(self, target: ir.Var, value: ir.Expr) -> None:
        self.emit(ir.Assign(target, value, loc=self.loc))

    def temp(self, value: ir.Expr) -> ir.Var:
        var = ir.Var("t", temp=True)
        self.assign(var, value)
        return var

    def allocate(self, made: Stored, room: ir.Expr) -> None:
        for array, kind in zip(made.arrays, leaves_of(made.kind), strict=True):
            dtype = "np.bool_" if isinstance(kind, nt.Boolean) else f"np.{kind}"
            shape = ir.MakeTuple((room,))
            self.emit(
                ir.Alloc(array, "np.empty", (shape,), (("dtype", ir.Const(dtype)),), self.loc)
            )

    def put(self, made: Stored, place: ir.Expr, item: ir.Expr) -> None:
        for array, leaf in zip(made.arrays, self.leaves(made, item), strict=True):
            self.emit(ir.Store(array, (place,), leaf, self.loc))

    def leaves(self, made: Stored, item: ir.Expr) -> list[ir.Expr]:
        values = [self.expr(leaf) for leaf in items_of(item, made.kind)]
        return [v if isinstance(v, ir.Var | ir.Const) else self.temp(v) for v in values]

    def copied(self, target: ir.Var, to: ir.Expr, source: ir.Var, place: ir.Expr) -> ir.Block:
        """``target[to] = source[place]``"""
        item = ir.Var("t", temp=True)
        read = ir.Assign(item, ir.Subscript(source, (place,)), loc=self.loc)
        return read, ir.Store(target, (to,), item, self.loc)

    def grow(self, made: Stored) -> None:
        """Room for one more."""
        full = ir.Compare(">=", made.count, ir.Attribute(made.arrays[0], "len"))
        outer, self.out = self.out, []
        for array, kind in zip(made.arrays, leaves_of(made.kind), strict=True):
            dtype = "np.bool_" if isinstance(kind, nt.Boolean) else f"np.{kind}"
            size = ir.Binary("+", ir.Binary("*", ir.Const(2), made.count), ir.Const(8))
            larger = ir.Var("larger", temp=True)
            shape = ir.MakeTuple((size,))
            keyword = (("dtype", ir.Const(dtype)),)
            self.emit(ir.Alloc(larger, "np.empty", (shape,), keyword, self.loc))
            k = ir.Var("k", temp=True)
            self.emit(ir.For(k, ZERO, made.count, ONE, self.copied(larger, k, array, k)))
            self.assign(array, larger)
        inner, self.out = tuple(self.out), outer
        self.emit(ir.If(full, inner, (), loc=self.loc))


def is_stored(kind: nt.Type) -> bool:
    """Whether lists of such items are arrays."""
    if isinstance(kind, nt.BaseTuple):
        return len(kind) > 0 and all(map(is_stored, kind))
    return isinstance(kind, nt.Number | nt.Boolean)


def leaves_of(kind: nt.Type) -> list[nt.Type]:
    if isinstance(kind, nt.BaseTuple):
        return [leaf for part in kind for leaf in leaves_of(part)]
    return [kind]


def items_of(item: ir.Expr, kind: nt.Type) -> list[ir.Expr]:
    """The leaves of an item, as expressions."""
    if isinstance(kind, nt.BaseTuple):
        parts = [ir.TupleGet(item, k) for k in range(len(kind))]
        return [leaf for k, part in enumerate(kind) for leaf in items_of(parts[k], part)]
    return [item]


def rebuilt(kind: nt.Type, leaves: list[ir.Subscript]) -> ir.Expr:
    """An item from its leaves."""
    rest: list[ir.Expr] = list(leaves)

    def made(part: nt.Type) -> ir.Expr:
        if isinstance(part, nt.BaseTuple):
            return ir.MakeTuple(tuple(made(inner) for inner in part), maker_of(part))
        return rest.pop(0)

    return made(kind)
