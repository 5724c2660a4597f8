"""Whether functions of linear algebra raise: what a ``try`` statement asks before it calls them.

Each has the parameters of the function, and is a boolean.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from numba.core import types as nt

from adcompile.arrays import arithmetic as by
from adcompile.arrays import matrices
from adcompile.arrays.emitter import ONE, ZERO, array_type
from adcompile.arrays.pull import Pull, of_scalar
from adcompile.arrays.shapes import flip

if TYPE_CHECKING:
    from adcompile.arrays.machine import Machine


def _asked(m: Machine, check: str, *operands: tuple[Pull, int]) -> Pull:
    """How many matrices of the stacks ``operands`` (pull, rank of one) fail the check."""
    if any(p.rank > rank for p, rank in operands):
        ranks = [rank for _, rank in operands]

        def one(*parts: Pull) -> Pull:
            return _asked(m, check, *zip(parts, ranks, strict=True))

        flags = matrices.stacked(m, one, operands, [((), nt.int64)])[0]
        return m.scalar_of(m.total(flags, None, False))
    arrays = tuple(m.memory(p) for p, _ in operands)
    m.close()
    kind = array_type(nt.int64, 1)
    found = m.fresh_from(f"rt.{check}_fails", arrays, kind, (ONE,))
    return of_scalar(m.out.load(found, (ZERO,)), nt.int64)


def _if_any(m: Machine, count: Pull) -> Pull:
    return by.unequal(m, count, by.number(0))


def _one(check: str) -> Callable[..., Pull]:
    def made(m: Machine, a: Pull, *_: Any) -> Pull:
        return _if_any(m, _asked(m, check, (a, 2)))

    return made


def _cholesky(m: Machine, a: Pull, upper: bool = False) -> Pull:
    a = matrices.conjugate_transpose(m, a) if upper else a
    return _if_any(m, _asked(m, "cholesky", (a, 2)))


def _eigh(m: Machine, a: Pull, triangle: str = "L") -> Pull:
    return _if_any(m, _asked(m, "eigh", (flip(m, a, (-2, -1)) if triangle == "U" else a, 2)))


def _solve(m: Machine, a: Pull, b: Pull) -> Pull:
    a, b = matrices.alike(m, a, b)
    return _if_any(m, _asked(m, "solve", (a, 2), (b, 1 if b.rank == 1 else 2)))


def _lstsq(m: Machine, a: Pull, b: Pull, *_: Any) -> Pull:
    a, b = matrices.alike(m, a, b)
    return _if_any(m, _asked(m, "lstsq", (a, 2), (b, b.rank)))


def _matrix_power(m: Machine, a: Pull, n: int) -> Pull:
    if n >= 0:
        return by.number(False)
    return _if_any(m, _asked(m, "inv", (a, 2)))


def _cond(m: Machine, x: Pull, p: Any = None) -> Pull:
    return _if_any(m, _asked(m, "svd" if p in (None, 2, -2) else "inv", (x, 2)))


def _triangular(
    m: Machine, a: Pull, b: Pull, trans: Any = 0, lower: bool = False, unit: bool = False, *_: Any
) -> Pull:
    check = "unit_triangular" if unit else "triangular"
    return _if_any(m, _asked(m, check, (a, 2), (b, 1 if b.rank == 1 else 2)))


TABLE: dict[str, Callable[..., Pull]] = {
    **{f"fails_{name}": _one(name) for name in ("inv", "det", "qr", "svd", "pinv")},
    "fails_slogdet": _one("det"),
    "fails_svdvals": _one("svd"),
    "fails_matrix_rank": _one("svd"),
    "fails_cholesky": _cholesky,
    "fails_scipy_cholesky": lambda m, a, lower=False, *_: _cholesky(m, a, not lower),
    "fails_eigh": _eigh,
    "fails_eigvalsh": _eigh,
    "fails_solve": _solve,
    "fails_lstsq": _lstsq,
    "fails_matrix_power": _matrix_power,
    "fails_cond": _cond,
    "fails_solve_triangular": _triangular,
    "fails_cho_solve": lambda m, factor, b, *_: _triangular(m, factor[0], b),
}
