"""How large blocks may be for their threads to be apart, where a kernel takes that for granted:

    out[block_y * 16 + thread_x, ...] = tile[...]       threads_x <= 16

The derivative then begins with a check of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from adcompile.cuda.disjoint import Known
from adcompile.errors import Loc
from adcompile.ir import nodes as ir
from adcompile.ir.walk import statements, stmt_exprs, subexpressions

_MOST = 1024  # threads of a block


def least(
    fn: ir.Function, known: Known, suffices: Callable[[Sequence[ir.Compare]], bool]
) -> tuple[ir.Compare, ...]:
    """Limits that are enough, none of which can be left out; none if there are no such.  Numbers
    go before other axes, and large ones before small ones."""
    axes = sorted((v for v in known.counts if v.name.startswith("threads_")), key=lambda v: v.name)
    limits = [ir.Compare("<=", a, b) for a in axes for b in axes if a is not b]
    limits += [ir.Compare("<=", a, ir.Const(n)) for n in sorted(_numbers(fn, known)) for a in axes]
    if not suffices(limits):
        return ()
    for one in tuple(limits):
        others = [other for other in limits if other is not one]
        if suffices(others):
            limits = others
    return tuple(limits)


def _numbers(fn: ir.Function, known: Known) -> set[int]:
    """Sizes of arrays, steps of loops, and what subscripts multiply by."""
    found = {n for extents in known.extents.values() for n in extents}
    for stmt in statements(fn.body):
        if isinstance(stmt, ir.For) and isinstance(stmt.step, ir.Const):
            found |= {n for n in (stmt.step.value,) if isinstance(n, int)}
        tops: list[ir.Expr] = list(stmt_exprs(stmt))
        if isinstance(stmt, ir.Store | ir.Accumulate):
            tops += [i for i in stmt.index if not isinstance(i, ir.Slice)]
        for e in (e for top in tops for e in subexpressions(top)):
            match e:
                case ir.Binary("*", ir.Const(int() as n), _) | ir.Binary("*", _, ir.Const(int() as n)):
                    found.add(n)
                case _:
                    pass
    return {n for n in found if 1 < n < _MOST}


def checked(fn: ir.Function, limits: Iterable[ir.Compare], loc: Loc) -> ir.Function:
    """``fn``, which has parameters of the same names, with checks of the limits of a kernel."""
    own = {v.name: v for v in fn.params}
    checks: list[ir.Stmt] = []
    for one in limits:
        assert isinstance(one.a, ir.Var)
        count, most = own[one.a.name], one.b
        axis = count.name[-1]
        if isinstance(most, ir.Var):
            most = own[most.name]
            text = f"blocks with more threads along {axis} than along {most.name[-1]}"
        else:
            assert isinstance(most, ir.Const)
            text = f"blocks with more than {most.value} threads along {axis}"
        message = f"{text}: they could write what others of this kernel do\n  at {loc}"
        fails = ir.Raise("ValueError", (ir.Const(message),))
        checks.append(ir.If(ir.Compare(">", count, most), (fails,), ()))
    return replace(fn, body=(*checks, *fn.body))
