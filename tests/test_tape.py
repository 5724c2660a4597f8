"""The tape engine: the graph, memory that is written to, what the compiler refuses, kinks, and
drawings.  That it agrees with compiled derivatives is tested where those are (second_opinion)."""

from __future__ import annotations

import copy
import math
import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numba import njit

from adcompile import (
    AliasError,
    InactiveArgumentError,
    NonScalarOutputError,
    UnsupportedError,
    grad,
    stop_gradient,
    tape,
    value_and_grad,
)
from adcompile.rules.registry import RULES, Rule
from adcompile.tape import draw
from adcompile.tape.node import ancestors
from tests import oracle

X = np.array([0.3, -0.7, 1.1, 0.4])
Y = np.array([1.2, 0.4, 0.9, 2.0])
M = np.outer(X, Y[:3]) + np.array([0.2, -0.5, 0.1])


def compare(f: Callable[..., Any], *args: Any) -> None:
    """Against differences, in every coordinate."""
    argnums = tuple(range(len(args)))
    given = oracle.copies(args)
    value, grads = tape.value_and_grad(f, argnums)(*given)
    assert value == pytest.approx(float(f(*oracle.copies(args))), rel=1e-14)
    for before, after in zip(args, given, strict=True):
        np.testing.assert_array_equal(before, after)
    for d in oracle.unit_directions(args, argnums):
        estimate = oracle.directional(f, args, d)
        assert estimate.reliable
        assert estimate.agrees(oracle.dot(grads, argnums, d)), (d, estimate, grads)


# ---------------------------------------------------------------- the graph


def test_gradients_add_up_at_forks() -> None:
    x, y = tape.variable(2.0, "x"), tape.variable(3.0, "y")
    t = x * y
    z = t * t + np.sin(x) * t
    z.backward()
    assert x.grad == pytest.approx(2 * 6 * 3 + math.cos(2) * 6 + math.sin(2) * 3, rel=1e-14)
    assert y.grad == pytest.approx(2 * 6 * 2 + math.sin(2) * 2, rel=1e-14)
    assert t.grad == pytest.approx(2 * 6 + math.sin(2), rel=1e-14)
    again = x.grad
    z.backward()
    assert x.grad == again  # anew, not on top of it
    z.backward(2.0)
    assert x.grad == 2 * again


def test_nodes_come_after_their_parents() -> None:
    x = tape.variable(X, "x")
    order = ancestors(np.sum(np.exp(x[1:]) * x[:-1]).node)
    assert all(p.number < n.number for n in order for p in n.parents if p is not None)
    assert [n.number for n in order] == sorted((n.number for n in order), reverse=True)
    assert [n.name for n in order][0] == "sum" and order[-1].name == "x"


def test_values_of_nodes_do_not_change() -> None:
    x = tape.variable(X)
    y = x * x
    before = [(n, np.copy(n.value)) for n in ancestors(y.node)]
    y[0] = 7.0
    y *= 2.0
    x[1] = 3.0
    for node, value in before:
        np.testing.assert_array_equal(node.value, value)
    np.testing.assert_array_equal(y.value[1:], 2 * X[1:] ** 2)


# ---------------------------------------------------------------- memory


def ravelled(m: Any) -> Any:
    y, z = m.ravel(), m.T.ravel()  # a view, a copy
    y[1] = y[0] * y[5]
    z[0] = 5.0
    return np.sum(m**3) + z[1] * z[0]


def handed_on(x: Any) -> Any:
    u, w = x * 1.0, x * 2.0
    for _ in range(3):
        v = u[1:]
        u, w = w, u
        v[0] = v[0] * u[0]
        w[-1] += u[1] ** 2
    return np.sum(u * w * v[0])


def overlapping(x: Any) -> Any:
    y = x.copy()
    y[1:] += y[:-1] ** 2
    y[:-1] = y[1:]
    y[:] = y[::-1] * x
    return np.sum(y**2)


def repeated(x: Any, y: Any) -> Any:
    places = np.array([0, 2, 2, 1])
    z = x * 1.0
    z[places] = y**2  # the last one counts
    t = z[places] * y
    places[:] = 3
    z[places] *= 2.0
    return np.sum(z**2) + np.sum(t)


