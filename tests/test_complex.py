"""Complex numbers: values, reverse mode against differences, forward against reverse mode."""

from __future__ import annotations

import ast
import linecache
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adcompile import (
    NonScalarOutputError,
    UnsupportedError,
    grad,
    jacfwd,
    jacobian,
    jacrev,
    jvp,
    value_and_grad,
    vjp,
)
from adcompile.testing import plain_jvp, plain_value_and_grad
from tests import oracle
from tests.complex_table import EXPRESSIONS, LOOPS, arrays, cvec
from tests.test_arrays import load

NAMES = tuple(arrays())
SIZE = 8
GROUPS = [range(k, min(k + SIZE, len(EXPRESSIONS))) for k in range(0, len(EXPRESSIONS), SIZE)]
loops = pytest.mark.parametrize(("f", "arguments"), LOOPS, ids=[f.__name__ for f, _ in LOOPS])


def names_in(expression: str) -> list[str]:
    found = {node.id for node in ast.walk(ast.parse(expression)) if isinstance(node, ast.Name)}
    return [name for name in NAMES if name in found]


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> types.ModuleType:
    lines = ["import numpy as np", ""]
    for k, expression in enumerate(EXPRESSIONS):
        lines += [f"def f{k}({', '.join(names_in(expression))}):", f"    return {expression}", ""]
    for group, members in enumerate(GROUPS):
        lines += [f"def g{group}({', '.join(NAMES)}):", "    total = 0.0"]
        lines += [f"    total += {0.3 + 0.1 * k} * ({EXPRESSIONS[k]})" for k in members]
        lines += ["    return total", ""]
    path: Path = tmp_path_factory.mktemp("complex") / "complex_programs.py"
    path.write_text("\n".join(lines))
    return load(path)


def flat(args: tuple[Any, ...]) -> tuple[tuple[Any, ...], Any]:
    """Tuples among the arguments taken apart, and how to put them together."""
    items: list[Any] = []
    shape: list[int | None] = []
    for arg in args:
        items += arg if isinstance(arg, tuple) else [arg]
        shape.append(len(arg) if isinstance(arg, tuple) else None)

    def together(parts: Any) -> tuple[Any, ...]:
        given = iter(parts)
        return tuple(
            next(given) if n is None else tuple(next(given) for _ in range(n)) for n in shape
        )

    return tuple(items), together


def check(f: Any, args: tuple[Any, ...], optimise: bool, compiled: bool = False) -> None:
    """Reverse mode against differences, and forward mode against reverse mode."""
    argnums = tuple(k for k, a in enumerate(args) if not isinstance(a, int))
    items, together = flat(args)
    active = [k for k, a in enumerate(items) if not isinstance(a, int)]

    def of_items(*parts: Any) -> Any:
        return f(*together(parts))

    given = together(oracle.copies(items))
    if compiled:
        value, found = value_and_grad(f, argnums=argnums, optimise=optimise)(*given)
    else:
        value, found = plain_value_and_grad(f, argnums, optimise)(*given)
    assert value == pytest.approx(float(of_items(*oracle.copies(items))), rel=1e-12, abs=1e-13)
    grads, _ = flat(tuple(found))
    for k, g in zip(active, grads, strict=True):
        assert np.shape(g) == np.shape(items[k])
        assert np.iscomplexobj(g) == np.iscomplexobj(items[k])
    oracle.second_opinion(of_items, items, active, value, grads)

    rng = np.random.default_rng(1)
    judged = 0
    for d in [oracle.random_direction(items, active, rng) for _ in range(4)]:
        estimate = oracle.directional(of_items, items, d)
        if estimate.reliable:
            judged += 1
            assert estimate.agrees(oracle.dot(grads, active, d)), estimate
    assert judged, "the differences are no judge here"

    d = oracle.random_direction(items, active, rng)
    moved = together([d.get(k) for k in range(len(items))])
    tangents = tuple(moved[k] for k in argnums)
    given = together(oracle.copies(items))
    if compiled:
        _, tangent = jvp(f, given, tuple(moved))
    else:
        _, tangent = plain_jvp(f, argnums, optimise)(given, tangents)
    tangent = tangent[0] if isinstance(tangent, tuple) else tangent  # the rest: final contents
    size = sum(float(np.sum(np.abs(g * d[k]))) for k, g in zip(active, grads))
    assert abs(tangent - oracle.dot(grads, active, d)) <= 1e-12 * max(1.0, size)


