"""The functions of adcompile.vectormath: errors, special values, vectorisation, ways to call."""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
from pathlib import Path

import llvmlite.binding as llvm
import mpmath
import numpy as np
import pytest
from numba import njit
from numba.core.errors import TypingError

from adcompile import vectormath as vm
from benchmarks.accuracy import approximate_ulps, exact_ulps, worst, wrong_special
from benchmarks.elementary import BINARY, UNARY, Case
from tests.test_arrays import compare

pytestmark = pytest.mark.compiled

CASES = UNARY | BINARY
WIDTHS = [np.float64, np.float32]
both = pytest.mark.parametrize("dtype", WIDTHS, ids=["float64", "float32"])
every = pytest.mark.parametrize("name", CASES)


@both
@every
def test_errors_and_special_values(name, dtype):
    assert wrong_special(name, CASES[name], dtype) == []
    found = worst(name, CASES[name], dtype, 1200, seed=7)
    assert found.ulps <= 2.0, found


def test_every_function_has_a_case():
    public = {
        name
        for name, value in vars(vm).items()
        if getattr(value, "__module__", "") == "adcompile.vectormath"
    }
    assert public == set(CASES)
    assert set(vm.REPLACES.values()) <= public


# ------------------------------------------------ the measure itself


def test_ulps_of_known_errors():
    third = mpmath.mpf(1) / 3
    assert exact_ulps(1 / 3, third, np.float64) < 0.5
    assert 0.5 < exact_ulps(np.nextafter(1 / 3, 1), third, np.float64) < 1.5
    assert exact_ulps(1.0 + 2.0**-51, mpmath.mpf(1), np.float64) == 2.0
    assert exact_ulps(5e-324, mpmath.mpf(0), np.float64) == 1.0
    assert exact_ulps(math.inf, mpmath.mpf(2) ** 2000, np.float64) == 0.0
    assert exact_ulps(1e308, mpmath.mpf(2) ** 2000, np.float64) > 1e15
    assert exact_ulps(math.inf, mpmath.mpf(1), np.float64) > 1e15
    assert exact_ulps(math.nan, mpmath.mpf(1), np.float64) == math.inf
    assert exact_ulps(1.0, mpmath.nan, np.float64) == math.inf


def test_approximate_ulps_agree_with_exact_ones():
    near = np.array([1 / 3, 1.0, 1e-40, 0.0, 1e39, -1e39, 1.0, np.nan, 3.0, np.inf])
    with np.errstate(over="ignore"):
        value = near.astype(np.float32)
    value[1] = np.nextafter(value[1], np.float32(2))
    value[6], value[8] = np.nan, np.inf
    got = approximate_ulps(value, near, np.float32)
    exact = [exact_ulps(v, mpmath.mpf(float(n)), np.float32) for v, n in zip(value, near)]
    np.testing.assert_allclose(got, exact, rtol=1e-6)
    assert got[1] == 1.0 and got[6] == math.inf and got[8] > 1e6
    assert (got[[4, 5, 7, 9]] == 0.0).all()


def test_wrong_special_values_are_seen():
    case = Case(mpmath.exp, np.exp, special=((0.0, 1.0), (1.0, 0.0), (-math.inf, -0.0)))
    assert len(wrong_special("exp", case, np.float64)) == 2


# ------------------------------------------------ vectorisation

packed = pytest.mark.skipif(
    not llvm.get_host_cpu_features().get("avx2", False), reason="looks for AVX2 instructions"
)


def assembly(function):
    (text,) = function.inspect_asm().values()
    return text


def assert_packed(text, dtype):
    suffix = "pd" if dtype is np.float64 else "ps"
    assert re.search(rf"vfn?m(add|sub)\d+{suffix}\s.*[yz]mm", text)
    for library in (*UNARY, *BINARY, "expf", "logf", "powf"):
        assert not re.search(rf"(call|movabs)\S*\s.*\b{library}\b", text)


