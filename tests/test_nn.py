"""Parts of networks: against their formulas, differences, forward mode, and compiled."""

from __future__ import annotations

import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numba import njit

from adcompile import nn, stop_gradient, value_and_grad
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
    _, grads = plain_value_and_grad(f, tuple(range(count)))(*(given[n] for n in row.names), c)
    for (name, formula), found in zip(row.gradients.items(), grads, strict=True):
        expected = eval(formula, NAMESPACE, {**given, "c": c})
        assert found.shape == given[name].shape  # the shape rule
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("optimise", [True, False])
@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_differences(programs: types.ModuleType, row: Row, optimise: bool) -> None:
    given = inputs(2)
    f = getattr(programs, row.name.replace(" ", "_"))
    compare(f, (*(given[n] for n in row.names), weights(row, given)), optimise)
