"""Items of tuples that are arguments, by the names that they are unpacked to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from adcompile.testing import plain_value_and_grad
from tests import oracle
from tests.test_arrays import compare


def unpacked(params: Any, x: Any) -> Any:
    w, b = params
    return np.sum(np.tanh(x @ w + b) ** 2)


def two_names(params: Any, x: Any) -> Any:
    total = np.sum(np.sin(params[0] @ params[0].T))  # before it has a name
    w = params[0]
    again, b = params
    return total + np.sum((x @ w + b) * np.cos(x @ again))


def named_late(params: Any, x: Any) -> Any:
    w = params[0]
    total = 0.0
    for i in range(x.shape[0]):
        b = params[1]
        if x[i, 0] > 0.0:
            w = w * b[1]
        total += np.sum(np.sin(w) * b)
    return total


def written(params: Any, x: Any) -> Any:
    w, b = params
    other = params[0]
    w[0] = b * x[0, 0]
    other[1] = w[0] * other[1]
    return np.sum(w**3) + np.sum(other * b)


def one_name_for_both(params: Any, x: Any) -> Any:
    part = params[0]
    total = np.sum(np.sin(part @ part.T))
    part = params[1]
    x, params_0 = x + 1.0, np.cos(part)
    return total * np.sum(part * params_0) + np.sum(x**3)


def shadows_names(params: Any, w_adj: Any) -> Any:
    w, b = params
    return np.sum(np.tanh(w_adj @ w + b) ** 2)


@pytest.mark.parametrize("optimise", [True, False])
@pytest.mark.parametrize(
    "f", [unpacked, two_names, named_late, written, one_name_for_both, shadows_names]
)
def test_names(f: Any, optimise: bool) -> None:
    rng = np.random.default_rng(0)
    w, b, x = rng.normal(size=(3, 4)), rng.normal(size=4), rng.normal(size=(5, 3))
    value, ((by_w, by_b), by_x) = plain_value_and_grad(f, (0, 1), optimise)((w.copy(), b.copy()), x)

    def flat(w: Any, b: Any, x: Any) -> Any:
        return f((w, b), x)

    assert value == pytest.approx(float(flat(w.copy(), b.copy(), x)), rel=1e-12)
    for a, e in zip((by_w, by_b, by_x), oracle.gradient(flat, (w, b, x), (0, 1, 2))):
        np.testing.assert_allclose(a, e, atol=1e-7)


def test_first_product_is_assigned() -> None:
    """What a second name would hide: that the shadow of ``w`` need not be zeros first."""
    texts: list[str] = []

    def kept(text: str) -> str:
        texts.append(text)
        return text

    args = (np.ones((3, 4)), np.ones(4)), np.ones((5, 3))
    plain_value_and_grad(unpacked, (0, 1), mutate=kept)(*args)
    assert "dot_22_right_first(w_adj" in texts[0] and "zeros(w" not in texts[0]


def like_shadows(w: Any, w_adj: Any, w_tan: Any) -> Any:
    return np.sum(np.sin(w * w_adj) * w_tan)


def test_parameters_called_like_shadows() -> None:
    w, a, t = np.random.default_rng(0).normal(size=(3, 4))
    compare(like_shadows, (w, a, t))
