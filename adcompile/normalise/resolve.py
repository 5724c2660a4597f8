"""Give meaning to what only types decide: ``x[i]`` is a load, a view or a tuple's item.

Runs on ssa with the types that Numba inferred.  Afterwards there is no Subscript and no Attribute;
array variables are defined by Alloc, Copy, View, joins and carried, and by whole-array expressions,
which arrays/ turns into loops.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from numba.core import types as nt

from adcompile.ir import nodes as ir
from adcompile.ir.walk import children, map_children, map_stmt_exprs, subexpressions
from adcompile.makers import fields_of
from adcompile.normalise.decided import is_decidable, literal
from adcompile.normalise.items import Items

Types = dict[ir.Var, nt.Type]


def resolve(fn: ir.Function, types: Types) -> ir.Function:
    """``fn`` (ssa, untyped nodes) with every subscript and attribute resolved."""
    return replace(fn, body=_Resolver(types).block(fn.body))


class _Resolver(Items):
    def block(self, block: ir.Block) -> ir.Block:
        out: list[ir.Stmt] = []
        for stmt in block:
            self.loc = stmt.loc
            outer, self.before = self.before, []
            made = self.decided(stmt)
            made = (self.stmt(stmt),) if made is None else made
            out += [*self.before, *made]
            self.before = outer
        return tuple(out)

    def decided(self, stmt: ir.Stmt) -> ir.Block | None:
        """The branch of an ``if`` on literals, ``x.ndim == 1``; None for others.  Numba removes the
        other branch, and what it would define has no type then."""
        if not isinstance(stmt, ir.If) or not is_decidable(stmt.cond):
            return None
        known = literal(self.expr(stmt.cond))
        chosen = [(j.out, j.then if known else j.orelse) for j in stmt.joins]
        if known is None or any(source is None for _, source in chosen):
            return None
        joins: list[ir.Stmt] = []
        for out, source in chosen:
            assert source is not None
            if isinstance(self.types.get(out), nt.Array):
                joins.append(ir.View(out, source, (), stmt.loc))
            else:
                joins.append(ir.Assign(out, source, loc=stmt.loc))
        body = self.block(stmt.then if known else stmt.orelse)
        return (*body, *joins)

    def array(self, var: ir.Var) -> nt.Array | None:
        kind = self.types.get(var)
        return kind if isinstance(kind, nt.Array) else None

    def stmt(self, stmt: ir.Stmt) -> ir.Stmt:
        match stmt:
            case ir.Assign():
                return self.assign(stmt)
            case ir.Store():
                return self.store(stmt)
            case ir.Accumulate():
                added = replace(stmt, index=self.index(stmt.index), value=self.expr(stmt.value))
                if self.is_element(added.array, added.index):
                    self.scalar(added.value)
                return added
            case ir.If():
                new = self.operands(stmt)
                then, orelse = self.block(stmt.then), self.block(stmt.orelse)
                assert isinstance(new, ir.If)
                return replace(new, then=then, orelse=orelse)
            case ir.For() | ir.While():
                self.in_condition = isinstance(stmt, ir.While)
                new = self.operands(stmt)
                self.in_condition = False
                assert isinstance(new, ir.For | ir.While)
                return replace(new, body=self.block(stmt.body))
            case ir.Alloc() if stmt.fn.endswith(("full", "full_like")):
                new = self.operands(stmt)
                self.known_kind(stmt.target)
                return new
            case ir.Alloc() | ir.Copy() | ir.View():
                self.known_kind(stmt.target)
                return self.operands(stmt)
            case _:
                return self.operands(stmt)

    def known_kind(self, target: ir.Var) -> None:
        kind = self.array(target)
        if kind is None:
            self.refuse(f"{target.name!r} is not an array", "Only NumPy arrays can be copied here.")

    def operands(self, stmt: ir.Stmt) -> ir.Stmt:
        return map_stmt_exprs(self.expr, stmt)

    # ------------------------------------------------------------ statements

    def assign(self, stmt: ir.Assign) -> ir.Stmt:
        if isinstance(stmt.value, ir.TupleGet):
            stmt = replace(stmt, value=self.unpacked(stmt.value))
        kind = self.types.get(stmt.target)
        if isinstance(kind, nt.Array):
            value = stmt.value
            if isinstance(value, ir.Var):
                return ir.View(stmt.target, value, (), stmt.loc)
            if isinstance(value, ir.Subscript) and isinstance(value.base, ir.Var):
                if self.array(value.base) is not None:
                    index = self.index(value.index)
                    if self.is_plain(index):
                        return ir.View(stmt.target, value.base, index, stmt.loc)
                    return replace(stmt, value=ir.Subscript(value.base, index))
            new = self.expr(value)
            if isinstance(new, ir.Var):  # an item of a tuple, chosen at run time
                return ir.View(stmt.target, new, (), stmt.loc)
            return replace(stmt, value=new)
        return replace(stmt, value=self.expr(stmt.value))

    def unpacked(self, value: ir.TupleGet) -> ir.Expr:
        """One item of what ``u, v = base`` takes apart: a tuple, or an array along its first
        axis."""
        base, count = value.base, value.count
        kind = self.types.get(base) if isinstance(base, ir.Var) else None
        if isinstance(kind, nt.BaseTuple) and count not in (0, len(kind)):
            self.refuse(f"{len(kind)} values for {count} targets")
        if not isinstance(base, ir.Var) or not isinstance(kind, nt.Array):
            return value
        if value.item == 0 and count:
            wrong = ir.Compare("!=", ir.Dim(base, 0), ir.Const(count))
            text = ir.Const(f"the array is unpacked into {count} targets, and has another length")
            fail = ir.Raise("ValueError", (text,), self.loc)
            self.before.append(ir.If(wrong, (fail,), (), loc=self.loc))
        return ir.Subscript(base, (ir.Const(value.item),))

    def store(self, stmt: ir.Store) -> ir.Stmt:
        if self.array(stmt.array) is None:
            self.refuse(f"{stmt.array.name!r} is not an array: its items cannot be assigned")
        index = self.index(stmt.index)
        value = self.expr(stmt.value)
        if not self.is_plain(index):
            return ir.Store(stmt.array, index, value, stmt.loc)
        if self.is_element(stmt.array, index):
            self.scalar(value)
            return ir.Store(stmt.array, index, value, stmt.loc)
        if isinstance(value, ir.Var) and self.array(value) is not None:
            return ir.CopyInto(stmt.array, index, value, stmt.loc)
        if isinstance(value, ir.Var) and isinstance(kind := self.types.get(value), nt.UniTuple):
            row = ir.Var("t", temp=True)
            self.types[row] = nt.Array(kind.dtype, 1, "C")
            items = ir.MakeTuple(tuple(ir.TupleGet(value, k) for k in range(kind.count)))
            made = ir.Apply("arr.array", (items, ir.Const(None)))
            self.before.append(ir.Assign(row, made, loc=self.loc))
            return ir.CopyInto(stmt.array, index, row, stmt.loc)
        self.scalar(value)
        return ir.Fill(stmt.array, index, value, stmt.loc)

    def rank(self, expr: ir.Expr) -> int:
        kind = self.types.get(expr) if isinstance(expr, ir.Var) else None
        return kind.ndim if isinstance(kind, nt.Array) else 0

    def named(self, expr: ir.Expr, rank: int) -> ir.Var:
        """A variable for an array that a subscript computes: a mask, or integers."""
        is_mask = isinstance(expr, ir.Compare) or (isinstance(expr, ir.Unary) and expr.op == "~")
        var = ir.Var("t", temp=True)
        self.types[var] = nt.Array(nt.boolean if is_mask else nt.int64, rank, "C")
        self.before.append(ir.Assign(var, expr, loc=self.loc))
        return var

    def is_plain(self, index: tuple[ir.Index, ...]) -> bool:
        """Integers and slices only."""
        for i in index:
            if i in (ir.Const(None), ir.Const(...)):
                return False
            if isinstance(i, ir.Var) and self.array(i) is not None:
                return False
        return True

    def scalar(self, value: ir.Expr) -> None:
        if isinstance(value, ir.Var):
            kind = self.types.get(value)
            if kind is not None and not isinstance(kind, nt.Number | nt.Boolean):
                self.refuse(f"a value of type {kind} cannot be stored in an element")

    def is_element(self, array: ir.Var, index: tuple[ir.Index, ...]) -> bool:
        kind = self.array(array)
        if kind is None:
            self.refuse(f"{array.name!r} is not an array: its items cannot be assigned")
        if kind.ndim == 0:
            self.refuse("an array of rank 0", "Use a number, or an array of one element.")
        if not self.is_plain(index):
            return False
        if len(index) > kind.ndim:
            self.refuse(f"{len(index)} subscripts on an array of rank {kind.ndim}")
        return len(index) == kind.ndim and not any(isinstance(i, ir.Slice) for i in index)

    def index(self, index: tuple[ir.Index, ...]) -> tuple[ir.Index, ...]:
        def part(expr: ir.Expr | None) -> ir.Expr | None:
            if expr is None:
                return None
            new = self.expr(expr)
            ranks = [r for e in _operands(new) if (r := self.rank(e))]
            if ranks and not isinstance(new, ir.Var):
                new = self.named(new, max(ranks))
            if isinstance(new, ir.Var):
                kind = self.types.get(new)
                if isinstance(kind, nt.Array):
                    kind = kind.dtype
                if kind is not None and not isinstance(kind, nt.Integer | nt.Boolean | nt.NoneType):
                    self.refuse(
                        f"a subscript of type {kind}", "Subscripts are integers and slices."
                    )
            return new

        out: list[ir.Index] = []
        for i in index:
            if isinstance(i, ir.Slice):
                ends = map(self.truncated, (i.start, i.stop, i.step))
                out.append(ir.Slice(*map(part, ends)))
            else:
                kind = self.types.get(i) if isinstance(i, ir.Var) else None
                if isinstance(i, ir.Var) and isinstance(kind, nt.BaseTuple):
                    out += self.index(self.items(i, kind))
                    continue
                new = part(i)
                assert new is not None
                out.append(new)
        return tuple(out)

    def truncated(self, end: ir.Expr | None) -> ir.Expr | None:
        """The end of a slice as an integer: Numba takes numbers, and rounds them towards zero."""
        if end is None:
            return None
        parts = list(subexpressions(end))
        real = any(isinstance(self.types.get(e), nt.Float) for e in parts if isinstance(e, ir.Var))
        real |= any(isinstance(e, ir.Binary) and e.op == "/" for e in parts)
        real |= any(isinstance(e, ir.Const) and isinstance(e.value, float) for e in parts)
        return ir.Apply("int", (end,)) if real else end

    def items(self, var: ir.Var, kinds: nt.BaseTuple) -> tuple[ir.Index, ...]:
        """The items of a tuple of subscripts."""
        made: list[ir.Index] = []
        for k, kind in enumerate(kinds):
            item = ir.Var("t", temp=True)
            self.types[item] = kind
            self.before.append(ir.Assign(item, ir.TupleGet(var, k), loc=self.loc))
            made.append(item)
        return tuple(made)

    # ------------------------------------------------------------ expressions

    def expr(self, expr: ir.Expr) -> ir.Expr:
        match expr:
            case ir.Subscript():
                return self.subscript(expr)
            case ir.Attribute():
                return self.attribute(expr)
            case ir.Apply("arr.cast_like", (like, value)):
                kind = self.types.get(like) if isinstance(like, ir.Var) else nt.int64
                kind = kind.dtype if isinstance(kind, nt.Array) else kind
                if not isinstance(kind, nt.Number):
                    self.refuse(f"type() of a value of type {kind}", "Use it of numbers only.")
                if isinstance(value, ir.Const) and isinstance(value.value, int | float):
                    if kind == nt.float64:
                        return ir.Const(float(value.value))
                    if kind == nt.int64:
                        return ir.Const(int(value.value))
                return self.expr(ir.Apply(f"np.{kind}", (self.expr(value),)))
            case ir.Dim(base, axis) if self.array(base) is None:
                shape = self.attribute(ir.Attribute(base, "shape"))
                whole = self.types.get(base)
                assert isinstance(whole, nt.BaseNamedTuple) and isinstance(shape, ir.TupleGet)
                inner = tuple(whole)[shape.item]
                return self.expr(ir.Subscript(self.early(shape, inner), (ir.Const(axis),)))
            case ir.Binary("+", ir.Var() as a, ir.Var() as b) if self.is_tuple(a) and self.is_tuple(
                b
            ):
                every = [ir.TupleGet(t, k) for t in (a, b) for k in range(len(list(self.types[t])))]
                return ir.MakeTuple(tuple(every))
            case ir.Apply(fn, (ir.Var() as x,)) if fn == f"np.{self.types.get(x)}":
                return x  # has that type already
            case ir.Unary() | ir.Binary() | ir.Compare() | ir.Logic() | ir.Select() | ir.Apply():
                return map_children(self.expr, expr)
            case _:
                return map_children(self.expr, expr)

    def subscript(self, expr: ir.Subscript) -> ir.Expr:
        base: ir.Expr = expr.base
        index = expr.index
        while isinstance(base, ir.Subscript):
            outer: ir.Subscript = base
            if any(isinstance(i, ir.Slice) for i in outer.index):
                break
            base, index = outer.base, outer.index + index  # A[i][j] is A[i, j]
        if isinstance(base, ir.Attribute) and base.name == "shape":
            if isinstance(base.base, ir.Var) and (kind := self.array(base.base)) is not None:
                dims: list[ir.Expr] = [ir.Dim(base.base, axis) for axis in range(kind.ndim)]
                if isinstance(index[0], ir.Slice):
                    ends = (index[0].start, index[0].stop, index[0].step)
                    cut = [None if e is None else self.constant_item(e) for e in ends]
                    return ir.MakeTuple(tuple(dims[slice(*cut)]))
                if isinstance(index[0], ir.Const | ir.Unary):
                    axis: int = self.constant_item(index[0]) % kind.ndim
                    return dims[axis]
                return self.chosen(dims, [nt.int64] * kind.ndim, index[0])
        if isinstance(base, ir.Var):
            kind = self.array(base)
            if kind is not None:
                if any(isinstance(i, ir.Var) and self.is_tuple(i) for i in index):
                    index = self.index(index)
                if kind.ndim == 0:
                    self.refuse("an array of rank 0", "Use a number, or an array of one element.")
                short = tuple(i for i in index if i != ir.Const(...))
                if len(short) == kind.ndim == len(index) - 1 and self.is_element(base, short):
                    index = short  # p[..., 0] of rank one is a number in Numba
                if len(index) > kind.ndim and self.is_plain(index):
                    self.refuse(f"{len(index)} subscripts on an array of rank {kind.ndim}")
                if len(index) != kind.ndim or any(isinstance(i, ir.Slice) for i in index):
                    return ir.Subscript(base, self.index(index))
                if not self.is_plain(index):
                    return ir.Subscript(base, self.index(index))
                places = self.index(index)
                return ir.Load(base, tuple(p for p in places if not isinstance(p, ir.Slice)))
            if isinstance(whole := self.types.get(base), nt.BaseTuple):
                return self.item(base, whole, index)
        if isinstance(base, ir.MakeTuple) and len(index) == 1:
            return self.expr(base.items[self.constant_item(index[0])])
        self.refuse("subscript of something that is neither an array nor a tuple")

    def attribute(self, expr: ir.Attribute) -> ir.Expr:
        base = expr.base
        if not isinstance(base, ir.Var):
            self.refuse(f"attribute {expr.name!r} of an expression", "Give the array a name first.")
        kind = self.types.get(base)
        if isinstance(kind, nt.BaseNamedTuple) and expr.name != "len":
            fields = fields_of(kind.instance_class)
            if expr.name in fields:
                return ir.TupleGet(base, fields.index(expr.name))
            self.refuse(f"{base.name!r} has no attribute {expr.name!r}")
        if isinstance(kind, nt.BaseTuple) and expr.name == "len":
            return ir.Const(len(kind))
        if expr.name in ("real", "imag"):
            if isinstance(kind, nt.Number | nt.Array):
                return ir.Apply(f"np.{expr.name}", (base,))
        if isinstance(kind, nt.Number) and expr.name == "shape":
            return ir.MakeTuple(())
        if not isinstance(kind, nt.Array):
            self.refuse(f"attribute {expr.name!r} of a value of type {kind}")
        dims: list[ir.Expr] = [ir.Dim(base, axis) for axis in range(kind.ndim)]
        match expr.name:
            case "shape":
                return ir.MakeTuple(tuple(dims))
            case "len":
                return dims[0]
            case "size":
                size = dims[0] if dims else ir.Const(1)
                for dim in dims[1:]:
                    size = ir.Binary("*", size, dim)
                return size
            case "ndim":
                return ir.Const(kind.ndim)
            case "T":
                return ir.Attribute(base, "T")
            case "dtype":
                return ir.Const(f"np.{kind.dtype}")
            case _:
                self.refuse(f"attribute {expr.name!r} of an array is not supported yet")


def _operands(expr: ir.Expr) -> Iterator[ir.Expr]:
    """The leaves of arithmetic, not what subscripts and sizes read."""
    if isinstance(expr, ir.Load | ir.Dim | ir.Subscript):
        return
    inner = children(expr)
    if not inner:
        yield expr
    for part in inner:
        yield from _operands(part)
