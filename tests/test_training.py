"""Data, the training loop, files of parameters, initialisers."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from adcompile import nn, optim
from adcompile.data import batches, epoch_order, moments, normalise, split
from adcompile.training import fit, load, plot, save


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
