"""Rules of the user's: custom_vjp, custom_jvp, rows for scalar functions, nondifferentiable."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numba import njit

from adcompile import (
    AliasError,
    UnsupportedError,
    custom_jvp,
    custom_vjp,
    grad,
    jvp,
    nondifferentiable,
    op,
    register_rule,
    value_and_grad,
    vjp,
)
from adcompile.testing import plain_jvp, plain_value_and_grad
from tests import oracle
from tests.test_arrays import compare

X = np.array([0.3, -0.7, 1.1, 0.4])
Y = np.array([1.2, 0.4, 0.9, 2.0])
M = np.outer(X, Y[:3]) + 0.2

# ---------------------------------------------------------------- rows


def cubed(x: float) -> float:
    return x * x * x


register_rule(cubed, lambda ans, x: 3.0 * x * x, at=[0.3, -1.1], elementwise=True)


@njit
def helper(a: float) -> float:
    return math.exp(a)


@njit
def soft(a: float, b: float) -> float:
    """Calls another Dispatcher, and divides."""
    return math.log(helper(a) + helper(b)) * (1.0 / 1.0)


register_rule(
    soft, lambda ans, a, b: (op.exp(a - ans), op.exp(b - ans)), at=[(0.3, 1.0), (-2.0, 0.5)]
)


def root(x: float, n: int) -> float:
    return math.sqrt(x) * n


register_rule(root, lambda ans, x, n: (n / (2.0 * op.sqrt(x)), None), [(1.3, 2)], strong_zero=True)


def rows(x: Any, k: float) -> float:
    s = 0.0
    for i in range(x.size):
        s = soft(s * k, cubed(x[i]))
        if cubed(s) > 0.5:
            s += cubed(k) * root(1.0 + s * s, i)
    return s + np.sum(cubed(x) * x) + np.sum(cubed(x[:, None] * x[None, :])[1:])


def nested(x: Any, k: float) -> float:
    """A row used in a while loop whose condition it decides."""
    s = k
    n = 0
    while soft(s, k) < 3.0 and n < 20:
        s += soft(x[n % x.size], s) * 0.3
        n += 1
    return s * cubed(k)


# ---------------------------------------------------------------- custom_vjp

LOG: list[str] = []


def _floored(x: float, low: float) -> float:
    return max(x, low) ** 2


floored = custom_vjp(_floored)


def floored_fwd(x: float, low: float) -> Any:
    top = max(x, low)
    return top * top, (x > low, (top, 2.0))


def floored_bwd(residuals: Any, cotangent: float) -> Any:
    above, (top, two) = residuals
    given = cotangent * two * top
    return (given, 0.0) if above else (0.0, given)


floored.defvjp(floored_fwd, floored_bwd)


@njit
def _weighted(x: Any, w: Any, n: int) -> Any:
    return np.sqrt(np.sum(x * x * w)) * n


weighted = custom_vjp(_weighted)


def weighted_fwd(x: Any, w: Any, n: int) -> Any:
    length = np.sqrt(np.sum(x * x * w))
    return length * n, (x, w, length, n)


@njit
def weighted_bwd(residuals: Any, cotangent: float) -> Any:
    x, w, length, n = residuals
    scaled = cotangent * n / length
    return scaled * x * w, 0.5 * scaled * x * x, None


weighted.defvjp(weighted_fwd, weighted_bwd)


def _spread(x: Any, k: float) -> Any:
    return x * k, np.sum(x) * k


spread = custom_vjp(_spread)


def spread_fwd(x: Any, k: float) -> Any:
    y = x * k
    return (y, np.sum(y)), (x, k)


def spread_bwd(residuals: Any, cotangents: Any) -> Any:
    x, k = residuals
    y_ct, total_ct = cotangents
    return y_ct * k + total_ct * k, np.sum(y_ct * x) + total_ct * np.sum(x)


spread.defvjp(spread_fwd, spread_bwd)


def scalars_in_loops(x: Any, k: float) -> float:
    s = 0.1
    for i in range(x.size):
        if i % 2:
            s = s * k + floored(x[i] * s, 0.2 * k)
        else:
            s += floored(s, x[i])
        if s > 30.0:
            break
    return s * s


def sums_of_rules(x: Any, k: float) -> float:
    """The forward and the reverse loop are one."""
    s = 0.0
    for i in range(x.size):
        s += floored(x[i], k) * x[i]
    return s


def arrays_outside(x: Any, y: Any) -> float:
    z = x * y
    a = weighted(z, y, 2)
    z[0] = 5.0  # after what the rule needs
    b = weighted(x, y * y, 3)
    c, total = spread(z, a)
    c[1] *= 2.0
    d, _ = spread(x, 0.3)
    return a * b * np.sum(z) + np.sum(c * d) + total


def arrays_in_branches(x: Any, y: Any) -> float:
    s = 0.0
    if x[0] > 0.0:
        s = weighted(x, y, 1) * x[0]
    if x[1] > 0.0:
        s += weighted(y, x * x, 1)
    return s * s + weighted(np.array([1.0, 2.0]), np.array([0.5, 0.5]), 1)


def invariant_in_a_loop(x: Any, y: Any) -> float:
    """Residual arrays that the loop neither makes nor writes."""
    s = 0.3
    for i in range(3):
        s = s * y[i] + weighted(x, y, i + 1)
    return s


# ---------------------------------------------------------------- custom_jvp


def _logistic(x: Any) -> Any:
    return 1.0 / (1.0 + np.exp(-x))


logistic = custom_jvp(_logistic)


@logistic.defjvp
def logistic_rule(primals: Any, tangents: Any) -> Any:
    (x,), (x_dot,) = primals, tangents
    ans = logistic(x)
    return ans, ans * (1.0 - ans) * x_dot


def _ratio(a: float, b: float, n: int) -> float:
    return a**n / b


ratio = custom_jvp(_ratio, nondiff_argnums=(2,))


@ratio.defjvp
def ratio_rule(n: int, primals: Any, tangents: Any) -> Any:
    a, b = primals
    a_dot, b_dot = tangents
    ans = a**n / b
    if n == 0:
        return ans, -ans * b_dot / b
    return ans, n * a ** (n - 1) * a_dot / b - ans * b_dot / b


def _normalised(x: Any) -> Any:
    length = math.sqrt(np.dot(x, x))
    return x / length, length


normalised = custom_jvp(_normalised)


@normalised.defjvp
def normalised_rule(primals: Any, tangents: Any) -> Any:
    x, x_dot = primals[0], tangents[0]
    length = math.sqrt(np.dot(x, x))
    unit = x / length
    along = np.dot(unit, x_dot)
    return (unit, length), ((x_dot - unit * along) / length, along)


def forward_rules(x: Any, k: float) -> float:
    s = k
    for i in range(x.size):
        s = logistic(s * x[i]) + ratio(s, 1.0 + x[i] ** 2, i)
    unit, length = normalised(x)
    unit[0] += k
    return s * np.sum(unit * logistic(x * k)) * length


# ---------------------------------------------------------------- memory, loops, arguments


def _scaled(x: Any, k: int) -> Any:
    return x * k


scaled = custom_vjp(_scaled, nondiff_argnums=(1,))


def scaled_fwd(x: Any, k: int) -> Any:
    return x * k, 2.0 * k


def scaled_bwd(k: int, residual: float, cotangent: Any) -> Any:
    return (cotangent * residual * 0.5,)


scaled.defvjp(scaled_fwd, scaled_bwd)


def arrays_handed_on(x: Any, y: Any) -> float:
    z = x.copy()
    s = 0.0
    for i in range(3):
        z = scaled(z, i + 1) * y
        w = scaled(x * y, i + 1)
        w[0] += s
        for j in range(z.size):
            s += z[j] * w[j] * (1.0 + 0.1 * s)
    return s


def rows_of_a_matrix(m: Any, y: Any) -> float:
    s = 0.0
    for i in range(m.shape[0]):
        s += np.sum(scaled(m[i], 2) * m[i]) * y[i]
    return s


def _softmax(x: Any) -> Any:
    e = np.exp(x - np.max(x))
    return e / np.sum(e)


softmax = custom_vjp(_softmax)


def softmax_fwd(x: Any) -> Any:
    e = np.exp(x - np.max(x))
    p = e / np.sum(e)
    return p, p


def softmax_bwd(p: Any, cotangent: Any) -> Any:
    return (p * (cotangent - np.sum(cotangent * p)),)


softmax.defvjp(softmax_fwd, softmax_bwd)


def result_as_residual(x: Any, y: Any) -> float:
    p = softmax(x * y)
    q = softmax(p + y)
    return np.sum(p * y) + np.sum(q**2)


def written_afterwards(x: Any, y: Any) -> float:
    """What the rule has seen stays as it was; an argument of the caller's is among it."""
    p = softmax(x * y)
    a = weighted(x, y, 2)
    q = p * 1.0
    p[0] = a
    x[1] = p[2] * a
    unit, _ = normalised(y)
    unit[0] = x[1]
    b = weighted(x, q, 1)
    q[2] = b
    return np.sum(p * q * x * unit) * b


