"""Put the two sweeps together into a forward and an adjoint function."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from numba.core import types as nt

from adcompile.adjoint.forward import ForwardBuilder
from adcompile.adjoint.reverse import ReverseBuilder
from adcompile.analysis.activity import Activity
from adcompile.analysis.alias import Roots, written_roots
from adcompile.analysis.scope import Scopes
from adcompile.emit.destruct import destruct
from adcompile.ir import nodes as ir
from adcompile.ir.walk import rename_block, stmt_reads
from adcompile.normalise.places import Arenas
from adcompile.normalise.references import Selections
from adcompile.normalise.ssa import diverges
from adcompile.normalise.unset import default_value
from adcompile.optimise.unread import drop_unread
from adcompile.storage.needs import Needs
from adcompile.storage.plan import Plan
from adcompile.storage.tapes import LoopTape

Types = dict[ir.Var, nt.Type]


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
    scalars: tuple[ir.Var, ...]


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


def assemble(p: Problem, seeded: tuple[ir.Var, ...], finals: tuple[ir.Var, ...]) -> Derivative:
    """The pair of functions.  ``seeded``: the result variables that get a cotangent.  ``finals``:
    written parameters whose final contents are results too."""
    builder, given, scalars = make_builder(p)
    reverse: list[ir.Stmt] = builder.make_arenas()
    reverse += builder.missing_shadows(parameter_arrays(p))
    builder.prologue(p.fn.body, None, reverse)
    builder.brought_back.add(id(p.fn.body))
    seeds: list[ir.Var] = []
    for var in seeded:
        seed = ir.Var("result_adj" if var.temp else f"{var.name}_adj")
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
    results = tuple(builder.adj.get(v, ir.Const(0.0)) for v in scalars)
    reverse.append(ir.Return((ir.MakeTuple(results),) if results else ()))

    known = {*seeds, *given.values(), *(v for v, _ in p.fn.constants)}
    read = dict.fromkeys(
        v for v in exposed(tuple(reverse)) if v not in known and outlives_forward(v, p)
    )
    read.update(dict.fromkeys(finals))
    parameters = [v for v in p.fn.params if v in read]
    residuals = tuple(dict.fromkeys((*parameters, *read)))
    forward = build_forward(p, residuals)
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
        scalars,
    )


def outlives_forward(var: ir.Var, p: Problem) -> bool:
    """Defined by the forward sweep and outside all loops, or a tape or its cursor."""
    if var in p.scopes.loops:
        return not p.scopes.loops[var]
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


def make_builder(
    p: Problem,
) -> tuple[ReverseBuilder, dict[ir.Var, ir.Var], tuple[ir.Var, ...]]:
    """A builder, the shadows that callers provide, and the scalar inputs."""
    arrays = [v for v in p.inputs if isinstance(p.types[v], nt.Array)]
    scalars = tuple(v for v in p.inputs if not isinstance(p.types[v], nt.Array))
    given = {v: ir.Var(f"{v.name}_adj") for v in arrays}
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
    )
    return builder, given, scalars


def parameter_arrays(p: Problem) -> list[ir.Var]:
    """Array parameters and the arrays in tuple parameters."""
    found = [v for v in p.fn.params if isinstance(p.types[v], nt.Array)]
    for stmt in p.fn.body:
        if isinstance(stmt, ir.Assign) and isinstance(stmt.value, ir.TupleGet):
            if isinstance(p.types[stmt.target], nt.Array):
                found.append(stmt.target)
    return found


def build_forward(p: Problem, residuals: tuple[ir.Var, ...]) -> ir.Function:
    """The primal with its stores; returns (result, *residuals)."""
    unpack, head = build_head(p)
    rest = tuple(s for s in p.fn.body if s not in unpack)
    body = ForwardBuilder(p.plan, p.tapes).block(rest)
    last = body[-1]
    assert isinstance(last, ir.Return)
    value = last.values[0] if last.values else ir.Const(None)
    result = ir.Return((ir.MakeTuple((value, *residuals_made(p, residuals))),), last.loc)
    params = tuple(p.fn.params)
    fn = replace(p.fn, name=f"{p.fn.name}_forward", params=params)
    made = destruct(replace(fn, body=(*unpack, *head, *body[:-1], result)))
    start = {*params, *(v for v, _ in p.fn.constants)}
    maybe_unset: dict[ir.Var, None] = {}
    always = _exposed(made.body, start, maybe_unset)
    maybe_unset.update(dict.fromkeys(v for v in residuals if v not in always))
    return drop_unread(with_defaults(made, maybe_unset, p.types))


def with_defaults(
    fn: ir.Function, variables: Iterable[ir.Var], types: dict[ir.Var, nt.Type]
) -> ir.Function:
    """``fn`` (plain) in which these start with some value: Numba must find a type on every path,
    also where a branch that reads a variable is taken only after one that set it."""
    defaults = [default_value(v, types[v]) for v in variables if v in types]
    return replace(fn, body=(*defaults, *fn.body))


def build_head(p: Problem) -> tuple[tuple[ir.Stmt, ...], list[ir.Stmt]]:
    """The unpacking of tuple parameters; then checks for overlap, and copies of what is written."""
    arrays = parameter_arrays(p)
    written = written_roots(p.fn, p.roots)
    head: list[ir.Stmt] = []
    unpack = tuple(
        s for s in p.fn.body if isinstance(s, ir.Assign) and isinstance(s.value, ir.TupleGet)
    )
    for k, a in enumerate(arrays):
        for b in arrays[k + 1 :]:
            if a in written or b in written:
                message = f"{a.name} and {b.name} overlap, and one is written: pass a copy"
                error = ir.Raise("AliasError", (ir.Const(f"{message}\n  at {p.fn.loc}"),))
                head.append(ir.If(ir.Apply("rt.overlap", (a, b)), (error,), ()))
    copies = [ir.Copy(a, a) for a in arrays if a in written]
    if copies:
        head.append(ir.Comment("the caller's arrays stay as they are"))
    head.extend(copies)
    return unpack, head


def residuals_made(p: Problem, residuals: tuple[ir.Var, ...]) -> tuple[ir.Var, ...]:
    """The residuals that the caller of the forward function does not have already."""
    written = written_roots(p.fn, p.roots)
    return tuple(v for v in residuals if v not in p.fn.params or v in written)


def exposed(block: ir.Block) -> list[ir.Var]:
    """The variables that a plain block reads before it defines them, in order."""
    found: dict[ir.Var, None] = {}
    _exposed(block, set(), found)
    return list(found)


def _exposed(block: ir.Block, known: set[ir.Var], found: dict[ir.Var, None]) -> set[ir.Var]:
    known = set(known)
    for stmt in block:
        for var in stmt_reads(stmt):
            if var not in known:
                found[var] = None
        match stmt:
            case ir.If():
                then = _exposed(stmt.then, known, found)
                orelse = _exposed(stmt.orelse, known, found)
                if diverges(stmt.then):
                    known = orelse
                else:
                    known |= then if diverges(stmt.orelse) else then & orelse
            case ir.For():
                _exposed(stmt.body, known | {stmt.var}, found)
            case ir.While():
                _exposed(stmt.body, known, found)
            case ir.Assign() | ir.Alloc() | ir.Copy() | ir.View():
                known.add(stmt.target)
            case ir.AssignMany():
                known.update(stmt.targets)
            case _:
                pass
    return known
