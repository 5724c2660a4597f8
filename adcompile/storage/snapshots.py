"""Copies of arrays that are overwritten later, made before a nest of loops that only reads them.

A nest that reads few elements many times (all pairs of particles), or derives several values from
each (a stencil), needs less memory for one copy of what it reads than for the values.  The reverse
sweep repeats the loads from the copy.  Only the box of elements that the nest's subscripts span is
copied, so that a copy never has more elements than the nest has iterations, but for a rim.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from numba.core import types as nt

from adcompile.analysis.accesses import accesses
from adcompile.analysis.affine import affine, step_of
from adcompile.analysis.alias import Roots
from adcompile.analysis.scope import Loop, Path, Scopes
from adcompile.analysis.stable import Stability, Write
from adcompile.ir import nodes as ir
from adcompile.ir.walk import reads, statements
from adcompile.storage.rows import DTYPES, number_rows

_ONE, _FIRST_ROWS = ir.Const(1), ir.Const(4)


@dataclass(frozen=True)
class Form:
    """constant + sum(coefficient * term), the terms being variables and extents."""

    terms: frozenset[tuple[ir.Expr, int]]
    constant: int

    def moved(self, by: int) -> Form:
        return replace(self, constant=self.constant + by)

    def expr(self) -> ir.Expr:
        total: ir.Expr | None = None
        for term, c in sorted(self.terms, key=lambda pair: -pair[1]):
            one = term if abs(c) == 1 else ir.Binary("*", ir.Const(abs(c)), term)
            if total is None:
                total = one if c > 0 else ir.Unary("-", one)
            else:
                total = ir.Binary("+" if c > 0 else "-", total, one)
        if total is None:
            return ir.Const(self.constant)
        if not self.constant:
            return total
        sign = "+" if self.constant > 0 else "-"
        return ir.Binary(sign, total, ir.Const(abs(self.constant)))


@dataclass(frozen=True)
class Span:
    """The subscripts ``low <= i < high`` of one axis."""

    low: Form
    high: Form

    def extent(self) -> ir.Expr:
        if self.low.terms == self.high.terms:
            return ir.Const(self.high.constant - self.low.constant)
        if self.low == Form(frozenset(), 0):
            return ir.Apply("rt.trips", (self.high.expr(),))
        return ir.Apply("rt.trips", (minus(self.high.expr(), self.low.expr()),))


@dataclass(frozen=True, eq=False)  # compared by identity: it holds whole loops
class Snapshot:
    """A copy of the box ``spans`` of ``array``, made before ``nest``.

    ``tape``: the array of copies, allocated before ``root``; ``row``: which of them, None if there
    is but one; ``rows``: how many, None if that is not known before, and a cursor is the row.
    ``clamped``: some subscripts of the box may be beyond the array's end, where the nest reads them
    under conditions.  ``nonempty``: ranges that have to be so, else the nest reads nothing.
    ``loads``: the variables that are loaded from it in the reverse sweep.
    """

    array: ir.Var
    nest: Loop
    root: Loop
    tape: ir.Var
    dtype: str
    row: ir.Expr | None
    rows: ir.Expr | None
    spans: tuple[Span, ...]
    clamped: bool
    nonempty: tuple[tuple[ir.Expr, ir.Expr], ...]
    loads: frozenset[ir.Var]
    depth: int

    def element(self, index: tuple[ir.Expr, ...]) -> ir.Load:
        places = [minus(i, span.low.expr()) for i, span in zip(index, self.spans, strict=True)]
        return ir.Load(self.tape, (*(() if self.row is None else (self.row,)), *places))

    def wanted(self) -> Iterator[ir.Var]:
        """What the reverse sweep reads besides the subscripts."""
        for span in self.spans:
            yield from reads(span.low.expr())

    @property
    def cursor(self) -> ir.Var | None:
        return self.row if self.rows is None and isinstance(self.row, ir.Var) else None

    def allocate(self) -> list[ir.Stmt]:
        shape = tuple(span.extent() for span in self.spans)
        if self.row is not None:
            shape = (self.rows or _FIRST_ROWS, *shape)
        whole = shape[0] if len(shape) == 1 else ir.MakeTuple(shape)
        made = ir.Alloc(self.tape, "np.empty", (whole, ir.Const(self.dtype)))
        return [made] if self.cursor is None else [made, ir.Assign(self.cursor, ir.Const(0))]

    def copy(self) -> list[ir.Stmt]:
        if self.cursor is None:
            return [self.filled()]
        grown = ir.Assign(self.tape, ir.Apply("rt.grow", (self.tape,)))
        full = ir.Compare(">=", self.cursor, ir.Dim(self.tape, 0))
        after = ir.Binary("+", self.cursor, _ONE)
        return [
            ir.If(full, (grown,), ()),
            self.filled(),
            ir.Assign(self.cursor, after, inplace=True),
        ]

    def filled(self) -> ir.Stmt:
        index = tuple(ir.Var(f"{self.array.name}_{k}", temp=True) for k in range(len(self.spans)))
        place = self.element(index)
        stmt: ir.Stmt = ir.Store(self.tape, place.index, ir.Load(self.array, index))
        for axis, (var, span) in reversed(list(enumerate(zip(index, self.spans)))):
            high = span.high.expr()
            if self.clamped:
                high = ir.Apply("min", (high, ir.Dim(self.array, axis)))
            stmt = ir.For(var, span.low.expr(), high, _ONE, (stmt,), order="any")
        for start, stop in self.nonempty:
            stmt = ir.If(ir.Compare("<", start, stop), (stmt,), ())
        return stmt


def minus(a: ir.Expr, b: ir.Expr) -> ir.Expr:
    match a, b:
        case _, ir.Const(value=0):
            return a
        case ir.Const(value=int() as one), ir.Const(value=int() as other):
            return ir.Const(one - other)
        case _, ir.Const(value=int() as other) if other < 0:
            return ir.Binary("+", a, ir.Const(-other))
    return ir.Binary("-", a, b)


def find_snapshots(
    fn: ir.Function,
    types: dict[ir.Var, nt.Type],
    scopes: Scopes,
    roots: Roots,
    joint: Path = (),
) -> list[Snapshot]:
    """What could be copied, for loads that the reverse sweep cannot repeat."""
    finder = _Finder(types, scopes, roots, Stability(fn, scopes, roots, joint), joint)
    groups: dict[object, list[_Read]] = {}
    for stmt in statements(fn.body):
        match stmt:
            case ir.Assign(target, ir.Load() as load) if types.get(target) in DTYPES:
                if scopes.stmt_loops[id(stmt)] and not finder.stable.load(load, stmt):
                    if (read := finder.read(stmt, load)) is not None:
                        groups.setdefault(read.key, []).append(read)
            case _:
                pass
    made = (finder.snapshot(reads_) for reads_ in groups.values())
    return [one for one in made if one is not None]


@dataclass(frozen=True)
class _Read:
    """A load in ``nest``.  ``fixed``: it happens in every iteration of loops whose ranges
    (``loops``) are fixed before the nest."""

    target: ir.Var
    array: ir.Var
    nest: Loop
    spans: tuple[Span, ...]
    fixed: bool
    loops: tuple[ir.For, ...]

    @property
    def key(self) -> object:
        return self.array, id(self.nest), tuple((s.low.terms, s.high.terms) for s in self.spans)


class _Finder:
    def __init__(
        self,
        types: dict[ir.Var, nt.Type],
        scopes: Scopes,
        roots: Roots,
        stable: Stability,
        joint: Path,
    ) -> None:
        self.types, self.scopes, self.roots, self.stable = types, scopes, roots, stable
        self.joint = joint

    def read(self, stmt: ir.Assign, load: ir.Load) -> _Read | None:
        path = self.scopes.stmt_loops[id(stmt)]
        place = next((k for k, one in enumerate(path) if self.only_reads(one, load.array)), None)
        if place is None or any(path[place] is one for one in self.joint):
            return None
        nest, inner = path[place], path[place:]
        ranges = _Ranges(self.scopes, nest, inner)
        spans = tuple(ranges.span(i) for i in load.index)
        if any(span is None for span in spans):
            return None
        loops = tuple(one for one in inner if isinstance(one, ir.For))
        fixed = len(loops) == len(inner) and stmt.target not in self.scopes.nested_in_if
        bounds = [b for one in loops for b in (one.start, one.stop)]
        fixed = fixed and all(step_of(one) in (1, -1) for one in loops)
        fixed = fixed and all(self.scopes.outside(v, nest) for b in bounds for v in reads(b))
        found = tuple(span for span in spans if span is not None)
        return _Read(stmt.target, load.array, nest, found, fixed, loops)

    def only_reads(self, loop: Loop, array: ir.Var) -> bool:
        if not self.scopes.outside(array, loop):
            return False
        for stmt in statements(loop.body):
            if isinstance(stmt, Write) and self.roots[stmt.array] & self.roots[array]:
                return False
            if isinstance(stmt, ir.Do | ir.Call | ir.Custom):
                used = (self.roots.get(v, frozenset()) for v, _ in accesses(stmt))
                if any(one & self.roots[array] for one in used):
                    return False
        return True

    def snapshot(self, found: list[_Read]) -> Snapshot | None:
        spans = _box(found)
        clamped = all(not s.low.terms and s.low.constant >= 0 for s in spans)
        if not clamped:
            found = [one for one in found if one.fixed]
            if not found:
                return None
            spans = _box(found)
        array, nest = found[0].array, found[0].nest
        path = self.scopes.stmt_loops[id(nest)]
        for one in self.joint:
            if path and path[0] is one:
                path = path[1:]
        root = path[0] if path else nest
        early = any(isinstance(one, ir.For) and one.exit is not None for one in path)
        numbered = None if early else number_rows(path, self.scopes)
        row, rows = numbered or (ir.Var("cursor"), None)
        if rows is None and isinstance(row, ir.Var):
            self.types[row] = nt.int64
        known = (v for s in spans for f in (s.low, s.high) for v in reads(f.expr()))
        if not all(self.scopes.outside(v, root) for v in known):
            return None
        tape = ir.Var("then" if array.temp else f"{array.name}_then")
        axes = len(spans) + (1 if path else 0)
        self.types[tape] = nt.Array(self.types[found[0].target], axes, "C")
        nonempty: dict[tuple[ir.Expr, ir.Expr], None] = {}
        for loop in (loop for one in found for loop in one.loops if not clamped):
            ends = (loop.start, loop.stop)
            nonempty[ends if step_of(loop) == 1 else (loop.stop, loop.start)] = None
        return Snapshot(
            array,
            nest,
            root,
            tape,
            DTYPES[self.types[found[0].target]],
            row if path else None,
            rows if path else None,
            spans,
            clamped,
            tuple(nonempty),
            frozenset(one.target for one in found),
            len(path) + sum(s.low.terms != s.high.terms for s in spans),
        )


def _box(found: list[_Read]) -> tuple[Span, ...]:
    """All have the same terms."""
    return tuple(
        Span(
            replace(axis[0].low, constant=min(s.low.constant for s in axis)),
            replace(axis[0].high, constant=max(s.high.constant for s in axis)),
        )
        for axis in zip(*(one.spans for one in found))
    )


class _Ranges:
    """What subscripts span while a nest runs, in terms of what is fixed before it."""

    def __init__(self, scopes: Scopes, nest: Loop, inner: Path) -> None:
        self.scopes, self.nest, self.inner = scopes, nest, inner

    def form(self, expr: ir.Expr) -> Form | None:
        if isinstance(expr, ir.Dim):
            return Form(frozenset(((expr, 1),)), 0)
        found = affine(expr, self.scopes)
        return None if found is None else Form(frozenset(found.terms), found.constant)

    def fixed(self, term: ir.Expr) -> bool:
        return all(self.scopes.outside(v, self.nest) for v in reads(term))

    def span(self, expr: ir.Expr) -> Span | None:
        form = self.form(expr)
        if form is None:
            return None
        moving = [(term, c) for term, c in form.terms if not self.fixed(term)]
        if not moving:
            return Span(form, form.moved(1))
        if len(moving) > 1 or moving[0][1] != 1 or not isinstance(moving[0][0], ir.Var):
            return None
        inside = self.values(moving[0][0])
        rest = Form(form.terms - set(moving), form.constant)
        if inside is None:
            return None
        low, high = _sum(inside.low, rest), _sum(inside.high, rest)
        return None if low is None or high is None else Span(low, high)

    def values(self, var: ir.Var) -> Span | None:
        """What ``var``, set in the nest, may be."""
        match self.scopes.defined_by.get(var):
            case ir.For(start=start, stop=stop) as loop if loop.var is var:
                step = step_of(loop)
                if step not in (1, -1):
                    return None
                first, last = self.span(start), self.span(stop)
                if first is None or last is None:
                    return None
                if step == 1:
                    return Span(first.low, last.high.moved(-1))
                return Span(last.low.moved(1), first.high)
            case ir.Assign(_, ir.Binary("%", _, size)) if self.positive(size):
                form = self.form(size)
                return None if form is None else Span(Form(frozenset(), 0), form)
            case _:
                return None

    def positive(self, size: ir.Expr) -> bool:
        """In the iterations that run: an extent, or the end of a range of such iterations."""
        if not self.fixed(size):
            return False
        ends = (one for one in self.inner if isinstance(one, ir.For) and step_of(one) == 1)
        same = (one.start == ir.Const(0) and self.form(one.stop) == self.form(size) for one in ends)
        return isinstance(size, ir.Dim) or any(same)


def _sum(a: Form, b: Form) -> Form | None:
    total = dict(a.terms)
    for term, c in b.terms:
        total[term] = total.get(term, 0) + c
    return Form(frozenset((t, c) for t, c in total.items() if c), a.constant + b.constant)
