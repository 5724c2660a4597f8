"""Take tuples apart: a tuple variable becomes one variable per item (ssa, after types).

Afterwards tuples occur only as the shape in an Alloc and in the Return.  Parameters that are
tuples stay as they are and are unpacked at the top.
"""

from __future__ import annotations

from dataclasses import replace

from numba.core import types as nt

from adcompile.errors import Loc, UnsupportedError
from adcompile.ir import nodes as ir
from adcompile.ir.walk import map_children, map_stmt_exprs
from adcompile.makers import maker_of

Types = dict[ir.Var, nt.Type]


def split_tuples(fn: ir.Function, types: Types, again: bool = False) -> ir.Function:
    """``fn`` without tuple variables; new variables are entered in ``types``.  ``again``: the
    parameters have been unpacked, and arrays/ has made tuples since."""
    splitter = _Splitter(types)
    head: list[ir.Stmt] = []
    for param in () if again else fn.params:
        splitter.unpack_param(param, head)
    return replace(fn, body=(*head, *splitter.block(fn.body)))


class _Splitter:
    def __init__(self, types: Types) -> None:
        self.types = types
        self.parts: dict[ir.Var, tuple[ir.Var, ...]] = {}

    def is_tuple(self, var: ir.Var) -> bool:
        return isinstance(self.types.get(var), nt.BaseTuple)

    def declare(self, var: ir.Var) -> tuple[ir.Var, ...]:
        """Make the item variables of a tuple variable."""
        kind = self.types[var]
        assert isinstance(kind, nt.BaseTuple)
        items: list[ir.Var] = []
        fields = kind.fields if isinstance(kind, nt.BaseNamedTuple) else range(len(kind))
        for name, item_type in zip(fields, kind, strict=True):
            item = ir.Var(f"{var.name}_{name}", var.temp)
            self.types[item] = item_type
            if isinstance(item_type, nt.BaseTuple):
                self.declare(item)
            items.append(item)
        self.parts[var] = tuple(items)
        return self.parts[var]

    def unpack_param(self, var: ir.Var, out: list[ir.Stmt]) -> None:
        if not self.is_tuple(var):
            return
        for k, item in enumerate(self.declare(var)):
            out.append(ir.Assign(item, ir.TupleGet(var, k)))
            self.unpack_param_item(item, out)

    def unpack_param_item(self, var: ir.Var, out: list[ir.Stmt]) -> None:
        for k, item in enumerate(self.parts.get(var, ())):
            out.append(ir.Assign(item, ir.TupleGet(var, k)))
            self.unpack_param_item(item, out)

    # ------------------------------------------------------------ statements

    def block(self, block: ir.Block) -> ir.Block:
        return tuple(new for stmt in block for new in self.stmt(stmt))

    def stmt(self, stmt: ir.Stmt) -> list[ir.Stmt]:
        match stmt:
            case ir.Assign() if self.is_tuple(stmt.target):
                out: list[ir.Stmt] = []
                self.bind(stmt.target, self.expr(stmt.value), stmt.loc, out)
                return out
            case ir.Call((target,)) if self.is_tuple(target):
                return [self.call(stmt, target)]
            case ir.Custom((target,)):
                return [self.custom(stmt, target)]
            case ir.If():
                then, orelse = self.block(stmt.then), self.block(stmt.orelse)
                joins = [new for join in stmt.joins for new in self.join(join, stmt.loc)]
                cond = self.expr(stmt.cond)
                return [replace(stmt, cond=cond, then=then, orelse=orelse, joins=tuple(joins))]
            case ir.For() | ir.While():
                carried = [new for c in stmt.carried for new in self.carry(c, stmt.loc)]
                new = map_stmt_exprs(self.expr, stmt)
                assert isinstance(new, ir.For | ir.While)
                body = self.block(stmt.body)
                done = [self.settle(c) for c in carried]
                return [replace(new, body=body, carried=tuple(done))]
            case ir.Assign(target, ir.TupleGet()) if isinstance(self.types.get(target), nt.Array):
                value = self.expr(stmt.value)
                if isinstance(value, ir.TupleGet):  # out of a parameter
                    return [replace(stmt, value=value)]
                assert isinstance(value, ir.Var)
                self.types[target] = self.types[value]
                return [ir.View(target, value, (), stmt.loc)]
            case _:
                return [map_stmt_exprs(self.expr, stmt)]

    def bind(self, target: ir.Var, value: ir.Expr, loc: Loc, out: list[ir.Stmt]) -> None:
        if isinstance(value, ir.Var):
            self.parts[target] = self.items(value, loc)
            return
        items = self.declare(target)
        if not isinstance(value, ir.MakeTuple):  # a function of arrays that makes several
            out.append(ir.Assign(target, value, loc=loc))
            for k, item in enumerate(items):
                self.take(item, ir.TupleGet(target, k), loc, out)
            return
        for item, part in zip(items, value.items, strict=True):
            if self.is_tuple(item):
                self.bind(item, part, loc, out)
            elif isinstance(self.types[item], nt.Array):
                assert isinstance(part, ir.Var)
                self.types[item] = self.types[part]
                out.append(ir.View(item, part, (), loc))
            else:
                out.append(ir.Assign(item, part, loc=loc))

    def take(self, item: ir.Var, value: ir.Expr, loc: Loc, out: list[ir.Stmt]) -> None:
        out.append(ir.Assign(item, value, loc=loc))
        for k, inner in enumerate(self.parts.get(item, ())):
            self.take(inner, ir.TupleGet(item, k), loc, out)

    def call(self, stmt: ir.Call, target: ir.Var) -> ir.Stmt:
        items = self.declare(target)
        if any(map(self.is_tuple, items)) or len(items) < 2:
            raise UnsupportedError(
                "a function that returns tuples in a tuple, or one item", stmt.loc, "Flatten it."
            )
        called = map_stmt_exprs(self.expr, stmt)
        assert isinstance(called, ir.Call)
        return replace(called, targets=items)

    def custom(self, stmt: ir.Custom, target: ir.Var) -> ir.Stmt:
        made = map_stmt_exprs(self.expr, stmt)
        assert isinstance(made, ir.Custom)
        if any(isinstance(arg, ir.MakeTuple) for arg in made.args if made.rule):
            raise UnsupportedError(
                "a tuple as an argument of a function with custom_vjp", stmt.loc, "Pass its items."
            )
        if not self.is_tuple(target):
            return made
        items = self.declare(target)
        if any(map(self.is_tuple, items)):
            raise UnsupportedError(
                "a function with a custom rule that returns tuples in a tuple", stmt.loc
            )
        (value,) = made.values
        args = made.args if made.rule else self.several(made.args[0], len(items), stmt.loc)
        values = self.several(value, len(items), stmt.loc)
        for item, one in zip(items, values, strict=True):
            if isinstance(one, ir.Var):
                self.types[item] = self.types[one]
        return replace(made, targets=items, values=values, args=args, single=False)

    def several(self, expr: ir.Expr, count: int, loc: Loc) -> tuple[ir.Expr, ...]:
        if not isinstance(expr, ir.MakeTuple) or len(expr.items) != count:
            raise UnsupportedError(
                "a custom rule whose tangent has another structure than the result", loc
            )
        return expr.items

    def items(self, var: ir.Var, loc: Loc | None = None) -> tuple[ir.Var, ...]:
        if var not in self.parts:
            raise UnsupportedError(
                f"the tuple {var.name!r} cannot be taken apart",
                loc,
                "Give it a value before the loops in which it is set.",
            )
        return self.parts[var]

    def join(self, join: ir.Join, loc: Loc) -> list[ir.Join]:
        if not self.is_tuple(join.out):
            return [join]
        new: list[ir.Join] = []
        for k, item in enumerate(self.declare(join.out)):
            then = None if join.then is None else self.items(join.then, loc)[k]
            orelse = None if join.orelse is None else self.items(join.orelse, loc)[k]
            new += self.join(ir.Join(item, then, orelse), loc)
        return new

    def carry(self, c: ir.Carried, loc: Loc) -> list[ir.Carried]:
        """Before the body: heads, inits and outs; ``next`` is settled after it."""
        if not self.is_tuple(c.head):
            return [c]
        new: list[ir.Carried] = []
        heads, outs = self.declare(c.head), self.declare(c.out)
        for k, (head, out) in enumerate(zip(heads, outs, strict=True)):
            init = None if c.init is None else self.items(c.init, loc)[k]
            marker = ir.Var(f"{c.next.name}_{k}")
            self.types[marker] = self.types[head]
            self.pending[marker] = (c.next, k)
            new += self.carry(ir.Carried(head, init, marker, out), loc)
        return new

    def settle(self, c: ir.Carried) -> ir.Carried:
        return replace(c, next=self.real(c.next))

    def real(self, var: ir.Var) -> ir.Var:
        if var in self.pending:
            whole, k = self.pending[var]
            return self.items(self.real(whole))[k]
        return var

    @property
    def pending(self) -> dict[ir.Var, tuple[ir.Var, int]]:
        if not hasattr(self, "_pending"):
            self._pending: dict[ir.Var, tuple[ir.Var, int]] = {}
        return self._pending

    # ------------------------------------------------------------ expressions

    def expr(self, expr: ir.Expr) -> ir.Expr:
        expr = map_children(self.expr, expr)
        match expr:
            case ir.TupleGet(ir.MakeTuple(items), k):
                return items[k]
            case ir.TupleGet(ir.Var() as var, k):
                if var in self.parts:
                    return self.parts[var][k]
                return expr
            case ir.Var() if expr in self.parts:
                items = tuple(self.expr(p) for p in self.parts[expr])
                return ir.MakeTuple(items, maker_of(self.types[expr]))
            case _:
                return expr
