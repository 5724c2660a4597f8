"""Constructs that meet: in one function, in loops, and through calls."""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange

from tests.constructs.entries import Table

TABLE = Table()
right, refused = TABLE.right, TABLE.refused


@right("Together", "enumerate var read after the loop")
def read_after(x, a):
    s = 0.0
    for i, v in enumerate(x):
        s += v * v
        if s > 1.0:
            break
    return s * i + v * a


@right("Together", "enumerate changed inside")
def changed_inside(x, a):
    s = 0.0
    for i, v in enumerate(x):
        i += 2
        v *= a
        s += v * i
    return s * i * v


@right("Together", "nested same names")
def same_names(x, m):
    s = 0.0
    for i, v in enumerate(x[:3]):
        for i, v in enumerate(m[i]):
            s += v * v * i
        s *= 1.1 * v
    return s


@right("Together", "zip with early exit and else")
def zip_else(x, y, a):
    s = 0.0
    for u, v in zip(x, y):
        if u * v > 9:
            break
        if u > 0:
            continue
        s += u * v * a
    else:
        s = s * s
    return s


@right("Together", "return inside an iteration")
def return_inside(x, a):
    for i, v in enumerate(x):
        if v > -0.2 and i > 0:
            return v * v * a * i
    return a


@right("Together", "loop over rows, rebinding row")
def row_rebound(m, a):
    s = 0.0
    for row in m:
        row = row * a
        row[0] += row[1] * row[2]
        s += np.sum(row**2)
    return s


@right("Together", "rows of a written matrix, previous row kept")
def previous_row(m, a):
    u = m * 1.0
    prev = u[0]
    s = 0.0
    for row in u:
        for j in range(row.size):
            row[j] = row[j] * a + prev[j] * prev[j]
        prev = row
        s = s * 0.5 + row[1] ** 2
    return s


@right("Together", "closure over loop variable")
def closure_in_loop(x, a):
    s = 0.0
    for i in range(x.size):
        f = lambda u: u * x[i] + a
        s += f(x[i]) * f(2.0)
    return s


@right("Together", "closure late binding")
def late_binding(x, a):
    c0 = a
    f = lambda u: u * c0
    s = f(x[0])
    c0 = a * a
    return s + f(x[1])


@right("Together", "inner function with loops, returns, calling another inner function")
def inner_functions(x, a):
    def g(u):
        return u * u * a

    def h(v, n):
        s = v
        for i in range(n):
            if s > 3.0:
                return g(s)
            s = g(s) + x[i]
        return s

    return h(x[0], 3) + h(x[1], 5) + g(x[2])


@right("Together", "inner writes outer array")
def inner_writes(x, a):
    out = np.zeros(3)

    def put(k, v):
        out[k] = v * v * a

    for k in range(3):
        put(k, x[k])
    put(1, out[0])
    return np.sum(out**2)


@right("Together", "inner function local shadows outer name")
def inner_shadows(x, a):
    t = x[0]

    def g(u):
        t = u * a
        return t * t

    s = g(x[1])
    return s * t


@right("Together", "nullable in nested loops")
def best_in_rows(m, a):
    s = 0.0
    for i in range(m.shape[0]):
        best = None
        arg = -1
        for j in range(m.shape[1]):
            v = m[i, j] * a
            if best is None or v > best:
                best = v
                arg = j
        if best is not None:
            s += best * best * (arg + 1)
    return s


@right("Together", "None reset in the loop")
def none_again(x, a):
    prev = None
    s = 0.0
    for v in x:
        if prev is not None:
            s += prev * v * a
        prev = v if v > 0 else None
    return s


@right("Together", "None and else chain")
def two_nones(x, a):
    lo = None
    hi = None
    for v in x:
        if lo is None:
            lo = v
        elif hi is None:
            hi = v * v
        else:
            lo, hi = hi, lo * v
    if lo is None or hi is None:
        return a
    return lo * hi * a


@right("Together", "callee maybe None in a loop")
def maybe_in_loop(x, a):
    s = 0.0
    for i in range(x.size):
        r = pick(x, i)
        if r is None:
            s += a
        else:
            s += r * r
    return s


@njit
def pick(x, i):
    if x[i] > 0:
        return x[i] * i
    return None


@njit
def pick2(x, i):
    if x[i] > 0:
        return x[i] * i


@right("Together", "falls off the end")
def falls_off(x, a):
    s = 0.0
    for i in range(x.size):
        r = pick2(x, i)
        if r is not None:
            s += r * a
    return s


@right("Together", "maybe None handed to a callee")
def none_handed_on(x, a):
    s = 0.0
    for i in range(x.size):
        s += or_else(pick(x, i), a)
    return s


@njit
def or_else(u, v):
    if u is None:
        return v
    return u * v


@right("Together", "optional arg in loop with default in callee")
def optional_arguments(x, p):
    return chisq(x, p) + chisq(x, p, p * x) + chisq(x, p, None, 2.0)


