"""Lists that change, lists of lists, members of Enums, slices with names."""

from __future__ import annotations

import enum
import math

import numpy as np
from numba import njit

from tests.constructs.entries import Table

TABLE = Table()
right, refused = TABLE.right, TABLE.refused
LISTS = "Lists"


class Option(enum.Enum):
    CALL = 1
    PUT = 2


class Level(enum.IntEnum):
    LOW = 0
    HIGH = 1


@right(LISTS, "`insert`, `pop(i)`, `del l[i]`, `reverse`, a window")
def queues(x, a):
    window = [0.0 for _ in range(3)]
    kept = [a]
    s = 0.0
    for v in x:
        window.pop(0)
        window.append(v * a)
        mean = sum(window) / len(window)
        s += (v - mean) ** 2
        kept.insert(len(kept) // 2, s * kept[-1])
    del kept[1]
    kept.reverse()
    return s + kept[0] * kept[2]


@right(LISTS, "`sort`, `sorted`, `index`, `count`, `remove`")
def searched(x, a):
    places = [3, 1, 2]
    places.remove(1)
    values = [v * a for v in x]
    values.sort()
    best = sorted(x, reverse=True)
    return values[places.index(2)] * best[0] + values[4] * places.count(3)


@njit
def steps(u, end):
    t, ts = 0.0, [0.0]
    if u > 10.0:
        return u, ts
    while True:
        t += 0.3 + u * u
        ts.append(t * u)
        if t > end:
            return t, ts


@right(LISTS, "a list that grows, returned beside other results")
def returned_list(x, a):
    t, ts = steps(0.5 * a, 2.0)
    for v in ts:
        t = t * 0.7 + v * x[0]
    return t


@njit
def slopes(y, k):
    k[0] = -y[0] * y[1]
    k[1] = y[0] - k[0]


@right(LISTS, "arrays of a list that are written through the list")
def stages(x, a):
    y = x[:2] * a
    k = [np.zeros_like(y) for _ in range(3)]
    for _ in range(4):
        slopes(y, k[0])
        slopes(y + 0.1 * k[0], k[1])
        k[2][:] = k[1] - k[0]
        k[2][1] *= a
        y += 0.1 * (k[0] + k[1]) + 0.01 * k[2]
    return y[0] * y[1]


@right(LISTS, "a list of lists: rows appended, read, written, swapped")
def triangle(x, a):
    rows = [[1.0]]
    for n in range(1, 4):
        last = rows[n - 1]
        row = [x[n]]
        for k in range(1, n):
            row.append(last[k - 1] + last[k] * a)
        row.append(a)
        rows.append(row)
    rows[0], rows[2] = rows[2], rows[0]
    rows[0][1] *= x[1]
    s = 0.0
    for row in rows:
        for k, v in enumerate(row):
            s += math.sin(v) * (k + 1)
    return s * len(rows[1])


@right(LISTS, "neighbours, buckets: `lists[i].append(v)`")
def buckets(x, a):
    found = [[a] for _ in range(3)]
    for k in range(x.size):
        found[(2 * k) % 3].append(x[k] * a)
    s = 0.0
    for one in found:
        s = s * 0.5 + sum(one) * one[-1]
    return s


@refused(
    LISTS,
    "a list that is in a list, and changed under its own name",
    "'row' is in a list",
    "The list has the list itself, and what we make of it has copies.",
)
def row_changed(x, a):
    row = [a, x[0]]
    rows = [[x[1]]]
    rows.append(row)  # !
    row[0] = 2.0
    return rows[1][0]


@refused(
    LISTS,
    "assignment to a part of a list",
    "assignment to a part of a list",
    "It may change the length of the list.",
)
def part_of_list(x, a):
    items = [a, x[0], x[1]]
    items[0:2] = [x[2]]  # !
    return items[0]


@right("Calls", "a member of an Enum as an argument", kind=Option.PUT, level=Level.HIGH)
def of_member(x, a, kind, level):
    if kind is Option.CALL:
        return a
    sign = 1.0 if kind == Option.CALL else -1.0
    return sign * x[level] * a**kind.value


@right("Arrays", "`np.array_split` and `np.split` at places known at run time")
def run_time_parts(x, m, a, k):
    s = 0.0
    for i, part in enumerate(np.array_split(x, k + 2)):
        s += (i + 1) * np.sum(part**2)
    rows = np.split(m, np.arange(1, 4, k))
    return s * rows[-1][0, 1] * a + rows[0][0, 0]


@right("Arrays", "a tuple or a list as the items of a slice: `z[:2] = (a, b)`")
def items_of_slice(x, m, a):
    z, y = np.zeros(5), m.copy()
    z[:-3] = (x[0] * a, x[1])
    for i in range(2):
        z[i + 1 : i + 4] = (a, x[2] * z[0], x[1])
        y[i, :2] = [x[0] * z[i], a]
    pair = (a * a, x[2])
    z[3:] = pair
    return np.sum(z**3) + np.sum(y * y * m)


@right("Arrays", "a name for one slice or another")
def slice_of_branch(x, m):
    s = 0.0
    for axis in range(3):
        if axis == 0:
            part = slice(1, 3, 1)
        elif x[axis] > 100.0:
            part = slice(0, 2, 1)
        else:
            part = slice(0, axis + 2, 2)
        s += np.sum(x[part] * x[part]) * (1 + axis)
    return s * m[0, 1]


@right("Arrays", "`part = slice(i, j)`, a slice with a name")
def named_slices(x, m, a):
    s = 0.0
    inner = slice(1, -1)
    for i in range(2):
        part = slice(i, i + 3)
        s += np.dot(x[part], m[slice(0, 3), i])
    z = x.copy()
    z[inner] = z[inner] * a
    return s * np.sum(z[inner] ** 2)


@right("Loops", "a range that no run finishes: `range(10**12)`, `break`")
def endless(x, a):
    y, seen = a, [a]
    for i in range(10**12):
        y = y * 0.9 + math.sin(y * x[0])
        seen.append(y)
        if i > 8:
            break
    return y * seen[3]


@right("Arrays", "slices between floats, which Numba rounds towards zero", interprets=False)
def float_slices(x, a, n):
    s = np.sum(x[: n / 2] ** 2)
    x[..., a : a + 2.6] = x[5] * x[4]
    return s + np.sum(x[np.floor(a) :: 2])


@right("Arrays", "`v[..., ix]` of a vector, `m[ix, ...]`")
def dots_beside_arrays(x, m, ix):
    y = x.copy()
    y[..., ix] = x[ix, ...] ** 2
    return np.sum(y[..., ix] * x[:5]) + np.sum(m[ix[:2] // 2, ...] ** 2)


@right("Types of variables", "unsigned integers of 64 bits: a hash")
def unsigned(x, n):
    s, prime = 0.0, np.uint64(11400714819323198485)
    for i in range(x.size):
        h = prime ^ np.uint64(n + i)
        s += x[np.int64(h % np.uint64(6))] * x[np.int64(h >> np.uint64(62))]
    return s


@njit
def halved(v, sign):
    if len(v) == 1:
        return np.array([v[0]])
    half = np.empty(len(v) // 2)
    for i in range(half.size):
        half[i] = 0.7 * (v[2 * i] + sign * v[2 * i + 1])
    return half


@right(LISTS, "appended arrays that a function has made and filled, one way or another")
def appended_results(x, a):
    sums, rests = [x], [x[:1]]
    for _ in range(3):
        last = sums[-1]
        sums.append(halved(last, 1.0))
        rests.append(halved(last, -a))
    return np.sum(sums[-1] ** 2) + np.sum(rests[2] ** 3) + sums[1][0]


@refused(
    LISTS,
    "an array written under an older name after it came into a list",
    "'row' is in a list, and is written to elsewhere",
    "As above: the older name may be that of an array in the list.",
)
def older_name(x):
    rows, kept = [], np.zeros(2)
    for i in range(x.size):
        row = np.zeros(2)
        if i == 1:
            kept = row
        row[0] = x[i] ** 2
        kept[1] += x[i]
        rows.append(row)  # !
    return rows[1][0] * rows[1][1]


@right("Loops", "`while k in indices`, an array")
def while_in_array(x, a, ix):
    s, k = 0.0, 1
    while k in ix and k + 1 not in (9, k):
        s = s * a + x[k] ** 2
        k = (k + 2) % 7
    return s


@right("Arrays", "`seen = set(a)`, `k in seen`, `.intersection()`, `|`, `-`")
def sets(x, a, ix):
    s, moving = 0.0, ix.copy()
    seen = set(ix)
    for i in range(2):
        both = set(moving[i:]).intersection(set(ix[:3]))
        other = seen.union(set(moving)) - both | set(ix[:1])
        moving[0] = 99  # the sets have the numbers that were there
        for k in range(x.size):
            if (k in both and k not in seen) or k in set(ix[2:4]):
                s += x[k] ** 2 * (i + 1)
            if k not in both or k in other:
                s = s * a + x[k]
    return s


@refused("Arrays", "a set as a value", "the set 's' as a value", "It is copies of arrays.")
def counted_set(x, ix):
    s = set(ix)
    return x[0] * len(s)  # !


@refused("Arrays", "a set of nothing", "a set like this", "Nothing can be added to sets.")
def empty_set(x, k):
    s = set()  # !
    return x[0] if k in s else x[1]


@refused("Arrays", "a name for two sets", "'s' is a set here, and set elsewhere", "As above.")
def two_sets(x, ix, k):
    s = set(ix)  # !
    if x[0] > 0.0:
        s = set(ix[1:])
    return x[0] if k in s else x[1]


@refused("Arrays", "a set of a list", "a set of something else", "Its length may change.")
def set_of_list(x, k):
    s = set([k, 2])  # !
    return x[0] if 2 in s else x[1]


@refused("Arrays", "a parameter that becomes a slice", "'k' is a slice here", "As above.")
def slice_for_parameter(x, k):
    s = 0.0
    for _ in range(2):
        s += np.sum(x[k])
        k = slice(0, 2)  # !
    return s
