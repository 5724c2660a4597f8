"""More constructs that meet: what a call, a loop and None make of each other."""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange

from tests.constructs import kernels
from tests.constructs.entries import Table

TABLE = Table()
right = TABLE.right


@right("Together", "stale arity")
def stale_arity(x, a):
    t = (x[0], a)
    s = 0.0
    for v in t:
        s += v * v
    t = np.zeros(4)
    t[2] = a * x[1]
    for v in t:
        s += v * v
    return s


@right("Together", "while with None")
def while_with_none(x, a):
    best = None
    k = 0
    while best is None or best < 0.5:
        if k >= x.size:
            break
        v = x[k] * x[k] * a
        if best is None or v > best:
            best = v
        k += 1
    if best is None:
        return a
    return best * k


@right("Together", "tuple names changed in the body")
def tuple_names_changed_in(x, a, b):
    s = 0.0
    for v in (a, b, x[0]):
        a = v * 2.0
        b = a + v
        s += v * a * b
    return s


@right("Together", "nullable swapped with value")
def nullable_swapped_with_value(x, a):
    lo = None
    hi = a
    for v in x:
        lo, hi = hi, v * a
    s = 0.0
    if lo is not None:
        s = lo * hi
    return s


@right("Together", "closure calls with loops inside loops and early return")
def closure_calls_with_loops(m, a):
    def first_pos(row, shift):
        for j, v in enumerate(row):
            if v + shift > 0:
                return v * v * (j + 1)
        return shift

    s = 0.0
    for i in range(m.shape[0]):
        s = s * 0.5 + first_pos(m[i], 0.1 * a) * first_pos(m[i] * a, s)
    return s


@right("Together", "recursive inner writes")
def recursive_inner_writes(x, a):
    work = x * 1.0
    smooth(work, 0, a)
    return np.sum(work**2)


@njit
def smooth(w, i, a):
    if i >= w.size - 1:
        return
    w[i + 1] += a * w[i] * w[i]
    smooth(w, i + 1, a)


@right("Together", "expression statements with side effects in ternary and bool ops")
def expression_statements_with_side(x, a):
    work = x * 1.0
    s = bump_first(work, a) + (bump_first(work, 2.0) if work[0] > 0 else 0.0)
    if work[0] > 1 or bump_first(work, a) > 0:
        s += work[0]
    return s + np.sum(work**2)


@njit
def bump_first(w, a):
    w[0] = w[0] * a + 0.3
    return w[0]


@right("Together", "for else in callee with None", compiles=False)
def for_else_in_callee(x, a):
    s = 0.0
    for i in range(3):
        r = locate(x, 0.2 * i)
        s += a if r is None else x[r] * a * r
    return s


@njit
def locate(x, level):
    for i in range(x.size):
        if x[i] > level:
            break
    else:
        return None
    return i


@right("Together", "zip of rows written")
def zip_of_rows_written(m, a):
    u = m * a
    v = np.zeros_like(u)
    for src, dst in zip(u, v):
        dst[:] = src[::-1] * src
        src[0] = dst[1]
    return np.sum(u * v)


@right("Together", "enumerate over slices with steps, negative")
def enumerate_over_slices_with(x, a):
    s = 0.0
    for i, v in enumerate(x[-2:0:-1], 3):
        s = s * a + v * i
    return s


@right("Together", "float range accumulations and int power")
def float_range_accumulations_and(x, n):
    s = 0
    p = 1
    for i in range(n):
        p *= 2
        s += x[i] / p + i**2
        s -= (-1) ** i * x[i] ** 2
    return s


@right("Together", "nested prange-like and max of tuples")
def nested_prangelike_and_max(x, a, b):
    hi = max(a, b, x[0])
    lo = min((a, b))
    return hi * lo + max(x) * min(x) + sum(x) ** 2


