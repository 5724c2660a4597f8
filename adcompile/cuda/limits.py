"""How large blocks may be for their threads to be apart, where a kernel takes that for granted:

    out[block_y * 16 + thread_x, ...] = tile[...]       threads_x <= 16

The derivative then begins with a check of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from adcompile.cuda.disjoint import Known
from adcompile.errors import Loc
from adcompile.frontend.kernel_blocks import LOOPS
from adcompile.ir import nodes as ir
from adcompile.ir.walk import statements, subexpressions

_MOST = 1024  # threads of a block


Limits = tuple[ir.Compare, ...]


def possible(fn: ir.Function, known: Known) -> Limits:
    """Those that a kernel may take for granted, the first one first to be left out: other axes
    before numbers, and small numbers before large ones."""
    axes = sorted((v for v in known.counts if v.name.startswith("threads_")), key=lambda v: v.name)
    limits = [ir.Compare("<=", a, b) for a in axes for b in axes if a is not b]
    limits += [ir.Compare("<=", a, ir.Const(n)) for n in sorted(_numbers(fn)) for a in axes]
    return tuple(limits)


def least(limits: Limits, suffice: Callable[[Limits], bool]) -> Limits:
    """Those of the limits, which suffice together, of which none can be left out."""
    for one in limits:
        others = tuple(other for other in limits if other is not one)
        if suffice(others):
            limits = others
    return limits


def _numbers(fn: ir.Function) -> set[int]:
    """Sizes of tiles: what subscripts multiply the numbers of blocks by, and steps of a thread's
    own loops."""
    found: set[int] = set()
    own = (
        s for s in statements(fn.body) if isinstance(s, ir.For) and s.var.name.startswith(LOOPS[1])
    )
    for stmt in (s for loop in own for s in statements(loop.body)):
        if isinstance(stmt, ir.For) and isinstance(stmt.step, ir.Const):
            found |= {n for n in (stmt.step.value,) if isinstance(n, int)}
        if not isinstance(stmt, ir.Store | ir.Accumulate):
            continue
        tops = [i for i in stmt.index if not isinstance(i, ir.Slice)]
        for e in (e for top in tops for e in subexpressions(top)):
            match e:
                case ir.Binary("*", ir.Var() as block, ir.Const(int() as number)):
                    pass
                case ir.Binary("*", ir.Const(int() as number), ir.Var() as block):
                    pass
                case _:
                    continue
            if block.name.startswith(LOOPS[0]):
                found.add(number)
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
