"""Complex numbers: values, reverse mode against differences, forward against reverse mode."""

from __future__ import annotations

import ast
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adcompile import jvp, value_and_grad
from adcompile.testing import plain_jvp, plain_value_and_grad
from tests import oracle
from tests.complex_table import EXPRESSIONS, LOOPS, arrays
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
