"""The three functions and what hangs off them, through the whole compiler."""

from __future__ import annotations

import inspect
import math
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numba import njit, types

import adcompile
from adcompile import (
    AdcompileError,
    AliasError,
    InactiveArgumentError,
    NonScalarOutputError,
    UnsupportedError,
    grad,
    value_and_grad,
    vjp,
)
from tests.oracle import gradient

pytestmark = pytest.mark.compiled
HERE = Path(__file__).name
ROOT = Path(__file__).resolve().parent.parent
RNG = np.random.default_rng(20240611)
X = RNG.uniform(0.3, 1.7, 7) * np.array([1.0, -1, 1, 1, -1, 1, -1])
W = RNG.uniform(0.2, 1.1, 7)


def wave(x, k, w):
    """A loop with a state, a branch, and an array written in place."""
    state = np.zeros(x.size)
    total = 0.0
    for i in range(1, x.size):
        state[i] = math.tanh(k * state[i - 1] + x[i] * w[i - 1])
        if state[i] > 0.1:
            total += state[i] ** 2 * math.exp(x[i - 1])
        else:
            total -= k * w[i]
    return total


K = 0.73
wave_grad = grad(wave, argnums=(0, 1, 2))


def close(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-9)


# ---------------------------------------------------------------- structure of results


def test_argnums_and_structure() -> None:
    dx, dk, dw = gradient(wave, (X, K, W), (0, 1, 2))
    found = wave_grad(X, K, W)
    assert type(found) is tuple and len(found) == 3
    assert type(found[1]) is float and found[0].shape == X.shape
    for a, b in zip(found, (dx, dk, dw)):
        close(a, b)
    value, again = wave_grad.value_and_grad(X, K, W)
    assert value == pytest.approx(wave(X, K, W), rel=1e-14)
    assert type(again) is tuple
    close(again[2], dw)
    one = grad(wave, argnums=1)(X, K, W)
    assert type(one) is float
    close(one, dk)
    (single,) = grad(wave, argnums=("k",))(X, K, W)
    close(single, dk)
    back = grad(wave, argnums=(2, 0))(X, k=K, w=W)
    close(back[0], dw)
    close(back[1], dx)
    close(grad(wave, argnums=-1)(X, K, W), dw)


def test_value_and_grad_is_grads_attribute() -> None:
    value, dk = value_and_grad(wave, argnums="k")(X, K, W)
    assert type(value) is float and type(dk) is float
    close(dk, gradient(wave, (X, K, W), (1,))[0])


def test_has_aux() -> None:
    def with_aux(x, n):
        total = 0.0
        doubled = np.empty(x.size)
        for i in range(x.size):
            doubled[i] = 2.0 * x[i]
            total += math.sin(x[i]) * n
        return total, (doubled, n + 1)

    found, (doubled, n) = grad(with_aux, has_aux=True)(X, 3)
    close(found, 3 * np.cos(X))
    close(doubled, 2 * X)
    assert n == 4
    (value, aux), again = value_and_grad(with_aux, has_aux=True)(X, 3)
    assert value == pytest.approx(3 * np.sin(X).sum()) and aux[1] == 4
    close(again, 3 * np.cos(X))


def test_tuple_argument() -> None:
    def pair(p, y):
        a, b = p
        s = 0.0
        for i in range(y.size):
            s += a[i] * math.sin(b * y[i])
        return s

    found = grad(pair)((X, K), W)
    assert type(found) is tuple and len(found) == 2
    close(found[0], np.sin(K * W))
    close(found[1], np.sum(X * W * np.cos(K * W)))


def test_tuple_of_scalars() -> None:
    def product(p, n):
        a, (b, c) = p
        return a * math.sin(b * c) * n

    (a, (b, c)) = grad(product)((0.7, (1.2, 0.4)), 3)
    close(a, 3 * math.sin(0.48))
    close(b, 2.1 * 0.4 * math.cos(0.48))
    close(c, 2.1 * 1.2 * math.cos(0.48))


def test_vjp() -> None:
    def scaled(x, k, n):
        out = np.empty(x.size)
        s = 0.0
        for i in range(x.size):
            out[i] = math.sin(k * x[i]) * n
            s += out[i] * x[i]
        return out, s

    (out, s), pullback = vjp(scaled, X, K, 2)
    close(out, 2 * np.sin(K * X))
    for seed in (RNG.normal(size=X.size), RNG.normal(size=X.size)):
        weight = float(RNG.normal())

        def total(x, k, seed=seed, weight=weight):
            made, value = scaled(x, k, 2)
            return float(seed @ made + weight * value)

        expected = gradient(total, (X, K), (0, 1))
        found = pullback((seed, weight))
        assert len(found) == 3 and found[2] is None
        close(found[0], expected[0])
        close(found[1], expected[1])
    assert s == pytest.approx(float(out @ X))


