"""Linear algebra by library calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numba.core import types as nt

from adcompile.arrays import arithmetic as by
from adcompile.arrays import making, products
from adcompile.arrays.emitter import ONE, ZERO, Emitter, Index, array_type
from adcompile.arrays.library import call, is_possible
from adcompile.arrays.norms import matrix_norm, norm, vector_norm
from adcompile.arrays.pull import Dims, Pull, of_scalar, rearranged
from adcompile.arrays.shapes import flip, transpose
from adcompile.errors import UnsupportedError
from adcompile.ir import nodes as ir

if TYPE_CHECKING:
    from adcompile.arrays.machine import Machine


def _matrix(m: Machine, a: Pull, what: str) -> None:
    if a.rank != 2:
        raise UnsupportedError(f"{what} of an array of rank {a.rank}", m.out.loc)
    if not is_possible(m, (a,)):
        raise UnsupportedError(f"{what} of other than floats", m.out.loc, "Convert them first.")


Results = Sequence[tuple[Dims, nt.Type]]  # the extents and the type of each


def stacked(
    m: Machine,
    f: Callable[..., Pull | tuple[Pull, ...]],
    operands: Sequence[tuple[Pull, int]],
    results: Results,
) -> tuple[Pull, ...]:
    """``f`` for each of the matrices that the last axes of ``operands`` (pull, how many axes) hold;
    ``results``: those of one call."""
    parts = [(m.kept(p), rank) for p, rank in operands]
    heads = [Pull(p.dims[: p.rank - rank], p.dtype, p.at) for p, rank in parts]
    over = m.common(heads)
    made = [m.fresh((*over, *core), kind) for core, kind in results]
    outer, m.loops = m.out, m.loops + 1

    def one(out: Emitter, place: Index, _: Any) -> Sequence[ir.Expr]:
        m.out, sizes, known = out, m.sizes.copy(), m.equal_dims.copy()
        given: list[Pull] = []
        for p, rank in parts:
            own = place[len(place) - (p.rank - rank) :]
            head = tuple(ZERO if d == ONE else i for d, i in zip(p.dims, own, strict=False))
            row = rearranged(p, p.dims[p.rank - rank :], lambda o, i, h=head: (*h, *i), False)  # type: ignore[misc]
            given.append(m.pull_of(m.memory(row)))
        found = f(*given)
        m.close()
        for array, (core, _kind), part in zip(made, results, _several(found), strict=True):

            def store(inner: Emitter, i: Index, _: Any, to: Any = (array, part)) -> Any:
                inner.store(to[0], (*place, *i), to[1].at(inner, i))
                return ()

            out.loops(core, store)
        m.out, m.sizes, m.equal_dims = outer, sizes, known
        return ()

    outer.loops(over, one)
    m.loops -= 1
    return tuple(m.pull_of(array) for array in made)


def _several(found: Pull | tuple[Pull, ...]) -> tuple[Pull, ...]:
    return found if isinstance(found, tuple) else (found,)


def _one(m: Machine, f: Callable[..., Pull], a: Pull, core: Dims, kind: nt.Type) -> Pull:
    """``f`` of matrices, of a stack of them."""
    return stacked(m, f, [(a, 2)], [(core, kind)])[0]


def _real(kind: nt.Type) -> nt.Type:
    """The type of absolute values."""
    return kind.underlying_float if isinstance(kind, nt.Complex) else kind


def _real_part(m: Machine, a: Pull) -> Pull:
    return by.apply(m, "np.real", a) if isinstance(a.dtype, nt.Complex) else a


def _least(m: Machine, a: Pull) -> ir.Expr:
    """The smaller one of the last two extents."""
    rows, columns = a.dims[-2:]
    return rows if rows == columns else m.size(ir.Apply("min", (rows, columns)))


def alike(m: Machine, a: Pull, b: Pull) -> tuple[Pull, Pull]:
    """Both in the type of their product."""
    kind = m.result(np.multiply, (a, b))
    return by.cast(m, a, kind), by.cast(m, b, kind)


def conjugate_transpose(m: Machine, a: Pull) -> Pull:
    return by.conj(m, transpose(m, a))


def square(m: Machine, a: Pull, what: str) -> ir.Expr:
    _matrix(m, a, what)
    return m.same(a.dims[0], a.dims[1])


def solve(m: Machine, a: Pull, b: Pull) -> Pull:
    a, b = alike(m, a, b)
    if a.rank > 2 or (a.rank == 2 and b.rank > 2):
        core = 1 if b.rank == 1 else 2
        dims = b.dims[b.rank - core :]
        return stacked(m, lambda x, y: solve(m, x, y), [(a, 2), (b, core)], [(dims, a.dtype)])[0]
    n = square(m, a, "np.linalg.solve")
    m.same(n, b.dims[0])
    return call(m, "np.linalg.solve", (a, b), b.dims, a.dtype)


def inv(m: Machine, a: Pull) -> Pull:
    if a.rank > 2:
        return _one(m, lambda x: inv(m, x), a, a.dims[-2:], a.dtype)
    n = square(m, a, "np.linalg.inv")
    return call(m, "np.linalg.inv", (a,), (n, n), a.dtype)


def cholesky(m: Machine, a: Pull, upper: bool = False) -> Pull:
    if a.rank > 2:
        return _one(m, lambda x: cholesky(m, x, upper), a, a.dims[-2:], a.dtype)
    n = square(m, a, "np.linalg.cholesky")
    if upper:  # of the upper triangle
        return conjugate_transpose(m, cholesky(m, conjugate_transpose(m, a)))
    return call(m, "np.linalg.cholesky", (a,), (n, n), a.dtype)


def det(m: Machine, a: Pull) -> Pull:
    if a.rank > 2:
        return _one(m, lambda x: det(m, x), a, (), a.dtype)
    square(m, a, "np.linalg.det")
    return _item(m, call(m, "rt.det", (a,), (ir.Const(1),), a.dtype), 0)


def _item(m: Machine, packed: Pull, k: int) -> Pull:
    assert packed.array is not None
    return of_scalar(m.out.load(packed.array, (ir.Const(k),)), packed.dtype)


def slogdet(m: Machine, a: Pull) -> tuple[Pull, ...]:
    if a.rank > 2:
        results = [((), a.dtype), ((), _real(a.dtype))]
        return stacked(m, lambda x: slogdet(m, x), [(a, 2)], results)
    square(m, a, "np.linalg.slogdet")
    packed = call(m, "rt.slogdet", (a,), (ir.Const(2),), a.dtype)
    return _item(m, packed, 0), _real_part(m, _item(m, packed, 1))


def eigh(m: Machine, a: Pull, triangle: str = "L") -> tuple[Pull, ...]:
    if triangle not in ("L", "U"):
        raise UnsupportedError(f"np.linalg.eigh with UPLO={triangle!r}", m.out.loc)
    if a.rank > 2:
        results = [(a.dims[-1:], _real(a.dtype)), (a.dims[-2:], a.dtype)]
        return stacked(m, lambda x: eigh(m, x, triangle), [(a, 2)], results)
    n = square(m, a, "np.linalg.eigh")
    if triangle == "U":  # the lower one of the matrix from behind, whose vectors are so too
        values, vectors = eigh(m, flip(m, a))
        return values, flip(m, vectors, 0)
    rows = m.size(m.out.integer("+", n, ir.Const(1)))
    packed = call(m, "rt.eigh", (a,), (rows, n), a.dtype)
    values = rearranged(packed, (n,), lambda out, i: (ir.Const(0), i[0]), False)

    def below(out: Emitter, index: Index) -> Index:
        return (out.name(out.integer("+", index[0], ir.Const(1)), nt.int64), index[1])

    return _real_part(m, values), rearranged(packed, (n, n), below, False)


def eigvalsh(m: Machine, a: Pull, triangle: str = "L") -> Pull:
    return eigh(m, a, triangle)[0]


def part(packed: Pull, dims: tuple[ir.Expr, ...], start: ir.Expr) -> Pull:
    """A vector or matrix out of a packed vector, from ``start`` on."""

    def mapping(out: Emitter, index: Index) -> Index:
        place: ir.Expr = index[0]
        if len(index) == 2:
            row = out.name(out.integer("*", index[0], dims[1]), nt.int64)
            place = out.name(out.integer("+", row, index[1]), nt.int64)
        return (out.name(out.integer("+", place, start), nt.int64),)

    return rearranged(packed, dims, mapping, False)


def qr(m: Machine, a: Pull, mode: str = "reduced") -> Pull | tuple[Pull, ...]:
    if mode not in ("reduced", "r", "complete"):
        raise UnsupportedError(f"np.linalg.qr with mode={mode!r}", m.out.loc)
    k: ir.Expr = ONE
    if a.rank > 1:
        k = a.dims[-2] if mode == "complete" else _least(m, a)
    if a.rank > 2:
        results = [((k, a.dims[-1]), a.dtype)]
        if mode != "r":
            results = [((a.dims[-2], k), a.dtype), *results]
        found = stacked(m, lambda x: qr(m, x, mode), [(a, 2)], results)
        return found[0] if mode == "r" else found
    _matrix(m, a, "np.linalg.qr")
    rows, columns = a.dims
    first = m.size(m.out.integer("*", rows, k))
    last = m.size(m.out.integer("*", k, columns))
    fn = "rt.qr_complete" if mode == "complete" else "rt.qr"
    packed = call(m, fn, (a,), (m.size(m.out.integer("+", first, last)),), a.dtype)
    r = part(packed, (k, columns), first)
    return r if mode == "r" else (part(packed, (rows, k), ZERO), r)


def svd(
    m: Machine, a: Pull, full_matrices: bool = True, compute_uv: bool = True
) -> Pull | tuple[Pull, ...]:
    k = _least(m, a) if a.rank > 1 else ONE
    full = full_matrices and compute_uv and a.rank > 1 and a.dims[-2] != a.dims[-1]
    width, height = a.dims[-2:] if full else (k, k)  # of U, and of V^H
    if a.rank > 2:
        results: list[tuple[Dims, nt.Type]] = [((k,), _real(a.dtype))]
        if compute_uv:
            results.insert(0, ((a.dims[-2], width), a.dtype))
            results.append(((height, a.dims[-1]), a.dtype))
        one = stacked(m, lambda x: svd(m, x, full_matrices, compute_uv), [(a, 2)], results)
        return one if compute_uv else one[0]
    _matrix(m, a, "np.linalg.svd")
    rows, columns = a.dims
    first = m.size(m.out.integer("*", rows, width))
    second = m.size(m.out.integer("+", first, k))
    last = m.size(m.out.integer("*", height, columns))
    size = m.size(m.out.integer("+", second, last))
    packed = call(m, "rt.svd_complete" if full else "rt.svd", (a,), (size,), a.dtype)

    values = _real_part(m, part(packed, (k,), first))
    if not compute_uv:
        return values
    return part(packed, (rows, width), ZERO), values, part(packed, (height, columns), second)


def svdvals(m: Machine, a: Pull) -> Pull:
    found = svd(m, a, False, False)
    assert isinstance(found, Pull)
    return found


def pinv(m: Machine, a: Pull, rcond: Pull | None = None) -> Pull:
    if a.rank > 2:
        return _one(m, lambda x: pinv(m, x, rcond), a, (a.dims[-1], a.dims[-2]), a.dtype)
    _matrix(m, a, "np.linalg.pinv")
    dims = (a.dims[1], a.dims[0])
    if rcond is None:
        return call(m, "np.linalg.pinv", (a,), dims, a.dtype)
    return call(m, "rt.pinv_cut", (a, _cutoff(m, a, rcond)), dims, a.dtype)


def _cutoff(m: Machine, a: Pull, rcond: Pull) -> Pull:
    """``rcond`` as an array of one element."""
    if rcond.rank:
        raise UnsupportedError("rcond that is an array", m.out.loc, "Give a number.")
    number = by.cast(m, rcond, _real(a.dtype))
    return rearranged(number, (ONE,), lambda out, i: (), False)


def lstsq(m: Machine, a: Pull, b: Pull, rcond: Pull | None = None) -> tuple[Pull, ...]:
    """The solution of least norm, the residuals, the rank and the singular values."""
    a, b = alike(m, a, b)
    _matrix(m, a, "np.linalg.lstsq")
    rows, columns = a.dims
    m.same(rows, b.dims[0])
    a, b = m.kept(a), m.kept(b)
    s = m.kept(svdvals(m, a))
    if rcond is None:
        x, rank = call(m, "rt.lstsq", (a, b), (columns, *b.dims[1:]), a.dtype), _rank_of(m, a, s)
    else:
        cutoff = m.kept(_cutoff(m, a, rcond))
        x = m.kept(products.dot(m, pinv(m, a, rcond), b))
        arrays = (m.memory(s), m.memory(cutoff))
        m.close()
        found = m.fresh_from("rt.rank_above", arrays, array_type(nt.int64, 1), (ONE,))
        rank = of_scalar(m.out.load(found, (ZERO,)), nt.int64)
    apart = by.minus(m, b, products.dot(m, a, x))
    squares = m.kept(m.total(by.square(m, apart), 0, True))
    # LAPACK gives residuals where the rank is full and there are more rows than columns.
    full = ir.Compare("==", rank.at(m.out, ()), columns)
    known = m.out.named(ir.Logic("and", ir.Compare(">", rows, columns), full), nt.boolean)
    wide = b.dims[1] if b.rank == 2 else ONE
    size = m.out.named(ir.Select(known, wide, ZERO), nt.int64, "size")

    def mapping(out: Emitter, i: Index) -> Index:
        return (ZERO, i[0])[: squares.rank] if squares.rank == 2 else i

    return x, rearranged(squares, (size,), mapping, False), rank, s


def _rank_of(m: Machine, a: Pull, s: Pull) -> Pull:
    """How many singular values exceed rounding."""
    source = m.memory(s)
    m.close()
    found = m.fresh_from("rt.rank_of", (source, *a.dims), array_type(nt.int64, 1), (ONE,))
    return of_scalar(m.out.load(found, (ZERO,)), nt.int64)


def matrix_rank(m: Machine, a: Pull) -> Pull:
    if a.rank > 2:
        return _one(m, lambda x: matrix_rank(m, x), a, (), nt.int64)
    a = m.kept(a)
    return _rank_of(m, a, m.kept(svdvals(m, a)))


def matrix_power(m: Machine, a: Pull, n: int) -> Pull:
    if not isinstance(n, int):
        raise UnsupportedError("np.linalg.matrix_power with other than an integer", m.out.loc)
    if a.rank > 2:
        return _one(m, lambda x: matrix_power(m, x, n), a, a.dims[-2:], a.dtype)
    size = square(m, a, "np.linalg.matrix_power")
    if n == 0:
        return by.cast(m, making.eye(m, of_scalar(size, nt.int64)), a.dtype)
    a = m.kept(inv(m, a) if n < 0 else a)
    found: Pull | None = None
    left = abs(n)
    while left:
        if left % 2:
            found = a if found is None else m.kept(products.dot(m, found, a))
        left //= 2
        a = m.kept(products.dot(m, a, a)) if left else a
    assert found is not None
    return found


def multi_dot(m: Machine, arrays: Any) -> Pull:
    found = arrays[0]
    for a in arrays[1:]:
        found = products.dot(m, found, a)
    return found  # type: ignore[no-any-return]


def cond(m: Machine, x: Pull, p: Any = None) -> Pull:
    if p not in (None, 2, -2):
        x = m.kept(x)
        return by.times(m, *(matrix_norm(m, part, ord=p) for part in (x, inv(m, x))))
    s = m.kept(svdvals(m, x))
    last = m.out.name(m.out.integer("-", s.dims[-1], ONE), nt.int64)
    ends = (rearranged(s, s.dims[:-1], lambda out, i, e=end: (*i, e)) for end in (ZERO, last))  # type: ignore[misc]
    largest, smallest = ends
    return by.over(m, smallest, largest) if p == -2 else by.over(m, largest, smallest)


def scipy_cholesky(m: Machine, a: Pull, lower: bool = False, check_finite: bool = True) -> Pull:
    return cholesky(m, a, not lower)


TABLE: dict[str, Callable[..., Pull | tuple[Pull, ...]]] = {
    "slogdet": slogdet,
    "eigh": eigh,
    "eigvalsh": eigvalsh,
    "qr": qr,
    "svd": svd,
    "svdvals": svdvals,
    "pinv": pinv,
    "solve": solve,
    "inv": inv,
    "cholesky": cholesky,
    "det": det,
    "lstsq": lstsq,
    "matrix_power": matrix_power,
    "matrix_rank": matrix_rank,
    "multi_dot": multi_dot,
    "cond": cond,
    "norm": norm,
    "vector_norm": vector_norm,
    "matrix_norm": matrix_norm,
    "scipy_cholesky": scipy_cholesky,
}
