"""The testing tools: a wrong rule is found, named and located; a right one is not blamed."""

from __future__ import annotations

import math
import types
from typing import Any

import numpy as np
import pytest

from adcompile import custom_jvp, custom_vjp, grad, op, register_rule, tape
from adcompile.testing import GradientMismatch, bisect, check_grads, check_rule
from tests.array_table import EXPRESSIONS
from tests.test_arrays import inputs, load, names_in

X = np.array([0.3, 0.7, 1.1])


def _cube(x: float) -> float:
    return x * x * x


def _cube_fwd(x: float) -> Any:
    return x * x * x, x


cube, wrong_cube, late_cube, restless_cube = (custom_vjp(_cube) for _ in range(4))
cube.defvjp(_cube_fwd, lambda x, g: (3.0 * x * x * g,))
wrong_cube.defvjp(_cube_fwd, lambda x, g: (2.0 * x * x * g,))
late_cube.defvjp(_cube_fwd, lambda x, g: ((3.0 if x < 1.0 else 2.5) * x * x * g,))
restless_cube.defvjp(lambda x: (x * x * x * 1.001, x), lambda x, g: (3.0 * x * x * g,))


def _scaled(x: Any, k: float) -> Any:
    return x * k


scaled = custom_jvp(_scaled)
scaled_with_a_slip = custom_jvp(_scaled)


@scaled.defjvp
def _scaled_rule(primals: Any, tangents: Any) -> Any:
    return primals[0] * primals[1], tangents[0] * primals[1] + primals[0] * tangents[1]


@scaled_with_a_slip.defjvp
def _slip(primals: Any, tangents: Any) -> Any:
    return primals[0] * primals[1], tangents[0] * primals[1] - primals[0] * tangents[1]


def _positive(x: float) -> float:
    return abs(x) * x


# Compared with differences at a point where it is right.
register_rule(_positive, lambda ans, x: 2.0 * x, at=[1.3])


def uses_wrong(x: Any, k: float) -> float:
    y = np.zeros(x.size)
    for i in range(x.size):
        y[i] = math.sin(x[i]) * k
    t = wrong_cube(y[1])
    return t * np.sum(y * y)


def uses_late(x: Any) -> float:
    total = 0.0
    for i in range(x.size):
        total += late_cube(x[i]) * x[0]  # wrong in the last iteration
    return math.exp(total)


def uses_slip(x: Any, k: float) -> float:
    y = np.exp(x) * k
    z = scaled_with_a_slip(y, k)
    return np.sum(z * z)


def uses_row(x: Any) -> float:
    return _positive(x[0] - 0.5) * x[1] + _positive(x[2])


def right(x: Any, k: float) -> Any:
    x[1] *= k
    y = scaled(x, k) + cube(x[0])
    return np.sum(y * y), y, 3


@pytest.mark.compiled
def test_a_broken_rule_is_found_and_located() -> None:
    with pytest.raises(GradientMismatch) as found:
        check_grads(uses_wrong, (X, 1.3), modes=["rev"])
    text = str(found.value)
    assert "reverse mode of uses_wrong(x, k) is wrong" in text
    assert "argument 'x': wrong at [1]: 4.587" in text and "argument 'k': wrong: 4.502" in text
    where = bisect(uses_wrong, (X, 1.3))
    assert where is not None and where.statement == "t = wrong_cube(y[1])"
    assert where.found == pytest.approx(where.expected * 2 / 3, rel=1e-9)
    assert f"{__file__}:" in str(where)


@pytest.mark.compiled
def test_what_is_right_passes_in_both_modes() -> None:
    check_grads(right, (X, 1.3), modes=["rev"])
    check_grads(forward_too, (X, 1.3))
    check_grads(grad(forward_too, argnums=("k", "x")), (X, 1.3))


def forward_too(x: Any, k: float) -> float:
    return np.sum(scaled(x, k) ** 3) * math.sin(k)


