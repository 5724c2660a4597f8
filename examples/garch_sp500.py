"""Maximum-likelihood fit of a GARCH(1,1) model to daily returns of the S&P 500.

The likelihood is a plain Numba loop that fills an array of variances in place; adcompile writes
its gradient, SciPy minimises with it, and the fit of the ``arch`` package stands beside the result.

    python examples/garch_sp500.py
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from arch import arch_model
from arch.data import sp500
from numba import njit
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult, approx_fprime, minimize

from adcompile import grad

Floats: TypeAlias = NDArray[np.float64]
Dates: TypeAlias = NDArray[np.datetime64]

PARAMETERS = ("mu", "omega", "alpha[1]", "beta[1]")
PLOT = Path(__file__).with_name("garch_sp500.png")


@njit
def likelihood(theta: Floats, y: Floats, backcast: float, variance: Floats) -> float:
    """Minus the Gaussian log-likelihood; ``variance`` holds one entry more than ``y``."""
    mu, omega, alpha, beta = theta[0], theta[1], theta[2], theta[3]
    variance[0] = backcast  # before the first day, where the squared residual is the same
    square = backcast
    total = 0.0
    for t in range(y.shape[0]):
        variance[t + 1] = omega + alpha * square + beta * variance[t]
        square = (y[t] - mu) ** 2
        total += math.log(2.0 * math.pi) + math.log(variance[t + 1]) + square / variance[t + 1]
    return 0.5 * total


loss = grad(likelihood)


def load() -> tuple[Dates, Floats]:
    """Days, and daily returns in percent."""
    returns = 100 * sp500.load()["Adj Close"].pct_change().dropna()
    return returns.index.to_numpy(), returns.to_numpy().copy()


def fit(y: Floats, backcast: float, variance: Floats) -> OptimizeResult:
    spread = float(y.var())
    return minimize(
        loss.value_and_grad,
        x0=np.array([y.mean(), 0.05 * spread, 0.1, 0.85]),
        args=(y, backcast, variance),
        jac=True,
        method="L-BFGS-B",
        bounds=[(None, None), (1e-6 * spread, None), (0.0, 1.0), (0.0, 1.0)],
        options={"ftol": 1e-12},
    )


def compare(ours: Floats, theirs: Floats) -> None:
    print(f"{'':10}{'adcompile':>12}{'arch':>12}{'relative':>12}")
    for name, a, b in zip(PARAMETERS, ours, theirs):
        print(f"{name:10}{a:12.6f}{b:12.6f}{a / b - 1:12.1e}")


def median_times(calls: dict[str, Callable[[], object]], rounds: int = 41) -> dict[str, float]:
    """Seconds per call, the candidates timed in turns."""
    for call in calls.values():
        call()  # compiles
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(seconds) for name, seconds in times.items()}


def plot(days: Dates, y: Floats, variance: Floats) -> None:
    figure, axes = plt.subplots(figsize=(9.0, 4.0), layout="constrained")
    axes.plot(days, np.abs(y), ".", markersize=2, color="0.7", label="|daily return|")
    axes.plot(days, np.sqrt(variance[1:]), linewidth=1.0, label="conditional volatility")
    axes.set_ylabel("percent")
    axes.set_title("S&P 500, GARCH(1,1)")
    axes.legend()
    figure.savefig(PLOT, dpi=150)
    plt.close(figure)


def main() -> None:
    days, y = load()
    reference = arch_model(y, mean="Constant", vol="GARCH", p=1, q=1)
    theirs = reference.fit(disp="off").params
    backcast = float(reference.volatility.backcast(y - y.mean()))
    variance = np.empty(y.size + 1)

    result = fit(y, backcast, variance)
    print(f"{y.size} daily returns; {result.nfev} evaluations; {result.message}\n")
    compare(result.x, np.asarray(theirs))

    print("\nThe generated adjoint\n")
    print(loss.adjoint_source)

    theta = result.x
    seconds = median_times(
        {
            "plain jitted likelihood": lambda: likelihood(theta, y, backcast, variance),
            "gradient, adcompile": lambda: loss(theta, y, backcast, variance),
            "gradient, SciPy's finite differences": lambda: approx_fprime(
                theta, likelihood, 1.5e-8, y, backcast, variance
            ),
        }
    )
    unit = seconds["plain jitted likelihood"]
    for name, s in seconds.items():
        print(f"{name:38}{1e6 * s:9.1f} us {s / unit:8.2f} x")

    likelihood(theta, y, backcast, variance)  # a gradient call leaves its arguments as they were
    plot(days, y, variance)
    print(f"\nConditional volatility: {PLOT.parent.name}/{PLOT.name}")


if __name__ == "__main__":
    main()
