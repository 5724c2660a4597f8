"""Kernels in the style of PolyBench and NPBench, written for this table.  Each returns a scalar."""
# mypy: disable-error-code="no-untyped-def, no-untyped-call"

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit, prange

Arguments = tuple[Any, ...]
Make = Callable[[np.random.Generator, int], Arguments]
KERNELS: dict[str, tuple[Any, Make]] = {}


def kernel(make: Make, **options: Any) -> Callable[[Any], Any]:
    """Register a kernel; ``make`` gives arguments, from a generator and a size."""

    def register(func: Any) -> Any:
        made = njit(**options)(func)
        KERNELS[func.__name__] = made, make
        return made

    return register


def field(*exponents: int) -> Make:
    """``len(exponents)`` arrays of that many dimensions, and 3 steps."""

    def make(rng: np.random.Generator, n: int) -> Arguments:
        return (*(rng.normal(size=(n,) * d) for d in exponents), 3)

    return make


def positive_definite(rng: np.random.Generator, n: int) -> Arguments:
    a = rng.normal(size=(n, n))
    return (a @ a.T + n * np.eye(n),)


# ---------------------------------------------------------------- stencils


@kernel(field(1, 1))
def jacobi_1d(a, b, steps):
    for _ in range(steps):
        for i in range(1, a.size - 1):
            b[i] = 0.33333 * (a[i - 1] + a[i] + a[i + 1])
        for i in range(1, a.size - 1):
            a[i] = 0.33333 * (b[i - 1] + b[i] * b[i] + b[i + 1])
    return np.sum(a * a)


@kernel(field(2, 2))
def jacobi_2d(a, b, steps):
    for _ in range(1, steps):
        b[1:-1, 1:-1] = 0.2 * (
            a[1:-1, 1:-1] + a[1:-1, :-2] + a[1:-1, 2:] + a[2:, 1:-1] + np.sin(a[:-2, 1:-1])
        )
        a[1:-1, 1:-1] = 0.2 * (
            b[1:-1, 1:-1] + b[1:-1, :-2] + b[1:-1, 2:] + b[2:, 1:-1] + b[:-2, 1:-1]
        )
    return np.sum(a**2)


