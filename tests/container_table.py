"""Programs with NamedTuples, tuples, lists, dicts and records, for test_containers.py.

Each is the body of a function of ``x``, ``y`` (6 numbers), ``m`` (3 x 4) and the numbers ``a``,
``b``; what stands in PRELUDE is known to it.
"""

from __future__ import annotations

PRELUDE = """
import enum
import math
from collections import namedtuple
from typing import NamedTuple

import numpy as np
from numba import float64, njit
from numba.typed import List

Params = namedtuple("Params", ["w", "b"])
Nested = namedtuple("Nested", ["inner", "scale"])


class State(NamedTuple):
    pos: float
    vel: float
    n: int = 2


class Mode(enum.IntEnum):
    LINEAR = 1
    SQUARE = 2


class Shape(enum.Enum):
    ROUND = 0.5
    FLAT = 2.0


COEFFICIENTS = (0.5, -1.25, 2.0)
PAIRS = ((1.0, 2.0), (0.5, 3.0))
TABLE = np.array([0.25, 1.5, -0.75])
STATE = State(0.3, 1.7)
SETTINGS = {"gain": 1.5, "shift": 0.25}
LIMITS = (np.array([1.0, 2.0]), np.array([0.5, 0.25]))


@njit
def make_state(p, v):
    return State(p, v * p)


@njit
def advance(s, h):
    acc = -math.sin(s.pos)
    return State(s.pos + h * s.vel, s.vel + h * acc, s.n)


@njit
def energy(s):
    return 0.5 * s.vel**2 - math.cos(s.pos)


@njit
def dense(layer, h):
    return np.tanh(layer.w * h + layer.b)


@njit
def swap(t):
    u, v = t
    return v, u


def fill(out, x):
    for i in range(x.size):
        out.append(x[i] * x[i])


def total(items):
    s = 0.0
    for v in items:
        s += math.sin(v)
    return s


def squares(x):
    out = []
    for i in range(len(x)):
        out.append(x[i] ** 2)
    return out
"""

NAMED_TUPLES = """
p = Params(x, a)
return np.sum(np.tanh(p.w * y + p.b))

p = Params(b=a * b, w=x * y)
return np.sum(p.w**2) * p.b

s = State(a, b)
return s.pos * math.sin(s.vel) * s.n

s = State(a, b)
for i in range(5):
    s = advance(s, 0.1)
return energy(s)

s = make_state(a, b)
q, v, n = s
return q * v**2 + n

n = Nested(Params(x, a), b)
return np.sum(n.inner.w * n.inner.b) * n.scale

n = Nested(inner=Params(x, a), scale=State(a, b))
return n.inner.w[1] * n.scale.vel + n.scale.pos**2

s = State(a, b)
for i in range(x.size):
    if x[i] > 0.0:
        s = State(s.pos + x[i] * s.vel, s.vel * 0.9, s.n)
    else:
        s = State(s.vel, s.pos * x[i], s.n + 1)
return s.pos * s.vel * s.n

layers = (Params(x, a), Params(y, b))
h = x * y
for layer in layers:
    h = dense(layer, h)
return np.sum(h)

p = Params(x * a, b)
return p[0][2] ** 2 * p[1]

p = Params(m, x)
total = 0.0
for i in range(p.w.shape[0]):
    for j in range(p.w.shape[1]):
        total += math.sin(p.w[i, j] * p.b[i])
return total

p = Params(x.copy(), a)
for i in range(p.w.size):
    p.w[i] = p.w[i] * p.b
return np.sum(p.w**2)

p = Params(x, y)
for k in range(3):
    p = Params(p.b * 0.5, p.w + p.b)
return np.sum(p.w * p.b)

if a > 0.0:
    p = Params(x, a)
else:
    p = Params(y, b)
return np.sum(p.w) * p.b

states = (State(a, b), State(b, a), State(a * b, 1.0))
e = 0.0
for s in states:
    e += energy(advance(s, 0.3))
return e
"""

