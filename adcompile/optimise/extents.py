"""Which sizes are equal: by definition, or because the program has raised where they differ."""

from __future__ import annotations

from numba.core import types as nt

from adcompile.analysis.scope import Scopes
from adcompile.ir import nodes as ir
from adcompile.ir.walk import map_expr


class Extents:
    """Classes of equal integer expressions, for a function in ssa."""

    def __init__(
        self,
        fn: ir.Function,
        types: dict[ir.Var, nt.Type],
        scopes: Scopes,
        shapes: dict[ir.Var, tuple[ir.Expr, ...]],
    ) -> None:
        self.types, self.scopes, self.shapes = types, scopes, shapes
        self.leaders: dict[ir.Expr, ir.Expr] = {}
        for stmt in fn.body:
            match stmt:
                case ir.If(cond, (ir.Raise(),), ()):
                    cond = self._value(cond)
                    if isinstance(cond, ir.Compare) and cond.op == "!=":
                        a, b = self._leader(cond.a), self._leader(cond.b)
                        self.leaders[a] = b
                case _:
                    pass

    def same(self, a: ir.Expr, b: ir.Expr) -> bool:
        return self._leader(a) == self._leader(b)

    def is_product(self, size: ir.Expr, factors: tuple[ir.Expr, ...]) -> bool:
        """Whether ``size`` is the product of ``factors``."""
        rest = self._factors(size)
        for factor in (f for one in factors for f in self._factors(one)):
            if factor not in rest:
                return False
            rest.remove(factor)
        return not rest

    def _factors(self, expr: ir.Expr) -> list[ir.Expr]:
        expr = self._leader(expr)
        match expr:
            case ir.Const(1):
                return []
            case ir.Binary("*", a, b):
                return [*self._factors(a), *self._factors(b)]
            case ir.Var() if (inner := self.defined(expr)) != expr:
                return self._factors(inner)
            case _:
                return [expr]

    def defined(self, expr: ir.Expr) -> ir.Expr:
        """The value of a variable that is set to one once."""
        definition = self.scopes.defined_by.get(expr) if isinstance(expr, ir.Var) else None
        if isinstance(definition, ir.Assign) and definition.target is expr:
            return definition.value
        return expr

    def of(self, array: ir.Var, rank: int) -> tuple[ir.Expr, ...]:
        """The shape of an array."""
        return self.shapes.get(array) or tuple(ir.Dim(array, k) for k in range(rank))

    def _leader(self, expr: ir.Expr) -> ir.Expr:
        expr = map_expr(self._value, expr)
        while expr in self.leaders and self.leaders[expr] != expr:
            expr = self.leaders[expr]
        return expr

    def _value(self, expr: ir.Expr) -> ir.Expr:
        """What a variable stands for, and what the shape of a local array is."""
        match expr:
            case ir.Var():
                definition = self.scopes.defined_by.get(expr)
                if isinstance(definition, ir.Assign) and definition.target is expr:
                    if isinstance(definition.value, ir.Var | ir.Const | ir.Dim | ir.Compare):
                        return self._value(definition.value)
            case ir.Dim(array, axis) if array in self.shapes:
                return self._value(self.shapes[array][axis])
            case ir.Dim(array, axis):
                made = self._made(array, axis)
                return expr if made is None else self._value(made)
            case _:
                pass
        return expr

    def _made(self, array: ir.Var, axis: int) -> ir.Expr | None:
        """An extent of a local array, from the statement that makes it."""
        match self.scopes.defined_by.get(array):
            case ir.Alloc(_, "np.dot", (ir.Var() as a, ir.Var() as b)):
                first = self.types[a].ndim == 2 and axis == 0
                return ir.Dim(a, 0) if first else ir.Dim(b, self.types[b].ndim - 1)
            case ir.Alloc(_, "rt.dot_nt", (ir.Var() as a, ir.Var() as b)):
                return ir.Dim(b if axis else a, 0)
            case ir.Alloc(_, "rt.dot_tn", (ir.Var() as a, ir.Var() as b)):
                return ir.Dim(b if axis else a, 1)
            case ir.Alloc(_, "rt.stacked_nt", (ir.Var() as a, ir.Var() as b)):
                return ir.Dim(a, axis) if axis < 2 else ir.Dim(b, 1)
            case ir.Alloc(_, "rt.stacked_nn", (ir.Var() as a, ir.Var() as b)):
                return ir.Dim(a, axis) if axis < 2 else ir.Dim(b, 2)
            case ir.Alloc(_, "rt.reshaped", (_, ir.MakeTuple(items))):
                return items[axis]
            case ir.Alloc(_, "np.empty" | "np.zeros" | "np.ones" | "np.full", (shape, *_)):
                if isinstance(shape, ir.MakeTuple):
                    return shape.items[axis]
                return shape if self.types[array].ndim == 1 else None
            case ir.Alloc(_, fn, (ir.Var() as like, *_)) if fn.endswith("_like"):
                return ir.Dim(like, axis)
            case ir.Copy(_, source):
                return ir.Dim(source, axis)
            case _:
                return None
