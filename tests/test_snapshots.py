"""Copies of arrays before nests that only read them, instead of tapes of what the nests read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from adcompile import value_and_grad
from tests.test_arrays import compare

RNG = np.random.default_rng(17)
U, X, M = RNG.normal(size=(6, 5)), RNG.normal(size=(5, 3)), RNG.uniform(0.5, 1.5, 5)


def diffusion(u, x, m):
    u, new = u.copy(), u.copy()
    for _ in range(3):
        for i in range(1, u.shape[0] - 1):
            for j in range(1, u.shape[1] - 1):
                a, b = u[i - 1, j] - u[i, j], u[i, j + 1] - u[i, j]
                new[i, j] = u[i, j] + 0.2 * (a / (1.0 + a * a) + np.sin(b) * a)
        for i in range(1, u.shape[0] - 1):
            for j in range(1, u.shape[1] - 1):
                u[i, j] = new[i, j]
    return np.sum(u**2)


def all_pairs(u, x, m):
    x = x.copy()
    for _ in range(2):
        pull = np.zeros_like(x)
        for i in range(x.shape[0]):
            for j in range(x.shape[0]):
                if i != j:
                    dx, dy = x[j, 0] - x[i, 0], x[j, 2] - x[i, 2]
                    w = m[j] / np.sqrt(dx * dx + dy * dy + 0.1)
                    pull[i, 0] += w * dx
                    pull[i, 2] += w * dy * x[i, 1]
        for i in range(x.shape[0]):
            for k in range(3):
                x[i, k] += 0.1 * pull[i, k]
    return np.sum(x**2 * np.arange(1.0, 4.0))


def each_pair_once(u, x, m):
    x, energy = x.copy(), 0.0
    for _ in range(2):
        for i in range(x.shape[0]):
            for j in range(i + 1, x.shape[0]):
                d = x[i, 0] - x[j, 0] + x[i, 1] * x[j, 1]
                energy += np.exp(-d * d) * np.cos(d)
        for i in range(x.shape[0]):
            x[i, 0] = np.sin(x[i, 0]) + 0.1 * x[i, 1]
    return energy + np.sum(x)


def pairs_before(u, x, m):
    x, energy = x.copy(), 0.0
    for _ in range(2):
        for i in range(1, x.shape[0]):
            for j in range(i):
                d = x[i, 0] * x[j, 0] + x[i, 1] - x[j, 1]
                energy += np.exp(-d * d) * np.cos(d)
        for i in range(x.shape[0]):
            x[i, 0] *= 0.5
    return energy + np.sum(x)


def around(u, x, m):
    """x[-1] is the last element."""
    m = m.copy()
    for _ in range(3):
        new = np.empty_like(m)
        for i in range(m.size):
            d, e = m[i - 1] - m[i], m[i] * m[i - 2]
            new[i] = m[i] + d / (1.0 + d * d) + np.sin(e) * d
        for i in range(m.size):
            m[i] = new[i]
    return np.sum(m**3)


def around_by_remainders(u, x, m):
    n = m.shape[0]
    m, new = m.copy(), m.copy()
    for _ in range(3):
        for i in range(n):
            d, e = m[(i + 1) % n] - m[i], m[i] * m[(i - 1) % n]
            new[i] = m[i] + d / (1.0 + d * d) + np.sin(e) * d
        for i in range(n):
            m[i] = new[i]
    return np.sum(m**3)


def exchanged(u, x, m):
    new = m.copy()
    m = m.copy()
    for _ in range(3):
        for i in range(1, m.size - 1):
            d, e = m[i - 1] - m[i], m[i] * m[i + 1]
            new[i] = m[i] + d / (1.0 + d * d) + np.sin(e) * d
        m, new = new, m
    return np.sum(m**3) + np.sum(new)


def until_it_is_small(u, x, m):
    m, steps = m.copy(), 0
    while np.sum(m**2) > 0.5 and steps < 4:
        total = 0.0
        for i in range(m.size):
            for j in range(m.size):
                d = m[i] - 2.0 * m[j]
                total += np.sin(d) * d
        for i in range(m.size):
            m[i] = 0.5 * m[i] + 0.01 * total * m[i]
        steps += 1
    return np.sum(m**3)


def left_early(u, x, m):
    m = m.copy()
    for step in range(5):
        total = 0.0
        for i in range(m.size):
            for j in range(m.size):
                d = m[i] - 2.0 * m[j]
                total += np.sin(d) * d
        if step == 2:
            break
        for i in range(m.size):
            m[i] = 0.5 * m[i] + 0.01 * total * m[i]
    return np.sum(m**3) + total


def under_a_condition(u, x, m):
    m = m.copy()
    total = 0.0
    for step in range(4):
        if step % 2 == 1 and m[0] > -10.0:
            for i in range(m.size - 1):
                for j in range(i, m.size - 1):
                    d = m[i] - 2.0 * m[j + 1]
                    total += np.sin(d) * d * m[i]
        for i in range(m.size):
            m[i] = 0.5 * np.cos(m[i]) + 0.01 * total
    return np.sum(m**3) + total


def in_straight_line(u, x, m):
    m, total = m.copy(), 0.0
    for i in range(m.size):
        for j in range(m.size):
            d = m[i] - 2.0 * m[j]
            total += np.sin(d) * d
    for i in range(m.size):
        m[i] = m[i] * total
    return np.sum(m**2)


def a_row_at_a_time(u, x, m):
    u, total = u.copy(), 0.0
    for k in range(u.shape[0] - 1):
        row = u[k]
        for i in range(row.size):
            for j in range(row.size):
                d = row[i] - 2.0 * row[j]
                total += np.sin(d) * d
        for i in range(row.size):
            row[i] = total * u[k + 1, i]
    return np.sum(u**2) + total


def backwards(u, x, m):
    m, total = m.copy(), 0.0
    for _ in range(2):
        for i in range(m.size - 1, 0, -1):
            for j in range(m.size - 2, -1, -1):
                d = m[i] - 2.0 * m[j]
                total += np.sin(d) * d
        for i in range(m.size):
            m[i] = 0.1 * m[i] * total
    return np.sum(m**2)


def by_twos(u, x, m):
    """Subscripts that span no box of their own."""
    m, total = m.copy(), 0.0
    for _ in range(2):
        for i in range(0, m.size, 2):
            for j in range(m.size // 2):
                d = m[i] - 2.0 * m[2 * j]
                total += np.sin(d) * d
        for i in range(m.size):
            m[i] = 0.1 * m[i] * total
    return np.sum(m**2)


def through_a_table(u, x, m):
    m, order = m.copy(), np.array([3, 0, 2, 2, 1])
    total = 0.0
    for _ in range(2):
        for i in range(m.size):
            for j in range(m.size):
                d = m[order[i]] - 2.0 * m[j]
                total += np.sin(d) * d
        for i in range(m.size):
            m[i] = 0.1 * m[i] * total
    return np.sum(m**2)


def three_deep(u, x, m):
    a = np.zeros((4, 5, 6))
    for i in range(4):
        for j in range(5):
            for k in range(6):
                a[i, j, k] = u[k, j] * m[i]
    for _ in range(2):
        b = a.copy()
        for i in range(1, 3):
            for j in range(1, 4):
                for k in range(1, 5):
                    c = a[i, j, k]
                    d, e = a[i - 1, j, k] - c, a[i, j + 1, k] * c
                    b[i, j, k] = c + d / (1.0 + d * d) + np.sin(e + a[i, j, k - 1]) * d
        for i in range(4):
            for j in range(5):
                for k in range(6):
                    a[i, j, k] = b[i, j, k] * 0.9
    return np.sum(a**2)


def read_twice(u, x, m):
    """Two nests, and the array changes between them."""
    m, total = m.copy(), 0.0
    for _ in range(2):
        for i in range(m.size):
            for j in range(m.size):
                d = m[i] - 2.0 * m[j]
                total += np.sin(d) * d
        m[1] = np.tanh(total) * m[0]
        for i in range(m.size):
            for j in range(m.size):
                d = m[i] + 3.0 * m[j]
                total += np.cos(d) * d
        m[0] = np.cos(total) * m[2]
    return np.sum(m**2) + total


def written_by_the_nest(u, x, m):
    m, total = m.copy(), 0.0
    for _ in range(2):
        for i in range(m.size):
            for j in range(m.size):
                d = m[i] - 2.0 * m[j]
                total += np.sin(d) * d
            m[i] = np.tanh(total)
    return np.sum(m**2) + total


def may_be_empty(u, x, m):
    """The outer loop has no iteration, and the inner one would read beyond the end."""
    m, total = m.copy(), 0.0
    for k in range(3):
        for i in range(k - 1):
            for j in range(m.size + 2 - 2 * k):
                d = m[i] - 2.0 * m[j]
                total += np.sin(d) * d
        for i in range(m.size):
            m[i] = m[i] * 0.4 + total
    return np.sum(m**2)


def beyond_the_start(u, x, m):
    m, total = m.copy(), 0.0
    first = m.size - 7
    for k in range(2):
        for i in range(first, 2):
            for j in range(first, 3):
                d = m[i] - 2.0 * m[j - 1]
                total += np.sin(d) * d
        for i in range(m.size):
            m[i] = m[i] * 0.4 + total
    return np.sum(m**2)


def while_within_for(u, x, m):
    """Copies that are counted, and more of them than there was room for at first."""
    m, total = m.copy(), 0.0
    for k in range(3):
        left = 2 + k
        while left > 0:
            for i in range(m.size):
                for j in range(m.size):
                    d = m[i] - 2.0 * m[j]
                    total += np.sin(d) * d
            for i in range(m.size):
                m[i] = 0.5 * m[i] + 0.01 * np.cos(total) * m[i]
            left -= 1
        if total > 1e9:
            break
    return np.sum(m**3) + np.cos(total)


def work_space(u, x, m):
    total = 0.0
    for k in range(3):
        w = np.empty(5)
        for i in range(5):
            w[i] = np.sin(m[i] * (k + 1) + total)
        for i in range(5):
            total += w[i] * w[i - 1]
    return total


def work_space_of_the_iteration_before(u, x, m):
    v = m.copy()
    for k in range(3):
        w = np.empty(m.shape[0])
        for i in range(5):
            w[i] = np.sin(v[i]) * v[i - 1] + k
        v = w
    return np.sum(v**2)


def work_space_that_is_never_made(u, x, m):
    total, n = m[0] * m[1], m.size - 7
    for k in range(n):
        w = np.empty(n)
        w[k] = m[k]
        total += w[k] ** 2
    return total


PROGRAMS = [
    while_within_for,
    work_space,
    work_space_of_the_iteration_before,
    work_space_that_is_never_made,
    diffusion,
    all_pairs,
    each_pair_once,
    pairs_before,
    around,
    around_by_remainders,
    exchanged,
    until_it_is_small,
    left_early,
    under_a_condition,
    in_straight_line,
    a_row_at_a_time,
    backwards,
    by_twos,
    through_a_table,
    three_deep,
    read_twice,
    written_by_the_nest,
    may_be_empty,
    beyond_the_start,
]


@pytest.mark.parametrize("optimise", [True, False])
@pytest.mark.parametrize("f", PROGRAMS)
def test_gradients(f: Callable[..., Any], optimise: bool) -> None:
    compare(f, (U, X, M), optimise)


@pytest.mark.parametrize("f", [diffusion, all_pairs, pairs_before, around, three_deep])
def test_nothing_but_the_copy_is_kept(f: Callable[..., Any]) -> None:
    text = value_and_grad(f, argnums=(0, 1, 2)).source(U, X, M)
    forward = text.split("_forward_", 1)[1].split("@njit")[0]
    assert "then = empty(" in forward and "_tape" not in forward


@pytest.mark.parametrize("f", [written_by_the_nest, by_twos, through_a_table])
def test_no_copy_where_it_does_not_do(f: Callable[..., Any]) -> None:
    text = value_and_grad(f, argnums=(0, 1, 2)).source(U, X, M)
    assert "_tape" in text


@pytest.mark.parametrize("f", [while_within_for, until_it_is_small, left_early])
def test_copies_are_counted(f: Callable[..., Any]) -> None:
    text = value_and_grad(f, argnums=(0, 1, 2)).source(U, X, M)
    assert "then = grow(" in text and "then[cursor" in text


@pytest.mark.compiled
@pytest.mark.parametrize("f", [diffusion, around, may_be_empty, while_within_for])
def test_compiled(f: Callable[..., Any]) -> None:
    made = value_and_grad(f, argnums=(0, 1, 2))
    plain = value_and_grad(f, argnums=(0, 1, 2), optimise=False)
    for k in range(2):
        args = [a + 0.1 * k for a in (U, X, M)]
        (value, found), (expected, wanted) = made(*args), plain(*args)
        assert value == pytest.approx(expected, rel=1e-13)
        for one, other in zip(found, wanted):
            np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-13)
