"""Which copies of arrays are worth their memory: plans are compared with and without them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from numba.core import types as nt

from adcompile.analysis.scope import Loop, Path, Scopes
from adcompile.ir import nodes as ir
from adcompile.storage.plan import Plan
from adcompile.storage.snapshots import Snapshot

Memory = tuple[float, ...]
_FLAG, _RIM = 0.125, 0.01  # of a number; what a copy takes beside its numbers: a pass of its own
_DEPTH = 8


def best_plan(
    make: Callable[[Sequence[Snapshot]], Plan],
    snapshots: Sequence[Snapshot],
    types: dict[ir.Var, nt.Type],
    scopes: Scopes,
    joint: Path = (),
) -> Plan:
    """The plan that takes the least memory; of equal ones, that with the fewest copies."""

    def memory(plan: Plan) -> Memory:
        return _memory(plan, types, scopes, joint)

    best = make(())
    if not best.stored or not snapshots:
        return best
    chosen = list(snapshots)
    plan = make(chosen)
    chosen = list(plan.snapshots)
    for one in plan.snapshots:
        without = [other for other in chosen if other is not one]
        other = make(without)
        if memory(other) <= memory(plan):
            plan, chosen = other, without
    return plan if memory(plan) < memory(best) else best


def _memory(plan: Plan, types: dict[ir.Var, nt.Type], scopes: Scopes, joint: Path) -> Memory:
    """Numbers by how many loops they are in, the deepest first: each loop multiplies them."""
    total = [0.0] * _DEPTH
    paths: dict[int, Path] = {}
    for path in (*scopes.loops.values(), *scopes.stmt_loops.values()):
        for k, loop in enumerate(path):
            paths.setdefault(id(loop), path[: k + 1])
    for key, stored in plan.stored.items():
        depth, trips = _size(paths[key], joint)
        for var in stored:
            kind = types[var]
            one = _FLAG if kind == nt.boolean else 2.0 if isinstance(kind, nt.Complex) else 1.0
            total[depth] += trips * one
    for copy in plan.snapshots:
        depth, trips = _size(scopes.stmt_loops[id(copy.nest)], joint)
        for span in copy.spans:
            match span.extent():
                case ir.Const(value=int() as known):
                    trips *= known
                case _:
                    depth = min(depth + 1, _DEPTH - 1)
        total[depth] += trips * (1.0 + _RIM)
    return tuple(reversed(total))


def _size(path: Path, joint: Path) -> tuple[int, float]:
    """Loops of unknown length, and the product of the lengths of the others."""
    around = [loop for loop in path if not any(loop is one for one in joint)]
    known = [_length(loop) for loop in around]
    trips = 1.0
    for length in known:
        trips *= length or 1
    return min(sum(length is None for length in known), _DEPTH - 1), trips


def _length(loop: Loop) -> int | None:
    match loop:
        case ir.For(_, ir.Const(value=int() as a), ir.Const(value=int() as b), ir.Const(value=1)):
            return max(b - a, 0)
        case _:
            return None
