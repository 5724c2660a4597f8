"""Products and linear algebra: library calls with adjoints of their own."""

from __future__ import annotations

import ast
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adcompile import jvp, value_and_grad, vjp
from adcompile.runtime import cholesky, complements, decompositions, linalg, systems
from adcompile.testing import plain_value_and_grad
from tests import complex_table, oracle
from tests.complex_table import cvec
from tests.linalg_table import COMPLEX, PROGRAMS
from tests.test_arrays import compare, load
from tests.test_complex import check, narrow, strided

RNG = np.random.default_rng(0)
X, M = RNG.normal(size=6), RNG.normal(size=(3, 4))


def solves(x: Any, m: Any) -> float:
    a = m @ m.T + np.eye(3) * 2.0
    one = np.linalg.solve(a, x[:3])
    many = np.linalg.solve(a, m)
    return np.sum(one * x[3:]) + np.sum(many**2 * m)


def inverses(m: Any) -> float:
    a = m[:, :3] + 3.0 * np.eye(3)
    b = np.linalg.inv(a)
    return np.sum(np.sin(b) * m[:, 1:]) + 0.1 * np.linalg.det(a) + np.sum(b @ m)


def logarithms(m: Any) -> float:
    sign, logarithm = np.linalg.slogdet(m[:, :3] @ m[:, 1:].T)
    return sign * logarithm**2


def factors(x: Any, m: Any) -> float:
    low = np.linalg.cholesky(m @ m.T + np.eye(3))
    return np.sum(np.log(np.diag(low))) + np.sum((low @ x[:3]) ** 2 * x[3:])


def spectra(x: Any, m: Any) -> float:
    values, vectors = np.linalg.eigh(m @ m.T + np.outer(x[:3], x[:3]))
    return np.sum(values**2) + np.sum(vectors[0] ** 2 * x[3:]) + vectors[1, 1] * vectors[2, 1]


def orthogonal(m: Any) -> float:
    q, r = np.linalg.qr(m.T)
    return np.sum(q * m.T**2) + np.sum(np.sin(r))


def pseudo(x: Any, m: Any) -> float:
    tall, wide = np.linalg.pinv(m.T), np.linalg.pinv(m)
    return np.sum(np.sin(tall) * m) + np.sum((wide @ x[:3]) ** 2)


def singular(x: Any, m: Any) -> float:
    u, s, vt = np.linalg.svd(m, full_matrices=False)
    shape = np.sum(u[:, 0] ** 2 * x[:3]) + u[0, 1] * vt[1, 2] + np.sum(vt[2] ** 2 * x[2:])
    return np.sum(s**3) + shape + np.linalg.svd(m.T, compute_uv=False)[0]


def process(x: Any, y: Any, theta: Any) -> float:
    """The marginal likelihood of a Gaussian process."""
    apart = x[:, None] - x[None, :]
    k = theta[0] * np.exp(-0.5 * apart**2 / theta[1] ** 2) + theta[2] * np.eye(x.size)
    low = np.linalg.cholesky(k)
    v = np.linalg.solve(low, y)
    return 0.5 * np.dot(v, v) + np.sum(np.log(np.diag(low)))


def products(x: Any, m: Any) -> float:
    left, right = x[:3] @ m, m @ x[2:]
    return np.sum(left**2) + np.sum(np.dot(m, m.T) ** 2) + np.sum(right * x[3:]) + left @ left


def operands_written_later(m: Any) -> float:
    a = m[:, :3].copy()
    b = a @ a
    c = np.linalg.inv(b + np.eye(3) * 9.0)
    a[0, 0] = 5.0
    b[1] *= 2.0
    c[0] += 1.0
    return np.sum(b**2) + np.sum(a * b) + np.sum(np.sin(c))


def perceptron(x: Any, w: Any, b: Any, v: Any) -> float:
    h = np.tanh(x @ w + b)
    z = h @ v
    z = z - z.max(axis=1)[:, None]
    return -np.mean(z[:, 0] - np.log(np.sum(np.exp(z), axis=1)))


