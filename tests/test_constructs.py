"""Programs over the constructs of Python and Numba: right, or refused as the table says.

Here as plain Python, as Numba would compile it; `python -m tests.constructs` compiles every one.
"""

from __future__ import annotations

import linecache
import re
from typing import Any

import numpy as np
import pytest
from numba import njit

from adcompile import UnsupportedError
from adcompile.backends.cpu import Argnums
from adcompile.backends.values import type_of_value
from adcompile.fingerprint import fingerprint
from adcompile.options import Options
from adcompile.testing import plain_value_and_grad
from tests.constructs import dispatchers, kernels
from tests.constructs.check import ENTRIES, PLAIN, check, check_compiled
from tests.constructs.entries import Entry
from tests.constructs.page import PAGE, page

RIGHT = [k for k, e in enumerate(ENTRIES) if e.message is None and e.interprets and not e.slow]
REFUSED = [e for e in ENTRIES if e.message is not None]
# Compiled here; the rest by the command.
COMPILED = (
    *("calls_narrow", "kernel_with_arguments", "best_of", "over_enumerate_zip", "float_slices"),
)


def name(k: int) -> str:
    return f"{ENTRIES[k].python.__name__}-{k}"


@pytest.mark.parametrize("k", RIGHT, ids=name)
def test_right(k: int) -> None:
    check(ENTRIES[k], PLAIN[k], optimise=True)


@pytest.mark.parametrize("k", RIGHT[::8], ids=name)
def test_right_without_optimiser(k: int) -> None:
    check(ENTRIES[k], PLAIN[k], optimise=False)


@pytest.mark.parametrize("entry", REFUSED, ids=lambda e: e.python.__name__)
def test_refused(entry: Entry) -> None:
    """With file, line and what to write instead."""
    with pytest.raises(UnsupportedError) as caught:
        plain_value_and_grad(entry.func, entry.wrt)(*entry.args())
    error = caught.value
    assert entry.message is not None and error.message.startswith(entry.message)
    assert error.advice and error.loc is not None
    line = linecache.getline(error.loc.file, error.loc.line)
    assert "# !" in line and 0 <= error.loc.column < len(line)
    assert re.search(rf"at {re.escape(error.loc.file)}:{error.loc.line}\n", str(error))


def test_deeper_recursion_ends_the_run() -> None:
    derivative = plain_value_and_grad(dispatchers.depth_at_run_time)
    value, _ = derivative(0.7, 4)
    assert value == dispatchers.depth_at_run_time(0.7, 4)
    with pytest.raises(UnsupportedError, match=r"more than 4 deep.*\n  at .*dispatchers.py:\d+\n"):
        derivative(0.7, 5)


@pytest.mark.compiled
@pytest.mark.parametrize(
    "k", [k for k in range(len(ENTRIES)) if ENTRIES[k].python.__name__ in COMPILED], ids=name
)
def test_compiled(k: int) -> None:
    check_compiled(ENTRIES[k])


def test_page_is_current() -> None:
    assert PAGE.read_text() == page(), "run: python -m tests.constructs --write"


def test_functions_as_arguments_have_one_key_in_every_process() -> None:
    """Two Dispatchers of one function stand for the same program, one of another does not."""
    func = dispatchers.kernel_at_top
    wanted = Argnums((0, 1), False)

    def key(kernel: Any) -> str:
        kinds = tuple(type_of_value(v) for v in (np.ones(3), 0.7, kernel))
        return fingerprint(func, kinds, wanted, False, Options())

    first, second = njit(kernels.cubic.py_func), njit(kernels.cubic.py_func)
    assert key(first) == key(second) != key(kernels.bump)
