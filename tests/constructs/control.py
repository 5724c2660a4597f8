"""Branches, loops, ends of loops, iteration over things, and exceptions."""

from __future__ import annotations

import math

import numpy as np
from numba import njit, objmode, prange

from tests.constructs.entries import Table

TABLE = Table()
right, refused = TABLE.right, TABLE.refused
BRANCHES = "Branches"
LOOPS = "Loops"
OVER = "What a loop runs over"
RETURNS = "Returns"
ERRORS = "Exceptions"


# ---------------------------------------------------------------- branches


@right(BRANCHES, "`if`, `elif`, `else`, nested")
def branches(x, a, b):
    if x[0] > 0:
        s = a * x[0]
    elif x[0] > -5:
        if x[1] > 0:
            s = a**2 * x[1]
        else:
            s = b * x[1] ** 2
    else:
        s = a
    return s * s


@right(BRANCHES, "conditional expressions, nested")
def ternaries(x, a, b):
    s = 0.0
    for i in range(x.size):
        s += a * x[i] if x[i] > 0 else (b * x[i] ** 2 if x[i] < -0.5 else x[i] ** 3)
    return s


@right(BRANCHES, "chained comparisons")
def chained(x, a, b):
    s = 0.0
    for i in range(x.size):
        if b < x[i] <= a != 3.0:
            s += x[i] ** 2 * a
        if 0 <= i - 1 < 3:
            s += x[i - 1]
    return s * s


@right(BRANCHES, "`and`, `or`, `not`, lazily")
def logic(x, a, n):
    s = 0.0
    for i in range(n + 3):
        if (i < x.size and x[i] > 0) or (not i % 2 and a > 0):
            s += a * i
        if not (i >= x.size or x[i] < 0):
            s += x[i] ** 2
    return s


@right(BRANCHES, "numbers as conditions", flag=1)
def truth(x, a, n, flag):
    s = x[0] * a
    if n:
        s += x[1] ** 2
    if flag and not n - 5:
        s *= a
    if x[2]:
        s += 1.0
    return s


@right(BRANCHES, "`x in (1, 2, 3)`")
def membership(x, a, n):
    s = a
    for i in range(n):
        if i in (0, 2, 3):
            s += x[i] ** 2
        if i not in (1, 2):
            s *= 1.1
    return s


@right(BRANCHES, "`:=`", compiles=False)
def walrus(x, a):
    s = 0.0
    if (d := x[0] - a) > 0:
        s += d
    while (s := s + 0.3 * a * a) < 2.0:
        s += d * d * 0.01
    return s + d * d


@right(BRANCHES, "a variable of one branch only")
def one_branch(x, a):
    if a > 0:
        u = x[0] ** 2
    if a > 0:
        return u * a
    return a


@right(BRANCHES, "`and` and `or` as values")
def logic_values(x, n):
    m0 = n or 3
    k0 = n and 2
    return x[m0] ** 2 + x[k0]


@right(BRANCHES, "None until found: `if best is None or v < best`")
def best_of(x, a):
    best = None
    for i in range(x.size):
        v = x[i] ** 2 + a * x[i]
        if best is None or v < best:
            best = v
    if best is None:
        return a
    return best


@right(BRANCHES, "a callee that may return None")
def may_be_none(x, a):
    u = found_above(x, 0.0)
    v = found_above(x, 99.0)
    s = a * a
    if u is not None:
        s += u * u
    if v is not None:
        s += v
    return s


@njit
def found_above(values, level):
    for v in values:
        if v > level:
            return v
    return None


# ---------------------------------------------------------------- loops


@right(LOOPS, "`range` forwards, backwards and with steps")
def ranges(x, a, n):
    s = a
    for i in range(n):
        s = s * 0.9 + x[i]
    for i in range(n, -1, -1):
        s = s * x[i] * 0.5 + a
    for i in range(1, 6, 2):
        s += x[i] ** 2
    return s


@right(LOOPS, "`while` with a condition that an iteration changes")
def newton(a, b):
    u = 1.0
    change = 1.0
    count = 0
    while abs(change) > 1e-12 and count < 50:
        change = (u**3 + b * u - a - 3.0) / (3 * u * u + b)
        u -= change
        count += 1
    return u


