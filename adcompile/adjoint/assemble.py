"""Put the two sweeps together into a forward and an adjoint function."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from numba.core import types as nt

from adcompile.adjoint.forward import ForwardBuilder
from adcompile.adjoint.numbers import Numbers
from adcompile.adjoint.reverse import ReverseBuilder
from adcompile.analysis.activity import Activity
from adcompile.analysis.alias import Roots, written_roots
from adcompile.analysis.exposed import defined_after, exposed
from adcompile.analysis.scope import Scopes
from adcompile.emit.destruct import destruct
from adcompile.ir import nodes as ir
from adcompile.ir.walk import rename_block
from adcompile.normalise.entry import build_head, parameter_arrays
from adcompile.normalise.places import Arenas
from adcompile.normalise.references import Selections
from adcompile.normalise.unset import with_defaults
from adcompile.optimise.extents import Extents
from adcompile.optimise.shadows import spare_shadows
from adcompile.optimise.unread import drop_unread
from adcompile.rules.simplify import as_complex
from adcompile.storage.needs import Needs
from adcompile.storage.plan import Plan
from adcompile.storage.stack import Stack
from adcompile.storage.tapes import LoopTape

Types = dict[ir.Var, nt.Type]
_IN_C_ORDER = frozenset(
    (
        *("np.empty", "np.zeros", "np.ones", "np.full", "np.dot"),
        *("rt.stacked_nt", "rt.stacked_nn", "rt.dot_nt", "rt.dot_tn"),
        "rt.reshaped",
        *("rt.contract_0", "rt.contract_1", "rt.contract_last"),
    )
)


@dataclass(frozen=True)
class Derivative:
    """forward: params -> (result, *residuals).  adjoint: (*residuals, *seeds, *shadows) ->
    adjoints of the scalar parameters.

    residuals: variables of the forward function that the adjoint needs (parameters that are not
    written included); arguments: under which names it takes them.  shadows: parameter (or item of
    a tuple parameter) -> shadow.
    seeded: the results whose cotangents it takes next, in order.
    """

    forward: ir.Function
    adjoint: ir.Function
    residuals: tuple[ir.Var, ...]
    arguments: tuple[ir.Var, ...]
    seeded: tuple[ir.Var, ...]
    shadows: tuple[tuple[ir.Var, ir.Var], ...]
    overwritten: frozenset[ir.Var]  # parameters whose shadows need not be zeros at first
    scalars: tuple[ir.Var, ...]
    adjoints: frozenset[ir.Var]  # variables of the adjoint function that hold scalar adjoints


@dataclass(frozen=True)
class Problem:
    """A function (ssa, controls named) with all its facts."""

    fn: ir.Function
    types: Types
    scopes: Scopes
    roots: Roots
    activity: Activity
    needs: Needs
    plan: Plan
    tapes: dict[int, LoopTape]
    shapes: dict[ir.Var, tuple[ir.Expr, ...]]
    selections: Selections
    arenas: Arenas
    inputs: tuple[ir.Var, ...]  # leaves: scalars and arrays, items of tuples
    optimise: bool
    stack: Stack | None = None


def result_leaves(fn: ir.Function) -> tuple[ir.Expr, ...]:
    """The items of the returned value, flattened."""
    last = fn.body[-1]
    assert isinstance(last, ir.Return)
    return tuple(leaf for value in last.values for leaf in _leaves(value))


def _leaves(expr: ir.Expr) -> Iterable[ir.Expr]:
    if isinstance(expr, ir.MakeTuple):
        for item in expr.items:
            yield from _leaves(item)
    else:
        yield expr


def assemble(
    p: Problem, seeded: tuple[ir.Var, ...], finals: tuple[ir.Var, ...], adds: bool = False
) -> Derivative:
    """The pair of functions.  ``seeded``: the result variables that get a cotangent.  ``finals``:
    written parameters whose final contents are results too.  ``adds``: the shadows of all
    parameters hold something already."""
    builder, given, scalars = make_builder(p)
    reverse: list[ir.Stmt] = builder.make_arenas()
    reverse += builder.missing_shadows(parameter_arrays(p.fn, p.types))
    builder.prologue(p.fn.body, None, reverse)
    builder.brought_back.add(id(p.fn.body))
    seeds: list[ir.Var] = []
    for var in seeded:
        seed = ir.Var(_free("result_adj" if var.temp else f"{var.name}_adj", p.fn))
        seeds.append(seed)
        if var in p.roots:
            if var in p.activity:
                reverse.append(ir.Do("rt.add_into", (builder.shadow_of(var), seed)))
        else:
            builder.add(var, seed, reverse)
    builder.block(p.fn.body, None, reverse)
    for array, shadow in given.items():
        if (made := builder.shadow_of(array)) is not shadow:
            reverse.append(ir.Do("rt.add_into", (shadow, made)))
    results = scalar_results(builder, scalars)
    reverse.append(ir.Return((ir.MakeTuple(results),) if results else ()))
    overwritten: frozenset[ir.Var] = frozenset()
    if p.optimise:
        empty = {a: s for a, s in given.items() if a not in finals and not adds}
        body, overwritten = spared(tuple(reverse), builder, empty, p)
        reverse = list(body)

    known = {*seeds, *given.values(), *(v for v, _ in p.fn.constants)}
    read = dict.fromkeys(
        v for v in exposed(tuple(reverse)) if v not in known and outlives_forward(v, p)
    )
    read.update(dict.fromkeys(finals))
    parameters = [v for v in p.fn.params if v in read]
    own = [v for v in read if v not in p.fn.params and v not in finals]
    numbers = Numbers(() if adds else own, p.types, tuple(reverse))
    reverse = list(numbers.read_from(tuple(reverse)))
    residuals = tuple(dict.fromkeys(numbers.instead_in((*parameters, *read))))
    forward = build_forward(p, residuals, numbers)
    arguments, renamed = parameter_names((*residuals, *seeds, *given.values()), p.fn.params)
    adjoint = ir.Function(
        f"{p.fn.name}_adjoint",
        arguments,
        rename_block(tuple(reverse), renamed),
        p.fn.loc,
        p.fn.constants,
        p.fn.exceptions,
    )
    return Derivative(
        forward,
        drop_unread(adjoint),
        residuals,
        arguments[: len(residuals)],
        seeded,
        tuple((array, renamed.get(shadow, shadow)) for array, shadow in given.items()),
        overwritten,
        scalars,
        frozenset(renamed.get(v, v) for v in builder.adj_vars.values()),
    )


def outlives_forward(var: ir.Var, p: Problem) -> bool:
    """Defined by the forward sweep and outside all loops, or a tape or its cursor."""
    if var in p.scopes.loops:
        return not p.scopes.loops[var]
    if p.stack is not None and var in (p.stack.array, p.stack.top):
        return True
    if any(var is one.tape or var is one.cursor for one in p.plan.snapshots):
        return True
    tapes = p.tapes.values()
    return any(var is t.row or any(var is one.array for one in t.tapes) for t in tapes)


def parameter_names(
    wanted: tuple[ir.Var, ...], primal: tuple[ir.Var, ...]
) -> tuple[tuple[ir.Var, ...], dict[ir.Var, ir.Var]]:
    """Parameters with distinct names, and the renaming that takes the others there.  The names of
    the primal's parameters are theirs alone: entries know both."""
    theirs = {v.name for v in primal}
    renamed: dict[ir.Var, ir.Var] = {}
    taken: set[str] = set()
    made: list[ir.Var] = []
    for var in wanted:
        wish = "kept" if var.temp and var.name == "t" else var.name
        name, k = wish, 2
        while name in taken or (name in theirs and var not in primal):
            name, k = f"{wish}_{k}", k + 1
        taken.add(name)
        if name != var.name or var.temp:
            renamed[var] = ir.Var(name)
        made.append(renamed.get(var, var))
    return tuple(made), renamed


