"""Programs that overwrite, alias, rebind and leave early, each against Richardson differences.

Every program runs twice: the generated source as plain Python, and (marked ``compiled``) through
Numba.  Issue numbers in the headings are those of the traps in the design notes.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import pytest

from adcompile import AliasError, value_and_grad, vjp
from tests.oracle import copies, directional, second_opinion, unit_directions
from tests.test_arrays import compare

Program = Callable[..., float]
Maker = Callable[[np.random.Generator], tuple[Any, ...]]


@dataclass(frozen=True)
class Case:
    program: Program
    make: Maker
    argnums: tuple[int, ...]


CASES: dict[str, Case] = {}


def case(make: Maker, argnums: tuple[int, ...] = (0,)) -> Callable[[Program], Program]:
    """Puts a program with its inputs into the table."""

    def enter(program: Program) -> Program:
        assert program.__name__ not in CASES
        CASES[program.__name__] = Case(program, make, argnums)
        return program

    return enter


def check(f: Program, *args: Any, argnums: tuple[int, ...], compiled: bool = True) -> None:
    """Value, gradient, a second call, and the caller's arguments."""
    if compiled:
        derivative = value_and_grad(f, argnums=argnums)
    else:
        from adcompile.testing import plain_value_and_grad

        derivative = plain_value_and_grad(f, argnums)

    given = copies(args)
    value, grads = derivative(*given)
    for before, after in zip(args, given):
        np.testing.assert_array_equal(before, after, err_msg="an argument was changed")
    again_value, again = derivative(*given)
    assert value == again_value
    for first, second in zip(grads, again):
        np.testing.assert_array_equal(first, second, err_msg="a second call differs")

    np.testing.assert_allclose(value, f(*copies(args)), rtol=1e-12, atol=1e-14)
    assert len(grads) == len(argnums)
    second_opinion(f, args, argnums, value, grads)
    for k, gradient in zip(argnums, grads):
        assert np.shape(gradient) == np.shape(args[k])
        entries = np.ravel(gradient)
        for entry, direction in zip(entries, unit_directions(args, [k]), strict=True):
            estimate = directional(f, args, direction)
            assert estimate.reliable, f"the differences are no judge here: {estimate}"
            assert estimate.agrees(entry), f"argument {k}: {entry} against {estimate}"


def inputs_of(name: str) -> tuple[Any, ...]:
    return CASES[name].make(np.random.default_rng(zlib.crc32(name.encode())))


def vector(n: int, low: float = -1.3, high: float = 1.4) -> Maker:
    return lambda rng: (rng.uniform(low, high, n),)


def vectors(*sizes: int) -> Maker:
    return lambda rng: tuple(rng.uniform(-1.3, 1.4, n) for n in sizes)


def matrix(*shape: int) -> Maker:
    return lambda rng: (rng.uniform(-1.3, 1.4, shape),)


def scalars(n: int) -> Maker:
    return lambda rng: tuple(float(v) for v in rng.uniform(0.3, 1.4, n))


def followed_by(make: Maker, *rest: Any) -> Maker:
    return lambda rng: (*make(rng), *(r.copy() if isinstance(r, np.ndarray) else r for r in rest))


# ---------------------------------------------------------------- loop-carried overwrite


@case(lambda rng: (rng.normal(size=7), 0.8), (0, 1))
def carried_scalar(x, k):
    y = 0.1
    for i in range(x.shape[0]):
        y = math.tanh(k * y + x[i]) * y + x[i]
    return y * y


@case(vector(6))
def carried_state(x):
    v = np.zeros(4)
    v[:] = x[:4]
    for t in range(5):
        for i in range(4):
            v[i] = math.sin(v[i] * v[i - 1]) + x[t] * v[i]
    return v[0] * v[1] + v[2] * v[3] * v[3]


@case(vector(5))
def carried_two_scalars(x):
    a = 1.0
    b = 0.5
    for i in range(len(x)):
        t = a * b
        a = a + x[i] * b
        b = t * math.cos(a)
    return a * b


@case(vector(5))
def carried_temporary(x):
    s = 0.0
    t = 2.0
    for i in range(x.size):
        s += math.sin(t * t)
        t = x[i] * s
        s = s * t
        t = math.exp(math.sin(t))
    return s * t


@case(matrix(4, 3))
def carried_rows(u):
    for t in range(3):
        for i in range(1, 3):
            for j in range(3):
                u[i, j] = u[i, j] + 0.3 * u[i - 1, j] * u[i + 1, j] * u[i, j - 1]
    return u[1, 0] * u[2, 1] + u[1, 2] ** 2


# ---------------------------------------------------------------- x[i] = x[i-1] * x[i]