def arrays_in_loops(x: Any, y: Any) -> float:
    """Residual arrays that loops make and write, behind conditions and early exits."""
    s = 0.1
    z = x * y
    for i in range(4):
        p = softmax(z * s + i)
        if p[0] > 0.1:
            z[i] = p[1] * y[i]
            s += weighted(z, softmax(p * y), i)
        j = 0
        while j < 2 and s < 50.0:
            s = s * 0.7 + weighted(np.exp(z * 0.1 * j), y, 1)
            j += 1
        if s > 40.0:
            break
    return s * np.sum(z)


def _linear(x: float, a: float = 2.0, b: float = 3.0) -> float:
    return x * a + b


linear = custom_vjp(njit(_linear))


def linear_fwd(x: float, a: float, b: float) -> Any:
    return x * a + b, (x, a)


def linear_bwd(residuals: Any, cotangent: float) -> Any:
    x, a = residuals
    return cotangent * a, cotangent * x, cotangent


linear.defvjp(linear_fwd, linear_bwd)


def by_keyword(x: Any, y: Any) -> float:
    return linear(x[0], b=y[0]) * linear(y[1]) + linear(x[1], x[2], x[3])


def _sine(x: float) -> float:
    return math.sin(x)


def _cosine(x: float) -> float:
    return math.cos(x)