# ---------------------------------------------------------------- loops


@pytest.mark.parametrize("optimise", [True, False])
@loops
def test_loop(f: Any, arguments: Any, optimise: bool) -> None:
    check(f, arguments(np.random.default_rng(7)), optimise)


@pytest.mark.compiled
@loops
def test_loop_compiled(f: Any, arguments: Any) -> None:
    check(f, arguments(np.random.default_rng(8)), True, compiled=True)


# ---------------------------------------------------------------- whole arrays


@pytest.mark.parametrize("optimise", [True, False])
@pytest.mark.parametrize("k", range(len(EXPRESSIONS)), ids=EXPRESSIONS)
def test_expression(programs: types.ModuleType, k: int, optimise: bool) -> None:
    given = arrays()
    args = tuple(given[name] for name in names_in(EXPRESSIONS[k]))
    check(getattr(programs, f"f{k}"), args, optimise)


@pytest.mark.compiled
@pytest.mark.parametrize("group", range(len(GROUPS)))
def test_expressions_compiled(programs: types.ModuleType, group: int) -> None:
    check(getattr(programs, f"g{group}"), tuple(arrays(3).values()), True, compiled=True)


@pytest.mark.wide
@pytest.mark.parametrize("k", range(len(EXPRESSIONS)), ids=EXPRESSIONS)
def test_strided_inputs(programs: types.ModuleType, k: int) -> None:
    given = arrays(2)
    packed = tuple(given[name] for name in names_in(EXPRESSIONS[k]))
    args = tuple(strided(a) if isinstance(a, np.ndarray) else a for a in packed)
    f, argnums = getattr(programs, f"f{k}"), tuple(range(len(args)))
    value, grads = plain_value_and_grad(f, argnums)(*args)
    again, same = plain_value_and_grad(f, argnums)(*packed)
    assert value == pytest.approx(again, rel=1e-14)
    for a, b in zip(grads, same, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13)


def strided(array: Any) -> Any:
    wide = np.zeros(tuple(2 * n for n in array.shape), array.dtype)
    part = tuple(slice(None, None, 2) for _ in array.shape)
    wide[part] = array
    return wide[part]


# ---------------------------------------------------------------- single precision


def narrow(arg: Any) -> Any:
    if isinstance(arg, np.ndarray):
        return arg.astype(np.complex64 if np.iscomplexobj(arg) else np.float32)
    return np.complex64(arg) if isinstance(arg, complex) else arg


@pytest.mark.wide
@pytest.mark.parametrize("k", range(len(EXPRESSIONS)), ids=EXPRESSIONS)
def test_single_precision(programs: types.ModuleType, k: int) -> None:
    given = arrays(5)
    wide = tuple(given[name] for name in names_in(EXPRESSIONS[k]))
    args = tuple(narrow(a) for a in wide)
    f, argnums = getattr(programs, f"f{k}"), tuple(range(len(args)))
    value, grads = plain_value_and_grad(f, argnums)(*args)
    want, expected = plain_value_and_grad(f, argnums)(*wide)
    assert value == pytest.approx(want, rel=1e-4, abs=1e-5)
    for a, b, c in zip(grads, expected, args, strict=True):
        assert np.asarray(a).dtype == c.dtype
        np.testing.assert_allclose(a, b, rtol=5e-3, atol=5e-4)


def spectrum(z: Any, x: Any) -> Any:
    out = np.zeros(z.size, dtype=z.dtype)
    total = z[0] * 0.5
    for k in range(z.size):
        out[k] = z[k] * x[k] + total
        total = total * z[k]
    return out, total, np.exp(2j * x) * z, np.abs(z)


