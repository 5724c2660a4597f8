"""Parts of networks: against their formulas, differences, forward mode, and compiled."""

from __future__ import annotations

import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numba import njit

from adcompile import nn, stop_gradient, tape, value_and_grad
from adcompile.testing import plain_value_and_grad
from tests import nn_table
from tests.nn_table import ROWS, Row, inputs
from tests.test_arrays import compare, load

IDS = [row.name for row in ROWS]


def s(x: Any) -> Any:
    return 1.0 / (1.0 + np.exp(-x))


def s1(x: Any) -> Any:
    return s(x) * (1.0 - s(x))


NAMESPACE = {**vars(nn_table), "nn": nn, "s": s, "s1": s1}


def weights(row: Row, given: dict[str, Any]) -> Any:
    """What arrives at the output."""
    shape = np.shape(eval(row.expression, NAMESPACE, given))
    return np.random.default_rng(1).normal(size=shape) if shape else 0.7


def program(rows: list[Row], path: Path) -> types.ModuleType:
    """A function per row, of its inputs and of c."""
    lines = ["import numpy as np", "from adcompile import nn", ""]
    for row in rows:
        lines.append(f"def {row.name.replace(' ', '_')}({', '.join(row.names)}, c):")
        lines += [f"    return np.sum(c * ({row.expression}))", ""]
    path.write_text("\n".join(lines))
    return load(path)


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> types.ModuleType:
    return program(ROWS, tmp_path_factory.mktemp("nn") / "nn_programs.py")


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_formula(programs: types.ModuleType, row: Row) -> None:
    given = inputs()
    c = weights(row, given)
    f = getattr(programs, row.name.replace(" ", "_"))
    count = len(row.gradients)
    derivative = plain_value_and_grad(f, tuple(range(count)), optimise=False)
    _, grads = derivative(*(given[n] for n in row.names), c)
    for (name, formula), found in zip(row.gradients.items(), grads, strict=True):
        expected = eval(formula, NAMESPACE, {**given, "c": c})
        assert found.shape == given[name].shape  # the shape rule
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_tape(programs: types.ModuleType, row: Row) -> None:
    """The other engine, for a second opinion."""
    given = inputs(3)
    c = weights(row, given)
    f = getattr(programs, row.name.replace(" ", "_"))
    args = (*(given[n] for n in row.names), c)
    numbers = tuple(range(len(row.gradients)))
    value, grads = tape.value_and_grad(f, numbers)(*args)
    assert value == pytest.approx(float(f(*args)), rel=1e-12)
    for formula, found in zip(row.gradients.values(), grads, strict=True):
        expected = eval(formula, NAMESPACE, {**given, "c": c})
        np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_differences(programs: types.ModuleType, row: Row) -> None:
    given = inputs(2)
    f = getattr(programs, row.name.replace(" ", "_"))
    compare(f, (*(given[n] for n in row.names), weights(row, given)))


@njit
def in_njit_code(m: Any, rng: Any) -> Any:
    """Parts called from plain njit code; ``python -m tests.nn_compiled`` has all of them."""
    return nn.sigmoid(nn.relu(m)), nn.dropout(m, 0.4, rng), stop_gradient(m), nn.relu(m[0, 0], 0)


@pytest.mark.compiled
def test_in_njit_code() -> None:
    m = inputs()["m"].astype(np.float32)
    found = in_njit_code(m, np.random.default_rng(0))
    expected = in_njit_code.py_func(m, np.random.default_rng(0))
    for a, b in zip(found, expected, strict=True):
        assert np.asarray(b).dtype == np.float32 == getattr(a, "dtype", np.float32)
        np.testing.assert_allclose(a, b, rtol=1e-6)


def network(params: Any, x: Any, labels: Any) -> Any:
    """A convolution, a linear layer, cross-entropy."""
    k, kb, w, b = params
    image = nn.relu(nn.conv2d(x, k, kb))
    return nn.cross_entropy(nn.affine(image.reshape(x.shape[0], -1), w, b), labels)