sine, cosine = custom_jvp(_sine), custom_jvp(_cosine)


@sine.defjvp
def sine_rule(primals: Any, tangents: Any) -> Any:
    return sine(primals[0]), cosine(primals[0]) * tangents[0]


@cosine.defjvp
def cosine_rule(primals: Any, tangents: Any) -> Any:
    return cosine(primals[0]), -math.sin(primals[0]) * tangents[0]


def rules_in_rules(x: Any, y: Any) -> float:
    return sine(x[0] * y[1]) * cosine(sine(y[0]) * x[2])


def with_draws(x: Any, k: float) -> float:
    np.random.seed(3)
    s = 0.0
    for i in range(x.size):
        s += floored(x[i] * np.random.normal(0.5, k), 0.1 * k) * logistic(np.random.random() * k)
    return s


# ---------------------------------------------------------------- agreement

CASES: list[tuple[Callable[..., float], tuple[Any, ...]]] = [
    (rows, (X, 0.8)),
    (nested, (X, 0.8)),
    (scalars_in_loops, (X, 0.8)),
    (sums_of_rules, (X, 0.35)),
    (arrays_outside, (np.abs(X), Y)),
    (arrays_in_branches, (X, Y)),
    (invariant_in_a_loop, (X, Y)),
    (forward_rules, (X, 0.8)),
    (arrays_handed_on, (X, Y)),
    (rows_of_a_matrix, (M, Y)),
    (result_as_residual, (X, Y)),
    (written_afterwards, (np.abs(X), Y)),
    (arrays_in_loops, (X, Y)),
    (by_keyword, (X, Y)),
    (rules_in_rules, (X, Y)),
    (with_draws, (X, 0.8)),
]
FORWARD = (rows, nested, forward_rules, rules_in_rules)
each = pytest.mark.parametrize("case", CASES, ids=lambda c: c[0].__name__)


def agrees_with_differences(f: Any, args: tuple[Any, ...], grads: Any) -> None:
    argnums = tuple(range(len(args)))
    rng = np.random.default_rng(1)
    for d in [oracle.random_direction(args, argnums, rng) for _ in range(3)]:
        estimate = oracle.directional(f, args, d)
        assert estimate.reliable
        assert estimate.agrees(oracle.dot(grads, argnums, d)), estimate


@each
@pytest.mark.parametrize("optimise", [True, False])
def test_derivatives(case: Any, optimise: bool) -> None:
    f, args = case
    if f in FORWARD:
        compare(f, args, optimise)
        return
    value, grads = plain_value_and_grad(f, (0, 1), optimise)(*oracle.copies(args))
    assert value == pytest.approx(f(*oracle.copies(args)), rel=1e-13)
    agrees_with_differences(f, args, grads)


