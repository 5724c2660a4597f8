"""The draws of random numbers that Numba has: their parameters as NumPy has them, and which of
those are a location and a scale.

A draw is an input to the derivative.  With ``x = loc + scale * z``, z a draw of the standard
distribution, derivatives go through location and scale and z is a constant (reparameterisation:
Kingma and Welling, Auto-Encoding Variational Bayes, 2014).
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from adcompile.ir import nodes as ir
from adcompile.ir.walk import statements

Form = Literal["", "loc + scale * z", "low + (high - low) * z", "scale * z", "exp(loc + scale * z)"]

# ``form`` is in terms of the last parameters; those in front of them stay parameters of z.
_LOCATION: Form = "loc + scale * z"
_TABLE: dict[str, Form] = {
    "random()": "",
    "standard_normal()": "",
    "standard_exponential()": "",
    "standard_cauchy()": "",
    "standard_gamma(shape)": "",
    "standard_t(df)": "",
    "normal(loc=0.0, scale=1.0)": _LOCATION,
    "laplace(loc=0.0, scale=1.0)": _LOCATION,
    "logistic(loc=0.0, scale=1.0)": _LOCATION,
    "gumbel(loc=0.0, scale=1.0)": _LOCATION,
    "uniform(low=0.0, high=1.0)": "low + (high - low) * z",
    "exponential(scale=1.0)": "scale * z",
    "rayleigh(scale=1.0)": "scale * z",
    "gamma(shape, scale=1.0)": "scale * z",
    "lognormal(mean=0.0, sigma=1.0)": "exp(loc + scale * z)",
    "beta(a, b)": "",
    "binomial(n, p)": "",
    "chisquare(df)": "",
    "f(dfnum, dfden)": "",
    "geometric(p)": "",
    "hypergeometric(ngood, nbad, nsample)": "",
    "logseries(p)": "",
    "negative_binomial(n, p)": "",
    "noncentral_chisquare(df, nonc)": "",
    "noncentral_f(dfnum, dfden, nonc)": "",
    "pareto(a)": "",
    "poisson(lam)": "",
    "power(a)": "",
    "randint(low, high=None)": "",
    "integers(low, high=None)": "",
    "triangular(left, mode, right)": "",
    "vonmises(mu, kappa)": "",
    "wald(mean, scale)": "",
    "weibull(a)": "",
    "zipf(a)": "",
}
# Of arrays, or for their effect: without a size, but for choice.
_OTHERS = ("choice(a, size=None, replace=True)", "permutation(x)", "shuffle(x)", "seed(seed)")
_LEGACY_ONLY = ("randint", "seed", "choice", "vonmises", "gumbel", "hypergeometric")
_GENERATOR_ONLY = ("integers", "noncentral_chisquare", "noncentral_f")
_ALIASES = {"random_sample": "random", "ranf": "random", "sample": "random"}
PREFIXES = ("np.random.", "gen.")


@dataclass(frozen=True)
class Draw:
    """``parameters`` in order, the size among them; ``form``: see the table."""

    name: str
    parameters: inspect.Signature
    form: Form


def _read() -> dict[str, Draw]:
    found: dict[str, Draw] = {}
    for line in (*_TABLE, *_OTHERS):
        if line in _TABLE:
            written = line.replace("()", "(size=None)").replace(")", ", size=None)")
            written = written.replace("(size=None, size=None)", "(size=None)")
        else:
            written = line
        space: dict[str, Any] = {}
        exec(f"def {written}: pass", space)
        name = line.partition("(")[0]
        found[name] = Draw(name, inspect.signature(space[name]), _TABLE.get(line, ""))
    return found


DRAWS = _read()


def legacy_draw(obj: object) -> str | None:
    """The draw that a function of ``np.random`` is, or rand or randn."""
    name = str(getattr(obj, "__name__", ""))
    if getattr(np.random, name, None) != obj or name in _GENERATOR_ONLY:
        return None
    name = _ALIASES.get(name, name)
    return name if name in DRAWS or name in ("rand", "randn") else None


def generator_draw(name: str) -> str | None:
    """The draw that a method of a Generator of this name is."""
    return name if name in DRAWS and name not in _LEGACY_ONLY else None


def is_draw(stmt: ir.Stmt) -> bool:
    """Whether a statement draws random numbers, or seeds them."""
    return isinstance(stmt, ir.Call) and stmt.fn.startswith(PREFIXES)


def draws(fn: ir.Function) -> bool:
    """Whether a function draws random numbers."""
    return any(map(is_draw, statements(fn.body)))


def draw_of(call: ir.Call) -> Draw:
    return DRAWS[call.fn.rpartition(".")[2]]


def parameters_of(call: ir.Call) -> tuple[ir.Expr, ...]:
    """The arguments but for the generator and what follows the size, the size included."""
    return call.args[1:] if call.fn.startswith("gen.") else call.args


def sizes_of(call: ir.Call) -> tuple[ir.Expr, ...]:
    """The extents of the array that is drawn; none: one number."""
    names = list(draw_of(call).parameters.parameters)
    given = dict(zip(names, parameters_of(call), strict=False))
    size = given.get("size", ir.Const(None))
    if size == ir.Const(None):
        return ()
    return size.items if isinstance(size, ir.MakeTuple) else (size,)
