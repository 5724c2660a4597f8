"""The rule table, tested row by row from its own points."""

from __future__ import annotations

import builtins
import cmath
import itertools
import math
import operator
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import mpmath as mp  # type: ignore[import-untyped]
import numba
import numpy as np
import pytest

from adcompile.ir.nodes import Apply, Binary, Compare, Const, Expr, Select, Unary, Var
from adcompile.rules import op, simplify
from adcompile.rules.registry import RULES, Rule, partials_ir, partials_on, rule_for, strong_zeros
from adcompile.runtime import arrays, likelihood, special, sums

OPERATORS: dict[str, Callable[..., Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
    "**": operator.pow, "%": operator.mod, "//": operator.floordiv, "neg": operator.neg,
    "pos": operator.pos, "&": operator.and_, "|": operator.or_, "^": operator.xor,
    "<<": operator.lshift, ">>": operator.rshift, "~": operator.invert, "not": operator.not_,
}  # fmt: skip


RUNTIME = SimpleNamespace()
for _module in (arrays, likelihood, special, sums):
    RUNTIME.__dict__.update({k: v for k, v in vars(_module).items() if not k.startswith("_")})

# The functions of the table once more, in arithmetic of any precision.
REFERENCE: dict[str, Callable[..., Any]] = {
    "identity": lambda x: x,
    "%": lambda a, b: a - b * mp.floor(a / b),
    "fmod": lambda a, b: a - b * mp.sign(a / b) * mp.floor(abs(a / b)),
    "square": lambda x: x * x,
    "reciprocal": lambda x: 1 / x,
    "ldexp": lambda x, n: x * mp.mpf(2) ** n,
    "sinc": mp.sincpi,
    "exp2": lambda x: mp.mpf(2) ** x,
    "log2": lambda x: mp.log(x, 2),
    "logaddexp": lambda a, b: mp.log(mp.exp(a) + mp.exp(b)),
    "logaddexp2": lambda a, b: mp.log(mp.mpf(2) ** a + mp.mpf(2) ** b, 2),
    "cbrt": lambda x: mp.sign(x) * mp.cbrt(abs(x)),
    "expit": lambda x: 1 / (1 + mp.exp(-x)),
    "softplus": lambda x: mp.log1p(mp.exp(x)),
    "log_expit": lambda x: -mp.log1p(mp.exp(-x)),
    "logit": lambda p: mp.log(p / (1 - p)),
    "ndtr": mp.ncdf,
    "log_ndtr": lambda x: mp.log(mp.ncdf(x)),
    "xlogy": lambda x, y: x * mp.log(y),
    "xlog1py": lambda x, y: x * mp.log(1 + y),
    "betaln": lambda a, b: mp.log(mp.beta(a, b)),
    "i0e": lambda x: mp.exp(-abs(x)) * mp.besseli(0, x),
    "i1e": lambda x: mp.exp(-abs(x)) * mp.besseli(1, x),
    "lgamma": lambda x: mp.log(abs(mp.gamma(x))),
    "copysign": lambda x, y: abs(x) * mp.sign(y),
    "fmax": max,
    "fmin": min,
    "clip": lambda x, low, high: min(max(x, low), high),
    "nextafter": lambda x, towards: x,
}
for _name in RULES.keys() - REFERENCE.keys():
    for _known in (OPERATORS.get(_name), getattr(mp, _name, None), getattr(builtins, _name, None)):
        if _known is not None:
            REFERENCE.setdefault(_name, _known)

# Rows of complex numbers are tested in test_complex_rules.py.
COMPLEX = ("real", "imag", "conj", "angle", "abs2", "complex", "complex2", "rect")
ROWS = [r for r in RULES.values() if not r.nondiff and r.name not in COMPLEX]
# What array functions use has integers for arguments, and is tested with them.
DECLARED = [r for r in RULES.values() if r.nondiff and r.name != "integers of array functions"]
X, P, ANS, ADJ = Var("x"), Var("p"), Var("ans"), Var("adj")
ABOVE = Select(Compare(">", X, P), Const(1.0), Const(0.0))
every_row = pytest.mark.parametrize("rule", ROWS, ids=lambda r: r.name)
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # poles are visited


def function(fn: str) -> Callable[..., Any]:
    if fn in OPERATORS:
        return OPERATORS[fn]
    module, _, name = fn.rpartition(".")
    modules = {"": builtins, "math": math, "cmath": cmath, "np": np, "rt": RUNTIME}
    found: Callable[..., Any] = getattr(modules[module], name)
    return found


def typed(args: tuple[float, ...], dtype: type = np.float64) -> tuple[Any, ...]:
    return tuple(a if isinstance(a, int) else dtype(a) for a in args)


def answer(rule: Rule, args: tuple[Any, ...], dtype: type = np.float64) -> Any:
    return dtype(function(rule.fns[0])(*args))


def derivative(rule: Rule, args: tuple[Any, ...], i: int) -> float:
    exact = [a if isinstance(a, int) else mp.mpf(float(a)) for a in args]
    f = REFERENCE[rule.name]
    with mp.workdps(60):
        return float(mp.diff(lambda t: f(*exact[:i], t, *exact[i + 1 :]), exact[i]))


# ---------------------------------------------------------------- IR as text


class Math:
    """``math`` that returns NumPy scalars, which have poles instead of exceptions."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *args: np.float64(getattr(math, name)(*args))


def text(e: Expr) -> str:
    match e:
        case Var(name):
            return name
        case Const(value):
            return {"inf": "np.inf", "-inf": "-np.inf", "nan": "np.nan"}.get(
                repr(value), f"({value!r})"
            )
        case Unary(o, x):
            return f"({o}{text(x)})"
        case Binary(o, a, b) | Compare(o, a, b):
            return f"({text(a)} {o} {text(b)})"
        case Select(cond, a, b):
            return f"({text(a)} if {text(cond)} else {text(b)})"
        case Apply(fn, args):
            return f"{fn}({', '.join(map(text, args))})"
    raise AssertionError(e)


def evaluate(e: Expr, **values: Any) -> Any:
    return eval(text(e), {"math": Math(), "np": np, "rt": RUNTIME} | values)


def compiled(source: str) -> Callable[..., Any]:
    """``source`` under Numba, with the runtime compiled alike."""

    scope: dict[str, Any] = {"math": math, "np": np}
    for name, value in vars(RUNTIME).items():
        if hasattr(value, "py_func") or value is sums.plus:
            scope[f"rt_{name}"] = value
    exec(source.replace("rt.", "rt_"), scope)
    return numba.njit(error_model="numpy")(scope["f"])


def symbolic(rule: Rule) -> tuple[list[str], list[Expr | None]]:
    args = tuple(Var(f"x{i}") for i in range(rule.arity))
    return [a.name for a in args], list(partials_ir(rule, ANS, args, (True,) * rule.arity))


# ---------------------------------------------------------------- the rows


@every_row
def test_row_has_points_and_a_reference(rule: Rule) -> None:
    assert rule.at and rule.name in REFERENCE
    assert all(len(point) == rule.arity for point in rule.at)
    assert all(len(p) == len(v) == rule.arity for p, v in rule.kinks)
    assert len(rule.strong_zero) == rule.arity


@every_row
def test_partials_are_derivatives(rule: Rule) -> None:
    for point in rule.at:
        args = typed(point)
        values = partials_on(rule, answer(rule, args), args)
        assert len(values) == rule.arity
        for i, value in enumerate(values):
            if value is None:
                continue
            expected = derivative(rule, args, i)
            assert value == pytest.approx(expected, rel=1e-12, abs=1e-300), (point, i)


@every_row
def test_none_means_no_derivative(rule: Rule) -> None:
    for point in rule.at:
        for i, value in enumerate(partials_on(rule, answer(rule, typed(point)), typed(point))):
            if value is None and not isinstance(point[i], int):
                assert derivative(rule, point, i) == 0


@every_row
def test_partials_in_float32(rule: Rule) -> None:
    # sinc cancels where it leaves its series, the Bessel functions in their recurrences
    ulps = 64 if rule.name in ("sinc", "i0e", "i1e") else 8
    for point in rule.at:
        args = typed(point, np.float32)
        values = partials_on(rule, answer(rule, args, np.float32), args)
        for i, value in enumerate(values):
            if value is None:
                continue
            expected = derivative(rule, args, i)
            rel = ulps * float(np.finfo(np.float32).eps)
            assert float(value) == pytest.approx(expected, rel=rel, abs=1e-30), (point, i)


@every_row
def test_kinks_are_pinned(rule: Rule) -> None:
    _, exprs = symbolic(rule)
    for point, pinned in rule.kinks:
        args = typed(point)
        ans = answer(rule, args)
        scope = {f"x{i}": a for i, a in enumerate(args)}
        for value, expr, expected in zip(partials_on(rule, ans, args), exprs, pinned, strict=True):
            assert expected == (0.0 if value is None else value), point
            if expr is not None:
                assert evaluate(expr, ans=ans, **scope) == expected, point


@every_row
def test_ir_computes_the_same(rule: Rule) -> None:
    names, exprs = symbolic(rule)
    body = ", ".join("0.0" if e is None else text(e) for e in exprs)
    f = compiled(f"def f(ans, {', '.join(names)}):\n    return ({body},)\n")
    for point in rule.at + tuple(p for p, _ in rule.kinks):
        args = typed(point)
        ans = answer(rule, args)
        values = partials_on(rule, ans, args)
        for value, expr, jitted in zip(values, exprs, f(ans, *args), strict=True):
            if value is None or expr is None:
                assert value is None and expr is None
                continue
            plain = evaluate(expr, ans=ans, **dict(zip(names, args, strict=True)))
            assert plain == pytest.approx(float(value), rel=1e-14), point
            assert jitted == pytest.approx(float(value), rel=1e-14), point


@every_row
def test_strong_zeros_are_declared(rule: Rule) -> None:
    """An infinite partial at a finite value needs the guard."""
    for point, pinned in rule.kinks:
        if math.isfinite(answer(rule, typed(point))):
            for guarded, value in zip(rule.strong_zero, pinned, strict=True):
                assert guarded or math.isfinite(value), point


def test_strong_zero_rows_are_these() -> None:
    flagged = {r.name: r.strong_zero for r in ROWS if any(r.strong_zero)}
    assert flagged.pop("**") == (True, False)
    roots = {"sqrt", "cbrt", "asin", "acos", "acosh"}
    assert set(flagged) == roots | {"atan2", "logaddexp", "logaddexp2", "xlogy", "xlog1py"}
    assert all(all(flags) for flags in flagged.values())


# ---------------------------------------------------------------- spellings

INTEGER_ONLY = {"bitwise"}
ARRAYS_ONLY = {"np.clip"}  # Numba has no scalar np.clip; the row serves its elements


def operands(rule: Rule) -> int:
    if not rule.nondiff:
        return rule.arity
    f = function(rule.fns[-1])
    return f.nin if isinstance(f, np.ufunc) else 2 if f is np.isclose else 1


@pytest.mark.parametrize(
    "rule",
    [
        r
        for r in RULES.values()
        if r.name not in COMPLEX and r.name != "integers of array functions"
    ],
    ids=lambda r: r.name,
)
def test_spellings_exist_and_numba_compiles_them(rule: Rule) -> None:
    for fn in rule.fns:
        assert rule_for(fn) is rule
        assert callable(function(fn))
    calls = [fn for fn in rule.fns if fn not in (*OPERATORS, *ARRAYS_ONLY)]
    if not calls:
        return
    args = rule.at[0] if rule.at else (1.3, 0.4)[: operands(rule)]
    calls = [call for call in calls if not call.startswith("cmath.")]
    names = ", ".join(f"x{i}" for i in range(len(args)))
    results = ", ".join(f"{call}({names})" for call in calls)
    f = compiled(f"def f({names}):\n    return ({results},)\n")
    f(*typed(args, np.float32))
    for call, value in zip(calls, f(*typed(args)), strict=True):
        assert value == pytest.approx(function(call)(*args), rel=1e-6), call


def test_clip_compiles_on_arrays() -> None:
    x = np.array([-2.0, 0.3, 2.0])
    assert np.array_equal(numba.njit(lambda x: np.clip(x, -1.0, 1.0))(x), [-1.0, 0.3, 1.0])


@pytest.mark.parametrize("rule", DECLARED, ids=lambda r: r.name)
def test_declared_functions_are_locally_constant(rule: Rule) -> None:
    assert partials_ir(rule, Var("ans"), (Var("x"), Var("y")), (True, True)) == (None, None)
    if rule.name in INTEGER_ONLY or rule.name in ("stop_gradient", "finite_or_zero"):
        return
    for fn in rule.fns:
        if fn == "//" or fn.startswith("cmath."):
            continue
        f, n = function(fn), operands(rule)
        for point in ((1.3, 0.4), (0.7, 2.9), (40.6, 3.1)):
            moved = tuple(x + 1e-9 for x in point)
            assert f(*point[:n]) == f(*moved[:n]), (fn, point)


def test_unknown_functions_have_no_row() -> None:
    assert rule_for("np.median") is None


def test_only_wanted_partials() -> None:
    assert partials_ir(RULES["*"], ANS, (X, P), (False, True)) == (None, X)


# ---------------------------------------------------------------- powers, generated code


@pytest.mark.parametrize(
    ("p", "expected", "guard"),
    [
        (2, "((2) * x)", False),
        (2.0, "((2.0) * x)", False),
        (3, "((3) * (x ** (2)))", False),
        (1, "(1.0)", False),
        (0, "(0.0)", False),
        (0.5, "((0.5) * (x ** (-0.5)))", True),
        (-1, "(-(x ** (-2)))", True),
    ],
)
def test_power_with_a_constant_exponent(p: float, expected: str, guard: bool) -> None:
    rule = rule_for("**")
    assert rule is not None
    slope, none = partials_ir(rule, ANS, (X, Const(p)), (True, False))
    assert slope is not None and none is None
    assert text(slope) == expected
    assert strong_zeros(rule, (X, Const(p))) == (guard, False)


@pytest.mark.parametrize(
    ("partial", "strong", "expected"),
    [
        (Const(1.0), False, "adj"),
        (Const(-1.0), False, "(-adj)"),
        (Binary("/", Const(1.0), X), False, "(adj / x)"),
        (Unary("-", X), False, "(-(adj * x))"),
        (X, True, "((0.0) if (adj == (0.0)) else (adj * x))"),
        (ABOVE, False, "(adj if (x > p) else (0.0))"),
    ],
)
def test_contribution(partial: Expr, strong: bool, expected: str) -> None:
    assert text(simplify.contribution(ADJ, partial, strong)) == expected


def test_strong_zero_stops_infinity() -> None:
    rule = rule_for("np.sqrt")
    assert rule is not None
    (slope,) = partials_ir(rule, ANS, (X,), (True,))
    assert slope is not None
    guarded = simplify.contribution(ADJ, slope, strong_zeros(rule, (X,))[0])
    zero = np.float64(0.0)
    assert evaluate(guarded, ans=zero, x=zero, adj=zero) == 0.0
    assert evaluate(guarded, ans=zero, x=zero, adj=np.float64(2.0)) == math.inf


# ---------------------------------------------------------------- folding is exact

SPECIAL = [0.0, -0.0, 1.0, -1.0, 2.5, -3.0, math.inf, -math.inf, math.nan]
FORMS: list[Expr] = [X, Unary("-", X), *(Const(v) for v in (0.0, -0.0, 1.0, -1.0, 2.5, 1, -1, 0))]
CONSTRUCTORS = {"+": simplify.add, "-": simplify.sub, "*": simplify.mul, "/": simplify.div,
                "**": simplify.power}  # fmt: skip


def same(a: Any, b: Any) -> bool:
    """Equal, with the sign of zero, and nan equal to nan."""
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    return bool(a == b) and math.copysign(1, a) == math.copysign(1, b)


@pytest.mark.parametrize("o", CONSTRUCTORS)
def test_folding_changes_no_value(o: str) -> None:
    y_forms = [Var("y"), Unary("-", Var("y")), *FORMS[2:]]
    for a, b in itertools.product(FORMS, y_forms):
        folded, whole = text(CONSTRUCTORS[o](a, b)), text(Binary(o, a, b))
        for x, y in itertools.product(SPECIAL, SPECIAL):
            scope = {"np": np, "x": np.float64(x), "y": np.float64(y)}
            try:
                expected = eval(whole, scope)
            except ZeroDivisionError:
                expected = None
            if isinstance(expected, complex | None):  # Python's own idea of two literals
                assert folded == whole
            else:
                assert same(eval(folded, scope), expected), (folded, whole, x, y)


def test_rules_do_not_branch_on_expressions() -> None:
    with pytest.raises(TypeError, match=r"op\.where"):
        bool(op.Sym(X) > 0.0)


# ---------------------------------------------------------------- special functions


def test_digamma_and_trigamma() -> None:
    points = np.concatenate([
        np.linspace(-20.05, 30.0, 997), np.logspace(-12, 12, 200), -np.logspace(-12, 0.49, 100),
    ])  # fmt: skip
    for x in map(float, points):
        for f, order in ((special.digamma, 0), (special.trigamma, 1)):
            with mp.workdps(40):
                expected = float(mp.psi(order, mp.mpf(x)))
                # Near zeros of the sum its summands set the scale: reflected cotangent, log.
                scale = max(1.0, abs(float(mp.psi(order, abs(mp.mpf(x)))))) if x < 0 else 1.0
            assert f(x) == pytest.approx(expected, rel=1e-14, abs=1e-14 * scale), (f, x)


def test_digamma_at_the_edges() -> None:
    assert math.isnan(special.digamma(0.0)) and math.isnan(special.digamma(-3.0))
    assert math.isnan(special.digamma(math.nan))
    assert special.digamma(math.inf) == math.inf
    assert special.trigamma(-3.0) == math.inf and special.trigamma(math.inf) == 0.0