@pytest.mark.compiled
@pytest.mark.parametrize("case", [*CASES[:10], CASES[-4]], ids=lambda c: c[0].__name__)
def test_compiled(case: Any) -> None:
    f, args = case
    value, grads = value_and_grad(f, argnums=(0, 1))(*args)
    want, expected = plain_value_and_grad(f, (0, 1))(*oracle.copies(args))
    assert value == pytest.approx(want, rel=1e-12)
    for a, b in zip(grads, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)


# ---------------------------------------------------------------- the rule is what counts


def _twisted(x: float) -> float:
    return x * x


twisted = custom_vjp(_twisted)
twisted.defvjp(lambda x: None, lambda res, ct: (0.0,))


def twisted_fwd(x: float) -> Any:
    return x * x, x


def twisted_bwd(x: float, cotangent: float) -> Any:
    return (cotangent * 100.0 * x,)


twisted.defvjp(twisted_fwd, twisted_bwd)


def _bent(x: float) -> float:
    return x * x


bent = custom_jvp(_bent)


@bent.defjvp
def bent_rule(primals: Any, tangents: Any) -> Any:
    return bent(primals[0]), 100.0 * primals[0] * tangents[0]


def uses_twisted(x: float) -> float:
    return twisted(x) * x + 3.0 * x


def uses_bent(x: float) -> float:
    return bent(x) * x + 3.0 * x


@pytest.mark.compiled
def test_rules_replace_derivatives() -> None:
    want = 100.0 * 0.7 * 0.7 + 0.7**2 + 3.0
    for f in (uses_twisted, uses_bent):
        assert plain_value_and_grad(f)(0.7)[1] == pytest.approx(want, rel=1e-14)
    assert grad(uses_twisted)(0.7) == pytest.approx(want, rel=1e-14)
    assert grad(twisted)(0.7) == pytest.approx(70.0, rel=1e-14)
    assert value_and_grad(bent)(0.7) == (0.7 * 0.7, pytest.approx(70.0, rel=1e-14))
    assert plain_jvp(uses_bent, (0,))((0.7,), (2.0,))[1] == pytest.approx(2 * want, rel=1e-14)
    _, pullback = vjp(uses_twisted, 0.7)
    assert pullback(2.0)[0] == pullback(2.0)[0] == pytest.approx(2 * want, rel=1e-14)


def test_forward_mode_of_a_reverse_rule() -> None:
    with pytest.raises(UnsupportedError, match="forward mode of a function with custom_vjp"):
        jvp(uses_twisted, (0.7,), (1.0,))
    assert plain_jvp(inactive_rule, (1,))((0.7, 0.3), (1.0,))[1] == pytest.approx(0.49)


def inactive_rule(x: float, k: float) -> float:
    return twisted(x) * k


@pytest.mark.compiled
def test_callable_everywhere() -> None:
    """The decorated object is the function, in Python and in the user's own compiled code."""

    @njit
    def outer(x: float) -> float:
        return twisted(x) + bent(x) + soft(x, x)

    assert twisted(0.7) == bent(0.7) == 0.7 * 0.7
    assert outer(0.7) == pytest.approx(2 * 0.49 + soft(0.7, 0.7))
    assert twisted.__name__ == "_twisted"


# ---------------------------------------------------------------- nondifferentiable

TABLE = np.array([3.0, 1.0, 4.0, 1.5])


@nondifferentiable
def looked_up(x: float) -> int:
    """With what adcompile does not read: a list and a generator's loop."""
    best = [0]
    for k, level in enumerate((-1.0, 0.0, 0.5)):
        if x > level:
            best.append(k)
    return best[-1]


@nondifferentiable
@njit
def scaled_copy(x: Any, k: float) -> Any:
    return k * x


@nondifferentiable
def alias(x: Any) -> Any:
    return x


@nondifferentiable
def overwrite(x: Any) -> float:
    x[0] = 3.0
    return 1.0


def with_constants(x: Any, k: float) -> float:
    s = 0.0
    for i in range(x.size):
        s += TABLE[looked_up(x[i])] * x[i] * k
    return s + np.sum(scaled_copy(x, k) * x)