@pytest.mark.compiled
def test_single_precision_stays() -> None:
    rng = np.random.default_rng(9)
    args = narrow(cvec(rng, 5)), narrow(rng.normal(size=5))
    out, pullback = vjp(spectrum, *args)
    expected = spectrum(*args)
    for a, b in zip(out, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)
    assert [np.asarray(a).dtype for a in (out[0], *out[2:])] == ["c8", "c8", "f4"]
    assert [a.dtype for a in pullback(out)] == ["c8", "f4"]
    _, tangent = jvp(spectrum, args, args)
    assert [np.asarray(a).dtype for a in (tangent[0], *tangent[2:])] == ["c8", "c8", "f4"]


# ---------------------------------------------------------------- complex results


@pytest.mark.compiled
def test_pullback_is_the_transpose() -> None:
    """Re sum(cotangent * tangent of out) = Re sum(pullback(cotangent) * tangent of args)."""
    rng = np.random.default_rng(10)
    args = cvec(rng, 5), rng.normal(size=5)
    direction = cvec(rng, 5), rng.normal(size=5)
    out, pullback = vjp(spectrum, *args)
    same, tangent = jvp(spectrum, args, direction)
    assert isinstance(out[1], complex) and isinstance(tangent[1], complex)
    for a, b, c in zip(out, same, spectrum(*args), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-14)
        np.testing.assert_allclose(a, c, rtol=1e-13)
    for _ in range(3):  # a pullback may be called again
        seeds = (cvec(rng, 5), complex(cvec(rng)), cvec(rng, 5), rng.normal(size=5))
        left = sum(np.sum(s * t) for s, t in zip(seeds, tangent, strict=True)).real
        found = pullback(seeds)
        assert found[0].dtype == complex and found[1].dtype == float
        right = sum(np.sum(g * d) for g, d in zip(found, direction, strict=True)).real
        assert left == pytest.approx(right, rel=1e-12)


def square(z: complex) -> complex:
    return z * z


def holomorphic(z: complex, k: float) -> complex:
    return np.exp(z * k) / z


def modulus_squared(z: complex) -> float:
    return abs(z) ** 2


def modulus(z: complex) -> float:
    return abs(z)


def conjugate(z: complex) -> complex:
    return z.conjugate()


def from_real(x: float) -> complex:
    return x * (1 + 2j)


def unrelated(z: complex, x: float) -> Any:
    return x * x, z.real, 2j


@pytest.mark.compiled
def test_convention() -> None:
    """That of JAX: grad is df/dx - i df/dy, a pullback multiplies by f' without conjugation."""
    z = 1.0 + 2.0j
    assert grad(modulus_squared)(z) == pytest.approx(2 - 4j, abs=1e-15)  # 2 conj(z)
    assert grad(modulus)(3 + 4j) == pytest.approx(0.6 - 0.8j, abs=1e-15)
    assert grad(modulus)(0j) == 0.0
    assert vjp(square, z)[1](1j)[0] == 2 * z * 1j
    assert jvp(square, (z,), (0.5 - 1j,))[1] == 2 * z * (0.5 - 1j)
    assert vjp(conjugate, z)[1](2 + 3j)[0] == 2 - 3j
    assert jvp(conjugate, (z,), (2 + 3j,))[1] == 2 - 3j
    assert vjp(from_real, 0.7)[1](1.0)[0] == 1.0
    assert vjp(from_real, 0.7)[1](1j)[0] == -2.0
    by_z, by_k = vjp(holomorphic, z, 0.5)[1](0.3 - 0.2j)
    value = np.exp(0.5 * z) / z
    assert by_z == pytest.approx((0.3 - 0.2j) * (0.5 - 1 / z) * value, rel=1e-14)
    assert by_k == pytest.approx(((0.3 - 0.2j) * z * value).real, rel=1e-14)


@pytest.mark.compiled
def test_kinds_of_results() -> None:
    """Complex results have complex tangents, complex arguments complex cotangents, be they 0."""
    out, tangent = jvp(unrelated, (1j, 0.5), (None, 1.0))
    assert out == (0.25, 0.0, 2j) and tangent == (1.0, 0.0, 0j)
    assert [type(t) for t in tangent] == [float, float, complex]
    _, pullback = vjp(unrelated, 1j, 0.5)
    found = pullback((1.0, 3.0, 1j))
    assert found == (3.0, 1.0) and [type(g) for g in found] == [complex, float]
    with pytest.raises(TypeError, match="complex"):
        pullback((1j, 0.0, 0.0))
    with pytest.raises(TypeError, match="complex"):
        jvp(unrelated, (1j, 0.5), (0.0, 1j))


