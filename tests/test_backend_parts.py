"""Forward and adjoint functions, which are optimised where they are called only."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from numba import njit

from adcompile import value_and_grad
from adcompile.backends.parts import compile_in_callers


def fails(x, k):
    if k < 0:
        raise ValueError("negative", k)
    total = 0.0
    for i in range(x.size):
        total += k * x[i] * x[i]
    return total


@pytest.mark.compiled
def test_exception_with_arguments_known_at_run_time() -> None:
    gradient = value_and_grad(fails, cache=False)
    value, grads = gradient(np.ones(2), 3)
    assert value == 6.0
    np.testing.assert_array_equal(grads, [6.0, 6.0])
    with pytest.raises(ValueError) as raised:
        gradient(np.ones(2), -3)
    assert raised.value.args == ("negative", -3)


@pytest.mark.compiled
def test_parts_have_no_machine_code_of_their_own() -> None:
    gradient = value_and_grad(fails, cache=False)
    gradient(np.ones(2), 3)
    module = sys.modules[next(name for name in sys.modules if "_fails_" in name)]
    (part,) = (f for name, f in vars(module).items() if name.startswith("fails_fused"))
    (made,) = part.overloads.values()
    assert not made.library._object_caching_enabled
    with pytest.raises((KeyError, TypeError)):
        made.entry_point(np.ones(2), 3)


@njit
def half(x):
    return 0.5 * x


@pytest.mark.compiled
def test_callers_optimise() -> None:
    @njit
    def double(x):
        return 2.0 * half(x)

    def own(x):
        return x + 1.0

    part = njit(own)
    compile_in_callers(part)

    @njit
    def calls(x):
        return part(double(x))

    assert calls(3.0) == 4.0
