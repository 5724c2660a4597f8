"""``python -m benchmarks.gpu``: gradients on a GPU, beside the bandwidth of a copy
and an adjoint of Black-Scholes written by hand.  ``--small`` is for the simulator.

Times are medians over 15 calls that are waited for.  "copied" is what a copy of 1 GiB on the device
reads and writes in a second; "moved" counts each array that a gradient reads or makes once.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numba import cuda

from adcompile import value_and_grad
from adcompile.version import __version__

REPEATS = 15


def black_scholes(s: Any, k: Any, t: Any, r: float, v: float) -> float:
    total = 0.0
    for i in range(s.size):
        root = math.sqrt(t[i])
        d1 = (math.log(s[i] / k[i]) + (r + 0.5 * v * v) * t[i]) / (v * root)
        d2 = d1 - v * root
        call = 0.5 * s[i] * math.erfc(-d1 / math.sqrt(2.0))
        total += call - 0.5 * k[i] * math.exp(-r * t[i]) * math.erfc(-d2 / math.sqrt(2.0))
    return total


@cuda.jit
def by_hand(s, k, t, r, v, s_adj, k_adj, t_adj, sums):  # type: ignore[no-untyped-def]
    """Delta, dual delta, theta per option; the sums over all of price, rho and vega."""
    price = rho = vega = 0.0
    for i in range(cuda.grid(1), s.size, cuda.gridsize(1)):
        root = math.sqrt(t[i])
        d1 = (math.log(s[i] / k[i]) + (r + 0.5 * v * v) * t[i]) / (v * root)
        d2 = d1 - v * root
        n1 = 0.5 * math.erfc(-d1 / math.sqrt(2.0))
        n2 = 0.5 * math.erfc(-d2 / math.sqrt(2.0))
        density = math.exp(-0.5 * d1 * d1) / math.sqrt(2.0 * math.pi)
        discount = math.exp(-r * t[i])
        price += s[i] * n1 - k[i] * discount * n2
        s_adj[i] = n1
        k_adj[i] = -discount * n2
        t_adj[i] = s[i] * density * v / (2.0 * root) + r * k[i] * discount * n2
        rho += k[i] * t[i] * discount * n2
        vega += s[i] * density * root
    cuda.atomic.add(sums, 0, price)
    cuda.atomic.add(sums, 1, rho)
    cuda.atomic.add(sums, 2, vega)


def n_body(x: Any, m: Any, soft: float) -> float:
    n = x.shape[0]
    energy = 0.0
    for i in range(n):
        own = 0.0
        for j in range(n):
            dx = x[i, 0] - x[j, 0]
            dy = x[i, 1] - x[j, 1]
            dz = x[i, 2] - x[j, 2]
            own -= m[j] / math.sqrt(dx * dx + dy * dy + dz * dz + soft)
        energy += 0.5 * m[i] * own
    return energy


def heston(z: Any, w: Any, kappa: float, theta: float, xi: float, rho: float) -> float:
    """One column per path, so that neighbouring threads read neighbouring numbers."""
    steps, n = z.shape
    dt = 1.0 / steps
    total = 0.0
    for p in range(n):
        s, v = 1.0, theta
        for i in range(steps):
            vol = math.sqrt(max(v, 1e-6) * dt)
            s = s * math.exp(-0.5 * vol * vol + vol * z[i, p])
            other = rho * z[i, p] + math.sqrt(1.0 - rho * rho) * w[i, p]
            v += kappa * (theta - v) * dt + xi * vol * other
        total += max(s - 1.0, 0.0)
    return float(total / n)


def network(w1: Any, b1: Any, w2: Any, x: Any, y: Any) -> float:
    h = np.tanh(x @ w1 + b1)
    return float(np.mean((h @ w2 - y) ** 2))


def seconds(call: Callable[[], Any]) -> float:
    """The median."""
    call()
    cuda.synchronize()
    times: list[float] = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        call()
        cuda.synchronize()
        times.append(time.perf_counter() - start)
    return float(statistics.median(times))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="tiny sizes, for the simulator")
    small = parser.parse_args().small
    options, bodies, paths, rows = (9, 5, 6, 4) if small else (10**8, 16_384, 10**6, 8192)
    steps, wide = (3, 4) if small else (100, 1024)
    rng = np.random.default_rng(0)

    def put(*arrays: Any) -> list[Any]:
        return [cuda.to_device(a) for a in arrays]

    name = "simulator" if small else cuda.get_current_device().name.decode()
    print(f"{name}, adcompile {__version__}, Numba {numba.__version__}")
    source = cuda.to_device(np.zeros(16 if small else 1 << 27))
    target = cuda.device_array_like(source)
    copied = 2 * source.size * 8 / seconds(lambda: target.copy_to_device(source))
    print(f"copied: {copied / 1e9:.0f} GB/s")
    source = target = None

    s, k, t = put(*(rng.uniform(a, b, options) for a, b in ((50.0, 150.0),) * 2 + ((0.1, 2.0),)))
    derivative = value_and_grad(black_scholes, (0, 1, 2, 3, 4), target="cuda")
    made = put(*(np.zeros(options) for _ in range(3)))

    def hand() -> Any:
        sums = cuda.to_device(np.zeros(3))
        by_hand[2 if small else 2048, 4 if small else 256](s, k, t, 0.03, 0.2, *made, sums)
        return sums.copy_to_host()

    value, grads = derivative(s, k, t, 0.03, 0.2)
    sums = hand()
    for ours, theirs in zip((value, *grads[3:]), sums, strict=True):
        assert math.isclose(ours, theirs, rel_tol=1e-9), (ours, theirs)
    for ours, theirs in zip(grads, made):
        assert np.allclose(ours.copy_to_host(), theirs.copy_to_host(), rtol=1e-10, atol=1e-12)
    moved = 6 * options * 8
    for title, call in (("adcompile", lambda: derivative(s, k, t, 0.03, 0.2)), ("by hand", hand)):
        took = seconds(call)
        print(
            f"Black-Scholes, {options} options, {title}: {took * 1e3:.2f} ms, "
            f"{moved / took / 1e9:.0f} GB/s, {moved / took / copied:.0%} of a copy"
        )

    others: tuple[tuple[str, Any, tuple[int, ...], tuple[Any, ...]], ...] = (
        (
            f"N-body, {bodies} bodies",
            n_body,
            (0, 1),
            (*put(rng.normal(size=(bodies, 3)), rng.uniform(0.5, 2.0, bodies)), 0.01),
        ),
        (
            f"Heston, {paths} paths, {steps} steps",
            heston,
            (2, 3, 4, 5),
            (*put(*(rng.normal(size=(steps, paths)) for _ in range(2))), 1.2, 0.05, 0.4, -0.6),
        ),
        (
            f"network, {rows} rows, {wide} wide",
            network,
            (0, 1, 2),
            tuple(
                put(
                    *(rng.normal(size=(wide, wide)), rng.normal(size=wide)),
                    *(rng.normal(size=(wide, 10)), rng.normal(size=(rows, wide))),
                    rng.normal(size=(rows, 10)),
                )
            ),
        ),
    )
    for title, f, argnums, args in others:
        gradient = value_and_grad(f, argnums, target="cuda")
        took = seconds(lambda gradient=gradient, args=args: gradient(*args))  # type: ignore[misc]
        print(f"{title}: {took * 1e3:.2f} ms")


if __name__ == "__main__":
    main()
