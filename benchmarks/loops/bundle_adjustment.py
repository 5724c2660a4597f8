"""Bundle adjustment, as in ADBench (Srajer, Kukelova, Fitzgibbon, 2018): 49 cameras see 7776
points in 31843 places; what is off is weighted.

A camera is a rotation (axis times angle), a centre, a focal length, a principal point and two
coefficients of radial distortion.  Two tasks: the sparse Jacobian of all residuals, fifteen entries
per row (``bundle_jacobian.py``), and the gradient of the sum of their squares.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
from numba import njit

from benchmarks.arrays.contestants import REASSOCIATE
from benchmarks.arrays.workload import TAPE, Inputs, Workload
from benchmarks.loops import warp_bundle
from benchmarks.loops.lineup import Function, lineup

# ---------------------------------------------------------------- the function, in loops


def project(c: Any, p: Any) -> Any:
    """Where a camera (11 numbers) sees a point; Rodrigues's formula turns it."""
    x, y, z = p[0] - c[3], p[1] - c[4], p[2] - c[5]
    square = c[0] * c[0] + c[1] * c[1] + c[2] * c[2]
    if square > 0.0:
        angle = math.sqrt(square)
        a, b, d = c[0] / angle, c[1] / angle, c[2] / angle
        sine, cosine = math.sin(angle), math.cos(angle)
        along = (a * x + b * y + d * z) * (1.0 - cosine)
        x, y, z = (
            x * cosine + (b * z - d * y) * sine + a * along,
            y * cosine + (d * x - a * z) * sine + b * along,
            z * cosine + (a * y - b * x) * sine + d * along,
        )
    else:
        x, y, z = x + c[1] * z - c[2] * y, y + c[2] * x - c[0] * z, z + c[0] * y - c[1] * x
    u, v = x / z, y / z
    r = u * u + v * v
    scale = c[6] * (1.0 + r * (c[9] + r * c[10]))
    return scale * u + c[7], scale * v + c[8]


def squares(cameras: Any, points: Any, weights: Any, seen: Any, features: Any) -> Any:
    """``seen[i]``: the numbers of camera and point."""
    total = 0.0
    for i in range(seen.shape[0]):
        u, v = project(cameras[seen[i, 0]], points[seen[i, 1]])
        u, v = weights[i] * (u - features[i, 0]), weights[i] * (v - features[i, 1])
        w = 1.0 - weights[i] ** 2
        total += u * u + v * v + w * w
    return total


# ---------------------------------------------------------------- by hand


@njit(error_model="numpy", fastmath=REASSOCIATE, inline="always")
def turned_point(c: Any, p: Any) -> Any:
    """What a projection and its derivatives share: the point before and after the turn, axis,
    sine, cosine, the projection on the axis."""
    x, y, z = p[0] - c[3], p[1] - c[4], p[2] - c[5]
    angle = math.sqrt(c[0] * c[0] + c[1] * c[1] + c[2] * c[2])
    per = 1.0 / angle
    a, b, d = c[0] * per, c[1] * per, c[2] * per
    sine, cosine = math.sin(angle), math.cos(angle)
    along = a * x + b * y + d * z
    rest = along * (1.0 - cosine)
    tx = x * cosine + (b * z - d * y) * sine + a * rest
    ty = y * cosine + (d * x - a * z) * sine + b * rest
    tz = z * cosine + (a * y - b * x) * sine + d * rest
    return x, y, z, a, b, d, per, sine, cosine, along, tx, ty, tz


