"""SciPy's triangular systems, by library calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from adcompile.arrays import arithmetic as by
from adcompile.arrays.library import call
from adcompile.arrays.matrices import alike, square, stacked
from adcompile.arrays.pull import Pull
from adcompile.arrays.shapes import transpose
from adcompile.errors import UnsupportedError
from adcompile.ir import nodes as ir

if TYPE_CHECKING:
    from adcompile.arrays.machine import Machine


def solve_triangular(
    m: Machine,
    a: Pull,
    b: Pull,
    trans: Any = 0,
    lower: bool = False,
    unit_diagonal: bool = False,
    check_finite: bool = True,
) -> Pull:
    """Only one triangle of ``a`` is read."""
    if trans not in (0, 1, 2, "N", "T", "C"):
        raise UnsupportedError(f"solve_triangular with trans={trans!r}", m.out.loc)
    a, b = alike(m, a, b)
    if a.rank > 2 or b.rank > 2:
        core = 1 if b.rank == 1 else 2

        def one(x: Pull, y: Pull) -> Pull:
            return solve_triangular(m, x, y, trans, lower, unit_diagonal)

        results = [(b.dims[b.rank - core :], a.dtype)]
        return stacked(m, one, [(a, 2), (b, core)], results)[0]
    n = square(m, a, "solve_triangular")
    m.same(n, b.dims[0])
    if trans not in (0, "N"):
        a, lower = transpose(m, a), not lower
    if trans in (2, "C"):
        a = by.conj(m, a)
    name = f"rt.solve_{'lower' if lower else 'upper'}{'_unit' if unit_diagonal else ''}"
    return call(m, name, (a, b), b.dims, a.dtype)


def cho_solve(m: Machine, factor: Any, b: Pull, check_finite: bool = True) -> Pull:
    """A x = b from the Cholesky factor of A."""
    c, lower = factor
    flag = lower.at(m.out, ())
    if not isinstance(flag, ir.Const):
        raise UnsupportedError("cho_solve with other than (c, True) or (c, False)", m.out.loc)
    if c.rank > 2 or b.rank > 2:
        c, b = alike(m, c, b)
        core = 1 if b.rank == 1 else 2
        results = [(b.dims[b.rank - core :], c.dtype)]
        operands = [(c, 2), (b, core)]
        return stacked(m, lambda x, y: cho_solve(m, (x, lower), y), operands, results)[0]
    c = m.kept(c)
    first = solve_triangular(m, c, b, 0 if flag.value else 2, bool(flag.value))
    return solve_triangular(m, c, first, 2 if flag.value else 0, bool(flag.value))


TABLE: dict[str, Callable[..., Pull]] = {
    "solve_triangular": solve_triangular,
    "cho_solve": cho_solve,
}
