"""The body of a loop as the body of a kernel (plain dialect): arrays that an iteration makes are in
the thread's own memory, elements that several threads add to are added to atomically."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from numba.core import types as nt

from adcompile.cuda.functions import NoSuchFunction, on_device
from adcompile.errors import NOWHERE, Loc
from adcompile.ir import nodes as ir
from adcompile.ir.walk import blocks, map_blocks, map_stmt_exprs, reads, subexpressions

_LOCAL = 256  # numbers in an array of a thread's local memory; larger ones are in global memory
WHOLE = ir.Slice(None, None, None)
_THREAD = ir.Apply("cuda.grid", (ir.Const(1),))


class Refused(Exception):
    """Why a loop cannot be a kernel.  ``loc``: of what no kernel can do."""

    def __init__(self, text: str, loc: Loc | None = None) -> None:
        super().__init__(text)
        self.loc = loc


@dataclass
class Lowered:
    """``start``: what each thread does first.  ``workspaces``: parameters with what the host passes
    for them."""

    start: list[ir.Stmt] = field(default_factory=list)
    body: ir.Block = ()
    workspaces: list[tuple[ir.Var, ir.Expr]] = field(default_factory=list)


class Body:
    """``scattered``: arrays that several threads add to.  ``local``: what the body defines."""

    def __init__(
        self, types: Mapping[ir.Var, nt.Type], scattered: set[ir.Var], local: set[ir.Var]
    ) -> None:
        self.types, self.scattered, self.local = types, scattered, local
        self.shapes: dict[ir.Var, tuple[ir.Expr, ...]] = {}  # of arrays made in the body
        self.dtypes: dict[ir.Var, ir.Expr] = {}
        self.made = Lowered()
        self.around = NOWHERE  # the last line of the user's

    def lower(self, block: ir.Block) -> Lowered:
        self.made.body = self.block(block)
        return self.made

    def block(self, block: ir.Block) -> ir.Block:
        out: list[ir.Stmt] = []
        around = self.around
        for stmt in block:
            if stmt.loc.line:
                self.around = stmt.loc
            if blocks(stmt):
                stmt = map_blocks(self.block, stmt)
            for made in self.stmt(stmt):
                out.append(self.spelled(made))
        self.around = around
        return tuple(out)

    def spelled(self, stmt: ir.Stmt) -> ir.Stmt:
        if isinstance(stmt, ir.Alloc | ir.Do | ir.Comment):
            return stmt
        try:
            return map_stmt_exprs(on_device, stmt)
        except NoSuchFunction as found:
            if str(found) == "rt.grow":
                text = (
                    "it needs a tape of unknown length: write `for _ in range(most)` with `break`"
                )
                raise Refused(text, self.around) from None
            raise Refused(f"{found} has no version for the device", self.around) from None

    def stmt(self, stmt: ir.Stmt) -> list[ir.Stmt]:
        match stmt:
            case ir.Alloc():
                return self.allocated(stmt)
            case ir.Accumulate(array, index, value, op, loc) if array in self.scattered:
                more = on_device(value if op == "+" else ir.Unary("-", value))
                places = tuple(on_device(i) for i in index if not isinstance(i, ir.Slice))
                place = places[0] if len(places) == 1 else ir.MakeTuple(places)
                return [ir.Do("cuda.atomic.add", (array, place, more), loc)]
            case ir.Do("rt.set_zero", (ir.Var() as array,), loc):
                return [ir.Fill(array, (WHOLE,), ir.Const(0), loc)]
            case ir.Copy(target, source, loc):
                if source not in self.shapes:
                    raise Refused(f"a copy of {source.name}, whose size is not known", loc)
                self.shapes[target] = self.shapes[source]
                self.dtypes[target] = self.dtypes[source]
                return [*self.array(target, loc), ir.CopyInto(target, (WHOLE,), source, loc)]
            case ir.Do(fn) | ir.Call(_, fn):
                raise Refused(f"{fn.removeprefix('rt.')} has no version for the device", stmt.loc)
            case ir.Raise():
                raise Refused("an exception", stmt.loc)
            case _:
                return [stmt]

    # ------------------------------------------------------------ arrays of one thread

    def allocated(self, stmt: ir.Alloc) -> list[ir.Stmt]:
        target, name = stmt.target, stmt.fn.partition(".")[2]
        args = [*stmt.args, *(value for key, value in stmt.keywords if key == "dtype")]
        if len(args) != len(stmt.args) + len(stmt.keywords) or name not in (
            *("empty", "zeros", "ones", "full"),
            *("empty_like", "zeros_like", "ones_like", "full_like"),
        ):
            raise Refused(f"{stmt.fn} has no version for the device", stmt.loc)
        if name.endswith("_like"):
            like = args.pop(0)
            assert isinstance(like, ir.Var)
            shape, dtype = self.like(like, stmt.loc)
            if len(args) > name.startswith("full"):
                dtype = args.pop()
        else:
            first = args.pop(0)
            shape = first.items if isinstance(first, ir.MakeTuple) else (first,)
            dtype = args.pop() if len(args) > name.startswith("full") else ir.Const("np.float64")
        self.shapes[target], self.dtypes[target] = shape, dtype
        out = self.array(target, stmt.loc)
        fills: dict[str, ir.Expr] = {"zeros": ir.Const(0), "ones": ir.Const(1)}
        kind = name.removesuffix("_like")
        if kind == "full":
            fills["full"] = args[0]
        if kind in fills:
            out.append(ir.Fill(target, (WHOLE,), fills[kind], stmt.loc))
        return out

    def like(self, array: ir.Var, loc: Loc) -> tuple[tuple[ir.Expr, ...], ir.Expr]:
        if array in self.shapes:
            return self.shapes[array], self.dtypes[array]
        kind = self.types.get(array)
        if not isinstance(kind, nt.Array) or array in self.local:
            raise Refused(f"an array like {array.name}, whose size is not known", loc)
        dims = tuple(ir.Dim(array, k) for k in range(kind.ndim))
        return dims, ir.Const(f"np.{kind.dtype}")

    def array(self, target: ir.Var, loc: Loc) -> list[ir.Stmt]:
        """Local memory if its size is a small constant, else a column of a workspace: neighbouring
        threads have neighbouring numbers."""
        return self.private(target, loc, _THREAD)

    def private(self, target: ir.Var, loc: Loc, number: ir.Expr) -> list[ir.Stmt]:
        shape, dtype = tuple(map(folded, self.shapes[target])), self.dtypes[target]
        extents = [e.value for e in shape if isinstance(e, ir.Const) and isinstance(e.value, int)]
        if len(extents) == len(shape) and math.prod(extents) <= _LOCAL:
            size = shape[0] if len(shape) == 1 else ir.MakeTuple(shape)
            return [ir.Alloc(target, "cuda.local.array", (size, dtype), loc=loc)]
        return self.column(target, shape, number, loc)

    def column(
        self, target: ir.Var, shape: tuple[ir.Expr, ...], thread: ir.Expr, loc: Loc
    ) -> list[ir.Stmt]:
        """A column of a workspace, that of a thread."""
        return self.part(target, shape, "rt.workspace", (*(WHOLE for _ in shape), thread), loc)

    def part(
        self,
        target: ir.Var,
        shape: tuple[ir.Expr, ...],
        maker: str,
        index: tuple[ir.Index, ...],
        loc: Loc,
    ) -> list[ir.Stmt]:
        for entry in shape:
            if any(isinstance(e, ir.Load) or e in self.local for e in subexpressions(entry)):
                names = ", ".join(sorted({v.name for v in reads(entry)}))
                where = loc if loc.line else self.around
                text = f"the size of {target.name} depends on {names}, which each thread computes"
                raise Refused(text, where)
        work = ir.Var(f"{target.name}_work")
        passed = ir.Apply(maker, (ir.MakeTuple(shape), self.dtypes[target]))
        self.made.workspaces.append((work, passed))
        self.made.start.append(ir.View(target, work, index, loc))
        return []


def folded(expr: ir.Expr) -> ir.Expr:
    match expr:
        case ir.Apply("max", (ir.Const(int() as a), ir.Const(int() as b))):
            return ir.Const(max(a, b))
        case ir.Apply(
            "rt.trip_count", (ir.Const(int() as a), ir.Const(int() as b), ir.Const(int() as step))
        ):
            return ir.Const(len(range(a, b, step)))
        case ir.Binary("*", ir.Const(int() as a), ir.Const(int() as b)):
            return ir.Const(a * b)
        case ir.Apply("max", args):
            return ir.Apply("max", tuple(map(folded, args)))
        case ir.Binary(_, a, b):
            made = replace(expr, a=folded(a), b=folded(b))
            return made if made == expr else folded(made)
        case _:
            return expr