def spread_out(x: Any, y: Any) -> Any:
    wide = np.broadcast_to(x, (3, 4))
    first = wide[1, 2]
    x[2] = y[0] * first  # the view sees it
    return np.sum(wide * y) * first + wide[0, 2]


def scratch(x: Any) -> Any:
    buffer, total = np.empty(2), 0.0
    for i in range(x.size):
        buffer[0] = x[i] ** 2
        buffer[1] = buffer[0] * x[i]
        total += buffer[0] * buffer[1]
        buffer[:] = 0.0
    return total


def counted(x: Any) -> Any:
    weights, total = np.arange(4), 0.0
    for _ in range(2):
        total += np.sum(x**2 * weights)
        weights += 1
        weights[1] = 7
    return total


def no_axes(x: Any) -> Any:
    z = x[..., 1]  # an array without axes, and a view
    z *= 2.0
    y = np.array(x[0])
    y[...] = y * z
    return y * x[1]


def time_steps(x: Any) -> Any:
    u = np.zeros((4, x.size))
    u[0] = x
    for k in range(3):
        u[k + 1, 1:-1] = u[k, 1:-1] + 0.1 * (u[k, 2:] - 2 * u[k, 1:-1] + u[k, :-2]) * u[k, 1:-1]
        u[k + 1, [0, -1]] = u[k, [-1, 0]]
    return np.sum(u**2)


def written_by_others(x: Any, y: Any) -> Any:
    np.multiply(x, y, out=x)
    np.copyto(y, x, where=y > 1.0)
    np.add.at(x, [1, 1, 3], y[:3])
    x.sort()
    y.fill(x[0])
    return np.sum(x**2 * y)


@pytest.mark.parametrize(
    ("f", "args"),
    [
        (ravelled, (M,)),
        (handed_on, (X,)),
        (overlapping, (X,)),
        (repeated, (X, Y)),
        (spread_out, (X, Y)),
        (scratch, (X,)),
        (counted, (X,)),
        (no_axes, (X,)),
        (time_steps, (X,)),
        (written_by_others, (X, Y)),
    ],
)
def test_memory(f: Callable[..., Any], args: tuple[Any, ...]) -> None:
    compare(f, *args)
    compare(f, *(np.asfortranarray(a)[::-1] for a in args))


def test_small_parts_of_large_blocks() -> None:
    """The time of a loop over rows must not grow with the block: no copies of all of it."""
    u = tape.variable(np.ones((4000, 50)))
    u[0] = u[1] * 2.0
    first = u.block.value
    for k in range(1, 4000):
        u[k] = u[k - 1] * 0.5
    assert u.block.value is first


def test_overlapping_arguments() -> None:
    def f(x: Any, y: Any) -> Any:
        return np.sum(x * y)

    def g(x: Any, y: Any) -> Any:
        x[0] = 2.0
        return np.sum(x * y)

    np.testing.assert_array_equal(tape.grad(f)(X, X), X)
    np.testing.assert_array_equal(tape.grad(g)(X, Y), [0.0, *Y[1:]])
    with pytest.raises(AliasError, match=r"x\[0\] = 2\.0"):
        tape.grad(g)(X[:-1], X[1:])
    with pytest.raises(AliasError):
        tape.grad(g)(X[::2], X[:2])


# ---------------------------------------------------------------- programs that compile nowhere


class Spring:
    def __init__(self, stiffness: Any) -> None:
        self.stiffness = stiffness

    def energy(self, x: Any) -> Any:
        return 0.5 * self.stiffness * np.cos(x) ** 2


def power(x: Any, n: int) -> Any:
    return 1.0 if n == 0 else x * power(x, n - 1)


@njit
def compiled_helper(x: float) -> float:
    return math.exp(-x) * SCALE[1]


SCALE = np.array([3.0, 0.5])


