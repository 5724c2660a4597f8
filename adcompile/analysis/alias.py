"""Which arrays a reference may name.

A *root* is a variable whose definition makes an array: a parameter, an Alloc, a Copy, what a Call
returns, a captured array.  Different roots do not overlap: locals are fresh, and the entry of a
generated module refuses arguments that overlap while one of them is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from numba.core import types as nt

from adcompile.ir import nodes as ir
from adcompile.ir.walk import reads, statements

Roots: TypeAlias = dict[ir.Var, frozenset[ir.Var]]


def find_roots(fn: ir.Function, types: dict[ir.Var, nt.Type]) -> Roots:
    """The roots of every array variable of ``fn`` (ssa), to a fixpoint over loops."""
    roots: Roots = {}
    for var in (*fn.params, *(v for v, _ in fn.constants)):
        if isinstance(types.get(var), nt.Array):
            roots[var] = frozenset((var,))
    for stmt in statements(fn.body):
        if isinstance(stmt, ir.Alloc | ir.Copy):
            roots[stmt.target] = frozenset((stmt.target,))
        elif isinstance(stmt, ir.Call | ir.Custom):
            made = (t for t in stmt.targets if isinstance(types.get(t), nt.Array))
            roots.update((target, frozenset((target,))) for target in made)
    changed = True

    def merge(target: ir.Var, *sources: ir.Var | None) -> None:
        nonlocal changed
        old = roots.get(target, frozenset())
        new = old.union(*(roots.get(s, frozenset()) for s in sources if s is not None))
        if new != old:
            roots[target] = new
            changed = True

    def begin(target: ir.Var) -> None:
        nonlocal changed
        if target not in roots:
            roots[target] = frozenset((target,))
            changed = True

    while changed:
        changed = False
        for stmt in statements(fn.body):
            match stmt:
                case ir.Assign(target, value, inplace) if _may_be_array(value, types.get(target)):
                    # An item of a tuple; before expansion also a = b + c, and y += e.
                    if inplace and isinstance(value, ir.Binary) and isinstance(value.a, ir.Var):
                        merge(target, value.a)
                    else:
                        if target not in roots:
                            roots[target] = frozenset((target,))
                            changed = True
                        merge(target, *_seen_through(value))
                case ir.View(target, base):
                    merge(target, base)
                case ir.If(joins=joins):
                    for join in joins:
                        merge(join.out, join.then, join.orelse)
                case ir.For(carried=carried) | ir.While(carried=carried):
                    for c in carried:
                        merge(c.head, c.init, c.next)
                        merge(c.out, c.init, c.next)
                case _:
                    pass
    return roots


# Functions of arrays whose result may share memory with their operand.
VIEWS = frozenset(
    """
arr.reshape arr.ravel arr.transpose arr.swapaxes arr.moveaxis arr.expand_dims arr.squeeze
arr.broadcast_to arr.flip arr.atleast_1d arr.atleast_2d arr.asarray arr.ascontiguousarray arr.diag
arr.diagonal arr.einsum arr.matrix_transpose arr.rollaxis arr.rot90 arr.flipud arr.fliplr np.real
arr.atleast_3d arr.linalg_diagonal arr.split arr.array_split arr.hsplit arr.vsplit arr.dsplit
arr.unstack np.imag
""".split()  # noqa: SIM905
)


def _may_be_array(value: ir.Expr, kind: nt.Type | None) -> bool:
    """An array, or a tuple of views of one."""
    if isinstance(kind, nt.BaseTuple):
        return isinstance(value, ir.Apply) and value.fn in VIEWS
    return isinstance(kind, nt.Array)


def _seen_through(value: ir.Expr) -> Iterator[ir.Var]:
    """Before expansion: the arrays of which an expression may be a view."""
    match value:
        case ir.Subscript(ir.Var() as base) | ir.Attribute(ir.Var() as base):
            yield base
        case ir.TupleGet(ir.Var() as base):
            yield base
        case ir.Apply(fn) if fn in VIEWS:
            yield from reads(value)
        case _:
            return


def written_roots(fn: ir.Function, roots: Roots) -> set[ir.Var]:
    """The roots that some statement may write to."""
    written: set[ir.Var] = set()
    for stmt in statements(fn.body):
        if isinstance(stmt, ir.Store | ir.Accumulate | ir.Fill | ir.CopyInto):
            written |= roots[stmt.array]
    return written
