"""The pipeline, from a function and argument types to the text of a module.  Read it downwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from numba.core import types as nt

from adcompile.adjoint.assemble import Derivative, Problem, assemble, result_leaves
from adcompile.adjoint.fused import Fused, candidates, fuse, nested
from adcompile.analysis.activity import find_activity, is_float
from adcompile.analysis.alias import find_roots, written_roots
from adcompile.analysis.complex_numbers import check_complex
from adcompile.analysis.independence import any_order, carries_only_sums
from adcompile.analysis.scope import Loop, Path, find_scopes
from adcompile.analysis.singular import with_guards
from adcompile.arrays.expand import expand
from adcompile.arrays.statics import known_arguments
from adcompile.backends.cpu import DIRECTIONS, Argnums
from adcompile.backends.store import Generated
from adcompile.backends.values import is_differentiable
from adcompile.clones import namespace
from adcompile.emit.module import ModuleText, write_module
from adcompile.emit.tangent_module import write_tangent_module
from adcompile.errors import InactiveArgumentError, NonScalarOutputError, UnsupportedError
from adcompile.explain import explain
from adcompile.frontend.kernel_forms import waits, with_blocks
from adcompile.frontend.parse import parse
from adcompile.ir import nodes as ir
from adcompile.ir.verify import verify
from adcompile.ir.walk import reads
from adcompile.makers import with_lists
from adcompile.normalise.bounded import bound_whiles, has_while
from adcompile.normalise.customs import prepare_customs
from adcompile.normalise.draws import refuse_parameters, standardise_draws
from adcompile.normalise.guards import guard_divisions
from adcompile.normalise.list_names import with_own_names
from adcompile.normalise.lists import has_lists, lower_lists
from adcompile.normalise.name_controls import name_controls
from adcompile.normalise.name_items import name_items
from adcompile.normalise.places import find_places
from adcompile.normalise.records import split_records
from adcompile.normalise.references import number_references
from adcompile.normalise.resolve import resolve
from adcompile.normalise.ssa import to_ssa
from adcompile.normalise.tuples import split_tuples
from adcompile.normalise.unreached import drop_unreached
from adcompile.normalise.unset import define_unset
from adcompile.optimise.cse import merge_common
from adcompile.optimise.deadcode import eliminate_dead
from adcompile.optimise.finish import Finish
from adcompile.optimise.fusion import fuse_nests, sink_deepest
from adcompile.optimise.hoist import hoist_sizes
from adcompile.optimise.parallel import Remarks
from adcompile.optimise.unroll import unroll_products
from adcompile.options import Options
from adcompile.storage.compare import best_plan
from adcompile.storage.needs import Needs
from adcompile.storage.plan import Plan, Planner
from adcompile.storage.snapshots import find_snapshots
from adcompile.storage.stack import find_stack
from adcompile.storage.tapes import LoopTape, lay_out
from adcompile.tangent.sweep import derive_tangent
from adcompile.types.variables import infer_plain, infer_variables

Types = tuple[nt.Type, ...]
_ATTEMPTS = 3  # loops that may run forward and in reverse at once


def generate(
    func: Any, argtypes: Types, argnums: Argnums, has_aux: bool, options: Options
) -> Generated:
    """The derivative of ``func`` for arguments of these types, as a module's text."""
    if argnums.mode in ("jvp", "jvps"):
        return derive_forward(func, argtypes, argnums, options)
    if options.target == "cuda":
        # Late: without a GPU nobody needs it.
        from adcompile.cuda.module import write_device_module

        return write_device_module(
            func, differentiate(func, argtypes, argnums, has_aux, options), argnums, options
        )
    return derive(func, argtypes, argnums, has_aux, options).generated


@dataclass(frozen=True)
class Resolved:
    """The program in ssa, every node with a meaning, conditions and subscripts named."""

    plain: ir.Function
    fn: ir.Function
    types: dict[ir.Var, nt.Type]
    returns: nt.Type
    shapes: dict[ir.Var, tuple[ir.Expr, ...]]