def curve(x: Any) -> Any:
    return np.exp(1j * x) * x[0]


@pytest.mark.compiled
def test_jacobians() -> None:
    x = np.array([0.3, -0.8])
    expected = np.diag(1j * np.exp(1j * x) * x[0])
    expected[:, 0] += np.exp(1j * x)
    np.testing.assert_allclose(jacfwd(curve)(x), expected, rtol=1e-14)
    np.testing.assert_allclose(jacobian(curve)(x), expected, rtol=1e-14)
    with pytest.raises(TypeError, match="jacfwd"):
        jacrev(curve)(x)
    with pytest.raises(TypeError, match="complex"):
        jacfwd(square)(1j)


# ---------------------------------------------------------------- constants and edges

MATRIX = np.array([[1 + 2j, 0.5j], [-1.0, 2 - 1j]])
FACTOR = complex(-0.0, 1.5)
SINGLE = np.complex64(0.5 - 0.25j)


def captured(z: Any) -> float:
    return np.sum(np.abs(MATRIX @ z) ** 2) + abs(z[0] * FACTOR * SINGLE + MATRIX[1, 0])


@pytest.mark.compiled
@pytest.mark.parametrize("compiled", [True, False])
def test_captured(compiled: bool) -> None:
    check(captured, (cvec(np.random.default_rng(11), 2),), True, compiled)


def literals(x: float) -> Any:
    return x * 0.0, x * -0.0, x * (0j + 0.0), x * FACTOR


def test_literals_stay_apart() -> None:
    (a, b, c, d), _ = plain_jvp(literals, (0,))((1.0,), (1.0,))
    assert np.copysign(1.0, a) == 1.0 and np.copysign(1.0, b) == -1.0
    assert isinstance(c, complex) and d == 1.5j


def energy(z: Any) -> float:
    return np.sum(np.abs(z)) + 1.0


def test_zeros_and_no_elements() -> None:
    value, slope = plain_value_and_grad(energy)(np.zeros(0, complex))
    assert value == 1.0 and slope.shape == (0,) and slope.dtype == complex


# ---------------------------------------------------------------- refusals


def signs(z: Any) -> float:
    return np.sum(np.abs(np.sign(z) * z))  # refused: np.sign


def compares(z: Any) -> float:
    return np.sum(np.abs(np.where(z < 1j * z, z, 0.0)))  # refused: <


def largest(z: Any) -> float:
    total = 0.0
    total += abs(np.max(z))  # refused: np.max
    return total


def discards(z: Any) -> float:
    return np.sum(z.astype(np.float64))  # refused: z.real


def adds(z: Any) -> float:
    x = np.ones(z.size)
    x += z  # refused: z.real
    return np.sum(x)


def stores(z: Any) -> float:
    x = np.ones(z.size)
    x[0] = z[0]  # refused: complex
    return x[0]


def writes_part(z: Any) -> float:
    z.real[0] = 2.0  # refused: complex(a, b)
    return abs(z[0])


def rounds(z: Any) -> float:
    return abs(np.round(z[0]))  # refused: np.round


def larger(z: Any) -> float:
    return np.sum(np.abs(np.maximum(z, 1j)))  # refused: np.maximum


def degrees(z: Any) -> float:
    return np.angle(z[0], True)  # refused: np.angle


REFUSED = [
    signs, compares, largest, discards, adds, stores, writes_part, rounds, larger,
    degrees,
]  # fmt: skip


@pytest.mark.parametrize("f", REFUSED, ids=lambda f: f.__name__)
def test_refusals(f: Any) -> None:
    with pytest.raises(UnsupportedError) as caught:
        plain_value_and_grad(f)(cvec(np.random.default_rng(0), 3))
    loc = caught.value.loc
    assert loc is not None
    line = linecache.getline(loc.file, loc.line)
    assert "# refused: " in line and line.partition("# refused: ")[2].strip() in str(caught.value)


def test_complex_result() -> None:
    with pytest.raises(NonScalarOutputError, match="real floating scalar"):
        grad(square)(1j)
