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

from adcompile import jvp, value_and_grad
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
    argnums = tuple(range(len(args)))
    given = oracle.copies(args)
    value, grads = plain_value_and_grad(f, argnums, optimise)(*given)
    for before, after in zip(args, given, strict=True):
        np.testing.assert_array_equal(before, after)
    expected = float(f(*oracle.copies(args)))
    assert value == pytest.approx(expected, rel=1e-12, abs=1e-13)

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
    _, tangent = plain_jvp(f, argnums, optimise)(given, tuple(d[k] for k in argnums))
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