def test_nondifferentiable() -> None:
    value, (by_x, by_k) = plain_value_and_grad(with_constants, (0, 1))(X, 0.8)
    assert value == pytest.approx(with_constants(X, 0.8), rel=1e-14)
    weights = np.array([TABLE[looked_up(v)] for v in X])
    np.testing.assert_allclose(by_x, weights * 0.8 + 0.8 * X, rtol=1e-14)
    assert by_k == pytest.approx(np.sum(weights * X), rel=1e-14)
    _, tangent = plain_jvp(with_constants, (0, 1))((X, 0.8), (Y, 0.3))
    assert tangent == pytest.approx(np.sum(by_x * Y) + 0.3 * by_k, rel=1e-14)


@pytest.mark.compiled
def test_nondifferentiable_compiled() -> None:
    value, (by_x, _) = value_and_grad(with_constants, argnums=(0, 1))(X, 0.8)
    want, (expected, _) = plain_value_and_grad(with_constants, (0, 1))(X, 0.8)
    assert value == pytest.approx(want, rel=1e-14)
    np.testing.assert_allclose(by_x, expected, rtol=1e-14)


def aliased(x: Any) -> float:
    return np.sum(alias(x) * x)


def written(x: Any) -> float:
    return overwrite(x) * x[0]


@pytest.mark.compiled
def test_memory_of_arguments() -> None:
    with pytest.raises(AliasError, match="alias returns memory of its argument"):
        grad(aliased)(X)
    with pytest.raises(UnsupportedError, match="overwrite writes into an array") as caught:
        grad(written)(X)
    assert "return overwrite(x)" in str(caught.value)


@pytest.mark.compiled
def test_the_users_dispatchers_stay_untouched() -> None:
    """Neither compiled, nor given our error model."""

    @njit
    def inverse(x):
        return 1.0 / x

    @njit
    def constant(x):
        return inverse(x) + inverse(2.0 * x)

    register_rule(constant, lambda ans, x: -ans / x, at=[0.5])

    def f(x):
        return constant(x) * x * x

    grad(f)(0.5)
    assert constant.signatures == []
    assert not math.isfinite(grad(f)(0.0)), "generated code divides by zero"
    for user in (constant, inverse):
        with pytest.raises(ZeroDivisionError):
            user(0.0)


# ---------------------------------------------------------------- errors


def test_registration_is_checked() -> None:
    def f(x: float, y: float) -> float:
        return x * y

    with pytest.raises(ValueError, match="the partial 1 of f at"):
        register_rule(f, lambda ans, x, y: (y, 2.0 * x), at=[(0.3, 0.7)])
    with pytest.raises(TypeError, match=r"must take \(ans, \*args\)"):
        register_rule(f, lambda x, y: (y, x), at=[(0.3, 0.7)])
    with pytest.raises(ValueError, match="must list points"):
        register_rule(f, lambda ans, x, y: (y, x), at=[])
    with pytest.raises(TypeError, match=r"adcompile\.op"):
        register_rule(f, lambda ans, x, y: (y * math.exp(0 * x), x), at=[(0.3, 0.7)])
    register_rule(f, lambda ans, x, y: (y, x), at=[(0.3, 0.7)])
    with pytest.raises(ValueError, match="has a rule already"):
        register_rule(f, lambda ans, x, y: (y, x), at=[(0.3, 0.7)])


def row_on_array(x: Any) -> float:
    return np.sum(soft(x, x))


def without_rule(x: float) -> float:
    return NO_RULE(x)


NO_RULE = custom_vjp(_bent)


def short_bwd(residuals: Any, cotangent: float) -> Any:
    return cotangent


SHORT = custom_vjp(_bent)
SHORT.defvjp(twisted_fwd, short_bwd)


def with_short(x: float) -> float:
    return SHORT(x)


def array_bwd(residuals: Any, cotangent: float) -> Any:
    return (np.array([cotangent]),)


WRONG = custom_vjp(_bent)
WRONG.defvjp(twisted_fwd, array_bwd)


def with_wrong(x: float) -> float:
    return WRONG(x)


def _picked(x: Any, k: Any) -> Any:
    return x[k[0]]


picked = custom_vjp(_picked)


def picked_fwd(x: Any, k: Any) -> Any:
    return x[k[0]], (x, k)


def picked_bwd(residuals: Any, cotangent: float) -> Any:
    x, k = residuals
    x_ct = np.zeros_like(x)
    x_ct[k[0]] = cotangent
    return x_ct, None


picked.defvjp(picked_fwd, picked_bwd)


