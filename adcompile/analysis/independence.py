"""Loops whose forward and reverse iterations can run together.

``for i: s += f(x[i])``: each iteration can be reversed as soon as it has run, provided that the
iterations exchange nothing but sums, that the adjoint of those sums is known before the loop, and
that no iteration's reverse reads a shadow that another one writes.
"""

from __future__ import annotations

from collections.abc import Iterable

from adcompile.analysis.accesses import accesses
from adcompile.analysis.activity import Activity
from adcompile.analysis.affine import non_negative
from adcompile.analysis.alias import Roots
from adcompile.analysis.scope import Loop, Scopes
from adcompile.ir import nodes as ir
from adcompile.ir.walk import statements, stmt_defs, stmt_reads


def exchanges_only_sums(loop: Loop, roots: Roots, activity: Activity, scopes: Scopes) -> bool:
    """The condition on the loop itself; see the module's text."""
    if not isinstance(loop, ir.For) or not carries_only_sums(loop, roots, activity):
        return False
    if loop.order == "blocks":  # of a kernel
        return True
    return shadows_commute(loop, roots, activity, scopes)


def carries_only_sums(loop: Loop, roots: Roots, activity: Activity) -> bool:
    """The part of it about variables."""
    if not isinstance(loop, ir.For) or loop.exit is not None:
        return False
    for c in loop.carried:
        if c.head in roots:
            return False
        if (c.head in activity or c.out in activity) and not is_sum(c, loop.body):
            return False
    return True


def any_order(loop: Loop, roots: Roots, activity: Activity, scopes: Scopes) -> bool:
    """Whether the reverse sweep may visit the iterations in any order: what they hand on is summed,
    or has no adjoint, and an array that they write is read and written at subscripts that hold the
    loop's variable, always on the same axis."""
    if not isinstance(loop, ir.For) or not carries_only_sums(loop, roots, activity):
        return False
    uses: dict[ir.Var, list[ir.Stmt]] = {}
    written: set[ir.Var] = set()
    inside: set[ir.Var] = set()
    for stmt in statements(loop.body):
        match stmt:
            case ir.Alloc(target) if target in activity:
                inside.add(target)
            case ir.Copy() | ir.View() | ir.CopyInto() | ir.Fill() | ir.Do():
                if any(v in activity for v in (*stmt_reads(stmt), *stmt_defs(stmt))):
                    return False
            case ir.Custom(targets, args=args):
                both = (*targets, *args)
                if any(isinstance(v, ir.Var) and v in activity and v in roots for v in both):
                    return False
            case ir.Store(array) | ir.Accumulate(array) if array in activity:
                written |= roots[array]
                uses.setdefault(array, []).append(stmt)
            case ir.Assign(_, ir.Load(array)) if array in activity:
                uses.setdefault(array, []).append(stmt)
            case _:
                pass
    for array in uses:
        if not roots[array].isdisjoint(written) and roots[array] != {array}:
            return False
    return all(
        array in inside or not written & roots[array] or _aligned(stmts, loop.var, scopes)
        for array, stmts in uses.items()
    )


def _aligned(stmts: list[ir.Stmt], var: ir.Var, scopes: Scopes) -> bool:
    """All subscripts have ``var`` on the same axis; or all accumulate, so that the shadow is only
    read."""
    if all(isinstance(stmt, ir.Accumulate) for stmt in stmts):
        return True
    if not non_negative(var, scopes):
        return False  # -1 and n - 1 are the same element
    axes: list[set[int]] = []
    for stmt in stmts:
        match stmt:
            case ir.Store(_, index) | ir.Accumulate(_, index) | ir.Assign(_, ir.Load(_, index)):
                axes.append({k for k, entry in enumerate(index) if entry is var})
            case _:
                return False
    return bool(set.intersection(*axes))


