"""Bundle adjustment in NVIDIA Warp's words, on the CPU.  Warp reads source: no annotations from
``__future__`` here."""

from typing import Any

from benchmarks.measure import Call
from benchmarks.warp_tape import arrays, number, taped


def build(cameras: Any, points: Any, weights: Any, seen: Any, features: Any) -> Call:
    import warp as wp

    wp.config.quiet = True
    wp.init()

    @wp.kernel
    def squares(
        cameras: wp.array2d(dtype=wp.float64),  # type: ignore[valid-type]
        points: wp.array2d(dtype=wp.float64),  # type: ignore[valid-type]
        weights: wp.array(dtype=wp.float64),  # type: ignore[valid-type]
        seen: wp.array2d(dtype=wp.int64),  # type: ignore[valid-type]
        features: wp.array2d(dtype=wp.float64),  # type: ignore[valid-type]
        total: wp.array(dtype=wp.float64),  # type: ignore[valid-type]
    ) -> None:
        i = wp.tid()
        k = int(seen[i, 0])
        m = int(seen[i, 1])
        one = wp.float64(1.0)
        p = wp.vec3d(
            points[m, 0] - cameras[k, 3],
            points[m, 1] - cameras[k, 4],
            points[m, 2] - cameras[k, 5],
        )
        turn = wp.vec3d(cameras[k, 0], cameras[k, 1], cameras[k, 2])
        angle = wp.sqrt(wp.dot(turn, turn))
        axis = turn / angle
        cosine = wp.cos(angle)
        rest = wp.dot(axis, p) * (one - cosine)
        t = p * cosine + wp.cross(axis, p) * wp.sin(angle) + axis * rest
        u = t[0] / t[2]
        v = t[1] / t[2]
        r = u * u + v * v
        scale = cameras[k, 6] * (one + r * (cameras[k, 9] + r * cameras[k, 10]))
        du = scale * u + cameras[k, 7] - features[i, 0]
        dv = scale * v + cameras[k, 8] - features[i, 1]
        w = weights[i]
        d = one - w * w
        wp.atomic_add(total, 0, w * w * (du * du + dv * dv) + d * d)

    active = arrays(wp, cameras, points, weights)
    fixed = [wp.array(seen, dtype=wp.int64), wp.array(features, dtype=wp.float64)]
    total = number(wp, 0.0)
    launches = lambda: wp.launch(squares, len(weights), [*active, *fixed, total])  # noqa: E731
    call, fetch = taped(wp, launches, total, active, [])
    return lambda: fetch(call())