@njit
def chisq(x, mod, w=None, scale=None):
    s = 0.0
    for i in range(x.size):
        r = x[i] - mod[i]
        if w is not None:
            r = r * w[i]
        if scale is not None:
            r /= scale
        s += r * r
    if w is None and scale is None:
        s *= 0.5
    return s


@right("Together", "star args mixture")
def stars(x, a):
    t = (a, 2.0)
    return five(x[0], *t, x[1], *(x[2],)) + five(*x5(x), x[3])


@njit
def x5(x):
    return x[0], x[1], x[2] * x[3], 1.5


@njit
def five(a, b, c, d, e):
    return a * b + c * d * e + a * a


@right("Together", "star varargs indexing and len")
def rest_indexed(x, a):
    return va(x[0], a, x[1], x[2]) + va(a, x[1])


@njit
def va(first, *rest):
    s = first
    for k in range(len(rest)):
        s = s * 0.5 + rest[k] ** 2
    if len(rest) > 1:
        s += rest[0] * rest[-1]
    return s


@right("Together", "odeint style: f(t, y, *args), kernels write")
def write_derivatives(x, a):
    y = x[:2] * 1.0
    dy = np.empty(2)
    t = 0.0
    for _ in range(5):
        lotka(t, y, dy, a, 0.3)
        y = y + 0.1 * dy
        t += 0.1
    return np.sum(y**2)


@njit
def lotka(t, y, dy, al, be):
    dy[0] = al * y[0] - be * y[0] * y[1]
    dy[1] = -y[1] + be * y[0] * y[1] + t


@right("Together", "rk4 with a kernel argument and args")
def runge_kutta(x, a):
    return rk4(rhs, x[0], 0.1, 5, a, x[1])


@njit
def rhs(t, y, a, b):
    return a * y - b * y * y * math.sin(t)


@njit
def rk4(f, y, h, n, *args):
    t = 0.0
    for i in range(n):
        k1 = f(t, y, *args)
        k2 = f(t + h / 2, y + h / 2 * k1, *args)
        k3 = f(t + h / 2, y + h / 2 * k2, *args)
        k4 = f(t + h, y + h * k3, *args)
        y += h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        t += h
    return y


@right("Together", "brentq style with tuple result", compiles=False)
def bisection(a, b):
    root, it, ok = bisect(poly, -3.0, 3.0, (a, b))
    return root * a if ok else b


@njit
def poly(u, a, b):
    return u**3 + a * u + b


@njit
def bisect(f, lo, hi, args=(), tol=1e-2, maxiter=100):
    flo = f(lo, *args)
    for it in range(maxiter):
        mid = 0.5 * (lo + hi)
        fm = f(mid, *args)
        if fm == 0 or hi - lo < tol:
            h = fm / (3 * mid * mid + args[0])
            return mid - h, it, True
        if (fm > 0) == (flo > 0):
            lo, flo = mid, fm
        else:
            hi = mid
    else:
        raise RuntimeError("no convergence after %d iterations" % maxiter)


@right("Together", "memoised powers table")
def powers(x, n):
    pw = np.ones(n + 1)
    for i in range(1, n + 1):
        pw[i] = pw[i - 1] * x[0]
    s = 0
    for i, q in enumerate(pw):
        s += q / (i + 1)
    return s


@right("Together", "int accumulators and division")
def mean_of_positive(x):
    n = 0
    s = 0
    for v in x:
        if v > 0:
            n += 1
            s += v
    return s / n if n > 0 else 0.0


@right("Together", "booleans as flags through loops")
def flags(x, a):
    found = False
    s = a
    i = 0
    while not found and i < x.size:
        found = x[i] < -0.5
        s += x[i] ** 2
        i += 1
    return s if found else -s * a


@right("Together", "ternary arrays and tuple ternary")
def chosen_arrays(x, y, a):
    u, v = (x, y) if a > 0 else (y, x)
    w = u if v[0] > 0 else v * 2
    return np.sum(w**2 * u) * v[1]


@right("Together", "swap elements of array, sort-like")
def bubble_sort(x, a):
    u = x * a
    n = len(u)
    for i in range(n):
        for j in range(n - 1 - i):
            if u[j] > u[j + 1]:
                u[j], u[j + 1] = u[j + 1], u[j]
    s = 0.0
    for i, v in enumerate(u):
        s += v * v * i
    return s


@right("Together", "quicksort-like in place recursion: to a known depth")
def tree_recursion(x, a):
    return tree_sum(x, 0, 4, 2) * a


@njit
def tree_sum(x, lo, hi, depth):
    if depth == 0:
        s = 0.0
        for i in range(lo, hi):
            s += x[i] ** 2
        return s
    mid = (lo + hi) // 2
    return tree_sum(x, lo, mid, depth - 1) + 2.0 * tree_sum(x, mid, hi, depth - 1)


