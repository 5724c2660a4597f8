"""Every part against PyTorch: values, gradients, ten optimiser steps.  Skipped without PyTorch.

pip install -e ".[nn-test]" && pytest tests/test_nn_torch.py
"""

from __future__ import annotations

import tempfile
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adcompile import nn, optim
from adcompile.testing import plain_value_and_grad
from tests import optimiser_table
from tests.nn_table import ROWS, Row, inputs
from tests.optimiser_table import slope, start, ten_steps
from tests.test_nn import program, weights

torch: Any = pytest.importorskip("torch")
TOLERANCE = {"rtol": 1e-6, "atol": 1e-9}


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> types.ModuleType:
    return program(ROWS, tmp_path_factory.mktemp("nn") / "nn_torch_programs.py")


def theirs(row: Row, given: dict[str, Any], c: Any) -> tuple[float, list[Any]]:
    tensors = {name: torch.tensor(given[name]) for name in row.names}
    for name in row.gradients:
        tensors[name].requires_grad_(True)
    space = {"torch": torch, "F": torch.nn.functional}
    out = (eval(row.torch, space, tensors) * torch.tensor(c)).sum()
    out.backward()
    return float(out.detach()), [tensors[name].grad.numpy() for name in row.gradients]


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_value_and_gradient(programs: types.ModuleType, row: Row) -> None:
    for seed in range(3):
        given = inputs(seed)
        c = weights(row, given)
        f = getattr(programs, row.name.replace(" ", "_"))
        numbers = tuple(range(len(row.gradients)))
        value, grads = plain_value_and_grad(f, numbers)(*(given[n] for n in row.names), c)
        want, expected = theirs(row, given, c)
        np.testing.assert_allclose(value, want, **TOLERANCE)
        for a, b in zip(grads, expected, strict=True):
            np.testing.assert_allclose(a, b, **TOLERANCE)


@pytest.mark.parametrize("row", optimiser_table.ROWS, ids=lambda row: row.name)
def test_ten_optimiser_steps(row: optimiser_table.Row) -> None:
    tensors = [torch.tensor(w, requires_grad=True) for w in start()]
    optimiser = getattr(torch.optim, row.torch)(tensors, **row.theirs)
    for t in range(10):
        for w in tensors:
            w.grad = torch.tensor(slope(w.detach().numpy(), t))
        optimiser.step()
    for a, b in zip(ten_steps(row, start()), tensors, strict=True):
        np.testing.assert_allclose(a, b.detach().numpy(), **TOLERANCE)


def test_ten_steps_of_sparse_adam() -> None:
    table = np.random.default_rng(0).normal(size=(9, 3))
    tensor = torch.tensor(table, requires_grad=True)
    optimiser = torch.optim.SparseAdam([tensor], lr=0.1)
    state = optim.adam_state(table)
    for t in range(10):
        indices = np.random.default_rng(t).integers(0, 9, 4)
        rows, positions = nn.rows_used(indices)
        np.testing.assert_array_equal(rows[positions], indices)
        optimiser.zero_grad()
        looked_up = torch.nn.functional.embedding(torch.tensor(indices), tensor, sparse=True)
        (looked_up**2 * (t + 1)).sum().backward()
        assert tensor.grad.is_sparse
        optimiser.step()
        slopes = np.zeros((rows.size, 3))
        np.add.at(slopes, positions, 2 * (t + 1) * table[indices])
        state, table = optim.sparse_adam(state, table, rows, slopes, 0.1)
    np.testing.assert_allclose(table, tensor.detach().numpy(), **TOLERANCE)