@right("Together", "conditional rebind of arrays by None")
def conditional_rebind_of_arrays(x, a):
    buf = None
    s = 0.0
    for k in range(3):
        if buf is None:
            buf = x * a
        else:
            buf[k] = buf[k - 1] * 2.0
        s += np.sum(buf**2)
    return s


@right("Together", "optional in callee default array, nested two deep")
def optional_in_callee_default(x, a):
    return outer_w(x, a) + outer_w(x, a, x * a)


@njit
def outer_w(x, a, w=None):
    return inner_w(x, w) * a


@njit
def inner_w(x, w=None):
    if w is None:
        return np.sum(x**2)
    s = 0.0
    for i in range(x.size):
        s += x[i] * w[i] if w is not None else 0.0
    return s


@right("Together", "function values through two levels, star")
def function_values_through_two(x, a):
    return level1(square_it, x, a, 2.0)


@njit
def square_it(u, a, b):
    return u * u * a + b


@njit
def level1(f, x, *args):
    return level2(f, x[0], args) + level2(f, x[1], args)


@njit
def level2(f, u, args):
    return f(u, *args) * args[0]


@right("Together", "lambda with default and keyword", compiles=False)
def lambda_with_default_and(x, a):
    f = lambda u, k=2.0, *, c=0.5: u * k + c * a
    return f(x[0]) * f(x[1], 3.0) * f(u=x[2], c=a)


@right("Together", "chain compare with calls")
def chain_compare_with_calls(x, a):
    w = x * 1.0
    s = 0.0
    if 0.0 < bump_first(w, a) < 5.0 < bump_first(w, 9.0) or a > 0:
        s = w[0]
    return s * s


@right("Together", "while else with continue")
def while_else_with_continue(x, a):
    i = 0
    s = 0.0
    while i < x.size:
        i += 1
        if x[i - 1] < 0:
            continue
        s += x[i - 1] ** 2
        if s > 100:
            break
    else:
        s *= a
    return s


@right("Together", "swap rows by tuple, fancy")
def swap_rows_by_tuple(m, a):
    u = m * a
    for k in range(3):
        p = k
        for i in range(k, 4):
            if abs(u[i, k % 3]) > abs(u[p, k % 3]):
                p = i
        if p != k:
            for j in range(3):
                u[k, j], u[p, j] = u[p, j], u[k, j]
        for i in range(k + 1, 4):
            f = u[i, k] / u[k, k]
            for j in range(k, 3):
                u[i, j] -= f * u[k, j]
    return u[0, 0] * u[1, 1] * u[2, 2] + u[0, 2]


@right("Together", "global function alias, reassigned name as float later")
def global_function_alias_reassigned(x, a):
    f = square_it
    s = f(x[0], a, 1.0)
    f = s * 2.0
    return f * s


@right("Together", "unused function args, tuple of tuple args", pairs=((0.5, 1.5), (2.0, -0.3)))
def unused_function_args_tuple(x, pairs):
    s = 0.0
    for lo, hi in pairs:
        s += (hi - lo) * x[0] ** 2
    (a, b), (c, d) = pairs
    return s * a + b * c * d * x[1]


@right("Together", "inner function returned values tuple and recursion", compiles=False)
def inner_function_returned_values(a, b):
    def step(u, v):
        return v * 0.5, u + v * a

    p = (a, b)
    for _ in range(4):
        p = step(*p)
    return p[0] * p[1]


@right("Together", "nested tuples of functions in globals via loops unrolled by hand")
def nested_tuples_of_functions(x, a):
    s = 0.0
    for k in range(2):
        s += kernels.BASIS[0](x[k], a)
    return s


@right("Together", "early return inside zip loop in callee with arrays result")
def early_return_inside_zip(x, y, a):
    out = blend(x, y, a)
    return np.sum(out**2)


@njit
def blend(x, y, a):
    out = np.zeros_like(x)
    for i, (u, v) in enumerate(zip(x, y)):
        if u * v > 5:
            return out * a
        out[i] = u * v + a
    return out


