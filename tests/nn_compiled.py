"""Every part compiled: in plain njit code, and its value and gradient.

    python -m tests.nn_compiled [name ...]

The rows of the table of parts and those of optimisers, then what has no row.  Prints the seconds
(of CPU) that each took to compile.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from adcompile import nn, optim, value_and_grad
from adcompile.data import epoch_order
from tests import optimiser_table
from tests.nn_table import ROWS, Row, inputs
from tests.optimiser_table import start, ten_steps
from tests.test_nn import NAMESPACE, program, weights


def compiled(row: Row, folder: Path) -> tuple[float, float]:
    """Raises where a value or a gradient is not what the table says."""
    given = inputs(1)
    c = weights(row, given)
    f = getattr(program([row], folder / "nn_compiled_programs.py"), row.name.replace(" ", "_"))
    args = (*(given[name] for name in row.names), c)
    begin = time.process_time()
    value = njit(f)(*args)
    middle = time.process_time()
    again, grads = value_and_grad(f, tuple(range(len(row.gradients))))(*args)
    end = time.process_time()
    np.testing.assert_allclose([value, again], float(f(*args)), rtol=1e-12, atol=1e-13)
    for formula, found in zip(row.gradients.values(), grads, strict=True):
        expected = eval(formula, NAMESPACE, {**given, "c": c})
        np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-12)
    return middle - begin, end - middle


def optimiser(row: optimiser_table.Row) -> None:
    """Ten steps in njit code are those from Python."""
    options = "".join(f", {name}={value!r}" for name, value in row.options.items())
    text = (
        "def steps(params):\n"
        "    state = make(params)\n"
        "    for t in range(10):\n"
        "        grads = slopes(params, t)\n"
        f"        state, params = step(state, params, grads{options})\n"
        "    return params\n"
    )

    @njit
    def slopes(params: Any, t: int) -> Any:
        w, b = params
        return np.sin(3.0 * w + t) + 0.3 * w, np.sin(3.0 * b + t) + 0.3 * b

    scope: dict[str, Any] = {"make": row.state, "step": row.step, "slopes": slopes}
    exec(text, scope)
    found = njit(scope["steps"])(start())
    assert_close(found, ten_steps(row, start()))


# ---------------------------------------------------------------- what has no row


def dropped(x: Any, rng: Any) -> Any:
    return np.sum(nn.dropout(x, 0.3, rng) * x)


def half_dropped(x: Any, rng: Any) -> Any:
    return np.sum(nn.drop_half(x, rng) * x)


def dropout() -> None:
    x = inputs()["m"]
    for f in (dropped, half_dropped):
        value, slope = value_and_grad(f)(x, np.random.default_rng(5))
        expected = f(x, np.random.default_rng(5))
        assert_close([value, njit(f)(x, np.random.default_rng(5))], [expected, expected])
        mask = nn.dropout(x, 0.3, np.random.default_rng(5)) / x
        if f is half_dropped:
            mask = nn.drop_half(x, np.random.default_rng(5)) / x
        assert_close(slope, 2.0 * mask * x)


@njit
def first_weights(rng: Any) -> Any:
    return (
        nn.small_random(rng, 3, 2),
        nn.zeros(2),
        nn.xavier_normal(rng, 3, 2),
        nn.xavier_uniform(rng, 3, 2),
        nn.he_normal(rng, 3, 2),
        nn.he_uniform(rng, 3, 2),
    )


def initialisers() -> None:
    found, expected = (f(np.random.default_rng(0)) for f in (first_weights, first_weights.py_func))
    assert_close(found, expected)


@njit
def looked_up(table: Any, indices: Any) -> Any:
    rows, positions = nn.rows_used(indices)
    mean, var = nn.running_moments(np.zeros(4), np.ones(4), table)
    return nn.embedding(table[rows], positions), mean, var


def embedding() -> None:
    given = inputs()["e"], inputs()["i"]
    assert_close(looked_up(*given), looked_up.py_func(*given))


@njit
def rates(t: int) -> Any:
    return (
        optim.constant(0.5, t),
        optim.halving(0.5, t, 4),
        optim.exponential(0.5, t, 0.2),
        optim.cyclic(0.1, 0.9, t, 3),
        optim.one_cycle(0.5, t, 21),
        optim.cosine(0.5, t, 20, 0.1),
    )


def schedules() -> None:
    for t in range(20):
        assert_close(rates(t), rates.py_func(t))


@njit
def clipped(grads: Any) -> Any:
    by_norm, size = optim.clip_by_norm(optim.copy(grads), 0.5)
    return by_norm, size, optim.clip_by_value(optim.copy(grads), 0.3), optim.norm(grads)


def clipping() -> None:
    assert_close(optim.leaves(clipped(start())[0]), optim.leaves(clipped.py_func(start())[0]))
    assert_close(clipped(start())[1::2], clipped.py_func(start())[1::2])
    assert_close(clipped(start())[2], clipped.py_func(start())[2])


@njit
def sparse_steps(table: Any, indices: Any) -> Any:
    state = optim.adam_state(table)
    for t in range(3):
        rows = nn.rows_used(indices[t])[0]
        state, table = optim.sparse_adam(state, table, rows, np.sin(table[rows] + t), 0.1)
    return table


def sparse_adam() -> None:
    indices = np.array([[6, 0, 2, 0], [1, 1, 1, 5], [2, 3, 4, 4]])
    found, expected = (f(inputs()["e"], indices) for f in (sparse_steps, sparse_steps.py_func))
    assert_close(found, expected)


class Layer(NamedTuple):
    w: Any
    b: Any


class Network(NamedTuple):
    first: Layer
    second: Layer


def of_network(params: Any, x: Any, labels: Any) -> Any:
    h = nn.tanh(nn.affine(x, params.first.w, params.first.b))
    return nn.cross_entropy(nn.affine(h, params.second.w, params.second.b), labels)


def of_dict(params: Any, x: Any, labels: Any) -> Any:
    h = nn.tanh(nn.affine(x, params["w1"], params["b1"]))
    return nn.cross_entropy(nn.affine(h, params["w2"], params["b2"]), labels)


def parameters() -> None:
    """NamedTuples in an epoch in njit code; dicts in one in Python: the same weights."""
    cost, of_keys = value_and_grad(of_network), value_and_grad(of_dict)

    @njit
    def epoch(state: Any, params: Any, x: Any, labels: Any, rng: Any) -> Any:
        order = epoch_order(labels.size, rng)
        for begin in range(0, order.size, 4):
            batch = order[begin : begin + 4]
            _, grads = cost(params, x[batch], labels[batch])
            state, params = optim.adam(state, params, grads, 0.05)
        return state, params

    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(20, 3)), rng.integers(0, 2, 20)
    w1, w2 = rng.normal(size=(3, 4)), rng.normal(size=(4, 2))
    params = Network(Layer(w1, np.zeros(4)), Layer(w2, np.zeros(2)))
    keyed = {"w1": w1.copy(), "b1": np.zeros(4), "w2": w2.copy(), "b2": np.zeros(2)}
    _, found = epoch(optim.adam_state(params), params, x, labels, np.random.default_rng(1))
    assert isinstance(found, Network) and isinstance(found.second, Layer)
    state, order = optim.adam_state(keyed), epoch_order(20, np.random.default_rng(1))
    for begin in range(0, 20, 4):
        batch = order[begin : begin + 4]
        _, grads = of_keys(keyed, x[batch], labels[batch])
        assert grads.keys() == keyed.keys()
        state, keyed = optim.adam(state, keyed, grads, 0.05)
    assert_close(optim.leaves(found), optim.leaves(keyed), 1e-9)


OTHERS: list[Callable[[], None]] = [
    dropout,
    initialisers,
    embedding,
    schedules,
    clipping,
    sparse_adam,
    parameters,
]


def assert_close(found: Any, expected: Any, limit: float = 1e-12) -> None:
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=limit, atol=1e-14)


def main(names: list[str]) -> None:
    print(f"{'':24}{'plain':>8}{'gradient':>10}")
    with tempfile.TemporaryDirectory() as folder:
        for row in ROWS:
            if not names or row.name in names:
                plain, gradient = compiled(row, Path(folder))
                print(f"{row.name:24}{plain:8.1f}{gradient:10.1f}", flush=True)
    others = [(row.name, lambda row=row: optimiser(row)) for row in optimiser_table.ROWS]
    for name, check in [*others, *((f.__name__, f) for f in OTHERS)]:
        if not names or name in names:
            begin = time.process_time()
            check()
            print(f"{name:24}{time.process_time() - begin:18.1f}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