@case(vector(6))
def running_product(x):
    for i in range(1, x.shape[0]):
        x[i] = x[i - 1] * x[i]
    s = 0.0
    for i in range(x.shape[0]):
        s += x[i] * x[i]
    return s


@case(vector(6))
def running_product_down(x):
    for i in range(x.shape[0] - 2, -1, -1):
        x[i] = x[i + 1] * x[i] + math.sin(x[i])
    return x[0] * x[1] + x[3]


@case(vectors(5, 5), (0, 1))
def running_product_two(x, y):
    for i in range(1, 5):
        x[i] = x[i - 1] * x[i] * y[i]
        y[i] = x[i] + y[i - 1] * y[i]
    return x[4] * y[4] + y[2] * x[1]


@case(vector(6))
def running_augmented(x):
    for i in range(1, 6):
        x[i] *= x[i - 1]
        x[i - 1] -= x[i] * x[i]
        x[i] /= 1.5 + x[i - 1] ** 2
    return x[5] * x[0] + x[3]


@case(matrix(3, 4))
def running_product_2d(x):
    for i in range(1, 3):
        for j in range(1, 4):
            x[i, j] = x[i - 1, j] * x[i, j] + x[i, j - 1] ** 2
    return x[2, 3] * x[1, 1] + x[2, 1]


# ---------------------------------------------------------------- swaps in a time loop


@case(followed_by(vector(5), 4))
def swap_even(x, steps):
    a = x.copy()
    b = np.zeros_like(x)
    for t in range(steps):
        for i in range(1, 4):
            b[i] = a[i] * a[i - 1] + 0.3 * math.sin(a[i + 1])
        a, b = b, a
    return a[1] * a[2] + b[3] * b[1]


@case(followed_by(vector(5), 3))
def swap_odd(x, steps):
    a = x.copy()
    b = np.ones_like(x)
    for t in range(steps):
        for i in range(1, 4):
            b[i] = a[i] * b[i - 1] + 0.3 * math.sin(a[i + 1])
        a, b = b, a
    return a[1] * a[2] + b[3] * b[1]


@case(vectors(4, 4), (0, 1))
def swap_arguments(a, b):
    for t in range(3):
        for i in range(4):
            b[i] = a[i] * b[i - 1] + a[i - 1]
        a, b = b, a
    return a[0] * b[1] + a[2] * a[3]


@case(vector(4))
def swap_by_temporary(x):
    a = x.copy()
    b = np.full(4, 0.7)
    for step in range(3):
        for i in range(4):
            b[i] = b[i] * a[i] + a[i - 1] ** 2
        t = a
        a = b
        b = t
    return a[0] * b[0] + a[1] * b[2] * a[3]


@case(vector(4))
def rotate_three(x):
    a = x.copy()
    b = np.ones(4)
    c = np.full(4, 0.4)
    for step in range(4):
        for i in range(4):
            c[i] = c[i] * a[i] + b[i - 1] * a[i]
        a, b, c = c, a, b
    return a[0] * b[1] + c[2] * a[3]


@case(vector(5))
def swap_sometimes(x):
    a = x.copy()
    b = np.full(5, 0.6)
    for i in range(5):
        a[i] = a[i] * b[i - 1] + b[i]
        if x[i] > 0.0:
            a, b = b, a
    return a[0] * b[1] + a[2] * b[3] * b[3]


# ---------------------------------------------------------------- views of views


@case(vector(8))
def view_of_view(x):
    v = x[1:]
    w = v[::2]
    for i in range(w.shape[0]):
        w[i] = w[i] * x[i] + math.sin(v[i])
    return x[1] * x[3] + x[5] * v[6]


@case(vector(7))
def view_reversed(x):
    v = x[::-1]
    w = v[1:5]
    for i in range(4):
        w[i] = w[i] * x[i] + v[i] ** 2
    return x[2] * x[4] + w[0] * v[5]


@case(matrix(4, 4))
def view_row_of_block(a):
    block = a[1:, 1:]
    row = block[1]
    for j in range(row.shape[0]):
        row[j] = row[j] * block[0, j] + a[2, j]
    return a[2, 1] * a[2, 2] + a[2, 3] * row[0]


@case(matrix(4, 5))
def view_column(a):
    c = a[:, 2]
    d = c[1:]
    for i in range(1, 3):
        d[i] = d[i] * d[i - 1] + a[i, 2] * a[i, 0]
    return c[3] * c[2] + a[3, 2] * a[0, 0]


@case(matrix(3, 6))
def view_slice_store(a):
    v = a[1]
    w = v[2:]
    w[1:3] = a[0, :2]
    w[0] = v[3] * v[0]
    v[:2] = a[2, 4:]
    a[2, 3:] = w[:3]
    return a[1, 3] * a[1, 2] + a[1, 0] * a[2, 5] * w[2]


