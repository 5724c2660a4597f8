"""Where is the shadow of an array that wanders?

``x = x.copy()`` in a loop, or ``u = x[1:]`` under a condition and used an iteration later: no
number can choose among arrays that are made anew in each iteration.  All shadows that such a
variable can name lie in one flat *arena*, and the variable's place in it (offset, extents and
strides, in elements) is computed beside it.  These integers are ordinary values: stored,
recomputed, or removed as dead code where the reverse sweep does not ask for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

from numba.core import types as nt

from adcompile.analysis.activity import is_float
from adcompile.analysis.scope import Scopes
from adcompile.ir import nodes as ir
from adcompile.ir.walk import statements
from adcompile.normalise.references import array_sources, origins

Types = dict[ir.Var, nt.Type]
Ints: TypeAlias = tuple[ir.Expr, ...]
Out = list[ir.Stmt]
_ONE = ir.Const(1)


@dataclass(frozen=True)
class Place:
    """The elements of a shadow in the arena of its dtype."""

    dtype: nt.Type
    offset: ir.Expr
    dims: Ints
    strides: Ints

    @property
    def parts(self) -> Ints:
        return (self.offset, *self.dims, *self.strides)


@dataclass(frozen=True)
class Arenas:
    """``ends``: the number of elements of each arena, by dtype."""

    places: dict[ir.Var, Place]
    ends: dict[nt.Type, ir.Var]


def find_places(
    fn: ir.Function, types: Types, scopes: Scopes, shapes: dict[ir.Var, Ints]
) -> tuple[ir.Function, Arenas]:
    """``fn`` (ssa) with places computed for the arrays that wander and all they can name."""
    wandering = find_wandering(fn, types, scopes)
    if not wandering:
        return fn, Arenas({}, {})
    placer = _Placer(wandering, types, shapes)
    out: Out = []
    for array in (*fn.params, *(v for v, _ in fn.constants)):
        if array in wandering:
            placer.region(array, out)
    out.extend(placer.block(fn.body[:-1]))
    ends = {dtype: placer.as_var(end, "arena", out) for dtype, end in placer.ends.items()}
    return replace(fn, body=(*out, fn.body[-1])), Arenas(placer.places, ends)


def find_wandering(fn: ir.Function, types: Types, scopes: Scopes) -> set[ir.Var]:
    """Carried arrays of floats that may name one made inside a loop or branch that is not around
    the variable; everything from which they come, and what else joins or carries that."""
    sources = array_sources(fn, types)
    bases = {s.target: s.base for s in statements(fn.body) if isinstance(s, ir.View)}
    loops = [s for s in statements(fn.body) if isinstance(s, ir.For | ir.While)]
    heads = {c.out: c.head for loop in loops for c in loop.carried}
    outs = {head: out for out, head in heads.items()}
    users: dict[ir.Var, list[ir.Var]] = {}
    for var, (_, given) in sources.items():
        for source in given:
            users.setdefault(source, []).append(var)

    def is_outside(origin: ir.Var, loop: ir.Stmt) -> bool:
        around = scopes.loops[origin]
        here = scopes.stmt_loops[id(loop)]
        return around == here[: len(around)] and origin not in scopes.nested_in_if

    pending = [
        var
        for var, (stmt, _) in sources.items()
        if isinstance(stmt, ir.For | ir.While)
        and is_float(types[var])
        and not all(is_outside(origin, stmt) for origin in origins(var, sources))
    ]
    found: set[ir.Var] = set()
    while pending:
        var = pending.pop()
        if var not in found:
            found.add(var)
            pending.extend(sources[var][1] if var in sources else ())
            pending.extend(users.get(var, ()))
            pending.extend(near[var] for near in (bases, heads, outs) if var in near)
    return found


class _Placer:
    def __init__(self, wandering: set[ir.Var], types: Types, shapes: dict[ir.Var, Ints]) -> None:
        self.wandering, self.types, self.shapes = wandering, types, shapes
        self.places: dict[ir.Var, Place] = {}
        self.ends: dict[nt.Type, ir.Expr] = {}
        for var in wandering:
            self.ends[self.kind(var).dtype] = ir.Const(0)

    def kind(self, array: ir.Var) -> nt.Array:
        kind = self.types[array]
        assert isinstance(kind, nt.Array)
        return kind

    # ------------------------------------------------------------ integers

    def integer(self, wish: str) -> ir.Var:
        var = ir.Var(wish, temp=True)
        self.types[var] = nt.int64
        return var

    def as_var(self, expr: ir.Expr, wish: str, out: Out) -> ir.Var:
        if isinstance(expr, ir.Var):
            return expr
        var = self.integer(wish)
        out.append(ir.Assign(var, expr))
        return var

    def atom(self, expr: ir.Expr, wish: str, out: Out) -> ir.Expr:
        return expr if isinstance(expr, ir.Const) else self.as_var(expr, wish, out)

    # ------------------------------------------------------------ statements

    def block(self, block: ir.Block) -> ir.Block:
        out: Out = []
        for stmt in block:
            self.stmt(stmt, out)
        return tuple(out)

    def stmt(self, stmt: ir.Stmt, out: Out) -> None:
        match stmt:
            case ir.If():
                out.extend(self.branch(stmt))
            case ir.For() | ir.While():
                out.extend(self.loop(stmt))
            case ir.Alloc(target) | ir.Copy(target) | ir.Assign(target) if target in self.wandering:
                out.append(stmt)
                self.region(target, out)
            case ir.Call(targets) | ir.Custom(targets):
                out.append(stmt)
                for target in targets:
                    if target in self.wandering:
                        self.region(target, out)
            case ir.View() if stmt.target in self.wandering:
                out.append(stmt)
                self.view(stmt, out)
            case _:
                out.append(stmt)

    def region(self, array: ir.Var, out: Out) -> None:
        """A part of the arena for an array that begins to exist."""
        kind = self.kind(array)
        named = self.shapes.get(array)
        dims = named or tuple(self.atom(ir.Dim(array, k), "size", out) for k in range(kind.ndim))
        strides: list[ir.Expr] = [_ONE]
        for dim in reversed(dims[1:]):
            strides.insert(0, self.atom(_times(strides[0], dim), "stride", out))
        begin = self.ends[kind.dtype]
        size = _times(strides[0], dims[0])
        self.ends[kind.dtype] = self.as_var(_plus(begin, size), "arena", out)
        self.places[array] = Place(kind.dtype, begin, dims, tuple(strides))

    def view(self, stmt: ir.View, out: Out) -> None:
        base = self.places[stmt.base]
        offset = base.offset
        dims: list[ir.Expr] = []
        strides: list[ir.Expr] = []
        for k, (dim, stride) in enumerate(zip(base.dims, base.strides, strict=True)):
            if k >= len(stmt.index):
                dims.append(dim)
                strides.append(stride)
                continue
            index = stmt.index[k]
            if isinstance(index, ir.Slice):
                step = index.step or _ONE
                start: ir.Expr = index.start if index.start is not None else _first(step, dim)
                first: ir.Expr = ir.Apply("rt.slice_start", (start, step, dim))
                if start == ir.Const(0):
                    first = start
                strides.append(self.atom(_times(stride, step), "stride", out))
                dims.append(self.atom(ir.Dim(stmt.target, len(dims)), "size", out))
            else:
                first = ir.Apply("rt.from_front", (index, dim))
            offset = _plus(offset, _times(first, stride))
        offset = self.atom(offset, "offset", out)
        self.places[stmt.target] = Place(base.dtype, offset, tuple(dims), tuple(strides))

    # ------------------------------------------------------------ joins

    def branch(self, stmt: ir.If) -> Iterator[ir.Stmt]:
        before = dict(self.ends)
        sides: list[Out] = []
        after: list[dict[nt.Type, ir.Expr]] = []
        for block in (stmt.then, stmt.orelse):
            self.ends = dict(before)
            sides.append(list(self.block(block)))
            after.append(self.ends)
        joins = list(stmt.joins)
        self.ends = dict(before)
        for dtype in before:
            if after[0][dtype] != after[1][dtype]:
                pair = [self.as_var(a[dtype], "arena", s) for a, s in zip(after, sides)]
                self.ends[dtype] = end = self.integer("arena")
                joins.append(ir.Join(end, *pair))
        for join in stmt.joins:
            if join.out in self.wandering:
                joins.extend(self.join(join, sides))
        yield replace(stmt, then=tuple(sides[0]), orelse=tuple(sides[1]), joins=tuple(joins))

    def join(self, join: ir.Join, sides: list[Out]) -> Iterator[ir.Join]:
        place = self.unknown(join.out)
        given = [
            None if v is None else [self.as_var(e, "place", side) for e in self.places[v].parts]
            for v, side in zip((join.then, join.orelse), sides)
        ]
        for k, var in enumerate(place.parts):
            assert isinstance(var, ir.Var)
            then, orelse = (None if g is None else g[k] for g in given)
            yield ir.Join(var, then, orelse)

    def unknown(self, array: ir.Var, fixed: Ints = ()) -> Place:
        """The place of a joined or carried variable.  ``fixed``: those of its strides that are
        constants here."""
        kind = self.kind(array)
        offset = self.integer("offset")
        dims = tuple(self.integer("size") for _ in range(kind.ndim))
        strides: Ints = tuple(self.integer("stride") for _ in range(kind.ndim))
        pairs = zip(strides, fixed or strides, strict=True)
        strides = tuple(f if isinstance(f, ir.Const) else s for s, f in pairs)
        self.places[array] = place = Place(kind.dtype, offset, dims, strides)
        return place

    def loop(self, stmt: ir.For | ir.While) -> Iterator[ir.Stmt]:
        before: Out = []
        wandering = [c for c in stmt.carried if c.head in self.wandering]
        inits = {
            c: [self.as_var(e, "place", before) for e in self.places[c.init].parts]
            for c in wandering
            if c.init is not None
        }
        start = {dtype: self.as_var(end, "arena", before) for dtype, end in self.ends.items()}
        # Strides that are constants before the loop stay, as long as an iteration leaves them.
        for stay in (True, False):
            fixed = {
                c: self.places[c.init].strides if stay and c.init is not None else ()
                for c in wandering
            }
            heads = {c: self.unknown(c.head, fixed[c]) for c in wandering}
            self.ends = {dtype: self.integer("arena") for dtype in start}
            first = dict(self.ends)
            body = list(self.block(stmt.body))
            pairs = [
                pair
                for c in wandering
                for pair in zip(heads[c].strides, self.places[c.next].strides, strict=True)
            ]
            if all(head == after for head, after in pairs if isinstance(head, ir.Const)):
                break
        outs = {c: self.unknown(c.out, fixed[c]) for c in wandering}
        carried = list(stmt.carried)
        for c in wandering:
            nexts = [self.as_var(e, "place", body) for e in self.places[c.next].parts]
            init = inits.get(c, [None] * len(nexts))
            parts = zip(heads[c].parts, init, nexts, outs[c].parts, strict=True)
            for head, begin, following, end in parts:
                if isinstance(head, ir.Var) and isinstance(end, ir.Var):
                    carried.append(ir.Carried(head, begin, following, end))
        for dtype, begin in start.items():
            head, last = first[dtype], self.as_var(self.ends[dtype], "arena", body)
            self.ends[dtype] = end = self.integer("arena")
            assert isinstance(head, ir.Var)
            carried.append(ir.Carried(head, begin, last, end))
        yield from before
        yield replace(stmt, body=tuple(body), carried=tuple(carried))


def _first(step: ir.Expr, dim: ir.Expr) -> ir.Expr:
    """Where a slice without a start begins."""
    last = ir.Binary("-", dim, _ONE)
    match step:
        case ir.Const(value=int() as number):
            return ir.Const(0) if number > 0 else last
        case ir.Unary("-", ir.Const()):
            return last
        case _:
            return ir.Select(ir.Compare(">", step, ir.Const(0)), ir.Const(0), last)


def _plus(a: ir.Expr, b: ir.Expr) -> ir.Expr:
    if a == ir.Const(0):
        return b
    return a if b == ir.Const(0) else ir.Binary("+", a, b)


def _times(a: ir.Expr, b: ir.Expr) -> ir.Expr:
    if ir.Const(0) in (a, b):
        return ir.Const(0)
    if a == _ONE:
        return b
    return a if b == _ONE else ir.Binary("*", a, b)
