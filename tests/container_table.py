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


def same(d):
    return d


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

l = [a]
l = l * 3
for i in range(2):
    l.append(x[i] * l[0])
return sum(l) + l[-1] ** 2

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

MORE_LISTS = """
l = []
for i in range(6):
    if x[i] > 0.0:
        l.append(x[i])
        continue
    l.append(y[i] * a)
return sum(l) + l[2] * l[-1]

l = []
for i in range(6):
    if i == 4:
        break
    l.append(x[i] * a)
return sum(l) * len(l)

l = [a]
for i in range(5, 0, -2):
    l.append(x[i] * l[-1])
return sum(l) * len(l)

l = []
n = 0
while n < 6:
    l.append(x[n])
    n += 1
    if len(l) > 3:
        l.clear()
return sum(l) + len(l)

l = [a, b]
k = list(l)
k[0] = 5.0 * b
return l[0] * k[0] * k[1]

def add(l, v):
    l.append(v * a)
    return len(l)
l = []
n = 0
for i in range(4):
    n += add(l, x[i])
return sum(l) * n

def build(u):
    out = [u]
    for i in range(3):
        out.append(out[-1] * b)
    return out
s = 0.0
for i in range(4):
    l = build(x[i])
    s += l[3] * l[1]
return s

def build(u):
    if u > 0.0:
        return [u, a]
    return [b, u]
s = 0.0
for i in range(4):
    l = build(x[i])
    s += l[0] * math.sin(l[1])
return s

def head(l):
    l[0] = l[0] * a
    return l
l = [x[0], b]
k = head(l)
return k[0] * l[0] * l[1]

l = [a, b]
t = (l, 3.0)
return t[0][1] * t[1]

l = [a, b]
m2 = l
m2.append(a * b)
return l[2] * len(l) * m2[0]

l = [1, 2, 3]
return sum(l) * a + l[1] * b

l = [True, False, True]
s = 0.0
for i in range(3):
    if l[i]:
        s += x[i] ** 2
return s

l = [0] * 4
for i in range(4):
    l[i] = i * 2
return x[l[2]] * a

l = [(a, (b, x[0]))]
for i in range(3):
    l.append((x[i], (y[i], a)))
s = 0.0
for u, (v, w) in l:
    s += u * v * w
return s

l = [State(a, b), State(b, a)]
s = 0.0
for st in l:
    s += st.pos ** 2 * st.vel
return s

l = []
for i in range(3):
    l.append(State(x[i], a))
s = 0.0
for st in l:
    s += st.pos ** 2 * st.vel
return s

l = [a, b, a * b]
s = 0.0
for i, v in enumerate(l):
    s += v ** (i + 1)
for u, v in zip(l, x):
    s += u * v
for v in reversed(l):
    s = s * 0.5 + v
return s

l = [a, b, a * b]
return max(l) * min(l) + np.mean(l) * np.prod(np.array(l))

l = [x[i] for i in range(6)]
return np.dot(np.array(l), y) + np.sum(np.asarray(l) ** 2)

l = [a, b]
u, v = l
return u * v ** 2

l = [a, b]
l[0], l[1] = l[1], l[0] * l[1]
return l[0] + l[1] ** 2

l = [a] * 3
l[-1] = b
l[-3] *= b
return l[0] * l[1] + l[2] ** 2

l = [a, b]
k = [l[0] * l[1]]
for v in l:
    k.append(v * k[-1])
return sum(k)

l = []
for i in range(3):
    inner = []
    for j in range(i + 1):
        inner.append(x[j] * a)
    l.append(sum(inner) * len(inner))
return sum(l)

l = [x[0]]
for i in range(12):
    if l[-1] > 2.0:
        l.append(l[-1] * 0.3)
    else:
        l.append(l[-1] ** 2 + a)
    if len(l) > 9:
        return l[-1] * l[4]
return l[0]

l = [a, b]
s = 0.0
if l:
    s = l[0]
e = [a]
e.clear()
if not e:
    s += l[1] ** 2
return s

v = np.array([a, b, a * b])
l = list(v)
l.append(v[0] * 2.0)
return sum(l) * l[3]

l = [np.array([a, b]), x[:2]]
l[0][1] = a * a
return np.sum(l[0] * l[1])

l = [i * a for i in range(4) if i % 2 == 0]
return sum(l) + len(l)

l = [x[0], a]
i = 1
l[i] += l[i - 1] * l[i]
return l[1] ** 2

l = [a]
for i in range(3):
    for j in range(2):
        if x[j] > y[i]:
            break
        l.append(l[-1] + x[j] * y[i])
return sum(l) * len(l)

l = [a]
k = l
l.append(b)
k.append(a)
l = [b]
return k[0] + l[0] * k[2]

l = [x[0] * x[1]]
for i in range(4):
    l.insert(i // 2, x[i] * l[-1] + a)
    l.insert(-1, math.sin(l[0]))
    l.insert(100, l[i] * l[i])
s = 0.0
for k, v in enumerate(l):
    s += v * v * (k + 1)
return s

l = [v * a for v in x]
s = 1.0
for i in range(2):
    v = l.pop(i)
    s += v * l[0] * (i + 2)
    l.append(v * v)
    w = l.pop(-2)
    del l[1]
    s *= w
    l.insert(1, s)
l.reverse()
for k in range(len(l)):
    s += l[k] * (k + 1)
return s

l = [(0, a)]
for i in range(3):
    l.insert(0, (i, x[i] * l[0][1]))
k = [(j, v * v) for j, v in l[1:]]
l.extend(k)
l.reverse()
j, w = l.pop(1)
s = 0.0
for k, v in l:
    s = s * a + (k + 1) * v
return s * w + j

l = [a]
i = 0
while len(l) < 5:
    l.insert(len(l) // 2, l[0] * x[i] + math.sin(l[-1]))
    i += 1
    if i % 3 == 2:
        l.pop(0)
return sum(l) * l[3]

s = 0.0
for n in range(3):
    ks = []
    for i in range(3):
        row = np.full(n + 1, a)
        row[0] = x[i]
        ks.append(row)
    ks[1][n] += ks[0][0] * x[n]
    r = ks[2]
    r[0] = r[0] * ks[1][n]
    ks[0] -= r[0]
    s += np.sum(ks[2] ** 2) + ks[1].sum() * (i + 1) + ks[0][n] ** 3
return s

m = [[0.0 for j in range(3)] for i in range(3)]
for i in range(3):
    for j in range(3):
        m[i][j] = x[i + j] * a
        if i > 0:
            m[i][j] += m[i - 1][j] ** 2
c = [[sum([m[i][k] * m[k][j] for k in range(3)]) for j in range(3)] for i in range(3)]
row = c[1]
row[2] = 4.0 * a
c[0], c[2] = c[2], c[0]
c[2][0] += c[0][1] * b
c[1] = [a, x[0]]
return c[0][1] * row[2] + c[2][0] + c[1][1] * len(c[1])

l = [[a], [b, a]]
r = l[0]
l.append([x[0], x[1]])
r.append(x[2])
l[0].append(x[3] * a)
r[0] = 2.0 * a
l.insert(0, [b])
v = r.pop()
l.reverse()
return l[2][0] * x[2] * v + len(l[2]) + r[1] * l[-1][0] + l[0][1]

stack = [[0]]
s = a
while len(stack) > 0:
    path = stack.pop()
    s = s * 0.5 + x[path[-1]] * len(path)
    if path[-1] < 3:
        stack.append(path + [path[-1] + 1])
        if s > 0.0:
            stack.append([path[0], path[-1] + 2])
return s
"""

