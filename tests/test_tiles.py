"""Products of matrices in tiles of registers, against BLAS."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from adcompile import value_and_grad
from adcompile.blas import SYMBOL, THREADS
from adcompile.runtime import products, tiles

# Rows, their length, columns: tiles and depths that end early, one row too few, columns that fill
# no tile, elements of A a page apart.
SHAPES = (
    (64, 784, 128),
    (67, 1030, 64),
    (13, 2500, 256),
    (11, 784, 128),
    (70, 300, 100),
    (0, 9, 64),
)
TURNED = ((1024, 70, 64), (1000, 70, 64))


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = THREADS.value
    THREADS.value = 1
    yield
    THREADS.value = before


def suited(a: Any, b: Any) -> bool:
    return bool(tiles.suits(np.empty((a.shape[0], b.shape[1]), a.dtype), a, b))


def test_which_matrices() -> None:
    x, w = np.ones((64, 784)), np.ones((784, 128))
    if not suited(x, w):
        pytest.skip("a machine without AVX2, or without compiled code")
    found = [suited(np.ones((m, k)), np.ones((k, n))) for m, k, n in SHAPES]
    assert found == [True, True, True, False, False, False]
    turned = [suited(np.ones((k, m)).T, np.ones((k, n))) for m, k, n in TURNED]
    assert turned == [False, True]
    assert not suited(x, np.asfortranarray(w)) and not suited(x, w[1:])
    THREADS.value = 2
    assert not suited(x, w)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_products(dtype: Any) -> None:
    rng = np.random.default_rng(0)
    for m, k, n in SHAPES + TURNED:
        a, b, c = (rng.normal(size=s).astype(dtype) for s in ((m, k), (k, n), (m, n)))
        made = [np.full(s, np.nan, dtype) for s in ((k, n), (m, n), (n, k))]
        products.dot_22_right_first(made[0], c, a)
        products.dot_nt_left_first(made[1], a, b)
        products.dot_nt_right_first(made[2], c, a)
        exact = [x.astype(np.float64) for x in (a, b, c)]
        for found, (left, right) in zip(
            (products.dot_22(a, b), *made),
            ((exact[0], exact[1]), (exact[0].T, exact[2]), exact[:2], (exact[2].T, exact[0])),
            strict=True,
        ):
            size = np.abs(left) @ np.abs(right)
            bound = 8.0 * np.sqrt(left.shape[1]) * np.finfo(dtype).eps * size
            assert np.all(np.abs(found - left @ right) <= bound), (m, k, n)


def test_extents_differ() -> None:
    with pytest.raises(ValueError):
        products.dot_22(np.ones((64, 784)), np.ones((783, 128)))


def test_gradient_of_a_layer() -> None:
    def cost(w: Any, x: Any, y: Any) -> Any:
        return np.sum((np.tanh(x @ w) - y) ** 2)

    rng = np.random.default_rng(1)
    w, x, y = (rng.normal(scale=0.1, size=s) for s in ((300, 64), (64, 300), (64, 64)))
    derivative = value_and_grad(cost)
    value, slope = derivative(w, x, y)
    THREADS.value = 2
    by_blas, slope_by_blas = derivative(w, x, y)
    h = np.tanh(x @ w)
    assert value == pytest.approx(by_blas, rel=1e-14) and value == pytest.approx(cost(w, x, y))
    np.testing.assert_allclose(slope, x.T @ (2.0 * (h - y) * (1.0 - h * h)), atol=1e-12)
    np.testing.assert_allclose(slope, slope_by_blas, atol=1e-12)


def test_code_from_disk_finds_the_number_of_threads() -> None:
    """It is loaded by a process that has imported nothing else."""
    program = (
        "import adcompile; from llvmlite import binding;"
        f"print(bool(binding.address_of_symbol({SYMBOL!r})))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "True\n", done.stderr
