"""Derivatives by Richardson-extrapolated central differences, with an estimate of their error.

Complex arguments move in complex directions.  Gradients have JAX's convention, df/dx - i df/dy, so
that the derivative along d is the real part of gradient times d.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

STEP = 4e-4
ILL_CONDITIONED = 1e-5


@dataclass(frozen=True)
class Estimate:
    """A directional derivative, its estimated error relative to max(1, |value|), and whether the
    point looks like a kink (the one-sided derivatives differ)."""

    value: float
    error: float
    kink: bool

    @property
    def reliable(self) -> bool:
        return not self.kink and self.error <= ILL_CONDITIONED  # False for nan

    @property
    def tolerance(self) -> float:
        return max(1e-7, 10 * self.error) * max(1.0, abs(self.value))

    def agrees(self, value: float) -> bool:
        return bool(abs(value - self.value) <= self.tolerance)


def copies(args: Sequence[Any]) -> list[Any]:
    """Fresh arguments with the layout of the given ones."""
    return [copy_array(a) if isinstance(a, np.ndarray) else a for a in args]


def copy_array(a: Any) -> Any:
    if a.flags.c_contiguous or a.flags.f_contiguous or a.ndim != 1:
        return a.copy(order="K")
    wide = np.zeros(2 * len(a), a.dtype)
    wide[::2] = a
    return wide[::2]


def moved(args: Sequence[Any], direction: dict[int, Any], t: float) -> list[Any]:
    out = copies(args)
    for k, d in direction.items():
        if isinstance(out[k], np.ndarray):
            out[k] += t * d
        else:
            out[k] = out[k] + t * (complex(d) if np.iscomplexobj(d) else float(d))
    return out


def directional(
    f: Callable[..., Any], args: Sequence[Any], direction: dict[int, Any], h: float = STEP
) -> Estimate:
    """d/dt f(args + t * direction) at t = 0.  ``direction``: argument number -> array or float."""
    centre = float(f(*copies(args)))
    slopes, bends, largest = [], [], abs(centre)
    for level in range(3):
        step = h / 2**level
        up = float(f(*moved(args, direction, step)))
        down = float(f(*moved(args, direction, -step)))
        slopes.append((up - down) / (2 * step))
        bends.append(abs(up + down - 2 * centre) / (2 * step))
        largest = max(largest, abs(up), abs(down))
    once = [(4 * slopes[k + 1] - slopes[k]) / 3 for k in range(2)]
    value = (16 * once[1] - once[0]) / 15
    scale = max(1.0, abs(value))
    error = (abs(value - once[1]) + 4e-16 * largest / h) / scale
    kink = bends[2] > 1e-6 * scale and bends[2] > 0.6 * bends[0]
    return Estimate(value, error, kink)


def random_direction(
    args: Sequence[Any], argnums: Sequence[int], rng: np.random.Generator
) -> dict[int, Any]:
    out: dict[int, Any] = {}
    for k in argnums:
        shape = np.shape(args[k])
        out[k] = rng.uniform(-1.0, 1.0, shape) if shape else rng.uniform(-1, 1)
        if np.iscomplexobj(args[k]):
            out[k] = out[k] + 1j * rng.uniform(-1.0, 1.0, shape)
    return out


def unit_directions(args: Sequence[Any], argnums: Sequence[int]) -> list[dict[int, Any]]:
    """One direction per coordinate."""
    out: list[dict[int, Any]] = []
    for k in argnums:
        if not np.ndim(args[k]):
            out.append({k: 1.0})
            continue
        for index in np.ndindex(args[k].shape):
            d = np.zeros(args[k].shape)
            d[index] = 1.0
            out.append({k: d})
    return out