def test_schedules() -> None:
    lr = torch.optim.lr_scheduler

    def rates(build: Any, count: int = 20) -> list[float]:
        optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.5)
        schedule = build(optimiser)
        found = []
        for _ in range(count):
            found.append(optimiser.param_groups[0]["lr"])
            optimiser.step()
            schedule.step()
        return found

    for build, ours in [
        (lambda o: lr.StepLR(o, 4, 0.5), lambda t: optim.halving(0.5, t, 4)),
        (
            lambda o: lr.ExponentialLR(o, float(np.exp(-0.2))),
            lambda t: optim.exponential(0.5, t, 0.2),
        ),
        (
            lambda o: lr.CyclicLR(o, 0.1, 0.9, step_size_up=3, cycle_momentum=False),
            lambda t: optim.cyclic(0.1, 0.9, t, 3),
        ),
        (lambda o: lr.CosineAnnealingLR(o, 20, 0.1), lambda t: optim.cosine(0.5, t, 20, 0.1)),
        (
            lambda o: lr.OneCycleLR(o, 0.5, total_steps=21, cycle_momentum=False),
            lambda t: optim.one_cycle(0.5, t, 21),
        ),
    ]:
        np.testing.assert_allclose([ours(t) for t in range(20)], rates(build), **TOLERANCE)


def test_clipping() -> None:
    for limit in (0.5, 50.0):
        grads = start()
        tensors = [torch.zeros(g.shape, requires_grad=True) for g in grads]
        for tensor, g in zip(tensors, grads):
            tensor.grad = torch.tensor(g.astype(np.float32)).float()
        size = torch.nn.utils.clip_grad_norm_(tensors, limit)
        found, ours = optim.clip_by_norm(grads, limit)
        np.testing.assert_allclose(ours, float(size), rtol=1e-6)
        for a, b in zip(found, tensors, strict=True):
            np.testing.assert_allclose(a, b.grad.numpy(), rtol=1e-6)


def test_running_moments() -> None:
    x = inputs()["m"]
    mean, var = np.zeros(4), np.ones(4)
    theirs = torch.zeros(4, dtype=torch.float64), torch.ones(4, dtype=torch.float64)
    for k in range(3):
        mean, var = nn.running_moments(mean, var, x * (k + 1))
        torch.nn.functional.batch_norm(torch.tensor(x * (k + 1)), *theirs, training=True)
    np.testing.assert_allclose(mean, theirs[0].numpy(), **TOLERANCE)
    np.testing.assert_allclose(var, theirs[1].numpy(), **TOLERANCE)


# ---------------------------------------------------------------- where there is no derivative


def at_kink(expression: str, names: str, torch_expression: str, **given: Any) -> tuple[Any, Any]:
    """The gradient in the first input: ours, PyTorch's."""
    row = Row("kink", expression, dict.fromkeys(names, ""), torch_expression)
    with tempfile.TemporaryDirectory() as folder:
        f = program([row], Path(folder) / "nn_kink.py").kink
        numbers = tuple(range(len(names)))
        _, grads = plain_value_and_grad(f, numbers)(*given.values(), np.ones(2))
    return grads[0], theirs(row, given, np.ones(2))[1][0]


def test_kinks() -> None:
    zero = np.zeros(2)
    one = np.array([1.0, -1.0])
    for expression, torch_expression, x, ours, other in [
        ("nn.relu(x)", "F.relu(x)", zero, 1.0, 0.0),  # the course's convention
        ("nn.relu(x, at_zero=0)", "F.relu(x)", zero, 0.0, 0.0),
        ("nn.leaky_relu(x, 0.1)", "F.leaky_relu(x, 0.1)", zero, 1.0, 0.1),
        ("nn.hard_tanh(x)", "F.hardtanh(x)", one, 0.0, 0.0),
        ("np.abs(x)", "x.abs()", zero, 0.0, 0.0),
    ]:
        found, expected = at_kink(expression, "x", torch_expression, x=x)
        np.testing.assert_array_equal(found, [ours, ours])
        np.testing.assert_allclose(expected, [other, other])
    # A tie of two inputs: ours goes to the second, PyTorch's in halves to both.
    found, expected = at_kink("nn.maximum(x, y)", "xy", "torch.maximum(x, y)", x=zero, y=zero)
    np.testing.assert_array_equal(found, zero)
    np.testing.assert_array_equal(expected, [0.5, 0.5])