@right("Together", "array or None returned")
def array_or_none_returned(x, a):
    r = maybe_array(x, a)
    q = maybe_array(x, -a)
    s = 0.0
    if r is not None:
        s += np.sum(r**2)
    if q is None:
        s += a
    return s


@njit
def maybe_array(x, a):
    if a > 0:
        return x * a
    return None


@right("Together", "tuple or fallthrough with flags")
def tuple_or_fallthrough_with(x, a):
    lo, hi, ok = bracket(x, a)
    return lo * hi if ok else a


@njit
def bracket(x, a):
    for i in range(x.size - 1):
        if x[i] * x[i + 1] < 0:
            return x[i] * a, x[i + 1], True
    return a, a, False


@right("Together", "nested None arguments with optional arrays in loops, reassigning")
def nested_none_arguments_with(x, a):
    w = None
    s = 0.0
    for k in range(3):
        s += weighted(x, w)
        if k == 0:
            w = x * a
        elif k == 1:
            w = w * 2.0
    return s


@njit
def weighted(x, w):
    if w is None:
        return np.sum(x * x)
    return np.sum(x * w)


@right("Together", "while with break on tuple unpack and multi assignments")
def while_with_break_on(a, b):
    u, v, k = a, b, 0
    while True:
        u, v, k = v, u * 0.5 + math.sin(v), k + 1
        if k > 6 or abs(u - v) < 1e-9:
            break
    return u * v


@right("Together", "generator-like counters with several continue levels")
def generatorlike_counters_with_several(m, a):
    s = 0.0
    for i, row in enumerate(m):
        if i == 1:
            continue
        for j, v in enumerate(row):
            if j == 2 and v > 0:
                break
            if v < -0.9:
                continue
            s += v * v * (i + j) * a
        else:
            s *= 1.3
    return s


@right("Together", "closure factory with inner state arrays")
def closure_factory_with_inner(x, a):
    coef = np.array([a, a * a, 1.0])

    def horner(u):
        s = 0.0
        for c in coef[::-1]:
            s = s * u + c
        return s

    t = 0.0
    for v in x:
        t += horner(v)
    coef[0] = 5.0 * a
    return t + horner(x[0])


@right("Together", "mixed precision arrays in zip")
def mixed_precision_arrays_in(x, a):
    ints = np.arange(6)
    flags = x > 0
    s = 0.0
    for v, i, f in zip(x, ints, flags):
        s += v * v * i if f else v * a
    return s


@right("Together", "default argument of callee is a global function and a tuple")
def default_argument_of_callee(x, a):
    return integrate(x[0], a) + integrate(x[1], a, kernels.bump, (0.1, 0.9))


@njit
def integrate(lo, hi, f=kernels.cubic, nodes=(0.25, 0.75)):
    s = 0.0
    for t in nodes:
        s += f(lo + (hi - lo) * t, t)
    return s * (hi - lo) / len(nodes)


@right("Together", "in-place parameter rebinding in callee must not leak")
def inplace_parameter_rebinding_in(x, a):
    n = 3
    s = scale_n(a, n) + scale_n(a, n)
    return s * n


@njit
def scale_n(a, n):
    while n > 0:
        a = a * 1.1 + 0.1
        n -= 1
    return a * a


@right("Together", "callee rebinding array param does not write caller, then writes")
def callee_rebinding_array_param(x, a):
    u = x * 1.0
    s = rebind(u, a)
    return s + np.sum(u**2)


@njit
def rebind(u, a):
    u[0] = u[1] * a
    u = u * 2.0
    u[1] = 7.0 * a
    return np.sum(u * u)


@right("Together", "boolean returned by callee steering loops")
def boolean_returned_by_callee(x, a):
    i = 0
    s = a
    while keep_going(s, i):
        s = s * 1.3 + 0.1 * x[i % x.size]
        i += 1
    return s


