"""Draws of random numbers: each happens once, in its place, and is a constant of the derivative but
for its location and scale."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numba import njit

from adcompile import (
    UnsupportedError,
    grad,
    jacfwd,
    jacobian,
    jvp,
    stop_gradient,
    value_and_grad,
    vjp,
)
from adcompile.testing import plain_jvp, plain_value_and_grad
from tests import oracle
from tests.test_arrays import compare

X = np.array([0.3, -0.7, 1.1, 0.4])


def price(spot: float, sigma: float, rate: float, n: int) -> float:
    np.random.seed(3)
    total = 0.0
    for _ in range(n):
        move = np.random.normal(rate - 0.5 * sigma**2, sigma)
        total += max(spot * math.exp(move) - 1.0, 0.0) * math.exp(-rate)
    return total / n


def price_of_arrays(spot: float, sigma: float, rate: float, n: int) -> float:
    np.random.seed(3)
    moves = np.random.normal(rate - 0.5 * sigma**2, sigma, size=n)
    return np.mean(np.maximum(spot * np.exp(moves) - 1.0, 0.0)) * math.exp(-rate)


def paths(spot: float, sigma: float, n: int, steps: int) -> float:
    """An array of draws in each iteration, carried on."""
    np.random.seed(11)
    s = np.full(n, spot)
    highest = spot
    for _ in range(steps):
        z = np.random.standard_normal(n)
        s = s * np.exp(sigma * 0.1 * z - 0.005 * sigma**2)
        highest = max(highest, np.mean(s))
    return np.sum(np.log(s) ** 2) + highest


def walk(x: Any, k: float) -> float:
    np.random.seed(5)
    at = 0.0
    total = 0.0
    for i in range(30):
        if np.random.random() < 0.4:
            at += k * np.random.uniform(-k, 2.0)
        elif np.random.rand() < 0.5 and at > -3.0:
            at -= math.sin(x[i % x.size]) * np.random.exponential(k)
        else:
            np.random.standard_normal()
            continue
        total += at * at * x[np.random.randint(0, x.size)]
        if total > 40.0:
            break
    return total


def metropolis(mu: float, scale: float, n: int) -> float:
    """A chain whose proposals move with ``mu``; accepting is a decision, without derivative."""
    np.random.seed(8)
    at = mu * 0.5
    total = 0.0
    accepted = 0
    for _ in range(n):
        proposal = at + np.random.normal(0.0, scale)
        ratio = math.exp(0.5 * (at - mu) ** 2 - 0.5 * (proposal - mu) ** 2)
        if np.random.random() < ratio:
            at = proposal
            accepted += 1
        total += at * at * mu
    return total / n + accepted * scale


def dropout(w: Any, x: Any) -> float:
    np.random.seed(2)
    hidden = np.tanh(w @ x)
    mask = np.random.random(hidden.size) < 0.7
    kept = np.where(mask, hidden / 0.7, 0.0)
    return np.sum(kept**2) + np.sum(kept[np.random.permutation(kept.size)] * hidden)


def autoencoder(x: Any, w: Any, log_sigma: Any) -> float:
    np.random.seed(13)
    mean = w @ x
    z = mean + np.exp(log_sigma) * np.random.randn(mean.size)
    back = w.T @ np.tanh(z)
    divergence = 0.5 * np.sum(mean**2 + np.exp(2 * log_sigma) - 2 * log_sigma - 1.0)
    return np.sum((back - x) ** 2) + divergence


def active_noise(x: Any, k: float) -> float:
    """Drawn arrays that the loop then writes to."""
    np.random.seed(3)
    s = 0.0
    for _ in range(3):
        z = np.random.standard_normal(x.size)
        z[1] = x[1] * k
        z *= x
        s = s * k + np.sum(z**2)
    return s


def handed_on(x: Any, k: float) -> float:
    np.random.seed(3)
    z = np.zeros(x.size)
    s = 0.0
    for t in range(3):
        z = z * k + np.random.normal(k, 0.3, x.size)
        w = np.random.random((2, x.size))
        s += np.sum(z * x * w[t % 2])
        if t == 1:
            z = np.random.uniform(-k, k, x.size)
    return s


def in_conditions(x: Any, k: float) -> float:
    """Draws where evaluation is lazy."""
    np.random.seed(7)
    s = 0.3
    n = 0
    while np.random.random() < 0.9 and n < 30:
        s = s * k + x[np.random.randint(4)] * np.random.lognormal(0.1, k)
        n += 1
    t = (np.random.random() if s > 0 else np.random.normal(k, s)) * s
    return t + (s > 1.0 and np.random.random() < 0.5) * k


def by_shape(x: Any, k: float) -> float:
    """Sizes from shapes, tuples and other arrays, in loops too."""
    np.random.seed(3)
    shape = (2, x.size)
    total = np.sum(np.random.normal(k, 0.3, x.shape) * x)
    total += np.sum(np.random.standard_normal(shape) * x * k)
    for _ in range(2):
        noise = np.random.uniform(0.0, k, size=(x.shape[0],))
        noise[0] = x[1] * k
        total += np.sum(noise * x) * np.sum(np.random.exponential(k, (1, 3)))
    return total


def unused(x: Any) -> float:
    np.random.seed(1)
    np.random.random()
    np.random.normal(x[0], 1.0, 3)
    for _ in range(4):
        ignored = np.random.random() * x[1]  # noqa: F841
    return np.sum(x * np.random.normal(0.0, 1.0, x.size)) * np.random.random()


def shuffled(x: Any) -> float:
    np.random.seed(21)
    y = x * x
    np.random.shuffle(y)
    z = np.random.permutation(x)
    picked = np.random.choice(x)
    some = np.random.choice(y, 6)
    few = np.random.choice(x, 2, False)
    return np.sum(y * x) + np.sum(z * np.arange(4)) * picked + np.sum(some**2) + few[0] * few[1]


def many(a: float, b: float) -> float:
    """Every location and scale."""
    np.random.seed(17)
    total = np.random.laplace(a, b) + np.random.logistic(b, a) * a + np.random.gumbel(a, b) * b
    total += np.random.gamma(2.5, a) * np.random.rayleigh(b)
    total += np.random.gamma(0.7, b) * np.random.lognormal(a, b) + np.random.uniform(a, 3)
    total += np.sum(np.random.laplace(a, b, 3)) * np.sum(np.random.lognormal(a, b, 2))
    total += np.sum(np.random.gamma(1.5, b, (2, 2))) + np.sum(np.random.exponential(a, 3) ** 2)
    return total + np.random.poisson(3.0) * a + np.random.weibull(2.0) * b


CASES: list[tuple[Callable[..., float], tuple[Any, ...], tuple[int, ...]]] = [
    (price, (1.1, 0.3, 0.05, 40), (0, 1, 2)),
    (price_of_arrays, (1.1, 0.3, 0.05, 40), (0, 1, 2)),
    (paths, (1.1, 0.4, 5, 4), (0, 1)),
    (walk, (X, 0.8), (0, 1)),
    (metropolis, (0.7, 0.6, 25), (0, 1)),
    (dropout, (np.outer(X, X[:3]) + 0.1, X[1:]), (0, 1)),
    (autoencoder, (X[1:], np.outer(X, X[:3]) * 0.3, 0.2 * X), (0, 1, 2)),
    (active_noise, (X, 0.8), (0, 1)),
    (handed_on, (X, 0.8), (0, 1)),
    (in_conditions, (X, 0.8), (0, 1)),
    (by_shape, (X, 0.8), (0, 1)),
    (unused, (X,), (0,)),
    (shuffled, (X,), (0,)),
    (many, (0.6, 0.4), (0, 1)),
]
EXACT = (
    price,
    walk,
    metropolis,
    in_conditions,
    shuffled,
    many,
    unused,
)  # no sums by BLAS or in pairs
each = pytest.mark.parametrize("case", CASES, ids=lambda c: c[0].__name__)


@each
@pytest.mark.parametrize("optimise", [True, False])
def test_derivatives(case: Any, optimise: bool) -> None:
    """As plain Python, where NumPy's own generator draws."""
    f, args, argnums = case
    given = list(args)
    value, grads = plain_value_and_grad(f, argnums, optimise)(*oracle.copies(args))
    assert value == pytest.approx(f(*oracle.copies(args)), rel=0 if f in EXACT else 1e-14)
    oracle.second_opinion(f, given, argnums, value, grads)
    rng = np.random.default_rng(1)
    judged = 0
    for d in [oracle.random_direction(given, argnums, rng) for _ in range(4)]:
        estimate = oracle.directional(f, given, d)
        if estimate.reliable:
            judged += 1
            assert estimate.agrees(oracle.dot(grads, argnums, d)), estimate
    assert judged, "the differences are no judge here"
    d = oracle.random_direction(given, argnums, rng)
    forward = plain_jvp(f, argnums, optimise)
    out, tangent = forward(tuple(oracle.copies(args)), tuple(d[k] for k in argnums))
    size = sum(float(np.sum(np.abs(g * d[k]))) for k, g in zip(argnums, grads))
    assert out == pytest.approx(value, rel=1e-14)
    assert abs(tangent - oracle.dot(grads, argnums, d)) <= 1e-12 * max(1.0, size)


