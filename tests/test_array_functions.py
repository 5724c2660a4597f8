"""Array functions: value, reverse mode against differences, forward mode against reverse mode; in
single precision, on strided arrays, on arrays without elements, and compiled."""

from __future__ import annotations

import types
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adcompile import BroadcastError, jvp, value_and_grad
from adcompile.testing import plain_value_and_grad
from tests import oracle
from tests.function_table import FUNCTIONS
from tests.statement_table import LOOPS, STATEMENTS
from tests.test_arrays import compare, inputs, load, names_in, strided

ROWS = [*FUNCTIONS, *STATEMENTS, *LOOPS]
each = pytest.mark.parametrize("k", range(len(ROWS)), ids=[r.replace("\n", "; ") for r in ROWS])

# Compiled besides: one of those that call something of their own in the runtime, in one program
# per line.
COMPILED = [
    "np.bincount np.digitize np.repeat(x,np.array np.pad(x,2,mode='reflect') np.pad(x,(1,2)",
    "matrix_rank lstsq(m.T,x[:4],rcond=None)[1] np.linalg.qr(m) np.linalg.det np.linalg.cond",
    "solve_triangular(m[:,:3]+4*np.eye(3),m,trans=1 unit_diagonal=True,lower=True cho_solve",
    "np.quantile(m np.percentile(x,[25 np.median(t np.average(m,weights np.corrcoef(m)",
    "np.einsum('...ij,jk np.einsum('ij,jk,k np.tensordot(t,t np.dot(t,n) (t@t.tr",
    "np.select([x>0.5,x>0],[x*y,x**2],default np.choose np.argwhere np.nonzero(x>0)]",
    "np.split(x,2) np.array_split(x,4)[3] np.meshgrid(x,y[:3] np.block np.insert np.gradient(x,s)",
    "np.full((3,6) np.arange(0.0 np.geomspace np.nanmax np.nanvar np.polyval(y,x)",
]


# What NumPy allows of arrays without elements and we do not, when it runs.
REFUSED = (
    "zero-size array",
    "a slice of one element is beyond the end",
    "could not be broadcast",
    "cannot be raised to a negative power",  # in plain Python only, as the next one
    "float division by zero",
)


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> types.ModuleType:
    lines = ["import numpy as np", "import scipy.linalg", "import scipy.special", ""]
    for k, row in enumerate(ROWS):
        body = row if "return " in row else f"return {row}"
        lines += [f"def f{k}({', '.join(names_in(row))}):"]
        lines += [f"    {line}" for line in body.split("\n")]
    for k, wanted in enumerate(COMPILED):
        rows = [next(r for r in FUNCTIONS if w in r) for w in wanted.split()]
        names = dict.fromkeys(name for row in rows for name in names_in(row))
        parts = " + ".join(f"{0.3 + 0.1 * n} * ({row})" for n, row in enumerate(rows))
        lines += [f"def g{k}({', '.join(names)}):", f"    return {parts}"]
    path = tmp_path_factory.mktemp("functions") / "function_programs.py"
    path.write_text("\n".join(lines) + "\n")
    return load(path)


def arguments(k: int, seed: int = 0) -> tuple[Any, ...]:
    given = inputs(seed)
    return tuple(given[name] for name in names_in(ROWS[k]))


@each
def test_derivatives(programs: types.ModuleType, k: int) -> None:
    compare(getattr(programs, f"f{k}"), arguments(k))


@pytest.mark.wide
@each
def test_strided_inputs(programs: types.ModuleType, k: int) -> None:
    """Without the optimiser, against arrays in one piece with it."""
    f = getattr(programs, f"f{k}")
    args = arguments(k, 2)
    argnums = tuple(range(len(args)))
    value, grads = plain_value_and_grad(f, argnums, optimise=False)(*map(strided, args))
    again, same = plain_value_and_grad(f, argnums)(*args)
    assert value == pytest.approx(again, rel=1e-12)
    for a, b in zip(grads, same, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-11)


@pytest.mark.wide
@each
def test_single_precision(programs: types.ModuleType, k: int) -> None:
    f = getattr(programs, f"f{k}")
    args = tuple(a.astype(np.float32) for a in arguments(k, 5))
    wide = tuple(a.astype(np.float64) for a in args)
    argnums = tuple(range(len(args)))
    value, grads = plain_value_and_grad(f, argnums)(*args)
    want, expected = plain_value_and_grad(f, argnums)(*wide)
    size = max(1.0, abs(want), *(float(np.max(np.abs(g))) for g in expected))
    assert value == pytest.approx(want, abs=2e-4 * size)
    for a, b in zip(grads, expected, strict=True):
        assert a.dtype == np.float32
        np.testing.assert_allclose(a, b, rtol=5e-3, atol=5e-4 * size)