@njit(error_model="numpy", fastmath=REASSOCIATE, inline="always")
def _back(turned: Any, gx: Any, gy: Any, gz: Any, out: Any) -> None:
    """From the adjoint of the turned point: out[:3] += the rotation's, out[3:6] -= the point's."""
    x, y, z, a, b, d, per, s, c, along, tx, ty, tz = turned
    one = 1.0 - c
    g_along = gx * a + gy * b + gz * d
    # The turn by the opposite angle brings the adjoint back.
    px = gx * c + (gy * d - gz * b) * s + a * one * g_along
    py = gy * c + (gz * a - gx * d) * s + b * one * g_along
    pz = gz * c + (gx * b - gy * a) * s + d * one * g_along
    # A change of the angle moves the turned point by axis x point.
    g_angle = gx * (b * tz - d * ty) + gy * (d * tx - a * tz) + gz * (a * ty - b * tx)
    # of the axis, whose length does not change
    ga = s * (gz * y - gy * z) + one * (gx * along + g_along * x)
    gb = s * (gx * z - gz * x) + one * (gy * along + g_along * y)
    gd = s * (gy * x - gx * y) + one * (gz * along + g_along * z)
    level = ga * a + gb * b + gd * d
    out[0] += (ga - level * a) * per + g_angle * a
    out[1] += (gb - level * b) * per + g_angle * b
    out[2] += (gd - level * d) * per + g_angle * d
    out[3] -= px
    out[4] -= py
    out[5] -= pz


@njit(error_model="numpy", fastmath=REASSOCIATE, inline="always")
def add_row(c: Any, turned: Any, gu: float, gv: float, out: Any) -> None:
    """``out`` += gu times the derivative of u in the camera, gv times that of v."""
    tx, ty, tz = turned[10], turned[11], turned[12]
    inverse = 1.0 / tz
    u, v = tx * inverse, ty * inverse
    r = u * u + v * v
    factor = 1.0 + r * (c[9] + r * c[10])
    scale = c[6] * factor
    both = gu * u + gv * v
    slope = 2.0 * c[6] * (c[9] + 2.0 * r * c[10]) * both
    hu, hv = gu * scale + slope * u, gv * scale + slope * v
    out[6] += both * factor
    out[7] += gu
    out[8] += gv
    out[9] += both * c[6] * r
    out[10] += both * c[6] * r * r
    _back(turned, hu * inverse, hv * inverse, -(hu * u + hv * v) * inverse, out)


@njit(error_model="numpy", fastmath=REASSOCIATE, inline="always")
def seen_at(c: Any, turned: Any) -> Any:
    u, v = turned[10] / turned[12], turned[11] / turned[12]
    r = u * u + v * v
    scale = c[6] * (1.0 + r * (c[9] + r * c[10]))
    return scale * u + c[7], scale * v + c[8]


@njit(error_model="numpy", fastmath=REASSOCIATE)
def squares_by_hand(cameras: Any, points: Any, weights: Any, seen: Any, features: Any) -> Any:
    """In one loop; angles are not zero."""
    cameras_adj, points_adj = np.zeros_like(cameras), np.zeros_like(points)
    weights_adj = np.empty_like(weights)
    own = np.empty(11)
    total = 0.0
    for i in range(seen.shape[0]):
        k, m = seen[i, 0], seen[i, 1]
        c, w = cameras[k], weights[i]
        turned = turned_point(c, points[m])
        u, v = seen_at(c, turned)
        u, v = u - features[i, 0], v - features[i, 1]
        apart = u * u + v * v
        rest = 1.0 - w * w
        total += w * w * apart + rest * rest
        weights_adj[i] = 2.0 * w * apart - 4.0 * w * rest
        own[:] = 0.0
        add_row(c, turned, 2.0 * w * w * u, 2.0 * w * w * v, own)
        for j in range(11):
            cameras_adj[k, j] += own[j]
        for j in range(3):
            points_adj[m, j] -= own[3 + j]
    return total, (cameras_adj, points_adj, weights_adj)


# ---------------------------------------------------------------- what others make of it