@case(vector(6))
def view_filled(x):
    v = x[1:5]
    w = v[1:]
    s = w[0] * w[1]
    w[:2] = s * x[0]
    v[0] = 2.0
    return x[1] * x[2] * x[3] + v[3] * s


@case(lambda rng: (rng.uniform(-1, 1, (3, 8))[:, ::2],))
def view_of_strided_argument(a):
    v = a[1:]
    w = v[:, 1:]
    for i in range(2):
        for j in range(3):
            w[i, j] = w[i, j] * a[i, j] + math.sin(v[i, j])
    return a[1, 1] * a[2, 2] + w[1, 2] * a[1, 3]


@case(lambda rng: (np.asfortranarray(rng.uniform(-1, 1, (3, 4))),))
def view_of_fortran_argument(a):
    v = a[:, 1]
    w = a[1, 1:]
    for i in range(3):
        v[i] = v[i] * a[i, 0] + w[i - 1]
    return w[0] * w[2] + v[0] * v[2]


# ---------------------------------------------------------------- the same array passed twice (5)


def product_of_first(a, b):
    return a[0] * b[0] + math.sin(a[1]) * b[0]


def writes_first(a, b):
    for i in range(1, a.shape[0]):
        a[i] = a[i] * b[i - 1] + b[i]
    return a[0] * b[1]


def scale_by(a, b, k):
    a[0] = a[0] * b[1] * k
    b[1] = b[1] + a[0] * a[0]


@case(vector(3))
def twice_read(x):
    return product_of_first(x, x) * x[0]


@case(vector(5))
def twice_written(x):
    s = writes_first(x, x)
    return s * x[4] + x[2]


@case(vector(5))
def twice_overlapping(x):
    s = writes_first(x[1:], x[:-1])
    return s * x[4] + x[2] * x[3]


@case(vectors(5, 5), (0, 1))
def twice_and_apart(x, y):
    s = writes_first(x, x)
    s += writes_first(x, y)
    s *= product_of_first(y, y)
    return s + x[3] * y[2]


@case(vector(4))
def twice_no_result(x):
    scale_by(x, x, 1.5)
    scale_by(x[1:], x[:3], x[0])
    return x[0] * x[1] + x[2] * x[1]


@case(vector(4))
def twice_local(x):
    u = x.copy()
    v = u
    u[0] = v[1] * x[0]
    v[1] = u[0] * u[1]
    return u[0] * v[0] + v[1] * u[2]


@case(vectors(3, 3), (0, 1))
def top_level_read(x, y):
    s = 1.0
    for i in range(3):
        s += x[i] * x[i] * y[i] * s
    return s


# ---------------------------------------------------------------- overwritten in one branch only


@case(vector(7))
def one_branch(x):
    s = 0.0
    for i in range(x.shape[0]):
        if x[i] > 0.1:
            x[i] = x[i] * x[i] * x[i - 1]
        s += math.sin(x[i]) * x[i]
    return s


@case(scalars(2), (0, 1))
def one_branch_scalar(a, b):
    t = a * b
    if a > b:
        a = a * a + b
    else:
        b = 2.0 * t
    return t * a * b


@case(vector(6))
def one_branch_carried(x):
    y = 1.0
    for i in range(6):
        if x[i] < 0.0:
            y = y * x[i] + math.cos(y)
        elif x[i] < 0.7:
            x[i - 1] = y * x[i]
    return y * x[2] + x[4] * x[0]


@case(vector(6))
def one_branch_nested(x):
    s = 1.0
    for i in range(5):
        t = x[i] * s
        if t > 0.0:
            if x[i + 1] > 0.3:
                x[i + 1] = t * x[i + 1]
                s = s + t
            else:
                t = math.exp(t)
        s = s * 0.5 + t * x[i + 1]
    return s * x[5]


@case(vector(5))
def one_branch_flag_overwritten(x):
    flag = x[0] > 0.0
    s = 1.0
    for i in range(5):
        if flag:
            s = s * x[i] + 1.0
        else:
            s = math.sin(s) + x[i] * s
        flag = x[i] * s > 0.05
    return s


# ---------------------------------------------------------------- overwritten bounds and indices


@case(vector(6))
def bound_overwritten(x):
    n = 4
    s = 1.0
    for i in range(n):
        n = n - 1
        s = s * x[i] + math.sin(s) * x[n]
    return s * x[n]


@case(followed_by(vector(6), np.array([2, 3, 1, 4])))
def bounds_in_array(x, m):
    s = 0.5
    for i in range(4):
        for j in range(m[i]):
            m[i] = j
            s = s * x[j] + x[i] * x[j]
        m[3 - i] = 2
    return s * s