def spared(
    body: ir.Block, builder: ReverseBuilder, given: Mapping[ir.Var, ir.Var], p: Problem
) -> tuple[ir.Block, frozenset[ir.Var]]:
    """``spare_shadows`` for the shadows of ``builder``; ``given``: parameters whose shadows the
    caller provides, empty.  Also: those of them which need not be."""
    extents = Extents(p.fn, p.types, p.scopes, p.shapes)
    shapes: dict[ir.Var, tuple[ir.Expr, ...]] = {}
    for array, shadow in builder.shadow.items():
        kind = p.types[array]
        if isinstance(kind, nt.Array):
            shapes[shadow] = extents.of(array, kind.ndim)
    ordered = {s for a, s in builder.shadow.items() if made_in_c_order(p.scopes.defined_by.get(a))}
    callers = frozenset(given.values())
    body, found = spare_shadows(body, shapes, callers, frozenset(ordered | callers), extents)
    return body, frozenset(array for array, shadow in given.items() if shadow in found)


def made_in_c_order(stmt: ir.Stmt | None) -> bool:
    """LAPACK's results, for one, are not."""
    return isinstance(stmt, ir.Alloc) and stmt.fn in _IN_C_ORDER


def _free(name: str, fn: ir.Function) -> str:
    """A name that no parameter of the user's has."""
    taken = {param.name for param in fn.params}
    while name in taken:
        name += "_"
    return name