def projected(xp: Any) -> Function:
    """All at once; cameras (n, 11), points (n, 3)."""

    def project(c: Any, p: Any) -> Any:
        x, y, z = p[:, 0] - c[:, 3], p[:, 1] - c[:, 4], p[:, 2] - c[:, 5]
        angle = xp.sqrt(c[:, 0] ** 2 + c[:, 1] ** 2 + c[:, 2] ** 2)
        a, b, d = c[:, 0] / angle, c[:, 1] / angle, c[:, 2] / angle
        sine, cosine = xp.sin(angle), xp.cos(angle)
        along = (a * x + b * y + d * z) * (1.0 - cosine)
        x, y, z = (
            x * cosine + (b * z - d * y) * sine + a * along,
            y * cosine + (d * x - a * z) * sine + b * along,
            z * cosine + (a * y - b * x) * sine + d * along,
        )
        u, v = x / z, y / z
        r = u * u + v * v
        scale = c[:, 6] * (1.0 + r * (c[:, 9] + r * c[:, 10]))
        return scale * u + c[:, 7], scale * v + c[:, 8]

    return project


def arrays(xp: Any, jit: Function) -> Function:
    project = projected(xp)

    def squares(cameras: Any, points: Any, weights: Any, seen: Any, features: Any) -> Any:
        u, v = project(cameras[seen[:, 0]], points[seen[:, 1]])
        apart = (u - features[:, 0]) ** 2 + (v - features[:, 1]) ** 2
        return xp.sum(weights**2 * apart + (1.0 - weights**2) ** 2)

    made: Function = jit(squares)
    return made


def best_jax(jax: Any) -> Any:
    """One place at a time, mapped over all; camera and point are gathered before."""
    np_ = jax.numpy
    project = projected(np_)

    def one(c: Any, p: Any, w: Any, feature: Any) -> Any:
        u, v = project(c[None], p[None])
        return w * w * ((u[0] - feature[0]) ** 2 + (v[0] - feature[1]) ** 2) + (1 - w * w) ** 2

    each = jax.vmap(jax.value_and_grad(one, argnums=(0, 1, 2)))

    def both(cameras: Any, points: Any, weights: Any, seen: Any, features: Any) -> Any:
        values, (c, p, w) = each(cameras[seen[:, 0]], points[seen[:, 1]], weights, features)
        return np_.sum(values), (
            np_.zeros_like(cameras).at[seen[:, 0]].add(c),
            np_.zeros_like(points).at[seen[:, 1]].add(p),
            w,
        )

    return both


def inputs(cameras: int, points: int, places: int) -> Inputs:
    rng = np.random.default_rng(0)
    c = np.empty((cameras, 11))
    c[:, :3], c[:, 3:6] = rng.normal(0, 0.1, (cameras, 3)), rng.normal(0, 0.2, (cameras, 3))
    c[:, 6], c[:, 7:9] = rng.uniform(400, 600, cameras), rng.normal(0, 5, (cameras, 2))
    c[:, 9:] = rng.normal(0, 1e-2, (cameras, 2))
    p = rng.normal(size=(points, 3)) + np.array([0.0, 0.0, 8.0])
    seen = np.stack([rng.integers(0, cameras, places), rng.integers(0, points, places)], 1)
    u, v = projected(np)(c[seen[:, 0]], p[seen[:, 1]])
    features = np.stack([u, v], 1) + rng.normal(size=(places, 2))
    return c, p, rng.uniform(0.5, 1.5, places), seen, features


SIZES = {
    "5 cameras, 50 points, 200 places": (5, 50, 200),
    "49 cameras, 7776 points, 31843 places": (49, 7776, 31843),
}
GRADIENT = Workload(
    title="Bundle adjustment (ADBench), gradient",
    cases={label: partial(inputs, *size) for label, size in SIZES.items()},
    quick=tuple(SIZES)[:1],
    contestants=lineup(
        squares, (0, 1, 2), {"": squares_by_hand}, best_jax, arrays, scan=False,
        more={"Warp": warp_bundle.build},
    ),
    rtol={"float64": 1e-10},
    slow=frozenset({TAPE}),
)  # fmt: skip