@case(followed_by(vector(6), np.array([4, 2, 5, 0, 1, 3])))
def index_array_overwritten(x, idx):
    s = 0.0
    for i in range(6):
        k = idx[i]
        x[k] = x[k] * x[i] + 0.2
        idx[i] = idx[i - 1]
        s += x[idx[i]] * x[k]
    return s


@case(followed_by(vector(6), np.array([4, 2, 5, 0, 1, 3])))
def index_array_sorted(x, idx):
    s = 1.0
    for i in range(5):
        for j in range(5 - i):
            if idx[j] > idx[j + 1]:
                t = idx[j]
                idx[j] = idx[j + 1]
                idx[j + 1] = t
            s = s * 0.9 + x[idx[j]] * x[j] * s
    return s


@case(vector(7))
def index_overwritten(x):
    k = 0
    s = 1.0
    for i in range(7):
        s = s * x[k] + x[i]
        k = (k * 3 + i) % 7
        x[k] = x[k] * s
    return s + x[k] * x[0]


@case(vector(9))
def bound_from_inner(x):
    s = 1.0
    n = 1
    for i in range(3):
        for j in range(n):
            n = n + 1
            s = s * x[j] + x[n - 1] * x[i]
    return s * x[n - 1]


# ---------------------------------------------------------------- rebound references (2)


@case(followed_by(vectors(4, 4), True), (0, 1))
def rebound_expression(x, z, c):
    y = x if c else z
    y[1] = y[0] * x[1] * z[1]
    return y[1] * x[1] + z[1] * y[2]


@case(followed_by(vectors(4, 4), False), (0, 1))
def rebound_branch(x, z, c):
    if c:
        y = x
    else:
        y = z
    for i in range(1, 4):
        y[i] = y[i] * x[i - 1] + z[i - 1]
    return y[3] * x[3] + z[2] * z[3]


@case(vectors(5, 5), (0, 1))
def rebound_in_loop(x, z):
    y = x
    for i in range(1, 5):
        y[i] = y[i] * y[i - 1] + x[i] * z[i]
        if y[i] > 0.2:
            y = z
        else:
            y = x
    return y[0] * x[4] + z[4] * x[2]


@case(vector(5))
def rebound_view(x):
    v = x[:]
    s = 0.0
    for i in range(3):
        v[0] = v[0] * v[1] + s
        s += v[0] * x[i]
        v = v[1:]
    return s * v[0] + x[1] * x[2]


@case(vectors(4, 4), (0, 1))
def rebound_replayed(u, w):
    s = 1.0
    for t in range(3):
        v = u[1:]
        u = w
        v[0] = v[0] * u[0] + s * 0.1
        w = np.empty_like(u)
        for i in range(4):
            w[i] = u[i] * u[i] + 0.1 * v[i - 1]
        s += v[0] * w[2]
    return s * u[1] + w[3]


@case(vector(4))
def rebound_fresh(x):
    a = x
    for t in range(3):
        b = np.empty(4)
        for i in range(4):
            b[i] = math.sin(a[i]) * a[i - 1] + x[i]
        a = b
    return a[0] * a[1] + a[2] * a[3]


@case(vector(4))
def rebound_copy_or_same(x):
    s = 0.0
    for t in range(4):
        if x[t] > 0.0:
            y = x
        else:
            y = x.copy()
        y[t - 1] = y[t - 1] * y[t] + 0.3
        s += y[t - 1] * x[t - 1]
    return s


@case(followed_by(vector(4), 2))
def rebound_by_steps(x, n):
    y = np.ones(4)
    z = x
    for i in range(n):
        z = y
    z[1] = z[1] * x[1]
    return z[1] * x[2] + y[1] * x[1]


# ---------------------------------------------------------------- versions, not variables (3)


@case(scalars(2), (0, 1))
def versions(a, b):
    t = a * b
    a = a + 1.0
    y = t * t
    return y * a


@case(scalars(2), (0, 1))
def versions_chain(a, b):
    t = a * b
    u = math.sin(t) * a
    a = b * t
    b = a * u
    t = t * b
    return t * a + u * b


@case(vector(4))
def versions_of_memory(x):
    t = x[0] * x[1]
    x[0] = t * x[2]
    u = x[0] * t
    x[1] = math.sin(x[0]) * u
    x[0] = x[1] * x[3]
    return t * u + x[0] * x[1]


@case(vector(5))
def versions_in_loop(x):
    a = 0.7
    s = 0.0
    for i in range(5):
        t = a * x[i]
        a = a + t * t
        x[i] = a
        s += t * t * math.cos(t) * x[i]
    return s


@case(vector(5))
def subscript_overwritten(x):
    s = 0.0
    k = 1
    for i in range(4):
        t = x[k] * x[k]
        k = (k + 2) % 5
        s += t * math.exp(x[k])
    return s * x[k]


