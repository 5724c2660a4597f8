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


@pytest.mark.parametrize("optimise", (True, False))
@pytest.mark.parametrize("f", (bins, some_replaced))
def test_overwritten(f: Any, optimise: bool) -> None:
    compare(f, (EDGES, Y, LABELS), optimise)