def make_builder(
    p: Problem,
) -> tuple[ReverseBuilder, dict[ir.Var, ir.Var], tuple[ir.Var, ...]]:
    """A builder, the shadows that callers provide, and the scalar inputs."""
    arrays = [v for v in p.inputs if isinstance(p.types[v], nt.Array)]
    scalars = tuple(v for v in p.inputs if not isinstance(p.types[v], nt.Array))
    given = {v: ir.Var(_free(f"{v.name}_adj", p.fn)) for v in arrays}
    builder = ReverseBuilder(
        p.types,
        p.activity,
        p.scopes,
        p.needs,
        p.plan,
        p.tapes,
        p.shapes,
        p.selections,
        p.arenas,
        given,
        p.roots,
        p.optimise,
        p.stack,
    )
    return builder, given, scalars


def scalar_results(builder: ReverseBuilder, scalars: tuple[ir.Var, ...]) -> tuple[ir.Expr, ...]:
    """The adjoints of these, complex ones as complex numbers also where only real ones
    contributed."""
    found: list[ir.Expr] = []
    for var in scalars:
        value: ir.Expr = builder.adj.get(var, builder.zero(var))
        kind = builder.types[var]
        found.append(as_complex(value, kind) if isinstance(kind, nt.Complex) else value)
    return tuple(found)


def build_forward(p: Problem, residuals: tuple[ir.Var, ...], numbers: Numbers) -> ir.Function:
    """The primal with its stores; returns (result, *residuals)."""
    unpack, head = build_head(p.fn, p.types, p.roots)
    rest = tuple(s for s in p.fn.body if s not in unpack)
    body = ForwardBuilder(p.plan, p.tapes, p.stack).block(rest)
    begin = () if p.stack is None else tuple(p.stack.begin())
    last = body[-1]
    assert isinstance(last, ir.Return)
    value = last.values[0] if last.values else ir.Const(None)
    result = ir.Return((ir.MakeTuple((value, *residuals_made(p, residuals))),), last.loc)
    params = tuple(p.fn.params)
    fn = replace(p.fn, name=f"{p.fn.name}_forward", params=params)
    body = numbers.stored_by((*unpack, *head, *begin, *body[:-1]))
    made = destruct(replace(fn, body=(*body, result)))
    start = {*params, *(v for v, _ in p.fn.constants)}
    always = defined_after(made.body, start)
    maybe_unset = dict.fromkeys(exposed(made.body, start))
    maybe_unset.update(dict.fromkeys(v for v in residuals if v not in always))
    return drop_unread(with_defaults(made, maybe_unset, p.types))


def residuals_made(p: Problem, residuals: tuple[ir.Var, ...]) -> tuple[ir.Var, ...]:
    """The residuals that the caller of the forward function does not have already."""
    written = written_roots(p.fn, p.roots)
    return tuple(v for v in residuals if v not in p.fn.params or v in written)
