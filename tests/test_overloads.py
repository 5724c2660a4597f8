"""NumPy functions that Numba lacks, called from plain njit code, against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numba import njit, typeof

import adcompile.overloads  # noqa: F401
from tests.test_arrays import inputs, load, names_in

CALLS = """
np.sum(m, axis=(0, 1))
np.sum(t, axis=(0, -1), keepdims=True)
np.mean(m, axis=0)
np.max(m, axis=0)
np.min(t, axis=(0, 2), keepdims=True)
np.argmax(m, axis=1, keepdims=True)
np.std(t, axis=(1, 2), ddof=1)
np.median(m, axis=1)
np.quantile(m, 0.3, axis=0)
np.cumsum(m, axis=1)
np.diff(m, n=2, axis=0)
np.linalg.norm(m, axis=1)
np.einsum("ij,jk->ik", m, n)
np.einsum("...ij->...", t)
np.einsum("i,ij,j->", x[:3], m, x[:4])
np.tensordot(t, n, axes=1)
np.sort(m, axis=0)
np.take(m, np.array([0, 2]), axis=1)
np.pad(m, ((1, 0), (0, 2)), mode="edge")
np.gradient(x)
scipy.special.logsumexp(m, axis=1)
scipy.linalg.solve_triangular(m[:, :3], x[:3], lower=True)
np.linalg.svd(t, full_matrices=False)[2] ** 2
""".strip().split("\n")


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Any:
    lines = ["import numpy as np", "import scipy.linalg", "import scipy.special"]
    for k, call in enumerate(CALLS):
        lines += [f"def f{k}({', '.join(names_in(call))}):", f"    return {call}"]
    path = tmp_path_factory.mktemp("overloads") / "overload_programs.py"
    path.write_text("\n".join(lines) + "\n")
    return load(path)


@pytest.mark.compiled
@pytest.mark.parametrize("k", range(len(CALLS)), ids=CALLS)
def test_overload(programs: Any, k: int) -> None:
    f = getattr(programs, f"f{k}")
    args = [inputs()[name] for name in names_in(CALLS[k])]
    found, expected = njit(f)(*args), f(*args)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)
    assert np.shape(found) == np.shape(expected)


def numbas_own(x: Any) -> Any:
    return np.sum(x, axis=0)


def variable_axis(x: Any, axis: int) -> Any:
    return np.max(x, axis=axis)


@pytest.mark.compiled
def test_numba_comes_first() -> None:
    """What Numba has stays Numba's: its sum takes an axis that is not a literal."""
    f = njit(lambda x, axis: np.sum(x, axis=axis))
    np.testing.assert_allclose(f(np.ones((2, 3)), 1), [3.0, 3.0])
    assert typeof(njit(numbas_own)(np.ones((2, 3), np.float32))).dtype.name == "float32"


@pytest.mark.compiled
def test_axes_are_literals() -> None:
    with pytest.raises(Exception, match="max"):
        njit(variable_axis)(np.ones((2, 3)), 1)