@right(LOOPS, "`while True` with `break`")
def endless(x, a):
    u = a
    k = 0
    while True:
        u = math.sin(u) + 0.1 * x[k % 6]
        k += 1
        if k >= 9 or u > 5.0:
            break
    return u * u


@right(LOOPS, "`break` and `continue`, nested")
def breaks(m, a):
    s = 0.0
    for i in range(m.shape[0]):
        for j in range(m.shape[1]):
            if m[i, j] < -0.5:
                continue
            if m[i, j] > 0.9:
                break
            s += m[i, j] ** 2 * a
        s *= 1.1
    return s


@right(LOOPS, "`for ... else`")
def for_else(x, a):
    s = 0.0
    for i in range(x.size):
        if x[i] > 99.0:
            break
        s += x[i] * a
    else:
        s = s * s
    for i in range(x.size):
        if x[i] > 0:
            s += x[i] ** 3
            break
    else:
        s = 0.0
    return s


@right(LOOPS, "`while ... else: raise`")
def while_else(a):
    u = a + 1.0
    k = 0
    while k < 60:
        new = 0.5 * (u + (a + 1.0) / u)
        if abs(new - u) < 1e-13:
            break
        u = new
        k += 1
    else:
        raise RuntimeError("no convergence")
    return u**3


@right(LOOPS, "`for ... else: raise` and a return inside")
def for_else_return(a, b):
    lo, hi = -3.0, 3.0
    for _ in range(200):
        mid = 0.5 * (lo + hi)
        if abs(hi - lo) < 1e-3:
            return mid * a + b * b
        if mid**3 < 0.2:
            lo = mid
        else:
            hi = mid
    else:
        raise ValueError("no root")


@right(LOOPS, "a loop's variable read afterwards and changed inside")
def loop_variable(x, a):
    s = 0.0
    for i in range(x.size):
        if x[i] > 0.3:
            break
        i = i + 1
        s += i * a
    return s * s + i * a


@right(LOOPS, "`prange` with sums, products and extrema")
def prange_reductions(x, a):
    s = 0.0
    q = 1.0
    top = -1e9
    for i in prange(x.size):
        s += x[i] ** 2
        q *= 1.0 + a * x[i] * 0.1
        top = max(top, x[i] * a)
    return s * q + top


@right(LOOPS, "a loop that runs zero times")
def zero_trips(x, a):
    s = a * a
    u = a
    for i in range(x.size, 2):
        u = x[i]
        s += u
    return s * u


@right(LOOPS, "trip counts from the data", count=np.array([2, 0, 3, 1]))
def ragged(m, count):
    s = 0.0
    for i in range(count.size):
        u = 1.0
        for j in range(count[i]):
            u = u * m[i, j] + 0.3
        s += u * u
    return s


# ---------------------------------------------------------------- what a loop runs over


@right(OVER, "an array's elements")
def over_elements(x, a):
    s = 0.0
    for v in x:
        s += math.sin(v * a)
    return s


@right(OVER, "an array's rows")
def over_rows(m, a):
    s = 0.0
    for row in m:
        s += np.sum(row**2) * row[0] * a
    return s


@right(OVER, "rows that are written through the loop's variable")
def over_written_rows(m, a):
    work = m * a
    for row in work:
        row[0] = row[1] * row[2]
        row *= a
    return np.sum(work**2)


@right(OVER, "elements, while the array is written")
def over_elements_written(x, a):
    work = x * a
    s = 0.0
    i = 0
    for v in work:
        if i + 1 < work.size:
            work[i + 1] = v * v + work[i + 1]
        s += v * v
        i += 1
    return s


@right(OVER, "a part of an array, an expression")
def over_expression(x, y, a):
    s = 0.0
    for v in x[1:] * y[:-1]:
        s += v * v
    for v in x[::-2]:
        s = s * 0.5 + v * a
    return s


@right(OVER, "a transposed matrix")
def over_columns(m, a):
    s = 0.0
    for column in m.T:
        s = s * 0.7 + column[0] * column[3] * a
    return s


@right(OVER, "rows of rows")
def over_cells(m):
    s = 1.0
    for row in m:
        for v in row:
            s = s * 0.9 + v * v
    return s