@packed
@both
@every
def test_a_loop_vectorises(name, dtype):
    function = getattr(vm, name)
    if name in BINARY:

        @njit(error_model="numpy")
        def loop(x, y, out):
            for i in range(out.size):
                out[i] = function(x[i], y[i])

        x = np.ones(9, dtype)
        loop(x, x, x.copy())
    else:

        @njit(error_model="numpy")
        def loop(x, out):
            for i in range(out.size):
                out[i] = function(x[i])

        x = np.ones(9, dtype)
        loop(x, x.copy())
    # pow of float32 computes in float64.
    assert_packed(assembly(loop), np.float64 if name == "pow" else dtype)


@packed
@both
def test_a_fused_loop_vectorises(dtype):
    @njit(error_model="numpy")
    def loop(x, y, out):
        for i in range(out.size):
            a = vm.exp(x[i]) * y[i]
            out[i] = vm.log1p(a * a) + vm.tanh(y[i]) / (a + vm.cosh(x[i])) - vm.expit(x[i])

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 101)).astype(dtype)
    out = np.empty_like(x)
    loop(x, y, out)
    a = np.exp(x) * y
    expected = np.log1p(a * a) + np.tanh(y) / (a + np.cosh(x)) - 1 / (1 + np.exp(-x))
    np.testing.assert_allclose(out, expected, rtol=1e-12 if dtype is np.float64 else 1e-4)
    assert_packed(assembly(loop), dtype)


@packed
def test_a_sum_vectorises():
    @njit(error_model="numpy", fastmath={"reassoc", "nsz", "contract"})
    def total(x):
        s = 0.0
        for i in range(x.size):
            s += vm.exp(x[i])
        return s

    x = np.linspace(-1.0, 1.0, 100)
    np.testing.assert_allclose(total(x), np.exp(x).sum(), rtol=1e-14)
    assert_packed(assembly(total), np.float64)


@every
def test_fast_math_of_the_caller_stays_out(name):
    function = getattr(vm, name)

    @njit
    def strict(*arguments):
        return function(*arguments)

    @njit(fastmath=True)
    def fast(*arguments):
        return function(*arguments)

    rng = np.random.default_rng(3)
    arguments = rng.uniform(0.01, 0.99, (2 if name in BINARY else 1, 2000))
    np.testing.assert_array_equal(fast(*arguments), strict(*arguments))


# ------------------------------------------------ large angles


def turning(dtype):
    @njit(error_model="numpy")
    def loop(x, out):
        for i in range(x.size):
            out[0, i] = vm.sin(x[i])
            out[1, i] = vm.cos(x[i])
            out[2, i] = vm.tan(x[i])

    def over(x):
        out = np.empty((3, x.size), dtype)
        loop(x, out)
        return out

    return over


@both
def test_large_angles_in_any_lane(dtype):
    # The float64 and the float32 that come nearest to a multiple of pi/2, and the largest.
    nearest = {np.float64: 6381956970095103 * 2.0**797, np.float32: 16367173 * 2.0**72}[dtype]
    large = np.array([nearest, -nearest, np.finfo(dtype).max, -1e30, 3e9], dtype)
    angles = turning(dtype)
    with mpmath.workprec(1300):
        functions = (mpmath.sin, mpmath.cos, mpmath.tan)
        exact = [[f(mpmath.mpf(float(a))) for f in functions] for a in large]
    for size in (1, 3, 8, 33):
        for place in range(size):
            small = np.linspace(-3.0, 3.0, size).astype(dtype)
            plain = angles(small)
            for angle, values in zip(large, exact, strict=True):
                x = small.copy()
                x[place] = angle
                out = angles(x)
                errors = [exact_ulps(v, e, dtype) for v, e in zip(out[:, place], values)]
                assert max(errors) <= 2.0, (angle, errors)
                np.testing.assert_array_equal(np.delete(out, place, 1), np.delete(plain, place, 1))


def test_angles_of_both_widths_in_one_loop():
    @njit(error_model="numpy")
    def loop(x, y, out):
        for i in range(x.size):
            out[i] = vm.sin(x[i]) + vm.sin(y[i])

    x = np.array([0.5, 1e22, -1e300, 2.0, 1e10, 7.0, 1e15, 3e9, 0.1])
    y = x[::-1].clip(-1e30, 1e30).astype(np.float32)
    out = np.empty_like(x)
    loop(x, y, out)
    np.testing.assert_allclose(out, np.sin(x) + np.sin(y.astype(np.float64)), atol=1e-7)


