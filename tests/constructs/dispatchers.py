"""Dispatchers and their options, functions that call functions."""

from __future__ import annotations

import math
import operator

import numba
import numpy as np
from numba import float32, float64, int64, jit, njit, prange, types

from tests.constructs import kernels
from tests.constructs.entries import Table
from tests.constructs.kernels import cubic, logistic

TABLE = Table()
right, refused = TABLE.right, TABLE.refused
OPTIONS = "Options of Dispatchers"
CALLS = "Calls"
CLOSURES = "Functions as values"


@right(OPTIONS, "`@njit` with a signature as text")
@njit("float64(float64[:], float64)")
def eager(x, a):
    s = 0.0
    for i in range(x.shape[0]):
        s += math.sin(a * x[i]) * x[i]
    return s


@right(OPTIONS, "`@njit` with a list of signatures")
@njit(["float64(float64[::1], float64)", "float32(float32[::1], float32)"])
def eager_list(x, a):
    s = 0.0
    for v in x:
        s += v * v * a
    return s


@right(OPTIONS, "`@njit(float64(...))`, objects of types")
@njit(float64(float64[::1], int64))
def eager_types(x, n):
    s = 0.0
    for i in range(n):
        s = s * 0.5 + x[i] ** 2
    return s


@right(OPTIONS, "read-only arrays in the signature")
@njit(float64(types.Array(float64, 1, "C", readonly=True), float64))
def eager_readonly(x, a):
    return np.sum(np.exp(-a * x * x))


@right(OPTIONS, "any-layout arrays in the signature")
@njit("f8(f8[:,:], f8[:])")
def eager_any(m, x):
    s = 0.0
    for i in range(m.shape[0]):
        for j in range(m.shape[1]):
            s += m[i, j] ** 2 * x[j]
    return s


@right(OPTIONS, "`jit(nopython=True)`")
@jit(nopython=True)
def nopython(x, a):
    return a * np.sum(x**3)


@right(OPTIONS, "`cache=True`, `nogil=True`, `boundscheck=True`")
@njit(cache=True, nogil=True, boundscheck=True)
def several_options(x, a):
    s = a
    for i in range(x.size):
        s = math.tanh(s + x[i])
    return s


@njit(inline="always")
def square(u):
    return u * u


@right(OPTIONS, '`inline="always"` callees')
@njit(inline="always")
def inlined(x, a):
    return square(a) * square(x[0]) + square(x[1] * a)


@right(OPTIONS, '`error_model="numpy"`')
@njit(error_model="numpy")
def numpy_errors(x, a):
    return x[0] / a + a / x[1]


@right(OPTIONS, '`error_model="python"`')
@njit(error_model="python")
def python_errors(x, a):
    return x[0] / a + a / x[1]


@right(OPTIONS, "`fastmath=True` and a set of flags")
@njit(fastmath={"reassoc", "contract"})
def fast(x, a):
    s = 0.0
    for i in range(x.size):
        s += kernels.fast_exp(x[i] * a)
    return s


@right(OPTIONS, "`parallel=True` with `prange` and a sum")
@njit(parallel=True)
def parallel_sum(x, a):
    s = 0.0
    for i in prange(x.size):
        s += math.cos(a * x[i]) * x[i]
    return s


@right(OPTIONS, "`numba.prange` with a product and rows written")
@njit(parallel=True)
def parallel_rows(m, a):
    out = np.empty(m.shape[0])
    prod = 1.0
    for i in numba.prange(m.shape[0]):
        row = 0.0
        for j in range(m.shape[1]):
            row += m[i, j] ** 2 * a
        out[i] = row
        prod *= 1.0 + 0.1 * row
    return np.sum(out**2) + prod


def plain_loss(x, a):
    return np.sum(np.sin(a * x))


right(OPTIONS, "`njit(f)`, a function applied")(njit(plain_loss))