@right(OVER, "an array of integers, used as subscripts")
def over_integers(x, ix):
    s = 0.0
    for i in ix:
        s = s * 0.5 + x[i] ** 2
    return s


@right(OVER, "`np.arange`")
def over_arange(x, n):
    s = 0.0
    for i in np.arange(n):
        s += x[i] ** 2 * i
    return s


@right(OVER, "`enumerate`")
def over_enumerate(x, a):
    s = 0.0
    for i, v in enumerate(x):
        s += v**2 * i * a
    return s


@right(OVER, "`enumerate` with a start, of a matrix")
def over_enumerate_start(m):
    s = 0.0
    for i, row in enumerate(m, 1):
        s += row[0] * row[1] ** i
    return s


@right(OVER, "`enumerate(range(...))`")
def over_enumerate_range(x):
    s = 0.0
    for k, i in enumerate(range(5, 0, -2)):
        s += x[i] ** 2 * (k + 1)
    return s


@right(OVER, "`zip`, to the end of the shortest")
def over_zip(x, y, m, a):
    s = 0.0
    for u, v, row in zip(x, y, m):
        s += u * v * row[1] ** 2 * a
    return s


@right(OVER, "`enumerate(zip(...))`, nested targets")
def over_enumerate_zip(x, y):
    s = 0.0
    for i, (u, v) in enumerate(zip(x, y)):
        s = s * 0.5 + i * u * v
    return s


@right(OVER, "`zip` of ranges and arrays")
def over_zip_range(x, n):
    s = 0.0
    for i, v in zip(range(n - 1, -1, -1), x):
        s += v * x[i] ** 2
    return s


@right(OVER, "`reversed(range(...))`", compiles=False)
def over_reversed_range(x, n):
    s = 0.0
    for i in reversed(range(n)):
        s = s * 0.5 + x[i] ** 2
    for i in reversed(range(1, n, 3)):
        s = s * x[i]
    return s


@right(OVER, "`reversed` of an array", compiles=False)
def over_reversed(x):
    s = 0.0
    for v in reversed(x):
        s = s * 0.5 + v * v
    return s


@right(OVER, "a tuple written out")
def over_tuple(x, a):
    s = 0.0
    for h in (0.1, 0.2, a):
        s += math.sin(h * x[0])
    for i in (0, 3, 1):
        s = s * x[i] + a
    return s


@right(OVER, "a tuple with `break` and `continue`")
def over_tuple_breaks(x, a):
    s = 0.0
    for i in (0, 3, 1, 4):
        if x[i] < -0.6:
            continue
        s = s * a + x[i]
        if s > 3.0:
            break
    else:
        s += a
    return s * s


@right(OVER, "a tuple of tuples, unpacked")
def over_pairs(x, a):
    s = 0.0
    for i, w in ((0, 0.5), (2, a), (1, 2.0)):
        s += w * x[i] ** 2
    return s


NODES = ((0.25, 0.5), (0.75, 1.5))


@right(OVER, "a tuple of the module")
def over_global_tuple(x, a):
    s = 0.0
    for node, weight in NODES:
        s += weight * math.exp(-a * node * x[0])
    return s


@right(OVER, "a tuple of arrays that is an argument", pair=(np.ones(3) * 0.5, np.arange(4.0)))
def over_tuple_argument(a, pair):
    s = a
    for part in pair:
        s = s * 0.5 + np.sum(part**2) * a
    return s


@right(OVER, "a tuple variable")
def over_tuple_variable(x, a):
    points = (x[0], a, x[1] * a)
    s = 0.0
    for u in points:
        s = s * 0.5 + u * u
    return s


@right(OVER, "a list written out")
def over_list(x, a):
    s = 0.0
    for h in [0.1, 0.2, a]:
        s += math.sin(h * x[0])
    return s


@right(OVER, "`np.ndindex`")
def over_ndindex(m, a):
    s = 0.0
    for i, j in np.ndindex(m.shape[0], m.shape[1]):
        s = s * 0.9 + m[i, j] ** 2 * a
    for i, j in np.ndindex(m.shape):
        s = s * 0.9 + m[i, j]
    return s


@right(OVER, "`np.ndenumerate`")
def over_ndenumerate(m, a):
    s = 0.0
    for (i, j), v in np.ndenumerate(m):
        s = s * 0.9 + v * v * a * (i + 2 * j)
    return s