MORE = """
d = {"p": State(a, b), "q": (x, y)}
return d["p"].pos * np.sum(d["q"][0] * d["q"][1])

d = {"u": a}
for i in range(3):
    if x[i] > 0.0:
        d["u"] = d["u"] * x[i]
    else:
        d["u"] += y[i]
return d["u"] ** 2

d = {"u": x * a, "v": b}
d["u"][1] = b * b
return np.sum(d["u"]) * d["v"]

d = {"u": x * a}
d["u"] += y
return np.sum(d["u"] ** 2)

p = Params(x * 1.0, a)
q = p.w
q[0] = b
return np.sum(p.w ** 2)

t = (x * 1.0, y * 1.0)
for k in range(2):
    t[k][k] = a * b
return np.sum(t[0] ** 2) + np.sum(t[1] ** 3)

t = (x, y)
z = t[0] if a > b else t[1]
return np.sum(z ** 2)

t = ((x, y), (y, x))
s = 0.0
for i in range(2):
    for j in range(2):
        s += t[i][j][i + j] * (i + 1) * a
return s

t = (a, b, a * b)
i = 0
s = 0.0
while t[i] < 10.0 and i < 2:
    s += t[i] ** 2
    i += 1
return s

s = State(a, b)
t = (s, State(b, a))
for k in range(3):
    t = (t[1], State(t[0].pos * x[k], t[0].vel))
return t[0].pos * t[1].vel

n = Nested(Params(x, (a, b)), [a, b, x[0]])
return n.scale[2] * n.inner.b[1] * n.inner.w[0]

global_sum = 0.0
for c in COEFFICIENTS:
    global_sum += c * a ** 2
for row in LIMITS:
    global_sum += np.sum(row * x[:2])
return global_sum
"""