COMPILED = (price, price_of_arrays, paths, walk, autoencoder, in_conditions, shuffled, many)


@pytest.mark.compiled
@pytest.mark.parametrize(
    "case", [c for c in CASES if c[0] in COMPILED], ids=lambda c: c[0].__name__
)
def test_compiled(case: Any) -> None:
    """The value is that of the plain Numba function, and both modes agree."""
    f, args, argnums = case
    derivative = value_and_grad(f, argnums=argnums)
    value, grads = derivative(*oracle.copies(args))
    jitted = njit(f)
    assert value == pytest.approx(jitted(*oracle.copies(args)), rel=0 if f in EXACT else 1e-14)
    after = draw_of_numba()
    derivative(*oracle.copies(args))
    assert draw_of_numba() == after, "as many draws as the function makes"
    close = 0 if f in EXACT else 1e-14  # sums may be grouped otherwise in another function
    assert vjp(f, *oracle.copies(args))[0] == pytest.approx(value, rel=close)
    d = oracle.random_direction(args, argnums, np.random.default_rng(4))
    tangents = tuple(d.get(k) for k in range(len(args)))
    out, tangent = jvp(f, args, tangents)
    assert out == pytest.approx(value, rel=close)
    size = sum(float(np.sum(np.abs(g * d[k]))) for k, g in zip(argnums, grads))
    assert abs(tangent - oracle.dot(grads, argnums, d)) <= 1e-12 * max(1.0, size)
    estimate = oracle.directional(jitted, args, d)
    if estimate.reliable:
        assert estimate.agrees(oracle.dot(grads, argnums, d)), estimate


