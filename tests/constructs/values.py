"""Assignments, numbers, arrays, and what is written where."""

from __future__ import annotations

import cmath
import math

import numba
import numpy as np
from numba import njit

from tests.constructs.entries import Table

TABLE = Table()
right, refused = TABLE.right, TABLE.refused
ASSIGN = "Assignment"
TYPES = "Types of variables"
ARRAYS = "Arrays"
DRAWS = "Random numbers"
GLOBALS = "Names of the module"
OTHER = "Other statements"

G = 9.81
TABLE_OF_WEIGHTS = np.array([0.5, 1.5, -0.7, 0.2, 1.1, 0.9])
PAIR = (2.0, 0.5)
DEBUG = False
LIMITS = {"low": 0.5, "high": 2.0}


@right(ASSIGN, "unpacking of tuples and shapes")
def unpacking(m, a):
    rows, cols = m.shape
    (u, v), w0 = (m[0, 0], a), m[1, 1]
    [r, q] = u * v, w0
    return r * q * rows + cols * a


@right(ASSIGN, "unpacking of an array")
def unpacking_array(x, m):
    u, v, w0 = x[:3]
    p0, q0, r0 = m[1]
    return u * v * w0 + p0 * q0**2 * r0


@right(ASSIGN, "unpacking of an argument that is an array", x=np.array([0.3, -0.8]))
def unpacking_parameter(x, a):
    u, v = x
    return u * u * v + a * v


@right(ASSIGN, "swaps and rotations")
def swaps(x, a):
    u, v = a, x[0]
    for i in range(5):
        u, v = v * x[i], u + v
    x[0], x[1] = x[1] * a, x[0]
    x[0], u, v = u, v, x[0]
    return u * v + x[0] * x[1]


@right(ASSIGN, "swapped arrays in a time loop")
def swapped_arrays(x, a):
    old = x * 1.0
    new = np.zeros_like(x)
    for _ in range(4):
        for i in range(1, x.size - 1):
            new[i] = old[i] + a * (old[i - 1] - 2 * old[i] + old[i + 1]) + 0.1 * old[i] ** 2
        old, new = new, old
    return np.sum(old**2)


@right(ASSIGN, "several targets: `a = b = 0.0`")
def several_targets(x, a):
    s = q = 0.0
    for i in range(x.size):
        s += x[i]
        q += x[i] ** 2 * a
    return s * q


@right(ASSIGN, "augmented assignment of every operator")
def augmented(x, a, n):
    s = a
    s += x[0]
    s -= x[1] * s
    s *= a
    s /= x[2]
    s **= 2
    s %= 0.7
    k0 = n
    k0 //= 2
    k0 <<= 2
    k0 |= 1
    k0 &= 7
    k0 ^= 2
    k0 >>= 1
    return s * k0


@right(ASSIGN, "augmented assignment of elements")
def augmented_elements(x, a):
    u = x * 1.0
    for i in range(1, u.size):
        u[i] += u[i - 1]
        u[i] -= a * u[i]
        u[i] *= u[i - 1]
        u[i] /= 1.5 + a
        u[i] **= 2
    return np.sum(u)


@right(ASSIGN, "augmented assignment of parts and whole arrays", compiles=False)
def augmented_parts(m, x, a):
    u = m.copy()
    u += 1.0
    u[1:] *= a
    u[:, 0] -= x[:4]
    u[0] /= 1.5
    u **= 2
    u[2, :] += u[0] * u[1]
    u[u > 1.0] *= 0.5
    return np.sum(u**2)


@right(ASSIGN, "`a @= b`", compiles=False)
def augmented_product(m, a):
    u = m[:3].copy()
    u @= m[1:] * a
    return np.sum(u**2)


@right(ASSIGN, "annotated assignments")
def annotated(x, a):
    s: float = 0.0
    k: int
    for i in range(x.size):
        k = i + 1
        s += x[i] ** 2 * k
    return s * a


# ---------------------------------------------------------------- types