def anything(x: Any, k: Any) -> Any:
    import math as m

    parts = {"spring": Spring(k).energy(x[0]), "power": power(x[1], 3)}
    parts |= {name: m.sin(v) for name, v in zip("ab", x)}
    squares = [v * v for v in x if v > 0]
    try:
        parts["c"] = parts["missing"]
    except KeyError:
        parts["c"] = compiled_helper(x[2])
    last = (lambda *values: max(values))(*squares, 0.1)
    return sum(parts.values()) + last + float(f"{x[3]:.3f}") + sorted(x)[1]


def test_any_python() -> None:
    compare(anything, X, 0.8)
    with pytest.raises(UnsupportedError):
        grad(anything)(X, 0.8)
    np.testing.assert_array_equal(
        grad(anything, engine="tape")(X, 0.8), tape.grad(anything)(X, 0.8)
    )


def asks(x: Any, k: Any) -> Any:
    """What asks for types gets the answer of the plain program."""
    total = 0.0
    if isinstance(x, np.ndarray) and not isinstance(k, np.ndarray):
        total += k * x[0] ** 2
    if isinstance(x[1], float) and isinstance(x[1], np.floating | np.ndarray):
        total += x[1] ** 3
    if issubclass(x.dtype.type, np.inexact) and x.dtype == np.float64:
        total += np.float64(x[2]) * np.finfo(np.float64).nmant
    y = copy.copy(x)
    y[0] = 3.0
    return total + np.sum(x * copy.deepcopy(y))


def test_types() -> None:
    compare(asks, X, 0.8)


def test_dicts_and_lists_of_arguments() -> None:
    def f(parameters: Any, n: int) -> Any:
        return sum(np.sum(w**n) for w in parameters["layers"]) * parameters["scale"]

    given = {"layers": [X, (Y, M)[1]], "scale": 2.0, "steps": 3}
    value, found = value_and_grad(f, engine="tape")(given, 2)
    assert value == pytest.approx(2 * (np.sum(X**2) + np.sum(M**2)))
    np.testing.assert_allclose(found["layers"][1], 4 * M, rtol=1e-15)
    assert found["scale"] == pytest.approx(value / 2) and found["steps"] is None


def test_closures_and_arrays_captured() -> None:
    offset = np.array([1.0, 2.0, 3.0, 4.0])

    def inner(v: Any) -> Any:
        return math.tanh(v) + offset[0]

    def f(x: Any) -> Any:
        return sum(inner(v) for v in x) * np.sum(offset * x)

    def g(x: Any) -> Any:
        offset[0] = x[0]
        return offset[0]

    compare(f, X)
    with pytest.raises(ValueError, match="read-only"):
        tape.grad(g)(X)
    assert offset[0] == 1.0


# ---------------------------------------------------------------- signatures and errors


def loss(x: Any, n: int, scale: float = 2.0) -> Any:
    return scale * np.sum(x**n)


def with_aux(x: Any, y: Any) -> Any:
    return np.sum(x * y), (x * 2.0, x[0])


def test_results_have_the_compiled_structure() -> None:
    for options in ({"argnums": 0}, {"argnums": ("scale", "x")}, {"argnums": (2,)}, {}):
        for kind in (grad, value_and_grad):
            ours = kind(loss, engine="tape", **options)(X, 3, scale=1.5)
            theirs = kind(loss, **options)(X, 3, scale=1.5)
            assert str(ours) == str(theirs)
    found, aux = grad(with_aux, has_aux=True, engine="tape")(X, Y)
    np.testing.assert_array_equal(found, Y)
    np.testing.assert_array_equal(aux[0], 2 * X)
    assert aux[1] == X[0] and type(aux[1]) is float
    (value, _), _ = value_and_grad(with_aux, has_aux=True, engine="tape")(X, Y)
    assert value == np.sum(X * Y)
    made = grad(argnums="scale", engine="tape")(loss)
    assert made(X, 3) == np.sum(X**3) and made.primal is loss and made.__name__ == "loss"


def test_single_precision_stays() -> None:
    x = X.astype(np.float32)
    found = tape.grad(loss)(x, 3)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, 6 * X**2, rtol=1e-6)


def lost(x: Any) -> Any:
    return math.fsum([x, 2.0])


def kept_apart(x: Any) -> Any:
    return x * stop_gradient(x) + math.floor(x) + int(x)