@njit
def keep_going(s, i):
    if i > 20:
        return False
    return s < 3.0


@right("Together", "deep tail recursion with tuples")
def deep_tail_recursion_with(a, b):
    return agm(a + 2.0, b + 3.0)


@njit
def agm(u, v):
    if abs(u - v) < 1e-13:
        return u
    return agm(0.5 * (u + v), math.sqrt(u * v))


@right("Together", "if chain on literal ints in callee via default")
def if_chain_on_literal(x, a):
    s = 0.0
    for k in range(4):
        s += order_k(k, x[k]) * order_k(2, a)
    return s


@njit
def order_k(k, u):
    if k == 0:
        return 1.0
    if k == 1:
        return u
    if k in (2, 3):
        return u * order_k(k - 1, u)
    return 0.0


@right("Together", "conditional expression with array rows in loop")
def conditional_expression_with_array(m, a):
    s = 0.0
    for i in range(1, m.shape[0]):
        row = m[i] if m[i, 0] > 0 else m[i - 1]
        for v in row:
            s += v * v * a
    return s


@right("Together", "sum of squares over transposed zip star-less")
def sum_of_squares_over(m, x):
    s = 0.0
    for col, w in zip(m.T, x):
        for v in col:
            s += w * v * v
    return s


@right("Together", "reversed enumerate manual, negative steps")
def reversed_enumerate_manual_negative(x):
    s = 0.0
    n = len(x)
    for i in range(n - 1, -1, -1):
        for j in range(i, n, 2):
            s += x[i] * x[j] / (j + 1)
    return s


@right("Together", "raise in else of loop in callee with value used")
def raise_in_else_of(x, a):
    return find_first(x, -0.3) * a


@njit
def find_first(x, level):
    for v in x:
        if v > level:
            return v
    raise ValueError("none above " + str(level))


@right("Together", "prange with conditionals and inner while")
def prange_with_conditionals_and(x, a):
    s = 0.0
    for i in prange(x.size):
        u = abs(x[i]) + 0.5
        k = 0
        while u < 4.0:
            u = u * 1.7 + a * 0.1
            k += 1
        if k % 2 == 0:
            s += u
        else:
            s -= u * a
    return s


@right("Together", "swap via temp arrays in callee loops")
def swap_via_temp_arrays(x, a):
    p = x * 1.0
    q = np.zeros_like(p)
    for k in range(3):
        diffuse(p, q, a)
        tmp = p
        p = q
        q = tmp
    return np.sum(p**2) + np.sum(q)


@njit
def diffuse(src, dst, a):
    n = src.size
    for i in range(n):
        left = src[i - 1] if i > 0 else src[i]
        right = src[i + 1] if i < n - 1 else src[i]
        dst[i] = src[i] + 0.1 * a * (left - 2.0 * src[i] + right) * src[i]


@right("Together", "string kind in loops with not in")
def string_kind_in_loops(x, a):
    s = 0.0
    for v in x:
        s += act(v, "tanh") * a + act(v, "relu")
    return s


@njit
def act(v, kind):
    if kind not in ("tanh", "relu", "id"):
        raise ValueError("kind")
    if kind == "tanh":
        return math.tanh(v)
    elif kind == "relu":
        return max(v, 0.0)
    return v


@right("Together", "several np.random free; complex recursion fft")
def several_nprandom_free_complex(x, a):
    z = np.zeros(4, dtype=np.complex128)
    for i in range(4):
        z[i] = x[i] + 1j * a
    f = fft4(z)
    return np.sum(np.abs(f) ** 3)


@njit
def fft4(z):
    n = z.size
    out = np.zeros(n, dtype=np.complex128)
    for k in range(n):
        s = 0j
        for t in range(n):
            s += z[t] * np.exp(-2j * np.pi * k * t / n)
        out[k] = s
    return out