@kernel(lambda rng, n: field(3, 3)(rng, max(4, n // 2)))
def heat_3d(a, b, steps):
    n = a.shape[0]
    for _ in range(steps):
        for i in range(1, n - 1):
            for j in range(1, n - 1):
                for k in range(1, n - 1):
                    b[i, j, k] = (
                        0.125 * (a[i + 1, j, k] - 2.0 * a[i, j, k] + a[i - 1, j, k])
                        + 0.125 * (a[i, j + 1, k] - 2.0 * a[i, j, k] + a[i, j - 1, k])
                        + 0.125 * (a[i, j, k + 1] - 2.0 * a[i, j, k] + a[i, j, k - 1])
                        + a[i, j, k] * (1.0 - 0.01 * a[i, j, k])
                    )
        a, b = b, a
    return np.sum(a * a)


@kernel(field(2))
def seidel_2d(a, steps):
    n = a.shape[0]
    for _ in range(steps):
        for i in range(1, n - 1):
            for j in range(1, n - 1):
                total = 0.0
                for p in (-1, 0, 1):
                    for q in (-1, 0, 1):
                        total += a[i + p, j + q]
                a[i, j] = total / 9.0 + 0.1 * np.tanh(a[i, j])
    return np.mean(a * a)


@kernel(lambda rng, n: (*(rng.normal(size=(n, n)) for _ in range(3)), rng.normal(size=3)))
def fdtd_2d(ex, ey, hz, fict):
    for t in range(fict.size):
        ey[0, :] = fict[t]
        ey[1:, :] -= 0.5 * (hz[1:, :] - hz[:-1, :])
        ex[:, 1:] -= 0.5 * (hz[:, 1:] - hz[:, :-1])
        hz[:-1, :-1] -= 0.7 * (ex[:-1, 1:] - ex[:-1, :-1] + ey[1:, :-1] - ey[:-1, :-1])
    return np.sum(hz * hz) + np.sum(ex * ey)


@kernel(field(2))
def adi(u, steps):
    n = u.shape[0]
    v = np.zeros((n, n))
    p = np.zeros((n, n))
    q = np.zeros((n, n))
    dx, dt = 1.0 / n, 1.0 / steps
    mul1 = 2.0 * dt / dx**2
    mul2 = 1.0 * dt / dx**2
    a, b = -mul1 / 2.0, 1.0 + mul1
    d, e = -mul2 / 2.0, 1.0 + mul2
    for _ in range(1, steps + 1):
        for i in range(1, n - 1):
            v[0, i] = 1.0
            p[i, 0] = 0.0
            q[i, 0] = v[0, i]
            for j in range(1, n - 1):
                p[i, j] = -a / (a * p[i, j - 1] + b)
                q[i, j] = (
                    -d * u[j, i - 1] + (1.0 + 2.0 * d) * u[j, i] - a * q[i, j - 1] - d * u[j, i + 1]
                ) / (a * p[i, j - 1] + b)
            v[n - 1, i] = 1.0
            for j in range(n - 2, 0, -1):
                v[j, i] = p[i, j] * v[j + 1, i] + q[i, j]
        for i in range(1, n - 1):
            u[i, 0] = 1.0
            p[i, 0] = 0.0
            q[i, 0] = u[i, 0]
            for j in range(1, n - 1):
                p[i, j] = -d / (d * p[i, j - 1] + e)
                q[i, j] = (
                    -a * v[i - 1, j] + (1.0 + 2.0 * a) * v[i, j] - d * q[i, j - 1] - a * v[i + 1, j]
                ) / (d * p[i, j - 1] + e)
            u[i, n - 1] = 1.0
            for j in range(n - 2, 0, -1):
                u[i, j] = p[i, j] * u[i, j + 1] + q[i, j]
    return np.sum(u**2)


# ---------------------------------------------------------------- linear algebra


@kernel(positive_definite)
def cholesky(a):
    n = a.shape[0]
    for i in range(n):
        for j in range(i):
            for k in range(j):
                a[i, j] -= a[i, k] * a[j, k]
            a[i, j] /= a[j, j]
        for k in range(i):
            a[i, i] -= a[i, k] * a[i, k]
        a[i, i] = np.sqrt(a[i, i])
    logdet = 0.0
    for i in range(n):
        logdet += 2.0 * np.log(a[i, i])
    return logdet + a[n - 1, 0] * a[1, 0]


@kernel(positive_definite)
def lu(a):
    n = a.shape[0]
    for i in range(n):
        for j in range(i):
            a[i, j] -= np.dot(a[i, :j], a[:j, j])
            a[i, j] /= a[j, j]
        for j in range(i, n):
            a[i, j] -= np.dot(a[i, :i], a[:i, j])
    return np.sum(np.log(np.abs(np.diag(a)))) + np.sum(a * a)


@kernel(lambda rng, n: (rng.normal(size=(n + 2, n)),))
def gramschmidt(a):
    q = np.zeros_like(a)
    r = np.zeros((a.shape[1], a.shape[1]), dtype=a.dtype)
    for k in range(a.shape[1]):
        nrm = np.dot(a[:, k], a[:, k])
        r[k, k] = np.sqrt(nrm)
        q[:, k] = a[:, k] / r[k, k]
        for j in range(k + 1, a.shape[1]):
            r[k, j] = np.dot(q[:, k], a[:, j])
            a[:, j] -= q[:, k] * r[k, j]
    return np.sum(r**2) + np.sum(q**3)


@kernel(lambda rng, n: (rng.uniform(-0.4, 0.4, n) / n,))
def durbin(r):
    y = np.empty_like(r)
    alpha = -r[0]
    beta = 1.0
    y[0] = -r[0]
    for k in range(1, r.shape[0]):
        beta *= 1.0 - alpha * alpha
        alpha = -(r[k] + np.dot(np.flip(r[:k]), y[:k])) / beta
        y[:k] += alpha * np.flip(y[:k])
        y[k] = alpha
    return np.sum(y * y)


# ---------------------------------------------------------------- physics


@njit
def accelerations(position, mass, softening):
    out = np.zeros_like(position)
    for i in range(mass.size):
        for j in range(mass.size):
            gap = position[j] - position[i]
            inverse = 1.0 / (np.sum(gap**2) + softening**2) ** 1.5
            out[i] += mass[j] * inverse * gap
    return out


def bodies(rng: np.random.Generator, n: int) -> Arguments:
    position, velocity = rng.normal(size=(n, 3)), 0.1 * rng.normal(size=(n, 3))
    return position, velocity, rng.uniform(0.5, 1.5, n), 0.1, 3


@kernel(bodies)
def nbody(position, velocity, mass, softening, steps):
    step = 0.01
    acceleration = accelerations(position, mass, softening)
    for _ in range(steps):
        velocity += acceleration * step / 2.0
        position += velocity * step
        acceleration = accelerations(position, mass, softening)
        velocity += acceleration * step / 2.0
    return 0.5 * np.sum(mass * np.sum(velocity**2, axis=1)) + np.sum(position**2)


@njit
def pressure_source(b, rho, dt, u, v, dx, dy):
    b[1:-1, 1:-1] = rho * (
        1.0
        / dt
        * ((u[1:-1, 2:] - u[1:-1, :-2]) / (2 * dx) + (v[2:, 1:-1] - v[:-2, 1:-1]) / (2 * dy))
        - ((u[1:-1, 2:] - u[1:-1, :-2]) / (2 * dx)) ** 2
        - 2 * ((u[2:, 1:-1] - u[:-2, 1:-1]) / (2 * dy) * (v[1:-1, 2:] - v[1:-1, :-2]) / (2 * dx))
        - ((v[2:, 1:-1] - v[:-2, 1:-1]) / (2 * dy)) ** 2
    )
    b[1:-1, -1] = rho * (
        1.0 / dt * ((u[1:-1, 0] - u[1:-1, -2]) / (2 * dx)
                    + (v[2:, -1] - v[:-2, -1]) / (2 * dy))
    )  # fmt: skip


@njit
def pressure(p, b, dx, dy, sweeps):
    pn = np.empty_like(p)
    for _ in range(sweeps):
        pn[:] = p
        p[1:-1, 1:-1] = (
            (pn[1:-1, 2:] + pn[1:-1, :-2]) * dy**2 + (pn[2:, 1:-1] + pn[:-2, 1:-1]) * dx**2
        ) / (2 * (dx**2 + dy**2)) - dx**2 * dy**2 / (2 * (dx**2 + dy**2)) * b[1:-1, 1:-1]
        p[1:-1, -1] = pn[1:-1, -2]
        p[1:-1, 0] = pn[1:-1, 1]
        p[-1, :] = p[-2, :]
        p[0, :] = p[1, :]


@kernel(lambda rng, n: (*(0.1 * rng.normal(size=(n, n)) for _ in range(3)), 0.7, 0.2))
def channel_flow(u, v, p, force, nu):
    n = u.shape[0]
    dx = dy = 2.0 / (n - 1)
    dt = 0.01
    b = np.zeros_like(u)
    change, step = 1.0, 0
    while change > 0.005 and step < 6:
        un = u.copy()
        vn = v.copy()
        pressure_source(b, 1.0, dt, u, v, dx, dy)
        pressure(p, b, dx, dy, 2)
        u[1:-1, 1:-1] = (
            un[1:-1, 1:-1]
            - un[1:-1, 1:-1] * dt / dx * (un[1:-1, 1:-1] - un[1:-1, :-2])
            - vn[1:-1, 1:-1] * dt / dy * (un[1:-1, 1:-1] - un[:-2, 1:-1])
            - dt / (2 * dx) * (p[1:-1, 2:] - p[1:-1, :-2])
            + nu * dt / dx**2 * (un[1:-1, 2:] - 2 * un[1:-1, 1:-1] + un[1:-1, :-2])
            + nu * dt / dy**2 * (un[2:, 1:-1] - 2 * un[1:-1, 1:-1] + un[:-2, 1:-1])
            + force * dt
        )
        v[1:-1, 1:-1] = (
            vn[1:-1, 1:-1]
            - un[1:-1, 1:-1] * dt / dx * (vn[1:-1, 1:-1] - vn[1:-1, :-2])
            - vn[1:-1, 1:-1] * dt / dy * (vn[1:-1, 1:-1] - vn[:-2, 1:-1])
            - dt / (2 * dy) * (p[2:, 1:-1] - p[:-2, 1:-1])
            + nu * dt / dx**2 * (vn[1:-1, 2:] - 2 * vn[1:-1, 1:-1] + vn[1:-1, :-2])
            + nu * dt / dy**2 * (vn[2:, 1:-1] - 2 * vn[1:-1, 1:-1] + vn[:-2, 1:-1])
        )
        u[0, :] = 0.0
        u[-1, :] = 0.0
        v[0, :] = 0.0
        v[-1, :] = 0.0
        change = np.abs((np.sum(u) - np.sum(un)) / (np.sum(u) + 10.0))
        step += 1
    return np.sum(u * u) + np.sum(v * v) + np.sum(p * p)


# ---------------------------------------------------------------- signals and networks


@kernel(lambda rng, n: (rng.normal(size=(n, n + 1)), 0.25))
def deriche(image, alpha):
    w, h = image.shape
    k = (1.0 - np.exp(-alpha)) ** 2 / (1.0 + alpha * np.exp(-alpha) * 2.0 - np.exp(2.0 * alpha))
    a1 = a5 = k
    a2 = a6 = k * np.exp(-alpha) * (alpha - 1.0)
    a3 = a7 = k * np.exp(-alpha) * (alpha + 1.0)
    a4 = a8 = -k * np.exp(-2.0 * alpha)
    b1 = 2.0 ** (-alpha)
    b2 = -np.exp(-2.0 * alpha)
    c1 = c2 = 1.0
    y1 = np.empty_like(image)
    y1[:, 0] = a1 * image[:, 0]
    y1[:, 1] = a1 * image[:, 1] + a2 * image[:, 0] + b1 * y1[:, 0]
    for j in range(2, h):
        y1[:, j] = a1 * image[:, j] + a2 * image[:, j - 1] + b1 * y1[:, j - 1] + b2 * y1[:, j - 2]
    y2 = np.empty_like(image)
    y2[:, -1] = 0.0
    y2[:, -2] = a3 * image[:, -1]
    for j in range(h - 3, -1, -1):
        y2[:, j] = (
            a3 * image[:, j + 1] + a4 * image[:, j + 2] + b1 * y2[:, j + 1] + b2 * y2[:, j + 2]
        )
    out = c1 * (y1 + y2)
    y1[0, :] = a5 * out[0, :]
    y1[1, :] = a5 * out[1, :] + a6 * out[0, :] + b1 * y1[0, :]
    for i in range(2, w):
        y1[i, :] = a5 * out[i, :] + a6 * out[i - 1, :] + b1 * y1[i - 1, :] + b2 * y1[i - 2, :]
    y2[-1, :] = 0.0
    y2[-2, :] = a7 * out[-1, :]
    for i in range(w - 3, -1, -1):
        y2[i, :] = a7 * out[i + 1, :] + a8 * out[i + 2, :] + b1 * y2[i + 1, :] + b2 * y2[i + 2, :]
    out[:] = c2 * (y1 + y2)
    return np.sum(out * out)


@kernel(lambda rng, n: (rng.normal(size=(2, 3, n, n)), rng.normal(size=(2, 3, n, n))))
def softmax(x, weight):
    out = np.empty_like(x)
    for b in range(x.shape[0]):
        for h in range(x.shape[1]):
            for i in range(x.shape[2]):
                row = x[b, h, i]
                shifted = np.exp(row - np.max(row))
                out[b, h, i] = shifted / np.sum(shifted)
    return np.sum(weight * out * out)


@kernel(
    lambda rng, n: (
        rng.normal(size=(2, n, n, 3)),
        rng.normal(size=(3, 3, 3, 4)),
        rng.normal(size=4),
    ),
    parallel=True,
)
def conv2d(image, weights, bias):
    k = weights.shape[0]
    rows, columns = image.shape[1] - k + 1, image.shape[2] - k + 1
    out = np.empty((image.shape[0], rows, columns, weights.shape[3]))
    for i in prange(rows):
        for j in range(columns):
            for b in range(image.shape[0]):
                for c in range(weights.shape[3]):
                    out[b, i, j, c] = np.sum(
                        image[b, i : i + k, j : j + k, :] * weights[:, :, :, c]
                    )
    return np.sum(np.maximum(out + bias, 0.0) ** 2)