def test_vjp_of_a_procedure() -> None:
    def step(x, dt):
        for i in range(1, x.size):
            x[i] += dt * x[i - 1]

    x = X.copy()
    out, pullback = vjp(step, x, 0.3)
    np.testing.assert_array_equal(x, X)
    expected = X.copy()
    step(expected, 0.3)
    final = out if isinstance(out, np.ndarray) else out[-1]
    close(final, expected)
    seed = RNG.normal(size=X.size)

    def weighted(x, dt):
        x = x.copy()
        step(x, dt)
        return float(seed @ x)

    dx, ddt = pullback(seed if isinstance(out, np.ndarray) else (seed,))
    slopes = gradient(weighted, (X, 0.3), (0, 1))
    close(dx, slopes[0])
    close(ddt, slopes[1])


# ---------------------------------------------------------------- errors


def whole(x):
    y = np.fft.fft(x)
    return y[0]


def counts(n, x):
    return n * x


def overlap(x, y):
    x[0] = y[0] * 2.0
    return x[0] * y[1]


def unknown(x):
    return np.i0(x)


def complicated(x):
    try:
        return x * 2.0
    except ValueError:
        return x


def generator(x):
    return sum({v for v in x})


def element(x):
    return 2.0 * x[()]


def two(x):
    return x, x


def always(x):
    raise ValueError("never mind")


def line_of(func: Any, part: str) -> int:
    lines, first = inspect.getsourcelines(func)
    return first + next(k for k, line in enumerate(lines) if part in line)


@pytest.mark.parametrize(
    "func, args, part, kind",
    [
        (whole, (X,), "np.fft.fft", UnsupportedError),
        (unknown, (0.5,), "np.i0", AdcompileError),
        (complicated, (0.5,), "except ValueError", UnsupportedError),
        (generator, (X,), "{v for v in x}", UnsupportedError),
        (counts, (3, 0.5), "def", InactiveArgumentError),
        (overlap, (X.astype(np.float16), X), "def", InactiveArgumentError),
        (overlap, (X, X), "def", AliasError),
        (element, (np.array(0.5),), "x[()]", UnsupportedError),
        (two, (0.5,), "def", NonScalarOutputError),
        (always, (0.5,), "raise", UnsupportedError),
    ],
)
def test_errors_name_the_place(func: Any, args: Any, part: str, kind: type) -> None:
    with pytest.raises(kind) as caught:
        grad(func)(*args)
    assert isinstance(caught.value, AdcompileError)
    where = re.search(rf"{HERE}:(\d+)", str(caught.value))
    assert where, str(caught.value)
    assert int(where.group(1)) == line_of(func, part)


def test_type_errors() -> None:
    with pytest.raises(TypeError, match="not a real floating scalar"):
        grad(vjp_only)(X)
    with pytest.raises(TypeError, match="no derivative"):
        grad(counts)(3, 0.5)
    close(grad(counts, argnums=1)(3, 0.5), 3.0)
    with pytest.raises(TypeError):
        grad(counts, argnums=1)(3)
    with pytest.raises(TypeError, match="unknown option"):
        grad(counts, fast=True)


def vjp_only(x):
    y = x.copy()
    y[0] = 2.0 * x[0]
    return y


def test_users_exceptions_pass() -> None:
    def picky(x):
        if x < 0.0:
            raise ValueError("negative", 3)
        assert x < 5.0, "too large"
        return math.sqrt(x)

    g = grad(picky)
    close(g(4.0), 0.25)
    with pytest.raises(ValueError, match="negative"):
        g(-1.0)
    with pytest.raises(AssertionError, match="too large"):
        g(7.0)


# ---------------------------------------------------------------- what hangs off it


def test_inspection() -> None:
    fresh = grad(wave)
    with pytest.raises(AttributeError, match="not been called"):
        _ = fresh.forward_source
    text = fresh.source("float64[::1]", types.float64, W)
    compile(text, "module", "exec")
    fresh(X, K, W)
    assert fresh.source() == text
    assert "def wave_forward(" in fresh.forward_source
    assert "def wave_adjoint(" in fresh.adjoint_source
    assert fresh.primal(X, K, W) == pytest.approx(wave(X, K, W), rel=1e-14)
    line = line_of(wave, "state[i] = math.tanh")
    assert f"# {line}: state[i] = math.tanh(k * state[i - 1] + x[i] * w[i - 1])" in (
        fresh.adjoint_source
    )