CASES: list[tuple[Callable[..., float], tuple[Any, ...]]] = [
    (solves, (X, M)),
    (inverses, (M,)),
    (logarithms, (M,)),
    (factors, (X, M)),
    (spectra, (X, M)),
    (orthogonal, (M,)),
    (pseudo, (X, M)),
    (singular, (X, M)),
    (process, (np.sort(X) * 3, X[::-1].copy(), np.array([1.1, 0.8, 0.3]))),
    (products, (X, M)),
    (operands_written_later, (M,)),
    (perceptron, (M, RNG.normal(size=(4, 5)), RNG.normal(size=5), RNG.normal(size=(5, 2)))),
]
each = pytest.mark.parametrize("case", CASES, ids=lambda c: c[0].__name__)


@each
@pytest.mark.parametrize("optimise", [True, False])
def test_derivatives(case: Any, optimise: bool) -> None:
    compare(*case, optimise)


@pytest.mark.compiled
@each
def test_compiled(case: Any) -> None:
    f, args = case
    argnums = tuple(range(len(args)))
    derivative = value_and_grad(f, argnums=argnums)
    value, grads = derivative(*args)
    assert value == pytest.approx(f(*oracle.copies(args)), rel=1e-11)
    d = oracle.random_direction(args, argnums, np.random.default_rng(2))
    _, tangent = jvp(f, args, tuple(d[k] for k in argnums))
    size = sum(float(np.sum(np.abs(g * d[k]))) for k, g in zip(argnums, grads))
    assert abs(tangent - oracle.dot(grads, argnums, d)) <= 1e-12 * max(1.0, size)


def test_products_are_calls() -> None:
    text = value_and_grad(perceptron, argnums=(1, 2, 3)).source(
        *["float64[:,::1]"] * 2, "float64[::1]", "float64[:,::1]"
    )
    forward, adjoint = text.split("@njit")[1:3]
    assert forward.count("dot_22(") == 2 and adjoint.count("dot_22_") == 3


def in_a_loop(m: Any) -> float:
    total = 0.0
    a = m[:, :3].copy()
    for k in range(2):
        a = np.tanh(a @ a + k)
        total += np.sum(a @ m)
    return total


def implicit_euler(u: Any, a: Any) -> Any:
    for k in range(3):
        u = np.linalg.solve(np.eye(3) + 0.1 * a * (k + 1.0), u + 0.1 * np.sin(u))
    return u


@pytest.mark.compiled
def test_pullbacks_leave_the_stack_alone() -> None:
    u, a = X[:3].copy(), np.ascontiguousarray(M[:, :3])
    out, pullback = vjp(implicit_euler, u, a)
    np.testing.assert_allclose(out, implicit_euler(u, a), rtol=1e-13)
    first, again = pullback(np.ones(3)), pullback(np.ones(3))
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)
    _, tangent = jvp(implicit_euler, (u, a), (u, a))
    assert np.sum(tangent) == pytest.approx(np.sum(first[0] * u) + np.sum(first[1] * a), rel=1e-12)


def test_in_loops() -> None:
    """Products are loops there."""
    compare(in_a_loop, (M,))


@pytest.mark.parametrize("n", [1, 48, 49, 130])
def test_triangular_systems_in_blocks(n: int) -> None:
    rng = np.random.default_rng(n)
    low = np.tril(rng.normal(size=(n, n))) * 0.1 + 2.0 * np.eye(n)
    for b in (rng.normal(size=n), rng.normal(size=(n, 3))):
        np.testing.assert_allclose(systems.forwards(low, b, False), np.linalg.solve(low, b), 1e-11)
        up = low.T
        np.testing.assert_allclose(systems.backwards(up, b, False), np.linalg.solve(up, b), 1e-11)
    l_adj, a_tan = rng.normal(size=(n, n)), np.tril(rng.normal(size=(n, n)))
    a_adj, l_tan = np.zeros((n, n)), np.zeros((n, n))
    cholesky.cholesky_adjoint(a_adj, l_adj, low)
    cholesky.cholesky_tangent(l_tan, a_tan, low)
    size = np.sum(np.abs(a_adj * a_tan))
    assert abs(np.sum(a_adj * a_tan) - np.sum(l_adj * l_tan)) <= 1e-12 * max(1.0, size)