@njit
def draw_of_numba() -> float:
    return np.random.random()


@njit
def seed_numba(k: int) -> None:
    np.random.seed(k)


def one_of_each(x: float) -> float:
    return x * np.random.random() + x * x * np.random.standard_normal()


@pytest.mark.compiled
@pytest.mark.parametrize("make", [grad, value_and_grad, lambda f: lambda x: vjp(f, x)[1](1.0)])
def test_state_moves_by_one_run(make: Any) -> None:
    seed_numba(4)
    njit(one_of_each)(0.3)
    want = draw_of_numba()
    derivative = make(one_of_each)
    derivative(0.3)
    seed_numba(4)
    derivative(0.3)
    assert draw_of_numba() == want


def broadcasts(m: Any, x: Any) -> float:
    noise = np.random.random(x.size)
    return np.sum(m * (x + noise))


@pytest.mark.compiled
def test_draws_once_where_axes_broadcast() -> None:
    """No second attempt after draws."""
    m, x = np.array([[0.3], [0.7]]), np.array([0.4, -0.2, 0.9])
    derivative = value_and_grad(broadcasts, argnums=(0, 1))
    seed_numba(6)
    value, (by_m, _) = derivative(m, x)
    after = draw_of_numba()
    seed_numba(6)
    noise = np.array([draw_of_numba() for _ in range(3)])
    assert draw_of_numba() == after
    assert value == pytest.approx(np.sum(m * (x + noise)), rel=1e-14)
    np.testing.assert_allclose(by_m, np.full((2, 1), np.sum(x + noise)), rtol=1e-14)
    seed_numba(6)
    vjp(broadcasts, m, x)
    assert draw_of_numba() == after
    seed_numba(6)
    jvp(broadcasts, (m, x), (m, x))
    assert draw_of_numba() == after


