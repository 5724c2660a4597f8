"""Products and linear algebra.  Inverses, decompositions and the like are the library calls of the
compiler's table: each row names what adds to the gradient of an operand."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy._core.einsumfunc import _parse_einsum_input  # type: ignore[attr-defined]

from adcompile.rules.library import LIBRARY
from adcompile.runtime.modules import MODULES
from adcompile.tape.functions import ROWS, astype, unknown
from adcompile.tape.memory import free, kept, lift
from adcompile.tape.node import Node
from adcompile.tape.variable import fitted, node_of


def matmul(a: Any, b: Any) -> Any:
    vectors = np.ndim(a) == 1, np.ndim(b) == 1
    if any(vectors):
        found = matmul(a[None] if vectors[0] else a, b[:, None] if vectors[1] else b)
        return np.squeeze(found, tuple(k for k, one in zip((-2, -1), vectors) if one))[()]
    values, nodes = [kept(a), kept(b)], [node_of(a), node_of(b)]
    found = np.matmul(*values)

    def pull(g: Any) -> tuple[Any, Any]:
        x, y = values
        return (
            None if nodes[0] is None else fitted(g @ np.swapaxes(y, -1, -2), x),
            None if nodes[1] is None else fitted(np.swapaxes(x, -1, -2) @ g, y),
        )

    return lift(found, Node("@", found, nodes, pull, np.matmul, values) if any(nodes) else None)


def dot(a: Any, b: Any, out: Any = None) -> Any:
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return a * b
    if np.ndim(a) <= 2 >= np.ndim(b):
        return matmul(a, b)
    return np.tensordot(a, b, ([-1], [max(np.ndim(b) - 2, 0)]))


def cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Any:
    axisa, axisb, axisc = (axisa, axisb, axisc) if axis is None else (axis,) * 3
    a, b = np.moveaxis(a, axisa, 0), np.moveaxis(b, axisb, 0)
    if len(a) != 3 or len(b) != 3:
        raise unknown("np.cross of other than vectors of three")
    return np.stack([a[i] * b[j] - a[j] * b[i] for i, j in ((1, 2), (2, 0), (0, 1))], axisc)


def einsum(subscripts: str, *operands: Any, **_: Any) -> Any:
    """The gradient of one operand is such a product too, of the result's and the other operands."""
    values, nodes = [kept(x) for x in operands], [node_of(x) for x in operands]
    terms, out, _arrays = _parse_einsum_input((subscripts, *values))
    names = terms.split(",")

    def op(*v: Any) -> Any:
        return np.einsum(f"{terms}->{out}", *v)

    def back(k: int, g: Any) -> Any:
        own, once = names[k], "".join(dict.fromkeys(names[k]))
        others = [j for j in range(len(names)) if j != k]
        # An index of this operand alone, or one that broadcasts, is filled by a factor of ones.
        sizes = dict(zip(own, np.shape(values[k])))
        for name, value in zip(names, values):
            for c, n in zip(name, np.shape(value)):
                sizes[c] = n if c in sizes and sizes[c] == 1 else sizes.get(c, n)
        listed = ",".join([out, *(names[j] for j in others), once])
        ones = np.ones([sizes[c] for c in once])
        found = np.einsum(f"{listed}->{once}", g, *(values[j] for j in others), ones)
        whole = np.zeros_like(values[k])
        diagonal = np.einsum(f"{own}->{once}", whole)  # a view
        diagonal[...] = fitted(found, diagonal)
        return whole

    def pull(g: Any) -> list[Any]:
        return [None if node is None else back(k, g) for k, node in enumerate(nodes)]

    found = op(*values)
    return lift(found, Node("einsum", found, nodes, pull, op, values) if any(nodes) else None)


# ---------------------------------------------------------------- library calls


def library(name: str, *operands: Any) -> Any:
    if any(map(np.iscomplexobj, map(free, operands))):
        kind = np.result_type(*map(free, operands))
        operands = tuple(astype(x, kind) for x in operands)
    values = [np.ascontiguousarray(kept(x)) for x in operands]
    nodes, compute = [node_of(x) for x in operands], _runtime(name)
    rules = LIBRARY[name, "".join(str(v.ndim) for v in values)]
    found = np.ascontiguousarray(compute(*values))

    def back(k: int, g: Any) -> Any:
        adjoint, every = np.zeros_like(values[k]), [*values, found]
        needed = (every[j] for j in rules[k].needed)
        _runtime(rules[k].adjoint)(adjoint, np.array(g, order="C"), *needed)
        return adjoint

    def pull(g: Any) -> list[Any]:
        return [None if node is None else back(k, g) for k, node in enumerate(nodes)]

    return lift(found, Node(name, found, nodes, pull, compute, values) if any(nodes) else None)


def _runtime(name: str) -> Callable[..., Any]:
    """The function that the compiler's generated code calls, as plain Python."""
    folder, _, own = name.rpartition(".")
    if folder == "np.linalg":
        found: Callable[..., Any] = getattr(np.linalg, own)
        return found
    made = next(getattr(module, own) for module in MODULES if hasattr(module, own))
    return getattr(made, "py_func", made)  # type: ignore[no-any-return]