def resolved(
    func: Any,
    argtypes: Types,
    argnums: Argnums,
    options: Options,
    seen: Callable[[str, object], None],
) -> Resolved:
    """The stages that both modes share."""
    plain = parse(func, argtypes)
    verify(plain, "plain")
    seen("plain", plain)
    if (certain := next((s for s in plain.body if isinstance(s, ir.Raise)), None)) is not None:
        raise UnsupportedError(
            f"{plain.name} raises {certain.exception} whatever its arguments are", certain.loc
        )

    seen_types = tuple(map(with_lists, argtypes))
    if has_lists(plain) or seen_types != argtypes:
        plain = with_own_names(plain)
        known = infer_plain(plain, seen_types, namespace(plain.callees, options))
        plain = lower_lists(split_records(plain, known), known)
        verify(plain, "plain")
        seen("lists", plain)

    if options.target == "cuda" and has_while(plain):  # which has no tapes of unknown length
        known = infer_plain(plain, seen_types, namespace(plain.callees, options))
        plain = bound_whiles(plain, known)
        verify(plain, "plain")
        seen("bounded", plain)

    short = unroll_products(plain) if options.optimise else plain
    ssa = eliminate_dead(known_arguments(to_ssa(short)), typed=False)
    verify(ssa, "ssa")
    seen("ssa", ssa)

    types, returns = infer_variables(ssa, argtypes, namespace(ssa.callees, options))
    check_arguments(plain, argtypes, argnums)
    fn = standardise_draws(resolve(drop_unreached(ssa, types), types), types)
    fn = name_items(split_tuples(fn, types), types)
    regroup = options.optimise and options.vector_math
    fn = expand(fn, types, argnums.ones, hasattr(func, "py_func"), regroup)
    check_complex(fn, types)
    fn = split_tuples(fn, types, again=True)
    fn = prepare_customs(fn, types, options)
    fn = define_unset(fn, types)
    seen("resolved", fn)
    fn, shapes = name_controls(fn, types)
    if argnums.mode != "vjp" or options.target == "cpu":  # a CUDA kernel has no exceptions
        fn = guard_divisions(fn, types, func)
    if options.optimise or options.target == "cuda":  # which has no tapes of unknown length
        fn = hoist_sizes(fn, types, options.target == "cuda")
    if options.optimise:
        fn = merge_common(fn, shapes)
        fn = sink_deepest(fuse_nests(fn, types, shapes), types)
    kept = [v for dims in shapes.values() for d in dims for v in reads(d)]
    fn = eliminate_dead(fn, [*kept, *items_of_parameters(fn)])
    return Resolved(plain, fn, types, returns, shapes)


def derive_forward(func: Any, argtypes: Types, argnums: Argnums, options: Options) -> Generated:
    """Forward mode: the function and its tangent, or several."""
    found = resolved(func, argtypes, argnums, options, lambda stage, made: None)
    fn, types = found.fn, found.types
    roots = find_roots(fn, types)
    inputs = leaves_of_parameters(fn, types, argnums)
    seeded = seeded_results(fn, types, argnums, False)
    written = tuple(p for p in fn.params if p in written_roots(fn, roots))
    activity = find_activity(fn, types, roots, inputs, [*seeded, *written])
    activity = with_guards(fn, roots, activity)
    wanted = tuple(fn.params[k] for k in argnums)
    refuse_parameters(fn, activity)
    several = DIRECTIONS if argnums.mode == "jvps" else None
    tangent = derive_tangent(fn, types, roots, activity, wanted, written, several)
    tangent = Finish(types, found.plain, options)(tangent)
    verify(tangent, "plain")
    return write_tangent_module(func, fn, tangent, types, argnums, options, argtypes)


def derive(
    func: Any,
    argtypes: Types,
    argnums: Argnums,
    has_aux: bool,
    options: Options,
    seen: Callable[[str, object], None] = lambda stage, made: None,
) -> ModuleText:
    """``generate``, with the facts it rests on.  ``seen`` is shown what each stage has made."""
    made = differentiate(func, argtypes, argnums, has_aux, options, seen)
    notes = explain(func, made.problem, made.remarks.lines)
    pair = (made.problem, made.derivative, made.fused)
    return write_module(func, *pair, argnums, has_aux, options, argtypes, notes)


