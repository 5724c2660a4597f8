"""Data, the training loop, files of parameters, the course's baselines, and whole trainings."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numba import njit

from adcompile import nn, optim, value_and_grad
from adcompile.data import batches, epoch_order, moments, normalise, split
from adcompile.training import (
    check_gradient,
    fit,
    load,
    numerical_descent,
    numerical_gradient,
    plot,
    random_search,
    save,
)


class Pair(NamedTuple):
    w: Any
    b: Any


def test_batches_are_a_permutation() -> None:
    x, labels = np.arange(23.0)[:, None] * [1.0, 2.0], np.arange(23)
    found = list(batches(np.random.default_rng(0), 5, x, labels))
    assert [len(b) for _, b in found] == [5, 5, 5, 5, 3]
    order = np.concatenate([b for _, b in found])
    assert sorted(order) == list(range(23)) and list(order) != sorted(order)
    for a, b in found:
        np.testing.assert_array_equal(a[:, 1], 2 * b)  # samples stay together
    plain = np.concatenate(
        [b for _, b in batches(np.random.default_rng(0), 5, x, labels, shuffle=False)]
    )
    assert list(plain) == list(range(23))
    with pytest.raises(ValueError, match="samples"):
        list(batches(np.random.default_rng(0), 5, x, labels[:-1]))
    with pytest.raises(ValueError, match="batch"):
        list(batches(np.random.default_rng(0), 0, x))


def test_every_order_is_as_likely() -> None:
    rng = np.random.default_rng(0)
    counts: dict[tuple[int, ...], int] = {}
    for _ in range(6000):
        order = tuple(int(k) for k in epoch_order(3, rng))
        counts[order] = counts.get(order, 0) + 1
    assert len(counts) == 6 and all(850 < count < 1150 for count in counts.values())


def test_split_and_normalise() -> None:
    rng = np.random.default_rng(1)
    x, labels = rng.normal(3.0, 2.0, (40, 3)), np.arange(40)
    x[:, 2] = 7.0  # never changes
    train, test, a, b = split(rng, 0.25, x, labels)
    assert len(train) == len(a) == 30 and len(test) == len(b) == 10
    assert sorted([*a, *b]) == list(range(40))
    np.testing.assert_array_equal(x[a], train)
    z = normalise(train, moments(train))
    np.testing.assert_allclose(z.mean(axis=0), 0.0, atol=1e-13)
    np.testing.assert_allclose(z.std(axis=0), [1.0, 1.0, 0.0], atol=1e-13)
    images = rng.normal([[[[1.0]], [[5.0]]]], [[[[2.0]], [[3.0]]]], (7, 2, 4, 5))
    scale = moments(images)
    assert scale.mean.shape == (1, 2, 1, 1)
    np.testing.assert_allclose(normalise(images, scale).std(axis=(0, 2, 3)), 1.0, rtol=1e-13)
    with pytest.raises(ValueError, match="shape"):
        moments(labels)
    with pytest.raises(ValueError, match="share"):
        split(rng, 1.5, x)


def test_saved_and_loaded(tmp_path: Path) -> None:
    params = (Pair(np.eye(2), np.ones(3)), [np.zeros(1, np.float32)], {"last": np.arange(2.0)})
    save(tmp_path / "w.npz", params)
    again = load(tmp_path / "w.npz", like=params)
    assert isinstance(again[0], Pair) and isinstance(again[1], list)
    for a, b in zip(optim.leaves(params), optim.leaves(again), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
    assert sorted(load(tmp_path / "w.npz")) == ["0.b", "0.w", "1.0", "2.last"]
    assert [p.name for p in tmp_path.iterdir()] == ["w.npz"]
    with pytest.raises(ValueError, match=r"0\.b is float64"):
        load(tmp_path / "w.npz", like=(Pair(np.eye(2), np.ones(4)), *params[1:]))
    with pytest.raises(ValueError, match="has"):
        load(tmp_path / "w.npz", like=params[:2])


def test_fit_reports(tmp_path: Path) -> None:
    stream = io.StringIO()
    history = fit(lambda t: {"loss": 1.0 / (t + 1), "accuracy": 0.5}, 4, 100, stream)
    assert history.measured["loss"] == [1.0, 0.5, 1 / 3, 0.25] and history.last("accuracy") == 0.5
    lines = stream.getvalue().splitlines()
    assert len(lines) == 4 == len(history.seconds)
    assert "4/4  loss 0.2500  accuracy 50.0 %" in lines[-1] and "samples/s" in lines[-1]
    with pytest.raises(ValueError, match="measured"):
        fit(lambda t: {str(t): 0.0}, 2, 1, stream)
    pytest.importorskip("matplotlib")
    plot(history, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 1000


# ---------------------------------------------------------------- a small network, trained


@njit
def scores(params: Any, x: Any) -> Any:
    w1, b1, w2, b2 = params
    return nn.affine(nn.tanh(nn.affine(x, w1, b1)), w2, b2)


@value_and_grad
def cost(params: Any, x: Any, labels: Any) -> Any:
    return nn.cross_entropy(scores(params, x), labels)


@njit
def epoch(
    state: Any, params: Any, x: Any, labels: Any, rng: Any, rate: float, shuffle: bool
) -> Any:
    order = epoch_order(x.shape[0], rng, shuffle)
    total = 0.0
    for start in range(0, order.size, 10):
        batch = order[start : start + 10]
        value, grads = cost(params, x[batch], labels[batch])
        total += value * batch.size
        state, params = optim.sgd(state, params, grads, rate)
    return state, params, total / order.size


def first(hidden: int = 8) -> Any:
    rng = np.random.default_rng(5)
    return (
        nn.xavier_normal(rng, 2, hidden),
        nn.zeros(hidden),
        nn.xavier_uniform(rng, hidden, 3),
        nn.zeros(3),
    )


def rings(count: int) -> tuple[Any, Any]:
    """Three classes, one around the other, sorted by class."""
    rng = np.random.default_rng(7)
    labels = np.repeat(np.arange(3), count)
    angle = rng.uniform(0.0, 2.0 * np.pi, labels.size)
    radius = 0.4 + 0.8 * labels + rng.normal(scale=0.1, size=labels.size)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1), labels


def share_right(params: Any, x: Any, labels: Any) -> float:
    return float(np.mean(np.argmax(scores(params, x), axis=1) == labels))


@pytest.mark.compiled
def test_shuffled_data_learns_and_sorted_data_does_not() -> None:
    x, labels = rings(100)
    reached = {}
    for shuffle in (True, False):
        params, rng = first(16), np.random.default_rng(0)
        state = optim.sgd_state(params)
        for _ in range(20):
            state, params, _ = epoch(state, params, x, labels, rng, 0.5, shuffle)
        reached[shuffle] = share_right(params, x, labels)
    assert reached[True] > 0.95
    assert reached[False] < 0.6  # what comes last wipes out the rest


@pytest.mark.compiled
def test_an_epoch_in_njit_code_is_the_one_in_python() -> None:
    x, labels = rings(20)
    ours, theirs = first(), first()
    _, ours, loss = epoch(
        optim.sgd_state(ours), ours, x, labels, np.random.default_rng(0), 0.5, True
    )
    _, theirs, same = epoch.py_func(
        optim.sgd_state(theirs), theirs, x, labels, np.random.default_rng(0), 0.5, True
    )
    assert loss == pytest.approx(same, rel=1e-12)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10)


@pytest.mark.compiled
def test_baselines() -> None:
    x, labels = rings(4)
    params = first(3)
    assert check_gradient(cost, params, x, labels) < 1e-8
    _, grads = cost(params, x, labels)

    def plain(params: Any, x: Any, labels: Any) -> float:
        return float(nn.cross_entropy(scores(params, x), labels))

    for g, n in zip(grads, numerical_gradient(plain, params, x, labels)):
        np.testing.assert_allclose(g, n, atol=1e-8)

    start = plain(params, x, labels)
    tried, by_chance = random_search(
        plain, params, x, labels, rng=np.random.default_rng(0), steps=20
    )
    assert plain(tried, x, labels) == by_chance < start
    moved, downhill = numerical_descent(plain, params, x, labels, steps=20, rate=0.5)
    assert downhill < by_chance and plain(moved, x, labels) == downhill

    def wrong(params: Any, x: Any, labels: Any) -> Any:
        value, grads = cost(params, x, labels)
        return value, (*grads[:3], grads[3] * 1.01)

    def holes(params: Any, x: Any, labels: Any) -> Any:
        value, grads = cost(params, x, labels)
        return value, (grads[0] * np.nan, *grads[1:])

    for broken in (wrong, holes):
        broken.value_and_grad, broken.py_func = broken, plain  # type: ignore[attr-defined]
        assert not check_gradient(broken, params, x, labels) < 1e-4


def test_initialisers_have_their_variances() -> None:
    rng = np.random.default_rng(0)
    n, m = 300, 200
    for found, variance in [
        (nn.small_random(rng, n, m), 1e-4),
        (nn.xavier_normal(rng, n, m), 2 / (n + m)),
        (nn.xavier_uniform(rng, n, m), 2 / (n + m)),
        (nn.he_normal(rng, n, m), 2 / n),
        (nn.he_uniform(rng, n, m), 2 / n),
    ]:
        assert found.shape == (n, m)
        assert np.mean(found**2) == pytest.approx(variance, rel=0.03)
        assert abs(np.mean(found)) < 4 * np.sqrt(variance / found.size)
    assert np.array_equal(nn.zeros(3), [0.0, 0.0, 0.0])
