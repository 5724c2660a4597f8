"""``target="cuda"`` in Numba's CUDA simulator, or on a GPU with NUMBA_ENABLE_CUDASIM=0 (make gpu).

Gradients must be those of the CPU, of the tape engine, and of differences.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba_cuda")

from numba import cuda

from adcompile import UnsupportedError, grad, value_and_grad
from adcompile.cuda import split
from adcompile.testing import plain_value_and_grad
from tests import cuda_random, oracle
from tests.cuda_programs import CASES, A, Case, U, X, Y, counted, periodic, rows
from tests.cuda_races import RaceError, watched

WIDE = pytest.mark.wide
SIMULATED = os.environ.get("NUMBA_ENABLE_CUDASIM") == "1"
# On a GPU the grids of tests are far too small for it.
pytestmark = pytest.mark.filterwarnings("ignore::Warning:numba")


OPTIMISE = (pytest.param(True, id="optimised"), pytest.param(False, id="plain", marks=WIDE))


@pytest.mark.parametrize("optimise", OPTIMISE)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_gradients(case: Case, optimise: bool) -> None:
    f, argnums = case.program, case.argnums
    derivative = value_and_grad(f, argnums, target="cuda", optimise=optimise)
    given = oracle.copies(case.args)
    value, grads = derivative(*given)
    for before, after in zip(case.args, given, strict=True):
        np.testing.assert_array_equal(before, after)
    expected, others = plain_value_and_grad(f, argnums)(*oracle.copies(case.args))
    size = max(1.0, *(float(np.max(np.abs(g))) for g in others))
    assert value == pytest.approx(expected, rel=case.tolerance)
    for ours, theirs in zip(grads, others, strict=True):
        assert np.shape(ours) == np.shape(theirs)
        np.testing.assert_allclose(ours, theirs, rtol=case.tolerance, atol=case.tolerance * size)
    if case.tolerance < 1e-9:
        oracle.second_opinion(f, case.args, argnums, value, grads)
        direction = oracle.random_direction(case.args, argnums, np.random.default_rng(3))
        estimate = oracle.directional(f, case.args, direction)
        assert estimate.reliable
        assert estimate.agrees(oracle.dot(grads, argnums, direction))
    if optimise:
        assert case.explained in derivative.explain()
    if SIMULATED:
        with watched():
            again, others = derivative(*given)
        assert again == pytest.approx(value, rel=case.tolerance)
        for ours, theirs in zip(others, grads, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=case.tolerance * size)


def test_races_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without atomics two threads meet."""
    case = next(c for c in CASES if c.name == "lookup")
    monkeypatch.setattr(split._Split, "scattered", lambda *_: {})
    derivative = value_and_grad(case.program, case.argnums, target="cuda", cache=False)
    with watched(), pytest.raises(RaceError):
        derivative(*case.args)


@pytest.mark.parametrize("number", range(5))
def test_random_programs(number: int, tmp_path: Path) -> None:
    """More of them: python -m tests.cuda_random."""
    text = cuda_random.Writer(f"7:{number}").program()
    cuda_random.check(cuda_random.load(text, tmp_path, f"cuda_random_{number}"), True)


def test_device_arrays_stay_there() -> None:
    """Device arrays give device arrays, whoever they belong to, without copies."""

    class Foreign:
        def __init__(self, array: Any) -> None:
            self.array = array

        @property
        def __cuda_array_interface__(self) -> Any:
            return self.array.__cuda_array_interface__

    def f(x: Any, a: float) -> float:
        total = 0.0
        for i in range(x.size):
            total += a * x[i] ** 3
        return total

    d = grad(f, (0, 1), target="cuda")
    there = cuda.to_device(X)
    found, a_adj = d(there, 0.5)
    assert hasattr(found, "copy_to_host")
    np.testing.assert_allclose(found.copy_to_host(), 1.5 * X**2, rtol=1e-14)
    assert a_adj == pytest.approx(float(np.sum(X**3)), rel=1e-12)
    if not SIMULATED:
        again, _ = d(Foreign(there), 0.5)
        np.testing.assert_allclose(again.copy_to_host(), 1.5 * X**2, rtol=1e-14)


def broadcast(x: Any, y: Any) -> float:
    return np.sum(np.sin(x * y))