TUPLES = """
t = (a, (b, a * b), (x, (y, 2)))
u, (v, w), (p, (q, n)) = t
return u * v * w + np.sum(p * q) * n

t = (a, b, a * b)
return t[0] * t[1] + t[-1] ** 2

t = ((a, b), (b, a * a))
return t[0][1] * t[1][0] + t[1][1]

t = (a, b, a * b)
s = 0.0
for k in range(3):
    s += t[k] ** (k + 1)
return s

t = (a, b, a * b)
s = 0.0
for v in t:
    s += math.sin(v) * s + v
return s

t = (a, b, a * b)
s = 0.0
for i in range(x.size):
    s += t[i % 3] * x[i] ** 2
return s

t = (x, y, x * y)
s = 0.0
for v in t:
    for i in range(v.size):
        s += math.sin(v[i]) * (i + 1)
return s

t = (x, y)
s = 0.0
for k in range(len(t)):
    s += np.sum(t[k] ** (k + 2))
return s

t = (x, y)
k = 0
if a > b:
    k = 1
return np.sum(t[k] ** 2)

u, v = swap((a, b))
for i in range(4):
    u, v = swap((u * v, v + 0.1))
return u * v

t = (a, b)
for i in range(3):
    t = (t[1] * 0.5, math.sin(t[0]) + t[1])
return t[0] * t[1]

s = 0.0
for k in range(3):
    s += COEFFICIENTS[k] * x[k] ** 2
return s

s = 0.0
for u, v in PAIRS:
    s += u * math.sin(v * a)
return s

s = 0.0
for i in range(3):
    s += TABLE[i] * x[i] ** 2
return s + COEFFICIENTS[-1] * a

return STATE.pos * a + math.sin(STATE.vel * b) * STATE.n

return energy(advance(STATE, a)) * b

return SETTINGS["gain"] * a + math.sin(SETTINGS["shift"] * b)

return np.sum(LIMITS[0] * x[:2]) * LIMITS[1][1] + np.sum(x[2:4] * LIMITS[1]) ** 2

t = (a, b) + (a * b,)
return t[0] * t[1] * t[2]

t = (a, b, a * b, 2.0 * a)
u = t[1:3]
return u[0] * math.sin(u[1]) * len(u)

pairs = ((x, a), (y, b))
s = 0.0
for v, c in pairs:
    s += np.sum(np.sin(v * c))
return s

h = x
for w, c in ((y, a), (x, b)):
    h = np.tanh(w * h + c)
return np.sum(h)

t = (a, b, a * b)
return max(t) * min(t) + sum(t) ** 2

t = (a, 1, x)
s = t[0] * t[1]
if len(t) == 3:
    s += np.sum(t[2] ** 2)
return s

lo, hi = 0, 3
pair = (lo, hi)
return np.sum(x[pair[0] : pair[1]] ** 2)

ij = (1, 2)
return m[ij] ** 2 * a

"""

LISTS = """
l = [a, b, a * b]
return l[0] * l[1] + l[2] ** 2

l = [a, b, a * b]
l[1] = l[0] * l[2]
l[0] += b
return l[0] * l[1] + l[2] ** 2

l = [0.0] * 6
for i in range(6):
    l[i] = x[i] * y[i]
s = 0.0
for v in l:
    s += math.sin(v)
return s

l = [0.0] * len(x)
for i in range(1, len(x)):
    l[i] = l[i - 1] + x[i] ** 2
return l[-1] * l[2]

l = []
for i in range(x.size):
    l.append(x[i] ** 2)
s = 0.0
for i in range(len(l)):
    s += l[i] * y[i]
return s

l = [a]
for i in range(x.size):
    l.append(l[-1] * 0.9 + x[i])
return l[-1] ** 2 + l[2]

l = [a]
for i in range(x.size):
    if x[i] > 0.0:
        l.append(l[i - i] * x[i])
return sum(l) * len(l)

l = []
v = a
while v < 20.0:
    l.append(v)
    v = v * 1.7 + b * b
s = 0.0
for i in range(len(l)):
    s += math.sin(l[i]) * (i + 1)
return s

l = [v * v for v in x]
return sum(l)

l = [x[i] * y[i] for i in range(x.size)]
s = 0.0
for v in l:
    s += v**3
return s

l = [v * v for v in x if v > 0.0]
return sum(l) * a

l = []
for i in range(x.size):
    l.append(x[i] * a)
z = np.array(l)
return np.sum(z**2)

z = np.array([v * a for v in y])
return np.sum(z * x)

l = []
for i in range(m.shape[0]):
    for j in range(m.shape[1]):
        l.append(m[i, j] * x[i])
return np.sum(np.array(l) ** 2)

l = List()
for i in range(x.size):
    l.append(x[i] ** 2)
s = 0.0
for v in l:
    s += math.sin(v)
return s

l = squares(x)
return total(l) * a

l = [a]
fill(l, x)
return total(l)

l = []
for i in range(x.size):
    l.append((x[i] * a, y[i]))
s = 0.0
for u, v in l:
    s += u * math.sin(v)
return s

l = [x, y, x * y]
s = 0.0
for v in l:
    s += np.sum(v**2)
return s

l = [x, y]
s = 0.0
for k in range(len(l)):
    s += l[k][k] * np.sum(l[k])
return s

l = []
h = x
for k in range(3):
    h = np.tanh(a * h + y)
    l.append(h)
s = 0.0
for k in range(3):
    s += np.sum(l[k]) * (k + 1)
return s

l = [a, b]
l.append(a * b)
v = l.pop()
return v * l[0] + len(l)

stack = [a]
s = 0.0
while len(stack) > 0:
    v = stack.pop()
    s += math.sin(v)
    if v < 5.0:
        stack.append(v * 2.0 + 0.3)
return s * b

l = [[a, b], [b, a * b]]
s = 0.0
for i in range(2):
    for j in range(2):
        s += l[i][j] * x[i + j]
return s

k = [0, 2, 1]
s = 0.0
for i in range(3):
    s += x[k[i]] * y[i]
return s

k = []
for i in range(x.size):
    if x[i] > 0.0:
        k.append(i)
s = 0.0
for i in k:
    s += x[i] ** 2 * y[i]
return s

l = [x[0], x[1]]
for i in range(4):
    l.append(l[i] * l[i + 1] + a)
return l[5] * l[-2]

s = 0.0
for i in range(3):
    l = [x[i], y[i], a]
    l.append(l[0] * l[1])
    s += l[3] * l[2]
return s

l = [x[i] for i in range(6)]
for i in range(6):
    l[i] *= l[5 - i]
return sum(l)

l = [(a, b), (b, a)]
s = 0.0
for u, v in l:
    s += u**2 * v
return s
"""

