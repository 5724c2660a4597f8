"""Whole-array expressions: value, reverse mode against differences, forward against reverse."""

from __future__ import annotations

import ast
import importlib.util
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numba import njit

from adcompile import BroadcastError, UnsupportedError, jvp, value_and_grad, vjp
from adcompile.testing import plain_jvp, plain_value_and_grad
from tests import oracle
from tests.array_table import EXPRESSIONS

NAMES = "xypsmnt"


def inputs(seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {
        "x": rng.normal(size=6),
        "y": rng.normal(size=6),
        "p": rng.uniform(0.5, 1.5, 6),
        "s": np.sort(rng.normal(size=6)),
        "m": rng.normal(size=(3, 4)),
        "n": rng.normal(size=(4, 5)),
        "t": rng.normal(size=(2, 3, 4)),
    }


def strided(array: Any) -> Any:
    """The same elements, apart from each other in memory."""
    wide = np.zeros(tuple(2 * n for n in array.shape))
    part = tuple(slice(None, None, 2) for _ in array.shape)
    wide[part] = array
    return wide[part]


def names_in(expression: str) -> list[str]:
    found = {node.id for node in ast.walk(ast.parse(expression)) if isinstance(node, ast.Name)}
    return [name for name in NAMES if name in found]


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> types.ModuleType:
    """A file with one function per expression, and a few that have many."""
    lines = ["import numpy as np", ""]
    for k, expression in enumerate(EXPRESSIONS):
        lines += [f"def f{k}({', '.join(names_in(expression))}):", f"    return {expression}", ""]
    for group, members in enumerate(GROUPS):
        lines += [f"def g{group}({', '.join(NAMES)}):", "    total = 0.0"]
        lines += [f"    total += {0.3 + 0.1 * k} * ({EXPRESSIONS[k]})" for k in members]
        lines += ["    return total", ""]
    path = tmp_path_factory.mktemp("arrays") / "array_programs.py"
    path.write_text("\n".join(lines))
    return load(path)


def load(path: Path) -> types.ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


SIZE = 8
GROUPS = [range(k, min(k + SIZE, len(EXPRESSIONS))) for k in range(0, len(EXPRESSIONS), SIZE)]


def compare(f: Any, args: tuple[Any, ...], optimise: bool = True) -> None:
    argnums = tuple(k for k, a in enumerate(args) if np.result_type(a).kind == "f")
    given = oracle.copies(args)
    value, grads = plain_value_and_grad(f, argnums, optimise)(*given)
    for before, after in zip(args, given, strict=True):
        np.testing.assert_array_equal(before, after)
    expected = float(f(*oracle.copies(args)))
    assert value == pytest.approx(expected, rel=1e-12, abs=1e-13)

    oracle.second_opinion(f, args, argnums, value, grads)
    rng = np.random.default_rng(1)
    judged = 0
    for d in [oracle.random_direction(args, argnums, rng) for _ in range(4)]:
        estimate = oracle.directional(f, args, d)
        if estimate.reliable:
            judged += 1
            assert estimate.agrees(oracle.dot(grads, argnums, d)), estimate
    assert judged, "the differences are no judge here"

    d = oracle.random_direction(args, argnums, rng)
    given = tuple(oracle.copies(args))
    out, tangent = plain_jvp(f, argnums, optimise)(given, tuple(d[k] for k in argnums))
    tangent = tangent[0] if isinstance(out, tuple) else tangent  # the rest: final contents
    size = sum(float(np.sum(np.abs(g * d[k]))) for k, g in zip(argnums, grads))
    assert abs(tangent - oracle.dot(grads, argnums, d)) <= 1e-13 * max(1.0, size)


@pytest.mark.parametrize("optimise", [True, False])
@pytest.mark.parametrize("k", range(len(EXPRESSIONS)), ids=EXPRESSIONS)
def test_expression(programs: types.ModuleType, k: int, optimise: bool) -> None:
    given = inputs()
    compare(getattr(programs, f"f{k}"), tuple(given[n] for n in names_in(EXPRESSIONS[k])), optimise)


@pytest.mark.parametrize("k", range(len(EXPRESSIONS)), ids=EXPRESSIONS)
def test_strided_inputs(programs: types.ModuleType, k: int) -> None:
    given = inputs(2)
    args = tuple(strided(given[n]) for n in names_in(EXPRESSIONS[k]))
    f = getattr(programs, f"f{k}")
    packed = tuple(np.ascontiguousarray(a) for a in args)
    argnums = tuple(range(len(args)))
    value, grads = plain_value_and_grad(f, argnums)(*args)
    again, same = plain_value_and_grad(f, argnums)(*packed)
    assert value == pytest.approx(again, rel=1e-14)
    for a, b in zip(grads, same, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-14)


@pytest.mark.compiled
@pytest.mark.parametrize("group", range(len(GROUPS)))
def test_compiled(programs: types.ModuleType, group: int) -> None:
    f = getattr(programs, f"g{group}")
    args = tuple(inputs(3)[name] for name in NAMES)
    argnums = tuple(range(len(args)))
    value, grads = value_and_grad(f, argnums=argnums, boundscheck=True)(*args)
    want, expected = plain_value_and_grad(f, argnums)(*args)
    assert value == pytest.approx(want, rel=1e-11)
    for a, b in zip(grads, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
    d = oracle.random_direction(args, argnums, np.random.default_rng(4))
    _, tangent = jvp(f, args, tuple(d[k] for k in argnums))
    assert tangent == pytest.approx(oracle.dot(grads, argnums, d), rel=1e-10)


# ---------------------------------------------------------------- edges


def moments(x: Any, m: Any) -> float:
    return np.sum(x * x) + np.sum(np.cumsum(x)) + np.sum(m.sum(axis=0)) + np.sum(x[x > 0]) + 2.0


def test_no_elements() -> None:
    x, m = np.zeros(0), np.zeros((0, 3))
    value, (by_x, by_m) = plain_value_and_grad(moments, (0, 1))(x, m)
    assert value == 2.0 and by_x.shape == (0,) and by_m.shape == (0, 3)
    with pytest.raises(ValueError, match="zero-size"):
        plain_value_and_grad(largest, (0,))(x)


def largest(x: Any) -> float:
    return np.max(x)


def gather(x: Any, p: Any) -> float:
    x[p] *= 2.0
    return np.sum(x[p] ** 2)


def test_repeated_subscripts() -> None:
    """Read, they accumulate; written, the last one counts."""
    compare_first(gather, np.array([0.3, -0.7, 1.1]), np.array([0, 2, 2, -1, 0]))


def compare_first(f: Any, x: Any, *others: Any) -> None:
    _, (slope,) = plain_value_and_grad(f, (0,))(x.copy(), *others)
    for d in oracle.unit_directions((x, *others), (0,)):
        estimate = oracle.directional(f, (x, *others), d)
        assert estimate.reliable and estimate.agrees(float(np.sum(slope * d[0])))


def affine(x: Any, w: Any, b: Any) -> float:
    return np.sum(np.tanh(x * w + b)) + np.sum(w**2)


@pytest.mark.compiled
def test_axes_of_extent_one_broadcast() -> None:
    rng = np.random.default_rng(6)
    x, w, b = rng.normal(size=(3, 4)), rng.normal(size=(1, 4)), rng.normal(size=(3, 1))
    compare(affine, (x, w, b))
    derivative = value_and_grad(affine, argnums=(0, 1, 2))
    value, grads = derivative(x, w, b)
    assert value == pytest.approx(affine(x, w, b), rel=1e-13)
    assert [g.shape for g in grads] == [(3, 4), (1, 4), (3, 1)]
    again, same = derivative(x, np.repeat(w, 3, axis=0), b * np.ones(4))
    assert again == pytest.approx(value + 2 * np.sum(w**2), rel=1e-13)
    np.testing.assert_allclose(same[2].sum(axis=1, keepdims=True), grads[2], rtol=1e-12)
    _, pullback = vjp(affine, x, w, b)
    np.testing.assert_allclose(pullback(1.0)[1], grads[1], rtol=1e-13)
    _, tangent = jvp(affine, (x, w, b), (None, w, None))
    assert tangent == pytest.approx(np.sum(grads[1] * w), rel=1e-12)
    with pytest.raises(BroadcastError, match="could not be broadcast"):
        derivative(x, w[:, :3], b)


def spread_when_run(x: Any, y: Any, k: int) -> Any:
    """Extents of one that no argument has."""
    u = np.sin(x[:k]) * y
    v = (u + x[k : k + 2]) ** 2 + y[1:] * x[k + 1 :]
    z = np.zeros(5)
    z[::2] = np.cos(x[:k]) * x[0]
    z[1::2] += np.exp(x[k:2])
    pairs = (y[:k] * 2.0)[:, None] * (x[:2] * y)
    return np.sum(v * u) + np.sum(pairs) + np.sum(z * z)


@pytest.mark.parametrize("optimise", (True, False))
def test_extents_of_one_found_when_it_runs(optimise: bool) -> None:
    compare(spread_when_run, (np.array([0.3, 0.5, 0.7]), np.array([1.1, 0.4]), 1), optimise)


def never_fits(x: Any) -> Any:
    if x < 0.0:
        raise ValueError("negative")
    return np.sum(np.full((2, 3), x) + np.full((4, 3), x))


def fits_elsewhere(x: Any) -> Any:
    total = 0.0
    if x < 0.0:
        total = np.sum(np.full(4, x) + np.full(2, x))
    return total + np.sum((np.full(4, x) * np.arange(4)) ** 2)


@pytest.mark.parametrize("optimise", [True, False])
def test_extents_that_never_fit(optimise: bool) -> None:
    """Known when it is compiled, and raised when it is reached."""
    derivative = value_and_grad(never_fits, optimise=optimise)
    with pytest.raises(BroadcastError, match=r"be broadcast.*\n  at .*test_arrays.py"):
        derivative(1.5)
    with pytest.raises(ValueError, match="negative"):
        derivative(-1.5)
    derivative = value_and_grad(fits_elsewhere, optimise=optimise)
    assert derivative(1.5) == pytest.approx((31.5, 42.0), rel=1e-14)
    with pytest.raises(BroadcastError):
        derivative(-1.5)


def scaled_in_place(x: Any, y: Any, k: int) -> Any:
    u = x[:k] * 2.0
    u *= np.sin(y)
    u[:] += y
    return np.sum(u * u)


def test_what_is_written_keeps_its_extents() -> None:
    """One element takes no two, as in NumPy."""
    x, y = np.array([0.3, 0.5, 0.7]), np.array([1.1, 0.4])
    compare(scaled_in_place, (x, y[:1], 2))
    with pytest.raises(BroadcastError):
        plain_value_and_grad(scaled_in_place, (0, 1))(x, y, 1)


@pytest.mark.compiled
def test_extents_of_one_in_later_calls() -> None:
    """The first call has none, the same code meets some, and then extents that do not fit."""

    def product(x: Any, k: int) -> Any:
        return np.sum(np.sin(x[:k]) * x[3:])

    x = np.array([0.3, 0.5, 0.7, 1.1, -0.4])
    derivative = value_and_grad(product)
    for k in (2, 1):
        value, slopes = derivative(x, k)
        assert value == pytest.approx(product(x, k), rel=1e-14)
        expected = np.zeros(5)
        expected[:k] += np.cos(x[:k]) * (x[3:] if k == 2 else np.sum(x[3:]))
        expected[3:] += np.sin(x[:k])
        np.testing.assert_allclose(slopes, expected, rtol=1e-13)
        out, pullback = vjp(product, x, k)
        assert out == value
        np.testing.assert_allclose(pullback(1.0)[0], expected, rtol=1e-13)
        out, moved = jvp(product, (x, k), (x, None))
        assert moved == pytest.approx(float(expected @ x), rel=1e-13)
    for call in (derivative, lambda *a: vjp(product, *a)):
        with pytest.raises(BroadcastError, match=r"be broadcast.*\n  at .*test_arrays.py"):
            call(x, 3)


@njit
def running(x: Any) -> float:
    x[1:] += x[:-1]
    return np.sum(x)


def test_where_numba_and_numpy_differ() -> None:
    with pytest.raises(UnsupportedError, match="element by element"):
        value_and_grad(running)(np.ones(3))
    compare_first(running.py_func, np.array([0.3, -0.7, 1.1]))


def single(x: Any, y: Any) -> Any:
    for _ in range(3):
        x = np.tanh(x * 0.5 + y)
    return x * 2.0, np.mean(x)


@pytest.mark.compiled
def test_single_precision_stays() -> None:
    x = np.array([0.3, -0.7], dtype=np.float32)
    (out, mean), pullback = vjp(single, x, x * 2)
    assert out.dtype == np.float32
    assert np.asarray(pullback((out, mean))[0]).dtype == np.float32
    np.testing.assert_allclose(out, single(x, x * 2)[0], rtol=1e-6)


@pytest.mark.parametrize("k", range(len(EXPRESSIONS)), ids=EXPRESSIONS)
def test_single_precision(programs: types.ModuleType, k: int) -> None:
    args = tuple(inputs(5)[n].astype(np.float32) for n in names_in(EXPRESSIONS[k]))
    wide = tuple(a.astype(np.float64) for a in args)
    f, argnums = getattr(programs, f"f{k}"), tuple(range(len(args)))
    value, grads = plain_value_and_grad(f, argnums)(*args)
    want, expected = plain_value_and_grad(f, argnums)(*wide)
    assert value == pytest.approx(want, rel=1e-4, abs=1e-5)
    for a, b in zip(grads, expected, strict=True):
        assert a.dtype == np.float32
        np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-4)
