"""The object a user holds, against a pipeline written by hand."""

from __future__ import annotations

import dataclasses
import sys
import threading
import time

import numba
import numpy as np
import pytest
from numba import types

import adcompile
from adcompile import grad, value_and_grad, vjp
from adcompile.backends.dispatcher import GradDispatcher, PlainGrad
from adcompile.options import Options, merge
from tests import backend_stub
from tests.backend_stub import CALLS, X, weighted


@pytest.fixture(autouse=True)
def pipeline(monkeypatch, tmp_path):
    backend_stub.install(monkeypatch, tmp_path)


def test_calls_defaults_and_keywords():
    loss = grad(weighted)
    assert loss.__name__ == "weighted"
    assert loss.__doc__ == "Weighted squares."
    assert loss.__wrapped__ is weighted
    assert loss.__adcompile__
    np.testing.assert_array_equal(loss(X), 4 * X)
    np.testing.assert_array_equal(loss(X, 3.0), 6 * X)
    np.testing.assert_array_equal(loss(k=3.0, x=X), 6 * X)
    np.testing.assert_array_equal(loss(X, k=3.0), 6 * X)
    assert len(CALLS) == 2  # with k omitted, and given
    value, gradient = loss.value_and_grad(X)
    assert value == 28.0
    np.testing.assert_array_equal(gradient, 4 * X)
    assert loss.value_and_grad is loss.value_and_grad
    assert loss.primal(X) == 28.0
    assert value_and_grad(weighted)(X, 1.0)[0] == 14.0
    assert "adcompile grad of weighted" in repr(loss)


def test_decorator_forms_and_argnums():
    assert isinstance(grad(argnums="k")(weighted), GradDispatcher)
    assert grad(weighted, -1).derivation.argnums == (1,)
    assert grad(weighted, -1).derivation.argnums.single
    assert grad(weighted, ("k", 0)).derivation.argnums == (1, 0)
    assert isinstance(grad(weighted, (0,))(X), tuple)
    for wrong in (2, -3, "z", (0, 0), (0, "x"), ()):
        with pytest.raises(ValueError, match="argnums"):
            grad(weighted, wrong)
    for wrong in (1.5, True, None):
        with pytest.raises(TypeError, match="argnums"):
            grad(weighted, wrong)


def test_what_grad_refuses():
    with pytest.raises(TypeError, match="did you mean argnums=1"):
        grad(1)
    with pytest.raises(TypeError, match="Python function"):
        grad(np.sum)
    with pytest.raises(adcompile.UnsupportedError, match="derivatives of derivatives"):
        grad(grad(weighted))
    with pytest.raises(adcompile.UnsupportedError, match="derivatives of derivatives"):
        vjp(grad(weighted), X)
    with pytest.raises(adcompile.UnsupportedError, match=r"\*\*xs"):
        grad(lambda **xs: 1.0)
    with pytest.raises(TypeError, match="unknown option 'fast'"):
        grad(fast=True)
    with pytest.raises(TypeError, match="no type for argument 'x'"):
        grad(weighted)(object(), 1.0)
    with pytest.raises(adcompile.UnsupportedError, match="x must be an array"):
        grad(weighted)(1.0)


def test_options():
    assert merge({"boundscheck": None, "nopython": True}, {}) == Options()
    chosen = merge({"fastmath": {"nnan": True, "nsz": False}, "error_model": "python"}, {})
    assert chosen.fastmath == frozenset({"nnan"})
    assert chosen.error_model == "python"
    assert chosen.decorator()["fastmath"] == {"nnan": True}
    assert "'fastmath': {'nnan': True, 'nsz': True}" in repr(Options(fastmath={"nsz", "nnan"}))
    assert merge({"parallel": True}, {"parallel": False}).parallel is False
    for wrong in ({"error_model": "c"}, {"engine": "x"}, {"fastmath": {"quick"}}):
        with pytest.raises(ValueError, match=r"must be one of|unknown fastmath"):
            merge(None, wrong)
    for wrong in ({"cache": 1}, {"fastmath": 3}):
        with pytest.raises(TypeError, match="must be"):
            merge(None, wrong)


def test_optimise_from_environment(monkeypatch):
    monkeypatch.setenv("ADCOMPILE_OPTIMISE", "0")
    assert not Options().optimise


def test_users_dispatcher_is_left_alone():
    mine = numba.njit(error_model="python", fastmath={"contract"})(weighted)
    before = dict(mine.targetoptions)
    loss = grad(mine)
    loss(X)
    vjp(mine, X, 1.0)
    options = CALLS[0][3]
    assert options.error_model == "python"
    assert options.fastmath == frozenset({"contract"})
    assert loss.primal is mine
    assert not mine.overloads
    assert mine.targetoptions == before