@pytest.mark.compiled
def test_compiled_is_what_runs_uncompiled() -> None:
    rng = np.random.default_rng(4)
    shapes: list[Any] = [(4, 3, 2, 3), 4, (64, 3), 3]
    params = tuple(rng.normal(scale=0.5, size=shape) for shape in shapes)
    x, labels = rng.normal(size=(2, 3, 5, 6)), np.array([2, 0])
    value, grads = value_and_grad(network)(params, x, labels)
    want, expected = plain_value_and_grad(network)(params, x, labels)
    assert value == pytest.approx(want, rel=1e-13)
    for a, b in zip(grads, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-13)


def of_hinge(z: Any, labels: Any) -> Any:
    return nn.hinge(z, labels)


def of_cross_entropy(z: Any, labels: Any) -> Any:
    return nn.cross_entropy(z, labels)


def test_labels_that_are_no_class() -> None:
    z = np.zeros((2, 3))
    for f in (of_log_softmax, of_hinge, of_cross_entropy):
        for labels in (np.array([0, 3]), np.array([-1, 0])):
            with pytest.raises(IndexError, match="label"):
                plain_value_and_grad(f)(z, labels)


# ---------------------------------------------------------------- dropout


def dropped(x: Any, rng: Any) -> Any:
    return np.sum(nn.dropout(x, 0.3, rng) * x)


def half_dropped(x: Any, rng: Any) -> Any:
    return np.sum(nn.drop_half(x, rng) * x)


@pytest.mark.parametrize(("f", "part"), [(dropped, nn.dropout), (half_dropped, nn.drop_half)])
def test_dropout(f: Any, part: Any) -> None:
    x = np.random.default_rng(0).uniform(1.0, 2.0, (30, 7))
    rate = (0.3,) if part is nn.dropout else ()
    out = part(x, *rate, np.random.default_rng(5))
    np.testing.assert_array_equal(out, part(x, *rate, np.random.default_rng(5)))  # seeded
    factor = 1 / 0.7 if rate else 2.0
    kept = out != 0.0
    np.testing.assert_allclose(out[kept], factor * x[kept], rtol=1e-14)
    if not rate:
        assert kept.sum() == x.size // 2
    value, slope = plain_value_and_grad(f)(x, np.random.default_rng(5))
    assert value == pytest.approx(np.sum(out * x), rel=1e-13)
    np.testing.assert_allclose(slope, 2.0 * out, rtol=1e-13)


def test_dropout_keeps_the_mean() -> None:
    rng = np.random.default_rng(0)
    x = np.full(101, 3.0)  # an odd number
    for part in (lambda: nn.dropout(x, 0.2, rng), lambda: nn.drop_half(x, rng)):
        total = np.mean([part() for _ in range(2000)], axis=0)
        assert abs(np.mean(total) - 3.0) < 0.02
        assert np.all(np.abs(total - 3.0) < 0.4)  # each entry, not only all of them together
    assert np.count_nonzero(nn.drop_half(x, rng)) == 51
    np.testing.assert_array_equal(nn.dropout(x, 0.0, rng), x)


# ---------------------------------------------------------------- what the course shows


def test_saturation() -> None:
    """Where softmax and sigmoid are 0 or 1 to rounding, their logarithms are -inf and the gradient
    vanishes or is nan; log-softmax and the logits' loss are exact."""
    z, labels = np.array([[800.0, 0.0, -800.0]]), np.array([2])
    value, slope = plain_value_and_grad(of_log_softmax)(z, labels)
    assert value == 1600.0
    np.testing.assert_array_equal(slope, [[1.0, 0.0, -1.0]])
    with np.errstate(divide="ignore", invalid="ignore"):
        value, slope = plain_value_and_grad(of_softmax)(z, labels)
    assert value == np.inf and not np.isfinite(slope).all()

    wrong = np.array([40.0])  # the target is 0: as wrong as can be
    value, slope = plain_value_and_grad(of_logits)(wrong)
    assert value == pytest.approx(40.0) and slope[0] == pytest.approx(1.0, rel=1e-12)
    value, slope = plain_value_and_grad(of_sigmoid)(wrong)
    assert value == 1.0 and abs(slope[0]) < 1e-15  # squared error sees nothing
    for x in (-800.0, 800.0):
        assert nn.log_sigmoid(x) == min(x, 0.0) and nn.softplus(x) == max(x, 0.0)
        assert nn.sigmoid(x) == float(x > 0)


