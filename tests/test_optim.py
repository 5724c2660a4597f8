"""Optimisers against their formulas, from Python and from njit code; schedules; clipping; trees."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import pytest
from numba import njit

from adcompile import optim
from tests.optimiser_table import ROWS, Row, slope, start, ten_steps


class Weights(NamedTuple):
    w: Any
    b: Any


@pytest.mark.compiled
@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_ten_steps(row: Row) -> None:
    expected = []
    for w in start():
        memory: dict[str, Any] = {}
        for t in range(10):
            w = row.by_hand(w, slope(w, t), memory, t + 1)
        expected.append(w)
    w, b = start()
    for a, e in zip(ten_steps(row, {"w": w, "rest": [b]}), expected, strict=True):
        np.testing.assert_allclose(a, e, rtol=1e-12)
    assert np.any(np.abs(w - start()[0]) > 0.1)  # it moves, and in place


@njit
def in_njit_code(params: Any) -> Any:
    """State, clipping, a schedule and an update; the others have the same form."""
    state = optim.adam_state(params)
    total = 0.0
    for t in range(3):
        grads, size = optim.clip_by_norm(optim.copy(params), 0.5)
        total += size
        state, params = optim.adamw(state, params, grads, optim.halving(0.1, t, 2))
    return params, state, total


@pytest.mark.compiled
def test_in_njit_code() -> None:
    w, b = start()
    nested = (Weights(w, b), (b * 2.0,))
    params, state, total = in_njit_code(optim.copy(nested))
    again, same, other = in_njit_code.py_func(optim.copy(nested))
    assert isinstance(params[0], Weights) and isinstance(state.mean[0], Weights)
    assert state.step == same.step == 3 and total == pytest.approx(other, rel=1e-14)
    found = optim.leaves((params, state.mean, state.square))
    for a, e in zip(found, optim.leaves((again, same.mean, same.square)), strict=True):
        np.testing.assert_allclose(a, e, rtol=1e-13)


@pytest.mark.compiled
def test_the_course_s_weight_decay_is_pytorch_s_doubled() -> None:
    (w, _), rate, alpha = start(), 0.1, 0.03
    expected = (1 - 2 * rate * alpha) * w - rate * slope(w, 0)
    _, (found,) = optim.sgd(optim.sgd_state((w,)), (w.copy(),), (slope(w, 0),), rate, 2 * alpha)
    np.testing.assert_allclose(found, expected, rtol=1e-14)
    cost_term = slope(w, 0) + alpha * 2 * w  # of C + alpha l2(w)
    np.testing.assert_allclose(found, w - rate * cost_term, rtol=1e-14)


@pytest.mark.compiled
def test_sparse_adam_is_adam_on_the_rows_used() -> None:
    table = np.random.default_rng(0).normal(size=(6, 2))
    given = table.copy()
    state = optim.adam_state(table)
    memory: dict[int, Any] = {}
    expected = table.copy()
    for t, rows in enumerate([np.array([0, 4]), np.array([1, 4, 5]), np.array([4])]):
        grads = slope(table[rows], t)
        for row, g in zip(rows, grads):
            m, r = memory.get(row, (0.0, 0.0))
            m, r = memory[row] = 0.9 * m + 0.1 * g, 0.999 * r + 0.001 * g**2
            rate = 0.1 * np.sqrt(1 - 0.999 ** (t + 1)) / (1 - 0.9 ** (t + 1))
            expected[row] -= rate * m / (np.sqrt(r) + 1e-8)
        state, table = optim.sparse_adam(state, table, rows, grads, 0.1)
    np.testing.assert_allclose(table, expected, rtol=1e-12)
    np.testing.assert_array_equal(table[2:4], given[2:4])
    with pytest.raises(IndexError, match="row"):
        optim.sparse_adam(state, table, np.array([6]), table[:1], 0.1)
    with pytest.raises(ValueError, match="shape"):
        optim.sparse_adam(state, table, np.array([1]), table[:2], 0.1)


def test_schedules() -> None:
    def values(schedule: Any) -> list[float]:
        return [schedule(t) for t in range(7)]

    assert values(lambda t: optim.constant(0.3, t)) == [0.3] * 7
    assert values(lambda t: optim.halving(0.8, t, 3)) == [0.8, 0.8, 0.8, 0.4, 0.4, 0.4, 0.2]
    assert values(lambda t: optim.exponential(0.8, t, 0.5)) == pytest.approx(
        [0.8 * math.exp(-0.5 * t) for t in range(7)]
    )
    assert values(lambda t: optim.cyclic(1.0, 2.0, t, 2)) == [1.0, 1.5, 2.0, 1.5, 1.0, 1.5, 2.0]
    assert values(lambda t: optim.cosine(1.0, t, 6, 0.2)) == pytest.approx(
        [0.2 + 0.4 * (1 + math.cos(math.pi * t / 6)) for t in range(7)]
    )
    one = [optim.one_cycle(1.0, t, 10) for t in range(10)]
    assert one[0] == pytest.approx(0.04) and one[2] == 1.0 and one[-1] == pytest.approx(4e-6)
    assert np.all(np.diff(one[:3]) > 0) and np.all(np.diff(one[2:]) < 0)


@pytest.mark.compiled
def test_clipping() -> None:
    grads = {"w": np.array([[3.0, 0.0]]), "b": np.array([-4.0])}
    assert optim.norm(grads) == 5.0
    found, size = optim.clip_by_norm(grads, 1.0)
    assert size == 5.0 and optim.norm(found) == pytest.approx(1.0, rel=1e-6)
    np.testing.assert_allclose(found["b"], [-0.8], rtol=1e-6)
    _, size = optim.clip_by_norm(found, 2.0)
    assert optim.norm(found) == size  # short enough: as it was
    optim.clip_by_value(found, 0.7)
    np.testing.assert_allclose(found["w"], [[0.6, 0.0]], rtol=1e-6)
    np.testing.assert_array_equal(found["b"], [-0.7])


@pytest.mark.compiled
def test_trees_that_do_not_fit() -> None:
    w, b = start()
    state = optim.sgd_state((w, b))
    for params, grads in [
        ((w, b), (w,)),
        ((w, b), (w, b[:-1])),
        ({"w": w}, {"v": w}),
        ((w,), (w.T.copy(),)),
        ((np.asfortranarray(w),), (w,)),
        ((w[:, ::2],), (w[:, ::2].copy(),)),
    ]:
        with pytest.raises(ValueError, match=r"differ|C-contiguous"):
            optim.sgd(state, params, grads, 0.1)
    with pytest.raises(TypeError, match="parameters are arrays"):
        optim.sgd(state, (1.0,), (1.0,), 0.1)
    with pytest.raises(ValueError, match="leaves"):
        optim.rebuilt((w, b), [w])


def test_float32_stays() -> None:
    w = np.ones((2, 2), np.float32)
    state = optim.adam_state((w,))
    state, _ = optim.adam(state, (w,), (w.copy(),), 0.1)
    assert w.dtype == state.mean[0].dtype == np.float32
    np.testing.assert_allclose(w, 0.9, rtol=1e-6)