# ---------------------------------------------------------------- generators


def with_generator(x: Any, k: float, rng: Any) -> float:
    total = 0.0
    for i in range(x.size):
        total += x[i] * rng.normal(k, x[i] ** 2) + k * rng.uniform(-1, k)
        if rng.random() < 0.5:
            total *= 1.0 + 0.1 * rng.exponential(k)
    noise = rng.standard_normal((2, x.size)) * x
    return total + np.sum(noise**2) * x[rng.integers(0, x.size)] + one_more(k, rng)


@njit
def one_more(k: float, source: Any) -> float:
    return source.gamma(1.5, k)


@pytest.mark.compiled
def test_generator_argument() -> None:
    derivative = value_and_grad(with_generator, argnums=(0, 1))
    rng = np.random.default_rng(9)
    value, grads = derivative(X, 0.7, rng)
    other = np.random.default_rng(9)
    assert value == njit(with_generator)(X, 0.7, other)
    assert rng.random() == other.random(), "advanced by one forward run"

    def seeded(x: Any, k: float) -> float:
        return with_generator(x, k, np.random.default_rng(9))

    d = oracle.random_direction((X, 0.7), (0, 1), np.random.default_rng(0))
    estimate = oracle.directional(seeded, (X, 0.7), d)
    assert estimate.reliable and estimate.agrees(oracle.dot(grads, (0, 1), d))
    rng = np.random.default_rng(9)
    _, tangent = jvp(with_generator, (X, 0.7, rng), (d[0], d[1], None))
    assert tangent == pytest.approx(oracle.dot(grads, (0, 1), d), rel=1e-12)


# ---------------------------------------------------------------- what is refused


def shape_of_gamma(a: float) -> float:
    return np.random.gamma(a, 1.0)


def rate_of_poisson(a: float) -> float:
    return a * np.random.poisson(a * a)


def chance_of_geometric(a: float, rng: Any) -> float:
    return a * rng.geometric(a)


@pytest.mark.parametrize(
    "f, name, kinds",
    [
        (shape_of_gamma, "shape", ("float64",)),
        (rate_of_poisson, "lam", ("float64",)),
    ],
)
def test_parameters_without_derivative(f: Any, name: str, kinds: tuple[str, ...]) -> None:
    with pytest.raises(UnsupportedError, match=f"parameter '{name}' depends") as caught:
        grad(f).source(*kinds)
    assert "return" in str(caught.value) and "stop_gradient" in str(caught.value)
    with pytest.raises(UnsupportedError, match=f"parameter '{name}' depends"):
        jvp(f, (0.5,), (1.0,))


def declared_constant(a: float) -> float:
    np.random.seed(3)
    return a * np.random.gamma(stop_gradient(a), a)


def test_a_parameter_declared_constant() -> None:
    _, slope = plain_value_and_grad(declared_constant)(0.8)
    np.random.seed(3)
    assert slope == pytest.approx(2 * 0.8 * np.random.gamma(0.8, 1.0), rel=1e-14)


def odd_arguments(x: float) -> float:
    return x * np.random.random(dtype=np.float32)  # type: ignore[call-arg]


def unseeded(x: float) -> float:
    np.random.seed(None)
    return x


def multinomial(x: float) -> float:
    return x * np.random.multinomial(3, [0.5, 0.5])[0]


@pytest.mark.parametrize(
    "f, message",
    [
        (odd_arguments, "dtype= of np.random.random"),
        (unseeded, "seed"),
        (multinomial, "calls of np.random.multinomial"),
    ],
)
def test_refused_calls(f: Any, message: str) -> None:
    with pytest.raises(UnsupportedError, match=message):
        grad(f).source("float64")


def vector(x: Any) -> Any:
    return x * np.random.random(x.size)


@pytest.mark.compiled
def test_jacobians_draw_once() -> None:
    with pytest.raises(UnsupportedError, match="jacrev"):
        jacfwd(vector)(X)
    found = jacobian(vector)(X)
    assert np.count_nonzero(found) == 4 and found.shape == (4, 4)


def test_location_and_scale_of_whole_arrays() -> None:
    compare(dropout, (np.outer(X, X[:3]) + 0.1, X[1:]))
