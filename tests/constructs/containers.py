"""NamedTuples, dicts, lists and Enums.  tests/test_containers.py has many more."""

from __future__ import annotations

import enum
import math
from typing import NamedTuple

import numpy as np
from numba import float64, njit
from numba.typed import List

from tests.constructs.entries import Table

TABLE = Table()
right, refused = TABLE.right, TABLE.refused
NAMED = "NamedTuples and dicts"
LISTS = "Lists"


class State(NamedTuple):
    pos: float
    vel: float
    n: int = 2


class Mode(enum.IntEnum):
    LINEAR = 1
    SQUARE = 2


START = State(0.3, 1.7)


@njit
def advance(s, h):
    return State(s.pos + h * s.vel, s.vel - h * math.sin(s.pos), s.n)


@right(NAMED, "a NamedTuple made, read, returned by a callee and changed in a loop")
def stepping(a, x):
    s = State(a, vel=x[0])
    for i in range(x.size):
        s = advance(s, 0.1 * x[i])
    return s.pos * s.vel * s.n


@right(NAMED, "a NamedTuple of the module")
def of_module(a):
    s = advance(START, a)
    return s.pos * s[1]


@right(NAMED, "a dict with literal keys, nested, its items set", interprets=True, compiles=False)
def keyed(x, a):
    d = {"layer": dict(w=x * a, b=a), "gain": 2.0}
    d["gain"] *= a
    return d["gain"] * np.sum(np.tanh(d["layer"]["w"] + d["layer"]["b"]))


@right(NAMED, "members of Enum and IntEnum")
def of_mode(x, a):
    mode = Mode.SQUARE
    if mode == Mode.SQUARE:
        return a**Mode.SQUARE * x[Mode.LINEAR]
    return a


@right(LISTS, "a list written out, read and assigned")
def written_list(x, a):
    items = [a, x[0], a * x[1]]
    items[1] = items[0] * items[-1]
    items[0] += x[2]
    return items[0] * items[1] + items[2] ** 2 + len(items)


@right(LISTS, "append in loops, `[0.0] * n`, iteration, `sum`, `max`")
def appended(x, a):
    items = [a]
    sums = [0.0] * x.size
    for i in range(x.size):
        items.append(items[-1] * 0.5 + x[i])
        sums[i] = items[i] * a
    total = 0.0
    for v in items:
        total += math.sin(v)
    return total + sum(sums) ** 2 + max(items)


@right(LISTS, "a list that a while loop fills, pop, truth")
def stacked(x, a):
    stack = [a]
    s = 0.0
    while stack:
        v = stack.pop()
        s += math.sin(v) * x[0]
        if v < 5.0:
            stack.append(v * 2.0 + 0.3)
    return s


@right(LISTS, "comprehensions and generators in sum()", compiles=False)
def comprehended(x, y, a):
    squares = [v * v for v in x if v > 0.0]
    return sum(squares) * a + sum(u * v for u, v in zip(x, y))


@right(LISTS, "`np.array` of a list, slices, `+`")
def as_array(x, a):
    items = [v * a for v in x]
    part = items[1:4] + [a]
    return np.sum(np.array(items) ** 2) + part[-1] * part[0]


@right(LISTS, "numba.typed.List", interprets=False)
def typed_list(x):
    items = List()
    other = List.empty_list(float64)
    for i in range(x.size):
        items.append(x[i] ** 2)
        other.append(items[i] * x[0])
    return items[1] * other[2]


@right(LISTS, "a list of tuples, a list of arrays written out")
def of_parts(x, y, a):
    pairs = [(a, x[0])]
    for i in range(3):
        pairs.append((x[i] * a, y[i]))
    s = 0.0
    for u, v in pairs:
        s += u * math.sin(v)
    for z in [x, y * a]:
        s += np.sum(z**2)
    return s


@njit
def path_of(x):
    out = []
    for i in range(x.size):
        if x[i] > -0.5:
            out.append((i, x[i] * x[i]))
    return out[::-1], x.sum()


@right(LISTS, "a list of tuples in a tuple that a callee returns")
def of_pairs_returned(x, a):
    path, total = path_of(x)
    s = 0.0
    for k, v in path:
        s += (k + 1) * v * total
    return s * path[0][1] * a