def integers_in_loop(x: Any) -> float:
    s = 0.0
    for i in range(3):
        k = np.arange(i, i + 2)
        s += picked(x, k)
    return s


def _same(x: Any) -> Any:
    return x


same = custom_vjp(_same)


def same_fwd(x: Any) -> Any:
    return x, None


def same_bwd(residual: None, cotangent: Any) -> Any:
    return (cotangent,)


same.defvjp(same_fwd, same_bwd)
same_forward = custom_jvp(_same)


@same_forward.defjvp
def same_rule(primals: Any, tangents: Any) -> Any:
    return primals[0], tangents[0]


def returns_its_argument(x: Any) -> float:
    z = x * x
    w = same(z)
    w[0] = 3.0 * x[1]
    return np.sum(w * z)


def returns_its_argument_forward(x: Any) -> float:
    z = x * x
    w = same_forward(z)
    z[0] = 3.0 * x[1]
    return np.sum(w * z)


def only_read(x: Any) -> float:
    z = x * x
    return np.sum(same(z) * same_forward(z))


def test_results_that_are_arguments() -> None:
    """Fine as long as nobody can tell."""
    _, by_x = plain_value_and_grad(only_read)(X)
    np.testing.assert_allclose(by_x, 4 * X**3, rtol=1e-14)


def writing_bwd(residuals: Any, cotangent: Any) -> Any:
    residuals[0] = 0.0
    return (cotangent,)


WRITING = custom_vjp(_same)
WRITING.defvjp(softmax_fwd, writing_bwd)


def with_writing(x: Any) -> float:
    return np.sum(WRITING(x))


@pytest.mark.parametrize(
    "f, kind, message",
    [
        (returns_its_argument, "float64[::1]", "return a copy"),
        (returns_its_argument_forward, "float64[::1]", "return a copy"),
        (with_writing, "float64[::1]", "writing_bwd writes into an array"),
        (row_on_array, "float64[::1]", "elementwise=True"),
        (without_rule, "float64", "has no rule"),
        (with_short, "float64", "not a tuple of 1 cotangents"),
        (with_wrong, "float64", "as the cotangent of argument 0"),
        (integers_in_loop, "float64[::1]", "a residual of type array.*inside a loop"),
    ],
)
def test_refused(f: Any, kind: str, message: str) -> None:
    with pytest.raises(UnsupportedError, match=message) as caught:
        grad(f).source(kind)
    assert Path(__file__).name in str(caught.value)


# ---------------------------------------------------------------- kept on disk

PROGRAM = """
import numpy as np
from numba import njit
from adcompile import custom_vjp, grad, register_rule

SCALE = {scale}

@njit
def inner(x):
    return x * x * SCALE

def row(x):
    return inner(x)

register_rule(row, lambda ans, x: {slope} * x * SCALE, at=[0.3])

@custom_vjp
def f(x):
    return x * x

def fwd(x):
    return x * x, x

def bwd(x, ct):
    return ({factor} * ct * x,)

f.defvjp(fwd, bwd)

def loss(x):
    return row(x) + f(x)

if __name__ == "__main__":
    print(grad(loss)(0.5))
"""


@pytest.mark.compiled
def test_sources_of_rules_are_in_the_key(tmp_path: Path) -> None:
    """An edited rule, or what it calls, makes another module; the same one is found again."""
    file = tmp_path / "program.py"

    def run(scale: float, slope: float, factor: float, **more: str) -> float:
        file.write_text(PROGRAM.format(scale=scale, slope=slope, factor=factor))
        env = {"ADCOMPILE_CACHE_DIR": str(tmp_path / "cache"), "PATH": "/usr/bin:/bin"}
        env["PYTHONPATH"] = str(Path(__file__).parent.parent)
        env.update(more)
        out = subprocess.run(
            [sys.executable, str(file)], env=env, capture_output=True, text=True, check=True
        )
        return float(out.stdout)

    assert run(1.0, 2.0, 2.0) == pytest.approx(2.0)
    modules = len(list((tmp_path / "cache").glob("*.py")))
    assert run(1.0, 2.0, 2.0) == pytest.approx(2.0)
    assert len(list((tmp_path / "cache").glob("*.py"))) == modules
    assert run(3.0, 2.0, 2.0) == pytest.approx(4.0)
    assert run(3.0, 2.0, 10.0) == pytest.approx(8.0)
    assert run(3.0, 2.0, 10.0, NUMBA_DISABLE_JIT="1") == pytest.approx(8.0)