@right("Together", "tail recursion with arrays and early outs")
def tail_with_arrays(x, a):
    return descend(x, 0, a)


@njit
def descend(x, i, acc):
    if i >= x.size:
        return acc
    if x[i] > 0:
        return descend(x, i + 1, acc * x[i] + 0.1)
    else:
        acc = acc + 1.0
    return descend(x, i + 1, acc - x[i] ** 2)


@right("Together", "tail recursion newton")
def tail_newton(a):
    return newton_rec(a + 2.0, 1.0, 0)


@njit
def newton_rec(c, u, k):
    new = 0.5 * (u + c / u)
    return new if abs(new - u) < 1e-13 or k > 50 else newton_rec(c, new, k + 1)


@right("Together", "the function itself tail recursive", compiles=False)
def own_tail(x, a, k=0):
    if k >= x.size:
        return a
    return own_tail(x, a * x[k] + 0.5, k + 1)


@right("Together", "in with chars and ranges")
def among(x, n):
    s = 0.0
    for i in range(x.size):
        if i in (n, n - 2) or i not in (0, 1, 2, 3):
            s += x[i] ** 2
    return s


@right("Together", "zip over enumerate reversed", compiles=False)
def zip_of_all(x, y):
    s = 0.0
    for (i, u), v in zip(enumerate(x), reversed(y)):
        s = s * 0.5 + i * u * v
    return s


@right("Together", "zip tuple and array")
def zip_tuple(x, a):
    s = 0.0
    for c0, v in zip((a, 2.0, a * a), x):
        s = s * v + c0
    return s


@right("Together", "prange enumerate rows")
def parallel_rows(m, a):
    out = np.zeros(m.shape[0])
    for i in prange(m.shape[0]):
        for j, v in enumerate(m[i]):
            out[i] += v * v * a * j
    return np.sum(out**2)


@right("Together", "a loop over a boolean array")
def over_booleans(x, a):
    mask = x > 0
    s = 0.0
    for i, flag in enumerate(mask):
        if flag:
            s += x[i] * a
        else:
            s *= 0.5
    return s


@right("Together", "for over complex array")
def over_complex(w, a):
    s = 0j
    for v in w:
        s = s * 0.5 + v * v * a
    return abs(s)


@right("Together", "for over 3d")
def over_planes(t):
    s = 0.0
    for plane in t:
        for row in plane:
            for v in row:
                s = s * 0.9 + v * v
    return s


@right("Together", "gauss points")
def gauss_points(a, b):
    s = 0.0
    for xi, wi in zip((-0.774596669241483, 0.0, 0.774596669241483), (5 / 9, 8 / 9, 5 / 9)):
        s += wi * math.exp(-((0.5 * (b - a) * xi + 0.5 * (a + b)) ** 2))
    return 0.5 * (b - a) * s


@right("Together", "aliases of arrays in a while loop with None")
def old_array(x, a):
    cur = x * a
    old = None
    k = 0
    while k < 3:
        if old is not None:
            cur = cur + 0.1 * old * old
        old = cur
        k += 1
    return np.sum(cur**2)


@right("Together", "assert in the loops and chained")
def asserts_in_loops(x, a):
    s = 0.0
    for i in range(x.size):
        assert -10 < x[i] < 10, "range"
        s += x[i] ** 2
    assert s >= 0.0
    return s * a


@right("Functions as values", "`nonlocal` in a function inside", compiles=False)
def uses_nonlocal(x, a):
    total = a

    def add(v):
        nonlocal total
        total += v * v
        return total

    s = add(x[0]) * add(x[1])
    return s * total


@right("Functions as values", "`nonlocal` of a name that is a literal in both", compiles=False)
def nonlocal_literal(x, a):
    n = 3

    def change(v):
        nonlocal n
        n = 4
        return v * n

    return change(x[0]) * n * a


@right("Branches", "`:=` beside what it assigns", compiles=False)
def walrus_beside(x, a):
    s = a + (a := x[0] * a) * a
    t = (s, (s := s * s), s)
    while (a := a * 0.5 + 0.01) > 0.3 and a < 9:
        s += a
    return t[0] * t[1] + t[2] * s


@right("Branches", '`"w" in p`, a dict', compiles=False)
def key_in_dict(x, a):
    p = {"w": x[0], "b": a}
    s = p["w"] ** 2 if "w" in p else p["b"]
    return s if "c" in p else s * p["b"]


@refused(
    "What a loop runs over",
    "`break` or `continue` where it runs over a dict",
    "break or continue in a loop over a dict",
    "The loop is written out.",
)
def over_dict(x, a):
    p = {"w": x[0], "b": a}
    s = 0.0
    for key in p:  # !
        if a > 2.0:
            break
        s += p[key]
    return s


@refused(
    "Assignment", "a dict unpacked", "unpacking a dict is not supported", "These are its keys."
)
def unpacked_dict(x, a):
    p = {"w": x[0], "b": a}
    u, v = p  # !
    return u * v