# ---------------------------------------------------------------- complex matrices, stacks
# Without Numba; ``python -m tests.linalg`` compiles them.

NAMES = "zwxabmct"  # of linalg_table.py; u, v, h, q and others are its own
ROWS = [*COMPLEX, *PROGRAMS]
each_row = pytest.mark.parametrize("k", range(len(ROWS)), ids=[r.replace("\n", "; ") for r in ROWS])


def inputs(seed: int) -> dict[str, Any]:
    return {**complex_table.arrays(seed), "t": cvec(np.random.default_rng(seed + 20), 2, 3, 4)}


def names_in(row: str) -> list[str]:
    found = {node.id for node in ast.walk(ast.parse(row)) if isinstance(node, ast.Name)}
    return [name for name in NAMES if name in found]


def arguments(k: int, seed: int) -> tuple[Any, ...]:
    given = inputs(seed)
    return tuple(given[name] for name in names_in(ROWS[k]))


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> types.ModuleType:
    return written(tmp_path_factory.mktemp("linalg"))


def written(folder: Path) -> types.ModuleType:
    """A module with a function for each row."""
    lines = ["import numpy as np", "import scipy.linalg", ""]
    for k, row in enumerate(ROWS):
        body = row if "return " in row else f"return {row}"
        lines += [f"def f{k}({', '.join(names_in(row))}):"]
        lines += [*(f"    {one}" for one in body.split("\n")), ""]
    path = folder / "linalg_programs.py"
    path.write_text("\n".join(lines))
    return load(path)


@pytest.mark.wide
@each_row
def test_complex(programs: types.ModuleType, k: int) -> None:
    check(getattr(programs, f"f{k}"), arguments(k, 0), True)


@pytest.mark.wide
@each_row
def test_complex_strided(programs: types.ModuleType, k: int) -> None:
    """Without the optimiser, against arrays in one piece with it."""
    f, packed = getattr(programs, f"f{k}"), arguments(k, 2)
    args = tuple(strided(a) if isinstance(a, np.ndarray) else a for a in packed)
    argnums = tuple(range(len(args)))
    value, grads = plain_value_and_grad(f, argnums, optimise=False)(*args)
    again, same = plain_value_and_grad(f, argnums)(*packed)
    assert value == pytest.approx(again, rel=1e-11)
    for a, b in zip(grads, same, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-11 * max(1.0, np.max(np.abs(b))))


@pytest.mark.wide
@each_row
def test_complex_single(programs: types.ModuleType, k: int) -> None:
    f, args = getattr(programs, f"f{k}"), tuple(map(narrow, arguments(k, 0)))
    wide = tuple(a.astype(np.complex128 if np.iscomplexobj(a) else np.float64) for a in args)
    argnums = tuple(range(len(args)))
    value, grads = plain_value_and_grad(f, argnums)(*args)
    want, expected = plain_value_and_grad(f, argnums)(*wide)
    size = max(1.0, abs(want), *(float(np.max(np.abs(g))) for g in expected))
    assert value == pytest.approx(want, abs=2e-4 * size)
    for a, b, c in zip(grads, expected, args, strict=True):
        assert np.asarray(a).dtype == c.dtype
        np.testing.assert_allclose(a, b, rtol=5e-3, atol=5e-4 * size)


def first_vector(h: Any, w: Any) -> float:
    return (np.linalg.eigh(h)[1][:, 0] @ w).real


def projection(h: Any, w: Any) -> float:
    return abs(np.vdot(np.linalg.eigh(h)[1][:, 0], w)) ** 2 + np.linalg.svd(h)[2][0, 0].imag ** 2


def test_phases() -> None:
    """Where LAPACK's phase has no derivative it must not matter."""
    h, w = np.diag([3.0 + 0j, 1.0, 2.0]), cvec(np.random.default_rng(3), 3)
    with pytest.raises(ValueError, match="depends on the phase"):
        plain_value_and_grad(first_vector)(h, w)
    check(projection, (h, w), True)


def dominant(m: Any) -> float:
    return np.linalg.norm(m, 2) + np.linalg.svd(m, compute_uv=False)[0] ** 2


