"""Functions of published packages, with scalar drivers where they return something else.

A maker imports its package, which may not be there.
"""
# mypy: disable-error-code="no-untyped-def, no-untyped-call"

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numba import njit

Make = Callable[[np.random.Generator], "Subject"]
SUBJECTS: dict[str, tuple[str, Make]] = {}


@dataclass(frozen=True)
class Subject:
    """``target`` returns a scalar; ``user``: the package's function.  ``published``: by argument
    number, the gradient as the package's own code has it."""

    target: Any
    user: Any
    args: tuple[Any, ...]
    argnums: tuple[int, ...]
    published: Mapping[int, Any] = field(default_factory=dict)


def subject(package: str, name: str) -> Callable[[Make], Make]:
    def register(make: Make) -> Make:
        SUBJECTS[name] = package, make
        return make

    return register


def load(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)


# ---------------------------------------------------------------- umap-learn


def distance(name: str, make: Callable[[np.random.Generator], tuple[Any, ...]]) -> None:
    """The gradients that umap has beside them are some of them wrong, and so no judge."""

    @subject("umap", f"umap {name}")
    def made(rng: np.random.Generator) -> Subject:
        func = load("umap.distances", name)
        return Subject(func, func, make(rng), (0, 1))


def two(rng: np.random.Generator) -> tuple[Any, ...]:
    return rng.uniform(0.2, 1.2, 8), rng.uniform(0.2, 1.2, 8)


distance("euclidean", two)
distance("minkowski", lambda rng: (*two(rng), 3.0))
distance("mahalanobis", lambda rng: (*two(rng), np.diag(rng.uniform(0.5, 1.5, 8))))
distance("correlation", two)
distance("hellinger", two)
distance("symmetric_kl", lambda rng: (*two(rng), 1e-11))


# ---------------------------------------------------------------- financepy


@subject("financepy", "financepy value")
def black_scholes(rng: np.random.Generator) -> Subject:
    func = load("financepy.models.black_scholes_analytic", "value")
    # The package's delta and vega are those of the formula; its normcdf is a fit to 1e-7, and the
    # derivative of that differs from them by 1e-5.
    args = (100.0, 0.75, 104.0, 0.03, 0.01, 0.22, 1)
    return Subject(func, func, args, (0, 1, 2, 3, 4, 5))


@subject("financepy", "financepy crr_tree_val")
def tree(rng: np.random.Generator) -> Subject:
    func = load("financepy.models.equity_crr_tree", "crr_tree_val")

    @njit
    def drive(stock, rate, dividend, volatility, strike):
        return func(stock, rate, dividend, volatility, 20, 1.0, 4, strike, 1)[0]

    return Subject(drive, func, (100.0, 0.04, 0.01, 0.23, 103.0), (0, 1, 2, 3, 4))


@subject("financepy", "financepy get_paths")
def heston(rng: np.random.Generator) -> Subject:
    func = load("financepy.models.heston", "get_paths")

    @njit
    def drive(s0, r, v0, kappa, theta, sigma, rho):
        paths = func(s0, r, 0.01, v0, kappa, theta, sigma, rho, 1.0, 0.05, 20, 7, 1)
        return np.mean(np.maximum(paths[:, -1] - 95.0, 0.0))

    args = (100.0, 0.03, 0.05, 1.5, 0.06, 0.3, -0.5)
    return Subject(drive, func, args, (0, 1, 2, 3, 4, 5, 6))


# ---------------------------------------------------------------- arch


def returns(rng: np.random.Generator, n: int = 60) -> tuple[Any, ...]:
    resids = rng.normal(size=n)
    return resids, np.tile([1e-6, 1e6], (n, 1))


@subject("arch", "arch garch_recursion")
def garch(rng: np.random.Generator) -> Subject:
    func = load("arch.univariate.recursions_python", "garch_recursion")

    @njit
    def drive(parameters, resids, bounds, backcast):
        sigma2 = np.zeros(resids.size)
        func(
            parameters, resids**2, resids**2 * (resids < 0.0), sigma2, 1, 1, 1, resids.size,
            backcast, bounds,
        )  # fmt: skip
        return 0.5 * np.sum(np.log(sigma2) + resids**2 / sigma2)

    args = (np.array([0.1, 0.08, 0.05, 0.8]), *returns(rng), 0.9)
    return Subject(drive, func, args, (0, 1, 3))


