"""The array functions: each makes a pull, or adds to the open nest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numba.core import types as nt
from numba.np.numpy_support import from_dtype

from adcompile.arrays import arithmetic as by
from adcompile.arrays import (
    calculus,
    choosing,
    copying,
    failing,
    joining,
    making,
    matrices,
    ordering,
    products,
    reductions,
    shapes,
    statistics,
    triangular,
)
from adcompile.arrays.pull import Pull
from adcompile.arrays.signatures import EXTENTS, SEQUENCES, SIGNATURES, WIDTHS
from adcompile.errors import UnsupportedError
from adcompile.ir import nodes as ir
from adcompile.ir.walk import reads

if TYPE_CHECKING:
    from adcompile.arrays.machine import Machine

PREFIX = "arr."
_OF_A_TYPE = ("eye", "identity", "tri", "arange", "linspace")
Several = tuple[Pull, ...]  # results of a function that returns a tuple


def call(m: Machine, apply: ir.Apply, target: ir.Var | None) -> Pull | Several | None:
    """The result of a call, or None if ``target`` has it already."""
    name = apply.fn.removeprefix(PREFIX)
    signature = SIGNATURES[name]
    given: dict[str, Any] = {}
    for parameter, arg in zip(signature.parameters.parameters, apply.args, strict=True):
        if parameter in SEQUENCES:
            given[parameter] = sequence(m, arg)
        elif arg == ir.Const(None):
            given[parameter] = None
        elif parameter in signature.operands:
            given[parameter] = m.tree(arg)
        elif parameter in EXTENTS:
            given[parameter] = extents(m, arg)
        elif parameter in WIDTHS:
            given[parameter] = widths(m, arg)
        else:
            given[parameter] = static(m, name, parameter, arg)
    if name.removeprefix("fails_") not in _OF_COMPLEX and any(
        _is_complex(value) for value in given.values()
    ):
        raise UnsupportedError(f"np.{name} of complex numbers", m.out.loc)
    if name in reductions.REDUCTIONS:
        return reduction(m, name, target, given)
    if name in _OF_A_TYPE:
        dtype = given.pop("dtype")
        made = TABLE[name](m, *given.values())
        assert isinstance(made, Pull)
        return made if dtype is None else array(m, made, dtype)
    operands = given.pop("operands", None)
    return TABLE[name](m, *given.values(), *(() if operands is None else (operands,)))


# Functions that mean the same for complex numbers.  The others compare, or have results or
# derivatives that are known for real numbers only.
_OF_COMPLEX = frozenset(
    """
    all any append array array_split asarray ascontiguousarray atleast_1d atleast_2d atleast_3d
    block broadcast_to builtin_sum cho_solve cholesky choose column_stack compress concatenate
    cond convolve count_nonzero cross cross2d cumprod cumsum delete det diag diagflat diagonal
    diff dot dsplit dstack ediff1d eigh eigvalsh einsum expand_dims extract flatten flip fliplr
    flipud full full_like hsplit hstack inner insert inv item kron linalg_diagonal linalg_trace
    lstsq matmul matrix_norm matrix_power matrix_rank matrix_transpose matvec mean meshgrid
    moveaxis multi_dot ndim norm outer pinv polyval prod qr ravel repeat reshape resize roll
    rollaxis rot90 scipy_cholesky select size slogdet solve solve_triangular split squeeze stack
    std sum svd svdvals swapaxes take take_along_axis tensordot tile trace transpose trapezoid
    tril triu unstack vander var vdot vecdot vector_norm vsplit vstack where
    """.split()  # noqa: SIM905
)


def _is_complex(value: object) -> bool:
    if isinstance(value, list):
        return any(map(_is_complex, value))
    return isinstance(value, Pull) and isinstance(value.dtype, nt.Complex)


def sequence(m: Machine, arg: ir.Expr) -> Any:
    """A list of operands, perhaps of lists; an array stands for itself."""
    if isinstance(arg, ir.MakeTuple):
        return [sequence(m, item) for item in arg.items]
    if isinstance(arg, ir.Var) and isinstance(m.types[arg], nt.BaseTuple):
        return [sequence(m, item) for item in items_of(m, arg)]
    return m.tree(arg)


def items_of(m: Machine, arg: ir.Var) -> Sequence[ir.Var]:
    """The items of a tuple, as variables."""
    kinds = m.types[arg]
    assert isinstance(kinds, nt.BaseTuple)
    return [m.out.named(ir.TupleGet(arg, k), kind) for k, kind in enumerate(kinds)]


def extents(m: Machine, arg: ir.Expr) -> tuple[ir.Expr, ...]:
    parts: Sequence[ir.Expr] = arg.items if isinstance(arg, ir.MakeTuple) else (arg,)
    if isinstance(arg, ir.Var) and isinstance(m.types[arg], nt.BaseTuple):
        parts = items_of(m, arg)
    return tuple(m.size(m.plain(part)) for part in parts)


def widths(m: Machine, arg: ir.Expr) -> Any:
    """Integers, perhaps in tuples."""
    if isinstance(arg, ir.MakeTuple):
        return tuple(widths(m, item) for item in arg.items)
    if isinstance(arg, ir.Var) and isinstance(m.types[arg], nt.BaseTuple):
        return tuple(widths(m, item) for item in items_of(m, arg))
    if m.nest is not None and not m.nest.results.isdisjoint(reads(arg)):
        m.close()
    return m.size(m.plain(arg))


def reduction(m: Machine, name: str, target: ir.Var | None, given: dict[str, Any]) -> Pull | None:
    reductions.filtered(m, name, given)
    initial = given.pop("initial", None)
    if initial is None:
        return reductions.REDUCTIONS[name](m, target, **given)
    found = reductions.REDUCTIONS[name](m, None, **given)
    assert found is not None
    return reductions.with_initial(m, name, found if found.rank else m.scalar_of(found), initial)


def static(m: Machine, function: str, parameter: str, arg: ir.Expr) -> Any:
    """A number, None or tuple that is known while compiling."""
    match arg:
        case ir.Const(value):
            return value
        case ir.Unary("-", ir.Const(int() | float() as value)):
            return -value
        case ir.Unary("-", x):
            return -static(m, function, parameter, x)
        case ir.Attribute(ir.Var() as array, "dtype" | "ndim" as name):
            kind = m.types[array]
            assert isinstance(kind, nt.Array)
            return kind.ndim if name == "ndim" else f"np.{kind.dtype}"
        case ir.Binary("+" | "-" as op, a, b):
            x, y = static(m, function, parameter, a), static(m, function, parameter, b)
            return x + y if op == "+" else x - y
        case ir.MakeTuple(items):
            return tuple(static(m, function, parameter, item) for item in items)
        case _:
            raise UnsupportedError(
                f"the argument {parameter}= of np.{function} must be a literal", m.out.loc
            )


def identity(m: Machine, n: Pull) -> Pull:
    return making.eye(m, n)


def asarray(m: Machine, items: Any, dtype: str | None) -> Pull:
    """The array itself, if it is one of that type."""
    if isinstance(items, Pull) and items.rank:
        same = dtype is None or from_dtype(np.dtype(dtype.removeprefix("np."))) is items.dtype
        return items if same else array(m, items, dtype)
    return array(m, items, dtype)


def ascontiguousarray(m: Machine, items: Any, dtype: str | None) -> Pull:
    found = asarray(m, items, dtype)
    kind = m.types.get(found.array) if found.array is not None else None
    if isinstance(kind, nt.Array) and kind.layout == "C":
        return found
    return replace(found, place=None, array=None, maybe_view=found.place is not None)


def array(m: Machine, items: Any, dtype: str | None) -> Pull:
    made = making.array(m, items)
    if dtype is None:
        return made
    name = dtype.removeprefix("np.").removesuffix("_")
    kind = from_dtype(np.dtype(name))
    return by.cast(m, made, kind)


TABLE: dict[str, Callable[..., Pull | Several]] = {
    "trace": calculus.trace,
    "linalg_trace": calculus.trace,
    "linalg_diagonal": shapes.diagonal,
    "correlate": calculus.correlate,
    "gradient": calculus.gradient,
    "ediff1d": calculus.ediff1d,
    "matrix_transpose": shapes.matrix_transpose,
    "rollaxis": shapes.rollaxis,
    "rot90": shapes.rot90,
    "flipud": lambda m, a: shapes.flip(m, a, 0),
    "fliplr": lambda m, a: shapes.flip(m, a, 1),
    "atleast_3d": shapes.atleast_3d,
    "resize": copying.resize,
    "diagflat": lambda m, a, k: copying.diag(m, shapes.ravel(m, a), k),
    "outer": copying.outer,
    "kron": copying.kron,
    "convolve": calculus.convolve,
    "interp": calculus.interp,
    "searchsorted": calculus.searchsorted,
    "sort": ordering.sort,
    "argsort": ordering.argsort,
    "partition": ordering.partition,
    "argpartition": ordering.argpartition,
    "cumsum": calculus.cumsum,
    "cumprod": calculus.cumprod,
    "diff": calculus.diff,
    "trapezoid": calculus.trapezoid,
    "reshape": shapes.reshape,
    "ravel": shapes.ravel,
    "flatten": shapes.flatten,
    "transpose": shapes.transpose,
    "swapaxes": shapes.swapaxes,
    "moveaxis": shapes.moveaxis,
    "expand_dims": shapes.expand_dims,
    "squeeze": shapes.squeeze,
    "broadcast_to": shapes.broadcast_to,
    "flip": shapes.flip,
    "roll": copying.roll,
    "repeat": copying.repeat,
    "tile": copying.tile,
    "take": copying.take,
    "diag": copying.diag,
    "diagonal": shapes.diagonal,
    "tril": copying.triangle(True),
    "triu": copying.triangle(False),
    "atleast_1d": shapes.atleast_1d,
    "atleast_2d": shapes.atleast_2d,
    "concatenate": making.concatenate,
    "stack": making.stack,
    "hstack": making.hstack,
    "vstack": making.vstack,
    "column_stack": making.column_stack,
    "append": making.append,
    "array": array,
    "asarray": asarray,
    "ascontiguousarray": ascontiguousarray,
    "arange": making.arange,
    "linspace": making.linspace,
    "logspace": making.logspace,
    "geomspace": making.geomspace,
    "eye": making.eye,
    "identity": identity,
    **matrices.TABLE,
    **triangular.TABLE,
    **failing.TABLE,
    **products.TABLE,
    **statistics.TABLE,
    **choosing.TABLE,
    **joining.TABLE,
}
