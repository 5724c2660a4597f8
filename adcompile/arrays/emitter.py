"""Makes statements in ssa, and knows the types of what they define."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from numba.core import types as nt

from adcompile.errors import NOWHERE, Loc
from adcompile.ir import nodes as ir

Types: TypeAlias = dict[ir.Var, nt.Type]
Index: TypeAlias = tuple[ir.Expr, ...]
Options: TypeAlias = tuple[tuple[str, ir.Expr], ...]  # keyword arguments

ZERO, ONE = ir.Const(0), ir.Const(1)
INDEX_NAMES = ("i", "j", "k", "l", "m", "n")


@dataclass(frozen=True)
class Running:
    """A value that a loop hands from iteration to iteration."""

    wish: str
    init: ir.Expr
    kind: nt.Type


class Emitter:
    """Appends to ``out``."""

    def __init__(self, types: Types, loc: Loc = NOWHERE) -> None:
        self.types, self.loc = types, loc
        self.out: list[ir.Stmt] = []

    def inner(self) -> Emitter:
        return Emitter(self.types, self.loc)

    # ------------------------------------------------------------ values

    def var(self, wish: str, kind: nt.Type, temp: bool = True) -> ir.Var:
        made = ir.Var(wish, temp)
        self.types[made] = kind
        return made

    def name(self, value: ir.Expr, kind: nt.Type, wish: str = "t") -> ir.Expr:
        """An atom with this value."""
        if isinstance(value, ir.Var | ir.Const):
            return value
        return self.named(value, kind, wish)

    def named(self, value: ir.Expr, kind: nt.Type, wish: str = "t") -> ir.Var:
        """A new variable with this value."""
        made = self.var(wish, kind)
        self.out.append(ir.Assign(made, value, loc=self.loc))
        return made

    def load(self, array: ir.Var, index: Index) -> ir.Expr:
        kind = self.types[array]
        assert isinstance(kind, nt.Array)
        return self.named(ir.Load(array, index), kind.dtype)

    def store(self, array: ir.Var, index: Index, value: ir.Expr) -> None:
        self.out.append(ir.Store(array, index, value, self.loc))

    def write(self, array: ir.Var, index: Index, value: ir.Expr, op: str) -> None:
        """``array[index] = value``, or += or -= by ``op``."""
        if op == "=":
            self.store(array, index, value)
        else:
            self.out.append(ir.Accumulate(array, index, value, op, self.loc))

    def defines(self, var: ir.Var) -> bool:
        """Whether the last statement but comments gives ``var`` its value."""
        return bool(self.out) and isinstance(self.out[-1], ir.Assign) and self.out[-1].target is var

    def rename(self, var: ir.Var, wish: str, temp: bool) -> ir.Var:
        """Another name for what the last statement defines."""
        last = self.out[-1]
        assert isinstance(last, ir.Assign) and last.target is var
        made = self.var(wish, self.types[var], temp)
        self.out[-1] = replace(last, target=made)
        return made

    def integer(self, op: str, a: ir.Expr, b: ir.Expr, wish: str = "t") -> ir.Expr:
        """``a op b`` for sizes and subscripts, with what is trivial left out."""
        match op, a, b:
            case "+", _, ir.Const(0):
                return a
            case "+", ir.Const(0), _:
                return b
            case "-", _, ir.Const(0):
                return a
            case "*", ir.Const(1), _:
                return b
            case "*" | "//", _, ir.Const(1):
                return a
            case _, ir.Const(int() as x), ir.Const(int() as y):
                results = {"+": x + y, "-": x - y, "*": x * y}
                if op in results:
                    return ir.Const(results[op])
            case _:
                pass
        return ir.Binary(op, a, b)

    # ------------------------------------------------------------ arrays

    def alloc(
        self, dims: Sequence[ir.Expr], dtype: nt.Type, fn: str = "np.empty", wish: str = "t"
    ) -> ir.Var:
        made = self.var(wish, array_type(dtype, len(dims)))
        self.allocate(made, dims, fn)
        return made

    def allocate(self, target: ir.Var, dims: Sequence[ir.Expr], fn: str = "np.empty") -> None:
        kind = self.types[target]
        assert isinstance(kind, nt.Array)
        shape = dims[0] if len(dims) == 1 else ir.MakeTuple(tuple(dims))
        dtype = dtype_constant(kind.dtype)
        self.out.append(ir.Alloc(target, fn, (shape, dtype), loc=self.loc))

    # ------------------------------------------------------------ control

    def loop(
        self,
        count: ir.Expr,
        body: Callable[[Emitter, ir.Var, tuple[ir.Var, ...]], Sequence[ir.Expr]],
        running: Sequence[Running] = (),
        start: ir.Expr = ZERO,
        wish: str = "i",
    ) -> tuple[ir.Var, ...]:
        """``for i in range(start, count)``.  ``body`` is given an emitter, the loop variable and
        the running values, and returns the next ones; the last ones are returned here."""
        var = self.var(wish, nt.int64, temp=False)
        heads = tuple(self.running(r) for r in running)
        inner = self.inner()
        nexts = body(inner, var, heads)
        carried: list[ir.Carried] = []
        for r, head, value in zip(running, heads, nexts, strict=True):
            init = self.as_var(r.init, r.kind, r.wish)
            following = inner.as_var(value, r.kind, r.wish)
            carried.append(ir.Carried(head, init, following, self.running(r)))
        self.out.append(
            ir.For(var, start, count, ONE, tuple(inner.out), None, tuple(carried), self.loc)
        )
        return tuple(c.out for c in carried)

    def as_var(self, value: ir.Expr, kind: nt.Type, wish: str) -> ir.Var:
        if isinstance(value, ir.Var):
            return value
        made = self.var(wish, kind, temp=wish == "t")
        self.out.append(ir.Assign(made, value, loc=self.loc))
        return made

    def running(self, r: Running) -> ir.Var:
        return self.var(r.wish, r.kind, temp=r.wish == "t")

    def loops(
        self,
        dims: Sequence[ir.Expr],
        body: Callable[[Emitter, Index, tuple[ir.Var, ...]], Sequence[ir.Expr]],
        running: Sequence[Running] = (),
        index: Index = (),
    ) -> tuple[ir.Var, ...]:
        """A nest of loops over all subscripts below ``dims``, the last quickest."""
        if not dims:
            heads = tuple(self.as_var(r.init, r.kind, r.wish) for r in running)
            nexts = body(self, index, heads)
            return tuple(
                self.as_var(n, r.kind, r.wish) for n, r in zip(nexts, running, strict=True)
            )

        def inside(inner: Emitter, var: ir.Var, heads: tuple[ir.Var, ...]) -> Sequence[ir.Expr]:
            handed = [Running(r.wish, h, r.kind) for r, h in zip(running, heads, strict=True)]
            return inner.loops(dims[1:], body, handed, (*index, var))

        return self.loop(dims[0], inside, running, wish=INDEX_NAMES[len(index) % 6])

    def counted_if(self, cond: ir.Expr, inner: Emitter, place: ir.Var) -> ir.Var:
        """``if cond:`` what ``inner`` has made, and ``place + 1``; the place that follows."""
        kind = self.types[place]
        following = inner.named(ir.Binary("+", place, ONE), kind, place.name)
        out = self.var(place.name, kind, temp=False)
        join = ir.Join(out, following, place)
        self.out.append(ir.If(cond, tuple(inner.out), (), (join,), self.loc))
        return out

    def value_if(
        self, cond: ir.Expr, body: Callable[[Emitter], ir.Expr], other: ir.Expr, kind: nt.Type
    ) -> ir.Var:
        """What ``body`` computes where ``cond`` holds, else ``other``: without what it reads."""
        inner = self.inner()
        value = inner.as_var(body(inner), kind, "t")
        out = self.var("t", kind)
        join = ir.Join(out, value, self.named(other, kind))
        self.out.append(ir.If(cond, tuple(inner.out), (), (join,), self.loc))
        return out

    def fail_if(self, cond: ir.Expr, exception: str, message: str) -> None:
        fail = ir.Raise(exception, (ir.Const(message),), self.loc)
        self.out.append(ir.If(cond, (fail,), (), loc=self.loc))


def array_type(dtype: nt.Type, rank: int) -> nt.Array:
    return nt.Array(dtype, rank, "C")


def dtype_constant(dtype: nt.Type) -> ir.Const:
    return ir.Const("np.bool_" if isinstance(dtype, nt.Boolean) else f"np.{dtype}")
