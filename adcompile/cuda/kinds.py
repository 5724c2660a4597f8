"""Types of the variables of generated functions: those of the user's program are known, shadows and
what is made on the way follow from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from numba.core import types as nt
from numba.np.numpy_support import from_dtype

from adcompile.emit.names import appearance
from adcompile.ir import nodes as ir
from adcompile.ir.walk import statements

if TYPE_CHECKING:
    from adcompile.pipeline import Differentiated

Types = dict[ir.Var, nt.Type]


def with_shadows(made: Differentiated, fn: ir.Function) -> Types:
    """Types of the variables of ``fn``, one of the functions of ``made``, as far as they are known;
    what is not is a float64."""
    p = made.problem
    known: Types = dict(p.types)
    arrays = [v for v in p.inputs if isinstance(p.types[v], nt.Array)]
    if made.fused is not None and fn.name == made.fused.fn.name:
        shadows = fn.params[len(p.fn.params) :]
    else:
        shadows = tuple(shadow for _, shadow in made.derivative.shadows)
    for array, shadow in zip(arrays, shadows, strict=True):
        kind = p.types[array]
        known[shadow] = nt.Array(kind.dtype, kind.ndim, "C")
    for argument, residual in zip(made.derivative.arguments, made.derivative.residuals):
        if residual in known:
            known.setdefault(argument, known[residual])
    follow(fn.body, known)
    return known


def follow(body: ir.Block, known: Types) -> None:
    """Add the types of what ``body`` makes."""
    for stmt in statements(body):
        match stmt:
            case ir.Alloc(target) if target not in known:
                found = _made(stmt, known)
                if found is not None:
                    known[target] = found
            case ir.Copy(target, base) | ir.View(target, base, ()):
                if target not in known and base in known:
                    known[target] = known[base]
            case ir.View(target, base, index) if target not in known:
                kind = known.get(base)
                if isinstance(kind, nt.Array):
                    taken = sum(not isinstance(i, ir.Slice) and not _is_dots(i) for i in index)
                    known[target] = nt.Array(kind.dtype, kind.ndim - taken, "A")
            case ir.Assign(target, ir.Apply("rt.copy", (ir.Var() as source,))):
                kind = known.get(source)
                if target not in known and isinstance(kind, nt.Array):
                    known[target] = nt.Array(kind.dtype, kind.ndim, "C")
            case ir.For(var=var):
                known.setdefault(var, nt.int64)
            case _:
                pass


def of_parameters(fn: ir.Function, known: Mapping[ir.Var, nt.Type]) -> tuple[nt.Type, ...]:
    """What the kernel is compiled for when nothing is run."""
    return tuple(nt.unliteral(known.get(v, nt.float64)) for v in fn.params)


def by_name(fn: ir.Function, known: Types, names: Mapping[ir.Var, str]) -> Types:
    """Types once several variables have become one: that of any with its name."""
    found: dict[str, nt.Type] = {}
    for var, name in names.items():
        if var in known:
            found.setdefault(name, known[var])
    made = dict(known)
    for var in appearance(fn):
        if var not in made and names.get(var, var.name) in found:
            made[var] = found[names.get(var, var.name)]
    return made


def integer_variables(known: Types) -> frozenset[ir.Var]:
    return frozenset(v for v, k in known.items() if isinstance(k, nt.Integer | nt.Boolean))


def counts_of(fn: ir.Function) -> frozenset[ir.Var]:
    """The numbers of blocks and threads that frontend/kernel_blocks.py gives kernels."""
    names = {f"{what}_{axis}" for what in ("blocks", "threads") for axis in "xyz"}
    return frozenset(v for v in fn.params if v.name in names)


def _is_dots(entry: ir.Index) -> bool:
    return isinstance(entry, ir.Const) and entry.value is ...


def _made(stmt: ir.Alloc, known: Types) -> nt.Type | None:
    name, args = stmt.fn.partition(".")[2], list(stmt.args)
    args += [value for key, value in stmt.keywords if key == "dtype"]
    if name.endswith("_like"):
        kind = known.get(args[0]) if isinstance(args[0], ir.Var) else None
        return nt.Array(kind.dtype, kind.ndim, "C") if isinstance(kind, nt.Array) else None
    rank = len(args[0].items) if isinstance(args[0], ir.MakeTuple) else 1
    last = args[-1]
    text = last.value if len(args) > 1 and isinstance(last, ir.Const) else "np.float64"
    if not isinstance(text, str):
        return None
    return nt.Array(from_dtype_name(text), rank, "C")


def from_dtype_name(text: str) -> nt.Type:
    """Of ``np.float64`` and the like."""
    import numpy as np

    return from_dtype(np.dtype(text.removeprefix("np.").removesuffix("_")))
