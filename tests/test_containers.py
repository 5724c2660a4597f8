"""NamedTuples, tuples, lists, dicts and records: inside programs, and as arguments."""

from __future__ import annotations

import math
import types
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numba import float64, int64, njit
from numba import types as types_of
from numba.experimental import jitclass
from numba.typed import List

from adcompile import grad, jacobian, jvp, value_and_grad, vjp
from adcompile.errors import AdcompileError, UnsupportedError
from adcompile.testing import plain_value_and_grad
from tests import container_table as table
from tests import oracle
from tests.test_arrays import compare, load

GROUPS = {
    "named": table.NAMED_TUPLES,
    "tuples": table.TUPLES,
    "lists": table.LISTS,
    "dicts": table.DICTS,
    "enums": table.ENUMS,
    "more": table.MORE + "\n" + table.MORE_LISTS,
}
PROGRAMS = [(group, body) for group, text in GROUPS.items() for body in table.programs(text)]


def arguments(seed: int) -> tuple[Any, ...]:
    rng = np.random.default_rng(seed)
    a, b = rng.uniform(0.3, 1.5, 2)
    return rng.normal(size=6), rng.normal(size=6), rng.normal(size=(3, 4)), a, b


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> types.ModuleType:
    lines = [table.PRELUDE]
    for k, (_, body) in enumerate(PROGRAMS):
        lines += [f"def f{k}(x, y, m, a, b):", *(f"    {line}" for line in body.split("\n")), ""]
    for k, (body, _) in enumerate(REFUSED):
        lines += [f"def r{k}(x, y, m, a, b):", *(f"    {line}" for line in body.split("\n")), ""]
    path = tmp_path_factory.mktemp("containers") / "container_programs.py"
    path.write_text("\n".join(lines))
    return load(path)


@pytest.mark.parametrize("k", range(len(PROGRAMS)), ids=[f"{g}: {b}" for g, b in PROGRAMS])
def test_program(written: types.ModuleType, k: int, monkeypatch: pytest.MonkeyPatch) -> None:
    if "List" in PROGRAMS[k][1] or "np.mean(l)" in PROGRAMS[k][1]:  # not for the tape
        monkeypatch.setattr(oracle, "second_opinion", lambda *args: None)
    compare(getattr(written, f"f{k}"), arguments(k), optimise=True)
    if k % 3 == 0:
        compare(getattr(written, f"f{k}"), arguments(k + 1), optimise=False)


