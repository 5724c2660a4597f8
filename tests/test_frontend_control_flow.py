"""The front end: branches, loops and exits compute what the Python function computes."""

from __future__ import annotations

import numba

from adcompile.frontend.parse import parse
from adcompile.ir import nodes as ir
from tests.ir_text import X, agree, compiled, text_of


def break_continue_else(x, n):
    s = 0.0
    for i in range(n):
        for j in range(i):
            if x[j] < 0:
                continue
            if x[j] > 5:
                break
            s += x[j] * i
        else:
            s += 100.0
        if s > 1000.0:
            return s
        s *= 1.5
    else:
        s = -s
    return s


def loop_variable_after(n, m):
    i = -7
    total = 0
    for i in range(n):
        total += i
        for j in range(i, m, 2):
            i = i + j
        total += i
    return i, total


def negative_steps(a, b, c):
    s = 0
    for i in range(a, b, c):
        s = 10 * s + i
    for i in range(5, -1, -2):
        s = s - i
    return s


def same_loop_name(n):
    s = 0
    for i in range(n):
        for i in range(3):
            s += i
        s += 100 * i
    return s


def while_else(n, k):
    i = 0
    while i < n:
        i += 1
        if i == k:
            break
    else:
        i = -1
    return i


def while_lifted(n, k, m):
    i = 0
    hits = 0
    while n // k > i and i % (k + 1) != 5:
        i += 1
        if i == m:
            break
        if i % 2:
            continue
        hits += i
    else:
        return -hits
    return hits


def while_true(n):
    s = 0
    while True:
        s += n
        if s > 50:
            return s
        if s < -50:
            break
        n = n * 2 if n else 60
    return s * 10


def while_true_only_return(n):
    while True:
        n = n * 2 + 1
        if n > 100:
            return n


def early(x, y):
    if x > 0:
        if y > 0:
            return 1.0
        x = x + 1.0
    elif y > 0:
        x = x - 1.0
    y = y * 2
    if x > 3.0:
        return y
    for k in range(3):
        if x + k == 2.0:
            if y < 0:
                return x * k
            continue
        y += k
    return x + y


def no_value(x, n):
    for i in range(n):
        if x[i] < 0:
            return
        x[i] = 0.0


def guarded_tail(x, n):
    c = 0
    for i in range(n):
        if x[i] > 0:
            if x[i] > 2:
                c += 10
                continue
            c += 1
        c += 1000
        if c % 7 == 3:
            break
        c += 1
    return c


class MyError(Exception):
    pass


def raises(x):
    assert x > -10, "too small"
    if x < 0:
        raise ValueError("negative")
    elif x == 0:
        raise MyError
    if x > 100:
        raise MyError("big", 3) from None
    return x


def only_raises(x):
    raise NotImplementedError


def return_or_raise(x):
    for i in range(3):
        if x == i:
            return i
    raise KeyError("none")


def test_control_flow():
    agree(break_continue_else, *[(X * s, n) for n in range(8) for s in (1.0, -1.0, 100.0)])
    agree(loop_variable_after, *[(n, m) for n in range(5) for m in range(9)])
    agree(negative_steps, (0, 5, 1), (5, 0, -2), (3, 3, 1), (0, 5, 0), (-1, -9, -3))
    agree(same_loop_name, (0,), (3,))
    agree(while_else, (0, 1), (5, 3), (5, 9), (5, 5))
    agree(while_lifted, *[(n, k, m) for n in (0, 30, -5) for k in (-2, 0, 1, 3) for m in (2, 50)])
    agree(while_true, (1,), (-3,), (0,), (70,))
    agree(while_true_only_return, (1,), (500,))
    agree(early, *[(float(x), float(y)) for x in range(-4, 5) for y in range(-3, 4)])
    agree(no_value, (X, 0), (X, 7), (X, 1))
    agree(guarded_tail, *[(X * s, n) for n in range(8) for s in (1.0, -1.0, 0.3)])
    agree(raises, (-11,), (-1,), (0,), (7,), (101,))
    agree(only_raises, (1,))
    agree(return_or_raise, (2,), (3,))


def settled(x, n):
    trace = False
    kind = 2
    s = 0.0
    for i in range(n):
        if trace and i > 1:
            return undefined_function(x)  # noqa: F821
        s += x[i] if kind == 2 else undefined_function(x)  # noqa: F821
    last = 3
    if n > last:
        last += n
    return s * last


def test_branches_that_a_settled_name_decides_are_left_out():
    text = text_of(settled)[0]
    assert "undefined_function" not in text and "trace" not in text
    assert "last" in text
    agree(settled, (X, 0), (X, 3), (X, 7))


def test_loop_variable_binds_directly():
    (loop,) = [s for s in parse(no_value).body if isinstance(s, ir.For)]
    assert loop.var.name == "i" and not loop.var.temp
    assert not any(isinstance(s, ir.Assign) and s.target.name == "i" for s in loop.body)


def test_exit_only_where_needed():
    def clean(x, n):
        s = 0.0
        for i in range(n):
            if x[i] > 0:
                s += x[i]
                continue
            s -= 1.0
        return s

    assert "exit" not in text_of(clean)[0]
    agree(clean, (X, 7))


def test_numba_runs_the_result():
    assert numba.njit(compiled(break_continue_else))(X, 7) == break_continue_else(X, 7)