def of_log_softmax(z: Any, labels: Any) -> Any:
    return nn.nll(nn.log_softmax(z), labels)


def of_softmax(z: Any, labels: Any) -> Any:
    return nn.nll(np.log(nn.softmax(z)), labels)


def of_logits(x: Any) -> Any:
    return nn.binary_cross_entropy(x, np.zeros(1))


def of_sigmoid(x: Any) -> Any:
    return nn.squared_error(nn.sigmoid(x), np.zeros(1))


def test_sigmoid_is_a_softmax_and_log_sigmoid_a_difference() -> None:
    x = np.linspace(-3.0, 3.0, 7)
    pairs = nn.softmax(np.stack([x, np.zeros(7)], axis=1))
    np.testing.assert_allclose(pairs[:, 0], nn.sigmoid(x), rtol=1e-14)
    np.testing.assert_allclose(nn.log_sigmoid(x), x - np.log(1 + np.exp(x)), rtol=1e-13)
    np.testing.assert_allclose(nn.tanh(x), 2 * nn.sigmoid(2 * x) - 1, atol=1e-15)


def recurrent(x: Any, w: Any, u: Any, deep: Any) -> Any:
    """A network whose depth is the length of the input, and whose shape depends on it."""
    h = np.zeros(w.shape[0])
    for t in range(x.shape[0]):
        if x[t, 0] > 0.0:
            h = nn.layer(w, x[t] @ u, h, nn.tanh)
        else:
            h = h + nn.sigmoid(x[t] @ u)
    for _ in range(deep):
        h = nn.layer(w, h, h, nn.softplus)
    return nn.squared_error(h, x[0] @ u)


@pytest.mark.parametrize("length", [1, 5])
def test_architecture_that_depends_on_the_data(length: int) -> None:
    rng = np.random.default_rng(length)
    x = rng.normal(size=(length, 3))
    compare(recurrent, (x, rng.normal(size=(4, 4)), rng.normal(size=(3, 4)), length % 3))


def looked_up(rows: Any, positions: Any) -> Any:
    return np.sum(np.sin(nn.embedding(rows, positions)) ** 2)


def test_sparse_gradient_of_an_embedding() -> None:
    table = np.random.default_rng(0).normal(size=(1000, 3))
    indices = np.array([7, 900, 7, 0])
    rows, positions = nn.rows_used(indices)
    np.testing.assert_array_equal(rows, [0, 7, 900])
    _, sparse = plain_value_and_grad(looked_up)(table[rows], positions)
    _, dense = plain_value_and_grad(looked_up)(table, indices)
    assert sparse.shape == (3, 3)
    np.testing.assert_array_equal(dense[rows], sparse)
    assert np.count_nonzero(dense) == sparse.size


# ---------------------------------------------------------------- composition


def composed(x: Any, w: Any, b: Any, g: Any) -> Any:
    h = nn.sequential(x, lambda h: nn.affine(h, w, b), nn.tanh, lambda h: h * g, np.sum)
    return h**2 + nn.sequential(nn.sequential(x), np.sum, np.sin)


def test_layers_in_sequence() -> None:
    rng = np.random.default_rng(6)
    args = rng.normal(size=(3, 4)), rng.normal(size=(4, 2)), rng.normal(size=2), rng.normal(size=2)
    compare(composed, args)
    x, w, b, g = args
    want = np.sum(np.tanh(x @ w + b) * g) ** 2 + np.sin(np.sum(x))
    assert composed(*args) == pytest.approx(want, rel=1e-13)


@njit
def sequence_in_njit_code(x: Any) -> Any:
    return nn.sequential(x.T, nn.tanh, nn.relu, np.sum), nn.sequential(x)


@pytest.mark.compiled
def test_layers_in_sequence_in_njit_code() -> None:
    x = np.random.default_rng(0).normal(size=(3, 4))
    total, same = sequence_in_njit_code(x)
    assert total == pytest.approx(np.sum(np.maximum(np.tanh(x), 0.0)), rel=1e-13)
    np.testing.assert_array_equal(same, x)