REFUSED = [
    ("d = {x.size: a}\nreturn a", "not literal text"),
    ("d = {'u': a}\nif a > b:\n    d['v'] = b\nreturn d['u']", "a new key"),
    ("d = {'u': a}\nd['v'] += b\nreturn d['u']", "a new key"),
    ("d = {'u': a}\ne = d\nd['u'] = b\nreturn e['u']", "two names"),
    ("d = {'u': a}\nreturn d['v']", "no key 'v'"),
    ("d = {'u': a}\nfor k in d:\n    a = a * d[k]\nreturn a", "more than add"),
    ("d = {'u': a}\nfor p in d.items():\n    a += p[1]\nreturn a", "targets of a loop"),
    (
        "d = {'u': a}\ne = {'u': b}\nfor i in range(3):\n    d['u'] *= 2.0\n    a += e['u']\n"
        "    e = d\nreturn a",
        "changed in a loop",
    ),
    ("d = {'u': a}\ne = same(d)\nd['u'] = b\nreturn e['u']", "two names"),
    ("d = {'u': a}\nk = 'u'\nif a > b:\n    k = 'v'\nreturn d[k]", "cannot type"),
    ("return State(a)", "without 'vel'"),
    ("return State(a, b, mass=a).pos", "mass="),
    ("s = State(a, b)\nreturn s.mass", "mass"),
    ("s = State(a, b)\ns.pos = b\nreturn s.pos", "assignment to an attribute"),
    ("t = (a, b)\nreturn t[2]", "index out of range"),
    ("t = (a, x)\ns = 0.0\nfor k in range(2):\n    s += t[k]\nreturn s", "cannot type"),
    ("l = [a]\nfor v in l:\n    l.append(v)\nreturn l[0]", "while a loop runs over it"),
    ("l = []\nv = x * a\nl.append(v)\nl[0][1] = a\nreturn v[1]", "in a list is written to"),
    ("l = [x * a]\nl.append(x)\nr = l[0]\nl.append(y)\nr[0] = a\nreturn l[0][0]", "is written to"),
    (
        "l = [x * a]\nl.append(y * a)\nk = [l[0]]\nk.append(x)\nl[0][0] = a\nreturn k[0][0]",
        "written",
    ),
    ("r = [a]\nl = [r]\nl.append(r)\nl[0][0] = b\nreturn l[1][0]", "changed elsewhere"),
    ("r = [a]\nl = [[b]]\nl.append(r)\nr[0] = a * b\nreturn l[1][0]", "changed elsewhere"),
    (
        "p = [x * b]\nq = [x * a]\nv = x * a\np.append(v)\nq.append(v)\nq[1][0] = a\n"
        "return p[1][0]",
        "is written to",
    ),
    ("r = [a, b]\nt = (r, b)\nl = [[b]]\nl.append(r)\nl[1][0] = b\nreturn t[0][0]", "changed"),
    ("l = [a]\nfor i in range(2):\n    t = (b, l)\n    l.append(a)\nreturn t[1][0]", "in a tuple"),
    ("l = [a, b]\nreturn l", "this use of the list"),
    ("l = [a]\nk = l\nl += [b]\nreturn k[0] * len(k)", "changes its length"),
    ("d = {'l': [a]}\nd['l'].append(b)\nreturn d['l'][1]", "out of another container"),
    ("l = [a, b]\nl[0:1] = [b, a]\nreturn l[0]", "part of a list"),
    ("l = [[a, b], [b, a]]\nk = l + l\nreturn k[0][1]", "list of lists"),
    ("return x.flags", "flags"),
    ("return x.field", "field"),
]


@pytest.mark.parametrize("k", range(len(REFUSED)), ids=[body for body, _ in REFUSED])
def test_refusal(written: types.ModuleType, k: int) -> None:
    f = getattr(written, f"r{k}")
    with pytest.raises(AdcompileError) as caught:
        plain_value_and_grad(f, (0, 1, 2, 3, 4))(*arguments(k))
    assert REFUSED[k][1] in str(caught.value)
    line = caught.value.loc.line if caught.value.loc is not None else 0
    first = f.__code__.co_firstlineno
    assert first <= line <= first + REFUSED[k][0].count("\n") + 1


def test_errors_of_lists_are_those_of_lists() -> None:
    def last(x, k):
        items = [x, x * x]
        return items[k]

    found = value_and_grad(last)
    assert found(3.0, -1) == (9.0, 6.0)
    with pytest.raises(IndexError, match="list index out of range"):
        found(3.0, 2)

    def taken(x, n):
        items = [x]
        for _ in range(n):
            x = items.pop() * x
        return x

    assert grad(taken)(3.0, 1) == 6.0
    with pytest.raises(IndexError, match="pop from empty list"):
        grad(taken)(3.0, 2)


def test_an_appending_loop_records_nothing() -> None:
    def squares(x):
        out = []
        for i in range(x.size):
            out.append(x[i] ** 2)
        s = 0.0
        for v in out:
            s += math.sin(v)
        return s

    derivative = grad(squares)
    text = derivative.source(types_of.float64[::1])
    assert "_tape[" not in text and "larger" not in text
    x = np.linspace(0.1, 1.0, 5)
    np.testing.assert_allclose(derivative(x), 2 * x * np.cos(x * x), rtol=1e-14)


