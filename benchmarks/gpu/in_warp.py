"""The workloads in NVIDIA Warp's words.  Warp reads source: no annotations from ``__future__``
here.

Variables that a loop changes and the reverse needs are arrays with a row per step, each its own
launch, as Warp asks for: it stores nothing within a kernel.
"""

from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks.warp_tape import arrays, number, taped


def black_scholes(wp: Any, s: Any, k: Any, t: Any, r: float, v: float) -> Any:
    @wp.kernel
    def prices(
        s: wp.array(dtype=wp.float64),  # type: ignore[valid-type]
        k: wp.array(dtype=wp.float64),  # type: ignore[valid-type]
        t: wp.array(dtype=wp.float64),  # type: ignore[valid-type]
        r: wp.array(dtype=wp.float64),  # type: ignore[valid-type]
        v: wp.array(dtype=wp.float64),  # type: ignore[valid-type]
        total: wp.array(dtype=wp.float64),  # type: ignore[valid-type]
    ) -> None:
        i = wp.tid()
        half = wp.float64(0.5)
        minus = wp.float64(-0.7071067811865476)
        root = wp.sqrt(t[i])
        drift = r[0] + half * v[0] * v[0]
        d1 = (wp.log(s[i] / k[i]) + drift * t[i]) / (v[0] * root)
        d2 = d1 - v[0] * root
        paid = half * k[i] * wp.exp(-r[0] * t[i]) * wp.erfc(d2 * minus)
        wp.atomic_add(total, 0, half * s[i] * wp.erfc(d1 * minus) - paid)

    active = [*arrays(wp, s, k, t), number(wp, r), number(wp, v)]
    total = number(wp, 0.0)
    launches = lambda: wp.launch(prices, len(s), [*active, total])  # noqa: E731
    return taped(wp, launches, total, active, [])


def n_body(wp: Any, x: Any, m: Any, soft: float) -> Any:
    @wp.kernel
    def energies(
        x: wp.array2d(dtype=wp.float64),  # type: ignore[valid-type]
        m: wp.array(dtype=wp.float64),  # type: ignore[valid-type]
        soft: wp.float64,
        potential: wp.array(dtype=wp.float64),  # type: ignore[valid-type]
    ) -> None:
        i = wp.tid()
        own = wp.float64(0.0)
        for j in range(m.shape[0]):
            dx = x[i, 0] - x[j, 0]
            dy = x[i, 1] - x[j, 1]
            dz = x[i, 2] - x[j, 2]
            own += m[j] / wp.sqrt(dx * dx + dy * dy + dz * dz + soft)
        potential[i] = own

    @wp.kernel
    def weigh(
        m: wp.array(dtype=wp.float64),  # type: ignore[valid-type]
        potential: wp.array(dtype=wp.float64),  # type: ignore[valid-type]
        total: wp.array(dtype=wp.float64),  # type: ignore[valid-type]
    ) -> None:
        i = wp.tid()
        wp.atomic_add(total, 0, wp.float64(-0.5) * m[i] * potential[i])

    active = arrays(wp, x, m)
    (potential,) = arrays(wp, np.zeros_like(m))
    total = number(wp, 0.0)

    def launches() -> None:
        """Two: of ``m[i] * own`` in the first kernel Warp loses the adjoint of ``m[i]``."""
        wp.launch(energies, len(m), [*active, soft, potential])
        wp.launch(weigh, len(m), [active[1], potential, total])

    return taped(wp, launches, total, active, [potential])


def heston(wp: Any, z: Any, w: Any, *parameters: float) -> Any:
    @wp.kernel
    def begin(
        theta: wp.array(dtype=wp.float64),  # type: ignore[valid-type]
        v: wp.array2d(dtype=wp.float64),  # type: ignore[valid-type]
    ) -> None:
        v[0, wp.tid()] = theta[0]

    @wp.kernel
    def step(
        i: int,
        dt: wp.float64,
        z: wp.array2d(dtype=wp.float64),  # type: ignore[valid-type]
        w: wp.array2d(dtype=wp.float64),  # type: ignore[valid-type]
        kappa: wp.array(dtype=wp.float64),  # type: ignore[valid-type]
        theta: wp.array(dtype=wp.float64),  # type: ignore[valid-type]
        xi: wp.array(dtype=wp.float64),  # type: ignore[valid-type]
        rho: wp.array(dtype=wp.float64),  # type: ignore[valid-type]
        x: wp.array2d(dtype=wp.float64),  # type: ignore[valid-type]
        v: wp.array2d(dtype=wp.float64),  # type: ignore[valid-type]
    ) -> None:
        p = wp.tid()
        old = v[i, p]
        vol = wp.sqrt(wp.max(old, wp.float64(1e-6)) * dt)
        x[i + 1, p] = x[i, p] + vol * (z[i, p] - wp.float64(0.5) * vol)
        rest = wp.sqrt(wp.float64(1.0) - rho[0] * rho[0])
        shock = rho[0] * z[i, p] + rest * w[i, p]
        v[i + 1, p] = old + kappa[0] * (theta[0] - old) * dt + xi[0] * vol * shock

    @wp.kernel
    def payoff(
        steps: int,
        share: wp.float64,
        x: wp.array2d(dtype=wp.float64),  # type: ignore[valid-type]
        total: wp.array(dtype=wp.float64),  # type: ignore[valid-type]
    ) -> None:
        worth = wp.exp(x[steps, wp.tid()]) - wp.float64(1.0)
        wp.atomic_add(total, 0, share * wp.max(worth, wp.float64(0.0)))

    steps, n = z.shape
    drawn = [wp.array(a, dtype=wp.float64) for a in (z, w)]
    active = [number(wp, p) for p in parameters]
    states = arrays(wp, *(np.zeros((steps + 1, n)) for _ in range(2)))
    total = number(wp, 0.0)

    def launches() -> None:
        wp.launch(begin, n, [active[1], states[1]])
        for i in range(steps):
            wp.launch(step, n, [i, 1.0 / steps, *drawn, *active, *states])
        wp.launch(payoff, n, [steps, 1.0 / n, states[0], total])

    return taped(wp, launches, total, active, states)


def heat(wp: Any, u: Any, steps: int) -> Any:
    @wp.kernel
    def step(
        u: wp.array3d(dtype=wp.float64),  # type: ignore[valid-type]
        out: wp.array3d(dtype=wp.float64),  # type: ignore[valid-type]
    ) -> None:
        i, j, k = wp.tid()
        n = u.shape[0] - 1
        if i > 0 and i < n and j > 0 and j < n and k > 0 and k < n:
            near = u[i + 1, j, k] + u[i - 1, j, k] + u[i, j + 1, k]
            more = u[i, j - 1, k] + u[i, j, k + 1] + u[i, j, k - 1]
            out[i, j, k] = wp.float64(0.25) * u[i, j, k] + wp.float64(0.125) * (near + more)
        else:
            out[i, j, k] = u[i, j, k]

    @wp.kernel
    def squares(
        u: wp.array3d(dtype=wp.float64),  # type: ignore[valid-type]
        total: wp.array(dtype=wp.float64),  # type: ignore[valid-type]
    ) -> None:
        i, j, k = wp.tid()
        wp.atomic_add(total, 0, u[i, j, k] * u[i, j, k])

    states = arrays(wp, u, *(np.zeros_like(u) for _ in range(2 * steps)))
    total = number(wp, 0.0)

    def launches() -> None:
        for one, following in pairwise(states):
            wp.launch(step, u.shape, [one, following])
        wp.launch(squares, u.shape, [states[-1], total])

    return taped(wp, launches, total, states[:1], states[1:])