def test_explain() -> None:
    def f(x, k):
        y = 1.0
        n = 0
        for i in range(x.size):
            e = math.exp(k * y)
            y = math.sin(y + x[i]) * e
            n += 1
        return y * n

    text = grad(f).explain("float64[::1]", "float64")
    source = inspect.getsource(f).splitlines()
    shown = [line.split("#|")[0].rstrip() for line in text.splitlines()]
    assert [line for line in shown if line] == [line for line in source if line]
    remarks = "\n".join(line.split("#|")[1] for line in text.splitlines() if "#|" in line)
    for word in ("stored", "recomputed", "inactive", "not needed in reverse"):
        assert word in remarks, text


def test_options_of_a_dispatcher_are_kept() -> None:
    quick = njit(fastmath=True, error_model="python", boundscheck=True)(counts)
    for given, fast in (({}, "fastmath=True"), ({"fastmath": False}, "fastmath=False")):
        text = grad(quick, argnums=1, **given).source("int64", "float64")
        for flag in ("error_model='python'", "boundscheck=True", fast):
            assert sum(flag in line for line in text.splitlines() if line.startswith("@")) == 4

    text = grad(counts, argnums=1, nogil=True, parallel=True).source("int64", "float64")
    decorators = "".join(line for line in text.splitlines() if line.startswith("@"))
    assert decorators.count("nogil=True") == 4

    @njit(error_model="python")
    def ratio(a, b):
        return a / b

    with pytest.raises(ZeroDivisionError):
        grad(ratio)(1.0, 0.0)
    assert grad(ratio.py_func)(1.0, 0.0) == math.inf
    with pytest.raises(ZeroDivisionError):
        ratio(1.0, 0.0)


def test_callers_arrays_are_unchanged() -> None:
    def spoil(x, k, w):
        for i in range(1, x.size):
            x[i] = x[i - 1] * math.cos(x[i]) * w[i]
            w[i - 1] = 0.0
        w[:] = 7.0
        return x[-1] * k + w[0]

    x, w = X.copy(), W.copy()
    found = grad(spoil, argnums=(0, 2))(x, K, w)
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(w, W)
    for a, b in zip(found, gradient(spoil, (X, K, W), (0, 2))):
        close(a, b)
    fixed = X.copy()
    fixed.flags.writeable = False
    close(wave_grad(fixed, K, W)[0], wave_grad(X, K, W)[0])


def test_float32() -> None:
    x, w = X.astype(np.float32), W.astype(np.float32)
    dx, dk, dw = wave_grad(x, np.float32(K), w)
    assert dx.dtype == dw.dtype == np.float32
    for a, b in zip((dx, dk, dw), wave_grad(X, K, W)):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-5)


def test_inside_njit() -> None:
    @grad
    def loss(theta, y):
        s = 0.0
        for i in range(y.size):
            s += (theta[0] + theta[1] * i - y[i]) ** 2
        return s / y.size

    @njit
    def descend(theta, y, steps):
        best = 0.0
        for _ in range(steps):
            best, slope = loss.value_and_grad(theta, y)
            theta = theta - 0.05 * slope
        return theta, best, loss(theta, y)

    y = 1.5 + 0.4 * np.arange(6.0) + 0.1 * RNG.normal(size=6)
    theta, best, slope = descend(np.array([0.2, -0.1]), y, 4000)
    b, a = np.polyfit(np.arange(6.0), y, 1)
    np.testing.assert_allclose(theta, (a, b), rtol=1e-6)
    np.testing.assert_allclose(slope, 0.0, atol=1e-6)
    assert best == pytest.approx(loss.primal(theta, y))


# ---------------------------------------------------------------- what is generated


def sources(g: Any) -> list[str]:
    """What runs: the fused function, or the pair."""
    fused = [g.fused_source] if g.fused_source else []
    return fused or [g.forward_source, g.adjoint_source]


def test_relu_in_an_independent_loop_stores_nothing() -> None:
    """clad, issue 1808."""

    @grad
    def relu(x, w):
        s = 0.0
        for i in range(x.size):
            z = x[i] * w[i]
            if z < 0.0:
                z = 0.0
            s += z * z
        return s

    found = relu(X, W)
    close(found, np.where(X * W > 0, 2 * X * W * W, 0.0))
    for text in (*sources(relu), relu.forward_source, relu.adjoint_source):
        assert "tape" not in text and "empty" not in text and "zeros" not in text
    assert relu.source().count(" = empty(") == 2  # the result, once per entry