def plain_product(x, a):
    s = 1.0
    for v in x:
        s *= a + v * v
    return s


right(OPTIONS, "`njit(sig)(f)`")(njit("f8(f8[::1], f8)")(plain_product))
right(OPTIONS, "`jit(nopython=True)(f)`")(jit(nopython=True)(plain_product))


@njit("float32(float32)")
def narrow(u):
    return u * u + u


@right(
    OPTIONS,
    "a callee whose eager signature converts its arguments",
    tolerance=1e-3,
    interprets=False,
)
@njit
def calls_narrow(x):
    return narrow(x[0]) + 2.0 * narrow(x[1]) ** 2


@njit("float64(float64)")
def halves(u):
    return u // 2 + u / 2


@right(OPTIONS, "an integer for a parameter that the signature calls float64")
@njit
def calls_halves(x, n):
    return halves(n) * x[0] + halves(3) * x[1] ** 2


# ---------------------------------------------------------------- calls


@right(CALLS, "Dispatchers of another module, by module attribute")
@njit
def by_module(x, a):
    return kernels.cubic(x[0], a) + kernels.nested.quartic(x[1]) * a


@right(CALLS, "Dispatchers imported by name, and calls in calls")
@njit
def by_name(x, a):
    return cubic(logistic(x[0]), cubic(a, x[1]))


@right(CALLS, "a callee with several returns and an early one in a loop")
def early_callee(x, a):
    return kernels.first_above(x, -0.3) * a + kernels.first_above(x, 10.0) * a


@right(CALLS, "a callee that returns a tuple")
def tuple_callee(x, a):
    s, d = kernels.sum_and_difference(x[0], x[1])
    return s * d * a + kernels.sum_and_difference(x[2], a)[1] ** 2


@right(CALLS, "a callee that writes into its argument and returns nothing")
def writing_callee(x, a):
    out = np.zeros_like(x)
    kernels.scale_into(x, a, out)
    kernels.scale_into(out, a, out)
    return np.sum(out**2)


@right(CALLS, "a callee that writes into a row")
def writing_row(m, a):
    out = np.zeros((m.shape[0], 3))
    for i in range(m.shape[0]):
        kernels.scale_into(m[i], a, out[i])
        kernels.scale_into(out[i, 1:], a, out[i, 1:])
    return np.sum(out**3)


@right(CALLS, "keyword arguments and defaults of a callee")
def keywords(x, a):
    return kernels.damped(x[0], rate=a) + kernels.damped(x[1]) + kernels.damped(shift=a, u=x[2])


@right(CALLS, "keyword-only parameters", compiles=False)
def keyword_only(x, a):
    return kernels.keyword_only(x[0], scale=2.0, power=3) + kernels.keyword_only(
        a, power=2, scale=x[1]
    )


@right(CALLS, "default of a parameter of the function itself")
def own_default(x, scale=0.5, power=3):
    return scale * np.sum(x**power)


@right(CALLS, "None as an argument: `if w is None`")
def none_argument(x, a):
    return kernels.weighted(x, None) * a + kernels.weighted(x, x * a)


@right(CALLS, "None as a default: `if w is None: w = ...`")
def none_default(x, a):
    return kernels.weighted_or_ones(x) * a + kernels.weighted_or_ones(x, a * x)


@right(CALLS, "None as an argument of the function itself", y=None)
def none_at_top(x, y=None):
    if y is not None:
        return np.sum(x * y)
    return np.sum(x**3)


@right(CALLS, "a default of None left out")
def none_left_out(x, a, weights=None):
    if weights is None:
        weights = np.ones_like(x)
    return np.sum(weights * np.sin(a * x))


@right(CALLS, "None as a default, given")
def none_given(x, p, scale=None):
    total = 0.0
    for i in range(x.size):
        s = p[i] if scale is None else scale
        total += x[i] ** 2 / s
    return total