def stacks(f: Callable[..., Any]) -> Callable[..., Any]:
    """``f`` of matrices as a function of stacks of them too."""

    def each(a: Any, *b: Any, **options: Any) -> Any:
        deep = [x for x in (a, *b) if np.ndim(x) > 2]
        if not deep:
            return f(a, *b, **options)
        parts = ([x[k] if np.ndim(x) > 2 else x for x in (a, *b)] for k in range(len(deep[0])))
        found = [each(*part, **options) for part in parts]
        if isinstance(found[0], tuple):
            return tuple(np.stack(results) for results in zip(*found))
        return np.stack(found)

    return each


def _ct(a: Any) -> Any:
    return np.conj(np.transpose(a))


@stacks
def cholesky(a: Any, upper: bool = False) -> Any:
    found = library("np.linalg.cholesky", _ct(a) if upper else a)
    return _ct(found) if upper else found


@stacks
def slogdet(a: Any) -> Any:
    packed = library("rt.slogdet", a)
    return packed[0], np.real(packed[1])


@stacks
def eigh(a: Any, UPLO: str = "L") -> Any:
    if UPLO == "U":
        w, v = eigh(np.flip(a))
        return w, np.flip(v, 0)
    packed = library("rt.eigh", a)
    return np.real(packed[0]), packed[1:]


@stacks
def qr(a: Any, mode: str = "reduced") -> Any:
    (m, n), k = np.shape(a), min(np.shape(a))
    if mode == "complete" and m > n:
        k = m
    packed = library("rt.qr_complete" if mode == "complete" else "rt.qr", a)
    q, r = np.reshape(packed[: m * k], (m, k)), np.reshape(packed[m * k :], (k, n))
    return r if mode == "r" else (q, r)


@stacks
def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    (m, n), k = np.shape(a), min(np.shape(a))
    full = full_matrices and compute_uv
    width, height = (m, n) if full else (k, k)  # of U, and of V^H
    packed, first = library("rt.svd_complete" if full else "rt.svd", a), m * width
    u, vt = np.reshape(packed[:first], (m, width)), np.reshape(packed[first + k :], (height, n))
    s = np.real(packed[first : first + k])
    return (u, s, vt) if compute_uv else s


@stacks
def pinv(a: Any, rcond: Any = None) -> Any:
    if rcond is None:
        return library("np.linalg.pinv", a)
    return library("rt.pinv_cut", a, np.array([free(rcond)], np.real(free(a)).dtype))


def cond(x: Any, p: Any = None) -> Any:
    if p not in (None, 2, -2):
        return np.linalg.matrix_norm(x, ord=p) * np.linalg.matrix_norm(np.linalg.inv(x), ord=p)
    s = svd(x, compute_uv=False)
    first, last = s[..., 0], s[..., -1]
    return last / first if p == -2 else first / last


def lstsq(a: Any, b: Any, rcond: Any = None) -> Any:
    x = library("rt.lstsq", a, b) if rcond is None else pinv(a, rcond) @ b
    _, residuals, rank, _s = np.linalg.lstsq(free(a), free(b), rcond)
    squares = np.sum(np.square(np.abs(b - a @ x)), axis=0, keepdims=np.ndim(b) == 1)
    return x, squares if len(residuals) else residuals, rank, svd(a, compute_uv=False)


@stacks
def solve_triangular(
    a: Any, b: Any, trans: Any = 0, lower: bool = False, unit_diagonal: bool = False, **_: Any
) -> Any:
    a, lower = (a, lower) if trans in (0, "N") else (np.transpose(a), not lower)
    a = np.conj(a) if trans in (2, "C") else a
    name = f"rt.solve_{'lower' if lower else 'upper'}{'_unit' if unit_diagonal else ''}"
    return library(name, a, b)


def cho_solve(factor: Any, b: Any, **_: Any) -> Any:
    return _cho_solve(*factor, b)


@stacks
def _cho_solve(c: Any, lower: bool, b: Any) -> Any:
    first = solve_triangular(c, b, 0 if lower else 2, lower)
    return solve_triangular(c, first, 2 if lower else 0, lower)


ROWS |= {
    "matmul": matmul, "dot": dot, "cross": cross, "einsum": einsum,
    "inner": lambda a, b: (
        np.tensordot(a, b, ([-1], [-1]))[()] if np.ndim(a) and np.ndim(b) else a * b
    ),
    "vdot": lambda a, b: np.sum(np.conj(np.ravel(a)) * np.ravel(b)),
    "vecdot": lambda a, b, axis=-1: np.sum(np.conj(a) * b, axis=axis),
    "matvec": lambda a, b: matmul(a, b[..., None])[..., 0],
    "trace": lambda a, offset=0, axis1=0, axis2=1, *_, **__: np.sum(
        np.diagonal(a, offset, axis1, axis2), axis=-1
    ),
    "linalg_trace": lambda a, offset=0: np.sum(np.diagonal(a, offset, -2, -1), axis=-1),
    **{k: stacks(functools.partial(library, f"np.linalg.{k}")) for k in ("solve", "inv")},
    "det": stacks(lambda a: library("rt.det", a)[0]), "cholesky": cholesky,
    "scipy_cholesky": lambda a, lower=False, **_: cholesky(a, upper=not lower),
    "slogdet": slogdet, "eigh": eigh, "eigvalsh": lambda a, UPLO="L": eigh(a, UPLO)[0],
    "qr": qr, "svd": svd, "svdvals": lambda a: svd(a, compute_uv=False), "pinv": pinv,
    "lstsq": lstsq, "cond": cond, "solve_triangular": solve_triangular, "cho_solve": cho_solve,
}  # fmt: skip
