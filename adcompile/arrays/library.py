"""Products and linear algebra by library calls, outside of loops and branches.

A library call reads whole arrays, and so does its adjoint: what it needs is kept as it is, copied
if something writes to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numba.core import types as nt

from adcompile.arrays.emitter import Emitter, Index, array_type
from adcompile.arrays.pull import Pull, of_scalar, rearranged
from adcompile.errors import UnsupportedError
from adcompile.ir import nodes as ir

if TYPE_CHECKING:
    from adcompile.arrays.machine import Machine


def is_possible(m: Machine, operands: Sequence[Pull]) -> bool:
    """A call, not loops: outside of control flow, and for floats or complex numbers of one kind."""
    kinds = {p.dtype for p in operands}
    known = {nt.float64, nt.float32, nt.complex128, nt.complex64}
    return m.depth == 1 and len(kinds) == 1 and kinds <= known


def call(
    m: Machine, fn: str, operands: Sequence[Pull], dims: tuple[ir.Expr, ...], dtype: nt.Type
) -> Pull:
    """``fn(*operands)``, a new array with these extents."""
    arrays = tuple(m.lasting(p) for p in operands)
    m.close()
    made = m.fresh_from(fn, arrays, array_type(dtype, len(dims)), dims)
    m.made_by_library.add(made)
    return m.pull_of(made)


def _matrix(m: Machine, a: Pull, what: str) -> None:
    if a.rank != 2:
        raise UnsupportedError(f"{what} of an array of rank {a.rank}", m.out.loc)
    if not is_possible(m, (a,)):
        raise UnsupportedError(
            f"{what} inside a loop or branch, or of other than floats",
            m.out.loc,
            "Take it out of the loop.",
        )


def _square(m: Machine, a: Pull, what: str) -> ir.Expr:
    _matrix(m, a, what)
    return m.same(a.dims[0], a.dims[1])


def solve(m: Machine, a: Pull, b: Pull) -> Pull:
    n = _square(m, a, "np.linalg.solve")
    m.same(n, b.dims[0])
    return call(m, "np.linalg.solve", (a, b), b.dims, m.result(np.multiply, (a, b)))


def inv(m: Machine, a: Pull) -> Pull:
    n = _square(m, a, "np.linalg.inv")
    return call(m, "np.linalg.inv", (a,), (n, n), a.dtype)


def cholesky(m: Machine, a: Pull) -> Pull:
    n = _square(m, a, "np.linalg.cholesky")
    return call(m, "np.linalg.cholesky", (a,), (n, n), a.dtype)


def det(m: Machine, a: Pull) -> Pull:
    _square(m, a, "np.linalg.det")
    return _item(m, call(m, "rt.det", (a,), (ir.Const(1),), a.dtype), 0)


def _item(m: Machine, packed: Pull, k: int) -> Pull:
    assert packed.array is not None
    return of_scalar(m.out.load(packed.array, (ir.Const(k),)), packed.dtype)


def slogdet(m: Machine, a: Pull) -> tuple[Pull, ...]:
    _square(m, a, "np.linalg.slogdet")
    packed = call(m, "rt.slogdet", (a,), (ir.Const(2),), a.dtype)
    return _item(m, packed, 0), _item(m, packed, 1)


def eigh(m: Machine, a: Pull) -> tuple[Pull, ...]:
    n = _square(m, a, "np.linalg.eigh")
    rows = m.size(m.out.integer("+", n, ir.Const(1)))
    packed = call(m, "rt.eigh", (a,), (rows, n), a.dtype)
    values = rearranged(packed, (n,), lambda out, i: (ir.Const(0), i[0]), False)

    def below(out: Emitter, index: Index) -> Index:
        return (out.name(out.integer("+", index[0], ir.Const(1)), nt.int64), index[1])

    return values, rearranged(packed, (n, n), below, False)


def qr(m: Machine, a: Pull) -> tuple[Pull, ...]:
    """Reduced, for matrices with at least as many rows as columns."""
    _matrix(m, a, "np.linalg.qr")
    rows, columns = a.dims
    wide = ir.Compare("<", rows, columns)
    m.out.fail_if(wide, "ValueError", "qr of a matrix with more columns than rows")
    both = m.size(m.out.integer("+", rows, columns))
    packed = call(m, "rt.qr", (a,), (both, columns), a.dtype)

    def below(out: Emitter, index: Index) -> Index:
        return (out.name(out.integer("+", index[0], rows), nt.int64), index[1])

    q = rearranged(packed, (rows, columns), lambda out, i: i, False)
    return q, rearranged(packed, (columns, columns), below, False)


def svd(m: Machine, a: Pull, full_matrices: bool, compute_uv: bool) -> Pull | tuple[Pull, ...]:
    """Reduced.  The full one of a matrix that is not square has vectors without a derivative."""
    _matrix(m, a, "np.linalg.svd")
    rows, columns = a.dims
    if full_matrices and compute_uv and rows != columns:
        message = "the full svd of a matrix that is not square: pass full_matrices=False"
        m.out.fail_if(ir.Compare("!=", rows, columns), "ValueError", message)
    k = rows if rows == columns else m.size(ir.Apply("min", (rows, columns)))
    first = m.size(m.out.integer("*", rows, k))
    second = m.size(m.out.integer("+", first, k))
    last = m.size(m.out.integer("*", k, columns))
    packed = call(m, "rt.svd", (a,), (m.size(m.out.integer("+", second, last)),), a.dtype)

    def part(dims: tuple[ir.Expr, ...], start: ir.Expr) -> Pull:
        def mapping(out: Emitter, index: Index) -> Index:
            place: ir.Expr = index[0]
            if len(index) == 2:
                row = out.name(out.integer("*", index[0], dims[1]), nt.int64)
                place = out.name(out.integer("+", row, index[1]), nt.int64)
            return (out.name(out.integer("+", place, start), nt.int64),)

        return rearranged(packed, dims, mapping, False)

    values = part((k,), first)
    if not compute_uv:
        return values
    return part((rows, k), ir.Const(0)), values, part((k, columns), second)


def pinv(m: Machine, a: Pull) -> Pull:
    _matrix(m, a, "np.linalg.pinv")
    return call(m, "np.linalg.pinv", (a,), (a.dims[1], a.dims[0]), a.dtype)


TABLE: dict[str, Callable[..., Pull | tuple[Pull, ...]]] = {
    "slogdet": slogdet,
    "eigh": eigh,
    "qr": qr,
    "svd": svd,
    "pinv": pinv,
    "solve": solve,
    "inv": inv,
    "cholesky": cholesky,
    "det": det,
}