@right(CALLS, "`f(*args)` with a tuple parameter", args=(0.4, 1.3))
def star_call(x, args):
    return kernels.damped(x[0], *args) + kernels.damped(*args, 0.2)


@right(CALLS, "`f(*args)` with a tuple made here")
def star_local(x, a):
    pair = (a, x[1])
    return cubic(*pair) + cubic(*(x[2], a))


@right(CALLS, "a callee with `*args`")
def star_parameter(x, a):
    return kernels.sum_of_squares(x[0], a, x[1]) + kernels.sum_of_squares(a)


@right(CALLS, "`*args` handed on")
def star_handed_on(x, a):
    return kernels.apply_to(cubic, x[0], a) + kernels.apply_to(logistic, x[1])


@right(CALLS, "a string argument that chooses a branch")
def by_string(x, a):
    return kernels.by_kind(x[0], "cubic") + a * kernels.by_kind(x[1], "linear")


@right(CALLS, "a string argument of the function itself", slow=True, kind="rms")
def by_own_string(x, kind="rms"):
    if kind == "rms":
        return math.sqrt(np.mean(x**2))
    elif kind == "mean":
        return np.mean(x)
    raise ValueError("kind")


@right(CALLS, "a boolean argument that chooses a branch", flag=True)
def by_flag(x, a, flag):
    if flag:
        return np.sum(x) ** 2 * a
    return a


@right(CALLS, "unused arguments", unused=None)
def unused_argument(x, unused):
    return np.sum(x**2)


@right(CALLS, "recursion at a tail: `return f(...)`")
def calls_tail_recursion(x, a, n):
    return kernels.power_by_tail(a, n, 1.0) * x[0] + kernels.gcd(12, n)


@right(CALLS, "recursion with a depth known while parsing")
def calls_recursion(x, a):
    return kernels.legendre(4, a) * x[0] + kernels.factorial(5) * a * a


@right(CALLS, "functions that call each other, to a known depth")
def calls_mutual(x, a):
    return kernels.even_part(4, a) + kernels.odd_part(3, x[0])


@right(
    CALLS,
    "recursion to a depth of four, known at run time; deeper, the run ends",
    n=3,
    compiles=False,
)
def depth_at_run_time(a, n):
    if n < 1:
        return a
    return math.sin(depth_at_run_time(a, n - 1)) * a


@right(CALLS, "recursion by symmetry: `return 1.0 - f(-x)`")
def calls_symmetric(x, a):
    return kernels.normcdf(x[0]) * a + kernels.normcdf(-a) * kernels.normcdf(a)


@refused(CALLS, "recursion that branches", "fibonacci calls itself too often", "It is followed.")
def calls_fibonacci(x, a):
    return kernels.fibonacci(20) * x[0] * a


# ---------------------------------------------------------------- functions as values


@right(CLOSURES, "a Dispatcher as an argument of a callee")
def kernel_argument(x, a):
    return kernels.sum_of(cubic, x, a) + kernels.sum_of(kernels.bump, x, a)


@right(CLOSURES, "a Dispatcher as an argument of the function itself", f=cubic)
def kernel_at_top(x, a, f):
    s = 0.0
    for i in range(x.size):
        s += f(x[i], a)
    return s


@right(CLOSURES, "a Dispatcher and its arguments: `f(x, *args)`", f=cubic, args=(0.7,))
def kernel_with_arguments(x, f, args):
    """Newton's method, as quantecon has it."""
    u = x[0] + 3.0
    for _ in range(4):
        h = 1e-3
        slope = (f(u + h, *args) - f(u - h, *args)) / (2 * h)
        u = u - f(u, *args) / slope
    return u * u


def make_power(power, scale):
    @njit
    def raised(u):
        return scale * u**power

    return raised


@right(CLOSURES, "closures made by a factory")
def uses_factory(x, a):
    return third(x[0]) * a + half(x[1] ** 2 + a)