def test_independent_sum_allocates_only_its_results() -> None:
    @grad
    def loss(x, y):
        s = 0.0
        for i in range(x.size):
            s += math.sin(x[i]) * math.exp(y[i])
        return s

    both = grad(loss.__wrapped__, argnums=(0, 1))
    dx, dy = both(X, W)
    close(dx, np.cos(X) * np.exp(W))
    close(dy, np.sin(X) * np.exp(W))
    for text in (*sources(both), both.forward_source, both.adjoint_source):
        assert "tape" not in text and "empty" not in text and "zeros" not in text
    # Two results, once per entry; y may be longer than the loop.
    assert both.source().count(" = empty(") == both.source().count(" = zeros(") == 2
    # One pass over the elements, then one over the sum's terms.
    assert both.fused_source is not None and both.fused_source.count("vm.sin(") == 1
    assert both.fused_source.count("for i") == 1 and both.fused_source.count("for ") == 3


PROGRAM = """
import math, sys
import numpy as np
from adcompile import grad, vjp

G = np.array([0.3, 0.7])

def f(x, w, k):
    a, b = x.copy(), w.copy()
    s = 0.0
    for t in range(3):
        a, b = b, a
        for i in range(1, x.size):
            if a[i] > b[i - 1]:
                a[i] = math.sin(a[i] * k) + G[t % 2]
            elif s > 4.0:
                break
            else:
                b[i] = b[i] * a[i - 1]
        j = 0
        while j < t and s < 9.0:
            s += a[j] * b[j + 1]
            j += 1
    return s

types = ("float64[::1]", "float64[::1]", "float64")
for argnums in ((0, 1, 2), 2):
    print(grad(f, argnums=argnums).source(*types))
    print(grad(f, argnums=argnums, fastmath={"nnan", "contract", "reassoc"}).source(*types))
    print(grad(f, argnums=argnums).explain(*types))
"""


def run(path: Path, folder: Path, **environment: str) -> str:
    settings = {**os.environ, "ADCOMPILE_CACHE_DIR": str(folder), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "error", str(path)]
    made = subprocess.run(
        command, env={**settings, **environment}, capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr
    return made.stdout


def test_same_bytes_whatever_the_hash_seed(tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    one = run(path, tmp_path / "a", PYTHONHASHSEED="1")
    other = run(path, tmp_path / "b", PYTHONHASHSEED="77")
    assert len(one) > 5000
    assert one == other


MAIN = """
from adcompile import grad
from inner import gain
import numpy as np

def f(x):
    s = 0.0
    for i in range(x.size):
        s += gain(x[i]) * i
    return s

print(*grad(f)(np.array([1.0, 2.0, 3.0])))
"""

INNER = """
from numba import njit

SCALE = {scale}

@njit(cache=True)
def gain(v):
    return SCALE * {body}
"""


def test_edited_callee_is_noticed(tmp_path: Path) -> None:
    main, inner = tmp_path / "main.py", tmp_path / "inner.py"
    main.write_text(MAIN)
    cache = tmp_path / "cache"

    def answer(scale: float, body: str) -> list[float]:
        inner.write_text(textwrap.dedent(INNER).format(scale=scale, body=body))
        printed = run(main, cache, PYTHONDONTWRITEBYTECODE="1")
        return [float(word) for word in printed.split()]

    assert answer(2.0, "v * v") == [0.0, 8.0, 24.0]
    modules = set(cache.rglob("*.py"))
    assert answer(2.0, "v * v") == [0.0, 8.0, 24.0]
    assert set(cache.rglob("*.py")) == modules
    assert answer(2.0, "v * 5") == [0.0, 10.0, 20.0]
    assert answer(3.0, "v * 5") == [0.0, 15.0, 30.0]


def test_version_is_public() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", adcompile.__version__)


def test_a_variable_that_is_returned_twice() -> None:
    def f(x):
        h = np.sin(x)
        same = h
        return h, same, h[1:]

    out, pullback = vjp(f, X)
    close(pullback((X, 10.0 * X, X[1:]))[0], np.cos(X) * (11.0 * X + np.append(0.0, X[1:])))
    assert len(out) == 3


FACTOR = 2.0


def squared_sum(u):
    return summed(u * u)


def summed(u):
    return np.sum(u) * FACTOR


@pytest.mark.compiled
def test_the_primal_of_a_function_that_calls_plain_ones():
    x = np.array([1.0, 2.0])
    derivative = adcompile.grad(squared_sum)
    assert derivative.primal(x) == 10.0
    np.testing.assert_array_equal(derivative(x), 4.0 * x)