@right(TYPES, "integers that become floats in a loop")
def integer_then_float(x, a):
    result = 0
    for i in range(x.size):
        result += x[i] * a
    product = 1
    for i in range(x.size):
        product *= x[i]
    return result * product


@right(TYPES, "an integer here, a float there")
def integer_or_float(x, a):
    s = 0
    if a > 0:
        s = a * x[0]
    d = 1 if x[1] > 99 else x[1]
    return s * d


@right(TYPES, "an integer in a branch, and a float that the iteration before has left")
def integer_or_float_of_before(x, a):
    u = a
    for i in range(x.size):
        if i % 2 == 0:
            s = 1
        u = np.sin(u * x[i]) * s + a
        s = u * a
    return u * s


@right(TYPES, "the same with `break`, branches that join, and a `while`")
def integer_or_float_joined(x, a):
    u, k = a, 0
    while k < x.size:
        if k % 2 == 0:
            s, r = 1, 2
        u = np.sin(u * x[k]) * s + a * r
        if u > 0.2:
            s, r = r, u
        elif u > 3.0:
            break
        else:
            s = 3
        k += 1
    return u * s


@right(TYPES, "a copy of a float that the iteration before has left")
def copied_of_before(x, a):
    u = 3.0
    for i in range(x.size):
        if u > 0.5:
            s = c = u - a
        if abs(s) > 0.5:
            s = c
            c = u * x[i]
        else:
            s = c = u
        u = np.sin(c) + a
    return u * s


@right(TYPES, "texts and tuples that the iteration before has left")
def text_of_before(x, a):
    u = a
    for i in range(x.size):
        if i % 3 == 0:
            mode, p = "a", (1, 2)
        u = np.sin(u + x[i]) * p[0] if mode == "a" else np.cos(u) * a * p[1]
        if u > 0.3:
            mode, p = "b", (2, 3)
    return u * a


@right(TYPES, "a tuple of an inner loop that runs in early iterations only")
def tuple_of_inner_loop(x, a):
    s = a
    for i in range(4):
        if s > 30.0:
            break
        for k in range(2 - i):
            pair = (x[k] * s, x[i] + s)
        first, second = pair
        s += first * second
    return s


@refused(
    TYPES,
    "a tuple of integers in a branch, and of floats that the iteration before has left",
    "p is UniTuple(int64 x 2) on one path, and UniTuple(float64 x 2) on another",
    "Its items have the types of the first.",
)
def tuple_of_before(x, a):
    u = a
    for i in range(x.size):
        if i % 2 == 0:  # !
            p = (1, 2)
        u = np.sin(u) * p[0] + x[i] * p[1]
        p = (u, u * a)
    return u


@right(TYPES, "a parameter rebound to another type")
def rebound_parameter(x, n):
    n = n * 0.5
    x = np.sum(x * n)
    x = x * x
    return x


@right(TYPES, "a parameter rebound in a branch")
def rebound_in_branch(x, a, n):
    if a > 0:
        n = a * n
    if x[0] > 99:
        x = x * 2
    return np.sum(x**2) * n


@right(TYPES, "a name for a float, then an array, then an integer")
def rebound_name(x, a):
    u = a * a
    s = u
    u = x * u
    s += u[0] * u[1]
    u = x.size
    return s * u


@right(TYPES, "float32 locals in float64 code", tolerance=1e-2)
def single_locals(x, a):
    s = np.float32(0.0)
    for i in range(x.size):
        s += np.float32(x[i]) * np.float32(a)
    return s * a


@right(TYPES, "float32 arrays in float64 code", tolerance=1e-2)
def single_arrays(x, a):
    u = np.zeros(x.size, dtype=np.float32)
    for i in range(x.size):
        u[i] = x[i] * a
    return np.sum(u * u)


@right(TYPES, "conversions: `float`, `int`, `round`, `np.float64`, `bool`")
def conversions(x, a, n):
    k0 = int(x[0] * 3.0)
    return float(n) * a + np.float64(k0) * x[1] + int(round(a)) * x[2] + bool(n) * x[3]