LISTS += """

l = [a, b] * 3
for i in range(5):
    l[i] *= x[i]
return sum(l) + l[5] ** 2

l = [a, b] + [x[0], x[1]]
return l[2] * l[0] + math.sin(l[3]) * len(l)

l = []
for i in range(6):
    v = x[i]
    while v < 5.0:
        l.append(v * b)
        v = v * 1.1 + 0.3
s = 0.0
for i in range(len(l)):
    s += math.sin(l[i]) * l[i - 1]
return s

l = [a * b]
while len(l) < 20:
    l.append(math.sin(l[-1]) + 0.1 * x[len(l) % 6])
return l[19] * l[7] * l[0]

l = [x[0]]
for i in range(30):
    l.append(l[-1] * 0.5 + x[i % 6])
    if l[-1] > 3.0:
        break
return l[-1] * len(l)

l = [v * a for v in x]
k = l[1:4]
k.append(b)
return sum(k) * l[2] + len(k)

l = []
l.extend([a, b])
l.extend(x)
return sum(l) ** 2 * l[3]

l = list(x)
l[2] = a
return l[0] * l[2]

l = [u * v for u in x for v in y if u > v]
return sum(l) / len(l)

s = 0.0
for v in [a, b, a * b]:
    s += v**2
return s + sum(u * w for u, w in zip(x, y))

l = [a]
for k in range(2):
    for i in range(3):
        l.append(l[-1] * x[i] + l[0])
    l.append(b)
return sum(l)

l = []
for i in range(3):
    row = [x[i]]
    for j in range(i):
        row.append(row[-1] * y[j])
    l.append(row[-1])
return sum(l)

l = [a, b]
if a > b:
    l = [b, a, a * b]
l[0] = l[1] ** 2
return sum(l)

cur = [a]
nxt = [b]
for i in range(4):
    cur, nxt = nxt, cur
    nxt[0] = math.sin(cur[0]) * x[i]
return cur[0] * nxt[0]

l = List.empty_list(float64)
for i in range(3):
    l.append(x[i])
return l[0] * l[1] * l[-1]

l = [x[i] for i in range(4)]
l2 = l
l2[1] = a
return l[1] * l[2] * len(l2)
"""

DICTS = """
d = {"u": a, "v": x}
return d["u"] * np.sum(d["v"] ** 2)

d = dict(u=a, v=x * a)
return d["u"] * np.sum(d["v"] ** 2)

d = {"layer": {"w": x, "b": a}, "scale": b}
h = np.tanh(d["layer"]["w"] * y + d["layer"]["b"])
return d["scale"] * np.sum(h)

d = {"u": a, "v": b}
for i in range(3):
    d = {"u": d["v"] * 0.5, "v": math.sin(d["u"])}
return d["u"] * d["v"]

d = {"u": a, "v": b}
d["u"] = d["u"] * d["v"]
d["v"] += 1.0
return d["u"] * d["v"]

d = {"u": a, "v": b}
s = 0.0
for i in range(x.size):
    d["u"] = d["u"] * 0.5 + x[i] * d["v"]
    s += d["u"] ** 2
return s
"""

ENUMS = """
mode = Mode.SQUARE
if mode == Mode.SQUARE:
    return a * a * b
return a * b

return a ** Mode.SQUARE + x[Mode.LINEAR] * b

return a * Shape.ROUND.value + math.sin(b * Shape.FLAT.value)

s = 0.0
for mode in (Mode.LINEAR, Mode.SQUARE):
    if mode == Mode.LINEAR:
        s += a
    else:
        s += b * b
return s
"""

RECORDS = """
points = np.zeros(3, dtype=POINT)
for i in range(3):
    points[i].u = x[i] * a
    points[i].v = y[i]
s = 0.0
for i in range(3):
    s += points[i].u * math.sin(points[i].v)
return s

points = np.zeros(3, dtype=POINT)
points["u"] = x[:3] * a
return np.sum(points["u"] ** 2)
"""


def programs(text: str) -> list[str]:
    return [block for block in text.strip("\n").split("\n\n")]