def test_the_first_wrong_statement() -> None:
    where = bisect(uses_late, (X,))
    assert where is not None and where.statement.startswith("total += late_cube(x[i])")
    assert where.expected / where.found == pytest.approx(3.0 / 2.5, rel=1e-9)
    where = bisect(uses_slip, (X, 1.3))
    assert where is not None and where.statement == "z = scaled_with_a_slip(y, k)"
    assert where.operand == 1 and where.index is None
    where = bisect(uses_row, (X,))
    assert where is not None and "_positive(x[0] - 0.5)" in where.statement
    assert where.found == pytest.approx(-where.expected)
    assert bisect(lambda x: cube(x[0]) * np.sum(x), (X,)) is None


def test_rules_by_themselves() -> None:
    check_rule(cube, (1.3,))
    check_rule(scaled, (X, 1.3))
    with pytest.raises(GradientMismatch, match=r"adjoint is .* differences give"):
        check_rule(wrong_cube, (1.3,))
    with pytest.raises(GradientMismatch, match=r"operand 1: its adjoint is"):
        check_rule(scaled_with_a_slip, (X, 1.3))
    with pytest.raises(GradientMismatch, match=r"returns .*2\.199\d+\)?, the function 2\.197"):
        check_rule(restless_cube, (1.3,))
    check_rule(late_cube, (0.9,))
    with pytest.raises(GradientMismatch):
        check_rule(late_cube, (1.1,))
    with pytest.raises(TypeError, match="takes a function with a rule"):
        check_rule(_cube, (1.0,))  # type: ignore[arg-type]


def test_judges() -> None:
    """On the tape's gradients, which need no compiling."""
    check_grads(tape.grad(lambda x: np.sum(np.sin(x) * x)), (X,))
    check_grads(tape.grad(lambda x: np.sum(np.sin(x) * x)), (X.astype(np.float32),))
    check_grads(tape.grad(lambda z: np.sum(np.abs(z * z))), (X + 1j * X[::-1],))
    with pytest.raises(TypeError, match="takes numbers and arrays"):
        check_grads(lambda p, x: p[0] * x, ((1.0, 2.0), 3.0))
    with pytest.raises(ValueError, match="no judge at this point"):
        check_grads(tape.grad(lambda x: np.sum(np.abs(x))), (np.zeros(3),))
    with pytest.raises(GradientMismatch, match=r"argument 'x': wrong at \[2, 1\]"):
        check_grads(tape.grad(one_entry), (np.outer(X, X),))
    with pytest.raises(GradientMismatch, match="inaccurate"):  # less than differences can see
        check_grads(tape.grad(lambda x: np.sum(_slightly(x))), (X,), rtol=1e-5)
    with pytest.raises(ValueError, match="order must be 1"):
        check_grads(_cube, (1.0,), order=2)
    with pytest.raises(ValueError, match="modes are"):
        check_grads(_cube, (1.0,), modes=["reverse"])


def _one_entry(x: Any) -> Any:
    return x * x


_marked = custom_vjp(_one_entry)


def _marked_bwd(x: Any, g: Any) -> Any:
    made = 2.0 * x * g
    made[2, 1] += 0.01
    return (made,)


_marked.defvjp(lambda x: (x * x, x), _marked_bwd)
_slightly = custom_vjp(_one_entry)
_slightly.defvjp(lambda x: (x * x, x), lambda x, g: (2.00000001 * x * g,))


def one_entry(x: Any) -> Any:
    return np.sum(_marked(x) * x)


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> types.ModuleType:
    lines = ["import numpy as np", ""]
    for k, expression in enumerate(EXPRESSIONS):
        lines += [f"def f{k}({', '.join(names_in(expression))}):", f"    return {expression}", ""]
    path = tmp_path_factory.mktemp("bisected") / "bisected_programs.py"
    path.write_text("\n".join(lines))
    return load(path)


def test_no_operation_of_ours_is_blamed(programs: types.ModuleType) -> None:
    given = inputs(1)
    for k, expression in enumerate(EXPRESSIONS):
        args = [given[name] for name in names_in(expression)]
        assert bisect(getattr(programs, f"f{k}"), args) is None, expression


def test_options_of_rules() -> None:
    """The table's functions keep their promise of working on arrays."""
    values = np.array([0.3, -1.1])
    for function in (op.erf, op.digamma, op.trigamma, op.i0e, op.i1e, op.cosine_and_sine):
        np.testing.assert_array_equal(function(values), [function(v) for v in values])
    np.testing.assert_array_equal(op.where(values > 0, values, 0.0), [0.3, 0.0])
