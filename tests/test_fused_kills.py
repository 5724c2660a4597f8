"""A loop that overwrites elements is not run in reverse before what reads them later."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.test_arrays import compare

EDGES, Y = np.array([0.0, 0.3, 0.6, 1.0]), np.array([0.1, 0.5, 0.9, 0.2])
LABELS = np.array([1.5, -0.3, 0.7, 0.2])


def bins(edges, y, labels):
    for j in range(y.size):
        for i in range(3):
            if y[j] > edges[i] and y[j] <= edges[i + 1]:
                labels[j] = i + 1
                break
    return np.sum(labels * labels * y)


def some_replaced(edges, y, labels):
    for j in range(y.size):
        if y[j] > edges[1]:
            labels[j] = 0.5
    total = 0.0
    for j in range(y.size):
        total += labels[j] ** 2 * y[j]
    return total


def through_views(edges, y, labels):
    head = labels[1:]
    for j in range(head.size):
        if y[j] > edges[1]:
            head[j] = 0.3
    total = 0.0
    for j in range(y.size):
        total += labels[j] ** 2 * y[j]
        labels[j] = edges[j] * y[j]
    return total + np.sum(labels[:2] * head[1:] ** 2)


def whole_rows(edges, y, labels):
    rows = np.outer(labels, edges)
    for j in range(y.size):
        if y[j] > 0.15:
            rows[j, 1:] = 2
            rows[j, 0] = y[j] * 0.5
    last = 0.0
    for j in range(y.size):
        last = np.sum(rows[j] ** 2) * labels[j] + 0.1 * last
    return last + np.sum(rows * rows)


def never_run(edges, y, labels):
    n, kept = 0, y[0]
    for j in range(n):
        labels[j] = 1
        kept = labels[j]
    for j in range(y.size):
        labels[j] *= kept
        if edges[j] > 0.5:
            labels[j] = j
    return np.sum(labels**3) + kept * j


@pytest.mark.parametrize("optimise", (True, False))
@pytest.mark.parametrize("f", (bins, some_replaced, through_views, whole_rows, never_run))
def test_overwritten(f: Any, optimise: bool) -> None:
    compare(f, (EDGES, Y, LABELS), optimise)