@pytest.mark.parametrize("make", [lambda rng, n: rng.normal(size=n), cvec])
def test_singular_values_of_matrices_without_full_rank(make: Any) -> None:
    rng = np.random.default_rng(4)
    m = np.outer(make(rng, 3), make(rng, 4))
    m[1] = 0.0
    m[:, 2] = 0.0
    with np.errstate(divide="ignore", invalid="ignore"):  # the vectors have no tangents
        check(dominant, (m,), True)


def test_determinants_of_singular_matrices() -> None:
    a, b = (cvec(np.random.default_rng(k), 3) for k in (5, 6))
    m = np.array([a, b, a - 2j * b])
    minors = [[np.delete(np.delete(m, i, 0), j, 1) for j in range(3)] for i in range(3)]
    signs = (-1.0) ** np.add.outer(np.arange(3), np.arange(3))
    found = linalg._cofactors.py_func(m, 0.0)
    np.testing.assert_allclose(found, signs * np.linalg.det(minors), rtol=1e-12)


def without_elements(t: Any, m: Any) -> float:
    w, v = np.linalg.eigh(t)
    u, s, vt = np.linalg.svd(m, full_matrices=False)
    q, r = np.linalg.qr(m)
    found = np.sum(w) + np.sum(np.abs(v)) + np.sum(np.abs(u @ vt)) + np.sum(s)
    found += np.sum(np.abs(q @ r)) + np.sum(np.abs(np.linalg.pinv(m)))
    return found + np.sum(np.abs(np.linalg.cholesky(t))) + np.sum(np.linalg.slogdet(t)[1])


SHAPES = [((0, 2, 2), (0, 3)), ((2, 0, 0), (3, 0)), ((0, 0), (2, 0, 3)), ((0, 3, 3), (0, 2, 0))]


@pytest.mark.parametrize("kind", [float, complex])
@pytest.mark.parametrize(("first", "second"), SHAPES)
def test_matrices_without_elements(kind: Any, first: Any, second: Any) -> None:
    args = np.zeros(first, kind), np.zeros(second, kind)
    value, grads = plain_value_and_grad(without_elements, (0, 1))(*args)
    assert value == without_elements(*args) == 0.0
    assert [g.shape for g in grads] == [first, second]


@pytest.mark.compiled
@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
def test_compiled_decompositions_without_elements(shape: Any) -> None:
    """Numba's refuse them."""
    assert decompositions.qr(np.zeros(shape)).shape == (0,)
    assert decompositions.svd(np.zeros(shape)).shape == (0,)


def beyond_columns(m: Any) -> float:
    u, s, _ = np.linalg.svd(m)
    return np.sum(u[:, 2:] ** 3) + np.sum(s) + np.sum(np.linalg.qr(m, mode="complete")[1] ** 2)


def beyond_columns_in_qr(m: Any) -> float:
    return np.sum(np.linalg.qr(m, mode="complete")[0] ** 3)


def test_vectors_that_complete_a_basis() -> None:
    """One of them has no choice but its sign, of two every rotation will do."""
    compare(beyond_columns, (M[:, :2],))
    for f in (beyond_columns, beyond_columns_in_qr):
        with pytest.raises(ValueError, match="which vectors complete the basis"):
            plain_value_and_grad(f)(M.T[:, :2])


@pytest.mark.parametrize("kind", [float, complex])
def test_completed_like_numpy(kind: Any) -> None:
    rng = np.random.default_rng(3)
    for rows, columns in ((5, 3), (4, 1), (3, 3), (2, 4), (3, 0)):
        a = np.real(cvec(rng, rows * columns)) if kind is float else cvec(rng, rows * columns)
        a = a.reshape(rows, columns)
        a[1:, :1] *= rows != 4  # a first column that is a multiple of the first unit vector
        q, r = np.linalg.qr(a, mode="complete")
        found = complements.qr_complete.py_func(a)
        np.testing.assert_allclose(found[: q.size], q.reshape(-1), atol=1e-14)
        np.testing.assert_allclose(found[q.size :], r.reshape(-1), atol=1e-14)
