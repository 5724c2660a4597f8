"""Whether a program is right: value, both modes, against differences of the plain function."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

import numba
import numpy as np

from adcompile import value_and_grad
from adcompile.testing import plain_jvp, plain_value_and_grad
from tests import oracle
from tests.constructs import (
    calls_and_loops,
    combined,
    containers,
    control,
    dispatchers,
    functions,
    lists,
    trying,
    values,
)
from tests.constructs.entries import Entry

MODULES = (
    *(dispatchers, functions, control, trying, values, containers, lists, combined),
    calls_and_loops,
)
ENTRIES: list[Entry] = [e for m in MODULES for e in m.TABLE.entries]


def interpreted() -> list[Entry]:
    """The same programs as plain Python, Dispatchers that they call included."""
    mine = {name: m for name, m in sys.modules.items() if name.startswith("tests.constructs.")}
    names = [m.__name__ for m in MODULES]
    before, numba.config.DISABLE_JIT = numba.config.DISABLE_JIT, 1
    package: Any = sys.modules["tests.constructs"]
    try:
        for name in mine:
            del sys.modules[name]
            vars(package).pop(name.rpartition(".")[2], None)
        found: list[ModuleType] = [importlib.import_module(name) for name in names]
    finally:
        numba.config.DISABLE_JIT = before
        sys.modules.update(mine)
        for name, module in mine.items():
            setattr(package, name.rpartition(".")[2], module)
    return [e for module in found for e in module.TABLE.entries]


PLAIN = interpreted()


def check(entry: Entry, plain: Entry, optimise: bool) -> None:
    with entry.quietly:
        check_plain(entry, plain, optimise)


def check_plain(entry: Entry, plain: Entry, optimise: bool) -> None:
    args, twin = entry.args(), plain.args()
    argnums = entry.wrt
    given = oracle.copies(args)
    value, grads = plain_value_and_grad(entry.func, argnums, optimise)(*given)
    for before, after in zip(args, given, strict=True):
        np.testing.assert_equal(after, before)
    expected = float(plain.func(*oracle.copies(twin)))
    assert abs(value - expected) <= 1e-12 * max(1.0, abs(expected)), (value, expected)

    check_differences(entry, plain.func, twin, grads)
    d = oracle.random_direction(args, argnums, np.random.default_rng(2))
    out, tangent = plain_jvp(entry.func, argnums, optimise)(
        tuple(oracle.copies(args)), tuple(d[k] for k in argnums)
    )
    tangent = tangent[0] if isinstance(out, tuple) else tangent
    size = sum(float(np.sum(np.abs(g * d[k]))) for k, g in zip(argnums, grads))
    limit = 1e-12 if entry.tolerance <= 1e-7 else 1e-6
    assert abs(tangent - oracle.dot(grads, argnums, d)) <= limit * max(1.0, size)


def check_compiled(entry: Entry) -> None:
    """Value and gradient through Numba: the value is that of the plain Dispatcher, to the bit,
    arguments stay as they are, and a second call gives the same."""
    args = entry.args()
    argnums = entry.wrt
    given = oracle.copies(args)
    derivative = value_and_grad(entry.func, argnums=argnums, vector_math=False)
    value, grads = derivative(*given)
    for before, after in zip(args, given, strict=True):
        np.testing.assert_equal(after, before)
    again, same = derivative(*given)
    np.testing.assert_equal((again, same), (value, grads))
    if entry.compiles:
        check_primal(entry, value)
    with entry.quietly:
        _, plain = plain_value_and_grad(entry.func, argnums)(*oracle.copies(args))
    if not entry.interprets:
        check_differences(entry, primal_of(entry), args, grads)
    limit = 1e-10 if entry.tolerance <= 1e-7 else 1e-4
    for a, b in zip(grads, plain, strict=True):
        np.testing.assert_allclose(a, b, rtol=limit, atol=limit)


def primal_of(entry: Entry) -> Any:
    return entry.func if hasattr(entry.func, "py_func") else numba.njit(entry.func)


def check_primal(entry: Entry, value: float) -> None:
    expected = primal_of(entry)(*oracle.copies(entry.args()))
    if entry.tolerance > 1e-7:
        assert abs(value - expected) <= 1e-6 * abs(expected)
    else:
        assert value == expected, (value, expected)


def check_differences(entry: Entry, func: Any, args: tuple[Any, ...], grads: Any) -> None:
    argnums = entry.wrt
    rng = np.random.default_rng(1)
    judged = 0
    for d in [oracle.random_direction(args, argnums, rng) for _ in range(3)]:
        step = oracle.STEP if entry.tolerance < 1e-6 else 1e-1
        estimate = oracle.directional(func, args, d, step)
        found = oracle.dot(grads, argnums, d)
        if entry.tolerance > 1e-7:
            judged += 1
            assert abs(found - estimate.value) <= entry.tolerance * max(1.0, abs(found))
        elif estimate.reliable:
            judged += 1
            assert estimate.agrees(found), (found, estimate)
    assert judged, "the differences are no judge here"
