"""Draws of random numbers: location and scale become arithmetic, and what is drawn from arrays a
gather of drawn subscripts (ssa, resolved, typed, before whole arrays are expanded).

    x = np.random.normal(mu, sigma, n)        z = np.random.standard_normal(n)
                                        ->    x = mu + sigma * z
    np.random.shuffle(x)                      p = np.random.permutation(x.shape[0])
                                              x[:] = x[p]

Numba computes the same, in the same order.  What is left of the parameters has no derivative.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise

from numba.core import types as nt

from adcompile.analysis.activity import Activity, float_operands
from adcompile.errors import UnsupportedError
from adcompile.ir import nodes as ir
from adcompile.ir.walk import map_blocks, statements
from adcompile.rules.draws import draw_of, draws, is_draw, parameters_of, sizes_of

Types = dict[ir.Var, nt.Type]

# Where the standard distribution has a function of its own.
_STANDARD = {
    "normal": "standard_normal",
    "lognormal": "standard_normal",
    "uniform": "random",
    "exponential": "standard_exponential",
}


def standardise_draws(fn: ir.Function, types: Types) -> ir.Function:
    """``fn`` with draws of standard distributions only, as far as there are such."""
    if not draws(fn):
        return fn

    def block(stmts: ir.Block) -> ir.Block:
        return tuple(made for s in stmts for made in _stmt(map_blocks(block, s), types))

    return replace(fn, body=block(fn.body))


def refuse_parameters(fn: ir.Function, activity: Activity) -> None:
    """Draws whose distribution depends, in another way, on what is differentiated."""
    for stmt in statements(fn.body):
        if not isinstance(stmt, ir.Call) or not is_draw(stmt):
            continue
        names = draw_of(stmt).parameters.parameters
        for name, arg in zip(names, parameters_of(stmt), strict=False):
            if any(v in activity.varied for v in float_operands(arg) if isinstance(v, ir.Var)):
                shown = stmt.fn.removeprefix("gen.")
                raise UnsupportedError(
                    f"{shown}: its parameter {name!r} depends on what is differentiated, and there "
                    "is no derivative of a draw with respect to it",
                    stmt.loc,
                    "Write the draw as a function of np.random.random() or standard_normal(), or "
                    f"declare the parameter a constant: adcompile.stop_gradient({name}).",
                )


def _stmt(stmt: ir.Stmt, types: Types) -> Iterator[ir.Stmt]:
    if not isinstance(stmt, ir.Call) or not is_draw(stmt):
        yield stmt
        return
    before, stmt = _sized(stmt, types)
    yield from before
    if stmt.fn.endswith((".choice", ".permutation", ".shuffle")):
        yield from _from_array(stmt, types)
    elif draw_of(stmt).form:
        yield from _scaled(stmt, types)
    else:
        yield stmt


def _sized(stmt: ir.Call, types: Types) -> tuple[list[ir.Stmt], ir.Call]:
    """``stmt`` with atoms as the extents that are asked for."""
    before: list[ir.Stmt] = []

    def atom(expr: ir.Expr) -> ir.Expr:
        if isinstance(expr, ir.Var | ir.Const):
            return expr
        made = ir.Var("size", temp=True)
        types[made] = nt.int64
        before.append(ir.Assign(made, expr, loc=stmt.loc))
        return made

    def one(arg: ir.Expr) -> ir.Expr:
        if isinstance(arg, ir.MakeTuple):
            return ir.MakeTuple(tuple(atom(item) for item in arg.items), arg.maker)
        kind = types.get(arg) if isinstance(arg, ir.Var) else None
        if isinstance(kind, nt.BaseTuple):
            return ir.MakeTuple(tuple(atom(ir.TupleGet(arg, k)) for k in range(len(kind))))
        return arg if isinstance(arg, ir.Var | ir.Const) else atom(arg)

    args = tuple(one(arg) for arg in stmt.args)
    return before, replace(stmt, args=args)


# ---------------------------------------------------------------- location and scale


def _scaled(stmt: ir.Call, types: Types) -> Iterator[ir.Stmt]:
    draw, loc, (target,) = draw_of(stmt), stmt.loc, stmt.targets
    owner = stmt.args[:1] if stmt.fn.startswith("gen.") else ()
    *shape, scale = stmt.args[len(owner) : len(owner) + len(draw.parameters.parameters) - 1]
    low: ir.Expr = ir.Const(0.0)
    if draw.form != "scale * z":
        (low,), shape = shape, []
    if draw.form == "low + (high - low) * z":
        if isinstance(low, ir.Const) and isinstance(scale, ir.Const):
            scale = ir.Const(_number(scale) - _number(low))
        elif not _is(low, 0.0):
            start, width = (ir.Var("t", temp=True) for _ in range(2))
            types[start] = types[width] = nt.float64
            yield ir.Assign(start, ir.Apply("float", (low,)), loc=loc)
            yield ir.Assign(width, ir.Binary("-", scale, start), loc=loc)
            scale = width

    steps: list[Callable[[ir.Var], ir.Expr]] = []
    if not _is(scale, 1.0):
        steps.append(lambda z: ir.Binary("*", scale, z))
    if not _is(low, 0.0):
        steps.append(lambda z: ir.Binary("+", low, z))
    if draw.form.startswith("exp"):
        steps.append(lambda z: ir.Apply("np.exp", (z,)))
    values = [target]
    for _ in steps:
        values.insert(0, ir.Var("t", temp=True))
        types[values[0]] = types[target]

    parameters: tuple[ir.Expr, ...] = (*shape, ir.Const(1.0))
    if draw.name in _STANDARD:
        parameters = ()
    elif draw.form != "scale * z":
        parameters = (ir.Const(0.0), ir.Const(1.0))
    name = _STANDARD.get(draw.name, draw.name)
    prefix = stmt.fn.rpartition(".")[0]
    dims = sizes_of(stmt)
    sizes = () if not dims else (dims[0] if len(dims) == 1 else ir.MakeTuple(dims),)
    args = (*owner, *parameters, *sizes)
    yield ir.Call((values[0],), f"{prefix}.{name}", args, loc)
    for step, (z, made) in zip(steps, pairwise(values), strict=True):
        yield ir.Assign(made, step(z), loc=loc)


def _number(value: ir.Const) -> float:
    assert isinstance(value.value, int | float)
    return float(value.value)


def _is(expr: ir.Expr, number: float) -> bool:
    return isinstance(expr, ir.Const) and expr.value == number


# ---------------------------------------------------------------- from arrays


def _from_array(stmt: ir.Call, types: Types) -> Iterator[ir.Stmt]:
    """Subscripts are drawn, which the draw from the array would have used."""
    owner = stmt.args[:1] if stmt.fn.startswith("gen.") else ()
    source, *rest = stmt.args[len(owner) :]
    kind = types.get(source) if isinstance(source, ir.Var) else None
    if not isinstance(kind, nt.Array):
        yield stmt
        return
    assert isinstance(source, ir.Var)
    effect = stmt.fn.endswith(".shuffle")
    fn = stmt.fn.replace(".shuffle", ".permutation")
    places = ir.Var("t", temp=True)
    scalar = bool(stmt.targets) and not isinstance(types[stmt.targets[0]], nt.Array)
    ranks = 1 if fn.endswith(".permutation") or scalar else _rank(types[stmt.targets[0]])
    types[places] = nt.int64 if scalar else nt.Array(nt.int64, ranks, "C")
    size = ir.Var("size", temp=True)
    types[size] = nt.int64
    yield ir.Assign(size, ir.Dim(source, 0), loc=stmt.loc)
    yield ir.Call((places,), fn, (*owner, size, *rest), stmt.loc)
    if scalar:
        yield ir.Assign(stmt.targets[0], ir.Load(source, (places,)), loc=stmt.loc)
    elif effect:
        moved = ir.Var(source.name)  # no temporary: it is read before it is overwritten
        types[moved] = nt.Array(kind.dtype, kind.ndim, "C")
        yield ir.Assign(moved, ir.Subscript(source, (places,)), loc=stmt.loc)
        yield ir.CopyInto(source, (ir.Slice(None, None, None),), moved, stmt.loc)
    else:
        yield ir.Assign(stmt.targets[0], ir.Subscript(source, (places,)), loc=stmt.loc)


def _rank(kind: nt.Type) -> int:
    assert isinstance(kind, nt.Array)
    return int(kind.ndim)