@pytest.mark.wide
@each
def test_no_elements(programs: types.ModuleType, k: int) -> None:
    """Where NumPy has a value for arrays without elements."""
    f = getattr(programs, f"f{k}")
    args = tuple(a[:0] for a in arguments(k))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            expected = float(f(*oracle.copies(args)))
        except Exception:
            pytest.skip("NumPy raises")
        if not np.isfinite(expected):
            pytest.skip("no finite value")
        try:
            value, grads = plain_value_and_grad(f, tuple(range(len(args))))(*args)
        except (ValueError, IndexError, ZeroDivisionError, BroadcastError) as refusal:
            assert any(text in str(refusal) for text in REFUSED), refusal
            pytest.skip("refused while it runs")
    np.testing.assert_allclose(value, expected)
    for a, b in zip(args, grads, strict=True):
        assert b.shape == a.shape


@pytest.mark.parametrize("row", ["np.median(x)", "np.median(m, axis=0).sum()", "np.nanmedian(x)"])
def test_median_of_no_elements(programs: types.ModuleType, row: str) -> None:
    """Nan, as in NumPy and Numba."""
    f = getattr(programs, f"f{ROWS.index(row)}")
    (none,) = (a[:0] for a in arguments(ROWS.index(row)))
    value, (grad,) = plain_value_and_grad(f, (0,))(none)
    assert np.isnan(value)
    assert grad.shape == none.shape


@pytest.mark.parametrize("row", ["np.percentile(x,30.0)", "np.quantile(m,0.3,axis=0).sum()"])
def test_quantile_of_no_elements(programs: types.ModuleType, row: str) -> None:
    f = getattr(programs, f"f{ROWS.index(row)}")
    (none,) = (a[:0] for a in arguments(ROWS.index(row)))
    with pytest.raises(ValueError, match="quantile of an empty array"):
        plain_value_and_grad(f, (0,))(none)


@pytest.mark.parametrize(
    "row", ["np.interp(x[0],s,y)", "np.sum(np.interp(x,s,y,left=0.0,right=1.0)**2)"]
)
def test_interpolation_between_no_points(programs: types.ModuleType, row: str) -> None:
    k = ROWS.index(row)
    given = dict(zip(names_in(row), arguments(k), strict=True))
    given |= {name: given[name][:0] for name in ("s", "y")}
    with pytest.raises(ValueError, match="sample points is empty"):
        plain_value_and_grad(getattr(programs, f"f{k}"), (0,))(*given.values())


NANS = (
    "np.nansum(x)|np.nanprod(x)|np.nanmean(x)|np.nanvar(x)|np.nanstd(x)|np.nanvar(x,ddof=1)|"
    "np.nanmax(x)|np.nanmin(x)|np.nanmedian(x)|np.nanpercentile(x,30)|np.nancumsum(x)@y|"
    "np.nancumprod(x)@y"
).split("|")


@pytest.mark.parametrize("row", NANS)
def test_nans_are_left_out(row: str, tmp_path: Path) -> None:
    """The others have the derivatives that they have where there is no nan."""
    given = inputs(0)
    x, y = given["x"].copy(), given["y"]
    x[[1, 4]] = np.nan
    there = ~np.isnan(x)
    path = tmp_path / "nans.py"
    path.write_text(f"import numpy as np\n\n\ndef f(x, y):\n    return {row}\n")
    f = load(path).f
    value, (grad,) = plain_value_and_grad(f, (0,))(x, y)
    assert value == pytest.approx(f(x, y))
    eps = 1e-6
    for k in np.flatnonzero(there):
        up, down = x.copy(), x.copy()
        up[k] += eps
        down[k] -= eps
        assert grad[k] == pytest.approx((f(up, y) - f(down, y)) / (2 * eps), abs=1e-6)
    np.testing.assert_array_equal(grad[~there], 0.0)


@pytest.mark.compiled
@pytest.mark.parametrize("k", range(len(COMPILED)), ids=COMPILED)
def test_compiled(programs: types.ModuleType, k: int) -> None:
    agree(getattr(programs, f"g{k}"))


@pytest.mark.compiled
@pytest.mark.parametrize("k", [3, 4, 6])
def test_compiled_loops(programs: types.ModuleType, k: int) -> None:
    agree(getattr(programs, f"f{len(FUNCTIONS) + len(STATEMENTS) + k}"))


def agree(f: Any) -> None:
    """What is compiled, with what runs as plain Python, and both modes."""
    given = inputs(3)
    names = f.__code__.co_varnames[: f.__code__.co_argcount]
    args = tuple(given[name] for name in names)
    argnums = tuple(range(len(args)))
    value, grads = value_and_grad(f, argnums=argnums, boundscheck=True)(*args)
    want, expected = plain_value_and_grad(f, argnums)(*args)
    assert value == pytest.approx(want, rel=1e-11)
    for a, b in zip(grads, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11)
    d = oracle.random_direction(args, argnums, np.random.default_rng(4))
    _, tangent = jvp(f, args, tuple(d[n] for n in argnums))
    assert tangent == pytest.approx(oracle.dot(grads, argnums, d), rel=1e-10)
