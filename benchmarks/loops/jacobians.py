"""Whole Jacobians: a tall one by forward mode, a wide one by reverse mode.

Tall: the residuals of a fit of four damped oscillations to 2000 samples, in 16 parameters.
Wide: 16 weighted moments of 2000 numbers, in these.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
from numba import njit

import adcompile
from adcompile import tape
from adcompile import vectormath as vm
from benchmarks.arrays.contestants import REASSOCIATE, by_hand, numba_primal, numpy_primal
from benchmarks.arrays.workload import BY_HAND, OURS, PRIMALS, TAPE, Build, Inputs, Workload
from benchmarks.loops.lineup import Function
from benchmarks.measure import Call

MOMENTS = 16


def oscillations(p: Any, t: Any, y: Any) -> Any:
    """``p`` has, term by term: size, decay, frequency, phase."""
    out = np.empty(t.size)
    for i in range(t.size):
        total = -y[i]
        for k in range(4):
            wave = math.cos(p[4 * k + 2] * t[i] + p[4 * k + 3])
            total += p[4 * k] * math.exp(-p[4 * k + 1] * t[i]) * wave
        out[i] = total
    return out


def moments(x: Any, centres: Any) -> Any:
    """How many of the numbers are near a centre, weighted by their distance."""
    out = np.zeros(centres.size)
    for k in range(centres.size):
        for i in range(x.size):
            d = x[i] - centres[k]
            out[k] += d * math.exp(-0.5 * d * d)
    return out


@njit(error_model="numpy", fastmath=REASSOCIATE)
def oscillations_by_hand(p: Any, t: Any, y: Any) -> Any:
    """Parameter by parameter, so that rows of the transpose are filled in several lanes."""
    out, rows = -y, np.empty((16, t.size))
    for k in range(4):
        size, decay, pace, phase = p[4 * k], p[4 * k + 1], p[4 * k + 2], p[4 * k + 3]
        for i in range(t.size):
            fade, angle = vm.exp(-decay * t[i]), pace * t[i] + phase
            wave, slope = fade * vm.cos(angle), -size * fade * vm.sin(angle)
            out[i] += size * wave
            rows[4 * k, i] = wave
            rows[4 * k + 1, i] = -t[i] * size * wave
            rows[4 * k + 2, i] = t[i] * slope
            rows[4 * k + 3, i] = slope
    return out, (rows.T.copy(),)


@njit(error_model="numpy", fastmath=REASSOCIATE)
def moments_by_hand(x: Any, centres: Any) -> Any:
    out, rows = np.empty(centres.size), np.empty((centres.size, x.size))
    for k in range(centres.size):
        centre, total = centres[k], 0.0
        for i in range(x.size):
            d = x[i] - centre
            e = vm.exp(-0.5 * d * d)
            total += d * e
            rows[k, i] = e - d * d * e
        out[k] = total
    return out, (rows,)


# ---------------------------------------------------------------- what others make of them


def oscillations_of(xp: Any) -> Function:
    def residuals(p: Any, t: Any, y: Any) -> Any:
        p = p.reshape(4, 4, 1)
        waves = p[:, 0] * xp.exp(-p[:, 1] * t) * xp.cos(p[:, 2] * t + p[:, 3])
        return xp.sum(waves, axis=0) - y

    return residuals


def moments_of(xp: Any) -> Function:
    def moments(x: Any, centres: Any) -> Any:
        d = x - centres[:, None]
        return xp.sum(d * xp.exp(-0.5 * d * d), axis=1)

    return moments


def _ours(f: Function, forward: bool) -> Build:
    def build(*inputs: Any) -> Call:
        jitted = njit(f)
        jacobian = (adcompile.jacfwd if forward else adcompile.jacrev)(jitted)
        return lambda: (jitted(*inputs), jacobian(*inputs))

    return build


def residual(p: Any, t: float, y: float) -> Any:
    """One of ``oscillations``."""
    total = -y
    for k in range(4):
        wave = math.cos(p[4 * k + 2] * t + p[4 * k + 3])
        total += p[4 * k] * math.exp(-p[4 * k + 1] * t) * wave
    return total


def moment(x: Any, centre: float) -> Any:
    """One of ``moments``, as array code: unlike that of a loop, its sum may be regrouped."""
    d = x - centre
    return np.sum(d * np.exp(-0.5 * d * d))


def _rows_of_residuals(*inputs: Any) -> Call:
    """A gradient per row, in a jitted loop of the user's."""
    both = adcompile.value_and_grad(njit(residual))

    @njit
    def rows(p: Any, t: Any, y: Any) -> Any:
        out, jacobian = np.empty(t.size), np.empty((t.size, p.size))
        for i in range(t.size):
            out[i], jacobian[i] = both(p, t[i], y[i])
        return out, jacobian

    return lambda: rows(*inputs)