@right(TYPES, "booleans in arithmetic")
def booleans(x, a):
    s = 0.0
    for i in range(x.size):
        s += (x[i] > 0) * x[i] ** 2
        up = x[i] > 0.3
        s += up * a
    return s


@right(TYPES, "integer arithmetic for subscripts")
def integers(x, n, k):
    s = 0.0
    for i in range(n):
        s += x[(i * k + 1) % x.size] * x[i // k] * (1 << i) + (i & 1) - (-i) // 2
    return s


@right(TYPES, "complex128 in loops")
def complex_loop(w, a):
    z = 0.0 + 0.0j
    for i in range(w.size):
        z = z * z * 0.3 + w[i] * a
    return abs(z) + z.real


@right(TYPES, "complex from reals, `cmath`")
def complex_from_reals(x, a):
    s = 0j
    for i in range(x.size):
        s += cmath.exp(1j * a * x[i]) * complex(x[i], a)
    return (s * s.conjugate()).real + s.imag


# ---------------------------------------------------------------- arrays


@right(ARRAYS, "`np.empty_like`, `.copy()`, `.shape`, `.size`, `.ndim`, `len`")
def array_attributes(x, m):
    u = np.empty_like(x)
    for i in range(len(x)):
        u[i] = x[i] ** 2 * m.shape[0]
    v = u.copy()
    v[0] = u[1] * u.size
    return np.sum(u * v) * m.ndim + np.sum(np.copy(m) ** 2)


@right(ARRAYS, "`dtype=x.dtype`, `np.zeros((n, m))`")
def array_dtypes(x, n):
    u = np.zeros((n, 2), dtype=x.dtype)
    v = np.full(n, 0.5)
    for i in range(n):
        u[i, 0] = x[i]
        u[i, 1] = x[i] * v[i]
    return np.sum(u**3)


@right(ARRAYS, "`np.unique`, subscripts that a mask selects")
def unique_and_selected(x, y, a, ix):
    mask = (x > -9.0)[ix] & (y > 0.0)[ix]
    products = x[ix[mask]] * y[ix[mask]]
    s = 0.0
    for i, v in zip(ix[mask], products):
        s += v * v * (i + 1)
    for i, v in enumerate(np.unique(np.floor(y) + 0.5)):
        s += v * a * (i + 1)
    return s + np.unique(ix).size * np.sum(np.unique(x) ** 2)


@right(ARRAYS, "`dtype = x.dtype`, a name for it")
def named_dtype(x, a):
    kind = x.dtype
    y = np.zeros(x.size, kind)
    for i in range(x.size):
        y[i] = x[i] ** 2 * a
    return np.sum(y * np.ones(x.size, dtype=kind))


@right(ARRAYS, "`v[..., 0]` of a vector")
def dots_of_vector(x, a):
    out = np.empty_like(x)
    out[..., 0] = x[..., 1] ** 2
    out[..., 1:] = x[..., 0] * x[1:] * a
    return np.sum(out**3)


@right(ARRAYS, "negative subscripts and subscripts of subscripts")
def negative(x, m, ix):
    s = x[-1] * x[-2] + m[-1, -1] ** 2
    for i in range(ix.size):
        s += x[ix[i]] * x[-1 - i]
    return s


@right(ARRAYS, "`m[i][j]`")
def twice_subscripted(m):
    u = m * 1.0
    u[1][2] = u[0][1] * 3.0
    u[2][0] += u[1][2]
    return np.sum(u**2)


@right(ARRAYS, "views, views of views, aliases")
def views(x, m):
    u = x * 1.0
    part = u[1:5]
    inner = part[::2]
    inner[0] = x[0] ** 2
    other = u
    other[4] *= 3.0
    row = m[1]
    return np.sum(u**2) + row[0] * row[1]


@right(ARRAYS, "arguments written, then read")
def writes_arguments(x, y, a):
    for i in range(1, x.size):
        x[i] = x[i] * x[i - 1] + y[i]
        y[i] = a * x[i]
    return np.sum(x) + np.sum(y**2)


@right(ARRAYS, "a row as an argument of a function that writes")
def rows_written(m, a):
    u = m * 1.0
    for i in range(1, u.shape[0]):
        relax_row(u[i - 1], u[i], a)
    return np.sum(u**2)


@njit
def relax_row(above, row, a):
    for j in range(row.size):
        row[j] = row[j] * a + above[j] ** 2


@right(ARRAYS, "strided and transposed arguments", x=np.arange(12.0)[::2] * 0.1, layout=True)
def any_layout(x, m):
    return np.sum(x**2) + np.sum(m.T[0] * m[:, 1])


@right(ARRAYS, "small arrays made in every iteration")
def small_arrays(x, a):
    s = 0.0
    for i in range(x.size):
        r = np.array([x[i], a, x[i] * a])
        d = np.zeros(3)
        d[0] = r[1] * r[2]
        d[1:] = r[:2] * a
        s += np.sum(d * r)
    return s


@right(ARRAYS, "a cumulative recursion over two arrays")
def recursion_over_arrays(x, p, a):
    h = np.zeros(x.size + 1)
    e = np.empty(x.size)
    h[0] = a
    for i in range(x.size):
        e[i] = x[i] / math.sqrt(abs(h[i]) + 1.0)
        h[i + 1] = 0.1 + 0.2 * e[i] ** 2 + 0.7 * h[i] * p[i]
    return np.sum(h) + np.sum(e**3)


@right(ARRAYS, "`.flatten()`, `.ravel()`, `.reshape()`")
def flattened(m, a):
    return m.ravel()[4] ** 2 * a + np.sum(m.flatten()[::2] ** 2) + m.reshape(-1)[2]


@right(ARRAYS, "an array of one element as a number")
def one_element(x, a):
    u = np.zeros(1)
    u[0] = x[0] * a
    return u[0] ** 2


@right(ARRAYS, "`for` over the axes: `m.shape[k]`, `len(m.shape)`")
def over_axes(m, a):
    s = a
    for k in range(m.ndim):
        s *= m.shape[k]
    return s + np.sum(m**2) * len(m.shape)


# ---------------------------------------------------------------- random numbers


@right(DRAWS, "draws with a seed in the function", numba_draws=True)
def draws(x, a):
    np.random.seed(42)
    s = 0.0
    for i in range(x.size):
        s += math.exp(a * np.random.normal(0.0, 1.0)) * x[i]
        if np.random.random() < 0.5:
            s += np.random.uniform(0.0, a) * x[i] ** 2
    return s


# ---------------------------------------------------------------- names of the module


@right(GLOBALS, "numbers, tuples and arrays of the module")
def module_names(x, a):
    s = G * a + PAIR[0] * x[0] + math.pi
    for i in range(TABLE_OF_WEIGHTS.size):
        s += TABLE_OF_WEIGHTS[i] * x[i] ** 2
    low, high = PAIR
    return s * low - high


@right(GLOBALS, "a branch on a constant of the module")
def module_flag(x, a):
    s = x[0] * a
    if DEBUG:
        print("never", s)
    return s * s


@right(GLOBALS, "a branch on a name that has one value, `trace = False`: what it calls is left out")
def local_flag(x, a):
    trace = False
    kind = 2
    s = x[0] * a
    if trace:
        return module_flag(x, s)
    if kind == 1:
        return module_flag(x, a)
    return s * s * kind


@right(GLOBALS, "`np.finfo`, `np.iinfo`, `math.inf`, `np.pi`")
def machine_limits(x, a):
    eps = np.finfo(np.float64).eps
    best = np.inf
    for v in x:
        best = min(best, v * v)
    return best / (a + eps) + np.pi * x[0] + np.iinfo(np.int32).max * 1e-9 * a


# ---------------------------------------------------------------- other statements


@right(OTHER, "`pass`, docstrings, statements without effect")
def passes(x, a):
    """What it does."""
    for _ in range(3):
        pass
    if a > 0:
        """A remark."""
    else:
        ...
    return x[0] * a


@right(OTHER, "`del`", compiles=False)
def deletes(x, a):
    u = x * a
    s = np.sum(u**2)
    del u
    return s


@right(OTHER, "`print`")
def prints(x, a, n):
    if n > 99:
        print("too many", n)
    return x[0] * a


@right(OTHER, "an import in the function", compiles=False)
def imports(x, a):
    import math as mm

    return mm.sin(x[0]) * a


@refused(OTHER, "`global`", "'global' is not supported", "Numba takes globals as constants.")
def assigns_global(x, a):
    global DEBUG  # !
    DEBUG = a
    return x[0] * a


@refused(
    OTHER,
    "writing into an array of the module",
    "'TABLE_OF_WEIGHTS' is captured, and so read-only",
    "As in Numba.",
)
def writes_captured(x, a):
    TABLE_OF_WEIGHTS[0] = a  # !
    return x[0] * a


@refused(OTHER, "generators", "yield is not supported", "A generator's frame has no end.")
def generator(x, a):
    i = 0
    while i < x.size:
        yield x[i] * a  # !
        i += 1


@right(ARRAYS, "a tuple's item by a subscript known at run time", t=(0.5, 1.5, -0.7))
def tuple_item(x, t):
    s = 0.0
    for i in range(3):
        s += t[i] * x[i] ** 2 + t[2 - i] * t[-1 - i]
    k = 1
    while t[k] > 0:
        k += 1
    return s * k


@right(ARRAYS, "an array out of a tuple by a subscript known at run time")
def tuple_array(x, y, a):
    both = (x * a, y)
    s = 0.0
    for i in range(4):
        part = both[i % 2]
        part[i] = part[i + 1] * a
        s += part[i] ** 2
    return s + np.sum(x * y)


@right(TYPES, "`type(x)(0)`, `numba.float64(x)`")
def types_of_values(x, a, n):
    one = type(a)(1)
    t = type(x[0])
    s = t(0)
    for v in x:
        s += v * numba.float64(n) * one
    return s * type(n)(2.7) * a


@right(TYPES, "`x.dtype.type(0)`, and a name for it")
def types_of_elements(x, a, ix):
    number = x.dtype.type(a)
    kind = x.dtype
    one = x.dtype.type
    z = np.zeros(x.size, dtype=one)
    s = one(0)
    near = x[0] == one(0.0)
    for i in range(min(x.size, 4 if near else 5)):
        z[i] = x[i] * number * one(a)
        s += z[i] * x[i]
    return s * kind.type(2) * ix.dtype.type(2.7)


@right(TYPES, "`max([a, b])`, `min((a, b, c))` of items written out")
def extremes_of_items(x, a):
    return max([x[0], x[1] * a, x[2]]) * min((x[3], a, x[4])) + max([a]) + min([2 * a, 1.0])


@right("Branches", "`flag is True`, `flag is not False`", flag=True)
def is_true(x, a, flag):
    if flag is True:
        return x[0] * a
    if flag is not False:
        return x[1]
    return a


@right(ARRAYS, "`m.shape[:-1]`, `t[1:]` of tuples")
def tuple_slices(m, x, a):
    (rows,) = m.shape[:-1]
    parts = (a, x[0], x[1] * a)
    u, v = parts[1:]
    s = 0.0
    for w in parts[::2]:
        s += w * w
    return s * u * v * rows + parts[:2][0]


@right(ARRAYS, "`i in indices`, an array")
def in_array(x, ix, a):
    s = 0.0
    for i in range(x.size):
        if i in ix[:3]:
            s += x[i] ** 2 * a
        if i not in ix:
            s *= 0.9
    return s


@right(TYPES, "`dtype = np.float64`, a type with a name", dtype=np.float64)
def named_types(x, a, dtype=np.float64):
    kind = np.float64
    u = np.zeros(3, dtype=dtype)
    u[0] = kind(3) * x[0]
    v = np.ones(3, kind) * a
    return np.sum(u * v)
