"""Dicts, dataclasses, lists and NamedTuples of parameters, as arguments and as results."""

from __future__ import annotations

import pickle
from collections import OrderedDict, defaultdict, namedtuple
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest
from numba import njit

from adcompile import grad, jacfwd, jacobian, jacrev, jvp, value_and_grad, vjp
from adcompile.containers import for_numba, like
from adcompile.errors import UnsupportedError
from adcompile.makers import dict_class

RNG = np.random.default_rng(5)
X = RNG.normal(size=(5, 3))
T = RNG.normal(size=(5, 2))


class Layer(NamedTuple):
    w: np.ndarray
    b: np.ndarray


class Network(NamedTuple):
    first: Layer
    second: Layer
    slope: float
    epochs: int = 3


@dataclass(frozen=True)
class Model:
    first: Layer
    second: dict[str, Any]
    slope: float
    epochs: int = 3


def network() -> Network:
    rng = np.random.default_rng(1)
    return Network(
        Layer(rng.normal(size=(3, 4)), rng.normal(size=4)),
        Layer(rng.normal(size=(4, 2)), rng.normal(size=2)),
        0.7,
    )


def loss(net, x, t):
    h = np.tanh(x @ net.first.w + net.first.b) * net.slope
    return np.mean((h @ net.second.w + net.second.b - t) ** 2)


def loss_of_dicts(net, x, t):
    h = np.tanh(x @ net["first"]["w"] + net["first"]["b"]) * net["slope"]
    return np.mean((h @ net["second"]["w"] + net["second"]["b"] - t) ** 2)


def loss_of_mixed(net, x, t):
    h = np.tanh(x @ net.first.w + net.first.b) * net.slope
    return np.mean((h @ net.second["w"] + net.second["b"] - t) ** 2)


def loss_of_list(net, x, t):
    (w1, b1), (w2, b2), slope, _ = net
    h = np.tanh(x @ w1 + b1) * slope
    return np.mean((h @ w2 + b2 - t) ** 2)


def as_dict(net: Network) -> dict[str, Any]:
    first, second = net.first._asdict(), net.second._asdict()
    return {"first": first, "second": second, "slope": net.slope, "epochs": net.epochs}


def by_hand(net: Network) -> Network:
    h = np.tanh(X @ net.first.w + net.first.b)
    residual = 2.0 * (net.slope * h @ net.second.w + net.second.b - T) / T.size
    inner = residual @ net.second.w.T
    back = net.slope * inner * (1.0 - h * h)
    return Network(
        Layer(X.T @ back, back.sum(axis=0)),
        Layer(net.slope * h.T @ residual, residual.sum(axis=0)),
        float(np.sum(inner * h)),
    )