third = make_power(3, 0.5)
half = make_power(0.5, 2.0)


def make_loss(kernel, weights, scale):
    @njit
    def loss(x, a):
        s = 0.0
        for i in range(x.size):
            s += weights[i] * kernel(x[i] * scale, a)
        return s

    return loss


right(CLOSURES, "a closure over functions, arrays and numbers, differentiated itself")(
    make_loss(cubic, np.linspace(0.5, 2.0, 6), 1.5)
)


doubled = njit(lambda u: 2.0 * u + u * u)


@right(CLOSURES, "`njit(lambda ...)` of the module")
def global_lambda(x, a):
    return doubled(x[0]) * a


@right(CLOSURES, "a lambda in the function")
def local_lambda(x, a):
    f = lambda u: u * u * a  # noqa: E731
    return f(x[0]) + f(x[1]) * f(a)


@right(CLOSURES, "a lambda as an argument")
def lambda_argument(x, a):
    return kernels.sum_of(lambda u, v: math.sin(u) * v, x, a)


@right(CLOSURES, "a function defined in the function")
def inner_function(x, a):
    def residual(u, shift=0.5):
        t = u - a
        if t > 0:
            return t * t + shift
        return -t

    s = 0.0
    for i in range(x.size):
        s += residual(x[i])
    return s


@right(CLOSURES, "a function chosen by a literal condition")
def chosen_function(x, a):
    f = cubic
    return f(x[0], a) + f(a, x[1])


@right(CLOSURES, "functions in a tuple of the module")
def functions_in_tuple(x, a):
    return kernels.BASIS[0](x[0], a) + kernels.BASIS[1](x[1], a)


@refused(
    CLOSURES,
    "a function chosen at run time",
    "'f' is one function here and another elsewhere",
    "What is differentiated must be known when it is compiled.",
)
def function_at_run_time(x, a):
    f = cubic
    if a > 0:
        f = kernels.bump  # !
    return f(x[0], a)


_ = float32


@right(OPTIONS, "an argument that the function's own signature converts", n=3)
@njit("float64(float64[::1], float64)")
def converts_own(x, n):
    return np.sum(x**2) * n**-1 + n // 2


@njit("int64(float64)")
def truncated(u):
    return u


@right(OPTIONS, "a result that the callee's signature converts", interprets=False)
@njit
def converts_result(x, a):
    return truncated(a * 10.0) * x[0] ** 2


@right(CALLS, "`register_jitable` functions")
def jitable(x, a):
    return kernels.jitable(x[0]) * a


@right(CALLS, "functions inside `functools.wraps`", compiles=False)
def wrapped(x, a):
    return kernels.doubled_square(x[0]) * a


@right(CALLS, "`@vectorize` functions of numbers")
def vectorized(x, a):
    return kernels.vectorized(x[0]) * a


@right(CALLS, "functions of `operator`")
def operators(x, a):
    return operator.mul(operator.add(x[0], a), operator.sub(a, x[1]))


@refused(
    CALLS,
    "functions with an `@overload`",
    "overloaded has an @overload",
    "Numba runs the overload, and other code runs the function.",
)
def calls_overloaded(x, a):
    return kernels.overloaded(x[0]) * a  # !


@refused(CALLS, "`@guvectorize`", "kernels.general is made by guvectorize", "It loops by itself.")
def calls_general(x, a):
    out = np.empty(x.size)
    kernels.general(x, out)  # !
    return out[0] * a


@refused(
    CALLS, "`**` in a call", "** in a call is not supported", "Numba has no dicts of arguments."
)
def double_star(x, a):
    return kernels.damped(x[0], **kernels.OPTIONS) * a  # !


@refused(
    CALLS,
    "`f(*args)` with an array",
    "how many items *x has is not known while parsing",
    "As in Numba, only tuples have a known length.",
)
def star_array(x, a):
    return cubic(*x) * a  # !