# ---------------------------------------------------------------- independence (4)


@case(vector(6))
def independent_but_overwritten(x):
    s = 0.0
    for i in range(x.shape[0]):
        x[i] = math.sin(x[i]) * x[i]
        s += x[i] * x[i]
    return s


@case(vectors(6, 6), (0, 1))
def independent_then_squared(x, y):
    s = 0.0
    for i in range(6):
        s += math.sin(x[i]) * math.exp(y[i])
    return s * s


@case(vectors(6, 6), (0, 1))
def independent_sum(x, y):
    s = 0.0
    for i in range(6):
        s += math.sin(x[i]) * math.exp(y[i])
    return s


@case(vector(6))
def independent_relu(x):
    s = 0.0
    for i in range(6):
        y = 0.0
        if x[i] > 0.0:
            y = x[i] * x[i]
        s += y * math.cos(y)
    return s


@case(vector(6))
def independent_with_break(x):
    s = 0.0
    for i in range(6):
        s += math.sin(x[i]) * x[i]
        if s > 0.6:
            break
    return s


@case(vector(6))
def independent_with_scratch(x):
    w = np.empty(3)
    s = 0.0
    for i in range(6):
        for j in range(3):
            w[j] = math.sin(x[i] * (j + 1))
        s += w[0] * w[1] * w[2] * x[i]
    return s


@case(vector(6))
def scratch_that_leaks(x):
    w = np.full(3, 0.5)
    s = 0.0
    for i in range(6):
        w[i % 3] = w[i % 3] * x[i]
        s += w[0] * w[1] * w[2]
    return s + w[1]