@dataclass(frozen=True)
class Differentiated:
    """All that a module is made from.  ``problem``: that of what runs."""

    argtypes: Types
    has_aux: bool
    problem: Problem
    derivative: Derivative
    fused: Fused | None
    remarks: Remarks


def differentiate(
    func: Any,
    argtypes: Types,
    argnums: Argnums,
    has_aux: bool,
    options: Options,
    seen: Callable[[str, object], None] = lambda stage, made: None,
) -> Differentiated:
    """Both sweeps, and where possible both at once, ready to be printed."""
    found = resolved(func, argtypes, argnums, options, seen)
    fn, types, shapes = found.fn, found.types, found.shapes
    in_blocks = waits(func)
    if in_blocks:
        fn = with_blocks(fn)
    if argnums.mode == "grad":
        check_result(found.plain, found.returns, has_aux)
    fn, arenas = find_places(fn, types, find_scopes(fn), shapes)
    fn, selections = number_references(fn, types, arenas.places)
    verify(fn, "ssa")
    seen("named", fn)

    scopes = find_scopes(fn)
    roots = find_roots(fn, types)
    inputs = leaves_of_parameters(fn, types, argnums)
    seeded = seeded_results(fn, types, argnums, has_aux)
    written = [p for p in fn.params if p in written_roots(fn, roots)]
    outputs = [*seeded, *(written if argnums.mode == "vjp" else ())]
    activity = find_activity(fn, types, roots, inputs, outputs)
    activity = with_guards(fn, roots, activity)

    refuse_parameters(fn, activity)
    needs = Needs(fn, activity, types)
    kept_arrays = [v for v in outputs if v in roots and v in activity]
    known = (fn, types, scopes, roots, needs, shapes, selections, arenas)

    def for_threads(loop: Loop) -> int:
        return 2 * any_order(loop, roots, activity, scopes) or carries_only_sums(
            loop, roots, activity
        )

    may_copy = options.optimise and options.target == "cpu"

    def plan_for(joint: Path, results: Iterable[ir.Var]) -> Plan:
        copies = find_snapshots(fn, types, scopes, roots, joint) if may_copy else []
        return best_plan(
            lambda some: Planner(*known, joint, some).run(results), copies, types, scopes, joint
        )

    suits = for_threads if options.target == "cuda" else None
    plan = plan_for((), kept_arrays)
    tapes = lay_out(plan, types, scopes, suits=suits)

    problem = Problem(
        fn,
        types,
        scopes,
        roots,
        activity,
        needs,
        plan,
        tapes,
        shapes,
        selections,
        arenas,
        tuple(inputs),
        options.optimise,
        find_stack(fn, types, scopes, activity, needs),
    )
    finals = tuple(written) if argnums.mode == "vjp" else ()
    is_kernel = argnums.mode == "vjp" and options.target == "cuda"
    derivative = assemble(problem, tuple(seeded), finals, adds=is_kernel)
    finish = Finish(types, found.plain, options)
    derivative = replace(
        derivative,
        forward=finish(derivative.forward),
        adjoint=finish(derivative.adjoint, derivative.adjoints, known_rows(tapes, derivative)),
    )
    verify(derivative.forward, "plain")
    verify(derivative.adjoint, "plain")
    seen("problem", problem)
    seen("derivative", derivative)

    fused: Fused | None = None
    may_fuse = argnums.mode == "grad" or is_kernel
    may_fuse = may_fuse and (options.optimise or in_blocks) and not arenas.places
    may_fuse = may_fuse and problem.stack is None
    for loop in candidates(problem)[:_ATTEMPTS] if may_fuse else ():
        loops = nested(problem, loop)
        while True:
            joint_plan = plan_for(loops, kept_arrays if is_kernel else ())
            if len(loops) == 1 or in_blocks or not (joint_plan.stored or joint_plan.copied):
                break
            loops = loops[:1]  # to make a tape in each of many iterations takes too long
        joint_tapes = lay_out(joint_plan, types, scopes, loops, suits)
        joint = replace(problem, plan=joint_plan, tapes=joint_tapes)
        made = fuse(joint, loops, tuple(seeded), adds=is_kernel)
        if made is not None:
            problem = joint
            finish = Finish(types, found.plain, options)  # its remarks are about what runs
            fused = replace(made, fn=finish(made.fn, made.adjoints))
            verify(fused.fn, "plain")
            break

    return Differentiated(argtypes, has_aux, problem, derivative, fused, finish.remarks)