@packed
def test_sine_and_cosine_share_their_work():
    @njit(error_model="numpy")
    def one(x, out):
        for i in range(x.size):
            out[i] = vm.sin(x[i])

    @njit(error_model="numpy")
    def two(x, out):
        for i in range(x.size):
            out[i] = vm.sin(x[i]) * vm.cos(x[i])

    counts = []
    for loop in (one, two):
        loop(np.ones(9), np.ones(9))
        counts.append(len(re.findall(r"vfn?m(?:add|sub)\d+pd", assembly(loop))))
    assert counts[1] < 1.3 * counts[0]


# ------------------------------------------------ ways to call


@njit
def exp_of(x):
    return vm.exp(x)


@njit
def pow_of(x, y):
    return vm.pow(x, y)


def test_numbers():
    assert abs(exp_of(1.0) / math.e - 1.0) < 2.0**-52
    assert isinstance(exp_of(1.0), float)
    for integer in (2, np.int8(2), np.uint64(2)):
        assert exp_of(integer) == exp_of(2.0)
    assert exp_of(True) == exp_of(1.0)

    @njit
    def single(x, out):
        out[0] = vm.exp(x)
        return vm.exp(x) - out[0]

    out = np.empty(1)
    assert single(np.float32(0.3), out) == 0.0
    assert out[0] == np.float32(out[0]) != exp_of(0.3)


def test_what_may_be_none():
    @njit
    def optional(x):
        y = x if x > 0.0 else None
        return vm.exp(y)

    assert optional(2.0) == exp_of(2.0)
    with pytest.raises(TypeError, match="None"):
        optional(-1.0)


def test_literals():
    @njit
    def literals():
        return vm.log(2) + vm.pow(2, 0.5) + vm.exp(True)

    np.testing.assert_allclose(literals(), math.log(2) + math.sqrt(2) + math.e, rtol=1e-15)


@pytest.mark.parametrize(
    "x",
    [
        np.arange(6.0).reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(24.0).reshape(2, 3, 4)[:, ::2, ::-1],
        np.arange(6, dtype=np.float32)[::2],
        np.arange(4),
        np.array([True, False]),
        np.array(0.5),
        np.zeros((0, 3)),
    ],
)
def test_arrays(x):
    out = exp_of(x)
    assert out.shape == x.shape
    assert out.dtype == (np.float32 if x.dtype == np.float32 else np.float64)
    expected = np.exp(x.astype(out.dtype))
    np.testing.assert_allclose(out, expected, rtol=1e-6 if x.dtype == np.float32 else 1e-15)
    assert not np.shares_memory(out, x)


@pytest.mark.parametrize(
    "x, y",
    [
        (np.arange(1.0, 4.0), 2.5),
        (2.5, np.arange(3.0)),
        (2, np.arange(3.0)),
        (np.arange(1.0, 4.0)[:, None], np.arange(4.0)),
        (np.arange(1.0, 7.0).reshape(3, 2).T, np.arange(6.0).reshape(2, 3)),
        (np.ones((0, 2)), np.ones(2)),
        (np.float32(2.0), np.arange(3, dtype=np.float32)),
        (np.arange(1, 4, dtype=np.float32), np.arange(3.0)),
    ],
)
def test_two_arguments_broadcast(x, y):
    out = pow_of(x, y)
    single = all(np.asarray(a).dtype == np.float32 for a in (x, y))
    assert out.dtype == (np.float32 if single else np.float64)
    expected = np.power(x, y)
    assert out.shape == expected.shape
    np.testing.assert_allclose(out, expected, rtol=1e-6 if single else 1e-14)


def test_what_has_no_meaning_is_refused():
    for argument in ("a", 1j, np.ones(2, complex), None):
        with pytest.raises(TypingError, match="exp"):
            exp_of(argument)
    with pytest.raises(TypingError, match="pow"):
        pow_of(1j, 2.0)


