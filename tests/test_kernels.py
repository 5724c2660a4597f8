"""Kernels in the style of PolyBench, and functions of published packages where installed."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from numba import njit

from adcompile import UnsupportedError, value_and_grad
from adcompile.testing import plain_jvp, plain_value_and_grad
from benchmarks.published.functions import SUBJECTS
from benchmarks.published.kernels import KERNELS
from tests import oracle

SLOW = ("nbody", "channel_flow", "adi")  # to compile; seconds even uncompiled
COMPILED = ("jacobi_1d", "durbin", "softmax")


def differentiated(args: tuple[Any, ...]) -> tuple[int, ...]:
    return tuple(k for k, a in enumerate(args) if not isinstance(a, int))


def judge(f: Any, args: tuple[Any, ...], argnums: tuple[int, ...], derivative: Any) -> list[Any]:
    """Value, arguments, a second call, differences, and forward against reverse mode."""
    given = oracle.copies(args)
    value, grads = derivative(*given)
    for before, after in zip(args, given):
        np.testing.assert_array_equal(before, after, err_msg="an argument was changed")
    again_value, again = derivative(*given)
    assert value == again_value
    for first, second in zip(grads, again):
        np.testing.assert_array_equal(first, second, err_msg="a second call differs")
    plain = getattr(f, "py_func", f)
    np.testing.assert_allclose(value, plain(*oracle.copies(args)), rtol=1e-13)

    rng = np.random.default_rng(2)
    direction = oracle.random_direction(args, argnums, rng)
    estimate = oracle.directional(plain, args, direction)
    slope = oracle.dot(grads, argnums, direction)
    assert estimate.reliable, f"the differences are no judge here: {estimate}"
    assert estimate.agrees(slope), f"{slope} against {estimate}"
    out, tangent = plain_jvp(f, argnums)(oracle.copies(args), [direction[k] for k in argnums])
    forward = tangent[0] if isinstance(out, tuple) else tangent
    np.testing.assert_allclose(slope, forward, rtol=1e-12, atol=1e-12)
    return list(grads)


@pytest.mark.parametrize("name", [name for name in KERNELS if name not in SLOW])
def test_kernel(name: str) -> None:
    f, make = KERNELS[name]
    args = make(np.random.default_rng(3), 5)
    argnums = differentiated(args)
    judge(f, args, argnums, plain_value_and_grad(f, argnums))


@pytest.mark.compiled
@pytest.mark.parametrize("name", COMPILED)
def test_kernel_compiled(name: str) -> None:
    f, make = KERNELS[name]
    args = make(np.random.default_rng(4), 5)
    argnums = differentiated(args)
    judge(f, args, argnums, value_and_grad(f, argnums, vector_math=False, cache=False))


@pytest.mark.parametrize("name", SUBJECTS)
def test_published(name: str) -> None:
    package, make = SUBJECTS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the package's own
        pytest.importorskip(package)
        subject = make(np.random.default_rng(5))
        if name == "umap mahalanobis":
            pytest.skip("in single precision: see benchmarks.published")
        f, args, argnums = subject.target, subject.args, subject.argnums
        grads = judge(f, args, argnums, plain_value_and_grad(f, argnums))
    for k, known in subject.published.items():
        np.testing.assert_allclose(grads[argnums.index(k)], known, rtol=1e-7)


# ---------------------------------------------------------------- found by these kernels


@njit
def computed_operand(x):
    y = x * 1.0
    y[:4] += 0.5 * np.flip(y[:4])
    y[1:] *= np.sin(y[:-1])
    y += -y[::-1]
    y[1:] = y[1:] * (2.0 + y[:-1])
    return np.sum(y * y)


@njit
def sorted_in_place(x):
    z = np.concatenate((x, x * x))
    z.sort()
    z[1:] = z[:-1] * 2.0
    z[2:] = z[:-2]
    return np.sum(z**3 * np.arange(z.size))


@njit
def library_array_in_branch(x):
    z = np.concatenate((x, x * x))
    w = x * 3.0 if x[0] > 9.0 else z
    w[1:] = z[:-1]
    return np.sum(w**3)


@njit
def diagonal_of_written(x):
    a = np.outer(x, x * x)
    a[0, 0] = 2.0 * x[1]
    d = np.diag(a)
    a[1, 1] = 0.0
    return np.sum(d**2) + np.sum(a)


@njit
def rotation(angle, axis):
    angle = np.asarray(angle)
    r = np.zeros(angle.shape + (2, 2))
    r[..., 0, 0] = np.cos(angle)
    r[..., axis, 0] = -np.sin(angle)
    r[..., 0, axis] = np.sin(angle * angle)
    return r


@njit
def number_as_array(x):
    return np.sum((rotation(x[0], 1) @ rotation(x[1] * x[2], 1)) ** 3)


@njit
def full_like_shape(x):
    m = np.outer(x, x)
    out = np.full(m.shape, 0.5, dtype=np.float64)
    out[1:] = m[1:] * m[:-1]
    return np.sum(out**2)


@njit
def transposed_in_branch(x):
    m = np.outer(x, x * x)[:, 1:]
    if x[0] > 0.0:
        m = m.T
    for _ in range(3):
        m = m[::-1].T
    total = 0.0
    for i in range(m.shape[0]):
        for j in range(m.shape[1]):
            total += m[i, j] ** 2 * (i + 2 * j)
    return total


FOUND = (
    transposed_in_branch,
    computed_operand,
    sorted_in_place,
    library_array_in_branch,
    diagonal_of_written,
    number_as_array,
    full_like_shape,
)


@pytest.mark.parametrize("f", FOUND, ids=lambda f: f.__name__)
def test_found(f: Any) -> None:
    x = np.random.default_rng(6).uniform(0.3, 1.3, 8)
    assert np.isclose(f(x), plain_value_and_grad(f)(x)[0], rtol=1e-14)  # as Numba, not as NumPy
    if f is diagonal_of_written:
        return
    judge(f, (x,), (0,), plain_value_and_grad(f, (0,)))


@njit
def by_element_sum(x):
    y = x.copy()
    y[1:] += y[:-1]
    return np.sum(y)


@njit
def by_element_product(x):
    y = x.copy()
    y[1:] *= y[:-1]
    return np.sum(y)


@njit
def by_element_view(x):
    y = x.copy()
    z = np.flip(y)
    y /= z
    return np.sum(y)


@pytest.mark.parametrize("f", [by_element_sum, by_element_product, by_element_view])
def test_numba_runs_element_by_element(f: Any) -> None:
    x = np.random.default_rng(6).uniform(0.3, 1.3, 8)
    assert abs(f(x) - f.py_func(x)) > 1e-3  # or there would be no need to refuse
    with pytest.raises(UnsupportedError, match="reads elements which it writes"):
        plain_value_and_grad(f)(x)