def known_rows(tapes: dict[int, LoopTape], derivative: Derivative) -> list[ir.Var]:
    """The tapes that the reverse sweep is given, their rows numbered by loop variables."""
    numbered = {t.array for of in tapes.values() if of.rows is not None for t in of.tapes}
    pairs = zip(derivative.residuals, derivative.arguments, strict=True)
    return [argument for v, argument in pairs if v in numbered]


# ---------------------------------------------------------------- checks


def check_arguments(fn: ir.Function, argtypes: Types, argnums: Argnums) -> None:
    """Derivatives are taken with respect to floats and complex numbers, arrays of those, and tuples
    that have one of all these."""
    for k in argnums:
        kind = argtypes[k]
        if not is_differentiable(kind):
            raise InactiveArgumentError(
                f"argument {fn.params[k].name!r} has type {kind}: there is no derivative with "
                "respect to it",
                fn.loc,
                "Pass a float, or name other arguments in argnums.",
            )


def check_result(fn: ir.Function, returns: nt.Type, has_aux: bool) -> None:
    """``grad`` needs one floating scalar, or (scalar, aux) with ``has_aux``."""
    kind = returns
    if has_aux:
        if not isinstance(returns, nt.BaseTuple) or len(returns) != 2:
            raise NonScalarOutputError(
                f"{fn.name} returns {returns}, not (loss, aux)", fn.loc, "Return two values."
            )
        kind = next(iter(returns))
    if not isinstance(kind, nt.Float):
        raise NonScalarOutputError(
            f"{fn.name} returns {returns}, not a real floating scalar",
            fn.loc,
            "Return its real part or its absolute value, or use vjp."
            if isinstance(kind, nt.Complex)
            else "Return one float, or use vjp.",
        )


# ---------------------------------------------------------------- what is differentiated


def items_of_parameters(fn: ir.Function) -> Iterable[ir.Var]:
    """The parts of tuple parameters: gradients have all of them, read or not."""
    for stmt in fn.body:
        if isinstance(stmt, ir.Assign) and isinstance(stmt.value, ir.TupleGet):
            yield stmt.target


def leaves_of_parameters(
    fn: ir.Function, types: dict[ir.Var, nt.Type], argnums: Iterable[int]
) -> list[ir.Var]:
    """The scalars and arrays of floating type in the chosen parameters."""
    items: dict[ir.Var, list[ir.Var]] = {}
    for stmt in fn.body:
        match stmt:
            case ir.Assign(target, ir.TupleGet(ir.Var() as whole)):
                items.setdefault(whole, []).append(target)
            case _:
                pass

    def leaves(var: ir.Var) -> Iterable[ir.Var]:
        if isinstance(types[var], nt.BaseTuple):
            for item in items.get(var, ()):
                yield from leaves(item)
        elif is_float(types[var]):
            yield var

    return [leaf for k in argnums for leaf in leaves(fn.params[k])]


def seeded_results(
    fn: ir.Function, types: dict[ir.Var, nt.Type], argnums: Argnums, has_aux: bool
) -> list[ir.Var]:
    """The result variables that receive a cotangent, as often as they are returned."""
    found = result_leaves(fn)
    if argnums.mode == "grad":
        found = found[:1]
    return [v for v in found if isinstance(v, ir.Var) and is_float(types[v])]