def is_sum(c: ir.Carried, body: ir.Block) -> bool:
    """``next`` is ``head`` plus and minus values in which ``head`` does not occur."""
    chain: set[ir.Var] = {c.head}
    return _grow(body, chain) and c.next in chain


def _grow(block: ir.Block, chain: set[ir.Var]) -> bool:
    """Follow the sum through a block; False if a partial sum is used in any other way."""
    for stmt in block:
        match stmt:
            case ir.Assign(target, ir.Binary("+" | "-" as op, a, b)) if a in chain or b in chain:
                if (a in chain and b in chain) or (op == "-" and b in chain):
                    return False
                chain.add(target)
            case ir.Assign(target, ir.Apply("rt.plus", (ir.Var() as a, b))) if a in chain:
                if b in chain:
                    return False
                chain.add(target)
            case ir.Assign(target, ir.Var() as value) if value in chain:
                chain.add(target)
            case ir.If():
                if any(v in chain for v in stmt_reads(stmt)):
                    return False
                if not (_grow(stmt.then, chain) and _grow(stmt.orelse, chain)):
                    return False
                for join in stmt.joins:
                    sides = [v in chain for v in (join.then, join.orelse) if v is not None]
                    if any(sides) and not all(sides):
                        return False
                    if all(sides) and sides:
                        chain.add(join.out)
            case ir.For() | ir.While():
                if any(v in chain for v in stmt_reads(stmt)):
                    return False
                inside = [c for c in stmt.carried if c.init in chain]
                chain.update(c.head for c in inside)
                if not _grow(stmt.body, chain) or any(c.next not in chain for c in inside):
                    return False
                if any(c.next in chain for c in stmt.carried if c not in inside):
                    return False
                chain.update(c.out for c in inside)
            case _:
                if any(v in chain for v in stmt_reads(stmt)):
                    return False
    return True


def shadows_commute(loop: ir.For, roots: Roots, activity: Activity, scopes: Scopes) -> bool:
    """Arrays from outside the loop are, as far as they are active, either only read (their shadows
    only receive sums) or only accumulated into (their shadows are only read), or each iteration has
    to do with a part of its own."""
    read: set[ir.Var] = set()
    accumulated: set[ir.Var] = set()
    for stmt in statements(loop.body):
        match stmt:
            case ir.Store(array) if roots[array] == {array} and array in activity:
                if not _local(roots[array], loop, scopes) and not _own_parts(
                    array, loop, roots, scopes
                ):
                    return False
            case ir.Store(array) | ir.Fill(array) | ir.CopyInto(array):
                if array in activity and not _local(roots[array], loop, scopes):
                    return False
            case ir.Accumulate(array):
                if array in activity and not _local(roots[array], loop, scopes):
                    if not _own_parts(array, loop, roots, scopes):
                        accumulated |= roots[array]
            case _:
                pass
        match stmt:
            case ir.Assign(_, ir.Load(array)) if array in activity:
                read |= roots[array]
            case ir.Copy(_, source) | ir.CopyInto(_, _, source) if source in activity:
                read |= roots[source]
            case ir.Custom(args=args):
                for arg in args:
                    if isinstance(arg, ir.Var) and arg in activity:
                        read |= roots.get(arg, frozenset())
            case _:
                pass
    return not read & accumulated


def _own_parts(array: ir.Var, loop: ir.For, roots: Roots, scopes: Scopes) -> bool:
    """Whether all subscripts of an array in the loop have its variable on the same axis."""
    axes: set[int] | None = None
    for stmt in statements(loop.body):
        for used, index in accesses(stmt):
            if array not in roots.get(used, ()):
                continue
            if used is not array or index is None:
                return False
            own = {k for k, entry in enumerate(index) if entry is loop.var}
            axes = own if axes is None else axes & own
    return bool(axes) and non_negative(loop.var, scopes)


def _local(group: Iterable[ir.Var], loop: Loop, scopes: Scopes) -> bool:
    return all(not scopes.outside(root, loop) for root in group)