def _rows_of_moments(*inputs: Any) -> Call:
    both = adcompile.value_and_grad(njit(moment))

    @njit
    def rows(x: Any, centres: Any) -> Any:
        out, jacobian = np.empty(centres.size), np.empty((centres.size, x.size))
        for k in range(centres.size):
            out[k], jacobian[k] = both(x, centres[k])
        return out, jacobian

    return lambda: rows(*inputs)


def _taped(make: Function) -> Build:
    """The tape engine goes back only: row by row."""

    def build(x: Any, *fixed: Any) -> Call:
        f = make(np)

        def call() -> Any:
            given = tape.variable(x)
            out = f(given, *fixed)
            rows = []
            for k in range(len(out)):
                out[k].backward()
                rows.append(given.grad)
            return out.value, np.array(rows)

        return call

    return build


def _jax(make: Function, forward: bool) -> Build:
    def build(*inputs: Any) -> Call:
        import jax

        f = make(jax.numpy)
        transform = jax.jacfwd if forward else jax.jacrev

        def both(*inputs: Any) -> Any:
            def twice(*inputs: Any) -> Any:
                out = f(*inputs)
                return out, out

            jacobian, out = transform(twice, has_aux=True)(*inputs)
            return out, jacobian

        given, compiled = [jax.device_put(x) for x in inputs], jax.jit(both)
        return lambda: jax.block_until_ready(compiled(*given))

    return build


def _torch(make: Function, forward: bool, compiled: bool) -> Build:
    def build(*inputs: Any) -> Call:
        import torch

        f = make(torch)
        given = [torch.from_numpy(x) for x in inputs]
        transform = torch.func.jacfwd if forward else torch.func.jacrev

        def twice(*inputs: Any) -> Any:
            out = f(*inputs)
            return out, out

        both = transform(twice, has_aux=True)
        both = torch.compile(both, dynamic=False) if compiled else both

        def call() -> Any:
            jacobian, out = both(*given)
            return out, jacobian

        return call

    return build


def _autograd(make: Function) -> Build:
    def build(*inputs: Any) -> Call:
        import autograd
        import autograd.numpy

        f = make(autograd.numpy)
        jacobian = autograd.jacobian(f)
        return lambda: (f(*inputs), jacobian(*inputs))

    return build


def _jax_rows(*inputs: Any) -> Call:
    """Gradients of single outputs, mapped over the outputs."""
    import jax

    np_ = jax.numpy
    if len(inputs) == 3:

        def one(p: Any, t: Any, y: Any) -> Any:
            p = p.reshape(4, 4)
            return np_.sum(p[:, 0] * np_.exp(-p[:, 1] * t) * np_.cos(p[:, 2] * t + p[:, 3])) - y

        both = jax.vmap(jax.value_and_grad(one), in_axes=(None, 0, 0))
    else:

        def one(x: Any, centre: Any) -> Any:  # type: ignore[misc]
            d = x - centre
            return np_.sum(d * np_.exp(-0.5 * d * d))

        both = jax.vmap(jax.value_and_grad(one), in_axes=(None, 0))
    given, compiled = [jax.device_put(x) for x in inputs], jax.jit(both)
    return lambda: jax.block_until_ready(compiled(*given))


def _contestants(
    f: Function, rows: Build, hand: Function, make: Function, forward: bool
) -> dict[str, Build]:
    return {
        OURS: _ours(f, forward),
        f"{OURS}, gradients in a loop": rows,
        TAPE: _taped(make),
        BY_HAND: by_hand(hand),
        PRIMALS[0]: numpy_primal(make(np)),
        PRIMALS[1]: numba_primal(f),
        "JAX, as written": _jax(make, forward),
        "JAX, best form": _jax_rows,
        "PyTorch": _torch(make, forward, False),
        "torch.compile": _torch(make, forward, True),
        "autograd": _autograd(make),
    }


def tall(samples: int) -> Inputs:
    rng = np.random.default_rng(0)
    p = rng.uniform(0.5, 2.0, (4, 4))
    p[:, 2] = (1.0, 2.0, 3.5, 5.0)
    return p.ravel(), np.linspace(0.0, 5.0, samples), rng.normal(size=samples)


def wide(numbers: int) -> Inputs:
    return np.random.default_rng(0).normal(size=numbers), np.linspace(-3.0, 3.0, MOMENTS)


FORWARD = Workload(
    title="Jacobian by forward mode",
    cases={"50 x 16": partial(tall, 50), "2000 x 16": partial(tall, 2000)},
    quick=("50 x 16",),
    contestants=_contestants(
        oscillations, _rows_of_residuals, oscillations_by_hand, oscillations_of, True
    ),
    rtol={"float64": 1e-11},
)
REVERSE = Workload(
    title="Jacobian by reverse mode",
    cases={"16 x 50": partial(wide, 50), "16 x 2000": partial(wide, 2000)},
    quick=("16 x 50",),
    contestants=_contestants(moments, _rows_of_moments, moments_by_hand, moments_of, False),
    rtol={"float64": 1e-11},
)