def test_inside_njit():
    loss = grad(weighted)

    @numba.njit
    def descend(x, steps):
        value = 0.0
        for _ in range(steps):
            x = x - 0.1 * loss(x, k=1.0)
            value, _ = loss.value_and_grad(x)
        return x, value, loss.primal(x), loss(x)

    x, value, primal, g = descend(X, 3)
    np.testing.assert_allclose(x, X * 0.8**3)
    assert value == primal
    np.testing.assert_allclose(g, 4 * x)

    @numba.njit
    def wrong(x):
        return loss(x)

    with pytest.raises(adcompile.UnsupportedError):
        wrong(1.0)

    @numba.njit
    def apply(f, x):
        return f(x)

    np.testing.assert_array_equal(apply(loss, X), 4 * X)


def test_vjp():
    out, pullback = vjp(weighted, X, 2.0)
    other, second = vjp(weighted, 10 * X, 1.0)
    assert (out, other) == (28.0, 1400.0)
    for _ in range(2):
        gx, gk = pullback(1.0)
        np.testing.assert_array_equal(gx, 4 * X)
        assert gk == 14.0
    np.testing.assert_array_equal(second(2.0)[0], 40 * X)
    assert len(CALLS) == 1
    assert CALLS[0][2] == (0, 1)
    out, pullback = grad(weighted).vjp(X)  # k omitted: one cotangent
    assert len(pullback(1)) == 1
    with pytest.raises(ValueError, match="scalar output"):
        pullback(np.ones(3))
    with pytest.raises(adcompile.InactiveArgumentError):
        vjp(weighted, 1)


def test_no_scalar_no_gradient(monkeypatch):
    made = sys.modules["adcompile.pipeline"]
    whole = made.generate

    def generate(*args):
        found = whole(*args)
        entries = {k: found.entries[k] for k in ("forward", "pullback")}
        return dataclasses.replace(found, entries=entries)

    monkeypatch.setattr(made, "generate", generate)
    with pytest.raises(adcompile.NonScalarOutputError, match=r"backend_stub\.py:"):
        grad(weighted)(X)
    assert vjp(weighted, X, 2.0)[0] == 28.0


def test_inspection():
    loss = grad(weighted)
    with pytest.raises(AttributeError, match=r"weighted.source\(\*types\)"):
        _ = loss.forward_source
    assert loss.source("float64[::1]", types.float64) == loss.source(X, 1.0)
    assert "def grad_" in loss.source("float64[:]")
    assert loss.explain(X) == "WHY"
    assert not loss.overloads
    with pytest.raises(TypeError, match="names no Numba type"):
        loss.source("float65")
    loss.value_and_grad(X)
    assert (loss.forward_source, loss.adjoint_source, loss.fused_source) == (
        "FORWARD",
        "ADJOINT",
        None,
    )
    assert loss.explain() == "WHY"


def test_plain_python(monkeypatch):
    monkeypatch.setattr(numba.config, "DISABLE_JIT", 1)
    loss = grad(weighted)
    assert isinstance(loss, PlainGrad)
    np.testing.assert_array_equal(loss(X), 4 * X)
    assert loss.value_and_grad(X)[0] == 28.0


def test_call_cost():
    @numba.njit
    def plain(x, k=2.0):
        g = np.empty_like(x)
        for i in range(x.shape[0]):
            g[i] = 2.0 * k * x[i]
        return g

    loss, x = grad(weighted), np.ones(10)
    plain(x, 1.0)
    loss(x, 1.0)

    def clock(f):
        start = time.perf_counter()
        for _ in range(20_000):
            f(x, 1.0)
        return (time.perf_counter() - start) / 20_000

    pairs = [(clock(loss), clock(plain)) for _ in range(15)]
    ratio = float(np.median([a / b for a, b in pairs]))
    ours, theirs = (1e9 * np.median([p[i] for p in pairs]) for i in (0, 1))
    print(f"call: {ours:.0f} ns, plain njit {theirs:.0f} ns, median ratio {ratio:.3f}")
    assert ratio < 1.3


def test_threads_compile_together():
    loss = grad(weighted)

    @numba.njit
    def through(x):
        return loss(x)

    results = []
    calls = [lambda: loss(X), lambda: through(X), lambda: loss.value_and_grad(X)[1]] * 3
    threads = [threading.Thread(target=lambda c=c: results.append(c())) for c in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(results) == 9
    for result in results:
        np.testing.assert_array_equal(result, 4 * X)
    assert len(CALLS) == 1