@case(vector(7))
def scattered_twice(x):
    s = 0.0
    y = np.zeros(4)
    for i in range(7):
        y[i // 2] = y[i // 2] + x[i] * x[i]
    for i in range(4):
        s += y[i] * y[i - 1]
    return s


@case(vector(6))
def each_overwritten_then_used(x):
    for i in range(6):
        x[i] = x[i] * x[i]
    s = 0.0
    for i in range(6):
        s += math.sin(x[i]) * x[5 - i]
    return s


# ---------------------------------------------------------------- overlapping copies (8)


@case(vector(6))
def shifted_copy(x):
    x[1:] = x[:-1]
    x[2] = x[2] * x[3]
    return x[1] * x[2] + x[5] * x[0]


@case(vector(6))
def shifted_back(x):
    for t in range(2):
        x[:-1] = x[1:]
        x[5] = x[4] * x[0]
    return x[0] * x[4] + x[5] * x[3]


@case(vector(6))
def reversed_copy(x):
    x[:] = x[::-1]
    x[0] = x[0] * x[1]
    return x[0] * x[5] + x[2] * x[2]


@case(matrix(3, 4))
def rows_copied(a):
    for i in range(1, 3):
        a[i] = a[i - 1]
        a[i, i] = a[i, i] * a[i, 0] * a[0, 1]
    return a[2, 2] * a[1, 1] + a[2, 3] ** 2


# ---------------------------------------------------------------- leaving early (10)


@case(vector(8))
def broken(x):
    y = 1.0
    for i in range(8):
        y = y * x[i] + math.sin(y)
        if y > 1.2:
            break
        y = y + x[i] * x[i]
    return y * y


@case(vector(8))
def continued(x):
    y = 1.0
    for i in range(8):
        if x[i] < 0.0:
            y = y + 0.3 * x[i] * y
            continue
        y = math.sin(y * x[i]) + y
    return y * x[0]


@case(followed_by(vector(6), 0.3))
def returned_from_loop(x, limit):
    y = 0.5
    for i in range(6):
        y = y * x[i] + x[i - 1]
        if y > limit:
            return y * x[i] * y
        x[i] = y
    return y * x[0]


@case(matrix(4, 4))
def returned_from_inner_loop(a):
    s = 1.0
    for i in range(4):
        for j in range(4):
            s = s * 0.8 + a[i, j] * a[j, i] * s
            if s > 1.6:
                return s * s * a[i, j]
            a[i, j] = s * a[i, j]
        s += a[i, 0]
    return s


@case(matrix(4, 5))
def broken_inner(a):
    s = 1.0
    for i in range(4):
        for j in range(5):
            if a[i, j] > 0.9:
                break
            s = s * 0.7 + math.sin(a[i, j] * s) * a[i, j - 1]
            if j == i:
                continue
            a[i, j] = s
    return s * a[1, 1]


@case(matrix(4, 5))
def broken_both(a):
    s = 1.0
    for i in range(4):
        done = False
        for j in range(5):
            s = math.sin(s) + a[i, j] * s
            if s > 1.9:
                done = True
                break
        s = s * a[i, 0] + 1.0
        if done:
            break
        s *= 1.1
    return s


@case(vector(6))
def for_else_taken(x):
    s = 1.0
    for i in range(6):
        s = s * x[i] + 0.5
        if s > 50.0:
            break
    else:
        s = math.sin(s) * x[0]
    return s * s


@case(vector(6, 0.3, 1.4))
def for_else_skipped(x):
    s = 1.0
    for i in range(6):
        s = s + x[i] * s
        if s > 3.0:
            break
    else:
        s = 7.0
    return s * x[0]


@case(lambda rng: (float(rng.uniform(2.0, 3.0)),))
def while_newton(a):
    x = a
    n = 0
    while abs(x * x - a) > 1e-9 and n < 50:
        x = 0.5 * (x + a / x)
        n += 1
    return x * a


@case(vector(5, 0.2, 0.9))
def while_growing(x):
    s = 0.1
    n = 0
    while s < 4.0:
        s = s + x[n % 5] * (1.0 + s * s)
        n += 1
    return s * x[n % 5]


@case(vector(6))
def while_break_continue(x):
    i = 0
    s = 1.0
    while True:
        i += 1
        if i > 9:
            break
        if x[i % 6] < 0.0:
            s = s - x[i % 6] * s * 0.4
            continue
        s = math.sin(s) + x[i % 6]
        if s < 0.05:
            break
        x[i % 6] = s
    return s * x[1]


@case(vector(5))
def while_else(x):
    i = 0
    s = 0.3
    while i < 5:
        s = s * x[i] + math.cos(s)
        i += 1
    else:
        s = s * s * x[2]
    return s


@case(vector(6, 0.2, 1.4))
def while_nested(x):
    s = 1.0
    i = 0
    while i < 3:
        j = i
        while j < 6:
            s = s * 0.9 + x[j] * math.sin(s)
            j += i + 1
            if s > 3.0:
                break
        i += 1
        s = s * x[i]
    return s


@case(vector(4))
def while_never(x):
    s = x[0] * x[1]
    while s > 100.0:
        s = s * 0.5
    return s * x[2]


# ---------------------------------------------------------------- other control flow


@case(vector(5))
def returned_at_once(x):
    if x.shape[0] > 3:
        return x[0] * math.sin(x[1])
    s = 0.0
    for i in range(x.shape[0]):
        s += x[i]
    return s


@case(scalars(2), (0, 1))
def returned_by_value(a, b):
    if a > 5.0:
        return a
    elif b > 0.0:
        t = a * b
        return t * math.log(t)
    raise ValueError("no")


@case(vector(5))
def asserted(x):
    s = 1.0
    for i in range(5):
        assert x[i] < 10.0
        s = s * x[i] + 0.4
        if s > 100.0:
            raise ValueError("too large")
        else:
            pass
    return s


@case(vector(8))
def loop_variable_after(x):
    s = 1.0
    for i in range(1, 7, 2):
        s = s * x[i] + x[i - 1]
        if s > 2.0:
            break
    return s * x[i] * x[i + 1]


@case(vector(8))
def odd_ranges(x):
    s = 0.5
    for i in range(7, 0, -3):
        s = s * x[i] + x[0]
    for i in range(5, 5):
        s = s * 100.0
    for i in range(2, 8, 4):
        x[i] = s * x[i]
        s = s + x[i]
    for i in range(3, 0, 2):
        s = 0.0
    return s * x[2]


@case(vector(6))
def loop_variable_assigned(x):
    s = 1.0
    for i in range(3):
        i = i * 2
        s = s * x[i] + x[i + 1]
    return s


@case(followed_by(vector(6), 0))
def empty_loop(x, n):
    s = x[0] * x[1]
    for i in range(n):
        s = s * x[i]
    return s * s


@case(vector(5))
def triangle(x):
    s = 1.0
    for i in range(5):
        for j in range(i):
            s = s * 0.9 + x[i] * x[j] * s
            x[j] = x[j] * 0.5 + s * 0.1
    return s


@case(vector(4))
def conditional_expression(x):
    s = 0.0
    for i in range(4):
        t = x[i] * x[i] if x[i] > 0.0 else math.exp(x[i])
        s += t * (s if i > 1 and s > 0.0 else 1.0)
    return s


@case(vector(6))
def tuples_in_loop(x):
    p = (1.0, 0.5)
    for i in range(6):
        a, b = p
        p = (a * x[i] + b, math.sin(a) * b)
    return p[0] * p[1]


@case(vector(5))
def booleans(x):
    s = 1.0
    seen = False
    for i in range(5):
        big = x[i] > 0.2
        if big and not seen:
            s = s * x[i]
            seen = True
        elif big or i == 3:
            s = s + x[i] * s
    return s * x[4] if seen else s


def helper_with_exit(x, i, scale=1.5):
    for j in range(i, x.shape[0]):
        if x[j] > 0.4:
            return x[j] * scale
        x[j] = x[j] * x[j] + 0.1
    return x[i]


@case(vector(6))
def callee_with_exit(x):
    s = 0.0
    for i in range(3):
        s += helper_with_exit(x, i) * helper_with_exit(x, i + 1, scale=s + 0.7)
    return s


def halves(a, b):
    return a * 0.5, b * a


@case(vector(4))
def callee_with_tuple(x):
    s = 1.0
    for i in range(4):
        s, x[i] = halves(s + x[i], s)
    return s * x[2] + x[3]


# ---------------------------------------------------------------- the tables


@pytest.mark.parametrize("name", CASES)
def test_plain(name: str) -> None:
    check(CASES[name].program, *inputs_of(name), argnums=CASES[name].argnums, compiled=False)


@pytest.mark.wide
@pytest.mark.compiled
@pytest.mark.parametrize("name", CASES)
def test_compiled(name: str) -> None:
    check(CASES[name].program, *inputs_of(name), argnums=CASES[name].argnums)


MANY_PATHS = """
swap_sometimes one_branch_scalar one_branch_carried one_branch_nested one_branch_flag_overwritten
rebound_in_loop returned_from_loop returned_from_inner_loop broken_inner broken_both
while_break_continue loop_variable_after
""".split()


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("name", MANY_PATHS)
def test_other_paths(name: str, seed: int) -> None:
    """The same programs, other branches taken."""
    args = CASES[name].make(np.random.default_rng(seed))
    check(CASES[name].program, *args, argnums=CASES[name].argnums, compiled=False)


# ---------------------------------------------------------------- what is not a gradient of a table


@pytest.mark.compiled
def test_same_array_at_top_level_read_only() -> None:
    """Each argument has its own gradient, as in JAX."""
    x = np.random.default_rng(3).normal(size=3)
    ours = value_and_grad(top_level_read, argnums=(0, 1))
    shared_value, shared = ours(x, x)
    value, apart = ours(x, x.copy())
    assert shared_value == value
    for a, b in zip(shared, apart):
        np.testing.assert_array_equal(a, b)


@pytest.mark.compiled
@pytest.mark.parametrize("shift", [0, 1])
def test_same_array_at_top_level_written(shift: int) -> None:
    memory = np.random.default_rng(4).normal(size=6)
    with pytest.raises(AliasError):
        value_and_grad(running_product_two, argnums=(0, 1))(memory[:5], memory[shift : shift + 5])
    value_and_grad(running_product_two, argnums=(0, 1))(memory[:5], memory[:5].copy())


# The user's own Dispatchers are never called or changed (6).


@numba.njit(error_model="python")
def divided(a, b):
    return a / b


@numba.njit(error_model="python")
def calls_divided(x):
    return divided(x[0], x[1]) * x[0]


@pytest.mark.compiled
def test_user_dispatchers_are_left_alone() -> None:
    check(calls_divided, np.array([0.7, 1.3]), argnums=(0,))
    # check() itself runs the program, but only through Numba's own door
    fresh = numba.njit(error_model="python")(divided.py_func)
    options = dict(fresh.targetoptions)
    value_and_grad(fresh, argnums=(0, 1))(0.7, 1.3)
    assert fresh.signatures == []
    assert fresh.targetoptions == options


# Integer division by zero is an error, not element 0, where the user's model says so (7).


@numba.njit(error_model="python")
def integer_division(x, n, k):
    return x[n // k] * x[n % k] * x[0]


@pytest.mark.compiled
def test_integer_division_by_zero() -> None:
    x = np.array([0.4, 1.1, -0.6])
    check(integer_division, x, 5, 3, argnums=(0,))
    with pytest.raises(ZeroDivisionError):
        value_and_grad(integer_division)(x, 1, 0)


# A pullback keeps what it needs to itself (9).


def written_and_returned(x):
    x[0] = math.sin(x[0]) * x[1]
    return x


def written_and_summed(x, k):
    for i in range(1, x.shape[0]):
        x[i] = x[i - 1] * x[i] * k
    return x[x.shape[0] - 1]


def raises_half_way(x, limit):
    for i in range(x.shape[0]):
        x[i] = x[i] * x[i]
        if i == limit:
            raise ValueError("half way")
    return x[0]


# The final contents of a written argument are an output too, after the returned value.
SEED = (1.0, np.zeros(3))


@pytest.mark.compiled
def test_pullback_twice_and_after_the_caller_wrote() -> None:
    x = np.array([0.3, 0.8, -1.1])
    given = x.copy()
    (value, final), pullback = vjp(written_and_summed, given, 1.2)
    np.testing.assert_array_equal(given, x)
    expected_final = x.copy()
    np.testing.assert_allclose(value, written_and_summed(expected_final, 1.2), rtol=1e-12)
    np.testing.assert_allclose(final, expected_final, rtol=1e-12)
    first = pullback(SEED)
    given[:] = 99.0
    final[:] = 99.0
    second = pullback(SEED)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
    for k, direction in enumerate(unit_directions((x, 1.2), [0])):
        assert directional(written_and_summed, (x, 1.2), direction).agrees(first[0][k])
    assert directional(written_and_summed, (x, 1.2), {1: 1.0}).agrees(float(first[1]))


@pytest.mark.compiled
def test_pullback_of_the_final_contents() -> None:
    x, weights = np.array([0.3, 0.8, -1.1]), np.array([0.4, -1.2, 0.7])

    def weighted(x: np.ndarray, k: float) -> float:
        value = written_and_summed(x, k)
        return 0.6 * value + float(weights @ x)

    _, pullback = vjp(written_and_summed, x, 1.2)
    x_adj, k_adj = pullback((0.6, weights))
    for k, direction in enumerate(unit_directions((x, 1.2), [0])):
        assert directional(weighted, (x, 1.2), direction).agrees(x_adj[k])
    assert directional(weighted, (x, 1.2), {1: 1.0}).agrees(float(k_adj))


@pytest.mark.compiled
def test_two_pullbacks_alive() -> None:
    x, z = np.array([0.3, 0.8, -1.1]), np.array([0.9, -0.4, 0.5])
    _, alone = vjp(written_and_summed, x, 1.2)
    expected = alone(SEED)
    _, first = vjp(written_and_summed, x, 1.2)
    _, other = vjp(written_and_summed, z, 0.7)
    other(SEED)
    np.testing.assert_array_equal(first(SEED)[0], expected[0])


@pytest.mark.compiled
def test_written_argument_is_returned() -> None:
    x = np.array([0.3, 0.8])
    out, pullback = vjp(written_and_returned, x)
    np.testing.assert_array_equal(x, [0.3, 0.8])
    returned = out[0] if isinstance(out, tuple) else out
    np.testing.assert_allclose(returned, [math.sin(0.3) * 0.8, 0.8], rtol=1e-12)
    assert pullback is not None


@pytest.mark.compiled
def test_arguments_are_restored_after_an_exception() -> None:
    x = np.array([0.3, 0.8, -1.1])
    given = x.copy()
    ours = value_and_grad(raises_half_way)
    with pytest.raises(ValueError, match="half way"):
        ours(given, 1)
    np.testing.assert_array_equal(given, x)
    value, gradient = ours(given, 7)
    np.testing.assert_allclose(value, 0.09, rtol=1e-12)
    np.testing.assert_allclose(gradient, [0.6, 0.0, 0.0], rtol=1e-12)


def wraps(x: Any) -> Any:
    n = x.size
    h = np.zeros(n)
    for i in range(-n, n):
        h[i] = x[i] ** 2 * (i + 1)  # written twice: h[-1] is h[n - 1]
    return np.sum(h**2)


def wraps_and_reads(x: Any) -> Any:
    n = x.size
    h = np.ones(n)
    for i in range(-n, n):
        h[i] = h[i] * x[i] + i
    return np.sum(h**2)


def wraps_and_keeps(x: Any) -> Any:
    h = np.zeros(4)
    s = 0.0
    for i in range(-2, 3):
        h[i] = np.tanh(x[i + 2])
        s += h[i] ** 3
    return s + np.sum(h**2)


def wraps_with_an_offset(x: Any) -> Any:
    n = x.size
    h = np.zeros(n)
    for i in range(n + 3):
        h[i - 3] = x[i - 3] ** 2 * (i + 1)
    return np.sum(h**2)


WRAPPING = (wraps, wraps_and_reads, wraps_and_keeps, wraps_with_an_offset)


@pytest.mark.parametrize("f", WRAPPING, ids=lambda f: f.__name__)
@pytest.mark.parametrize("optimise", [True, False])
def test_subscripts_from_both_ends(f: Any, optimise: bool) -> None:
    compare(f, (np.array([0.3, -1.2, 0.7, 1.1, -0.4, 0.9]),), optimise)


@pytest.mark.compiled
def test_subscripts_from_both_ends_on_several_threads() -> None:
    x = np.random.default_rng(2).normal(size=200)
    for f in WRAPPING:
        one, several = value_and_grad(f)(x), value_and_grad(f, parallel=True)(x)
        assert several[0] == pytest.approx(one[0], rel=1e-13)
        np.testing.assert_allclose(several[1], one[1], rtol=1e-11, atol=1e-12)
