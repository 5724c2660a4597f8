"""Every row of the table of parts, compiled: the part in plain njit code, its value and gradient.

    python -m tests.nn_compiled [name ...]

Prints the seconds (of CPU) that each took to compile.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from numba import njit

from adcompile import value_and_grad
from tests.nn_table import ROWS, Row, inputs
from tests.test_nn import NAMESPACE, program, weights


def compiled(row: Row, folder: Path) -> tuple[float, float]:
    """Raises where a value or a gradient is not what the table says."""
    given = inputs(1)
    c = weights(row, given)
    f = getattr(program([row], folder / "nn_compiled_programs.py"), row.name.replace(" ", "_"))
    args = (*(given[name] for name in row.names), c)
    start = time.process_time()
    value = njit(f)(*args)
    middle = time.process_time()
    again, grads = value_and_grad(f, tuple(range(len(row.gradients))))(*args)
    end = time.process_time()
    np.testing.assert_allclose([value, again], float(f(*args)), rtol=1e-12, atol=1e-13)
    for formula, found in zip(row.gradients.values(), grads, strict=True):
        expected = eval(formula, NAMESPACE, {**given, "c": c})
        np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-12)
    return middle - start, end - middle


def main(names: list[str]) -> None:
    print(f"{'':24}{'plain':>8}{'gradient':>10}")
    with tempfile.TemporaryDirectory() as folder:
        for row in ROWS:
            if not names or row.name in names:
                plain, gradient = compiled(row, Path(folder))
                print(f"{row.name:24}{plain:8.1f}{gradient:10.1f}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