@right(OVER, "`.ravel()`")
def over_ravel(m, a):
    s = 0.0
    for v in m.ravel():
        s = s * 0.9 + v * v * a
    return s


@right(OVER, "`.flat`, and its elements set")
def over_flat(m, a):
    s = 0.0
    scaled = m * a
    scaled.flat[2] *= a
    for v in scaled.flat:
        s = s * 0.9 + v * v * a
    return s * m.flat[4]


@refused(OVER, "`np.nditer`", "a loop over np.nditer()", "Its items are arrays of rank zero.")
def over_nditer(m, a):
    s = 0.0
    for v in np.nditer(m):  # !
        s = s * 0.9 + v.item() * a
    return s


@refused(
    OVER,
    "`break` out of `np.ndindex`",
    "break or else in a loop over np.ndindex",
    "It becomes one loop per axis, which one `break` does not leave.",
)
def over_ndindex_break(m, a):
    s = 0.0
    for i, j in np.ndindex(m.shape):  # !
        s = s * 0.9 + m[i, j] * a
        if s > 99.0:
            break
    return s


@right(OVER, "the loop's array rebound inside")
def over_rebound(x, a):
    s = 0.0
    for v in x:
        x = x[:2] * a
        s = s * 0.5 + v * x[0]
    return s


@right(OVER, "a generator's arrays: `for v in x[mask]`")
def over_mask(x, a):
    s = 0.0
    for v in x[x > -0.2]:
        s = s * 0.5 + v * a
    return s


# ---------------------------------------------------------------- returns


@right(RETURNS, "several returns")
def several_returns(x, a):
    if a < 0:
        return x[0]
    if x[0] > 5.0:
        return x[1] * a
    return x[0] * x[1] * a


@right(RETURNS, "a return in nested loops")
def return_in_loops(m, a):
    s = 0.0
    for i in range(m.shape[0]):
        for j in range(m.shape[1]):
            s += m[i, j] ** 2
            if s > 2.0:
                return s * a
    return s


@right(RETURNS, "returns of an integer here and a float there")
def mixed_returns(x, a):
    if a > 99:
        return 0
    return a * x[0]


@right(RETURNS, "the return of a callee's branch that is a literal")
def literal_return(x, a):
    s = 0.0
    for v in x:
        s += relu(v) * a + step(v) * v
    return s


@njit
def relu(u):
    if u <= 0:
        return 0
    return u


@njit
def step(u):
    return 1.0 if u > 0 else 0.0


# ---------------------------------------------------------------- exceptions


@right(ERRORS, "`raise` with a text")
def raises(x, a):
    if a < 0:
        raise ValueError("a must be positive")
    return np.sum(x) * math.sqrt(a)


@right(ERRORS, "`raise` with values in the text")
def raises_formatted(x, a, n):
    if n > 99:
        raise ValueError(f"n is {n}, too large")
    if n > 98:
        raise ValueError("n is", n)
    return np.sum(x) * a**n


@right(ERRORS, "`raise` of a class without a text, `raise NotImplementedError`")
def raises_class(x, a):
    if a > 99:
        raise NotImplementedError
    return x[0] * a


class Diverged(Exception):
    pass


@right(ERRORS, "an exception class of the module")
def raises_own(x, a):
    if a > 99:
        raise Diverged("a")
    return x[0] * a


@right(ERRORS, "`assert`, with and without a text")
def asserts(x, a):
    assert x.size > 2
    assert a > -9.0, "a is small"
    return x[0] * a * x[1]


@refused(
    ERRORS,
    "`with objmode`",
    "'with objmode' is not supported",
    "What the interpreter does has no source to differentiate.",
)
def object_mode(x, a):
    with objmode(s="float64"):  # !
        s = float(x.sum())
    return s * a


@right(OVER, "a range with a name")
def named_range(x, a, n):
    places = range(1, n)
    if a > 99:
        places = range(n, 0, -1)
    s = 0.0
    for i in places:
        s = s * a + x[i] ** 2
    return s


@right(RETURNS, "a function that might end without a return, and does not")
def falls_off(x, a):
    if a > 0:
        return x[0] ** 2 * a
    elif a <= 0:
        return x[1]
