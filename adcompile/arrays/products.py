"""Sums of products: matrix products of all ranks, einsum, tensordot.

All but products of matrices and vectors are one function, ``contraction``, which knows the axes of
each operand by labels.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numba.core import types as nt

from adcompile.arrays import arithmetic as by
from adcompile.arrays import library
from adcompile.arrays.contractions import along_an_axis, computed
from adcompile.arrays.emitter import ONE, ZERO, Emitter, Index, Running
from adcompile.arrays.making import concatenate
from adcompile.arrays.pull import Pull, read_by, rearranged
from adcompile.arrays.reductions import adding, inner_sum, number_of
from adcompile.arrays.shapes import expand_dims, moveaxis, ravel, transpose
from adcompile.arrays.stacks import stacked_product
from adcompile.errors import UnsupportedError
from adcompile.ir import nodes as ir

if TYPE_CHECKING:
    from adcompile.arrays.machine import Machine

Labels = tuple[Hashable, ...]


def transposed_array(m: Machine, pull: Pull) -> ir.Var | None:
    """The matrix in memory of which this is the transpose."""
    trial = m.out.inner()
    row, column = trial.var("i", nt.int64), trial.var("j", nt.int64)
    if pull.array is not None or not pull.cheap:
        return None
    pull.at(trial, (row, column))
    match trial.out:
        case [ir.Assign(_, ir.Load(array, (ir.Var() as first, ir.Var() as second)))]:
            turned = first is column and second is row and array not in m.aliases
            whole = [m.canonical(d) for d in reversed(m.dims_of(array))]
            return array if turned and whole == [m.canonical(d) for d in pull.dims] else None
        case _:
            return None


def product(m: Machine, a: Pull, b: Pull) -> Pull:
    """Of matrices and vectors: a library call outside of loops, loops inside, where matrices are
    small more often than not."""
    inner = m.same(a.dims[-1], b.dims[0])
    dims = (*a.dims[:-1], *b.dims[1:])
    if dims and not m.loops and library.is_possible(m, (a, b)):
        kind = m.result(np.multiply, (a, b))
        if a.rank == b.rank == 2 and (turned := transposed_array(m, b)) is not None:
            return library.call(m, "rt.dot_nt", (a, m.pull_of(turned)), dims, kind)
        if a.rank == b.rank == 2 and (turned := transposed_array(m, a)) is not None:
            return library.call(m, "rt.dot_tn", (m.pull_of(turned), b), dims, kind)
        return library.call(m, "np.dot", (a, b), dims, kind)
    a, b = m.kept(a), m.kept(b)
    rows = a.rank - 1
    kind = m.result(np.multiply, (a, b))

    def element(index: tuple[ir.Expr, ...], k: ir.Expr, out: Any) -> ir.Expr:
        left = a.at(out, (*index[:rows], k))
        right = b.at(out, (k, *index[rows:]))
        return ir.Binary("*", left, right)

    return inner_sum(dims, inner, kind, element, a.reads | b.reads)


def matmul(m: Machine, a: Pull, b: Pull) -> Pull:
    """Over the last axis of ``a`` and the last but one of ``b``; the axes in front broadcast."""
    if not a.rank or not b.rank:
        raise UnsupportedError("a matrix product with a number", m.out.loc, "Write a * b.")
    if a.rank <= 2 and b.rank <= 2:
        return product(m, a, b)
    stack = tuple(range(max(a.rank, b.rank) - 2))
    left = (*stack[len(stack) - max(a.rank - 2, 0) :], *(("row",) if a.rank > 1 else ()), "sum")
    right = (*stack[len(stack) - max(b.rank - 2, 0) :], "sum", *(("column",) if b.rank > 1 else ()))
    result = (*stack, *left[-2:-1], *(right[-1:] if b.rank > 1 else ()))
    if a.rank == 1:
        result = (*stack, *(right[-1:] if b.rank > 1 else ()))
    return contraction(m, [left, right], result, [a, b])


def dot(m: Machine, a: Pull, b: Pull) -> Pull:
    """Over the last axis of ``a`` and the last but one of ``b``, for all pairs of the others."""
    if not a.rank or not b.rank:
        return by.times(m, a, b)
    if a.rank <= 2 and b.rank <= 2:
        return product(m, a, b)
    left = (*(("a", k) for k in range(a.rank - 1)), "sum")
    right = tuple(("b", k) for k in range(b.rank - 1))
    place = max(b.rank - 2, 0)
    terms = [left, (*right[:place], "sum", *right[place:])]
    return computed(m, contraction(m, terms, (*left[:-1], *right), [a, b]))


def vdot(m: Machine, a: Pull, b: Pull) -> Pull:
    """The first operand conjugated."""
    return dot(m, ravel(m, by.conj(m, a)), ravel(m, b))


def inner(m: Machine, a: Pull, b: Pull) -> Pull:
    """Over the last axis of both."""
    return tensordot(m, a, b, ((-1,), (-1,))) if a.rank and b.rank else by.times(m, a, b)


def vecdot(m: Machine, a: Pull, b: Pull) -> Pull:
    """Over the last axis of both, the first conjugated; the axes in front broadcast."""
    return einsum(m, "...i,...i->...", None, [by.conj(m, a), b])


def matvec(m: Machine, a: Pull, b: Pull) -> Pull:
    return einsum(m, "...ij,...j->...i", None, [a, b])


def tensordot(m: Machine, a: Pull, b: Pull, axes: Any = 2) -> Pull:
    """Over the given axes of both, for all pairs of the others."""
    if isinstance(axes, int):
        axes = (tuple(range(a.rank - axes, a.rank)), tuple(range(axes)))
    left, right = ((one,) if isinstance(one, int) else tuple(one) for one in axes)
    if len(left) != len(right):
        raise UnsupportedError("axes of different number in np.tensordot", m.out.loc)
    places: list[dict[int, int]] = []
    for pull, ones in ((a, left), (b, right)):
        if any(not -pull.rank <= k < pull.rank for k in ones):
            raise UnsupportedError(f"axes {ones} of an array of rank {pull.rank}", m.out.loc)
        places.append({k % pull.rank: n for n, k in enumerate(ones)})
    first = tuple(("sum", places[0][k]) if k in places[0] else ("a", k) for k in range(a.rank))
    second = tuple(("sum", places[1][k]) if k in places[1] else ("b", k) for k in range(b.rank))
    result = tuple(label for label in (*first, *second) if label[0] != "sum")
    return contraction(m, [first, second], result, [a, b])


# ---------------------------------------------------------------- einsum


def einsum(m: Machine, subscripts: Any, optimize: Any, operands: Sequence[Pull]) -> Pull:
    """Sums of products over the letters that the result does not have."""
    if not isinstance(subscripts, str):
        raise UnsupportedError("np.einsum without a literal string", m.out.loc)
    left, arrow, wanted = subscripts.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(operands):
        raise UnsupportedError(
            f"np.einsum with {len(terms)} terms and {len(operands)} arrays", m.out.loc
        )
    named = [len(term.replace("...", "")) for term in terms]
    for term, pull, count in zip(terms, operands, named, strict=True):
        if count > pull.rank or (count < pull.rank and "..." not in term):
            raise UnsupportedError(f"{term!r} names an array of rank {pull.rank}", m.out.loc)
    most = max((p.rank - n for t, p, n in zip(terms, operands, named) if "..." in t), default=0)
    labels = [
        _labels(term, p.rank - n, most) for term, p, n in zip(terms, operands, named, strict=True)
    ]
    if arrow:
        result = _labels(wanted, most, most)
    else:
        letters = left.replace(",", "").replace(".", "")
        result = (*range(most), *sorted(c for c in set(letters) if letters.count(c) == 1))
    if set(result) - {label for term in labels for label in term}:
        raise UnsupportedError(f"{wanted!r} has letters that no array has", m.out.loc)
    if len(operands) == 1 and len(set(labels[0])) == len(labels[0]) == len(result):
        return transpose(m, operands[0], tuple(labels[0].index(label) for label in result))
    return contraction(m, labels, result, operands)


def _labels(term: str, dots: int, most: int) -> Labels:
    """The letters, with numbers for the axes that ... stands for, the last one ``most - 1``."""
    front, found, back = term.partition("...")
    between = tuple(range(most - dots, most)) if found else ()
    return (*front, *between, *back)


def contraction(
    m: Machine, terms: Sequence[Labels], result: Labels, operands: Sequence[Pull]
) -> Pull:
    """The sum over all labels that the result does not have of the product of the operands."""
    terms, operands = list(terms), list(operands)
    if any(label not in result for term in terms for label in term):
        while len(operands) > 2:  # in the order that needs the fewest operations
            x, y = min(
                ((x, y) for y in range(len(terms)) for x in range(y)),
                key=lambda pair: len({*terms[pair[0]], *terms[pair[1]]}),
            )
            a, b = operands[x], operands[y]
            pair = [terms[x], terms[y]]
            terms = [t for k, t in enumerate(terms) if k not in (x, y)]
            operands = [p for k, p in enumerate(operands) if k not in (x, y)]
            used = {*result, *(label for term in terms for label in term)}
            between = tuple(label for label in dict.fromkeys((*pair[0], *pair[1])) if label in used)
            terms.append(between)
            operands.append(m.kept(computed(m, contraction(m, pair, between, [a, b]))))
    if len(operands) == 2:
        for form in (_matrix_product, stacked_product, along_an_axis):
            if (found := form(m, terms, result, operands)) is not None:
                return found
    return _looped(m, terms, result, operands)


def _matrix_product(
    m: Machine, terms: Sequence[Labels], result: Labels, operands: Sequence[Pull]
) -> Pull | None:
    """The contraction as a product of matrices or vectors, if it is one."""
    a, b = terms
    common = [label for label in a if label in b]
    rows, columns = ([x for x in term if x not in common] for term in terms)
    fits = len(common) == 1 and len(rows) <= 1 and len(columns) <= 1
    if not fits or len(a) != len(rows) + 1 or len(b) != len(columns) + 1:
        return None
    if sorted(map(str, result)) != sorted(map(str, (*rows, *columns))):
        return None
    left = operands[0] if a[-1] == common[0] else transpose(m, operands[0])
    right = operands[1] if b[0] == common[0] else transpose(m, operands[1])
    if len(result) == 2 and result != (*rows, *columns):
        return product(m, transpose(m, right), transpose(m, left))
    return product(m, left, right)


def _looped(m: Machine, terms: Sequence[Labels], result: Labels, operands: Sequence[Pull]) -> Pull:
    operands = [m.kept(p) for p in operands]
    extents: dict[Hashable, ir.Expr] = {}
    for term, pull in zip(terms, operands, strict=True):
        for label, dim in zip(term, pull.dims, strict=True):
            known = extents.get(label, ONE)
            if dim != ONE:
                extents[label] = dim if known == ONE else m.same(known, dim)
            extents.setdefault(label, ONE)
    summed = [label for label in extents if label not in result]
    kind = m.result(lambda *x: _product_of(x), operands)

    def at_labels(out: Emitter, where: dict[Hashable, ir.Expr]) -> ir.Expr:
        total: ir.Expr | None = None
        for term, pull in zip(terms, operands, strict=True):
            index = tuple(
                ZERO if dim == ONE else where[label]
                for label, dim in zip(term, pull.dims, strict=True)
            )
            value = m.cast(out, pull.at(out, index), pull.dtype, kind)
            total = value if total is None else out.named(ir.Binary("*", total, value), kind)
        assert total is not None
        return total

    def at(out: Emitter, index: Index) -> ir.Expr:
        here = dict(zip(result, index, strict=True))
        if not summed:
            return at_labels(out, here)

        def body(inner: Emitter, over: Index, heads: tuple[ir.Var, ...]) -> Sequence[ir.Expr]:
            value = at_labels(inner, here | dict(zip(summed, over, strict=True)))
            return (inner.named(adding(kind)(heads[0], value), kind),)

        going = [extents[label] for label in summed]
        return out.loops(going, body, [Running("t", number_of(kind, 0), kind)])[0]

    reads = read_by(operands)
    dims = tuple(extents[label] for label in result)
    view = not summed and len(operands) == 1 and operands[0].place is not None
    return Pull(dims, kind, at, not summed, reads=reads, shifted=reads, maybe_view=view)


def _product_of(parts: Sequence[Any]) -> Any:
    total = parts[0]
    for part in parts[1:]:
        total = total * part
    return total


def ufunc_outer(m: Machine, a: Pull, b: Pull, name: str) -> Pull:
    """A function of two numbers for all pairs."""
    dims = (*a.dims, *(ONE,) * b.rank)
    spread = Pull(
        dims,
        a.dtype,
        lambda out, i: a.at(out, i[: a.rank]),
        a.cheap,
        reads=a.reads,
        shifted=a.reads,
    )
    return by.apply(m, f"np.{name}", spread, b)


def cross(
    m: Machine,
    a: Pull,
    b: Pull,
    axisa: int = -1,
    axisb: int = -1,
    axisc: int = -1,
    axis: int | None = None,
) -> Pull:
    """Of vectors of three along one axis.

    Those of two have numbers for products, and which it is does not show while compiling: Numba
    has cross2d for them.
    """
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = m.kept(moveaxis(m, a, axisa, -1)), m.kept(moveaxis(m, b, axisb, -1))
    three = ir.Const(3)
    for pull in (a, b):
        if pull.dims[-1] != three:
            wrong = ir.Compare("!=", pull.dims[-1], three)
            message = (
                "operands of np.cross are vectors of three; for two: numba.np.extensions.cross2d"
                f"\n  at {m.out.loc}"
            )
            m.out.fail_if(wrong, "ValueError", message)
    parts = [expand_dims(m, _turned(m, a, b, i, j), -1) for i, j in ((1, 2), (2, 0), (0, 1))]
    return moveaxis(m, concatenate(m, parts, -1), -1, axisc)


def cross2d(m: Machine, a: Pull, b: Pull) -> Pull:
    """x1 y2 - y1 x2 of vectors in the plane."""
    a, b = m.kept(a), m.kept(b)
    for pull in (a, b):
        if pull.dims[-1] != ir.Const(2):
            wrong = ir.Compare("!=", pull.dims[-1], ir.Const(2))
            m.out.fail_if(wrong, "ValueError", "cross2d of other than vectors of two")
    return _turned(m, a, b, 0, 1)


def _turned(m: Machine, a: Pull, b: Pull, i: int, j: int) -> Pull:
    """a_i b_j - a_j b_i."""

    def component(pull: Pull, k: int) -> Pull:
        return rearranged(pull, pull.dims[:-1], lambda out, index: (*index, ir.Const(k)), False)

    left = by.times(m, component(a, i), component(b, j))
    return by.minus(m, left, by.times(m, component(a, j), component(b, i)))


TABLE: dict[str, Any] = {
    "matmul": matmul,
    "dot": dot,
    "vdot": vdot,
    "vecdot": vecdot,
    "matvec": matvec,
    "inner": inner,
    "tensordot": tensordot,
    "einsum": einsum,
    "ufunc_outer": ufunc_outer,
    "cross": cross,
    "cross2d": cross2d,
}
