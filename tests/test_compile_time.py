"""What is done so that compiling takes less: the results stay."""

from __future__ import annotations

import gc

import numpy as np
import pytest
from numba import njit

from adcompile import grad, value_and_grad
from adcompile.backends import cpu, values
from adcompile.fingerprint import fingerprint
from adcompile.runtime import arrays, memory
from adcompile.testing import check_grads


def powers(x, k):
    total = 0.0
    for i in range(x.size):
        y = x[i] * 1.1 - 0.3
        total += y**2 - k * y**3 + 0.25 * y**4 - y**5 + k**2
    return total


def linear(v):
    return v * 1.1 - 0.3


def test_small_powers_are_numbas():
    x, k = np.random.default_rng(4).normal(size=50), 0.7
    found = value_and_grad(powers, (0, 1), vector_math=False)
    value, _ = found(x, k)
    assert value == njit(error_model="numpy")(powers)(x, k)
    text = found.forward_source
    assert "** 5" in text
    assert not any(f"** {n}" in text for n in (2, 3, 4))
    check_grads(powers, (x, k))


def integers(x, n):
    """Powers of integers and of single precision are left alone: theirs are others."""
    return np.float32(x) ** 2 * n**3


def test_other_powers_stay():
    found = value_and_grad(integers)
    assert found(1.3, 5)[0] == njit(error_model="numpy")(integers)(1.3, 5)
    assert "** 3" in found.forward_source


@pytest.mark.parametrize("stop", [5, 1, 0, -3])
def test_trip_counts(stop):
    assert arrays.trips(stop) == len(range(stop))
    compiled = njit(lambda n: arrays.trips(n))
    assert compiled(stop) == compiled(np.int32(stop)) == len(range(stop))
    assert njit(lambda: arrays.trips(4))() == 4


def test_helpers_are_compiled_once_for_all_integers():
    before = set(arrays.from_front.overloads)
    assert njit(lambda n: arrays.from_front(2, n))(9) == 2
    assert njit(lambda n: arrays.from_front(3, n))(9) == 3
    assert njit(lambda n: arrays.from_front(-4, n))(9) == 5
    assert len(set(arrays.from_front.overloads) - before) <= 1


def test_large_arrays():
    """Those whose pages are asked for."""
    made = njit(lambda n: memory.zeros((n, 2), np.float64))(1 << 20)
    made[-1] = 3.0
    assert made.sum() == 6.0


def test_collector_is_as_it_was(monkeypatch):
    states = []
    real = cpu.compile_entry

    def noted(*args):
        states.append(gc.isenabled())
        return real(*args)

    monkeypatch.setattr(cpu, "compile_entry", noted)
    assert grad(lambda x: x * x, cache=False)(1.5) == 3.0
    gc.disable()
    try:
        assert grad(lambda x: x * x * x, cache=False)(1.0) == 3.0
        assert not gc.isenabled()
    finally:
        gc.enable()
    assert states == [False, False]


def divides(x, n):
    return x * (7 // n)


def test_error_models_have_keys_of_their_own():
    """Which integer divisions are guarded is decided by the Dispatcher alone."""
    found = [njit(divides), njit(error_model="numpy")(divides), divides]
    types = (values.type_of(1.5), values.type_of(2))
    keys = set()
    for f in found:
        base = grad(f).derivation
        keys.add(fingerprint(f, types, base.argnums, False, base.options))
    assert len(keys) == 3
    with pytest.raises(ZeroDivisionError):
        grad(found[0])(1.5, 0)
    grad(found[1])(1.5, 0)
    with pytest.raises(ZeroDivisionError):
        grad(found[2])(1.5, 0)


def test_modules_are_of_a_runtime(monkeypatch):
    first = grad(linear)
    first(1.0)
    monkeypatch.setattr("adcompile.emit.pieces.runtime_files", lambda: "another")
    second = grad(linear, cache=False)
    second(1.0)
    assert "runtime another" in second.source()
    assert first.derivation.latest.path.stem != second.derivation.latest.path.stem
