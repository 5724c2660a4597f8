"""Items of tuples, NamedTuples and dicts with literal keys, when types are known (resolve.py)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import NoReturn

from numba.core import types as nt

from adcompile.errors import Loc, UnsupportedError
from adcompile.ir import nodes as ir
from adcompile.makers import keys_of

Types = dict[ir.Var, nt.Type]


class Items:
    def __init__(self, types: Types) -> None:
        self.types = types
        self.loc = Loc("", 0)
        self.before: list[ir.Stmt] = []  # what must stand in front of the current statement
        self.in_condition = False  # of a while, in front of which nothing can stand

    def refuse(self, message: str, advice: str = "") -> NoReturn:
        raise UnsupportedError(message, self.loc, advice)

    @abstractmethod
    def expr(self, expr: ir.Expr) -> ir.Expr:
        """``expr`` with its subscripts and attributes resolved."""

    @abstractmethod
    def assign(self, stmt: ir.Assign) -> ir.Stmt:
        """The same of an assignment."""

    def is_tuple(self, var: ir.Var) -> bool:
        return isinstance(self.types.get(var), nt.BaseTuple)

    def item(self, base: ir.Expr, whole: nt.BaseTuple, index: tuple[ir.Index, ...]) -> ir.Expr:
        """``base[index]`` for a tuple, whose items may be tuples or arrays."""
        kinds = list(whole)
        got: ir.Expr
        if isinstance(index[0], ir.Slice) and len(index) == 1:
            return self.part(base, whole, index[0])
        known = self.place(whole, index[0])
        if known is None:
            every = [ir.TupleGet(base, k) for k in range(len(kinds))]
            got, kind = self.chosen(every, kinds, index[0]), kinds[0]
        else:
            got, kind = ir.TupleGet(base, known), kinds[known]
        if len(index) == 1:
            return got
        if isinstance(kind, nt.BaseTuple):
            return self.item(got, kind, index[1:])
        named = got if isinstance(got, ir.Var) else self.early(got, kind)
        return self.expr(ir.Subscript(named, index[1:]))

    def part(self, base: ir.Expr, whole: nt.BaseTuple, cut: ir.Slice) -> ir.Expr:
        """``base[1:3]`` of a tuple, between literals."""
        ends = [
            None if e is None else self.constant_item(e) for e in (cut.start, cut.stop, cut.step)
        ]
        places = range(len(whole))[slice(*ends)]
        return ir.MakeTuple(tuple(ir.TupleGet(base, k) for k in places))

    def early(self, expr: ir.Expr, kind: nt.Type) -> ir.Var:
        """A name for a part of a tuple, where a variable must stand."""
        if self.in_condition:
            self.refuse(
                "an array out of a tuple in the condition of a while loop",
                "Give it a name before the loop.",
            )
        var = ir.Var("t", temp=True)
        self.types[var] = kind
        self.before.append(ir.Assign(var, expr, loc=self.loc))
        return var

    def place(self, whole: nt.BaseTuple, index: ir.Index) -> int | None:
        """Which item of a tuple, or of a dict with literal keys; None if known at run time only."""
        cls = whole.instance_class if isinstance(whole, nt.BaseNamedTuple) else tuple
        keys = keys_of(cls)
        if keys is not None:
            if isinstance(index, ir.Const) and index.value in keys:
                return keys.index(str(index.value))
            self.refuse("a key of a dict must be a literal", f"It has {', '.join(keys)}.")
        match index:
            case ir.Const(value=int()) | ir.Unary("-", ir.Const(value=int())):
                item = self.constant_item(index)
                if not -len(whole) <= item < len(whole):
                    self.refuse(f"a tuple of {len(whole)} has no item {item}")
                return item % len(whole)
            case _:
                return None

    def chosen(self, items: Sequence[ir.Expr], kinds: Sequence[nt.Type], place: ir.Index) -> ir.Var:
        """The item of a tuple whose subscript is known at run time only, by comparison."""
        if not items or self.in_condition or len(set(kinds)) > 1 or isinstance(place, ir.Slice):
            self.constant_item(place)
        assert not isinstance(place, ir.Slice)
        where = self.expr(place)
        if not isinstance(where, ir.Var):
            named = ir.Var("t", temp=True)
            self.types[named] = nt.int64
            self.before.append(ir.Assign(named, where, loc=self.loc))
            where = named
        text = ir.Const("tuple index out of range")
        error = ir.Raise("IndexError", (text,), self.loc)
        size = ir.Const(len(items))
        below = ir.Compare("<", where, ir.Unary("-", size))
        outside = ir.Logic("or", below, ir.Compare(">=", where, size))
        self.before.append(ir.If(outside, (error,), (), loc=self.loc))
        chain: list[ir.Stmt] = []
        last: ir.Var | None = None
        for n in reversed(range(len(items))):
            one = ir.Var("t", temp=True)
            self.types[one] = kinds[n]
            read = self.assign(ir.Assign(one, items[n], loc=self.loc))
            if last is None:
                chain, last = [read], one
                continue
            out = ir.Var("t", temp=True)
            self.types[out] = kinds[n]
            same = ir.Compare("==", where, ir.Const(n))
            hit = ir.Logic("or", same, ir.Compare("==", where, ir.Const(n - len(items))))
            joins = (ir.Join(out, one, last),)
            chain, last = [ir.If(hit, (read,), tuple(chain), joins, self.loc)], out
        self.before += chain
        assert last is not None
        return last

    def constant_item(self, index: ir.Index) -> int:
        match index:
            case ir.Const(value=int() as item):
                return item
            case ir.Unary("-", ir.Const(value=int() as item)):
                return -item
        self.refuse("a tuple's subscript must be a literal integer", "Use an array instead.")