POINT = np.dtype([("u", np.float64), ("v", np.float64, (2,)), ("n", np.int64), ("c", np.float32)])


def points() -> Any:
    made = np.zeros(3, POINT)
    made["u"], made["v"], made["n"], made["c"] = (
        [0.1, 0.2, 0.3],
        X[:6].reshape(3, 2),
        [1, 2, 3],
        0.5,
    )
    return made


X = np.linspace(0.3, 1.7, 6)


def of_record(r):
    return r.u**2 * r["n"] + r.v[1]


def of_points(p, x):
    s = 0.0
    for i in range(len(p)):
        s += p[i].u * p[i].n * p[i].v[1] + math.sin(p["u"][i]) * p[i]["u"]
        r = p[i]
        s += of_record(r) * r["v"][0] * x
    for q in p:
        s += q.u * q.c
    rest = p[1:]
    return s + np.sum(p.u**2) * p.shape[0] * p.size + rest[0].u * np.sum(rest["v"])


def test_structured_arrays() -> None:
    p = points()
    found, by_x = grad(of_points, argnums=(0, 1))(p, 0.7)
    assert found.dtype == POINT and not found["n"].any()
    for field in ("u", "v"):
        for index in np.ndindex(p[field].shape):
            ends = []
            for sign in (1.0, -1.0):
                moved = p.copy()
                moved[field][index] += sign * 1e-6
                ends.append(of_points(moved.view(np.recarray), 0.7))
            slope = (ends[0] - ends[1]) / 2e-6
            assert found[field][index] == pytest.approx(slope, rel=1e-7, abs=1e-7)
    tangent = np.zeros(3, POINT)
    tangent["u"], tangent["v"][1] = [0.5, -0.3, 1.1], [0.2, 0.7]
    _, moved = jvp(of_points, (p, 0.7), (tangent, 0.3))
    along = found["u"] @ tangent["u"] + found["v"][1] @ tangent["v"][1] + 0.3 * by_x
    assert moved == pytest.approx(along, rel=1e-13)
    one = grad(of_record)(p[1])
    assert one["u"] == pytest.approx(2 * 0.2 * 2) and tuple(one["v"]) == (0.0, 1.0)

    def writes(p):
        p["u"][0] = p[1].u * 2.0
        return p[0].u * p[1].u

    assert grad(writes)(p)["u"][1] == pytest.approx(4 * 0.2) and p["u"][0] == 0.1

    def of_two(p, r, x):
        q = p[0]
        if x > 0.0:
            q = r[1]
        p["u"][0] = x
        return q.u

    with pytest.raises(UnsupportedError, match="'q', a record of several arrays"):
        grad(of_two)(p, p.copy(), 0.3)


def kicked(q, j):
    """A record is no copy: what the caller writes is seen through it."""
    return q.u * q["v"][1] + q.n * j


def by_reference(p, x):
    s, first, last = 0.0, p[0], p[2]
    for step in range(2):
        last = p[step] if last.u > 0.25 else p[last.n - 2]
        for i in range(len(p)):
            q = p[i]
            p[i].u = q.u * x + first.v[0]
            p[i]["u"] += math.sin(q.u)
            s += kicked(q, step) * q.u - first.u + last.v[1] * last.u
            last = q
        for q in p:
            p["v"][1, 1] += q.u * x
            s += q.v[1]
    return s


def test_records_are_references() -> None:
    p = points()
    found, by_x = grad(by_reference, argnums=(0, 1))(p, 0.7)
    assert p["u"][0] == 0.1

    def at(field: str, index: Any, step: float) -> float:
        moved = p.copy()
        moved[field][index] += step
        return float(by_reference(moved.view(np.recarray), 0.7))

    for field, index in [("u", 0), ("u", 2), ("v", (0, 0)), ("v", (1, 1)), ("v", (2, 1))]:
        slope = (at(field, index, 1e-6) - at(field, index, -1e-6)) / 2e-6
        assert found[field][index] == pytest.approx(slope, rel=1e-7, abs=1e-7)
    ends = [by_reference(p.copy().view(np.recarray), 0.7 + step) for step in (1e-6, -1e-6)]
    assert by_x == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-7)