MORE += """

d = {"u": a, "v": b}
s = 0.0
if "u" in d and "w" not in d:
    s = d["u"] ** 2
for i in range(3):
    d["u"] = d["u"] * 0.5 + x[i]
    s += same(d)["u"] * d["v"]
return s
"""

MORE += """

t = ([a, b], a)
l = t[0] + t[0]
return l[3] * l[0] * len(l) + sum(t[0])
"""

MORE_LISTS += """

l = [a]
k = [b]
for i in range(3):
    if x[i] > 0.0:
        k = l
    k[0] = k[0] * 2.0 + x[i]
return l[0] * k[0]

l = []
def add(v):
    l.append(v * a)
for i in range(3):
    add(x[i])
return sum(l) ** 2

v = a * 3.0
l = [v * w for w in x]
k = [v * v for v in y]
return v * sum(l) + sum(k)

s = 0.0
for i in range(3):
    l = [x[i] * w + i for w in y if w > x[i]]
    s += sum(l) * len(l)
    for i in [1, 2]:
        s += i * a
return s

l = []
for i in range(6):
    if x[i] > 1.0:
        return l[-1] if len(l) > 0 else a
    l.append(x[i] * b)
return sum(l)

l = [a, b, a * b]
s = 0.0
for i in range(len(l)):
    for j in range(i):
        s += l[i] * l[j] ** 2
        l[j] = l[j] * 0.9
return s

l = [a]
n = 3
for i in range(n):
    l.append(l[i] * x[i])
    n = 10
return sum(l) * n

l = []
for i in range(x.size):
    l.append(x[i])
for i in range(len(l)):
    l.append(l[i] ** 2)
return sum(l) + l[7] * l[11]

l = [a, b]
l += [a * b]
return l[2] * len(l)

l = [x[i] for i in range(3)][::-1]
return l[0] ** 2 * l[2]

l = [x[0], x[1]]
while len(l) < 15:
    l.append(l[-1] * 0.5 + l[-2] * a)
    if len(l) % 4 == 0:
        l.pop()
        l.append(b)
return l[14] * l[9] + l[3]

l = [i for i in range(4)]
s = 0.0
for i in l:
    s += x[i] * i ** 2
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


def programs(text: str) -> list[str]:
    return [block for block in text.strip("\n").split("\n\n")]