def test_exceptions_of_the_host() -> None:
    derivative = grad(periodic, target="cuda")
    with pytest.raises(ZeroDivisionError):
        derivative(X[:0], np.arange(3))
    assert derivative(X[:0], np.arange(0)).shape == (0,)


def test_axes_of_one() -> None:
    args = (A, A[:1])
    value, grads = value_and_grad(broadcast, (0, 1), target="cuda")(*args)
    expected, others = plain_value_and_grad(broadcast, (0, 1))(*args)
    assert value == pytest.approx(expected, rel=1e-13)
    for ours, theirs in zip(grads, others, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_deterministic() -> None:
    def scatter(w: Any, k: Any) -> float:
        total = 0.0
        for i in range(k.size):
            total += math.sin(w[k[i]] * i)
        return total

    args = (X, np.arange(40) % 5)
    assert "w_adj: atomic" in grad(scatter, target="cuda").explain(*args)
    with pytest.raises(UnsupportedError, match="add to the same elements of w_adj") as found:
        grad(scatter, target="cuda", deterministic=True)(*args)
    assert "test_cuda.py" in str(found.value)
    both = [grad(counted, target="cuda", deterministic=True)(Y, 0.4) for _ in range(2)]
    np.testing.assert_array_equal(*both)


def recurrence(x: Any) -> float:
    y = 0.0
    for i in range(x.size):
        y = math.tanh(y + x[i])
    return y


def unbounded(x: Any) -> float:
    total = 0.0
    for i in range(x.size):
        u = x[i]
        while u > 0.5:
            u = u * u
        total += u
    return total


def product(a: Any, b: Any) -> float:
    return np.sum(np.tanh(a @ b))


def solved(a: Any, b: Any) -> float:
    return np.sum(np.linalg.solve(a, b))


def complexes(z: Any) -> float:
    total = 0.0
    for i in range(z.size):
        total += abs(z[i])
    return total


def shared_buffer(x: Any) -> float:
    q = np.empty(2)
    total = 0.0
    for i in range(x.size):
        q[0] = x[i] ** 2
        q[1] = math.sin(x[i])
        total += q[0] * q[1]
    return total


def neighbours(x: Any) -> float:
    for i in range(1, x.size):
        x[i] += math.sin(x[i - 1])
    return x[x.size - 1]


def raising(x: Any) -> float:
    total = 0.0
    for i in range(x.size):
        if x[i] < -100.0:
            raise ValueError("too small")
        total += x[i] ** 2
    return total


REFUSED = [
    (recurrence, (X,), "each iteration needs"),
    (unbounded, (Y,), "range\\(most\\)"),
    (solved, (A[:5], A[0]), "no kernel yet"),
    (complexes, (X + 1j * Y,), "complex128"),
    (shared_buffer, (X,), "share elements of q"),
    (neighbours, (X,), "share elements of x"),
    (raising, (X,), "an exception"),
]


@pytest.mark.parametrize(("f", "args", "text"), REFUSED, ids=lambda p: getattr(p, "__name__", ""))
def test_refusals(f: Any, args: Any, text: str) -> None:
    """At the user's line, before anything is run."""
    with pytest.raises(UnsupportedError, match=text) as found:
        grad(f, target="cuda")(*args)
    assert found.value.loc is not None
    assert found.value.loc.line > f.__code__.co_firstlineno - 1


def test_import_is_late() -> None:
    text = "import adcompile, sys; sys.exit('numba.cuda' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", text], check=False).returncode == 0


def test_no_device() -> None:
    """A clear message where there is neither a GPU nor the simulator."""
    text = """
import numpy as np
from adcompile import grad
from tests.cuda_races import RaceError, watched
from tests.cuda_programs import arrays
try:
    grad(arrays, target="cuda")(np.ones(3), np.ones(3), 0.5)
except Exception as error:
    print(type(error).__name__, error)
"""
    if not SIMULATED:
        pytest.skip("there is one")
    env = {**os.environ, "NUMBA_ENABLE_CUDASIM": "0"}
    done = subprocess.run(
        [sys.executable, "-c", text], env=env, capture_output=True, text=True, check=True
    )
    assert "NoDeviceError target='cuda' needs an NVIDIA GPU" in done.stdout, done.stdout


def test_explain_and_source() -> None:
    d = grad(rows, (0, 1), target="cuda")
    assert "@kernel" in d.source(A, U[0, :5])
    assert "w_adj: atomic" in d.explain()