@jitclass([("k", float64), ("w", float64[:]), ("_n", int64)])
class Spring:
    def __init__(self, k, w):
        self.k = k
        self.w = w
        self._n = 2

    def force(self, x):
        return self.k * x**self._n * self.w[0]

    @property
    def double(self):
        return 2.0 * self.force(self.k)


def stretched(spring, x):
    return spring.force(x) * spring.double + np.sum(spring.w**2)


def test_instances_of_jitclasses() -> None:
    w = np.array([0.6, -1.2])
    found, by_x = grad(stretched, argnums=(0, 1))(Spring(0.3, w), 0.7)
    slope = (stretched(Spring(0.3 + 1e-6, w), 0.7) - stretched(Spring(0.3 - 1e-6, w), 0.7)) / 2e-6
    assert found.k == pytest.approx(slope, rel=1e-8)
    force = 0.3 * 0.49
    np.testing.assert_allclose(found.w, [4 * force * 0.3**3 * 0.6 + 1.2, -2.4], rtol=1e-12)
    assert by_x == pytest.approx(2 * stretched(Spring(0.3, w), 0.7) / 0.7 - 2 * (w @ w) / 0.7)

    inner = grad(stretched)

    @njit
    def compiled(spring):
        return inner(spring, 0.7)

    with pytest.raises(Exception, match="in calls from"):
        compiled(Spring(0.3, w))


def of_list(items, x):
    s = 0.0
    for i in range(len(items)):
        s += math.sin(items[i]) * x[i] + items[-1]
    for v in items:
        s += v * v
    doubled = items + items
    return s * doubled[4] + (items * 2)[3]


def test_lists_of_numbers() -> None:
    x, given = X[:3], [0.1, 0.2, 0.3]
    found, by_x = grad(of_list, argnums=(0, 1))(given, x)
    assert type(found) is list and type(found[0]) is float
    for k in range(3):
        ends = []
        for sign in (1.0, -1.0):
            moved = [v + sign * 1e-6 * (i == k) for i, v in enumerate(given)]
            ends.append(of_list(moved, x))
        assert found[k] == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-8)
    typed = List(given)
    again = vjp(of_list, typed, x)[1](1.0)
    assert type(again[0]) is List and list(again[0]) == found
    np.testing.assert_array_equal(again[1], by_x)
    assert jvp(of_list, (given, x), ([0.0, 1.0, 0.0], None))[1] == pytest.approx(found[1])

    def grows(items):
        items.append(1.0)
        return items[0]

    with pytest.raises(UnsupportedError, match="changes its length"):
        grad(grows)(given)


@dataclass
class Line:
    slope: float
    _ends: np.ndarray

    def at(self, x):
        return self.slope * x + self.offset

    @property
    def offset(self):
        return self._ends[0] * self._ends[1]


@dataclass
class Broken:
    first: Line
    second: Line

    def at(self, x):
        return self.second.at(np.sin(self.first.at(x)))


def test_methods_of_dataclasses() -> None:
    lines = Broken(Line(0.3, np.array([0.1, 0.2])), Line(0.5, np.array([0.4, 0.2])))

    def squared(lines, x):
        return lines.at(x) ** 2

    found = grad(squared)(lines, 0.4)
    outer = 2 * lines.at(0.4)
    inner = outer * 0.5 * math.cos(lines.first.at(0.4))
    assert found.first.slope == pytest.approx(inner * 0.4)
    np.testing.assert_allclose(found.first._ends, [inner * 0.2, inner * 0.1])
    assert found.second.slope == pytest.approx(outer * math.sin(lines.first.at(0.4)))
    assert jacobian(squared)(lines, 0.4).second.slope == pytest.approx(found.second.slope)
