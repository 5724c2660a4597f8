"""Functions in tuples: loops over them, their items, their number."""

from __future__ import annotations

import math

import numpy as np

from tests.constructs.entries import Table

TABLE = Table()
right, refused = TABLE.right, TABLE.refused
FUNCTIONS = "Functions in tuples"

GATES = (np.sin, np.tanh, np.exp)
PAIRS = ((2.0, math.sin), (0.5, math.exp))


def composed(x, *functions):
    for f in functions:
        x = f(x)
    return x


@right(FUNCTIONS, "a loop over `*functions`, lambdas among them", compiles=False)
def sequence_of_functions(x, m, a):
    h = composed(x[:4], np.tanh, lambda v: v @ m, lambda v: a * v, np.exp)
    return np.sum(h**2)


@right(FUNCTIONS, "a result whose rank changes from one to the next", compiles=False)
def changing_ranks(x, m):
    s = composed(m, lambda v: np.sum(v * v, axis=0), np.sum, math.sqrt)
    return s * x[0] + composed(2, float, math.log) * x[1]


@right(FUNCTIONS, "`enumerate`, `zip` and `reversed` of functions", compiles=False)
def wrapped_functions(x, a):
    s = 0.0
    for k, f in enumerate(GATES, 1):
        s = s * a + k * f(x[k])
    for f, (c, g), b in zip(reversed(GATES), PAIRS, (a, x[3])):
        s += b * f(c * g(x[1])) * s
    return s


@right(FUNCTIONS, "functions written out beside arrays of several ranks", compiles=False)
def beside_arrays(x, m, a):
    h = x[:4]
    for w, f in ((m, np.tanh), (m.T, np.sin), (m[:, 0] * a, np.cos)):
        h = f(h @ w)
    return np.sum(h * x[1])


@right(FUNCTIONS, "in a loop and in a branch", compiles=False)
def in_loop_and_branch(x, a):
    s = a
    for v in x:
        if v > 0.0:
            for f in (math.sin, math.cos):
                s += f(s * v)
        else:
            s *= 0.9
    return s


@right(FUNCTIONS, "`return` and `else`", compiles=False)
def leaves_early(x, a):
    s = a
    for f in GATES:
        s = f(s * x[1])
        if s > 1.2:
            return s * x[0]
    else:
        s = s * x[2] + a
    return s


def ends(x, *parts):
    return parts[0](x) * len(parts) + parts[-1] * parts[1](x)


@right(FUNCTIONS, "their items and their number", compiles=False)
def items_and_number(x, a):
    return ends(a, math.sin, math.exp, x[0]) + GATES[-1](a)


@right(FUNCTIONS, "one name for functions in one loop and numbers in another", compiles=False)
def functions_then_numbers(x, a):
    s = a
    for i in range(3):
        if x[i] > 0.0:
            for f in GATES:
                s = f(s * x[i])
        else:
            for f in x:
                s += f * a
    return s + sum([f(v) for v in x for f in GATES]) + sum(f * s for f in x)


@right(FUNCTIONS, "under a name", compiles=False)
def named(x, a):
    parts = (np.sin, a * x[0], np.tanh)
    a = x[1] * 2.0
    s = parts[0](parts[1]) * len(parts) + a
    for v in x:
        steps = [math.exp, math.sin]
        for f in steps:
            s = f(-s * s) * v + parts[-1](s)
    return s


@refused(
    FUNCTIONS,
    "`break` or `continue` in such a loop",
    "break or continue in a loop over",
    "the loop is written out",
)
def broken(x):
    s = x[0]
    for f in GATES:  # !
        s = f(s)
        if s > 0.5:
            break
    return s


@refused(
    FUNCTIONS,
    "as many functions as items of an array",
    "how many items x has, beside",
    "the loop is written out",
)
def beside_an_array(x):
    s = 0.0
    for f, v in zip(GATES, x):  # !
        s += f(v)
    return s


def as_value(x, *parts):
    kept = parts  # !
    return kept[0](x)


@refused(
    FUNCTIONS,
    "such a tuple as a value",
    "parts, which has functions among its items",
    "functions are no values of Numba's",
)
def kept_as_value(x):
    return as_value(x[0], math.sin, math.cos)
