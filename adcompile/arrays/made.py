"""What statements say about the extents of the arrays that they make."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adcompile.arrays import subscripts
from adcompile.ir import nodes as ir
from adcompile.rules.draws import is_draw, sizes_of
from adcompile.rules.library import NAMES

if TYPE_CHECKING:
    from adcompile.arrays.machine import Machine

_ONE = ir.Const(1)


def note_dims(m: Machine, stmt: ir.Stmt) -> None:
    """What a statement says about the extents of the array that it makes."""
    match stmt:
        case ir.If(joins=joins):
            for j in joins:
                if j.then in m.dims and j.orelse in m.dims:
                    assert j.then is not None and j.orelse is not None
                    both = zip(m.dims[j.then], m.dims[j.orelse], strict=True)
                    m.dims[j.out] = tuple(
                        a if a == b == _ONE else ir.Dim(j.out, axis)
                        for axis, (a, b) in enumerate(both)
                    )
        case ir.Assign(target, ir.TupleGet(ir.Var() as whole, k)) if whole in m.parts:
            part = m.parts[whole][k]
            if isinstance(part, ir.Var) and part in m.dims:
                m.dims[target] = m.dims_of(part)
        case ir.Copy(target, source):
            m.dims[target] = m.dims_of(source)
        case ir.View(target, base, ()):
            m.dims[target] = m.dims_of(base)
            m.bases[target] = m.bases.get(base, (base, ()))
        case ir.View(target, base, index):
            m.dims[target] = subscripts.getitem(m, m.pull_of(base), index).dims
            m.bases[target] = (base, index)
        case ir.Custom((target,), (ir.Var() as value,)) if value in m.dims:
            m.dims[target] = m.dims_of(value)
        case ir.Call((target,)) if is_draw(stmt) and (drawn := sizes_of(stmt)):
            m.dims[target] = drawn
        case ir.Alloc(target, fn, args) if fn.endswith("_like"):
            if isinstance(args[0], ir.Var):
                m.dims[target] = m.dims_of(args[0])
        case ir.Alloc(_, fn) if fn in NAMES:
            pass
        case ir.Alloc(target, _, args, keywords):
            shape = args[0] if args else dict(keywords)["shape"]
            parts = shape.items if isinstance(shape, ir.MakeTuple) else (shape,)
            known = all(isinstance(p, ir.Var | ir.Const | ir.Dim) for p in parts)
            if known and len(parts) == len(m.dims_of(target)):
                m.dims[target] = tuple(parts)
        case _:
            pass


def item_at(fn: ir.Function, whole: ir.Var, path: list[int]) -> ir.Var:
    """The variable that holds an item of a tuple parameter."""
    for place in path:
        got = ir.TupleGet(whole, place)
        whole = next(s.target for s in fn.body if isinstance(s, ir.Assign) and s.value == got)
    return whole
