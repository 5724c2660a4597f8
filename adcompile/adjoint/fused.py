"""Value and gradient in one function, with one loop run forward and in reverse at once.

    before, forward; after, reverse; loop, forward and reverse; after, forward; before, reverse

where *before* and *after* are the statements around the loop.  As much of the reverse of *after* as
the loop needs must not need what the loop computes: that is checked on the code itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from adcompile.adjoint.assemble import Problem, make_builder, scalar_results, spared
from adcompile.adjoint.forward import ForwardBuilder
from adcompile.adjoint.postpone import postpone
from adcompile.adjoint.reverse import ReverseBuilder
from adcompile.analysis.alias import written_roots
from adcompile.analysis.exposed import exposed
from adcompile.analysis.independence import exchanges_only_sums
from adcompile.emit.destruct import destruct
from adcompile.ir import nodes as ir
from adcompile.ir.walk import statements, stmt_defs
from adcompile.normalise.entry import build_head, parameter_arrays
from adcompile.normalise.unset import with_defaults
from adcompile.optimise.fusion import depth
from adcompile.optimise.unread import drop_unread


@dataclass(frozen=True)
class Fused:
    """``fn``: (*params, *shadows) -> (result, *scalar adjoints).  ``overwritten``: the parameters
    whose shadows need not be zeros at first.  ``adjoints``: variables that hold scalar adjoints."""

    fn: ir.Function
    overwritten: frozenset[ir.Var]
    adjoints: frozenset[ir.Var]


def candidates(p: Problem) -> list[ir.For]:
    """The loops that exchange only sums, and have a reverse: the deepest first, of those the
    last."""
    found: list[tuple[int, ir.For]] = []
    for stmt in reversed(p.fn.body):
        if isinstance(stmt, ir.For) and id(stmt) in p.needs.reversed:
            if exchanges_only_sums(stmt, p.roots, p.activity, p.scopes):
                found.append((depth(stmt), stmt))
    return [loop for _, loop in sorted(found, key=lambda pair: -pair[0])]


def nested(p: Problem, loop: ir.For) -> tuple[ir.For, ...]:
    """``loop`` and the loops in it that run forward and in reverse at once as well, each in the one
    before: down to a line of elements, if all allow it, and nothing that has a reverse comes after
    them."""
    found = [loop]
    while loop.order == "blocks":  # of a kernel, along one more axis
        inner = [s for s in found[-1].body if isinstance(s, ir.For) and s.order == "blocks"]
        if not inner:
            return tuple(found)
        found.append(inner[0])
    while any(isinstance(s, ir.For | ir.While) for s in found[-1].body):
        reversed_ = [s for s in found[-1].body if id(s) in p.needs.reversed]
        last = reversed_[-1] if reversed_ else None
        if not isinstance(last, ir.For):
            return (loop,)
        if not exchanges_only_sums(last, p.roots, p.activity, p.scopes):
            return (loop,)
        found.append(last)
    return tuple(found)


def at_once(
    builder: ReverseBuilder, forward: ForwardBuilder, loops: tuple[ir.For, ...]
) -> tuple[list[ir.Stmt], ir.For, list[ir.Stmt]]:
    """The first of ``loops``, after what must stand before it; and what in it is reverse."""
    loop, inner = loops[0], loops[1:]
    place = next((k for k, s in enumerate(loop.body) if inner and s is inner[0]), len(loop.body))
    before, after = loop.body[:place], loop.body[place + 1 :]
    reverse: list[ir.Stmt] = []

    def run(out: list[ir.Stmt]) -> None:
        reverse.clear()
        out.extend(forward.block(before, loop))
        if not inner:
            builder.block(loop.body, None, reverse)
            out.extend(reverse)
            return
        builder.prologue(loop.body, None, reverse)
        builder.brought_back.add(id(before))
        out.extend(reverse)
        start, joint, deeper = at_once(builder, forward, inner)
        out.extend((*start, joint, *forward.block(after, loop)))
        last: list[ir.Stmt] = []
        builder.block(before, None, last)
        out.extend(last)
        reverse.extend((*start, *deeper, *last))

    body: list[ir.Stmt] = []
    start = builder.joint_iteration(loop, body, run)
    return start, replace(loop, body=tuple(body)), reverse


def fuse(
    p: Problem, loops: tuple[ir.For, ...], seeded: tuple[ir.Var, ...], adds: bool = False
) -> Fused | None:
    """None if the adjoint of the sums is not known before the loops.  ``p`` is planned with
    ``loops``, each in the one before, as local frames.  ``adds``: the shadows of parameters hold
    something already."""
    loop = loops[0]
    builder, given, scalars = make_builder(p)
    place = next(k for k, s in enumerate(p.fn.body) if s is loop)
    before, after = p.fn.body[:place], p.fn.body[place + 1 :]

    reverse_after: list[ir.Stmt] = builder.missing_shadows(parameter_arrays(p.fn, p.types))
    builder.prologue(p.fn.body, None, reverse_after)
    for var in seeded:
        builder.add(var, ir.Const(1.0), reverse_after)
    builder.brought_back |= {id(p.fn.body), id(before), id(after)}
    builder.block(after, None, reverse_after)

    forward = ForwardBuilder(p.plan, p.tapes)
    following = forward.block(after[:-1])
    # With the tapes and trip counts, which only the generated code knows.
    late = {v for s in statements((loop, *following)) for v in stmt_defs(s)}
    filled = written_roots(replace(p.fn, body=(loop, *after)), p.roots)
    filled |= {s.array for s in statements(following) if isinstance(s, ir.Store)}
    start, joint, reverse_body = at_once(builder, forward, loops)
    zeros = {adj: builder.zero(var) for var, adj in builder.adj_vars.items()}
    halves = postpone(reverse_after, late, filled, (*start, *reverse_body), p.roots, zeros)
    if halves is None:
        return None
    reverse_after, reverse_late = halves

    reverse_before: list[ir.Stmt] = []
    builder.block(before, None, reverse_before)
    results = scalar_results(builder, scalars)
    last = after[-1]
    assert isinstance(last, ir.Return)
    value = last.values[0] if last.values else ir.Const(None)
    unpack, head = build_head(p.fn, p.types, p.roots)
    pieces: ir.Block = (
        *unpack,
        *head,
        *forward.block(tuple(s for s in before if s not in unpack)),
        *reverse_after,
        *start,
        joint,
        *following,
        *reverse_late,
        *reverse_before,
        ir.Return((ir.MakeTuple((value, *results)),), last.loc),
    )
    pieces, overwritten = spared(pieces, builder, {} if adds else given, p)
    fn = ir.Function(
        f"{p.fn.name}_fused",
        (*p.fn.params, *given.values()),
        pieces,
        p.fn.loc,
        p.fn.constants,
        p.fn.exceptions,
    )
    made = destruct(fn)
    known = {*fn.params, *(v for v, _ in fn.constants)}
    maybe_unset = exposed(made.body, known)
    fn = drop_unread(with_defaults(made, maybe_unset, p.types))
    return Fused(fn, overwritten, frozenset(builder.adj_vars.values()))