@subject("arch", "arch harch_recursion")
def harch(rng: np.random.Generator) -> Subject:
    func = load("arch.univariate.recursions_python", "harch_recursion")
    lags = np.array([1, 5, 22], dtype=np.int32)

    @njit
    def drive(parameters, resids, bounds, backcast, lags):
        sigma2 = np.zeros(resids.size)
        func(parameters, resids, sigma2, lags, resids.size, backcast, bounds)
        return 0.5 * np.sum(np.log(sigma2) + resids**2 / sigma2)

    args = (np.array([0.2, 0.1, 0.2, 0.3]), *returns(rng), 0.9, lags)
    return Subject(drive, func, args, (0, 1, 3))


@subject("arch", "arch egarch_recursion")
def egarch(rng: np.random.Generator) -> Subject:
    func = load("arch.univariate.recursions_python", "egarch_recursion")

    @njit
    def drive(parameters, resids, bounds, backcast):
        n = resids.size
        sigma2 = np.zeros(n)
        func(
            parameters, resids, sigma2, 1, 1, 1, n, backcast, bounds,
            np.zeros(n), np.zeros(n), np.zeros(n),
        )  # fmt: skip
        return 0.5 * np.sum(np.log(sigma2) + resids**2 / sigma2)

    args = (np.array([0.05, 0.1, -0.04, 0.9]), *returns(rng), 0.1)
    return Subject(drive, func, args, (0, 1, 3))


# ---------------------------------------------------------------- hapsira


@subject("hapsira", "hapsira vallado")
def vallado(rng: np.random.Generator) -> Subject:
    func = load("hapsira.core.propagation.vallado", "vallado")

    @njit
    def drive(k, r0, v0, tof):
        f, g, fdot, gdot = func(k, r0, v0, tof, 350)
        position = f * r0 + g * v0
        velocity = fdot * r0 + gdot * v0
        return np.sum(position**2) + np.sum(velocity**3) + gdot

    r0, v0 = np.array([1.13, -2.1, 0.9]), np.array([0.35, 0.5, -0.23])
    return Subject(drive, func, (1.1, r0, v0, 1.7), (0, 1, 2, 3))


@subject("hapsira", "hapsira M_to_E")
def anomaly(rng: np.random.Generator) -> Subject:
    func = load("hapsira.core.angles", "M_to_E")
    big, ecc = 0.7, 0.3
    e = func(big, ecc)
    slope = 1.0 / (1.0 - ecc * np.cos(e))
    return Subject(func, func, (big, ecc), (0, 1), {0: slope, 1: np.sin(e) * slope})


@subject("hapsira", "hapsira coe2rv")
def elements(rng: np.random.Generator) -> Subject:
    func = load("hapsira.core.elements", "coe2rv")

    @njit
    def drive(k, p, ecc, inc, raan, argp, nu):
        r, v = func(k, p, ecc, inc, raan, argp, nu)
        return np.sum(r * np.array([1.0, 2.0, -1.0])) + np.sum(v**3)

    return Subject(drive, func, (1.2, 2.3, 0.3, 0.4, 0.9, 1.3, 0.7), tuple(range(7)))


# ---------------------------------------------------------------- choclo


def prism(name: str, parts: tuple[str, str, str]) -> None:
    @subject("choclo", f"choclo {name}")
    def made(rng: np.random.Generator) -> Subject:
        func = load("choclo.prism", name)
        args = (0.3, -0.2, 2.6, -1.1, 1.3, -0.9, 1.4, -1.2, 0.8, 2670.0)
        # The published derivatives count upwards.
        published = {k: load("choclo.prism", part)(*args) for k, part in enumerate(parts)}
        return Subject(func, func, args, tuple(range(10)), published)


prism("gravity_pot", ("gravity_e", "gravity_n", "gravity_u"))
prism("gravity_e", ("gravity_ee", "gravity_en", "gravity_eu"))
prism("gravity_u", ("gravity_eu", "gravity_nu", "gravity_uu"))


# ---------------------------------------------------------------- disba


@subject("disba", "disba gtsolh")
def halfspace(rng: np.random.Generator) -> Subject:
    func = load("disba._cps._surf96", "gtsolh")
    return Subject(func, func, (6.2, 3.5), (0, 1))


@subject("disba", "disba dltar1")
def love(rng: np.random.Generator) -> Subject:
    func = load("disba._cps._surf96", "dltar1")
    depth, a = np.array([2.0, 5.0, 8.0, 0.0]), np.array([5.0, 5.8, 6.5, 8.0])
    b, rho = np.array([2.8, 3.3, 3.7, 4.5]), np.array([2.4, 2.6, 2.8, 3.3])
    return Subject(func, func, (0.375, 1.25, depth, a, b, rho, -1), (0, 1, 2, 4, 5))