def sets_global(x: Any) -> Any:
    global LAST
    LAST = x
    return x


def test_errors() -> None:
    with pytest.raises(UnsupportedError, match=r"(?s)lose its derivative.*test_tape.py.*math.fsum"):
        tape.grad(lost)(1.0)
    assert tape.grad(kept_apart)(1.5) == 1.5
    with pytest.raises(UnsupportedError, match="global LAST"):
        tape.grad(sets_global)(1.0)
    with pytest.raises(NonScalarOutputError, match="float64 array"):
        tape.grad(lambda x: x * 2)(X)
    with pytest.raises(InactiveArgumentError, match="argument 'n' is 3"):
        tape.grad(loss, argnums="n")(X, 3)
    with pytest.raises(TypeError, match="no option optimise"):
        grad(loss, engine="tape", optimise=False)
    with pytest.raises(UnsupportedError, match="does not know np"):
        tape.grad(lambda x: np.sum(np.fft.fft(x).real))(X)
    with pytest.raises(UnsupportedError, match="derivatives of derivatives"):
        tape.grad(tape.grad(loss))


# ---------------------------------------------------------------- the table's conventions


def _spelled(rule: Rule) -> Any:
    for fn in rule.fns:
        module, _, name = fn.rpartition(".")
        if module == "np" and isinstance(getattr(np, name, None), np.ufunc | type(np.clip)):
            return getattr(np, name)
    return None


KINKED = [rule for rule in RULES.values() if rule.kinks and _spelled(rule) is not None]


@pytest.mark.parametrize("rule", KINKED, ids=[rule.name for rule in KINKED])
def test_kinks(rule: Rule) -> None:
    """Declared partials, of numbers and of arrays; a seed of zero gives zero where that is said."""
    function = _spelled(rule)
    for point, expected in rule.kinks:
        for shape in ((), (2,)):
            given = [tape.variable(np.full(shape, x)) for x in point]
            out = np.sum(function(*given))
            out.backward()
            for x, want in zip(given, expected, strict=True):
                found = x.grad if x.grad is not None else np.zeros(shape)
                np.testing.assert_array_equal(found, np.full(shape, want))
            (0.0 * out).backward()
            for x, strong in zip(given, rule.strong_zero, strict=True):
                if strong and x.grad is not None:
                    np.testing.assert_array_equal(x.grad, np.zeros(shape))


def test_all_spelled() -> None:
    assert {rule.name for rule in RULES.values() if rule.kinks} - {r.name for r in KINKED} == {
        "i0e",
        "i1e",
    }


def test_ties_go_where_the_compiler_sends_them() -> None:
    def f(x: Any, y: Any) -> Any:
        return max(x, y) + 2 * min(x, y) + 4 * abs(x - y)

    assert tape.grad(f, (0, 1))(1.5, 1.5) == grad(f, (0, 1))(1.5, 1.5) == (0.0, 3.0)
    ties = np.array([1.0, 3.0, 3.0])
    np.testing.assert_array_equal(tape.grad(lambda x: np.max(x))(ties), [0, 1, 0])


# ---------------------------------------------------------------- drawings


def test_drawings() -> None:
    x, y = tape.variable(2.0, "x"), tape.variable(np.array([1.0, -3.0]), "y")
    out = np.sum(x * y) * x
    text = draw.dot(out)
    names = {n.name: f"n{n.number}" for n in ancestors(out.node)}
    assert f'{names["x"]} [label="x\\n2", style=filled' in text
    assert f'{names["y"]} -> n{out.node.number - 2} [label="[4 4]"]' in text
    assert text.count("->") == 5
    image = ET.fromstring(draw.svg(out))
    shown = [part.text for part in image if part.tag.endswith("text")]
    assert {"x", "2", "y", "[1 -3]", "sum", "-4", "-8", "[4 4]"} <= set(shown)
    listed = grad(loss, engine="tape").explain(X, 3).splitlines()
    assert listed[0].split() == ["line", "operation", "value", "gradient"]
    assert len(listed) == 5 and f"{__file__}" in listed[2]
