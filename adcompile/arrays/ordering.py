"""Functions that put elements in order.

Numba finds the order, as subscripts; what is in order is a gather, through which derivatives go.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from numba.core import types as nt

from adcompile.arrays.emitter import Emitter, Index, Options, array_type
from adcompile.arrays.pull import Pull, rearranged
from adcompile.arrays.shapes import one_axis, ravel
from adcompile.errors import UnsupportedError
from adcompile.ir import nodes as ir

if TYPE_CHECKING:
    from adcompile.arrays.machine import Machine


def argsort(m: Machine, a: Pull, axis: int | None = -1, kind: str | None = None) -> Pull:
    """Indices are integers: no derivative goes through them."""
    if kind not in (None, "quicksort", "mergesort"):
        raise UnsupportedError(
            f"np.argsort with kind={kind!r}", m.out.loc, "Numba has quicksort and mergesort."
        )
    if axis is None:
        a, axis = m.kept(ravel(m, a)), 0
    options = () if kind is None else (("kind", ir.Const(kind)),)
    return _order(m, a, axis, "np.argsort", (), options)


def sort(m: Machine, a: Pull, axis: int | None = -1) -> Pull:
    if axis is None:
        a, axis = m.kept(ravel(m, a)), 0
    return _in_order(m, a, axis, "np.argsort", ())


def argpartition(m: Machine, a: Pull, kth: Pull) -> Pull:
    return _order(m, a, -1, "np.argpartition", (_places(m, kth),))


def partition(m: Machine, a: Pull, kth: Pull) -> Pull:
    """Numba's np.partition and np.argpartition take the same steps, so that elements which are in
    no order are in the same one."""
    return _in_order(m, a, -1, "np.argpartition", (_places(m, kth),))


def _places(m: Machine, kth: Pull) -> ir.Expr:
    return m.memory(kth) if kth.rank else m.scalar_of(kth).at(m.out, ())


def _order(
    m: Machine, a: Pull, axis: int, fn: str, args: tuple[ir.Expr, ...], options: Options = ()
) -> Pull:
    """The subscripts that ``fn`` finds along an axis."""
    if a.rank != 1:
        line = partial(_order, axis=0, fn=fn, args=args, options=options)
        return _by_rows(m, a, axis, line, nt.int64)
    source = m.memory(a)
    m.close()
    made = m.fresh_from(fn, (source, *args), array_type(nt.int64, 1), a.dims, options=options)
    return m.pull_of(made)


def _in_order(m: Machine, a: Pull, axis: int, fn: str, args: tuple[ir.Expr, ...]) -> Pull:
    if a.rank != 1:
        line = partial(_in_order, axis=0, fn=fn, args=args)
        return _by_rows(m, a, axis, line, a.dtype)
    a = m.kept(a)
    order = _order(m, a, 0, fn, args)
    found = rearranged(a, a.dims, lambda out, i: (order.at(out, i),), view=False)
    reads = a.reads | order.reads
    return Pull(a.dims, a.dtype, found.at, True, reads=reads, shifted=reads)


def _by_rows(m: Machine, a: Pull, axis: int, f: Any, kind: nt.Type) -> Pull:
    """``f`` along one axis of a matrix or more."""
    k = one_axis(m, a.rank, axis)
    a = m.kept(a)
    m.close()
    made = m.fresh(a.dims, kind)
    others = (*a.dims[:k], *a.dims[k + 1 :])
    outer = m.out

    def line(out: Emitter, rest: Index, _: Any) -> Sequence[ir.Expr]:
        m.out, sizes = out, m.sizes.copy()
        row = rearranged(a, (a.dims[k],), lambda o, i: (*rest[:k], i[0], *rest[k:]), False)
        done = f(m, m.pull_of(m.memory(Pull(row.dims, row.dtype, row.at, reads=row.reads))))
        m.close()

        def body(inner: Emitter, i: Index, _: Any) -> Sequence[ir.Expr]:
            inner.store(made, (*rest[:k], i[0], *rest[k:]), done.at(inner, i))
            return ()

        out.loops((a.dims[k],), body)
        m.out, m.sizes = outer, sizes
        return ()

    outer.loops(others, line)
    return m.pull_of(made)