def agree(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


def check(layer: Any, expected: Layer) -> None:
    agree(layer[0], expected.w)
    agree(layer[1], expected.b)


def test_named_tuples() -> None:
    net, expected = network(), by_hand(network())
    value, found = value_and_grad(loss)(net, X, T)
    agree(value, loss(net, X, T))
    assert type(found) is Network and type(found.first) is Layer and found.epochs is None
    check(found.first, expected.first)
    check(found.second, expected.second)
    agree(found.slope, expected.slope)


def test_dicts_keep_their_order() -> None:
    net, expected = network(), by_hand(network())
    found = grad(loss_of_dicts)(as_dict(net), X, T)
    assert list(found) == ["first", "second", "slope", "epochs"] and found["epochs"] is None
    check(tuple(found["first"].values()), expected.first)
    check(tuple(found["second"].values()), expected.second)
    agree(found["slope"], expected.slope)


def test_dataclasses_with_dicts() -> None:
    net, expected = network(), by_hand(network())
    model = Model(net.first, net.second._asdict(), net.slope)
    found, by_x = grad(loss_of_mixed, argnums=(0, 1))(t=T, x=X, net=model)
    assert type(found) is Model and type(found.second) is dict and found.epochs is None
    check(found.first, expected.first)
    check(tuple(found.second.values()), expected.second)
    assert by_x.shape == X.shape


def test_lists_of_tuples() -> None:
    net, expected = network(), by_hand(network())
    given = [tuple(net.first), [*net.second], net.slope, 3]
    found = grad(loss_of_list)(given, X, T)
    assert type(found) is list and type(found[0]) is tuple and type(found[1]) is list
    check(found[0], expected.first)
    check(found[1], expected.second)


def test_extents_of_one_broadcast() -> None:
    def scaled(layer, x):
        return np.sum(x * layer.w * layer.b)

    b = RNG.normal(size=(1, 3))
    found = grad(scaled)(Layer(X, b), X)
    agree(found.b, np.sum(X * X, axis=0)[None])
    agree(found.w, X * b)


def test_a_training_loop_in_numba() -> None:
    gradient = grad(loss)

    @njit
    def train(net, x, t, rate):
        for _ in range(net.epochs):
            value, d = gradient.value_and_grad(net, x, t)
            first = Layer(net.first.w - rate * d.first.w, net.first.b - rate * d.first.b)
            second = Layer(net.second.w - rate * d.second.w, net.second.b - rate * d.second.b)
            net = Network(first, second, net.slope - rate * d.slope, net.epochs)
        return net, value

    found, value = train(network(), X, T, 0.1)
    net = network()
    for _ in range(net.epochs):
        before = loss(net, X, T)
        d = by_hand(net)
        first = Layer(net.first.w - 0.1 * d.first.w, net.first.b - 0.1 * d.first.b)
        second = Layer(net.second.w - 0.1 * d.second.w, net.second.b - 0.1 * d.second.b)
        net = Network(first, second, net.slope - 0.1 * d.slope)
    agree(value, before)
    check(found.first, net.first)
    agree(found.slope, net.slope)


def results(p, x):
    u = p["a"] * x
    v = u * p["b"]
    return {"sum": np.sum(u * v), "parts": (v, (u[0] ** 2, 3)), "layer": Layer(u, v)}


P = {"b": 0.6, "a": RNG.normal(size=4), "n": (1, 2)}
Z = RNG.normal(size=4)


def test_pullback_of_nested_results() -> None:
    out, pullback = vjp(results, P, Z)
    expected = results(P, Z)
    assert list(out) == sorted(expected) and type(out["layer"]) is Layer
    agree(out["parts"][0], expected["parts"][0])
    seeds = {
        "sum": 0.3,
        "parts": (RNG.normal(size=4), (0.4, None)),
        "layer": Layer(RNG.normal(size=4), RNG.normal(size=4)),
    }
    tangents = {"a": RNG.normal(size=4), "b": 0.2, "n": None}
    moved_x = RNG.normal(size=4)
    _, moved = jvp(results, (P, Z), (tangents, moved_x))
    by_p, by_x = pullback(seeds)
    assert list(by_p) == ["b", "a", "n"] and by_p["n"] == (None, None)
    left = seeds["sum"] * moved["sum"] + seeds["parts"][0] @ moved["parts"][0]
    left += seeds["parts"][1][0] * moved["parts"][1][0]
    left += sum(s @ m for s, m in zip(seeds["layer"], moved["layer"]))
    right = by_p["a"] @ tangents["a"] + by_p["b"] * tangents["b"] + by_x @ moved_x
    agree(left, right)
    h = 1e-6
    up = results({"a": P["a"] + h * tangents["a"], "b": P["b"] + h * 0.2}, Z + h * moved_x)
    down = results({"a": P["a"] - h * tangents["a"], "b": P["b"] - h * 0.2}, Z - h * moved_x)
    slope = (up["parts"][1][0] - down["parts"][1][0]) / (2 * h)
    assert moved["parts"][1][0] == pytest.approx(slope, rel=1e-7)
    with pytest.raises(TypeError, match="same keys"):
        pullback({"sum": 1.0})


def test_final_contents_after_nested_results() -> None:
    def scaled(x, out):
        for i in range(x.size):
            out[i] = x[i] ** 2 * out[i]
        return (x[0] * x[1], out[1]), Layer(x, x)

    target = RNG.normal(size=4)
    found, pullback = vjp(scaled, Z, target)
    assert len(found) == 3 and type(found[1]) is Layer
    agree(found[2], Z**2 * target)
    zero = np.zeros(4)
    by_x, by_out = pullback(((0.0, 0.0), Layer(zero, zero), np.ones(4)))
    agree(by_x, 2 * Z * target)
    agree(by_out, Z**2)


def of_nested(p):
    return p["in"]["u"] ** 2 * p["in"]["v"]


def test_jacobians_by_leaf() -> None:
    def two(p, x):
        return {"s": np.sum(p["a"] * x) ** 2, "v": (p["a"] * p["b"], 3)}

    for jac in (jacfwd, jacrev, jacobian):
        found = jac(two)(P, Z)
        agree(found["s"]["a"], 2 * np.sum(P["a"] * Z) * Z)
        agree(found["v"][0]["a"], P["b"] * np.eye(4))
        agree(found["v"][0]["b"], P["a"])
        assert found["s"]["b"] == 0.0 and found["s"]["n"] == (None, None)
    nested = jacobian(of_nested)({"in": {"u": 2.0, "v": 3.0}})
    assert nested == {"in": {"u": 12.0, "v": 4.0}}
    both = jacobian(two, argnums=(0, 1))(P, Z)
    agree(both["s"][1], 2 * np.sum(P["a"] * Z) * P["a"])


def test_items_that_nobody_reads_have_gradients_too() -> None:
    def first(p):
        return np.sin(p[0])

    found = grad(first)((0.3, np.ones(3), (2, 0.5)))
    assert found[0] == pytest.approx(np.cos(0.3))
    agree(found[1], np.zeros(3))
    assert found[2] == (None, 0.0)


def test_auxiliary_dicts() -> None:
    def f(p):
        return p["u"] ** 2, {"twice": 2.0 * p["u"]}

    (value, aux), found = value_and_grad(f, has_aux=True)({"u": 1.5})
    assert value == 2.25 and aux == {"twice": 3.0} and found == {"u": 3.0}


def test_two_classes_of_one_name() -> None:
    one, two = namedtuple("Pair", ["u", "v"]), namedtuple("Pair", ["v", "u"])

    def f(p):
        return p.u**2 * p.v

    assert grad(f)(one(2.0, 3.0)) == one(12.0, 4.0)
    found = grad(f)(two(2.0, 3.0))
    assert type(found) is two and found == two(9.0, 12.0)


def test_keys_of_any_text() -> None:
    cls = dict_class(("a b", "class", "_x", "a__b"))
    assert pickle.loads(pickle.dumps(cls)) is cls
    given = {"a b": 1.0, "class": 2.0, "_x": [3.0, {}], "a__b": None}
    assert like(given, for_numba(given)) == given
    assert for_numba(given)["class"] == 2.0

    def f(p):
        return p["a b"] * p["class"] ** 2

    assert grad(f)({"class": 3.0, "a b": 2.0}) == {"class": 12.0, "a b": 9.0}
    with pytest.raises(TypeError, match="text as keys"):
        grad(f)({1: 2.0})


def test_dicts_of_all_kinds() -> None:
    def f(p, x=Z, scale={"c": 2.0}):  # noqa: B006
        gain = p["a"] if "a" in p else 1.0
        return gain * np.sum(x * p["w"]) * scale["c"]

    plain = grad(f)({"w": Z})
    agree(plain["w"], 2.0 * Z)
    found = grad(f)(OrderedDict(w=Z, a=3.0))
    assert type(found) is OrderedDict and list(found) == ["w", "a"]
    agree(found["w"], 6.0 * Z)
    found = grad(f)(defaultdict(float, w=Z))
    assert type(found) is defaultdict and found["missing"] == 0.0
    by_scale = grad(f, argnums="scale")({"w": Z}, scale={"c": 1.5})
    assert by_scale == {"c": pytest.approx(np.sum(Z * Z))}

    def nothing(p, x):
        return np.sum(x)

    agree(grad(nothing, argnums=1)([], Z), np.ones(4))

    def sets(p):
        p["w"] = 2.0 * p["w"]
        return np.sum(p["w"])

    with pytest.raises(UnsupportedError, match="is an argument"):
        grad(sets)({"w": Z})

    def wrong(p):
        return p["v"]

    with pytest.raises(UnsupportedError, match="It has w"):
        grad(wrong)({"w": Z})
