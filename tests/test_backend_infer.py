"""Types of a function's variables, through Numba's inference."""

from __future__ import annotations

import time

import numpy as np
import pytest
from numba import types

from adcompile.types.infer import InferenceFailed, infer, infer_sites

TEXT = """def f(x, n, c=1.5):
    q = 1
    for i in range(n):
        t1 = x[i]
        if t1 > 0:
            y = x
            q = 2.5
        else:
            y = x[::2]
    pair = (t1, n)
    return pair[0] * q + y[0] * c
"""


def test_infer():
    given = (types.float64[::1], types.int64, types.Omitted(1.5))
    found, returns = infer(TEXT, "f", {"np": np}, given)
    assert returns == types.float64
    assert found["i"] == found["n"] == types.int64
    assert found["q"] == found["c"] == found["t1"] == types.float64
    assert found["y"] == types.float64[:]
    assert found["pair"] == types.Tuple((types.float64, types.int64))
    sites = infer_sites(TEXT, "f", {"np": np}, given).sites
    assert (sites[2, "q"], sites[7, "q"]) == (types.int64, types.float64)
    assert sites[6, "y"] == types.float64[::1]


def test_infer_failures():
    for body, line in (("a = n\n    b = foo(a)", 3), ("a = n\n    x.foo()", 3)):
        with pytest.raises(InferenceFailed) as caught:
            infer(f"def f(x, n):\n    {body}\n", "f", {}, (types.float64[:], types.int64))
        assert caught.value.line == line
    with pytest.raises(InferenceFailed, match="no one type for 'b'"):
        infer("def f(x, n):\n    b = x\n    b = n\n", "f", {}, (types.float64[:], types.int64))


def test_infer_is_quick():
    given = (types.float64[::1], types.int64, types.float64)
    infer(TEXT, "f", {}, given)
    start = time.perf_counter()
    for _ in range(5):
        infer(TEXT, "f", {}, given)
    print(f"infer: {(time.perf_counter() - start) / 5 * 1e3:.1f} ms")