def test_whole_powers_are_exact():
    for x in range(-30, 31):
        for y in range(8):
            assert pow_of(float(x), float(y)) == float(x**y)


@every
def test_plain_python(name):
    function = getattr(vm, name)
    case = CASES[name]
    count = 2 if name in BINARY else 1
    start = 1.5 if name == "acosh" else 0.3
    x = start + np.arange(3) / 10
    expected = [float(case.exact(*(mpmath.mpf(float(v)),) * count)) for v in x]
    np.testing.assert_allclose(function(*(x,) * count), expected, rtol=1e-14)
    assert function(*(x.astype(np.float32),) * count).dtype == np.float32
    number = function(*(float(x[0]),) * count)
    assert np.ndim(number) == 0
    np.testing.assert_allclose(number, expected[0], rtol=1e-14)
    if name != "atanh":  # small integers, which NumPy takes for float16
        assert function(*(np.ones(2, np.int8),) * count).dtype == np.float64


def run(program: str, directory: Path, **environment: str) -> str:
    root = str(Path(__file__).resolve().parents[1])
    variables = {**os.environ, "PYTHONPATH": root, **environment}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=directory,
        env=variables,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_without_compilation(tmp_path):
    program = (
        "import numpy as np\nfrom numba import njit\nfrom adcompile import vectormath as vm\n"
        "@njit\ndef f(x): return vm.exp(vm.tanh(x)) + vm.expit(x) + vm.pow(x, 2)\n"
        "print(type(f).__name__, f(1.0), f(np.ones(2))[1])\n"
    )
    kind, one, array = run(program, tmp_path, NUMBA_DISABLE_JIT="1").split()
    assert kind == "function"
    expected = math.exp(math.tanh(1.0)) + 1 / (1 + math.exp(-1)) + 1
    np.testing.assert_allclose([float(one), float(array)], expected, rtol=1e-14)


def test_in_cached_functions(tmp_path):
    (tmp_path / "user.py").write_text(
        "from numba import njit\nfrom adcompile import vectormath as vm\n"
        "@njit(cache=True)\ndef f(x): return vm.exp(x) + vm.log(x)\n"
    )
    program = "from user import f\nprint(f(2.0), sum(f.stats.cache_hits.values()))"
    place = str(Path(__file__).resolve().parents[1]) + os.pathsep + str(tmp_path)
    outputs = [run(program, tmp_path, PYTHONPATH=place).split() for _ in range(2)]
    assert [hits for _, hits in outputs] == ["0", "1"]
    assert outputs[0][0] == outputs[1][0]
    np.testing.assert_allclose(float(outputs[0][0]), math.exp(2.0) + math.log(2.0), rtol=1e-15)


# ---------------------------------------------------------------- differentiated


def every_unary(x):
    return (
        np.sum(vm.exp(x) + vm.exp2(x) * vm.expm1(x) + vm.log(x) * vm.log2(x) - vm.log10(x))
        + np.sum(vm.log1p(x) + vm.tanh(x) * vm.sinh(x) + vm.cosh(x) - vm.asinh(x) * vm.atanh(x))
        + np.sum(vm.acosh(1.0 + x) * vm.expit(x) + vm.logit(x) - vm.cbrt(x) * vm.sin(x))
        + np.sum(vm.cos(x) * vm.tan(x) + vm.asin(x) - vm.acos(x) * vm.atan(x))
        + np.sum(vm.erf(x) * vm.erfc(x[0]) + vm.ndtr(x) * vm.log_ndtr(x))
        + np.sum(vm.softplus(x) * vm.log_expit(3.0 * x))
    )


def every_binary(x, y):
    joined = vm.logaddexp(x, y) * vm.hypot(x, y) + vm.pow(x, y) * vm.atan2(y, x)
    return np.sum(joined) + vm.pow(x[0], 1.5)


def test_in_functions_that_are_differentiated():
    x, y = np.random.default_rng(0).uniform(0.2, 0.8, (2, 4))
    compare(every_unary, (x,))
    compare(every_binary, (x, y))
