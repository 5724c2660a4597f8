"""Forward mode: the program with the tangent of each active value beside it.

Statement by statement, in the order of the program; the rows of the rule table are those of the
reverse sweep:

    y = math.tanh(k * x)         t = k * x
                                 t_tan = k_tan * x + x_tan * k
                                 y = math.tanh(t)
                                 y_tan = t_tan * (1.0 - y * y)

With several directions each of these statements is there for each, ``t_tan``, ``t_tan_1`` and so
on; the function's own are there once.

An active array has a tangent array, a view of it the same view of that.  Names that loops and
branches rebind take their tangents along, so that nothing need be known about where they point.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from numba.core import types as nt

from adcompile.adjoint.partials import Contribution, contributions
from adcompile.analysis.activity import Activity, fill_value, is_float
from adcompile.analysis.alias import Roots
from adcompile.analysis.exposed import exposed
from adcompile.emit.destruct import destruct
from adcompile.errors import NOWHERE, Loc, UnsupportedError
from adcompile.ir import nodes as ir
from adcompile.ir.walk import map_blocks, rename_expr, statements, subexpressions
from adcompile.normalise.entry import build_head, parameter_arrays
from adcompile.normalise.unset import with_defaults
from adcompile.optimise.unread import drop_unread
from adcompile.rules.library import NAMES, operands_of
from adcompile.rules.simplify import add, as_complex

Types = dict[ir.Var, nt.Type]

_ZERO = ir.Const(0.0)
_NONE = ir.Const(None)


def derive_tangent(
    fn: ir.Function,
    types: Types,
    roots: Roots,
    activity: Activity,
    wanted: tuple[ir.Var, ...],
    written: tuple[ir.Var, ...],
    several: int | None = None,
) -> ir.Function:
    """``fn`` (ssa) with tangents: (params, tangents of ``wanted``) -> (out, tangent of out).

    ``written``: array parameters whose final contents are results too.  With ``several``
    directions, as many times the tangents of ``wanted``, and a tuple of tangents of out.
    """
    builder = _Builder(types, with_heads(fn, activity), fn.params, several or 1)
    activity = builder.activity
    given = tuple(builder.tuple_or_leaf(p) for _ in builder.directions() for p in wanted)
    unpack, head = build_head(fn, types, roots)
    start = builder.block(unpack)
    copies = [s.target for s in head if isinstance(s, ir.Copy)]
    for array in (*parameter_arrays(fn, types), *(v for v, _ in fn.constants)):
        for _ in builder.directions():
            if array in activity and array not in builder.given:
                head.append(builder.zeros(array))
            elif array in copies and array in activity:
                head.append(ir.Copy(builder.of(array), builder.of(array)))
    plain = destruct(replace(fn, body=tuple(s for s in fn.body if s not in unpack)))
    *body, last = plain.body
    assert isinstance(last, ir.Return)
    made = list(builder.block(tuple(body)))
    out = _result(last.values, written)
    made += builder.results(out, last, several is not None)
    params = (*fn.params, *given)
    function = ir.Function(
        f"{fn.name}_jvp",
        params,
        (*start, *head, *made),
        fn.loc,
        fn.constants,
        fn.exceptions,
    )
    known = {*params, *(v for v, _ in fn.constants)}
    maybe_unset = exposed(function.body, known)
    function = with_defaults(function, maybe_unset, types)
    return drop_unread(function)


def _result(values: tuple[ir.Expr, ...], written: tuple[ir.Var, ...]) -> ir.Expr:
    """The returned value, and after it the final contents of the arrays written."""
    value = values[0] if values else _NONE
    if isinstance(value, ir.MakeTuple):
        return ir.MakeTuple((*value.items, *written)) if written else value
    parts = (*(() if value == _NONE else (value,)), *written)
    return parts[0] if len(parts) == 1 else ir.MakeTuple(parts) if parts else _NONE


def with_heads(fn: ir.Function, activity: Activity) -> Activity:
    """Plain code sets what leaves a loop from what enters an iteration, which the reverse sweep
    may leave out: there the two differ in activity."""
    loops = [s for s in statements(fn.body) if isinstance(s, ir.For | ir.While)]
    heads = {c.head for loop in loops for c in loop.carried if c.out in activity}
    return replace(activity, active=activity.active | heads)


class _Builder:
    def __init__(
        self, types: Types, activity: Activity, params: tuple[ir.Var, ...], count: int
    ) -> None:
        self.types, self.activity = types, activity
        self.count, self.direction = count, 0
        self.taken = {p.name for p in params}
        self.tangents: dict[tuple[ir.Var, int], ir.Var] = {}
        self.tuples: set[ir.Var] = set()  # parameters, and tuples in them, with tangents
        self.given: set[ir.Var] = set()  # arrays and scalars whose tangents the caller gives

    def directions(self) -> Iterator[None]:
        """What is made for each direction is made in a loop over these."""
        for direction in range(self.count):
            self.direction = direction
            yield
        self.direction = 0

    # ------------------------------------------------------------ names

    def name(self, var: ir.Var) -> str:
        name = f"{var.name}_tan" + (f"_{self.direction}" if self.direction else "")
        while name in self.taken:  # a parameter of the user's
            name += "_"
        return name

    def of(self, var: ir.Var) -> ir.Var:
        """The variable that holds the tangent of ``var``."""
        key = (var, self.direction)
        if key not in self.tangents:
            made = self.tangents[key] = ir.Var(self.name(var), var.temp)
            if var in self.types:
                self.types[made] = self.types[var]
        return self.tangents[key]

    def value(self, expr: ir.Expr) -> ir.Expr:
        """The tangent of an atom or load."""
        if isinstance(expr, ir.Load) and expr.array in self.activity:
            return ir.Load(self.of(expr.array), expr.index)
        if isinstance(expr, ir.Var) and expr in self.activity:
            return self.of(expr)
        return _ZERO

    def tuple_or_leaf(self, param: ir.Var) -> ir.Var:
        if isinstance(self.types[param], nt.BaseTuple):
            self.tuples.add(param)
        else:
            self.given.add(param)
        return self.of(param)

    # ------------------------------------------------------------ statements

    def block(self, block: ir.Block) -> ir.Block:
        return tuple(made for stmt in block for made in self.stmt(stmt))

    def stmt(self, stmt: ir.Stmt) -> Iterator[ir.Stmt]:
        if isinstance(stmt, ir.If | ir.For | ir.While):
            yield map_blocks(self.block, stmt)
            return
        if isinstance(stmt, ir.Store | ir.Accumulate | ir.Fill | ir.CopyInto):
            for _ in self.directions():
                yield from self.write(stmt)  # before the primal: it may read what that overwrites
        if isinstance(stmt, ir.Custom):
            yield from self.custom(stmt)
            return
        yield stmt
        found: tuple[Contribution, ...] = ()
        if isinstance(stmt, ir.Assign) and self.is_computed(stmt):
            found = contributions(stmt, self.activity, self.types)
            if self.count > 1:
                shared, found = self.share(stmt, found)
                yield from shared
        for _ in self.directions():
            yield from self.after(stmt, found)

    def is_computed(self, stmt: ir.Assign) -> bool:
        """Whether its tangent takes the rules."""
        is_array = isinstance(self.types.get(stmt.target), nt.Array)
        is_item = isinstance(stmt.value, ir.TupleGet)
        return stmt.target in self.activity and not (is_item or is_array)

    def share(
        self, stmt: ir.Assign, found: tuple[Contribution, ...]
    ) -> tuple[list[ir.Stmt], tuple[Contribution, ...]]:
        """Partial derivatives that call functions are computed once for all directions."""
        kind = self.types.get(stmt.target)
        if not isinstance(kind, nt.Float):
            return [], found
        made: list[ir.Stmt] = []
        parts = []
        for c in found:
            calls = c.factor is not None and any(
                isinstance(e, ir.Apply) for e in subexpressions(c.factor)
            )
            real = not (c.real_operand or c.real_target or c.conjugates)
            if c.factor is not None and calls and real and not (c.guarded or c.doubly):
                factor = ir.Var("slope", True)
                self.types[factor] = kind
                made.append(ir.Assign(factor, c.factor, loc=stmt.loc))
                c = replace(c, factor=factor)
            parts.append(c)
        return made, tuple(parts)

    def after(self, stmt: ir.Stmt, found: tuple[Contribution, ...]) -> Iterator[ir.Stmt]:
        """The tangent of what ``stmt`` has made."""
        match stmt:
            case ir.Assign():
                yield from self.assign(stmt, found)
            case ir.AssignMany(targets, values):
                pairs = [p for p in zip(targets, values, strict=True) if p[0] in self.activity]
                if pairs:
                    changed = tuple(self.of(t) for t, _ in pairs)
                    yield replace(
                        stmt, targets=changed, values=tuple(self.value(v) for _, v in pairs)
                    )
            case ir.View(target, base) if target in self.activity:
                yield replace(stmt, target=self.of(target), base=self.of(base))
            case ir.Copy(target, source) if target in self.activity:
                if source in self.activity:
                    yield ir.Copy(self.of(target), self.of(source), stmt.loc)
                else:
                    yield self.zeros(target, stmt.loc)
            case ir.Alloc(target) if target in self.activity:
                yield from self.alloc(stmt)
            case ir.Call(targets):
                yield from (self.zeros(t, stmt.loc) for t in targets if t in self.activity)
            case _:
                pass

    def assign(self, stmt: ir.Assign, found: tuple[Contribution, ...]) -> Iterator[ir.Stmt]:
        target, value = stmt.target, stmt.value
        if isinstance(value, ir.TupleGet) and value.base in self.tuples:
            assert isinstance(value.base, ir.Var)
            if isinstance(self.types[target], nt.BaseTuple):
                self.tuples.add(target)
            elif target not in self.activity:
                return
            self.given.add(target)
            yield ir.Assign(self.of(target), replace(value, base=self.of(value.base)))
            return
        if target not in self.activity or isinstance(value, ir.TupleGet):
            return
        if isinstance(self.types.get(target), nt.Array):
            assert isinstance(value, ir.Var)
            yield ir.Assign(self.of(target), self.of(value), loc=stmt.loc)
            return
        total: ir.Expr | None = None
        for c in found:
            tangent = c.tangent(self.value(c.operand))
            total = tangent if total is None else add(total, tangent)
        yield ir.Assign(self.of(target), _ZERO if total is None else total, loc=stmt.loc)

    def custom(self, stmt: ir.Custom) -> Iterator[ir.Stmt]:
        for k, (target, value) in enumerate(zip(stmt.targets, stmt.values, strict=True)):
            yield ir.Assign(target, value, loc=stmt.loc)
            if target not in self.activity:
                continue
            if stmt.rule:
                raise UnsupportedError(
                    "forward mode of a function with custom_vjp: it has a rule for reverse mode",
                    stmt.loc,
                    "Use vjp, or give the function a forward rule: adcompile.custom_jvp.",
                )
            for _ in self.directions():
                tangent = self.value(stmt.args[k])
                if tangent == _ZERO and isinstance(self.types[target], nt.Array):
                    yield self.zeros(target, stmt.loc)
                else:
                    yield ir.Assign(self.of(target), tangent, loc=stmt.loc)

    def write(self, stmt: ir.Store | ir.Accumulate | ir.Fill | ir.CopyInto) -> Iterator[ir.Stmt]:
        if stmt.array not in self.activity:
            return
        array = self.of(stmt.array)
        match stmt:
            case ir.CopyInto(source=source):
                if source in self.activity:
                    yield replace(stmt, array=array, source=self.of(source))
                else:
                    yield ir.Fill(array, stmt.index, _ZERO, stmt.loc)
            case ir.Accumulate(value=value):
                if self.value(value) != _ZERO:
                    yield replace(stmt, array=array, value=self.value(value))
            case ir.Store(value=value) | ir.Fill(value=value):
                yield replace(stmt, array=array, value=self.value(value))

    def alloc(self, stmt: ir.Alloc) -> Iterator[ir.Stmt]:
        kind = self.types[stmt.target]
        assert isinstance(kind, nt.Array)
        if stmt.fn in NAMES:
            yield self.zeros(stmt.target, stmt.loc)
            for k, operand in enumerate(operands_of(stmt.fn, stmt.args, self.types)):
                array = stmt.args[k]
                if isinstance(array, ir.Var) and array in self.activity:
                    needed = tuple(stmt.target if n < 0 else stmt.args[n] for n in operand.needed)
                    pair = (self.of(stmt.target), self.of(array))
                    yield ir.Do(operand.tangent, (*pair, *needed), stmt.loc)
            return
        if stmt.fn.endswith(("full", "full_like")):
            tangent = self.value(fill_value(stmt.args, stmt.keywords))
            if tangent != _ZERO:
                dtype = ir.Const(f"np.{kind.dtype}")
                shape = ir.Attribute(stmt.target, "shape")
                yield ir.Alloc(self.of(stmt.target), "np.full", (shape, tangent, dtype))
                return
        yield self.zeros(stmt.target, stmt.loc)

    def zeros(self, array: ir.Var, loc: Loc = NOWHERE) -> ir.Stmt:
        return ir.Alloc(self.of(array), "np.zeros_like", (array,), loc=loc)

    # ------------------------------------------------------------ results

    def results(self, out: ir.Expr, last: ir.Return, several: bool) -> list[ir.Stmt]:
        """Copies of the arrays in the result, and the return of it and its tangent, or tangents."""
        made: list[ir.Stmt] = []
        copied: dict[ir.Var, ir.Var] = {}

        def tangent(expr: ir.Expr) -> ir.Expr:
            if isinstance(expr, ir.MakeTuple):
                return ir.MakeTuple(tuple(tangent(item) for item in expr.items), expr.maker)
            if isinstance(expr, ir.Const):
                if isinstance(expr.value, complex):
                    return ir.Const(0j)
                return _ZERO if isinstance(expr.value, float) else _NONE
            assert isinstance(expr, ir.Var)
            kind = self.types[expr]
            if not is_float(kind):
                if isinstance(kind, nt.Array):
                    copy(expr)
                return _NONE
            if not isinstance(kind, nt.Array):
                known = self.value(expr)
                return as_complex(known, kind) if isinstance(kind, nt.Complex) else known
            if expr in self.activity:
                copy(expr)
                return copy(self.of(expr))
            zeros = ir.Var(self.name(expr), expr.temp)
            made.append(ir.Alloc(zeros, "np.zeros_like", (copy(expr),)))
            return zeros

        def copy(array: ir.Var) -> ir.Var:
            if array not in copied:
                copied[array] = ir.Var(array.name, array.temp)
                made.append(ir.Copy(copied[array], array))
            return copied[array]

        moved = tuple(tangent(out) for _ in self.directions())  # fills ``copied``
        both = (rename_expr(out, copied), ir.MakeTuple(moved) if several else moved[0])
        made.append(ir.Return((ir.MakeTuple(both),), last.loc))
        return made