@right(LISTS, "a list of arrays that grows, of vectors and of matrices")
def list_of_arrays(x, a):
    kept = []
    for i in range(x.size - 1):
        row = np.empty(i + 2)
        for j in range(i + 2):
            row[j] = x[j] * x[i] * a
        if x[i] > -1.5:
            kept.append(row)
    powers = [np.outer(kept[0], kept[0])]
    while len(powers) < 4:
        last = powers[-1]
        powers.append(np.tanh(last @ last))
    s = 0.0
    for v in kept:
        s += np.sum(v**2) * v[0]
    return s * powers[2][0, 1] + powers[-1].sum()


@right(LISTS, "a comprehension of arrays")
def arrays_by_comprehension(x, a):
    parts = [x[i : i + 2] * (i + a) for i in range(4)]
    s = 1.0
    for i, v in enumerate(parts):
        s += v[0] * v[1] * i
    return s * parts[1][0]


@refused(
    LISTS,
    "an array that is written to after it came into a list",
    "'row' is in a list",
    "The list has the array itself, and what we make of it has copies.",
)
def written_in_list(x, a):
    kept = []
    for i in range(2):
        row = x * a
        kept.append(row)  # !
        row[0] = 3.0
    return kept[0][0]


@refused(
    LISTS,
    "a list changed while a loop runs over it",
    "'items' is changed while a loop runs over it",
    "The trip count would not be known when the loop begins.",
)
def changed_in_loop(x, a):
    items = [a]
    for v in items:
        items.append(v * x[0])  # !
    return items[1]


GAINS = {"low": 0.5, "high": 1.5}


@right(NAMED, "loops that only add over a dict, `keys()`, `values()`, `items()`", compiles=False)
def over_dicts(x, a):
    d = {"w": x * a, "v": x[::-1] * 2.0, "b": np.tanh(x)}
    s = a
    for key in d:
        if key != "b":
            s += np.sum(d[key] ** 2)
        elif a > 0.0:
            s -= a * d["w"].max() + np.mean(d[key])
    for value in d.values():
        s += np.sum(value) * a
    t = 0.0
    for key, value in d.items():
        t += np.sum(value * d[key]) * s
    return s * t


@right(NAMED, "any loop over a dict of the module", compiles=False)
def over_constant_dicts(x, a):
    s = a
    for gain in GAINS.values():
        s = np.sin(s * gain)
    for key in GAINS:
        s = s * GAINS[key] + x[0]
        if s > 3.0:
            return s
    for key, gain in GAINS.items():
        s = s * gain - GAINS[key]
    return s


@right(NAMED, "`sum`, `max` and `min` of the values of a dict", compiles=False)
def values_of_dicts(x, a):
    d = {"u": a * x[0], "v": x[1], "w": a}
    return sum(d.values()) * max(d.values()) - min(d.values())


@refused(
    NAMED,
    "a loop over a dict that does more than add",
    "a loop over a dict that does more than add",
    "Dicts with the same keys have one type, whatever the order.",
)
def order_of_keys(x, a):
    d = {"w": x[0], "v": a}
    s = 1.0
    for value in d.values():  # !
        s = s * a + value
    return s


@right(LISTS, "comprehensions in functions inside the function", compiles=False)
def comprehended_inside(x, a):
    def cubes(t):
        found = [v * v * a for v in t if v > -0.5]
        found.append(found[0] * a)
        return sum(found)

    halves = lambda t: sum([0.5 * v for v in t])  # noqa: E731
    return cubes(x) * halves(x * a)


@refused(NAMED, "a dict with other keys than literals", "a dict whose keys", "No types for it.")
def unknown_keys(x, a):
    d = {x.size: a}  # !
    return d[x.size]


@right(NAMED, "a dict that gets its keys one after the other")
def new_keys(x, a):
    d = {}
    d["u"] = a * x[1]
    d["v"] = d["u"] * x[0]
    d["u"] *= 2.0
    return d["u"] ** 2 + d["v"]


@right(NAMED, "keys that are added to a dict one after the other", compiles=False)
def grown(x, a):
    def forward(u):
        cache = {}
        cache["z"] = u * a
        cache["out"] = np.tanh(cache["z"])
        cache["z"] *= 0.5
        return cache

    cache, s = dict(first=forward(x)), 0.0
    cache["second"] = forward(cache["first"]["out"])
    cache["gain"] = 2
    for i in range(3):
        s += cache["second"]["z"][i] * cache["first"]["out"][i - 1] * cache["gain"]
    return s


@refused(
    NAMED,
    "a new key of a dict, in a loop or a branch",
    "a new key",
    "It would have another type.",
)
def new_key(x, a):
    d = {"u": a}
    for v in x:
        d["v"] = v  # !
    return d["u"]
